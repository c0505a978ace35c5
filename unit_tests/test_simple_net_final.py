"""Part 2, steps 2.3 to 2.5: is SimpleNetFinal deeper, with batch norm and dropout in place?"""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from scene_recog.simple_net_final import SimpleNetFinal

DROPOUTS = (nn.Dropout, nn.Dropout2d)


@pytest.fixture
def net() -> SimpleNetFinal:
    torch.manual_seed(0)
    return SimpleNetFinal()


def flat(layers: nn.Module) -> list[nn.Module]:
    """The layers in order, those inside nested Sequentials too."""
    return [module for module in layers.modules() if not list(module.children())]


def between_convolutions(net: nn.Module) -> list[list[nn.Module]]:
    """The layers after each convolution, up to the next one or the end of conv_layers."""
    groups: list[list[nn.Module]] = []
    for layer in flat(net.conv_layers):
        if isinstance(layer, nn.Conv2d):
            groups.append([])
        elif groups:
            groups[-1].append(layer)
    return groups


def response(net: nn.Module, here: nn.Module, after: nn.Module) -> torch.Tensor:
    """Inputs of the layer `after` when the layer `here` puts out -1, 0 and 2 everywhere."""
    seen: list[torch.Tensor] = []
    for level in (-1.0, 0.0, 2.0):
        hooks = [
            here.register_forward_hook(lambda _m, _x, y, level=level: torch.full_like(y, level)),
            after.register_forward_pre_hook(lambda _m, x: seen.append(x[0].clone())),
        ]
        net(torch.zeros(1, 1, 64, 64))
        for hook in hooks:
            hook.remove()
    return torch.stack(seen)


def test_has_the_named_parts(net: SimpleNetFinal) -> None:
    assert isinstance(net, nn.Module), "SimpleNetFinal must be an nn.Module"
    assert isinstance(net.conv_layers, nn.Sequential), "conv_layers must be an nn.Sequential"
    assert isinstance(net.fc_layers, nn.Sequential), "fc_layers must be an nn.Sequential"
    last = net.fc_layers[-1]
    assert isinstance(last, nn.Linear), "fc_layers must end in nn.Linear: no softmax, no ReLU after"
    assert last.out_features == 15, "the last layer needs one output for each of the 15 classes"


@pytest.mark.parametrize("training", [True, False])
def test_output_is_15_raw_scores_per_image(net: SimpleNetFinal, training: bool) -> None:
    output = net.train(training)(torch.randn(6, 1, 64, 64))
    assert output.shape == (6, 15), f"6 images must give [6, 15] scores, not {list(output.shape)}"
    assert not torch.allclose(output.sum(1), torch.ones(6), atol=1e-3), (
        "the scores of each image add up to 1: no softmax here, the loss applies it"
    )
    assert not torch.allclose(output.exp().sum(1), torch.ones(6), atol=1e-3), (
        "these are log-probabilities: no log-softmax here, the loss applies it"
    )
    assert (output < 0).any(), "no score is negative: is there a ReLU after the last layer?"


def test_scores_come_from_the_last_linear_layer(net: SimpleNetFinal) -> None:
    net.eval()
    x = torch.randn(2, 1, 64, 64)
    kept: list[torch.Tensor] = []
    hook = net.fc_layers[-1].register_forward_hook(lambda _m, _x, out: kept.append(out))
    output = net(x)
    hook.remove()
    assert kept, "forward must go through fc_layers"
    assert torch.equal(output, kept[-1]), "forward must return the last layer's raw scores"


def test_one_image_can_be_evaluated_alone(net: SimpleNetFinal) -> None:
    net.eval()
    images = torch.randn(5, 1, 64, 64)
    together = net(images)
    alone = torch.cat([net(image[None]) for image in images])
    assert torch.allclose(together, alone, atol=1e-4), (
        "in eval mode, an image's scores must not depend on the other images of its batch"
    )


def test_has_at_least_three_convolutions(net: SimpleNetFinal) -> None:
    count = sum(isinstance(layer, nn.Conv2d) for layer in flat(net.conv_layers))
    assert count >= 3, f"{count} convolutions in conv_layers: step 2.4 asks for at least 3"


def test_batch_norm_follows_every_convolution_but_the_last(net: SimpleNetFinal) -> None:
    convolutions = [m for m in flat(net.conv_layers) if isinstance(m, nn.Conv2d)]
    for number, (conv, layers) in enumerate(
        zip(convolutions[:-1], between_convolutions(net)[:-1], strict=True), start=1
    ):
        norms = [layer for layer in layers if isinstance(layer, nn.BatchNorm2d)]
        assert norms, f"no nn.BatchNorm2d after convolution {number}"
        assert norms[0].num_features == conv.out_channels, (
            f"the batch norm after convolution {number} must have its {conv.out_channels} maps"
        )


