"""The pictures of denoising, retrieval, segmentation and detection show what they say."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from scene_recog.datasets.sketch15 import BOXED, KINDS
from scene_recog.loading.annotated_sketches import draw_sketches
from scene_recog.models.detector import Detections
from scene_recog.system.figures import GREEN, VERMILION
from scene_recog.visualize.tasks import (
    denoising_figure,
    detection_figure,
    retrieval_figure,
    segmentation_figure,
)


def drawn(figure: Figure) -> Figure:
    """The figure after drawing, during which a bad layout would warn."""
    figure.canvas.draw()
    return figure


def rectangles(figure: Figure) -> list[Rectangle]:
    return [patch for axes in figure.axes for patch in axes.patches if isinstance(patch, Rectangle)]


def test_denoising_figure_has_the_psnr_of_each_version() -> None:
    originals = torch.full((2, 1, 16, 16), 0.5)
    figure = drawn(denoising_figure(originals, {"noisy": originals + 0.1}))
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["original\n", "noisy\n20.0 dB"] * 2


def test_retrieval_figure_frames_right_and_wrong_answers() -> None:
    images, labels = torch.rand(4, 1, 8, 8), torch.tensor([0, 0, 1, 1])
    perfect, wrong = labels[:, None].float(), torch.tensor([[0.0], [9], [1], [10]])
    points = {"perfect": perfect, "wrong": wrong}
    figure = drawn(
        retrieval_figure(images, labels, ["coast", "office"], points, queries=4, answers=1)
    )
    colours = [patch.get_edgecolor() for patch in rectangles(figure)]
    right, others = (Rectangle((0, 0), 1, 1, ec=colour) for colour in (GREEN, VERMILION))
    assert colours.count(right.get_edgecolor()) == 4
    assert colours.count(others.get_edgecolor()) == 4


def test_segmentation_figure_has_a_row_of_each_labelling_and_a_legend() -> None:
    scenes = draw_sketches(3, 16)
    figure = drawn(segmentation_figure(scenes, {"network": scenes.labels}, KINDS, count=3))
    assert len(figure.axes) == 3 * 3
    shown = [np.asarray(axes.images[0].get_array()) for axes in figure.axes]
    assert np.array_equal(shown[3], scenes.labels[0])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(KINDS)


def test_detection_figure_has_objects_and_certain_boxes() -> None:
    scenes = draw_sketches(2, 64, class_names=("street",))
    one = torch.tensor([[1.0, 2, 30, 40], [5, 5, 9, 9]])
    found = [Detections(one, torch.tensor([0, 1]), torch.tensor([0.95, 0.2]))] * 2
    figure = drawn(detection_figure(scenes, found, BOXED))
    seen = [len(boxes) for boxes in scenes.boxes if len(boxes) > 0]
    assert len(rectangles(figure)) == sum(seen) + len(seen)
    assert [text.get_text() for text in figure.axes[0].texts] == ["car 0.95"]
