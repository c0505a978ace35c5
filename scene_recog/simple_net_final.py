"""Part 2, steps 2.3 to 2.5: SimpleNetFinal, deeper, with batch norm and dropout."""

from __future__ import annotations

import torch
from torch import nn


class SimpleNetFinal(nn.Module):
    """Deeper than SimpleNet, with batch norm and dropout.

    `conv_layers`: at least three convolutions. Batch norm comes after each of them (the last may
    go without), dropout before the last one.
    `fc_layers`: a head of two linear layers; the last one outputs the scores.
    `loss_criterion`: the mean cross-entropy.
    The numbers of maps and hidden units are for you to choose.

    *Batch norm* (Ioffe and Szegedy 2015). In training, each map is shifted and scaled to zero mean
    and unit variance over the batch and all positions, then given a learned scale and shift.
    Changes in lower layers no longer upset the layers above, so a deep net trains at a high
    learning rate. At test time there may be no batch: `model.eval()` uses running averages of mean
    and variance from training. The convolution before it needs no bias: the mean is subtracted.

    *Dropout* (Srivastava et al. 2014). In training, each value is zeroed with probability 0.5 and
    the others are doubled, so that the next layer sees the same expected sum as at test time, when
    nothing is dropped. No unit can rely on a single other one; the effect is like many nets voting.

    *Depth.* Each stage halves the sides and adds maps: later filters see larger parts of the image
    (edges, then windows, then facades). Averaging each map at the end tells how strongly a feature
    is present anywhere in the image, and needs no weights.

    Input [N, 1, 64, 64], output raw scores (logits) [N, 15].
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv_layers = nn.Sequential(  # [N, 1, 64, 64]
            nn.Conv2d(1, 16, kernel_size=5, stride=2, padding=2, bias=False),  # [N, 16, 32, 32]
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 32, kernel_size=3, padding=1, bias=False),  # [N, 32, 32, 32]
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.MaxPool2d(2),  # [N, 32, 16, 16]
            nn.Conv2d(32, 48, kernel_size=3, padding=1, bias=False),  # [N, 48, 16, 16]
            nn.BatchNorm2d(48),
            nn.ReLU(),
            nn.MaxPool2d(2),  # [N, 48, 8, 8]
            nn.Conv2d(48, 64, kernel_size=3, padding=1, bias=False),  # [N, 64, 8, 8]
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(2),  # [N, 64, 4, 4]
            nn.Dropout(p=0.5),
            nn.Conv2d(64, 96, kernel_size=3, padding=1, bias=False),  # [N, 96, 4, 4]
            nn.BatchNorm2d(96),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),  # [N, 96, 1, 1]
        )
        self.fc_layers = nn.Sequential(
            nn.Flatten(),  # [N, 96]
            nn.Linear(96, 64),
            nn.ReLU(),
            nn.Linear(64, 15),
        )
        self.loss_criterion = nn.CrossEntropyLoss(reduction="mean")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images float32 [N, 1, 64, 64] -> logits [N, 15]."""
        logits: torch.Tensor = self.fc_layers(self.conv_layers(x))
        return logits
