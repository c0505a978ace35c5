# Convolution as one matrix product, with an index for every entry; col2im with np.add.at.


def _indices(shape, K, stride, padding):
    N, C, H, W = shape
    high, wide = (H + 2 * padding - K) // stride + 1, (W + 2 * padding - K) // stride + 1
    c = np.repeat(np.arange(C), K * K).reshape(-1, 1)
    i = np.tile(np.repeat(np.arange(K), K), C).reshape(-1, 1)
    j = np.tile(np.arange(K), K * C).reshape(-1, 1)
    h = stride * np.repeat(np.arange(high), wide).reshape(1, -1)
    w = stride * np.tile(np.arange(wide), high).reshape(1, -1)
    return c, i + h, j + w, high, wide


def convolve(maps, kernels, bias, stride=1, padding=0):
    M, C, K, _ = kernels.shape
    c, i, j, high, wide = _indices(maps.shape, K, stride, padding)
    padded = np.pad(maps, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    columns = padded[:, c, i, j]  # [N, C K K, H' W']
    out = kernels.reshape(M, -1) @ columns + bias.reshape(1, -1, 1)
    return out.reshape(len(maps), M, high, wide)


def convolve_backward(gradient, maps, kernels, bias, stride=1, padding=0):
    N, C, H, W = maps.shape
    M, C, K, _ = kernels.shape
    c, i, j, _, _ = _indices(maps.shape, K, stride, padding)
    padded = np.pad(maps, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    g = gradient.reshape(N, M, -1)
    dk = (g @ padded[:, c, i, j].transpose(0, 2, 1)).sum(0).reshape(kernels.shape)
    columns = kernels.reshape(M, -1).T @ g
    back = np.zeros_like(padded)
    np.add.at(back, (slice(None), c, i, j), columns)
    return back[:, :, padding : padding + H, padding : padding + W], dk, g.sum((0, 2))
