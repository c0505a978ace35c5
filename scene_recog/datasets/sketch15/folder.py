"""Write the dataset: the folder appears complete or not at all."""

import json
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

from scene_recog.datasets.sketch15.picture import CLASSES, draw_scene
from scene_recog.system.progress import progress_bar

Marker = dict[str, str | int]

MARKER = "sketch15.json"
VERSION = 2  # of the pictures: a folder drawn by another version is replaced


def write_sketch15(
    root: str | Path, *, train_per_class: int = 60, test_per_class: int = 30, seed: int = 0
) -> Path:
    """Draw the whole dataset into `root`: {train,test}/<class>/image_NNNN.jpg, grayscale.

    Every image depends only on (seed, split, class, number), so larger counts add images and change
    none. The folder gets its name once it is complete. A complete one drawn with the same arguments
    is kept; one drawn with other arguments is replaced.

    Returns:
        `root` as a Path.

    Raises:
        ValueError: a count below 1, a negative seed, or `root` holds something else.
    """
    counts = {"train": train_per_class, "test": test_per_class}
    for split, amount in counts.items():
        if amount < 1:
            raise ValueError(f"{split}_per_class is {amount}: it must be at least 1")
    if seed < 0:
        raise ValueError(f"seed is {seed}: it must not be negative")
    marker: Marker = {"dataset": "sketch15", "version": VERSION, "seed": int(seed)}
    marker |= {f"{split}_per_class": int(amount) for split, amount in counts.items()}
    path = Path(root).resolve()  # renaming a link would leave its target behind
    if _is_complete(path, marker):
        return Path(root)

    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix=f".{path.name}-", dir=path.parent, ignore_cleanup_errors=True
    ) as workplace:
        new = Path(workplace) / "new"
        total = len(CLASSES) * sum(counts.values())
        with progress_bar(total=total, desc="drawing", unit="img", leave=False) as bar:
            for split_index, (split, amount) in enumerate(counts.items()):
                for class_index, name in enumerate(CLASSES):
                    folder = new / split / name
                    folder.mkdir(parents=True)
                    for number in range(1, amount + 1):
                        rng = np.random.default_rng([seed, split_index, class_index, number])
                        draw_scene(name, rng).save(folder / f"image_{number:04d}.jpg", quality=85)
                    bar.update(amount)
        (new / MARKER).write_text(json.dumps(marker, indent=2) + "\n", encoding="utf-8")
        _publish(new, path, marker)
    return Path(root)


def _is_complete(path: Path, marker: Marker) -> bool:
    """Whether `path` is this dataset: False if it may be replaced, ValueError if it may not."""
    try:
        folder = path.stat()
        names = {entry.name for entry in path.iterdir()}
        text = (path / MARKER).read_text(encoding="utf-8") if MARKER in names else "null"
        images = {s: len(list(path.glob(f"{s}/*/image_*.jpg"))) for s in ("train", "test")}
        replaced = not os.path.samestat(folder, path.stat())
    except FileNotFoundError:
        return False
    except NotADirectoryError:
        raise ValueError(f"{path} is not a folder: choose another place for sketch15") from None
    if replaced:  # by another process in the meantime: look again
        return False
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if names and (not isinstance(found, dict) or found.get("dataset") != "sketch15"):
        raise ValueError(f"{path} holds something other than sketch15: choose another folder")
    return found == marker and all(
        images[split] == len(CLASSES) * int(marker[f"{split}_per_class"]) for split in images
    )


def _publish(new: Path, path: Path, marker: Marker) -> None:
    """Rename `new` to `path`, unless another process has put the same dataset there."""
    for attempt in range(10):
        if _is_complete(path, marker):
            return
        old = new.with_name(f"old{attempt}")
        try:
            if path.exists():
                path.rename(old)
            new.rename(path)
            return
        except OSError:  # another process was between the same two lines, or we may not write
            with suppress(OSError):
                if old.exists() and not path.exists():
                    old.rename(path)
            if attempt == 9:
                raise
            time.sleep(0.05)
