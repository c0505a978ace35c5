"""Quality measures against values worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from scene_recog.training.metrics import (
    average_precision,
    intersections_over_unions,
    mean_iou,
    nearest,
    precision_at,
    psnr,
)

ONE, TWO = torch.tensor([[0.0, 0, 10, 10]]), torch.tensor([[0.0, 0, 10, 10], [50, 50, 60, 60]])


def test_psnr_of_a_constant_error() -> None:
    black = torch.zeros(2, 1, 4, 4)
    assert psnr(black + 0.1, black) == pytest.approx(20, abs=1e-4)


def test_psnr_is_the_mean_over_images() -> None:
    images = torch.stack([torch.full((1, 4, 4), 0.1), torch.full((1, 4, 4), 0.01)])
    assert psnr(images, torch.zeros(2, 1, 4, 4)) == pytest.approx((20 + 40) / 2, abs=1e-4)


def test_nearest_neighbours_on_a_line() -> None:
    points = torch.tensor([[0.0], [1.0], [3.0], [7.0]])
    assert nearest(2, points).tolist() == [[1, 2], [0, 2], [1, 0], [2, 1]]


def test_a_point_is_not_its_own_neighbour_even_if_it_has_a_twin() -> None:
    points = torch.tensor([[0.0, 0], [0, 0], [5, 5]])
    assert nearest(1, points)[:2].tolist() == [[1], [0]]


def test_precision_at_k() -> None:
    points, labels = torch.tensor([[0.0], [1.0], [3.0], [7.0]]), torch.tensor([0, 0, 1, 1])
    assert precision_at(1, points, labels) == 3 / 4  # the nearest of the point at 3 is that at 1
    assert precision_at(2, points, labels) == (1 + 1 + 0 + 1) / 8


def test_too_few_points_have_no_neighbours() -> None:
    with pytest.raises(ValueError, match="10 points have no 10 neighbours"):
        precision_at(10, torch.rand(10, 2), torch.zeros(10))


def test_mean_iou() -> None:
    labels = torch.tensor([[0, 0, 1, 1]])
    predictions = torch.tensor([[0, 1, 1, 1]])
    found = intersections_over_unions(predictions, labels, 3)
    assert found[:2].tolist() == [1 / 2, 2 / 3]
    assert math.isnan(found[2])  # occurs nowhere
    assert mean_iou(predictions, labels, 3) == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_a_kind_that_is_only_predicted_counts_as_zero() -> None:
    labels = torch.tensor([0, 0])
    assert mean_iou(torch.tensor([0, 2]), labels, 3) == (1 / 2 + 0) / 2


def ap(boxes: torch.Tensor, scores: list[float], truths: torch.Tensor, **options: object) -> float:
    return average_precision([boxes], [torch.tensor(scores)], [truths], **options)  # type: ignore[arg-type]


def test_average_precision_of_perfect_boxes() -> None:
    assert ap(TWO, [0.9, 0.8], TWO) == 1


def test_average_precision_without_boxes_is_zero() -> None:
    assert ap(torch.zeros(0, 4), [], TWO) == 0


def test_average_precision_is_the_area_below_the_curve() -> None:
    """Wrong, right, right: precision is 0, 1/2, 2/3, at its best later 2/3 at both recalls."""
    boxes = torch.cat([torch.tensor([[200.0, 200, 210, 210]]), TWO])
    assert ap(boxes, [0.9, 0.8, 0.7], TWO) == pytest.approx(2 / 3)
    # right, wrong, right: 1 at recall 1/2, 2/3 at recall 1
    assert ap(boxes, [0.8, 0.9, 0.7], TWO) == pytest.approx((1 + 2 / 3) / 2)


def test_an_object_is_found_once() -> None:
    boxes = torch.cat([ONE, ONE + 1])
    assert ap(boxes, [0.8, 0.9], TWO) == 1 / 2  # the second box of the same object is wrong


def test_a_box_must_overlap_by_half() -> None:
    shifted = ONE + torch.tensor([4.0, 0, 4, 0])  # 60 of 140 pixels in common
    assert ap(shifted, [0.9], ONE) == 0
    assert ap(shifted, [0.9], ONE, overlap=0.4) == 1


def test_ignored_objects_count_neither_way() -> None:
    left_out = [torch.tensor([False, True])]
    assert ap(ONE, [0.9], TWO, ignored=left_out) == 1  # it need not be found
    assert ap(TWO, [0.5, 0.9], TWO, ignored=left_out) == 1  # finding it is not wrong
    assert math.isnan(ap(ONE, [0.9], ONE, ignored=[torch.tensor([True])]))


def test_boxes_of_all_images_are_ranked_together() -> None:
    """Image 1 has a wrong box with a high score, image 2 the right box."""
    nothing = torch.zeros(0, 4)
    found = average_precision(
        [ONE, ONE], [torch.tensor([0.9]), torch.tensor([0.8])], [nothing, ONE]
    )
    assert found == 1 / 2
