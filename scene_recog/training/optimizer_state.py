"""A caller's optimizer: record the requested options, and restore its state."""

from __future__ import annotations

from typing import Any

from torch.optim import Optimizer

from scene_recog.system.numbers import plain_data
from scene_recog.training.arithmetic import lay_out_as_weights

Options = list[dict[str, Any]]  # of each group of parameters
_OF_SCHEDULES = {"initial_lr", "max_lr", "min_lr"}  # left in the groups by torch's schedulers


def take_options(optimizer: Optimizer) -> Options:
    """The current options of each group; numbers of any kind become Python's, in place.

    Raises:
        ValueError: an option that cannot be stored.
    """
    for group in optimizer.param_groups:
        for key, value in group.items():
            if key != "params":
                plain = plain_data(value)
                group[key] = tuple(plain) if isinstance(value, tuple) else plain
    return [
        {key: value for key, value in group.items() if key not in {"params", *_OF_SCHEDULES}}
        for group in optimizer.param_groups
    ]


def load_optimizer(optimizer: Optimizer, saved: dict[str, Any], asked: Options) -> None:
    """Load momentum and the like from a checkpoint; keep the requested options.

    Args:
        optimizer: over the parameters of the same model.
        saved: `optimizer_state_dict` of the checkpoint.
        asked: what `take_options` gave.

    Raises:
        ValueError: it is from another kind of optimizer.
    """
    foreign = sorted(set(saved["param_groups"][0]) - _OF_SCHEDULES - {"params", *asked[0]})
    if foreign:
        raise ValueError(f"its optimizer has {', '.join(foreign)}, which this one does not have")
    groups = zip(saved["param_groups"], asked, strict=True)
    saved = {**saved, "param_groups": [{**group, **options} for group, options in groups]}
    optimizer.load_state_dict(saved)
    lay_out_as_weights(optimizer)


def describe_optimizer(optimizer: Optimizer, asked: Options, peak: float | None) -> dict[str, Any]:
    """Its class and the options it will train with, including later changes by hand.

    Args:
        optimizer: in its current state.
        asked: what `take_options` gave.
        peak: the highest learning rate; a schedule may have set another.
    """
    options, now = dict(optimizer.defaults), optimizer.param_groups[0]
    options |= {key: now[key] for key in options if now.get(key) != asked[0].get(key)}
    if "lr" in options:
        options["lr"] = peak
    plain = bool, int, float, str, type(None), list, tuple
    options = {key: value for key, value in options.items() if isinstance(value, plain)}
    return {"class_name": type(optimizer).__name__, **options}
