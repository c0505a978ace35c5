"""Utilities for computing dataset-level pixel statistics.

This module provides a single public function, :func:`compute_mean_and_std`, which computes the
mean and the (unbiased) sample standard deviation of every pixel of every image found below a
directory. The values are suitable for ``torchvision.transforms.Normalize``.

The implementation is a numerically stable streaming algorithm: at no point is more than one
image held in memory.
"""

from __future__ import annotations

import logging
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Tuple, Union

import numpy as np
from PIL import Image, UnidentifiedImageError

logger = logging.getLogger(__name__)

#: File extensions (lower case) that are recognized as images.
SUPPORTED_EXTENSIONS: Tuple[str, ...] = (".jpg", ".jpeg", ".png", ".bmp")

#: The largest value of an 8-bit grayscale pixel.
MAX_PIXEL_VALUE: float = 255.0

#: PIL's name of the grayscale mode.
GRAYSCALE_MODE: str = "L"


@dataclass
class RunningStatistics:
    """Accumulates mean and variance incrementally.

    Attributes:
        count: The number of values that have been seen so far.
        mean: The mean of the values that have been seen so far.
        sum_of_squares: The sum of squared differences from the mean.
    """

    count: int = 0
    mean: float = 0.0
    sum_of_squares: float = 0.0

    def update(self, values: np.ndarray) -> None:
        """Adds an array of values.

        Args:
            values: A non-empty array of any shape.

        Raises:
            ValueError: If the array is empty.
        """
        if values.size == 0:
            raise ValueError("Cannot update the statistics with an empty array.")
        other = RunningStatistics(
            count=int(values.size),
            mean=float(values.mean(dtype=np.float64)),
            sum_of_squares=float(values.var(dtype=np.float64) * values.size),
        )
        self.merge(other)

    def merge(self, other: "RunningStatistics") -> None:
        """Merges other statistics into these (parallel variant of Welford's algorithm)."""
        total = self.count + other.count
        difference = other.mean - self.mean
        self.sum_of_squares += other.sum_of_squares
        self.sum_of_squares += difference**2 * self.count * other.count / total
        self.mean += difference * other.count / total
        self.count = total

    @property
    def standard_deviation(self) -> float:
        """The unbiased sample standard deviation (Bessel's correction).

        Raises:
            ValueError: If fewer than two values have been seen.
        """
        if self.count < 2:
            raise ValueError("At least two values are required for a standard deviation.")
        return math.sqrt(self.sum_of_squares / (self.count - 1))


def compute_mean_and_std(dir_name: Union[str, os.PathLike]) -> Tuple[float, float]:
    """Computes the mean and standard deviation of all images below a directory.

    Args:
        dir_name: The root directory of the dataset. It is searched recursively.

    Returns:
        A tuple ``(mean, std)`` of two floats, where pixel values are in ``[0, 1]``.

    Raises:
        TypeError: If ``dir_name`` is not a path.
        FileNotFoundError: If the directory does not exist.
        ValueError: If no images are found, or an image cannot be read.
    """
    # Step 1: Validate the input.
    if not isinstance(dir_name, (str, os.PathLike)):
        raise TypeError(f"dir_name must be a path, but got {type(dir_name).__name__}.")
    root = Path(dir_name)
    if not root.is_dir():
        raise FileNotFoundError(f"The directory does not exist: {root}")

    # Step 2: Accumulate the statistics.
    statistics = RunningStatistics()
    for path in _find_images(root):
        statistics.update(_load_normalized(path))
    if statistics.count == 0:
        raise ValueError(f"No images were found in {root}.")

    # Step 3: Return the results.
    logger.debug("Processed %d pixels below %s.", statistics.count, root)
    return statistics.mean, statistics.standard_deviation


def _find_images(root: Path) -> Iterable[Path]:
    """Yields all image files below ``root`` in a deterministic order."""
    for current, directories, files in os.walk(root):
        directories.sort()
        for file in sorted(files):
            if os.path.splitext(file)[1].lower() in SUPPORTED_EXTENSIONS:
                yield Path(current) / file


def _load_normalized(path: Path) -> np.ndarray:
    """Loads one image as grayscale values in ``[0, 1]``."""
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert(GRAYSCALE_MODE)) / MAX_PIXEL_VALUE
    except (UnidentifiedImageError, OSError) as error:
        raise ValueError(f"Failed to read the image {path}: {error}") from error
