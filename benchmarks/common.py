"""Shared by the benchmarks: errors, runs, views of an image, means over seeds."""

from __future__ import annotations

import argparse
import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from scene_recog.assembler import Assembler
from scene_recog.cli import message_of
from scene_recog.fitter import Fitter
from scene_recog.image_loader import ImageLoader
from scene_recog.loading.reading import class_names
from scene_recog.models.fisher_vectors import FisherVectorNet
from scene_recog.recipes import (
    AnyRecipe,
    FittedRecipe,
    Recipe,
    RecordRecipe,
    check_given_once,
    get_recipe,
)
from scene_recog.runner import Trainer
from scene_recog.runs.config import CONFIG, read_config
from scene_recog.runs.scoring import Evaluation, LoadedRun, at_sizes, averaged, evaluate_split

Views = dict[str, Evaluation]  # by view of the images, such as "plain" or "flip"


def run_script(main: Callable[[], None]) -> None:
    """Run a script. An error of the user's is one line on stderr, with exit status 2."""
    try:
        main()
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        message = message_of(error, Path(__file__).parent)
        if message is None:
            raise
        print(f"{Path(sys.argv[0]).name}: {message}", file=sys.stderr)
        sys.exit(2)


def make_parser(description: str | None) -> argparse.ArgumentParser:
    """A parser with the options that these scripts share: --data, and --set to change recipes."""
    parser = argparse.ArgumentParser(description=(description or "").split("\n")[0])
    parser.add_argument("--data")
    parser.add_argument("--set", nargs="+", action=_Settings, default=[], dest="settings")
    return parser


class _Settings(argparse.Action):
    """Collects settings; a key that is given twice is an error."""

    def __call__(self, _parser: Any, namespace: Any, values: Any, _option: Any = None) -> None:
        settings = [*getattr(namespace, self.dest), *values]
        check_given_once(settings)
        setattr(namespace, self.dest, settings)


def machine() -> str:
    """One line on what decides how long training takes: cores, torch version, threads."""
    cores, threads = os.cpu_count() or 1, torch.get_num_threads()
    return (
        f"{cores} core{'s' * (cores > 1)}, torch {torch.__version__}, "
        f"{threads} thread{'s' * (threads > 1)}"
    )


def recipes_of(names: list[str], settings: list[str]) -> list[Recipe | FittedRecipe]:
    """The recipes; `settings` change those of networks.

    Raises:
        ValueError: two recipes have the same name, or one makes an ensemble.
    """
    recipes: list[Recipe | FittedRecipe] = []
    for name in names:
        recipe = get_recipe(name)
        if isinstance(recipe, RecordRecipe):
            raise ValueError(f"{name} makes an ensemble: name its members instead")
        recipes.append(recipe.override(settings) if isinstance(recipe, Recipe) else recipe)
    if len({recipe.name for recipe in recipes}) < len(recipes):
        raise ValueError(
            "two recipes have one name, so one folder: list each once, and do not set name"
        )
    return recipes


def check_settings(recipe: AnyRecipe, folder: Path, *, otherwise: str) -> None:
    """Check that a run in `folder`, if there is one, is of this recipe, so that it can be resumed.

    Args:
        recipe: of the run to come.
        folder: its folder.
        otherwise: what to do, besides moving the folder, if it is not.

    Raises:
        ValueError: it is not: its results would be reported as those of this recipe.
    """
    if not (folder / CONFIG).exists():
        return
    was, now = read_config(folder).get("recipe", {}), recipe.as_dict()
    changed = [
        f"{key} {was.get(key)} there, {now.get(key)} here"
        for key in sorted(was | now)
        if was.get(key) != now.get(key)
    ]
    if changed:
        raise ValueError(
            f"{folder} has a run with other settings ({'; '.join(changed)}): move it, or "
            f"{otherwise}"
        )


def train_to_the_end(trainer: Trainer | Fitter | Assembler, epochs: int) -> None:
    """Train the epochs that are left, so that a stopped script can be restarted."""
    if (left := epochs - trainer.epochs_done) > 0:
        trainer.run_training_loop(left)


def fit_fisher_vectors(
    recipe: FittedRecipe, seed: int, data_dir: Path
) -> tuple[LoadedRun, dict[str, float]]:
    """Fit Fisher vectors to all of train; return the unsaved run, and its wall and CPU seconds."""
    start, cpu = time.perf_counter(), time.process_time()
    dataset = ImageLoader(data_dir, "train", FisherVectorNet.transform)
    net = recipe.make_model()
    net.fit(dataset, seed=seed)
    times = {"seconds": time.perf_counter() - start, "CPU seconds": time.process_time() - cpu}
    run = LoadedRun(
        folder=Path(recipe.name),
        checkpoint=Path(recipe.name),
        epoch=0,
        model=net.eval(),
        transform=FisherVectorNet.transform,
        class_names=class_names(dataset.class_dict),
        config={},
        device=torch.device("cpu"),
    )
    return run, times


def evaluate_views(recipe: Recipe | FittedRecipe, run: LoadedRun, data_dir: Path) -> Views:
    """Evaluate a run on the test split, once for each view of the images.

    A network that takes one size only, such as SimpleNet, has no view of several sizes.

    The three sizes are the evaluation size and 16 pixels below and above it. A network that halves
    the sides four times trained on a multiple of 16, where no stage has an odd side. At other sizes
    its maps would be padded at edges where it has never seen padding. Fisher vectors use several
    sizes anyway, so they have no such view.
    """
    views = {flip: evaluate_split(run, data_dir, flip=flip == "flip") for flip in ("plain", "flip")}
    if isinstance(recipe, Recipe):
        size = recipe.eval_size or recipe.input_size
        try:
            several = at_sizes(run, (size - 16, size, size + 16))
        except ValueError:  # it takes one size only
            return views
        views["flip and 3 sizes"] = evaluate_split(several, data_dir, flip=True)
    return views


def together(nets: Sequence[Views]) -> Views:
    """An ensemble, view by view; a net that lacks a view contributes its flip view."""
    return {
        view: averaged([views.get(view, views["flip"]) for views in nets])
        for view in max(nets, key=len)
    }


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation over the seeds; for a single seed, the deviation is NaN."""
    return statistics.mean(values), statistics.stdev(values) if len(values) > 1 else math.nan


def mean_line(name: str, values: Sequence[float], width: int) -> str:
    """Mean and standard deviation as one line, with the name padded to `width`."""
    mean, deviation = mean_and_deviation(values)
    return f"{name:{width}} mean {mean:.4f}, deviation {deviation:.4f}"
