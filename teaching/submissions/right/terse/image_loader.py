import glob
import os

import torch
from PIL import Image, ImageOps


class ImageLoader(torch.utils.data.Dataset):
    def __init__(self, root_dir, split="train", transform=None):
        if split not in {"train", "test"}:
            raise ValueError(f"unknown split {split}: use 'train' or 'test'")
        self.root, self.split, self.transform = os.path.expanduser(root_dir), split, transform
        self.curr_folder = os.path.join(self.root, split, "")  # ends with a slash
        self.class_dict = self.get_classes()
        self.dataset = self.load_imagepaths_with_labels(self.class_dict)

    def get_classes(self):
        folders = glob.glob(self.curr_folder + "*/")
        if not folders:
            raise FileNotFoundError(f"{self.curr_folder} has no class folders, or is not there")
        names = sorted(os.path.basename(folder.rstrip("/")) for folder in folders)
        return dict(zip(names, range(len(names)), strict=True))

    def load_imagepaths_with_labels(self, class_labels):
        return [
            (path, label)
            for cls, label in class_labels.items()
            for path in sorted(glob.glob(f"{self.curr_folder}{cls}/*.jpg"))
        ]

    def load_img_from_path(self, path):
        with open(path, "rb") as file:
            img = Image.open(file)
            img.load()
        return ImageOps.grayscale(img)

    def __len__(self):
        return len(self.dataset)

    def __getitem__(self, index):
        img = self.load_img_from_path(self.dataset[index][0])
        label = self.dataset[index][1]
        return (img, label) if self.transform is None else (self.transform(img), label)
