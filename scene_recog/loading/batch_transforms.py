"""Write torchvision, run batched: a `Compose` as work done once per image and work done on batches.

    split = split_pipeline(Compose([Resize((64, 64)), RandomHorizontalFlip(), ToTensor()]))
    images = ...           # split.head of every image, once: uint8 [N, 1, 64, 64]
    x = split.tail(batch)  # what `Compose` gives for each image of the batch, with its own draws

The head is torchvision's own code on PIL images, so it is exact. The tail is the same arithmetic on
[N, C, H, W]. What torchvision would hold there is called the stage: a PIL image, a uint8 tensor or
a float tensor. At the first two a pixel is a whole grey level from 0 to 255, and each step rounds
as torchvision does at that stage, so that no error grows from step to step.

Agreement with torchvision, given the same parameters, in grey levels (1/255):

    flips, crops, padding, erasing, ToTensor    same bits
    ColorJitter                                 same bits on PIL, 1 on uint8, 0.001 on float
    Normalize                                   0.001
    Resize, RandomResizedCrop (bilinear)        1 on PIL and uint8 (mostly 0), 0.01 on float
    Resize moved from tensors into the head     1
    RandomRotation, RandomAffine, bilinear      1 on PIL and uint8 (mostly 0), 0.02 on float
    RandomRotation, RandomAffine, nearest       same, but 1 pixel in 500 is a neighbour's

Parameters are drawn from torch's global CPU generator, so `torch.manual_seed` repeats them on any
device. They follow torchvision's distributions, but are not the same sequence of numbers.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torchvision import transforms as v1
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms import functional as tv


class UnsupportedTransform(ValueError):  # noqa: N818, named for what it tells
    """The pipeline has no batched form: run it image by image.

    Attributes:
        name: what is at fault, such as "GaussianBlur" or "pipeline is not a Compose".
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name


@dataclass(frozen=True)
class SplitPipeline:
    """A pipeline in two parts.

    Attributes:
        head: PIL image (mode L) -> PIL image (mode L) of one fixed size; may be empty.
        tail: uint8 [N, 1, H, W] -> what the pipeline gives, stacked (usually float32 of the same
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
            pipeline must bring them to one before anything random but a flip.

    Raises:
        UnsupportedTransform: a transform that is unknown or cannot be batched exactly, images of
            different sizes, or a pipeline that does not end with a tensor.
    """
    if type(pipeline) not in _COMPOSES:
        raise UnsupportedTransform("pipeline is not a Compose", f"it is {type(pipeline).__name__}")
    head, rest = _split_head(list(_flatten(pipeline)))
    for transform in rest:
        _builder_of(transform)  # an unknown transform says more than a missing size
    height, width = _fixed_size(head, image_size)
    step, stage = _build(rest, Stage("pil", 1, height, width))
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


# ---------------------------------------------------------------- the head


_COMPOSES = (v1.Compose, v2.Compose, nn.Sequential)

# Steps that later ones may overtake on their way into the head, and what that asks of them.
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


def _flatten(pipeline: Any) -> Iterable[Any]:
    children = pipeline.transforms if hasattr(pipeline, "transforms") else pipeline
    for transform in children:
        if type(transform) in _COMPOSES:
            yield from _flatten(transform)
        else:
            yield transform


def _split_head(transforms: list[Any]) -> tuple[list[Any], list[Any]]:
    head: list[Any] = []
    rest: list[Any] = []
    overtaken: set[str] = {"nothing"}
    for position, transform in enumerate(transforms):
        name = type(transform).__name__ if type(transform) in _BUILDERS else ""
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
    """Whether doing `transform` first, on the PIL image, is the same within one grey level."""
    if name == "Resize" and overtaken == {"flip"}:
        return _interpolation(transform) in ("bilinear", "bicubic")  # symmetric
    if name == "Resize" and overtaken:  # PIL always antialiases
        return _interpolation(transform) == "bilinear" and transform.antialias is True
    if name == "CenterCrop":  # not past a flip: an odd margin has no centre
        return "flip" not in overtaken
    return name == "Resize" or (name == "Pad" and not overtaken)


