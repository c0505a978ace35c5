"""ToTensor before the random steps; tuples for the statistics; normalizing in place."""

from torchvision.transforms import (
    ColorJitter,
    Compose,
    Normalize,
    RandomHorizontalFlip,
    Resize,
    ToTensor,
)


def _steps(inp_size, augment=False, stats=None):
    steps = [Resize(size=inp_size, antialias=True), ToTensor()]
    if augment:
        steps += [RandomHorizontalFlip(0.5), ColorJitter(brightness=(0.7, 1.3))]
    if stats is not None:
        mean, std = stats
        steps.append(Normalize((float(mean[0]),), (float(std[0]),), inplace=True))
    return Compose(steps)


def get_fundamental_transforms(inp_size):
    return _steps(inp_size)


def get_fundamental_augmentation_transforms(inp_size):
    return _steps(inp_size, augment=True)


def get_fundamental_normalization_transforms(inp_size, pixel_mean, pixel_std):
    return _steps(inp_size, stats=(pixel_mean, pixel_std))


def get_all_transforms(inp_size, pixel_mean, pixel_std):
    return _steps(inp_size, augment=True, stats=(pixel_mean, pixel_std))
