"""Scenes of nature: coast, forest, mountain, open country."""

import numpy as np
from PIL import Image

from scene_recog.datasets.sketch15.canvas import CANVAS, Point, Sketch
from scene_recog.datasets.sketch15.elements import (
    draw_bushes,
    draw_conifer,
    draw_ground,
    draw_ridge,
    draw_sky,
    draw_tree,
)


def _jagged(s: Sketch, start: Point, end: Point, rough: float, steps: int = 10) -> list[Point]:
    path = [start]
    for k in range(1, steps):
        x = start[0] + (end[0] - start[0]) * k / steps + s.rand(-rough, rough)
        path.append((x, start[1] + (end[1] - start[1]) * k / steps + s.rand(-rough, rough)))
    return [*path, end]


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


def _coast(s: Sketch) -> None:
    horizon, sea, glitter = s.eye[1], s.rand(0.25, 0.5), s.rand(0, 1)
    draw_sky(s)
    if s.chance(0.4):
        s.oval(glitter, horizon - s.rand(0, 0.2), 0.04, 0.04, 1)
    if s.chance(0.4):
        draw_ridge(s, horizon, s.rand(0.03, 0.2), sea * s.rand(0.6, 1.1))
    draw_ground(s, horizon, sea, 0.06)
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
    draw_sky(s)
    for k in range(s.count(0, 3)):
        draw_ridge(s, horizon + 0.01, s.rand(0.05, 0.2), field * (1.1 - 0.2 * k))
    draw_ground(s, horizon, field, s.rand(0.1, 0.3))
    if s.chance(0.3):  # furrows
        for k in range(-16, 17):
            x = k * 0.2 + s.rand(0, 0.04)
            s.face((x, 0.5, 0.4), (x + 0.06, 0.5, 30), field - s.rand(0.05, 0.15))
    draw_bushes(s, horizon + 0.01, s.count(2, 16), 0.08, field * 0.5)
    for _ in range(s.count(0, 4)):  # lone trees and hay bales
        x, y = s.rand(0, 1), s.rand(horizon + 0.05, 0.95)
        if s.chance(0.6):
            draw_tree(s, x, y, (y - horizon) * s.rand(0.6, 1.3), s.rand(0.2, 0.35))
        else:
            s.oval(x, y, (y - horizon) * 0.2, (y - horizon) * 0.16, s.rand(0.7, 0.9))


def _mountain(s: Sketch) -> None:
    base, tone, snow = s.eye[1] + 0.25, s.rand(0.4, 0.6), s.count(-1, 6)
    draw_sky(s)
    if s.chance(0.4):
        draw_ridge(s, base, s.rand(0.3, 0.5), tone * 1.3)
    for _ in range(s.count(2, 5)):
        _peak(s, s.rand(0, 1), s.rand(0.12, 0.4), base, tone * s.rand(0.85, 1.15), snow)
    if s.chance(0.6):
        draw_ridge(s, base + 0.02, s.rand(0.05, 0.25), tone * s.rand(0.5, 0.8))
    if s.chance(0.3):  # a lake that mirrors the peaks
        row = round(base * CANVAS)
        mirror = s.image.crop((0, 0, CANVAS, row)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        s.image.paste(mirror.point(lambda level: int(level * 0.7)), (0, row))
        for y in np.linspace(base, 1, 12).tolist():
            s.line([(s.rand(0, 0.5), y), (s.rand(0.5, 1), y)], 0.6, 0.003)
    else:
        draw_ground(s, base, tone * s.rand(0.7, 1.2), 0.15)
    if s.chance(0.5):
        draw_bushes(s, s.rand(base, 1), s.count(4, 20), 0.12, s.rand(0.15, 0.3))


def _forest(s: Sketch) -> None:
    dark, foot = s.rand(0.15, 0.3), s.rand(0.65, 0.8)
    if s.chance(0.4):  # conifers, row before row
        draw_sky(s)
        draw_ground(s, foot, s.rand(0.3, 0.9), 0.1)
        for k in range(4):
            for _ in range(11 - 2 * k):
                high, base = s.rand(0.35, 0.65) + 0.1 * k, 0.68 + 0.1 * k
                draw_conifer(s, s.rand(-0.05, 1.05), base, high, dark * (1.6 - 0.2 * k))
        return
    s.fill(dark * (0.5 + s.field(12, 12)))
    for _ in range(s.count(100, 200)):  # foliage
        size, leaf = s.rand(0.01, 0.06), dark * s.rand(0.5, 2.8)
        s.oval(s.rand(0, 1), s.rand(-0.05, 0.75), size, size * 0.7, leaf)
    draw_ground(s, foot, dark * s.rand(1.2, 2), 0.15)
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


NATURE = {
    "coast": _coast,
    "forest": _forest,
    "mountain": _mountain,
    "opencountry": _opencountry,
}
