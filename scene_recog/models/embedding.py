"""Siamese networks: images become points, near each other if they show the same kind of scene."""

from __future__ import annotations

import torch
from torch import nn


class ContrastiveLoss(nn.Module):
    """Pull images of one class together, push images of two classes apart (Hadsell et al. 2006).

    With d the distance of two points, the loss of a pair of one class is d^2, and that of a pair of
    two classes max(0, margin - d)^2: pairs farther apart than the margin are left alone. Of fifteen
    classes, one pair in fifteen is of one class, so the two kinds are averaged apart and added.

    Args:
        margin: how far apart two classes should be.
    """

    def __init__(self, margin: float = 1.0) -> None:
        super().__init__()
        self.margin = margin

    def forward(
        self, first: torch.Tensor, second: torch.Tensor, same: torch.Tensor
    ) -> torch.Tensor:
        """The loss of P pairs of points.

        Args:
            first, second: the points, [P, D].
            same: bool [P], whether the two images of a pair are of one class.
        """
        squares = (first - second).square().sum(dim=1)
        distances = (squares + 1e-12).sqrt()  # the slope of the root is infinite at 0
        gaps = (self.margin - distances).clamp(min=0).square()
        losses = [kind.mean() for kind in (squares[same], gaps[~same]) if len(kind) > 0]
        return torch.stack(losses).sum()


class EmbeddingNet(nn.Module):
    """One of the two equal halves of a siamese network (Bromley et al. 1993).

    Both images of a pair go through the same network with the same weights, so one network is
    enough: the pair is only in the loss.

    Args:
        dimensions: of the points. 57,432 parameters at 32.

    Input [N, 1, 64, 64], output points [N, dimensions]. `loss_criterion`: the contrastive loss.
    """

    def __init__(self, dimensions: int = 32) -> None:
        super().__init__()
        self.conv_layers = nn.Sequential(  # [N, 1, 64, 64]
            *_stage(1, 8, 5),  # [N, 8, 32, 32]
            *_stage(8, 16, 3),  # [N, 16, 16, 16]
            *_stage(16, 32, 3),  # [N, 32, 8, 8]
            *_stage(32, 64, 3),  # [N, 64, 4, 4]
        )
        self.fc_layers = nn.Sequential(nn.Flatten(), nn.Linear(64 * 4 * 4, dimensions))
        self.loss_criterion = ContrastiveLoss()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images [N, 1, 64, 64] -> points [N, dimensions]."""
        points: torch.Tensor = self.fc_layers(self.conv_layers(x))
        return points


def _stage(maps_in: int, maps_out: int, size: int) -> list[nn.Module]:
    """Convolution, batch norm, pooling to half the side, ReLU."""
    return [
        nn.Conv2d(maps_in, maps_out, size, padding=size // 2, bias=False),
        nn.BatchNorm2d(maps_out),
        nn.MaxPool2d(2),
        nn.ReLU(),
    ]
