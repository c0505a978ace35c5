"""Batched transforms against torchvision's own, image by image. Tolerances are in grey levels."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torchvision import transforms as v1
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms import functional as tv

from scene_recog import data_transforms
from scene_recog.datasets.sketch15 import draw_scene
from scene_recog.loading.batch_transforms import (
    UnsupportedTransform,
    resampling,
    rotation,
    split_pipeline,
)
from scene_recog.loading.batch_transforms.steps import Stage, build

BILINEAR, NEAREST = InterpolationMode.BILINEAR, InterpolationMode.NEAREST
TO_TENSOR = v1.ToTensor()
TO_FLOAT = v2.ToDtype(torch.float32, scale=True)


@pytest.fixture(scope="module")
def photos() -> list[Image.Image]:
    """Four sketches and two of noise, of five sizes."""
    rng = np.random.default_rng(0)
    sketches = [draw_scene(name, rng) for name in ("coast", "kitchen", "forest", "street")]
    noise = [rng.integers(0, 256, size, dtype=np.uint8) for size in ((231, 300), (120, 90))]
    return sketches + [Image.fromarray(pixels) for pixels in noise]


def sized(photos: list[Image.Image], height: int, width: int) -> list[Image.Image]:
    return [photo.resize((width, height)) for photo in photos]


def image_by_image(pipeline: Callable[..., Any], photos: list[Image.Image]) -> torch.Tensor:
    return torch.stack([torch.as_tensor(pipeline(photo)) for photo in photos])


def batched(pipeline: Any, photos: list[Image.Image], **options: Any) -> torch.Tensor:
    split = split_pipeline(pipeline, **options)
    images = []
    for photo in photos:
        for transform in split.head:
            photo = transform(photo)
        assert photo.mode == "L"
        images.append(tv.pil_to_tensor(photo))
    batch = torch.stack(images)
    before = batch.clone()
    result = split.tail(batch)
    assert torch.equal(batch, before), "the tail changed its input"
    return result


def differences(pipeline: Any, photos: list[Image.Image], **options: Any) -> torch.Tensor:
    """Absolute differences between the two methods, in grey levels."""
    torch.manual_seed(0)
    ours = batched(pipeline, photos, **options)
    torch.manual_seed(0)
    theirs = image_by_image(pipeline, photos)
    assert ours.shape == theirs.shape
    assert ours.dtype == theirs.dtype
    levels = 1 if ours.dtype == torch.uint8 else 255
    return (ours.double() - theirs.double()).abs() * levels


# ---------------------------------------------------------------- deterministic pipelines


@pytest.mark.parametrize("size", [(64, 64), (33, 47), (128, 96)])
def test_the_courses_own_pipelines(photos: list[Image.Image], size: tuple[int, int]) -> None:
    assert differences(data_transforms.get_fundamental_transforms(size), photos).max() == 0
    normalized = data_transforms.get_fundamental_normalization_transforms(size, [0.45], [0.25])
    assert differences(normalized, photos).max() < 0.001
    split = split_pipeline(normalized)
    assert [type(transform) for transform in split.head] == [v1.Resize]
    assert not split.is_random
    assert split_pipeline(data_transforms.get_all_transforms(size, [0.5], [0.2])).is_random


@pytest.mark.parametrize(
    ("pipeline", "tolerance"),
    [
        (v1.Compose([v1.Resize(80), v1.CenterCrop(64), TO_TENSOR]), 0),
        (v1.Compose([v1.Resize((64, 51)), v1.Pad((1, 2, 3, 4), fill=7), TO_TENSOR]), 0),
        (v1.Compose([v1.Resize((60, 60), interpolation=NEAREST), TO_TENSOR]), 0),
        (v1.Compose([v1.Compose([v1.Resize((9, 9))]), v1.PILToTensor()]), 0),
        (nn.Sequential(v1.Resize((9, 9)), v2.PILToTensor()), 0),
        (v1.Compose([v1.Grayscale(1), v1.Resize((64, 64)), v1.RandomGrayscale(1), TO_TENSOR]), 0),
        (v1.Compose([v1.Resize((9, 9)), v1.PILToTensor(), v1.ConvertImageDtype(torch.float)]), 0),
        (v2.Compose([v2.Resize((9, 9)), v2.ToImage(), v2.ToDtype(torch.float32)]), 0),
        (v2.Compose([v2.Resize((64, 48)), v2.ToImage(), TO_FLOAT]), 1e-4),
        # tensors first: the resize moves into the head, which rounds
        (v1.Compose([TO_TENSOR, v1.Resize((64, 48))]), 1.001),
        (v1.Compose([TO_TENSOR, v1.Resize(80), v1.CenterCrop(64)]), 1.001),
        (
            v2.Compose([v2.ToImage(), v2.Resize((64, 48)), TO_FLOAT, v2.Normalize([0.4], [1])]),
            1.001,
        ),
        # grey as three channels
        (v1.Compose([v1.Grayscale(3), v1.Resize((64, 64)), TO_TENSOR]), 0),
        (
            v1.Compose(
                [
                    v1.Resize((9, 9)),
                    v1.Grayscale(3),
                    TO_TENSOR,
                    v1.Normalize([0, 0.5, 1], [1, 2, 4]),
                ]
            ),
            0.001,
        ),
    ],
)
def test_deterministic_pipelines(
    photos: list[Image.Image], pipeline: Any, tolerance: float
) -> None:
    assert differences(pipeline, photos).max() <= tolerance


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric"])
@pytest.mark.parametrize("module", [v1, v2])
def test_whole_pixels_in_the_tail_are_the_same_bits(
    photos: list[Image.Image], module: Any, mode: str
) -> None:
    options = {"fill": 9.9, "padding_mode": mode}  # cut off to 9 where pixels are whole
    always = [module.RandomHorizontalFlip(1.0), module.RandomVerticalFlip(1.0)]
    steps = [
        module.Resize((40, 31)),
        *always,
        module.ColorJitter((1.25, 1.25)),
        module.Pad((1, 2, 3, 4), **options),
        module.CenterCrop((35, 30)),
        # its crop leaves only one choice: the whole image
        module.RandomCrop((41, 34), padding=(1, 2, 3, 4), **options),
        module.PILToTensor(),
        module.Pad([2, 3], **options),
        always[0],
    ]
    assert differences(module.Compose(steps), photos).max() == 0


@pytest.mark.parametrize("flip", [v1.RandomHorizontalFlip(1), v2.RandomVerticalFlip(1)])
@pytest.mark.parametrize("mode", [BILINEAR, InterpolationMode.BICUBIC])
def test_resize_moves_before_a_flip(
    photos: list[Image.Image], flip: Any, mode: InterpolationMode
) -> None:
    pipeline = v1.Compose([flip, v1.Resize((64, 51), interpolation=mode), TO_TENSOR])
    assert len(split_pipeline(pipeline).head) == 1
    assert differences(pipeline, photos).max() <= 1.001


@pytest.mark.parametrize("size", [(64, 64), (50, 61), (96, 130)])
@pytest.mark.parametrize("native", [(100, 120), (33, 47)])
def test_resize_in_the_tail(
    photos: list[Image.Image], size: tuple[int, int], native: tuple[int, int]
) -> None:
    stay = v1.RandomAffine(0)  # counts as random, so that later steps stay in the tail
    images = sized(photos, *native)
    on_pil = v1.Compose([stay, v1.Resize(size), TO_TENSOR])
    on_uint8 = v2.Compose([v2.PILToTensor(), stay, v2.Resize(size)])
    on_float = v1.Compose([TO_TENSOR, stay, v1.Resize(size)])
    blurless = v1.Compose([TO_TENSOR, stay, v1.Resize(size, antialias=False)])
    for pipeline, tolerance in ((on_pil, 1), (on_uint8, 1), (on_float, 0.01), (blurless, 0.01)):
        split = split_pipeline(pipeline, image_size=native)
        assert not split.head
        assert differences(pipeline, images, image_size=native).max() <= tolerance + 1e-4


# ---------------------------------------------------------------- random ones at fixed parameters


@pytest.mark.parametrize("factor", [0.0, 0.63, 1.0, 1.37])
@pytest.mark.parametrize("name", ["brightness", "contrast"])
def test_jitter(photos: list[Image.Image], name: str, factor: float) -> None:
    jitter = {name: (factor, factor)}
    on_pil = v1.Compose([v1.Resize((64, 51)), v1.ColorJitter(**jitter, hue=0.1), TO_TENSOR])
    on_uint8 = v2.Compose([v2.Resize((64, 51)), v2.ToImage(), v2.ColorJitter(**jitter)])
    on_float = v1.Compose([v1.Resize((64, 51)), TO_TENSOR, v1.ColorJitter(**jitter, saturation=1)])
    assert differences(on_pil, photos).max() == 0
    assert differences(on_uint8, photos).max() <= 1
    assert differences(on_float, photos).max() < 0.001


def test_jitter_does_brightness_and_contrast_in_both_orders(photos: list[Image.Image]) -> None:
    pipeline = v1.Compose([v1.ColorJitter((1.6, 1.6), (0.55, 0.55)), TO_TENSOR])
    images = sized(photos[:1], 40, 50) * 60
    torch.manual_seed(0)
    ours = batched(pipeline, images, image_size=(40, 50))
    bright, contrast = tv.adjust_brightness, tv.adjust_contrast
    one_way = TO_TENSOR(contrast(bright(images[0], 1.6), 0.55))
    other_way = TO_TENSOR(bright(contrast(images[0], 0.55), 1.6))
    is_one = (ours == one_way).flatten(1).all(dim=1)
    is_other = (ours == other_way).flatten(1).all(dim=1)
    assert (is_one ^ is_other).all()
    assert 18 <= is_one.sum() <= 42


@pytest.mark.parametrize("module", [v1, v2])
@pytest.mark.parametrize("mode", [BILINEAR, NEAREST])
@pytest.mark.parametrize("angle", [0, 7, -33, 90, 180])
@pytest.mark.parametrize("center", [None, (10, 20)])
def test_rotation(
    photos: list[Image.Image], module: Any, mode: Any, angle: float, center: Any
) -> None:
    def rotation(fill: float) -> Any:
        return module.RandomRotation((angle, angle), mode, center=center, fill=fill)

    resize = v1.Resize((64, 50))
    on_pil = differences(v1.Compose([resize, rotation(77.6), TO_TENSOR]), photos)
    on_uint8 = differences(v1.Compose([resize, v1.PILToTensor(), rotation(77.6)]), photos)
    on_float = differences(v1.Compose([resize, TO_TENSOR, rotation(0.3)]), photos)
    if mode is NEAREST:  # a pixel whose source lies between two may take either
        for difference in (on_pil, on_uint8, on_float):
            assert (difference > 0.001).double().mean() < 0.002
    else:
        assert on_pil.max() <= 1.001
        assert (on_pil > 0.001).double().mean() < 0.005
        assert on_uint8.max() <= 1
        assert on_float.max() < 0.02


@pytest.mark.parametrize("mode", [BILINEAR, NEAREST])
def test_affine(photos: list[Image.Image], mode: InterpolationMode) -> None:
    affine = v1.RandomAffine((20, 20), None, (0.5, 0.5), (10, 10, -5, -5), mode, fill=9)
    for to_tensor in ([affine, TO_TENSOR], [v1.PILToTensor(), affine]):
        difference = differences(v1.Compose([v1.Resize((64, 50)), *to_tensor]), photos)
        if mode is NEAREST:
            assert (difference > 0.001).double().mean() < 0.002
        else:
            assert difference.max() <= 1.001


@pytest.mark.parametrize("mode", [BILINEAR, NEAREST])
def test_ties_and_edges_are_as_on_pil(photos: list[Image.Image], mode: InterpolationMode) -> None:
    half = v1.RandomAffine(0, scale=(0.5, 0.5), interpolation=mode, fill=9)
    # each source lies between four pixels, and some just on an edge
    assert differences(v1.Compose([v1.Resize((64, 50)), half, TO_TENSOR]), photos).max() == 0


def test_affine_shifts_by_whole_pixels(photos: list[Image.Image]) -> None:
    pipeline = v1.Compose([v1.RandomAffine(0, translate=(0.1, 0.05)), TO_TENSOR])
    ours = batched(pipeline, sized(photos[:1], 60, 40) * 40, image_size=(60, 40))
    image = sized(photos[:1], 60, 40)[0]
    shifted = {
        (x, y): TO_TENSOR(tv.affine(image, 0, [x, y], 1, [0]))
        for x in range(-4, 5)
        for y in range(-3, 4)
    }
    found = [{at for at, want in shifted.items() if torch.equal(one, want)} for one in ours]
    assert all(len(at) == 1 for at in found)
    assert len(set.union(*found)) > 15


BOXES = torch.tensor([[0, 0, 60, 80], [5, 9, 30, 41], [20, 3, 40, 77], [59, 79, 1, 1]])


@pytest.mark.parametrize("size", [(32, 32), (64, 50), (100, 120)])
@pytest.mark.parametrize("module", [v1, v2])
def test_resized_crop(
    photos: list[Image.Image], monkeypatch: Any, module: Any, size: tuple[int, int]
) -> None:
    found = torch.ones(4, dtype=torch.bool)
    monkeypatch.setattr(resampling, "draw_boxes", lambda *_: (BOXES.double(), found))
    images = sized(photos[:4], 60, 80)
    crop = module.RandomResizedCrop(size)
    for to_tensor, steps, tolerance in (
        (TO_TENSOR, [crop, TO_TENSOR], 1),
        (tv.pil_to_tensor, [v1.PILToTensor(), crop], 1),
        (TO_TENSOR, [TO_TENSOR, crop], 0.01),
    ):
        ours = batched(v1.Compose(steps), images, image_size=(60, 80))
        for result, image, box in zip(ours, images, BOXES.tolist(), strict=True):
            if steps[0] is crop:
                want = to_tensor(tv.resized_crop(image, *box, list(size)))
            else:
                want = tv.resized_crop(to_tensor(image), *box, list(size), antialias=True)
            levels = 1 if want.dtype == torch.uint8 else 255
            assert (result.double() - want.double()).abs().max() * levels <= tolerance + 1e-4


def test_random_crop_takes_every_window(photos: list[Image.Image]) -> None:
    pipeline = v1.Compose([v1.RandomCrop((9, 8), padding=1, fill=3), v1.PILToTensor()])
    image = sized(photos[5:], 9, 9)[0]
    ours = batched(pipeline, [image] * 300, image_size=(9, 9))
    padded = tv.pil_to_tensor(tv.pad(image, [1], 3))
    windows = {(y, x): padded[:, y : y + 9, x : x + 8] for y in range(3) for x in range(4)}
    counts = [sum(torch.equal(crop, window) for crop in ours) for window in windows.values()]
    assert sum(counts) == 300
    assert min(counts) >= 8  # 25 expected


def test_pad_if_needed(photos: list[Image.Image]) -> None:
    images = sized(photos, 9, 8)
    padded = image_by_image(v1.Compose([v1.Pad([0, 11], fill=5), v1.PILToTensor()]), images)
    for module in (v1, v2):
        crop = module.RandomCrop((20, 8), pad_if_needed=True, fill=5)
        ours = batched(v1.Compose([crop, v1.PILToTensor()]), images, image_size=(9, 8))
        for cropped, whole in zip(ours, padded, strict=True):
            assert any(torch.equal(cropped, whole[:, y : y + 20]) for y in range(12))


@pytest.mark.parametrize("module", [v1, v2])
@pytest.mark.parametrize("value", [0, 0.7, "random"])
def test_erasing(photos: list[Image.Image], module: Any, value: Any) -> None:
    steps = [v1.Resize((40, 30)), TO_TENSOR]
    plain = batched(v1.Compose(steps), photos * 20)
    erasing = module.RandomErasing(p=0.5, value=value, scale=(0.1, 0.3))
    erased = batched(v1.Compose([*steps, erasing]), photos * 20)
    changed = (plain != erased).flatten(1).any(dim=1)
    assert 40 <= changed.sum() <= 80
    for before, after in zip(plain[changed], erased[changed], strict=True):
        rows, columns = (before != after)[0].nonzero().unbind(1)
        box = after[0, rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert 0.08 * 1200 <= box.numel() <= 0.33 * 1200
        if value == "random":
            assert 0.6 < box.std() < 1.4
        else:
            assert (box == value).all()


def test_erases_nothing_if_no_box_fits(photos: list[Image.Image]) -> None:
    too_much = v1.RandomErasing(p=1.0, scale=(1.0, 1.0), ratio=(1.0, 1.0))
    assert differences(v1.Compose([v1.Resize((9, 9)), TO_TENSOR, too_much]), photos).max() == 0


# ---------------------------------------------------------------- chance


@pytest.mark.parametrize("module", [v1, v2])
def test_apply_and_choice(photos: list[Image.Image], module: Any) -> None:
    image = sized(photos[:1], 20, 20)[0]
    dark = module.ColorJitter(brightness=(0.5, 0.5))
    mirror = module.RandomHorizontalFlip(1.0)
    apply = module.RandomApply([mirror, dark], p=0.3)
    choice = module.RandomChoice([dark, mirror, module.RandomVerticalFlip(1.0)], p=[2, 0, 6])
    for to_tensor, chance in (
        ([TO_TENSOR], [apply]),
        ([], [apply, TO_TENSOR]),
        ([TO_TENSOR], [choice]),
        ([], [choice, TO_TENSOR]),
    ):
        torch.manual_seed(0)
        pipeline = v1.Compose([*to_tensor, *chance])
        ours = batched(pipeline, [image] * 400, image_size=(20, 20))
        plain, half = TO_TENSOR(image), TO_TENSOR(dark(image))
        if apply in chance:
            wanted = [(plain, 280), (half.flip(2), 120)]
        else:
            wanted = [(half, 100), (plain.flip(1), 300), (plain.flip(2), 0)]
        for want, expected in wanted:
            close = ((ours - want).abs() < 0.5 / 255).flatten(1).all(dim=1)
            assert abs(int(close.sum()) - expected) <= (30 if expected else 0)


def test_draws_repeat_and_differ(photos: list[Image.Image]) -> None:
    pipeline = v1.Compose(
        [
            v1.Resize((48, 48)),
            v1.RandomResizedCrop((32, 40)),
            v1.RandomHorizontalFlip(),
            v1.RandomRotation(20, BILINEAR),
            v1.ColorJitter(0.3, 0.3),
            v1.RandomChoice([v1.RandomCrop(30), v1.CenterCrop(30)]),
            TO_TENSOR,
            v1.Normalize([0.5], [0.2]),
            v1.RandomErasing(),
        ]
    )
    split = split_pipeline(pipeline)
    assert split.is_random
    batch = torch.stack([tv.pil_to_tensor(split.head[0](photos[0]))] * 50)
    torch.manual_seed(3)
    first, second = split.tail(batch), split.tail(batch)
    random.seed(5)  # Python's generator has no effect
    torch.manual_seed(3)
    assert torch.equal(split.tail(batch), first)
    assert first.shape == (50, 1, 30, 30)
    assert not torch.equal(first, second)
    assert len({tuple(image.flatten().tolist()) for image in first}) == 50
    assert split.tail(batch[:0]).shape == (0, 1, 30, 30)


# Steps, and torchvision's draw of one set of parameters for a 60 x 80 image.
DRAWS: dict[str, tuple[Any, Callable[[], Any]]] = {
    "jitter": (
        v1.ColorJitter(0.4, (0.9, 1.7)),
        lambda: v1.ColorJitter.get_params([0.6, 1.4], [0.9, 1.7], None, None)[1:3],
    ),
    "resized crop": (
        v1.RandomResizedCrop(20, scale=(0.2, 1)),
        lambda: v1.RandomResizedCrop.get_params(torch.empty(1, 60, 80), [0.2, 1], [3 / 4, 4 / 3]),
    ),
    "narrow resized crop": (  # many tries fail, some all ten
        v1.RandomResizedCrop(20, scale=(0.6, 1), ratio=(0.4, 0.9)),
        lambda: v1.RandomResizedCrop.get_params(torch.empty(1, 60, 80), [0.6, 1], [0.4, 0.9]),
    ),
    "crop": (
        v1.RandomCrop((50, 77)),
        lambda: v1.RandomCrop.get_params(torch.empty(1, 60, 80), (50, 77))[:2],
    ),
    "erasing": (
        v1.RandomErasing(p=1.0, ratio=(1.5, 4)),
        lambda: v1.RandomErasing.get_params(torch.empty(1, 60, 80), (0.02, 0.33), (1.5, 4), [0.0])[
            :4
        ],
    ),
}


@pytest.mark.parametrize("name", list(DRAWS))
def test_distribution_of_draws(name: str) -> None:
    """Ours and torchvision's: means, spreads and quantiles within five standard errors or so."""
    transform, draw_theirs = DRAWS[name]
    stage = Stage("float", 1, 60, 80)
    step, _ = build([transform], stage)
    assert step.draw is not None
    torch.manual_seed(0)
    n = 1500
    ours = step.draw(n)
    if name == "jitter":
        assert abs((ours[:, 0] < 0.5).double().mean() - 0.5) < 0.07  # which comes first
        ours = ours[:, 1:]
    if "crop" in name and ours.shape[1] == 4:
        assert ours[:, [0, 2]].sum(dim=1).max() <= 60
        assert ours[:, [1, 3]].sum(dim=1).max() <= 80
    theirs = torch.tensor([draw_theirs() for _ in range(n)], dtype=torch.float64)
    assert ours.shape == theirs.shape
    spread = theirs.std(dim=0)
    assert ((ours.mean(dim=0) - theirs.mean(dim=0)).abs() < 0.18 * spread).all()
    assert ((ours.std(dim=0) / spread - 1).abs() < 0.12).all()
    levels = torch.tensor([0.1, 0.3, 0.5, 0.7, 0.9], dtype=torch.float64)
    apart = ours.quantile(levels, dim=0) - theirs.quantile(levels, dim=0)
    step_size = 0.0 if name == "jitter" else 1.0  # boxes are whole pixels
    assert (apart.abs() <= (0.25 * spread).clamp(min=step_size)).all()
    neighbours = torch.stack([ours[:-1, 0], ours[1:, 0]])  # independent from image to image
    assert abs(torch.corrcoef(neighbours)[0, 1]) < 0.09


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_share_of_flips(photos: list[Image.Image], share: float) -> None:
    pipeline = v1.Compose([v1.RandomHorizontalFlip(share), TO_TENSOR])
    torch.manual_seed(0)
    image = sized(photos[:1], 8, 8)[0]
    ours = batched(pipeline, [image] * 800, image_size=(8, 8))
    flips = (ours == TO_TENSOR(image).flip(2)).flatten(1).all(dim=1).double().mean()
    assert abs(flips - share) <= (0.06 if 0 < share < 1 else 0)


