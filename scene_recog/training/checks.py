"""What a caller's model and optimizer must be, said before an epoch is spent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer


def check_model(model: nn.Module) -> None:
    """See that a model is one that `Trainer` can train.

    Raises:
        ValueError: it has no `loss_criterion`, or is wrapped for several GPUs or compiled.
    """
    kind = type(model).__name__
    if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
        raise ValueError(
            f"the model is wrapped in {kind}: pass the network itself, model.module; several GPUs "
            "are used with torchrun"
        )
    if hasattr(model, "_orig_mod"):
        raise ValueError("the model is compiled: pass the network itself, and compile_model=True")
    if not callable(getattr(model, "loss_criterion", None)):
        raise ValueError(
            f"{kind} has no loss_criterion: set self.loss_criterion = nn.CrossEntropyLoss() in it"
        )


def check_optimizer(optimizer: Optimizer, model: nn.Module) -> None:
    """See that an optimizer moves the parameters of this model.

    Raises:
        ValueError: it holds others: it would train nothing, or something else.
    """
    ours = {id(parameter) for parameter in model.parameters()}
    theirs = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    foreign = sum(id(parameter) not in ours for parameter in theirs)
    if foreign:
        raise ValueError(
            f"{foreign} of the {len(theirs)} tensors that the optimizer moves are no parameters of "
            "this model: make the optimizer after the model, get_optimizer(model, config)"
        )


def check_outputs(model: nn.Module, image: Any, num_classes: int, data_dir: Path) -> None:
    """See that a network can name all classes.

    Args:
        model: on its device; it comes back in the mode that it was in.
        image: one example, float32 [1, H, W], on the same device.
        num_classes, data_dir: of the images.

    Raises:
        ValueError: it has too few outputs.
    """
    was_training = model.training
    try:
        with torch.inference_mode():
            outputs = model.eval()(image[None]).shape[1]
    except (AttributeError, IndexError, RuntimeError, TypeError):
        return  # it does not take such images: training says more
    finally:
        model.train(was_training)
    if num_classes > outputs:
        raise ValueError(
            f"{data_dir} has {num_classes} classes, but {type(model).__name__} tells {outputs} "
            f"apart: give its last layer {num_classes} outputs"
        )
