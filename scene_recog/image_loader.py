"""Step 1.1: a dataset of images on disk, one folder per class.

    data/train/bedroom/image_0003.jpg     ->  (image, 0)
    data/train/coast/image_0001.jpg       ->  (image, 1)

A `Dataset` answers two questions: how many examples are there (`len`), and what is example
number i (`[i]`). Batching, shuffling and parallel loading are the `DataLoader`'s job.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch.utils.data import Dataset

from scene_recog.datasets.images import class_folders, images_below, read_grayscale


class ImageLoader(Dataset[tuple[Any, int]]):
    """The images below `root_dir/<split>/<class>/`, in grayscale, with their class index.

    Args:
        root_dir: folder that holds `train/` and `test/`.
        split: `"train"` or `"test"`.
        transform: called on each PIL image (mode L) when it is read; None returns the PIL image.

    Attributes:
        root, split, transform: as passed, `root` as a string.
        curr_folder: the folder of this split.
        class_dict: class name -> index, the names in alphabetical order.
        dataset: list of (path, class index), the same order on every file system.

    Raises:
        ValueError: the split is neither "train" nor "test".
        FileNotFoundError: the split's folder is missing or holds no class folder.
    """

    def __init__(
        self,
        root_dir: str | Path,
        split: str = "train",
        transform: Callable[[Image.Image], Any] | None = None,
    ) -> None:
        if split not in ("train", "test"):
            raise ValueError(f'split is {split!r}: it must be "train" or "test"')
        self.root = str(Path(root_dir).expanduser())
        self.split = split
        self.transform = transform
        self.curr_folder = str(Path(self.root) / split)
        self.class_dict = self.get_classes()
        self.dataset = self.load_imagepaths_with_labels(self.class_dict)

    def get_classes(self) -> dict[str, int]:
        """Class name -> index (0, 1, ...), in alphabetical order of the names.

        A file system lists folders in any order it likes; sorting makes bedroom class 0 for
        everyone, so that a checkpoint means the same on every machine.
        """
        folder = Path(self.curr_folder)
        if not folder.is_dir():
            raise FileNotFoundError(
                f"no {self.split}/ folder in {self.root}: run `scene-recog data download`, "
                "or name the folder that holds train/ and test/"
            )
        names = class_folders(folder)
        if not names:
            raise FileNotFoundError(
                f"no class folders in {folder}: expected {folder}/<class>/*.jpg"
            )
        return {name: index for index, name in enumerate(names)}

    def load_imagepaths_with_labels(self, class_labels: dict[str, int]) -> list[tuple[str, int]]:
        """List of (path, class index) of every image, class by class, sorted by file name.

        Files without an image's extension (`Thumbs.db`, notes) are left out, as are hidden files
        and folders; images in subfolders of a class folder count.

        Args:
            class_labels: class name -> index, as `get_classes` returns it.
        """
        return [
            (str(path), index)
            for name, index in class_labels.items()
            for path in images_below(Path(self.curr_folder) / name)
        ]

    def load_img_from_path(self, path: str | Path) -> Image.Image:
        """The image in grayscale: PIL mode L, pixel values 0 (black) to 255 (white).

        In short `Image.open(path).convert("L")`; `read_grayscale` also handles unusual files.

        Raises:
            FileNotFoundError: no such file.
            ValueError: the file is not an image, or is damaged; the message names it.
        """
        return read_grayscale(path)

    def __getitem__(self, index: int) -> tuple[torch.Tensor | Image.Image, int]:
        """Example number `index`: (transformed image, class index).

        With a transform that ends in a tensor, the image is float32 of shape [1, H, W].
        """
        path, label = self.dataset[index]
        image = self.load_img_from_path(path)
        return (self.transform(image) if self.transform else image), label

    def __len__(self) -> int:
        """Number of images in this split."""
        return len(self.dataset)
