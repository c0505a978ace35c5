"""The planner: decides which transforms run once per image, and which on every batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image

from scene_recog.loading.batch_transforms.sampling import interpolation_of
from scene_recog.loading.batch_transforms.steps import (
    BUILDERS,
    COMPOSES,
    Stage,
    UnsupportedTransform,
    build,
    builder_of,
    flatten,
    size_after,
)

# Steps that later ones may be moved past on their way into the head, and the condition for it.
_OVERTAKEN = {
    "RandomHorizontalFlip": "flip",
    "RandomVerticalFlip": "flip",
    "PILToTensor": "uint8",
    "ToImage": "uint8",
    "ToTensor": "float",
    "ToDtype": "float",
    "ConvertImageDtype": "float",
    **dict.fromkeys(["Grayscale", "RandomGrayscale", "RGB", "Identity", "ToPureTensor"], "nothing"),
}


@dataclass(frozen=True)
class SplitPipeline:
    """A pipeline in two parts.

    Attributes:
        head: PIL image (mode L) -> PIL image (mode L) of one fixed size; may be empty.
        tail: uint8 [N, 1, H, W] -> the pipeline's results, stacked (usually float32 of the same
            shape). Does not change its input.
        is_random: whether `tail` draws random numbers.
    """

    head: list[Callable[[Image.Image], Image.Image]]
    tail: Callable[[torch.Tensor], torch.Tensor]
    is_random: bool


def split_pipeline(pipeline: Any, *, image_size: tuple[int, int] | None = None) -> SplitPipeline:
    """Split a torchvision pipeline into a head for single images and a tail for batches.

    Args:
        pipeline: `Compose` of v1 or v2 transforms, mixed and nested as you like.
        image_size: (H, W) of all images, if they are known to have one size. Otherwise the
            pipeline must resize them before any random step other than a flip.

    Raises:
        UnsupportedTransform: a transform that is unknown or cannot be batched exactly, images of
            different sizes, or a pipeline that does not end with a tensor.
    """
    if type(pipeline) not in COMPOSES:
        raise UnsupportedTransform("pipeline is not a Compose", f"it is {type(pipeline).__name__}")
    head, rest = _split_head(list(flatten(pipeline)))
    for transform in rest:
        builder_of(transform)  # an unknown transform is a better message than a missing size
    height, width = _fixed_size(head, image_size)
    step, stage = build(rest, Stage("pil", 1, height, width))
    if stage.kind == "pil":
        raise UnsupportedTransform("pipeline ends with PIL images", "add ToTensor()")

    def tail(images: torch.Tensor) -> torch.Tensor:
        if images.dtype != torch.uint8 or images.shape[1:] != (1, height, width):
            raise ValueError(
                f"images are {images.dtype} {list(images.shape)}: "
                f"they must be uint8 [N, 1, {height}, {width}]"
            )
        n = len(images)
        parameters = step.draw(n).float() if step.draw else torch.empty(n, 0)
        images = step.apply(images, parameters.to(images.device))
        return images.to(torch.uint8 if stage.is_whole else torch.float32)

    return SplitPipeline(head, tail, is_random=step.draw is not None)


def _split_head(transforms: list[Any]) -> tuple[list[Any], list[Any]]:
    head: list[Any] = []
    rest: list[Any] = []
    overtaken: set[str] = {"nothing"}
    for position, transform in enumerate(transforms):
        name = type(transform).__name__ if type(transform) in BUILDERS else ""
        if name in _OVERTAKEN:
            rest.append(transform)
            overtaken.add(_OVERTAKEN[name])
        elif _can_overtake(transform, name, overtaken - {"nothing"}):
            head.append(transform)
        else:
            rest.extend(transforms[position:])
            break
    return head, rest


def _can_overtake(transform: Any, name: str, overtaken: set[str]) -> bool:
    """Whether applying `transform` first, on the PIL image, is the same within one grey level."""
    if name == "Resize" and overtaken == {"flip"}:
        return interpolation_of(transform) in ("bilinear", "bicubic")  # symmetric
    if name == "Resize" and overtaken:  # PIL always antialiases
        return interpolation_of(transform) == "bilinear" and transform.antialias is True
    if name == "CenterCrop":  # not past a flip: an odd margin cannot be centred
        return "flip" not in overtaken
    return name == "Resize" or (name == "Pad" and not overtaken)


def _fixed_size(head: list[Any], image_size: tuple[int, int] | None) -> tuple[int, int]:
    """(H, W) after the head, found by running it on blank images of very different sizes."""
    probes = [image_size] if image_size else [(200, 600), (500, 300), (311, 257)]
    sizes = set()
    for height, width in probes:
        size = height, width
        for transform in head:
            size = size_after(transform, *size)
        sizes.add(size)
    if len(sizes) > 1:
        raise UnsupportedTransform(
            "images of different sizes",
            "start with Resize((height, width)), with both numbers, so that batches can be stacked",
        )
    return sizes.pop()
