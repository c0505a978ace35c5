"""Mean and standard deviation of the training pixels, measured once for each set of files."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from PIL import Image

from scene_recog.datasets.images import (
    UnreadableImageError,
    class_folders,
    image_name,
    images_below,
    is_image_name,
    normalized,
)
from scene_recog.datasets.layout import SPLITS, images_by_class, require_split
from scene_recog.loading.bad_images import BadImagesError, find_bad_images, folder_without
from scene_recog.loading.cache import cache_key, default_cache_dirs
from scene_recog.loading.reading import naming_the_file
from scene_recog.stats_helper import compute_mean_and_std
from scene_recog.system.files import write_atomically
from scene_recog.system.numbers import plain_number
from scene_recog.system.progress import notice
from scene_recog.system.text import in_one_line


def pixel_stats(
    data_dir: str | Path, *, cache: str = "disk", left_out: Collection[str] = ()
) -> tuple[float, float]:
    """`compute_mean_and_std` for the training images, from the cache if nothing has changed.

    The function sees only the images that training uses, whatever else is in the folder. If it
    works only for the dataset's root, which is how the course calls it, it gets train and test
    together, with a notice on stderr.

    Args:
        data_dir: folder with train/.
        cache: "disk" keeps the two numbers in the data folder's cache; otherwise they are measured.
        left_out: images to ignore, as paths below `data_dir`.

    Raises:
        ValueError: it does not return a mean and a standard deviation above 0.
        FileNotFoundError, ValueError: as `compute_mean_and_std`; `BadImagesError` if it fails and
            there are images that cannot be read.
    """
    root = require_split(data_dir).parent
    directory = default_cache_dirs(root)[0] if cache == "disk" else None
    names = {normalized(name) for name in left_out}
    images = {
        split: [path for path in _images_of(root, split) if image_name(path, root) not in names]
        for split in SPLITS
    }
    try:
        return _cached_stats(root / "train", images["train"], directory)
    except (UnreadableImageError, NotImplementedError):
        raise
    except Exception as trouble:
        if not images["train"]:
            raise
        try:
            stats = _cached_stats(root, images["train"] + images["test"], directory)
        except Exception:
            bad = find_bad_images(root)
            if reasons := {name: reason for name, reason in bad.items() if name not in names}:
                raise BadImagesError(reasons) from trouble
            raise trouble from None
    notice(
        f"compute_mean_and_std in stats_helper.py does not work for {root / 'train'}: "
        f"using mean and std of {root}, train and test together."
    )
    return stats


def _cached_stats(folder: Path, images: list[Path], directory: Path | None) -> tuple[float, float]:
    path = None
    if directory is not None:
        # The folder counts: a function may treat the same images differently from the root.
        measure = partial(compute_mean_and_std, image_name(folder, directory.parent))
        key = cache_key(list(map(str, images)), measure, [], directory, shared=False)
        path = directory / f"stats-{key.hex()[:32]}.json"
        with suppress(OSError, ValueError, TypeError):
            mean, std = json.loads(path.read_text(encoding="utf-8"))
            return float(mean), float(std)
    mean, std = _measure(folder, images)
    if std <= 0:
        raise ValueError(
            f"compute_mean_and_std in stats_helper.py returns std {std:g} for {folder}: "
            "it must be above 0 (do all pixels have the same grey?)"
        )
    if path is not None:
        text = json.dumps([mean, std])
        with suppress(OSError):  # go on without a cache
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, lambda part: part.write_text(text, encoding="utf-8"))
    return mean, std


def _measure(folder: Path, images: list[Path]) -> tuple[float, float]:
    """`compute_mean_and_std(folder)` over only these images of the folder.

    Raises:
        ValueError: it does not return two finite numbers.
    """
    if _plainly_holds(folder, images):
        return _two_numbers(compute_mean_and_std(str(folder)), folder)
    with folder_without(folder, set(images_below(folder)) - set(images)) as copy:
        try:
            return _two_numbers(compute_mean_and_std(str(copy)), folder)
        except UnreadableImageError as error:
            raise UnreadableImageError(str(error).replace(str(copy), str(folder))) from error


def _plainly_holds(folder: Path, images: list[Path]) -> bool:
    """Whether any walk finds exactly these images: no folder is a link or hidden."""
    found = {
        Path(parent, name)
        for parent, _, names in os.walk(folder)
        for name in names
        if is_image_name(name.lstrip("."))
    }
    return found == set(images)


def _two_numbers(result: Any, folder: Path) -> tuple[float, float]:
    """Two Python floats from the result of a student's function, which may be numpy or torch."""
    try:
        mean, std = (_number(value) for value in result)
    except (TypeError, ValueError, RuntimeError):
        mean = std = math.nan
    if not (math.isfinite(mean) and math.isfinite(std)):
        raise ValueError(
            f"compute_mean_and_std in stats_helper.py returns {in_one_line(repr(result))[:100]} "
            f"for {folder}: it must return two finite numbers, mean and standard deviation"
        )
    return mean, std


