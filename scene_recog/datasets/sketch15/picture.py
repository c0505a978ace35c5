"""From a class name to a finished picture: obstacles, the camera, the light."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from scene_recog.datasets.sketch15.canvas import CANVAS, KINDS, Sketch
from scene_recog.datasets.sketch15.elements import draw_foreground
from scene_recog.datasets.sketch15.nature import NATURE
from scene_recog.datasets.sketch15.rooms import ROOMS
from scene_recog.datasets.sketch15.streets import STREETS

_SCENES = NATURE | STREETS | ROOMS
CLASSES: tuple[str, ...] = tuple(sorted(_SCENES))

# How much pictures of one scene vary: wider ranges make all fifteen classes harder.
ZOOM = (0.9, 1.0)  # visible fraction of the scene's longer side
TURN = 0.03  # maximum tilt of the camera, in radians
KEYSTONE = 0.12  # how much nearer one side is than the other, at most
IN_FRONT = (0, 0, 0, 1, 1)  # objects that hide part of the scene, drawn from these numbers
GAMMA = (0.8, 1.2)  # over- and underexposed
SIDELIGHT = 0.18  # how much brighter or darker one side is, at most
SHADOW = (0.5, 0.8)  # fraction of the light that a shadow leaves
HAZE = (0.0, 0.12)  # how far all tones are pulled towards one
CONTRAST = 1.3  # gives the pixels a standard deviation of 0.25, like those of the photographs
LEAST_CONTRAST = 0.067  # standard deviation of the tones: flatter pictures are stretched

BOXED = ("car", "person")  # kinds of objects that get a box


class Box(NamedTuple):
    """What can be seen of an object, in pixels: columns left to right - 1, rows top to bottom - 1.

    The order of the corners is torchvision's.
    """

    kind: str
    left: int
    top: int
    right: int
    bottom: int


class AnnotatedScene(NamedTuple):
    """A picture; the kind of each of its pixels, an index of KINDS, uint8 [H, W]; the boxes."""

    image: Image.Image
    labels: NDArray[np.uint8]
    boxes: list[Box]


def _look(s: Sketch, width: int, height: int) -> None:
    """Point a camera at the scene: from nearer or farther, from the side, tilted, mirrored."""
    turn, mirror = s.rand(-TURN, TURN), -1 if s.chance(0.5) else 1
    g, h = s.rand(-KEYSTONE, KEYSTONE), s.rand(-KEYSTONE, KEYSTONE)

    # (u, v) of the frame, from -1/2 to 1/2, sees (a u + b v, d u + e v) / (1 + g u + h v)
    a, b = width * math.cos(turn) * mirror, height * math.sin(turn)
    d, e = -width * math.sin(turn) * mirror, height * math.cos(turn)
    corners = [
        ((a * u + b * v) / (1 + g * u + h * v), (d * u + e * v) / (1 + g * u + h * v))
        for u in (-0.5, 0.5)
        for v in (-0.5, 0.5)
    ]
    low, high = np.min(corners, axis=0), np.max(corners, axis=0)
    zoom = CANVAS * s.rand(*ZOOM) / (high - low).max()
    x, y = ((s.rand(0, CANVAS - zoom * (q - p)) - zoom * p) for p, q in zip(low, high, strict=True))
    rows = [
        (zoom * a + x * g, zoom * b + x * h, x),
        (zoom * d + y * g, zoom * e + y * h, y),
        (g, h, 1.0),
    ]
    unit = 1 - (g + h) / 2  # pixels count from a corner, and PIL's last coefficient is 1
    c = [n / unit for p, q, r in rows for n in (p / CANVAS, q / CANVAS, r - (p + q) / 2)]
    s.look_through(c[:8])


def _light(s: Sketch, width: int, height: int) -> Image.Image:
    """Sidelight, a shadow, haze, exposure, and a little blur and grain."""
    picture = s.image.resize((width, height), Image.Resampling.BILINEAR)
    tones = np.asarray(picture.filter(ImageFilter.BoxBlur(s.rand(0.2, 0.8))), dtype=np.float32)
    x = np.linspace(-1, 1, width, dtype=np.float32)
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    light = 1 + np.float32(s.rand(-SIDELIGHT, SIDELIGHT)) * x
    light = light + np.float32(s.rand(-SIDELIGHT, SIDELIGHT)) * y
    if s.chance(0.3):  # of something outside the picture
        edge = x * np.float32(s.rand(-1, 1)) + y * np.float32(s.rand(-1, 1))
        share = ((edge - np.float32(s.rand(0, 0.5))) * 8).clip(0, 1)
        light = light * (1 - share * np.float32(1 - s.rand(*SHADOW)))
    tones = (tones / 255 * light).clip(0, 1) ** np.float32(s.rand(*GAMMA))
    tones += np.float32(s.rand(*HAZE)) * (np.float32(s.rand(0.3, 0.9)) - tones)
    tones = np.float32(0.5) + np.float32(CONTRAST) * (tones - np.float32(0.5))
    tones += np.float32(s.rand(0.01, 0.03)) * s.rng.standard_normal((height, width), np.float32)
    if (contrast := tones.std()) < LEAST_CONTRAST:
        tones = tones.mean() + (tones - tones.mean()) * np.float32(LEAST_CONTRAST / contrast)
    return Image.fromarray((tones * 255).clip(0, 255).astype(np.uint8))


def draw_scene(class_name: str, rng: np.random.Generator) -> Image.Image:
    """Draw one scene; the picture depends only on the class and the state of `rng`.

    Args:
        class_name: one of CLASSES.
        rng: where every random choice comes from.

    Returns:
        A grayscale picture (mode "L", values 0..255): 256x256, or 220 to 290 by 220 pixels in
        landscape or portrait format, like the photographs.

    Raises:
        ValueError: an unknown class.
    """
    return _draw(class_name, rng)[1]


def draw_annotated_scene(class_name: str, rng: np.random.Generator) -> AnnotatedScene:
    """Draw a scene as `draw_scene` does, and also return what is drawn where.

    Args:
        class_name: one of CLASSES.
        rng: where every random choice comes from.

    Returns:
        The picture, bit-identical to that of `draw_scene`; the kind of each pixel; and the boxes of
        cars and people, the far ones first, as far as something in front leaves them visible.

    Raises:
        ValueError: an unknown class.
    """
    sketch, image = _draw(class_name, rng)
    objects = np.asarray(sketch.objects.resize(image.size, Image.Resampling.NEAREST))
    labels = np.array([KINDS.index(kind) for kind in sketch.kinds], dtype=np.uint8)[objects]
    boxes = []
    for number, kind in enumerate(sketch.kinds):
        if kind in BOXED and (objects == number).any():
            rows, columns = np.nonzero(objects == number)
            left, top, right, bottom = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
            boxes.append(Box(kind, int(left), int(top), int(right), int(bottom)))
    return AnnotatedScene(image, labels, boxes)


def _draw(class_name: str, rng: np.random.Generator) -> tuple[Sketch, Image.Image]:
    if class_name not in _SCENES:
        raise ValueError(f"unknown class {class_name!r}; the classes are {', '.join(CLASSES)}")
    sketch = Sketch(rng)
    width, height = 256, 256
    if sketch.chance(0.5):
        width, height = sketch.count(220, 290), 220
        if sketch.chance(0.2):
            width, height = height, width
    _SCENES[class_name](sketch)
    _look(sketch, width, height)
    for _ in range(sketch.choice(IN_FRONT)):
        draw_foreground(sketch, indoors=class_name in ROOMS)
    return sketch, _light(sketch, width, height)
