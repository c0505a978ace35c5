"""Wrong layers."""

from ... import Wrong

# Passages that several changes need.
LINEAR_BACK = "return gradient @ weight, gradient.T @ x, gradient.sum(axis=0)"
RELU_BACK = "return np.where(x > 0, gradient, 0.0)"
SOFTMAX = "exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))"
LOSS = "return float(np.mean(log_of_sum - shifted[np.arange(len(labels)), labels]))"
LOSS_BACK = "return (softmax(scores) - y) / len(labels)"
ADD_UP = "maps[:, :, rows, columns] += windows[..., i, j]"
CONVOLVE = 'y: Array = np.einsum("nchwij,mcij->nmhw", windows, kernels, optimize=True)'
AT_WINDOWS = 'at_windows = np.einsum("nmhw,mcij->nchwij", gradient, kernels, optimize=True)'
AT_KERNELS = 'at_kernels = np.einsum("nmhw,nchwij->mcij", gradient, windows, optimize=True)'
CONVOLVE_BACK = "return at_maps, at_kernels, gradient.sum(axis=(0, 2, 3))"
LOCAL_BACK = "return _add_up(at_windows, maps.shape, 1), at_kernels, gradient.sum(axis=0)"
LARGEST = "share = (np.arange(size * size) == largest).reshape(windows.shape).astype(np.float64)"
POOL_BACK = "return _add_up(gradient[..., None, None] * share, maps.shape, stride or size)"
POOL_L2 = "y = np.sqrt((windows**2).sum(axis=(-2, -1)))"
ROOT_SHARE = "share: Array = np.divide(values, root, out=np.zeros(values.shape), where=root > 0)"
LCN = "return (maps - mean) / deviation"
LCN_VARIANCE = "variance = (differences**2).sum(axis=axes, keepdims=True) / count"
LCN_MEAN = "at_mean = -gradient / deviation\n"
LCN_BACK = "return gradient / deviation + _unpadded(at_padded, half)"
MEAN_VARIANCE = "mean, variance = x.mean(axis=axes), x.var(axis=axes)"
BATCH = "return _each(gamma, x) * normal + _each(beta, x), mean, variance"
DEVIATION = "deviation = np.sqrt(x.var(axis=axes, keepdims=True) + epsilon)"
AT_X = "at_x = (g - along_shift - along_stretch) / deviation"
NORM_BACK = "return at_x, (gradient * normal).sum(axis=shared_by), gradient.sum(axis=shared_by)"
RUNNING = "self.variance = old * self.variance + new * variance * count / (count - 1)"
MASK = "mask = (generator.random(x.shape) >= probability) / (1 - probability)"

