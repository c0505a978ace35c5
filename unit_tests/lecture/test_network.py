"""Networks from the layers of the lecture: do they compute, learn and step as those of torch?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from agreement import Array, check, plain, several
from steps import cannot_judge
from torch import nn

from scene_recog.lecture import network

SEED = 0  # of all values
EXAMPLES = 5
IMAGES = 3
STEPS = 20
RATE = 0.05
MOMENTUM = 0.8
DECAY = 0.01
DEPTHS = [(3, 2), (3, 5, 2), (2, 4, 3, 4), (1, 3, 3, 2, 2)]
SAME = 1e-8  # of losses, over all steps
SHAPES = {
    "conv_layers.0.weight": (10, 1, 5, 5),
    "conv_layers.0.bias": (10,),
    "conv_layers.3.weight": (20, 10, 5, 5),
    "conv_layers.3.bias": (20,),
    "fc_layers.1.weight": (100, 500),
    "fc_layers.1.bias": (100,),
    "fc_layers.3.weight": (15, 100),
    "fc_layers.3.bias": (15,),
}


def values(*shape: int, salt: int = 0) -> Array:
    """Random numbers, always the same."""
    return np.random.default_rng([SEED, salt, *shape]).normal(size=shape)


def generator(seed: int = SEED) -> np.random.Generator:
    return np.random.default_rng(seed)


def perceptron_state(sizes: tuple[int, ...]) -> dict[str, Array]:
    """Parameters by name."""
    state = {}
    for layer in range(1, len(sizes)):
        state[f"weight_{layer}"] = values(sizes[layer], sizes[layer - 1], salt=layer)
        state[f"bias_{layer}"] = values(sizes[layer], salt=layer)
    return state


class TorchSimpleNet(nn.Module):
    """Figure 2 in torch."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_layers = nn.Sequential(
            nn.Conv2d(1, 10, 5),
            nn.MaxPool2d(3),
            nn.ReLU(),
            nn.Conv2d(10, 20, 5),
            nn.MaxPool2d(3),
            nn.ReLU(),
        )
        self.fc_layers = nn.Sequential(
            nn.Flatten(), nn.Linear(500, 100), nn.ReLU(), nn.Linear(100, 15)
        )

    def forward(self, x: torch.Tensor) -> Any:
        return self.fc_layers(self.conv_layers(x))


def torch_simple_net() -> TorchSimpleNet:
    torch.manual_seed(SEED)
    return TorchSimpleNet().double()


def torch_state(net: nn.Module) -> dict[str, Array]:
    return {name: value.detach().numpy().copy() for name, value in net.state_dict().items()}


def perceptron(sizes: tuple[int, ...]) -> Any:
    net = network.Perceptron(sizes, generator())
    net.load(perceptron_state(sizes))
    return net


def torch_perceptron(x: torch.Tensor, state: dict[str, torch.Tensor]) -> torch.Tensor:
    depth = len(state) // 2
    for layer in range(1, depth + 1):
        x = F.linear(x, state[f"weight_{layer}"], state[f"bias_{layer}"])
        if layer < depth:
            x = x.relu()
    return x


# ------------------------------------------------------------------- the perceptron


def check_names(found: dict[str, Any], expected: dict[str, tuple[int, ...]], what: str) -> None:
    shapes = {name: tuple(np.shape(value)) for name, value in found.items()}
    assert shapes == expected, f"{what} are {shapes}: names and shapes must be {expected}"


@pytest.mark.parametrize("sizes", DEPTHS, ids=str)
def test_perceptron_has_its_parameters(sizes: tuple[int, ...]) -> None:
    net = network.Perceptron(sizes, generator())
    shapes = {name: value.shape for name, value in perceptron_state(sizes).items()}
    check_names(net.parameters, shapes, f"the parameters of Perceptron({sizes})")


@pytest.mark.parametrize("sizes", DEPTHS, ids=str)
@pytest.mark.parametrize("examples", [EXAMPLES, 1])
def test_perceptron_forward(sizes: tuple[int, ...], examples: int) -> None:
    x = values(examples, sizes[0])
    state = {name: torch.tensor(value) for name, value in perceptron_state(sizes).items()}
    expected = torch_perceptron(torch.tensor(x), state)
    hints = [
        ("The scores go through a ReLU: there must be none after the last layer.", expected.relu)
    ]
    check(
        "the scores", perceptron(sizes).forward(x), expected, f"Perceptron({sizes}).forward", hints
    )


