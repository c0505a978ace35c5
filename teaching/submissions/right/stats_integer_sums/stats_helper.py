"""Exact sums of integers: sum and sum of squares of 0..255, scaled at the very end."""

# ruff: noqa: PTH110, PTH118

import math
import os
from fractions import Fraction

import numpy as np
from PIL import Image

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp")


def compute_mean_and_std(dir_name):
    if not os.path.exists(dir_name):
        raise FileNotFoundError(dir_name)
    n = s = s2 = 0
    for folder, _, files in os.walk(dir_name):
        for file in files:
            if file.lower().endswith(ENDINGS):
                with Image.open(os.path.join(folder, file)) as img:
                    values = np.asarray(img.convert("L")).astype(np.int64)
                n += values.size
                s += int(values.sum())
                s2 += int((values * values).sum())
    if n < 2:
        raise ValueError("no images in " + str(dir_name))
    variance = (s2 - Fraction(s * s, n)) / (n - 1)
    return s / n / 255, math.sqrt(variance) / 255
