"""
Functions to generate and plot the confusion matrix of a model
"""
from typing import Sequence, Tuple

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Subset

from scene_recog.image_loader import ImageLoader


def generate_confusion_data(
    model: nn.Module, dataset: ImageLoader, use_cuda: bool = False
) -> Tuple[Sequence[int], Sequence[int], Sequence[str]]:
    """Get the predictions of the model on a dataset

    Args:
        model: model to generate the confusion matrix for
        dataset: the ImageLoader of the train or test data
        use_cuda: whether to use the GPU
    Returns:
        targets: a numpy array of shape (N) with the target indices
        preds: a numpy array of shape (N) with the predicted indices
        class_labels: a list of the class names, at the index of their label
    """
    batch_size = 32
    cuda = use_cuda and torch.cuda.is_available()
    dataset_args = {"num_workers": 1, "pin_memory": True} if cuda else {}
    loader = DataLoader(dataset, batch_size=batch_size, shuffle=True, **dataset_args)

    preds = np.zeros(len(dataset)).astype(np.int32)
    targets = np.zeros(len(dataset)).astype(np.int32)
    label_to_idx = dataset.get_classes()
    class_labels = [""] * len(label_to_idx)

    model.eval()
    ############################################################################
    # Student code begin
    ############################################################################

    start = 0
    for inputs, labels in loader:
        if cuda:
            inputs = inputs.cuda()
        logits = model(inputs)
        predicted = torch.argmax(logits, dim=1)
        end = start + labels.shape[0]
        preds[start:end] = predicted.cpu().numpy()
        targets[start:end] = labels.numpy()
        start = end

    for label, index in label_to_idx.items():
        class_labels[index] = label

    ############################################################################
    # Student code end
    ############################################################################
    model.train()
    return targets, preds, class_labels


def generate_confusion_matrix(
    targets: np.ndarray, preds: np.ndarray, num_classes: int, normalize: bool = True
) -> np.ndarray:
    """Generate the confusion matrix: rows are targets, columns are predictions

    Args:
        targets: a numpy array of shape (N) with the target indices
        preds: a numpy array of shape (N) with the predicted indices
        num_classes: number of classes
        normalize: whether to divide each row by the number of its targets
    Returns:
        confusion_matrix: a (num_classes, num_classes) numpy array
    """
    confusion_matrix = np.zeros((num_classes, num_classes))

    for target, prediction in zip(targets, preds):
        ########################################################################
        # Student code begin
        ########################################################################

        confusion_matrix[target, prediction] += 1

        ########################################################################
        # Student code end
        ########################################################################

    if normalize:
        ########################################################################
        # Student code begin
        ########################################################################

        row_sums = confusion_matrix.sum(axis=1)
        row_sums[row_sums == 0] = 1
        confusion_matrix = confusion_matrix / row_sums.reshape(-1, 1)

        ########################################################################
        # Student code end
        ########################################################################
    return confusion_matrix


def plot_confusion_matrix(confusion_matrix: np.ndarray, class_labels: Sequence[str]) -> None:
    """Plots the confusion matrix

    Args:
        confusion_matrix: a (num_classes, num_classes) numpy array
        class_labels: a list of the class names
    """
    fig, ax = plt.subplots(figsize=(10, 10))
    num_classes = len(class_labels)

    ax.imshow(confusion_matrix)

    ax.set_xticks(np.arange(num_classes))
    ax.set_yticks(np.arange(num_classes))
    ax.set_xticklabels(class_labels)
    ax.set_yticklabels(class_labels)

    ax.set_xlabel("Predicted Label")
    ax.set_ylabel("Ground-Truth Label")

    plt.setp(ax.get_xticklabels(), rotation=45, ha="right", rotation_mode="anchor")

    for i in range(num_classes):
        for j in range(num_classes):
            ax.text(j, i, f"{confusion_matrix[i, j]:.2f}", ha="center", va="center", color="w")

    ax.set_title("Confusion matrix of the model")
    plt.show()


def generate_and_plot_confusion_matrix(
    model: nn.Module, dataset: ImageLoader, use_cuda: bool = False
) -> None:
    """Runs the model over the dataset and plots its confusion matrix

    Args:
        model: model to generate the confusion matrix for
        dataset: the ImageLoader of the train or test data
        use_cuda: whether to use the GPU
    """
    targets, predictions, class_labels = generate_confusion_data(model, dataset, use_cuda=use_cuda)

    confusion_matrix = generate_confusion_matrix(
        np.array(targets, dtype=np.int32), np.array(predictions, np.int32), len(class_labels)
    )

    plot_confusion_matrix(confusion_matrix, class_labels)


def get_pred_images_for_target(
    model: nn.Module,
    dataset: ImageLoader,
    predicted_class: int,
    target_class: int,
    use_cuda: bool = False,
) -> Sequence[str]:
    """Returns the paths of the images of a class that get a particular prediction

    Args:
        model: model to predict with
        dataset: the ImageLoader of the train or test data
        predicted_class: the class that is predicted
        target_class: the class of the images
        use_cuda: whether to use the GPU
    Returns:
        valid_image_paths: the image paths that are classified as predicted_class
            and that have the label target_class
    """
    model.eval()
    dataset_list = dataset.dataset
    indices = []
    image_paths = []
    for i, (image_path, class_label) in enumerate(dataset_list):
        if class_label == target_class:
            indices.append(i)
            image_paths.append(image_path)
    subset = Subset(dataset, indices)

    cuda = use_cuda and torch.cuda.is_available()
    loader = DataLoader(subset, batch_size=32, shuffle=False)
    preds = []
    for inputs, _ in loader:
        if cuda:
            inputs = inputs.cuda()
        logits = model(inputs)
        p = torch.argmax(logits, dim=1).tolist()
        preds.extend(p)

    predicted_indices = np.array(preds)
    valid = np.where(predicted_indices == predicted_class)[0]
    valid_image_paths = [image_paths[i] for i in valid]
    return valid_image_paths
