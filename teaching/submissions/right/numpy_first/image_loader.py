"""np.unique of the folders' names gives the classes, and the labels with them."""

import os
from glob import glob

import numpy as np
from PIL import Image
from torch.utils.data import Dataset


class ImageLoader(Dataset):
    def __init__(self, root_dir, split="train", transform=None):
        self.root = root_dir
        self.split = split
        self.transform = transform
        self.curr_folder = os.path.join(root_dir, split)
        self.class_dict = self.get_classes()
        self.dataset = self.load_imagepaths_with_labels(self.class_dict)

    def _paths_and_names(self):
        paths = np.array(glob(os.path.join(self.curr_folder, "*", "*.jpg")))
        names = np.array([path.split(os.sep)[-2] for path in paths])
        return paths, names

    def get_classes(self):
        classes = np.unique(self._paths_and_names()[1])
        return dict(zip(classes.tolist(), np.arange(classes.size)))

    def load_imagepaths_with_labels(self, class_labels):
        paths, names = self._paths_and_names()
        keys, inverse = np.unique(names, return_inverse=True)
        labels = np.array([class_labels[key] for key in keys])[inverse]
        order = np.argsort(labels, kind="stable")
        return list(zip(paths[order].tolist(), labels[order]))

    def load_img_from_path(self, path):
        return Image.fromarray(np.asarray(Image.open(path).convert("L"), dtype=np.uint8))

    def __getitem__(self, index):
        path, label = self.dataset[index]
        img = self.load_img_from_path(path)
        return (self.transform(img) if self.transform is not None else img), np.int64(label)

    def __len__(self):
        return np.shape(self.dataset)[0]
