"""The networks by name. To add one: write its file in this folder and list its class here. If its
constructor takes a `width`, it keeps it in `self.arguments = {"width": width}`, from which a run is
loaded.

A `Trainer` trains those in NETS. Those in FITTED are fitted without steps (`fitter.py`).
"""

from __future__ import annotations

from torch import nn

from scene_recog.models.fisher_vectors import FisherVectorNet
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
FITTED: dict[str, type[nn.Module]] = {FisherVectorNet.__name__: FisherVectorNet}
