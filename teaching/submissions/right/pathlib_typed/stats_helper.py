"""The law of total variance: what is within the images, and what is between them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image


class _Summary(NamedTuple):
    size: int
    mean: float
    variance: float


def compute_mean_and_std(dir_name: str | Path) -> tuple[float, float]:
    """Mean and sample standard deviation of all gray values in [0, 1]."""
    summaries: list[_Summary] = [_summarize(pixels) for pixels in _read_all(Path(dir_name))]
    n = sum(s.size for s in summaries)
    mean = math.fsum(s.size * s.mean for s in summaries) / n
    within = math.fsum(s.size * s.variance for s in summaries)
    between = math.fsum(s.size * (s.mean - mean) ** 2 for s in summaries)
    return mean, math.sqrt((within + between) / (n - 1))


def _read_all(root: Path) -> Iterator[npt.NDArray[np.float64]]:
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() in {".jpg", ".jpeg", ".png"}:
            with path.open("rb") as file, Image.open(file) as image:
                yield np.array(image.convert("L"), dtype=np.float64) / 255


def _summarize(pixels: npt.NDArray[np.float64]) -> _Summary:
    return _Summary(pixels.size, float(pixels.mean()), float(pixels.var()))
