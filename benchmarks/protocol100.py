"""Recipes on the literature's protocol: 100 random images a class to train on, the rest to test.

    python benchmarks/protocol100.py best --splits 0 1 2 [--data data]
    python benchmarks/protocol100.py best best-gradients fisher-vectors

Train and test of the usual split are pooled and drawn anew, once for each split (Lazebnik et al.
2006), with links to the images in model_checkpoints/protocol100. Prints the mean recall of the
classes, which is what the papers report, and the accuracy over all images; mean and deviation over
the splits; of several recipes, also of what they say together, the mean of their probabilities.
Identical files that fall on both sides are left in, as in the papers. fisher-vectors is no recipe;
see records.py.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
from pathlib import Path

import numpy as np
import torch
from records import FISHER_VECTORS, fit_fisher_vectors, mean_of, recipes_of, views_of

from scene_recog.datasets import find_dataset
from scene_recog.image_loader import ImageLoader
from scene_recog.recipes import Recipe
from scene_recog.runs.scoring import Evaluation, LoadedRun, evaluate_split, load_run


def main() -> None:
    """Draw, train, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("recipes", nargs="+", metavar="recipe")
    parser.add_argument("--splits", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--per-class", type=int, default=100)
    parser.add_argument("--data")
    parser.add_argument("--set", nargs="+", action="extend", default=[], dest="settings")
    args = parser.parse_args()

    source = find_dataset(args.data)
    recipes = recipes_of(args.recipes, [*args.settings, "val_fraction=0"])
    print(f"{os.cpu_count()} cores, torch {torch.__version__}")
    for recipe in recipes:
        print(recipe or FISHER_VECTORS)
    columns: dict[str, list[float]] = {}
    for number in args.splits:
        folder = Path("model_checkpoints") / "protocol100" / f"split{number}"
        draw_split(source, folder / "data", number, args.per_class)
        seen: dict[str, dict[str, Evaluation]] = {}  # by recipe and view
        for recipe in recipes:
            run = (
                train(recipe, folder, number)
                if recipe
                else fit_fisher_vectors(number, folder / "data")[0]
            )
            seen[recipe.name if recipe else FISHER_VECTORS] = {
                view: evaluate_split(run, folder / "data", **options)
                for view, options in views_of(recipe).items()
            }
        if len(recipes) > 1:
            seen["together"] = {
                view: mean_of([its.get(view, its["flip"]) for its in seen.values()])
                for view in max(seen.values(), key=len)
            }
        for name, views in seen.items():
            row = {}
            for view, result in views.items():
                row[f"{name}, mean recall, {view}"] = mean_recall(result)
                row[f"{name}, accuracy, {view}"] = result.accuracy
            print(
                f"split {number}: " + ", ".join(f"{k} {v:.4f}" for k, v in row.items()), flush=True
            )
            for key, value in row.items():
                columns.setdefault(key, []).append(value)
    for key, values in columns.items():
        spread = f"{statistics.stdev(values):.4f}" if len(values) > 1 else "unknown"
        print(f"{key:46} mean {statistics.mean(values):.4f}, deviation {spread}, n {len(values)}")


def train(recipe: Recipe, folder: Path, seed: int) -> LoadedRun:
    """A run of the recipe on folder/data, trained as far as it was not yet."""
    trainer = recipe.override([f"seed={seed}"]).make_trainer(
        folder / "data", folder / recipe.name, load_from_disk=True
    )
    trainer.val_loader = [next(iter(trainer.val_loader))]  # no need to look at all, every epoch
    if (left := recipe.epochs - trainer.epochs_done) > 0:
        trainer.run_training_loop(left)
    return load_run(folder / recipe.name, checkpoint="last")


def mean_recall(result: Evaluation) -> float:
    """The mean of the classes' shares that were found, from 0 to 1."""
    right = result.predictions == result.targets
    return float(np.mean([right[result.targets == c].mean() for c in np.unique(result.targets)]))


def draw_split(source: Path, target: Path, seed: int, per_class: int) -> None:
    """Link `per_class` random images of each class into target/train, the others into target/test.

    Raises:
        ValueError: a class has too few images.
    """
    pooled: dict[str, list[Path]] = {}
    for split in ("train", "test"):
        dataset = ImageLoader(source, split)
        names = list(dataset.class_dict)
        for path, label in dataset.dataset:
            pooled.setdefault(names[label], []).append(Path(path))
    for name, paths in pooled.items():
        if len(paths) <= per_class:
            raise ValueError(f"class {name} has {len(paths)} images: more than {per_class} needed")
        shuffled = random.Random(f"{seed} {name}").sample(sorted(paths), len(paths))
        for split, chosen in (("train", shuffled[:per_class]), ("test", shuffled[per_class:])):
            (target / split / name).mkdir(parents=True, exist_ok=True)
            for path in chosen:
                # the split it came from is in the name: train and test number on their own
                link = target / split / name / f"{path.parent.parent.name}_{path.name}"
                if not link.exists():
                    link.symlink_to(path.resolve())


if __name__ == "__main__":
    main()
