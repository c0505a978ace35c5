"""Scenes of roads and buildings: highway, street, city, towers, suburb, industry."""

from scene_recog.datasets.sketch15.canvas import Point, Sketch, flat_face
from scene_recog.datasets.sketch15.elements import (
    draw_bushes,
    draw_ground,
    draw_people,
    draw_ridge,
    draw_sky,
    draw_tree,
)


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
    s.face((left, 0.5, 0.4), (right, 0.5, 60), tone)
    for k in range(lanes + 1):
        x = left + (right - left) * (0.03 + 0.94 * k / lanes)
        z = s.rand(0.5, 0.8)
        while z < 12:  # solid at the edges, dashed between the lanes
            end = 60 if k in (0, lanes) else z * 1.35
            s.face((x - 0.014, 0.5, z), (x + 0.014, 0.5, end), 0.95)
            z = end * 1.3


def _tower(s: Sketch, x0: float, x1: float, top: float, base: float, taper: float = 0) -> None:
    """A tall block with a lit and a shaded face, rows of windows, narrower at the top."""
    tone, edge, middle = s.rand(0.35, 0.75), x0 + (x1 - x0) * s.rand(0.6, 0.9), (x0 + x1) / 2
    rows, gap = max(4, int((base - top) * s.rand(16, 28))), (s.rand(0.2, 0.6), s.rand(0.2, 0.6))
    for a, b, light in ((x0, edge, 1.0), (edge, x1, 0.6)):

        def face(u: float, v: float, a: float = a, b: float = b) -> Point:
            shrink = 1 - taper * (1 - v)
            return middle + (a + u * (b - a) - middle) * shrink, top + v * (base - top)

        s.patch(face, 0, 0, 1, 1, tone * light)
        columns = max(1, round((b - a) * rows / (base - top) * 0.8))
        s.grid(face, columns, rows, tone * light * 0.45, 0.06, gap)
    if s.chance(0.3):
        s.line([(middle, top), (middle, top - s.rand(0.04, 0.12))], tone * 0.6)


def _highway(s: Sketch) -> None:
    horizon, left, right = s.eye[1], -s.rand(0.6, 1.2), s.rand(0.6, 1.2)
    draw_sky(s)
    if s.chance(0.5):
        draw_ridge(s, horizon + 0.01, s.rand(0.03, 0.15), s.rand(0.4, 0.6))
    draw_ground(s, horizon, s.rand(0.45, 0.65), 0.12)
    draw_bushes(s, horizon + 0.01, s.count(0, 20), s.rand(0.04, 0.12), s.rand(0.2, 0.35))
    _road(s, left, right, s.rand(0.25, 0.42), s.count(2, 4))
    if s.chance(0.5):  # an overpass or a sign gantry
        z, (wide, high) = s.rand(1.5, 4), (3.0, 0.12) if s.chance(0.4) else (right + 0.1, 0.04)
        for x in (-wide, right):
            s.face((x, -0.5, z), (x + 0.08, 0.5, z), 0.3)
        s.face((-wide, -0.6, z), (wide, high - 0.6, z), 0.55)
        sign = s.face((-0.3, -0.75, z), (0.2, -0.45, z), s.rand(0.2, 0.5))
        s.grid(sign, 1, 2, 0.95, 0.05, (0.3, 0.6))
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
    draw_sky(s)
    draw_ground(s, s.eye[1], s.rand(0.55, 0.7), 0.05)
    _road(s, -road, road, s.rand(0.35, 0.5), s.count(1, 2))
    for side in (-1, 1):
        z, high, trees = s.rand(6, 12), s.rand(0.8, 1.8), s.chance(0.15)
        wall = side * (road + s.rand(0.2, 0.5))
        while z > 0.6:  # houses, or trees, from far to near
            near, paint = max(0.45, z * s.rand(0.55, 0.8)), s.rand(0.35, 0.8)
            if trees:
                draw_tree(s, *s.at(wall, 0.5, near), s.rand(0.9, 1.5) / near, s.rand(0.2, 0.4))
            else:
                top = -high * s.rand(0.6, 1.4)
                x0, x1 = sorted((wall, wall + 2 * side))
                s.cuboid((x0, top, near), (x1, 0.5, z), paint)
                facade = s.face((wall, top, near), (wall, 0.5, z))
                columns = max(1, round((z - near) * 3))
                s.grid(facade, columns, s.count(3, 6), paint * 0.4, 0.06, (0.5, 0.5))
            z = near if near > 0.45 else 0
        for k in range(s.count(0, 5), 0, -1):  # parked cars
            z = 0.8 + 0.8 * k
            _car(s, *s.at(side * (road - 0.1), 0.5, z), s.rand(0.2, 0.3) / z)
    draw_people(s, s.rand(0.8, 0.95), s.rand(0.1, 0.25), s.count(0, 3))


