"""Steps 1.1, 2.1, 2.2: do the transforms resize, jitter and normalize, in the right order?"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms

from scene_recog.data_transforms import (
    get_all_transforms,
    get_fundamental_augmentation_transforms,
    get_fundamental_normalization_transforms,
    get_fundamental_transforms,
)

SIZE = (48, 64)  # height, width: not square, so that mixing them up shows
MEAN, STD = [0.35], [0.2]
DRAWS = 240

PIPELINES: dict[str, Callable[[], Any]] = {
    "get_fundamental_transforms": lambda: get_fundamental_transforms(SIZE),
    "get_fundamental_augmentation_transforms": lambda: get_fundamental_augmentation_transforms(
        SIZE
    ),
    "get_fundamental_normalization_transforms": lambda: get_fundamental_normalization_transforms(
        SIZE, MEAN, STD
    ),
    "get_all_transforms": lambda: get_all_transforms(SIZE, MEAN, STD),
}
DETERMINISTIC = ["get_fundamental_transforms", "get_fundamental_normalization_transforms"]
RANDOM = ["get_fundamental_augmentation_transforms", "get_all_transforms"]
NORMALIZED = ["get_fundamental_normalization_transforms", "get_all_transforms"]
STEPS = {
    "get_fundamental_transforms": {"Resize", "ToTensor"},
    "get_fundamental_augmentation_transforms": {
        "Resize",
        "ToTensor",
        "RandomHorizontalFlip",
        "ColorJitter",
    },
    "get_fundamental_normalization_transforms": {"Resize", "ToTensor", "Normalize"},
    "get_all_transforms": {
        "Resize",
        "ToTensor",
        "RandomHorizontalFlip",
        "ColorJitter",
        "Normalize",
    },
}


@pytest.fixture
def photo() -> Image.Image:
    """A smooth grayscale image, 90 high and 150 wide: darker at the left and at the top."""
    rows, columns = np.mgrid[0:90, 0:150]
    return Image.fromarray((60 + 60 * columns / 150 + 80 * rows / 90).astype(np.uint8))


def draws(name: str, image: Image.Image, count: int = DRAWS) -> torch.Tensor:
    """`count` outputs of one pipeline for one image, with the normalization undone: [n, H, W]."""
    torch.manual_seed(0)
    random.seed(0)
    pipeline = PIPELINES[name]()
    outputs = torch.stack([pipeline(image)[0] for _ in range(count)])
    return outputs * STD[0] + MEAN[0] if name in NORMALIZED else outputs


def is_mirrored(images: torch.Tensor) -> torch.Tensor:
    """Which of the images [n, H, W] are darker at the right: bool [n]."""
    half = images.shape[2] // 2
    return images[:, :, :half].mean((1, 2)) > images[:, :, half:].mean((1, 2))


@pytest.mark.parametrize("name", PIPELINES)
def test_is_a_compose_of_the_standard_steps(name: str) -> None:
    pipeline = PIPELINES[name]()
    assert isinstance(pipeline, transforms.Compose), f"{name} must return a transforms.Compose"
    steps = {type(step).__name__ for step in pipeline.transforms}
    missing, extra = STEPS[name] - steps, steps - STEPS[name]
    assert not missing, f"{name} lacks {', '.join(sorted(missing))}"
    assert not extra, f"{name} should not have {', '.join(sorted(extra))}"


@pytest.mark.parametrize("name", PIPELINES)
def test_output_is_one_float_channel_of_the_input_size(name: str, photo: Image.Image) -> None:
    before = np.asarray(photo).copy()
    output = PIPELINES[name]()(photo)
    assert isinstance(output, torch.Tensor), f"{name} must end in a tensor"
    assert output.shape == (1, *SIZE), (
        f"{name} gives shape {tuple(output.shape)}, not {(1, *SIZE)}: inp_size is (height, width)"
    )
    assert output.dtype == torch.float32, f"{name} gives {output.dtype}, not float32"
    assert np.array_equal(np.asarray(photo), before), f"{name} changes the image it was given"


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_test_time_transforms_are_not_random(name: str, photo: Image.Image) -> None:
    outputs = draws(name, photo, 30)
    assert torch.equal(outputs, outputs[:1].expand_as(outputs)), (
        f"{name} gives another result each time: validation must not be augmented"
    )


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_pixels_are_those_of_the_resized_image_from_0_to_1(name: str, photo: Image.Image) -> None:
    output = draws(name, photo, 1)[0].numpy()
    resized = photo.resize((SIZE[1], SIZE[0]), Image.Resampling.BILINEAR)
    expected = np.asarray(resized, dtype=np.float32) / 255
    assert np.abs(output - expected).max() < 0.03, (
        f"{name} must show the whole image, resized, with pixels from 0 to 1"
        + (" after undoing (x - mean) / std" if name in NORMALIZED else "")
    )


@pytest.mark.parametrize("name", RANDOM)
def test_about_half_of_the_images_are_mirrored(name: str, photo: Image.Image) -> None:
    share = is_mirrored(draws(name, photo)).float().mean().item()
    assert 0.35 < share < 0.65, f"{name} mirrors {share:.0%} of the images: it should be about half"


@pytest.mark.parametrize("name", RANDOM)
def test_nothing_is_turned_upside_down(name: str, photo: Image.Image) -> None:
    outputs = draws(name, photo)
    top, bottom = outputs[:, : SIZE[0] // 2], outputs[:, SIZE[0] // 2 :]
    assert (top.mean((1, 2)) < bottom.mean((1, 2))).all(), (
        f"{name} flips images vertically: scenes have the sky above"
    )


@pytest.mark.parametrize("name", RANDOM)
def test_brightness_or_contrast_is_jittered(name: str, photo: Image.Image) -> None:
    outputs = draws(name, photo)
    means, spreads = outputs.mean((1, 2)), outputs.std((1, 2))
    assert means.std() > 0.003 or spreads.std() > 0.003, (
        f"{name} leaves brightness and contrast as they are: give ColorJitter a strength (hue and "
        "saturation do nothing to a grayscale image)"
    )
    assert len({round(value, 5) for value in means.tolist()}) > DRAWS / 4, (
        f"{name} should draw another jitter for every image"
    )


@pytest.mark.parametrize("name", RANDOM)
def test_jittered_pixels_stay_between_0_and_1(name: str, photo: Image.Image) -> None:
    outputs = draws(name, photo)
    undone = " after undoing (x - mean) / std" if name in NORMALIZED else ""
    assert outputs.min() > -1e-4, f"{name} gives pixels below 0{undone}"
    assert outputs.max() < 1 + 1e-4, f"{name} gives pixels above 1{undone}"


@pytest.mark.parametrize("name", RANDOM)
def test_random_draws_keep_the_picture(name: str, photo: Image.Image) -> None:
    outputs = draws(name, photo)
    outputs[is_mirrored(outputs)] = outputs[is_mirrored(outputs)].flip(-1)
    reference = draws("get_fundamental_transforms", photo, 1)[0].flatten()
    for output in outputs:
        correlation = torch.corrcoef(torch.stack([output.flatten(), reference]))[0, 1]
        assert correlation > 0.8, (
            f"{name} should only mirror the image and change its brightness and contrast; if this "
            "is the normalized one: is Normalize the last step? Jitter clips to 0..1"
        )


@pytest.mark.parametrize("name", RANDOM)
def test_dark_pixels_survive(name: str) -> None:
    # Jitter after Normalize would clip everything below the mean to one value.
    rows, columns = np.mgrid[0:90, 0:150]
    dark = Image.fromarray((5 + 25 * columns / 150 + 30 * rows / 90).astype(np.uint8))
    outputs = draws(name, dark, 60)
    assert (outputs.std((1, 2)) > 0.005).all(), (
        f"{name} turns dark images into a flat one: normalize after the jitter, not before"
    )


@pytest.mark.parametrize("name", RANDOM)
def test_a_seed_repeats_the_draws(name: str, photo: Image.Image) -> None:
    assert torch.equal(draws(name, photo, 10), draws(name, photo, 10)), (
        f"{name} must repeat under torch.manual_seed"
    )


def test_normalization_subtracts_the_mean_and_divides_by_the_deviation(photo: Image.Image) -> None:
    plain = get_fundamental_transforms(SIZE)(photo)
    for mean, std in ((0.35, 0.2), (0.6, 0.1)):
        for sequence in (list, tuple):
            pipeline = get_fundamental_normalization_transforms(
                SIZE, sequence([mean]), sequence([std])
            )
            assert torch.allclose(pipeline(photo), (plain - mean) / std, atol=1e-4), (
                "normalization must be (x - pixel_mean) / pixel_std, with the values passed in"
            )


def test_all_transforms_use_the_given_statistics(photo: Image.Image) -> None:
    flat = Image.fromarray(np.full((90, 150), 128, dtype=np.uint8))
    random.seed(0)
    torch.manual_seed(0)
    near = torch.stack([get_all_transforms(SIZE, [0.5], [0.1])(flat) for _ in range(60)])
    random.seed(0)
    torch.manual_seed(0)
    far = torch.stack([get_all_transforms(SIZE, [0.0], [1.0])(flat) for _ in range(60)])
    assert torch.allclose(near, (far - 0.5) / 0.1, atol=1e-3), (
        "get_all_transforms must normalize with (x - pixel_mean) / pixel_std, after the jitter"
    )