def test_batch_norm_learns_and_keeps_running_averages(net: SimpleNetFinal) -> None:
    norms = [layer for layer in flat(net) if isinstance(layer, nn.BatchNorm2d)]
    assert norms, "no nn.BatchNorm2d in the network"
    before = [norm.running_mean.clone() for norm in norms if norm.running_mean is not None]
    assert len(before) == len(norms), "batch norm must keep running averages for test time"
    net.train()
    net(torch.randn(8, 1, 64, 64) + 1)
    for norm, old in zip(norms, before, strict=True):
        assert norm.affine, "batch norm must learn a scale and a shift (affine)"
        assert not torch.equal(norm.running_mean, old), "a batch norm layer is not used in training"
    after = [norm.running_mean.clone() for norm in norms]
    net.eval()
    net(torch.randn(8, 1, 64, 64) - 1)
    assert all(torch.equal(n.running_mean, a) for n, a in zip(norms, after, strict=True)), (
        "the running averages must not change in eval mode"
    )


def test_there_is_an_activation_after_every_layer_but_the_last(net: SimpleNetFinal) -> None:
    net.eval()
    layers = [m for m in flat(net) if isinstance(m, nn.Conv2d | nn.Linear)]
    for number, (here, after) in enumerate(itertools.pairwise(layers), start=1):
        low, middle, high = response(net, here, after)
        assert not torch.allclose((high - middle) / 2, middle - low, atol=1e-4), (
            f"no activation (ReLU) between {type(here).__name__} and {type(after).__name__}, "
            f"layers {number} and {number + 1} with weights: two linear layers in a row are one"
        )


def test_dropout_comes_before_the_last_convolution(net: SimpleNetFinal) -> None:
    before_last = between_convolutions(net)[-2]
    dropouts = [layer for layer in before_last if isinstance(layer, DROPOUTS)]
    assert dropouts, (
        "step 2.3: conv_layers needs nn.Dropout between its last convolution and the one before"
    )
    assert any(layer.p == 0.5 for layer in dropouts), "drop with probability 0.5"


def test_dropout_acts_in_training_only(net: SimpleNetFinal) -> None:
    x = torch.randn(4, 1, 64, 64)
    net.train()
    assert not torch.allclose(net(x), net(x), atol=1e-4), "in train mode, dropout must be random"
    net.eval()
    assert torch.equal(net(x), net(x)), "in eval mode, the same images must get the same scores"


def test_maps_get_smaller(net: SimpleNetFinal) -> None:
    net.eval()
    maps = net.conv_layers(torch.randn(1, 1, 64, 64))
    side = 64 if maps.dim() < 4 else maps.shape[-1]
    assert maps.dim() < 4 or side <= 16, (
        f"conv_layers leaves maps of {side}x{side}: pool (or use strides) between the convolutions"
    )


def test_head_has_two_linear_layers(net: SimpleNetFinal) -> None:
    head = flat(net.fc_layers)
    linear = [i for i, layer in enumerate(head) if isinstance(layer, nn.Linear)]
    assert len(linear) == 2, f"fc_layers has {len(linear)} linear layers: it should have two"


def test_does_not_change_its_input(net: SimpleNetFinal) -> None:
    x = torch.randn(2, 1, 64, 64)
    copy = x.clone()
    net.eval()(x)
    assert torch.equal(x, copy), "forward must leave its input as it was"


def test_every_parameter_learns(net: SimpleNetFinal) -> None:
    net.train()
    net(torch.randn(8, 1, 64, 64)).square().sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.requires_grad, f"{name} is frozen"
        assert parameter.grad is not None, f"{name} gets no gradient: is the layer used in forward?"


def test_loss_is_the_mean_cross_entropy(net: SimpleNetFinal) -> None:
    logits, labels = torch.randn(6, 15) * 3, torch.tensor([0, 3, 14, 7, 7, 1])
    loss = net.loss_criterion(logits, labels)
    expected = -logits.log_softmax(1)[range(6), labels].mean()
    assert loss.shape == (), 'loss_criterion must give one number: reduction="mean"'
    assert torch.allclose(loss, expected), (
        "loss_criterion must be the cross-entropy of raw scores, averaged over the batch"
    )
