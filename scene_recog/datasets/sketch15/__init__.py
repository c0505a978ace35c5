"""sketch15: the fifteen scenes, drawn by code.

A stand-in for the 15-scene photographs that needs no download: every picture is a small
parametric scene (a horizon, a room, an aisle, ...), seen by a camera that stands anywhere, in
any light, with something in the way now and then. Classes are made of the same parts: house
fronts, cars and trees stand in a street as in the inner city, a sofa in an office too. What
tells them apart is how the parts are put together.

`canvas` is what scenes are drawn on; `elements`, `buildings` and `furniture` are the parts;
`nature`, `streets` and `rooms` are the scenes; `picture` makes a photograph of one, and says how
much viewpoint and light differ; `folder` writes the dataset.
"""

from scene_recog.datasets.sketch15.folder import MARKER, VERSION, write_sketch15
from scene_recog.datasets.sketch15.picture import CLASSES, draw_scene

__all__ = ["CLASSES", "MARKER", "VERSION", "draw_scene", "write_sketch15"]
