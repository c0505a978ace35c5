"""A network's feature maps for one image, and which parts of the image decide its label."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from torch import nn

from scene_recog.system.figures import VERMILION, new_figure
from scene_recog.visualize.style import draw_image, draw_row_label, to_array


def stage_outputs(
    model: nn.Module, images: torch.Tensor
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """(logits, output of each stage: layer name -> [N, maps, h, w], h and w above 1).

    A stage is all layers with one map size; its output is the last tensor of that size. For a
    residual block that is a module, this is the sum, not the convolution before it.

    Args:
        model: in eval mode.
        images: [N, C, H, W].
    """
    stages: dict[tuple[int, int], tuple[str, torch.Tensor]] = {}

    def make_hook(name: str) -> Any:
        def look(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if (
                not isinstance(output, torch.Tensor)
                or output.ndim != 4
                or min(output.shape[2:]) < 2
            ):
                return
            size = output.shape[2], output.shape[3]
            if size not in stages or stages[size][1] is not output:  # as a container does
                stages.pop(size, None)
                stages[size] = name, output

        return look

    hooks = [
        module.register_forward_hook(make_hook(name))
        for name, module in model.named_modules()
        if name
    ]
    try:
        logits = model(images)
    finally:
        for hook in hooks:
            hook.remove()
    return logits, dict(stages.values())


def feature_maps_figure(
    model: nn.Module, image: torch.Tensor, title: str, *, maps: int = 10
) -> Figure:
    """The most active maps of each stage for one image, one row per stage.

    Args:
        model: in eval mode.
        image: as the network takes it, [C, H, W].
        title: the figure's title.
        maps: at most this many per row, the highest mean first; each has its own grey scale.
    """
    with torch.no_grad():
        _, stages = stage_outputs(model, image[None].to(_device(model)))
    figure = new_figure(maps + 3.2, 1.2 * len(stages) + 0.5, title)
    grid = figure.subplots(len(stages), maps + 1, squeeze=False)
    for row, (name, output) in zip(grid, stages.items(), strict=True):
        for axes in row:
            axes.set_axis_off()
        order = output[0].mean(dim=(1, 2)).argsort(descending=True, stable=True)[:maps]
        for axes, index in zip(row[1:], order.tolist(), strict=False):
            draw_image(axes, output[0, index], f"map {index}")
        count, height, width = output.shape[1:]
        draw_row_label(row[0], f"{name}\n{count} maps\n{height}x{width}")
    draw_image(grid[0, 0], image, "image")
    return figure


def grad_cam(model: nn.Module, images: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """Where the last conv stage finds evidence for a class (Grad-CAM, Selvaraju et al. 2017).

    Each map is weighted by the mean gradient of the class score with respect to it. Positive
    values of the weighted sum are evidence for the class.

    Args:
        model: in eval mode.
        images: [N, C, H, W].
        classes: the class to explain for each image, integers [N].

    Returns:
        float [N, H, W] on the CPU, from 0 to 1; the highest value of each image is 1, or all are 0.

    Raises:
        ValueError: the model has no maps larger than 1x1.
    """
    device = _device(model)
    with torch.enable_grad():
        # The images require a gradient, so that the maps have one even if the weights are frozen.
        images = images.detach().clone().to(device).requires_grad_()
        logits, stages = stage_outputs(model, images)
        if not stages:
            raise ValueError(f"{type(model).__name__} has no feature maps larger than 1x1")
        activations = list(stages.values())[-1]
        scores = logits.gather(1, classes.to(device)[:, None])
        (gradients,) = torch.autograd.grad(scores.sum(), activations)
    weights = gradients.mean(dim=(2, 3), keepdim=True)
    evidence = (weights * activations).sum(dim=1, keepdim=True).relu()
    evidence = F.interpolate(evidence, images.shape[2:], mode="bilinear", align_corners=False)
    return _scaled_to_one(evidence[:, 0].detach().cpu())


def occlusion_sensitivity(
    model: nn.Module, image: torch.Tensor, class_index: int, *, patch: int = 12, stride: int = 4
) -> torch.Tensor:
    """How much the class's probability falls when a grey square hides a part of the image
    (Zeiler and Fergus 2014, section 4.2).

    Args:
        model: in eval mode.
        image: [C, H, W].
        class_index: the class to explain.
        patch: side of the square in pixels, filled with the image's mean.
        stride: pixels from one position to the next.

    Returns:
        float [H, W] on the CPU, from 0 (hiding the pixel changes nothing) to 1 (the largest fall),
        or all 0: for each pixel, the mean over the squares that hid it.

    Raises:
        ValueError: patch or stride below 1, or a patch larger than the image.
    """
    height, width = image.shape[1:]
    if not 1 <= patch <= min(height, width) or stride < 1:
        raise ValueError(f"patch {patch}, stride {stride} do not fit an image of {height}x{width}")
    image = image.to(_device(model))
    # The last square touches the border whatever the stride.
    tops = [*range(0, height - patch, stride), height - patch]
    lefts = [*range(0, width - patch, stride), width - patch]
    places = [(top, left) for top in tops for left in lefts]
    hidden = image.repeat(len(places), 1, 1, 1)
    for picture, (top, left) in zip(hidden, places, strict=True):
        picture[:, top : top + patch, left : left + patch] = image.mean()
    with torch.inference_mode():
        p = [x.softmax(dim=1)[:, class_index] for x in map(model, torch.split(hidden, 100))]
        intact = model(image[None]).softmax(dim=1)[0, class_index]
    drops = (intact - torch.cat(p)).cpu()
    total, times = torch.zeros(height, width), torch.zeros(height, width)
    for drop, (top, left) in zip(drops, places, strict=True):
        total[top : top + patch, left : left + patch] += drop
        times[top : top + patch, left : left + patch] += 1
    return _scaled_to_one((total / times).relu()[None])[0]


def evidence_figure(
    model: nn.Module,
    images: torch.Tensor,
    classes: torch.Tensor,
    captions: Sequence[str],
    title: str,
) -> Figure:
    """Three rows: images, Grad-CAM of the last conv stage, and occlusion sensitivity, overlaid.

    Args:
        model: in eval mode.
        images: as the network takes them, [N, C, H, W].
        classes: the class to explain for each image, integers [N].
        captions: one for each image.
        title: the figure's title.
    """
    cams = grad_cam(model, images, classes)
    figure = new_figure(1.75 * len(images) + 1.2, 5.9, title)
    grid = figure.subplots(3, len(images), squeeze=False)
    labels = ("image", "Grad-CAM", "occlusion")
    for row, label in zip(grid, labels, strict=True):
        draw_row_label(row[0], label)
    for column, (image, caption) in enumerate(zip(images, captions, strict=True)):
        draw_image(grid[0, column], image, caption)
        hidden = occlusion_sensitivity(
            model, image, int(classes[column]), patch=max(4, image.shape[1] // 5)
        )
        draw_overlay(grid[1, column], image, cams[column])
        draw_overlay(grid[2, column], image, hidden)
    return figure


def draw_overlay(axes: Axes, image: torch.Tensor, evidence: torch.Tensor) -> None:
    """Draw an image in grey, evidence in vermilion over it, and a contour at half its maximum.

    Args:
        axes: where to draw.
        image: [1, H, W] or [H, W].
        evidence: [H, W] from 0 to 1.
    """
    draw_image(axes, image)
    heat = to_array(evidence)
    colours = [[(*to_rgb(VERMILION), 0.65 * value) for value in row] for row in heat.tolist()]
    axes.imshow(colours)
    if heat.max() > 0.5:
        # Two lines, because a single one would vanish on white or on black.
        axes.contour(heat, [0.5], colors="black", linewidths=2.2)
        axes.contour(heat, [0.5], colors="white", linewidths=1)


def _scaled_to_one(maps: torch.Tensor) -> torch.Tensor:
    highest = maps.amax(dim=(1, 2), keepdim=True)
    return maps / torch.where(highest > 0, highest, 1)


def _device(model: nn.Module) -> torch.device:
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
