"""Step 2.6: are mistakes counted in the right row and column?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from torch import nn
from torch.utils.data import Dataset

from scene_recog.confusion_matrix import (
    generate_and_plot_confusion_matrix,
    generate_confusion_data,
    generate_confusion_matrix,
    get_pred_images_for_target,
    plot_confusion_matrix,
)

CLASS_NAMES = ["bedroom", "coast", "forest", "kitchen"]
TARGETS = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2])
PREDICTIONS = np.array([0, 0, 1, 1, 0, 2, 2, 3, 3])
COUNTS = np.array([[2, 1, 0, 0], [1, 1, 0, 0], [0, 0, 2, 2], [0, 0, 0, 0]])  # no kitchen in TARGETS
SHARES = np.array([[2 / 3, 1 / 3, 0, 0], [0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5], [0, 0, 0, 0]])


class FakeDataset(Dataset[Any]):
    """137 images whose first pixel says what the model will predict, like an ImageLoader."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.targets = rng.integers(0, 4, 137)
        self.predictions = rng.integers(0, 4, 137)
        self.class_dict = {"bedroom": 0, "coast": 1, "forest": 2, "kitchen": 3}
        self.dataset = [(f"image_{i:04d}.jpg", int(t)) for i, t in enumerate(self.targets)]
        self.root, self.split, self.curr_folder, self.transform = "data", "test", "data/test", None

    def get_classes(self) -> dict[str, int]:
        return self.class_dict

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.full((1, 8, 8), float(self.predictions[index])), self.dataset[index][1]


