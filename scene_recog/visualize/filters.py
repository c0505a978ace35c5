"""The filters of the first convolution."""

from __future__ import annotations

import math

import torch
from matplotlib.figure import Figure
from torch import nn

from scene_recog.system.figures import new_figure
from scene_recog.visualize.style import draw_image


def first_filters(model: nn.Module) -> torch.Tensor:
    """The weights of the first convolution, averaged over its input channels: float [maps, k, k].

    Raises:
        ValueError: the model has no convolution.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            return module.weight.detach().cpu().float().mean(dim=1)
    raise ValueError(f"{type(model).__name__} has no convolution")


def filters_figure(after: torch.Tensor, title: str, before: torch.Tensor | None = None) -> Figure:
    """First-layer filters before and after training, side by side.

    Middle grey is 0; black and white are each filter's own largest weight, negative and positive,
    since batch norm makes a filter's overall scale meaningless. Each title has the largest weight.

    Args:
        after: from `first_filters` of the trained network.
        title: the figure's title.
        before: the same for the network at initialization; None shows only `after`.
    """
    panels = [("after training", after)]
    if before is not None:
        panels.insert(0, ("before training", before))
    count = len(after)
    columns = min(range(min(4, count), min(8, count) + 1), key=lambda c: (-count % c, -c))
    rows = math.ceil(count / columns)
    figure = new_figure(len(panels) * (0.7 * columns + 0.3), 0.7 * rows + 0.9, title)
    halves = figure.subfigures(1, len(panels), squeeze=False, wspace=0.05)[0]
    for half, (name, filters) in zip(halves, panels, strict=True):
        half.suptitle(f"{name}: largest weight {float(filters.abs().max()):.2f}", fontsize=9)
        grid = half.subplots(rows, columns, squeeze=False).ravel()
        for axes in grid[len(filters) :]:
            axes.remove()
        for axes, weights in zip(grid, filters, strict=False):
            largest = float(weights.abs().max()) or 1.0
            draw_image(axes, weights, limits=(-largest, largest))
    return figure