def test_affine_draws(monkeypatch: Any) -> None:
    """Rotation, shift, scale and shear are uniform over the given ranges."""
    seen = []
    monkeypatch.setattr(
        rotation, "_inverse_affine", lambda motion, *_: seen.append(motion) or motion.t()
    )
    stage = Stage("pil", 1, 60, 80)
    affine = v2.RandomAffine((-10, 30), (0.1, 0.2), (0.5, 1.5), (-4, 4, 3, 9), BILINEAR)
    torch.manual_seed(0)
    for transform in (affine, v1.RandomRotation((5, 25))):
        step, _ = build([transform], stage)
        assert step.draw is not None
        step.draw(4000)
    low = [-10, -8, -12, 0.5, -4, 3], [-25, 0, 0, 1, 0, 0]
    high = [30, 8, 12, 1.5, 4, 9], [-5, 0, 0, 1, 0, 0]
    for motion, least, most in zip(seen, low, high, strict=True):
        least, most = torch.tensor(least).double(), torch.tensor(most).double()
        width = most - least
        assert ((motion.amin(1) >= least) & (motion.amin(1) <= least + 0.01 * width)).all()
        assert ((motion.amax(1) <= most) & (motion.amax(1) >= most - 0.01 * width)).all()
        assert ((motion.mean(1) - (least + most) / 2).abs() <= 0.03 * width).all()
    assert (seen[0][1:3] == seen[0][1:3].round()).all()


