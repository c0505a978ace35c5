"""Part 1, step 1.2: is SimpleNet the network of figure 2?

What a net computes is compared with figure 2, with the net's own weights. They are recognized by
their number, so that the layers may be written in any form.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from nets import check_loss_criterion, check_named_parts, images
from steps import cannot_judge
from torch import nn

from scene_recog.simple_net import SimpleNet

# number of values: (what, shape)
FIGURE_2 = {
    250: ("weights of convolution 1", (10, 1, 5, 5)),
    10: ("biases of convolution 1", (10,)),
    5_000: ("weights of convolution 2", (20, 10, 5, 5)),
    20: ("biases of convolution 2", (20,)),
    50_000: ("weights of linear layer 1", (100, 500)),
    100: ("biases of linear layer 1", (100,)),
    1_500: ("weights of linear layer 2", (15, 100)),
    15: ("biases of linear layer 2", (15,)),
}
Step = Callable[[torch.Tensor], torch.Tensor]


def figure_2(
    net: nn.Module,
    x: torch.Tensor,
    *,
    pool1: Step = lambda x: F.max_pool2d(x, 3),
    relu1: Step = torch.relu,
    pool2: Step = lambda x: F.max_pool2d(x, 3),
    relu2: Step = torch.relu,
    relu3: Step = torch.relu,
    end: Step = lambda x: x,
) -> torch.Tensor:
    """What figure 2 computes with the net's own weights; a step may be exchanged."""
    values = {p.numel(): p for p in net.parameters()}
    w1, b1, w2, b2, w3, b3, w4, b4 = (
        values[number].reshape(shape) for number, (_, shape) in FIGURE_2.items()
    )
    x = relu1(pool1(F.conv2d(x, w1, b1)))
    x = relu2(pool2(F.conv2d(x, w2, b2)))
    return end(F.linear(relu3(F.linear(x.flatten(1), w3, b3)), w4, b4))


def _nothing(x: torch.Tensor) -> torch.Tensor:
    return x


def _average(x: torch.Tensor) -> torch.Tensor:
    return F.avg_pool2d(x, 3)


def _padded(x: torch.Tensor) -> torch.Tensor:
    return F.max_pool2d(x, 3, padding=1)


def _two_of_three(x: torch.Tensor) -> torch.Tensor:
    return F.max_pool2d(x, 2, stride=3)


