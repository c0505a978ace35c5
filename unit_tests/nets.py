"""Checks for both of the handout's networks."""

from __future__ import annotations

import torch
from steps import cannot_judge
from torch import nn

SEED = 0  # of the images and scores
LABELS = [0, 3, 14, 7, 7, 1]  # of scores
SPREAD = 3.0  # of scores


def images(count: int) -> torch.Tensor:
    """Random images, the same at each call."""
    generator = torch.Generator().manual_seed(SEED + count)
    return torch.randn(count, 1, 64, 64, generator=generator)


def check_named_parts(net: nn.Module) -> None:
    """Check conv_layers, fc_layers that end in 15 scores, and loss_criterion."""
    assert isinstance(net, nn.Module), f"{type(net).__name__} must be an nn.Module"
    for part in ("conv_layers", "fc_layers"):
        found = getattr(net, part, None)
        assert isinstance(found, nn.Sequential), (
            f"self.{part} must be an nn.Sequential, not {type(found).__name__}"
        )
    assert hasattr(net, "loss_criterion"), (
        "there is no self.loss_criterion: the Trainer asks the model for its loss"
    )
    last = net.fc_layers[-1]
    assert isinstance(last, nn.Linear), (
        f"fc_layers ends in {type(last).__name__}: it must end in nn.Linear. Return raw scores; "
        "the loss applies softmax itself"
    )
    assert last.out_features == 15, (
        f"the last layer has {last.out_features} outputs: there are 15 classes"
    )


def check_scores(output: object, count: int) -> None:
    """Check that forward returns 15 scores for each of `count` images."""
    shape = [count, 1, 64, 64]
    assert isinstance(output, torch.Tensor), (
        f"forward returns {type(output).__name__} instead of a tensor: is there a return?"
    )
    assert list(output.shape) == [count, 15], (
        f"images {shape} must give scores [{count}, 15], not {list(output.shape)}"
        + (
            ": does squeeze() or flatten() remove the batch dimension of a single image?"
            if output.shape == (15,)
            else ""
        )
    )


def check_loss_criterion(net: nn.Module) -> None:
    """Check that it is the mean cross-entropy of raw scores."""
    if not hasattr(net, "loss_criterion"):
        cannot_judge("there is no loss_criterion: see test_has_the_named_parts")
    count, generator = len(LABELS), torch.Generator().manual_seed(SEED)
    scores = torch.randn(count, 15, generator=generator) * SPREAD
    labels = torch.tensor(LABELS)
    each = -scores.log_softmax(1)[range(count), labels]
    loss = net.loss_criterion(scores, labels)
    assert loss.numel() == 1, (
        f"loss_criterion returns {loss.numel()} losses for {count} images: one number, "
        'reduction="mean"'
    )
    assert not torch.allclose(loss, each.sum()), (
        f"loss_criterion returns the sum of {count} images' losses, {loss.item():.3f}: their mean "
        "is "
        f'{each.mean():.3f}, reduction="mean"'
    )
    assert torch.allclose(loss, each.mean()), (
        f"loss_criterion returns {loss.item():.3f}, but the mean cross-entropy of raw scores is "
        f"{each.mean():.3f}: use nn.CrossEntropyLoss() without weights or label smoothing"
    )