# ---------------------------------------------------------------- refusals and devices


class MyFlip(v1.RandomHorizontalFlip):
    """A subclass may do anything."""


RESIZE = v1.Resize((64, 64))


@pytest.mark.parametrize(
    ("pipeline", "name"),
    [
        (lambda image: image, "pipeline is not a Compose"),
        (TO_TENSOR, "pipeline is not a Compose"),
        (v1.Compose([RESIZE]), "pipeline ends with PIL images"),
        (v1.Compose([TO_TENSOR]), "images of different sizes"),
        (v1.Compose([v1.Resize(64), TO_TENSOR]), "images of different sizes"),
        (v1.Compose([v1.RandomResizedCrop(64), TO_TENSOR]), "images of different sizes"),
        # a resize after these would not be the same if it came first
        (v1.Compose([v1.ColorJitter(0.5), RESIZE, TO_TENSOR]), "images of different sizes"),
        (v1.Compose([TO_TENSOR, v1.Resize((9, 9), antialias=False)]), "images of different sizes"),
        (
            v1.Compose([v1.RandomHorizontalFlip(), v1.Resize((9, 9), NEAREST), TO_TENSOR]),
            "images of different sizes",
        ),
        (
            v1.Compose([v1.RandomHorizontalFlip(), v1.CenterCrop(64), TO_TENSOR]),
            "images of different sizes",
        ),
        (v1.Compose([MyFlip(), RESIZE, TO_TENSOR]), "MyFlip"),
        (v1.Compose([RESIZE, v1.Lambda(lambda x: x), TO_TENSOR]), "Lambda"),
        (v1.Compose([RESIZE, lambda x: x, TO_TENSOR]), "function"),
        (v1.Compose([RESIZE, v1.RandomApply([v1.GaussianBlur(3)]), TO_TENSOR]), "GaussianBlur"),
        (v2.Compose([RESIZE, v2.RandomChoice([v2.TenCrop(3)]), TO_TENSOR]), "TenCrop"),
        (v1.Compose([RESIZE, v1.RandomRotation(9, expand=True), TO_TENSOR]), "RandomRotation"),
        (
            v1.Compose([RESIZE, v1.RandomRotation(9, InterpolationMode.BICUBIC), TO_TENSOR]),
            "RandomRotation",
        ),
        (
            v1.Compose([RESIZE, v1.RandomResizedCrop(9, interpolation=NEAREST), TO_TENSOR]),
            "RandomResizedCrop",
        ),
        (v1.Compose([RESIZE, v1.RandomCrop(65), TO_TENSOR]), "RandomCrop"),
        (v1.Compose([RESIZE, v1.Normalize([0.5], [0.5]), TO_TENSOR]), "Normalize"),
        (v1.Compose([RESIZE, TO_TENSOR, v1.Normalize([0.5] * 3, [0.5] * 3)]), "Normalize"),
        (v1.Compose([RESIZE, TO_TENSOR, v1.Normalize([0.5], [0.0])]), "Normalize"),
        (v1.Compose([RESIZE, TO_TENSOR, TO_TENSOR]), "ToTensor"),
        (v1.Compose([RESIZE, v1.RandomErasing(), TO_TENSOR]), "RandomErasing"),
        (v1.Compose([RESIZE, TO_TENSOR, v1.ConvertImageDtype(torch.half)]), "ConvertImageDtype"),
        (v1.Compose([RESIZE, v1.RandomApply([v1.RandomCrop(9)]), TO_TENSOR]), "RandomApply"),
        (v1.Compose([RESIZE, v1.RandomApply([TO_TENSOR])]), "RandomApply"),
        (
            v2.Compose([RESIZE, v2.PILToTensor(), v2.ToDtype({torch.Tensor: torch.float32})]),
            "ToDtype",
        ),
    ],
)
def test_refuses_by_name(pipeline: Any, name: str) -> None:
    with pytest.raises(UnsupportedTransform, match=name) as caught:
        split_pipeline(pipeline)
    assert caught.value.name == name


