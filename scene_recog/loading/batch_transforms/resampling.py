"""Resize and RandomResizedCrop: new pixels are weighted sums along one axis, then the other."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F

from scene_recog.loading.batch_transforms.sampling import draw_boxes, interpolation_of
from scene_recog.loading.batch_transforms.steps import (
    Apply,
    Stage,
    Step,
    UnsupportedTransform,
    batched,
    size_after,
)


@batched("Resize")
def _resize(transform: Any, stage: Stage) -> tuple[Step, Stage]:
    size = size_after(transform, stage.height, stage.width)
    resample = _resampler(transform, stage, size)
    whole = torch.tensor([[0.0, 0.0, stage.height, stage.width]])
    step = Step(lambda x, _: resample(x, whole.to(x.device).expand(len(x), 4)))
    return step, replace(stage, height=size[0], width=size[1])


@batched("RandomResizedCrop")
def _random_resized_crop(transform: Any, stage: Stage) -> tuple[Step, Stage]:
    """Szegedy et al. 2015, "Going deeper with convolutions", section 6."""
    height, width = stage.height, stage.width
    size = transform.size[0], transform.size[-1]
    # where no box fits, the largest central box that the ratio allows
    widest, tallest = round(height * max(transform.ratio)), round(width / min(transform.ratio))
    h, w = min(height, tallest), min(width, widest)
    middle = torch.tensor([(height - h) // 2, (width - w) // 2, h, w])

    def draw(n: int) -> torch.Tensor:
        boxes, found = draw_boxes(n, stage, transform.scale, transform.ratio, (1, height, width))
        return torch.where(found[:, None], boxes, middle)

    step = Step(_resampler(transform, stage, size), draw, 4)
    return step, replace(stage, height=size[0], width=size[1])


def _resampler(transform: Any, stage: Stage, size: tuple[int, int]) -> Apply:
    """images [N, C, H, W], boxes [N, 4] -> the boxes resized, [N, C, *size], bilinear.

    First along x, then along y, rounding each time, as Pillow does (for some sizes, newer Pillow
    starts with y, which can differ by one grey level).
    """
    if interpolation_of(transform) != "bilinear":
        name, mode = type(transform).__name__, interpolation_of(transform)
        raise UnsupportedTransform(name, f"{mode} has no exact batched form")
    antialias = stage.kind == "pil" or bool(transform.antialias)

    def round_(x: torch.Tensor) -> torch.Tensor:
        return x.add_(0.5).floor_() if stage.is_whole else x

    def resample(x: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
        n, c, height, width = x.shape
        m = n * c
        top, left, h, w = boxes.repeat_interleave(c, dim=0).unsqueeze(2).unbind(1)
        image = torch.arange(m, device=x.device)[:, None, None]
        # Transposed as one big matrix, which torch does fast: columns of all images as rows.
        columns = x.reshape(m * height, width).t().contiguous().float().view(width * m, height)
        taps, weights = _taps(left, w, width, size[1], antialias)
        columns = _sum_rows(columns, (taps * m + image).transpose(0, 1), weights.transpose(0, 1))
        rows = round_(columns).view(size[1], m * height).t().contiguous()
        taps, weights = _taps(top, h, height, size[0], antialias)
        rows = _sum_rows(rows, taps + image * height, weights)
        return round_(rows).view(n, c, *size)

    return resample


def _taps(
    start: torch.Tensor, length: torch.Tensor, num_in: int, num_out: int, antialias: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Which pixels along an axis make up each new one, and with what weights.

    The weights are a triangle about the new pixel's centre. Antialiasing stretches it over all
    the pixels that the new one covers.

    Args:
        start, length: [M, 1], the part of the axis to use.

    Returns:
        Indices (int64) and weights (float32, sum 1), both [M, num_out, taps].
    """
    centre = start + (torch.arange(num_out, device=start.device) + 0.5) * length / num_out
    reach = (length / num_out).clamp(min=1) if antialias else torch.ones_like(length)
    longest = max(1.0, num_in / num_out) if antialias else 1.0
    first = (centre - reach + 0.5).floor_().unsqueeze(2)
    taps = first + torch.arange(math.floor(2 * longest) + 1, device=start.device)
    distance = (taps + 0.5).sub_(centre.unsqueeze(2)).div_(reach.unsqueeze(2)).abs_()
    is_inside = (taps >= start.unsqueeze(2)) & (taps < (start + length).unsqueeze(2))
    weights = distance.neg_().add_(1).clamp_(min=0).mul_(is_inside)
    return taps.clamp_(0, num_in - 1).long(), weights.div_(weights.sum(dim=2, keepdim=True))


def _sum_rows(rows: torch.Tensor, index: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """rows [R, D], index and weights [.., .., T] -> [B, D], weighted sums of T rows each."""
    index, weights = index.reshape(-1, index.shape[2]), weights.reshape(-1, index.shape[2])
    if rows.device.type != "cpu" or not len(index):
        return _gather_rows(rows, index, weights)
    # An embedding bag computes this sum, on a CPU ten times as fast as dense matrices.
    return F.embedding_bag(index.int(), rows, per_sample_weights=weights, mode="sum")


def _gather_rows(rows: torch.Tensor, index: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    terms = [rows[index[:, t]] * weights[:, t, None] for t in range(index.shape[1])]
    return torch.stack(terms).sum(dim=0)
