"""Rooms and their furniture. Distances are roughly meters from the eye."""

from typing import NamedTuple

from scene_recog.datasets.sketch15.canvas import Face, Sketch, depicts


class Room(NamedTuple):
    """An empty room: the side walls are at -half and half, the back wall at `back`.

    `middle` is the point of the back wall in the middle of the canvas.
    """

    half: float
    floor: float
    back: float
    middle: float


def draw_room(s: Sketch) -> Room:
    """Floor, walls and ceiling, with a window or pictures on the back wall."""
    s.eye = s.eye[0], s.eye[1] - 0.13
    half, floor, back = s.rand(0.8, 1.3), s.rand(0.65, 0.85), s.rand(1.7, 2.3)
    roof, wall, ground = -s.rand(0.5, 0.8), s.rand(0.35, 0.85), s.rand(0.2, 0.7)
    with s.depicting("wall"):
        s.box(0, 0, 1, 1, wall)
        for side in (-half, half):
            s.face((side, roof, 0.3), (side, floor, back), wall * s.rand(0.7, 0.95))
        s.face((-half, roof, 0.3), (half, roof, back), wall * 1.15)
        s.face((-half, roof, back), (half, floor, back), wall)
    with s.depicting("floor"):
        boards = s.face((-half, floor, 0.3), (half, floor, back), ground)
        if s.chance(0.5):
            s.grid(boards, s.count(6, 12), 8 if s.chance(0.5) else 1, ground, 0.04, (0.06, 0.06))
    if s.chance(0.5):
        draw_window(s, s.rand(-0.6, 0.6), -0.15, back, s.rand(0.2, 0.5), s.rand(0.2, 0.3))
    for _ in range(s.count(-1, 3)):
        x, y, size = s.rand(-0.8, 0.8) * half, s.rand(-0.35, -0.1), s.rand(0.06, 0.15)
        with s.depicting("wall"):
            frame = s.face(
                (x - size, y - size, back), (x + size, y + size * s.rand(0.3, 1), back), 0.2
            )
            s.patch(frame, 0.12, 0.12, 0.88, 0.88, s.rand(0.6, 0.95))
            s.patch(frame, 0.25, 0.4, 0.75, 0.8, s.rand(0.2, 0.8))
    return Room(half, floor, back, (0.5 - s.eye[0]) * back)


@depicts("wall")
def draw_window(s: Sketch, x: float, y: float, z: float, wide: float, high: float) -> None:
    """A window with panes, bright by day, and perhaps curtains."""
    frame = s.face((x - wide, y - high, z), (x + wide, y + high, z))
    s.patch(frame, -0.06, -0.06, 1.06, 1.06, s.rand(0.3, 0.6))
    day = s.rand(0.9, 1) if s.chance(0.8) else 0.15
    s.grid(frame, s.count(1, 3), s.count(1, 3), day, 0.05, (0.06, 0.06))
    if s.chance(0.4):  # curtains
        curtain = s.rand(0.3, 0.7)
        for k in (*range(5), *range(12, 17)):
            fold = curtain * (0.85 + 0.25 * (k % 2))
            s.patch(frame, k / 11 - 0.27, -0.15, (k + 1) / 11 - 0.27, 1.3, fold)


@depicts("furniture")
def draw_lamp(s: Sketch, x: float, y: float, z: float, high: float) -> None:
    """A lamp whose foot stands at (x, y, z)."""
    s.line([s.at(x, y, z), s.at(x, y - high, z)], 0.15, 0.02 / z)
    corners = ((-0.05, -0.16), (0.05, -0.16), (0.1, 0.04), (-0.1, 0.04))
    s.polygon([s.at(x + dx, y - high + dy, z) for dx, dy in corners], s.rand(0.7, 1))


@depicts("plant")
def draw_plant(s: Sketch, x: float, floor: float, z: float) -> None:
    s.cuboid((x - 0.07, floor - 0.15, z), (x + 0.07, floor, z + 0.1), s.rand(0.3, 0.8))
    size = s.rand(0.25, 0.45)
    for _ in range(14):
        tip = s.at(x + s.rand(-0.6, 0.6) * size, floor - 0.15 - size * s.rand(0.5, 1), z)
        s.line([s.at(x, floor - 0.15, z), tip], s.rand(0.1, 0.35), 0.03 / z)


