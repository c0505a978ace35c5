# Everything value by value.


def linear(x, weight, bias):
    y = np.zeros((len(x), len(weight)))
    for n in range(len(x)):
        for m in range(len(weight)):
            total = bias[m]
            for d in range(x.shape[1]):
                total = total + x[n, d] * weight[m, d]
            y[n, m] = total
    return y


def linear_backward(gradient, x, weight, bias):
    dx, dw, db = np.zeros(x.shape), np.zeros(weight.shape), np.zeros(bias.shape)
    for n in range(len(x)):
        for m in range(len(weight)):
            db[m] += gradient[n, m]
            for d in range(x.shape[1]):
                dx[n, d] += gradient[n, m] * weight[m, d]
                dw[m, d] += gradient[n, m] * x[n, d]
    return dx, dw, db


def relu(x):
    y = x.copy()
    y[y < 0] = 0
    return y


def relu_backward(gradient, x):
    out = np.empty_like(gradient)
    for place, value in np.ndenumerate(x):
        out[place] = gradient[place] if value > 0 else 0
    return out


def softmax(scores):
    rows = []
    for row in scores:
        e = [np.exp(s - max(row)) for s in row]
        rows.append([v / sum(e) for v in e])
    return np.array(rows)


def convolve(maps, kernels, bias, stride=1, padding=0):
    N, C, H, W = maps.shape
    M, _, K, _ = kernels.shape
    padded = np.zeros((N, C, H + 2 * padding, W + 2 * padding))
    padded[:, :, padding : padding + H, padding : padding + W] = maps
    high, wide = (H + 2 * padding - K) // stride + 1, (W + 2 * padding - K) // stride + 1
    y = np.zeros((N, M, high, wide))
    for n in range(N):
        for m in range(M):
            for h in range(high):
                for w in range(wide):
                    a, b = h * stride, w * stride
                    window = padded[n, :, a : a + K, b : b + K]
                    y[n, m, h, w] = (window * kernels[m]).sum() + bias[m]
    return y


def convolve_backward(gradient, maps, kernels, bias, stride=1, padding=0):
    N, C, H, W = maps.shape
    M, _, K, _ = kernels.shape
    padded = np.zeros((N, C, H + 2 * padding, W + 2 * padding))
    padded[:, :, padding : padding + H, padding : padding + W] = maps
    d_padded, dk, db = np.zeros(padded.shape), np.zeros(kernels.shape), np.zeros(M)
    for n, m, h, w in np.ndindex(gradient.shape):
        here = (n, slice(None), slice(h * stride, h * stride + K), slice(w * stride, w * stride + K))
        g = gradient[n, m, h, w]
        d_padded[here] += g * kernels[m]
        dk[m] += g * padded[here]
        db[m] += g
    return d_padded[:, :, padding : padding + H, padding : padding + W], dk, db


def locally_connected(maps, kernels, bias):
    high, wide, M, C, K, _ = kernels.shape
    y = np.zeros((len(maps), M, high, wide))
    for n, m, h, w in np.ndindex(y.shape):
        y[n, m, h, w] = np.vdot(maps[n, :, h : h + K, w : w + K], kernels[h, w, m]) + bias[m, h, w]
    return y


def locally_connected_backward(gradient, maps, kernels, bias):
    K = kernels.shape[-1]
    dm, dk, db = np.zeros(maps.shape), np.zeros(kernels.shape), np.zeros(bias.shape)
    for n, m, h, w in np.ndindex(gradient.shape):
        g = gradient[n, m, h, w]
        dm[n, :, h : h + K, w : w + K] += g * kernels[h, w, m]
        dk[h, w, m] += g * maps[n, :, h : h + K, w : w + K]
        db[m, h, w] += g
    return dm, dk, db


def pool(maps, size, stride=None, kind="max"):
    if stride is None:
        stride = size
    N, C, H, W = maps.shape
    y = np.zeros((N, C, (H - size) // stride + 1, (W - size) // stride + 1))
    for n, c, h, w in np.ndindex(y.shape):
        window = maps[n, c, h * stride : h * stride + size, w * stride : w * stride + size]
        if kind == "max":
            y[n, c, h, w] = window.max()
        elif kind == "average":
            y[n, c, h, w] = window.mean()
        elif kind == "l2":
            y[n, c, h, w] = np.linalg.norm(window)
        else:
            raise ValueError(kind)
    return y


def pool_backward(gradient, maps, size, stride=None, kind="max"):
    if stride is None:
        stride = size
    out = np.zeros(maps.shape)
    for n, c, h, w in np.ndindex(gradient.shape):
        here = (n, c, slice(h * stride, h * stride + size), slice(w * stride, w * stride + size))
        window, g = maps[here], gradient[n, c, h, w]
        if kind == "max":
            i, j = np.unravel_index(np.argmax(window), window.shape)
            out[n, c, h * stride + i, w * stride + j] += g
        elif kind == "average":
            out[here] += g / size / size
        elif kind == "l2":
            norm = np.linalg.norm(window)
            if norm > 0:
                out[here] += g * window / norm
        else:
            raise ValueError(kind)
    return out


def l2_pool_over_features(maps, group):
    return np.stack(
        [
            np.linalg.norm(maps[:, k : k + group], axis=1)
            for k in range(maps.shape[1] - group + 1)
        ],
        axis=1,
    )


def l2_pool_over_features_backward(gradient, maps, group):
    y = l2_pool_over_features(maps, group)
    out = np.zeros(maps.shape)
    for n, k, h, w in np.ndindex(y.shape):
        if y[n, k, h, w] != 0:
            out[n, k : k + group, h, w] += (
                gradient[n, k, h, w] * maps[n, k : k + group, h, w] / y[n, k, h, w]
            )
    return out


def local_contrast_normalize(maps, size, across_features=False, epsilon=1e-5):
    half = size // 2
    y = np.zeros(maps.shape)
    for n, c, h, w in np.ndindex(maps.shape):
        features = slice(None) if across_features else slice(c, c + 1)
        window = maps[n, features, max(h - half, 0) : h + half + 1, max(w - half, 0) : w + half + 1]
        y[n, c, h, w] = (maps[n, c, h, w] - window.mean()) / np.sqrt(window.var() + epsilon)
    return y


def local_contrast_normalize_backward(
    gradient, maps, size, across_features=False, epsilon=1e-5
):
    half = size // 2
    out = np.zeros(maps.shape)
    for n, c, h, w in np.ndindex(maps.shape):
        features = slice(None) if across_features else slice(c, c + 1)
        here = (
            n, features, slice(max(h - half, 0), h + half + 1), slice(max(w - half, 0), w + half + 1)
        )
        window, g = maps[here], gradient[n, c, h, w]
        mean, sigma = window.mean(), np.sqrt(window.var() + epsilon)
        out[n, c, h, w] += g / sigma
        out[here] -= g / sigma / window.size
        out[here] -= g * (maps[n, c, h, w] - mean) * (window - mean) / window.size / sigma**3
    return out
