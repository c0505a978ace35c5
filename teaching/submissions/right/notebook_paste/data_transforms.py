# %%
import torch
from torchvision import transforms

torch.manual_seed(42)
p = 0.5
strength = 0.3


# %%
def get_fundamental_transforms(inp_size):
    a = transforms.Resize(inp_size)
    b = transforms.ToTensor()
    return transforms.Compose([a, b])


# %%
def get_fundamental_augmentation_transforms(inp_size):
    h, w = inp_size
    tmp = transforms.Compose([
        transforms.ToTensor(),
        transforms.Resize((h + h // 8, w + w // 8)),
        transforms.RandomCrop((h, w)),
        transforms.RandomHorizontalFlip(p),
        transforms.ColorJitter(brightness=strength, contrast=strength),
        # transforms.RandomRotation(10),
        # transforms.GaussianBlur(3),
    ])
    # print(tmp)
    return tmp


# %%
def get_fundamental_normalization_transforms(inp_size, pixel_mean, pixel_std):
    tmp = transforms.Compose([
        transforms.ToTensor(),
        transforms.Normalize(pixel_mean, pixel_std),
        transforms.Resize(inp_size),
    ])
    return tmp


# %%
def get_all_transforms(inp_size, pixel_mean, pixel_std):
    assert len(pixel_mean) == len(pixel_std) == 1
    tmp = get_fundamental_augmentation_transforms(inp_size)
    a = transforms.Normalize(pixel_mean, pixel_std)
    return transforms.Compose(tmp.transforms + [a])


# %%
if __name__ == "__main__":
    print(get_all_transforms((64, 64), [0.45], [0.25]))
