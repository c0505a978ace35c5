"""The layers of the lecture, forwards and backwards, in plain numpy.

A neural network is a chain of simple functions. Each of them has to answer two questions:

    forward:   given my inputs, what is my output?
    backward:  given how the loss changes with my output, how does it change with my inputs?

No layer knows the network that it is part of. The chain rule does the rest: to train, compute the
layers from the first to the last and keep their inputs, then go back from the last to the first,
each layer turning the gradient at its output into the gradient at its inputs. This is
backpropagation. It gives the gradients of all weights for about the price of two forward passes.

In every function, `gradient` is the gradient of the loss at the layer's output, so it has the
output's shape. A function `<layer>_backward` returns the gradients at the layer's inputs, in the
order of its arguments: an array for one input, a tuple for several. Arrays are float64, and no
function changes its arguments. N is the number of examples. Maps are [N, C, H, W]: C of them, H
high and W wide.

Every function raises a ValueError if shapes do not fit together.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

Array = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

POOLINGS = ("max", "average", "l2")


# ------------------------------------------------------------------------ units and the loss


def linear(x: Array, weight: Array, bias: Array) -> Array:
    """Each output unit is a weighted sum of all inputs.

        y = x weight^T + bias

    Args:
        x: [N, D].
        weight: [M, D], a row for each output unit.
        bias: [M].

    Returns:
        y [N, M].
    """
    _fit(x=(x, "N D"), weight=(weight, "M D"), bias=(bias, "M"))
    y: Array = x @ weight.T + bias
    return y


def linear_backward(
    gradient: Array, x: Array, weight: Array, bias: Array
) -> tuple[Array, Array, Array]:
    """The gradients of `linear` at x, weight and bias.

        at x:       gradient weight         every unit passes its gradient back along its weights
        at weight:  gradient^T x            summed over the examples, as they share the weights
        at bias:    sum of gradient over N

    Args:
        gradient: [N, M].
    """
    _fit(x=(x, "N D"), weight=(weight, "M D"), bias=(bias, "M"), gradient=(gradient, "N M"))
    return gradient @ weight, gradient.T @ x, gradient.sum(axis=0)


def relu(x: Array) -> Array:
    """The rectified linear unit, max(0, x), for every value of x of any shape."""
    return np.maximum(x, 0.0)


def relu_backward(gradient: Array, x: Array) -> Array:
    """The gradient of `relu` at x: `gradient` where x > 0, and 0 elsewhere."""
    _fit(x=(x, _letters(x)), gradient=(gradient, _letters(x)))
    return np.where(x > 0, gradient, 0.0)


def softmax(scores: Array) -> Array:
    """Scores as probabilities.

        p_k = exp(s_k) / sum_j exp(s_j)

    The highest score is subtracted first. This changes no probability, and exp cannot overflow.

    Args:
        scores: [N, K], for K classes.

    Returns:
        p [N, K]; every row sums to 1.
    """
    _fit(scores=(scores, "N K"))
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    p: Array = exponentials / exponentials.sum(axis=1, keepdims=True)
    return p


def negative_log_likelihood(scores: Array, labels: Labels) -> float:
    """How unlikely the right classes seem: the mean over examples of -log p_label.

        -log p_label = log(sum_j exp(s_j)) - s_label

    It is computed from the scores in this form, because the logarithm of a probability that has
    been rounded to 0 is infinite.

    Args:
        scores: [N, K], before softmax.
        labels: integers [N] from 0 to K - 1.
    """
    _check_labels(scores, labels)
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_of_sum = np.log(np.exp(shifted).sum(axis=1))
    return float(np.mean(log_of_sum - shifted[np.arange(len(labels)), labels]))


def negative_log_likelihood_backward(scores: Array, labels: Labels) -> Array:
    """The gradient of `negative_log_likelihood` at the scores.

        (p - y) / N

    where p are the probabilities, and y is 1 for the right class and 0 for the others.
    The right score is pulled up by what its probability lacks; the others are pushed down.
    """
    _check_labels(scores, labels)
    y = np.zeros_like(scores)
    y[np.arange(len(labels)), labels] = 1.0
    return (softmax(scores) - y) / len(labels)


# ------------------------------------------------------------------------ windows

# A convolution, a pooling and a local normalization all look at their maps through windows. They
# differ in what they make of a window. So windows are cut out once, here, and put back once.


def _windows(maps: Array, size: int, stride: int) -> Array:
    """All size x size windows, `stride` apart: a view [N, C, H', W', size, size] of the maps."""
    high, wide = maps.shape[2:]
    if size < 1 or stride < 1:
        raise ValueError(f"size {size} and stride {stride}: both must be at least 1")
    if size > min(high, wide):
        raise ValueError(f"a {size}x{size} window does not fit into maps of {high}x{wide}")
    return sliding_window_view(maps, (size, size), axis=(2, 3))[:, :, ::stride, ::stride]


def _add_up(windows: Array, shape: tuple[int, ...], stride: int) -> Array:
    """The way back: put windows where `_windows` took them from, and add where they overlap.

    A pixel that is in several windows has influenced the loss through each of them, so its
    gradient is the sum of theirs.
    """
    maps = np.zeros(shape)
    high, wide, size = windows.shape[2:5]
    for i in range(size):  # pixel (i, j) of every window at once
        for j in range(size):
            rows = slice(i, i + stride * high, stride)
            columns = slice(j, j + stride * wide, stride)
            maps[:, :, rows, columns] += windows[..., i, j]
    return maps


def _places(windows: Array) -> str:
    """Such as "60 60": how many windows there are, down and across, as `_fit` reads it."""
    return _letters(windows[0, 0, ..., 0, 0])


def _padded(maps: Array, padding: int) -> Array:
    if padding < 0:
        raise ValueError(f"padding is {padding}: it must not be negative")
    around = (padding, padding)
    return np.pad(maps, ((0, 0), (0, 0), around, around))


def _unpadded(maps: Array, padding: int) -> Array:
    high, wide = maps.shape[2:]
    return maps[:, :, padding : high - padding, padding : wide - padding]


# ------------------------------------------------------------------------ convolution


def convolve(maps: Array, kernels: Array, bias: Array, stride: int = 1, padding: int = 0) -> Array:
    """The same small filters at every position: an eye is an eye wherever it is.

        y[n, m, h, w] = bias[m] + sum over c, i, j of
                        kernels[m, c, i, j] * padded maps[n, c, stride h + i, stride w + j]

    The kernel is not flipped. Strictly, this is a cross-correlation; the field calls it
    convolution all the same.

    Args:
        maps: [N, C, H, W].
        kernels: [M, C, K, K], one of C x K x K for each output map.
        bias: [M].
        stride: the distance between windows, in pixels.
        padding: rows and columns of zeros added on each side.

    Returns:
        y [N, M, H', W'], where H' = (H + 2 padding - K) // stride + 1, and W' likewise. A rest at
        the bottom or right that no window reaches is left out.
    """
    sizes = _fit(maps=(maps, "N C H W"), kernels=(kernels, "M C K K"), bias=(bias, "M"))
    windows = _windows(_padded(maps, padding), sizes["K"], stride)
    y: Array = np.einsum("nchwij,mcij->nmhw", windows, kernels, optimize=True)
    return y + bias[:, None, None]


def convolve_backward(
    gradient: Array, maps: Array, kernels: Array, bias: Array, stride: int = 1, padding: int = 0
) -> tuple[Array, Array, Array]:
    """The gradients of `convolve` at maps, kernels and bias.

        at a window:  sum over m of gradient[n, m, h, w] * kernels[m], added up over windows
        at kernels:   sum over n, h, w of gradient[n, m, h, w] * window[n, h, w]
        at bias:      sum over n, h, w of gradient[n, m, h, w]

    A kernel is used at every position, so its gradient is the sum over all of them.

    Args:
        gradient: [N, M, H', W'].
    """
    sizes = _fit(maps=(maps, "N C H W"), kernels=(kernels, "M C K K"), bias=(bias, "M"))
    padded = _padded(maps, padding)
    windows = _windows(padded, sizes["K"], stride)
    _fit(bias=(bias, "M"), gradient=(gradient, f"{len(maps)} M {_places(windows)}"))
    at_windows = np.einsum("nmhw,mcij->nchwij", gradient, kernels, optimize=True)
    at_kernels = np.einsum("nmhw,nchwij->mcij", gradient, windows, optimize=True)
    at_maps = _unpadded(_add_up(at_windows, padded.shape, stride), padding)
    return at_maps, at_kernels, gradient.sum(axis=(0, 2, 3))


def locally_connected(maps: Array, kernels: Array, bias: Array) -> Array:
    """Small filters as in `convolve`, but every position has its own.

        y[n, m, h, w] = bias[m, h, w] + sum over c, i, j of
                        kernels[h, w, m, c, i, j] * maps[n, c, h + i, w + j]

    For images whose parts have their places, such as aligned faces.

    Args:
        maps: [N, C, H, W].
        kernels: [H', W', M, C, K, K], where H' = H - K + 1 and W' = W - K + 1.
        bias: [M, H', W'].

    Returns:
        y [N, M, H', W'].
    """
    windows = _local_windows(maps, kernels, bias)
    y: Array = np.einsum("nchwij,hwmcij->nmhw", windows, kernels)
    return y + bias


def locally_connected_backward(
    gradient: Array, maps: Array, kernels: Array, bias: Array
) -> tuple[Array, Array, Array]:
    """The gradients of `locally_connected` at maps, kernels and bias.

    They are those of `convolve`, without the sums over positions: no weight is shared.

    Args:
        gradient: [N, M, H', W'].
    """
    windows = _local_windows(maps, kernels, bias)
    _fit(gradient=(gradient, f"{len(maps)} {_letters(bias)}"))
    at_windows = np.einsum("nmhw,hwmcij->nchwij", gradient, kernels)
    at_kernels = np.einsum("nmhw,nchwij->hwmcij", gradient, windows)
    return _add_up(at_windows, maps.shape, 1), at_kernels, gradient.sum(axis=0)


def _local_windows(maps: Array, kernels: Array, bias: Array) -> Array:
    _fit(maps=(maps, "N C H W"), kernels=(kernels, "H' W' M C K K"), bias=(bias, "M H' W'"))
    windows = _windows(maps, kernels.shape[-1], 1)
    _fit(kernels=(kernels, f"{_places(windows)} M C K K"))
    return windows


# ------------------------------------------------------------------------ pooling


def pool(maps: Array, size: int, stride: int | None = None, kind: str = "max") -> Array:
    """One number for each window, so that a feature may move a little without being lost.

        max:      the largest value h in the window
        average:  the mean of h
        l2:       sqrt(sum of h^2)

    Args:
        maps: [N, C, H, W].
        size: the side of the windows, in pixels.
        stride: the distance between windows; None for `size`, so that they do not overlap.
        kind: "max", "average" or "l2".

    Returns:
        y [N, C, H', W'], where H' = (H - size) // stride + 1, and W' likewise. A rest at the bottom
        or right that no window reaches is left out.
    """
    windows = _pooled_windows(maps, size, stride, kind)
    if kind == "max":
        y: Array = windows.max(axis=(-2, -1))
    elif kind == "average":
        y = windows.mean(axis=(-2, -1))
    else:
        y = np.sqrt((windows**2).sum(axis=(-2, -1)))
    return y


def pool_backward(
    gradient: Array, maps: Array, size: int, stride: int | None = None, kind: str = "max"
) -> Array:
    """The gradient of `pool` at maps: what each pixel of a window gets, added up over windows.

        max:      all of `gradient` for the largest value, nothing for the others. Of several
                  equal ones, the first gets it, row by row from the top left.
        average:  gradient / size^2
        l2:       gradient * h / y. At y = 0, where the root has no derivative, 0 by convention.

    Args:
        gradient: [N, C, H', W'].
    """
    windows = _pooled_windows(maps, size, stride, kind)
    _fit(gradient=(gradient, _letters(windows[..., 0, 0])))
    if kind == "max":
        in_a_row = windows.reshape(*windows.shape[:4], size * size)
        largest = in_a_row.argmax(axis=-1)[..., None]
        share = (np.arange(size * size) == largest).reshape(windows.shape).astype(np.float64)
    elif kind == "average":
        share = np.full(windows.shape, 1 / size**2)
    else:
        share = _share_of_root(windows, axes=(-2, -1))
    return _add_up(gradient[..., None, None] * share, maps.shape, stride or size)


def _pooled_windows(maps: Array, size: int, stride: int | None, kind: str) -> Array:
    if kind not in POOLINGS:
        raise ValueError(f"kind is {kind!r}: it must be one of {', '.join(POOLINGS)}")
    _fit(maps=(maps, "N C H W"))
    return _windows(maps, size, size if stride is None else stride)


def _share_of_root(values: Array, axes: tuple[int, ...]) -> Array:
    """The derivative of y = sqrt(sum of h^2): h / y, and 0 where y is 0."""
    root = np.sqrt((values**2).sum(axis=axes, keepdims=True))
    share: Array = np.divide(values, root, out=np.zeros(values.shape), where=root > 0)
    return share


def l2_pool_over_features(maps: Array, group: int) -> Array:
    """L2 pooling over neighbouring maps instead of neighbouring pixels.

        y[n, k] = sqrt(sum of maps[n, j]^2 for j = k, ..., k + group - 1)

    If the filters of neighbouring maps differ by a rotation, say, y hardly changes when the image
    is rotated. The groups overlap: there is one for every k.

    Args:
        maps: [N, C, H, W].
        group: the number of maps in a group, from 1 to C.

    Returns:
        y [N, C - group + 1, H, W].
    """
    y: Array = np.sqrt((_groups(maps, group) ** 2).sum(axis=-1))
    return y


def l2_pool_over_features_backward(gradient: Array, maps: Array, group: int) -> Array:
    """The gradient of `l2_pool_over_features` at maps.

        sum over the groups k that map j is in of gradient[n, k] * maps[n, j] / y[n, k]

    A group with y = 0 adds 0, by convention.

    Args:
        gradient: [N, C - group + 1, H, W].
    """
    groups = _groups(maps, group)
    _fit(gradient=(gradient, _letters(groups[..., 0])))
    at_groups = gradient[..., None] * _share_of_root(groups, axes=(-1,))
    at_maps = np.zeros(maps.shape)
    for j in range(group):  # map j of every group at once
        at_maps[:, j : j + groups.shape[1]] += at_groups[..., j]
    return at_maps


def _groups(maps: Array, group: int) -> Array:
    """Groups of neighbouring maps: a view [N, C - group + 1, H, W, group]."""
    _fit(maps=(maps, "N C H W"))
    if not 1 <= group <= maps.shape[1]:
        raise ValueError(f"group is {group}: it must be from 1 to the {maps.shape[1]} maps")
    return sliding_window_view(maps, group, axis=1)


# ------------------------------------------------------------------------ local contrast


def local_contrast_normalize(
    maps: Array, size: int, across_features: bool = False, epsilon: float = 1e-5
) -> Array:
    """Each value against its surroundings: the same response in light and in shadow.

        y = (h - mean) / deviation        deviation = sqrt(variance + epsilon)

    mean and variance (divided by the number of values, not that less one) are those of the
    size x size window around the pixel. Near the border, only the pixels inside the map count.

    Args:
        maps: [N, C, H, W].
        size: the side of the window, in pixels; odd, so that it has a centre.
        across_features: whether the window reaches through all maps. If not, each map has its own
            mean and variance.
        epsilon: keeps flat regions from being divided by 0.

    Returns:
        y [N, C, H, W].
    """
    mean, deviation, _, _ = _surroundings(maps, size, across_features, epsilon)
    return (maps - mean) / deviation


def local_contrast_normalize_backward(
    gradient: Array,
    maps: Array,
    size: int,
    across_features: bool = False,
    epsilon: float = 1e-5,
) -> Array:
    """The gradient of `local_contrast_normalize` at maps.

    A value h influences its own y directly, and through mean and variance the y of every window
    that it is in. With count values in a window:

        directly:              gradient / deviation
        at the mean:           -sum of gradient / deviation
        at the variance:       -sum of gradient * (h - mean) / (2 deviation^3)
        at each value in it:   (at the mean + at the variance * 2 (value - mean)) / count

    The sums are over the y that use this mean: one, or those of all maps at this position.

    Args:
        gradient: [N, C, H, W].
    """
    mean, deviation, differences, count = _surroundings(maps, size, across_features, epsilon)
    _fit(gradient=(gradient, _letters(maps)))
    at_mean = -gradient / deviation
    at_variance = -gradient * (maps - mean) / (2 * deviation**3)
    if across_features:
        at_mean = at_mean.sum(axis=1, keepdims=True)
        at_variance = at_variance.sum(axis=1, keepdims=True)
    is_inside = _inside(maps, size)
    at_values = at_mean[..., None, None] + 2 * at_variance[..., None, None] * differences
    at_values = at_values * is_inside / count
    half = size // 2
    at_padded = _add_up(at_values, _padded(maps, half).shape, 1)
    return gradient / deviation + _unpadded(at_padded, half)


def _surroundings(
    maps: Array, size: int, across_features: bool, epsilon: float
) -> tuple[Array, Array, Array, Array]:
    """The windows around all pixels: mean, deviation, differences from the mean, and count.

    Mean and deviation are [N, C or 1, H, W]; differences [N, C, H, W, size, size] are 0 outside.
    """
    _fit(maps=(maps, "N C H W"))
    if size < 1 or size % 2 == 0:
        raise ValueError(f"size is {size}: the window must be odd, to have a centre")
    axes = (1, 4, 5) if across_features else (4, 5)
    windows, is_inside = _windows(_padded(maps, size // 2), size, 1), _inside(maps, size)
    count = is_inside.sum(axis=(4, 5), keepdims=True) * (maps.shape[1] if across_features else 1)
    mean = windows.sum(axis=axes, keepdims=True) / count
    differences = (windows - mean) * is_inside
    variance = (differences**2).sum(axis=axes, keepdims=True) / count
    deviation = np.sqrt(variance + epsilon)
    return mean[..., 0, 0], deviation[..., 0, 0], differences, count


def _inside(maps: Array, size: int) -> Array:
    """1 for the pixels of each window inside the map, 0 for those outside, as `_windows` cuts."""
    return _windows(_padded(np.ones((1, 1, *maps.shape[2:])), size // 2), size, 1)


# ------------------------------------------------------------------------ normalization

# Batch, layer and instance normalization are one formula. They differ in what is averaged, and in
# what gamma and beta are shared by.


def batch_normalize(
    x: Array, gamma: Array, beta: Array, epsilon: float = 1e-5
) -> tuple[Array, Array, Array]:
    """Each unit or map with mean 0 and variance 1 over the batch, then rescaled.

        y = gamma (x - mean) / sqrt(variance + epsilon) + beta

    mean and variance are those of a unit over the examples, or of a map over the examples and all
    positions; the variance is divided by the number of values. Ioffe and Szegedy 2015, algorithm 1.

    Args:
        x: [N, D] or [N, C, H, W].
        gamma, beta: [D] or [C], learned: they let the network undo the normalization.

    Returns:
        (y, mean, variance): y has the shape of x; mean and variance are [D] or [C].
    """
    axes = _axes_of_batch(x, gamma, beta)
    mean, variance = x.mean(axis=axes), x.var(axis=axes)
    normal, _ = _standardized(x, axes, epsilon)
    return _each(gamma, x) * normal + _each(beta, x), mean, variance


def batch_normalize_backward(
    gradient: Array, x: Array, gamma: Array, beta: Array, epsilon: float = 1e-5
) -> tuple[Array, Array, Array]:
    """The gradients at x, gamma and beta of the y that `batch_normalize` returns.

    With normal = (x - mean) / sqrt(variance + epsilon), g = gradient * gamma, and mean() over what
    shares a mean:

        at x:      (g - mean(g) - normal mean(g normal)) / sqrt(variance + epsilon)
        at gamma:  sum of gradient * normal
        at beta:   sum of gradient

    Shifting all x, or stretching them, changes no y. So what is left of g has no part along either:
    it loses its mean, and its part along `normal`.

    Args:
        gradient: of the shape of x.
    """
    axes = _axes_of_batch(x, gamma, beta)
    return _normalize_backward(gradient, x, _each(gamma, x), gamma, axes, epsilon, shared_by=axes)


class RunningAverages:
    """Mean and variance of a batch norm for test time, when there may be no batch.

    After each batch in training:

        running <- (1 - momentum) running + momentum * the batch's

    They begin with mean 0 and variance 1. The variance that is averaged is the unbiased one,
    count / (count - 1) times the batch's, because it estimates that of all data.

    Attributes:
        mean, variance: [C].
    """

    def __init__(self, size: int, momentum: float = 0.1) -> None:
        """For `size` units or maps; momentum is the weight of the newest batch, from 0 to 1."""
        if not 0 <= momentum <= 1:
            raise ValueError(f"momentum is {momentum}: it must be from 0 to 1")
        self.mean: Array = np.zeros(size)
        self.variance: Array = np.ones(size)
        self.momentum = momentum

    def update(self, mean: Array, variance: Array, count: int) -> None:
        """Take in a batch.

        Args:
            mean, variance: [C], as from `batch_normalize`.
            count: the number of values that each is over: N, or N * H * W; at least 2.
        """
        _fit(mean=(mean, _letters(self.mean)), variance=(variance, _letters(self.mean)))
        if count < 2:
            raise ValueError(f"count is {count}: a variance takes at least 2 values")
        old, new = 1 - self.momentum, self.momentum
        self.mean = old * self.mean + new * mean
        self.variance = old * self.variance + new * variance * count / (count - 1)

    def normalize(self, x: Array, gamma: Array, beta: Array, epsilon: float = 1e-5) -> Array:
        """`batch_normalize` at test time: y, with the averages in place of a batch's figures."""
        _axes_of_batch(x, gamma, beta)
        _fit(gamma=(gamma, _letters(self.mean)))
        normal = (x - _each(self.mean, x)) / np.sqrt(_each(self.variance, x) + epsilon)
        return _each(gamma, x) * normal + _each(beta, x)


