"""Part 1, step 1.2: is SimpleNet the network of figure 2?"""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from scene_recog.simple_net import SimpleNet


@pytest.fixture
def net() -> SimpleNet:
    torch.manual_seed(0)
    return SimpleNet()


def output_shapes(net: nn.Module, kind: type[nn.Module]) -> list[tuple[int, ...]]:
    """Shapes, without the batch, of what the layers of one kind put out, in order of use."""
    shapes: list[tuple[int, ...]] = []
    hooks = [
        module.register_forward_hook(lambda _m, _x, out: shapes.append(tuple(out.shape[1:])))
        for module in net.modules()
        if isinstance(module, kind)
    ]
    net(torch.zeros(2, 1, 64, 64))
    for hook in hooks:
        hook.remove()
    return shapes


def figure_2(net: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """What figure 2 computes with the net's own weights."""
    (w1, b1), (w2, b2), (w3, b3), (w4, b4) = (
        (layer.weight, layer.bias)
        for layer in net.modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
    )
    x = F.relu(F.max_pool2d(F.conv2d(x, w1, b1), 3))
    x = F.relu(F.max_pool2d(F.conv2d(x, w2, b2), 3))
    return F.linear(F.relu(F.linear(x.flatten(1), w3, b3)), w4, b4)


def test_has_the_named_parts(net: SimpleNet) -> None:
    assert isinstance(net, nn.Module), "SimpleNet must be an nn.Module"
    assert isinstance(net.conv_layers, nn.Sequential), "conv_layers must be an nn.Sequential"
    assert isinstance(net.fc_layers, nn.Sequential), "fc_layers must be an nn.Sequential"
    last = net.fc_layers[-1]
    assert isinstance(last, nn.Linear), "fc_layers must end in nn.Linear: no softmax, no ReLU after"
    assert last.out_features == 15, "the last layer needs one output for each of the 15 classes"


def test_output_is_15_scores_per_image(net: SimpleNet) -> None:
    for batch_size in (1, 7):
        output = net(torch.rand(batch_size, 1, 64, 64))
        assert output.shape == (batch_size, 15), (
            f"{batch_size} images must give scores of shape [{batch_size}, 15], "
            f"not {list(output.shape)}"
        )


def test_convolutions_give_the_maps_of_figure_2(net: SimpleNet) -> None:
    assert output_shapes(net, nn.Conv2d) == [(10, 60, 60), (20, 16, 16)], (
        "figure 2: 5x5 convolutions without padding, 10 maps of 60x60 and 20 maps of 16x16"
    )


def test_pooling_gives_the_maps_of_figure_2(net: SimpleNet) -> None:
    assert output_shapes(net, nn.MaxPool2d) == [(10, 20, 20), (20, 5, 5)], (
        "figure 2: max-pooling over 3x3 blocks leaves maps of 20x20, then of 5x5"
    )


def test_linear_layers_are_those_of_figure_2(net: SimpleNet) -> None:
    sizes = [(m.in_features, m.out_features) for m in net.modules() if isinstance(m, nn.Linear)]
    assert sizes == [(500, 100), (100, 15)], (
        "figure 2: 20 maps of 5x5 are 500 values; 500 to 100, then 100 to 15"
    )


def test_has_56895_learnable_parameters(net: SimpleNet) -> None:
    count = sum(p.numel() for p in net.parameters() if p.requires_grad)
    assert count == 56_895, (
        f"{count:,} learnable parameters instead of 56,895: check the layer sizes and biases"
    )


@pytest.mark.parametrize("training", [True, False])
def test_computes_what_figure_2_computes(net: SimpleNet, training: bool) -> None:
    net.train(training)
    x = torch.randn(3, 1, 64, 64)
    assert torch.allclose(net(x), figure_2(net, x), atol=1e-5), (
        "the output differs from conv, pool, ReLU, conv, pool, ReLU, linear, ReLU, linear with the "
        "same weights: is a ReLU missing, or is there something more, such as a softmax?"
    )


def test_uses_the_class_functions_on_every_forward(net: SimpleNet) -> None:
    x = torch.randn(2, 1, 64, 64)
    with torch.no_grad():
        net.fc_layers[-1].bias += 1.0
    before = figure_2(net, x)
    assert torch.allclose(net(x), before, atol=1e-5), "forward must use conv_layers and fc_layers"


def test_does_not_change_its_input(net: SimpleNet) -> None:
    x = torch.randn(2, 1, 64, 64)
    copy = x.clone()
    net(x)
    assert torch.equal(x, copy), "forward must leave its input as it was"


def test_every_parameter_learns(net: SimpleNet) -> None:
    net(torch.randn(4, 1, 64, 64)).square().sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, f"{name} gets no gradient: is the layer used in forward?"
        assert parameter.grad.abs().sum() > 0, f"the gradient of {name} is zero"


def test_loss_is_the_mean_cross_entropy(net: SimpleNet) -> None:
    logits, labels = torch.randn(6, 15) * 3, torch.tensor([0, 3, 14, 7, 7, 1])
    loss = net.loss_criterion(logits, labels)
    expected = -logits.log_softmax(1)[range(6), labels].mean()
    assert loss.shape == (), 'loss_criterion must give one number: reduction="mean"'
    assert torch.allclose(loss, expected), (
        "loss_criterion must be the cross-entropy of raw scores, averaged over the batch"
    )
