"""Scenes from disk: one walk over everything, sorted at the end; the paths are pathlib's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset


class ImageLoader(Dataset):
    """One folder per class. The paths in `dataset` are `Path` objects."""

    def __init__(
        self, root_dir: str | Path, split: str = "train", transform: Callable | None = None
    ) -> None:
        super().__init__()
        folders = {"train": "train", "test": "test"}
        if split not in folders:
            raise ValueError(f"{split} is not one of {list(folders)}")
        self.root = Path(root_dir).expanduser()
        self.split = split
        self.transform = transform
        self.curr_folder = self.root / folders[split]
        self.class_dict = self.get_classes()
        self.dataset = self.load_imagepaths_with_labels(self.class_dict)

    def get_classes(self) -> dict[str, int]:
        if not self.curr_folder.exists():
            raise FileNotFoundError(self.curr_folder)
        classes: dict[str, int] = {}
        for folder in sorted(path for path in self.curr_folder.glob("[!.]*") if path.is_dir()):
            classes[folder.name] = len(classes)
        if not classes:
            raise FileNotFoundError(f"{self.curr_folder} is empty")
        return classes

    def load_imagepaths_with_labels(self, class_labels: dict[str, int]) -> list[tuple[Path, int]]:
        found = [
            (path, class_labels[path.parent.name])
            for path in self.curr_folder.rglob("*")
            if path.suffix.lower() in (".jpg", ".jpeg") and path.parent.name in class_labels
        ]
        return sorted(found, key=lambda pair: (pair[1], pair[0].name))

    def load_img_from_path(self, path: str | Path) -> Image.Image:
        image = Image.open(path)
        return image if image.mode == "L" else image.convert(mode="L")

    def __getitem__(self, index: int) -> tuple[Tensor | Image.Image, int]:
        path, class_idx = self.dataset[index]
        image = self.load_img_from_path(path)
        if self.transform:
            image = self.transform(image)
        return image, class_idx

    def __len__(self) -> int:
        return sum(1 for _ in self.dataset)
