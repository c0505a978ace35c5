"""A network with the parts of the handout's networks, but other layers."""

from __future__ import annotations

import torch
from torch import nn


class SmallNet(nn.Module):
    """Scores [N, 15] of images [N, 1, 64, 64]."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_layers = nn.Sequential(nn.AvgPool2d(8), nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3))
        self.fc_layers = nn.Sequential(nn.Flatten(), nn.Linear(3 * 6 * 6, 15))
        self.loss_criterion = nn.CrossEntropyLoss()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.fc_layers(self.conv_layers(x))
        return scores
