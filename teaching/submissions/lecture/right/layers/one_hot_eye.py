# Labels as rows of the identity matrix; logarithms with logaddexp.


def softmax(scores):
    return np.exp(scores - np.logaddexp.reduce(scores, axis=1)[:, None])


def negative_log_likelihood(scores, labels):
    total = np.logaddexp.reduce(scores, axis=1)
    right = np.take_along_axis(scores, labels[:, None], axis=1)[:, 0]
    return (total - right).mean()


def negative_log_likelihood_backward(scores, labels):
    return (softmax(scores) - np.eye(scores.shape[1])[labels]) / scores.shape[0]


def relu(x):
    return x * (x > 0)


def relu_backward(gradient, x):
    return gradient * np.heaviside(x, 0)
