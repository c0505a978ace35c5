"""Networks from the layers of the lecture, and how they learn.

    scores = network.forward(x)                                      what does the network say?
    loss = negative_log_likelihood(scores, labels)                   how wrong is it?
    gradient = negative_log_likelihood_backward(scores, labels)
    _, gradients = network.backward(gradient)                        which weight is to blame?
    optimizer.step(gradients)                                        change all of them a little

Going forward, a network remembers the input of each layer, because going back needs it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from scene_recog.lecture.layers import (
    Array,
    Labels,
    convolve,
    convolve_backward,
    linear,
    linear_backward,
    negative_log_likelihood,
    negative_log_likelihood_backward,
    pool,
    pool_backward,
    relu,
    relu_backward,
)

State = Mapping[str, npt.NDArray[np.floating]]


class Network(Protocol):
    """What learns: parameters by name, and the two ways through the network."""

    parameters: dict[str, Array]

    def forward(self, x: Array) -> Array: ...

    def backward(self, gradient: Array) -> tuple[Array, dict[str, Array]]: ...


class Perceptron:
    """Linear layers with a ReLU between any two of them: a perceptron of any depth.

        x -> linear -> ReLU -> linear -> ... -> ReLU -> linear -> scores

    Attributes:
        parameters: "weight_1" [sizes[1], sizes[0]], "bias_1" [sizes[1]], "weight_2", and so on.
    """

    def __init__(self, sizes: Sequence[int], generator: np.random.Generator) -> None:
        """
        Args:
            sizes: numbers of inputs, of the units of each hidden layer, and of scores: at least 2.
            generator: draws the weights and biases, see `drawn`.
        """
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(f"sizes are {list(sizes)}: give at least inputs and scores, all >= 1")
        self.depth = len(sizes) - 1
        self.parameters: dict[str, Array] = {}
        for layer in range(1, self.depth + 1):
            inputs, units = sizes[layer - 1], sizes[layer]
            self.parameters[f"weight_{layer}"] = drawn((units, inputs), inputs, generator)
            self.parameters[f"bias_{layer}"] = drawn((units,), inputs, generator)

    def load(self, state: State) -> None:
        """Take over copies of these parameters. Raises ValueError for other names or shapes."""
        self.parameters = _taken_over(state, self.parameters)

    def forward(self, x: Array) -> Array:
        """x [N, sizes[0]] -> scores [N, sizes[-1]]."""
        self._inputs, self._sums = [], []  # of each linear layer: what came in and what came out
        for layer in range(1, self.depth + 1):
            self._inputs.append(x)
            self._sums.append(linear(x, *self._weights(layer)))
            x = relu(self._sums[-1])
        return self._sums[-1]  # there is no ReLU after the last one

    def backward(self, gradient: Array) -> tuple[Array, dict[str, Array]]:
        """From the gradient at the scores of the last `forward` to the others.

        Args:
            gradient: [N, sizes[-1]].

        Returns:
            (the gradient at x [N, sizes[0]], those at the parameters, by their names).
        """
        gradients: dict[str, Array] = {}
        for layer in range(self.depth, 0, -1):
            if layer < self.depth:
                gradient = relu_backward(gradient, self._sums[layer - 1])
            gradient, at_weight, at_bias = linear_backward(
                gradient, self._inputs[layer - 1], *self._weights(layer)
            )
            gradients |= {f"weight_{layer}": at_weight, f"bias_{layer}": at_bias}
        return gradient, gradients

    def _weights(self, layer: int) -> tuple[Array, Array]:
        return self.parameters[f"weight_{layer}"], self.parameters[f"bias_{layer}"]


class SimpleNet:
    """The network of the handout's figure 2: 56,895 parameters.

        images [N, 1, 64, 64]
        convolution 5x5 -> [N, 10, 60, 60], max-pool 3x3 -> [N, 10, 20, 20], ReLU
        convolution 5x5 -> [N, 20, 16, 16], max-pool 3x3 -> [N, 20, 5, 5], ReLU
        flatten to 500, linear to 100, ReLU, linear to 15 scores

    Attributes:
        parameters: with the names and shapes of SHAPES.
    """

    SHAPES = {  # noqa: RUF012, never changed
        "conv_layers.0.weight": (10, 1, 5, 5),
        "conv_layers.0.bias": (10,),
        "conv_layers.3.weight": (20, 10, 5, 5),
        "conv_layers.3.bias": (20,),
        "fc_layers.1.weight": (100, 500),
        "fc_layers.1.bias": (100,),
        "fc_layers.3.weight": (15, 100),
        "fc_layers.3.bias": (15,),
    }
    POOL = 3

    def __init__(self, generator: np.random.Generator) -> None:
        """With weights and biases from the generator, see `drawn`."""
        self.parameters: dict[str, Array] = {}
        for name, shape in self.SHAPES.items():
            weight = self.SHAPES[name.replace("bias", "weight")]
            inputs = int(np.prod(weight[1:]))  # what one unit is connected to
            self.parameters[name] = drawn(shape, inputs, generator)

    def load(self, state: State) -> None:
        """Take over copies of these parameters, such as those of the torch network.

            network.load({name: value.numpy() for name, value in torch_net.state_dict().items()})

        Raises:
            ValueError: names or shapes other than those of SHAPES.
        """
        self.parameters = _taken_over(state, self.parameters)

    def forward(self, x: Array) -> Array:
        """Images [N, 1, 64, 64] -> scores [N, 15]."""
        self._x = x
        self._convolved_1 = convolve(x, *self._weights("conv_layers.0"))
        self._pooled_1 = pool(self._convolved_1, self.POOL)
        self._active_1 = relu(self._pooled_1)
        self._convolved_2 = convolve(self._active_1, *self._weights("conv_layers.3"))
        self._pooled_2 = pool(self._convolved_2, self.POOL)
        self._flat = relu(self._pooled_2).reshape(len(x), -1)
        self._sum = linear(self._flat, *self._weights("fc_layers.1"))
        self._hidden = relu(self._sum)
        return linear(self._hidden, *self._weights("fc_layers.3"))

    def backward(self, gradient: Array) -> tuple[Array, dict[str, Array]]:
        """From the gradient at the scores of the last `forward` to the others.

        Args:
            gradient: [N, 15].

        Returns:
            (the gradient at the images [N, 1, 64, 64], those at the parameters, by their names).
        """
        gradient, *at_4 = linear_backward(gradient, self._hidden, *self._weights("fc_layers.3"))
        gradient = relu_backward(gradient, self._sum)
        gradient, *at_3 = linear_backward(gradient, self._flat, *self._weights("fc_layers.1"))
        gradient = relu_backward(gradient.reshape(self._pooled_2.shape), self._pooled_2)
        gradient = pool_backward(gradient, self._convolved_2, self.POOL)
        gradient, *at_2 = convolve_backward(
            gradient, self._active_1, *self._weights("conv_layers.3")
        )
        gradient = relu_backward(gradient, self._pooled_1)
        gradient = pool_backward(gradient, self._convolved_1, self.POOL)
        gradient, *at_1 = convolve_backward(gradient, self._x, *self._weights("conv_layers.0"))
        return gradient, dict(zip(self.SHAPES, [*at_1, *at_2, *at_3, *at_4], strict=True))

    def _weights(self, layer: str) -> tuple[Array, Array]:
        return self.parameters[f"{layer}.weight"], self.parameters[f"{layer}.bias"]


class SGD:
    """Stochastic gradient descent with momentum.

        g  <- gradient + weight_decay * theta
        v  <- momentum * v + g                    (v begins at 0)
        theta <- theta - rate * v

    The velocity v sums up past gradients, each counting less the older it is. Directions that agree
    from batch to batch add up; those that change their sign cancel.
    """

    def __init__(
        self, network: Network, rate: float, momentum: float = 0.9, weight_decay: float = 0.0
    ) -> None:
        """For all parameters of the network; none of the numbers may be negative."""
        for name, value in [("rate", rate), ("momentum", momentum), ("weight_decay", weight_decay)]:
            if value < 0:
                raise ValueError(f"{name} is {value}: it must not be negative")
        self.network = network
        self.rate, self.momentum, self.weight_decay = rate, momentum, weight_decay
        self.velocities = {name: np.zeros(p.shape) for name, p in network.parameters.items()}

    def step(self, gradients: Mapping[str, Array]) -> None:
        """Change all parameters, given their gradients, by name."""
        for name, theta in self.network.parameters.items():
            g = gradients[name] + self.weight_decay * theta
            self.velocities[name] = self.momentum * self.velocities[name] + g
            self.network.parameters[name] = theta - self.rate * self.velocities[name]


def train_step(network: Network, optimizer: SGD, x: Array, labels: Labels) -> float:
    """Learn from one batch, and return its loss before the step.

    Args:
        x: [N, ...], as the network takes it.
        labels: integers [N].
    """
    scores = network.forward(x)
    _, gradients = network.backward(negative_log_likelihood_backward(scores, labels))
    optimizer.step(gradients)
    return negative_log_likelihood(scores, labels)


def drawn(shape: Sequence[int], inputs: int, generator: np.random.Generator) -> Array:
    """First weights or biases: uniform between -1 / sqrt(inputs) and 1 / sqrt(inputs).

    Weights that are all equal would stay equal, as they would all get the same gradient. Their size
    keeps a sum over many inputs from being much larger than one over few. torch draws them alike.

    Args:
        shape: of the result.
        inputs: the number of inputs that one unit sums over.
    """
    bound = 1 / np.sqrt(inputs)
    return generator.uniform(-bound, bound, tuple(shape))


def _taken_over(state: State, current: Mapping[str, Array]) -> dict[str, Array]:
    if set(state) != set(current):
        raise ValueError(
            f"the parameters are {', '.join(state)}: they must be {', '.join(current)}"
        )
    for name, value in current.items():
        if np.shape(state[name]) != value.shape:
            raise ValueError(
                f"{name} has shape {list(np.shape(state[name]))}: it must be {list(value.shape)}"
            )
    return {name: np.array(state[name], dtype=np.float64) for name in current}