def test_refuses_another_batch() -> None:
    tail = split_pipeline(v1.Compose([RESIZE, TO_TENSOR])).tail
    for batch in (torch.zeros(2, 1, 64, 64), torch.zeros(2, 1, 64, 63, dtype=torch.uint8)):
        with pytest.raises(ValueError, match="must be uint8"):
            tail(batch)


def test_everything_follows_the_batch_to_its_device() -> None:
    """The meta device has shapes but no values: any tensor left on the CPU is an error."""
    color = [v1.RandomHorizontalFlip(), v1.ColorJitter(0.2, 0.2)]
    space = [v1.RandomResizedCrop(30), v1.Resize((28, 20)), v1.RandomCrop(22, 1)]
    turns = [v1.RandomRotation(9, BILINEAR), v1.RandomAffine(9, fill=1)]
    chance = [v1.RandomApply(color), v1.RandomChoice(turns)]
    erase = [v1.RandomErasing(), v1.RandomErasing(value="random")]
    steps = [*color, *chance, *space, *turns, TO_TENSOR, *turns, v1.Normalize([0.5], [0.5]), *erase]
    tail = split_pipeline(v1.Compose([RESIZE, *steps])).tail
    result = tail(torch.empty(5, 1, 64, 64, dtype=torch.uint8, device="meta"))
    assert result.device.type == "meta"
    assert result.shape == (5, 1, 22, 22)


def test_sums_of_rows_are_the_same_on_any_device() -> None:
    """The form for accelerators, run here, against the one for CPUs."""
    rows = torch.rand(3, 20, 7)
    start, length = torch.tensor([[0.0], [3.0], [10.0]]), torch.tensor([[20.0], [9.0], [10.0]])
    taps, weights = resampling._taps(start, length, 20, 8, antialias=True)
    want = (torch.zeros(3, 8, 20).scatter_add_(2, taps, weights) @ rows).view(24, 7)
    index, flat = taps + torch.arange(3)[:, None, None] * 20, rows.view(60, 7)
    torch.testing.assert_close(resampling._sum_rows(flat, index, weights), want)
    index, weights = index.view(24, -1), weights.view(24, -1)
    torch.testing.assert_close(resampling._gather_rows(flat, index, weights), want)
