"""sketch15: the fifteen scenes, drawn by code.

A stand-in for the 15-scene photographs that needs no download: every picture is a small
parametric scene (a horizon, a room, an aisle, ...), seen by a camera from anywhere, in any light,
sometimes with something in the way. Classes share the same parts: house fronts, cars and trees
appear in streets and in the inner city, a sofa also in an office. Only the composition of the parts
distinguishes them.

Scenes are drawn on a `canvas`; `elements`, `buildings` and `furniture` are the parts; `nature`,
`streets` and `rooms` are the scenes; `picture` photographs one, and defines how much viewpoint and
light vary; `folder` writes the dataset. While it is drawn, a scene records what is drawn where:
`draw_annotated_scene` returns a label for each pixel, and boxes of cars and people.
"""

from scene_recog.datasets.sketch15.canvas import KINDS
from scene_recog.datasets.sketch15.folder import MARKER, VERSION, write_sketch15
from scene_recog.datasets.sketch15.picture import (
    BOXED,
    CLASSES,
    AnnotatedScene,
    Box,
    draw_annotated_scene,
    draw_scene,
)

__all__ = [
    "BOXED",
    "CLASSES",
    "KINDS",
    "MARKER",
    "VERSION",
    "AnnotatedScene",
    "Box",
    "draw_annotated_scene",
    "draw_scene",
    "write_sketch15",
]
