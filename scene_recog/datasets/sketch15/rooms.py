"""Scenes indoors: the room and its furniture, then bedroom, kitchen, living room, office, store."""

from scene_recog.datasets.sketch15.canvas import Face, Sketch
from scene_recog.datasets.sketch15.elements import draw_people


def _room(s: Sketch) -> tuple[float, float, float]:
    """An empty room with floor, walls and ceiling; return (half width, floor, depth)."""
    s.eye = s.eye[0], s.rand(0.3, 0.38)
    half, floor, roof, back = s.rand(0.85, 1), s.rand(0.7, 0.8), -s.rand(0.55, 0.7), s.rand(1.8, 2)
    wall, ground = s.rand(0.6, 0.85), s.rand(0.3, 0.55)
    s.box(0, 0, 1, 1, wall)
    for side in (-half, half):
        s.face((side, roof, 0.3), (side, floor, back), wall * s.rand(0.75, 0.9))
    s.face((-half, roof, 0.3), (half, roof, back), wall * 1.15)
    boards = s.face((-half, floor, 0.3), (half, floor, back), ground)
    if s.chance(0.5):
        s.grid(boards, s.count(6, 12), 8 if s.chance(0.5) else 1, ground, 0.04, (0.06, 0.06))
    return half, floor, back


def _window(s: Sketch, x: float, y: float, z: float, wide: float, high: float) -> None:
    """A bright window on the back wall, with panes and perhaps curtains or blinds."""
    frame = s.face((x - wide, y - high, z), (x + wide, y + high, z))
    s.patch(frame, -0.06, -0.06, 1.06, 1.06, s.rand(0.3, 0.6))
    s.grid(frame, s.count(1, 3), s.count(1, 3), s.rand(0.9, 1), 0.05, (0.06, 0.06))
    if s.chance(0.4):  # curtains
        curtain = s.rand(0.3, 0.7)
        for k in (*range(5), *range(12, 17)):
            fold = curtain * (0.85 + 0.25 * (k % 2))
            s.patch(frame, k / 11 - 0.27, -0.15, (k + 1) / 11 - 0.27, 1.3, fold)


def _pictures(s: Sketch, half: float, z: float) -> None:
    for _ in range(s.count(0, 3)):
        x, y, size = s.rand(-0.8, 0.8) * half, s.rand(-0.3, -0.15), s.rand(0.06, 0.13)
        frame = s.face((x - size, y - size, z), (x + size, y + size * s.rand(0.3, 1), z), 0.2)
        s.patch(frame, 0.12, 0.12, 0.88, 0.88, s.rand(0.6, 0.95))
        s.patch(frame, 0.25, 0.4, 0.75, 0.8, s.rand(0.2, 0.8))


def _lamp(s: Sketch, x: float, y: float, z: float, high: float) -> None:
    """A lamp whose foot stands at (x, y, z)."""
    s.line([s.at(x, y, z), s.at(x, y - high, z)], 0.15, 0.02 / z)
    corners = ((-0.05, -0.16), (0.05, -0.16), (0.1, 0.04), (-0.1, 0.04))
    s.polygon([s.at(x + dx, y - high + dy, z) for dx, dy in corners], s.rand(0.9, 1))


def _plant(s: Sketch, x: float, floor: float, z: float) -> None:
    s.cuboid((x - 0.07, floor - 0.15, z), (x + 0.07, floor, z + 0.1), s.rand(0.3, 0.8))
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
    s.cuboid((x - 0.15, seat, z), (x + 0.15, seat + 0.05, z + 0.25), tone)
    s.oval(*s.at(x, seat - 0.2, z), 0.15 / z, 0.18 / z, tone * 1.2)


def _goods(s: Sketch, face: Face, columns: int, shelves: int, tone: float) -> None:
    """Shelves on a face, filled with boxes, bottles or books of all heights."""
    s.patch(face, 0, 0, 1, 1, tone)
    for j in range(shelves):
        low, u = (j + 0.88) / shelves, 0.01
        while u < 0.97:
            wide, high = s.rand(0.5, 1.5) / columns, s.rand(0.45, 0.8) / shelves
            s.patch(face, u, low - high, min(0.99, u + wide * 0.85), low, s.rand(0.1, 1))
            u += wide
        s.patch(face, 0, low, 1, low + 0.05 / shelves, tone * 1.6 + 0.1)


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
            s.grid(s.cuboid(a, b, wood), 1, 2, wood * 0.75, 0.03, (0.15, 0.15))
            _lamp(s, u, floor - 0.3, back - 0.1, 0.15)
    board = s.face((x - wide, top - s.rand(0.2, 0.4), back), (x + wide, floor, back), 0.25)
    if s.chance(0.4):
        s.grid(board, s.count(4, 9), 1, s.rand(0.3, 0.5), 0.03, (0.4, 0.1))
    s.cuboid((x - wide, top, near), (x + wide, floor - 0.04, back), cover * 0.85)
    quilt = s.face((x - wide, top, near), (x + wide, top, back - 0.25), cover)
    if s.chance(0.6):
        s.grid(quilt, s.count(3, 8), s.choice((1, 5)), cover * 0.7, 0.08, (0.5, 0.2))
    for pillow in (x - wide / 2, x + wide / 2):
        middle = s.at(pillow, top - 0.05, back - 0.1)
        s.oval(*middle, wide * 0.42 / back, 0.1 / back, s.rand(0.9, 1))


