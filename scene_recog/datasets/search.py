"""Find the dataset in a folder where it was unpacked a level or two too deep."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from scene_recog.datasets.layout import SPLITS
from scene_recog.datasets.scene15.in_place import REPLACED
from scene_recog.datasets.scene15.manifest import class_of_folder
from scene_recog.datasets.sketch15 import MARKER
from scene_recog.system.text import first_of

_LEVELS = 2
_SHOWN = 5  # of several datasets
_FEW_CLASSES = 3  # this many folders with names of scenes count as the unsplit dataset


def locate_dataset(root: str | Path) -> Path | None:
    """The dataset that is meant by `root`: a folder with train/ and test/.

    That is `root` itself, or its parent if `root` is a train/ or test/ folder, or the only such
    folder up to two levels below. Hidden folders, drawn sketches, and images replaced by an import
    do not count.

    Returns:
        The folder, or None if there is nothing like a dataset. `root` itself even if it has only
        train/ or only test/.

    Raises:
        ValueError: there are several, or only images that are not split into train/ and test/.
            The message names the folder.
    """
    root = Path(root).expanduser()
    if any((root / split).is_dir() for split in SPLITS):
        return root
    absolute = root.absolute()  # `root` may be "."
    if absolute.name in SPLITS and _is_split(absolute.parent):
        return root.parent if root.name else absolute.parent
    below = list(_folders_below(root, _LEVELS))
    found = {folder.resolve(): folder for folder in below if _is_split(folder)}  # links: once
    if len(found) > 1:
        names = [str(folder) for folder in sorted(found.values())]
        raise ValueError(
            f"several datasets in {root}: {first_of(names, _SHOWN)}; choose one with --data"
        )
    if found:
        return next(iter(found.values()))
    for folder in (root, *below):
        scenes = [child.name for child in _subfolders(folder) if class_of_folder(child.name)]
        if len({class_of_folder(name) for name in scenes}) >= _FEW_CLASSES:
            raise ValueError(
                f"{folder} holds class folders ({', '.join(scenes[:3])}, ...), but no train/ and"
                f" test/: run `scene-recog data import {folder} --data {root}` to split the"
                " 15-scene dataset, or sort your own images into train/<class>/ and test/<class>/"
            )
    return None


def _is_split(folder: Path) -> bool:
    return all((folder / split).is_dir() for split in SPLITS)


def _folders_below(folder: Path, levels: int) -> Iterator[Path]:
    """The folders to look in, from the top down; not inside a dataset that was found."""
    children = _subfolders(folder)
    yield from children
    if levels > 1:
        for child in children:
            if not _is_split(child):
                yield from _folders_below(child, levels - 1)


def _subfolders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:  # a class folder has many files: no stat of each
            names = sorted(entry.name for entry in entries if entry.is_dir())
    except OSError:  # missing, not a folder, or no permission
        return []
    return [
        folder / name
        for name in names
        if not name.startswith((".", "__MACOSX"))
        and not re.fullmatch(rf"{REPLACED}\d+", name)
        and not (folder / name / MARKER).is_file()
    ]
