"""Scenes indoors: bedroom, kitchen, living room, office, store."""

from scene_recog.datasets.sketch15.canvas import Sketch, depicts
from scene_recog.datasets.sketch15.elements import draw_people
from scene_recog.datasets.sketch15.furniture import (
    draw_chair,
    draw_cupboard,
    draw_extras,
    draw_goods,
    draw_jar,
    draw_lamp,
    draw_room,
    draw_screen,
    draw_sideboard,
    draw_sofa,
    draw_table,
    draw_window,
)


@depicts("furniture")
def _bedroom(s: Sketch) -> None:
    room = draw_room(s)
    _, floor, back, middle = room
    draw_extras(s, room, s.count(0, 1), 0)
    x, wide, cover = middle + s.rand(-0.4, 0.4), s.rand(0.35, 0.55), s.rand(0.5, 0.95)
    top, near = floor - s.rand(0.2, 0.3), back - s.rand(0.5, 0.9)
    for side in (-1, 1):  # bedside tables with a lamp
        if s.chance(0.6):
            u, wood = x + side * (wide + 0.2), s.rand(0.2, 0.7)
            a, b = (u - 0.13, floor - 0.3, back - 0.25), (u + 0.13, floor, back)
            s.grid(s.cuboid(a, b, wood), 1, 2, wood * 0.75, 0.03, (0.15, 0.15))
            draw_lamp(s, u, floor - 0.3, back - 0.1, 0.15)
    wood, cloth = s.rand(0.15, 0.7), s.rand(0.5, 1)
    if s.chance(0.75):  # the head of the bed at the back wall
        board = s.face((x - wide, top - s.rand(0.1, 0.4), back), (x + wide, floor, back), wood)
        if s.chance(0.4):
            s.grid(board, s.count(4, 9), 1, wood * 1.5, 0.03, (0.4, 0.1))
        s.cuboid((x - wide, top, near), (x + wide, floor - 0.04, back), cover * 0.85)
        quilt = s.face((x - wide, top, near), (x + wide, top, back - 0.25), cover)
        for pillow in s.choice(((x - wide / 2, x + wide / 2), (x,))):
            u, v = s.at(pillow, top - 0.05, back - 0.1)
            s.oval(u, v, wide * 0.42 / back, 0.1 / back, cloth)
    else:  # seen from its side
        side, z = s.choice((-1, 1)), back - s.rand(0.5, 0.7)
        s.cuboid((x - 0.6, top, z), (x + 0.6, floor - 0.04, z + 0.45), cover * 0.85)
        quilt = s.face((x - 0.6, top, z), (x + 0.6, top, z + 0.45), cover)
        head = x + side * 0.6
        s.cuboid((head - 0.03, top - 0.25, z), (head + 0.03, floor, z + 0.45), wood)
        s.oval(*s.at(head - side * 0.2, top - 0.05, z + 0.2), 0.14 / z, 0.08 / z, cloth)
    if s.chance(0.5):
        s.grid(quilt, s.count(3, 8), s.choice((1, 5)), cover * 0.7, 0.08, (0.5, 0.2))
    draw_extras(s, room, 0, s.count(-2, 1))


@depicts("furniture")
def _livingroom(s: Sketch) -> None:
    room = draw_room(s)
    _, floor, back, middle = room
    if s.chance(0.25):  # a fireplace
        x = s.rand(-0.6, 0.6)
        s.cuboid((x - 0.3, floor - 0.65, back - 0.1), (x + 0.3, floor, back), s.rand(0.4, 0.9))
        hearth = s.face((x - 0.17, floor - 0.45, back - 0.1), (x + 0.17, floor, back - 0.1), 0.1)
        s.polygon([hearth(0.2, 1), hearth(0.5, 0.4), hearth(0.8, 1)], 0.85)
    rug = s.face((-0.5, floor, 1), (0.5, floor, back - 0.3))
    for k in (0.0, 0.1) if s.chance(0.5) else ():
        with s.depicting("floor"):
            s.patch(rug, k, k, 1 - k, 1 - k, s.rand(0.3, 0.9))
    draw_extras(s, room, s.count(0, 2), 0)
    if s.chance(0.4):
        draw_lamp(s, middle + s.rand(-0.8, 0.8), floor, back - 0.1, 0.7)
    if s.chance(0.3):
        draw_sideboard(s, s.rand(-0.5, 0.5), floor, back - 0.25)
    x, z, wide = middle + s.rand(-0.4, 0.4), back - s.rand(0.4, 0.8), s.rand(0.4, 0.6)
    draw_sofa(s, x, floor, z, wide, s.count(2, 3))
    for side in (-1, 1):
        if s.chance(0.3):
            draw_sofa(s, side * s.rand(0.55, 0.75), floor, 1.1, 0.2, 1)
    if s.chance(0.5):  # a coffee table
        draw_table(s, s.rand(-0.3, 0.3), floor, s.rand(1.05, 1.2))
    draw_extras(s, room, 0, s.count(-2, 1))


