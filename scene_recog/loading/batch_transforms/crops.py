"""Flips, crops, padding and erasing: pixels move or are covered, none are computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torchvision import transforms as v1
from torchvision.transforms import functional as tv
from torchvision.transforms import v2

from scene_recog.loading.batch_transforms.sampling import draw_boxes, fill_of, integers, one_number
from scene_recog.loading.batch_transforms.steps import (
    Stage,
    Step,
    UnsupportedTransform,
    batched,
    chain,
    size_after,
)


@batched("RandomHorizontalFlip", "RandomVerticalFlip")
def _random_flip(transform: Any, stage: Stage) -> tuple[Step, Stage]:
    axis = 3 if type(transform).__name__ == "RandomHorizontalFlip" else 2

    def apply(x: torch.Tensor, flipped: torch.Tensor) -> torch.Tensor:
        # Compute both versions and pick one for each image: four times as fast as torch.where
        pick = torch.arange(len(x), device=x.device) + len(x) * flipped[:, 0].long()
        return torch.cat([x, x.flip(axis)]).index_select(0, pick)

    return Step(apply, lambda n: torch.rand(n, 1) < transform.p, 1), stage


@batched("RandomCrop")
def _random_crop(transform: Any, stage: Stage) -> tuple[Step, Stage]:
    new_height, new_width = transform.size
    steps = []
    if transform.padding is not None:
        padding = transform.padding
        if isinstance(transform, v2.RandomCrop):  # stored as left, right, top, bottom
            padding = [padding[0], padding[2], padding[1], padding[3]]
        step, stage = _pad_by(padding, transform, stage)
        steps.append(step)
    if transform.pad_if_needed:
        missing = max(0, new_width - stage.width), max(0, new_height - stage.height)
        step, stage = _pad_by(missing, transform, stage)
        steps.append(step)
    room_y, room_x = stage.height - new_height, stage.width - new_width
    if room_y < 0 or room_x < 0:
        raise UnsupportedTransform(
            "RandomCrop", f"{transform.size} is larger than {(stage.height, stage.width)}"
        )

    def draw(n: int) -> torch.Tensor:
        return torch.stack([integers(n, room_y), integers(n, room_x)], dim=1)

    def crop(x: torch.Tensor, corners: torch.Tensor) -> torch.Tensor:
        top, left = corners.long().unbind(1)
        windows = x.unfold(2, new_height, 1).unfold(3, new_width, 1)  # a view of all crops
        return windows[torch.arange(len(x), device=x.device), :, top, left]

    stage = replace(stage, height=new_height, width=new_width)
    return chain([*steps, Step(crop, draw, 2)]), stage


@batched("CenterCrop")
def _center_crop(transform: Any, stage: Stage) -> tuple[Step, Stage]:
    height, width = size_after(transform, stage.height, stage.width)
    step = Step(lambda x, _: tv.center_crop(x, [height, width]))
    return step, replace(stage, height=height, width=width)


@batched("Pad")
def _pad(transform: Any, stage: Stage) -> tuple[Step, Stage]:
    return _pad_by(transform.padding, transform, stage)


def _pad_by(padding: int | Sequence[int], transform: Any, stage: Stage) -> tuple[Step, Stage]:
    fill, mode = fill_of(transform) or 0.0, transform.padding_mode
    fill = float(int(fill)) if stage.is_whole else fill  # PIL and uint8 both truncate it
    padding = [padding] if isinstance(padding, int) else list(padding)
    is_far = mode != "constant" and max(padding) >= min(stage.height, stage.width)
    if min(padding) < 0 or is_far:
        raise UnsupportedTransform(type(transform).__name__, f"padding={padding} is not batched")
    height, width = size_after(v1.Pad(padding), stage.height, stage.width)
    step = Step(lambda x, _: tv.pad(x, padding, fill, mode))
    return step, replace(stage, height=height, width=width)


@batched("RandomErasing")
def _random_erasing(transform: Any, stage: Stage) -> tuple[Step, Stage]:
    """Zhong et al. 2017, "Random Erasing Data Augmentation"."""
    height, width = stage.height, stage.width
    is_noise = transform.value in (None, "random")
    if stage.kind == "pil" or (is_noise and (stage.is_whole or stage.channels > 1)):
        raise UnsupportedTransform("RandomErasing", "it needs a float tensor of one channel")
    value = 0.0 if is_noise else one_number(transform, "value", transform.value)
    value = float(int(value)) if stage.is_whole else value
    ratio = [1 / r for r in reversed(transform.ratio)]  # here it is height over width

    def draw(n: int) -> torch.Tensor:
        boxes, found = draw_boxes(n, stage, transform.scale, ratio, (0, height - 1, width - 1))
        boxes[:, 2].mul_(found & (torch.rand(n) < transform.p))  # no height: nothing is erased
        return torch.cat([boxes, torch.randn(n, height * width if is_noise else 0)], dim=1)

    def apply(x: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        top, left, h, w = parameters[:, :4].t().reshape(4, -1, 1, 1)
        rows = torch.arange(height, device=x.device)[:, None]
        columns = torch.arange(width, device=x.device)
        is_inside = (rows >= top) & (rows < top + h) & (columns >= left) & (columns < left + w)
        fill = parameters[:, 4:].reshape(-1, 1, height, width) if is_noise else value
        return torch.where(is_inside.unsqueeze(1), fill, x)

    return Step(apply, draw, 4 + is_noise * height * width), stage
