"""Draw the parameters of a batch, and read their bounds from a transform."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torchvision.transforms import InterpolationMode

from scene_recog.loading.batch_transforms.steps import Draw, Stage, UnsupportedTransform


def uniform(*bounds: Sequence[float]) -> Draw:
    """n -> float64 [n, len(bounds)], each column uniform between its bounds."""
    low, high = torch.tensor(bounds, dtype=torch.float64).unbind(1)
    width = high - low
    return lambda n: torch.rand(n, len(low), dtype=torch.float64).mul_(width).add_(low)


def integers(n: int, highest: int | torch.Tensor) -> torch.Tensor:
    """[n] whole numbers from 0 to `highest`, which may differ from image to image."""
    return torch.rand(n, dtype=torch.float64).mul_(highest + 1).floor_()


def draw_boxes(
    n: int, stage: Stage, scale: Sequence[float], ratio: Sequence[float], limits: Sequence[int]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Boxes of random area (fraction of the image) and aspect (width / height), ten tries each.

    Args:
        limits: smallest side, largest height, largest width.

    Returns:
        (top, left, height, width) as float64 [n, 4], and whether any try was within the limits.
    """
    area = uniform(*[scale] * 10)(n) * stage.height * stage.width
    aspect = uniform(*[[math.log(r) for r in ratio]] * 10)(n).exp_()
    h, w = (area / aspect).sqrt_().round_(), (area * aspect).sqrt_().round_()
    fits = (torch.minimum(h, w) >= limits[0]) & (h <= limits[1]) & (w <= limits[2])
    first = fits.byte().argmax(dim=1, keepdim=True)
    h, w = h.gather(1, first)[:, 0], w.gather(1, first)[:, 0]
    boxes = [integers(n, stage.height - h), integers(n, stage.width - w), h, w]
    return torch.stack(boxes, dim=1), fits.any(dim=1)


def interpolation_of(transform: Any) -> str:
    """The name of its mode, such as "bilinear", even if it holds one of PIL's numbers."""
    mode = transform.interpolation
    if isinstance(mode, InterpolationMode):
        return str(mode.value)
    pil_numbers = {0: "nearest", 2: "bilinear", 3: "bicubic"}
    return pil_numbers.get(mode, str(mode))


def fill_of(transform: Any) -> float | None:
    """The value for pixels from outside the image; None if the transform has None."""
    if transform.fill is None:
        return None
    return one_number(transform, "fill", transform.fill)


def one_number(transform: Any, what: str, value: Any) -> float:
    """An argument's single number for all channels.

    Raises:
        UnsupportedTransform: it has several numbers, or none.
    """
    values = list(value) if isinstance(value, list | tuple) else [value]
    if len(set(map(str, values))) != 1 or not isinstance(values[0], int | float):
        raise UnsupportedTransform(type(transform).__name__, f"{what}={value!r} is not one number")
    return float(values[0])
