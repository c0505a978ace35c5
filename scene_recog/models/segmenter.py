"""Segmentation: a fully convolutional network, which gives each pixel a label."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class Segmenter(nn.Module):
    """A small fully convolutional network with skips (FCN, Long et al. 2015).

    Each of four stages halves the sides. Coarse maps know what there is, fine maps know where.
    1x1 convolutions turn the maps of every stage into scores; the coarsest scores are enlarged and
    added to the next finer ones, and so on. No layer asks for a size, so the network takes images
    of many sizes.

    Args:
        kinds: how many labels there are. 148,340 parameters at 13.

    Input [N, 1, H, W] with sides that are multiples of 16, output raw scores (logits)
    [N, kinds, H, W]. `loss_criterion`: the mean cross-entropy of all pixels.
    """

    def __init__(self, kinds: int) -> None:
        super().__init__()
        self.stages = nn.ModuleList(  # [N, 1, H, W]
            [
                _stage(1, 16),  # [N, 16, H / 2, W / 2]
                _stage(16, 32),  # [N, 32, H / 4, W / 4]
                _stage(32, 64),  # [N, 64, H / 8, W / 8]
                _stage(64, 64),  # [N, 64, H / 16, W / 16]
            ]
        )
        self.heads = nn.ModuleList(nn.Conv2d(maps, kinds, 1) for maps in (16, 32, 64, 64))
        self.loss_criterion = nn.CrossEntropyLoss()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images [N, 1, H, W] -> logits of each pixel [N, kinds, H, W]."""
        scores = []
        for stage, head in zip(self.stages, self.heads, strict=True):
            x = stage(x)
            scores.append(head(x))
        total = scores.pop()
        while scores:
            total = scores.pop() + _twice_as_large(total)
        return _twice_as_large(total)


def _stage(maps_in: int, maps_out: int) -> nn.Sequential:
    """Two 3x3 convolutions with batch norm and ReLU; the first halves the sides."""
    return nn.Sequential(
        nn.Conv2d(maps_in, maps_out, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(maps_out),
        nn.ReLU(),
        nn.Conv2d(maps_out, maps_out, 3, padding=1, bias=False),
        nn.BatchNorm2d(maps_out),
        nn.ReLU(),
    )


def _twice_as_large(maps: torch.Tensor) -> torch.Tensor:
    return F.interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)