def layer_normalize(x: Array, gamma: Array, beta: Array, epsilon: float = 1e-5) -> Array:
    """The formula of `batch_normalize`, over all maps and positions of one example.

    It does not depend on the rest of the batch, so it is the same at test time. Ba et al. 2016.

    Args:
        x: [N, C, H, W].
        gamma, beta: [C, H, W], one for each value of an example.

    Returns:
        y [N, C, H, W].
    """
    _fit(x=(x, "N C H W"), gamma=(gamma, "C H W"), beta=(beta, "C H W"))
    normal, _ = _standardized(x, (1, 2, 3), epsilon)
    return gamma * normal + beta


def layer_normalize_backward(
    gradient: Array, x: Array, gamma: Array, beta: Array, epsilon: float = 1e-5
) -> tuple[Array, Array, Array]:
    """The gradients of `layer_normalize` at x, gamma and beta.

    The formulas are those of `batch_normalize_backward`. The means are over an example; the sums at
    gamma and beta are over the examples, which share them.

    Args:
        gradient: [N, C, H, W].
    """
    _fit(x=(x, "N C H W"), gamma=(gamma, "C H W"), beta=(beta, "C H W"))
    return _normalize_backward(gradient, x, gamma, gamma, (1, 2, 3), epsilon, shared_by=(0,))


