"""Confusion-matrix utilities.

The module provides a complete pipeline for analysing the mistakes of an image
classifier:

1. :func:`generate_confusion_data` collects targets and predictions.
2. :func:`generate_confusion_matrix` turns them into a matrix.
3. :func:`plot_confusion_matrix` visualises the matrix.
4. :func:`generate_and_plot_confusion_matrix` does all of the above.
5. :func:`get_pred_images_for_target` retrieves the images behind one cell.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Iterator, List, Sequence, Tuple

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

logger = logging.getLogger(__name__)

DEFAULT_BATCH_SIZE: Final[int] = 128
FIGURE_SIZE: Final[Tuple[float, float]] = (11.0, 9.5)
COLOR_MAP: Final[str] = "Blues"
TEXT_THRESHOLD: Final[float] = 0.5


@dataclass(frozen=True)
class PredictionSummary:
    """The targets and predictions of a dataset, in the dataset's order."""

    targets: np.ndarray
    predictions: np.ndarray

    def __post_init__(self) -> None:
        if self.targets.shape != self.predictions.shape:
            raise ValueError(
                f"shape mismatch: {self.targets.shape} versus {self.predictions.shape}"
            )

    def cell(self, target: int, prediction: int) -> np.ndarray:
        """Return the positions of the images in one cell of the matrix."""
        return np.nonzero((self.targets == target) & (self.predictions == prediction))[0]


@contextmanager
def _evaluation_mode(model: nn.Module) -> Iterator[nn.Module]:
    """Temporarily switch a model to evaluation mode, restoring it afterwards."""
    previous = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield model
    finally:
        model.train(previous)


def _resolve_device(model: nn.Module, use_cuda: bool) -> torch.device:
    """Determine the device, falling back gracefully if CUDA is unavailable."""
    if use_cuda:
        if torch.cuda.is_available():
            return torch.device("cuda:0")
        logger.warning("use_cuda=True but no CUDA device is available; using the CPU")
    parameter = next(model.parameters(), None)
    return parameter.device if parameter is not None else torch.device("cpu")


def _validate_dataset(dataset: Any) -> None:
    """Raise if the dataset cannot be used for evaluation."""
    for attribute in ("dataset", "get_classes", "__len__", "__getitem__"):
        if not hasattr(dataset, attribute):
            raise TypeError(f"dataset has no {attribute!r}: expected an ImageLoader")
    if len(dataset) == 0:
        raise ValueError("dataset is empty")


def _collect(model: nn.Module, dataset: Dataset, use_cuda: bool) -> PredictionSummary:
    """Run the model over the whole dataset."""
    _validate_dataset(dataset)
    device = _resolve_device(model, use_cuda)
    model.to(device)
    loader: DataLoader = DataLoader(
        dataset, batch_size=min(DEFAULT_BATCH_SIZE, len(dataset)), shuffle=False, num_workers=0
    )
    all_targets: List[np.ndarray] = []
    all_predictions: List[np.ndarray] = []
    with _evaluation_mode(model) as network:
        for batch_index, (images, labels) in enumerate(loader):
            logits = network(images.to(device))
            if logits.ndim != 2:
                raise ValueError(f"expected logits of shape (N, C), got {tuple(logits.shape)}")
            all_targets.append(labels.numpy())
            all_predictions.append(logits.argmax(dim=1).cpu().numpy())
            logger.debug("batch %d: %d images", batch_index, len(labels))
    return PredictionSummary(np.concatenate(all_targets), np.concatenate(all_predictions))


def generate_confusion_data(
    model: nn.Module, dataset: Dataset, use_cuda: bool = False
) -> Tuple[np.ndarray, np.ndarray, List[str]]:
    """Collect the targets and predictions of a model on a dataset.

    Args:
        model: The model to evaluate.
        dataset: The dataset to evaluate on.
        use_cuda: Whether to use CUDA, if available.

    Returns:
        A tuple ``(targets, predictions, class_labels)``.

    Raises:
        TypeError: If the dataset lacks the required interface.
        ValueError: If the dataset is empty.
    """
    summary = _collect(model, dataset, use_cuda)
    class_labels = [name for name, _ in sorted(dataset.get_classes().items(), key=lambda i: i[1])]
    return summary.targets, summary.predictions, class_labels


