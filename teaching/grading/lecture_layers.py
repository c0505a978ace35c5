"""The lecture's layers by torch, for a student's network: its own layers may be wrong or slow.

The grader's process computes them, with arrays that come from the student's code.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

MOST_PRODUCTS = 10**9  # of one layer; about a second


def layer(name: str, *arguments: Any) -> Any:
    """A layer's output, a float64 array.

    Args:
        name: such as "linear".
        arguments: of the student's function of that name.
    """
    return FORWARD[name](*map(_tensor, arguments)).numpy()


def gradients(name: str, gradient: Any, *arguments: Any) -> Any:
    """The gradients at a layer's arrays: an array for one, a tuple for several."""
    inputs = [
        each.requires_grad_() if isinstance(each, torch.Tensor) else each
        for each in map(_tensor, arguments)
    ]
    arrays = [each for each in inputs if isinstance(each, torch.Tensor)]
    output = FORWARD[name](*inputs)
    found = tuple(each.numpy() for each in torch.autograd.grad(output, arrays, _tensor(gradient)))
    return found[0] if len(found) == 1 else found


def loss(scores: Any, labels: Any) -> float:
    """The negative log-likelihood."""
    return float(F.cross_entropy(_tensor(scores), torch.as_tensor(labels).long()))


def loss_gradient(scores: Any, labels: Any) -> Any:
    """Its gradient at the scores."""
    at = _tensor(scores).requires_grad_()
    value = F.cross_entropy(at, torch.as_tensor(labels).long())
    return torch.autograd.grad(value, at)[0].numpy()


def _convolution(
    maps: torch.Tensor, kernels: torch.Tensor, bias: torch.Tensor, stride: int, padding: int
) -> torch.Tensor:
    sides = zip(maps.shape[2:], kernels.shape[2:], strict=True)
    positions = math.prod((side + 2 * padding - size) // stride + 1 for side, size in sides)
    _check_work(len(maps) * kernels.numel() * positions)
    return F.conv2d(maps, kernels, bias, stride, padding)


def _linear(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    _check_work(len(x) * weight.numel())
    return F.linear(x, weight, bias)


def _check_work(products: int) -> None:
    """Nobody can interrupt torch, so a student's sizes must not keep it busy for hours."""
    if products > MOST_PRODUCTS:
        raise ValueError(f"a layer of {products:.1e} products: no test needs one of this size")


def _tensor(value: Any) -> Any:
    """An array as a tensor of its own; anything else as it is."""
    return torch.tensor(value, dtype=torch.float64) if hasattr(value, "shape") else value


def _pool(maps: torch.Tensor, size: int, stride: int | None, kind: str) -> torch.Tensor:
    _check_work(maps.numel() * size**2)
    if kind == "max":
        return F.max_pool2d(maps, size, stride)
    if kind == "average":
        return F.avg_pool2d(maps, size, stride)
    return (F.avg_pool2d(maps**2, size, stride) * size**2).sqrt()


FORWARD: dict[str, Callable[..., torch.Tensor]] = {
    "linear": _linear,
    "relu": torch.relu,
    "softmax": lambda scores: F.softmax(scores, 1),
    "convolve": _convolution,
    "pool": _pool,
}
