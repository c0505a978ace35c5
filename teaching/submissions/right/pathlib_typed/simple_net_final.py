"""Nested stages with strided convolutions instead of pooling; dropout early in the last stage."""

from collections import OrderedDict

import torch
from torch import nn


def stage(maps_in: int, maps_out: int, size: int, drop: bool = False) -> nn.Sequential:
    layers = OrderedDict()
    if drop:
        layers["dropout"] = nn.Dropout(0.5)
    layers["conv"] = nn.Conv2d(maps_in, maps_out, size, stride=2, padding=size // 2, bias=False)
    layers["norm"] = nn.BatchNorm2d(maps_out, momentum=0.05)
    layers["act"] = nn.LeakyReLU(0.1)
    return nn.Sequential(layers)


class SimpleNetFinal(nn.Module):
    def __init__(self, width: int = 12) -> None:
        super().__init__()
        self.loss_criterion = nn.CrossEntropyLoss()
        self.conv_layers = nn.Sequential(
            stage(1, width, 7),
            stage(width, 2 * width, 3),
            stage(2 * width, 4 * width, 3, drop=True),
        )
        self.fc_layers = nn.Sequential(nn.Linear(4 * width, 32), nn.Tanh(), nn.Linear(32, 15))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc_layers(self.conv_layers(x).mean(dim=(2, 3)))
