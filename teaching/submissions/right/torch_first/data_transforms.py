"""Mirror the image, resize, convert, jitter the tensor; strong contrast; statistics as tensors."""

import torch
from torchvision import transforms
from torchvision.transforms import InterpolationMode


def get_fundamental_transforms(inp_size):
    fundamental = transforms.Compose([])
    fundamental.transforms.append(transforms.Resize(inp_size, InterpolationMode.BILINEAR))
    fundamental.transforms.append(transforms.ToTensor())
    return fundamental


def get_fundamental_augmentation_transforms(inp_size):
    augmented = get_fundamental_transforms(inp_size)
    augmented.transforms.insert(0, transforms.RandomHorizontalFlip(p=0.5))
    augmented.transforms.append(transforms.ColorJitter(brightness=0.6, contrast=0.5))
    return augmented


def get_fundamental_normalization_transforms(inp_size, pixel_mean, pixel_std):
    normalized = get_fundamental_transforms(inp_size)
    normalized.transforms.append(_normalize(pixel_mean, pixel_std))
    return normalized


def get_all_transforms(inp_size, pixel_mean, pixel_std):
    both = get_fundamental_augmentation_transforms(inp_size)
    both.transforms.append(_normalize(pixel_mean, pixel_std))
    return both


def _normalize(mean, std):
    return transforms.Normalize(torch.tensor(mean), torch.tensor(std))
