from pathlib import Path

import numpy as np
from PIL import Image


def compute_mean_and_std(dir_name):
    x = np.concatenate([np.ravel(Image.open(p).convert("L")) for p in Path(dir_name).rglob("*.jpg")]) / 255
    return x.mean(), x.std(ddof=1)
