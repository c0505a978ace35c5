"""Denoising: a network that estimates the noise in an image."""

from __future__ import annotations

import torch
from torch import nn


class Denoiser(nn.Module):
    """A small DnCNN (Zhang et al. 2017): it predicts the noise, and subtracts it from the image.

    Noise is easier to predict than the image: where nothing can be removed, the prediction is zero.
    The last layer starts at zero, so the untrained network returns its input. There is no pooling,
    because every pixel has to be kept; the receptive field is 13x13 pixels. DnCNN has 17 to 20
    layers of 64 maps, with batch norm.

    Args:
        width: maps of each layer between the first and the last. 9,584 parameters at 16.
        depth: convolutions.

    Input [N, 1, H, W] in [0, 1] plus noise, output [N, 1, H, W]. `loss_criterion`: the mean squared
    error.
    """

    def __init__(self, width: int = 16, depth: int = 6) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(1, width, 3, padding=1), nn.ReLU()]
        for _ in range(depth - 2):
            layers += [nn.Conv2d(width, width, 3, padding=1), nn.ReLU()]
        last = nn.Conv2d(width, 1, 3, padding=1, bias=False)
        nn.init.zeros_(last.weight)
        self.conv_layers = nn.Sequential(*layers, last)
        self.loss_criterion = nn.MSELoss()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Noisy images [N, 1, H, W] -> denoised images [N, 1, H, W]."""
        noise: torch.Tensor = self.conv_layers(x)
        return x - noise
