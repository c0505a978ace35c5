"""One function per type; the allowed keys are its keyword arguments."""

import inspect

import torch


def _sgd(params, *, lr, weight_decay, momentum=0.9, dampening=0, nesterov=False):
    return torch.optim.SGD(params, lr, momentum, dampening, weight_decay, nesterov)


def _adam(params, *, lr, weight_decay, betas=(0.9, 0.999), eps=1e-8, amsgrad=False):
    return torch.optim.Adam(params, lr, betas, eps, weight_decay, amsgrad)


def _adamw(params, *, lr, weight_decay, betas=(0.9, 0.999), eps=1e-8, amsgrad=False):
    return torch.optim.AdamW(params, lr, betas, eps, weight_decay, amsgrad)


def get_optimizer(model, config):
    match config.get("optimizer_type"):
        case "sgd":
            make = _sgd
        case "adam":
            make = _adam
        case "adamw":
            make = _adamw
        case other:
            raise ValueError(f"optimizer_type {other!r} is unknown (known: sgd, adam, adamw)")
    keys = {k: v for k, v in config.items() if k != "optimizer_type"}
    allowed = list(inspect.signature(make).parameters)[1:]
    bad = [key for key in keys if key not in allowed]
    if bad:
        raise ValueError(f"unknown: {bad}; allowed: {allowed}")
    for name, value in keys.items():
        for number in value if isinstance(value, list | tuple) else [value]:
            if number < 0:
                raise ValueError(f"{name} must be >= 0, not {number}; allowed: {allowed}")
    try:
        return make(model.parameters(), **keys)
    except TypeError as error:
        raise ValueError(f"incomplete config: {error}") from error
