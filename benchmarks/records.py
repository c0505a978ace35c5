"""Train record recipes from a cold start, on all of train, and read the test split.

    python benchmarks/records.py fast80 --target 0.80 [--seeds 0 1 2]
    python benchmarks/records.py best best-gradients fisher-vectors --set val_fraction=0.01

The final figure is that of the last epoch, with averaged weights: no epoch is chosen. Test accuracy
is noted after every epoch, only to say when the target was passed for good (no later epoch is
below it); nothing in the run depends on it, and with another schedule the time would be another.

A seed whose run was stopped goes on where it was, and a complete one is only measured again.
Seconds are those of training, without start-up and without validation; CPU seconds, of all threads,
are of both, and tell whether other programs took part of the machine: on two quiet cores they are
nearly twice the seconds.

With several seeds, or recipes, the last lines are of their nets together: the mean of their
probabilities (Lakshminarayanan et al. 2017), each recipe weighing the same, after the training time
of all of them. With --set val_fraction=0.01, two images of a class are held out of train, and test
is read at the end only.

fisher-vectors is no recipe, for nothing in it is trained by steps (see models/fisher_vectors.py):
it is fitted to all of train, and not stored.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from scene_recog.datasets import find_dataset
from scene_recog.datasets.scene15 import duplicates_in_train
from scene_recog.image_loader import ImageLoader
from scene_recog.models.fisher_vectors import FisherVectorNet
from scene_recog.recipes import Recipe, get_recipe
from scene_recog.runs.run_folder import EpochRecord
from scene_recog.runs.scoring import (
    Evaluation,
    LoadedRun,
    accuracy_without,
    evaluate_split,
    load_run,
)

FISHER_VECTORS = "fisher-vectors"
Views = dict[str, list[Evaluation]]  # by what each image is looked at as: one for each net


def main() -> None:
    """Train, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("recipes", nargs="+", metavar="recipe")
    parser.add_argument("--target", type=float, default=0.8, help="accuracy from 0 to 1")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--data")
    parser.add_argument("--set", nargs="+", action="extend", default=[], dest="settings")
    args = parser.parse_args()

    data_dir = find_dataset(args.data)
    twins = duplicates_in_train(data_dir)
    recipes = recipes_of(args.recipes, ["val_fraction=0", *args.settings])
    print(f"{os.cpu_count()} cores, torch {torch.__version__}, {torch.get_num_threads()} threads")
    kinds: list[Views] = []
    seconds: list[list[float]] = []  # by kind and seed
    for recipe in recipes:
        views, its_seconds = measure(recipe, args.seeds, data_dir, twins, args.target)
        kinds.append(views)
        seconds.append(its_seconds)
    if len(kinds) > 1 and len(args.seeds) > 1:
        for i, seed in enumerate(args.seeds):
            of_seed = [{view: [nets[i]] for view, nets in views.items()} for views in kinds]
            took = sum(its_seconds[i] for its_seconds in seconds)
            print_together(f"seed {seed} of each", of_seed, took, data_dir, twins)
    if len(kinds) > 1:
        print_together("all", kinds, sum(map(sum, seconds)), data_dir, twins)


def recipes_of(names: list[str], settings: list[str]) -> list[Recipe | None]:
    """The recipes with their settings; None for Fisher vectors. Ends the program if two are one."""
    recipes = [None if n == FISHER_VECTORS else get_recipe(n).override(settings) for n in names]
    if len({recipe and recipe.name for recipe in recipes}) < len(recipes):
        sys.exit("two recipes of one name would share a folder: name each once, and do not set it")
    return recipes


def measure(
    recipe: Recipe | None, seeds: list[int], data_dir: Path, twins: set[str], target: float
) -> tuple[Views, list[float]]:
    """Train with each seed; print and return what the nets say, and their seconds.

    Args:
        recipe: None for Fisher vectors.
        seeds, target: from the command line.
        data_dir, twins: the images, and those of test that are left out once.
    """
    print(recipe or FISHER_VECTORS)
    nets: Views = {}
    columns: dict[str, list[float]] = {}
    for seed in seeds:
        if recipe is None:
            run, times = fit_fisher_vectors(seed, data_dir)
        else:
            run, times = train(recipe.override([f"seed={seed}"]), data_dir, target)
        for view, options in views_of(recipe).items():
            nets.setdefault(view, []).append(evaluate_split(run, data_dir, **options))
        row = {
            **{view: evaluations[-1].accuracy for view, evaluations in nets.items()},
            "plain, without twins": accuracy_without(nets["plain"][-1], data_dir, twins),
            **times,
        }
        print(f"seed {seed}: " + ", ".join(f"{k} {v:.4g}" for k, v in row.items()), flush=True)
        for key, value in row.items():
            columns.setdefault(key, []).append(value)
    for key, values in columns.items():
        if any(map(math.isnan, values)):  # target not reached, or not measured in this process
            known = sum(not math.isnan(v) for v in values)
            print(f"{key:24} known of {known} of {len(values)} seeds")
            continue
        spread = statistics.stdev(values) if len(values) > 1 else float("nan")
        print(f"{key:24} mean {statistics.mean(values):.4f}, deviation {spread:.4f}")
    if len(seeds) > 1:
        print_together("all", [nets], sum(columns["seconds"]), data_dir, twins)
    return nets, columns["seconds"]


