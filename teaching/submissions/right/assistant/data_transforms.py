"""Image transforms for training and evaluation.

The four public functions of this module return :class:`torchvision.transforms.v2.Compose` objects
which convert a grayscale PIL image into a tensor. All of them are assembled by one private builder,
so that the order of the steps is the same everywhere:

1. ``Resize``
2. ``RandomHorizontalFlip`` and ``ColorJitter`` (training only)
3. ``ToImage`` and ``ToDtype``
4. ``Normalize`` (optional)
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import Any, Iterator, Optional, Sequence, Tuple

import torch
from torchvision.transforms import v2

logger = logging.getLogger(__name__)

#: The probability that an image is mirrored.
DEFAULT_FLIP_PROBABILITY: float = 0.5

#: The strength of the brightness jitter.
DEFAULT_BRIGHTNESS: float = 0.3

#: The strength of the contrast jitter.
DEFAULT_CONTRAST: float = 0.3


@dataclass(frozen=True)
class AugmentationConfig:
    """Configuration of the data augmentation.

    Attributes:
        flip_probability: The probability that an image is mirrored, between 0 and 1.
        brightness: The strength of the brightness jitter.
        contrast: The strength of the contrast jitter.
    """

    flip_probability: float = DEFAULT_FLIP_PROBABILITY
    brightness: float = DEFAULT_BRIGHTNESS
    contrast: float = DEFAULT_CONTRAST

    def __post_init__(self) -> None:
        """Validates the configuration."""
        if not 0.0 <= self.flip_probability <= 1.0:
            raise ValueError("flip_probability must be between 0 and 1.")
        if self.brightness < 0 or self.contrast < 0:
            raise ValueError("Jitter strengths must not be negative.")


@dataclass(frozen=True)
class NormalizationConfig:
    """Mean and standard deviation of the pixels, one value per channel."""

    mean: Tuple[float, ...]
    std: Tuple[float, ...]

    @classmethod
    def from_sequences(
        cls, mean: Sequence[float], std: Sequence[float]
    ) -> "NormalizationConfig":
        """Creates the configuration from any two sequences of numbers.

        Raises:
            ValueError: If the lengths differ, or a value is not usable.
        """
        if len(mean) != len(std):
            raise ValueError(f"Got {len(mean)} means but {len(std)} standard deviations.")
        config = cls(tuple(float(m) for m in mean), tuple(float(s) for s in std))
        if not all(math.isfinite(value) for value in config.mean + config.std):
            raise ValueError("Mean and standard deviation must be finite.")
        if min(config.std) <= 0:
            raise ValueError("The standard deviation must be positive.")
        return config


def get_fundamental_transforms(inp_size: Tuple[int, int]) -> v2.Compose:
    """Returns the transforms that every image needs.

    Args:
        inp_size: The input size of the network as ``(height, width)``.
    """
    return _build(inp_size)


def get_fundamental_augmentation_transforms(inp_size: Tuple[int, int]) -> v2.Compose:
    """Returns the fundamental transforms with data augmentation.

    Args:
        inp_size: The input size of the network as ``(height, width)``.
    """
    return _build(inp_size, augmentation=AugmentationConfig())


def get_fundamental_normalization_transforms(
    inp_size: Tuple[int, int], pixel_mean: Sequence[float], pixel_std: Sequence[float]
) -> v2.Compose:
    """Returns the fundamental transforms with normalization.

    Args:
        inp_size: The input size of the network as ``(height, width)``.
        pixel_mean: The mean of the pixels, one value per channel.
        pixel_std: The standard deviation of the pixels, one value per channel.
    """
    normalization = NormalizationConfig.from_sequences(pixel_mean, pixel_std)
    return _build(inp_size, normalization=normalization)


def get_all_transforms(
    inp_size: Tuple[int, int], pixel_mean: Sequence[float], pixel_std: Sequence[float]
) -> v2.Compose:
    """Returns the transforms for training: augmentation and normalization.

    Args:
        inp_size: The input size of the network as ``(height, width)``.
        pixel_mean: The mean of the pixels, one value per channel.
        pixel_std: The standard deviation of the pixels, one value per channel.
    """
    normalization = NormalizationConfig.from_sequences(pixel_mean, pixel_std)
    return _build(inp_size, augmentation=AugmentationConfig(), normalization=normalization)


def _build(
    inp_size: Tuple[int, int],
    augmentation: Optional[AugmentationConfig] = None,
    normalization: Optional[NormalizationConfig] = None,
) -> v2.Compose:
    """Assembles the pipeline."""
    if len(inp_size) != 2 or min(inp_size) < 1:
        raise ValueError(f"inp_size must be (height, width), but got {inp_size}.")
    pipeline = v2.Compose(list(_iterate_steps(inp_size, augmentation, normalization)))
    logger.debug("Built the pipeline %s.", pipeline)
    return pipeline


def _iterate_steps(
    inp_size: Tuple[int, int],
    augmentation: Optional[AugmentationConfig],
    normalization: Optional[NormalizationConfig],
) -> Iterator[Any]:
    """Yields the steps in their order."""
    yield v2.Resize(inp_size)
    if augmentation is not None:
        yield v2.RandomHorizontalFlip(p=augmentation.flip_probability)
        yield v2.ColorJitter(
            brightness=augmentation.brightness, contrast=augmentation.contrast
        )
    yield v2.ToImage()
    yield v2.ToDtype(torch.float32, scale=True)
    if normalization is not None:
        yield v2.Normalize(mean=normalization.mean, std=normalization.std)
