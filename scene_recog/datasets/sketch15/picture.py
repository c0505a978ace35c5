"""From a class name to a finished picture."""

import math

import numpy as np
from PIL import Image, ImageFilter

from scene_recog.datasets.sketch15.canvas import CANVAS, Sketch
from scene_recog.datasets.sketch15.nature import NATURE
from scene_recog.datasets.sketch15.rooms import ROOMS
from scene_recog.datasets.sketch15.streets import STREETS

_SCENES = NATURE | STREETS | ROOMS
CLASSES: tuple[str, ...] = tuple(sorted(_SCENES))


def _clutter(s: Sketch) -> None:
    """Something in front of the lens, now and then: leaves or a dark edge."""
    kind, x = s.rng.random(), s.rand(0, 1)
    if kind < 0.12:
        for _ in range(25):
            s.oval(x + s.rand(-0.2, 0.2), s.rand(0, 0.3) ** 1.5, 0.03, 0.02, s.rand(0.05, 0.3))
    elif kind < 0.24:
        s.box(0, 0, s.rand(0.05, 0.2), 1, s.rand(0, 0.4))


def _photograph(s: Sketch) -> Image.Image:
    """Crop, tilt, mirror, light, blur and grain: the same scene by another camera."""
    width, height = 256, 256
    if s.chance(0.5):
        width, height = s.count(220, 290), 220
        if s.chance(0.2):
            width, height = height, width
    zoom = CANVAS * s.rand(0.85, 0.97) / max(width, height)
    turn, mirror = s.rand(-0.03, 0.03), -1 if s.chance(0.5) else 1
    a, b = zoom * math.cos(turn) * mirror, zoom * math.sin(turn)
    d, e = -b * mirror, zoom * math.cos(turn)
    cx = CANVAS / 2 + s.rand(-0.5, 0.5) * (CANVAS - zoom * width)
    cy = CANVAS / 2 + s.rand(-0.5, 0.5) * (CANVAS - zoom * height)
    frame = (a, b, cx - (a * width + b * height) / 2, d, e, cy - (d * width + e * height) / 2)
    picture = s.image.transform(
        (width, height), Image.Transform.AFFINE, frame, Image.Resampling.BILINEAR
    )
    tones = np.asarray(picture.filter(ImageFilter.BoxBlur(s.rand(0.2, 0.8))), dtype=np.float32)
    shade = np.linspace(s.rand(0.85, 1.1), s.rand(0.85, 1.1), width, dtype=np.float32)
    tones = shade * (tones / 255) ** np.float32(s.rand(0.85, 1.2)) + np.float32(s.rand(0, 0.04))
    tones += np.float32(s.rand(0.01, 0.05)) * s.rng.standard_normal((height, width), np.float32)
    return Image.fromarray((tones * 255).clip(0, 255).astype(np.uint8))


def draw_scene(class_name: str, rng: np.random.Generator) -> Image.Image:
    """Draw one scene; the picture depends on the class and the state of `rng` only.

    Args:
        class_name: one of CLASSES.
        rng: where every random choice comes from.

    Returns:
        A grayscale picture (mode "L", values 0..255): 256x256, or 220 to 290 by 220 pixels
        lying or standing, as in the photographs.

    Raises:
        ValueError: an unknown class.
    """
    if class_name not in _SCENES:
        raise ValueError(f"unknown class {class_name!r}; the classes are {', '.join(CLASSES)}")
    sketch = Sketch(rng)
    _SCENES[class_name](sketch)
    _clutter(sketch)
    return _photograph(sketch)
