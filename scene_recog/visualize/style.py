"""What all pictures share: colours, figures with a title, grids of images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito's palette for every kind of colour vision. The dashes tell lines apart in grey.
BLUE, VERMILION, GREEN, ORANGE = "#0072B2", "#D55E00", "#009E73", "#E69F00"
PURPLE, SKY, BLACK = "#CC79A7", "#56B4E9", "#000000"
SERIES: list[dict[str, Any]] = [
    {"color": BLUE, "linestyle": "-"},
    {"color": VERMILION, "linestyle": "--"},
    {"color": GREEN, "linestyle": "-."},
    {"color": ORANGE, "linestyle": ":"},
    {"color": PURPLE, "linestyle": (0, (5, 1, 1, 1, 1, 1))},
    {"color": SKY, "linestyle": (0, (8, 2))},
    {"color": BLACK, "linestyle": (0, (1, 3))},
]


def new_figure(width: float, height: float, title: str) -> Figure:
    """A figure of this size in inches, outside pyplot: a notebook shows it once, when returned."""
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.suptitle(plain(title), x=0.01, ha="left", fontsize=11)
    return figure


def plain(text: str) -> str:
    """The text as it is: a folder called "a$b$" must not be read as a formula, and what is no
    character, as in the names of some old files, becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("$", r"\$")


def to_array(image: Any) -> np.ndarray:
    """A grayscale image as an array [H, W]: from a tensor [1, H, W] or [H, W], or PIL mode L."""
    if isinstance(image, torch.Tensor):
        return image.detach().cpu().float().reshape(image.shape[-2:]).numpy()
    return np.asarray(image)


def draw_image(axes: Axes, image: Any, caption: str = "", limits: Any = None) -> None:
    """Draw a grayscale image without ticks.

    Args:
        axes: where to draw.
        image: as for `to_array`.
        caption: above the image.
        limits: (black, white); None takes the image's own extremes, and 0 to 255 for bytes.
    """
    pixels = to_array(image)
    if limits is None and pixels.dtype == np.uint8:
        limits = (0, 255)
    low, high = limits or (pixels.min(), pixels.max())
    axes.imshow(pixels, cmap="gray", vmin=low, vmax=high)
    axes.set_title(plain(caption), fontsize=8)
    axes.set_axis_off()


def draw_row_label(axes: Axes, text: str) -> None:
    """Write a label to the left of the first picture of a row."""
    axes.text(
        -0.08, 0.5, plain(text), transform=axes.transAxes, ha="right", va="center", fontsize=9
    )  # fmt: skip


def image_grid(
    images: Sequence[Any],
    captions: Sequence[str],
    title: str,
    *,
    columns: int = 5,
    limits: Any = None,
) -> Figure:
    """Images row by row, each below its caption; a figure that says so if there are none.

    Args:
        images: each as for `to_array`.
        captions: one for each image.
        title: the figure's title.
        columns: images in a row.
        limits: (black, white) for all; None as in `draw_image`.
    """
    if not images:
        return message_figure(title, "none")
    rows = math.ceil(len(images) / columns)
    lines = max(caption.count("\n") + 1 for caption in captions)
    height = 1.75 + 0.15 * lines
    figure = new_figure(1.9 * columns, rows * height + 0.4, title)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[len(images) :]:
        axes.remove()
    for axes, image, caption in zip(grid, images, captions, strict=False):
        draw_image(axes, image, caption, limits)
    return figure


def message_figure(title: str, message: str) -> Figure:
    """A figure with a line of text, where there is nothing to draw."""
    figure = new_figure(6, 1.2, title)
    figure.text(0.5, 0.4, plain(message), ha="center", va="center")
    return figure
