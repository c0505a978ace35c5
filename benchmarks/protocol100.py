"""Measure recipes on the literature's protocol: train on 100 images per class, test on the rest.

    python benchmarks/protocol100.py best --splits 0 1 2 [--data data]
    python benchmarks/protocol100.py best best-gradients fisher-vectors

For each split, train and test are pooled and divided at random (Lazebnik et al. 2006), as links in
model_checkpoints/protocol100. Prints mean recall, which the papers report, and accuracy, with their
mean and standard deviation over the splits. With several recipes, it also prints the ensemble that
averages their predicted probabilities. Identical files may end up on both sides, as in the papers.
Fisher vectors are not stored; see records.py.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
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
from numpy.typing import NDArray

from scene_recog.datasets import find_dataset
from scene_recog.image_loader import ImageLoader
from scene_recog.loading.reading import class_names
from scene_recog.recipes import FittedRecipe, Recipe
from scene_recog.runs.scoring import LoadedRun, load_run


def main() -> None:
    """Draw each split, train and measure all recipes on it, and print the results."""
    parser = make_parser(__doc__)
    parser.add_argument("recipes", nargs="+", metavar="recipe")
    parser.add_argument("--splits", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--per-class", type=int, default=100)
    args = parser.parse_args()

    recipes = recipes_of(args.recipes, [*args.settings, "val_fraction=0"])
    source = find_dataset(args.data)
    print(machine())
    for recipe in recipes:
        print(recipe)
    columns: dict[str, list[float]] = {}
    for number in args.splits:
        folder = Path("model_checkpoints") / "protocol100" / f"split{number}"
        draw_split(source, folder / "data", number, args.per_class)
        seen: dict[str, Views] = {}  # by recipe
        for recipe in recipes:
            if isinstance(recipe, FittedRecipe):
                run, _ = fit_fisher_vectors(recipe, number, folder / "data")
            else:
                run = train(recipe, folder, number)
            seen[recipe.name] = evaluate_views(recipe, run, folder / "data")
        if len(recipes) > 1:
            seen["ensemble"] = together(list(seen.values()))
        for name, views in seen.items():
            row = {}
            for view, result in views.items():
                recall = mean_recall(result.predictions, result.targets)
                row[f"{name}, mean recall, {view}"] = recall
                row[f"{name}, accuracy, {view}"] = result.accuracy
            print(
                f"split {number}: " + ", ".join(f"{k} {v:.4f}" for k, v in row.items()), flush=True
            )
            for key, value in row.items():
                columns.setdefault(key, []).append(value)
    for key, values in columns.items():
        print(f"{mean_line(key, values, 46)}, n {len(values)}")


def train(recipe: Recipe, folder: Path, seed: int) -> LoadedRun:
    """Train the epochs that are left of the recipe on folder/data, and load the run."""
    recipe = recipe.override([f"seed={seed}"])
    check_settings(recipe, folder / recipe.name, otherwise="use --set name=other")
    trainer = recipe.make_trainer(folder / "data", folder / recipe.name, load_from_disk=True)
    one_batch: Any = [next(iter(trainer.val_loader))]  # full validation would only waste time
    trainer.val_loader = one_batch
    train_to_the_end(trainer, recipe.epochs)
    return load_run(folder / recipe.name, checkpoint="last")


def mean_recall(predictions: NDArray[np.int64], targets: NDArray[np.int64]) -> float:
    """The mean of the recalls of all classes, from 0 to 1."""
    right = predictions == targets
    return float(np.mean([right[targets == c].mean() for c in np.unique(targets)]))


def draw_split(source: Path, target: Path, seed: int, per_class: int) -> None:
    """Link `per_class` random images of each class into target/train, the others into target/test.

    Raises:
        ValueError: a class has too few images.
    """
    pooled: dict[str, list[Path]] = {}
    for split in ("train", "test"):
        dataset = ImageLoader(source, split)
        names = class_names(dataset.class_dict)
        for path, label in dataset.dataset:
            pooled.setdefault(names[label], []).append(Path(path))
    for name, images in pooled.items():
        if len(images) <= per_class:
            raise ValueError(f"class {name} has {len(images)} images: more than {per_class} needed")
        shuffled = random.Random(f"{seed} {name}").sample(sorted(images), len(images))
        for split, chosen in (("train", shuffled[:per_class]), ("test", shuffled[per_class:])):
            (target / split / name).mkdir(parents=True, exist_ok=True)
            for image in chosen:
                # the name includes the original split: train and test have files of the same name
                link = target / split / name / f"{image.parent.parent.name}_{image.name}"
                if not link.exists():
                    link.symlink_to(image.resolve())


if __name__ == "__main__":
    run_script(main)