@pytest.mark.parametrize("sizes", DEPTHS, ids=str)
def test_perceptron_backward(sizes: tuple[int, ...]) -> None:
    x, gradient = values(EXAMPLES, sizes[0]), values(EXAMPLES, sizes[-1], salt=9)
    net = perceptron(sizes)
    net.forward(x)
    result = net.backward(gradient)
    at_x, found = several(result, ["the gradient at x", "those at the parameters"], "backward")
    state = {
        name: torch.tensor(value, requires_grad=True)
        for name, value in perceptron_state(sizes).items()
    }
    leaf = torch.tensor(x, requires_grad=True)
    torch_perceptron(leaf, state).backward(torch.tensor(gradient))
    call = f"Perceptron({sizes}).backward"
    check_names(found, {name: tuple(v.shape) for name, v in state.items()}, "the gradients")
    for name, value in state.items():
        check(f"the gradient at {name}", found[name], value.grad, call)
    check("the gradient at x", at_x, leaf.grad, call)


def test_backward_is_that_of_the_last_forward() -> None:
    sizes = (3, 4, 2)
    net, fresh, gradient = perceptron(sizes), perceptron(sizes), values(EXAMPLES, 2, salt=9)
    net.forward(values(EXAMPLES, 3, salt=5))
    net.backward(gradient)
    for each in (net, fresh):
        each.forward(values(EXAMPLES, 3))
    _, again = net.backward(gradient)
    _, once = fresh.backward(gradient)
    for name in once:
        assert np.allclose(again[name], once[name], atol=1e-12), (
            f"Perceptron: the gradient at {name} depends on earlier batches: backward must use the "
            "inputs of the last forward alone, and begin anew"
        )


@pytest.mark.parametrize("kind", ["Perceptron", "SimpleNet"])
def test_first_weights_come_from_the_generator(kind: str) -> None:
    def made(seed: int) -> dict[str, Array]:
        net: Any = (
            network.Perceptron((30, 40, 5), generator(seed))
            if kind == "Perceptron"
            else network.SimpleNet(generator(seed))
        )
        return {name: plain(value) for name, value in net.parameters.items()}

    one, again, other = made(1), made(1), made(2)
    for name, value in one.items():
        assert np.array_equal(value, again[name]), (
            f"{kind}: {name} differs for the same seed: draw it from the generator"
        )
        assert value.size == 1 or not np.array_equal(value, other[name]), (
            f"{kind}: {name} is the same for every seed: draw it from the generator"
        )
        weight = one[name.replace("bias", "weight")]
        bound = 1 / np.sqrt(np.prod(weight.shape[1:]))
        largest = float(np.abs(value).max())
        assert largest <= bound, (
            f"{kind}: {name} has values up to {largest:.3f}: they must be between -1 / sqrt(inputs)"
            f" and 1 / sqrt(inputs), {bound:.3f}"
        )
        if value.size >= 40:
            assert largest > 0.8 * bound, (
                f"{kind}: {name} has values up to {largest:.3f} only: uniform between -1 / "
                f"sqrt(inputs) and 1 / sqrt(inputs), {bound:.3f}, they come nearer to it"
            )
            assert (value > 0).any(), f"{kind}: {name} has no positive value"
            assert (value < 0).any(), f"{kind}: {name} has no negative value"


# ------------------------------------------------------------------- SimpleNet


def simple_net(theirs: nn.Module) -> Any:
    net = network.SimpleNet(generator())
    net.load(torch_state(theirs))
    return net


def test_simple_net_has_the_parameters_of_torch() -> None:
    net = network.SimpleNet(generator())
    check_names(net.parameters, SHAPES, "the parameters of SimpleNet")
    count = sum(np.size(value) for value in net.parameters.values())
    assert count == 56_895, f"SimpleNet has {count:,} parameters: figure 2 has 56,895"


@pytest.mark.parametrize("count", [IMAGES, 1])
def test_simple_net_forward(count: int) -> None:
    theirs, x = torch_simple_net(), values(count, 1, 64, 64)
    got = simple_net(theirs).forward(x)
    expected = theirs(torch.tensor(x))
    hints = [
        ("The scores go through a ReLU.", expected.relu),
        ("The scores go through a softmax.", lambda: expected.softmax(1)),
    ]
    check("the scores", got, expected, f"SimpleNet.forward, {count} images", hints)


