"""The optimizer of a recipe, from the `get_optimizer` in place."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from scene_recog.optimizer import get_optimizer
from scene_recog.system.numbers import plain_data
from scene_recog.system.progress import notice
from scene_recog.system.text import reason_of, shortened

_TORCH: dict[str, type[Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}
_OF_THE_HANDOUT = ("optimizer_type", "lr", "weight_decay")


def optimizer_as_asked(model: nn.Module, config: Mapping[str, Any]) -> Optimizer:
    """The optimizer from `get_optimizer(model, config)`, with everything that the config asks for.

    The handout requires only one optimizer, its learning rate and its weight decay. If
    `get_optimizer` does not know a recipe's optimizer, torch's own is used; if it ignores an option
    such as momentum, the option is set. One line on stderr says so.

    Args:
        model: the network.
        config: `optimizer_type` ("sgd", "adam" or "adamw"), `lr`, `weight_decay`, and options of
            torch's optimizer of that type, such as `momentum`.

    Raises:
        ValueError: `get_optimizer` does not return an optimizer for any type.
        NotImplementedError: it is not written yet.
        Exception: whatever it raises for every type.
    """
    kind = config["optimizer_type"]
    optimizer = _first_that_works(model, config)
    if isinstance(optimizer, Optimizer):
        _set_options(optimizer, config)
        return optimizer
    if not any(
        isinstance(_first_that_works(model, {**config, "optimizer_type": other}), Optimizer)
        for other in _TORCH
        if other != kind
    ):
        if isinstance(optimizer, Exception):
            raise optimizer
        raise ValueError(
            f"get_optimizer in optimizer.py returns {shortened(optimizer)} for {kind!r}: "
            "it must return a torch.optim optimizer"
        )
    reason = f" ({reason_of(optimizer)})" if isinstance(optimizer, Exception) else ""
    _notice_once(
        f"get_optimizer in optimizer.py does not support {kind!r}{reason}: "
        f"using torch.optim.{_TORCH[kind].__name__}."
    )
    options = {key: value for key, value in config.items() if key != "optimizer_type"}
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return _TORCH[kind](parameters, **options)


def _first_that_works(model: nn.Module, config: Mapping[str, Any]) -> Any:
    """The result of `get_optimizer` for the config, or for the part that the handout requires.

    It is not an optimizer, or is an exception, if neither works or the type is wrong.
    """
    result: Any = None
    shorter = {key: config[key] for key in _OF_THE_HANDOUT}
    for asked in (dict(config), shorter):
        try:
            result = get_optimizer(model, asked)
        except Exception as error:
            result = error
        if isinstance(result, Optimizer):
            is_other = type(result) in _TORCH.values() and (
                type(result) is not _TORCH[config["optimizer_type"]]
            )
            return None if is_other else result
    return result


def _set_options(optimizer: Optimizer, config: Mapping[str, Any]) -> None:
    """Set the options of the config that `get_optimizer` ignored, and say so."""
    other = {}
    for key, value in config.items():
        groups = [group for group in optimizer.param_groups if key in group]
        # If one group has it, others lack it on purpose, such as biases without decay.
        if groups and all(plain_data(group[key]) != plain_data(value) for group in groups):
            for group in groups:
                group[key] = value
            other[key] = value
    if other:
        optimizer.defaults.update(other)
        named = ", ".join(f"{key} {value}" for key, value in other.items())
        is_optional = not set(other) & set(_OF_THE_HANDOUT)
        _notice_once(
            f"get_optimizer in optimizer.py ignores {', '.join(other)}"
            f"{', which costs no points' if is_optional else ''}: using the recipe's {named}."
        )


@cache
def _notice_once(text: str) -> None:
    """A notebook makes many optimizers."""
    notice(text)
