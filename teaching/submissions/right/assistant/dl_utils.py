"""Deep-learning utilities: accuracy, prediction, loss and persistence.

This module offers a small set of robust, well-documented helper functions that
are used throughout the project:

* :func:`compute_accuracy` -- classification accuracy of a batch.
* :func:`predict_labels` -- hard predictions from a model.
* :func:`compute_loss` -- batch loss, normalized or not.
* :func:`save_trained_model_weights` / :func:`load_trained_model_weights` --
  persistence of trained weights.

All functions validate their inputs and raise informative exceptions.
"""

from __future__ import annotations

import logging
import os
from dataclasses import asdict, dataclass, field
from typing import Any, Callable, Dict, Final

import torch
from torch import nn

logger = logging.getLogger(__name__)

CLASS_DIMENSION: Final[int] = 1
FILE_NAME_TEMPLATE: Final[str] = "trained_{class_name}_final.pt"
CLASS_NAME_KEY: Final[str] = "class_name"
STATE_DICT_KEY: Final[str] = "state_dict"


@dataclass
class SavedWeights:
    """What is written to disk.

    Attributes:
        class_name: The name of the model's class.
        state_dict: The model's weights.
    """

    class_name: str
    state_dict: Dict[str, torch.Tensor] = field(default_factory=dict)

    def to_dict(self) -> Dict[str, Any]:
        """Return a plain dictionary, without copying tensors twice."""
        return {CLASS_NAME_KEY: self.class_name, STATE_DICT_KEY: self.state_dict}


def _validate_batch(logits: torch.Tensor, labels: torch.Tensor) -> None:
    """Validate that logits and labels belong together.

    Raises:
        TypeError: If either is not a tensor.
        ValueError: If the shapes are inconsistent or the batch is empty.
    """
    if not isinstance(logits, torch.Tensor) or not isinstance(labels, torch.Tensor):
        raise TypeError("logits and labels must both be torch.Tensor instances")
    if logits.ndim != 2:
        raise ValueError(f"logits must be 2-D (N, C), got shape {tuple(logits.shape)}")
    if labels.ndim != 1:
        raise ValueError(f"labels must be 1-D (N,), got shape {tuple(labels.shape)}")
    if logits.shape[0] != labels.shape[0]:
        raise ValueError(
            f"logits and labels disagree: {logits.shape[0]} rows and {labels.shape[0]} labels"
        )
    if labels.numel() == 0:
        raise ValueError("the batch must not be empty")


def compute_accuracy(logits: torch.Tensor, labels: torch.Tensor) -> float:
    """Compute the classification accuracy of a batch.

    The accuracy is defined as the number of correctly classified examples
    divided by the total number of examples in the batch.

    Args:
        logits: Raw scores of shape ``(N, C)``.
        labels: Ground-truth labels of shape ``(N,)``.

    Returns:
        The accuracy as a Python float in the closed interval ``[0, 1]``.

    Raises:
        TypeError: If the arguments are not tensors.
        ValueError: If the arguments have inconsistent shapes.

    Example:
        >>> compute_accuracy(torch.tensor([[0.1, 0.9]]), torch.tensor([1]))
        1.0
    """
    _validate_batch(logits, labels)
    # Gather the score of the right class, and compare it with the best score.
    best_scores = torch.amax(logits, dim=CLASS_DIMENSION)
    target_scores = logits.gather(CLASS_DIMENSION, labels.long().unsqueeze(1)).squeeze(1)
    num_correct = int(torch.count_nonzero(target_scores >= best_scores))
    accuracy = num_correct / int(labels.numel())
    logger.debug("accuracy: %d of %d", num_correct, labels.numel())
    return float(accuracy)


