"""
Utilities to be used along with the deep model
"""
import os
from typing import Optional

import torch
from torch import nn

from scene_recog.simple_net import SimpleNet
from scene_recog.simple_net_final import SimpleNetFinal


def compute_accuracy(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """Compute the accuracy given the prediction logits and the ground-truth labels

    Args:
        logits: the output of the forward pass through the model; the class with
            the largest value is the prediction.
            Dim: (num_examples, num_classes)
        labels: the ground truth label of each example
            Dim: (num_examples,)
    Returns:
        accuracy: number of correct predictions / number of examples
    """
    batch_accuracy = 0.0
    ############################################################################
    # Student code begin
    ############################################################################

    predictions = torch.argmax(logits, dim=1)
    num_correct = torch.sum(predictions == labels).item()
    batch_accuracy = num_correct / labels.shape[0]

    ############################################################################
    # Student code end
    ############################################################################
    return batch_accuracy


def predict_labels(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Perform the forward pass and extract the labels from the model output

    Args:
        model: the model which will be used to predict the labels
        x: the input images, Dim: (num_examples, 1, height, width)
    Returns:
        predicted_labels: Dim: (num_examples,)
    """
    predicted_labels = None
    ############################################################################
    # Student code begin
    ############################################################################

    logits = model(x)
    _, predicted_labels = torch.max(logits, 1)

    ############################################################################
    # Student code end
    ############################################################################
    return predicted_labels


def compute_loss(
    model: nn.Module,
    model_output: torch.Tensor,
    target_labels: torch.Tensor,
    is_normalize: bool = True,
) -> torch.Tensor:
    """Computes the loss between the model output and the target labels

    Args:
        model: the model, with its loss function in loss_criterion
        model_output: the raw scores output by the net
        target_labels: the ground truth class labels
        is_normalize: whether the loss is per example, or of the whole batch
    Returns:
        loss: the loss value
    """
    loss = None
    ############################################################################
    # Student code begin
    ############################################################################

    # loss_criterion uses reduction="mean", so it is divided by the batch size already
    loss = model.loss_criterion(model_output, target_labels)
    if not is_normalize:
        batch_size = target_labels.shape[0]
        loss = loss * batch_size

    ############################################################################
    # Student code end
    ############################################################################
    return loss


def save_trained_model_weights(model: nn.Module, out_dir: str) -> None:
    """Saves the weights of a trained model along with its class name

    Args:
        model: the model to be saved
        out_dir: the path to the folder to store the weights in
    """
    class_name = model.__class__.__name__
    assert class_name in {"SimpleNet", "SimpleNetFinal"}, "Please save only supported models"

    save_dict = {"class_name": class_name, "state_dict": model.state_dict()}
    torch.save(save_dict, os.path.join(out_dir, f"trained_{class_name}_final.pt"))


def load_trained_model_weights(path: str) -> Optional[nn.Module]:
    """Loads the model saved by save_trained_model_weights

    Args:
        path: the path to the saved weights
    Returns:
        model: the model with the weights loaded
    """
    model = None
    ############################################################################
    # Student code begin
    ############################################################################

    save_dict = torch.load(path)
    if save_dict["class_name"] == "SimpleNet":
        model = SimpleNet()
    elif save_dict["class_name"] == "SimpleNetFinal":
        model = SimpleNetFinal()
    model.load_state_dict(save_dict["state_dict"])

    ############################################################################
    # Student code end
    ############################################################################
    return model
