"""Decoded by torchvision.io; the labels are tensors."""

import os

import torch
from torchvision.io import ImageReadMode, read_image
from torchvision.transforms.functional import to_pil_image


class ImageLoader(torch.utils.data.Dataset):
    def __init__(self, root_dir, split="train", transform=None):
        super().__init__()
        self.root, self.split, self.transform = root_dir, split, transform
        self.curr_folder = os.path.join(root_dir, split)
        self.class_dict = self.get_classes()
        self.dataset = self.load_imagepaths_with_labels(self.class_dict)

    def get_classes(self):
        _, folders, _ = next(os.walk(self.curr_folder))
        return {name: i for i, name in enumerate(sorted(folders))}

    def load_imagepaths_with_labels(self, class_labels):
        dataset = []
        for name, label in class_labels.items():
            folder = os.path.join(self.curr_folder, name)
            dataset += [(os.path.join(folder, f), label) for f in sorted(os.listdir(folder))]
        return dataset

    def load_img_from_path(self, path):
        gray = read_image(str(path), ImageReadMode.GRAY)  # uint8 [1, H, W]
        return to_pil_image(gray)

    def __getitem__(self, index):
        path, label = self.dataset[index]
        img = self.load_img_from_path(path)
        if self.transform is not None:
            img = self.transform(img)
        return img, torch.tensor(label, dtype=torch.long)

    def __len__(self):
        return len(self.dataset)
