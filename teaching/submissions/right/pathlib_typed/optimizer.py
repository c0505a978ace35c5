"""A table of defaults, merged with the config; parameter groups by hand; arguments checked last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

REQUIRED = object()
COMMON = {"lr": REQUIRED, "weight_decay": REQUIRED}
ADAM = {**COMMON, "betas": (0.9, 0.999), "eps": 1e-8, "amsgrad": False}
DEFAULTS: dict[str, dict[str, Any]] = {
    "sgd": {**COMMON, "momentum": 0.9, "dampening": 0.0, "nesterov": False},
    "adam": ADAM,
    "adamw": ADAM,
}


def get_optimizer(model: nn.Module, config: dict[str, Any]) -> torch.optim.Optimizer:
    try:
        defaults = DEFAULTS[config["optimizer_type"]]
    except KeyError:
        raise ValueError(
            f"optimizer_type {config.get('optimizer_type')!r} is not in {sorted(DEFAULTS)}"
        ) from None
    given = {key: config[key] for key in config if key != "optimizer_type"}
    if unknown := given.keys() - defaults.keys():
        raise ValueError(f"{', '.join(sorted(unknown))}: not in {sorted(defaults)}")
    options = defaults | given
    missing = [key for key in options if options[key] is REQUIRED]
    if missing:
        raise ValueError(f"missing in config: {missing}")
    for key, number in _numbers(options):
        if number < 0:
            raise ValueError(f"{key}={number} < 0; allowed are numbers from 0 on")

    groups = [{"params": [p]} for p in model.parameters() if p.requires_grad]
    if config["optimizer_type"] == "sgd":
        return torch.optim.SGD(groups, foreach=False, **options)
    make = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[config["optimizer_type"]]
    return make(groups, **options)


def _numbers(options: dict[str, Any]) -> Iterator[tuple[str, float]]:
    for key, value in options.items():
        yield from (
            (key, float(v)) for v in (value if isinstance(value, tuple | list) else (value,))
        )
