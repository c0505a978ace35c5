"""Part 1, step 1.2: SimpleNet, two convolutional stages and a small classifier."""

from __future__ import annotations

import torch
from torch import nn


class SimpleNet(nn.Module):
    """The network of the handout's figure 2: 56,895 parameters.

    `conv_layers`: convolution 5x5 to 10 maps (60x60), max-pool 3x3 (20x20), ReLU,
    convolution 5x5 to 20 maps (16x16), max-pool 3x3 (5x5), ReLU.
    `fc_layers`: flatten to 500 values, linear to 100, ReLU, linear to 15.
    `loss_criterion`: the mean cross-entropy.

    A convolution of size k without padding shortens each side by k - 1; max-pooling by k divides
    it by k, rounded down, and keeps the strongest response in each block, so a feature may move a
    little without being lost. Most weights are in the first linear layer, not in the filters.

    Input [N, 1, 64, 64], output raw scores (logits) [N, 15]. There is no softmax at the end:
    cross-entropy applies it itself, in a form that does not overflow.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv_layers = nn.Sequential(  # [N, 1, 64, 64]
            nn.Conv2d(1, 10, kernel_size=5),  # [N, 10, 60, 60]
            nn.MaxPool2d(3),  # [N, 10, 20, 20]
            nn.ReLU(),
            nn.Conv2d(10, 20, kernel_size=5),  # [N, 20, 16, 16]
            nn.MaxPool2d(3),  # [N, 20, 5, 5]
            nn.ReLU(),
        )
        self.fc_layers = nn.Sequential(
            nn.Flatten(),  # [N, 500]
            nn.Linear(500, 100),
            nn.ReLU(),
            nn.Linear(100, 15),
        )
        self.loss_criterion = nn.CrossEntropyLoss(reduction="mean")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images float32 [N, 1, 64, 64] -> logits [N, 15]."""
        logits: torch.Tensor = self.fc_layers(self.conv_layers(x))
        return logits
