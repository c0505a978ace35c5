import os

from torchvision import transforms
from torchvision.datasets import VisionDataset
from torchvision.datasets.folder import IMG_EXTENSIONS, default_loader, find_classes, make_dataset


class ImageLoader(VisionDataset):
    """What ImageFolder does, with the names of the handout."""

    def __init__(self, root_dir, split="train", transform=None):
        super().__init__(root_dir, transform=transform)
        self.split = split
        self.curr_folder = os.path.join(root_dir, split)
        self.class_dict = self.get_classes()
        self.dataset = self.load_imagepaths_with_labels(self.class_dict)

    def get_classes(self):
        _, class_to_idx = find_classes(self.curr_folder)
        return class_to_idx

    def load_imagepaths_with_labels(self, class_labels):
        return make_dataset(self.curr_folder, class_labels, extensions=IMG_EXTENSIONS)

    def load_img_from_path(self, path):
        return transforms.Grayscale(num_output_channels=1)(default_loader(path))

    def __getitem__(self, index):
        path, target = self.dataset[index]
        sample = self.load_img_from_path(path)
        if self.transform is not None:
            sample = self.transform(sample)
        return sample, target

    def __len__(self):
        return len(self.dataset)
