"""Copies of a network that do not share its weights."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from scene_recog.system.text import reason_of


def copy_of(model: nn.Module) -> nn.Module:
    """An independent copy of a network, with all its attributes.

    Raises:
        ValueError: one of them cannot be copied, such as an open file.
    """
    with copying(model):
        return copy.deepcopy(model)


@contextmanager
def copying(model: nn.Module) -> Iterator[None]:
    """Turn any error of a block that copies a network into the one of `copy_of`."""
    try:
        yield
    except Exception as error:  # whatever an attribute raises
        raise ValueError(
            f"{type(model).__name__} cannot be copied ({reason_of(error)}): keep open files, "
            "generators and results of forward out of its attributes"
        ) from error


def can_be_copied(model: nn.Module) -> bool:
    """Whether `copy_of` works."""
    try:
        copy_of(model)
    except ValueError:
        return False
    return True