def _sofa(s: Sketch, x: float, floor: float, z: float, wide: float, seats: int) -> None:
    cloth = s.rand(0.15, 0.5)
    back = s.cuboid((x - wide, floor - 0.5, z + 0.25), (x + wide, floor, z + 0.35), cloth)
    s.grid(back, seats, 1, cloth * 1.2, 0.03, (0.1, 0.1))
    seat = s.cuboid((x - wide, floor - 0.22, z), (x + wide, floor, z + 0.25), cloth * 0.9)
    s.grid(seat, seats, 1, cloth, 0.03, (0.06, 0.2))
    for arm in (x - wide, x + wide):
        s.cuboid((arm - 0.06, floor - 0.36, z), (arm + 0.06, floor, z + 0.35), cloth * 0.8)
    for _ in range(s.count(0, 2)):
        cushion = s.at(x + s.rand(-0.7, 0.7) * wide, floor - 0.32, z + 0.15)
        s.oval(*cushion, 0.09 / z, 0.08 / z, s.rand(0.6, 1))


def _livingroom(s: Sketch) -> None:
    half, floor, back = _room(s)
    _pictures(s, half, back)
    if s.chance(0.35):  # a fireplace
        x = s.choice((-0.6, 0.6))
        s.cuboid((x - 0.3, floor - 0.65, back - 0.1), (x + 0.3, floor, back), 0.9)
        hearth = s.face((x - 0.17, floor - 0.45, back - 0.1), (x + 0.17, floor, back - 0.1), 0.1)
        s.polygon([hearth(0.2, 1), hearth(0.5, 0.4), hearth(0.8, 1)], 0.85)
    elif s.chance(0.8):
        _window(s, s.rand(-0.4, 0.4), -0.1, back, s.rand(0.3, 0.6), s.rand(0.25, 0.35))
    rug = s.face((-0.5, floor, 1), (0.5, floor, back - 0.3))
    for k in (0.0, 0.1) if s.chance(0.6) else ():
        s.patch(rug, k, k, 1 - k, 1 - k, s.rand(0.5, 0.9))
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
        s.cuboid((x - 0.26, floor - 0.2, z), (x + 0.26, floor - 0.16, z + 0.25), wood)


def _kitchen(s: Sketch) -> None:
    half, floor, back = _room(s)
    wood, top, near, doors = s.rand(0.65, 0.95), floor - 0.42, back - 0.35, s.count(4, 7)
    tiles = s.face((-half, top - 0.3, back), (half, top, back), 0.6)
    s.grid(tiles, 20, 5, s.rand(0.5, 0.8), 0.05, (0.1, 0.1))
    upper = s.cuboid((-half, top - 0.8, back - 0.2), (half, top - 0.3, back), wood * 0.75)
    s.grid(upper, doors, 1, wood, 0.03, (0.12, 0.12))
    if s.chance(0.5):
        _window(s, s.rand(-0.4, 0.4), top - 0.45, back - 0.2, 0.22, 0.22)
    lower = s.cuboid((-half, top, near), (half, floor, back), wood * 0.75)
    s.grid(lower, doors, s.choice((1, 1, 3)), wood, 0.03, (0.12, 0.16))
    s.cuboid((-half, top - 0.04, near - 0.03), (half, top, back), s.rand(0.2, 0.45))
    for _ in range(s.count(2, 8)):  # jars and pots
        x, high, z = s.rand(-0.9, 0.9) * half, s.rand(0.06, 0.2), near + 0.2
        s.face((x - 0.04, top - 0.04 - high, z), (x + 0.04, top - 0.04, z), s.rand(0.1, 1))
    x = s.rand(-0.4, 0.4) * half  # the stove and its hood
    oven = s.cuboid((x - 0.2, top - 0.05, near - 0.04), (x + 0.2, floor, back), s.rand(0.3, 0.9))
    s.patch(oven, 0.12, 0.35, 0.88, 0.8, 0.1)
    s.grid(oven, 4, 1, 0.3, 0.2, (0.6, 0.8))
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
        fridge = s.cuboid(a, b, s.rand(0.8, 1))
        s.patch(fridge, 0, 0.33, 1, 0.35, 0.2)
        s.patch(fridge, 0.85, 0.4, 0.9, 0.6, 0.2)


