"""A network layer by layer: shapes, parameters, multiply-adds, and receptive fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from scene_recog.system.text import reason_of

WINDOWED = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)

Pair = tuple[int, int]


@dataclass(frozen=True)
class LayerSummary:
    """One layer, in the order of the forward pass.

    Attributes:
        name: where it is in the model, such as "conv_layers.0".
        kind: its class.
        output_shape: without the batch, such as (maps, height, width).
        kernel, stride: (height, width) in pixels of its input; None if it has no window.
        parameters: number of learned values; 0 where a layer is used for the second time.
        multiply_adds: for one image, of convolutions and linear layers; adding the bias, pooling
            and batch norm are not counted, as in the literature.
        receptive_field: (height, width) in pixels of the image that can change one output, padding
            included; None for the whole image, after a linear layer.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    kernel: Pair | None
    stride: Pair | None
    parameters: int
    multiply_adds: int
    receptive_field: Pair | None


class MisfitError(ValueError):
    """A network does not take images of a size.

    Attributes:
        rows: the layers before the one that failed.
    """

    def __init__(self, message: str, rows: list[LayerSummary]) -> None:
        super().__init__(message)
        self.rows = rows

    def _render_traceback_(self) -> list[str]:  # IPython asks for this
        return [str(self)]


def summarize(model: nn.Module, input_size: Sequence[int] = (1, 64, 64)) -> list[LayerSummary]:
    """What each layer does to one image, recorded with forward hooks.

    The receptive field follows the lecture's rule r_out = r_in + (k - 1) * jump, where the jump is
    the product of the strides below; where branches meet, as in a residual net, the larger counts.

    Args:
        model: its windows and weights are in modules (`nn.Conv2d`, not `F.conv2d`). Its mode
            (train or eval) is restored afterwards.
        input_size: (channels, height, width) of an image.

    Raises:
        ValueError: the model does not take images of this size.
    """
    rows: list[LayerSummary] = []
    counted: set[nn.Parameter] = set()

    def look(name: str, layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if not isinstance(output, TracedTensor):
            return
        before, window = _field_of(inputs), _window(layer, inputs, output)
        output.field = _field_after(layer, before, window)
        own = [p for p in layer.parameters(recurse=False) if p not in counted]
        counted.update(own)
        rows.append(
            LayerSummary(
                name=name,
                kind=type(layer).__name__,
                output_shape=tuple(output.shape[1:]),
                kernel=window[0] if window else None,
                stride=window[1] if window else None,
                parameters=sum(parameter.numel() for parameter in own),
                multiply_adds=_multiply_adds(layer, output),
                receptive_field=output.field.size,
            )
        )

    def make_hook(name: str) -> Any:
        return lambda layer, inputs, output: look(name, layer, inputs, output)

    hooks = [
        layer.register_forward_hook(make_hook(name))
        for name, layer in model.named_modules()
        if not list(layer.children()) or list(layer.parameters(recurse=False))
    ]
    was_training = model.training
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    try:
        image = torch.zeros(1, *input_size, device=device).as_subclass(TracedTensor)
        image.field = Field((1, 1), (1, 1))
        with torch.no_grad():
            model.eval()(image)
    except RuntimeError as error:
        size = "x".join(str(side) for side in input_size)
        raise MisfitError(
            f"{type(model).__name__} does not take images of {size}: {reason_of(error)}", rows
        ) from error
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    return rows


def format_summary(rows: Sequence[LayerSummary]) -> str:
    """The summary as a plain-text table, with totals in the last line."""
    header = ("layer", "kind", "output", "kernel", "parameters", "multiply-adds", "sees")
    lines = [
        (
            row.name,
            row.kind,
            "x".join(str(side) for side in row.output_shape),
            describe_window(row),
            f"{row.parameters:,}" if row.parameters else "",
            f"{row.multiply_adds:,}" if row.multiply_adds else "",
            describe_field(row),
        )
        for row in rows
    ]
    totals = (
        "in all", "", "", "",
        f"{sum(row.parameters for row in rows):,}",
        f"{sum(row.multiply_adds for row in rows):,}", "",
    )  # fmt: skip
    table = [header, *lines, totals]
    widths = [max(len(line[column]) for line in table) for column in range(len(header))]
    is_number = [False, False, False, False, True, True, False]
    texts = [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, is_number, strict=True)
        ).rstrip()
        for line in table
    ]
    rule = "-" * max(len(text) for text in texts)
    return "\n".join([texts[0], rule, *texts[1:-1], rule, texts[-1]])


