"""Check a caller's model and optimizer before any time is spent on training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import nn
from torch.optim import Optimizer


def check_model(model: nn.Module) -> None:
    """Check that `Trainer` can train a model.

    Raises:
        ValueError: it has no `loss_criterion`, is wrapped for several GPUs, or is compiled.
    """
    kind = type(model).__name__
    if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
        raise ValueError(
            f"the model is wrapped in {kind}: pass the network itself, model.module; to use "
            "several GPUs, start with torchrun"
        )
    if hasattr(model, "_orig_mod"):
        raise ValueError("the model is compiled: pass the network itself, and compile_model=True")
    criterion = getattr(model, "loss_criterion", None)
    if isinstance(criterion, type):
        raise ValueError(
            f"loss_criterion of {kind} is the class {criterion.__name__}: create an object of it, "
            f"nn.{criterion.__name__}()"
        )
    if not callable(criterion):
        raise ValueError(
            f"{kind} has no loss_criterion: set self.loss_criterion = nn.CrossEntropyLoss() in it"
        )


def check_optimizer(optimizer: Optimizer, model: nn.Module) -> None:
    """Check that an optimizer updates the parameters of this model.

    Raises:
        ValueError: it holds other parameters, so it would not train this model.
    """
    ours = {id(parameter) for parameter in model.parameters()}
    theirs = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    foreign = sum(id(parameter) not in ours for parameter in theirs)
    if foreign:
        raise ValueError(
            f"{foreign} of the optimizer's {len(theirs)} tensors are not parameters of this model: "
            "create the optimizer after the model, with get_optimizer(model, config)"
        )


def check_example(example: Any) -> torch.Tensor:
    """Check that an item's image is a float tensor [1, H, W], as networks need.

    Raises:
        ValueError: it is not; the message says which file to look at.
    """
    if isinstance(example, torch.Tensor) and example.ndim == 3:
        if example.is_floating_point():
            return example
        raise ValueError(
            f"the pixels of example 0 are {example.dtype}, not float32 from 0 to 1: "
            "data_transforms.py needs transforms.ToTensor(), or division by 255"
        )
    found = f"of shape {list(example.shape)}" if hasattr(example, "shape") else ""
    what = " ".join(f"{type(example).__name__} {found}".split())
    if isinstance(example, Image.Image):
        advice = (
            "the transform must end in a tensor (ToTensor), and __getitem__ in image_loader.py "
            "must return its result, self.transform(image)"
        )
    elif example is None:
        advice = "a function of data_transforms.py, or of its steps, has no return"
    else:
        advice = "__getitem__ in image_loader.py must return the pair (transformed image, label)"
    raise ValueError(f"the image of example 0 is {what}, not a tensor [1, H, W]: {advice}")


def check_outputs(model: nn.Module, image: torch.Tensor, num_classes: int, data_dir: Path) -> None:
    """Check that a network returns scores for all classes.

    Args:
        model: on its device; its mode (train or eval) is restored afterwards.
        image: one example, float32 [1, H, W], on the same device.
        num_classes, data_dir: of the images.

    Raises:
        ValueError: its output is not a row of scores per image, or has too few of them.
    """
    was_training, kind = model.training, type(model).__name__
    try:
        with torch.no_grad():  # in inference mode, lazy layers make weights that cannot learn
            scores: Any = model.eval()(image[None])
    except (AttributeError, IndexError, RuntimeError, TypeError) as error:
        if len(image) == 3 and "to have 1 channels" in str(error):
            raise ValueError(
                f"image_loader.py gives images with 3 channels, and {kind} takes 1: convert them "
                "to grayscale, with .convert('L')"
            ) from error
        return  # it does not take such images: training raises a better error
    finally:
        model.train(was_training)
    if not isinstance(scores, torch.Tensor) or scores.ndim != 2 or len(scores) != 1:
        shape = f" of shape {list(scores.shape)}" if hasattr(scores, "shape") else ""
        raise ValueError(
            f"forward of {kind} returns {type(scores).__name__}{shape} for one image: it must "
            f"return the scores, a tensor [1, {num_classes}]"
        )
    if num_classes > scores.shape[1]:
        raise ValueError(
            f"{data_dir} has {num_classes} classes, but {kind} has {scores.shape[1]} outputs: "
            f"give its last layer {num_classes}"
        )
