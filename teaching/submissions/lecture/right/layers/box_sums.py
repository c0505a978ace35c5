# Local means from sums over boxes, the variance as the mean square less the squared mean.


def _box(values, size):
    """Sums over the window around each pixel."""
    half = size // 2
    padded = np.pad(values, ((0, 0), (0, 0), (half, half), (half, half)))
    H, W = values.shape[2:]
    down = sum(padded[:, :, i : i + H] for i in range(size))
    return sum(down[..., j : j + W] for j in range(size))


def _mean(values, size, across_features):
    count = _box(np.ones((1, 1) + values.shape[2:]), size)
    mean = _box(values, size) / count
    if across_features:
        mean = mean.mean(1, keepdims=True)
    return mean, count * (values.shape[1] if across_features else 1)


def local_contrast_normalize(maps, size, across_features=False, epsilon=1e-5):
    if size % 2 != 1:
        raise ValueError("the window must be odd")
    mean, _ = _mean(maps, size, across_features)
    square, _ = _mean(maps * maps, size, across_features)
    return (maps - mean) / np.sqrt(square - mean**2 + epsilon)


def local_contrast_normalize_backward(
    gradient, maps, size, across_features=False, epsilon=1e-5
):
    mean, count = _mean(maps, size, across_features)
    square, _ = _mean(maps * maps, size, across_features)
    sigma = np.sqrt(square - mean**2 + epsilon)
    d_mean = -gradient / sigma
    d_square = -gradient * (maps - mean) / (2 * sigma**3)
    if across_features:
        d_mean, d_square = d_mean.sum(1, keepdims=True), d_square.sum(1, keepdims=True)
    d_mean = d_mean - 2 * mean * d_square  # the mean is in the variance, too
    return gradient / sigma + _box(d_mean / count, size) + 2 * maps * _box(d_square / count, size)
