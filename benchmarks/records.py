"""Train the record recipes from scratch on all of train, and measure them on the test split.

    python benchmarks/records.py fast80 --target 0.80 [--seeds 0 1 2]
    python benchmarks/records.py best best-gradients fisher-vectors --set val_fraction=0.01

The last epoch counts, with averaged weights; no epoch is chosen. Test accuracy is recorded after
every epoch only to say when the target was passed for good (no later epoch is below it). Nothing in
the run depends on it. With another schedule, that time would differ.

A stopped run is resumed, and a complete one is only measured again. Seconds are those of training,
without start-up and validation. CPU seconds are those of all threads, in training and validation.
They show whether other programs shared the machine: on two quiet cores they are nearly twice the
seconds.

With several seeds or recipes, the last lines are about ensembles, which average predicted
probabilities (Lakshminarayanan et al. 2017). Each recipe has the same weight, and the time is the
training time of all members. With --set val_fraction=0.01, two images per class are held out of
train, and test is read only at the end.

Fisher vectors are fitted to all of train here, and not stored; `scene-recog train --recipe
fisher-vectors --set val_fraction=0` makes a run with the same weights.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path

from common import (
    Views,
    check_settings,
    evaluate_views,
    fit_fisher_vectors,
    machine,
    make_parser,
    mean_line,
    recipes_of,
    run_script,
    together,
    train_to_the_end,
)

from scene_recog.datasets import find_dataset
from scene_recog.datasets.layout import duplicates_in_train
from scene_recog.recipes import FittedRecipe, Recipe
from scene_recog.runs.history import EpochRecord
from scene_recog.runs.scoring import LoadedRun, accuracy_without, load_run


def main() -> None:
    """Train and measure all recipes and their ensembles, and print the results."""
    parser = make_parser(__doc__)
    parser.add_argument("recipes", nargs="+", metavar="recipe")
    parser.add_argument("--target", type=float, default=0.8, help="test accuracy, from 0 to 1")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    args = parser.parse_args()

    recipes = recipes_of(args.recipes, ["val_fraction=0", *args.settings])
    data_dir = find_dataset(args.data)
    twins = duplicates_in_train(data_dir)
    print(machine())
    kinds: list[list[Views]] = []  # by recipe and seed
    seconds: list[list[float]] = []
    for recipe in recipes:
        nets, its_seconds = measure(recipe, args.seeds, data_dir, twins, args.target)
        kinds.append(nets)
        seconds.append(its_seconds)
    if len(kinds) > 1 and len(args.seeds) > 1:
        for i, seed in enumerate(args.seeds):
            of_seed = [[nets[i]] for nets in kinds]
            took = sum(its_seconds[i] for its_seconds in seconds)
            print_together(f"seed {seed} of each", of_seed, took, data_dir, twins)
    if len(kinds) > 1:
        print_together("all", kinds, sum(map(sum, seconds)), data_dir, twins)


def measure(
    recipe: Recipe | FittedRecipe,
    seeds: list[int],
    data_dir: Path,
    twins: set[str],
    target: float,
) -> tuple[list[Views], list[float]]:
    """Train and print each seed; return the evaluations and the training seconds of each.

    Args:
        recipe: with its settings.
        seeds, target: from the command line.
        data_dir: folder with train/ and test/.
        twins: test images with an identical twin in train, left out of one figure.
    """
    print(recipe)
    nets: list[Views] = []
    columns: dict[str, list[float]] = {}
    for seed in seeds:
        if isinstance(recipe, FittedRecipe):
            run, times = fit_fisher_vectors(recipe, seed, data_dir)
        else:
            run, times = train(recipe.override([f"seed={seed}"]), data_dir, target)
        views = evaluate_views(recipe, run, data_dir)
        nets.append(views)
        row = {
            **{view: evaluation.accuracy for view, evaluation in views.items()},
            "plain, without twins": accuracy_without(views["plain"], data_dir, twins),
            **times,
        }
        print(f"seed {seed}: " + ", ".join(f"{k} {v:.4g}" for k, v in row.items()), flush=True)
        for key, value in row.items():
            columns.setdefault(key, []).append(value)
    for key, values in columns.items():
        if any(map(math.isnan, values)):  # target missed, or a resumed run without CPU seconds
            known = sum(not math.isnan(v) for v in values)
            print(f"{key:24} known for {known} of {len(values)} seeds")
        else:
            print(mean_line(key, values, 24))
    if len(seeds) > 1:
        print_together("all", [nets], sum(columns["seconds"]), data_dir, twins)
    return nets, columns["seconds"]


def train(recipe: Recipe, data_dir: Path, target: float) -> tuple[LoadedRun, dict[str, float]]:
    """Train the epochs that are left of a recipe; return the run and its times."""
    folder = Path("model_checkpoints") / f"record-{recipe.name}-seed{recipe.seed}"
    check_settings(recipe, folder, otherwise="use --set name=other")
    trainer = recipe.make_trainer(data_dir, folder, load_from_disk=True)
    cpu, was_whole = time.process_time(), trainer.epochs_done == 0
    train_to_the_end(trainer, recipe.epochs)
    times = {
        "seconds": sum(map(training_seconds, trainer.records)),
        "seconds of validation": sum(r.validation_seconds for r in trainer.records),
        "CPU seconds": time.process_time() - cpu if was_whole else float("nan"),
    }
    if recipe.val_fraction == 0:  # then validation is on test
        times["seconds to target"] = seconds_to(target, trainer.records)
    return load_run(folder, checkpoint="last"), times


def print_together(
    what: str, kinds: Sequence[Sequence[Views]], seconds: float, data_dir: Path, twins: set[str]
) -> None:
    """Print the accuracy of an ensemble: the mean over the nets of a kind, then over the kinds."""
    count = sum(map(len, kinds))
    for view, evaluation in together([together(nets) for nets in kinds]).items():
        without = accuracy_without(evaluation, data_dir, twins)
        print(f"{what}, ensemble of {count} nets, {view}: {evaluation.accuracy:.4f}, "
              f"without twins {without:.4f}, after {seconds:.0f} s")  # fmt: skip


def seconds_to(target: float, records: list[EpochRecord]) -> float:
    """Training seconds until test accuracy stays at or above `target`; NaN if it never does."""
    last_below = max((r.epoch for r in records if r.validation_accuracy < target), default=0)
    if last_below >= len(records):
        return float("nan")
    return sum(training_seconds(r) for r in records if r.epoch <= last_below + 1)


def training_seconds(record: EpochRecord) -> float:
    """The seconds of one epoch without validation."""
    return record.seconds - record.validation_seconds


if __name__ == "__main__":
    run_script(main)
