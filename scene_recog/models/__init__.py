"""The networks by name. To add one: write its file in this folder and list its class here.

`fisher_vectors.py` is not listed: no recipe trains it, it has its own `fit`.
"""

from __future__ import annotations

from torch import nn

from scene_recog.models.oriented_gradients import GradientPyramidNet
from scene_recog.models.scene_net import SceneNet, ScenePyramidNet, TinySceneNet
from scene_recog.simple_net import SimpleNet
from scene_recog.simple_net_final import SimpleNetFinal

NETS: dict[str, type[nn.Module]] = {
    net.__name__: net
    for net in (
        SimpleNet,
        SimpleNetFinal,
        SceneNet,
        ScenePyramidNet,
        GradientPyramidNet,
        TinySceneNet,
    )
}
