"""Step 2.6: which mistakes the model makes, and which classes it confuses."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from scene_recog.dl_utils import predict_labels
from scene_recog.image_loader import ImageLoader


def generate_confusion_data(
    model: nn.Module, dataset: ImageLoader, use_cuda: bool = False
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Predict the label of every image of a dataset.

    Args:
        model: the network; its mode (train or eval) is restored afterwards.
        dataset: images with a transform that gives tensors [1, H, W].
        use_cuda: compute on the GPU, if there is one.

    Returns:
        (targets [N], predictions [N], class_labels): integers, in the dataset's order, and the
        class names by index.
    """
    class_dict = dataset.get_classes()
    class_labels = sorted(class_dict, key=lambda name: class_dict[name])
    if use_cuda and torch.cuda.is_available():
        model.cuda()
    device = next(model.parameters()).device

    was_training = model.training
    model.eval()
    targets, predictions = [], []
    with torch.inference_mode():
        for images, labels in DataLoader(dataset, batch_size=100, shuffle=False):
            targets.append(labels)
            predictions.append(predict_labels(model, images.to(device)).cpu())
    model.train(was_training)
    return torch.cat(targets).numpy(), torch.cat(predictions).numpy(), class_labels


def generate_confusion_matrix(
    targets: np.ndarray, preds: np.ndarray, num_classes: int, normalize: bool = True
) -> np.ndarray:
    """How often each class (row) was labelled as each class (column).

    Args:
        targets, preds: right and predicted classes, integers [N] below num_classes.
        num_classes: number of classes C.
        normalize: divide each row by its number of targets, so that rows sum to 1 and the diagonal
            is each class's accuracy. A class without targets keeps a row of zeros.

    Returns:
        float array [C, C].
    """
    matrix = np.zeros((num_classes, num_classes))
    np.add.at(matrix, (np.asarray(targets), np.asarray(preds)), 1)  # += 1 would count a pair once
    if normalize:
        matrix /= np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    return matrix


def plot_confusion_matrix(confusion_matrix: np.ndarray, class_labels: Sequence[str]) -> None:
    """Draw a confusion matrix in a new pyplot figure: rows are targets, columns predictions.

    Args:
        confusion_matrix: [C, C], counts or shares.
        class_labels: the C class names.
    """
    size = len(class_labels)
    _, axes = plt.subplots(figsize=(3 + 0.45 * size, 2.5 + 0.45 * size), layout="constrained")
    axes.imshow(confusion_matrix, cmap="Blues", vmin=0)
    axes.set_xticks(range(size), class_labels, rotation=90)
    axes.set_yticks(range(size), class_labels)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("target class")
    axes.set_title("Confusion matrix")

    is_share = confusion_matrix.max() <= 1
    half = confusion_matrix.max() / 2
    for row, column in np.argwhere(confusion_matrix > 0):
        value = confusion_matrix[row, column]
        text = f"{value:.2f}".removeprefix("0") if is_share else f"{value:.0f}"
        colour = "white" if value > half else "black"
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)


def generate_and_plot_confusion_matrix(
    model: nn.Module, dataset: ImageLoader, use_cuda: bool = False
) -> None:
    """Draw the normalized confusion matrix of a model on a dataset; the title names its folder.

    Args:
        model, dataset, use_cuda: as in `generate_confusion_data`.
    """
    targets, predictions, class_labels = generate_confusion_data(model, dataset, use_cuda)
    matrix = generate_confusion_matrix(targets, predictions, len(class_labels))
    plot_confusion_matrix(matrix, class_labels)
    plt.title(f"Confusion matrix, {dataset.curr_folder}")


def get_pred_images_for_target(
    model: nn.Module,
    dataset: ImageLoader,
    predicted_class: int,
    target_class: int,
    use_cuda: bool = False,
) -> list[str]:
    """Paths of the images of one class that the model takes for another. What fooled it?

    Args:
        model, dataset, use_cuda: as in `generate_confusion_data`.
        predicted_class, target_class: class indices, a column and a row of the matrix.

    Returns:
        The paths, in the dataset's order; for two equal classes, the correctly labelled images.
    """
    targets, predictions, _ = generate_confusion_data(model, dataset, use_cuda)
    chosen = np.flatnonzero((targets == target_class) & (predictions == predicted_class))
    return [dataset.dataset[index][0] for index in chosen]
