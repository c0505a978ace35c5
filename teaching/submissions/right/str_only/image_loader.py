import os

from PIL import Image
from torch.utils import data


class ImageLoader(data.Dataset):
    def __init__(self, root_dir, split="train", transform=None):
        self.root = root_dir
        self.split = split
        self.transform = transform
        self.curr_folder = root_dir + "/" + split
        self.class_dict = self.get_classes()
        self.dataset = self.load_imagepaths_with_labels(self.class_dict)

    def get_classes(self):
        classes = {}
        for c in sorted(os.listdir(self.curr_folder)):
            classes[c] = len(classes)
        return classes

    def load_imagepaths_with_labels(self, class_labels):
        img_paths = []
        for c in class_labels.keys():
            for f in os.listdir(self.curr_folder + "/" + c):
                img_paths.append((self.curr_folder + "/" + c + "/" + f, class_labels[c]))
        return img_paths

    def load_img_from_path(self, path):
        img = Image.open(path)
        if img.mode != "L":
            img = img.convert("L")
        return img

    def __getitem__(self, index):
        item = self.dataset[index]
        img = self.load_img_from_path(item[0])
        if self.transform == None:
            return img, item[1]
        return self.transform(img), item[1]

    def __len__(self):
        return len(self.dataset)
