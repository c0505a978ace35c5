"""Single images that the network gets wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from scene_recog.datasets.images import read_grayscale
from scene_recog.runs.scoring import Evaluation
from scene_recog.visualize.style import image_grid


def most_confident_mistakes(evaluation: Evaluation, count: int = 20) -> NDArray[np.int64]:
    """Indices of wrongly labelled images, the highest probability of the wrong label first."""
    wrong = np.flatnonzero(evaluation.predictions != evaluation.targets)
    confidence = evaluation.probabilities.max(axis=1)[wrong]
    return wrong[np.argsort(-confidence, kind="stable")][:count]


def highest_losses(
    evaluation: Evaluation, count: int = 10
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """(indices, losses in nats) of the images with the highest -log p(target), highest first."""
    p = evaluation.probabilities[np.arange(len(evaluation.targets)), evaluation.targets]
    losses = -np.log(np.maximum(p, np.finfo(np.float32).tiny))  # a float32 p can round to 0
    order = np.argsort(-losses, kind="stable")[:count]
    return order, losses[order]


def confident_mistakes_figure(
    evaluation: Evaluation, class_names: Sequence[str], title: str, *, count: int = 20
) -> Figure:
    """Images that the network labels wrongly and is surest about.

    Args:
        evaluation: from `runs.scoring.evaluate_split`.
        class_names: by class index.
        title: the figure's title.
        count: at most this many images.

    Raises:
        FileNotFoundError: the images are no longer there.
    """
    chosen = most_confident_mistakes(evaluation, count)
    captions = [
        f"is {class_names[evaluation.targets[index]]}\n"
        f"taken for {class_names[evaluation.predictions[index]]}\n"
        f"p = {evaluation.probabilities[index].max():.3f}"
        for index in chosen
    ]
    return image_grid(_read(evaluation, chosen), captions, title)


def highest_losses_figure(
    evaluation: Evaluation, class_names: Sequence[str], title: str, *, count: int = 10
) -> Figure:
    """Images with the highest loss: those whose right class the network thinks least likely.

    Args:
        evaluation, class_names, title, count: as for `confident_mistakes_figure`.

    Raises:
        FileNotFoundError: the images are no longer there.
    """
    chosen, losses = highest_losses(evaluation, count)
    captions = [
        f"loss {loss:.2f}\nis {class_names[evaluation.targets[index]]}\n"
        f"taken for {class_names[evaluation.predictions[index]]}"
        for index, loss in zip(chosen, losses, strict=True)
    ]
    return image_grid(_read(evaluation, chosen), captions, title)


def _read(evaluation: Evaluation, indices: NDArray[np.int64]) -> list[NDArray[Any]]:
    return [np.asarray(read_grayscale(Path(evaluation.paths[index]))) for index in indices]
