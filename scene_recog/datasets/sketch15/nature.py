"""Scenes of nature: coast, forest, mountain, open country."""

import numpy as np
from PIL import Image

from scene_recog.datasets.sketch15.buildings import draw_house, draw_pylon, draw_road
from scene_recog.datasets.sketch15.canvas import CANVAS, Sketch, depicts
from scene_recog.datasets.sketch15.elements import (
    draw_bushes,
    draw_conifer,
    draw_ground,
    draw_leaves,
    draw_peak,
    draw_people,
    draw_ridge,
    draw_sky,
    draw_tree,
    draw_water,
    jagged,
)


def _distance(s: Sketch, horizon: float, tone: float) -> None:
    """What may be on the horizon of any nature scene: hills, and a peak behind them."""
    if s.chance(0.15):
        for _ in range(s.count(1, 3)):
            height = s.rand(0.06, 0.22)
            draw_peak(s, s.rand(0, 1), horizon - height, horizon, tone * 1.2, s.count(-2, 4))
    for k in range(s.count(0, 3)):
        draw_ridge(s, horizon + 0.01, s.rand(0.03, 0.2), tone * (1.1 - 0.2 * k))


def _meadow(s: Sketch, top: float, tone: float) -> None:
    """Grass with single trees, and perhaps somebody walking."""
    for _ in range(s.count(0, 3)):
        y = s.rand(top + 0.05, 1)
        draw_tree(s, s.rand(0, 1), y, s.rand(0.1, 0.2) + (y - top) * s.rand(0.3, 1), tone)
    if s.chance(0.2):
        draw_people(s, s.rand(top + 0.1, 1), s.rand(0.08, 0.25), s.count(1, 3))


def _coast(s: Sketch) -> None:
    horizon, sea = s.eye[1], s.rand(0.2, 0.65)
    draw_sky(s)
    if s.chance(0.3):
        with s.depicting("sky"):
            s.oval(s.rand(0, 1), horizon - s.rand(0, 0.2), 0.04, 0.04, 1)
    if s.chance(0.4):  # the other side of a bay
        _distance(s, horizon, sea * s.rand(0.6, 1.2))
    draw_water(s, horizon, sea, s.count(5, 90))
    for _ in range(s.count(0, 5)):  # rocks
        x, y = s.rand(0, 1), s.rand(horizon + 0.05, 1)
        size = 0.3 * (y - horizon)
        with s.depicting("water"):
            s.line([(x - size * 1.3, y), (x + size * 1.3, y)], 0.95, 0.01)
        with s.depicting("mountain"):
            top = jagged(s, (x - size / 2, y - size * 0.7), (x + size, y), 0.02)
            s.polygon([(x - size, y), *top], 0.2)
    if s.chance(0.25):  # a sailing boat
        x, y, size = s.rand(0.1, 0.9), horizon + s.rand(0.01, 0.1), s.rand(0.05, 0.15)
        s.polygon([(x, y - size), (x, y), (x + size * 0.6, y)], 1)
        s.box(x - size * 0.4, y, x + size * 0.7, y + size * 0.15, 0.15)
    if s.chance(0.8):  # the shore: sand with surf along its edge, or grass
        sand, land = s.chance(0.55), s.rand(0.25, 0.6)
        shore = jagged(s, (0, s.rand(horizon + 0.08, 1)), (1, s.rand(horizon + 0.08, 1)), 0.02)
        with s.depicting("ground"):
            s.polygon([(0, 1), *shore, (1, 1)], land + 0.25 * sand)
        if sand or s.chance(0.5):
            with s.depicting("water"):
                s.line(shore, 0.95, s.rand(0.008, 0.03))
        if not sand:
            _meadow(s, min(y for _, y in shore), land * 0.5)


