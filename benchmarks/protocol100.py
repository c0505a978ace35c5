"""A recipe on the literature's protocol: 100 random images a class to train on, the rest to test.

    python benchmarks/protocol100.py best --splits 0 1 2 [--data data]

Train and test of the usual split are pooled and drawn anew, once for each split (Lazebnik et al.
2006), with links to the images in model_checkpoints/protocol100. Prints the mean recall of the
classes, which is what the papers report, and the accuracy over all images; mean and deviation over
the splits. Identical files that fall on both sides are left in, as in the papers.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
from pathlib import Path

import numpy as np
import torch
from records import views_of

from scene_recog.datasets import find_dataset
from scene_recog.engine.evaluation import evaluate_split, load_run
from scene_recog.image_loader import ImageLoader
from scene_recog.recipes import get_recipe


def main() -> None:
    """Draw, train, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("recipe")
    parser.add_argument("--splits", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--per-class", type=int, default=100)
    parser.add_argument("--data")
    parser.add_argument("--set", nargs="+", action="extend", default=[], dest="settings")
    args = parser.parse_args()

    source = find_dataset(args.data)
    recipe = get_recipe(args.recipe).override([*args.settings, "val_fraction=0"])
    print(f"{recipe}\n{os.cpu_count()} cores, torch {torch.__version__}")
    columns: dict[str, list[float]] = {}
    for number in args.splits:
        folder = Path("model_checkpoints") / "protocol100" / f"split{number}"
        draw_split(source, folder / "data", number, args.per_class)
        run_folder = folder / recipe.name
        trainer = recipe.override([f"seed={number}"]).make_trainer(
            folder / "data", run_folder, load_from_disk=True
        )
        trainer.val_loader = [next(iter(trainer.val_loader))]  # no need to look at all, every epoch
        if (left := recipe.epochs - trainer.epochs_done) > 0:
            trainer.run_training_loop(left)
        run = load_run(run_folder, checkpoint="last")
        row = {}
        for name, view in views_of(recipe).items():
            result = evaluate_split(run, folder / "data", **view)
            right = result.predictions == result.targets
            recalls = [right[result.targets == label].mean() for label in np.unique(result.targets)]
            row[f"mean recall, {name}"] = float(np.mean(recalls))
            row[f"accuracy, {name}"] = result.accuracy
        print(f"split {number}: " + ", ".join(f"{k} {v:.4f}" for k, v in row.items()), flush=True)
        for key, value in row.items():
            columns.setdefault(key, []).append(value)
    for key, values in columns.items():
        spread = f"{statistics.stdev(values):.4f}" if len(values) > 1 else "unknown"
        print(f"{key:30} mean {statistics.mean(values):.4f}, deviation {spread}, n {len(values)}")


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
