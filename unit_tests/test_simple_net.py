"""Part 1, step 1.2: is SimpleNet the network of figure 2?

A net's outputs are compared with those of figure 2 with the same weights. The weights are
recognized by their number of values, so the layers may be written in any form.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from nets import check_loss_criterion, check_named_parts, check_scores, images
from steps import cannot_judge
from torch import nn

from scene_recog.figure_2 import FIGURE_2, SIDE
from scene_recog.simple_net import SimpleNet

SEED = 0  # of the weights
BATCH = 7  # images
FEW = 2
COMPARED = 3
LEARNED = 8
SPREAD = 1.0  # of the scores' biases

# number of values: (what, shape)
PARAMETERS = {math.prod(shape): (what, shape) for what, shape in FIGURE_2.shapes.items()}
NAMED = 2  # in a message
Step = Callable[[torch.Tensor], torch.Tensor]


def figure_2(
    net: nn.Module,
    x: torch.Tensor,
    *,
    pool1: Step = lambda x: F.max_pool2d(x, FIGURE_2.pool_1),
    relu1: Step = torch.relu,
    pool2: Step = lambda x: F.max_pool2d(x, FIGURE_2.pool_2),
    relu2: Step = torch.relu,
    relu3: Step = torch.relu,
    end: Step = lambda x: x,
) -> torch.Tensor:
    """The output of figure 2 with the net's own weights; any step may be replaced."""
    values = {p.numel(): p for p in net.parameters()}
    w1, b1, w2, b2, w3, b3, w4, b4 = (
        values[number].reshape(shape) for number, (_, shape) in PARAMETERS.items()
    )
    x = relu1(pool1(F.conv2d(x, w1, b1)))
    x = relu2(pool2(F.conv2d(x, w2, b2)))
    return end(F.linear(relu3(F.linear(x.flatten(1), w3, b3)), w4, b4))


def _nothing(x: torch.Tensor) -> torch.Tensor:
    return x


def _average(size: int) -> Step:
    return lambda x: F.avg_pool2d(x, size)


def _smaller(size: int) -> Step:
    return lambda x: F.max_pool2d(x, size - 1, stride=size)


def squares(*sides: int) -> str:
    """Such as "3x3", or "3x3 and 4x4"."""
    return " and ".join(f"{side}x{side}" for side in dict.fromkeys(sides))


