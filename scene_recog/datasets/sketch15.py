"""sketch15: the fifteen scenes, drawn by code.

A stand-in for the 15-scene photographs that needs no download: every picture is a small
parametric scene (a horizon, a room, an aisle, ...) with a random viewpoint, light and clutter.
Read from top to bottom: the canvas, the shared elements, one function per scene, the writing.
"""

import json
import math
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

T = TypeVar("T")
Point = tuple[float, float]
Corner = tuple[float, float, float]
Marker = dict[str, str | int]
Face = Callable[[float, float], Point]

CANVAS = 288  # pixels a side while drawing; the finished picture is a crop of it
MARKER = "sketch15.json"
VERSION = 1


# ---------------------------------------------------------------------------------------------
# The canvas
# ---------------------------------------------------------------------------------------------


class Sketch:
    """A square canvas in fractions: x to the right, y downwards, tones from 0 (black) to 1.

    `eye` is the vanishing point. `at(x, y, z)` is where a point lies that is x to the right of
    the eye, y below it and z in front of it; at z = 1 the canvas is one unit wide. All chance
    comes from `rng`: `rand` between two numbers, `count` a whole number, ends included.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.image = Image.new("L", (CANVAS, CANVAS), 128)
        self.draw = ImageDraw.Draw(self.image)
        self.eye = (self.rand(0.35, 0.65), self.rand(0.4, 0.55))

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
        self.draw.polygon([(x * CANVAS, y * CANVAS) for x, y in points], fill=_ink(tone))

    def box(self, x0: float, y0: float, x1: float, y1: float, tone: float) -> None:
        self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], tone)

    def oval(self, x: float, y: float, rx: float, ry: float, tone: float) -> None:
        edges = ((x - rx) * CANVAS, (y - ry) * CANVAS, (x + rx) * CANVAS, (y + ry) * CANVAS)
        self.draw.ellipse(edges, fill=_ink(tone))

    def line(self, points: Sequence[Point], tone: float, width: float = 0.005) -> None:
        path = [(x * CANVAS, y * CANVAS) for x, y in points]
        self.draw.line(path, fill=_ink(tone), width=max(1, round(width * CANVAS)))

    def field(self, rows: int, columns: int) -> np.ndarray:
        """Smooth noise [CANVAS, CANVAS] in about [0, 1] with that many bumps each way."""
        coarse = Image.fromarray(self.rng.random((rows, columns), dtype=np.float32))
        return np.asarray(coarse.resize((CANVAS, CANVAS), Image.Resampling.BICUBIC))

    def fill(self, tones: np.ndarray, top: float = 0.0) -> None:
        """Paint tones [CANVAS, CANVAS] over everything below `top`."""
        row = round(top * CANVAS)
        pixels = (tones[row:].clip(0, 1) * 255).astype(np.uint8)
        self.image.paste(Image.fromarray(pixels), (0, row))


def _ink(tone: float) -> int:
    return min(255, max(0, int(tone * 255)))


# ---------------------------------------------------------------------------------------------
# Shared elements: perspective
# ---------------------------------------------------------------------------------------------


def _face(s: Sketch, a: Corner, b: Corner, tone: float | None = None) -> Face:
    """Map (u, v) in the unit square to the flat rectangle from a to b; paint it with `tone`."""
    across = 0 if a[0] != b[0] else 2
    down = 1 if a[1] != b[1] else 2

    def place(u: float, v: float) -> Point:
        corner = list(a)
        corner[across] += u * (b[across] - a[across])
        corner[down] += v * (b[down] - a[down])
        return s.at(corner[0], corner[1], corner[2])

    if tone is not None:
        _patch(s, place, 0, 0, 1, 1, tone)
    return place


def _flat(x0: float, y0: float, x1: float, y1: float) -> Face:
    """The same map for a rectangle that lies flat on the canvas."""
    return lambda u, v: (x0 + u * (x1 - x0), y0 + v * (y1 - y0))


def _patch(s: Sketch, face: Face, u0: float, v0: float, u1: float, v1: float, tone: float) -> None:
    s.polygon([face(u0, v0), face(u1, v0), face(u1, v1), face(u0, v1)], tone)


def _grid(
    s: Sketch, face: Face, columns: int, rows: int, tone: float, spread: float, gap: Point
) -> None:
    """Tile a face with panes (windows, doors, lamps); `gap` is the part of a cell left free."""
    for i in range(columns):
        for j in range(rows):
            u, v = (i + gap[0] / 2) / columns, (j + gap[1] / 2) / rows
            u1, v1 = u + (1 - gap[0]) / columns, v + (1 - gap[1]) / rows
            _patch(s, face, u, v, u1, v1, tone + s.rand(-spread, spread))


def _cuboid(s: Sketch, a: Corner, b: Corner, tone: float) -> Face:
    """Draw the visible sides of the box from a (left, top, near) to b; return its front face."""
    (x0, y0, z0), (x1, y1, z1) = a, b
    if x0 > 0:
        _face(s, a, (x0, y1, z1), tone * 0.7)
    if x1 < 0:
        _face(s, (x1, y0, z0), b, tone * 0.7)
    if y0 > 0:
        _face(s, a, (x1, y0, z1), tone * 1.2)
    return _face(s, a, (x1, y1, z0), tone)


# ---------------------------------------------------------------------------------------------
# Shared elements: outdoors
# ---------------------------------------------------------------------------------------------


def _sky(s: Sketch) -> None:
    fade = np.linspace(s.rand(0.6, 0.85), s.rand(0.8, 1.0), CANVAS)[:, None]
    clouds = (s.field(s.count(5, 12), s.count(3, 6)) - s.rand(0.4, 0.9)).clip(0, 1)
    s.fill(fade + s.rand(-0.2, 0.6) * clouds)


def _ground(s: Sketch, top: float, tone: float, grain: float) -> None:
    """Cover everything below `top`, with streaks that grow towards the viewer."""
    s.fill(tone + grain * (s.field(24, 6) - 0.5), top)
    for _ in range(40):
        near = s.rng.random()
        x, y = s.rand(-0.1, 1), top + near * (1 - top)
        shade = tone + s.rand(-grain, grain)
        s.box(x, y, x + 0.02 + 0.15 * near, y + 0.003 + 0.01 * near, shade)


def _jagged(s: Sketch, start: Point, end: Point, rough: float, steps: int = 10) -> list[Point]:
    path = [start]
    for k in range(1, steps):
        x = start[0] + (end[0] - start[0]) * k / steps + s.rand(-rough, rough)
        path.append((x, start[1] + (end[1] - start[1]) * k / steps + s.rand(-rough, rough)))
    return [*path, end]


def _ridge(s: Sketch, base: float, height: float, tone: float) -> None:
    """A range of hills: coarse to fine random bumps, filled down to the base line."""
    x = np.linspace(0, 1, 49)
    bumps = [np.interp(x, np.linspace(0, 1, n), s.rng.random(n)) / n for n in (3, 5, 9, 17)]
    y = base - height * 1.7 * np.sum(bumps, axis=0)
    tops = list(zip(x.tolist(), y.tolist(), strict=True))
    s.polygon([(0, base), *tops, (1, base)], tone)


def _peak(s: Sketch, x: float, y: float, base: float, tone: float, snow: int) -> None:
    """One mountain: a lit face and a shaded face, with snow on the upper tenths."""
    spread, rough = (base - y) * s.rand(0.8, 1.3), (base - y) * 0.04
    left, middle, right = (
        _jagged(s, (x, y), (x + lean * spread, base), rough) for lean in (-1, s.rand(-0.4, 0.4), 1)
    )
    for edge, light in ((left, 1.0), (right, 0.55)):
        s.polygon([*edge, *middle[::-1]], tone * light)
        if snow > 0:
            hem = _jagged(s, edge[snow], middle[snow], rough * 1.5, 5)
            s.polygon([*edge[:snow], *hem, *middle[:snow][::-1]], 0.4 + 0.6 * light)


def _tree(s: Sketch, x: float, base: float, height: float, tone: float) -> None:
    s.line([(x, base), (x, base - height * 0.6)], tone * 0.6, height * 0.08)
    size = height * s.rand(0.25, 0.4)
    for k in range(14):  # from the dark underside to the sunlit leaves on top
        angle, reach, puff = s.rand(0, 6.3), size * s.rand(0, 0.9), size * s.rand(0.25, 0.5)
        px, py = x + reach * math.cos(angle), base - height * 0.65 + reach * math.sin(angle)
        s.oval(px, py - size * k / 40, puff, puff, tone * (0.7 + k / 22))


def _conifer(s: Sketch, x: float, base: float, height: float, tone: float) -> None:
    s.line([(x, base), (x, base - height * 0.3)], tone * 0.5, height * 0.05)
    for k in range(5):
        low, wide = base - height * (0.1 + 0.15 * k), height * (0.26 - 0.04 * k)
        tip = (x, low - height * 0.3)
        s.polygon([tip, (x - wide, low), (x + wide, low)], tone * 0.7)
        s.polygon([tip, (x - wide, low), (x, low - height * 0.05)], tone * s.rand(1, 1.4))


def _bushes(s: Sketch, base: float, amount: int, height: float, tone: float) -> None:
    for _ in range(amount):
        plant = _conifer if s.chance(0.2) else _tree
        plant(s, s.rand(0, 1), base + s.rand(0, 0.02), height * s.rand(0.5, 1.2), tone)


def _car(s: Sketch, x: float, y: float, size: float) -> None:
    """A car that stands at (x, y): shadow, wheels, body, cabin, glass and lights."""
    tone, long = s.rand(0.1, 0.95), size * s.rand(0.55, 1.1)
    s.oval(x, y, long * 1.05, size * 0.08, 0.1)
    for side in (-0.6, 0.6):
        s.oval(x + side * long, y - size * 0.08, size * 0.15, size * 0.15, 0.08)
    s.box(x - long, y - size * 0.5, x + long, y - size * 0.1, tone)
    for grow, shade in ((1.0, tone * 0.9), (0.8, 0.25)):
        roof, foot, top = long * 0.5 * grow, long * 0.75 * grow, y - size * (0.7 + 0.2 * grow)
        low = y - size * 0.5
        s.polygon([(x - roof, top), (x + roof, top), (x + foot, low), (x - foot, low)], shade)
    for side in (-0.85, 0.85):
        s.oval(x + side * long, y - size * 0.35, size * 0.07, size * 0.06, 0.95)


def _road(s: Sketch, left: float, right: float, tone: float, lanes: int) -> None:
    """A straight road to the vanishing point, 0.5 below the eye, with lane marks."""
    _face(s, (left, 0.5, 0.4), (right, 0.5, 60), tone)
    for k in range(lanes + 1):
        x = left + (right - left) * (0.03 + 0.94 * k / lanes)
        z = s.rand(0.5, 0.8)
        while z < 12:  # solid at the edges, dashed between the lanes
            end = 60 if k in (0, lanes) else z * 1.35
            _face(s, (x - 0.014, 0.5, z), (x + 0.014, 0.5, end), 0.95)
            z = end * 1.3


def _tower(s: Sketch, x0: float, x1: float, top: float, base: float, taper: float = 0) -> None:
    """A tall block with a lit and a shaded face, rows of windows, narrower at the top."""
    tone, edge, middle = s.rand(0.35, 0.75), x0 + (x1 - x0) * s.rand(0.6, 0.9), (x0 + x1) / 2
    rows, gap = max(4, int((base - top) * s.rand(16, 28))), (s.rand(0.2, 0.6), s.rand(0.2, 0.6))
    for a, b, light in ((x0, edge, 1.0), (edge, x1, 0.6)):

        def face(u: float, v: float, a: float = a, b: float = b) -> Point:
            shrink = 1 - taper * (1 - v)
            return middle + (a + u * (b - a) - middle) * shrink, top + v * (base - top)

        _patch(s, face, 0, 0, 1, 1, tone * light)
        columns = max(1, round((b - a) * rows / (base - top) * 0.8))
        _grid(s, face, columns, rows, tone * light * 0.45, 0.06, gap)
    if s.chance(0.3):
        s.line([(middle, top), (middle, top - s.rand(0.04, 0.12))], tone * 0.6)


def _people(s: Sketch, base: float, size: float, amount: int) -> None:
    for _ in range(amount):
        x, tone = s.rand(0.05, 0.95), s.rand(0.05, 0.8)
        s.oval(x, base - size, size * 0.13, size * 0.13, s.rand(0.4, 0.8))
        s.box(x - size * 0.17, base - size * 0.87, x + size * 0.17, base - size * 0.4, tone)
        s.box(x - size * 0.12, base - size * 0.4, x + size * 0.12, base, tone * 0.6)


# ---------------------------------------------------------------------------------------------
# Shared elements: indoors
# ---------------------------------------------------------------------------------------------


def _room(s: Sketch) -> tuple[float, float, float]:
    """An empty room with floor, walls and ceiling; return (half width, floor, depth)."""
    s.eye = s.eye[0], s.rand(0.3, 0.38)
    half, floor, roof, back = s.rand(0.85, 1), s.rand(0.7, 0.8), -s.rand(0.55, 0.7), s.rand(1.8, 2)
    wall, ground = s.rand(0.6, 0.85), s.rand(0.3, 0.55)
    s.box(0, 0, 1, 1, wall)
    for side in (-half, half):
        _face(s, (side, roof, 0.3), (side, floor, back), wall * s.rand(0.75, 0.9))
    _face(s, (-half, roof, 0.3), (half, roof, back), wall * 1.15)
    boards = _face(s, (-half, floor, 0.3), (half, floor, back), ground)
    if s.chance(0.5):
        _grid(s, boards, s.count(6, 12), 8 if s.chance(0.5) else 1, ground, 0.04, (0.06, 0.06))
    return half, floor, back


def _window(s: Sketch, x: float, y: float, z: float, wide: float, high: float) -> None:
    """A bright window on the back wall, with panes and perhaps curtains or blinds."""
    frame = _face(s, (x - wide, y - high, z), (x + wide, y + high, z))
    _patch(s, frame, -0.06, -0.06, 1.06, 1.06, s.rand(0.3, 0.6))
    _grid(s, frame, s.count(1, 3), s.count(1, 3), s.rand(0.9, 1), 0.05, (0.06, 0.06))
    if s.chance(0.4):  # curtains
        curtain = s.rand(0.3, 0.7)
        for k in (*range(5), *range(12, 17)):
            fold = curtain * (0.85 + 0.25 * (k % 2))
            _patch(s, frame, k / 11 - 0.27, -0.15, (k + 1) / 11 - 0.27, 1.3, fold)


def _pictures(s: Sketch, half: float, z: float) -> None:
    for _ in range(s.count(0, 3)):
        x, y, size = s.rand(-0.8, 0.8) * half, s.rand(-0.3, -0.15), s.rand(0.06, 0.13)
        frame = _face(s, (x - size, y - size, z), (x + size, y + size * s.rand(0.3, 1), z), 0.2)
        _patch(s, frame, 0.12, 0.12, 0.88, 0.88, s.rand(0.6, 0.95))
        _patch(s, frame, 0.25, 0.4, 0.75, 0.8, s.rand(0.2, 0.8))


def _lamp(s: Sketch, x: float, y: float, z: float, high: float) -> None:
    """A lamp whose foot stands at (x, y, z)."""
    s.line([s.at(x, y, z), s.at(x, y - high, z)], 0.15, 0.02 / z)
    corners = ((-0.05, -0.16), (0.05, -0.16), (0.1, 0.04), (-0.1, 0.04))
    s.polygon([s.at(x + dx, y - high + dy, z) for dx, dy in corners], s.rand(0.9, 1))


def _plant(s: Sketch, x: float, floor: float, z: float) -> None:
    _cuboid(s, (x - 0.07, floor - 0.15, z), (x + 0.07, floor, z + 0.1), s.rand(0.3, 0.8))
    size = s.rand(0.25, 0.45)
    for _ in range(14):
        tip = s.at(x + s.rand(-0.6, 0.6) * size, floor - 0.15 - size * s.rand(0.5, 1), z)
        s.line([s.at(x, floor - 0.15, z), tip], s.rand(0.1, 0.35), 0.03 / z)


def _chair(s: Sketch, x: float, floor: float, z: float) -> None:
    """A dark swivel chair seen from behind."""
    tone, seat = s.rand(0.08, 0.24), floor - 0.28
    s.line([s.at(x, seat, z), s.at(x, floor - 0.05, z)], tone, 0.04 / z)
    for foot in (-0.14, 0, 0.14):
        s.line([s.at(x, floor - 0.06, z), s.at(x + foot, floor, z)], tone, 0.02 / z)
    _cuboid(s, (x - 0.15, seat, z), (x + 0.15, seat + 0.05, z + 0.25), tone)
    s.oval(*s.at(x, seat - 0.2, z), 0.15 / z, 0.18 / z, tone * 1.2)


def _goods(s: Sketch, face: Face, columns: int, shelves: int, tone: float) -> None:
    """Shelves on a face, filled with boxes, bottles or books of all heights."""
    _patch(s, face, 0, 0, 1, 1, tone)
    for j in range(shelves):
        low, u = (j + 0.88) / shelves, 0.01
        while u < 0.97:
            wide, high = s.rand(0.5, 1.5) / columns, s.rand(0.45, 0.8) / shelves
            _patch(s, face, u, low - high, min(0.99, u + wide * 0.85), low, s.rand(0.1, 1))
            u += wide
        _patch(s, face, 0, low, 1, low + 0.05 / shelves, tone * 1.6 + 0.1)


# ---------------------------------------------------------------------------------------------
# Scenes: nature
# ---------------------------------------------------------------------------------------------


def _coast(s: Sketch) -> None:
    horizon, sea, glitter = s.eye[1], s.rand(0.25, 0.5), s.rand(0, 1)
    _sky(s)
    if s.chance(0.4):
        s.oval(glitter, horizon - s.rand(0, 0.2), 0.04, 0.04, 1)
    if s.chance(0.4):
        _ridge(s, horizon, s.rand(0.03, 0.2), sea * s.rand(0.6, 1.1))
    _ground(s, horizon, sea, 0.06)
    for _ in range(s.count(30, 90)):  # waves, brighter below the sun
        near = s.rng.random() ** 1.5
        x, y = s.rand(-0.1, 1), horizon + near * (1 - horizon)
        light = sea + s.rand(0.1, 0.4) * (1.3 - 2 * abs(x - glitter))
        s.box(x, y, x + 0.03 + 0.2 * near, y + 0.004 + 0.012 * near, light)
    if s.chance(0.65):  # a beach, with surf along its edge
        shore = _jagged(s, (0, s.rand(0.65, 1)), (1, s.rand(0.65, 1)), 0.015)
        s.polygon([(0, 1), *shore, (1, 1)], s.rand(0.65, 0.85))
        s.line(shore, 1, s.rand(0.01, 0.05))
    for _ in range(s.count(0, 5)):  # rocks
        x, y = s.rand(0, 1), s.rand(horizon + 0.05, 1)
        size = 0.3 * (y - horizon)
        s.line([(x - size * 1.3, y), (x + size * 1.3, y)], 0.95, 0.01)
        top = _jagged(s, (x - size / 2, y - size * 0.7), (x + size, y), 0.02)
        s.polygon([(x - size, y), *top], 0.2)
    if s.chance(0.3):  # a sailing boat
        x, y, size = s.rand(0.1, 0.9), horizon + s.rand(0.01, 0.1), s.rand(0.05, 0.15)
        s.polygon([(x, y - size), (x, y), (x + size * 0.6, y)], 1)
        s.box(x - size * 0.4, y, x + size * 0.7, y + size * 0.15, 0.15)


def _opencountry(s: Sketch) -> None:
    horizon, field = s.eye[1], s.rand(0.4, 0.65)
    _sky(s)
    for k in range(s.count(0, 3)):
        _ridge(s, horizon + 0.01, s.rand(0.05, 0.2), field * (1.1 - 0.2 * k))
    _ground(s, horizon, field, s.rand(0.1, 0.3))
    if s.chance(0.3):  # furrows
        for k in range(-16, 17):
            x = k * 0.2 + s.rand(0, 0.04)
            _face(s, (x, 0.5, 0.4), (x + 0.06, 0.5, 30), field - s.rand(0.05, 0.15))
    _bushes(s, horizon + 0.01, s.count(2, 16), 0.08, field * 0.5)
    for _ in range(s.count(0, 4)):  # lone trees and hay bales
        x, y = s.rand(0, 1), s.rand(horizon + 0.05, 0.95)
        if s.chance(0.6):
            _tree(s, x, y, (y - horizon) * s.rand(0.6, 1.3), s.rand(0.2, 0.35))
        else:
            s.oval(x, y, (y - horizon) * 0.2, (y - horizon) * 0.16, s.rand(0.7, 0.9))


def _mountain(s: Sketch) -> None:
    base, tone, snow = s.eye[1] + 0.25, s.rand(0.4, 0.6), s.count(-1, 6)
    _sky(s)
    if s.chance(0.4):
        _ridge(s, base, s.rand(0.3, 0.5), tone * 1.3)
    for _ in range(s.count(2, 5)):
        _peak(s, s.rand(0, 1), s.rand(0.12, 0.4), base, tone * s.rand(0.85, 1.15), snow)
    if s.chance(0.6):
        _ridge(s, base + 0.02, s.rand(0.05, 0.25), tone * s.rand(0.5, 0.8))
    if s.chance(0.3):  # a lake that mirrors the peaks
        row = round(base * CANVAS)
        mirror = s.image.crop((0, 0, CANVAS, row)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        s.image.paste(mirror.point(lambda level: int(level * 0.7)), (0, row))
        for y in np.linspace(base, 1, 12).tolist():
            s.line([(s.rand(0, 0.5), y), (s.rand(0.5, 1), y)], 0.6, 0.003)
    else:
        _ground(s, base, tone * s.rand(0.7, 1.2), 0.15)
    if s.chance(0.5):
        _bushes(s, s.rand(base, 1), s.count(4, 20), 0.12, s.rand(0.15, 0.3))


def _forest(s: Sketch) -> None:
    dark, foot = s.rand(0.15, 0.3), s.rand(0.65, 0.8)
    if s.chance(0.4):  # conifers, row before row
        _sky(s)
        _ground(s, foot, s.rand(0.3, 0.9), 0.1)
        for k in range(4):
            for _ in range(11 - 2 * k):
                high, base = s.rand(0.35, 0.65) + 0.1 * k, 0.68 + 0.1 * k
                _conifer(s, s.rand(-0.05, 1.05), base, high, dark * (1.6 - 0.2 * k))
        return
    s.fill(dark * (0.5 + s.field(12, 12)))
    for _ in range(s.count(100, 200)):  # foliage
        size, leaf = s.rand(0.01, 0.06), dark * s.rand(0.5, 2.8)
        s.oval(s.rand(0, 1), s.rand(-0.05, 0.75), size, size * 0.7, leaf)
    _ground(s, foot, dark * s.rand(1.2, 2), 0.15)
    if s.chance(0.4):
        s.polygon([(s.eye[0], foot), (s.rand(0.5, 1.1), 1), (s.rand(-0.1, 0.5), 1)], 0.6)
    bark, trunks = s.rand(0.05, 0.6), s.count(5, 14)
    for k in range(trunks):  # the near ones last
        near = (k + 1) / trunks
        x, y, wide = s.rand(0, 1), foot + 0.25 * near, 0.01 + s.rand(0.02, 0.045) * near
        top, branch = x + s.rand(-0.08, 0.08), s.rand(0.1, 0.4)
        s.polygon([(x - wide, y), (top - wide / 2, 0), (top + wide / 2, 0), (x + wide, y)], bark)
        s.line([(x + wide * 0.7, y), (top + wide * 0.4, 0)], bark * 0.5, wide * 0.6)
        s.line([(x, branch + 0.15), (x + s.rand(-0.25, 0.25), branch)], bark, wide * 0.5)
    for _ in range(s.count(10, 60)):
        s.oval(s.rand(0, 1), s.rand(0, 0.35), 0.04, 0.025, dark * s.rand(0.8, 2.8))


# ---------------------------------------------------------------------------------------------
# Scenes: roads and buildings
# ---------------------------------------------------------------------------------------------


def _highway(s: Sketch) -> None:
    horizon, left, right = s.eye[1], -s.rand(0.6, 1.2), s.rand(0.6, 1.2)
    _sky(s)
    if s.chance(0.5):
        _ridge(s, horizon + 0.01, s.rand(0.03, 0.15), s.rand(0.4, 0.6))
    _ground(s, horizon, s.rand(0.45, 0.65), 0.12)
    _bushes(s, horizon + 0.01, s.count(0, 20), s.rand(0.04, 0.12), s.rand(0.2, 0.35))
    _road(s, left, right, s.rand(0.25, 0.42), s.count(2, 4))
    if s.chance(0.5):  # an overpass or a sign gantry
        z, (wide, high) = s.rand(1.5, 4), (3.0, 0.12) if s.chance(0.4) else (right + 0.1, 0.04)
        for x in (-wide, right):
            _face(s, (x, -0.5, z), (x + 0.08, 0.5, z), 0.3)
        _face(s, (-wide, -0.6, z), (wide, high - 0.6, z), 0.55)
        sign = _face(s, (-0.3, -0.75, z), (0.2, -0.45, z), s.rand(0.2, 0.5))
        _grid(s, sign, 1, 2, 0.95, 0.05, (0.3, 0.6))
    for k in range(s.count(0, 7)):  # lamp posts
        z = 1.2 + k
        post = [s.at(right, -1.1, z), s.at(right + 0.15, -1.1, z), s.at(right + 0.15, 0.5, z)]
        s.line(post, 0.25, 0.006)
    for k in range(s.count(0, 5), 0, -1):  # the cars, the far ones first
        z = k * s.rand(1.2, 1.8)
        x, y = s.at(s.rand(left, right) * 0.75, 0.5, z)
        _car(s, x, y, 0.25 / z)


def _street(s: Sketch) -> None:
    road = s.rand(0.45, 0.7)
    _sky(s)
    _ground(s, s.eye[1], s.rand(0.55, 0.7), 0.05)
    _road(s, -road, road, s.rand(0.35, 0.5), s.count(1, 2))
    for side in (-1, 1):
        z, high, trees = s.rand(6, 12), s.rand(0.8, 1.8), s.chance(0.15)
        wall = side * (road + s.rand(0.2, 0.5))
        while z > 0.6:  # houses, or trees, from far to near
            near, paint = max(0.45, z * s.rand(0.55, 0.8)), s.rand(0.35, 0.8)
            if trees:
                _tree(s, *s.at(wall, 0.5, near), s.rand(0.9, 1.5) / near, s.rand(0.2, 0.4))
            else:
                top = -high * s.rand(0.6, 1.4)
                x0, x1 = sorted((wall, wall + 2 * side))
                _cuboid(s, (x0, top, near), (x1, 0.5, z), paint)
                facade = _face(s, (wall, top, near), (wall, 0.5, z))
                columns = max(1, round((z - near) * 3))
                _grid(s, facade, columns, s.count(3, 6), paint * 0.4, 0.06, (0.5, 0.5))
            z = near if near > 0.45 else 0
        for k in range(s.count(0, 5), 0, -1):  # parked cars
            z = 0.8 + 0.8 * k
            _car(s, *s.at(side * (road - 0.1), 0.5, z), s.rand(0.2, 0.3) / z)
    _people(s, s.rand(0.8, 0.95), s.rand(0.1, 0.25), s.count(0, 3))


def _insidecity(s: Sketch) -> None:
    foot, x = s.rand(0.75, 0.88), -s.rand(0, 0.5)
    _sky(s)
    s.box(0, foot, 1, 1, s.rand(0.4, 0.6))
    while x < 1:  # house fronts, side by side
        wide, top, paint = s.rand(0.4, 0.9), s.rand(-0.3, 0.25), s.rand(0.35, 0.85)
        shop, columns = foot - s.rand(0.2, 0.3), max(2, round(wide * s.rand(4, 7)))
        _patch(s, _flat(x, top, x + wide, foot), 0, 0, 1, 1, paint)
        upper, rows = _flat(x, top + 0.03, x + wide, shop), max(2, round((foot - top) * 4))
        gap = (s.rand(0.4, 0.65), s.rand(0.3, 0.55))
        _grid(s, upper, columns, rows, paint * 1.3, 0, (gap[0] - 0.12, gap[1] - 0.1))
        _grid(s, upper, columns, rows, paint * s.rand(0.2, 0.5), 0.08, gap)
        s.box(x, shop, x + wide, shop + 0.03, paint * s.rand(0.5, 1.4))
        bays = _flat(x, shop + 0.05, x + wide, foot)  # shop windows, doors and awnings
        _grid(s, bays, number := s.count(2, 4), 1, 0.25, 0.15, (0.2, 0))
        if s.chance(0.5):
            _grid(s, _flat(x, shop + 0.04, x + wide, shop + 0.1), number, 1, 0.8, 0.2, (0.1, 0))
        x += wide
    if s.chance(0.3):
        _tree(s, s.rand(0, 1), foot + 0.04, s.rand(0.3, 0.6), s.rand(0.2, 0.4))
    _people(s, foot + 0.05, s.rand(0.1, 0.2), s.count(0, 5))
    for _ in range(s.count(0, 3)):
        _car(s, s.rand(0, 1), s.rand(foot + 0.04, 0.98), s.rand(0.1, 0.2))


def _tallbuilding(s: Sketch) -> None:
    _sky(s)
    if s.chance(0.45):  # one or two towers seen from their foot
        for _ in range(s.count(1, 2)):
            wide, x = s.rand(0.35, 0.6), s.rand(0, 0.6)
            _tower(s, x, x + wide, s.rand(-0.1, 0.25), 1.05, s.rand(0.2, 0.6))
    else:  # a skyline
        foot, towers = s.rand(0.8, 1.0), s.count(7, 14)
        for k in range(towers):
            wide, x = s.rand(0.1, 0.25), s.rand(-0.1, 1)
            _tower(s, x, x + wide, foot - s.rand(0.4, 0.85) * (1 - 0.5 * k / towers), foot)
        _ground(s, foot, s.rand(0.3, 0.6), 0.1)
    if s.chance(0.5):
        _bushes(s, s.rand(0.95, 1.05), s.count(3, 12), s.rand(0.1, 0.2), s.rand(0.15, 0.35))


def _suburb(s: Sketch) -> None:
    foot, tone, roof = s.rand(0.64, 0.72), s.rand(0.7, 0.95), s.rand(0.2, 0.5)
    x0, x1, eaves = s.rand(0.08, 0.25), s.rand(0.75, 0.92), foot - s.rand(0.2, 0.26)
    ridge, inset = eaves - s.rand(0.14, 0.22), s.rand(0, 0.15)
    _sky(s)
    _bushes(s, foot - 0.02, s.count(5, 12), s.rand(0.25, 0.5), s.rand(0.2, 0.35))
    _ground(s, foot - 0.03, s.rand(0.4, 0.6), 0.12)
    if s.chance(0.5):
        chimney = s.rand(x0 + 0.1, x1 - 0.1)
        s.box(chimney, ridge - 0.06, chimney + 0.06, eaves, tone * 0.6)
    s.box(x0, eaves, x1, foot, tone * 0.85)
    _grid(s, _flat(x0, eaves, x1, foot), 1, 8, tone, 0, (0, 0.15))
    s.polygon(
        [(x0 - 0.04, eaves), (x0 + inset, ridge), (x1 - inset, ridge), (x1 + 0.04, eaves)], roof
    )
    gable, half = s.rand(x0 + 0.15, x1 - 0.15), s.rand(0.1, 0.18)  # it faces the street
    top = eaves - half * s.rand(0.6, 1.1)
    s.polygon(
        [(gable - half - 0.03, eaves), (gable, top), (gable + half + 0.03, eaves)], roof * 0.6
    )
    s.polygon([(gable - half, eaves), (gable, top + 0.03), (gable + half, eaves)], tone * 0.9)
    s.box(gable - half, eaves, gable + half, foot, tone * 0.95)
    openings = s.count(3, 5)
    for k in range(openings):  # the second one is the door
        x, y = x0 + (x1 - x0) * (k + 0.5) / openings, foot - 0.15
        low = foot if k == 1 else y + s.rand(0.07, 0.1)
        s.box(x - 0.055, y - 0.01, x + 0.055, low, 0.95)
        s.box(x - 0.04, y, x + 0.04, low - 0.01, s.rand(0.1, 0.35))
        s.line([(x, y), (x, low)], 0.8, 0.006)
    door, wide = x0 + (x1 - x0) * 1.5 / openings, s.rand(0.05, 0.25)
    drive = [(door - 0.04, foot), (door + 0.04, foot), (door + wide * 1.5, 1), (door - wide, 1)]
    s.polygon(drive, s.rand(0.75, 0.95))
    for _ in range(s.count(2, 9)):  # shrubs along the wall
        s.oval(
            s.rand(0, 1), foot + 0.01, s.rand(0.03, 0.09), s.rand(0.03, 0.06), s.rand(0.15, 0.35)
        )
    if s.chance(0.35):  # a picket fence
        y, paint = s.rand(0.85, 0.95), s.rand(0.8, 1)
        s.line([(0, y), (1, y)], paint, 0.012)
        _grid(s, _flat(0, y - 0.04, 1, y + 0.06), s.count(20, 36), 1, paint, 0.04, (0.5, 0))
    if s.chance(0.5):
        x = s.rand(-0.05, 0.15) if s.chance(0.5) else s.rand(0.85, 1.05)
        _tree(s, x, s.rand(0.75, 0.9), s.rand(0.6, 0.9), s.rand(0.2, 0.35))


def _industrial(s: Sketch) -> None:
    base, haze = s.eye[1] + 0.22, s.rand(0.15, 0.4)
    _sky(s)
    _ground(s, base, s.rand(0.3, 0.6), 0.2)
    for _ in range(s.count(1, 4)):  # chimneys with smoke
        x, top, wide = s.rand(0.1, 0.9), s.rand(0.15, 0.4), s.rand(0.02, 0.05)
        smoke, drift = s.rand(0.3, 0.8), s.rand(-0.06, 0.06)
        for k in range(s.count(3, 9)):
            puff, shade = wide + 0.012 * k, smoke * s.rand(0.85, 1.05)
            s.oval(x + drift * k, top - 0.035 * k, puff * 1.3, puff, shade)
        sides = [(x - wide * 0.7, top), (x + wide * 0.7, top), (x + wide, base), (x - wide, base)]
        s.polygon(sides, haze)
        s.box(x - wide * 0.8, top + 0.03, x + wide * 0.8, top + 0.06, s.rand(0.6, 1))
    for _ in range(s.count(2, 6)):
        x, wide, top = s.rand(-0.1, 0.9), s.rand(0.12, 0.3), base - s.rand(0.15, 0.35)
        tone, kind = s.rand(0.3, 0.8), s.rng.random()
        if kind < 0.35:  # a storage tank, darker round the side
            for k in range(8):
                light = tone * (1.1 - 0.09 * k)
                s.box(x + wide * k / 8, top, x + wide * (k + 1) / 8, base, light)
            s.oval(x + wide / 2, top, wide / 2, wide * 0.12, tone * 1.2)
        elif kind < 0.7:  # a shed with a saw-tooth roof
            s.box(x, top + 0.08, x + wide * 1.5, base, tone)
            for k in range(4):
                u, step = x + wide * 1.5 * k / 4, wide * 1.5 / 4
                s.polygon([(u, top + 0.08), (u, top), (u + step, top + 0.08)], tone * 0.6)
            s.box(x + wide * 0.3, base - 0.1, x + wide * 0.6, base, tone * 0.4)
        else:  # a lattice tower with its wires
            top, radius = top - 0.1, wide * 0.4
            for k in range(7):
                y0, y1 = base - (base - top) * k / 7, base - (base - top) * (k + 1) / 7
                r0, r1 = radius * (1 - k / 8), radius * (1 - (k + 1) / 8)
                s.line([(x - r0, y0), (x + r1, y1), (x - r1, y1), (x + r0, y0)], haze, 0.007)
            s.line([(x - 1, top - 0.1), (x - radius, top), (x + radius, top), (x + 1, top)], haze)
    for _ in range(s.count(1, 5)):  # pipes
        y, a, b = s.rand(base - 0.15, base + 0.05), s.rand(0, 0.5), s.rand(0.5, 1)
        pipe = [(a, base + 0.03), (a, y), (b, y), (b, base + 0.03)]
        s.line(pipe, 0.3, 0.022)
        s.line(pipe, s.rand(0.5, 0.95), 0.012)


# ---------------------------------------------------------------------------------------------
# Scenes: rooms
# ---------------------------------------------------------------------------------------------


def _bedroom(s: Sketch) -> None:
    half, floor, back = _room(s)
    x, wide, cover = s.rand(-0.3, 0.3), s.rand(0.4, 0.55), s.rand(0.6, 0.95)
    top, near = floor - s.rand(0.22, 0.3), back - s.rand(0.6, 0.85)
    _pictures(s, half, back)
    if s.chance(0.5):
        _window(s, s.rand(-0.6, 0.6), -0.15, back, s.rand(0.2, 0.35), s.rand(0.2, 0.3))
    for side in (-1, 1):  # bedside tables with a lamp
        if s.chance(0.7):
            u, wood = x + side * (wide + 0.2), s.rand(0.2, 0.5)
            a, b = (u - 0.13, floor - 0.3, back - 0.25), (u + 0.13, floor, back)
            _grid(s, _cuboid(s, a, b, wood), 1, 2, wood * 0.75, 0.03, (0.15, 0.15))
            _lamp(s, u, floor - 0.3, back - 0.1, 0.15)
    board = _face(s, (x - wide, top - s.rand(0.2, 0.4), back), (x + wide, floor, back), 0.25)
    if s.chance(0.4):
        _grid(s, board, s.count(4, 9), 1, s.rand(0.3, 0.5), 0.03, (0.4, 0.1))
    _cuboid(s, (x - wide, top, near), (x + wide, floor - 0.04, back), cover * 0.85)
    quilt = _face(s, (x - wide, top, near), (x + wide, top, back - 0.25), cover)
    if s.chance(0.6):
        _grid(s, quilt, s.count(3, 8), s.choice((1, 5)), cover * 0.7, 0.08, (0.5, 0.2))
    for pillow in (x - wide / 2, x + wide / 2):
        middle = s.at(pillow, top - 0.05, back - 0.1)
        s.oval(*middle, wide * 0.42 / back, 0.1 / back, s.rand(0.9, 1))


def _sofa(s: Sketch, x: float, floor: float, z: float, wide: float, seats: int) -> None:
    cloth = s.rand(0.15, 0.5)
    back = _cuboid(s, (x - wide, floor - 0.5, z + 0.25), (x + wide, floor, z + 0.35), cloth)
    _grid(s, back, seats, 1, cloth * 1.2, 0.03, (0.1, 0.1))
    seat = _cuboid(s, (x - wide, floor - 0.22, z), (x + wide, floor, z + 0.25), cloth * 0.9)
    _grid(s, seat, seats, 1, cloth, 0.03, (0.06, 0.2))
    for arm in (x - wide, x + wide):
        _cuboid(s, (arm - 0.06, floor - 0.36, z), (arm + 0.06, floor, z + 0.35), cloth * 0.8)
    for _ in range(s.count(0, 2)):
        cushion = s.at(x + s.rand(-0.7, 0.7) * wide, floor - 0.32, z + 0.15)
        s.oval(*cushion, 0.09 / z, 0.08 / z, s.rand(0.6, 1))


def _livingroom(s: Sketch) -> None:
    half, floor, back = _room(s)
    _pictures(s, half, back)
    if s.chance(0.35):  # a fireplace
        x = s.choice((-0.6, 0.6))
        _cuboid(s, (x - 0.3, floor - 0.65, back - 0.1), (x + 0.3, floor, back), 0.9)
        hearth = _face(s, (x - 0.17, floor - 0.45, back - 0.1), (x + 0.17, floor, back - 0.1), 0.1)
        s.polygon([hearth(0.2, 1), hearth(0.5, 0.4), hearth(0.8, 1)], 0.85)
    elif s.chance(0.8):
        _window(s, s.rand(-0.4, 0.4), -0.1, back, s.rand(0.3, 0.6), s.rand(0.25, 0.35))
    rug = _face(s, (-0.5, floor, 1), (0.5, floor, back - 0.3))
    for k in (0.0, 0.1) if s.chance(0.6) else ():
        _patch(s, rug, k, k, 1 - k, 1 - k, s.rand(0.5, 0.9))
    if s.chance(0.6):
        _lamp(s, s.rand(-0.9, 0.9) * half, floor, back - 0.1, 0.7)
    if s.chance(0.5):
        _plant(s, s.rand(-0.9, 0.9) * half, floor, back - 0.2)
    _sofa(s, s.rand(-0.25, 0.25), floor, back - s.rand(0.45, 0.65), s.rand(0.45, 0.6), 3)
    for side in (-1, 1):
        if s.chance(0.4):
            _sofa(s, side * s.rand(0.55, 0.75), floor, 1.1, 0.2, 1)
    if s.chance(0.7):  # a coffee table
        x, z, wood = s.rand(-0.2, 0.2), s.rand(1.05, 1.2), s.rand(0.4, 0.8)
        for leg in (-0.22, 0.22):
            s.line([s.at(x + leg, floor - 0.18, z), s.at(x + leg, floor, z)], wood * 0.6, 0.02)
        _cuboid(s, (x - 0.26, floor - 0.2, z), (x + 0.26, floor - 0.16, z + 0.25), wood)


def _kitchen(s: Sketch) -> None:
    half, floor, back = _room(s)
    wood, top, near, doors = s.rand(0.65, 0.95), floor - 0.42, back - 0.35, s.count(4, 7)
    tiles = _face(s, (-half, top - 0.3, back), (half, top, back), 0.6)
    _grid(s, tiles, 20, 5, s.rand(0.5, 0.8), 0.05, (0.1, 0.1))
    upper = _cuboid(s, (-half, top - 0.8, back - 0.2), (half, top - 0.3, back), wood * 0.75)
    _grid(s, upper, doors, 1, wood, 0.03, (0.12, 0.12))
    if s.chance(0.5):
        _window(s, s.rand(-0.4, 0.4), top - 0.45, back - 0.2, 0.22, 0.22)
    lower = _cuboid(s, (-half, top, near), (half, floor, back), wood * 0.75)
    _grid(s, lower, doors, s.choice((1, 1, 3)), wood, 0.03, (0.12, 0.16))
    _cuboid(s, (-half, top - 0.04, near - 0.03), (half, top, back), s.rand(0.2, 0.45))
    for _ in range(s.count(2, 8)):  # jars and pots
        x, high, z = s.rand(-0.9, 0.9) * half, s.rand(0.06, 0.2), near + 0.2
        _face(s, (x - 0.04, top - 0.04 - high, z), (x + 0.04, top - 0.04, z), s.rand(0.1, 1))
    x = s.rand(-0.4, 0.4) * half  # the stove and its hood
    oven = _cuboid(s, (x - 0.2, top - 0.05, near - 0.04), (x + 0.2, floor, back), s.rand(0.3, 0.9))
    _patch(s, oven, 0.12, 0.35, 0.88, 0.8, 0.1)
    _grid(s, oven, 4, 1, 0.3, 0.2, (0.6, 0.8))
    if s.chance(0.6):
        hood = (
            (-0.07, -0.85),
            (0.07, -0.85),
            (0.07, -0.6),
            (0.2, -0.4),
            (-0.2, -0.4),
            (-0.07, -0.6),
        )
        s.polygon([s.at(x + dx, top + dy, near + 0.1) for dx, dy in hood], s.rand(0.25, 0.5))
    if s.chance(0.65):  # the fridge
        x = s.rand(0.6, 0.8) * half * s.choice((-1, 1))
        a, b = (x - 0.2, floor - 1.05, near - 0.1), (x + 0.2, floor, back)
        fridge = _cuboid(s, a, b, s.rand(0.8, 1))
        _patch(s, fridge, 0, 0.33, 1, 0.35, 0.2)
        _patch(s, fridge, 0.85, 0.4, 0.9, 0.6, 0.2)


def _office(s: Sketch) -> None:
    half, floor, back = _room(s)
    _pictures(s, half, back)
    kind, x = s.rng.random(), s.rand(-0.4, 0.4)
    if s.chance(0.5):
        _grid(s, _face(s, (-half, -0.55, 0.8), (half, -0.55, back)), 3, 3, 1, 0, (0.6, 0.6))
    if kind < 0.4:  # a pin board
        board = _face(s, (x - 0.5, -0.5, back), (x + 0.4, -0.02, back), s.rand(0.4, 0.6))
        _grid(s, board, s.count(3, 7), s.count(2, 4), 0.85, 0.15, (0.4, 0.4))
    elif kind < 0.6:
        _window(s, x, -0.25, back, s.rand(0.3, 0.5), 0.25)
    if s.chance(0.6):
        u = s.rand(-half, half - 0.6)
        shelf = _face(s, (u, -0.5, back), (u + s.rand(0.5, 0.7), s.rand(-0.1, 0.2), back))
        _goods(s, shelf, 14, s.count(2, 4), s.rand(0.2, 0.5))
    top, wood, z = floor - 0.36, s.rand(0.4, 0.7), back - s.rand(0.5, 0.8)
    x0, x1 = -s.rand(0.5, half), s.rand(0.5, half)
    for x in (x0 + 0.12, x1 - 0.12):  # the desk: drawers on both sides, then the top
        drawers = _cuboid(s, (x - 0.12, top, z + 0.05), (x + 0.12, floor, z + 0.45), wood * 0.8)
        _grid(s, drawers, 1, 3, wood * 0.6, 0.03, (0.1, 0.12))
    _cuboid(s, (x0, top - 0.04, z), (x1, top, z + 0.5), wood)
    desk = _face(s, (x0, top - 0.04, z), (x1, top - 0.04, z + 0.5))
    for _ in range(s.count(3, 9)):  # papers
        u, v = s.rand(0, 0.88), s.rand(0, 0.8)
        _patch(s, desk, u, v, u + 0.1, v + 0.2, s.rand(0.85, 1))
    for x in (-0.25, 0.25) if s.chance(0.4) else (s.rand(-0.3, 0.3),):  # screens with keyboards
        case = s.choice((0.12, 0.8))
        s.line([s.at(x, top - 0.1, z + 0.3), s.at(x, top - 0.03, z + 0.3)], 0.15, 0.05)
        a, b = (x - 0.19, top - 0.38, z + 0.28), (x + 0.19, top - 0.08, z + 0.4)
        _patch(s, _cuboid(s, a, b, case), 0.08, 0.1, 0.92, 0.88, s.choice((0.25, 0.95)))
        a, b = (x - 0.14, top - 0.05, z + 0.03), (x + 0.14, top - 0.05, z + 0.13)
        _face(s, a, b, s.choice((0.15, 0.9)))
    if s.chance(0.85):
        _chair(s, s.rand(-0.45, 0.45), floor, s.rand(1.0, 1.2))


def _store(s: Sketch) -> None:
    half, floor, back = _room(s)
    rows, depth = s.count(3, 6), back + s.rand(0, 4)
    if s.chance(0.55):  # an aisle between two long shelves, below rows of lamps
        roof = _face(s, (-half, -0.6, 0.5), (half, -0.6, depth), s.rand(0.5, 0.8))
        _grid(s, roof, s.count(2, 4), s.count(3, 8), 1, 0, (0.7, 0.5))
        _goods(s, _face(s, (-half, -0.6, depth), (half, floor, depth)), 10, rows, 0.3)
        _face(s, (-half, floor, 0.4), (half, floor, depth), s.rand(0.6, 0.85))
        for x in (-half * s.rand(0.5, 0.8), half * s.rand(0.5, 0.8)):
            rack = _face(s, (x, -s.rand(0.2, 0.55), 0.45), (x, floor, depth))
            _goods(s, rack, s.count(14, 26), rows, s.rand(0.1, 0.4))
    else:  # a wall of goods, and counters before it
        wall = _face(s, (-half, -0.45, back), (half, floor, back))
        _goods(s, wall, s.count(14, 28), rows, s.rand(0.15, 0.4))
        for _ in range(s.count(1, 3)):
            x, z, high = s.rand(-0.8, 0.4), s.rand(1.2, back - 0.3), s.rand(0.25, 0.5)
            case = _cuboid(s, (x, floor - high, z), (x + s.rand(0.3, 0.7), floor, z + 0.25), 0.6)
            _goods(s, case, s.count(5, 10), s.count(2, 3), s.rand(0.2, 0.5))
    for _ in range(s.count(0, 3)):  # signs that hang from the ceiling
        x, y, z = s.rand(-0.6, 0.4), s.rand(-0.5, -0.4), s.rand(1.1, 2)
        sign = _face(s, (x, y, z), (x + 0.35, y + 0.14, z), s.rand(0.1, 0.4))
        _grid(s, sign, s.count(4, 7), 1, 0.95, 0.05, (0.3, 0.5))
    _people(s, s.rand(0.85, 1.0), s.rand(0.25, 0.5), s.count(0, 2))


# ---------------------------------------------------------------------------------------------
# From sketch to picture
# ---------------------------------------------------------------------------------------------

_SCENES: dict[str, Callable[[Sketch], None]] = {
    "bedroom": _bedroom,
    "coast": _coast,
    "forest": _forest,
    "highway": _highway,
    "industrial": _industrial,
    "insidecity": _insidecity,
    "kitchen": _kitchen,
    "livingroom": _livingroom,
    "mountain": _mountain,
    "office": _office,
    "opencountry": _opencountry,
    "store": _store,
    "street": _street,
    "suburb": _suburb,
    "tallbuilding": _tallbuilding,
}
CLASSES: tuple[str, ...] = tuple(_SCENES)


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


# ---------------------------------------------------------------------------------------------
# Writing the folders
# ---------------------------------------------------------------------------------------------


def write_sketch15(
    root: str | Path, *, train_per_class: int = 60, test_per_class: int = 30, seed: int = 0
) -> Path:
    """Draw the whole data set into `root`: {train,test}/<class>/image_NNNN.jpg, grayscale.

    Every image depends on (seed, split, class, number) only: larger counts add images and change
    none. The folder appears under its name once it is complete. A complete one that was drawn
    with the same arguments is left as it is, one drawn with others is replaced.

    Returns:
        `root` as a Path.

    Raises:
        ValueError: a count below 1, a negative seed, or `root` holds something else.
    """
    counts = {"train": train_per_class, "test": test_per_class}
    for split, amount in counts.items():
        if amount < 1:
            raise ValueError(f"{split}_per_class must be at least 1, not {amount}")
    if seed < 0:
        raise ValueError(f"seed must not be negative, not {seed}")
    marker: Marker = {"dataset": "sketch15", "version": VERSION, "seed": int(seed)}
    marker |= {f"{split}_per_class": int(amount) for split, amount in counts.items()}
    path = Path(root).resolve()  # renaming a link would leave its target behind
    if _is_complete(path, marker):
        return Path(root)

    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix=f".{path.name}-", dir=path.parent, ignore_cleanup_errors=True
    ) as workplace:
        new = Path(workplace) / "new"
        for split_index, (split, amount) in enumerate(counts.items()):
            for class_index, name in enumerate(CLASSES):
                folder = new / split / name
                folder.mkdir(parents=True)
                for number in range(1, amount + 1):
                    rng = np.random.default_rng([seed, split_index, class_index, number])
                    draw_scene(name, rng).save(folder / f"image_{number:04d}.jpg", quality=85)
        (new / MARKER).write_text(json.dumps(marker, indent=2) + "\n", encoding="utf-8")
        _publish(new, path, marker)
    return Path(root)


def _is_complete(path: Path, marker: Marker) -> bool:
    """Is `path` this very data set? False if it may be replaced, ValueError if it must not be."""
    try:
        folder = path.stat()
        names = {entry.name for entry in path.iterdir()}
        text = (path / MARKER).read_text(encoding="utf-8") if MARKER in names else "null"
        images = {s: len(list(path.glob(f"{s}/*/image_*.jpg"))) for s in ("train", "test")}
        replaced = not os.path.samestat(folder, path.stat())
    except FileNotFoundError:
        return False
    except NotADirectoryError:
        raise ValueError(f"{path} is not a folder: choose another place for sketch15") from None
    if replaced:  # by another process, while we were looking: what we saw means nothing
        return False
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if names and (not isinstance(found, dict) or found.get("dataset") != "sketch15"):
        raise ValueError(f"{path} holds something other than sketch15: choose another folder")
    return found == marker and all(
        images[split] == len(CLASSES) * int(marker[f"{split}_per_class"]) for split in images
    )


def _publish(new: Path, path: Path, marker: Marker) -> None:
    """Rename `new` to `path`, unless another process has put the same data set there."""
    for attempt in range(10):
        if _is_complete(path, marker):
            return
        old = new.with_name(f"old{attempt}")
        try:
            if path.exists():
                path.rename(old)
            new.rename(path)
            return
        except OSError:  # another process was between the same two lines, or we may not write
            with suppress(OSError):
                if old.exists() and not path.exists():
                    old.rename(path)
            if attempt == 9:
                raise
            time.sleep(0.05)
