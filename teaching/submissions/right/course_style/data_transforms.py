"""
Contains functions with different data transforms
"""

import torchvision.transforms as transforms


def get_fundamental_transforms(inp_size):
    """
    Returns the core transforms needed to feed the images to our model

    Args:
    - inp_size: tuple denoting the dimensions for input to the model
    Returns:
    - fundamental_transforms: transforms.compose with the fundamental transforms
    """
    fundamental_transforms = None

    ############################################################################
    # Student code begin
    ############################################################################

    fundamental_transforms = transforms.Compose(
        [
            transforms.Resize(inp_size),
            transforms.ToTensor(),
        ]
    )

    ############################################################################
    # Student code end
    ############################################################################

    return fundamental_transforms


def get_fundamental_augmentation_transforms(inp_size):
    """
    Returns the data augmentation + core transforms needed to be applied on the
    train set

    Suggestions: jittering, flipping, and so on.

    Args:
    - inp_size: tuple denoting the dimensions for input to the model
    Returns:
    - aug_transforms: transforms.compose with all the transforms
    """
    fund_aug_transforms = None

    ############################################################################
    # Student code begin
    ############################################################################

    fund_aug_transforms = transforms.Compose(
        [
            transforms.Resize(inp_size),
            transforms.ColorJitter(brightness=0.5),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
        ]
    )

    ############################################################################
    # Student code end
    ############################################################################

    return fund_aug_transforms


def get_fundamental_normalization_transforms(inp_size, pixel_mean, pixel_std):
    """
    Returns the core transforms needed to feed the images to our model along
    with normalization

    Args:
    - inp_size: tuple denoting the dimensions for input to the model
    - pixel_mean: the mean of the raw dataset
    - pixel_std: the standard deviation of the raw dataset
    Returns:
    - fundamental_transforms: transforms.compose with the fundamental transforms
    """
    fund_norm_transforms = None

    ############################################################################
    # Student code begin
    ############################################################################

    fund_norm_transforms = transforms.Compose(
        [
            transforms.Resize(inp_size),
            transforms.ToTensor(),
            transforms.Normalize(mean=pixel_mean, std=pixel_std),
        ]
    )

    ############################################################################
    # Student code end
    ############################################################################

    return fund_norm_transforms


def get_all_transforms(inp_size, pixel_mean, pixel_std):
    """
    Returns the data augmentation + core transforms + normalization to be
    applied on the train set

    Args:
    - inp_size: tuple denoting the dimensions for input to the model
    - pixel_mean: the mean of the raw dataset
    - pixel_std: the standard deviation of the raw dataset
    Returns:
    - all_transforms: transforms.compose with all the transforms
    """
    all_transforms = None

    ############################################################################
    # Student code begin
    ############################################################################

    all_transforms = transforms.Compose(
        [
            transforms.Resize(inp_size),
            transforms.ColorJitter(brightness=0.5),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(mean=pixel_mean, std=pixel_std),
        ]
    )

    ############################################################################
    # Student code end
    ############################################################################

    return all_transforms
