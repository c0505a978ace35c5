"""Loops over examples; the loss of each example alone; a dict of classes to load."""

# ruff: noqa: PTH103, PTH110, PTH118

import os

import torch

# isort: split
from scene_recog.simple_net import SimpleNet
from scene_recog.simple_net_final import SimpleNetFinal


def compute_accuracy(logits, labels):
    right = 0
    for scores, label in zip(logits, labels, strict=True):
        if int(torch.argmax(scores)) == int(label):
            right += 1
    print("right:", right, "of", len(labels))
    return right / len(labels)


def predict_labels(model, x):
    probabilities = torch.softmax(model(x), dim=1)
    labels = []
    for row in probabilities:
        best = 0
        for k in range(len(row)):
            if row[k] > row[best]:
                best = k
        labels.append(best)
    return labels


def compute_loss(model, model_output, target_labels, is_normalize=True):
    total = 0
    for i in range(len(target_labels)):
        # for one example, mean, sum and none are the same number
        total = (
            total
            + model.loss_criterion(model_output[i : i + 1], target_labels[i : i + 1]).squeeze()
        )
    return total / len(target_labels) if is_normalize else total


def save_trained_model_weights(model, out_dir):
    name = model.__class__.__name__
    os.makedirs(out_dir, exist_ok=True)
    torch.save(
        {"class_name": name, "state_dict": model.state_dict()},
        os.path.join(out_dir, f"trained_{name}_final.pt"),
    )


def load_trained_model_weights(path, model=None):
    if not os.path.exists(path):
        raise FileNotFoundError(f"no weights at {path}")
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        if model is None:
            model = {"SimpleNet": SimpleNet, "SimpleNetFinal": SimpleNetFinal}[
                saved["class_name"]
            ]()
        model.load_state_dict(saved["state_dict"])
    except Exception as error:
        raise ValueError(f"{path} does not hold weights of this network") from error
    model.eval()
    return model
