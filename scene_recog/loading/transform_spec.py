"""A pipeline of torchvision transforms as plain data, so that a checkpoint can carry it."""

from __future__ import annotations

import enum
import inspect
from contextlib import suppress
from typing import Any

import torch
from torchvision import transforms
from torchvision.transforms import v2

from scene_recog.system.numbers import plain_data

_V2 = "v2."  # before the names of transforms from torchvision.transforms.v2
_COMPOSES = (transforms.Compose, v2.Compose)
_LARGEST = 4096  # pixels a side; a checkpoint from a stranger could ask for a million


def describe_transforms(pipeline: Any) -> list[dict[str, Any]] | None:
    """The steps of a `Compose` as names and arguments, or None if it cannot be rebuilt from them.

    torchvision keeps each constructor argument as an attribute of the same name. A `Compose` in a
    `Compose` counts as its steps.

    Returns:
        For instance `[{"name": "Resize", "size": [64, 64], ...}, {"name": "ToTensor"}]`; names from
        torchvision's second version of transforms begin with "v2.", such as "v2.ToImage".
    """
    steps = []
    for step in _flat(pipeline):
        name = type(step).__name__
        if type(step) is getattr(v2, name, None):
            name = _V2 + name
        elif type(step) is not getattr(transforms, name, None):
            return None
        arguments = list(inspect.signature(type(step)).parameters)
        if not all(hasattr(step, argument) for argument in arguments):
            return None
        values = {argument: _plain(getattr(step, argument)) for argument in arguments}
        values = {key: value for key, value in values.items() if value is not None}  # the default
        if not all(_is_plain(value) for value in values.values()):
            return None
        steps.append({"name": name, **values})
    return steps or None


def _flat(pipeline: Any) -> list[Any]:
    steps: list[Any] = []
    for step in getattr(pipeline, "transforms", []):
        steps += _flat(step) if type(step) in _COMPOSES else [step]
    return steps


def build_transforms(steps: list[dict[str, Any]]) -> transforms.Compose:
    """The inverse of `describe_transforms`.

    Raises:
        ValueError: a step that torchvision does not have, or arguments that it does not accept.
    """
    built = []
    for step in steps:
        arguments = dict(step) if isinstance(step, dict) else {}
        transform = _class_of(str(arguments.pop("name", "")))
        if not inspect.isclass(transform):
            raise ValueError(f"unknown transform {step!r} in the checkpoint")
        if any(number > _LARGEST for value in arguments.values() for number in _numbers(value)):
            raise ValueError(f"the transform {step!r} in the checkpoint would take too much memory")
        try:
            if "interpolation" in arguments:
                mode = transforms.InterpolationMode(arguments["interpolation"])
                arguments["interpolation"] = mode
            if "dtype" in arguments:
                arguments["dtype"] = _dtype(arguments["dtype"])
            built.append(transform(**arguments))
        except (TypeError, ValueError) as error:
            raise ValueError(f"the transform {step!r} in the checkpoint is damaged") from error
    return transforms.Compose(built)


def _class_of(name: str) -> Any:
    if name.startswith(_V2):
        return getattr(v2, name.removeprefix(_V2), None)
    return getattr(transforms, name, None)


def _dtype(name: Any) -> torch.dtype:
    dtype = getattr(torch, str(name).removeprefix("torch."), None)
    if not isinstance(dtype, torch.dtype):
        raise ValueError(f"unknown dtype {name!r}")
    return dtype


def _numbers(value: Any) -> list[float]:
    if isinstance(value, list | tuple):
        return [number for item in value for number in _numbers(item)]
    return [value] if isinstance(value, int | float) else []


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, torch.dtype):
        return str(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    with suppress(ValueError):  # functions and the like, which `_is_plain` rejects
        return plain_data(value)
    return value


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_plain(item) for item in value)
    return isinstance(value, bool | int | float | str)
