"""The summary table: known networks, and receptive fields against gradients."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models import alexnet

from scene_recog.figure_2 import FIGURE_2
from scene_recog.simple_net import SimpleNet
from scene_recog.simple_net_final import SimpleNetFinal
from scene_recog.visualize.summary import describe_field, format_summary, summarize


class AlexNet(nn.Module):
    """Krizhevsky et al. 2012, for 227x227 images; `groups` of the second, fourth and fifth conv."""

    def __init__(self, groups: tuple[int, int, int]) -> None:
        super().__init__()
        two, four, five = groups
        norm = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2)
        self.layers = nn.Sequential(
            nn.Conv2d(3, 96, 11, stride=4), nn.ReLU(), norm, nn.MaxPool2d(3, 2),
            nn.Conv2d(96, 256, 5, padding=2, groups=two), nn.ReLU(), norm, nn.MaxPool2d(3, 2),
            nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(),
            nn.Conv2d(384, 384, 3, padding=1, groups=four), nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1, groups=five), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.Flatten(), nn.Linear(9216, 4096), nn.ReLU(), nn.Dropout(),
            nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 1000),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


class Residual(nn.Module):
    """A block whose shortcut is a 1x1 convolution; the sum and a ReLU are no modules."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 5, stride=2, padding=2)
        self.first = nn.Conv2d(4, 8, 3, stride=2, padding=1)
        self.second = nn.Conv2d(8, 8, 3, padding=1)
        self.shortcut = nn.Conv2d(4, 8, 1, stride=2)
        self.last = nn.MaxPool2d(3, 2, dilation=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.stem(x))
        return self.last(self.second(F.relu(self.first(x))) + self.shortcut(x))


