"""Scenes of roads and buildings: highway, street, city, towers, suburb, industry."""

from scene_recog.datasets.sketch15.buildings import (
    draw_car,
    draw_fence,
    draw_front,
    draw_fronts,
    draw_house,
    draw_lamps,
    draw_pylon,
    draw_road,
    draw_shed,
    draw_skyline,
    draw_tower,
    draw_traffic,
)
from scene_recog.datasets.sketch15.canvas import Sketch, depicts, flat_face
from scene_recog.datasets.sketch15.elements import (
    draw_bushes,
    draw_conifer,
    draw_ground,
    draw_people,
    draw_ridge,
    draw_sky,
    draw_tree,
)


@depicts("building")
def _highway(s: Sketch) -> None:
    horizon, left, right = s.eye[1], -s.rand(0.5, 1.4), s.rand(0.5, 1.4)
    draw_sky(s)
    if s.chance(0.5):
        draw_ridge(s, horizon + 0.01, s.rand(0.03, 0.2), s.rand(0.3, 0.6))
    if s.chance(0.3):
        draw_skyline(s, horizon + 0.01, s.rand(0.1, 0.3), s.count(3, 9))
    draw_ground(s, horizon, s.rand(0.3, 0.7), 0.12)
    draw_bushes(s, horizon + 0.01, s.count(0, 20), s.rand(0.04, 0.12), s.rand(0.2, 0.35))
    draw_road(s, left, right, s.rand(0.25, 0.6), s.count(2, 4))
    for x in (left - 0.3, right + 0.3):
        kind = s.rng.random()
        if kind < 0.3:  # a wall against the noise
            s.face((x, s.rand(-0.3, 0.2), 0.4), (x, 0.5, 30), s.rand(0.3, 0.7))
        elif kind < 0.55:  # trees
            for k in range(8, 0, -1):
                z = k * s.rand(0.7, 0.9)
                plant = draw_conifer if s.chance(0.3) else draw_tree
                plant(s, *s.at(x * s.rand(1, 1.3), 0.5, z), s.rand(0.6, 1.2) / z, s.rand(0.2, 0.4))
    if s.chance(0.35):  # an overpass or a sign gantry
        z, (wide, high) = s.rand(1.5, 4), (3.0, 0.12) if s.chance(0.4) else (right + 0.1, 0.04)
        for x in (-wide, right):
            s.face((x, -0.5, z), (x + 0.08, 0.5, z), 0.3)
        s.face((-wide, -0.6, z), (wide, high - 0.6, z), 0.55)
        sign = s.face((-0.3, -0.75, z), (0.2, -0.45, z), s.rand(0.2, 0.5))
        s.grid(sign, 1, 2, 0.95, 0.05, (0.3, 0.6))
    draw_lamps(s, right, s.count(-3, 7))
    draw_traffic(s, left * 0.75, right * 0.75, s.count(0, 7))


@depicts("building")
def _street(s: Sketch) -> None:
    road, shops = s.rand(0.4, 0.8), s.chance(0.5)
    draw_sky(s)
    if s.chance(0.3):
        draw_skyline(s, s.eye[1] + 0.02, s.rand(0.15, 0.4), s.count(1, 5))
    draw_ground(s, s.eye[1], s.rand(0.4, 0.7), 0.05)
    draw_road(s, -road, road, s.rand(0.25, 0.6), s.count(0, 2))
    if s.chance(0.3):  # a house at the end
        z = s.rand(3, 8)
        draw_front(s, s.face((-2, -s.rand(0.5, 2), z), (2, 0.5, z)), s.count(4, 9), 4, shops)
    for side in (-1, 1):
        z, high, trees = s.rand(6, 12), s.rand(0.6, 2), s.chance(0.2)
        wall = side * (road + s.rand(0.2, 0.6))
        while z > 0.6:  # houses, or trees, from far to near
            near, top = max(0.45, z * s.rand(0.5, 0.8)), -high * s.rand(0.6, 1.4)
            if trees:
                draw_tree(s, *s.at(wall, 0.5, near), s.rand(0.9, 1.5) / near, s.rand(0.2, 0.4))
            else:
                x0, x1 = sorted((wall, wall + 2 * side))
                s.cuboid((x0, top, near), (x1, 0.5, z), s.rand(0.3, 0.8))
                front = s.face((wall, top, near), (wall, 0.5, z))
                draw_front(s, front, max(1, round((z - near) * 3)), s.count(3, 6), shops)
            z = near if near > 0.45 else 0
        for k in range(s.count(-2, 5), 0, -1):  # parked cars
            z = 0.8 + 0.8 * k
            draw_car(s, *s.at(side * (road - 0.1), 0.5, z), s.rand(0.2, 0.3) / z)
        if s.chance(0.25):  # young trees along the kerb
            for k in range(4, 0, -1):
                size = s.rand(0.5, 0.9) / k
                draw_tree(s, *s.at(side * (road + 0.1), 0.5, k), size, s.rand(0.2, 0.4))
    draw_lamps(s, s.choice((-1, 1)) * (road + 0.1), s.count(-4, 3))
    draw_people(s, s.rand(0.8, 0.95), s.rand(0.1, 0.25), s.count(0, 3))


