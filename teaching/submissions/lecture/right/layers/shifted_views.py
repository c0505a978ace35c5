# One strided view of the maps for each place in the window; maxima by np.maximum.


def _views(maps, size, stride):
    H, W = maps.shape[2:]
    high, wide = (H - size) // stride + 1, (W - size) // stride + 1
    for i in range(size):
        for j in range(size):
            rows = np.arange(high) * stride + i
            columns = np.arange(wide) * stride + j
            yield (i, j), np.ix_(
                np.arange(maps.shape[0]), np.arange(maps.shape[1]), rows, columns
            )


def pool(maps, size, stride=None, kind="max"):
    if kind not in ("max", "average", "l2"):
        raise ValueError(f"there is no pooling {kind}")
    y = None
    for _, where in _views(maps, size, size if stride is None else stride):
        part = maps[where] ** 2 if kind == "l2" else maps[where]
        if y is None:
            y = part.copy()
        else:
            y = np.maximum(y, part) if kind == "max" else y + part
    return {"max": y, "average": y / size**2, "l2": y**0.5}[kind]


def pool_backward(gradient, maps, size, stride=None, kind="max"):
    y = pool(maps, size, stride, kind)
    at_maps = np.zeros_like(maps)
    waiting = np.ones(y.shape, dtype=bool)  # whose maximum has not come yet
    for _, where in _views(maps, size, size if stride is None else stride):
        part = maps[where]
        if kind == "max":
            hit = waiting & (part == y)
            waiting &= ~hit
            at_maps[where] += gradient * hit
        elif kind == "average":
            at_maps[where] += gradient / size**2
        else:
            at_maps[where] += gradient * np.where(y == 0, 0, part / np.where(y == 0, 1, y))
    return at_maps
