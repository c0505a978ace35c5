"""
Jitter, then mirror, then resize: the random part works on the image as it was read.

x_{norm} = (x - \mu) / \sigma
"""

import torchvision.transforms as T


def get_fundamental_transforms(inp_size):
	return T.Compose([T.Resize((inp_size[0], inp_size[1])), T.ToTensor()])


def get_fundamental_augmentation_transforms(inp_size):
	return T.Compose([
		T.ColorJitter(0.2, 0.2, 0.2, 0.1),
		T.RandomHorizontalFlip(),
		T.Resize(tuple(inp_size)),
		T.ToTensor(),
	])


def get_fundamental_normalization_transforms(inp_size, pixel_mean, pixel_std):
	return T.Compose([T.Resize(list(inp_size)), T.ToTensor(), T.Normalize(pixel_mean, pixel_std)])


def get_all_transforms(inp_size, pixel_mean, pixel_std):
	return T.Compose([
		T.ColorJitter(0.2, 0.2, 0.2, 0.1),
		T.RandomHorizontalFlip(),
		T.Resize(tuple(inp_size)),
		T.ToTensor(),
		T.Normalize(pixel_mean, pixel_std),
	])