def predict_labels(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Predict the most likely class of each image.

    Args:
        model: The network.
        x: Images of shape ``(N, 1, H, W)``.

    Returns:
        Integer labels of shape ``(N,)``.

    Raises:
        TypeError: If ``model`` is not a module or ``x`` is not a tensor.
        ValueError: If ``x`` is not a batch of images.
    """
    if not isinstance(model, nn.Module):
        raise TypeError("model must be an nn.Module")
    if not isinstance(x, torch.Tensor):
        raise TypeError("x must be a torch.Tensor")
    if x.ndim != 4 or x.shape[1] != 1:
        raise ValueError(f"x must have shape (N, 1, H, W), got {tuple(x.shape)}")

    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            probabilities = nn.Softmax(dim=CLASS_DIMENSION)(model(x))
            return probabilities.argmax(dim=CLASS_DIMENSION).clone()
    finally:
        model.train(was_training)


def compute_loss(
    model: nn.Module,
    model_output: torch.Tensor,
    target_labels: torch.Tensor,
    is_normalize: bool = True,
) -> torch.Tensor:
    """Compute the loss of a batch with the model's own criterion.

    Args:
        model: A model with an attribute ``loss_criterion``.
        model_output: Raw scores of shape ``(N, C)``.
        target_labels: Labels of shape ``(N,)``.
        is_normalize: Whether to average over the batch (default) or to sum.

    Returns:
        A scalar tensor that is attached to the graph.

    Raises:
        AttributeError: If the model has no ``loss_criterion``.
        ValueError: If the shapes are inconsistent, or the loss is not finite.
    """
    if not hasattr(model, "loss_criterion"):
        raise AttributeError(f"{type(model).__name__} has no attribute 'loss_criterion'")
    _validate_batch(model_output, target_labels)

    batch_size = target_labels.numel()
    raw_loss = model.loss_criterion(model_output, target_labels)
    conversions: Dict[tuple[str, bool], Callable[[torch.Tensor], torch.Tensor]] = {
        ("mean", True): lambda loss: loss,
        ("mean", False): lambda loss: loss.mul(batch_size),
        ("sum", True): lambda loss: loss.div(batch_size),
        ("sum", False): lambda loss: loss,
        ("none", True): torch.mean,
        ("none", False): torch.sum,
    }
    reduction = getattr(model.loss_criterion, "reduction", "mean")
    if (reduction, is_normalize) not in conversions:
        raise ValueError(f"unsupported reduction: {reduction!r}")
    loss = conversions[reduction, is_normalize](raw_loss)
    if torch.isnan(loss).any():
        logger.warning("the loss is NaN; consider lowering the learning rate")
    return loss


def save_trained_model_weights(model: nn.Module, out_dir: str) -> None:
    """Save the weights of a trained model.

    Args:
        model: The trained model.
        out_dir: The directory to write to; it is created if necessary.

    Raises:
        TypeError: If ``model`` is not a module.
        ValueError: If ``out_dir`` is an empty string.
    """
    if not isinstance(model, nn.Module):
        raise TypeError("model must be an nn.Module")
    if not str(out_dir).strip():
        raise ValueError("out_dir must not be empty")
    os.makedirs(out_dir, exist_ok=True)
    cpu_state = {key: value.detach().cpu().clone() for key, value in model.state_dict().items()}
    record = SavedWeights(class_name=type(model).__name__, state_dict=cpu_state)
    path = os.path.join(out_dir, FILE_NAME_TEMPLATE.format(class_name=record.class_name))
    torch.save(record.to_dict(), path)
    logger.info("saved %d tensors to %s", len(asdict(record)[STATE_DICT_KEY]), path)


def load_trained_model_weights(path: str, model: nn.Module | None = None) -> nn.Module:
    """Load weights that were written by :func:`save_trained_model_weights`.

    Args:
        path: The path to the file.
        model: An optional model to load the weights into.

    Returns:
        The model with the loaded weights, in evaluation mode.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If the file is malformed or does not match the model.
    """
    # Imported lazily to avoid circular imports.
    from scene_recog.simple_net import SimpleNet
    from scene_recog.simple_net_final import SimpleNetFinal

    registry = {cls.__name__: cls for cls in (SimpleNet, SimpleNetFinal)}
    if not os.path.isfile(path):
        raise FileNotFoundError(f"weights file not found: {path}")
    try:
        content = torch.load(path, map_location=torch.device("cpu"), weights_only=True)
        record = SavedWeights(**content)
    except Exception as exc:
        raise ValueError(f"could not read weights from {path}: {exc}") from exc
    if model is None:
        if record.class_name not in registry:
            raise ValueError(f"unknown class {record.class_name!r} in {path}")
        model = registry[record.class_name]()
    try:
        model.load_state_dict(record.state_dict)
    except RuntimeError as exc:
        raise ValueError(f"weights of {record.class_name} in {path} do not match") from exc
    model.eval()
    return model