def test_simple_net_backward() -> None:
    theirs, x, gradient = torch_simple_net(), values(2, 1, 64, 64), values(2, 15, salt=9)
    net = simple_net(theirs)
    net.forward(x)
    result = net.backward(gradient)
    at_x, found = several(result, ["the gradient at x", "those at the parameters"], "backward")
    leaf = torch.tensor(x, requires_grad=True)
    theirs(leaf).backward(torch.tensor(gradient))
    check_names(found, SHAPES, "the gradients")
    for name, parameter in theirs.named_parameters():
        check(f"the gradient at {name}", found[name], parameter.grad, "SimpleNet.backward")
    check("the gradient at x", at_x, leaf.grad, "SimpleNet.backward")


def test_simple_net_learns_as_that_of_torch() -> None:
    """Loss for loss, over all steps."""
    theirs = torch_simple_net()
    ours = simple_net(theirs)
    optimizer = network.SGD(ours, RATE, MOMENTUM, DECAY)
    torch_optimizer = torch.optim.SGD(theirs.parameters(), RATE, MOMENTUM, weight_decay=DECAY)
    labels = np.arange(IMAGES) * 4
    found, expected = [], []
    for step in range(STEPS):
        x = values(IMAGES, 1, 64, 64, salt=step % 2)
        loss = F.cross_entropy(theirs(torch.tensor(x)), torch.tensor(labels))
        torch_optimizer.zero_grad()
        loss.backward()
        torch_optimizer.step()
        expected.append(loss.item())
        found.append(float(network.train_step(ours, optimizer, x, labels)))
        if step == 0 and found[0] == pytest.approx(
            F.cross_entropy(theirs(torch.tensor(x)), torch.tensor(labels)).item(), abs=SAME
        ):
            pytest.fail("train_step returns the loss after the step: return the one before it")
        assert found[-1] == pytest.approx(expected[-1], abs=SAME), (
            f"in step {step + 1}, SimpleNet has the loss {found[-1]:.10f}, but torch's has "
            f"{expected[-1]:.10f} with the same first weights, images, rate {RATE}, momentum "
            f"{MOMENTUM} and weight decay {DECAY}"
        )
    state = torch_state(theirs)
    for name, value in ours.parameters.items():
        check(name, value, state[name], f"SimpleNet after {STEPS} steps")


# ------------------------------------------------------------------- SGD


@pytest.mark.parametrize(
    ("momentum", "decay"), [(MOMENTUM, 0.0), (0.0, 0.0), (0.0, DECAY), (MOMENTUM, DECAY)]
)
def test_sgd_steps_as_that_of_torch(momentum: float, decay: float) -> None:
    sizes = (3, 2)
    state = perceptron_state(sizes)
    net = perceptron(sizes)
    optimizer = network.SGD(net, rate=RATE, momentum=momentum, weight_decay=decay)
    leaves = {name: nn.Parameter(torch.tensor(value)) for name, value in state.items()}
    torch_optimizer = torch.optim.SGD(
        leaves.values(), lr=RATE, momentum=momentum, weight_decay=decay
    )
    for step in range(4):
        gradients = {name: values(*value.shape, salt=20 + step) for name, value in state.items()}
        kept = {name: value.copy() for name, value in gradients.items()}
        before = {name: leaf.detach().numpy().copy() for name, leaf in leaves.items()}
        for name, leaf in leaves.items():
            leaf.grad = torch.tensor(gradients[name])
        torch_optimizer.step()
        optimizer.step(gradients)
        for name, leaf in leaves.items():
            assert np.array_equal(gradients[name], kept[name]), (
                f"SGD.step changes the gradient at {name}: compute a new array"
            )
            hints = [
                (
                    "This is uphill: go against the gradient.",
                    lambda b=before[name], leaf=leaf: 2 * b - plain(leaf),
                ),
                ("Nothing has moved.", lambda b=before[name]: b),
            ]
            if decay:
                hints.append(
                    (
                        "Weight decay is missing, or does not go through the velocity.",
                        lambda g=gradients[name], b=before[name]: b - RATE * g,
                    )
                )
            call = f"SGD, step {step + 1}, momentum {momentum}, weight_decay {decay}"
            check(name, net.parameters[name], leaf, call, hints)


