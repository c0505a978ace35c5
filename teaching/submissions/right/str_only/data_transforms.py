import torchvision.transforms as transforms


def get_fundamental_transforms(inp_size):
    return transforms.Compose([transforms.Resize(inp_size), transforms.ToTensor()])


def get_fundamental_augmentation_transforms(inp_size):
    augment = transforms.Compose(
        [
            transforms.ColorJitter(brightness=0.25, contrast=0.25, saturation=0.25),
            transforms.RandomHorizontalFlip(),
        ]
    )
    return transforms.Compose([augment, get_fundamental_transforms(inp_size)])


def get_fundamental_normalization_transforms(inp_size, pixel_mean, pixel_std):
    return transforms.Compose(
        [get_fundamental_transforms(inp_size), transforms.Normalize(pixel_mean, pixel_std)]
    )


def get_all_transforms(inp_size, pixel_mean, pixel_std):
    return transforms.Compose(
        [
            get_fundamental_augmentation_transforms(inp_size),
            transforms.Normalize(pixel_mean, pixel_std),
        ]
    )
