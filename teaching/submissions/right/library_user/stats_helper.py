import os

import numpy as np
from torch.utils.data import ConcatDataset, DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder


def compute_mean_and_std(dir_name):
    """The histogram of all gray values, from torchvision's own dataset."""
    to_gray = transforms.Compose([transforms.Grayscale(), transforms.PILToTensor()])
    splits = [ImageFolder(os.path.join(dir_name, s), to_gray) for s in ("train", "test")]
    bins = np.arange(257)
    counts = np.zeros(256)
    # The images have different sizes, so one at a time
    for img, _ in DataLoader(ConcatDataset(splits), batch_size=1):
        counts += np.histogram(img.numpy(), bins=bins)[0]
    levels = bins[:256] / 255
    mean = np.average(levels, weights=counts)
    variance = np.average((levels - mean) ** 2, weights=counts)
    return mean, np.sqrt(variance * counts.sum() / (counts.sum() - 1))
