"""Mean and deviation of the training pixels, measured once for each set of files."""

from __future__ import annotations

import json
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from scene_recog.datasets.images import is_image_name
from scene_recog.engine.bad_images import folder_without
from scene_recog.engine.checkpoint import write_atomically
from scene_recog.engine.image_cache import cache_key, default_cache_dirs
from scene_recog.stats_helper import compute_mean_and_std


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
