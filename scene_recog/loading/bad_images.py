"""Images that cannot be read: name all of them at once, or leave them out."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

from scene_recog.datasets.images import (
    UnreadableImageError,
    class_folders,
    image_name,
    images_below,
)
from scene_recog.datasets.layout import SPLITS
from scene_recog.image_loader import ImageLoader
from scene_recog.loading.reading import naming_the_file
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
            f"{len(reasons)} {images} cannot be read: fix or remove {them}, or leave {them} out "
            "with --skip-bad (in Python: skip_images)"
            + "".join(f"\n  {in_one_line(reason)}" for reason in reasons.values())
        )


def find_bad_images(data_dir: str | Path) -> dict[str, str]:
    """Read every image that training or testing would use, as they would.

    Args:
        data_dir: folder with train/ or test/ or both.

    Returns:
        The name (see `image_name`) of each image that cannot be read -> what is wrong with it.
    """
    root = Path(data_dir).expanduser()
    images = [
        (str(path), dataset.load_img_from_path)
        for dataset in _splits_that_are_there(root)
        for path, _ in dataset.dataset
    ]
    with (
        progress_bar(total=len(images), desc="checking images", unit="img", leave=False) as bar,
        ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool,
    ):
        found = {}
        for (path, _), reason in zip(
            images, pool.map(lambda image: _trouble_with(*image), images), strict=True
        ):
            bar.update()
            if reason:
                found[image_name(path, root)] = reason
    return found


def _splits_that_are_there(root: Path) -> Iterator[ImageLoader]:
    for split in SPLITS:
        if (root / split).is_dir() and class_folders(root / split):
            yield ImageLoader(str(root), split)


@contextmanager
def all_bad_images_named(data_dir: str | Path) -> Iterator[None]:
    """Turn the block's error about one image into a `BadImagesError` that names all bad ones."""
    try:
        yield
    except UnreadableImageError as error:
        if reasons := find_bad_images(data_dir):
            raise BadImagesError(reasons) from error
        raise


def _trouble_with(path: str, load: Callable[[str], Any]) -> str:
    try:
        with naming_the_file(path):
            image = load(path)
            if isinstance(image, Image.Image):
                image.load()  # a student's function may only open it
    except (UnreadableImageError, FileNotFoundError) as error:
        return str(error)
    return ""


@contextmanager
def folder_without(folder: Path, left_out: Collection[Path]) -> Iterator[Path]:
    """A temporary copy of a folder's images (links, where the system has them) without some."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        for path in images_below(folder):
            if path in left_out:
                continue
            target = copy / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                target.symlink_to(path.resolve())
            except OSError:
                shutil.copyfile(path, target)
        yield copy
