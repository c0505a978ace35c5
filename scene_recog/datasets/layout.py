"""Datasets on disk: folders `root/{train,test}/<class>/<image>` with any images."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from scene_recog.datasets.images import (
    class_folders,
    files_below,
    image_name,
    images_below,
    is_image_name,
    is_note,
    normalized,
)
from scene_recog.system.text import in_one_line

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
    """The images of both splits, sorted, as paths below `root` like `train/coast/a.jpg`.

    These are file paths; a run stores names from `image_name`.
    """
    root = Path(root)
    images = [
        path.relative_to(root).as_posix()
        for split in SPLITS
        if (root / split).is_dir()
        for name in class_folders(root / split)
        for path in images_below(root / split / name)
    ]
    return sorted(images, key=normalized)


def images_by_class(root: str | Path, split: str = "train") -> dict[str, list[Path]]:
    """The images of one split: class name -> sorted paths, classes in alphabetical order.

    Images in subfolders of a class folder count too (see `images_below`).

    Raises:
        ValueError: split is neither "train" nor "test".
        FileNotFoundError: there is no such folder, or no class folder in it.
    """
    folder = require_split(root, split)
    classes = class_folders(folder)
    if not classes:
        raise FileNotFoundError(f"no class folders in {folder}: it should hold <class>/<image>.jpg")
    return {name: images_below(folder / name) for name in classes}


def left_out_notice(
    root: str | Path,
    splits: Iterable[str] = SPLITS,
    *,
    listed: Iterable[str | Path] | None = None,
) -> str:
    """One line about unused files of a dataset that may be meant as images.

    Text, tables and hidden files are not mentioned.

    Args:
        root: folder that holds train/ and test/.
        splits: the splits to look at, if they exist.
        listed: the images that are used, if an `ImageLoader` lists others than
            `images_by_class`.

    Returns:
        For instance "Left out of data: 2 files without an image's extension
        (train/coast/a.heic, train/coast/b.raw)"; empty if nothing is left out.
    """
    root = Path(root).expanduser()
    left_out: dict[str, list[str]] = defaultdict(list)
    used = None if listed is None else {image_name(path, root) for path in listed}
    for split in splits:
        if not (root / split).is_dir():
            continue
        for path, is_file in files_below(root / split):
            name = image_name(path, root)
            if (used is not None and name in used) or is_note(path):
                continue
            if not is_file and path.is_symlink():
                left_out["broken link"].append(name)
            elif not is_file or not is_image_name(path):
                left_out["file without an image's extension"].append(name)
            elif len(path.relative_to(root).parts) < 3:
                left_out["image outside the class folders"].append(name)
            elif used is not None:
                left_out["image that ImageLoader does not list"].append(name)
    if not left_out:
        return ""
    parts = [_counted(kind, names) for kind, names in left_out.items()]
    return in_one_line(f"Left out of {root}: {', '.join(parts)}")


_PLURALS = {
    "broken link": "broken links",
    "file without an image's extension": "files without an image's extension",
    "image outside the class folders": "images outside the class folders",
    "image that ImageLoader does not list": "images that ImageLoader does not list",
}


def _counted(kind: str, names: list[str]) -> str:
    some = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return f"{len(names):,} {kind if len(names) == 1 else _PLURALS[kind]} ({some})"


def sha256_of(path: Path) -> str:
    """Hex digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def straddles(group: Iterable[str]) -> bool:
    """Whether a group of paths from `find_duplicates` has images from both train and test."""
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
