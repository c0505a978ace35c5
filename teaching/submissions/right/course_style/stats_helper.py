import glob
import os

import numpy as np
from PIL import Image


def compute_mean_and_std(dir_name):
    """
    Computes the mean and the standard deviation of the pixels of all images
    below a directory.

    The images are converted to grayscale and scaled to [0, 1] first. There are
    two passes over the files: first the mean, then the squared distances from it.

    Args:
    - dir_name: the path of the root directory

    Returns:
    - mean: mean value of the gray color channel for the dataset
    - std: standard deviation of the gray color channel for the dataset
    """
    mean = None
    std = None

    ############################################################################
    # Student code begin
    ############################################################################

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
    std = np.sqrt(squares / (count - 1))

    ############################################################################
    # Student code end
    ############################################################################

    return float(mean), float(std)
