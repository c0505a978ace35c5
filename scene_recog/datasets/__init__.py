"""Where the images come from, and what a folder of images is."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scene_recog.system.progress import notice

DEFAULT_DATA_DIR = Path("data")


@dataclass(frozen=True)
class DatasetInfo:
    """What a dataset folder holds.

    Attributes:
        kind: "scene15" (photographs, by their file names), "sketch15" (drawn by code) or "own".
        title: the same for a plot's title.
    """

    kind: Literal["scene15", "sketch15", "own"]
    title: str


def describe_dataset(root: str | Path) -> DatasetInfo:
    """Tell photographs from sketches and from the user's own images, without reading any image.

    Raises:
        FileNotFoundError: no train/ folder there.
    """
    from scene_recog.datasets.layout import require_split
    from scene_recog.datasets.scene15 import load_manifest
    from scene_recog.datasets.sketch15 import MARKER

    root = require_split(root, "train").parent
    if (root / MARKER).is_file():
        return DatasetInfo("sketch15", "drawn sketches (sketch15)")
    if all(
        (root / entry.split / entry.class_name / entry.file).is_file() for entry in load_manifest()
    ):
        return DatasetInfo("scene15", "15-scene photographs")
    return DatasetInfo("own", f"images in {root.name or root}")


def find_dataset(data_dir: str | Path | None = None) -> Path:
    """The dataset to train on: `data_dir`, or `data/`, or sketches if `data/` holds no dataset.

    Sketches are drawn once, into `data/sketch15/`, and never without saying so on stderr.

    Args:
        data_dir: a folder that must hold train/ and test/; None for the default.

    Raises:
        FileNotFoundError: `data_dir` was named and holds no dataset.
        ValueError: `data/` holds only one of train/ and test/.
    """
    if data_dir is not None:
        describe_dataset(data_dir)  # raises if there is none
        return Path(data_dir).expanduser()
    present = [split for split in ("train", "test") if (DEFAULT_DATA_DIR / split).exists()]
    if len(present) == 2:
        return DEFAULT_DATA_DIR
    if len(present) == 1:
        raise ValueError(
            f"{DEFAULT_DATA_DIR}/ holds {present[0]}/ but not its twin: move it away, "
            "then run `scene-recog data download`"
        )
    return draw_sketches(DEFAULT_DATA_DIR / "sketch15")


def draw_sketches(root: Path) -> Path:
    """Draw sketch15 into `root` if it is not there yet; says on stderr what is used, and why.

    Raises:
        ValueError: `root` holds something else, or cannot be written to.
    """
    from scene_recog.datasets.sketch15 import write_sketch15

    notice(
        f"No photographs in {root.parent}/: using drawn sketches (sketch15). "
        "For the real images run: scene-recog data download"
    )
    try:
        return write_sketch15(root)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ValueError(f"cannot draw sketches into {root}: {reason}") from error
