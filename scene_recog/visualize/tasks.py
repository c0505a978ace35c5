"""Pictures of denoising, retrieval, segmentation and detection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from scene_recog.loading.annotated_sketches import AnnotatedSketches
from scene_recog.models.detector import Detections
from scene_recog.system.figures import GREEN, ORANGE, SKY, VERMILION, new_figure
from scene_recog.training.metrics import nearest, psnr
from scene_recog.visualize.style import draw_image, draw_row_label, image_grid

# of labels, in the order of sketch15.KINDS
_COLOURS = [
    "#dddddd", "#a6d8f5", "#d9c27e", "#2f6fd0", "#8a6d5a", "#3f9b4f", "#c0504d", "#6e6e78",
    "#ffd400", "#9b30c8", "#f3e3d0", "#b08a66", "#ef8a3c",
]  # fmt: skip


def denoising_figure(originals: torch.Tensor, denoised: Mapping[str, torch.Tensor]) -> Figure:
    """Each original in a row, beside its noisy and denoised versions with their PSNR.

    Args:
        originals: [N, 1, H, W] in [0, 1].
        denoised: the versions by name, each [N, 1, H, W].
    """
    images, captions = [], []
    for row, original in enumerate(originals):
        images.append(original)
        captions.append("original\n")
        for name, batch in denoised.items():
            images.append(batch[row])
            decibels = psnr(batch[row : row + 1], originals[row : row + 1])
            captions.append(f"{name}\n{decibels:.1f} dB")
    columns = 1 + len(denoised)
    return image_grid(images, captions, "Denoising", columns=columns, limits=(0, 1))


def retrieval_figure(
    images: torch.Tensor,
    labels: torch.Tensor,
    class_names: Sequence[str],
    points: Mapping[str, torch.Tensor],
    *,
    queries: int = 6,
    answers: int = 5,
    seed: int = 0,
) -> Figure:
    """Queries in the first column, and their nearest neighbours by each kind of features.

    Answers of the query's class have a solid green frame, the others a dashed red one.

    Args:
        images: [N, 1, H, W].
        labels: [N].
        class_names: by label.
        points: the features by name, each [N, D].
        queries: how many rows.
        answers: how many neighbours.
        seed: which queries.
    """
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randperm(len(images), generator=generator)[:queries].tolist()
    width = 0.85 * (1 + (0.4 + answers) * len(points))
    figure = new_figure(
        width, 0.95 * len(rows) + 0.6, "Queries and their nearest neighbours\n"
    )  # room for headings
    ratios = [1.0] + ([0.4] + [1.0] * answers) * len(points)
    grid = figure.subplots(len(rows), len(ratios), squeeze=False, width_ratios=ratios)
    for axes in grid.ravel():
        axes.set_axis_off()
    for line, row in zip(grid, rows, strict=True):
        draw_image(line[0], images[row], class_names[int(labels[row])])
    for block, (name, found) in enumerate(points.items()):
        neighbours = nearest(answers, found)
        start = 2 + block * (1 + answers)
        heading = grid[0, start].text(0, 1.4, name, fontsize=10)
        heading.set(transform=grid[0, start].transAxes, in_layout=False)
        for line, row in zip(grid, rows, strict=True):
            for axes, answer in zip(line[start:], neighbours[row].tolist(), strict=False):
                draw_image(axes, images[answer], class_names[int(labels[answer])])
                right = labels[answer] == labels[row]
                axes.add_patch(_frame(images[answer], right=bool(right)))
    return figure


def segmentation_figure(
    scenes: AnnotatedSketches,
    labels: Mapping[str, torch.Tensor],
    kinds: Sequence[str],
    *,
    count: int = 6,
) -> Figure:
    """Images, what is drawn where, and what was predicted, one row each; with a legend.

    Args:
        scenes: images and their labels.
        labels: predictions by name, each [N, H, W].
        kinds: names of the labels.
        count: how many scenes.
    """
    colours = ListedColormap(_COLOURS[: len(kinds)])
    rows = {"image": scenes.images, "drawn": scenes.labels, **labels}
    figure = new_figure(1.25 * count + 2.6, 1.3 * len(rows) + 0.4, "Segmentation")
    grid = figure.subplots(len(rows), count, squeeze=False)
    for line, (name, values) in zip(grid, rows.items(), strict=True):
        draw_row_label(line[0], name)
        for axes, value in zip(line, values, strict=False):
            if name == "image":
                draw_image(axes, value)
            else:
                axes.imshow(value, colours, vmin=-0.5, vmax=len(kinds) - 0.5, interpolation="none")
                axes.set_axis_off()
    patches = [Patch(color=colours(k), label=kind) for k, kind in enumerate(kinds)]
    figure.legend(handles=patches, loc="outside right center", fontsize=8, frameon=False)
    return figure


def detection_figure(
    scenes: AnnotatedSketches,
    detections: Sequence[Detections],
    kinds: Sequence[str],
    *,
    least: float = 0.9,
    count: int = 8,
) -> Figure:
    """Scenes with objects (dashed white) and what was found (in the colour of its kind).

    Args:
        scenes: images and the boxes of the objects.
        detections: for each image.
        kinds: names of the kinds.
        least: the lowest score that is drawn.
        count: how many scenes, the first ones that have an object.
    """
    chosen = [number for number, boxes in enumerate(scenes.boxes) if len(boxes) > 0][:count]
    columns = min(4, len(chosen))
    figure = image_grid(
        [scenes.images[number] for number in chosen],
        [""] * len(chosen),
        "Detection: objects (dashed), and what was found, with its probability",
        columns=columns,
        limits=(0, 1),
    )
    for axes, number in zip(figure.axes, chosen, strict=True):
        for box in scenes.boxes[number].tolist():
            axes.add_patch(_rectangle(box, "white", "--"))
        found = detections[number]
        for box, kind, score in zip(found.boxes.tolist(), found.kinds, found.scores, strict=True):
            if score < least:
                continue
            colour = (ORANGE, SKY, VERMILION, GREEN)[int(kind) % 4]
            axes.add_patch(_rectangle(box, colour, "-"))
            text = f"{kinds[int(kind)]} {score:.2f}"
            axes.text(box[0], box[1], text, color=colour, fontsize=7, va="bottom", clip_on=True)
    return figure


def _frame(image: torch.Tensor, *, right: bool) -> Rectangle:
    height, width = image.shape[-2:]
    colour, style = (GREEN, "-") if right else (VERMILION, ":")
    return Rectangle(
        (-0.5, -0.5), width, height, fill=False, edgecolor=colour, linestyle=style, linewidth=2.5
    )


def _rectangle(box: Sequence[float], colour: str, style: str) -> Rectangle:
    left, top, right, bottom = np.asarray(box) - 0.5
    return Rectangle(
        (left, top), right - left, bottom - top,
        fill=False, edgecolor=colour, linestyle=style, linewidth=1.4,
    )  # fmt: skip
