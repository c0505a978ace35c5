# The gradient at the maps as a full correlation of the spread-out gradient with flipped kernels.


def convolve_backward(gradient, maps, kernels, bias, stride=1, padding=0):
    N, C, H, W = maps.shape
    K = kernels.shape[-1]
    high, wide = gradient.shape[2:]
    spread = np.zeros((N, len(kernels), H + 2 * padding - K + 1, W + 2 * padding - K + 1))
    spread[:, :, ::stride, ::stride][:, :, :high, :wide] = gradient
    turned = np.ascontiguousarray(kernels[:, :, ::-1, ::-1].transpose(1, 0, 2, 3))
    at_padded = convolve(spread, turned, np.zeros(C), padding=K - 1)
    at_maps = at_padded[:, :, padding : padding + H, padding : padding + W]
    padded = np.pad(maps, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    at_kernels = convolve(
        padded.transpose(1, 0, 2, 3), spread.transpose(1, 0, 2, 3), np.zeros(len(kernels))
    ) if spread.shape[2] == spread.shape[3] else _by_offsets(padded, spread, K)
    if at_kernels.shape[0] == C:
        at_kernels = at_kernels.transpose(1, 0, 2, 3)
    if at_kernels.shape != kernels.shape or C == len(kernels):
        at_kernels = _by_offsets(padded, spread, K)
    return at_maps, at_kernels, np.add.reduce(gradient, axis=(0, 2, 3))


def _by_offsets(padded, spread, K):
    high, wide = spread.shape[2:]
    found = np.zeros((spread.shape[1], padded.shape[1], K, K))
    for i in range(K):
        for j in range(K):
            cut = padded[:, :, i : i + high, j : j + wide]
            found[:, :, i, j] = np.tensordot(spread, cut, axes=([0, 2, 3], [0, 2, 3]))
    return found
