"""Loss and accuracy by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from scene_recog.engine.checkpoint import write_atomically

# Okabe and Ito's blue and vermilion; the dashes tell the lines apart when printed in grey.
TRAIN: dict[str, Any] = {"color": "#0072B2", "linestyle": "-", "marker": "."}
VALIDATION: dict[str, Any] = {"color": "#D55E00", "linestyle": "--", "marker": "."}


def draw_loss(
    axes: Axes,
    train: Sequence[float],
    validation: Sequence[float],
    title: str,
    validation_name: str,
) -> None:
    """Draw mean loss per example (nats) by epoch.

    Args:
        axes: where to draw.
        train, validation: one value an epoch.
        title: the plot's title.
        validation_name: what the second line is, for instance "validation" or "test".
    """
    _draw_lines(axes, train, validation, validation_name)
    axes.set(title=title, ylabel="cross-entropy (nats)")
    axes.set_ylim(bottom=0)


def draw_accuracy(
    axes: Axes,
    train: Sequence[float],
    validation: Sequence[float],
    title: str,
    validation_name: str,
) -> None:
    """Draw accuracy (0 to 1) by epoch and mark the best one; arguments as in `draw_loss`."""
    _draw_lines(axes, train, validation, validation_name)
    if validation:
        best = max(range(len(validation)), key=lambda epoch: validation[epoch])
        axes.plot(best + 1, validation[best], "o", mfc="none", mec="black", ms=10)
        axes.annotate(
            f"{validation[best]:.1%}", (best + 1, validation[best]), (0, -16),
            textcoords="offset points", ha="center",
        )  # fmt: skip
    axes.set(title=title, ylabel="accuracy", ylim=(0, 1))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))


def save_curves(
    path: Path,
    losses: tuple[Sequence[float], Sequence[float]],
    accuracies: tuple[Sequence[float], Sequence[float]],
    title: str,
    validation_name: str,
) -> None:
    """Write loss and accuracy, side by side, as a picture.

    Args:
        path: the .png file.
        losses, accuracies: (train, validation), one value an epoch.
        title, validation_name: as in `draw_loss`.
    """
    figure = Figure(figsize=(11, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    draw_loss(left, *losses, title, validation_name)
    draw_accuracy(right, *accuracies, title, validation_name)
    write_atomically(path, lambda part: figure.savefig(part, dpi=110, format="png"))


def _draw_lines(
    axes: Axes, train: Sequence[float], validation: Sequence[float], validation_name: str
) -> None:
    epochs = range(1, len(train) + 1)
    axes.plot(epochs, train, label="train", **TRAIN)
    axes.plot(epochs, validation, label=validation_name, **VALIDATION)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend()
