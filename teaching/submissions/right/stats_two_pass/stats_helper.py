"""Two passes over the files: first the mean, then the squared distances from it."""

# ruff: noqa: PTH112, PTH118, PTH207

import glob
import os

import numpy as np
from PIL import Image


def compute_mean_and_std(dir_name):
    if not os.path.isdir(dir_name):
        raise FileNotFoundError(f"{dir_name} is no folder")
    paths = []
    for ending in ("jpg", "jpeg", "png"):
        paths += glob.glob(os.path.join(dir_name, "**", "*." + ending), recursive=True)
    if len(paths) == 0:
        raise ValueError(f"no images in {dir_name}")

    total, count = 0.0, 0
    for path in paths:
        img = np.array(Image.open(path).convert("L"), dtype=np.float64) / 255.0
        total += img.sum()
        count += img.size
    mean = total / count

    squares = 0.0
    for path in paths:
        img = np.array(Image.open(path).convert("L"), dtype=np.float64) / 255.0
        squares += ((img - mean) ** 2).sum()
    return float(mean), float(np.sqrt(squares / (count - 1)))