def describe_window(row: LayerSummary) -> str:
    """For instance "5x5" or "3x3, stride 2"; "" for a layer without a window."""
    if row.kernel is None or row.stride is None:
        return ""
    kernel = f"{row.kernel[0]}x{row.kernel[1]}"
    if row.stride == (1, 1):
        return kernel
    height, width = row.stride
    return f"{kernel}, stride {height}" if height == width else f"{kernel}, stride {height}x{width}"


def describe_field(row: LayerSummary) -> str:
    """For instance "32x32", or "all" for the whole image."""
    return "all" if row.receptive_field is None else "{}x{}".format(*row.receptive_field)


# ---------------------------------------------------------------- the receptive field


@dataclass(frozen=True)
class Field:
    """Receptive field of a value of a map: its size (None: all), and pixels between neighbours."""

    size: Pair | None
    jump: Pair


class TracedTensor(torch.Tensor):
    """A tensor that keeps track of its receptive field through x + y, relu(x) and the like."""

    field: Field

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Do what any tensor does, then pass on the largest field of the inputs."""
        as_any_tensor: Any = super().__torch_function__
        result = as_any_tensor(func, types, args, kwargs or {})
        if isinstance(result, TracedTensor) and "field" not in result.__dict__:
            result.field = _field_of((*args, *(kwargs or {}).values()))
        return result


def _field_of(inputs: Any) -> Field:
    """The largest field among the traced tensors, including those in lists (`torch.cat`)."""
    flat = [x for item in inputs for x in (item if isinstance(item, list | tuple) else [item])]
    fields = [x.field for x in flat if isinstance(x, TracedTensor) and "field" in x.__dict__]
    if not fields:
        return Field(None, (1, 1))
    return max(fields, key=lambda f: (f.size is None, f.size or (0, 0)))


def _field_after(layer: nn.Module, before: Field, window: tuple[Pair, Pair, Pair] | None) -> Field:
    if isinstance(layer, nn.Flatten | nn.Linear):
        return Field(None, before.jump)
    if window is None or before.size is None:
        return before
    kernel, stride, dilation = window
    size = [
        r + d * (k - 1) * jump
        for r, k, d, jump in zip(before.size, kernel, dilation, before.jump, strict=True)
    ]
    jump = [jump * step for jump, step in zip(before.jump, stride, strict=True)]
    return Field((size[0], size[1]), (jump[0], jump[1]))


def _window(
    layer: Any, inputs: tuple[Any, ...], output: torch.Tensor
) -> tuple[Pair, Pair, Pair] | None:
    """(kernel, stride, dilation), each (height, width), or None."""
    if not isinstance(layer, WINDOWED):
        return None
    if isinstance(layer, nn.AdaptiveAvgPool2d | nn.AdaptiveMaxPool2d):
        sides = list(zip(inputs[0].shape[-2:], output.shape[-2:], strict=True))
        height, width = (-(-before // after) for before, after in sides)
        step_y, step_x = (max(1, before // after) for before, after in sides)
        return (height, width), (step_y, step_x), (1, 1)
    return (
        _pair(layer.kernel_size),
        _pair(layer.stride),
        _pair(getattr(layer, "dilation", 1)),  # average pooling has none
    )


def _pair(value: int | tuple[int, ...]) -> Pair:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def _multiply_adds(layer: Any, output: torch.Tensor) -> int:
    if isinstance(layer, nn.Conv2d):
        return output[0].numel() * layer.weight[0].numel()  # weight [out, in / groups, h, w]
    if isinstance(layer, nn.Linear):
        return output[0].numel() * layer.in_features
    return 0
