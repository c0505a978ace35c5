"""The training loss, always with the model's own criterion."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from scene_recog.dl_utils import compute_loss
from scene_recog.training.options import TrainerOptions


class TrainingLoss:
    """The mean loss of a training batch under `model.loss_criterion`.

    Args:
        model: the network.
        options: `label_smoothing`, and whether `mixup` or `cutmix` produce mixed targets.

    Raises:
        ValueError: smoothing or mixing with a criterion other than `nn.CrossEntropyLoss`, for which
            the targets are not defined.
    """

    def __init__(self, model: nn.Module, options: TrainerOptions) -> None:
        self.model = model
        self.label_smoothing = label_smoothing = options.label_smoothing
        criterion: Any = model.loss_criterion
        if not (label_smoothing > 0 or options.mixup > 0 or options.cutmix > 0):
            return
        what = "label_smoothing" if label_smoothing > 0 else "mixup and cutmix"
        if type(criterion) is not nn.CrossEntropyLoss:
            raise ValueError(
                f"{what} needs a loss_criterion of nn.CrossEntropyLoss, not "
                f"{type(criterion).__name__}: set it to 0, or change the model's loss_criterion"
            )
        if label_smoothing > 0 and criterion.label_smoothing not in (0.0, label_smoothing):
            raise ValueError(
                f"label_smoothing is {label_smoothing}, but the model's loss_criterion has "
                f"{criterion.label_smoothing}: set one of them to 0"
            )

    def __call__(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """A scalar tensor.

        Args:
            logits: [N, num_classes], or more columns than there are classes.
            targets: labels [N], or class probabilities [N, num_classes].
        """
        if self.label_smoothing == 0 and targets.ndim == 1:
            return batch_loss(self.model, logits, targets)
        if targets.ndim == 2:
            targets = F.pad(targets, (0, logits.shape[1] - targets.shape[1]))
        criterion: Any = self.model.loss_criterion
        weight = None if criterion.weight is None else criterion.weight.to(logits.device)
        smoothing = self.label_smoothing or criterion.label_smoothing
        return F.cross_entropy(logits, targets, weight, label_smoothing=smoothing)


def batch_loss(model: nn.Module, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """`compute_loss` of a batch: a scalar tensor with its gradient.

    Args:
        model: has `loss_criterion`.
        logits: [N, C].
        labels: integers [N].

    Raises:
        ValueError: it returns something else, or has lost the gradient of `logits`.
    """
    loss: Any = compute_loss(model, logits, labels, is_normalize=True)
    is_cut = logits.requires_grad and not getattr(loss, "requires_grad", False)
    if is_cut or getattr(loss, "numel", lambda: 1)() != 1:
        shape = f" of shape {list(loss.shape)}" if hasattr(loss, "shape") else ""
        what = "without a gradient" if is_cut else "for the whole batch"
        raise ValueError(
            f"compute_loss in dl_utils.py returns {type(loss).__name__}{shape} {what}: it must "
            "return a scalar tensor, as model.loss_criterion does (no .item(), no numpy)"
        )
    return torch.as_tensor(loss, device=logits.device).reshape(())
