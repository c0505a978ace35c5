"""Images that cannot be read: all of them named at once, or left out."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from scene_recog.datasets.images import UnreadableImageError, read_grayscale
from scene_recog.datasets.layout import list_images
from scene_recog.system.progress import progress_bar
from scene_recog.system.text import in_one_line


class BadImagesError(ValueError):
    """Some images of a dataset cannot be read; the message has a line for each.

    Attributes:
        reasons: path -> what is wrong with it.
    """

    def __init__(self, reasons: dict[str, str]) -> None:
        self.reasons = reasons
        one = len(reasons) == 1
        images, them = ("image", "it") if one else ("images", "them")
        super().__init__(
            f"{len(reasons)} {images} cannot be read: mend or remove {them}, or leave {them} out "
            "with --skip-bad (in Python: skip_images)"
            + "".join(f"\n  {in_one_line(reason)}" for reason in reasons.values())
        )


def find_bad_images(data_dir: str | Path) -> dict[str, str]:
    """Read every image of a dataset: path relative to `data_dir` -> what is wrong with it.

    Args:
        data_dir: folder with train/ or test/ or both.
    """
    root = Path(data_dir).expanduser()
    names = list_images(root)
    with (
        progress_bar(total=len(names), desc="checking images", unit="img", leave=False) as bar,
        ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool,
    ):
        reasons = pool.map(_trouble_with, [root / name for name in names])
        found = {}
        for name, reason in zip(names, reasons, strict=True):
            bar.update()
            if reason:
                found[name] = reason
    return found


@contextmanager
def all_bad_images_named(data_dir: str | Path) -> Iterator[None]:
    """Turn the first unreadable image of the block into a `BadImagesError` that names them all."""
    try:
        yield
    except UnreadableImageError as error:
        if reasons := find_bad_images(data_dir):
            raise BadImagesError(reasons) from error
        raise


def _trouble_with(path: Path) -> str:
    try:
        read_grayscale(path)
    except (ValueError, FileNotFoundError) as error:
        return str(error)
    return ""


@contextmanager
def folder_without(folder: Path, left_out: Collection[Path]) -> Iterator[Path]:
    """A temporary copy of a folder (links, where the system has them) without some of its files."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        for path in (p for p in folder.rglob("*") if p.is_file() and p not in left_out):
            target = copy / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                target.symlink_to(path.resolve())
            except OSError:
                shutil.copyfile(path, target)
        yield copy
