"""Muon: its steps, the parameters it leaves to SGD, and its saved state."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from scene_recog.models.scene_net import SceneNet
from scene_recog.training.decay import decay_matrices_only
from scene_recog.training.muon import Muon, orthogonal


def net_of_two_layers() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 6, 3, bias=False), nn.Flatten(), nn.Linear(6, 4))


@pytest.mark.parametrize("shape", [(8, 40), (40, 8), (16, 16)])
def test_singular_values_come_near_one(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    u, _, v = torch.linalg.svd(torch.randn(shape), full_matrices=False)
    matrix = u @ torch.diag(torch.logspace(0, -1, len(v))) @ v
    result = orthogonal(1000 * matrix)
    assert result.shape == shape
    assert result.dtype == torch.float32
    values = torch.linalg.svdvals(result)
    assert values.min() > 0.5
    assert values.max() < 1.3
    assert (result @ v.T).flatten() @ u.flatten() > 0.8 * len(v)  # the same directions


def test_zero_gradient_is_no_step() -> None:
    assert torch.equal(orthogonal(torch.zeros(3, 5)), torch.zeros(3, 5))


def test_a_convolution_moves_by_the_rule() -> None:
    net = net_of_two_layers()
    weight = net[0].weight
    optimizer = Muon(net, lr=0.05)
    expected, velocity = weight.detach().clone(), torch.zeros_like(weight)
    for number in range(3):
        gradient = torch.randn(weight.shape, generator=torch.Generator().manual_seed(number))
        weight.grad = gradient.clone()
        optimizer.step()
        velocity = 0.6 * velocity + gradient
        step = orthogonal((gradient + 0.6 * velocity).flatten(1)).view(weight.shape)
        expected -= 0.05 * (step + 0.1 * expected)
    assert torch.allclose(weight, expected, atol=1e-6)


def test_the_rest_is_sgd() -> None:
    ours, theirs = net_of_two_layers(), net_of_two_layers()
    options = {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}
    optimizers = [Muon(ours, **options), torch.optim.SGD(theirs[2].parameters(), **options)]
    for _ in range(3):
        for net, optimizer in zip((ours, theirs), optimizers, strict=True):
            net.zero_grad()
            net[2](torch.ones(2, 6)).square().sum().backward()
            optimizer.step()
    assert torch.equal(ours[2].weight, theirs[2].weight)
    assert torch.equal(ours[2].bias, theirs[2].bias)
    assert torch.equal(ours[0].weight, theirs[0].weight)  # no gradient, no step


def test_layers_that_are_not_trained_and_nets_without_convolutions() -> None:
    net = net_of_two_layers()
    net[0].weight.requires_grad_(False)
    assert len(Muon(net, lr=0.05).param_groups) == 1
    assert len(Muon(nn.Linear(2, 2), lr=0.05).param_groups) == 1


def test_the_layout_in_memory_changes_no_step() -> None:
    nets = [SceneNet(2), SceneNet(2).to(memory_format=torch.contiguous_format)]
    nets[1].load_state_dict(nets[0].state_dict())
    for net in nets:
        for p in net.parameters():
            p.grad = torch.sin(torch.arange(p.numel())).view(p.shape).to(p.dtype)
        Muon(net, lr=0.05).step()
    for ours, theirs in zip(*(net.parameters() for net in nets), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-6)


def test_a_saved_state_goes_on_exactly() -> None:
    def steps(net: nn.Sequential, optimizer: Muon, numbers: range) -> None:
        for number in numbers:
            optimizer.zero_grad()
            images = torch.randn(4, 1, 3, 3, generator=torch.Generator().manual_seed(number))
            net(images).square().sum().backward()
            optimizer.step()

    whole, parts = net_of_two_layers(), net_of_two_layers()
    steps(whole, Muon(whole, lr=0.05), range(4))
    first = Muon(parts, lr=0.05)
    steps(parts, first, range(2))
    second = Muon(parts, lr=0.01)
    second.load_state_dict(first.state_dict())
    steps(parts, second, range(2, 4))
    for ours, theirs in zip(whole.parameters(), parts.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_decay_of_vectors_is_switched_off_and_of_convolutions_kept() -> None:
    optimizer = Muon(SceneNet(2), lr=0.05, weight_decay=0.01)
    decay_matrices_only(optimizer)
    kinds = [(g["muon_momentum"], g["weight_decay"]) for g in optimizer.param_groups]
    assert kinds == [(0.6, 0.1), (None, 0.01), (None, 0.0)]


def test_learns_a_batch_by_heart() -> None:
    torch.manual_seed(0)
    net, x, y = SceneNet(4), torch.randn(15, 1, 32, 32), torch.arange(15)
    optimizer = Muon(net, lr=0.05)
    for _ in range(30):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1
