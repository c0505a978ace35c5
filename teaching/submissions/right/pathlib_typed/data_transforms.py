"""ToTensor before the random steps; tuples for the statistics; normalizing in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torchvision.transforms import (
    ColorJitter,
    Compose,
    Normalize,
    RandomHorizontalFlip,
    Resize,
    ToTensor,
)


def _steps(
    inp_size: tuple[int, int],
    augment: bool = False,
    stats: tuple[Sequence[float], Sequence[float]] | None = None,
) -> Compose:
    steps: list[Callable[[Any], Any]] = [Resize(size=inp_size, antialias=True), ToTensor()]
    if augment:
        steps += [RandomHorizontalFlip(0.5), ColorJitter(brightness=(0.7, 1.3))]
    if stats is not None:
        mean, std = stats
        steps.append(Normalize((float(mean[0]),), (float(std[0]),), inplace=True))
    return Compose(steps)


def get_fundamental_transforms(inp_size: tuple[int, int]) -> Compose:
    return _steps(inp_size)


def get_fundamental_augmentation_transforms(inp_size: tuple[int, int]) -> Compose:
    return _steps(inp_size, augment=True)


def get_fundamental_normalization_transforms(
    inp_size: tuple[int, int], pixel_mean: Sequence[float], pixel_std: Sequence[float]
) -> Compose:
    return _steps(inp_size, stats=(pixel_mean, pixel_std))


def get_all_transforms(
    inp_size: tuple[int, int], pixel_mean: Sequence[float], pixel_std: Sequence[float]
) -> Compose:
    return _steps(inp_size, augment=True, stats=(pixel_mean, pixel_std))
