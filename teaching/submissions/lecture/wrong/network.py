"""Wrong networks, and wrong ways to learn."""

from ... import Wrong

FORWARD = "            x = relu(self._sums[-1])\n        return self._sums[-1]"
RELU_BACK = "gradient = relu_backward(gradient, self._sums[layer - 1])"
PERCEPTRON_GRADIENTS = 'gradients |= {f"weight_{layer}": at_weight, f"bias_{layer}": at_bias}'
VELOCITY = "self.velocities[name] = self.momentum * self.velocities[name] + g"
STEP = "self.network.parameters[name] = theta - self.rate * self.velocities[name]"
DECAY = "g = gradients[name] + self.weight_decay * theta"
BOUND = "bound = 1 / np.sqrt(inputs)"
DRAWN = "return generator.uniform(-bound, bound, tuple(shape))"

WRONG = [
    Wrong(
        "relu-on-scores",
        "the last layer has a ReLU, too",
        [(FORWARD, "            x = relu(self._sums[-1])\n        return x")],
    ),
    Wrong(
        "no-relu",
        "linear layers only",
        [(FORWARD, FORWARD.replace("relu(self._sums[-1])", "self._sums[-1]"))],
    ),
    Wrong(
        "relu-skipped-going-back",
        "the gradient passes every ReLU as it is",
        [(RELU_BACK, "gradient = gradient * 1.0")],
    ),
    Wrong(
        "relu-of-the-layer-before",
        "the ReLU of another layer decides",
        [(RELU_BACK, "gradient = relu_backward(gradient, self._sums[layer - 1] + 1.0)")],
    ),
    Wrong(
        "relu-after-the-last-going-back",
        "the scores' gradient goes through a ReLU",
        [("            if layer < self.depth:\n", "            if layer <= self.depth:\n")],
    ),
    Wrong(
        "inputs-pile-up",
        "the inputs of earlier batches are kept, and used",
        [
            (
                "        self._inputs, self._sums = [], []",
                '        self._inputs = getattr(self, "_inputs", [])\n'
                '        self._sums = getattr(self, "_sums", [])',
            )
        ],
    ),
    Wrong(
        "gradients-pile-up",
        "gradients of earlier batches are added, as without zero_grad",
        [
            (
                PERCEPTRON_GRADIENTS,
                PERCEPTRON_GRADIENTS + '\n            self._all = getattr(self, "_all", {})'
                '\n            for name in (f"weight_{layer}", f"bias_{layer}"):'
                "\n                self._all[name] = gradients[name] + self._all.get(name, 0.0)"
                "\n                gradients[name] = self._all[name]",
            )
        ],
    ),
    Wrong(
        "bias-gradient-forgotten",
        "only the weights get gradients",
        [(PERCEPTRON_GRADIENTS, 'gradients[f"weight_{layer}"] = at_weight')],
    ),
    Wrong(
        "gradients-under-wrong-names",
        "the names are counted from the end",
        [
            (
                PERCEPTRON_GRADIENTS,
                'gradients |= {f"weight_{self.depth + 1 - layer}": at_weight, '
                'f"bias_{self.depth + 1 - layer}": at_bias}',
            )
        ],
    ),
    Wrong(
        "perceptron-backward-alone",
        "backward does not return the gradient at x",
        [
            (
                f"{PERCEPTRON_GRADIENTS}\n        return gradient, gradients",
                f"{PERCEPTRON_GRADIENTS}\n        return gradients",
            ),
        ],
    ),
    Wrong(
        "weights-from-zero",
        "all weights begin at 0, so all units stay alike",
        [(DRAWN, "return np.zeros(tuple(shape))")],
    ),
    Wrong(
        "weights-normal",
        "drawn from a normal distribution with deviation 1",
        [(DRAWN, "return generator.normal(size=tuple(shape))")],
    ),
    Wrong(
        "weights-positive",
        "drawn between 0 and the bound",
        [(DRAWN, "return generator.uniform(0.0, bound, tuple(shape))")],
    ),
    Wrong("weights-bound-without-root", "the bound is 1 / inputs", [(BOUND, "bound = 1 / inputs")]),
    Wrong(
        "weights-from-global-generator",
        "drawn from np.random",
        [(DRAWN, "return np.random.uniform(-bound, bound, tuple(shape))")],
    ),
    Wrong(
        "weights-of-a-fixed-seed",
        "the generator is not used",
        [(DRAWN, "return np.random.default_rng(0).uniform(-bound, bound, tuple(shape))")],
    ),
    Wrong("biases-from-zero", "biases begin at 0", [(DRAWN, DRAWN + " * (len(shape) > 1)")]),
    Wrong(
        "simple-net-inputs-of-one-map",
        "the bound counts the pixels of one map only",
        [("inputs = int(np.prod(weight[1:]))", "inputs = int(np.prod(weight[2:] or weight[1:]))")],
    ),
    Wrong(
        "load-shares",
        "load keeps the caller's arrays, and a step changes them",
        [
            (
                "np.array(state[name], dtype=np.float64)",
                "np.asarray(state[name], dtype=np.float64)",
            ),
            (STEP, "theta -= self.rate * self.velocities[name]"),
        ],
    ),
    Wrong(
        "load-float32",
        "load keeps float32",
        [("np.array(state[name], dtype=np.float64)", "np.array(state[name])")],
    ),
    Wrong(
        "load-nothing",
        "load checks, and forgets to take the values",
        [
            (
                "return {name: np.array(state[name], dtype=np.float64) for name in current}",
                "return {name: np.array(current[name], dtype=np.float64) for name in current}",
            )
        ],
    ),
    Wrong(
        "pool-first-stage-two",
        "the first pooling has 2x2 windows, 3 apart",
        [
            (
                "self._pooled_1 = pool(self._convolved_1, self.POOL)",
                "self._pooled_1 = pool(self._convolved_1, 2, 3)",
            )
        ],
    ),
    Wrong(
        "pool-averages",
        "the second pooling averages",
        [
            (
                "self._pooled_2 = pool(self._convolved_2, self.POOL)",
                'self._pooled_2 = pool(self._convolved_2, self.POOL, kind="average")',
            )
        ],
    ),
    Wrong(
        "no-relu-between-linear",
        "the hidden layer is linear",
        [("self._hidden = relu(self._sum)", "self._hidden = self._sum")],
    ),
    Wrong(
        "no-relu-after-the-first-pooling",
        "the first stage is linear up to the pooling",
        [("self._active_1 = relu(self._pooled_1)", "self._active_1 = self._pooled_1")],
    ),
    Wrong(
        "flattened-by-columns",
        "maps are flattened in another order than torch's",
        [
            (
                "self._flat = relu(self._pooled_2).reshape(len(x), -1)",
                "self._flat = relu(self._pooled_2).transpose(0, 2, 3, 1).reshape(len(x), -1)",
            )
        ],
    ),
    Wrong(
        "hidden-relu-forgotten-going-back",
        "the gradient passes the hidden layer's ReLU",
        [("        gradient = relu_backward(gradient, self._sum)\n", "")],
    ),
    Wrong(
        "first-relu-forgotten-going-back",
        "the gradient passes the first stage's ReLU",
        [("        gradient = relu_backward(gradient, self._pooled_1)\n", "")],
    ),
    Wrong(
        "relu-before-pooling-going-back",
        "the second ReLU's gradient is cut by the first's rule",
        [
            (
                "gradient = relu_backward(gradient.reshape(self._pooled_2.shape), self._pooled_2)",
                "gradient = gradient.reshape(self._pooled_2.shape)",
            )
        ],
    ),
    Wrong(
        "layers-exchanged-going-back",
        "the linear layers' gradients are exchanged",
        [("[*at_1, *at_2, *at_3, *at_4]", "[*at_1, *at_2, *at_4, *at_3]")],
    ),
    Wrong("uphill", "a step goes along the gradient", [(STEP, STEP.replace("theta -", "theta +"))]),
    Wrong("momentum-ignored", "plain gradient descent", [(VELOCITY, "self.velocities[name] = g")]),
    Wrong(
        "momentum-averages",
        "(1 - momentum) g, as in Adam",
        [(VELOCITY, VELOCITY.replace("+ g", "+ (1 - self.momentum) * g"))],
    ),
    Wrong(
        "nesterov",
        "the step looks ahead",
        [
            (
                STEP,
                "self.network.parameters[name] = theta - self.rate * "
                "(g + self.momentum * self.velocities[name])",
            )
        ],
    ),
    Wrong("decay-ignored", "weight_decay does nothing", [(DECAY, "g = gradients[name]")]),
    Wrong(
        "decay-grows",
        "weights grow instead of shrinking",
        [(DECAY, DECAY.replace("+ self", "- self"))],
    ),
    Wrong(
        "decay-beside-the-velocity",
        "weight decay acts on the weights directly, as in AdamW",
        [
            (DECAY, "g = gradients[name]"),
            (STEP, STEP.replace("theta -", "theta * (1 - self.rate * self.weight_decay) -")),
        ],
    ),
    Wrong(
        "decay-of-weights-only", "biases do not decay", [(DECAY, DECAY + ' * ("weight" in name)')]
    ),
    Wrong(
        "velocity-shared",
        "one velocity for all parameters of a shape, by chance of a name",
        [
            (
                "self.velocities = {name: np.zeros(p.shape) for name, p in "
                "network.parameters.items()}",
                "self.velocities = dict.fromkeys(network.parameters, 0.0)",
            ),
            (
                VELOCITY,
                "v = self.velocities[name] = self.momentum * sum(\n"
                "                np.mean(each) for each in self.velocities.values()) + g",
            ),
        ],
    ),
    Wrong(
        "velocity-forgotten",
        "the velocity begins anew at each step",
        [
            (
                "    def step(self, gradients: Mapping[str, Array]) -> None:\n"
                '        """Change all parameters, given their gradients, by name."""\n',
                "    def step(self, gradients: Mapping[str, Array]) -> None:\n"
                '        """Change all parameters, given their gradients, by name."""\n'
                "        self.velocities = {n: np.zeros(g.shape) for n, g in gradients.items()}\n",
            )
        ],
    ),
    Wrong(
        "rate-in-the-velocity-twice",
        "rate counts in the velocity and in the step",
        [(VELOCITY, VELOCITY.replace("+ g", "+ self.rate * g"))],
    ),
    Wrong(
        "gradient-changed-in-place",
        "weight decay is added to the caller's gradient",
        [(DECAY, "g = gradients[name]\n            g += self.weight_decay * theta")],
    ),
    Wrong(
        "momentum-half-by-default",
        "momentum is 0.5 unless told",
        [("momentum: float = 0.9, weight_decay", "momentum: float = 0.5, weight_decay")],
    ),
    Wrong(
        "loss-after-the-step",
        "train_step returns the loss after it has learned",
        [
            (
                "    return negative_log_likelihood(scores, labels)\n",
                "    return negative_log_likelihood(network.forward(x), labels)\n",
            )
        ],
    ),
    Wrong(
        "train-step-without-step",
        "the optimizer is not called",
        [("    optimizer.step(gradients)\n    return", "    return")],
    ),
    Wrong(
        "train-step-twice",
        "every batch makes two steps",
        [
            (
                "    optimizer.step(gradients)\n    return",
                "    optimizer.step(gradients)\n    optimizer.step(gradients)\n    return",
            )
        ],
    ),
    Wrong(
        "train-step-returns-nothing",
        "the loss is not returned",
        [
            (
                "    return negative_log_likelihood(scores, labels)\n",
                "    negative_log_likelihood(scores, labels)\n",
            )
        ],
    ),
    Wrong(
        "other-parameters-accepted",
        "load takes whatever is there",
        [("    if set(state) != set(current):\n", "    if False:\n")],
        beyond=True,
    ),
    Wrong(
        "other-shapes-accepted",
        "load takes any shapes",
        [("        if np.shape(state[name]) != value.shape:\n", "        if False:\n")],
        beyond=True,
    ),
    Wrong(
        "negative-rate-accepted",
        "a negative rate climbs",
        [("            if value < 0:\n", "            if False:\n")],
        beyond=True,
    ),
]
