# ReLU before max pooling gives the same scores, and a tape of backward steps the same gradients.


class SimpleNet:
    def __init__(self, generator):
        self.parameters = {}
        for name, weight in {
            "conv_layers.0": (10, 1, 5, 5),
            "conv_layers.3": (20, 10, 5, 5),
            "fc_layers.1": (100, 500),
            "fc_layers.3": (15, 100),
        }.items():
            r = 1 / np.sqrt(np.prod(weight[1:]))
            self.parameters[name + ".weight"] = generator.uniform(-r, r, weight)
            self.parameters[name + ".bias"] = generator.uniform(-r, r, weight[0])

    def load(self, state):
        if sorted(state) != sorted(self.parameters):
            raise ValueError(f"not the parameters: {list(state)}")
        self.parameters = {k: np.array(state[k], float, copy=True) for k in self.parameters}

    def forward(self, x):
        self.tape = []
        for name in ("conv_layers.0", "conv_layers.3"):
            w, b = self.parameters[name + ".weight"], self.parameters[name + ".bias"]
            self.tape.append((convolve_backward, (x, w, b), name))
            x = convolve(x, w, b)
            self.tape.append((relu_backward, (x,), None))
            x = relu(x)
            self.tape.append((pool_backward, (x, 3), None))
            x = pool(x, 3)
        shape = x.shape
        self.tape.append((lambda g: g.reshape(shape), (), None))
        x = x.reshape(len(x), 500)
        for name in ("fc_layers.1", "fc_layers.3"):
            w, b = self.parameters[name + ".weight"], self.parameters[name + ".bias"]
            self.tape.append((linear_backward, (x, w, b), name))
            x = linear(x, w, b)
            if name == "fc_layers.1":
                self.tape.append((relu_backward, (x,), None))
                x = relu(x)
        return x

    def backward(self, gradient):
        gradients = {}
        for function, arguments, name in reversed(self.tape):
            gradient = function(gradient, *arguments)
            if name:
                gradient, gradients[name + ".weight"], gradients[name + ".bias"] = gradient
        return gradient, gradients
