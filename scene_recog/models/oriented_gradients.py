"""Oriented gradients: the features of computer vision before networks learned their own filters."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

from scene_recog.models.scene_net import ScenePyramidNet


class OrientedGradients(nn.Module):
    """Eight maps: how steeply the image gets brighter in each of eight directions.

    SIFT (Lowe 2004) and HOG (Dalal and Triggs 2005) describe an image by these, and so did the
    spatial pyramids of Lazebnik et al. 2006. As there, brightness and contrast are removed first:
    from each pixel, subtract the mean of its neighbourhood, and divide by its standard deviation
    (Jarrett et al. 2009, section 3.1). The square root at the end keeps strong edges from
    dominating (Arandjelovic and Zisserman 2012). Nothing in it is learned. Its receptive field of
    27x27 pixels is not counted by `scene-recog summary`, because its filters are not in modules.
    """

    directions: torch.Tensor
    bell: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        slope_x = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]) / 8  # Sobel
        filters = [
            math.cos(angle) * slope_x + math.sin(angle) * slope_x.T
            for angle in torch.arange(8).mul(math.pi / 4).tolist()
        ]
        self.register_buffer("directions", torch.stack(filters)[:, None], persistent=False)
        bell = torch.exp(-torch.arange(-6.0, 7.0).square() / (2 * 3.0**2))
        self.register_buffer("bell", (bell / bell.sum()).view(1, 1, 1, 13), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images [N, 1, H, W], normalized -> [N, 8, H, W], float32, about from 0 to 1."""
        with torch.autocast(x.device.type, enabled=False):  # it subtracts nearly equal values
            x = x.float()
            x = x - self._blurred(x)
            x = x / (self._blurred(x.square()) + 0.01).sqrt()
            slopes = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), self.directions)
            return slopes.clamp(min=1e-4).sqrt()

    def _blurred(self, x: torch.Tensor) -> torch.Tensor:
        x = F.pad(x, (6, 6, 6, 6), mode="reflect")
        return F.conv2d(F.conv2d(x, self.bell), self.bell.mT)  # along rows, then columns


class GradientPyramidNet(ScenePyramidNet):
    """ScenePyramidNet on the oriented gradients of an image instead of its pixels.

    It makes different mistakes than a net on pixels, so an ensemble of both is better than one of
    two equal nets.

    Args:
        width: maps of the first stage, w. 1,251,151 parameters at 32.

    Input [N, 1, H, W], normalized, output raw scores (logits) [N, 15].

    Raises:
        ValueError: width is not from 1 to 256.
    """

    def __init__(self, width: int = 24) -> None:
        super().__init__(width)
        self.conv_layers[0] = nn.Conv2d(8, width, 5, stride=2, padding=2, bias=False)
        self.conv_layers.insert(0, OrientedGradients())  # [N, 8, 96, 96]
        self.to(memory_format=torch.channels_last)