def generate_confusion_matrix(
    targets: np.ndarray, preds: np.ndarray, num_classes: int, normalize: bool = True
) -> np.ndarray:
    """Build a confusion matrix.

    Args:
        targets: Integer array of shape ``(N,)``.
        preds: Integer array of shape ``(N,)``.
        num_classes: The number of classes.
        normalize: Whether to normalize each row.

    Returns:
        A matrix of shape ``(num_classes, num_classes)``; rows correspond to
        targets and columns to predictions.

    Raises:
        ValueError: If the arguments are inconsistent.
    """
    if num_classes <= 0:
        raise ValueError(f"num_classes must be positive, got {num_classes}")
    targets = np.asarray(targets)
    preds = np.asarray(preds)
    if targets.ndim != 1 or targets.shape != preds.shape:
        raise ValueError(f"expected two arrays (N,), got {targets.shape} and {preds.shape}")
    for name, values in (("targets", targets), ("preds", preds)):
        if values.size and not (0 <= values.min() and values.max() < num_classes):
            raise ValueError(f"{name} must be in [0, {num_classes})")

    matrix = np.zeros((num_classes, num_classes), dtype=np.float64)
    if targets.size:
        unique_pairs, counts = np.unique(np.stack([targets, preds]), axis=1, return_counts=True)
        matrix[unique_pairs[0], unique_pairs[1]] = counts
    if normalize:
        row_sums = matrix.sum(axis=1, keepdims=True)
        # Avoid a division by zero for classes that do not occur.
        matrix = np.where(row_sums > 0, matrix / np.clip(row_sums, 1, None), 0.0)
    return matrix


def plot_confusion_matrix(confusion_matrix: np.ndarray, class_labels: Sequence[str]) -> None:
    """Visualise a confusion matrix as a heat map.

    Args:
        confusion_matrix: A square matrix.
        class_labels: One label per class.

    Raises:
        ValueError: If the matrix is not square or does not match the labels.
    """
    matrix = np.asarray(confusion_matrix, dtype=float)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"expected a square matrix, got shape {matrix.shape}")
    if matrix.shape[0] != len(class_labels):
        raise ValueError(f"{matrix.shape[0]} rows but {len(class_labels)} labels")

    figure, (axis, bar_axis) = plt.subplots(
        1, 2, figsize=FIGURE_SIZE, gridspec_kw={"width_ratios": [20, 1]}
    )
    image = axis.imshow(matrix, cmap=COLOR_MAP, interpolation="nearest", aspect="auto")
    figure.colorbar(image, cax=bar_axis)
    axis.set(
        xticks=np.arange(matrix.shape[1]),
        yticks=np.arange(matrix.shape[0]),
        xticklabels=class_labels,
        yticklabels=class_labels,
        title="Confusion Matrix",
        ylabel="True Label",
        xlabel="Predicted Label",
    )
    axis.tick_params(axis="x", labelrotation=45)
    limit = matrix.max() * TEXT_THRESHOLD
    for (row, column), value in np.ndenumerate(matrix):
        axis.annotate(
            f"{value:.2f}",
            xy=(column, row),
            ha="center",
            va="center",
            color="white" if value > limit else "black",
        )
    plt.sca(axis)


def generate_and_plot_confusion_matrix(
    model: nn.Module, dataset: Dataset, use_cuda: bool = False
) -> None:
    """Generate and plot the normalized confusion matrix of a model.

    Args:
        model: The model to evaluate.
        dataset: The dataset to evaluate on.
        use_cuda: Whether to use CUDA, if available.
    """
    targets, predictions, class_labels = generate_confusion_data(model, dataset, use_cuda)
    matrix = generate_confusion_matrix(
        targets=targets, preds=predictions, num_classes=len(class_labels), normalize=True
    )
    logger.info("mean of the diagonal: %.4f", float(np.trace(matrix)) / len(class_labels))
    plot_confusion_matrix(matrix, class_labels)


def get_pred_images_for_target(
    model: nn.Module,
    dataset: Dataset,
    predicted_class: int,
    target_class: int,
    use_cuda: bool = False,
) -> List[str]:
    """Return the paths of the images of one class that are predicted as another.

    Args:
        model: The model to evaluate.
        dataset: The dataset to evaluate on.
        predicted_class: The predicted class index.
        target_class: The ground-truth class index.
        use_cuda: Whether to use CUDA, if available.

    Returns:
        A list of image paths.

    Raises:
        ValueError: If a class index is out of range.
    """
    num_classes = len(dataset.get_classes())
    for name, value in (("predicted_class", predicted_class), ("target_class", target_class)):
        if not 0 <= value < num_classes:
            raise ValueError(f"{name} must be in [0, {num_classes}), got {value}")
    summary = _collect(model, dataset, use_cuda)
    return [str(dataset.dataset[i][0]) for i in summary.cell(target_class, predicted_class)]
