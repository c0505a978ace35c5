"""The solution and the right submissions are read in batches, not image by image."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
import torch
from torchvision import transforms

from scene_recog.datasets.sketch15 import write_sketch15
from scene_recog.image_loader import ImageLoader
from scene_recog.loading.loaders import BatchLoader, make_loader
from scene_recog.loading.reading import why_image_by_image

RIGHT = Path(__file__).parents[2] / "teaching" / "submissions" / "right"
TO_TENSOR = transforms.Compose([transforms.Resize((16, 16)), transforms.ToTensor()])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_sketch15(tmp_path / "data", train_per_class=3, test_per_class=1)


def test_the_solution_is_fast(root: Path) -> None:
    assert why_image_by_image(ImageLoader(root, "train", TO_TENSOR)) == ""


@pytest.mark.parametrize("name", ["terse", "loops", "pathlib_typed"])
def test_right_submissions_are_fast(root: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file = RIGHT / name / "image_loader.py"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    dataset = module.ImageLoader(str(root), "train", TO_TENSOR)
    assert why_image_by_image(dataset) == ""
    loader = make_loader(dataset, 32, shuffle=False, device=torch.device("cpu"), cache="disk")
    assert isinstance(loader, BatchLoader)
    read = torch.cat([images for images, _ in loader])
    assert torch.cat([labels for _, labels in loader]).tolist() == [y for _, y in dataset.dataset]
    for index in range(0, len(dataset), 7):
        assert (read[index] - dataset[index][0]).abs().max() <= 1.01 / 255
