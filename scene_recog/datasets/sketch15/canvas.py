"""The canvas of a scene: flat shapes, and rectangles and boxes in perspective.

The canvas also records what is drawn where. `@depicts("car")` says what a function draws, and
`with s.depicting("car"):` what a few lines draw. Inner labels win: a tree in front of a house is a
plant. What has no label is "other".
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Concatenate, ParamSpec, TypeVar

import numpy as np
from PIL import Image, ImageDraw

T = TypeVar("T")
P = ParamSpec("P")
Point = tuple[float, float]
Corner = tuple[float, float, float]
Face = Callable[[float, float], Point]

CANVAS = 288  # pixels per side while drawing; the finished picture is a crop of it
EYE = (0.35, 0.65), (0.4, 0.55)  # range of the vanishing point, across and down
KINDS = (  # of what is drawn; a pixel's label is an index of this tuple
    "other", "sky", "ground", "water", "mountain", "plant", "building", "road", "car", "person",
    "wall", "floor", "furniture",
)  # fmt: skip


class Sketch:
    """A square canvas in fractions: x to the right, y downwards, tones from 0 (black) to 1.

    `eye` is the vanishing point. `at(x, y, z)` is the position of a point x to the right of the
    eye, y below it and z in front of it; at z = 1 the canvas is one unit wide. All randomness
    comes from `rng`: `rand` draws between two numbers, `count` an integer, ends included.
    `look_through` replaces the canvas by a camera's view of it.

    `objects` is a second image: the number of the object that each pixel belongs to. `kinds` has
    the kind of each object, by number.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.eye = (self.rand(*EYE[0]), self.rand(*EYE[1]))
        self.kinds = ["other"]
        self._object = 0  # the number of what is being drawn
        size = (CANVAS, CANVAS)
        self._paint_on(Image.new("L", size, 128), Image.new("I", size, self._object))

    def _paint_on(self, image: Image.Image, objects: Image.Image) -> None:
        self.image, self.draw = image, ImageDraw.Draw(image)
        self.objects, self.draw_object = objects, ImageDraw.Draw(objects)

    @contextmanager
    def depicting(self, kind: str) -> Iterator[None]:
        """What is drawn in this `with` block is a new object of this kind, one of KINDS."""
        around, self._object = self._object, len(self.kinds)
        self.kinds.append(kind)
        yield
        self._object = around

    def look_through(self, coefficients: Sequence[float]) -> None:
        """Apply PIL's perspective transform with these eight coefficients."""
        image, objects = (
            picture.transform(picture.size, Image.Transform.PERSPECTIVE, coefficients, resampling)
            for picture, resampling in (
                (self.image, Image.Resampling.BILINEAR),
                (self.objects, Image.Resampling.NEAREST),  # numbers must not be averaged
            )
        )
        self._paint_on(image, objects)

    def rand(self, low: float, high: float) -> float:
        return low + (high - low) * self.rng.random()

    def count(self, low: int, high: int) -> int:
        return int(low + (high - low + 1) * self.rng.random())

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def choice(self, options: Sequence[T]) -> T:
        return options[self.count(0, len(options) - 1)]

    def at(self, x: float, y: float, z: float) -> Point:
        return self.eye[0] + x / z, self.eye[1] + y / z

    def polygon(self, points: Sequence[Point], tone: float) -> None:
        corners = [(x * CANVAS, y * CANVAS) for x, y in points]
        self.draw.polygon(corners, fill=_ink(tone))
        self.draw_object.polygon(corners, fill=self._object)

    def box(self, x0: float, y0: float, x1: float, y1: float, tone: float) -> None:
        self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], tone)

    def oval(self, x: float, y: float, rx: float, ry: float, tone: float) -> None:
        edges = ((x - rx) * CANVAS, (y - ry) * CANVAS, (x + rx) * CANVAS, (y + ry) * CANVAS)
        self.draw.ellipse(edges, fill=_ink(tone))
        self.draw_object.ellipse(edges, fill=self._object)

    def line(self, points: Sequence[Point], tone: float, width: float = 0.005) -> None:
        path = [(x * CANVAS, y * CANVAS) for x, y in points]
        pixels = max(1, round(width * CANVAS))
        self.draw.line(path, fill=_ink(tone), width=pixels)
        self.draw_object.line(path, fill=self._object, width=pixels)

    def field(self, rows: int, columns: int) -> np.ndarray:
        """Smooth noise [CANVAS, CANVAS] in about [0, 1] with this many bumps each way."""
        coarse = Image.fromarray(self.rng.random((rows, columns), dtype=np.float32))
        return np.asarray(coarse.resize((CANVAS, CANVAS), Image.Resampling.BICUBIC))

    def fill(self, tones: np.ndarray, top: float = 0.0) -> None:
        """Paint tones [CANVAS, CANVAS] over everything below `top`."""
        row = round(top * CANVAS)
        pixels = (tones[row:].clip(0, 1) * 255).astype(np.uint8)
        self.paste(Image.fromarray(pixels), row)

    def paste(self, picture: Image.Image, row: int) -> None:
        """Paste a picture as wide as the canvas, from this row of pixels downwards."""
        self.image.paste(picture, (0, row))
        self.objects.paste(self._object, (0, row, CANVAS, row + picture.height))

    def face(self, a: Corner, b: Corner, tone: float | None = None) -> Face:
        """Map (u, v) in the unit square to the flat rectangle from a to b; paint it with `tone`."""
        across = 0 if a[0] != b[0] else 2
        down = 1 if a[1] != b[1] else 2

        def place(u: float, v: float) -> Point:
            corner = list(a)
            corner[across] += u * (b[across] - a[across])
            corner[down] += v * (b[down] - a[down])
            return self.at(corner[0], corner[1], corner[2])

        if tone is not None:
            self.patch(place, 0, 0, 1, 1, tone)
        return place

    def patch(self, face: Face, u0: float, v0: float, u1: float, v1: float, tone: float) -> None:
        self.polygon([face(u0, v0), face(u1, v0), face(u1, v1), face(u0, v1)], tone)

    def grid(
        self, face: Face, columns: int, rows: int, tone: float, spread: float, gap: Point
    ) -> None:
        """Tile a face with panes (windows, doors, lamps); `gap` is the part of a cell left free."""
        for i in range(columns):
            for j in range(rows):
                u, v = (i + gap[0] / 2) / columns, (j + gap[1] / 2) / rows
                u1, v1 = u + (1 - gap[0]) / columns, v + (1 - gap[1]) / rows
                self.patch(face, u, v, u1, v1, tone + self.rand(-spread, spread))

    def cuboid(self, a: Corner, b: Corner, tone: float) -> Face:
        """Draw the visible sides of a box from a (left, top, near) to b; return its front."""
        (x0, y0, z0), (x1, y1, z1) = a, b
        if x0 > 0:
            self.face(a, (x0, y1, z1), tone * 0.7)
        if x1 < 0:
            self.face((x1, y0, z0), b, tone * 0.7)
        if y0 > 0:
            self.face(a, (x1, y0, z1), tone * 1.2)
        return self.face(a, (x1, y1, z0), tone)


def depicts(
    kind: str,
) -> Callable[[Callable[Concatenate[Sketch, P], T]], Callable[Concatenate[Sketch, P], T]]:
    """Decorate a function that draws one object of this kind on the sketch it is given."""

    def decorate(draw: Callable[Concatenate[Sketch, P], T]) -> Callable[Concatenate[Sketch, P], T]:
        @functools.wraps(draw)
        def draw_object(s: Sketch, /, *args: P.args, **kwargs: P.kwargs) -> T:
            with s.depicting(kind):
                return draw(s, *args, **kwargs)

        return draw_object

    return decorate


def flat_face(x0: float, y0: float, x1: float, y1: float) -> Face:
    """As `Sketch.face`, for a rectangle that lies flat on the canvas."""
    return lambda u, v: (x0 + u * (x1 - x0), y0 + v * (y1 - y0))


def part_of(face: Face, u0: float, v0: float, u1: float, v1: float) -> Face:
    """The face of a rectangle within a face."""
    return lambda u, v: face(u0 + u * (u1 - u0), v0 + v * (v1 - v0))


def _ink(tone: float) -> int:
    return min(255, max(0, int(tone * 255)))
