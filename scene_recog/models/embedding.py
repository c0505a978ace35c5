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
    enough: the pair is only in the loss. The layers are SimpleNet's with batch norm, which trains
    faster, and the last one gives a point instead of the scores of classes.

    Args:
        dimensions: of the points. 58,642 parameters at 32.

    Input [N, 1, 64, 64], output points [N, dimensions]. `loss_criterion`: the contrastive loss. Its
    margin of 4 retrieved better than one of 1 on photographs held out of train.
    """

    def __init__(self, dimensions: int = 32) -> None:
        super().__init__()
        self.conv_layers = nn.Sequential(  # [N, 1, 64, 64]
            nn.Conv2d(1, 10, kernel_size=5, bias=False),  # [N, 10, 60, 60]
            nn.MaxPool2d(3),  # [N, 10, 20, 20]
            nn.BatchNorm2d(10),
            nn.ReLU(),
            nn.Conv2d(10, 20, kernel_size=5, bias=False),  # [N, 20, 16, 16]
            nn.MaxPool2d(3),  # [N, 20, 5, 5]
            nn.BatchNorm2d(20),
            nn.ReLU(),
        )
        self.fc_layers = nn.Sequential(
            nn.Flatten(),  # [N, 500]
            nn.Linear(500, 100),
            nn.ReLU(),
            nn.Linear(100, dimensions),
        )
        self.loss_criterion = ContrastiveLoss(margin=4.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images [N, 1, 64, 64] -> points [N, dimensions]."""
        points: torch.Tensor = self.fc_layers(self.conv_layers(x))
        return points