class FakeModel(nn.Module):
    """Reads the prediction off the first pixel, but only in eval mode."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        wanted = x[:, 0, 0, 0].long()
        if self.training:  # as dropout and batch norm would
            wanted = (wanted + 1) % 4
        return nn.functional.one_hot(wanted, 4) * 5.0 * self.scale - 7


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    plt.close("all")
    yield
    plt.close("all")


def test_data_has_every_image_in_order() -> None:
    dataset = FakeDataset()
    targets, predictions, labels = generate_confusion_data(FakeModel().train(), dataset)
    assert len(targets) == len(predictions) == 137, (
        "there must be a target and a prediction for every image, those of the last, smaller batch "
        "too"
    )
    assert np.array_equal(targets, dataset.targets), (
        "the first result must be the right classes, in the dataset's order (no shuffling)"
    )
    assert np.array_equal(predictions, dataset.predictions), (
        "the second result must be what the model predicts in eval mode, in the dataset's order"
    )
    assert list(labels) == CLASS_NAMES, "the third result must be the class names by index"


def test_data_can_index_arrays() -> None:
    targets, predictions, _ = generate_confusion_data(FakeModel(), FakeDataset())
    for values in (targets, predictions):
        array = np.asarray(values)
        assert array.shape == (137,), "targets and predictions must have shape [N]"
        assert np.issubdtype(array.dtype, np.integer), "class indices must be integers"


@pytest.mark.parametrize("training", [True, False])
def test_model_comes_back_in_its_mode(training: bool) -> None:
    model = FakeModel().train(training)
    generate_confusion_data(model, FakeDataset())
    assert model.training == training, (
        "put the model back into the mode it was in: training may go on, or an evaluation"
    )


def test_class_without_images_keeps_its_name() -> None:
    dataset = FakeDataset()
    for missing in (1, 3):
        dataset.targets[dataset.targets == missing] = 0
    dataset.dataset = [
        (path, int(dataset.targets[i])) for i, (path, _) in enumerate(dataset.dataset)
    ]
    targets, _, labels = generate_confusion_data(FakeModel(), dataset)
    assert list(labels) == CLASS_NAMES, "name all classes, those without images too"
    assert np.array_equal(targets, dataset.targets), "the targets must be the classes' indices"


def test_the_gpu_is_not_used_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("use_cuda=False must not touch the GPU")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(nn.Module, "cuda", fail)
    monkeypatch.setattr(torch.Tensor, "cuda", fail)
    model = FakeModel()
    try:
        generate_confusion_data(model, FakeDataset(), use_cuda=False)
    except RuntimeError as error:
        pytest.fail(f"use_cuda=False must not touch the GPU: {error}")
    assert model.scale.device.type == "cpu"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_the_cpu_is_used() -> None:
    dataset = FakeDataset()
    _, predictions, _ = generate_confusion_data(FakeModel(), dataset, use_cuda=True)
    assert np.array_equal(predictions, dataset.predictions), (
        "use_cuda=True on a machine without a GPU must use the CPU"
    )


def test_counting_leaves_no_gradients() -> None:
    model = FakeModel()
    weights = model.scale.item()
    generate_confusion_data(model, FakeDataset())
    assert model.scale.grad is None, "looking at predictions must not compute gradients"
    assert model.scale.item() == weights, "looking at predictions must not train"
    assert torch.is_grad_enabled(), "gradients must be on again afterwards: use a with-block"


def test_matrix_counts_targets_in_rows() -> None:
    matrix = np.asarray(generate_confusion_matrix(TARGETS, PREDICTIONS, 4, normalize=False))
    assert matrix.shape == (4, 4), "the matrix must be num_classes x num_classes"
    assert np.array_equal(matrix, COUNTS), (
        "entry [i, j] must count the images of class i (target) labelled as class j (prediction)"
    )


def test_matrix_rows_are_shares_of_their_class() -> None:
    matrix = np.asarray(generate_confusion_matrix(TARGETS, PREDICTIONS, 4, normalize=True))
    assert np.isfinite(matrix).all(), "a class without images must give a row of zeros, not NaN"
    assert np.allclose(matrix, SHARES), "divide each row by the number of images of that class"


def test_matrix_is_normalized_by_default() -> None:
    matrix = np.asarray(generate_confusion_matrix(TARGETS, PREDICTIONS, 4))
    assert np.allclose(matrix, SHARES), "normalize must be True by default"


def test_matrix_counts_beyond_255() -> None:
    many = np.zeros(1000, dtype=int)
    matrix = np.asarray(generate_confusion_matrix(many, many, 2, normalize=False))
    assert matrix[0, 0] == 1000, "the counts must not run over: 1,000 images of one class"


def test_matrix_has_classes_that_never_occur() -> None:
    labels = np.array([0, 1, 1])
    for normalize in (True, False):
        matrix = np.asarray(generate_confusion_matrix(labels, labels, 4, normalize=normalize))
        assert matrix.shape == (4, 4), "the size is num_classes, whichever classes occur"
        assert not matrix[2:].any(), "classes that never occur have zeros"
        assert not matrix[:, 2:].any(), "classes that never occur have zeros"


def test_matrix_leaves_its_arguments_alone() -> None:
    targets, predictions = TARGETS.copy(), PREDICTIONS.copy()
    generate_confusion_matrix(targets, predictions, 4)
    assert np.array_equal(targets, TARGETS), "generate_confusion_matrix must not change targets"
    assert np.array_equal(predictions, PREDICTIONS), "it must not change preds"


def drawn(axes: Axes) -> np.ndarray:
    """The values that imshow, matshow or pcolormesh drew."""
    images = [*axes.images, *axes.collections]
    assert images, "plot_confusion_matrix must draw the matrix, for instance with imshow"
    return np.asarray(images[0].get_array(), dtype=float).reshape(4, 4)


def tick_labels(axis: Any) -> list[str]:
    return [text for label in axis.get_ticklabels() if (text := label.get_text())]


@pytest.mark.parametrize("matrix", [SHARES, COUNTS.astype(float)])
def test_plot_has_targets_down_and_predictions_across(matrix: np.ndarray) -> None:
    before = matrix.copy()
    other = plt.figure()
    plot_confusion_matrix(matrix, CLASS_NAMES)
    assert len(plt.get_fignums()) == 2, "plot_confusion_matrix must draw into a new pyplot figure"
    assert not other.axes, "do not draw over the figure that was there"
    axes = plt.gcf().axes[0]
    assert np.allclose(drawn(axes), matrix), "draw the matrix as it is: not transposed or scaled"
    assert tick_labels(axes.xaxis) == CLASS_NAMES, "name the columns along the x axis"
    assert tick_labels(axes.yaxis) == CLASS_NAMES, "name the rows along the y axis"
    assert "pred" in axes.get_xlabel().lower(), "say that the x axis is the prediction"
    assert any(
        word in axes.get_ylabel().lower() for word in ("target", "true", "truth", "actual")
    ), "say that the y axis is the target"
    assert np.array_equal(matrix, before), "plotting must not change the matrix"


def test_numbers_stand_in_their_own_cells() -> None:
    plot_confusion_matrix(SHARES, CLASS_NAMES)
    for text in plt.gcf().axes[0].texts:  # a plot without numbers is fine
        column, row = (round(float(number)) for number in text.get_position())
        shown = float(text.get_text().strip().rstrip("%") or 0)
        expected = SHARES[row, column]
        assert min(abs(shown - expected), abs(shown / 100 - expected)) < 0.02, (
            f"the number {text.get_text()} stands at x = {column}, y = {row}, where the matrix has "
            f"{expected:.2f}: x is the column, y the row"
        )


def test_generate_and_plot_shows_the_model_s_normalized_matrix() -> None:
    dataset = FakeDataset()
    generate_and_plot_confusion_matrix(FakeModel(), dataset)
    expected = np.zeros((4, 4))
    for target, prediction in zip(dataset.targets, dataset.predictions, strict=True):
        expected[target, prediction] += 1
    expected /= expected.sum(1, keepdims=True)
    assert plt.get_fignums(), "generate_and_plot_confusion_matrix must draw a figure"
    assert np.allclose(drawn(plt.gcf().axes[0]), expected), (
        "the plot must show the normalized matrix of this model on this dataset"
    )
    assert tick_labels(plt.gcf().axes[0].xaxis) == CLASS_NAMES, "with the dataset's class names"


@pytest.mark.parametrize(("predicted", "target"), [(2, 1), (1, 2), (3, 3), (0, 3)])
def test_images_of_one_confusion_are_found(predicted: int, target: int) -> None:
    dataset = FakeDataset()
    found = get_pred_images_for_target(FakeModel(), dataset, predicted, target)
    expected = [
        f"image_{i:04d}.jpg"
        for i in range(137)
        if dataset.predictions[i] == predicted and dataset.targets[i] == target
    ]
    assert sorted(Path(path).name for path in found) == expected, (
        "return the paths of the images of target_class that the model labels predicted_class"
    )
