# Each weight is changed in place, and set back.


def numeric_gradient(loss, theta, epsilon=1e-6):
    if epsilon <= 0:
        raise ValueError("epsilon must be above 0")
    gradient = np.empty(theta.shape)
    it = np.nditer(theta, flags=["multi_index"])
    while not it.finished:
        i = it.multi_index
        old = theta[i]
        theta[i] = old + epsilon
        high = loss(theta)
        theta[i] = old - epsilon
        low = loss(theta)
        theta[i] = old
        gradient[i] = (high - low) / 2 / epsilon
        it.iternext()
    return gradient


def wiggle(loss, theta, rate, epsilon):
    if epsilon <= 0:
        raise ValueError("epsilon must be above 0")
    start = loss(theta)
    new = theta.copy()
    for i in np.ndindex(*theta.shape):
        old = theta[i]
        theta[i] = old + epsilon
        here = loss(theta)
        theta[i] = old
        if here > start:
            new[i] -= rate
        elif here < start:
            new[i] += rate
    return new
