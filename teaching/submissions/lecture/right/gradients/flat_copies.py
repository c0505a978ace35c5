# A flat copy for every weight and direction.


def numeric_gradient(loss, theta, epsilon=1e-6):
    if epsilon <= 0:
        raise ValueError("epsilon must be above 0")
    found = []
    for k in range(theta.size):
        pair = []
        for sign in (1, -1):
            flat = theta.flatten()
            flat[k] += sign * epsilon
            pair.append(loss(flat.reshape(theta.shape)))
        found.append((pair[0] - pair[1]) / (2 * epsilon))
    return np.reshape(found, theta.shape)


def wiggle(loss, theta, rate, epsilon):
    if epsilon <= 0:
        raise ValueError("epsilon must be above 0")
    moves = np.zeros(theta.size)
    for k in range(theta.size):
        flat = theta.flatten()
        flat[k] += epsilon
        change = loss(flat.reshape(theta.shape)) - loss(theta)
        moves[k] = -rate if change > 0 else rate if change < 0 else 0.0
    return theta + moves.reshape(theta.shape)
