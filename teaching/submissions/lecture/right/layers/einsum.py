# Sums as einsum, wherever there is a sum.


def linear(x, weight, bias):
    return np.einsum("nd,md->nm", x, weight) + bias


def linear_backward(gradient, x, weight, bias):
    return (
        np.einsum("nm,md->nd", gradient, weight),
        np.einsum("nm,nd->md", gradient, x),
        np.einsum("nm->m", gradient),
    )


def instance_normalize(x, gamma, beta, epsilon=1e-5):
    count = x.shape[2] * x.shape[3]
    mean = np.einsum("nchw->nc", x)[:, :, None, None] / count
    centred = x - mean
    variance = np.einsum("nchw,nchw->nc", centred, centred) / count
    scale = gamma / (variance + epsilon) ** 0.5
    return np.einsum("nchw,nc->nchw", centred, scale) + beta[None, :, None, None]


def layer_normalize(x, gamma, beta, epsilon=1e-5):
    mean = np.einsum("nchw->n", x) / x[0].size
    centred = x - mean[:, None, None, None]
    variance = np.einsum("nchw,nchw->n", centred, centred) / x[0].size
    return np.einsum("nchw,n,chw->nchw", centred, (variance + epsilon) ** -0.5, gamma) + beta


def locally_connected(maps, kernels, bias):
    K = kernels.shape[-1]
    y = np.einsum("mhw,n->nmhw", bias, np.ones(len(maps)))
    high, wide = kernels.shape[:2]
    for i in range(K):
        for j in range(K):
            y = y + np.einsum(
                "nchw,hwmc->nmhw", maps[:, :, i : i + high, j : j + wide], kernels[..., i, j]
            )
    return y
