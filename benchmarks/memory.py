"""Does memory grow with the dataset? Memory and epoch time at 1, 4 and 16 times its size.

    python benchmarks/memory.py [--data data] [--times 1 4 16]

The images are repeated under other names, as hard links, or as copies where links do not work. For
each size, one process builds the cache, and another trains two epochs of part1 and times the
second. Anonymous memory belongs to the process. The rest of the resident memory is file pages,
which the system can drop at any time. Both are known on Linux only; elsewhere, only the peak is.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from common import run_script

from scene_recog.datasets import find_dataset

TRAIN = """
import resource, sys, time
from pathlib import Path
from scene_recog.recipes import RECIPES
recipe = RECIPES["part1"].override(["val_fraction=0"])
trainer = recipe.make_trainer(sys.argv[1], sys.argv[2], device="cpu")
if sys.argv[3] == "train":
    trainer.train_epoch()
    start = time.perf_counter()
    trainer.train_epoch()
    seconds = time.perf_counter() - start
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    fields = dict(line.split(":", 1) for line in lines)
    anonymous, files = (int(fields.get(k, "0").split()[0]) / 1024 for k in ("RssAnon", "RssFile"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(len(trainer.train_dataset), anonymous, files, peak, seconds)
"""


def repeat(source: Path, target: Path, times: int) -> None:
    """Make a dataset in `target` that contains each image of `source` `times` times."""
    for path in (p for split in ("train", "test") for p in (source / split).rglob("*.jpg")):
        folder = target / path.parent.relative_to(source)
        folder.mkdir(parents=True, exist_ok=True)
        for copy in range(times):
            link = folder / f"{path.stem}_{copy:02d}.jpg"
            try:
                os.link(path, link)
            except OSError:
                shutil.copy(path, link)


def main() -> None:
    """Measure each size of the dataset and print one line for it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data")
    parser.add_argument("--times", type=int, nargs="+", default=[1, 4, 16])
    args = parser.parse_args()
    source = find_dataset(args.data).resolve()
    print(f"{'':4} {'images':>8} {'anonymous':>10} {'file pages':>10} {'peak':>10} {'epoch':>8} "
          f"{'images/s':>9}")  # fmt: skip
    for times in args.times:
        with tempfile.TemporaryDirectory(dir=source.parent) as name:
            repeat(source, Path(name), times)
            for action in ("build", "train"):
                result = subprocess.run(
                    [sys.executable, "-c", TRAIN, name, f"{name}/run", action],
                    capture_output=True, text=True, check=True,
                )  # fmt: skip
        images, anonymous, files, peak, seconds = map(float, result.stdout.split())
        print(f"{times:3}x {images:8.0f} {anonymous:6.0f} MiB {files:6.0f} MiB {peak:6.0f} MiB "
              f"{seconds:6.2f} s {images / seconds:9.0f}")  # fmt: skip


if __name__ == "__main__":
    run_script(main)
