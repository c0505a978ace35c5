"""Whatever torch has a function for."""

import os

import torch
from torch.distributions import Categorical
from torch.nn.functional import softmax

from scene_recog.models import NETS


def compute_accuracy(logits, labels):
    top1 = torch.topk(softmax(logits, dim=1), k=1).indices.flatten()
    wrong, right = torch.bincount(torch.eq(top1, labels).long(), minlength=2)
    return (right / (wrong + right)).item()


def predict_labels(model, x):
    """The mode of a categorical distribution is its most probable class."""
    return Categorical(logits=model(x)).mode


def compute_loss(model, model_output, target_labels, is_normalize=True):
    # the same loss function with the reduction that is asked for
    loss_class = type(model.loss_criterion)
    loss_function = loss_class(reduction="mean" if is_normalize else "sum")
    return loss_function.forward(model_output, target_labels)


def save_trained_model_weights(model, out_dir):
    os.makedirs(out_dir, exist_ok=True)
    name = model.__class__.__qualname__
    checkpoint = {
        "class_name": name,
        "state_dict": model.state_dict(),
        "torch_version": str(torch.__version__),
        "num_parameters": sum(p.numel() for p in model.parameters()),
    }
    with open(os.path.join(out_dir, "trained_{}_final.pt".format(name)), "wb") as f:
        torch.save(checkpoint, f)


def load_trained_model_weights(path, model=None):
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    net = model if model is not None else NETS[checkpoint["class_name"]]()
    result = net.load_state_dict(checkpoint["state_dict"], strict=False)
    if result.missing_keys or result.unexpected_keys:
        raise RuntimeError(f"{path}: {result}")
    return net.requires_grad_(False).eval()
