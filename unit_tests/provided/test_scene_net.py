"""The residual nets: sizes, shapes, shortcuts, and learning."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from scene_recog.models.oriented_gradients import GradientPyramidNet, OrientedGradients
from scene_recog.models.scene_net import (
    BasicBlock,
    PoolingShortcut,
    SceneNet,
    ScenePyramidNet,
    SeparableBlock,
    SpatialPyramid,
    TinySceneNet,
)


@pytest.mark.parametrize(
    ("net", "parameters"),
    [
        (SceneNet(8), 78_311),
        (SceneNet(), 693_399),
        (ScenePyramidNet(32), 1_245_551),
        (GradientPyramidNet(32), 1_251_151),
        (TinySceneNet(), 5_994),
    ],
)
def test_parameters_are_as_the_docstring_says(net: nn.Module, parameters: int) -> None:
    assert sum(p.numel() for p in net.parameters()) == parameters


@pytest.mark.parametrize(
    "net", [SceneNet(2), ScenePyramidNet(2), GradientPyramidNet(2), TinySceneNet(2)]
)
@pytest.mark.parametrize("size", [(64, 64), (97, 113), (16, 16)])
def test_takes_any_size(net: nn.Module, size: tuple[int, int]) -> None:
    assert net(torch.rand(2, 1, *size)).shape == (2, 15)


def test_a_new_basic_block_hands_its_input_through() -> None:
    x = torch.rand(2, 4, 8, 8)
    assert torch.equal(BasicBlock(4, 4, stride=1)(x), x)


@pytest.mark.parametrize("block", [BasicBlock, SeparableBlock])
def test_a_block_of_stride_2_halves_the_sides(block: type[nn.Module]) -> None:
    assert block(3, 5, stride=2)(torch.rand(2, 3, 9, 8)).shape == (2, 5, 5, 4)


def test_a_pooling_shortcut_has_means_and_then_maxima() -> None:
    x = torch.arange(32.0).view(1, 2, 4, 4)
    found = PoolingShortcut(2, 3, stride=2)(x).flatten(2)
    assert found.tolist() == [[[2.5, 4.5, 10.5, 12.5], [18.5, 20.5, 26.5, 28.5], [5, 7, 13, 15]]]
    assert torch.equal(PoolingShortcut(2, 2, stride=1)(x), x)
    with pytest.raises(ValueError, match="from 2 to 5 maps: 2 to 4"):
        PoolingShortcut(2, 5, stride=1)


def test_a_pyramid_has_the_mean_of_the_whole_and_of_each_quarter() -> None:
    x = torch.arange(32.0).view(1, 2, 4, 4)
    rows = [[7.5, 23.5], [2.5, 18.5], [4.5, 20.5], [10.5, 26.5], [12.5, 28.5]]
    means = SpatialPyramid()(x).flatten().tolist()
    assert sorted(means) == sorted(value for row in rows for value in row)
    assert SpatialPyramid()(x).shape == (1, 10, 1, 1)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_an_edge_is_seen_in_the_direction_in_which_it_gets_brighter(turns: int) -> None:
    brighter_to_the_right = torch.zeros(1, 1, 32, 32)
    brighter_to_the_right[..., 16:] = 1
    seen = OrientedGradients()(torch.rot90(brighter_to_the_right, -turns, (2, 3)))
    strength = seen[0, :, 15:17, 15:17].mean((1, 2))  # at the edge itself
    assert strength.argmax() == 2 * turns  # down is a quarter turn on from right
    assert strength.roll(4)[2 * turns].item() == pytest.approx(0.01)  # nothing the other way


def test_turning_the_image_turns_the_gradients() -> None:
    x = torch.randn(2, 1, 24, 32)
    gradients = OrientedGradients()
    turned = gradients(torch.rot90(x, -1, (2, 3)))
    assert torch.allclose(turned, torch.rot90(gradients(x), -1, (2, 3)).roll(2, 1), atol=1e-3)


def test_oriented_gradients_do_not_see_light_and_contrast() -> None:
    x = 5 * torch.randn(2, 1, 32, 32)
    gradients = OrientedGradients()
    assert torch.allclose(gradients(3 * x + 2), gradients(x), atol=0.01)
    assert gradients(x).std() > 0.2


def test_oriented_gradients_learn_nothing_and_are_exact_under_autocast() -> None:
    gradients, x = OrientedGradients(), torch.randn(1, 1, 32, 32)
    assert not list(gradients.parameters())
    assert not gradients.state_dict()
    expected = gradients(x)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(gradients(x), expected)
        assert gradients(x).dtype == torch.float32


def test_the_layout_in_memory_changes_no_result() -> None:
    net, x = SceneNet(4).eval(), torch.rand(2, 1, 32, 32)
    assert net.conv_layers[3].conv_layers[0].weight.is_contiguous(memory_format=torch.channels_last)
    expected = net.to(memory_format=torch.contiguous_format)(x)
    assert torch.allclose(net.to(memory_format=torch.channels_last)(x), expected, atol=1e-6)


@pytest.mark.parametrize(
    "net", [SceneNet(4), ScenePyramidNet(4), GradientPyramidNet(4), TinySceneNet(4)]
)
def test_learns_a_batch_by_heart(net: nn.Module) -> None:
    torch.manual_seed(0)
    x, y = torch.randn(15, 1, 32, 32), torch.arange(15)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for _ in range(60):
        loss = nn.functional.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.5


@pytest.mark.parametrize("width", [0, -1, 10**6])
def test_bad_width_is_named(width: int) -> None:
    with pytest.raises(ValueError, match=f"width is {width}"):
        SceneNet(width)