def _number(value: Any) -> float:
    if isinstance(value, str | bytes):
        raise TypeError("a string is not a number")
    return float(plain_number(value))


def _images_of(root: Path, split: str) -> list[Path]:
    if not (root / split).is_dir() or not class_folders(root / split):
        return []
    return [path for paths in images_by_class(root, split).values() for path in paths]


@dataclass(frozen=True)
class DatasetStats:
    """Counts, sizes in pixels as (width, height), and mean and std of the pixels in [0, 1]."""

    counts: dict[str, dict[str, int]]  # class -> split -> number of images
    smallest: tuple[int, int]
    median: tuple[float, float]
    largest: tuple[int, int]
    most_common: tuple[int, int]
    most_common_count: int
    mean: float
    std: float


def dataset_stats(root: str | Path) -> DatasetStats:
    """Describe a dataset: images per class and split, their sizes, and their pixels.

    Smallest, median and largest are taken over widths and heights separately. The mean and sample
    standard deviation are over all pixels of train and test, as from `compute_mean_and_std`.

    Raises:
        FileNotFoundError: no train folder, no class folders or no images.
        ValueError: an image that cannot be read.
    """
    root = require_split(root).parent
    splits = [split for split in SPLITS if (root / split).is_dir()]
    images = {split: images_by_class(root, split) for split in splits}
    sizes: list[tuple[int, int]] = []
    pixels = dict.fromkeys(splits, 0)
    for split in splits:
        for path in _images_of(root, split):
            with naming_the_file(path), Image.open(path) as image:
                sizes.append(image.size)
            pixels[split] += math.prod(sizes[-1])
    if not sizes:
        raise FileNotFoundError(f"no images in {root}: it should hold train/<class>/<image>.jpg")
    mean, std = _stats_of_both(root, pixels)
    widths, heights = zip(*sizes, strict=True)
    ((most_common, count),) = Counter(sizes).most_common(1)
    return DatasetStats(
        counts={
            name: {split: len(images[split].get(name, ())) for split in splits}
            for name in sorted({name for classes in images.values() for name in classes})
        },
        smallest=(min(widths), min(heights)),
        median=(median(widths), median(heights)),
        largest=(max(widths), max(heights)),
        most_common=most_common,
        most_common_count=count,
        mean=mean,
        std=std,
    )


def _stats_of_both(root: Path, pixels: dict[str, int]) -> tuple[float, float]:
    """Mean and std over both splits, from those of each; pixels: split -> number of pixels."""
    parts = []
    try:
        for split, n in pixels.items():
            if n:
                parts.append((n, *_measure(root / split, _images_of(root, split))))
    except UnreadableImageError:
        raise
    except Exception as trouble:  # perhaps it works only for the root
        try:
            return _measure(root, [path for split in pixels for path in _images_of(root, split)])
        except Exception:
            raise trouble from None
    total = sum(n for n, _, _ in parts)
    mean = sum(n * m for n, m, _ in parts) / total
    squares = sum((n - 1) * s**2 + n * (m - mean) ** 2 for n, m, s in parts)
    return mean, math.sqrt(squares / max(total - 1, 1))
