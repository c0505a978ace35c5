"""Man-made objects in streets and fields: roads, cars, houses, towers, pylons."""

from scene_recog.datasets.sketch15.canvas import Face, Point, Sketch, depicts, flat_face, part_of


@depicts("car")
def draw_car(s: Sketch, x: float, y: float, size: float) -> None:
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


@depicts("road")
def draw_road(s: Sketch, left: float, right: float, tone: float, lanes: int) -> None:
    """A straight road to the vanishing point, 0.5 below the eye, with marks if it has lanes."""
    s.face((left, 0.5, 0.4), (right, 0.5, 60), tone)
    for k in range(lanes + 1) if lanes > 0 else ():
        x = left + (right - left) * (0.03 + 0.94 * k / lanes)
        z = s.rand(0.5, 0.8)
        while z < 12:  # solid at the edges, dashed between the lanes
            end = 60 if k in (0, lanes) else z * 1.35
            s.face((x - 0.014, 0.5, z), (x + 0.014, 0.5, end), 0.95)
            z = end * 1.3


def draw_traffic(s: Sketch, left: float, right: float, amount: int) -> None:
    """Cars on a road, the far ones first."""
    for k in range(amount, 0, -1):
        z = k * s.rand(1.0, 1.6)
        draw_car(s, *s.at(s.rand(left, right), 0.5, z), s.rand(0.2, 0.3) / z)


@depicts("other")
def draw_lamps(s: Sketch, x: float, amount: int) -> None:
    """Lamp posts along a road."""
    for k in range(amount):
        z, arm = 1.2 + k, -0.15 if x > 0 else 0.15
        s.line([s.at(x + arm, -1.1, z), s.at(x, -1.1, z), s.at(x, 0.5, z)], 0.25, 0.006)