@depicts("furniture")
def draw_goods(s: Sketch, face: Face, columns: int, shelves: int, tone: float) -> None:
    """Shelves on a face, filled with boxes, bottles or books of all heights."""
    s.patch(face, 0, 0, 1, 1, tone)
    for j in range(shelves):
        low, u = (j + 0.88) / shelves, 0.01
        while u < 0.97:
            wide, high = s.rand(0.5, 1.5) / columns, s.rand(0.45, 0.8) / shelves
            s.patch(face, u, low - high, min(0.99, u + wide * 0.85), low, s.rand(0.1, 1))
            u += wide
        s.patch(face, 0, low, 1, low + 0.05 / shelves, tone * 1.6 + 0.1)


@depicts("furniture")
def draw_shelf(s: Sketch, x: float, floor: float, z: float) -> None:
    """A bookcase that stands on the floor or hangs on the wall."""
    wide, top, low = s.rand(0.2, 0.4), -s.rand(0.2, 0.6), s.choice((floor, 0.1))
    front = s.cuboid((x - wide, top, z), (x + wide, low, z + 0.15), s.rand(0.2, 0.6))
    draw_goods(s, front, s.count(8, 14), s.count(2, 5), s.rand(0.2, 0.5))


@depicts("furniture")
def draw_cupboard(s: Sketch, x: float, floor: float, z: float) -> None:
    """A chest of drawers, a wardrobe, or a fridge."""
    wide, high, wood = s.rand(0.15, 0.35), s.choice((0.3, 0.45, 1.05)), s.rand(0.2, 0.95)
    front = s.cuboid((x - wide, floor - high, z), (x + wide, floor, z + 0.25), wood)
    columns, rows = s.count(1, 2), s.count(1, 3)
    s.grid(front, columns, rows, wood * 0.85, 0.03, (0.08, 0.08))
    s.grid(front, columns, rows, wood * 0.4, 0.03, (0.75, 0.94))  # handles


@depicts("furniture")
def draw_screen(s: Sketch, x: float, y: float, z: float, wide: float) -> None:
    """A computer screen or a television that stands at (x, y, z)."""
    case, high = s.choice((0.12, 0.8)), wide * 1.5
    s.line([s.at(x, y - 0.1, z), s.at(x, y, z)], 0.15, 0.05)
    a, b = (x - wide, y - 0.08 - high, z), (x + wide, y - 0.08, z + 0.1)
    s.patch(s.cuboid(a, b, case), 0.08, 0.1, 0.92, 0.88, s.choice((0.1, 0.3, 0.95)))


@depicts("furniture")
def draw_sideboard(s: Sketch, x: float, floor: float, z: float) -> None:
    """A low board with a screen, jars or a lamp on it."""
    wood, top = s.rand(0.2, 0.8), floor - s.rand(0.28, 0.4)
    board = s.cuboid((x - 0.4, top, z), (x + 0.4, floor, z + 0.25), wood)
    s.grid(board, s.count(2, 4), s.count(1, 2), wood * 0.85, 0.03, (0.1, 0.1))
    if s.chance(0.5):
        draw_screen(s, x + s.rand(-0.2, 0.2), top, z + 0.1, s.rand(0.15, 0.25))
    for _ in range(s.count(0, 4)):
        draw_jar(s, x + s.rand(-0.35, 0.35), top, z + 0.05)


@depicts("furniture")
def draw_jar(s: Sketch, x: float, y: float, z: float) -> None:
    high = s.rand(0.06, 0.2)
    s.face((x - 0.04, y - high, z), (x + 0.04, y, z), s.rand(0.1, 1))