@depicts("building")
def _insidecity(s: Sketch) -> None:
    foot = s.rand(0.68, 0.88)
    draw_sky(s)
    if s.chance(0.2):  # something taller than the houses
        draw_skyline(s, foot, s.rand(0.6, 0.9), s.count(1, 4))
    with s.depicting("road"):
        s.box(0, foot, 1, 1, s.rand(0.3, 0.65))
    if s.chance(0.7):
        draw_fronts(s, foot, 0.4, 1.1)
    else:  # a row of houses, and one that comes towards us
        draw_fronts(s, foot, 0.3, 0.6)
        side, z = s.choice((-1, 1)), s.rand(2, 5)
        s.eye = s.rand(0.3, 0.7), foot - 0.5 / z
        with s.depicting("road"):
            s.face((-9, 0.5, 0.4), (9, 0.5, z), s.rand(0.3, 0.65))
        wall = side * s.rand(0.3, 0.9)
        while z > 0.6:
            near, top = max(0.45, z * s.rand(0.5, 0.8)), -s.rand(0.8, 2.2)
            x0, x1 = sorted((wall, wall + 2 * side))
            s.cuboid((x0, top, near), (x1, 0.5, z), s.rand(0.3, 0.8))
            front = s.face((wall, top, near), (wall, 0.5, z))
            draw_front(s, front, max(1, round((z - near) * 3)), s.count(3, 6), True)
            z = near if near > 0.45 else 0
    for _ in range(s.count(-1, 2)):
        draw_tree(s, s.rand(0, 1), foot + s.rand(0, 0.1), s.rand(0.2, 0.6), s.rand(0.2, 0.4))
    draw_people(s, foot + s.rand(0.03, 0.1), s.rand(0.1, 0.25), s.count(0, 5))
    for _ in range(s.count(0, 4)):
        draw_car(s, s.rand(0, 1), s.rand(foot + 0.04, 0.98), s.rand(0.1, 0.2))


def _tallbuilding(s: Sketch) -> None:
    foot = s.rand(0.75, 1.0)
    draw_sky(s)
    if s.chance(0.5):  # one or two towers seen from their foot
        for _ in range(s.count(1, 2)):
            wide, x = s.rand(0.25, 0.6), s.rand(0, 0.6)
            draw_tower(s, x, x + wide, s.rand(-0.2, 0.25), 1.05, s.rand(0, 0.6))
    else:
        draw_skyline(s, foot, s.rand(0.6, 0.9), s.count(4, 14))
    if s.chance(0.2):  # town houses before them
        draw_fronts(s, foot, 0.12, 0.4)
    if s.chance(0.7):
        draw_ground(s, foot, s.rand(0.3, 0.6), 0.1)
    for _ in range(s.count(-1, 3)):
        draw_tree(s, s.rand(0, 1), s.rand(foot, 1.05), s.rand(0.15, 0.5), s.rand(0.2, 0.4))
    if s.chance(0.3):
        draw_bushes(s, s.rand(0.95, 1.05), s.count(3, 12), s.rand(0.1, 0.2), s.rand(0.15, 0.35))
    for _ in range(s.count(-2, 3)):
        draw_car(s, s.rand(0, 1), s.rand(0.93, 0.99), s.rand(0.1, 0.15))


