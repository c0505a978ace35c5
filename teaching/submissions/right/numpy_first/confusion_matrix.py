"""The matrix as a product of one-hot matrices; a plain DataLoader; only images of the target."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Subset


def generate_confusion_data(model: nn.Module, dataset: Any, use_cuda: bool = False) -> tuple:
    targets, preds = _predict(model, dataset, use_cuda)
    return targets, preds, list(dataset.class_dict)


def _predict(model: nn.Module, dataset: Any, use_cuda: bool) -> tuple[np.ndarray, np.ndarray]:
    use_cuda = use_cuda and torch.cuda.is_available()
    if use_cuda:
        model.cuda()
    was_training = model.training
    model.train(False)
    targets, preds = np.array([], dtype=np.int64), np.array([], dtype=np.int64)
    for x, y in DataLoader(dataset, batch_size=7):
        with torch.no_grad():
            scores = model(x.cuda() if use_cuda else x)
        preds = np.append(preds, scores.argmax(1).cpu().numpy())
        targets = np.append(targets, y.numpy())
    if was_training:
        model.train()
    return targets, preds


def generate_confusion_matrix(
    targets: np.ndarray, preds: np.ndarray, num_classes: int, normalize: bool = True
) -> np.ndarray:
    eye = np.eye(num_classes)
    matrix = eye[targets].T @ eye[preds]
    if normalize:
        with np.errstate(divide="ignore", invalid="ignore"):
            matrix = np.nan_to_num(matrix / matrix.sum(axis=1).reshape(-1, 1), nan=0.0)
    return matrix


def plot_confusion_matrix(confusion_matrix: np.ndarray, class_labels: list[str]) -> None:
    plt.figure()
    plt.imshow(confusion_matrix, interpolation="nearest", cmap="gray", origin="lower")
    plt.xticks(range(len(class_labels)), class_labels, rotation=90)
    plt.yticks(range(len(class_labels)), class_labels)
    plt.xlabel("predictions")
    plt.ylabel("targets")
    plt.tight_layout()


def generate_and_plot_confusion_matrix(
    model: nn.Module, dataset: Any, use_cuda: bool = False
) -> None:
    targets, preds, class_labels = generate_confusion_data(model, dataset, use_cuda)
    matrix = generate_confusion_matrix(targets, preds, len(class_labels))
    plot_confusion_matrix(matrix, class_labels)


def get_pred_images_for_target(
    model: nn.Module,
    dataset: Any,
    predicted_class: int,
    target_class: int,
    use_cuda: bool = False,
) -> list[str]:
    chosen = [i for i, (_, label) in enumerate(dataset.dataset) if label == target_class]
    if not chosen:
        return []
    _, preds = _predict(model, Subset(dataset, chosen), use_cuda)
    return [
        dataset.dataset[i][0]
        for i, pred in zip(chosen, preds, strict=True)
        if pred == predicted_class
    ]
