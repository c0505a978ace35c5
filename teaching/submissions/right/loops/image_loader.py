"""Scenes from disk, with os.listdir and loops."""

import os

from PIL import Image
from torch.utils.data import Dataset


class ImageLoader(Dataset):
    """One folder per class."""

    def __init__(self, root_dir, split="train", transform=None):
        if split != "train" and split != "test":
            raise ValueError("split must be train or test, but it is " + repr(split))
        self.root = os.path.expanduser(str(root_dir))
        self.split = split
        self.transform = transform
        self.curr_folder = os.path.join(self.root, split)
        self.class_dict = self.get_classes()
        self.dataset = self.load_imagepaths_with_labels(self.class_dict)
        print(split, "has", len(self.dataset), "images")

    def get_classes(self):
        if not os.path.isdir(self.curr_folder):
            raise FileNotFoundError("there is no folder " + self.curr_folder)
        names = []
        for entry in os.listdir(self.curr_folder):
            if os.path.isdir(os.path.join(self.curr_folder, entry)) and entry[0] != ".":
                names.append(entry)
        if len(names) == 0:
            raise FileNotFoundError("there are no class folders in " + self.curr_folder)
        names.sort()
        classes = {}
        for i in range(len(names)):
            classes[names[i]] = i
        return classes

    def load_imagepaths_with_labels(self, class_labels):
        pairs = []
        for name in class_labels:
            folder = os.path.join(self.curr_folder, name)
            files = os.listdir(folder)
            files.sort()
            for file in files:
                if file.lower().endswith((".jpg", ".jpeg", ".png")) and not file.startswith("."):
                    pairs.append([os.path.join(folder, file), class_labels[name]])
        return pairs

    def load_img_from_path(self, path):
        return Image.open(path).convert("L")

    def __getitem__(self, index):
        path, label = self.dataset[index]
        img = self.load_img_from_path(path)
        if self.transform is not None:
            img = self.transform(img)
        return [img, label]

    def __len__(self):
        return len(self.dataset)
