"""Welford's method, an image at a time (Chan et al. 1983)."""

from pathlib import Path

import torch
from PIL import Image
from torchvision.transforms.functional import to_tensor


def compute_mean_and_std(dir_name):
    folder = Path(dir_name).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder {folder}")
    count = torch.zeros((), dtype=torch.float64)
    mean, m2 = torch.zeros_like(count), torch.zeros_like(count)
    for path in sorted(folder.rglob("*.[jJpP][pPnN]*[gG]")):  # .jpg, .jpeg, .png
        pixels = to_tensor(Image.open(path).convert("L")).to(torch.float64).flatten()
        n = pixels.numel()
        delta = pixels.mean() - mean
        m2 += ((pixels - pixels.mean()) ** 2).sum() + delta**2 * count * n / (count + n)
        mean += delta * n / (count + n)
        count += n
    if count == 0:
        raise ValueError(f"no image below {folder}")
    return mean, torch.sqrt(m2 / (count - 1))