def instance_normalize(x: Array, gamma: Array, beta: Array, epsilon: float = 1e-5) -> Array:
    """The formula of `batch_normalize`, over the positions of one map of one example.

    It takes away an image's contrast. Ulyanov et al. 2016.

    Args:
        x: [N, C, H, W].
        gamma, beta: [C].

    Returns:
        y [N, C, H, W].
    """
    _fit(x=(x, "N C H W"), gamma=(gamma, "C"), beta=(beta, "C"))
    normal, _ = _standardized(x, (2, 3), epsilon)
    return _each(gamma, x) * normal + _each(beta, x)


def instance_normalize_backward(
    gradient: Array, x: Array, gamma: Array, beta: Array, epsilon: float = 1e-5
) -> tuple[Array, Array, Array]:
    """The gradients of `instance_normalize` at x, gamma and beta.

    The formulas are those of `batch_normalize_backward`. The means are over the positions of one
    map; the sums at gamma and beta are over positions and examples.

    Args:
        gradient: [N, C, H, W].
    """
    _fit(x=(x, "N C H W"), gamma=(gamma, "C"), beta=(beta, "C"))
    gain = _each(gamma, x)
    return _normalize_backward(gradient, x, gain, gamma, (2, 3), epsilon, shared_by=(0, 2, 3))


