"""Parts of several kinds of scenes: sky, ground, water, hills, plants, people, foreground."""

import math

import numpy as np

from scene_recog.datasets.sketch15.canvas import CANVAS, Point, Sketch, depicts


@depicts("sky")
def draw_sky(s: Sketch) -> None:
    """Bright or overcast, sometimes dusk."""
    high, low = (0.1, 0.5) if s.chance(0.15) else (0.55, 0.9)
    fade = np.linspace(s.rand(high, high + 0.3), s.rand(low, 1.0), CANVAS)[:, None]
    clouds = (s.field(s.count(5, 12), s.count(3, 6)) - s.rand(0.4, 0.9)).clip(0, 1)
    s.fill(fade + s.rand(-0.4, 0.6) * clouds)


def draw_ground(s: Sketch, top: float, tone: float, grain: float, kind: str = "ground") -> None:
    """Cover everything below `top`, with streaks that grow towards the viewer."""
    with s.depicting(kind):
        s.fill(tone + grain * (s.field(24, 6) - 0.5), top)
        for _ in range(40):
            near = s.rng.random()
            x, y = s.rand(-0.1, 1), top + near * (1 - top)
            shade = tone + s.rand(-grain, grain)
            s.box(x, y, x + 0.02 + 0.15 * near, y + 0.003 + 0.01 * near, shade)


@depicts("water")
def draw_water(s: Sketch, top: float, tone: float, waves: int) -> None:
    """Water below `top`; the waves are brighter below the sun."""
    glitter = s.rand(0, 1)
    draw_ground(s, top, tone, 0.06, "water")
    for _ in range(waves):
        near = s.rng.random() ** 1.5
        x, y = s.rand(-0.1, 1), top + near * (1 - top)
        light = tone + s.rand(0.05, 0.4) * (1.3 - 2 * abs(x - glitter))
        s.box(x, y, x + 0.03 + 0.2 * near, y + 0.004 + 0.012 * near, light)


@depicts("mountain")
def draw_ridge(s: Sketch, base: float, height: float, tone: float) -> None:
    """A range of hills: coarse to fine random bumps, filled down to the base line."""
    x = np.linspace(0, 1, 49)
    bumps = [np.interp(x, np.linspace(0, 1, n), s.rng.random(n)) / n for n in (3, 5, 9, 17)]
    y = base - height * 1.7 * np.sum(bumps, axis=0)
    tops = list(zip(x.tolist(), y.tolist(), strict=True))
    s.polygon([(0, base), *tops, (1, base)], tone)


def jagged(s: Sketch, start: Point, end: Point, rough: float, steps: int = 10) -> list[Point]:
    """A broken line from start to end."""
    path = [start]
    for k in range(1, steps):
        x = start[0] + (end[0] - start[0]) * k / steps + s.rand(-rough, rough)
        path.append((x, start[1] + (end[1] - start[1]) * k / steps + s.rand(-rough, rough)))
    return [*path, end]


@depicts("mountain")
def draw_peak(s: Sketch, x: float, y: float, base: float, tone: float, snow: int) -> None:
    """One mountain: a lit face and a shaded face, with snow on the upper tenths."""
    spread, rough = (base - y) * s.rand(0.8, 1.5), (base - y) * 0.04
    left, middle, right = (
        jagged(s, (x, y), (x + lean * spread, base), rough) for lean in (-1, s.rand(-0.4, 0.4), 1)
    )
    for edge, light in ((left, 1.0), (right, 0.55)):
        s.polygon([*edge, *middle[::-1]], tone * light)
        if snow > 0:
            hem = jagged(s, edge[snow], middle[snow], rough * 1.5, 5)
            s.polygon([*edge[:snow], *hem, *middle[:snow][::-1]], 0.4 + 0.6 * light)


@depicts("plant")
def draw_leaves(s: Sketch, x: float, y: float, size: float, tone: float, amount: int) -> None:
    for _ in range(amount):
        leaf, shade = size * s.rand(0.08, 0.2), tone * s.rand(0.5, 1.8)
        s.oval(x + s.rand(-size, size), y + s.rand(-size, size), leaf, leaf * 0.7, shade)


