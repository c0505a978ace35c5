"""Mean and deviation of the training pixels, measured once for each set of files."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from scene_recog.datasets.images import is_image_name
from scene_recog.engine.checkpoint import write_atomically
from scene_recog.engine.image_cache import cache_key, default_cache_dirs
from scene_recog.stats_helper import compute_mean_and_std


def pixel_stats(folder: Path, *, cache: str) -> tuple[float, float]:
    """What `compute_mean_and_std(folder)` returns, from the cache if nothing has changed.

    Args:
        folder: `<data_dir>/train`.
        cache: "disk" keeps the two numbers in the data folder's cache; else they are measured anew.

    Raises:
        FileNotFoundError, ValueError: as `compute_mean_and_std`.
    """
    if cache != "disk":
        return compute_mean_and_std(folder)
    directory = default_cache_dirs(folder.parent)[0]
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
