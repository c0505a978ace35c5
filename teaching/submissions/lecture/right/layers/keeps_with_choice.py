# Dropout with generator.choice, linear layers with np.dot and np.outer.


def dropout(x, probability, generator):
    if not 0 <= probability < 1:
        raise ValueError("probability")
    scale = 1 / (1 - probability)
    mask = generator.choice([0.0, scale], size=x.shape, p=[probability, 1 - probability])
    return x * mask, mask


def linear(x, weight, bias):
    return np.array([np.dot(weight, row) + bias for row in x])


def linear_backward(gradient, x, weight, bias):
    at_weight = sum(np.outer(g, row) for g, row in zip(gradient, x))
    return np.dot(gradient, weight), at_weight, np.ones(len(x)) @ gradient