def _fixed_size(head: list[Any], image_size: tuple[int, int] | None) -> tuple[int, int]:
    """(H, W) after the head, found by running it on blank images of very different sizes."""
    probes = [image_size] if image_size else [(200, 600), (500, 300), (311, 257)]
    sizes = set()
    for height, width in probes:
        size = height, width
        for transform in head:
            size = _size_after(transform, *size)
        sizes.add(size)
    if len(sizes) > 1:
        raise UnsupportedTransform(
            "images of different sizes",
            "begin with Resize((height, width)), with both numbers, so that batches can be stacked",
        )
    return sizes.pop()


def _size_after(transform: Any, height: int, width: int) -> tuple[int, int]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that PIL does not heed antialias=False
        image = transform(Image.new("L", (width, height)))
    return image.height, image.width


# ---------------------------------------------------------------- steps of the tail


@dataclass(frozen=True)
class Stage:
    """What torchvision holds between two steps: "pil", "uint8" or "float", and its shape.

    The batch has these values as uint8 or float32; only those of "float" need not be whole.
    """

    kind: str
    channels: int
    height: int
    width: int

    @property
    def is_whole(self) -> bool:
        return self.kind != "float"


Draw = Callable[[int], torch.Tensor]
Apply = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Step:
    """One batched transform. All that is random is in `draw`, all that is heavy in `apply`.

    Attributes:
        apply: images [N, C, H, W], parameters float32 [N, num_parameters] on their device ->
            images. It may overwrite float images, never uint8 ones.
        draw: N -> parameters [N, num_parameters] on the CPU; None for a deterministic step.
        linear: (scale, shift), float64 [C] or [1], if that is all it does: neighbours are fused.
    """

    apply: Apply
    draw: Draw | None = None
    num_parameters: int = 0
    linear: tuple[torch.Tensor, torch.Tensor] | None = None


Builder = Callable[[Any, Stage], tuple[Step | None, Stage]]  # None: nothing to do
_BUILDERS: dict[type, Builder] = {}


def _batched(*names: str) -> Callable[[Builder], Builder]:
    """Register a builder for the classes of these names in torchvision v1 and v2.

    The exact class counts: a subclass may do anything.
    """

    def register(builder: Builder) -> Builder:
        for name in names:
            for module in (v1, v2):
                if hasattr(module, name):  # some are only in v2, or only in later versions
                    _BUILDERS[getattr(module, name)] = builder
        return builder

    return register


def _builder_of(transform: Any) -> Builder:
    if type(transform) in _BUILDERS:
        return _BUILDERS[type(transform)]
    name = type(transform).__name__
    raise UnsupportedTransform(name, "it has no batched form here")


def _build(transforms: Iterable[Any], stage: Stage) -> tuple[Step, Stage]:
    """One step that does all the transforms in turn."""
    steps: list[Step] = []
    for transform in transforms:
        step, stage = _builder_of(transform)(transform, stage)
        if step is None:
            continue
        if step.linear and steps and (before := steps[-1].linear):
            steps.pop()
            step = _linear(before[0] * step.linear[0], before[1] * step.linear[0] + step.linear[1])
        steps.append(step)
    return _chain(steps), stage


