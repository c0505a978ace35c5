# Gradients scattered with np.add.at, at indices that may occur several times.


def pool_backward(gradient, maps, size, stride=None, kind="max"):
    stride = stride or size
    view = sliding_window_view(maps, (size, size), axis=(2, 3))[:, :, ::stride, ::stride]
    n, c, h, w = np.indices(gradient.shape)
    at_maps = np.zeros(maps.shape)
    if kind == "max":
        best = view.reshape(*gradient.shape, -1).argmax(-1)
        np.add.at(at_maps, (n, c, h * stride + best // size, w * stride + best % size), gradient)
        return at_maps
    if kind == "average":
        share = np.broadcast_to(gradient[..., None, None] / size**2, view.shape)
    else:
        norm = np.sqrt((view * view).sum((-1, -2)))
        norm[norm == 0] = np.inf
        share = (gradient / norm)[..., None, None] * view
    i, j = np.indices((size, size))
    rows = (h * stride)[..., None, None] + i
    columns = (w * stride)[..., None, None] + j
    np.add.at(at_maps, (n[..., None, None], c[..., None, None], rows, columns), share)
    return at_maps


def l2_pool_over_features_backward(gradient, maps, group):
    squares = np.concatenate([np.zeros_like(maps[:, :1]), np.cumsum(maps**2, axis=1)], axis=1)
    exact = np.stack([(maps[:, k : k + group] ** 2).sum(1) for k in range(gradient.shape[1])], 1)
    assert np.allclose(squares[:, group:] - squares[:, :-group], exact)
    factor = np.zeros_like(gradient)
    np.divide(gradient, np.sqrt(exact), out=factor, where=exact > 0)
    at_maps = np.zeros_like(maps)
    k = np.arange(gradient.shape[1])
    for offset in range(group):
        np.add.at(at_maps, (slice(None), k + offset), factor * maps[:, k + offset])
    return at_maps
