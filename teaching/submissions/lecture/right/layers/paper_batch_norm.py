# Batch norm as in the paper, step by step; layer and instance norm made from it by reshaping.


def _flat(x):
    return x if x.ndim == 2 else x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])


def _unflat(flat, x):
    n, c = x.shape[:2]
    return flat if x.ndim == 2 else flat.reshape(n, *x.shape[2:], c).transpose(0, 3, 1, 2)


def batch_normalize(x, gamma, beta, epsilon=1e-5):
    z = _flat(x)
    m = len(z)
    mu = z.sum(0) / m
    var = ((z - mu) ** 2).sum(0) / m
    x_hat = (z - mu) / np.sqrt(var + epsilon)
    return _unflat(gamma * x_hat + beta, x), mu, var


def batch_normalize_backward(gradient, x, gamma, beta, epsilon=1e-5):
    z, dy = _flat(x), _flat(gradient)
    m = len(z)
    mu, var = z.mean(0), z.var(0)
    x_hat = (z - mu) * (var + epsilon) ** -0.5
    d_hat = dy * gamma
    d_var = (d_hat * (z - mu)).sum(0) * -0.5 * (var + epsilon) ** -1.5
    d_mu = (d_hat * -((var + epsilon) ** -0.5)).sum(0) + d_var * (-2 * (z - mu)).sum(0) / m
    dz = d_hat * (var + epsilon) ** -0.5 + d_var * 2 * (z - mu) / m + d_mu / m
    return _unflat(dz, x), (dy * x_hat).sum(0), dy.sum(0)


def layer_normalize(x, gamma, beta, epsilon=1e-5):
    rows = x.reshape(len(x), -1)
    one, zero = np.ones(len(x)), np.zeros(len(x))
    normal, _, _ = batch_normalize(rows.T, one, zero, epsilon)
    return normal.T.reshape(x.shape) * gamma + beta


def layer_normalize_backward(gradient, x, gamma, beta, epsilon=1e-5):
    rows = x.reshape(len(x), -1)
    one, zero = np.ones(len(x)), np.zeros(len(x))
    normal, _, _ = batch_normalize(rows.T, one, zero, epsilon)
    g = (gradient * gamma).reshape(len(x), -1)
    dx, _, _ = batch_normalize_backward(g.T, rows.T, one, zero, epsilon)
    d_gamma = (gradient * normal.T.reshape(x.shape)).sum(0)
    return dx.T.reshape(x.shape), d_gamma, gradient.sum(0)


def instance_normalize(x, gamma, beta, epsilon=1e-5):
    y = np.empty(x.shape)
    for n in range(x.shape[0]):
        y[n] = batch_normalize(x[n : n + 1], gamma, beta, epsilon)[0][0]
    return y


def instance_normalize_backward(gradient, x, gamma, beta, epsilon=1e-5):
    found = [
        batch_normalize_backward(gradient[n : n + 1], x[n : n + 1], gamma, beta, epsilon)
        for n in range(len(x))
    ]
    dx = np.concatenate([each[0] for each in found])
    return dx, sum(each[1] for each in found), sum(each[2] for each in found)