def _opencountry(s: Sketch) -> None:
    horizon, field = s.eye[1], s.rand(0.35, 0.65)
    draw_sky(s)
    _distance(s, horizon, field)
    draw_ground(s, horizon, field, s.rand(0.06, 0.3))
    if s.chance(0.25):  # a lake or a river, with its far bank
        y = horizon + s.rand(0.03, 0.12)
        far, near = jagged(s, (-0.1, y), (1.1, y), 0.006), y + s.rand(0.03, 0.25)
        water = [*far, *jagged(s, (1.1, near), (s.rand(-0.2, 0.5), near), 0.02)]
        with s.depicting("water"):
            s.polygon(water, s.rand(0.2, 0.9))
    if s.chance(0.3):  # furrows
        for k in range(-16, 17):
            x = k * 0.2 + s.rand(0, 0.04)
            with s.depicting("ground"):
                s.face((x, 0.5, 0.4), (x + 0.06, 0.5, 30), field - s.rand(0.05, 0.15))
    elif s.chance(0.25):  # a lane
        middle = s.rand(-0.6, 0.6)
        draw_road(s, middle - 0.25, middle + 0.25, field * s.rand(0.7, 1.4), 0)
    if s.chance(0.2):
        draw_pylon(s, s.rand(0, 1), horizon + 0.02, s.rand(0.15, 0.35), field * 0.5)
    if s.chance(0.25):  # a farm
        x, wide = s.rand(0, 0.8), s.rand(0.08, 0.25)
        draw_house(s, x, x + wide, horizon + wide * 0.2)
    draw_bushes(s, horizon + 0.01, s.count(2, 16), s.rand(0.05, 0.12), field * 0.5)
    _meadow(s, horizon, s.rand(0.15, 0.4))
    for _ in range(s.count(-3, 3)):  # hay bales
        x, y = s.rand(0, 1), s.rand(horizon + 0.05, 0.95)
        s.oval(x, y, (y - horizon) * 0.2, (y - horizon) * 0.16, s.rand(0.7, 0.9))


def _mountain(s: Sketch) -> None:
    base, tone, snow = s.eye[1] + s.rand(0.1, 0.3), s.rand(0.3, 0.65), s.count(-3, 6)
    draw_sky(s)
    if s.chance(0.4):
        draw_ridge(s, base, s.rand(0.3, 0.5), tone * 1.3)
    for _ in range(s.count(1, 5)):
        y = base - s.rand(0.3, 0.6)
        draw_peak(s, s.rand(0, 1), y, base, tone * s.rand(0.85, 1.15), snow)
    if s.chance(0.6):
        draw_ridge(s, base + 0.02, s.rand(0.05, 0.25), tone * s.rand(0.5, 0.8))
    kind = s.rng.random()
    if kind < 0.2:  # a lake that mirrors the peaks
        row = round(base * CANVAS)
        mirror = s.image.crop((0, 0, CANVAS, row)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        with s.depicting("water"):
            s.paste(mirror.point(lambda level: int(level * 0.7)), row)
            for y in np.linspace(base, 1, 12).tolist():
                s.line([(s.rand(0, 0.5), y), (s.rand(0.5, 1), y)], 0.6, 0.003)
    elif kind < 0.4:
        draw_water(s, base, s.rand(0.2, 0.6), s.count(0, 40))
    else:
        draw_ground(s, base, tone * s.rand(0.7, 1.4), 0.15)
    if s.chance(0.5):  # the forest below
        draw_bushes(s, s.rand(base, 1), s.count(4, 20), s.rand(0.1, 0.25), s.rand(0.15, 0.3))
    _meadow(s, base, s.rand(0.15, 0.35))


@depicts("plant")
def _forest(s: Sketch) -> None:
    dark, foot, kind = s.rand(0.15, 0.4), s.rand(0.55, 0.8), s.rng.random()
    if kind < 0.55:  # seen from outside: row before row
        draw_sky(s)
        _distance(s, foot - 0.1, dark * 2)
        draw_ground(s, foot, s.rand(0.3, 0.9), 0.1)
        rows, conifers, low = s.count(2, 4), s.rand(0, 1), s.rand(0.3, 0.5)
        for k in range(rows):
            for _ in range(12 - 2 * k):
                high, base = low * s.rand(0.8, 1.4) + 0.08 * k, foot + 0.08 * k
                plant = draw_conifer if s.chance(conifers) else draw_tree
                plant(s, s.rand(-0.05, 1.05), base, high, dark * (1.6 - 0.2 * k))
        return
    s.fill(dark * (0.5 + s.field(12, 12)))  # from inside
    draw_leaves(s, 0.5, 0.35, 0.5, dark, s.count(60, 160))
    draw_ground(s, foot, dark * s.rand(1, 2), 0.15)
    if s.chance(0.4):
        with s.depicting("ground"):
            s.polygon([(s.eye[0], foot), (s.rand(0.5, 1.1), 1), (s.rand(-0.1, 0.5), 1)], dark * 2.2)
    bark, trunks = s.rand(0.05, 0.6), s.count(4, 14)
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
