"""A PyTorch dataset for scene images that are stored in one directory per class.

Directory layout::

    root_dir/
        train/
            bedroom/
                image_0001.jpg
        test/
            bedroom/
                image_0001.jpg

Example:
    >>> dataset = ImageLoader("data", split="train")  # doctest: +SKIP
    >>> image, label = dataset[0]  # doctest: +SKIP
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple, Union

from PIL import Image, UnidentifiedImageError
from torch.utils.data import Dataset

logger = logging.getLogger(__name__)

#: The splits that are supported.
VALID_SPLITS: Tuple[str, ...] = ("train", "test")

#: File extensions (lower case) that are recognized as images.
IMAGE_EXTENSIONS: Tuple[str, ...] = (".jpg", ".jpeg", ".png")

#: PIL's name of the grayscale mode.
GRAYSCALE_MODE: str = "L"


class ImageRecord(NamedTuple):
    """One example on disk.

    Attributes:
        path: The path of the image file.
        label: The index of its class.
    """

    path: str
    label: int


class ImageLoader(Dataset):
    """Loads grayscale scene images together with their class index.

    Attributes:
        root: The root directory of the dataset.
        split: The split, either ``"train"`` or ``"test"``.
        transform: An optional callable that is applied to every image.
        curr_folder: The directory of the split.
        class_dict: A mapping from class name to class index.
        dataset: The list of all examples.
    """

    def __init__(
        self,
        root_dir: Union[str, os.PathLike],
        split: str = "train",
        transform: Optional[Callable[[Image.Image], Any]] = None,
    ) -> None:
        """Initializes the dataset.

        Args:
            root_dir: The directory that contains the ``train`` and ``test`` directories.
            split: The split to load.
            transform: An optional transform, for instance a torchvision ``Compose``.

        Raises:
            ValueError: If the split is unknown or no images are found.
            TypeError: If the transform is not callable.
            FileNotFoundError: If the directory of the split does not exist.
        """
        super().__init__()
        self._validate_arguments(split, transform)
        self.root: str = os.fspath(root_dir)
        self.split: str = split
        self.transform = transform
        self.curr_folder: str = os.path.join(self.root, split)
        if not os.path.isdir(self.curr_folder):
            raise FileNotFoundError(f"The split directory does not exist: {self.curr_folder}")
        self.class_dict: Dict[str, int] = self.get_classes()
        self.dataset: List[ImageRecord] = self.load_imagepaths_with_labels(self.class_dict)
        if not self.dataset:
            raise ValueError(f"No images were found in {self.curr_folder}.")
        logger.info("Found %d images of %d classes.", len(self.dataset), len(self.class_dict))

    @staticmethod
    def _validate_arguments(split: str, transform: Any) -> None:
        """Checks the constructor's arguments."""
        if split not in VALID_SPLITS:
            raise ValueError(f"Unknown split {split!r}. Expected one of {VALID_SPLITS}.")
        if transform is not None and not callable(transform):
            raise TypeError("The transform must be callable or None.")

    def get_classes(self) -> Dict[str, int]:
        """Returns the mapping from class name to class index.

        The classes are sorted alphabetically, which guarantees a deterministic mapping.
        """
        class_names = sorted(p.name for p in Path(self.curr_folder).iterdir() if p.is_dir())
        return {class_name: index for index, class_name in enumerate(class_names)}

    def load_imagepaths_with_labels(self, class_labels: Dict[str, int]) -> List[ImageRecord]:
        """Collects all images of all classes.

        Args:
            class_labels: A mapping from class name to class index.

        Returns:
            A list of records, sorted by class and by file name.

        Raises:
            ValueError: If ``class_labels`` is empty.
        """
        if not class_labels:
            raise ValueError("class_labels must not be empty.")
        records: List[ImageRecord] = []
        for class_name, label in class_labels.items():
            class_directory = Path(self.curr_folder) / class_name
            for path in sorted(class_directory.iterdir()):
                if path.is_file() and path.suffix.lower() in IMAGE_EXTENSIONS:
                    records.append(ImageRecord(path=str(path), label=label))
        return records

    def load_img_from_path(self, path: Union[str, os.PathLike]) -> Image.Image:
        """Loads an image from disk and converts it to grayscale.

        Args:
            path: The path of the image.

        Returns:
            A PIL image of mode ``"L"``.

        Raises:
            ValueError: If the file is not a readable image.
        """
        try:
            with Image.open(path) as image:
                return image.convert(GRAYSCALE_MODE)
        except UnidentifiedImageError as error:
            raise ValueError(f"Not a readable image: {path}") from error

    def __getitem__(self, index: int) -> Tuple[Any, int]:
        """Returns the image and the label at the given index."""
        record = self.dataset[index]
        image = self.load_img_from_path(record[0])
        if self.transform is not None:
            image = self.transform(image)
        return image, record[1]

    def __len__(self) -> int:
        """Returns the number of images."""
        return len(self.dataset)
