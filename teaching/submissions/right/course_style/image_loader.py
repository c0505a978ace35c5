"""
Script with Pytorch's dataloader class
"""

import glob
import os

import torch
import torch.utils.data as data
from PIL import Image


class ImageLoader(data.Dataset):
    """Class for data loading"""

    train_folder = "train"
    test_folder = "test"

    def __init__(self, root_dir, split="train", transform=None):
        """
        Init function for the class.

        Args:
        - root_dir: the dir path which contains the train and test folder
        - split: 'train' or 'test' split
        - transform: the composed transforms to be applied to the data
        """
        self.root = os.path.expanduser(root_dir)
        self.transform = transform
        self.split = split

        if split == "train":
            self.curr_folder = os.path.join(root_dir, self.train_folder)
        elif split == "test":
            self.curr_folder = os.path.join(root_dir, self.test_folder)

        self.class_dict = self.get_classes()
        self.dataset = self.load_imagepaths_with_labels(self.class_dict)

    def load_imagepaths_with_labels(self, class_labels):
        """
        Fetches all image paths along with labels

        Args:
        - class_labels: the class labels dictionary, with keys being the classes
                        in this dataset and the values being the class index.
        Returns:
        - img_paths: a list of tuples (path, class index)
        """
        img_paths = []

        ############################################################################
        # Student code begin
        ############################################################################

        for label, index in class_labels.items():
            pattern = os.path.join(self.curr_folder, label, "*.jpg")
            for img in glob.glob(pattern):
                img_paths.append((img, index))

        ############################################################################
        # Student code end
        ############################################################################

        return img_paths

    def get_classes(self):
        """
        Get the classes (which are folder names in self.curr_folder)

        Returns:
        - classes: dictionary of class names (string) to integer labels
        """
        classes = dict()

        ############################################################################
        # Student code begin
        ############################################################################

        class_names = [d.name for d in os.scandir(self.curr_folder) if d.is_dir()]
        index = 0
        for name in sorted(class_names):
            classes[name] = index
            index += 1

        ############################################################################
        # Student code end
        ############################################################################

        return classes

    def load_img_from_path(self, path):
        """
        Loads the image as grayscale (using Pillow)

        Args:
        - path: the file path to where the image is located on disk
        Returns:
        - image: grayscale image loaded using pillow (Use 'L' flag while converting)
        """
        img = None

        ############################################################################
        # Student code begin
        ############################################################################

        img = Image.open(path)
        img = img.convert("L")

        ############################################################################
        # Student code end
        ############################################################################

        return img

    def __getitem__(self, index):
        """
        Fetches the item (image, label) at a given index

        Args:
        - index: the index of the item to fetch
        Returns:
        - img: image, after the transforms
        - class_idx: the class index of the image
        """
        img = None
        class_idx = None

        ############################################################################
        # Student code begin
        ############################################################################

        filename, class_idx = self.dataset[index]
        # load the image and apply the transforms
        img = self.load_img_from_path(filename)
        if self.transform:
            img = self.transform(img)

        ############################################################################
        # Student code end
        ############################################################################

        return img, class_idx

    def __len__(self):
        """
        Returns the number of items in the dataset
        """
        l = 0

        ############################################################################
        # Student code begin
        ############################################################################

        l = len(self.dataset)

        ############################################################################
        # Student code end
        ############################################################################

        return l