def _axes_of_batch(x: Array, gamma: Array, beta: Array) -> tuple[int, ...]:
    """What batch norm averages over: the examples, and the positions if there are any."""
    letters = "N C H W" if x.ndim == 4 else "N C"
    _fit(x=(x, letters), gamma=(gamma, "C"), beta=(beta, "C"))
    return (0, 2, 3) if x.ndim == 4 else (0,)


def _each(values: Array, x: Array) -> Array:
    """A value for each map, [C], in a shape that numpy spreads over the maps of x."""
    return values.reshape(-1, *[1] * (x.ndim - 2))


def _standardized(x: Array, axes: tuple[int, ...], epsilon: float) -> tuple[Array, Array]:
    """((x - mean) / deviation, deviation), over the axes."""
    deviation = np.sqrt(x.var(axis=axes, keepdims=True) + epsilon)
    return (x - x.mean(axis=axes, keepdims=True)) / deviation, deviation


def _normalize_backward(
    gradient: Array,
    x: Array,
    gain: Array,
    gamma: Array,
    axes: tuple[int, ...],
    epsilon: float,
    shared_by: tuple[int, ...],
) -> tuple[Array, Array, Array]:
    """The gradients at x, gamma and beta of gain * standardized x + beta.

    Args:
        gain: gamma, in a shape that fits x.
        axes: what a mean is over.
        shared_by: the axes over which one gamma is used.
    """
    _fit(gradient=(gradient, _letters(x)))
    normal, deviation = _standardized(x, axes, epsilon)
    g = gradient * gain
    along_shift = g.mean(axis=axes, keepdims=True)
    along_stretch = normal * (g * normal).mean(axis=axes, keepdims=True)
    at_x = (g - along_shift - along_stretch) / deviation
    return at_x, (gradient * normal).sum(axis=shared_by), gradient.sum(axis=shared_by)


