"""The figures of `lecture.ipynb`."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from scene_recog.system.figures import BLACK, SERIES, new_figure
from scene_recog.visualize.style import draw_image, draw_row_label

Array = NDArray[np.floating[Any]]


def curves_figure(
    x: Sequence[float] | Array,
    curves: Mapping[str, Sequence[float] | Array],
    title: str,
    x_label: str,
    y_label: str,
) -> Figure:
    """Lines over one axis, each with its name.

    Args:
        x: [n].
        curves: name -> [n] values.
        title, x_label, y_label: texts.
    """
    figure = new_figure(6.5, 3.2, title)
    axes = figure.subplots()
    for (name, values), style in zip(curves.items(), SERIES, strict=False):
        axes.plot(x, values, label=name, **style)
    axes.set(xlabel=x_label, ylabel=y_label)
    axes.legend(frameon=False, fontsize=8)
    return figure


def bars_figure(
    names: Sequence[str], bars: Mapping[str, Sequence[float]], title: str, x_label: str
) -> Figure:
    """Horizontal bars in groups: one group for each name, one bar in it for each series.

    Args:
        names: of the groups.
        bars: name of the series -> a value for each group.
        title, x_label: texts.
    """
    figure = new_figure(6.5, 0.9 + 0.17 * len(names) * (len(bars) + 1), title)
    axes = figure.subplots()
    places = np.arange(len(names))
    for number, (name, values) in enumerate(bars.items()):
        offset = (number - (len(bars) - 1) / 2) * 0.8 / len(bars)
        axes.barh(
            places + offset, values, 0.8 / len(bars), label=name, color=SERIES[number]["color"]
        )
    axes.set_yticks(places, names, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel(x_label)
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    return figure


def rows_figure(rows: Mapping[str, Sequence[Any]], captions: Sequence[str], title: str) -> Figure:
    """Images in named rows; each image has its own grey scale.

    Args:
        rows: name -> images [H, W], as many in each row.
        captions: above the columns.
        title: the figure's title.
    """
    figure = new_figure(1.5 * len(captions) + 1, 1.55 * len(rows) + 0.6, title)
    grid = figure.subplots(len(rows), len(captions), squeeze=False)
    for number, (name, images) in enumerate(rows.items()):
        for axes, image, caption in zip(grid[number], images, captions, strict=True):
            draw_image(axes, image, caption if number == 0 else "")
        draw_row_label(grid[number][0], name)
    return figure


def weights_figure(weights: Array, liked: Sequence[Sequence[Any]], title: str) -> Figure:
    """Hidden units: the weights of each as an image, and the images that it responds to most.

    Args:
        weights: [units, H, W]; middle grey is 0.
        liked: for each unit, images [H, W], the best first.
        title: the figure's title.
    """
    figure = new_figure(1.25 * (1 + len(liked[0])), 1.3 * len(weights) + 0.6, title)
    grid = figure.subplots(len(weights), 1 + len(liked[0]), squeeze=False)
    for place, (row, unit, images) in enumerate(zip(grid, weights, liked, strict=True)):
        largest = float(np.abs(unit).max())
        draw_image(row[0], unit, "weights" if place == 0 else "", (-largest, largest))
        for number, (axes, image) in enumerate(zip(row[1:], images, strict=True), start=1):
            draw_image(axes, image, f"choice {number}" if place == 0 else "")
    return figure


def averaged_figure(examples: int = 3, maps: int = 3) -> Figure:
    """What batch, layer and instance norm average over: values of one colour share a mean.

    Args:
        examples: rows of each panel.
        maps: columns of each panel.
    """
    figure = new_figure(8, 2.9, "values of one colour share a mean and a variance")
    colours = [style["color"] for style in SERIES] + ["#999999", "#DDCC77"]
    panels = {
        "batch norm: one for each map": [list(range(maps)) for _ in range(examples)],
        "layer norm: one for each example": [[n] * maps for n in range(examples)],
        "instance norm: one for each map of each example": [
            [n * maps + m for m in range(maps)] for n in range(examples)
        ],
    }
    for axes, (title, groups) in zip(figure.subplots(1, 3), panels.items(), strict=True):
        for n, row in enumerate(groups):
            for m, group in enumerate(row):
                for i in range(4):  # 4x4 positions
                    for j in range(4):
                        corner = (m * 4.6 + j, n * 4.6 + i)
                        axes.add_patch(
                            Rectangle(corner, 0.92, 0.92, color=colours[group % len(colours)])
                        )
        axes.set_xlim(-0.5, 4.6 * maps)
        axes.set_ylim(4.6 * examples, -0.5)
        axes.set_xticks([2 + 4.6 * m for m in range(maps)], [f"map {m + 1}" for m in range(maps)])
        axes.set_yticks(
            [2 + 4.6 * n for n in range(examples)], [f"example {n + 1}" for n in range(examples)],
            rotation=90, va="center",
        )  # fmt: skip
        axes.tick_params(length=0, labelsize=7)
        axes.set_aspect("equal")
        axes.set_title(title, fontsize=9)
        for spine in axes.spines.values():
            spine.set_visible(False)
    return figure


def regions_figure(
    lines: Array, prototypes: Array, side: float = 1.0, resolution: int = 400
) -> Figure:
    """A plane cut by lines (a distributed code) and shared out among prototypes (1-of-N).

    Args:
        lines: [n, 3], each a, b, c of a x + b y + c = 0.
        prototypes: [n, 2], points.
        side: the plane is shown from -side to side.
        resolution: pixels each way.
    """
    axis = np.linspace(-side, side, resolution)
    x, y = np.meshgrid(axis, axis)
    bits = np.stack([a * x + b * y + c > 0 for a, b, c in lines])
    code = (bits * 2 ** np.arange(len(lines))[:, None, None]).sum(axis=0)
    distances = [(x - px) ** 2 + (y - py) ** 2 for px, py in prototypes]
    nearest = np.stack(distances).argmin(axis=0)
    figure = new_figure(7, 3.4, f"what {len(lines)} units can tell apart")
    for axes, values, name in zip(
        figure.subplots(1, 2), (code, nearest), ("distributed: on or off", "1-of-N: the nearest"),
        strict=True,
    ):  # fmt: skip
        found = np.unique(values)
        shown = np.searchsorted(found, values)
        axes.imshow(shown, cmap="tab20", origin="lower", extent=(-side, side, -side, side))
        axes.set_title(f"{name}: {len(found)} regions", fontsize=9)
        axes.set_xticks([])
        axes.set_yticks([])
        if values is nearest:
            axes.plot(*np.transpose(prototypes), "o", color=BLACK, markersize=4)
    return figure


def methods_figure(path: str | Path, protocol: str = "course") -> Figure:
    """The measured accuracy of each method on each representation, in percent, as a table of greys.

    Args:
        path: a CSV file with a line for each measurement, such as docs/methods.csv.
        protocol: "course", or "literature" for 100 training images of each class.
    """
    cells: dict[tuple[str, str], list[float]] = {}
    for row in csv.DictReader(Path(path).read_text(encoding="utf-8").splitlines()):
        if row["protocol"] == protocol:
            place = row["method"], row["representation"]
            cells.setdefault(place, []).append(100 * float(row["accuracy"]))
    means = {place: float(np.mean(values)) for place, values in cells.items()}

    def by_mean(axis: int) -> list[str]:
        names = {place[axis] for place in means}
        return sorted(
            names, key=lambda name: np.mean([m for p, m in means.items() if p[axis] == name])
        )

    rows, columns = by_mean(0), by_mean(1)
    grid = np.array([[means.get((row, column), np.nan) for column in columns] for row in rows])
    figure = new_figure(7.5, 4.2, f"test accuracy in percent, {_counted(cells)}")
    axes = figure.subplots()
    axes.imshow(grid, cmap="Greys", vmin=0, vmax=130, aspect="auto")
    for (y, x), value in np.ndenumerate(grid):
        if np.isfinite(value):
            axes.text(x, y, f"{value:.0f}", ha="center", va="center", fontsize=9)
    axes.set_xticks(range(len(columns)), columns, rotation=25, ha="right", fontsize=8)
    axes.set_yticks(range(len(rows)), rows, fontsize=8)
    axes.tick_params(length=0)
    return figure


def _counted(cells: Mapping[tuple[str, str], Sequence[float]]) -> str:
    fewest, most = min(map(len, cells.values())), max(map(len, cells.values()))
    seeds = str(most) if fewest == most else f"{fewest} to {most}"
    return f"{seeds} seed{'' if most == 1 else 's'}"
