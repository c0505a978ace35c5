# The velocity has the rate in it, and weights are changed in place.


class SGD:
    def __init__(self, network, rate, momentum=0.9, weight_decay=0.0):
        if rate < 0:
            raise ValueError("rate must not be negative")
        if momentum < 0:
            raise ValueError("momentum must not be negative")
        if weight_decay < 0:
            raise ValueError("weight_decay must not be negative")
        self.network, self.rate = network, rate
        self.momentum, self.weight_decay = momentum, weight_decay
        self.steps = {}

    def step(self, gradients):
        for name in self.network.parameters:
            theta = self.network.parameters[name]
            delta = -self.rate * (gradients[name] + self.weight_decay * theta)
            if name in self.steps:
                delta += self.momentum * self.steps[name]
            self.steps[name] = delta
            theta += delta


def train_step(network, optimizer, x, labels):
    out = network.forward(x)
    loss = negative_log_likelihood(out, labels)
    optimizer.step(network.backward(negative_log_likelihood_backward(out, labels))[1])
    return np.float64(loss)
