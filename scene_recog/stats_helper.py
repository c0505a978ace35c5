"""Step 2.2: mean and standard deviation of a dataset's pixels, for normalization."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from scene_recog.datasets.images import images_below, read_grayscale


def compute_mean_and_std(dir_name: str | Path) -> tuple[float, float]:
    """Mean and standard deviation over every pixel of every image below a folder.

    The images are read in grayscale, at their own resolution, scaled to [0, 1]. A pixel has one of
    256 grey levels, so both figures follow from how often each level occurs. Only 256 exact counts
    and one image are in memory at a time, whatever the size of the dataset.

        n = sum of counts            mean = sum(count * level) / n
                                     variance = sum(count * (level - mean)^2) / (n - 1)

    Args:
        dir_name: a folder, searched with all its subfolders.

    Returns:
        (mean, std): std is the sample standard deviation, hence the n - 1.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: it holds no image, or a damaged one, which the message names.
    """
    folder = Path(dir_name).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder {folder}: name a folder that holds images")

    counts = np.zeros(256, dtype=np.int64)
    for path in images_below(folder):
        counts += np.asarray(read_grayscale(path).histogram())

    n = int(counts.sum())
    if n < 2:
        raise ValueError(f"no images below {folder}: expected {folder}/.../*.jpg")
    levels = np.arange(256) / 255
    mean = float(counts @ levels) / n
    variance = float(counts @ (levels - mean) ** 2) / (n - 1)
    return mean, math.sqrt(variance)
