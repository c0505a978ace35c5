"""Steps 1.3 and 2: the rule that turns gradients into weight updates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}
OPTIONS = {
    "sgd": {"momentum", "dampening", "nesterov"},
    "adam": {"betas", "eps", "amsgrad"},
    "adamw": {"betas", "eps", "amsgrad"},
}


def get_optimizer(model: nn.Module, config: Mapping[str, Any]) -> torch.optim.Optimizer:
    """An optimizer over all parameters of `model` that require a gradient.

    SGD with momentum m keeps a running sum v of the gradients g, the velocity, and moves along it:

        g  <- gradient + weight_decay * theta
        v  <- m v + g                             (m = 0.9: the last ten gradients or so)
        theta <- theta - lr v

    Directions that agree from batch to batch add up, those that change sign cancel (Polyak 1964;
    Sutskever et al. 2013). Weight decay pulls every weight towards zero. Adam (Kingma and Ba 2015)
    also scales each weight's step by its recent gradients; AdamW (Loshchilov and Hutter 2019)
    decays the weights directly instead of through the gradient.

    Args:
        model: the network.
        config: `optimizer_type` ("sgd", "adam" or "adamw"), `lr`, `weight_decay`; for sgd also
            `momentum` (0.9 if absent), `dampening`, `nesterov`; for adam and adamw also `betas`,
            `eps`, `amsgrad`.

    Raises:
        ValueError: an unknown type, an unknown or missing key, or a negative value.
    """
    options = dict(config)
    optimizer_type = options.pop("optimizer_type", None)
    if optimizer_type not in OPTIMIZERS:
        raise ValueError(
            f"optimizer_type is {optimizer_type!r}: it must be one of {', '.join(OPTIMIZERS)}"
        )
    for key in ("lr", "weight_decay"):
        if key not in options:
            raise ValueError(f"the optimizer config lacks {key!r}")
    allowed = {"lr", "weight_decay"} | OPTIONS[optimizer_type]
    for key, value in options.items():
        if key not in allowed:
            raise ValueError(
                f"unknown key {key!r} for optimizer {optimizer_type!r}: "
                f"choose from {', '.join(sorted(allowed))}"
            )
        if any(number < 0 for number in (value if isinstance(value, tuple | list) else [value])):
            raise ValueError(f"{key} is {value}: it must not be negative")

    if optimizer_type == "sgd":
        options.setdefault("momentum", 0.9)
    parameters = [p for p in model.parameters() if p.requires_grad]
    return OPTIMIZERS[optimizer_type](parameters, **options)
