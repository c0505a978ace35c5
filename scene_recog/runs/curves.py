"""Loss and accuracy by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scene_recog.runs.history import History, find_best_epoch
from scene_recog.system.figures import SERIES, new_figure
from scene_recog.system.files import write_atomically

if TYPE_CHECKING:  # training draws at its end, and matplotlib takes a while to load
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TRAIN, VALIDATION = SERIES[0] | {"marker": "."}, SERIES[1] | {"marker": "."}


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
        train, validation: one value per epoch.
        title: the plot's title.
        validation_name: name of the second line, for instance "validation" or "test".
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
    best_epoch: int | None,
) -> None:
    """Draw accuracy (0 to 1) by epoch and mark the best one; other arguments as in `draw_loss`."""
    _draw_lines(axes, train, validation, validation_name)
    if best_epoch is not None:
        epoch, best = best_epoch, validation[best_epoch - 1]
        axes.plot(epoch, best, "o", mfc="none", mec="black", ms=10)
        axes.annotate(
            f"{best:.1%}", (epoch, best), (0, -9),
            textcoords="offset points", ha="center", va="top",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
        )  # fmt: skip
    axes.set(title=title, ylabel="accuracy", ylim=(0, 1))
    _in_percent(axes)


def curves_figure(
    losses: tuple[Sequence[float], Sequence[float]],
    accuracies: tuple[Sequence[float], Sequence[float]],
    title: str,
    validation_name: str,
) -> Figure:
    """Loss and accuracy side by side; a line marks the epoch of the best validation accuracy.

    Args:
        losses, accuracies: (train, validation), one value per epoch.
        title, validation_name: as in `draw_loss`.
    """
    figure = new_figure(11, 4, title)
    left, right = figure.subplots(1, 2)
    draw_loss(left, *losses, "Loss", validation_name)
    epoch = find_best_epoch(accuracies[1], losses[1])
    draw_accuracy(right, *accuracies, "Accuracy", validation_name, epoch)
    if epoch is not None:
        for axes in (left, right):
            axes.axvline(epoch, color="black", linestyle=":", linewidth=1, label="best epoch")
            axes.legend()
    return figure


def save_curves(path: Path, history: History, title: str, validation_name: str) -> None:
    """Write `curves_figure` of a run as a picture; `path` is the .png file."""
    figure = curves_figure(
        (history.train_loss, history.validation_loss),
        (history.train_accuracy, history.validation_accuracy),
        title,
        validation_name,
    )
    write_atomically(path, lambda part: figure.savefig(part, dpi=110, format="png"))


def plot_loss(history: History, title: str, validation_name: str) -> None:
    """Draw the loss of both splits by epoch, in a new pyplot figure."""
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(layout="constrained")
    draw_loss(axes, history.train_loss, history.validation_loss, title, validation_name)


def plot_accuracy(history: History, title: str, validation_name: str) -> None:
    """Draw the accuracy of both splits by epoch, in a new pyplot figure."""
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(layout="constrained")
    best = find_best_epoch(history.validation_accuracy, history.validation_loss)
    accuracies = history.train_accuracy, history.validation_accuracy
    draw_accuracy(axes, *accuracies, title, validation_name, best)


def comparison_figure(
    histories: Mapping[str, Sequence[Mapping[str, float]]], title: str, validation_name: str
) -> Figure:
    """Several runs in one figure: validation thick, training thin, the best epoch circled.

    Args:
        histories: run name -> rows of its history.csv, from `read_history`.
        title: the figure's title.
        validation_name: what the runs were validated on, for instance "validation" or "test".
    """
    figure = new_figure(11, 4.4, title)
    left, right = figure.subplots(1, 2)
    for number, (name, rows) in enumerate(histories.items()):
        look = SERIES[number % len(SERIES)]
        epochs = [row["epoch"] for row in rows]
        accuracies = [row["validation_accuracy"] for row in rows]
        label = f"{name}: no epoch is finished"
        epoch = find_best_epoch(accuracies, [row["validation_loss"] for row in rows])
        if epoch is not None:
            best = epoch - 1
            label = f"{name}: best {accuracies[best]:.1%} in epoch {epochs[best]:.0f}"
        for axes, quantity in ((left, "loss"), (right, "accuracy")):
            for split, width in (("train", 0.7), ("validation", 1.8)):
                values = [row[f"{split}_{quantity}"] for row in rows]
                line = axes.plot(epochs, values, linewidth=width, **look)[0]
            if rows:
                axes.plot(epochs[best], values[best], "o", mfc="none", mec=look["color"], ms=9)
        line.set_label(label)
    for axes in (left, right):
        axes.set_xlabel(f"epoch (thick: {validation_name}, thin: train)")
        _in_epochs(axes)
        axes.grid(alpha=0.3)
    left.set(title="Loss", ylabel="cross-entropy (nats)")
    left.set_ylim(bottom=0)
    right.set(title="Accuracy", ylabel="accuracy", ylim=(0, 1))
    _in_percent(right)
    right.legend(loc="best", fontsize=8)
    return figure


def _draw_lines(
    axes: Axes, train: Sequence[float], validation: Sequence[float], validation_name: str
) -> None:
    epochs = range(1, len(train) + 1)
    axes.plot(epochs, train, label="train", **TRAIN)
    axes.plot(epochs, validation, label=validation_name, **VALIDATION)
    axes.set_xlabel("epoch")
    _in_epochs(axes)
    axes.grid(alpha=0.3)
    axes.legend()


def _in_percent(axes: Axes) -> None:
    from matplotlib.ticker import PercentFormatter

    axes.yaxis.set_major_formatter(PercentFormatter(1.0))


def _in_epochs(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
