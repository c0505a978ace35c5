"""Step 1.3: accuracy, loss, and weights on disk."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch
from torch import nn

from scene_recog.models import NETS
from scene_recog.models.misfit import misfit


def compute_accuracy(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """The fraction of the batch whose highest score is that of the right class.

    Args:
        logits: raw scores [N, num_classes].
        labels: right classes, integers [N].

    Returns:
        A number from 0 to 1.
    """
    return (logits.argmax(dim=1) == labels).float().mean().item()


def predict_labels(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """The most likely class of each image: integers [N].

    Softmax would not change which score is highest, so it is not needed.

    Args:
        model: the network, in the mode (train or eval) that the caller has set.
        x: images [N, 1, H, W].
    """
    logits: torch.Tensor = model(x)
    return logits.argmax(dim=1)


def compute_loss(
    model: nn.Module,
    model_output: torch.Tensor,
    target_labels: torch.Tensor,
    is_normalize: bool = True,
) -> torch.Tensor:
    """The loss of a batch under the model's own `loss_criterion`: a scalar tensor.

    For cross-entropy, one example's loss is -log p(target), where p is the softmax of its logits;
    the gradient at the logits is p - y, the prediction minus the one-hot target.

    Args:
        model: has `loss_criterion`, for instance `nn.CrossEntropyLoss()`.
        model_output: logits [N, num_classes].
        target_labels: right classes, integers [N].
        is_normalize: True for the mean per example, False for the sum over the batch. A criterion
            may already take the mean (`reduction="mean"`): dividing again by N would report losses
            N times too small, and learn N times too slowly.
    """
    criterion: Any = model.loss_criterion
    loss: torch.Tensor = criterion(model_output, target_labels)
    reduction = getattr(criterion, "reduction", "mean")
    if reduction == "none":
        return loss.mean() if is_normalize else loss.sum()
    if reduction == "mean" and not is_normalize:
        return loss * len(target_labels)
    if reduction == "sum" and is_normalize:
        return loss / len(target_labels)
    return loss


def save_trained_model_weights(model: nn.Module, out_dir: str | Path) -> None:
    """Write `trained_<ClassName>_final.pt`, {"class_name", "state_dict"}, into a folder.

    Args:
        model: the network.
        out_dir: the folder; created if it is missing.
    """
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    class_name = type(model).__name__
    path = out_dir / f"trained_{class_name}_final.pt"
    part = path.with_suffix(".part")  # renamed when complete: a crash leaves the old file intact
    torch.save({"class_name": class_name, "state_dict": model.state_dict()}, part)
    part.replace(path)


def load_trained_model_weights(path: str | Path, model: nn.Module | None = None) -> nn.Module:
    """The network that `save_trained_model_weights` wrote, on the CPU, in eval mode.

    Args:
        path: the .pt file.
        model: a network to fill with the weights; None builds one of the saved class.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a file of weights, or the weights of another network.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no weights at {path}: save_trained_model_weights writes them")
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        class_name, state_dict = saved["class_name"], saved["state_dict"]
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a file of trained weights, or is damaged") from error

    if model is None:
        if class_name not in NETS:
            raise ValueError(
                f"{path} holds weights of {class_name}, which is not one of {', '.join(NETS)}: "
                "pass a network of that class as `model`"
            )
        model = NETS[class_name]()
    try:
        model.load_state_dict(state_dict)
    except (RuntimeError, AttributeError) as error:
        raise ValueError(
            f"{path} holds weights of {class_name}, which do not fit {type(model).__name__}: "
            f"{misfit(model, state_dict)}"
        ) from error
    return model.eval()