def _office(s: Sketch) -> None:
    half, floor, back = _room(s)
    _pictures(s, half, back)
    kind, x = s.rng.random(), s.rand(-0.4, 0.4)
    if s.chance(0.5):
        s.grid(s.face((-half, -0.55, 0.8), (half, -0.55, back)), 3, 3, 1, 0, (0.6, 0.6))
    if kind < 0.4:  # a pin board
        board = s.face((x - 0.5, -0.5, back), (x + 0.4, -0.02, back), s.rand(0.4, 0.6))
        s.grid(board, s.count(3, 7), s.count(2, 4), 0.85, 0.15, (0.4, 0.4))
    elif kind < 0.6:
        _window(s, x, -0.25, back, s.rand(0.3, 0.5), 0.25)
    if s.chance(0.6):
        u = s.rand(-half, half - 0.6)
        shelf = s.face((u, -0.5, back), (u + s.rand(0.5, 0.7), s.rand(-0.1, 0.2), back))
        _goods(s, shelf, 14, s.count(2, 4), s.rand(0.2, 0.5))
    top, wood, z = floor - 0.36, s.rand(0.4, 0.7), back - s.rand(0.5, 0.8)
    x0, x1 = -s.rand(0.5, half), s.rand(0.5, half)
    for x in (x0 + 0.12, x1 - 0.12):  # the desk: drawers on both sides, then the top
        drawers = s.cuboid((x - 0.12, top, z + 0.05), (x + 0.12, floor, z + 0.45), wood * 0.8)
        s.grid(drawers, 1, 3, wood * 0.6, 0.03, (0.1, 0.12))
    s.cuboid((x0, top - 0.04, z), (x1, top, z + 0.5), wood)
    desk = s.face((x0, top - 0.04, z), (x1, top - 0.04, z + 0.5))
    for _ in range(s.count(3, 9)):  # papers
        u, v = s.rand(0, 0.88), s.rand(0, 0.8)
        s.patch(desk, u, v, u + 0.1, v + 0.2, s.rand(0.85, 1))
    for x in (-0.25, 0.25) if s.chance(0.4) else (s.rand(-0.3, 0.3),):  # screens with keyboards
        case = s.choice((0.12, 0.8))
        s.line([s.at(x, top - 0.1, z + 0.3), s.at(x, top - 0.03, z + 0.3)], 0.15, 0.05)
        a, b = (x - 0.19, top - 0.38, z + 0.28), (x + 0.19, top - 0.08, z + 0.4)
        s.patch(s.cuboid(a, b, case), 0.08, 0.1, 0.92, 0.88, s.choice((0.25, 0.95)))
        a, b = (x - 0.14, top - 0.05, z + 0.03), (x + 0.14, top - 0.05, z + 0.13)
        s.face(a, b, s.choice((0.15, 0.9)))
    if s.chance(0.85):
        _chair(s, s.rand(-0.45, 0.45), floor, s.rand(1.0, 1.2))


def _store(s: Sketch) -> None:
    half, floor, back = _room(s)
    rows, depth = s.count(3, 6), back + s.rand(0, 4)
    if s.chance(0.55):  # an aisle between two long shelves, below rows of lamps
        roof = s.face((-half, -0.6, 0.5), (half, -0.6, depth), s.rand(0.5, 0.8))
        s.grid(roof, s.count(2, 4), s.count(3, 8), 1, 0, (0.7, 0.5))
        _goods(s, s.face((-half, -0.6, depth), (half, floor, depth)), 10, rows, 0.3)
        s.face((-half, floor, 0.4), (half, floor, depth), s.rand(0.6, 0.85))
        for x in (-half * s.rand(0.5, 0.8), half * s.rand(0.5, 0.8)):
            rack = s.face((x, -s.rand(0.2, 0.55), 0.45), (x, floor, depth))
            _goods(s, rack, s.count(14, 26), rows, s.rand(0.1, 0.4))
    else:  # a wall of goods, and counters before it
        wall = s.face((-half, -0.45, back), (half, floor, back))
        _goods(s, wall, s.count(14, 28), rows, s.rand(0.15, 0.4))
        for _ in range(s.count(1, 3)):
            x, z, high = s.rand(-0.8, 0.4), s.rand(1.2, back - 0.3), s.rand(0.25, 0.5)
            case = s.cuboid((x, floor - high, z), (x + s.rand(0.3, 0.7), floor, z + 0.25), 0.6)
            _goods(s, case, s.count(5, 10), s.count(2, 3), s.rand(0.2, 0.5))
    for _ in range(s.count(0, 3)):  # signs that hang from the ceiling
        x, y, z = s.rand(-0.6, 0.4), s.rand(-0.5, -0.4), s.rand(1.1, 2)
        sign = s.face((x, y, z), (x + 0.35, y + 0.14, z), s.rand(0.1, 0.4))
        s.grid(sign, s.count(4, 7), 1, 0.95, 0.05, (0.3, 0.5))
    draw_people(s, s.rand(0.85, 1.0), s.rand(0.25, 0.5), s.count(0, 2))


ROOMS = {
    "bedroom": _bedroom,
    "kitchen": _kitchen,
    "livingroom": _livingroom,
    "office": _office,
    "store": _store,
}