# Mistakes that leave all shapes as they are.
SUSPECTS: dict[str, dict[str, Any]] = {
    "has no ReLU after the first pooling: figure 2 has one": {"relu1": _nothing},
    "has no ReLU after the second pooling: figure 2 has one": {"relu2": _nothing},
    "has no ReLU between its two linear layers: in a row, they can do no more than one": {
        "relu3": _nothing
    },
    "has no ReLU after either pooling: figure 2 has two there": {
        "relu1": _nothing,
        "relu2": _nothing,
    },
    "has no ReLU at all: figure 2 has three, without them its linear layers are one": {
        "relu1": _nothing,
        "relu2": _nothing,
        "relu3": _nothing,
    },
    "has a sigmoid instead of the ReLU between the linear layers": {"relu3": torch.sigmoid},
    "has tanh instead of the ReLU between the linear layers": {"relu3": torch.tanh},
    "has a leaky ReLU between the linear layers: figure 2 has the plain one": {
        "relu3": F.leaky_relu
    },
    "averages in the first pooling, where figure 2 takes the maximum": {"pool1": _average},
    "averages in the second pooling, where figure 2 takes the maximum": {"pool2": _average},
    "averages in its pooling, where figure 2 takes the maximum": {
        "pool1": _average,
        "pool2": _average,
    },
    "pads the first pooling: padding must be 0": {"pool1": _padded},
    "pools 2x2 blocks, 3 apart, in its first pooling: figure 2 has 3x3": {"pool1": _two_of_three},
    "pools 2x2 blocks, 3 apart, in its second pooling: figure 2 has 3x3": {"pool2": _two_of_three},
    "pools 2x2 blocks, 3 apart: figure 2 has 3x3": {
        "pool1": _two_of_three,
        "pool2": _two_of_three,
    },
    "pools its 16x16 maps to 5x5 by blocks of 4x4 that overlap: figure 2 has 3x3 blocks": {
        "pool2": lambda x: F.adaptive_max_pool2d(x, 5)
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


def same(got: torch.Tensor, expected: torch.Tensor) -> bool:
    scale = expected.detach().abs().max().item()
    return got.shape == expected.shape and torch.allclose(got, expected, atol=1e-4 * scale)


@pytest.fixture
def new_net() -> SimpleNet:
    torch.manual_seed(0)
    return SimpleNet()


@pytest.fixture
def net(new_net: SimpleNet) -> SimpleNet:
    """For tests of what is in the net: one whose forward gives something."""
    try:
        shapes = [tuple(new_net(images(count)).shape) for count in (2, 1)]
    except Exception:
        cannot_judge("forward stops: see test_output_is_15_scores_per_image")
    if [shape[0] for shape in shapes if len(shape) == 2] != [2, 1]:
        cannot_judge("scores have a wrong shape: see test_output_is_15_scores_per_image")
    return new_net


def layers_with_weights(net: nn.Module, kind: type[nn.Module]) -> list[tuple[Any, Any, Any]]:
    """(layer, shape that it gets, shape that it gives), without the batch, in order of use."""
    found = []

    def note(layer: nn.Module, x: tuple[torch.Tensor], y: torch.Tensor) -> None:
        found.append((layer, tuple(x[0].shape[1:]), tuple(y.shape[1:])))

    hooks = [m.register_forward_hook(note) for m in net.modules() if isinstance(m, kind)]
    net(images(2))
    for hook in hooks:
        hook.remove()
    return found


def as_maps(shape: tuple[int, ...]) -> str:
    """Such as "10 maps of 60x60"."""
    return f"{shape[0]} maps of {shape[1]}x{shape[2]}" if len(shape) == 3 else str(list(shape))


def test_has_the_named_parts(new_net: SimpleNet) -> None:
    check_named_parts(new_net)


@pytest.mark.parametrize("count", [7, 1])
def test_output_is_15_scores_per_image(new_net: SimpleNet, count: int) -> None:
    shape = [count, 1, 64, 64]
    try:
        output = new_net(images(count))
    except NotImplementedError:
        raise
    except RuntimeError as error:
        hint = "figure 2 flattens 20 maps of 5x5 to 500 values an image, for Linear(500, 100)"
        rows = re.search(r"\((\d+)x\d+ and", str(error))  # of "shapes cannot be multiplied"
        if "is invalid for input" in str(error) or (rows and int(rows[1]) != count):
            hint = "a batch may have any size: flatten with x.flatten(1) or x.view(x.size(0), -1)"
        if "channels" in str(error):
            hint = "images are gray: the first convolution gets 1 channel"
        raise AssertionError(
            f"forward stops for images of shape {shape}: {error}\n{hint}"
        ) from error
    assert isinstance(output, torch.Tensor), (
        f"forward gives {type(output).__name__} instead of a tensor: is there a return?"
    )
    assert list(output.shape) == [count, 15], (
        f"images {shape} must give scores [{count}, 15], not {list(output.shape)}"
        + (
            ": is the batch of one taken away, by squeeze() or by flatten()?"
            if output.shape == (15,)
            else ""
        )
    )


def test_convolutions_and_pooling_give_the_maps_of_figure_2(net: SimpleNet) -> None:
    found = layers_with_weights(net, nn.Conv2d)
    if not found:
        cannot_judge("there is no nn.Conv2d; what the net computes is compared below")
    first = found[0]
    assert first[2] == (10, 60, 60), (
        f"the first convolution gives {as_maps(first[2])}: figure 2 has 10 of 60x60, by 5x5 "
        "filters without padding (64 - 5 + 1 = 60)"
    )
    if len(found) == 1:
        cannot_judge("there is one nn.Conv2d only; what the net computes is compared below")
    second = found[1]
    assert second[1] == (10, 20, 20), (
        f"the second convolution gets {as_maps(second[1])}: in figure 2, max-pooling of 3x3 "
        "blocks, 3 apart, leaves 10 of 20x20"
    )
    assert second[2] == (20, 16, 16), (
        f"the second convolution gives {as_maps(second[2])}: figure 2 has 20 of 16x16, by 5x5 "
        "filters without padding (20 - 5 + 1 = 16)"
    )


def test_linear_layers_are_those_of_figure_2(net: SimpleNet) -> None:
    found = [
        (layer.in_features, layer.out_features)
        for layer, _, _ in layers_with_weights(net, nn.Linear)
    ]
    if found[-1:] == [(100, 15)] and len(found) == 1:
        cannot_judge("there is one nn.Linear only; what the net computes is compared below")
    assert found == [(500, 100), (100, 15)], (
        f"the linear layers are {found} (inputs, outputs): in figure 2 they are (500, 100) and "
        "(100, 15), since 20 maps of 5x5 are 500 values"
    )


def test_has_56895_learnable_parameters(net: SimpleNet) -> None:
    frozen = [name for name, p in net.named_parameters() if not p.requires_grad]
    assert not frozen, f"{', '.join(frozen)} cannot learn: requires_grad must be True"
    numbers = [p.numel() for p in net.parameters()]
    missing = [what for number, (what, _) in FIGURE_2.items() if number not in numbers]
    extra = [
        f"{name} {list(p.shape)}"
        for name, p in net.named_parameters()
        if p.numel() not in FIGURE_2 or numbers.count(p.numel()) > 1
    ]
    assert sum(numbers) == 56_895, (
        f"{sum(numbers):,} learnable parameters; figure 2 has 56,895."
        + (f" There are no {', no '.join(missing)}." if missing else "")
        + (f" Not in figure 2: {', '.join(extra)}." if extra else "")
    )


def test_computes_what_figure_2_computes(net: SimpleNet) -> None:
    if sorted(p.numel() for p in net.parameters()) != sorted(FIGURE_2):
        cannot_judge("the layers are not those of figure 2: see the tests above")
    with torch.no_grad():  # scores of both signs, by weights that are other than at the start
        next(p for p in net.parameters() if p.numel() == 15).add_(torch.linspace(-1, 1, 15))
        for mode in ("eval", "train"):
            net.train(mode == "train")
            expected, output = figure_2(net, images(3)), net(images(3))
            if not same(output, expected):
                reason = difference_from_figure_2(net, output, expected)
                pytest.fail(f"in train mode only, {reason}" if mode == "train" else reason)


def difference_from_figure_2(net: SimpleNet, output: torch.Tensor, expected: torch.Tensor) -> str:
    if not same(output, net(images(3))):
        return (
            "the same images get other scores each time: figure 2 has no dropout (that is for "
            "Part 2), and forward makes no new layers"
        )
    for what, changes in SUSPECTS.items():
        if same(output, figure_2(net, images(3), **changes)):
            return f"your net {what}"
    place = (output - expected).abs().argmax()
    return (
        f"a score is {output.flatten()[place]:.4f}. Conv, max-pool, ReLU, conv, max-pool, ReLU, "
        f"flatten, linear, ReLU, linear with the same weights give "
        f"{expected.flatten()[place]:.4f}: compare forward with figure 2, step by step"
    )


def test_every_parameter_learns(net: SimpleNet) -> None:
    output = net.train()(images(8))
    assert output.requires_grad, (
        "the scores have no gradient: is there a torch.no_grad() or detach() in forward?"
    )
    F.cross_entropy(output.flatten(1), torch.arange(8)).backward()
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
    x = images(2)
    net(x)
    assert torch.equal(x, images(2)), "forward must leave its input as it was"
