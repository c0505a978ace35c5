"""Figure 2 of the handout: SimpleNet as blocks of maps, with their sizes."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from scene_recog.figure_2 import CLASSES, FIGURE_2, SIDE, Figure2
from scene_recog.system.figures import BLACK, BLUE, GREEN, new_figure

# The figure is 100 units wide. Sides and vector lengths are drawn as their square roots: drawn to
# scale, the last maps would be dots.
WIDTH = 100.0
PIXEL = 0.95  # per square root of a pixel
MAP_OFFSET = 0.24  # from one map of a block to the next
VALUE = 0.45  # per square root of a vector's length
VECTOR_WIDTH = 1.0
LEFT_OUT = 0.7  # between a block and the arrow that leaves it


def network_figure(sizes: Figure2 = FIGURE_2) -> Figure:
    """SimpleNet from the image to its scores: what each step does, and the size of its output.

    Args:
        sizes: of the network.
    """
    maps = [
        (1, SIDE, f"convolution\n{sizes.filter_1}x{sizes.filter_1}"),
        (sizes.maps_1, sizes.convolved_1, f"max-pool\n{sizes.pool_1}x{sizes.pool_1}, ReLU"),
        (sizes.maps_1, sizes.pooled_1, f"convolution\n{sizes.filter_2}x{sizes.filter_2}"),
        (sizes.maps_2, sizes.convolved_2, f"max-pool\n{sizes.pool_2}x{sizes.pool_2}, ReLU"),
        (sizes.maps_2, sizes.pooled_2, "flatten"),
    ]
    vectors = [
        (sizes.flat, "values", "linear,\nReLU"),
        (sizes.hidden, "values", "linear"),
        (CLASSES, "scores", ""),
    ]
    widths = [PIXEL * math.sqrt(side) + MAP_OFFSET * (count - 1) for count, side, _ in maps]
    gap = (WIDTH - sum(widths) - len(vectors) * VECTOR_WIDTH) / (len(maps) + len(vectors) - 1)

    figure = new_figure(12.5, 2.6, "figure 2: SimpleNet")
    axes = figure.subplots()
    x = 0.0
    for (count, side, step), width in zip(maps, widths, strict=True):
        _draw_maps(axes, x, count, side)
        _write_below(
            axes, x + width / 2, f"{count} maps" if count > 1 else "image", f"{side}x{side}"
        )
        _draw_arrow(axes, x + width, gap, step)
        x += width + gap
    for count, what, step in vectors:
        height = VALUE * math.sqrt(count)
        corner = x, -height / 2
        axes.add_patch(
            Rectangle(corner, VECTOR_WIDTH, height, facecolor=GREEN, edgecolor=BLACK, lw=0.6)
        )
        _write_below(axes, x + VECTOR_WIDTH / 2, str(count), what)
        if step:
            _draw_arrow(axes, x + VECTOR_WIDTH, gap, step)
        x += VECTOR_WIDTH + gap
    axes.set(xlim=(-0.5, WIDTH + 2), ylim=(-11, 7), aspect="equal")
    axes.set_axis_off()
    return figure


def _draw_maps(axes: Axes, x: float, count: int, side: int) -> None:
    """A block of maps, centred at height 0, the first map at the back left."""
    drawn, depth = PIXEL * math.sqrt(side), MAP_OFFSET * (count - 1)
    for number in range(count):
        step = MAP_OFFSET * number
        corner = x + step, -drawn / 2 + depth / 2 - step
        face, edge = (BLUE, "white") if count > 1 else ("0.85", BLACK)
        axes.add_patch(Rectangle(corner, drawn, drawn, facecolor=face, edgecolor=edge, lw=0.6))


def _write_below(axes: Axes, x: float, first: str, second: str) -> None:
    axes.text(x, -7.0, f"{first}\n{second}", ha="center", va="top", fontsize=10)


def _draw_arrow(axes: Axes, x: float, gap: float, step: str) -> None:
    axes.annotate(
        "",
        (x + gap - LEFT_OUT, 0),
        (x + LEFT_OUT, 0),
        arrowprops={"arrowstyle": "-|>", "color": BLACK, "shrinkA": 0, "shrinkB": 0},
    )
    axes.text(x + gap / 2, 0.8, step, ha="center", va="bottom", fontsize=9)
