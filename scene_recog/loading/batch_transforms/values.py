"""Types, Normalize and ColorJitter: each pixel on its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from scene_recog.loading.batch_transforms.sampling import uniform
from scene_recog.loading.batch_transforms.steps import (
    Stage,
    Step,
    UnsupportedTransform,
    batched,
    linear,
)


@batched("Identity", "ToPureTensor", "RandomGrayscale")
def _nothing(_: Any, stage: Stage) -> tuple[None, Stage]:
    return None, stage


@batched("Grayscale", "RGB")
def _to_channels(transform: Any, stage: Stage) -> tuple[Step | None, Stage]:
    """Grey as three equal channels, for a network trained on colour images."""
    channels = getattr(transform, "num_output_channels", 3)
    if channels == stage.channels:
        return None, stage
    step = Step(lambda x, _: x[:, :1].repeat(1, channels, 1, 1))
    return step, replace(stage, channels=channels)


@batched("PILToTensor", "ToImage")
def _to_uint8(transform: Any, stage: Stage) -> tuple[None, Stage]:
    if stage.kind == "pil":
        return None, replace(stage, kind="uint8")
    if type(transform).__name__ == "PILToTensor":
        raise UnsupportedTransform("PILToTensor", "its input is a tensor already")
    return None, stage


@batched("ToTensor", "ConvertImageDtype", "ToDtype")
def _to_float(transform: Any, stage: Stage) -> tuple[Step | None, Stage]:
    name = type(transform).__name__
    if (name == "ToTensor") != (stage.kind == "pil"):
        raise UnsupportedTransform(name, f"its input must not be a {stage.kind} image")
    if getattr(transform, "dtype", torch.float32) != torch.float32:
        raise UnsupportedTransform(name, f"to {transform.dtype}; only torch.float32 is batched")
    if stage.kind == "float":
        return None, stage
    scale = 1 / 255 if getattr(transform, "scale", True) else 1.0  # v1 always scales
    return linear(_float64(scale), _float64(0.0)), replace(stage, kind="float")


@batched("Normalize")
def _normalize(transform: Any, stage: Stage) -> tuple[Step, Stage]:
    mean, std = _float64(transform.mean), _float64(transform.std)
    if stage.kind != "float":
        raise UnsupportedTransform("Normalize", "its input must be a float tensor")
    if not {len(mean), len(std)} <= {1, stage.channels} or 0 in std:
        raise UnsupportedTransform("Normalize", f"{transform} of {stage.channels} channel(s)")
    return linear(1 / std, -mean / std), stage


@batched("ColorJitter")
def _color_jitter(transform: Any, stage: Stage) -> tuple[Step | None, Stage]:
    """Brightness and contrast, in either order with equal probability.

    Saturation and hue do not change grey pixels.
    """
    brightness, contrast = transform.brightness, transform.contrast
    if brightness is None and contrast is None:
        return None, stage

    draw = uniform((0, 1), brightness or (1, 1), contrast or (1, 1))

    def blend(x: torch.Tensor, factor: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        x = x.sub_(other).mul_(factor).add_(other)  # PIL's order; others round differently
        return x.clamp_(0, 255).floor_() if stage.is_whole else x.clamp_(0, 1)

    def mean_of(x: torch.Tensor) -> torch.Tensor:
        mean = x.mean(dim=(1, 2, 3), keepdim=True)
        return mean.add_(0.5).floor_() if stage.kind == "pil" else mean

    def apply(x: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        x = x.float()
        coin, b, c = parameters.t().reshape(3, -1, 1, 1, 1).unbind()
        if contrast is None:
            return blend(x, b, torch.zeros_like(b))
        if brightness is None:
            return blend(x, c, mean_of(x))
        # Brightness blends with black, contrast with the mean of its input.
        is_first = coin < 0.5  # brightness
        x = blend(x, torch.where(is_first, b, c), mean_of(x) * ~is_first)
        return blend(x, torch.where(is_first, c, b), mean_of(x) * is_first)

    return Step(apply, draw, 3), stage


def _float64(values: Any) -> torch.Tensor:
    return torch.as_tensor(values, dtype=torch.float64).reshape(-1)