# ------------------------------------------------------------------------ dropout


def dropout(x: Array, probability: float, generator: np.random.Generator) -> tuple[Array, Array]:
    """Switch off each unit with some probability, so that no unit can rely on another.

        y = x * mask        mask = 0 with the given probability, else 1 / (1 - probability)

    The units that are left are scaled up, so the expected y is x: at test time, nothing is left to
    do. (Hinton et al. 2012 scale at test time instead.) Train with it, test without it.

    Args:
        x: of any shape.
        probability: of each unit to be switched off; at least 0, below 1.
        generator: where the random numbers come from.

    Returns:
        (y, mask), both of the shape of x. Going back takes the same mask.
    """
    if not 0 <= probability < 1:
        raise ValueError(f"probability is {probability}: it must be at least 0 and below 1")
    mask = (generator.random(x.shape) >= probability) / (1 - probability)
    return x * mask, mask


def dropout_backward(gradient: Array, mask: Array) -> Array:
    """The gradient of `dropout` at x: gradient * mask, with the mask of the way forward."""
    _fit(mask=(mask, _letters(mask)), gradient=(gradient, _letters(mask)))
    return gradient * mask


# ------------------------------------------------------------------------ what must fit


def _fit(**arrays: tuple[npt.NDArray[np.generic], str]) -> dict[str, int]:
    """Check that shapes fit together, and return the sizes.

    Args:
        arrays: such as x=(x, "N D"), weight=(weight, "M D"). The same letter stands for the same
            size; a number is a size itself.

    Raises:
        ValueError: the first array that does not fit, with its shape and the one it should have.
    """
    sizes: dict[str, int] = {}
    for name, (array, letters) in arrays.items():
        expected = letters.split()
        known = {each: int(each) for each in expected if each.isdigit()} | sizes
        found = dict(zip(expected, array.shape, strict=False)) | known
        if list(array.shape) != [found.get(each) for each in expected]:
            given = [
                f"{each} = {size}"
                for each, size in sizes.items()
                if each in expected and not each.isdigit()
            ]
            raise ValueError(
                f"{name} has shape {list(array.shape)}: it must be [{', '.join(expected)}]"
                + (f" with {', '.join(given)}" if given else "")
            )
        sizes |= found
    return sizes


def _letters(array: npt.NDArray[np.generic]) -> str:
    """A shape as `_fit` reads it."""
    return " ".join(map(str, array.shape))


def _check_labels(scores: Array, labels: Labels) -> None:
    sizes = _fit(scores=(scores, "N K"), labels=(labels, "N"))
    is_class = (
        np.issubdtype(labels.dtype, np.integer) and ((labels >= 0) & (labels < sizes["K"])).all()
    )
    if not is_class:
        raise ValueError(f"labels must be integers from 0 to {sizes['K'] - 1}, one per example")
