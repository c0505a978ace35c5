"""SimpleNet, made of two stages of a class of their own."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

N_CLASSES: Final = 15


class _ConvStage(nn.Module):
    """Convolution, max-pool, ReLU: the side s becomes (s - 4) / 3."""

    def __init__(self, maps_in: int, maps_out: int, *, kernel: int = 5, pool: int = 3) -> None:
        super().__init__()
        self.filters: nn.Conv2d = nn.Conv2d(maps_in, maps_out, kernel)
        self.pool: nn.MaxPool2d = nn.MaxPool2d(pool)

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(self.filters(x)).relu()


class _Head(nn.Sequential):
    def __init__(self, n_in: int, n_hidden: int, n_out: int) -> None:
        super().__init__(
            nn.Flatten(), nn.Linear(n_in, n_hidden), nn.ReLU(), nn.Linear(n_hidden, n_out)
        )


class SimpleNet(nn.Module):
    conv_layers: nn.Sequential
    fc_layers: nn.Sequential
    loss_criterion: nn.CrossEntropyLoss

    def __init__(self) -> None:
        super().__init__()
        self.conv_layers = nn.Sequential(_ConvStage(1, 10), _ConvStage(10, 20))
        self.fc_layers = _Head(self._features(), 100, N_CLASSES)
        self.loss_criterion = nn.CrossEntropyLoss()

    @torch.no_grad()
    def _features(self) -> int:
        return self.conv_layers(torch.empty(1, 1, 64, 64)).numel()

    def forward(self, x: Tensor) -> Tensor:
        return self.fc_layers(self.conv_layers(x))