def seen_by_gradient(model: nn.Module, side: int) -> tuple[int, int]:
    """(height, width) of the pixels on which the middle output depends. All weights are made
    positive, so that nothing cancels; max-pooling is replaced by averaging, which sees as much."""
    for parameter in model.parameters():
        nn.init.constant_(parameter, 0.01)
    x = torch.ones(1, 1, side, side, requires_grad=True)
    y = model(x)
    y[0, :, y.shape[2] // 2, y.shape[3] // 2].sum().backward()
    assert x.grad is not None
    rows, columns = x.grad[0, 0].nonzero(as_tuple=True)
    return int(rows.max() - rows.min()) + 1, int(columns.max() - columns.min()) + 1


def small_net() -> nn.Sequential:
    """For images of 28x28."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(4, 6, 4), nn.MaxPool2d(3, 3),
        nn.ReLU(), nn.Flatten(), nn.Linear(54, 30), nn.ReLU(), nn.Linear(30, 10),
    )  # fmt: skip


def test_small_net_layer_by_layer() -> None:
    rows = summarize(small_net(), (1, 28, 28))
    table = [(row.kind, row.output_shape, row.parameters, describe_field(row)) for row in rows]
    assert table == [
        ("Conv2d", (4, 26, 26), 40, "3x3"),
        ("MaxPool2d", (4, 13, 13), 0, "4x4"),
        ("ReLU", (4, 13, 13), 0, "4x4"),
        ("Conv2d", (6, 10, 10), 390, "10x10"),
        ("MaxPool2d", (6, 3, 3), 0, "14x14"),
        ("ReLU", (6, 3, 3), 0, "14x14"),
        ("Flatten", (54,), 0, "all"),
        ("Linear", (30,), 1650, "all"),
        ("ReLU", (30,), 0, "all"),
        ("Linear", (10,), 310, "all"),
    ]
    by_hand = 26 * 26 * 4 * 9 + 10 * 10 * 6 * 4 * 16 + 54 * 30 + 30 * 10
    assert sum(row.multiply_adds for row in rows) == by_hand


def test_simple_net_has_the_sums_of_figure_2() -> None:
    rows = summarize(SimpleNet())
    assert sum(row.parameters for row in rows) == FIGURE_2.parameters
    if sum(row.kind in ("Conv2d", "Linear") for row in rows) == 4:  # not F.conv2d
        assert sum(row.multiply_adds for row in rows) == FIGURE_2.multiply_adds


def test_summary_changes_nothing() -> None:
    model = SimpleNetFinal().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    rows = summarize(model)
    assert model.training
    assert all(module.training for module in model.modules())
    assert not any(module._forward_hooks for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert sum(row.parameters for row in rows) == sum(p.numel() for p in model.parameters())


def test_alexnet_of_the_paper() -> None:
    """Two groups, as on two GPUs: the parameters and multiply-adds that are quoted for it."""
    rows = summarize(AlexNet((2, 2, 2)), (3, 227, 227))
    assert sum(row.parameters for row in rows) == 60_965_224
    assert sum(row.multiply_adds for row in rows) == 724_406_816
    fields = [row.receptive_field for row in rows if row.kind in ("Conv2d", "MaxPool2d")]
    sides = [11, 19, 51, 67, 99, 131, 163, 195]
    assert fields == [(side, side) for side in sides]


def test_alexnet_of_the_lectures() -> None:
    """The widely taught 832 M: layer by layer in whole millions, with the fourth conv ungrouped."""
    rows = summarize(AlexNet((2, 1, 2)), (3, 227, 227))
    millions = [row.multiply_adds // 10**6 for row in rows if row.multiply_adds]
    assert millions == [105, 223, 149, 224, 74, 37, 16, 4]
    assert sum(millions) == 832


def test_alexnet_of_torchvision() -> None:
    """Narrower and without groups: 61.1 M parameters, 714 M multiply-adds."""
    rows = summarize(alexnet(weights=None), (3, 224, 224))
    assert sum(row.parameters for row in rows) == 61_100_840
    assert round(sum(row.multiply_adds for row in rows) / 10**6) == 714


def test_receptive_field_is_what_gradients_reach() -> None:
    net = nn.Sequential(
        nn.Conv2d(1, 4, (5, 3), stride=(2, 1), padding=2, bias=False),
        nn.ReLU(),
        nn.AvgPool2d(3, stride=2, padding=1),
        nn.Conv2d(4, 4, 3, dilation=2, bias=False),
        nn.AvgPool2d(2),
    )
    expected = seen_by_gradient(net, 96)
    assert summarize(net, (1, 96, 96))[-1].receptive_field == expected
    assert expected[0] != expected[1]


def test_branches_take_the_larger_field() -> None:
    rows = {row.name: row for row in summarize(Residual(), (1, 64, 64))}
    assert rows["shortcut"].receptive_field == (5, 5)
    assert rows["second"].receptive_field == (17, 17)
    model = Residual()
    model.last = nn.Conv2d(8, 8, 3, stride=2, dilation=2)  # type: ignore[assignment]
    assert rows["last"].receptive_field == seen_by_gradient(model, 128) == (33, 33)


def test_a_layer_used_twice_counts_its_parameters_once() -> None:
    shared = nn.Conv2d(1, 1, 3, padding=1)
    rows = summarize(nn.Sequential(shared, shared), (1, 8, 8))
    assert [row.parameters for row in rows] == [10, 0]
    assert [row.multiply_adds for row in rows] == [64 * 9, 64 * 9]
    assert [row.receptive_field for row in rows] == [(3, 3), (5, 5)]


def test_text_has_a_line_per_layer_and_totals() -> None:
    lines = format_summary(summarize(small_net(), (1, 28, 28))).splitlines()
    assert len(lines) == 1 + 1 + 10 + 1 + 1
    assert lines[2].split() == ["0", "Conv2d", "4x26x26", "3x3", "40", "24,336", "3x3"]
    assert "3x3, stride 3" in lines[6]
    assert lines[-1].split() == ["in", "all", "2,390", "64,656"]


def test_wrong_size_is_one_line() -> None:
    model = SimpleNet()
    with pytest.raises(ValueError, match="SimpleNet does not take images of 1x32x32"):
        summarize(model, (1, 32, 32))
    assert model.training
    assert not any(module._forward_hooks for module in model.modules())