def _insidecity(s: Sketch) -> None:
    foot, x = s.rand(0.75, 0.88), -s.rand(0, 0.5)
    draw_sky(s)
    s.box(0, foot, 1, 1, s.rand(0.4, 0.6))
    while x < 1:  # house fronts, side by side
        wide, top, paint = s.rand(0.4, 0.9), s.rand(-0.3, 0.25), s.rand(0.35, 0.85)
        shop, columns = foot - s.rand(0.2, 0.3), max(2, round(wide * s.rand(4, 7)))
        s.patch(flat_face(x, top, x + wide, foot), 0, 0, 1, 1, paint)
        upper, rows = flat_face(x, top + 0.03, x + wide, shop), max(2, round((foot - top) * 4))
        gap = (s.rand(0.4, 0.65), s.rand(0.3, 0.55))
        s.grid(upper, columns, rows, paint * 1.3, 0, (gap[0] - 0.12, gap[1] - 0.1))
        s.grid(upper, columns, rows, paint * s.rand(0.2, 0.5), 0.08, gap)
        s.box(x, shop, x + wide, shop + 0.03, paint * s.rand(0.5, 1.4))
        bays = flat_face(x, shop + 0.05, x + wide, foot)  # shop windows, doors and awnings
        s.grid(bays, number := s.count(2, 4), 1, 0.25, 0.15, (0.2, 0))
        if s.chance(0.5):
            s.grid(flat_face(x, shop + 0.04, x + wide, shop + 0.1), number, 1, 0.8, 0.2, (0.1, 0))
        x += wide
    if s.chance(0.3):
        draw_tree(s, s.rand(0, 1), foot + 0.04, s.rand(0.3, 0.6), s.rand(0.2, 0.4))
    draw_people(s, foot + 0.05, s.rand(0.1, 0.2), s.count(0, 5))
    for _ in range(s.count(0, 3)):
        _car(s, s.rand(0, 1), s.rand(foot + 0.04, 0.98), s.rand(0.1, 0.2))


def _tallbuilding(s: Sketch) -> None:
    draw_sky(s)
    if s.chance(0.45):  # one or two towers seen from their foot
        for _ in range(s.count(1, 2)):
            wide, x = s.rand(0.35, 0.6), s.rand(0, 0.6)
            _tower(s, x, x + wide, s.rand(-0.1, 0.25), 1.05, s.rand(0.2, 0.6))
    else:  # a skyline
        foot, towers = s.rand(0.8, 1.0), s.count(7, 14)
        for k in range(towers):
            wide, x = s.rand(0.1, 0.25), s.rand(-0.1, 1)
            _tower(s, x, x + wide, foot - s.rand(0.4, 0.85) * (1 - 0.5 * k / towers), foot)
        draw_ground(s, foot, s.rand(0.3, 0.6), 0.1)
    if s.chance(0.5):
        draw_bushes(s, s.rand(0.95, 1.05), s.count(3, 12), s.rand(0.1, 0.2), s.rand(0.15, 0.35))


def _suburb(s: Sketch) -> None:
    foot, tone, roof = s.rand(0.64, 0.72), s.rand(0.7, 0.95), s.rand(0.2, 0.5)
    x0, x1, eaves = s.rand(0.08, 0.25), s.rand(0.75, 0.92), foot - s.rand(0.2, 0.26)
    ridge, inset = eaves - s.rand(0.14, 0.22), s.rand(0, 0.15)
    draw_sky(s)
    draw_bushes(s, foot - 0.02, s.count(5, 12), s.rand(0.25, 0.5), s.rand(0.2, 0.35))
    draw_ground(s, foot - 0.03, s.rand(0.4, 0.6), 0.12)
    if s.chance(0.5):
        chimney = s.rand(x0 + 0.1, x1 - 0.1)
        s.box(chimney, ridge - 0.06, chimney + 0.06, eaves, tone * 0.6)
    s.box(x0, eaves, x1, foot, tone * 0.85)
    s.grid(flat_face(x0, eaves, x1, foot), 1, 8, tone, 0, (0, 0.15))
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
        s.grid(flat_face(0, y - 0.04, 1, y + 0.06), s.count(20, 36), 1, paint, 0.04, (0.5, 0))
    if s.chance(0.5):
        x = s.rand(-0.05, 0.15) if s.chance(0.5) else s.rand(0.85, 1.05)
        draw_tree(s, x, s.rand(0.75, 0.9), s.rand(0.6, 0.9), s.rand(0.2, 0.35))


def _industrial(s: Sketch) -> None:
    base, haze = s.eye[1] + 0.22, s.rand(0.15, 0.4)
    draw_sky(s)
    draw_ground(s, base, s.rand(0.3, 0.6), 0.2)
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


STREETS = {
    "highway": _highway,
    "industrial": _industrial,
    "insidecity": _insidecity,
    "street": _street,
    "suburb": _suburb,
    "tallbuilding": _tallbuilding,
}
