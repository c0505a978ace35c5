"""Train a recipe with several seeds and measure each on the test split, once.

    python benchmarks/accuracy.py part2 --seeds 0 1 2 [--data data] [--set KEY=VALUE ...]

Prints validation and test accuracy of each seed, their mean and standard deviation, test accuracy
without the images that have an identical twin in train, and the wall time of training. A seed
whose run folder is complete is not trained again, so a stopped script can be started anew.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
from pathlib import Path

import torch

from scene_recog.datasets import describe_dataset, find_dataset
from scene_recog.datasets.scene15 import duplicates_in_train
from scene_recog.recipes import get_recipe
from scene_recog.runs.scoring import accuracy_without, evaluate_split, load_run


def main() -> None:
    """Train, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("recipe")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--data")
    parser.add_argument("--set", nargs="+", action="extend", default=[], dest="settings")
    parser.add_argument("--name", help="prefix of the run folders (default: the recipe's name)")
    parser.add_argument("--no-test", action="store_true", help="leave the test split alone")
    args = parser.parse_args()

    data_dir = find_dataset(args.data)
    recipe = get_recipe(args.recipe).override(args.settings)
    name = args.name or recipe.name
    print(f"{name} on {describe_dataset(data_dir).title}: {recipe}")
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
          f"torch {torch.__version__}, {torch.get_num_threads()} threads")  # fmt: skip
    twins = duplicates_in_train(data_dir)
    columns: dict[str, list[float]] = {"validation": [], "test": [], "no twins": [], "seconds": []}
    for seed in args.seeds:
        folder = Path("model_checkpoints") / f"{name}-seed{seed}"
        trainer = recipe.override([f"seed={seed}"]).make_trainer(
            data_dir, folder, load_from_disk=True
        )
        if trainer.epochs_done < recipe.epochs:
            trainer.run_training_loop(recipe.epochs - trainer.epochs_done)
        run = load_run(folder)
        columns["seconds"].append(sum(record.seconds for record in trainer.records))
        columns["validation"].append(trainer.best_record.validation_accuracy)
        if not args.no_test:
            result = evaluate_split(run, data_dir, "test")
            columns["test"].append(result.accuracy)
            columns["no twins"].append(accuracy_without(result, data_dir, twins))
        print(f"seed {seed}: epoch {run.epoch} of {run.checkpoint.name}; " + ", ".join(
            f"{key} {values[-1]:.4g}" for key, values in columns.items() if values
        ), flush=True)  # fmt: skip
    for key, values in columns.items():
        if values:
            spread = statistics.stdev(values) if len(values) > 1 else float("nan")
            print(f"{key:10} mean {statistics.mean(values):.4f}, deviation {spread:.4f}")


if __name__ == "__main__":
    main()
