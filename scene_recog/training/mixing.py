"""Mix training images with each other, or let them grow during training."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torchvision.transforms import v2

Mix = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]


def make_mixing(mixup: float, cutmix: float, num_classes: int) -> Mix:
    """Images [N, C, H, W] and labels [N] -> mixed images, class probabilities [N, num_classes].

    Each batch is mixed with itself, rolled by one: MixUp adds two images (Zhang et al. 2018),
    CutMix pastes a box of one into the other (Yun et al. 2019). If both are on, each batch uses one
    of them with equal probability. If both are off, images and labels are returned unchanged.

    Args:
        mixup, cutmix: parameter of the Beta distribution of the mixing ratio; 0: off.
        num_classes: number of classes.
    """
    mixes: list[Any] = []
    if mixup > 0:
        mixes.append(v2.MixUp(alpha=mixup, num_classes=num_classes))
    if cutmix > 0:
        mixes.append(v2.CutMix(alpha=cutmix, num_classes=num_classes))
    if not mixes:
        return lambda images, labels: (images, labels)
    mix: Mix = mixes[0] if len(mixes) == 1 else v2.RandomChoice(mixes)
    return mix


class Growth:
    """Images that grow during training (progressive resizing: Howard 2018, in fastai's entry to
    DAWNBench; Tan and Le 2021, section 4).

    An epoch at half the side takes a quarter of the time, and is enough to learn coarse features.

    Args:
        start_size: the initial side in pixels; None: the images keep their size.
    """

    def __init__(self, start_size: int | None) -> None:
        self.start_size = start_size

    def __call__(self, images: torch.Tensor, progress: float) -> torch.Tensor:
        """Images [N, C, H, W] at the size for this progress of the training, from 0 to 1."""
        if self.start_size is None:
            return images
        size = growing_size(self.start_size, images.shape[-1], progress)
        return shrink(images, size)


def growing_size(start: int, full: int, progress: float) -> int:
    """The side of the images in pixels at this progress of the training.

    Args:
        start: the initial side in pixels.
        full: the final side; if it is below `start`, there is no growth.
        progress: from 0 to 1.
    """
    shares = shares_of_sizes(start, full)
    for size, share_done in zip(shares, itertools.accumulate(shares.values()), strict=True):
        if progress < share_done:
            return size
    return full


def shares_of_sizes(start: int, full: int) -> dict[int, float]:
    """The sides in pixels, in steps of 16, and the share of the epochs that each gets.

    Each gets the same number of pixels, so about the same time: smaller sizes get more epochs.

    Args:
        start, full: as for `growing_size`.
    """
    sizes = [*range(start, full, 16), full]
    epochs = [1 / size**2 for size in sizes]
    return {size: each / sum(epochs) for size, each in zip(sizes, epochs, strict=True)}


def shrink(x: torch.Tensor, width: int) -> torch.Tensor:
    """Images [N, C, H, W] smoothed and resized to `width`; unchanged if they are no wider."""
    full_height, full_width = x.shape[-2:]
    if width >= full_width:
        return x
    height = max(1, round(full_height * width / full_width))
    return F.interpolate(x, (height, width), mode="bilinear", antialias=True)
