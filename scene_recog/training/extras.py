"""Small parts that `Trainer` takes: averaged weights, mixed or growing images, decay by shape."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.swa_utils import AveragedModel
from torchvision.transforms import v2


def average_weights(model: nn.Module, decay: float) -> AveragedModel:
    """A copy of `model` that follows it: after each step, call its `update_parameters(model)`.

    It holds an exponential moving average of the weights and of batch norm's running statistics,
    which is smoother than the weights of any one step and generalizes better (Polyak and Juditsky
    1992; Tarvainen and Valpola 2017). After n updates the decay is (1 + n) / (10 + n) until it
    reaches `decay`, so that the random start is soon forgotten.

    Args:
        model: the network, on its device.
        decay: share of the old average that an update keeps, from 0 to below 1.
    """

    def move(
        averages: list[torch.Tensor], weights: list[torch.Tensor], num_averaged: torch.Tensor
    ) -> None:
        n = float(num_averaged)
        if averages[0].is_floating_point():
            torch._foreach_lerp_(averages, weights, 1 - min(decay, (1 + n) / (10 + n)))
        else:  # how many batches batch norm has seen
            for average, weight in zip(averages, weights, strict=True):
                average.copy_(weight)

    def move_without_gradient(*args: Any) -> None:
        with torch.no_grad():
            move(*args)

    return AveragedModel(model, multi_avg_fn=move_without_gradient, use_buffers=True)


def make_mixing(
    mixup: float, cutmix: float, num_classes: int
) -> Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]] | None:
    """Images [N, C, H, W] and labels [N] -> mixed images, and the classes' shares [N, num_classes].

    Each batch is mixed with itself, rolled by one: MixUp adds two images (Zhang et al. 2018),
    CutMix pastes a box of one into the other (Yun et al. 2019). If both are on, each batch gets
    either with equal chance.

    Args:
        mixup, cutmix: the parameter of the Beta distribution that the share is drawn from; 0: off.
        num_classes: number of classes.

    Returns:
        None if both are off.
    """
    mixes: list[Any] = []
    if mixup > 0:
        mixes.append(v2.MixUp(alpha=mixup, num_classes=num_classes))
    if cutmix > 0:
        mixes.append(v2.CutMix(alpha=cutmix, num_classes=num_classes))
    if not mixes:
        return None
    return mixes[0] if len(mixes) == 1 else v2.RandomChoice(mixes)


def growing_size(start: int, full: int, progress: float) -> int:
    """The side of the images when this share of the training is done, in pixels.

    It grows in steps of 16 (progressive resizing: Howard 2018, in fastai's entry to DAWNBench; Tan
    and Le 2021, section 4). An epoch at half the side takes a quarter of the time, and what is
    coarse can be learned from it. Each size gets as many pixels, so about as much time: the smaller
    ones get more epochs.

    Args:
        start: the side at first, in pixels.
        full: the side at last; if it is below `start`, there is no growth.
        progress: from 0 to 1.
    """
    sizes = [*range(start, full, 16), full]
    epochs = [1 / size**2 for size in sizes]
    for size, share_done in zip(sizes, itertools.accumulate(epochs), strict=True):
        if progress < share_done / sum(epochs):
            return size
    return full


def shrink(x: torch.Tensor, width: int) -> torch.Tensor:
    """Images [N, C, H, W] smoothed and made `width` wide, or as they are if they are no wider."""
    full_height, full_width = x.shape[-2:]
    if width >= full_width:
        return x
    height = max(1, round(full_height * width / full_width))
    return F.interpolate(x, (height, width), mode="bilinear", antialias=True)


def decay_matrices_only(optimizer: torch.optim.Optimizer) -> None:
    """Switch weight decay off for biases and for batch norm's scales and shifts.

    These are vectors, few, and not what overfits; a scale drawn to zero only slows learning (He et
    al. 2019, "Bag of tricks", section 3.1). The optimizer gets a second group of parameters.
    """
    for group in list(optimizer.param_groups):
        vectors = [p for p in group["params"] if p.ndim <= 1]
        if not vectors:
            continue
        group["params"] = [p for p in group["params"] if p.ndim > 1]
        options = {key: value for key, value in group.items() if key != "params"}
        optimizer.add_param_group({**options, "params": vectors, "weight_decay": 0.0})
