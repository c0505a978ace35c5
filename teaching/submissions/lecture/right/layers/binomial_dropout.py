# Dropout by other draws; the running averages moved towards the batch.


def dropout(x, probability, generator):
    if probability < 0 or probability >= 1:
        raise ValueError("probability must be in [0, 1)")
    keep = 1.0 - probability
    mask = generator.binomial(1, keep, size=x.shape) / keep
    return mask * x, mask


class RunningAverages:
    def __init__(self, size, momentum=0.1):
        self.momentum = momentum
        self.mean, self.variance = np.zeros((size,)), np.ones((size,))

    def update(self, mean, variance, count):
        unbiased = np.asarray(variance) / (1 - 1 / count)
        self.mean = self.mean + self.momentum * (mean - self.mean)
        self.variance = self.variance + self.momentum * (unbiased - self.variance)

    def normalize(self, x, gamma, beta, epsilon=1e-5):
        # as one multiplication and one addition
        scale = gamma / np.sqrt(self.variance + epsilon)
        shift = beta - scale * self.mean
        shape = (1, -1) + (1,) * (x.ndim - 2)
        return x * scale.reshape(shape) + shift.reshape(shape)
