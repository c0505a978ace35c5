"""Tensors from end to end."""

import torch
import matplotlib.pyplot as plt
from torch.utils.data import DataLoader


@torch.inference_mode()
def generate_confusion_data(model, dataset, use_cuda=False):
    device = torch.device("cuda" if use_cuda and torch.cuda.is_available() else "cpu")
    model.to(device)
    model.eval()
    y = torch.tensor([label for _, label in dataset.dataset])
    logits = torch.cat([model(x.to(device)) for x, _ in DataLoader(dataset, batch_size=64)])
    return y, logits.argmax(dim=-1).cpu(), [k for k, v in sorted(dataset.class_dict.items(), key=lambda kv: kv[1])]


def generate_confusion_matrix(targets, preds, num_classes, normalize=True):
    targets = torch.as_tensor(targets).long()
    preds = torch.as_tensor(preds).long()
    matrix = torch.zeros(num_classes, num_classes)
    ones = torch.ones(len(targets))
    matrix.index_put_((targets, preds), ones, accumulate=True)
    if normalize:
        matrix = torch.nn.functional.normalize(matrix, p=1, dim=1)
    return matrix


def plot_confusion_matrix(confusion_matrix, class_labels):
    matrix = torch.as_tensor(confusion_matrix)
    edges = torch.arange(len(class_labels) + 1) - 0.5
    _, ax = plt.subplots()
    ax.pcolor(edges, edges, matrix, cmap="magma")
    ax.set_ylim(len(class_labels) - 0.5, -0.5)
    ax.set_xticks(torch.arange(len(class_labels)), class_labels, rotation=60)
    ax.set_yticks(torch.arange(len(class_labels)), class_labels)


def generate_and_plot_confusion_matrix(model, dataset, use_cuda=False):
    targets, preds, names = generate_confusion_data(model, dataset, use_cuda)
    plot_confusion_matrix(generate_confusion_matrix(targets, preds, len(names)), names)


def get_pred_images_for_target(model, dataset, predicted_class, target_class, use_cuda=False):
    targets, preds, _ = generate_confusion_data(model, dataset, use_cuda)
    hits = torch.logical_and(targets.eq(target_class), preds.eq(predicted_class))
    places = torch.nonzero(hits).squeeze(1).tolist()
    return [dataset.dataset[place][0] for place in places]
