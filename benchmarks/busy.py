"""Time an epoch beside other busy processes.

    python benchmarks/busy.py [--data data] [--recipe part2] [--epochs 3] [--busy 0 1 2]

Each row is one way to choose threads, each column a number of busy processes (endless loops) beside
it. Each cell is a process of its own: the median of `--epochs` epochs after a first one. An epoch
trains on train and validates on test.

    as torch is  a thread for each core; between parallel regions they spin for a moment
    passive      the same with OMP_WAIT_POLICY=PASSIVE: they sleep
    one thread   `--threads 1`
    chosen       in Python and notebooks: `Trainer` chooses the number of threads at the start
    train        at the command line: the same; they sleep if the machine is busy at the start
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common import machine, make_parser, run_script

from scene_recog.datasets import find_dataset
from scene_recog.recipes import get_recipe

WAYS: dict[str, tuple[dict[str, str], str]] = {  # name: (environment, threads)
    "as torch is": ({}, "torch.get_num_threads()"),
    "passive": ({"OMP_WAIT_POLICY": "PASSIVE"}, "torch.get_num_threads()"),
    "one thread": ({}, "1"),
    "chosen": ({}, "None"),
    "train": ({}, "None"),
}
EPOCHS = """
import sys
way = sys.argv.pop(1)
if way == "train":
    from scene_recog.system.processors import let_threads_sleep_if_busy
    let_threads_sleep_if_busy()
import torch
from scene_recog.recipes import get_recipe
recipe, data, folder, epochs, threads, *settings = sys.argv[1:]
recipe = get_recipe(recipe).override(["val_fraction=0", *settings])
trainer = recipe.make_trainer(data, folder, device="cpu", threads=eval(threads))
trainer.run_training_loop(1 + int(epochs))
print(trainer.arithmetic.threads, *(record.seconds for record in trainer.records[1:]))
"""


@contextmanager
def busy_processes(number: int) -> Iterator[None]:
    """So many endless loops while the block runs."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def seconds_of(
    way: str, args: argparse.Namespace, data_dir: Path, folder: Path
) -> tuple[int, float]:
    """The number of threads, and the median seconds of an epoch."""
    environment, threads = WAYS[way]
    unset = {key: value for key, value in os.environ.items() if not key.startswith("OMP_")}
    finished = subprocess.run(
        [sys.executable, "-c", EPOCHS, way, args.recipe, str(data_dir), str(folder),
         str(args.epochs), threads, *args.settings],
        env={**unset, **environment}, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    number, *seconds = finished.stdout.split()
    return int(number), statistics.median(map(float, seconds))


def main() -> None:
    """Print the table."""
    parser = make_parser(__doc__)
    parser.add_argument("--recipe", default="part2")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--busy", type=int, nargs="+", default=[0, 1, 2])
    args = parser.parse_args()
    get_recipe(args.recipe).override(["threads=1", *args.settings])  # a mistake is found here
    data_dir = find_dataset(args.data)
    print(machine())
    print(f"{args.recipe}, seconds of an epoch (threads)")
    print(f"{'':12}" + "".join(f"{f'{number} busy':>14}" for number in args.busy))
    with tempfile.TemporaryDirectory() as scratch:
        cells: dict[tuple[str, int], str] = {}
        for number in args.busy:
            for way in WAYS:
                with busy_processes(number):
                    folder = Path(scratch) / f"{way}-{number}"
                    threads, seconds = seconds_of(way, args, data_dir, folder)
                cells[way, number] = f"{seconds:.2f} ({threads})"
        for way in WAYS:
            print(f"{way:12}" + "".join(f"{cells[way, number]:>14}" for number in args.busy))


if __name__ == "__main__":
    run_script(main)