@depicts("furniture")
def draw_table(s: Sketch, x: float, floor: float, z: float) -> None:
    """A table with things on it, and perhaps a chair in front."""
    wide, high, wood = s.rand(0.22, 0.45), s.choice((0.18, 0.36)), s.rand(0.25, 0.85)
    for leg in (-wide + 0.03, wide - 0.03):
        s.line([s.at(x + leg, floor - high, z), s.at(x + leg, floor, z)], wood * 0.6, 0.02)
    s.cuboid((x - wide, floor - high - 0.03, z), (x + wide, floor - high, z + 0.3), wood)
    for _ in range(s.count(0, 4)):
        draw_jar(s, x + s.rand(-0.8, 0.8) * wide, floor - high - 0.03, z + 0.1)
    if s.chance(0.4):
        draw_chair(s, x + s.rand(-0.3, 0.3), floor, z - 0.1)


@depicts("furniture")
def draw_chair(s: Sketch, x: float, floor: float, z: float) -> None:
    """A chair seen from behind, on four legs or on a swivel."""
    tone, seat = s.rand(0.08, 0.5), floor - 0.28
    if s.chance(0.5):
        for leg in (-0.12, 0.12):
            s.line([s.at(x + leg, seat - 0.3, z), s.at(x + leg, floor, z)], tone, 0.03 / z)
        s.cuboid((x - 0.13, seat, z), (x + 0.13, seat + 0.04, z + 0.25), tone)
        back = s.face((x - 0.12, seat - 0.3, z), (x + 0.12, seat - 0.05, z))
        s.grid(back, s.count(1, 4), 1, tone, 0.02, (0.4, 0))
        return
    s.line([s.at(x, seat, z), s.at(x, floor - 0.05, z)], tone, 0.04 / z)
    for foot in (-0.14, 0, 0.14):
        s.line([s.at(x, floor - 0.06, z), s.at(x + foot, floor, z)], tone, 0.02 / z)
    s.cuboid((x - 0.15, seat, z), (x + 0.15, seat + 0.05, z + 0.25), tone)
    s.oval(*s.at(x, seat - 0.2, z), 0.15 / z, 0.18 / z, tone * 1.2)


@depicts("furniture")
def draw_sofa(s: Sketch, x: float, floor: float, z: float, wide: float, seats: int) -> None:
    """A sofa, or an armchair with one seat, with cushions."""
    cloth = s.rand(0.15, 0.85)
    back = s.cuboid((x - wide, floor - 0.5, z + 0.25), (x + wide, floor, z + 0.35), cloth)
    s.grid(back, seats, 1, cloth * 1.2, 0.03, (0.1, 0.1))
    seat = s.cuboid((x - wide, floor - 0.22, z), (x + wide, floor, z + 0.25), cloth * 0.9)
    s.grid(seat, seats, 1, cloth, 0.03, (0.06, 0.2))
    for arm in (x - wide, x + wide):
        s.cuboid((arm - 0.06, floor - 0.36, z), (arm + 0.06, floor, z + 0.35), cloth * 0.8)
    for _ in range(s.count(0, 2)):
        cushion = s.at(x + s.rand(-0.7, 0.7) * wide, floor - 0.32, z + 0.15)
        s.oval(*cushion, 0.09 / z, 0.08 / z, s.rand(0.4, 1))


def draw_extras(s: Sketch, room: Room, behind: int, before: int) -> None:
    """Things that may stand in any room: along the back wall, and nearer to the eye."""
    half, floor, back, _ = room
    for _ in range(behind):
        x, kind = s.rand(-0.85, 0.85) * half, s.count(0, 5)
        if kind == 0:
            draw_plant(s, x, floor, back - 0.15)
        elif kind == 1:
            draw_lamp(s, x, floor, back - 0.1, s.rand(0.5, 0.8))
        elif kind == 2:
            draw_shelf(s, x, floor, back - 0.15)
        elif kind == 3:
            draw_cupboard(s, x, floor, back - 0.25)
        elif kind == 4:
            draw_sideboard(s, x, floor, back - 0.25)
        else:
            draw_sofa(s, x, floor, back - 0.4, 0.2, 1)
    for _ in range(before):
        x, z, kind = s.rand(-0.7, 0.7), s.rand(1.0, 1.3), s.count(0, 3)
        if kind == 0:
            draw_table(s, x, floor, z)
        elif kind == 1:
            draw_chair(s, x, floor, z)
        elif kind == 2:
            draw_sofa(s, x, floor, z, 0.2, 1)
        else:
            draw_plant(s, x, floor, z)
