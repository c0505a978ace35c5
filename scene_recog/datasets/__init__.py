"""Where the images come from, and what kind of images a folder holds."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scene_recog.system.progress import notice

DEFAULT_DATA_DIR = Path("data")
SKETCHES_DIR = Path("sketch15")  # beside data/, where statistics over all of data/ do not find it


@dataclass(frozen=True)
class DatasetInfo:
    """What a dataset folder holds.

    Attributes:
        kind: "scene15" (photographs, by their file names), "sketch15" (drawn by code) or "own".
        title: the kind in words, for plot titles.
    """

    kind: Literal["scene15", "sketch15", "own"]
    title: str


def describe_dataset(root: str | Path) -> DatasetInfo:
    """Tell photographs, sketches and the user's own images apart without reading any image.

    Raises:
        FileNotFoundError: there is no train/ folder.
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

    A dataset that was unpacked a level or two too deep is found as well (see `locate_dataset`).
    Sketches are drawn once, into `sketch15/`. A notice on stderr reports either case.

    Args:
        data_dir: a folder that holds train/ and test/; None for the default.

    Raises:
        FileNotFoundError: `data_dir` was given and holds no dataset.
        ValueError: `data/` holds only one of train/ and test/; the folder holds several datasets,
            or one that is not split into train/ and test/.
    """
    from scene_recog.datasets.layout import require_split
    from scene_recog.datasets.search import locate_dataset

    root = DEFAULT_DATA_DIR if data_dir is None else Path(data_dir).expanduser()
    found = locate_dataset(root)
    if found is None and data_dir is None:
        return draw_sketches(SKETCHES_DIR)
    if found is not None and found != root:
        notice(f"No train/ and test/ in {root}: using {found} instead.")
        return found
    if data_dir is None:
        _require_both_splits(root)
    require_split(root, "train")
    return root


def _require_both_splits(root: Path) -> None:
    for split, other in (("train", "test"), ("test", "train")):
        if not (root / other).exists():
            raise ValueError(
                f"{root}/ holds {split}/ but no {other}/: move it away, "
                "then run `scene-recog data download`"
            )


def draw_sketches(root: Path) -> Path:
    """Draw sketch15 into `root` if it is not there yet; a notice says what is used, and why.

    Raises:
        ValueError: `root` holds something else, or cannot be written to.
    """
    from scene_recog.datasets.sketch15 import write_sketch15

    notice(
        f"No photographs in {DEFAULT_DATA_DIR}/: using drawn sketches, in {root}/. "
        "For the real images run: scene-recog data download"
    )
    try:
        return write_sketch15(root)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ValueError(f"cannot draw sketches into {root}: {reason}") from error
