"""A network's steps, computed again by torch: are they all of it?"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn


def agrees(
    steps: list[dict[str, Any]],
    arrays: list[torch.Tensor],
    images: torch.Tensor,
    expected: torch.Tensor,
) -> bool:
    """Whether the steps, computed as the page computes them, give the network's scores.

    Args:
        steps: as from `describe_network`.
        arrays: their weights.
        images: [N, C, H, W].
        expected: the network's scores for them, [N, classes].
    """
    values = [images]
    for step in steps[1:]:
        weights = {name: arrays[place] for name, place in step["weights"].items()}
        try:
            value = _computed(step, weights, [values[number] for number in step["inputs"]])
        except (RuntimeError, ValueError):  # shapes that do not fit
            return False
        if list(value.shape) != [len(images), *step["shape"]]:
            return False
        values.append(value)
    scale = max(1.0, float(expected.abs().max()))
    return torch.allclose(values[-1], expected, rtol=0, atol=1e-4 * scale)


def _computed(
    step: dict[str, Any], weights: dict[str, torch.Tensor], inputs: list[torch.Tensor]
) -> torch.Tensor:
    """The output [N, ...] of a step, by torch."""
    x, kind, settings, shape = inputs[0], step["kind"], step["settings"], step["shape"]
    if kind == "convolution":
        return F.conv2d(
            _filled(x, step), weights["weight"], weights.get("bias"), settings["stride"],
            dilation=settings["dilation"], groups=settings["groups"],
        )  # fmt: skip
    if kind == "linear":
        return F.linear(x, weights["weight"], weights.get("bias"))
    if kind == "batch norm":
        return F.batch_norm(
            x, weights["mean"], weights["variance"], weights.get("gamma"), weights.get("beta"),
            eps=settings["epsilon"],
        )  # fmt: skip
    if kind == "adaptive pooling":
        pool = F.adaptive_avg_pool2d if settings["how"] == "average" else F.adaptive_max_pool2d
        pooled: torch.Tensor = pool(x, shape[1:] if len(shape) == 3 else 1)
        return pooled.reshape(len(x), *shape)
    if kind.endswith("pooling"):
        found = [_pooled(x, kind, settings, ceil_mode) for ceil_mode in (False, True)]
        return next((each for each in found if list(each.shape[1:]) == shape), found[0])
    if kind == "upsampling":
        rows, columns = (
            torch.arange(side) * given // side
            for side, given in zip(shape[1:], x.shape[2:], strict=True)
        )
        repeated: torch.Tensor = x[:, :, rows][:, :, :, columns]
        return repeated
    if kind == "activation":
        return _activated(x, settings, weights)
    if kind == "scaling":
        return torch.add(torch.mul(x, settings["factor"]), settings["shift"])
    if kind == "sum":
        return x + inputs[1]
    if kind == "concatenation":
        return torch.cat(inputs, 1)
    if kind == "selection":
        return x[:, settings["first"] :][:, : shape[0]]
    return x.reshape(len(x), *shape)  # dropout in eval mode, and another shape of the same values


def _filled(x: torch.Tensor, step: dict[str, Any]) -> torch.Tensor:
    """The maps with zeros around them, as many as a convolution's output needs."""
    settings, sides = step["settings"], []
    for axis in (1, 0):
        before, kernel = settings["padding"][axis], settings["kernel"][axis]
        needed = (step["shape"][1 + axis] - 1) * settings["stride"][axis]
        needed += (kernel - 1) * settings["dilation"][axis] + 1
        sides += [before, needed - before - x.shape[2 + axis]]
    return F.pad(x, sides)


def _pooled(x: torch.Tensor, kind: str, settings: dict[str, Any], ceil_mode: bool) -> torch.Tensor:
    kernel, stride, padding = settings["kernel"], settings["stride"], settings["padding"]
    if kind == "max pooling":
        highest: torch.Tensor = F.max_pool2d(
            x, kernel, stride, padding, settings["dilation"], ceil_mode
        )
        return highest
    if kind == "power pooling":
        root: torch.Tensor = F.lp_pool2d(x, settings["power"], kernel, stride, ceil_mode)
        return root
    return F.avg_pool2d(
        x, kernel, stride, padding, ceil_mode, settings["counts_padding"],
        settings["divisor"] or None,
    )  # fmt: skip


def _activated(
    x: torch.Tensor, settings: dict[str, Any], weights: dict[str, torch.Tensor]
) -> torch.Tensor:
    name = settings["function"]
    if name == "PReLU":
        return F.prelu(x, weights["slope"])
    options = {key: value for key, value in settings.items() if key != "function"}
    result: torch.Tensor = getattr(nn, name)(**options)(x)
    return result
