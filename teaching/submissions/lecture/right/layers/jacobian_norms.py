# The gradient of a normalization through its matrix of derivatives, row by row.


def _through_jacobian(row, g, epsilon):
    n = row.size
    sigma = np.sqrt(row.var() + epsilon)
    hat = (row - row.mean()) / sigma
    jacobian = (np.eye(n) - 1 / n - np.outer(hat, hat) / n) / sigma
    return g @ jacobian, hat


def instance_normalize_backward(gradient, x, gamma, beta, epsilon=1e-5):
    dx, dg, db = np.zeros(x.shape), np.zeros(gamma.shape), np.zeros(beta.shape)
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            g = gradient[n, c].ravel()
            row, hat = _through_jacobian(x[n, c].ravel(), g * gamma[c], epsilon)
            dx[n, c] = row.reshape(x.shape[2:])
            dg[c] += g @ hat
            db[c] += g.sum()
    return dx, dg, db


def layer_normalize_backward(gradient, x, gamma, beta, epsilon=1e-5):
    dx, dg, db = np.zeros(x.shape), np.zeros(gamma.shape), np.zeros(beta.shape)
    for n in range(x.shape[0]):
        row, hat = _through_jacobian(x[n].ravel(), (gradient[n] * gamma).ravel(), epsilon)
        dx[n] = row.reshape(x.shape[1:])
        dg += gradient[n] * hat.reshape(gamma.shape)
        db += gradient[n]
    return [dx, dg, db]
