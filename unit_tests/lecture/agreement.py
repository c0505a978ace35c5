"""For the tests of the lecture: does a function of yours agree with torch?

Arrays are compared in float64, to ten digits. If they differ, the message shows where, and what the
mistake may be if it is a known one.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

Array = np.ndarray[Any, np.dtype[np.float64]]
Hints = Sequence[tuple[str, Callable[[], Any]]]

TOLERANCE = 1e-10  # relative to the largest value


def signature(function: str, inputs: Mapping[str, Any], options: Mapping[str, Any]) -> str:
    """A call in words, such as "relu(x [2, 3])"."""
    parts = [f"{name} {list(np.shape(value))}" for name, value in inputs.items()]
    return f"{function}({', '.join([*parts, *(f'{k}={v!r}' for k, v in options.items())])})"


def result_of(
    module: Any, function: str, inputs: Mapping[str, Any], options: Mapping[str, Any]
) -> Any:
    """What a function returns, after a check that it leaves its arguments as they are."""
    arguments = copy.deepcopy(dict(inputs))
    result = getattr(module, function)(*arguments.values(), **options)
    for name, value in inputs.items():
        assert np.array_equal(arguments[name], value), (
            f"{function} changes its argument {name}: the caller still needs it. Compute a new "
            "array; x += y, x[...] = y and np.add(x, y, out=x) change x itself"
        )
    assert result is not None, f"{function} returns None: does it end with a return?"
    return result


def several(result: Any, names: Sequence[str], function: str) -> list[Any]:
    """A result that must be a tuple with one array for each name, as a list."""
    order = ", ".join(names)
    assert isinstance(result, tuple | list), (
        f"{function} returns {type(result).__name__}: it must return a tuple of {len(names)} "
        f"arrays, {order}"
    )
    assert len(result) == len(names), (
        f"{function} returns {len(result)} arrays: it must return {len(names)}, {order}"
    )
    return list(result)


def check(what: str, got: Any, expected: Any, call: str, hints: Hints = ()) -> None:
    """Compare an array with what it must be.

    Args:
        what: its name, such as "the gradient at x".
        got: the result.
        expected: an array or tensor.
        call: as from `signature`.
        hints: (what is wrong, a function that gives the array that results from this mistake).
    """
    wanted = plain(expected)
    assert isinstance(got, np.ndarray | np.generic | float), (
        f"{call}: {what} is of type {type(got).__name__}: it must be a numpy array"
    )
    array = np.asarray(got)
    assert array.shape == wanted.shape, (
        f"{call}: {what} has shape {list(array.shape)}: it must be {list(wanted.shape)}"
    )
    assert array.dtype == np.float64, (
        f"{call}: {what} is {array.dtype}: it must be float64, as the arguments are. With fewer "
        "digits, gradients cannot be checked"
    )
    if close(array, wanted):
        return
    if not np.isfinite(array).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
    else:
        place = tuple(
            int(i) for i in np.unravel_index(np.abs(array - wanted).argmax(), array.shape)
        )
    wrong = int((~np.isclose(array, wanted, rtol=1e-9, atol=1e-9)).sum())
    index = f"[{', '.join(map(str, place))}]" if place else ""
    message = (
        f"{call}: {what}{index} is {array[place]:.6g}, but must be {wanted[place]:.6g} "
        f"({wrong} of {array.size} values differ)."
    )
    raise AssertionError(message + hint(array, hints))


def close(array: Array, wanted: Array) -> bool:
    """Whether an array agrees with what it must be."""
    if array.shape != wanted.shape:
        return False
    scale = max(1.0, float(np.abs(wanted).max(initial=0.0)))
    return bool(np.allclose(array, wanted, rtol=0, atol=TOLERANCE * scale))


def hint(array: Array, hints: Hints) -> str:
    """The mistake that gives this array, if it is a known one."""
    for text, mistaken in hints:
        if close(array, plain(mistaken())):
            return f" {text}"
    return ""


def plain(value: Any) -> Array:
    """As a float64 array."""
    if isinstance(value, torch.Tensor):
        value = value.detach().numpy()
    return np.asarray(value, dtype=np.float64)


def tensors(arrays: Mapping[str, Array]) -> list[torch.Tensor]:
    """Copies as tensors, with gradients for those of real numbers."""
    return [
        torch.tensor(array, requires_grad=array.dtype == np.float64) for array in arrays.values()
    ]


def gradients_of(
    forward: Callable[..., torch.Tensor], arrays: Mapping[str, Array], gradient: Array
) -> list[Array]:
    """By torch: the gradients at all real arrays, given that at the output of `forward`."""
    leaves = tensors(arrays)
    output = forward(*leaves)
    real = [leaf for leaf in leaves if leaf.requires_grad]
    found = torch.autograd.grad(output, real, torch.as_tensor(gradient), allow_unused=True)
    return [
        np.zeros(leaf.shape) if each is None else plain(each)
        for leaf, each in zip(real, found, strict=True)
    ]
