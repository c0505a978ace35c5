# %%
import glob
import os

import numpy as np
import torch
from PIL import Image

torch.manual_seed(0)
VERBOSE = False
SPLITS = ["train", "test"]


# %%
class ImageLoader(torch.utils.data.Dataset):
    def __init__(self, root_dir, split="train", transform=None):
        assert split in SPLITS
        self.root, self.split, self.transform = root_dir, split, transform
        self.curr_folder = os.path.join(root_dir, split)
        self.tmp = {}  # opened images, so that the second epoch is faster
        self.class_dict = self.get_classes()
        self.dataset = self.load_imagepaths_with_labels(self.class_dict)

    def get_classes(self):
        a = glob.glob(os.path.join(self.curr_folder, "*"))
        # print(a)
        b = sorted([os.path.split(x)[1] for x in a])
        return {b[i]: i for i in range(len(b))}

    def load_imagepaths_with_labels(self, class_labels):
        a = glob.glob(os.path.join(self.curr_folder, "*", "*.jpg"))
        b = [class_labels[x.split("/")[-2]] for x in a]
        assert len(a) == len(b)
        return list(zip(a, b))

    def load_img_from_path(self, path):
        if path not in self.tmp:
            im = Image.open(path)
            if VERBOSE:
                print(path, im.size, np.array(im).mean())
            self.tmp[path] = im.convert("L")
        return self.tmp[path].copy()

    def __getitem__(self, index):
        a, b = self.dataset[index]
        im = self.load_img_from_path(a)
        # plt.imshow(im, cmap="gray")
        if self.transform:
            im = self.transform(im)
        return im, b

    def __len__(self):
        return len(self.dataset)


# %%
if __name__ == "__main__":
    ds = ImageLoader("../data")
    print(len(ds), ds.class_dict)
    ds[0][0].show()
