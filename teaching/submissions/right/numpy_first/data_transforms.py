"""Bicubic resizing of the tensor; the statistics are numpy arrays."""

import numpy as np
from torchvision.transforms import (
    ColorJitter,
    Compose,
    InterpolationMode,
    Normalize,
    RandomHorizontalFlip,
    Resize,
    ToTensor,
)


def _resize(inp_size):
    height, width = np.asarray(inp_size).tolist()
    return Resize((height, width), interpolation=InterpolationMode.BICUBIC)


def _normalize(pixel_mean, pixel_std):
    mean, std = np.array([pixel_mean, pixel_std], dtype=np.float32).reshape(2, -1)
    return Normalize(mean=mean, std=std)


def _jitter():
    low, high = np.exp([-0.3, 0.3])
    return ColorJitter(brightness=(float(low), float(high)), contrast=(float(low), float(high)))


def get_fundamental_transforms(inp_size):
    return Compose([ToTensor(), _resize(inp_size)])


def get_fundamental_augmentation_transforms(inp_size):
    return Compose([RandomHorizontalFlip(), ToTensor(), _resize(inp_size), _jitter()])


def get_fundamental_normalization_transforms(inp_size, pixel_mean, pixel_std):
    return Compose([ToTensor(), _normalize(pixel_mean, pixel_std), _resize(inp_size)])


def get_all_transforms(inp_size, pixel_mean, pixel_std):
    steps = get_fundamental_augmentation_transforms(inp_size).transforms
    return Compose(np.append(steps, _normalize(pixel_mean, pixel_std)).tolist())
