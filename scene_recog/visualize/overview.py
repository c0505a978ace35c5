"""One picture of a run: its curves, and an image of each class with what the network says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from scene_recog.datasets.images import read_grayscale
from scene_recog.runs.curves import draw_accuracy, draw_loss
from scene_recog.runs.history import find_best_epoch
from scene_recog.runs.scoring import Evaluation
from scene_recog.system.figures import BLUE, VERMILION, new_figure, plain
from scene_recog.visualize.style import draw_image

Curve = tuple[Sequence[float], Sequence[float]]

_COLUMNS = 5
_MOST_CLASSES = 15


def overview_figure(
    curves: tuple[Curve, Curve] | None,
    evaluation: Evaluation,
    class_names: Sequence[str],
    title: str,
    validation_name: str,
) -> Figure:
    """Loss and accuracy by epoch; below, one image of each class and the network's answer.

    Args:
        curves: losses and accuracies, each (train, validation), one value per epoch; None for a
            network without epochs.
        evaluation: of the validation images, from `runs.scoring.evaluate_batches`.
        class_names: by class index; at most fifteen classes are shown.
        title: the figure's title.
        validation_name: what the images were held out for, such as "validation".

    Raises:
        FileNotFoundError: the images are no longer there.
    """
    shown = _one_of_each(evaluation)
    rows = math.ceil(len(shown) / _COLUMNS)
    figure = new_figure(11, (3.4 if curves else 0.6) + 2.1 * rows, title)
    heights = [3.2, 2.1 * rows] if curves else [2.1 * rows]
    parts: Any = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)
    bottom = parts[-1, 0]
    if curves:
        losses, accuracies = curves
        left, right = parts[0, 0].subplots(1, 2)
        draw_loss(left, *losses, "Loss", validation_name)
        best = find_best_epoch(accuracies[1], losses[1])
        draw_accuracy(right, *accuracies, "Accuracy", validation_name, best)
    bottom.suptitle(
        f"One {validation_name} image of each class: what the network says, and how sure it is",
        x=0.01, ha="left", fontsize=11,
    )  # fmt: skip
    grid = bottom.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for axes in grid[len(shown) :]:
        axes.remove()
    for axes, index in zip(grid, shown, strict=False):
        target, answer = evaluation.targets[index], evaluation.predictions[index]
        caption = f"{class_names[answer]}, {evaluation.probabilities[index].max():.0%}"
        is_right = target == answer
        draw_image(axes, read_grayscale(Path(evaluation.paths[index])))
        axes.set_title(
            plain(caption if is_right else f"{caption}\n(it is {class_names[target]})"),
            fontsize=9, color=BLUE if is_right else VERMILION,
            fontweight="normal" if is_right else "bold",
        )  # fmt: skip
    return figure


def _one_of_each(evaluation: Evaluation) -> list[int]:
    """Index of the first image of each class, in the order of the classes."""
    classes, first = np.unique(evaluation.targets, return_index=True)
    return [int(index) for index in first[: min(len(classes), _MOST_CLASSES)]]