@depicts("plant")
def draw_tree(s: Sketch, x: float, base: float, height: float, tone: float) -> None:
    s.line([(x, base), (x, base - height * 0.6)], tone * 0.6, height * 0.08)
    size = height * s.rand(0.25, 0.4)
    for k in range(14):  # from the dark underside to the sunlit leaves on top
        angle, reach, puff = s.rand(0, 6.3), size * s.rand(0, 0.9), size * s.rand(0.25, 0.5)
        px, py = x + reach * math.cos(angle), base - height * 0.65 + reach * math.sin(angle)
        s.oval(px, py - size * k / 40, puff, puff, tone * (0.7 + k / 22))


@depicts("plant")
def draw_conifer(s: Sketch, x: float, base: float, height: float, tone: float) -> None:
    s.line([(x, base), (x, base - height * 0.3)], tone * 0.5, height * 0.05)
    for k in range(5):
        low, wide = base - height * (0.1 + 0.15 * k), height * (0.26 - 0.04 * k)
        tip = (x, low - height * 0.3)
        s.polygon([tip, (x - wide, low), (x + wide, low)], tone * 0.7)
        s.polygon([tip, (x - wide, low), (x, low - height * 0.05)], tone * s.rand(1, 1.4))


def draw_bushes(s: Sketch, base: float, amount: int, height: float, tone: float) -> None:
    for _ in range(amount):
        plant = draw_conifer if s.chance(0.2) else draw_tree
        plant(s, s.rand(0, 1), base + s.rand(0, 0.02), height * s.rand(0.5, 1.2), tone)


@depicts("person")
def draw_person(s: Sketch, x: float, base: float, size: float) -> None:
    tone = s.rand(0.05, 0.8)
    s.oval(x, base - size, size * 0.13, size * 0.13, s.rand(0.2, 0.8))
    s.box(x - size * 0.17, base - size * 0.87, x + size * 0.17, base - size * 0.4, tone)
    s.box(x - size * 0.12, base - size * 0.4, x + size * 0.12, base, tone * 0.6)


def draw_people(s: Sketch, base: float, size: float, amount: int) -> None:
    for _ in range(amount):
        draw_person(s, s.rand(0.05, 0.95), base, size)


def draw_foreground(s: Sketch, indoors: bool) -> None:
    """Something close to the camera that hides part of the scene."""
    kind, x, tone = s.count(0, 4), s.rand(0, 1), s.rand(0.05, 0.5)
    if kind == 0:  # somebody walking by
        size = s.rand(0.5, 0.9)
        draw_person(s, x, s.rand(0.9, 1) + size * 0.3, size)
    elif kind == 1:  # a branch, or a pot plant
        y = s.rand(0.75, 1) if indoors else s.rand(0, 0.25)
        draw_leaves(s, x, y, s.rand(0.12, 0.3), tone * 0.6, s.count(25, 60))
    elif kind == 2:  # a trunk, a pillar, the frame of a door
        x = s.choice((s.rand(0, 0.15), s.rand(0.85, 1), x))
        wide, lean = s.rand(0.03, 0.12), 0 if indoors else s.rand(-0.06, 0.06)
        edge = [(x - wide + lean, 0), (x + wide + lean, 0), (x + wide, 1), (x - wide, 1)]
        s.polygon(edge, tone)
        s.line(edge[1:3], tone * 0.6, wide * 0.4)
    elif kind == 3:  # a hedge or a wall, the back of an armchair
        y, wide = s.rand(0.72, 0.92), s.rand(0.15, 0.5)
        s.box(x - wide, y, x + wide, 1, tone)
        s.oval(x - wide, y + 0.06, 0.06, 0.06, tone)
        s.oval(x + wide, y + 0.06, 0.06, 0.06, tone * 0.8)
    else:  # a post with a sign, or a lamp
        top, wide = s.rand(0.1, 0.6), s.rand(0.05, 0.12)
        s.line([(x, 1), (x, top)], tone * 0.6, s.rand(0.01, 0.03))
        s.box(x - wide, top - wide, x + wide, top + wide * s.rand(0, 1), s.rand(0.1, 1))