def _suburb(s: Sketch) -> None:
    foot = s.rand(0.55, 0.75)
    draw_sky(s)
    if s.chance(0.2):
        draw_ridge(s, foot, s.rand(0.2, 0.4), s.rand(0.3, 0.6))
    if s.chance(0.8):
        draw_bushes(s, foot - 0.02, s.count(3, 12), s.rand(0.2, 0.5), s.rand(0.2, 0.35))
    draw_ground(s, foot - 0.03, s.rand(0.3, 0.65), 0.12)
    x0 = -s.rand(0, 0.3)
    while x0 < 0.9:  # one or two houses, and gardens between them
        x1 = x0 + s.rand(0.35, 0.8)
        draw_house(s, x0, x1, foot + s.rand(-0.01, 0.03))
        door, wide = s.rand(x0 + 0.1, x1 - 0.1), s.rand(0.04, 0.2)
        if s.chance(0.5):
            drive = [(door - 0.04, foot), (door + 0.04, foot), (door + wide * 1.5, 1)]
            with s.depicting("road"):
                s.polygon([*drive, (door - wide, 1)], s.rand(0.6, 0.95))
            if s.chance(0.4):
                draw_car(s, door, s.rand(foot + 0.1, 0.9), s.rand(0.12, 0.2))
        for _ in range(s.count(0, 6)):  # shrubs along the wall
            wide, high = s.rand(0.03, 0.09), s.rand(0.03, 0.06)
            with s.depicting("plant"):
                s.oval(s.rand(x0, x1), foot + 0.01, wide, high, s.rand(0.15, 0.35))
        x0 = x1 + s.rand(0.1, 0.4)
    if s.chance(0.4):  # the road
        y = s.rand(0.82, 0.95)
        with s.depicting("road"):
            s.box(0, y, 1, 1, s.rand(0.25, 0.6))
        for _ in range(s.count(0, 2)):
            draw_car(s, s.rand(0, 1), s.rand(y + 0.03, 1), s.rand(0.12, 0.2))
    if s.chance(0.3):
        draw_fence(s, s.rand(0.8, 0.95), s.rand(0.06, 0.14), s.rand(0.6, 1))
    for _ in range(s.count(-1, 2)):
        draw_tree(s, s.rand(0, 1), s.rand(0.72, 0.95), s.rand(0.4, 0.9), s.rand(0.2, 0.4))


@depicts("building")
def _industrial(s: Sketch) -> None:
    base, haze = s.rand(0.65, 0.8), s.rand(0.15, 0.5)
    draw_sky(s)
    if s.chance(0.2):
        draw_ridge(s, base, s.rand(0.1, 0.3), s.rand(0.4, 0.6))
    if s.chance(0.1):
        draw_skyline(s, base, s.rand(0.2, 0.5), s.count(2, 6))
    draw_ground(s, base, s.rand(0.3, 0.65), 0.2)
    for _ in range(s.count(1, 3)):  # chimneys, with smoke or without
        x, top, wide = s.rand(0.1, 0.9), s.rand(0.1, 0.4), s.rand(0.02, 0.05)
        smoke, drift = s.rand(0.3, 0.8), s.rand(-0.06, 0.06)
        for k in range(s.count(-3, 9)):
            puff, shade = wide + 0.012 * k, smoke * s.rand(0.85, 1.05)
            with s.depicting("other"):
                s.oval(x + drift * k, top - 0.035 * k, puff * 1.3, puff, shade)
        sides = [(x - wide * 0.7, top), (x + wide * 0.7, top), (x + wide, base), (x - wide, base)]
        s.polygon(sides, haze)
        if s.chance(0.5):
            s.box(x - wide * 0.8, top + 0.03, x + wide * 0.8, top + 0.06, s.rand(0.6, 1))
    for _ in range(s.count(2, 6)):
        x, wide, top = s.rand(-0.1, 0.9), s.rand(0.12, 0.3), base - s.rand(0.15, 0.4)
        kind, tone = s.rng.random(), s.rand(0.3, 0.8)
        if kind < 0.25:  # a storage tank, darker round the side
            for k in range(8):
                light = tone * (1.1 - 0.09 * k)
                s.box(x + wide * k / 8, top, x + wide * (k + 1) / 8, base, light)
            s.oval(x + wide / 2, top, wide / 2, wide * 0.12, tone * 1.2)
        elif kind < 0.55:
            draw_shed(s, x, wide * 1.5, top, base)
        elif kind < 0.75:  # a plain hall
            s.grid(hall := flat_face(x, top, x + wide * 1.6, base), 1, 1, tone, 0, (0, 0))
            s.grid(hall, s.count(3, 8), s.count(1, 4), tone * 0.5, 0.05, (0.3, 0.6))
        else:
            draw_pylon(s, x, base, base - top + 0.1, haze)
    for _ in range(s.count(-1, 4)):  # pipes
        y, a, b = s.rand(base - 0.15, base + 0.05), s.rand(0, 0.5), s.rand(0.5, 1)
        pipe = [(a, base + 0.03), (a, y), (b, y), (b, base + 0.03)]
        s.line(pipe, 0.3, 0.022)
        s.line(pipe, s.rand(0.5, 0.95), 0.012)
    draw_bushes(s, base + 0.02, s.count(-4, 8), s.rand(0.06, 0.2), s.rand(0.15, 0.35))
    if s.chance(0.3):
        draw_fence(s, s.rand(base + 0.05, 0.98), s.rand(0.1, 0.2), s.rand(0.2, 0.8))
    for _ in range(s.count(-2, 3)):
        draw_car(s, s.rand(0, 1), s.rand(base + 0.08, 1), s.rand(0.1, 0.18))


STREETS = {
    "highway": _highway,
    "industrial": _industrial,
    "insidecity": _insidecity,
    "street": _street,
    "suburb": _suburb,
    "tallbuilding": _tallbuilding,
}