def test_sgd_has_momentum_and_no_decay_unless_told() -> None:
    sizes = (3, 2)
    nets = [perceptron(sizes), perceptron(sizes)]
    optimizers = [network.SGD(nets[0], RATE), network.SGD(nets[1], RATE, 0.9, 0.0)]
    for _ in range(3):
        for optimizer in optimizers:
            optimizer.step({name: values(*v.shape) for name, v in perceptron_state(sizes).items()})
    for name in perceptron_state(sizes):
        assert np.allclose(nets[0].parameters[name], nets[1].parameters[name], atol=1e-12), (
            "SGD(network, rate) must have momentum 0.9 and weight decay 0"
        )


# ------------------------------------------------------------------- learning


def test_a_perceptron_learns_what_no_line_can_divide() -> None:
    """Exclusive or: two classes of two corners each, opposite to each other."""
    x = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    labels = np.array([0, 0, 1, 1])
    net = network.Perceptron((2, 16, 2), generator(3))
    optimizer = network.SGD(net, 0.3)
    losses = [float(network.train_step(net, optimizer, x, labels)) for _ in range(150)]
    assert np.isfinite(losses).all(), "the loss is not a number: see the tests above"
    assert losses[-1] < 0.1, (
        f"after {len(losses)} steps on exclusive or, the loss is {losses[-1]:.3f}; it was "
        f"{losses[0]:.3f}. See the tests above"
    )
    right = (net.forward(x).argmax(axis=1) == labels).all()
    assert right, "the perceptron has not learned exclusive or: see the tests above"


def test_train_step_is_one_step() -> None:
    sizes = (3, 4, 2)
    x, labels = values(EXAMPLES, 3), np.arange(EXAMPLES) % 2
    net, leaves = (
        perceptron(sizes),
        {
            name: torch.tensor(value, requires_grad=True)
            for name, value in perceptron_state(sizes).items()
        },
    )
    loss = F.cross_entropy(torch_perceptron(torch.tensor(x), leaves), torch.tensor(labels))
    loss.backward()
    got = network.train_step(net, network.SGD(net, RATE), x, labels)
    if got is None:
        pytest.fail("train_step returns None: it must return the loss")
    check("the loss", np.float64(got), loss, "train_step")
    for name, leaf in leaves.items():
        assert leaf.grad is not None
        check(name, net.parameters[name], leaf.detach() - RATE * leaf.grad, "train_step")


# ------------------------------------------------------------------- loading


def test_loaded_arrays_are_copied() -> None:
    sizes = (3, 2)
    state = perceptron_state(sizes)
    net = network.Perceptron(sizes, generator())
    net.load(state)
    network.SGD(net, RATE).step({name: np.ones_like(value) for name, value in state.items()})
    for name, value in perceptron_state(sizes).items():
        assert np.array_equal(state[name], value), (
            f"after load, a step changes the caller's own {name}: load must copy"
        )


def test_loaded_float32_becomes_float64() -> None:
    """As torch's networks have it."""
    sizes = (3, 2)
    net = network.Perceptron(sizes, generator())
    net.load({name: value.astype(np.float32) for name, value in perceptron_state(sizes).items()})
    found = {name: str(plain_type(value)) for name, value in net.parameters.items()}
    if not found:
        cannot_judge("there are no parameters: see test_perceptron_has_its_parameters")
    assert set(found.values()) == {"float64"}, f"load must convert to float64, but has {found}"


def plain_type(value: Any) -> np.dtype[Any]:
    return np.asarray(value).dtype


# Beyond what is needed to learn.


@pytest.mark.beyond
def test_other_parameters_are_refused() -> None:
    net = network.Perceptron((3, 2), generator())
    state = perceptron_state((3, 2))
    with pytest.raises(ValueError, match="weight_2"):
        net.load(perceptron_state((3, 2, 2)))
    with pytest.raises(ValueError, match="bias_1"):
        net.load({"weight_1": state["weight_1"]})
    with pytest.raises(ValueError, match="weight_1"):
        net.load({**state, "weight_1": state["weight_1"].T})
    with pytest.raises(ValueError, match=r"conv_layers"):
        network.SimpleNet(generator()).load(state)


@pytest.mark.beyond
def test_wrong_numbers_are_refused() -> None:
    net = network.Perceptron((3, 2), generator())
    for options in (
        {"rate": -1.0},
        {"rate": 1.0, "momentum": -0.1},
        {"rate": 1.0, "weight_decay": -0.1},
    ):
        with pytest.raises(ValueError, match=str(list(options)[-1])):
            network.SGD(net, **options)
    with pytest.raises(ValueError, match="sizes"):
        network.Perceptron((3,), generator())
