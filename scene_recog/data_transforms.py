"""Steps 1.1, 2.1 and 2.2: from a PIL image to the tensor that the network sees.

Each function returns a `torchvision.transforms.Compose`. The order matters: geometry and jitter
work on the image, `ToTensor` turns 0..255 into 0..1, and `Normalize` comes last because it is
defined on the tensor.
"""

from __future__ import annotations

from collections.abc import Sequence

from torchvision import transforms


def get_fundamental_transforms(inp_size: tuple[int, int]) -> transforms.Compose:
    """Resize and convert: what every image needs (step 1.1).

    Args:
        inp_size: (H, W) of the network's input, in pixels.

    Returns:
        PIL image -> float32 tensor [1, H, W], values in [0, 1].
    """
    return transforms.Compose([transforms.Resize(_checked(inp_size)), transforms.ToTensor()])


def get_fundamental_augmentation_transforms(inp_size: tuple[int, int]) -> transforms.Compose:
    """The fundamental transforms with random mirroring and jitter (step 2.1). For training only.

    2,985 images are few. A mirrored kitchen is still a kitchen, and so is a brighter one. A new
    random variant each time an image is read keeps the network from memorizing single images
    (Krizhevsky et al. 2012, section 4.1).

    Args:
        inp_size: (H, W) of the network's input, in pixels.

    Returns:
        PIL image -> float32 tensor [1, H, W], values in [0, 1], different at every call.
    """
    return transforms.Compose(
        [
            transforms.Resize(_checked(inp_size)),
            transforms.RandomHorizontalFlip(p=0.5),
            transforms.ColorJitter(brightness=0.2, contrast=0.2),
            transforms.ToTensor(),
        ]
    )


def get_fundamental_normalization_transforms(
    inp_size: tuple[int, int], pixel_mean: Sequence[float], pixel_std: Sequence[float]
) -> transforms.Compose:
    """The fundamental transforms, then (x - mean) / std (step 2.2). For validation and test.

    Centred inputs of unit variance make the loss surface rounder, so one learning rate suits all
    weights (LeCun et al. 1998, "Efficient BackProp", section 4.3).

    Args:
        inp_size: (H, W) of the network's input, in pixels.
        pixel_mean, pixel_std: one number each, of pixels in [0, 1] (see `stats_helper`).

    Returns:
        PIL image -> float32 tensor [1, H, W], about zero mean and unit variance over the dataset.
    """
    return transforms.Compose(
        [
            transforms.Resize(_checked(inp_size)),
            transforms.ToTensor(),
            transforms.Normalize(mean=pixel_mean, std=pixel_std),
        ]
    )


def get_all_transforms(
    inp_size: tuple[int, int], pixel_mean: Sequence[float], pixel_std: Sequence[float]
) -> transforms.Compose:
    """Resize, mirror and jitter, convert, normalize (steps 2.1 and 2.2). For training only.

    Args:
        inp_size: (H, W) of the network's input, in pixels.
        pixel_mean, pixel_std: one number each, of pixels in [0, 1] (see `stats_helper`).

    Returns:
        PIL image -> float32 tensor [1, H, W], different at every call.
    """
    return transforms.Compose(
        [
            *get_fundamental_augmentation_transforms(inp_size).transforms,
            transforms.Normalize(mean=pixel_mean, std=pixel_std),
        ]
    )


def _checked(inp_size: tuple[int, int]) -> tuple[int, int]:
    # A single int would make Resize keep the aspect ratio, and batches would not stack.
    if not (
        isinstance(inp_size, Sequence)
        and len(inp_size) == 2
        and all(isinstance(side, int) and side > 0 for side in inp_size)
    ):
        raise ValueError(f"inp_size is {inp_size!r}: it must be (height, width), two positive ints")
    return (inp_size[0], inp_size[1])
