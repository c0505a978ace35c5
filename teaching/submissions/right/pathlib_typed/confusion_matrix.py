"""Confusions as a Counter of (target, prediction); every image is looked at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.utils.data import BatchSampler, SequentialSampler

from scene_recog.image_loader import ImageLoader

_BATCH = 48


class _Answer(NamedTuple):
    path: Path
    target: int
    prediction: int


def _device_for(use_cuda: bool) -> torch.device:
    return torch.device("cuda") if use_cuda and torch.cuda.is_available() else torch.device("cpu")


def _answers(model: nn.Module, dataset: ImageLoader, device: torch.device) -> Iterator[_Answer]:
    model.to(device).eval()
    for indices in BatchSampler(SequentialSampler(dataset), _BATCH, drop_last=False):
        images: list[Tensor] = [dataset[i][0] for i in indices]
        with torch.no_grad():
            best: Tensor = model(torch.stack(images).to(device)).argmax(dim=1)
        for i, prediction in zip(indices, best.tolist(), strict=True):
            path, target = dataset.dataset[i]
            yield _Answer(Path(path), target, prediction)


def _names(dataset: ImageLoader) -> list[str]:
    by_index: dict[int, str] = {index: name for name, index in dataset.class_dict.items()}
    return [by_index[index] for index in sorted(by_index)]


def generate_confusion_data(
    model: nn.Module, dataset: ImageLoader, use_cuda: bool = False
) -> tuple[list[int], list[int], list[str]]:
    answers = list(_answers(model, dataset, _device_for(use_cuda)))
    return [a.target for a in answers], [a.prediction for a in answers], _names(dataset)


def generate_confusion_matrix(
    targets: Sequence[int], preds: Sequence[int], num_classes: int, normalize: bool = True
) -> npt.NDArray[np.float64]:
    counts: Counter[tuple[int, int]] = Counter(zip(map(int, targets), map(int, preds), strict=True))
    per_class: Counter[int] = Counter(map(int, targets))
    matrix = np.zeros((num_classes, num_classes))
    for (target, pred), count in counts.items():
        matrix[target, pred] = count / per_class[target] if normalize else count
    return matrix


def plot_confusion_matrix(
    confusion_matrix: npt.NDArray[np.float64], class_labels: Sequence[str]
) -> None:
    ticks: list[int] = list(range(len(class_labels)))
    figure, axes = plt.subplots(figsize=(9, 8))
    drawn = axes.matshow(confusion_matrix, cmap="Greens", vmin=0, vmax=1)
    axes.set_xticks(ticks, labels=class_labels, rotation=90)
    axes.set_yticks(ticks, labels=class_labels)
    axes.xaxis.set_ticks_position("top")
    axes.set_xlabel("prediction")
    axes.set_ylabel("truth")
    figure.colorbar(drawn, ax=axes)
    figure.tight_layout()


def generate_and_plot_confusion_matrix(
    model: nn.Module, dataset: ImageLoader, use_cuda: bool = False
) -> None:
    targets, preds, names = generate_confusion_data(model, dataset, use_cuda)
    plot_confusion_matrix(generate_confusion_matrix(targets, preds, len(names)), names)


def get_pred_images_for_target(
    model: nn.Module,
    dataset: ImageLoader,
    predicted_class: int,
    target_class: int,
    use_cuda: bool = False,
) -> list[str]:
    wanted = (target_class, predicted_class)
    answers = _answers(model, dataset, _device_for(use_cuda))
    return [str(a.path) for a in answers if (a.target, a.prediction) == wanted]
