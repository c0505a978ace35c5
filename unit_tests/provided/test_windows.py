"""Windows of drawn scenes, with an object or without."""

from __future__ import annotations

import pytest
import torch
from torchvision.ops import box_iou

from scene_recog.datasets.sketch15 import BOXED
from scene_recog.loading.annotated_sketches import AnnotatedSketches, draw_sketches
from scene_recog.loading.windows import (
    SMALLEST,
    Windows,
    background_windows,
    false_alarms,
    mean_sides,
    object_windows,
)
from scene_recog.models.detector import OBJECT, Detector, longer_sides, windows_around


@pytest.fixture(scope="module")
def streets() -> AnnotatedSketches:
    return draw_sketches(30, 192, class_names=("street", "highway", "insidecity"))


def test_each_object_that_is_not_too_small_has_a_window(streets: AnnotatedSketches) -> None:
    windows = object_windows(streets)
    sizes = longer_sides(torch.cat(streets.boxes))
    assert 0 < len(windows.labels) == int((sizes >= SMALLEST).sum()) < len(sizes)
    assert set(windows.labels.tolist()) == {1, 2}
    for number, corners, label in zip(*windows, strict=True):
        boxes = streets.boxes[number][streets.kinds[number] == label - 1]
        assert any(torch.allclose(corners, each) for each in windows_around(boxes))
    assert windows.cut_from(streets.images).shape == (len(windows.labels), 1, 32, 32)


def test_background_does_not_cover_objects(streets: AnnotatedSketches) -> None:
    windows = background_windows(streets)
    assert 0 < len(windows.labels) <= 300
    assert windows.labels.max() == 0
    for number, corners, _ in zip(*windows, strict=True):
        around = windows_around(streets.boxes[number])
        assert (box_iou(corners[None], around) < 0.3).all()


def test_choice_sum_and_jitter() -> None:
    windows = Windows(
        torch.arange(3),
        torch.tensor([[0.0, 0, 32, 32], [0, 0, 64, 64], [8, 8, 40, 40]]),
        torch.tensor([1, 0, 2]),
    )
    some = windows.some(50)
    assert set(some.numbers.tolist()) == {0, 1, 2}
    assert torch.equal(windows.labels[some.numbers], some.labels)
    both = windows.and_also(some)
    assert both.corners.shape == (53, 4)
    moved = both.jittered()
    assert torch.equal(moved.labels, both.labels)
    assert not torch.equal(moved.corners, both.corners)
    assert (moved.corners - both.corners).abs().max() <= 64 * (2 / 32 + 0.13 / 2)


def test_false_alarms_are_where_no_object_is(streets: AnnotatedSketches) -> None:
    torch.manual_seed(0)
    net = Detector(len(BOXED)).eval()
    torch.nn.init.zeros_(net.conv_layers[-1].weight)
    torch.nn.init.zeros_(net.conv_layers[-1].bias)  # a third for each answer, everywhere
    sides = mean_sides(streets, len(BOXED))
    assert longer_sides(torch.cat([torch.zeros_like(sides), sides], dim=1)).max() <= OBJECT
    windows = false_alarms(net, streets, range(2), sides)
    assert len(windows.labels) > 100
    assert set(windows.numbers.tolist()) == {0, 1}
    assert windows.labels.max() == 0
