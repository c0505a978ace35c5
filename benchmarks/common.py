"""What the scripts that measure accuracy share: runs, views of an image, means over seeds."""

from __future__ import annotations

import argparse
import math
import os
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from scene_recog.image_loader import ImageLoader
from scene_recog.loading.reading import class_names
from scene_recog.models.fisher_vectors import FisherVectorNet
from scene_recog.recipes import Recipe, get_recipe
from scene_recog.runner import Trainer
from scene_recog.runs.scoring import Evaluation, LoadedRun, evaluate_split

FISHER_VECTORS = "fisher-vectors"
Views = dict[str, Evaluation]  # by what each image is looked at as, such as "plain" or "flip"


def make_parser(description: str | None) -> argparse.ArgumentParser:
    """A parser with the options of every script: --data, and --set for settings of the recipes."""
    parser = argparse.ArgumentParser(description=(description or "").split("\n")[0])
    parser.add_argument("--data")
    parser.add_argument("--set", nargs="+", action="extend", default=[], dest="settings")
    return parser


def machine() -> str:
    """The machine, as far as it decides how long training takes."""
    return f"{os.cpu_count()} cores, torch {torch.__version__}, {torch.get_num_threads()} threads"


def recipes_of(names: list[str], settings: list[str]) -> list[Recipe | None]:
    """The recipes with their settings; None for Fisher vectors. Ends the program if two are one."""
    recipes = [None if n == FISHER_VECTORS else get_recipe(n).override(settings) for n in names]
    if len({recipe and recipe.name for recipe in recipes}) < len(recipes):
        sys.exit("two recipes of one name would share a folder: name each once, and do not set it")
    return recipes


def train_to_the_end(trainer: Trainer, epochs: int) -> None:
    """Train as far as it was not yet: a stopped script can be started anew."""
    if (left := epochs - trainer.epochs_done) > 0:
        trainer.run_training_loop(left)


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
        class_names=class_names(dataset.class_dict),
        config={},
        device=torch.device("cpu"),
    )
    return run, times


def evaluate_views(recipe: Recipe | None, run: LoadedRun, data_dir: Path) -> Views:
    """What a run of the recipe says of the test split, for each way to look at an image.

    The other sizes are 16 pixels below and above the evaluation size. A net that halves the sides
    four times has trained on a multiple of 16, where no stage meets an odd side; other sizes would
    pad its maps at edges where it has never seen padding. Fisher vectors (None) see several sizes
    anyway.
    """
    options: dict[str, dict[str, Any]] = {"plain": {}, "flip": {"flip": True}}
    if recipe is not None:
        size = recipe.eval_size or recipe.input_size
        scales = ((size - 16) / size, 1.0, (size + 16) / size)
        options["flip and 3 sizes"] = {"flip": True, "scales": scales}
    return {view: evaluate_split(run, data_dir, **its) for view, its in options.items()}


def mean_of(evaluations: Sequence[Evaluation]) -> Evaluation:
    """What several nets say together of the same images: the mean of their probabilities."""
    probabilities = np.mean([one.probabilities for one in evaluations], axis=0)
    return replace(evaluations[0], probabilities=probabilities)


def together(nets: Sequence[Views]) -> Views:
    """What several nets say together, view by view; one that lacks a view gives that with flip."""
    return {
        view: mean_of([views.get(view, views["flip"]) for views in nets])
        for view in max(nets, key=len)
    }


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float]:
    """Over the seeds; the deviation of a single one is NaN."""
    return statistics.mean(values), statistics.stdev(values) if len(values) > 1 else math.nan


def mean_line(name: str, values: Sequence[float], width: int) -> str:
    """Mean and deviation as a line; `width` is that of the longest name."""
    mean, deviation = mean_and_deviation(values)
    return f"{name:{width}} mean {mean:.4f}, deviation {deviation:.4f}"
