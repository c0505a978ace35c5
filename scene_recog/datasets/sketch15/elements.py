"""What scenes of several kinds share: sky and ground, hills, plants, people."""

import math

import numpy as np

from scene_recog.datasets.sketch15.canvas import CANVAS, Sketch


def draw_sky(s: Sketch) -> None:
    fade = np.linspace(s.rand(0.6, 0.85), s.rand(0.8, 1.0), CANVAS)[:, None]
    clouds = (s.field(s.count(5, 12), s.count(3, 6)) - s.rand(0.4, 0.9)).clip(0, 1)
    s.fill(fade + s.rand(-0.2, 0.6) * clouds)


def draw_ground(s: Sketch, top: float, tone: float, grain: float) -> None:
    """Cover everything below `top`, with streaks that grow towards the viewer."""
    s.fill(tone + grain * (s.field(24, 6) - 0.5), top)
    for _ in range(40):
        near = s.rng.random()
        x, y = s.rand(-0.1, 1), top + near * (1 - top)
        shade = tone + s.rand(-grain, grain)
        s.box(x, y, x + 0.02 + 0.15 * near, y + 0.003 + 0.01 * near, shade)


def draw_ridge(s: Sketch, base: float, height: float, tone: float) -> None:
    """A range of hills: coarse to fine random bumps, filled down to the base line."""
    x = np.linspace(0, 1, 49)
    bumps = [np.interp(x, np.linspace(0, 1, n), s.rng.random(n)) / n for n in (3, 5, 9, 17)]
    y = base - height * 1.7 * np.sum(bumps, axis=0)
    tops = list(zip(x.tolist(), y.tolist(), strict=True))
    s.polygon([(0, base), *tops, (1, base)], tone)


def draw_tree(s: Sketch, x: float, base: float, height: float, tone: float) -> None:
    s.line([(x, base), (x, base - height * 0.6)], tone * 0.6, height * 0.08)
    size = height * s.rand(0.25, 0.4)
    for k in range(14):  # from the dark underside to the sunlit leaves on top
        angle, reach, puff = s.rand(0, 6.3), size * s.rand(0, 0.9), size * s.rand(0.25, 0.5)
        px, py = x + reach * math.cos(angle), base - height * 0.65 + reach * math.sin(angle)
        s.oval(px, py - size * k / 40, puff, puff, tone * (0.7 + k / 22))


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


def draw_people(s: Sketch, base: float, size: float, amount: int) -> None:
    for _ in range(amount):
        x, tone = s.rand(0.05, 0.95), s.rand(0.05, 0.8)
        s.oval(x, base - size, size * 0.13, size * 0.13, s.rand(0.4, 0.8))
        s.box(x - size * 0.17, base - size * 0.87, x + size * 0.17, base - size * 0.4, tone)
        s.box(x - size * 0.12, base - size * 0.4, x + size * 0.12, base, tone * 0.6)
