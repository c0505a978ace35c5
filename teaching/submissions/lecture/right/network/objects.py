# Layers as objects that remember their input; a network is a list of them.


class _Linear:
    def __init__(self, weight, bias, names):
        self.values, self.names = [weight, bias], names

    def forward(self, x):
        self.x = x
        return x @ self.values[0].T + self.values[1]

    def backward(self, g):
        self.gradients = [g.T @ self.x, g.sum(0)]
        return g @ self.values[0]


class _Relu:
    names = ()

    def forward(self, x):
        self.on = x > 0
        return x * self.on

    def backward(self, g):
        return g * self.on


class Perceptron:
    def __init__(self, sizes, generator):
        if len(sizes) < 2:
            raise ValueError("sizes must have two numbers or more")
        self.layers = []
        for k, (a, b) in enumerate(zip(sizes[:-1], sizes[1:]), 1):
            if k > 1:
                self.layers.append(_Relu())
            r = a**-0.5
            weight = (generator.random((b, a)) * 2 - 1) * r
            bias = (generator.random(b) * 2 - 1) * r
            self.layers.append(_Linear(weight, bias, (f"weight_{k}", f"bias_{k}")))
        self.parameters = {
            name: value
            for layer in self.layers
            if layer.names
            for name, value in zip(layer.names, layer.values)
        }

    def load(self, state):
        self.parameters = _taken_over(state, self.parameters)

    def forward(self, x):
        for layer in self.layers:
            if layer.names:
                layer.values = [self.parameters[name] for name in layer.names]
            x = layer.forward(x)
        return x

    def backward(self, gradient):
        gradients = {}
        for layer in self.layers[::-1]:
            gradient = layer.backward(gradient)
            if layer.names:
                gradients.update(zip(layer.names, layer.gradients))
        return gradient, gradients