@depicts("furniture")
def _kitchen(s: Sketch) -> None:
    room = draw_room(s)
    half, floor, back, middle = room
    wood, top, near, doors = s.rand(0.5, 0.95), floor - 0.42, back - 0.35, s.count(3, 7)
    a, b = -half, half
    if s.chance(0.3):  # the row of cupboards ends before the wall
        end = middle + s.rand(0, 0.6)
        a, b = s.choice(((-half, end), (middle * 2 - end, half)))
    if s.chance(0.6):
        with s.depicting("wall"):
            tiles = s.face((a, top - 0.3, back), (b, top, back), 0.6)
            s.grid(tiles, 20, 5, s.rand(0.4, 0.8), 0.05, (0.1, 0.1))
    if s.chance(0.85):
        upper = s.cuboid((a, top - 0.8, back - 0.2), (b, top - 0.3, back), wood * 0.75)
        s.grid(upper, doors, 1, wood, 0.03, (0.12, 0.12))
    if s.chance(0.4):
        draw_window(s, s.rand(-0.4, 0.4), top - 0.45, back - 0.2, 0.22, 0.22)
    lower = s.cuboid((a, top, near), (b, floor, back), wood * 0.75)
    s.grid(lower, doors, s.choice((1, 1, 3)), wood, 0.03, (0.12, 0.16))
    s.cuboid((a, top - 0.04, near - 0.03), (b, top, back), s.rand(0.2, 0.8))
    for _ in range(s.count(0, 8)):  # jars and pots
        draw_jar(s, s.rand(a, b), top - 0.04, near + 0.2)
    if s.chance(0.8):  # the stove and its hood
        x = min(max(middle + s.rand(-0.5, 0.5), a + 0.2), b - 0.2)
        front, corner = (x - 0.2, top - 0.05, near - 0.04), (x + 0.2, floor, back)
        oven = s.cuboid(front, corner, s.rand(0.3, 0.9))
        s.patch(oven, 0.12, 0.35, 0.88, 0.8, 0.1)
        s.grid(oven, 4, 1, 0.3, 0.2, (0.6, 0.8))
        if s.chance(0.6):
            edge = ((0.07, -0.85), (0.07, -0.6), (0.2, -0.4))
            hood = [*((-dx, dy) for dx, dy in edge), *edge[::-1]]
            s.polygon([s.at(x + dx, top + dy, near + 0.1) for dx, dy in hood], s.rand(0.25, 0.5))
    if s.chance(0.5):
        draw_cupboard(s, s.rand(0.6, 0.8) * half * s.choice((-1, 1)), floor, near - 0.05)
    if s.chance(0.25):
        draw_table(s, s.rand(-0.4, 0.4), floor, s.rand(1.0, 1.3))
    draw_extras(s, room, 0, s.count(-2, 1))


