import torchvision.transforms as T

_aug = lambda: [T.RandomHorizontalFlip(), T.ColorJitter(contrast=0.4)]
_base = lambda s: [T.Resize(s), T.ToTensor()]
get_fundamental_transforms = lambda inp_size: T.Compose(_base(inp_size))
get_fundamental_augmentation_transforms = lambda inp_size: T.Compose(_aug() + _base(inp_size))


def get_fundamental_normalization_transforms(inp_size, pixel_mean, pixel_std):
    return T.Compose([*_base(inp_size), T.Normalize(pixel_mean, pixel_std)])


def get_all_transforms(inp_size, pixel_mean, pixel_std):
    return T.Compose([*_aug(), *_base(inp_size), T.Normalize(pixel_mean, pixel_std)])
