# Rows of the identity matrix as directions.


def numeric_gradient(loss, theta, epsilon=1e-6):
    if not epsilon > 0:
        raise ValueError("epsilon must be above 0")
    directions = np.eye(theta.size).reshape(theta.size, *theta.shape) * epsilon
    slopes = [(loss(theta + d) - loss(theta - d)) / (2 * epsilon) for d in directions]
    return np.array(slopes).reshape(theta.shape)


def wiggle(loss, theta, rate, epsilon):
    if not epsilon > 0:
        raise ValueError("epsilon must be above 0")
    directions = np.eye(theta.size).reshape(theta.size, *theta.shape)
    before = loss(theta)
    signs = np.array([np.sign(loss(theta + epsilon * d) - before) for d in directions])
    return theta - rate * np.tensordot(signs, directions, axes=1)
