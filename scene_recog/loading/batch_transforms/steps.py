"""Batched transforms: their stages and steps, and the table of their builders."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torch import nn
from torchvision import transforms as v1
from torchvision.transforms import v2

COMPOSES = (v1.Compose, v2.Compose, nn.Sequential)


class UnsupportedTransform(ValueError):  # noqa: N818, named after what it reports
    """The pipeline has no batched form: run it image by image.

    Attributes:
        name: the cause, such as "GaussianBlur" or "pipeline is not a Compose".
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name


@dataclass(frozen=True)
class Stage:
    """What torchvision would have between two steps: "pil", "uint8" or "float", and its shape.

    The batch holds these values as uint8 or float32; only "float" allows fractions.
    """

    kind: str
    channels: int
    height: int
    width: int

    @property
    def is_whole(self) -> bool:
        """Whether pixels are whole grey levels, to which every step rounds."""
        return self.kind != "float"


Draw = Callable[[int], torch.Tensor]
Apply = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Step:
    """One batched transform. `draw` does everything random, `apply` everything expensive.

    Attributes:
        apply: images [N, C, H, W], parameters float32 [N, num_parameters] on their device ->
            images. It may overwrite float images, never uint8 ones.
        draw: N -> parameters [N, num_parameters] on the CPU; None for a deterministic step.
        linear: (scale, shift), float64 [C] or [1], if the step is linear: neighbours are fused.
    """

    apply: Apply
    draw: Draw | None = None
    num_parameters: int = 0
    linear: tuple[torch.Tensor, torch.Tensor] | None = None


Builder = Callable[[Any, Stage], tuple[Step | None, Stage]]
BUILDERS: dict[type, Builder] = {}


def batched(*names: str) -> Callable[[Builder], Builder]:
    """Register a builder for the classes of these names in torchvision v1 and v2.

    A builder takes the transform and the stage before it, and returns its step (None if there is
    nothing to do) and the stage after it. The class must match exactly: a subclass may do anything.
    """

    def register(builder: Builder) -> Builder:
        for name in names:
            for module in (v1, v2):
                if hasattr(module, name):  # some exist only in v2, or only in later versions
                    BUILDERS[getattr(module, name)] = builder
        return builder

    return register


def builder_of(transform: Any) -> Builder:
    """The builder of a transform.

    Raises:
        UnsupportedTransform: there is none.
    """
    if type(transform) in BUILDERS:
        return BUILDERS[type(transform)]
    name = type(transform).__name__
    raise UnsupportedTransform(name, "it has no batched form here")


def build(transforms: Iterable[Any], stage: Stage) -> tuple[Step, Stage]:
    """One step that applies all the transforms in turn."""
    steps: list[Step] = []
    for transform in transforms:
        step, stage = builder_of(transform)(transform, stage)
        if step is None:
            continue
        if step.linear and steps and (before := steps[-1].linear):
            steps.pop()
            step = linear(before[0] * step.linear[0], before[1] * step.linear[0] + step.linear[1])
        steps.append(step)
    return chain(steps), stage


def chain(steps: list[Step]) -> Step:
    """One step that applies these in turn; their parameters are concatenated."""
    counts = [step.num_parameters for step in steps]
    draws = [step.draw for step in steps if step.draw]

    def apply(x: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        for step, own in zip(steps, torch.split(parameters, counts, dim=1), strict=True):
            x = step.apply(x, own)
        return x

    def draw(n: int) -> torch.Tensor:
        return torch.cat([draw(n).double() for draw in draws], dim=1)

    if len(steps) == 1:
        return steps[0]
    return Step(apply if steps else lambda x, _: x, draw if draws else None, sum(counts))


def linear(scale: torch.Tensor, shift: torch.Tensor) -> Step:
    """scale * x + shift."""
    is_to_tensor = scale.tolist() == [1 / 255] and shift.tolist() == [0.0]
    is_one = len(scale) == len(shift) == 1
    a, b = scale.float().view(-1, 1, 1), shift.float().view(-1, 1, 1)

    def apply(x: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        x = x.float()
        if is_to_tensor:
            return x.div_(255)  # the same division as ToTensor
        if is_one:
            return x.mul_(scale.item()).add_(shift.item())
        return x.mul_(a.to(x.device)).add_(b.to(x.device))

    return Step(apply, linear=(scale, shift))


def flatten(pipeline: Any) -> Iterable[Any]:
    """The transforms of a pipeline, including those of nested pipelines."""
    children = pipeline.transforms if hasattr(pipeline, "transforms") else pipeline
    for transform in children:
        if type(transform) in COMPOSES:
            yield from flatten(transform)
        else:
            yield transform


def size_after(transform: Any, height: int, width: int) -> tuple[int, int]:
    """(H, W) after a transform of an image of this size, found by applying it to a blank one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PIL ignores antialias=False
        image = transform(Image.new("L", (width, height)))
    return image.height, image.width
