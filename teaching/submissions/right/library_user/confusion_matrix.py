"""bincount of target * C + prediction; pcolormesh; batches of 16 without a DataLoader."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import torch

# isort: split
from scene_recog.dl_utils import predict_labels


@torch.no_grad()
def generate_confusion_data(model, dataset, use_cuda=False):
    if use_cuda and torch.cuda.is_available():
        model.to("cuda")
    first = next(model.parameters(), None)
    device = torch.device("cpu") if first is None else first.device
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        predictions = torch.empty(len(dataset), dtype=torch.long)
        targets = torch.tensor([label for _, label in dataset.dataset], dtype=torch.long)
        for start in range(0, len(dataset), 16):
            end = min(start + 16, len(dataset))
            x = torch.stack([dataset[i][0] for i in range(start, end)])
            predictions[start:end] = predict_labels(model, x.to(device)).cpu()
    finally:
        for module, mode in modes:
            module.training = mode
    names = {index: name for name, index in dataset.get_classes().items()}
    return targets.numpy(), predictions.numpy(), [names[i] for i in range(len(names))]


def generate_confusion_matrix(targets, preds, num_classes, normalize=True):
    cells = np.asarray(targets) * num_classes + np.asarray(preds)
    matrix = np.bincount(cells, minlength=num_classes**2).reshape(num_classes, num_classes)
    if not normalize:
        return matrix.astype(float)
    totals = matrix.sum(axis=1)[:, None]
    return np.divide(matrix, totals, out=np.zeros(matrix.shape), where=totals != 0)


def plot_confusion_matrix(confusion_matrix, class_labels):
    fig, ax = plt.subplots()
    mesh = ax.pcolormesh(np.asarray(confusion_matrix), cmap="viridis")
    ax.invert_yaxis()
    middles = np.arange(len(class_labels)) + 0.5
    ax.set_xticks(middles, class_labels, rotation=45)
    ax.set_yticks(middles, class_labels)
    ax.set(xlabel="Predicted label", ylabel="True label", title="Confusion")
    fig.colorbar(mesh, ax=ax)


def generate_and_plot_confusion_matrix(model, dataset, use_cuda=False):
    *pairs, class_labels = generate_confusion_data(model, dataset, use_cuda=use_cuda)
    matrix = generate_confusion_matrix(*pairs, num_classes=len(class_labels), normalize=True)
    plot_confusion_matrix(matrix, class_labels)


def get_pred_images_for_target(model, dataset, predicted_class, target_class, use_cuda=False):
    targets, predictions, _ = generate_confusion_data(model, dataset, use_cuda)
    paths = np.array([path for path, _ in dataset.dataset], dtype=object)
    return paths[(targets == target_class) & (predictions == predicted_class)].tolist()