def train(recipe: Recipe, data_dir: Path, target: float) -> tuple[LoadedRun, dict[str, float]]:
    """A run of a recipe, trained as far as it was not yet, and what it took."""
    folder = Path("model_checkpoints") / f"record-{recipe.name}-seed{recipe.seed}"
    if (config := folder / "config.json").exists() and get_recipe(str(config)) != recipe:
        sys.exit(f"{folder} has a run with other settings: move it away, or --set name=other")
    trainer = recipe.make_trainer(data_dir, folder, load_from_disk=True)
    cpu, was_whole = time.process_time(), trainer.epochs_done == 0
    if trainer.epochs_done < recipe.epochs:
        trainer.run_training_loop(recipe.epochs - trainer.epochs_done)
    times = {
        "seconds": sum(map(training_seconds, trainer.records)),
        "seconds of validation": sum(r.validation_seconds for r in trainer.records),
        "CPU seconds": time.process_time() - cpu if was_whole else float("nan"),
    }
    if recipe.val_fraction == 0:  # validation was on test
        times["seconds to target"] = seconds_to(target, trainer.records)
    return load_run(folder, checkpoint="last"), times


def fit_fisher_vectors(seed: int, data_dir: Path) -> tuple[LoadedRun, dict[str, float]]:
    """Fisher vectors of all of train, which are not stored, and what they took."""
    start, cpu = time.perf_counter(), time.process_time()
    dataset = ImageLoader(data_dir, "train", FisherVectorNet.transform)
    net = FisherVectorNet()
    net.fit(dataset, seed=seed)
    times = {"seconds": time.perf_counter() - start, "CPU seconds": time.process_time() - cpu}
    run = LoadedRun(
        folder=Path(FISHER_VECTORS),
        checkpoint=Path(FISHER_VECTORS),
        epoch=0,
        model=net.eval(),
        transform=FisherVectorNet.transform,
        class_names=list(dataset.class_dict),
        config={},
        device=torch.device("cpu"),
    )
    return run, times


def print_together(
    what: str, kinds: list[Views], seconds: float, data_dir: Path, twins: set[str]
) -> None:
    """What nets say together: the mean over the nets of a kind, then over the kinds."""
    count = sum(len(nets["plain"]) for nets in kinds)
    for view in max(kinds, key=len):
        together = mean_of([mean_of(nets.get(view, nets["flip"])) for nets in kinds])
        without = accuracy_without(together, data_dir, twins)
        print(f"{what}, {count} nets together, {view}: {together.accuracy:.4f}, "
              f"without twins {without:.4f}, after {seconds:.0f} s")  # fmt: skip


def views_of(recipe: Recipe | None) -> dict[str, dict[str, Any]]:
    """What each image is looked at as: options for `evaluate_split`, by name.

    The other sizes are 16 pixels below and above the evaluation size. A net that halves the sides
    four times has trained on a multiple of 16, where no stage meets an odd side; other sizes would
    pad its maps at edges where it has never seen padding. Fisher vectors (None) see several sizes
    anyway.
    """
    views: dict[str, dict[str, Any]] = {"plain": {}, "flip": {"flip": True}}
    if recipe is None:
        return views
    size = recipe.eval_size or recipe.input_size
    scales = ((size - 16) / size, 1.0, (size + 16) / size)
    return {**views, "flip and 3 sizes": {"flip": True, "scales": scales}}


def mean_of(evaluations: list[Evaluation]) -> Evaluation:
    """What several nets say together of the same images: the mean of their probabilities."""
    probabilities = np.mean([one.probabilities for one in evaluations], axis=0)
    return replace(evaluations[0], probabilities=probabilities)


def seconds_to(target: float, records: list[EpochRecord]) -> float:
    """When test accuracy was at or above `target` for good; nan if it never was."""
    last_below = max((r.epoch for r in records if r.validation_accuracy < target), default=0)
    if last_below >= len(records):
        return float("nan")
    return sum(training_seconds(r) for r in records if r.epoch <= last_below + 1)


def training_seconds(record: EpochRecord) -> float:
    """Of one epoch, without validation."""
    return record.seconds - record.validation_seconds


if __name__ == "__main__":
    main()