@depicts("furniture")
def _office(s: Sketch) -> None:
    room = draw_room(s)
    half, floor, back, middle = room
    kind, x = s.rng.random(), middle + s.rand(-0.4, 0.4)
    if s.chance(0.45):
        with s.depicting("wall"):
            s.grid(s.face((-half, -0.55, 0.8), (half, -0.55, back)), 3, 3, 1, 0, (0.6, 0.6))
    if kind < 0.4:  # a pin board
        board = s.face((x - 0.5, -0.5, back), (x + 0.4, -0.02, back), s.rand(0.4, 0.6))
        s.grid(board, s.count(3, 7), s.count(2, 4), 0.85, 0.15, (0.4, 0.4))
    draw_extras(s, room, s.count(0, 2), 0)
    for _ in range(s.count(1, 2)):
        top, wood, z = floor - 0.36, s.rand(0.3, 0.8), back - s.rand(0.5, 0.9)
        x0 = middle + s.rand(-0.9, 0)
        x1 = x0 + s.rand(0.7, 1.2)
        for x in (x0 + 0.12, x1 - 0.12):  # the desk: drawers on both sides, then the top
            drawers = s.cuboid((x - 0.12, top, z + 0.05), (x + 0.12, floor, z + 0.45), wood * 0.8)
            s.grid(drawers, 1, 3, wood * 0.6, 0.03, (0.1, 0.12))
        s.cuboid((x0, top - 0.04, z), (x1, top, z + 0.5), wood)
        desk = s.face((x0, top - 0.04, z), (x1, top - 0.04, z + 0.5))
        for _ in range(s.count(0, 9)):  # papers
            u, v = s.rand(0, 0.88), s.rand(0, 0.8)
            s.patch(desk, u, v, u + 0.1, v + 0.2, s.rand(0.6, 1))
        for k in range(s.count(1, 2)):  # screens with keyboards
            x = x0 + (x1 - x0) * (0.3 + 0.4 * k)
            draw_screen(s, x, top - 0.03, z + 0.3, 0.19)
            a, b = (x - 0.14, top - 0.05, z + 0.03), (x + 0.14, top - 0.05, z + 0.13)
            s.face(a, b, s.choice((0.15, 0.9)))
    if s.chance(0.7):
        draw_chair(s, s.rand(-0.45, 0.45), floor, s.rand(1.0, 1.3))
    draw_extras(s, room, 0, s.count(-2, 1))


@depicts("furniture")
def _store(s: Sketch) -> None:
    room = draw_room(s)
    half, floor, back, middle = room
    rows, depth, kind = s.count(2, 6), back + s.rand(0, 4), s.rng.random()
    if kind < 0.4:  # an aisle between two long shelves, below rows of lamps
        with s.depicting("wall"):
            roof = s.face((-half, -0.6, 0.5), (half, -0.6, depth), s.rand(0.3, 0.8))
            s.grid(roof, s.count(2, 4), s.count(3, 8), 1, 0, (0.7, 0.5))
        draw_goods(s, s.face((-half, -0.6, depth), (half, floor, depth)), 10, rows, 0.3)
        with s.depicting("floor"):
            s.face((-half, floor, 0.4), (half, floor, depth), s.rand(0.4, 0.85))
        for x in (-half * s.rand(0.5, 0.8), half * s.rand(0.5, 0.8)):
            rack = s.face((x, -s.rand(0.2, 0.55), 0.45), (x, floor, depth))
            draw_goods(s, rack, s.count(10, 26), rows, s.rand(0.1, 0.4))
    else:  # goods on part of the wall, and counters in front
        left, right = middle - s.rand(0.3, 1), middle + s.rand(0.3, 1)
        wall = s.face((left, -s.rand(0.3, 0.55), back), (right, floor, back))
        draw_goods(s, wall, s.count(10, 28), rows, s.rand(0.15, 0.5))
        draw_extras(s, room, s.count(0, 1), 0)
        for _ in range(s.count(0, 3)):
            x, z, high = s.rand(-0.8, 0.4), s.rand(1.2, back - 0.3), s.rand(0.25, 0.5)
            a, b = (x, floor - high, z), (x + s.rand(0.3, 0.7), floor, z + 0.25)
            case = s.cuboid(a, b, s.rand(0.3, 0.8))
            if s.chance(0.6):
                draw_goods(s, case, s.count(5, 10), s.count(2, 3), s.rand(0.2, 0.5))
            for _ in range(s.count(0, 3)):
                draw_jar(s, s.rand(a[0], b[0]), floor - high, z + 0.1)
    for _ in range(s.count(-1, 3)):  # signs that hang from the ceiling
        x, y, z = s.rand(-0.6, 0.4), s.rand(-0.5, -0.4), s.rand(1.1, 2)
        sign = s.face((x, y, z), (x + 0.35, y + 0.14, z), s.rand(0.1, 0.9))
        s.grid(sign, s.count(4, 7), 1, s.rand(0.2, 0.95), 0.05, (0.3, 0.5))
    draw_people(s, s.rand(0.85, 1.0), s.rand(0.25, 0.5), s.count(0, 2))


ROOMS = {
    "bedroom": _bedroom,
    "kitchen": _kitchen,
    "livingroom": _livingroom,
    "office": _office,
    "store": _store,
}
