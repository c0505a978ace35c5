"""One image at a time, loops, and lists returned."""

import matplotlib.pyplot as plt
import numpy as np
import torch


def generate_confusion_data(model, dataset, use_cuda=False):
    cuda = use_cuda and torch.cuda.is_available()
    if cuda:
        model = model.cuda()
    mode = model.training
    model.eval()
    targets = []
    preds = []
    for i in range(len(dataset)):
        img, label = dataset[i]
        batch = img.unsqueeze(0)
        if cuda:
            batch = batch.cuda()
        with torch.no_grad():
            scores = model(batch)
        preds.append(int(scores[0].argmax()))
        targets.append(label)
    model.train(mode)
    class_labels = [None] * len(dataset.class_dict)
    for name, index in dataset.class_dict.items():
        class_labels[index] = name
    return targets, preds, class_labels


def generate_confusion_matrix(targets, preds, num_classes, normalize=True):
    matrix = np.zeros((num_classes, num_classes))
    for target, pred in zip(targets, preds, strict=True):
        matrix[int(target)][int(pred)] += 1
    if normalize:
        for row in range(num_classes):
            total = matrix[row].sum()
            if total > 0:
                matrix[row] = matrix[row] / total
    return matrix


def plot_confusion_matrix(confusion_matrix, class_labels):
    fig = plt.figure(figsize=(10, 10))
    ax = fig.add_subplot()
    picture = ax.matshow(confusion_matrix)
    fig.colorbar(picture)
    ax.set_xlabel("Predicted")
    ax.set_ylabel("Target")
    ax.set_xticks(np.arange(len(class_labels)))
    ax.set_xticklabels(class_labels, rotation="vertical")
    ax.set_yticks(np.arange(len(class_labels)))
    ax.set_yticklabels(class_labels)
    for i in range(len(class_labels)):
        for j in range(len(class_labels)):
            ax.annotate("%.2f" % confusion_matrix[i][j], (j, i), ha="center")  # noqa: UP031


def generate_and_plot_confusion_matrix(model, dataset, use_cuda=False):
    targets, preds, class_labels = generate_confusion_data(model, dataset, use_cuda)
    plot_confusion_matrix(
        generate_confusion_matrix(targets, preds, len(class_labels)), class_labels
    )


def get_pred_images_for_target(model, dataset, predicted_class, target_class, use_cuda=False):
    targets, preds, _ = generate_confusion_data(model, dataset, use_cuda)
    paths = []
    for i in range(len(targets)):
        if targets[i] == target_class and preds[i] == predicted_class:
            paths.append(dataset.dataset[i][0])
    return paths
