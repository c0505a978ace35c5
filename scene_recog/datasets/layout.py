"""Datasets on disk: folders `root/{train,test}/<class>/<image>`, whichever images they hold."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from scene_recog.datasets.images import is_image_name

SPLITS = ("train", "test")


def require_split(root: str | Path, split: str = "train") -> Path:
    """Return the folder `root/split`.

    Raises:
        ValueError: split is neither "train" nor "test".
        FileNotFoundError: there is no such folder.
    """
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}: use one of {', '.join(SPLITS)}")
    folder = Path(root).expanduser() / split
    if not folder.is_dir():
        raise FileNotFoundError(
            f"no {split}/ folder in {root}: run `scene-recog data download`"
            " (or `scene-recog data import PATH`, or name another folder with --data)"
        )
    return folder


def list_images(root: str | Path) -> list[str]:
    """All images below `root/train` and `root/test`, sorted, as paths like `train/coast/a.jpg`."""
    root = Path(root)
    return sorted(
        path.relative_to(root).as_posix()
        for split in SPLITS
        for path in (root / split).rglob("*")
        if is_image_name(path) and path.is_file()
    )


def images_by_class(root: str | Path, split: str = "train") -> dict[str, list[Path]]:
    """The images of one split: class name -> sorted paths, classes in alphabetical order.

    Raises:
        ValueError: split is neither "train" nor "test".
        FileNotFoundError: there is no such folder, or no class folder in it.
    """
    folder = require_split(root, split)
    classes = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not classes:
        raise FileNotFoundError(f"no class folders in {folder}: it should hold <class>/<image>.jpg")
    return {
        path.name: sorted(p for p in path.iterdir() if is_image_name(p) and p.is_file())
        for path in classes
    }


def sha256_of(path: Path) -> str:
    """Hex digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def straddles(group: Iterable[str]) -> bool:
    """Whether a group of paths from `find_duplicates` has images both of train and of test."""
    return len({path.split("/")[0] for path in group}) > 1


def group_duplicates(digests: dict[str, str]) -> list[tuple[str, ...]]:
    """Group the paths in `digests` (path -> hash) that share a hash, those across splits first."""
    groups = defaultdict(list)
    for path, digest in sorted(digests.items()):
        groups[digest].append(path)
    found = [tuple(group) for group in groups.values() if len(group) > 1]
    return sorted(found, key=lambda group: (not straddles(group), group))


def find_duplicates(root: str | Path) -> list[tuple[str, ...]]:
    """Find byte-identical images in train and test together.

    Returns:
        Groups of two or more sorted paths like `test/coast/image_0001.jpg`; groups that straddle
        train and test come first.

    Raises:
        FileNotFoundError: there is no train folder.
    """
    root = require_split(root).parent
    images = list_images(root)
    sizes = {path: (root / path).stat().st_size for path in images}
    common = Counter(sizes.values())
    return group_duplicates(
        {path: sha256_of(root / path) for path in images if common[sizes[path]] > 1}
    )


def duplicates_in_train(root: str | Path) -> set[str]:
    """The test images that are byte-identical to a train image: paths like `test/coast/a.jpg`.

    Raises:
        FileNotFoundError: there is no train folder.
    """
    return {
        path
        for group in find_duplicates(root)
        if straddles(group)
        for path in group
        if path.startswith("test/")
    }