def adaptive_blocks(side: int, to: int) -> list[int]:
    """The sides of the blocks with which adaptive pooling reduces `side` values to `to`."""
    return sorted({-(-(i + 1) * side // to) - i * side // to for i in range(to)})


POOL_1, POOL_2 = FIGURE_2.pool_1, FIGURE_2.pool_2
SMALLER_1, SMALLER_2 = (f"{squares(p - 1)} blocks, {p} apart" for p in (POOL_1, POOL_2))
SMALLER = " and ".join(dict.fromkeys([SMALLER_1, SMALLER_2]))
CONVOLVED_2, POOLED_2 = FIGURE_2.convolved_2, FIGURE_2.pooled_2
OVERLAPPING = squares(*adaptive_blocks(CONVOLVED_2, POOLED_2))

# Mistakes that may not change any shapes.
SUSPECTS: dict[str, dict[str, Any]] = {
    "has no ReLU after the first pooling: figure 2 has one": {"relu1": _nothing},
    "has no ReLU after the second pooling: figure 2 has one": {"relu2": _nothing},
    "has no ReLU between its two linear layers: without one, they act as a single layer": {
        "relu3": _nothing
    },
    "has no ReLU after either pooling: figure 2 has two there": {
        "relu1": _nothing,
        "relu2": _nothing,
    },
    "has no ReLU at all: figure 2 has three, without them its linear layers act as one": {
        "relu1": _nothing,
        "relu2": _nothing,
        "relu3": _nothing,
    },
    "has a sigmoid instead of the ReLU between the linear layers": {"relu3": torch.sigmoid},
    "has tanh instead of the ReLU between the linear layers": {"relu3": torch.tanh},
    "has a leaky ReLU between the linear layers: figure 2 has the plain one": {
        "relu3": F.leaky_relu
    },
    "averages in the first pooling: figure 2 takes the maximum": {"pool1": _average(POOL_1)},
    "averages in the second pooling: figure 2 takes the maximum": {"pool2": _average(POOL_2)},
    "averages in its pooling: figure 2 takes the maximum": {
        "pool1": _average(POOL_1),
        "pool2": _average(POOL_2),
    },
    "pads the first pooling: padding must be 0": {
        "pool1": lambda x: F.max_pool2d(x, POOL_1, padding=1)
    },
    f"pools {SMALLER_1}, in its first pooling: figure 2 has {squares(POOL_1)}": {
        "pool1": _smaller(POOL_1)
    },
    f"pools {SMALLER_2}, in its second pooling: figure 2 has {squares(POOL_2)}": {
        "pool2": _smaller(POOL_2)
    },
    f"pools {SMALLER}: figure 2 has {squares(POOL_1, POOL_2)}": {
        "pool1": _smaller(POOL_1),
        "pool2": _smaller(POOL_2),
    },
    f"pools its {squares(CONVOLVED_2)} maps to {squares(POOLED_2)} by blocks of {OVERLAPPING} that "
    f"overlap: figure 2 has {squares(POOL_2)} blocks": {
        "pool2": lambda x: F.adaptive_max_pool2d(x, POOLED_2)
    },
    "ends in a softmax: return raw scores, cross-entropy applies softmax itself": {
        "end": lambda x: x.softmax(1)
    },
    "ends in a log-softmax: return raw scores, cross-entropy applies it itself": {
        "end": lambda x: x.log_softmax(1)
    },
    "ends in a ReLU: scores may be negative": {"end": torch.relu},
    "ends in a sigmoid: return raw scores, cross-entropy applies softmax itself": {
        "end": torch.sigmoid
    },
}


def rest(names: list[str]) -> str:
    """How many names there are besides those listed."""
    return f" and {len(names) - NAMED} more" if len(names) > NAMED else ""


def same(got: torch.Tensor, expected: torch.Tensor) -> bool:
    scale = expected.detach().abs().max().item()
    return got.shape == expected.shape and torch.allclose(got, expected, atol=1e-4 * scale)


@pytest.fixture
def new_net() -> SimpleNet:
    torch.manual_seed(SEED)
    return SimpleNet()


@pytest.fixture
def net(new_net: SimpleNet) -> SimpleNet:
    """For tests of the net's layers: a net whose forward works."""
    try:
        shapes = [tuple(new_net(images(count)).shape) for count in (FEW, 1)]
    except Exception:
        cannot_judge("forward raises an error: see test_output_is_15_scores_per_image")
    if [shape[0] for shape in shapes if len(shape) == 2] != [FEW, 1]:
        cannot_judge("the scores have a wrong shape: see test_output_is_15_scores_per_image")
    return new_net


def layers_with_weights(net: nn.Module, kind: type[nn.Module]) -> list[tuple[Any, Any, Any]]:
    """(layer, input shape, output shape), without the batch, in order of use."""
    found = []

    def note(layer: nn.Module, x: tuple[torch.Tensor], y: torch.Tensor) -> None:
        found.append((layer, tuple(x[0].shape[1:]), tuple(y.shape[1:])))

    hooks = [m.register_forward_hook(note) for m in net.modules() if isinstance(m, kind)]
    net(images(FEW))
    for hook in hooks:
        hook.remove()
    return found


def as_maps(shape: tuple[int, ...]) -> str:
    """Such as "3 maps of 9x9"."""
    return f"{shape[0]} maps of {shape[1]}x{shape[2]}" if len(shape) == 3 else str(list(shape))


def test_has_the_named_parts(new_net: SimpleNet) -> None:
    check_named_parts(new_net)


@pytest.mark.parametrize("count", [BATCH, 1])
def test_output_is_15_scores_per_image(new_net: SimpleNet, count: int) -> None:
    shape = [count, 1, 64, 64]
    try:
        output = new_net(images(count))
    except NotImplementedError:
        raise
    except RuntimeError as error:
        hint = (
            f"figure 2 flattens {FIGURE_2.maps_2} maps of {squares(POOLED_2)} to {FIGURE_2.flat} "
            f"values per image, for Linear({FIGURE_2.flat}, {FIGURE_2.hidden})"
        )
        rows = re.search(r"\((\d+)x\d+ and", str(error))  # of "shapes cannot be multiplied"
        if "is invalid for input" in str(error) or (rows and int(rows[1]) != count):
            hint += (
                "\na batch may have any size: flatten with x.flatten(1) or x.view(x.size(0), -1)"
            )
        if "channels" in str(error):
            hint = "images are grayscale: the first convolution takes 1 channel"
        raise AssertionError(
            f"forward raises an error for images of shape {shape}: {error}\n{hint}"
        ) from error
    check_scores(output, count)


def test_convolutions_and_pooling_give_the_maps_of_figure_2(net: SimpleNet) -> None:
    found = layers_with_weights(net, nn.Conv2d)
    if not found:
        cannot_judge("there is no nn.Conv2d; the net's outputs are compared below")
    first, size = found[0], FIGURE_2.filter_1
    convolved, pooled = FIGURE_2.convolved_1, FIGURE_2.pooled_1
    assert first[2] == (FIGURE_2.maps_1, convolved, convolved), (
        f"the first convolution outputs {as_maps(first[2])}: figure 2 has {FIGURE_2.maps_1} of "
        f"{squares(convolved)}, from {squares(size)} filters without padding "
        f"({SIDE} - {size} + 1 = {convolved})"
    )
    if len(found) == 1:
        cannot_judge("there is only one nn.Conv2d; the net's outputs are compared below")
    second, size = found[1], FIGURE_2.filter_2
    assert second[1] == (FIGURE_2.maps_1, pooled, pooled), (
        f"the second convolution gets {as_maps(second[1])}: in figure 2, max-pooling of "
        f"{squares(POOL_1)} blocks, {POOL_1} apart, leaves {FIGURE_2.maps_1} of {squares(pooled)}"
    )
    assert second[2] == (FIGURE_2.maps_2, CONVOLVED_2, CONVOLVED_2), (
        f"the second convolution outputs {as_maps(second[2])}: figure 2 has {FIGURE_2.maps_2} of "
        f"{squares(CONVOLVED_2)}, from {squares(size)} filters without padding "
        f"({pooled} - {size} + 1 = {CONVOLVED_2})"
    )


def test_linear_layers_are_those_of_figure_2(net: SimpleNet) -> None:
    found = [
        (layer.in_features, layer.out_features)
        for layer, _, _ in layers_with_weights(net, nn.Linear)
    ]
    expected = [(FIGURE_2.flat, FIGURE_2.hidden), (FIGURE_2.hidden, 15)]
    if found == expected[-1:]:
        cannot_judge("there is only one nn.Linear; the net's outputs are compared below")
    assert found == expected, (
        f"the linear layers are {found} (inputs, outputs): in figure 2 they are {expected[0]} and "
        f"{expected[1]}, because {FIGURE_2.maps_2} maps of {squares(POOLED_2)} are {FIGURE_2.flat} "
        "values"
    )


def test_has_the_learnable_parameters_of_figure_2(net: SimpleNet) -> None:
    frozen = [name for name, p in net.named_parameters() if not p.requires_grad]
    assert not frozen, f"{', '.join(frozen)} cannot learn: requires_grad must be True"
    numbers = [p.numel() for p in net.parameters()]
    missing = [what for number, (what, _) in PARAMETERS.items() if number not in numbers]
    extra = [
        f"{name} {list(p.shape)}"
        for name, p in net.named_parameters()
        if p.numel() not in PARAMETERS or numbers.count(p.numel()) > 1
    ]
    expected = FIGURE_2.parameters
    assert sum(numbers) == expected, (
        f"{sum(numbers):,} learnable parameters; figure 2 has {expected:,}."
        + (f" There are no {', no '.join(missing[:NAMED])}{rest(missing)}." if missing else "")
        + (f" Not in figure 2: {', '.join(extra[:NAMED])}{rest(extra)}." if extra else "")
    )


def test_computes_what_figure_2_computes(net: SimpleNet) -> None:
    if sorted(p.numel() for p in net.parameters()) != sorted(PARAMETERS):
        cannot_judge("the layers are not those of figure 2: see the tests above")
    with torch.no_grad():  # other weights than the initial ones, for scores of both signs
        biases = next(p for p in net.parameters() if p.numel() == 15)
        biases.add_(torch.linspace(-SPREAD, SPREAD, 15))
        for mode in ("eval", "train"):
            net.train(mode == "train")
            expected, output = figure_2(net, images(COMPARED)), net(images(COMPARED))
            if not same(output, expected):
                reason = difference_from_figure_2(net, output, expected)
                pytest.fail(f"only in train mode, {reason}" if mode == "train" else reason)


def difference_from_figure_2(net: SimpleNet, output: torch.Tensor, expected: torch.Tensor) -> str:
    if not same(output, net(images(COMPARED))):
        return (
            "the same images get other scores each time: figure 2 has no dropout (that comes in "
            "Part 2), and forward must not create new layers"
        )
    for what, changes in SUSPECTS.items():
        with contextlib.suppress(RuntimeError):  # this mistake changes the shapes
            if same(output, figure_2(net, images(COMPARED), **changes)):
                return f"your net {what}"
    place = (output - expected).abs().argmax()
    return (
        f"a score is {output.flatten()[place]:.4f}. Conv, max-pool, ReLU, conv, max-pool, ReLU, "
        f"flatten, linear, ReLU, linear with the same weights give "
        f"{expected.flatten()[place]:.4f}: compare forward with figure 2, step by step"
    )


def test_every_parameter_learns(net: SimpleNet) -> None:
    output = net.train()(images(LEARNED))
    assert output.requires_grad, (
        "the scores have no gradient: is there a torch.no_grad() or detach() in forward?"
    )
    F.cross_entropy(output.flatten(1), torch.arange(LEARNED)).backward()
    for name, parameter in net.named_parameters():
        assert not parameter.requires_grad or parameter.grad is not None, (
            f"{name} gets no gradient, so it never learns: does forward use this layer, and is "
            "there no detach() after it?"
        )


def test_loss_is_the_mean_cross_entropy(new_net: SimpleNet) -> None:
    check_loss_criterion(new_net)


# Beyond the handout.


@pytest.mark.beyond
def test_does_not_change_its_input(net: SimpleNet) -> None:
    x = images(FEW)
    net(x)
    assert torch.equal(x, images(FEW)), "forward must not change its input"
