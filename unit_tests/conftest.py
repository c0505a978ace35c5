"""Shared by all tests: a small dataset on disk, and no windows."""

from __future__ import annotations

import os
import re
from pathlib import Path

# Threads of OpenMP that wait for work should leave the cores to the processes that tests start. It
# changes no result, and must be set before torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import matplotlib
import numpy as np
import pytest
from PIL import Image
from steps import (  # noqa: F401, hooks of pytest
    pytest_configure,
    pytest_make_collect_report,
    pytest_report_teststatus,
    pytest_runtest_makereport,
    pytest_terminal_summary,
    sort_by_step,
)

matplotlib.use("Agg")

# (split, class, number of images); the classes are created in non-alphabetical order.
TINY_DATASET = [
    ("train", "street", 4),
    ("train", "bedroom", 3),
    ("train", "kitchen", 5),
    ("test", "street", 2),
    ("test", "kitchen", 1),
    ("test", "bedroom", 2),
]
FIRST_NUMBER = 1  # in each folder's file names
SMALLEST = (20, 30)  # height and width of the first image; later ones are larger
SHADE_STEP = 13  # from one image's grey to the next's


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out slow tests, and run the assignment's tests first."""
    sort_by_step(items)
    if not re.search(r"\bslow\b", config.option.markexpr):  # -m may ask for them
        slow = [item for item in items if item.get_closest_marker("slow")]
        if slow:
            config.hook.pytest_deselected(items=slow)
            items[:] = [item for item in items if item not in slow]


@pytest.fixture
def tiny_dataset(tmp_path: Path) -> Path:
    """A folder with train/ and test/; each image has its own size and grey level."""
    root = tmp_path / "tiny"
    (height, width), shade = SMALLEST, 0
    for split, class_name, count in TINY_DATASET:
        folder = root / split / class_name
        folder.mkdir(parents=True)
        for number in range(count, 0, -1):
            shade += SHADE_STEP
            pixels = np.full((height + number, width + shade % 7), shade, dtype=np.uint8)
            name = f"image_{FIRST_NUMBER + number - 1:04d}.jpg"
            Image.fromarray(pixels).save(folder / name, quality=95)
    return root
