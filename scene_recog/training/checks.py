"""What a caller's model and optimizer must be, said before an epoch is spent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from PIL import Image
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
    criterion = getattr(model, "loss_criterion", None)
    if isinstance(criterion, type):
        raise ValueError(
            f"loss_criterion of {kind} is the class {criterion.__name__}: make an object of it, "
            f"nn.{criterion.__name__}()"
        )
    if not callable(criterion):
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


def check_example(example: Any) -> torch.Tensor:
    """See that an item's image is what networks take: a float tensor [1, H, W].

    Raises:
        ValueError: it is something else; the message says where that comes from.
    """
    if isinstance(example, torch.Tensor) and example.ndim == 3:
        return example
    found = f"of shape {list(example.shape)}" if hasattr(example, "shape") else ""
    what = " ".join(f"{type(example).__name__} {found}".split())
    if isinstance(example, Image.Image):
        advice = (
            "the transform must end in a tensor (ToTensor), and __getitem__ in image_loader.py "
            "must return what it gives, self.transform(image)"
        )
    elif example is None:
        advice = "a function of data_transforms.py, or of its steps, has no return"
    else:
        advice = "__getitem__ in image_loader.py must return the pair (transformed image, label)"
    raise ValueError(f"the image of example 0 is {what}, not a tensor [1, H, W]: {advice}")


def check_outputs(model: nn.Module, image: torch.Tensor, num_classes: int, data_dir: Path) -> None:
    """See that a network gives scores for all classes.

    Args:
        model: on its device; it comes back in the mode that it was in.
        image: one example, float32 [1, H, W], on the same device.
        num_classes, data_dir: of the images.

    Raises:
        ValueError: its output is no row of scores for each image, or has too few of them.
    """
    was_training, kind = model.training, type(model).__name__
    try:
        with torch.inference_mode():
            scores: Any = model.eval()(image[None])
    except (AttributeError, IndexError, RuntimeError, TypeError):
        return  # it does not take such images: training says more
    finally:
        model.train(was_training)
    if not isinstance(scores, torch.Tensor) or scores.ndim != 2 or len(scores) != 1:
        shape = f" of shape {list(scores.shape)}" if hasattr(scores, "shape") else ""
        raise ValueError(
            f"forward of {kind} gives {type(scores).__name__}{shape} for one image: it must return "
            f"the scores, a tensor [1, {num_classes}]"
        )
    if num_classes > scores.shape[1]:
        raise ValueError(
            f"{data_dir} has {num_classes} classes, but {kind} tells {scores.shape[1]} "
            f"apart: give its last layer {num_classes} outputs"
        )
