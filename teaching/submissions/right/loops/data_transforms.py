from torchvision import transforms


def make_steps(names, inp_size, pixel_mean=None, pixel_std=None):
    steps = []
    for name in names:
        if name == "resize":
            steps.append(transforms.Resize((inp_size[0], inp_size[1])))
        elif name == "flip":
            steps.append(transforms.RandomHorizontalFlip(p=0.4))
        elif name == "jitter":
            steps.append(transforms.ColorJitter(0.1, 0.1, 0.1, 0.1))
        elif name == "tensor":
            steps.append(transforms.ToTensor())
        elif name == "normalize":
            mean = []
            std = []
            for i in range(len(pixel_mean)):
                mean.append(float(pixel_mean[i]))
                std.append(float(pixel_std[i]))
            steps.append(transforms.Normalize(mean, std))
    print("transforms:", names)
    return transforms.Compose(steps)


def get_fundamental_transforms(inp_size):
    return make_steps(["resize", "tensor"], inp_size)


def get_fundamental_augmentation_transforms(inp_size):
    return make_steps(["resize", "tensor", "jitter", "flip"], inp_size)


def get_fundamental_normalization_transforms(inp_size, pixel_mean, pixel_std):
    return make_steps(["resize", "tensor", "normalize"], inp_size, pixel_mean, pixel_std)


def get_all_transforms(inp_size, pixel_mean, pixel_std):
    names = ["resize", "tensor", "jitter", "normalize", "flip"]
    return make_steps(names, inp_size, pixel_mean, pixel_std)