@depicts("building")
def draw_front(s: Sketch, face: Face, columns: int, rows: int, shop: bool) -> None:
    """The front of a town house: rows of windows, dark or lit, and shops on the ground floor."""
    paint, foot = s.rand(0.3, 0.85), 1 - shop * s.rand(0.8, 1.2) / (rows + 1)
    s.patch(face, 0, 0, 1, 1, paint)
    upper, gap = part_of(face, 0, 0.03, 1, foot), (s.rand(0.4, 0.65), s.rand(0.3, 0.55))
    s.grid(upper, columns, rows, paint * 1.3, 0, (gap[0] - 0.12, gap[1] - 0.1))
    s.grid(upper, columns, rows, paint * s.choice((0.3, 0.5, 1.7)), 0.08, gap)
    if shop:
        ground, bays = part_of(face, 0, foot, 1, 1), max(1, columns * 2 // 3)
        s.patch(ground, 0, 0, 1, 0.12, paint * s.rand(0.5, 1.4))
        s.grid(part_of(ground, 0, 0.2, 1, 1), bays, 1, 0.25, 0.15, (0.2, 0))
        if s.chance(0.5):
            s.grid(part_of(ground, 0, 0.15, 1, 0.4), bays, 1, 0.7, 0.25, (0.1, 0))


def draw_fronts(s: Sketch, foot: float, low: float, high: float) -> None:
    """A row of town houses with shops, between `low` and `high` above their foot."""
    x = -s.rand(0, 0.5)
    while x < 1:
        wide, tall = s.rand(0.25, 0.8), s.rand(low, high)
        columns, rows = max(2, round(wide * s.rand(4, 8))), max(2, round(tall * s.rand(4, 6)))
        draw_front(s, flat_face(x, foot - tall, x + wide, foot), columns, rows, s.chance(0.8))
        x += wide


@depicts("building")
def draw_tower(s: Sketch, x0: float, x1: float, top: float, base: float, taper: float = 0) -> None:
    """A tall block with a lit and a shaded face, rows of windows, narrower at the top."""
    tone, edge, middle = s.rand(0.3, 0.8), x0 + (x1 - x0) * s.rand(0.6, 0.9), (x0 + x1) / 2
    rows, gap = max(4, int((base - top) * s.rand(10, 28))), (s.rand(0.2, 0.6), s.rand(0.2, 0.6))
    pane = s.choice((0.4, 0.6, 1.6))
    for a, b, light in ((x0, edge, 1.0), (edge, x1, 0.6)):

        def face(u: float, v: float, a: float = a, b: float = b) -> Point:
            shrink = 1 - taper * (1 - v)
            return middle + (a + u * (b - a) - middle) * shrink, top + v * (base - top)

        s.patch(face, 0, 0, 1, 1, tone * light)
        columns = max(1, round((b - a) * rows / (base - top) * 0.8))
        s.grid(face, columns, rows, tone * light * pane, 0.06, gap)
    if s.chance(0.2):
        s.line([(middle, top), (middle, top - s.rand(0.04, 0.12))], tone * 0.6)


def draw_skyline(s: Sketch, foot: float, height: float, amount: int) -> None:
    """Towers side by side, the near ones lower."""
    for k in range(amount):
        wide, x = s.rand(0.2, 0.5) * height, s.rand(-0.1, 1)
        top = foot - height * s.rand(0.5, 1) * (1 - 0.5 * k / amount)
        draw_tower(s, x, x + wide, top, foot)


@depicts("building")
def draw_house(s: Sketch, x0: float, x1: float, foot: float) -> None:
    """A low house with a gable; everything is in proportion to its width."""
    size, tone, roof = (x1 - x0) / 0.65, s.rand(0.45, 0.95), s.rand(0.15, 0.5)
    eaves = foot - size * s.rand(0.2, 0.27)
    ridge, inset = eaves - size * s.rand(0.12, 0.22), size * s.rand(0, 0.15)
    if s.chance(0.5):
        chimney = s.rand(x0 + 0.1 * size, x1 - 0.1 * size)
        s.box(chimney, ridge - 0.06 * size, chimney + 0.06 * size, eaves, tone * 0.6)
    s.box(x0, eaves, x1, foot, tone * 0.85)
    s.grid(flat_face(x0, eaves, x1, foot), 1, 8, tone, 0, (0, 0.15))
    reach = 0.04 * size
    tops = [(x0 - reach, eaves), (x0 + inset, ridge), (x1 - inset, ridge), (x1 + reach, eaves)]
    s.polygon(tops, roof)
    if s.chance(0.7):
        half = size * s.rand(0.1, 0.18)
        gable, top = s.rand(x0 + half, x1 - half), eaves - half * s.rand(0.6, 1.1)
        edge = half + 0.03 * size
        s.polygon([(gable - edge, eaves), (gable, top), (gable + edge, eaves)], roof * 0.6)
        inner = top + 0.03 * size
        s.polygon([(gable - half, eaves), (gable, inner), (gable + half, eaves)], tone * 0.9)
        s.box(gable - half, eaves, gable + half, foot, tone * 0.95)
    openings, door = s.count(3, 5), s.count(0, 2)
    for k in range(openings):
        x, y = x0 + (x1 - x0) * (k + 0.5) / openings, foot - 0.15 * size
        low = foot if k == door else y + size * s.rand(0.07, 0.1)
        wide, rim = 0.045 * size, 0.012 * size
        s.box(x - wide - rim, y - rim, x + wide + rim, low, 0.95)
        s.box(x - wide, y, x + wide, low - rim, s.choice((0.15, 0.3, 0.85)))
        s.line([(x, y), (x, low)], 0.7, 0.006)


@depicts("building")
def draw_shed(s: Sketch, x: float, wide: float, top: float, base: float) -> None:
    """A shed with a saw-tooth roof and a gate."""
    tone, step, teeth = s.rand(0.3, 0.8), wide / 4, (base - top) * 0.25
    s.box(x, top + teeth, x + wide, base, tone)
    for k in range(4):
        u = x + step * k
        s.polygon([(u, top + teeth), (u, top), (u + step, top + teeth)], tone * 0.6)
    s.box(x + wide * 0.2, base - (base - top) * 0.4, x + wide * 0.4, base, tone * 0.4)


@depicts("other")
def draw_pylon(s: Sketch, x: float, base: float, height: float, tone: float) -> None:
    """A lattice tower with its wires."""
    top, radius = base - height, height * 0.15
    for k in range(7):
        y0, y1 = base - height * k / 7, base - height * (k + 1) / 7
        r0, r1 = radius * (1 - k / 8), radius * (1 - (k + 1) / 8)
        s.line([(x - r0, y0), (x + r1, y1), (x - r1, y1), (x + r0, y0)], tone, 0.006)
    s.line([(x - 1, top - 0.1), (x - radius, top), (x + radius, top), (x + 1, top)], tone)


@depicts("other")
def draw_fence(s: Sketch, y: float, high: float, tone: float) -> None:
    """A picket fence across the picture."""
    s.line([(0, y), (1, y)], tone, 0.012)
    pickets = flat_face(0, y - high / 2, 1, y + high / 2)
    s.grid(pickets, s.count(18, 36), 1, tone, 0.04, (s.rand(0.4, 0.7), 0))
