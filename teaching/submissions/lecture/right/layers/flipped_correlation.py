# The gradient at the maps as a full correlation of the spread-out gradient with flipped kernels.


def convolve_backward(gradient, maps, kernels, bias, stride=1, padding=0):
    N, C, H, W = maps.shape
    M, _, K, _ = kernels.shape
    high, wide = gradient.shape[2:]
    spread = np.zeros((N, M, H + 2 * padding - K + 1, W + 2 * padding - K + 1))
    spread[:, :, ::stride, ::stride][:, :, :high, :wide] = gradient
    turned = np.ascontiguousarray(kernels[:, :, ::-1, ::-1].transpose(1, 0, 2, 3))
    at_padded = convolve(spread, turned, np.zeros(C), padding=K - 1)
    at_maps = at_padded[:, :, padding : padding + H, padding : padding + W]
    padded = np.pad(maps, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    at_kernels = np.zeros(kernels.shape)
    high, wide = spread.shape[2:]
    for i in range(K):
        for j in range(K):
            cut = padded[:, :, i : i + high, j : j + wide]
            at_kernels[:, :, i, j] = np.tensordot(spread, cut, axes=([0, 2, 3], [0, 2, 3]))
    return at_maps, at_kernels, np.add.reduce(gradient, axis=(0, 2, 3))
