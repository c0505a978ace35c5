"""Convert numbers and data from Python, numpy or torch to plain Python."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any


def plain_number(value: Any) -> Any:
    """A numpy scalar, or an array or tensor of one element, as a Python number; else `value`.

    numpy's float64 is a subclass of float, but still cannot be stored in a checkpoint.
    """
    item = getattr(value, "item", None)
    if item is None or getattr(value, "size", 1) == 0:
        return value
    try:
        return item()
    except (TypeError, ValueError, RuntimeError):  # more than one element
        return value


def plain_data(value: Any) -> Any:
    """The value as dicts, lists, strings and numbers, so that it can be stored as JSON.

    Tuples, sets, arrays and tensors become lists, paths become strings.

    Raises:
        ValueError: it contains something else, which the message shows.
    """
    value = plain_number(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain_data(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(plain_data(item) for item in value)
    if hasattr(value, "tolist"):
        return plain_data(value.tolist())
    if isinstance(value, list | tuple):
        return [plain_data(item) for item in value]
    raise ValueError(f"{value!r} cannot be stored with a run: use numbers, text, lists and dicts")
