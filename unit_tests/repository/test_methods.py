"""The comparison of methods: what is our own in it, by hand on small examples."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("sklearn", reason="scikit-learn is not installed (the extra `classical`)")
sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

import methods
import representations


def test_a_pyramid_counts_words_in_cells_and_gives_small_cells_more_weight() -> None:
    # four positions in a square: word 0 at the top, word 1 at the bottom
    grid = torch.tensor([[[0, 0], [1, 1]]])
    histogram = representations.pyramid_histogram(grid, words=2, levels=2)[0]
    whole, quarters = histogram[:2], histogram[2:].view(4, 2)
    assert torch.allclose(whole, torch.tensor([0.5, 0.5]) / 2)
    top, bottom = [0.25, 0.0], [0.0, 0.25]
    assert torch.allclose(quarters, torch.tensor([top, top, bottom, bottom]) / 2)


def test_three_levels_have_the_weights_of_the_paper() -> None:
    histogram = representations.pyramid_histogram(torch.randint(0, 3, (2, 9, 7)), words=3)
    assert histogram.shape == (2, 3 * 21)
    levels = histogram.split((3, 12, 48), dim=1)
    sums = torch.stack([level.sum(dim=1) for level in levels], dim=1)
    assert torch.allclose(sums, torch.tensor([0.25, 0.25, 0.5]).expand(2, 3))


def test_one_level_is_a_bag_of_words() -> None:
    grid = torch.tensor([[[2, 0, 2], [2, 1, 2]]])
    histogram = representations.pyramid_histogram(grid, words=4, levels=1)
    assert torch.allclose(histogram, torch.tensor([[1, 1, 4, 0]]) / 6)


def test_the_intersection_is_the_sum_of_the_smaller_values() -> None:
    a = np.array([[0.5, 0.5, 0.0], [0.2, 0.2, 0.6]], np.float32)
    b = np.array([[0.1, 0.3, 0.6]], np.float32)
    assert np.allclose(methods.intersections(a, b), [[0.4], [0.9]])
    assert np.allclose(methods.intersections(a, a), [[1.0, 0.4], [0.4, 1.0]])


def test_many_intersections_agree_with_the_definition() -> None:
    x = np.random.default_rng(0).random((1100, 5), np.float32)  # more than two blocks
    expected = np.minimum(x[:, None], x[None]).sum(axis=2)
    assert np.allclose(methods.intersections(x, x), expected, atol=1e-5)
    assert np.allclose(methods.intersections(x[:600], x), expected[:600], atol=1e-5)


def test_tiny_images_ignore_brightness_and_contrast() -> None:
    pixels = torch.rand(3, 1, 16, 16)
    tiny = representations.tiny_image(pixels)
    assert tiny.shape == (3, 256)
    assert torch.allclose(tiny.mean(dim=1), torch.zeros(3), atol=1e-6)
    assert torch.allclose(tiny.norm(dim=1), torch.ones(3))
    assert torch.allclose(representations.tiny_image(0.5 * pixels + 0.2), tiny, atol=1e-5)
    assert not representations.tiny_image(torch.ones(1, 1, 16, 16)).any()


def test_neighbours_vote_and_a_tie_goes_to_the_nearest() -> None:
    apart = np.array([[1.0, 2.0, 3.0, 4.0, 5.0]], np.float32)
    y = np.array([7, 2, 2, 7, 4])
    for k, expected in ((1, 7), (2, 7), (3, 2), (4, 7), (5, 7)):
        nearest = methods.Neighbours(k)
        nearest.fit(np.zeros((5, 5), np.float32), y)
        assert nearest.predict(apart) == [expected]


def test_folded_weights_decide_as_the_kernel_does() -> None:
    generator = np.random.default_rng(0)
    y = np.arange(60) % methods.CLASSES
    x = generator.normal(size=(60, 8)).astype(np.float32) + y[:, None] % 4
    svm = methods.OneVersusAll(C=1.0)
    svm.fit(methods.inner_products(x, x), y)
    seen = generator.normal(size=(40, 8)).astype(np.float32)
    expected = svm.predict(methods.inner_products(seen, x))
    assert (methods.Linear(svm, x).predict(seen) == expected).all()
    assert len(set(expected)) > 1


def test_recall_weighs_classes_equally() -> None:
    found = methods.recalls(np.array([0, 0, 0, 0]), np.array([0, 0, 0, 1]))
    assert found == {"accuracy": 0.75, "mean_recall": 0.5}


def test_shares_of_variance_add_up_where_effects_do() -> None:
    grid = np.array([[0.0], [1.0]]) + np.array([[0.0, 3.0]])  # columns 3 apart, rows 1 apart
    assert methods.shares(grid) == pytest.approx((0.9, 0.1))
    assert methods.shares(np.array([[0.0, 1.0], [1.0, 0.0]])) == pytest.approx((0, 0))
