"""Exact sums of integers: sum and sum of squares of 0..255, scaled at the very end."""

import math
import os
from fractions import Fraction

from PIL import Image

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp")


def compute_mean_and_std(dir_name):
    if not os.path.exists(dir_name):
        raise FileNotFoundError(dir_name)
    n = 0
    s = 0
    s2 = 0
    for folder, _, files in os.walk(dir_name):
        print("reading", folder)
        for file in files:
            if file.lower().endswith(ENDINGS):
                img = Image.open(os.path.join(folder, file)).convert("L")
                counts = img.histogram()
                for value in range(256):
                    n += counts[value]
                    s += counts[value] * value
                    s2 += counts[value] * value * value
    if n < 2:
        raise ValueError("no images in " + str(dir_name))
    variance = (s2 - Fraction(s * s, n)) / (n - 1)
    print("pixels:", n)
    return [s / n / 255, math.sqrt(variance) / 255]
