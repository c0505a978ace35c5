"""Images in figures: one, and grids of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from scene_recog.system.figures import new_figure, plain


def to_array(image: Any) -> NDArray[Any]:
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
        limits: (black, white); None uses the image's own range, or 0 to 255 for bytes.
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
    """Images row by row, each below its caption; without images, a figure that says so.

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
    """A figure with a line of text instead of images."""
    figure = new_figure(6, 1.2, title)
    figure.text(0.5, 0.4, plain(message), ha="center", va="center")
    return figure
