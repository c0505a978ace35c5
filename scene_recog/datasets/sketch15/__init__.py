"""sketch15: the fifteen scenes, drawn by code.

A stand-in for the 15-scene photographs that needs no download: every picture is a small
parametric scene (a horizon, a room, an aisle, ...) with a random viewpoint, light and clutter.
`canvas` and `elements` are what scenes are drawn with, `nature`, `streets` and `rooms` are the
scenes, `picture` makes a photograph of one, and `folder` writes the dataset.
"""

from scene_recog.datasets.sketch15.folder import MARKER, VERSION, write_sketch15
from scene_recog.datasets.sketch15.picture import CLASSES, draw_scene

__all__ = ["CLASSES", "MARKER", "VERSION", "draw_scene", "write_sketch15"]