WRONG = [
    Wrong(
        "weight-not-transposed",
        "x @ weight: only possible where the weight is square",
        [
            (
                "y: Array = x @ weight.T + bias",
                "y: Array = x @ weight.reshape(-1, len(weight)) + bias",
            )
        ],
    ),
    Wrong("linear-without-bias", "the bias is left out", [("x @ weight.T + bias", "x @ weight.T")]),
    Wrong(
        "linear-averages-over-examples",
        "the gradient at the weight is divided by N once more",
        [(LINEAR_BACK, LINEAR_BACK.replace("gradient.T @ x,", "gradient.T @ x / len(x),"))],
    ),
    Wrong(
        "linear-weight-gradient-transposed",
        "x^T gradient: the transposed gradient, and another shape",
        [(LINEAR_BACK, LINEAR_BACK.replace("gradient.T @ x", "x.T @ gradient"))],
    ),
    Wrong(
        "linear-bias-gradient-mean",
        "the mean over the examples instead of the sum",
        [(LINEAR_BACK, LINEAR_BACK.replace(".sum(axis=0)", ".mean(axis=0)"))],
    ),
    Wrong(
        "linear-bias-gradient-over-units",
        "summed over the units instead of the examples",
        [(LINEAR_BACK, LINEAR_BACK.replace(".sum(axis=0)", ".sum(axis=1)"))],
    ),
    Wrong(
        "linear-backward-order",
        "the weight's gradient comes first",
        [(LINEAR_BACK, "return gradient.T @ x, gradient @ weight, gradient.sum(axis=0)")],
    ),
    Wrong("relu-leaks", "a leaky ReLU", [("np.maximum(x, 0.0)", "np.where(x > 0, x, 0.01 * x)")]),
    Wrong(
        "relu-in-place",
        "negative values of x itself are set to 0",
        [("return np.maximum(x, 0.0)", "x[x < 0] = 0.0\n    return x")],
    ),
    Wrong(
        "relu-of-the-gradient",
        "the gradient is cut off where it is negative itself, not where x is",
        [(RELU_BACK, "return np.where(gradient > 0, gradient, 0.0)")],
    ),
    Wrong("relu-gradient-one", "1 instead of the gradient", [(RELU_BACK, "return (x > 0) * 1.0")]),
    Wrong(
        "relu-gradient-at-zero",
        "x >= 0: at 0 the gradient passes",
        [(RELU_BACK, "return np.where(x >= 0, gradient, 0.0)")],
    ),
    Wrong(
        "relu-backward-in-place",
        "the caller's gradient is changed",
        [(RELU_BACK, "gradient[x <= 0] = 0.0\n    return gradient")],
    ),
    Wrong(
        "softmax-overflows",
        "exp of the scores as they are",
        [(SOFTMAX, "exponentials = np.exp(scores)")],
    ),
    Wrong(
        "softmax-one-maximum",
        "the highest of all scores is subtracted: a low row underflows to 0 / 0",
        [(SOFTMAX, "exponentials = np.exp(scores - scores.max())")],
    ),
    Wrong(
        "softmax-over-examples",
        "the columns sum to 1",
        [
            (
                "exponentials / exponentials.sum(axis=1, keepdims=True)",
                "exponentials / exponentials.sum(axis=0, keepdims=True)",
            )
        ],
    ),
    Wrong(
        "softmax-in-place",
        "the maximum is subtracted from the caller's scores",
        [
            (
                SOFTMAX,
                "scores -= scores.max(axis=1, keepdims=True)\n    exponentials = np.exp(scores)",
            )
        ],
    ),
    Wrong(
        "loss-summed", "the sum instead of the mean", [(LOSS, LOSS.replace("np.mean", "np.sum"))]
    ),
    Wrong(
        "loss-per-example",
        "a loss for each example",
        [(LOSS, "return log_of_sum - shifted[np.arange(len(labels)), labels]")],
    ),
    Wrong(
        "loss-sign",
        "the likelihood instead of its negative",
        [(LOSS, LOSS.replace("float(np.mean", "-float(np.mean"))],
    ),
    Wrong(
        "loss-from-rounded-probabilities",
        "the logarithm of softmax: -infinity where a probability is rounded to 0",
        [(LOSS, "return float(-np.log(softmax(scores)[np.arange(len(labels)), labels]).mean())")],
    ),
    Wrong(
        "loss-with-a-small-number",
        "log(p + 1e-12): finite, but wrong for improbable labels",
        [
            (
                LOSS,
                "p = softmax(scores)[np.arange(len(labels)), labels]\n"
                "    return float(-np.log(p + 1e-12).mean())",
            )
        ],
    ),
    Wrong(
        "loss-in-bits",
        "log2 instead of log",
        [
            (
                "log_of_sum = np.log(np.exp(shifted).sum(axis=1))",
                "log_of_sum = np.log2(np.exp(shifted).sum(axis=1))",
            )
        ],
    ),
    Wrong(
        "loss-gradient-summed", "p - y, without 1 / N", [(LOSS_BACK, "return softmax(scores) - y")]
    ),
    Wrong(
        "loss-gradient-over-classes",
        "divided by the number of classes",
        [(LOSS_BACK, LOSS_BACK.replace("len(labels)", "scores.shape[1]"))],
    ),
    Wrong(
        "loss-gradient-without-y", "p / N", [(LOSS_BACK, "return softmax(scores) / len(labels)")]
    ),
    Wrong(
        "loss-gradient-sign",
        "(y - p) / N",
        [(LOSS_BACK, "return (y - softmax(scores)) / len(labels)")],
    ),
    Wrong(
        "labels-from-one",
        "the one-hot vector is off by one class",
        [
            (
                "y[np.arange(len(labels)), labels] = 1.0",
                "y[np.arange(len(labels)), labels - 1] = 1.0",
            )
        ],
    ),
    Wrong(
        "overlaps-overwritten",
        "where windows overlap, the last one's gradient replaces the others",
        [(ADD_UP, ADD_UP.replace("+=", "="))],
    ),
    Wrong(
        "back-without-stride",
        "the windows are put back side by side, whatever the stride",
        [
            ("rows = slice(i, i + stride * high, stride)", "rows = slice(i, i + high)"),
            ("columns = slice(j, j + stride * wide, stride)", "columns = slice(j, j + wide)"),
        ],
    ),
    Wrong(
        "back-transposed",
        "rows and columns of each window are exchanged on the way back",
        [(ADD_UP, ADD_UP.replace("[..., i, j]", "[..., j, i]"))],
    ),
    Wrong(
        "kernel-flipped",
        "the convolution of mathematics, with flipped kernels",
        [(CONVOLVE, CONVOLVE.replace("kernels,", "kernels[:, :, ::-1, ::-1],"))],
    ),
    Wrong(
        "kernel-transposed",
        "rows and columns of the kernel are exchanged",
        [(CONVOLVE, CONVOLVE.replace("mcij", "mcji"))],
    ),
    Wrong(
        "convolve-without-bias",
        "the bias is left out",
        [("    return y + bias[:, None, None]\n", "    return y\n")],
    ),
    Wrong(
        "padded-with-copies",
        "the border is copied instead of zeros",
        [
            (
                "np.pad(maps, ((0, 0), (0, 0), around, around))",
                'np.pad(maps, ((0, 0), (0, 0), around, around), mode="edge")',
            )
        ],
    ),
    Wrong(
        "padded-at-one-side",
        "all padding is at the top left",
        [("around = (padding, padding)", "around = (2 * padding, 0)")],
    ),
    Wrong(
        "padding-ignored-going-back",
        "the gradient of the padding stays in the result",
        [
            (
                "at_maps = _unpadded(_add_up(at_windows, padded.shape, stride), padding)",
                "at_maps = _add_up(at_windows, padded.shape, stride)",
            )
        ],
    ),
    Wrong(
        "unpadded-at-one-side",
        "twice the padding is cut off at the top left",
        [
            (
                "return maps[:, :, padding : high - padding, padding : wide - padding]",
                "return maps[:, :, 2 * padding :, 2 * padding :]",
            )
        ],
    ),
    Wrong(
        "kernel-flipped-going-back",
        "the gradient at maps is made with flipped kernels",
        [(AT_WINDOWS, AT_WINDOWS.replace("kernels,", "kernels[:, :, ::-1, ::-1],"))],
    ),
    Wrong(
        "kernel-gradient-averaged",
        "the mean over the examples",
        [(AT_KERNELS, AT_KERNELS + " / len(maps)")],
    ),
    Wrong(
        "kernel-gradient-of-one-example",
        "only the first example counts",
        [(AT_KERNELS, AT_KERNELS.replace("gradient, windows", "gradient[:1], windows[:1]"))],
    ),
    Wrong(
        "kernel-gradient-flipped",
        "the kernels' gradient is flipped",
        [(CONVOLVE_BACK, CONVOLVE_BACK.replace("at_kernels", "at_kernels[:, :, ::-1, ::-1]"))],
    ),
    Wrong(
        "convolve-bias-gradient-of-positions",
        "the mean over positions instead of their sum",
        [
            (
                CONVOLVE_BACK,
                CONVOLVE_BACK.replace(
                    "gradient.sum(axis=(0, 2, 3))", "gradient.sum(axis=0).mean(axis=(1, 2))"
                ),
            )
        ],
    ),
    Wrong(
        "convolve-bias-gradient-forgotten",
        "backward returns two of the three gradients",
        [(CONVOLVE_BACK, "return at_maps, at_kernels")],
    ),
    Wrong(
        "convolve-float32",
        "computed in float32, to be faster",
        [
            (
                CONVOLVE,
                CONVOLVE.replace(
                    "windows, kernels", "windows.astype(np.float32), kernels.astype(np.float32)"
                ),
            )
        ],
    ),
    Wrong(
        "windows-too-many",
        "the stride counts in one direction only",
        [("[:, :, ::stride, ::stride]", "[:, :, ::stride, ::1]")],
    ),
    Wrong(
        "local-kernels-shared",
        "the first position's kernels are used everywhere",
        [
            (
                'np.einsum("nchwij,hwmcij->nmhw", windows, kernels)',
                'np.einsum("nchwij,mcij->nmhw", windows, kernels[0, 0])',
            )
        ],
    ),
    Wrong(
        "local-gradient-shared",
        "the kernels' gradient is summed over positions",
        [
            (
                'np.einsum("nmhw,nchwij->hwmcij", gradient, windows)',
                'np.einsum("nmhw,nchwij->mcij", gradient, windows) + np.zeros_like(kernels)',
            )
        ],
    ),
    Wrong(
        "local-bias-of-each-map",
        "the bias's gradient is summed over positions",
        [(LOCAL_BACK, LOCAL_BACK.replace("gradient.sum(axis=0)", "gradient.sum(axis=(0, 2, 3))"))],
    ),
    Wrong(
        "local-bias-gradient-mean",
        "the mean over the examples",
        [(LOCAL_BACK, LOCAL_BACK.replace("sum(axis=0)", "mean(axis=0)"))],
    ),
    Wrong(
        "local-positions-transposed",
        "kernels[w, h] instead of kernels[h, w]",
        [
            (
                'np.einsum("nchwij,hwmcij->nmhw", windows, kernels)',
                'np.einsum("nchwij,hwmcij->nmhw", windows, '
                "kernels.swapaxes(0, 1).reshape(kernels.shape))",
            )
        ],
    ),
    Wrong(
        "pool-stride-ignored",
        "windows are always `size` apart",
        [
            (
                "return _windows(maps, size, size if stride is None else stride)",
                "return _windows(maps, size, size)",
            )
        ],
    ),
    Wrong(
        "pool-stride-one",
        "without a stride, windows are one pixel apart",
        [
            (
                "return _windows(maps, size, size if stride is None else stride)",
                "return _windows(maps, size, 1 if stride is None else stride)",
            )
        ],
    ),
    Wrong(
        "pool-max-from-zero",
        "the search for the maximum begins at 0",
        [
            (
                "y: Array = windows.max(axis=(-2, -1))",
                "y: Array = windows.max(axis=(-2, -1), initial=0.0)",
            )
        ],
    ),
    Wrong(
        "pool-absolute-max",
        "the largest absolute value",
        [
            (
                "y: Array = windows.max(axis=(-2, -1))",
                "y: Array = np.abs(windows).max(axis=(-2, -1))",
            )
        ],
    ),
    Wrong(
        "pool-sums",
        "average pooling without the division",
        [("y = windows.mean(axis=(-2, -1))", "y = windows.sum(axis=(-2, -1))")],
    ),
    Wrong(
        "pool-l2-mean",
        "the root of the mean of squares",
        [(POOL_L2, POOL_L2.replace(".sum(", ".mean("))],
    ),
    Wrong(
        "pool-l2-without-root",
        "the sum of squares",
        [(POOL_L2, "y = (windows**2).sum(axis=(-2, -1))")],
    ),
    Wrong(
        "pool-max-shared-by-all-ties",
        "all equal maxima get the whole gradient",
        [
            (
                LARGEST,
                "share = (in_a_row == in_a_row.max(axis=-1, keepdims=True)).reshape("
                "windows.shape).astype(np.float64)",
            )
        ],
    ),
    Wrong(
        "pool-max-last-of-ties",
        "the last of several maxima gets the gradient",
        [
            (
                "largest = in_a_row.argmax(axis=-1)[..., None]",
                "largest = size**2 - 1 - in_a_row[..., ::-1].argmax(axis=-1)[..., None]",
            )
        ],
    ),
    Wrong(
        "pool-max-split-among-ties",
        "equal maxima share the gradient",
        [
            (
                LARGEST,
                "share = in_a_row == in_a_row.max(axis=-1, keepdims=True)\n"
                "        share = (share / share.sum(axis=-1, keepdims=True))"
                ".reshape(windows.shape)",
            )
        ],
    ),
    Wrong(
        "pool-max-columns-first",
        "ties are decided column by column",
        [
            (
                "in_a_row = windows.reshape(*windows.shape[:4], size * size)",
                "in_a_row = windows.swapaxes(4, 5).reshape(*windows.shape[:4], size * size)",
            ),
            (
                LARGEST,
                LARGEST.replace(
                    ".reshape(windows.shape)", ".reshape(windows.shape).swapaxes(4, 5)"
                ),
            ),
        ],
    ),
    Wrong(
        "pool-average-undivided",
        "every pixel gets the whole gradient",
        [("share = np.full(windows.shape, 1 / size**2)", "share = np.ones(windows.shape)")],
    ),
    Wrong(
        "pool-average-by-side",
        "divided by size instead of its square",
        [
            (
                "share = np.full(windows.shape, 1 / size**2)",
                "share = np.full(windows.shape, 1 / size)",
            )
        ],
    ),
    Wrong(
        "pool-backward-stride",
        "going back, the stride is the size",
        [(POOL_BACK, POOL_BACK.replace("stride or size", "size"))],
    ),
    Wrong(
        "l2-nan-at-zero",
        "h / y without care for y = 0",
        [(ROOT_SHARE, "share: Array = values / root")],
    ),
    Wrong(
        "l2-one-at-zero",
        "1 where y is 0",
        [(ROOT_SHARE, ROOT_SHARE.replace("np.zeros", "np.ones"))],
    ),
    Wrong(
        "l2-epsilon",
        "h / (y + 1e-6), to avoid the zero",
        [(ROOT_SHARE, "share: Array = values / (root + 1e-6)")],
    ),
    Wrong(
        "l2-gradient-halved",
        "the derivative of the root without that of the square: h / (2 y)",
        [("    return share\n", "    return share / 2\n")],
    ),
    Wrong(
        "l2-gradient-of-squares",
        "2 h: the root is forgotten",
        [(ROOT_SHARE, "share: Array = 2 * values")],
    ),
    Wrong(
        "features-in-blocks",
        "the groups of maps do not overlap",
        [
            (
                "return sliding_window_view(maps, group, axis=1)",
                "return sliding_window_view(maps, group, axis=1)[:, ::group]",
            )
        ],
    ),
    Wrong(
        "features-overwritten",
        "overlapping groups overwrite each other's gradient",
        [
            (
                "at_maps[:, j : j + groups.shape[1]] += at_groups[..., j]",
                "at_maps[:, j : j + groups.shape[1]] = at_groups[..., j]",
            )
        ],
    ),
    Wrong(
        "features-mean",
        "the root of the mean over the group",
        [
            (
                "y: Array = np.sqrt((_groups(maps, group) ** 2).sum(axis=-1))",
                "y: Array = np.sqrt((_groups(maps, group) ** 2).mean(axis=-1))",
            )
        ],
    ),
    Wrong("contrast-without-mean", "h / deviation", [(LCN, "return maps / deviation")]),
    Wrong(
        "contrast-by-variance",
        "divided by the variance",
        [("deviation = np.sqrt(variance + epsilon)\n", "deviation = variance + epsilon\n")],
    ),
    Wrong(
        "contrast-epsilon-outside",
        "epsilon is added to the root",
        [
            (
                "deviation = np.sqrt(variance + epsilon)\n",
                "deviation = np.sqrt(variance) + epsilon\n",
            )
        ],
    ),
    Wrong(
        "contrast-sample-variance",
        "divided by the number of values less one",
        [(LCN_VARIANCE, LCN_VARIANCE.replace("/ count", "/ np.maximum(count - 1, 1)"))],
    ),
    Wrong(
        "contrast-padding-counts",
        "zeros of the padding count as pixels",
        [("count = is_inside.sum(axis=(4, 5), keepdims=True) *", "count = size**2 *")],
    ),
    Wrong(
        "contrast-padding-in-variance",
        "zeros of the padding count in the variance",
        [("differences = (windows - mean) * is_inside", "differences = windows - mean")],
    ),
    Wrong(
        "contrast-always-each-map",
        "across_features is ignored for the mean",
        [
            (
                "mean = windows.sum(axis=axes, keepdims=True) / count",
                "mean = windows.sum(axis=(4, 5), keepdims=True) / is_inside.sum(axis=(4, 5), "
                "keepdims=True)",
            )
        ],
    ),
    Wrong(
        "contrast-mean-constant",
        "the gradient through the mean is forgotten",
        [(LCN_MEAN, "at_mean = 0 * gradient\n")],
    ),
    Wrong(
        "contrast-deviation-constant",
        "the gradient through the deviation is forgotten",
        [
            (
                "at_variance = -gradient * (maps - mean) / (2 * deviation**3)",
                "at_variance = 0 * gradient",
            )
        ],
    ),
    Wrong(
        "contrast-own-window-only",
        "the windows of its neighbours are forgotten",
        [(LCN_BACK, "return gradient / deviation + at_values[..., half, half]")],
    ),
    Wrong(
        "contrast-direct-path-forgotten",
        "only mean and variance pass the gradient on",
        [(LCN_BACK, "return _unpadded(at_padded, half)")],
    ),
    Wrong(
        "contrast-power-two",
        "deviation^2 instead of its cube",
        [("(2 * deviation**3)", "(2 * deviation**2)")],
    ),
    Wrong(
        "contrast-features-apart-going-back",
        "going back, maps do not share their mean",
        [("at_mean = at_mean.sum(axis=1, keepdims=True)", "at_mean = at_mean + 0")],
    ),
    Wrong(
        "contrast-count-of-one-map",
        "the count across features is that of one map",
        [
            (
                "count = is_inside.sum(axis=(4, 5), keepdims=True) * "
                "(maps.shape[1] if across_features else 1)",
                "count = is_inside.sum(axis=(4, 5), keepdims=True)",
            )
        ],
    ),
    Wrong(
        "norm-sample-variance",
        "ddof=1",
        [(DEVIATION, DEVIATION.replace("keepdims=True", "keepdims=True, ddof=1"))],
    ),
    Wrong(
        "norm-epsilon-outside",
        "epsilon is added to the root",
        [(DEVIATION, "deviation = np.sqrt(x.var(axis=axes, keepdims=True)) + epsilon")],
    ),
    Wrong(
        "norm-epsilon-ignored",
        "always 1e-5, whatever is given",
        [(DEVIATION, DEVIATION.replace("epsilon", "1e-5"))],
    ),
    Wrong(
        "norm-by-variance",
        "divided by the variance",
        [(DEVIATION, "deviation = x.var(axis=axes, keepdims=True) + epsilon")],
    ),
    Wrong(
        "batch-norm-positions-apart",
        "each position of a map has its own mean",
        [("return (0, 2, 3) if x.ndim == 4 else (0,)", "return (0,)")],
    ),
    Wrong(
        "batch-norm-over-features",
        "the mean is over the units of one example",
        [
            (
                "return (0, 2, 3) if x.ndim == 4 else (0,)",
                "return (1, 2, 3) if x.ndim == 4 else (1,)",
            ),
            (MEAN_VARIANCE, "mean, variance = x.mean(axis=0), x.var(axis=0)"),
            (
                "return _normalize_backward(gradient, x, _each(gamma, x), gamma, axes, epsilon, "
                "shared_by=axes)",
                "return _normalize_backward(gradient, x, _each(gamma, x), gamma, axes, epsilon, "
                "shared_by=(0, 2, 3)[: x.ndim - 1] if x.ndim == 4 else (0,))",
            ),
        ],
    ),
    Wrong(
        "batch-norm-returns-deviation",
        "the standard deviation instead of the variance",
        [(BATCH, BATCH.replace("variance", "np.sqrt(variance)"))],
    ),
    Wrong(
        "batch-norm-returns-sample-variance",
        "the unbiased variance is returned",
        [(MEAN_VARIANCE, MEAN_VARIANCE.replace("x.var(axis=axes)", "x.var(axis=axes, ddof=1)"))],
    ),
    Wrong(
        "batch-norm-returns-y-alone",
        "mean and variance are not returned",
        [(BATCH, BATCH.removesuffix(", mean, variance"))],
    ),
    Wrong(
        "batch-norm-without-beta",
        "gamma is there, beta is not",
        [(BATCH, BATCH.replace(" + _each(beta, x)", ""))],
    ),
    Wrong(
        "norm-mean-gradient-forgotten",
        "the mean is taken as a constant",
        [(AT_X, "at_x = (g - along_stretch) / deviation")],
    ),
    Wrong(
        "norm-variance-gradient-forgotten",
        "the variance is taken as a constant",
        [(AT_X, "at_x = (g - along_shift) / deviation")],
    ),
    Wrong(
        "norm-both-forgotten",
        "mean and variance are taken as constants",
        [(AT_X, "at_x = g / deviation")],
    ),
    Wrong(
        "norm-gamma-forgotten-going-back",
        "the gradient at x is without gamma",
        [("g = gradient * gain", "g = gradient")],
    ),
    Wrong(
        "norm-gamma-gradient-of-x",
        "gradient * x instead of gradient * normal",
        [(NORM_BACK, NORM_BACK.replace("gradient * normal", "gradient * x"))],
    ),
    Wrong(
        "norm-gradients-exchanged",
        "beta's gradient comes before gamma's",
        [
            (
                NORM_BACK,
                "return at_x, gradient.sum(axis=shared_by), "
                "(gradient * normal).sum(axis=shared_by)",
            )
        ],
    ),
    Wrong(
        "layer-norm-over-maps",
        "each position has its own mean, over the maps",
        [
            (
                "normal, _ = _standardized(x, (1, 2, 3), epsilon)",
                "normal, _ = _standardized(x, (1,), epsilon)",
            )
        ],
    ),
    Wrong(
        "layer-norm-over-the-batch",
        "the mean is over everything",
        [
            (
                "normal, _ = _standardized(x, (1, 2, 3), epsilon)",
                "normal, _ = _standardized(x, (0, 1, 2, 3), epsilon)",
            )
        ],
    ),
    Wrong(
        "layer-norm-gradient-over-positions",
        "the gradients of gamma and beta are summed too far",
        [("(1, 2, 3), epsilon, shared_by=(0,))", "(1, 2, 3), epsilon, shared_by=(0, 2, 3))")],
    ),
    Wrong(
        "instance-norm-as-batch-norm",
        "the mean is over the batch, too",
        [
            (
                "normal, _ = _standardized(x, (2, 3), epsilon)",
                "normal, _ = _standardized(x, (0, 2, 3), epsilon)",
            )
        ],
    ),
    Wrong(
        "instance-norm-gradient-as-batch-norm",
        "only going back, the mean is over the batch",
        [
            (
                "gain, gamma, (2, 3), epsilon, shared_by=(0, 2, 3))",
                "gain, gamma, (0, 2, 3), epsilon, shared_by=(0, 2, 3))",
            )
        ],
    ),
    Wrong(
        "running-variance-biased",
        "the running average takes the batch's own variance",
        [(RUNNING, RUNNING.replace(" * count / (count - 1)", ""))],
    ),
    Wrong(
        "momentum-of-the-old",
        "momentum is the weight of the old average",
        [
            (
                "old, new = 1 - self.momentum, self.momentum",
                "old, new = self.momentum, 1 - self.momentum",
            )
        ],
    ),
    Wrong(
        "running-variance-from-zero",
        "the variance begins at 0",
        [("self.variance: Array = np.ones(size)", "self.variance: Array = np.zeros(size)")],
    ),
    Wrong(
        "running-mean-replaced",
        "the newest batch replaces the average",
        [("self.mean = old * self.mean + new * mean", "self.mean = mean")],
    ),
    Wrong(
        "running-momentum-point-nine",
        "momentum is 0.9 by default",
        [("momentum: float = 0.1)", "momentum: float = 0.9)")],
    ),
    Wrong(
        "test-time-of-the-batch",
        "at test time, the mean is the batch's after all",
        [
            (
                "normal = (x - _each(self.mean, x)) /",
                "normal = (x - x.mean(axis=0, keepdims=True)) /",
            )
        ],
    ),
    Wrong(
        "test-time-by-variance",
        "at test time, divided by the variance",
        [("/ np.sqrt(_each(self.variance, x) + epsilon)", "/ (_each(self.variance, x) + epsilon)")],
    ),
    Wrong(
        "dropout-unscaled",
        "the units that are left are not scaled up",
        [(MASK, "mask = (generator.random(x.shape) >= probability) * 1.0")],
    ),
    Wrong(
        "dropout-scaled-by-probability",
        "scaled by 1 / probability",
        [(MASK, MASK.replace("/ (1 - probability)", "/ max(probability, 1e-9)"))],
    ),
    Wrong(
        "dropout-keeps-with-probability",
        "probability is that of staying",
        [(MASK, "mask = (generator.random(x.shape) < probability) / max(probability, 1e-9)")],
    ),
    Wrong(
        "dropout-of-whole-units",
        "a unit is dropped for all examples at once",
        [
            (
                MASK,
                MASK.replace(
                    "(generator.random(x.shape) >= probability)",
                    "(np.ones(x.shape) * generator.random(x.shape[1:]) >= probability)",
                ),
            )
        ],
    ),
    Wrong(
        "dropout-of-whole-examples",
        "an example is dropped with all its units",
        [
            (
                MASK,
                MASK.replace(
                    "(generator.random(x.shape) >= probability)",
                    "(np.ones(x.shape) * generator.random((len(x), 1)) >= probability)",
                ),
            )
        ],
    ),
    Wrong(
        "dropout-own-generator",
        "the same numbers at every call",
        [(MASK, MASK.replace("generator.random", "np.random.default_rng(0).random"))],
    ),
    Wrong(
        "dropout-global-generator",
        "drawn from np.random, whatever generator is given",
        [(MASK, MASK.replace("generator.random(x.shape)", "np.random.random(x.shape)"))],
    ),
    Wrong(
        "dropout-mask-of-booleans",
        "the mask does not have the scale, y does",
        [
            (MASK, "mask = generator.random(x.shape) >= probability"),
            ("return x * mask, mask", "return x * mask / (1 - probability), mask"),
        ],
    ),
    Wrong(
        "dropout-gaussian",
        "noise is added instead",
        [(MASK, "mask = 1 + probability * generator.normal(size=x.shape)")],
    ),
    Wrong(
        "dropout-scales-twice-going-back",
        "the gradient is multiplied by the mask twice",
        [("return gradient * mask\n", "return gradient * mask * mask\n")],
    ),
    Wrong(
        "dropout-backward-unscaled",
        "the gradient passes unscaled",
        [("return gradient * mask\n", "return gradient * (mask > 0)\n")],
    ),
    Wrong(
        "shapes-unchecked",
        "what does not fit is spread over the shape that there is",
        [("if list(array.shape) != [found.get(each) for each in expected]:", "if False:")],
        beyond=True,
    ),
    Wrong(
        "labels-unchecked",
        "label -1 counts from the end",
        [("    if not is_class:\n", "    if False:\n")],
        beyond=True,
    ),
    Wrong(
        "even-windows",
        "a window of 2 has no centre, but is accepted",
        [("if size < 1 or size % 2 == 0:", "if size < 1:")],
        beyond=True,
    ),
    Wrong(
        "all-may-be-dropped",
        "probability 1 divides by 0",
        [("if not 0 <= probability < 1:", "if False:")],
        beyond=True,
    ),
    Wrong(
        "unknown-pooling-is-l2",
        "any other kind is taken for l2",
        [("if kind not in POOLINGS:", "if False:")],
        beyond=True,
    ),
]
