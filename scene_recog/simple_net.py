"""Part 1, step 1.2: SimpleNet, two convolutional stages and a small classifier."""

from __future__ import annotations

import torch
from torch import nn


class SimpleNet(nn.Module):
    """The network of the handout's figure 2: 56,895 parameters.

    A convolution of size k without padding shortens each side by k - 1; max-pooling by 3 divides
    it by 3 and keeps the strongest answer in each 3x3 block, so that a feature may move a little
    without being lost. Most weights (50,100) are in the first linear layer, not in the filters.

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
