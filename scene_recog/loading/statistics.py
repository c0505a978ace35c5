"""Mean and deviation of the training pixels, measured once for each set of files."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from PIL import Image

from scene_recog.datasets.images import is_image_name
from scene_recog.datasets.layout import SPLITS, images_by_class, require_split
from scene_recog.loading.bad_images import folder_without
from scene_recog.loading.cache import cache_key, default_cache_dirs
from scene_recog.stats_helper import compute_mean_and_std
from scene_recog.system.files import write_atomically


def pixel_stats(
    data_dir: str | Path, *, cache: str, left_out: Collection[str] = ()
) -> tuple[float, float]:
    """What `compute_mean_and_std(data_dir/train)` returns, from the cache if nothing has changed.

    Args:
        data_dir: folder with train/.
        cache: "disk" keeps the two numbers in the data folder's cache; else they are measured anew.
        left_out: images not to look at, as paths below `data_dir`.

    Raises:
        FileNotFoundError, ValueError: as `compute_mean_and_std`.
    """
    root = Path(data_dir).expanduser()
    folder = root / "train"
    if left_out:
        with folder_without(folder, {root / name for name in left_out}) as rest:
            return compute_mean_and_std(rest)
    if cache != "disk":
        return compute_mean_and_std(folder)
    directory = default_cache_dirs(root)[0]
    paths = [str(path) for path in sorted(folder.rglob("*")) if is_image_name(path)]
    key = cache_key(paths, compute_mean_and_std, [], directory, shared=False)
    path = directory / f"stats-{key.hex()[:32]}.json"
    with suppress(OSError, ValueError, TypeError):
        mean, std = json.loads(path.read_text(encoding="utf-8"))
        return float(mean), float(std)
    stats = compute_mean_and_std(folder)
    with suppress(OSError):  # a cache that cannot be written is no reason to fail
        directory.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lambda part: part.write_text(json.dumps(stats), encoding="utf-8"))
    return stats


@dataclass(frozen=True)
class DatasetStats:
    """Counts, sizes in pixels as (width, height), and pixel mean and deviation in [0, 1]."""

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

    Smallest, median and largest are taken over widths and heights separately. The pixels' mean and
    sample standard deviation are over train and test together, as `compute_mean_and_std` has them.

    Raises:
        FileNotFoundError: no train folder, no class folders or no images.
        ValueError: an image that cannot be read.
    """
    root = require_split(root).parent
    splits = [split for split in SPLITS if (root / split).is_dir()]
    images = {split: images_by_class(root, split) for split in splits}
    sizes: list[tuple[int, int]] = []
    parts: list[tuple[int, float, float]] = []  # pixels, mean, std of each split
    for split, classes in images.items():
        pixels = 0
        for path in (path for paths in classes.values() for path in paths):
            try:
                with Image.open(path) as image:
                    sizes.append(image.size)
            except OSError as error:
                raise ValueError(f"cannot read the image {path}: {error}") from error
            pixels += math.prod(sizes[-1])
        if pixels:
            parts.append((pixels, *compute_mean_and_std(str(root / split))))
    if not sizes:
        raise FileNotFoundError(f"no images in {root}: it should hold train/<class>/<image>.jpg")

    # Whatever else lies below root (an older dataset moved aside, say) must not count, so the
    # splits are measured one by one and pooled.
    total = sum(n for n, _, _ in parts)
    mean = sum(n * m for n, m, _ in parts) / total
    squares = sum((n - 1) * s**2 + n * (m - mean) ** 2 for n, m, s in parts)
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
        std=math.sqrt(squares / max(total - 1, 1)),
    )