def _chain(steps: list[Step]) -> Step:
    counts = [step.num_parameters for step in steps]
    draws = [step.draw for step in steps if step.draw]

    def apply(x: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        for step, own in zip(steps, parameters.split(counts, dim=1), strict=True):
            x = step.apply(x, own)
        return x

    def draw(n: int) -> torch.Tensor:
        return torch.cat([draw(n).double() for draw in draws], dim=1)

    if len(steps) == 1:
        return steps[0]
    return Step(apply if steps else lambda x, _: x, draw if draws else None, sum(counts))


# ---------------------------------------------------------------- types and values


@_batched("Identity", "ToPureTensor", "RandomGrayscale")
def _nothing(_: Any, stage: Stage) -> tuple[None, Stage]:
    return None, stage


@_batched("Grayscale", "RGB")
def _to_channels(transform: Any, stage: Stage) -> tuple[Step | None, Stage]:
    """Grey as three equal channels: what a network trained on colour asks for."""
    channels = getattr(transform, "num_output_channels", 3)
    if channels == stage.channels:
        return None, stage
    step = Step(lambda x, _: x[:, :1].repeat(1, channels, 1, 1))
    return step, replace(stage, channels=channels)


@_batched("PILToTensor", "ToImage")
def _to_uint8(transform: Any, stage: Stage) -> tuple[None, Stage]:
    if stage.kind == "pil":
        return None, replace(stage, kind="uint8")
    if type(transform).__name__ == "PILToTensor":
        raise UnsupportedTransform("PILToTensor", "its input is a tensor already")
    return None, stage


@_batched("ToTensor", "ConvertImageDtype", "ToDtype")
def _to_float(transform: Any, stage: Stage) -> tuple[Step | None, Stage]:
    name = type(transform).__name__
    if (name == "ToTensor") != (stage.kind == "pil"):
        raise UnsupportedTransform(name, f"its input must not be a {stage.kind} image")
    if getattr(transform, "dtype", torch.float32) != torch.float32:
        raise UnsupportedTransform(name, f"to {transform.dtype}; only torch.float32 is batched")
    if stage.kind == "float":
        return None, stage
    scale = 1 / 255 if getattr(transform, "scale", True) else 1.0  # v1 always scales
    return _linear(_float64(scale), _float64(0.0)), replace(stage, kind="float")


@_batched("Normalize")
def _normalize(transform: Any, stage: Stage) -> tuple[Step, Stage]:
    mean, std = _float64(transform.mean), _float64(transform.std)
    if stage.kind != "float":
        raise UnsupportedTransform("Normalize", "its input must be a float tensor")
    if not {len(mean), len(std)} <= {1, stage.channels} or 0 in std:
        raise UnsupportedTransform("Normalize", f"{transform} of {stage.channels} channel(s)")
    return _linear(1 / std, -mean / std), stage


def _float64(values: Any) -> torch.Tensor:
    return torch.as_tensor(values, dtype=torch.float64).reshape(-1)


def _linear(scale: torch.Tensor, shift: torch.Tensor) -> Step:
    """scale * x + shift."""
    is_to_tensor = scale.tolist() == [1 / 255] and shift.tolist() == [0.0]
    is_one = len(scale) == len(shift) == 1
    a, b = scale.float().view(-1, 1, 1), shift.float().view(-1, 1, 1)

    def apply(x: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        x = x.float()
        if is_to_tensor:
            return x.div_(255)  # the very division of ToTensor
        if is_one:
            return x.mul_(scale.item()).add_(shift.item())
        return x.mul_(a.to(x.device)).add_(b.to(x.device))

    return Step(apply, linear=(scale, shift))


@_batched("ColorJitter")
def _color_jitter(transform: Any, stage: Stage) -> tuple[Step | None, Stage]:
    """Brightness and contrast, in either order with equal chance.

    Saturation and hue do not change grey pixels.
    """
    brightness, contrast = transform.brightness, transform.contrast
    if brightness is None and contrast is None:
        return None, stage

    draw = _uniform((0, 1), brightness or (1, 1), contrast or (1, 1))

    def blend(x: torch.Tensor, factor: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        x = x.sub_(other).mul_(factor).add_(other)  # PIL's order: any other would round elsewhere
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
        # Brightness blends with black, contrast with the mean of what it is given.
        is_first = coin < 0.5  # brightness
        x = blend(x, torch.where(is_first, b, c), mean_of(x) * ~is_first)
        return blend(x, torch.where(is_first, c, b), mean_of(x) * is_first)

    return Step(apply, draw, 3), stage


@_batched("RandomErasing")
def _random_erasing(transform: Any, stage: Stage) -> tuple[Step, Stage]:
    """Zhong et al. 2017, "Random Erasing Data Augmentation"."""
    height, width = stage.height, stage.width
    is_noise = transform.value in (None, "random")
    if stage.kind == "pil" or (is_noise and (stage.is_whole or stage.channels > 1)):
        raise UnsupportedTransform("RandomErasing", "it needs a float tensor of one channel")
    value = 0.0 if is_noise else _one_number(transform, "value", transform.value)
    value = float(int(value)) if stage.is_whole else value
    ratio = [1 / r for r in reversed(transform.ratio)]  # here it is height over width

    def draw(n: int) -> torch.Tensor:
        boxes, found = _draw_boxes(n, stage, transform.scale, ratio, (0, height - 1, width - 1))
        boxes[:, 2].mul_(found & (torch.rand(n) < transform.p))  # no height: nothing is erased
        return torch.cat([boxes, torch.randn(n, height * width if is_noise else 0)], dim=1)

    def apply(x: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        top, left, h, w = parameters[:, :4].t().reshape(4, -1, 1, 1)
        rows = torch.arange(height, device=x.device)[:, None]
        columns = torch.arange(width, device=x.device)
        is_inside = (rows >= top) & (rows < top + h) & (columns >= left) & (columns < left + w)
        fill = parameters[:, 4:].reshape(-1, 1, height, width) if is_noise else value
        return torch.where(is_inside.unsqueeze(1), fill, x)

    return Step(apply, draw, 4 + is_noise * height * width), stage


# ---------------------------------------------------------------- whole pixels: flips, crops, pads


@_batched("RandomHorizontalFlip", "RandomVerticalFlip")
def _random_flip(transform: Any, stage: Stage) -> tuple[Step, Stage]:
    axis = 3 if type(transform).__name__ == "RandomHorizontalFlip" else 2

    def apply(x: torch.Tensor, flipped: torch.Tensor) -> torch.Tensor:
        # Both versions, and a pick for each image: four times as fast as torch.where
        pick = torch.arange(len(x), device=x.device) + len(x) * flipped[:, 0].long()
        return torch.cat([x, x.flip(axis)]).index_select(0, pick)

    return Step(apply, lambda n: torch.rand(n, 1) < transform.p, 1), stage


@_batched("RandomCrop")
def _random_crop(transform: Any, stage: Stage) -> tuple[Step, Stage]:
    new_height, new_width = transform.size
    steps = []
    if transform.padding is not None:
        padding = transform.padding
        if isinstance(transform, v2.RandomCrop):  # keeps it as left, right, top, bottom
            padding = [padding[0], padding[2], padding[1], padding[3]]
        step, stage = _pad_by(padding, transform, stage)
        steps.append(step)
    if transform.pad_if_needed:
        missing = max(0, new_width - stage.width), max(0, new_height - stage.height)
        step, stage = _pad_by(missing, transform, stage)
        steps.append(step)
    room_y, room_x = stage.height - new_height, stage.width - new_width
    if room_y < 0 or room_x < 0:
        raise UnsupportedTransform(
            "RandomCrop", f"{transform.size} is larger than {(stage.height, stage.width)}"
        )

    def draw(n: int) -> torch.Tensor:
        return torch.stack([_integers(n, room_y), _integers(n, room_x)], dim=1)

    def crop(x: torch.Tensor, corners: torch.Tensor) -> torch.Tensor:
        top, left = corners.long().unbind(1)
        windows = x.unfold(2, new_height, 1).unfold(3, new_width, 1)  # a view of all crops
        return windows[torch.arange(len(x), device=x.device), :, top, left]

    stage = replace(stage, height=new_height, width=new_width)
    return _chain([*steps, Step(crop, draw, 2)]), stage


@_batched("Pad")
def _pad(transform: Any, stage: Stage) -> tuple[Step, Stage]:
    return _pad_by(transform.padding, transform, stage)


def _pad_by(padding: int | Sequence[int], transform: Any, stage: Stage) -> tuple[Step, Stage]:
    fill, mode = _fill(transform) or 0.0, transform.padding_mode
    fill = float(int(fill)) if stage.is_whole else fill  # as both PIL and uint8 cut it off
    padding = [padding] if isinstance(padding, int) else list(padding)
    is_far = mode != "constant" and max(padding) >= min(stage.height, stage.width)
    if min(padding) < 0 or is_far:
        raise UnsupportedTransform(type(transform).__name__, f"padding={padding} is not batched")
    height, width = _size_after(v1.Pad(padding), stage.height, stage.width)
    step = Step(lambda x, _: tv.pad(x, padding, fill, mode))
    return step, replace(stage, height=height, width=width)


@_batched("CenterCrop")
def _center_crop(transform: Any, stage: Stage) -> tuple[Step, Stage]:
    height, width = _size_after(transform, stage.height, stage.width)
    step = Step(lambda x, _: tv.center_crop(x, [height, width]))
    return step, replace(stage, height=height, width=width)


# ---------------------------------------------------------------- resampling: scale


@_batched("Resize")
def _resize(transform: Any, stage: Stage) -> tuple[Step, Stage]:
    size = _size_after(transform, stage.height, stage.width)
    resample = _resampler(transform, stage, size)
    whole = torch.tensor([[0.0, 0.0, stage.height, stage.width]])
    step = Step(lambda x, _: resample(x, whole.to(x.device).expand(len(x), 4)))
    return step, replace(stage, height=size[0], width=size[1])


@_batched("RandomResizedCrop")
def _random_resized_crop(transform: Any, stage: Stage) -> tuple[Step, Stage]:
    """Szegedy et al. 2015, "Going deeper with convolutions", section 6."""
    height, width = stage.height, stage.width
    size = transform.size[0], transform.size[-1]
    # where no box fits, as much of the middle as the ratio allows
    widest, tallest = round(height * max(transform.ratio)), round(width / min(transform.ratio))
    h, w = min(height, tallest), min(width, widest)
    middle = torch.tensor([(height - h) // 2, (width - w) // 2, h, w])

    def draw(n: int) -> torch.Tensor:
        boxes, found = _draw_boxes(n, stage, transform.scale, transform.ratio, (1, height, width))
        return torch.where(found[:, None], boxes, middle)

    step = Step(_resampler(transform, stage, size), draw, 4)
    return step, replace(stage, height=size[0], width=size[1])


def _resampler(transform: Any, stage: Stage, size: tuple[int, int]) -> Apply:
    """images [N, C, H, W], boxes [N, 4] -> the boxes at one size, [N, C, *size], bilinear.

    First along x, then along y, rounded each time, as Pillow does (for some sizes, new Pillow
    takes y first, which can differ by one grey level).
    """
    if _interpolation(transform) != "bilinear":
        name, mode = type(transform).__name__, _interpolation(transform)
        raise UnsupportedTransform(name, f"{mode} is not batched, as it would not be exact")
    antialias = stage.kind == "pil" or bool(transform.antialias)

    def round_(x: torch.Tensor) -> torch.Tensor:
        return x.add_(0.5).floor_() if stage.is_whole else x

    def resample(x: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
        n, c, height, width = x.shape
        m = n * c
        top, left, h, w = boxes.repeat_interleave(c, dim=0).unsqueeze(2).unbind(1)
        image = torch.arange(m, device=x.device)[:, None, None]
        # Turned as one big matrix, because torch does that fast: columns of all images as rows.
        columns = x.reshape(m * height, width).t().contiguous().float().view(width * m, height)
        taps, weights = _taps(left, w, width, size[1], antialias)
        columns = _sum_rows(columns, (taps * m + image).transpose(0, 1), weights.transpose(0, 1))
        rows = round_(columns).view(size[1], m * height).t().contiguous()
        taps, weights = _taps(top, h, height, size[0], antialias)
        rows = _sum_rows(rows, taps + image * height, weights)
        return round_(rows).view(n, c, *size)

    return resample


def _taps(
    start: torch.Tensor, length: torch.Tensor, num_in: int, num_out: int, antialias: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Which pixels along an axis make up each new one, and with what weights.

    The weights are a triangle about the new pixel's centre. Antialiasing stretches it over all
    the pixels that the new one covers.

    Args:
        start, length: [M, 1], the part of the axis to take.

    Returns:
        Indices (int64) and weights (float32, sum 1), both [M, num_out, taps].
    """
    centre = start + (torch.arange(num_out, device=start.device) + 0.5) * length / num_out
    reach = (length / num_out).clamp(min=1) if antialias else torch.ones_like(length)
    longest = max(1.0, num_in / num_out) if antialias else 1.0
    first = (centre - reach + 0.5).floor_().unsqueeze(2)
    taps = first + torch.arange(math.floor(2 * longest) + 1, device=start.device)
    distance = (taps + 0.5).sub_(centre.unsqueeze(2)).div_(reach.unsqueeze(2)).abs_()
    is_inside = (taps >= start.unsqueeze(2)) & (taps < (start + length).unsqueeze(2))
    weights = distance.neg_().add_(1).clamp_(min=0).mul_(is_inside)
    return taps.clamp_(0, num_in - 1).long(), weights.div_(weights.sum(dim=2, keepdim=True))


def _sum_rows(rows: torch.Tensor, index: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """rows [R, D], index and weights [.., .., T] -> [B, D], weighted sums of T rows each."""
    index, weights = index.reshape(-1, index.shape[2]), weights.reshape(-1, index.shape[2])
    if rows.device.type != "cpu" or not len(index):
        return _gather_rows(rows, index, weights)
    # An embedding bag is just that sum, and on a CPU ten times as fast as dense matrices.
    return F.embedding_bag(index.int(), rows, per_sample_weights=weights, mode="sum")


def _gather_rows(rows: torch.Tensor, index: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    terms = [rows[index[:, t]] * weights[:, t, None] for t in range(index.shape[1])]
    return torch.stack(terms).sum(dim=0)


# ---------------------------------------------------------------- resampling: rotation, shear


@_batched("RandomRotation")
def _random_rotation(transform: Any, stage: Stage) -> tuple[Step, Stage]:
    if transform.expand:
        raise UnsupportedTransform("RandomRotation", "expand=True gives images of different sizes")
    low, high = transform.degrees
    clockwise = -high, -low  # unlike RandomAffine, this one turns the other way
    draw_motion = _uniform(clockwise, (0, 0), (0, 0), (1, 1), (0, 0), (0, 0))

    def draw(n: int) -> torch.Tensor:
        return _inverse_affine(draw_motion(n).t(), transform.center, stage)

    return Step(_warp(transform, stage), draw, 6), stage


@_batched("RandomAffine")
def _random_affine(transform: Any, stage: Stage) -> tuple[Step, Stage]:
    share_x, share_y = transform.translate or (0, 0)
    reach_x, reach_y = share_x * stage.width, share_y * stage.height
    shear = [*(transform.shear or (0, 0)), 0, 0]  # bounds along x, and perhaps along y

    draw_motion = _uniform(
        transform.degrees,
        (-reach_x, reach_x),
        (-reach_y, reach_y),
        transform.scale or (1, 1),
        shear[:2],
        shear[2:4],
    )

    def draw(n: int) -> torch.Tensor:
        motion = draw_motion(n).t()
        motion[1:3].round_()  # shifts are whole pixels
        return _inverse_affine(motion, transform.center, stage)

    return Step(_warp(transform, stage), draw, 6), stage


def _inverse_affine(
    motion: torch.Tensor, center: Sequence[float] | None, stage: Stage
) -> torch.Tensor:
    """Where each new pixel is fetched from: [n, 6], a 2x3 matrix from new to old coordinates.

    The map forth is shear, rotation and scale about `center`, then shift. New coordinates are
    pixels from the image's middle; old ones run from -1 to 1, edge to edge.

    Args:
        motion: [6, n], angle (degrees, clockwise), shift along x and y, scale, shear along x and y.
    """
    height, width = stage.height, stage.width
    x0, y0 = (center[0] - width / 2, center[1] - height / 2) if center else (0.0, 0.0)
    turn, shear_x, shear_y = motion[[0, 4, 5]].deg2rad()
    cos, sin = (turn - shear_y).cos() / shear_y.cos(), (turn - shear_y).sin() / shear_y.cos()
    # [[a, b], [c, d]] is the map forth without scale; its determinant is 1
    a, b = cos, -cos * shear_x.tan() - turn.sin()
    c, d = sin, -sin * shear_x.tan() + turn.cos()
    x, y, scale = -x0 - motion[1], -y0 - motion[2], motion[3]
    to_x = torch.stack([d / scale, -b / scale, (d * x - b * y) / scale + x0], dim=1)
    to_y = torch.stack([-c / scale, a / scale, (a * y - c * x) / scale + y0], dim=1)
    return torch.cat([to_x * (2 / width), to_y * (2 / height)], dim=1)


def _warp(transform: Any, stage: Stage) -> Apply:
    """images, matrices [N, 6] of `_inverse_affine` -> images, filled where there is no source."""
    mode, fill, is_pil = _interpolation(transform), _fill(transform), stage.kind == "pil"
    if mode not in ("nearest", "bilinear"):
        raise UnsupportedTransform(type(transform).__name__, f"{mode} is not batched")

    def warp(x: torch.Tensor, matrices: torch.Tensor) -> torch.Tensor:
        x = x.float()
        a, b, c, d, e, f = matrices.t().reshape(6, -1, 1, 1)
        across = torch.arange(stage.width, device=x.device) - (stage.width - 1) / 2
        down = (torch.arange(stage.height, device=x.device) - (stage.height - 1) / 2)[:, None]
        grid = torch.empty(len(x), stage.height, stage.width, 2, device=x.device)
        # into its place: torch.stack on a last axis of two is ten times as slow
        torch.add(a * across, b * down + c, out=grid[..., 0])
        torch.add(d * across, e * down + f, out=grid[..., 1])
        if is_pil and mode == "nearest":  # between two pixels, PIL takes the right and lower one
            grid += 1e-4 / max(stage.height, stage.width)
        if is_pil or mode == "nearest":
            out = F.grid_sample(x, grid, mode, "border", align_corners=False)
            is_off = grid.add_(1e-6).abs_() >= 1  # from -1 to below 1 is inside
            outside = is_off[..., 0] | is_off[..., 1]
            out.masked_fill_(outside.unsqueeze(1), fill or 0)
            if is_pil:
                return out.add_(1e-3).floor_()  # PIL cuts off; 1e-3 is for 99.9999
        else:  # torchvision blends with the fill by how much of a pixel's source is inside
            with_share = torch.cat([x, torch.ones_like(x[:, :1])], dim=1)
            out = F.grid_sample(with_share, grid, mode, "zeros", align_corners=False)
            out, share = out[:, :-1], out[:, -1:]
            if fill is not None:
                out = (out - fill).mul_(share).add_(fill)
        return out.round_() if stage.is_whole else out

    return warp


# ---------------------------------------------------------------- chance


@_batched("RandomApply")
def _random_apply(transform: Any, stage: Stage) -> tuple[Step, Stage]:
    branches = [_build(_flatten(transform), stage), (Step(lambda x, _: x), stage)]
    return _pick(transform, branches, [transform.p, 1 - transform.p])


@_batched("RandomChoice")
def _random_choice(transform: Any, stage: Stage) -> tuple[Step, Stage]:
    branches = [_build(_flatten([choice]), stage) for choice in transform.transforms]
    return _pick(transform, branches, transform.p or [1.0] * len(branches))


def _pick(
    transform: Any, branches: list[tuple[Step, Stage]], weights: Sequence[float]
) -> tuple[Step, Stage]:
    """Do all branches on all images, and keep for each image the one that it drew."""
    steps = [step for step, _ in branches]
    stage = branches[0][1]
    if any(other != stage for _, other in branches):
        raise UnsupportedTransform(
            type(transform).__name__, "its choices give different sizes or types of image"
        )
    shares = torch.tensor(weights, dtype=torch.float64).cumsum(0)
    shares /= shares[-1].clone()

    def draw(n: int) -> torch.Tensor:
        choice = torch.searchsorted(shares, torch.rand(n, 1, dtype=torch.float64), right=True)
        return torch.cat([choice, *(step.draw(n) for step in steps if step.draw)], dim=1)

    def apply(x: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        sizes = [1, *(step.num_parameters for step in steps)]
        choice, *parts = parameters.split(sizes, dim=1)
        results = [
            # a copy, because a step may overwrite float images
            step.apply(x.clone() if x.is_floating_point() else x, part)
            for step, part in zip(steps, parts, strict=True)
        ]
        if any(result.is_floating_point() for result in results):
            results = [result.float() for result in results]
        pick = torch.arange(len(x), device=x.device) + len(x) * choice[:, 0].long()
        return torch.cat(results).index_select(0, pick)

    return Step(apply, draw, 1 + sum(step.num_parameters for step in steps)), stage


# ---------------------------------------------------------------- draws and arguments


def _uniform(*bounds: Sequence[float]) -> Draw:
    """n -> float64 [n, len(bounds)], each column evenly between its bounds."""
    low, high = torch.tensor(bounds, dtype=torch.float64).unbind(1)
    width = high - low
    return lambda n: torch.rand(n, len(low), dtype=torch.float64).mul_(width).add_(low)


def _integers(n: int, highest: int | torch.Tensor) -> torch.Tensor:
    """[n] whole numbers from 0 to `highest`, which may differ from image to image."""
    return torch.rand(n, dtype=torch.float64).mul_(highest + 1).floor_()


def _draw_boxes(
    n: int, stage: Stage, scale: Sequence[float], ratio: Sequence[float], limits: Sequence[int]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Boxes of random area (share of the image) and aspect (width over height), ten tries each.

    Args:
        limits: least side, greatest height, greatest width.

    Returns:
        (top, left, height, width) as float64 [n, 4], and whether one try lay within the limits.
    """
    area = _uniform(*[scale] * 10)(n) * stage.height * stage.width
    aspect = _uniform(*[[math.log(r) for r in ratio]] * 10)(n).exp_()
    h, w = (area / aspect).sqrt_().round_(), (area * aspect).sqrt_().round_()
    fits = (torch.minimum(h, w) >= limits[0]) & (h <= limits[1]) & (w <= limits[2])
    first = fits.byte().argmax(dim=1, keepdim=True)
    h, w = h.gather(1, first)[:, 0], w.gather(1, first)[:, 0]
    boxes = [_integers(n, stage.height - h), _integers(n, stage.width - w), h, w]
    return torch.stack(boxes, dim=1), fits.any(dim=1)


def _interpolation(transform: Any) -> str:
    mode = transform.interpolation
    if isinstance(mode, InterpolationMode):
        return str(mode.value)
    pil_numbers = {0: "nearest", 2: "bilinear", 3: "bicubic"}
    return pil_numbers.get(mode, str(mode))


def _fill(transform: Any) -> float | None:
    if transform.fill is None:
        return None
    return _one_number(transform, "fill", transform.fill)


def _one_number(transform: Any, what: str, value: Any) -> float:
    values = list(value) if isinstance(value, list | tuple) else [value]
    if len(set(map(str, values))) != 1 or not isinstance(values[0], int | float):
        raise UnsupportedTransform(type(transform).__name__, f"{what}={value!r} is not one number")
    return float(values[0])
