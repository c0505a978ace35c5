"""What the tests pass to students' functions: small networks, and a dataset that is not on disk.

No object here knows the answer that a test expects. Numbers and names come from the test.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import Dataset

# ------------------------------------------------------------------- networks


class FakeNet(nn.Module):
    """A network whose scores are in the image: the first 15 pixels of the first row."""

    def __init__(self, criterion: nn.Module | None = None) -> None:
        super().__init__()
        self.loss_criterion = criterion or nn.CrossEntropyLoss()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, 0, 0, :15] * self.weight


# Small networks with the handout's names, because the course's own function saves no others. They
# have running averages, which are saved with the weights.
class SimpleNet(nn.Module):
    def __init__(self, maps: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, maps, 5, stride=4),
            nn.BatchNorm2d(maps),
            nn.Flatten(),
            nn.Linear(maps * 15 * 15, 15),
        )
        self.loss_criterion = nn.CrossEntropyLoss()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.layers(x)
        return scores


class SimpleNetFinal(SimpleNet):
    pass


class SmallNet(SimpleNet):
    pass


class TwoPartNet(nn.Module):
    """A net for 4x4 images with the parts of the course's nets."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.conv_layers = nn.Sequential(nn.Conv2d(1, maps, 3), nn.BatchNorm2d(maps))
        self.fc_layers = nn.Sequential(
            nn.Flatten(), nn.Linear(maps * 2 * 2, 2), nn.ReLU(), nn.Linear(2, 2)
        )
        self.loss_criterion = nn.CrossEntropyLoss()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.fc_layers(self.conv_layers(x))
        return scores


class FakeModel(nn.Module):
    """Predicts the class of an image from its grey level, but correctly only in eval mode.

    Args:
        greys: the grey level of each class, 0..255. The class of an image is the nearest.
    """

    def __init__(self, greys: Sequence[int]) -> None:
        super().__init__()
        self.register_buffer("greys", torch.tensor(greys, dtype=torch.float32))
        self.scale = nn.Parameter(torch.ones(()))
        self.loss_criterion = nn.CrossEntropyLoss()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        greys: torch.Tensor = self.get_buffer("greys")
        wanted = (x[:, 0, 0, :1] * 255 - greys).abs().argmin(1)
        if self.training:  # as dropout and batch norm would
            wanted = (wanted + 1) % len(greys)
        return nn.functional.one_hot(wanted, len(greys)) * 5.0 * self.scale - 7


# -------------------------------------------------------------------- dataset


def to_tensor(image: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(image, dtype=np.float32))[None] / 255


class FakeDataset(Dataset[Any]):
    """Like an ImageLoader, for images of a single grey level each.

    Args:
        class_names: by class index.
        targets: the class index of each image.
        greys: the grey level of each image, 0..255.
        first: the number in the first image's name.
    """

    def __init__(
        self,
        class_names: Sequence[str],
        targets: Sequence[int],
        greys: Sequence[int],
        first: int = 0,
    ) -> None:
        self.root, self.split, self.curr_folder = "data", "test", "data/test"
        self.transform = to_tensor
        self.class_dict = {name: index for index, name in enumerate(class_names)}
        self.dataset = [
            (f"data/test/{class_names[target]}/image_{i:04d}.jpg", int(target))
            for i, target in enumerate(targets, start=first)
        ]
        self.greys = [int(grey) for grey in greys]
        self.first = first

    def get_classes(self) -> dict[str, int]:
        return self.class_dict

    def load_imagepaths_with_labels(self, class_labels: dict[str, int]) -> list[tuple[str, int]]:
        return self.dataset

    def load_img_from_path(self, path: str) -> Image.Image:
        number = int(Path(path).stem.removeprefix("image_"))
        return Image.new("L", (64, 64), self.greys[number - self.first])

    def __len__(self) -> int:
        return len(self.greys)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        path, label = self.dataset[index]
        return self.transform(self.load_img_from_path(path)), label


# -------------------------------------------------------------------- folders

REAL_LISTDIR, REAL_SCANDIR = os.listdir, os.scandir


def list_folders(reverse: bool | None) -> None:
    """Make os.listdir, os.scandir and everything built on them list by name, in this process.

    Args:
        reverse: A to Z if False, Z to A if True; None: in the file system's order.
    """
    if reverse is None:
        os.listdir, os.scandir = REAL_LISTDIR, REAL_SCANDIR
        return
    z_to_a = reverse

    class SortedScandir:
        def __init__(self, path: Any = ".") -> None:
            with REAL_SCANDIR(path) as entries:
                self.entries = iter(sorted(entries, key=lambda e: e.name, reverse=z_to_a))

        def __enter__(self) -> SortedScandir:
            return self

        def __exit__(self, *args: object) -> None:
            self.close()

        def __iter__(self) -> Iterator[os.DirEntry[str]]:
            return self

        def __next__(self) -> os.DirEntry[str]:
            return next(self.entries)

        def close(self) -> None:
            self.entries = iter(())

    os.listdir = lambda path=".": sorted(REAL_LISTDIR(path), reverse=z_to_a)  # type: ignore[assignment]
    os.scandir = SortedScandir  # type: ignore[assignment]
