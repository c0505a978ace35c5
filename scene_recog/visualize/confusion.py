"""Which classes are confused: the whole matrix, and the worst pairs with their images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from scene_recog.datasets.images import read_grayscale
from scene_recog.runs.scoring import Evaluation, worst_confusions
from scene_recog.system.figures import new_figure, plain
from scene_recog.visualize.style import draw_image, draw_row_label, message_figure


def confusion_figure(
    evaluation: Evaluation, class_names: Sequence[str], title: str, *, normalize: bool = True
) -> Figure:
    """The confusion matrix: rows are targets, columns predictions.

    Args:
        evaluation: from `runs.scoring.evaluate_split`.
        class_names: by class index.
        title: the figure's title.
        normalize: percentages of each row, without the sign; otherwise numbers of images.
    """
    size = len(class_names)
    counts = np.zeros((size, size), dtype=int)
    np.add.at(counts, (evaluation.targets, evaluation.predictions), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)

    figure = new_figure(2.6 + 0.42 * size, 2.3 + 0.42 * size, title)
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = [plain(name) for name in class_names]
    axes.set_xticks(range(size), names, rotation=90)
    axes.set_yticks(range(size), names)
    unit = "percent of the row" if normalize else "images"
    axes.set(xlabel=f"predicted class ({unit})", ylabel="target class")
    for row, column in np.argwhere(counts > 0):
        share = shares[row, column]
        text = f"{100 * share:.0f}" if normalize else str(counts[row, column])
        colour = "white" if share > 0.5 else "black"
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)
    return figure


def top_confusions_figure(
    evaluation: Evaluation,
    class_names: Sequence[str],
    title: str,
    *,
    pairs: int = 5,
    images: int = 5,
) -> Figure:
    """The most frequent mistakes, one row each, with the images the network is surest about.

    Args:
        evaluation, class_names, title: as for `confusion_figure`.
        pairs: number of rows.
        images: examples per row, the highest probability for the wrong class first.

    Raises:
        FileNotFoundError: the images are no longer there.
    """
    worst = worst_confusions(evaluation, list(class_names), pairs)
    if not worst:
        return message_figure(title, "every image is labelled correctly")
    figure = new_figure(1.5 + 1.75 * images, 0.4 + 1.75 * len(worst), title)
    grid = figure.subplots(len(worst), images, squeeze=False)
    for row, (target, prediction, count) in zip(grid, worst, strict=True):
        t, p = class_names.index(target), class_names.index(prediction)
        probability = evaluation.probabilities[:, p]
        chosen = np.flatnonzero((evaluation.targets == t) & (evaluation.predictions == p))
        chosen = chosen[np.argsort(-probability[chosen], kind="stable")][:images]
        for axes in row:
            axes.set_axis_off()
        for axes, index in zip(row, chosen, strict=False):
            path = Path(evaluation.paths[index])
            draw_image(axes, read_grayscale(path), f"{path.name}, {probability[index]:.0%}")
        draw_row_label(row[0], f"{target}\ntaken for\n{prediction}\n{count} times")
    return figure
