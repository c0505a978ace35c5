"""Describe how a network differs from weights that do not fit it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

NAMED = 3  # name the first differences, count the others


def misfit(model: nn.Module, state_dict: Mapping[str, Any]) -> str:
    """The differences in words; empty if the weights fit.

    For instance "linear.weight is [15, 256], but SceneNet has [15, 128]".
    """
    kind = type(model).__name__
    here = model.state_dict()
    differences = []
    for name, value in here.items():
        saved = state_dict.get(name)
        if saved is None:
            differences.append(f"{name} is missing")
        elif not isinstance(saved, torch.Tensor):
            differences.append(f"{name} is not a tensor")
        elif saved.shape != value.shape:
            differences.append(f"{name} is {list(saved.shape)}, but {kind} has {list(value.shape)}")
    differences += [f"{kind} has no {name}" for name in state_dict if name not in here]
    if len(differences) > NAMED:
        rest = len(differences) - NAMED
        return f"{'; '.join(differences[:NAMED])}; and {rest} more"
    return "; ".join(differences)
