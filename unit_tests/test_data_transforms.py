"""Steps 1.1, 2.1, 2.2: do the transforms resize, jitter and normalize, in a correct order?"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from steps import cannot_judge
from torchvision import transforms
from torchvision.transforms import v2

from scene_recog.data_transforms import (
    get_all_transforms,
    get_fundamental_augmentation_transforms,
    get_fundamental_normalization_transforms,
    get_fundamental_transforms,
)

SIZE = (48, 64)  # height, width: not square, so that swapping them is noticed
MEAN = 0.35
STD = 0.2
OTHER_STATISTICS = (0.6, 0.1)  # mean, std
DRAWS = 60
SEED = 0  # of the draws
PHOTO_SIZE = (90, 150)  # height, width
DARKEST = 60  # grey levels of the photo, at its top and left
BRIGHTER = (80, 60)  # at the bottom, and at the right
DARK = (5, 30, 25)  # the same three numbers for a dark photo
MEDIUM = 128
BOARD = (90, 70)  # the darker grey of a chessboard, and the step to the brighter one

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "get_fundamental_transforms": get_fundamental_transforms,
    "get_fundamental_augmentation_transforms": get_fundamental_augmentation_transforms,
    "get_fundamental_normalization_transforms": get_fundamental_normalization_transforms,
    "get_all_transforms": get_all_transforms,
}
DETERMINISTIC = ["get_fundamental_transforms", "get_fundamental_normalization_transforms"]
RANDOM = ["get_fundamental_augmentation_transforms", "get_all_transforms"]
NORMALIZED = ["get_fundamental_normalization_transforms", "get_all_transforms"]
BLACK = Image.new("L", PHOTO_SIZE[::-1], 0)
GREY = Image.new("L", PHOTO_SIZE[::-1], MEDIUM)


def smooth(darkest: int, down: int, right: int) -> Image.Image:
    """A grayscale image of PHOTO_SIZE that gets brighter towards the bottom and the right."""
    height, width = PHOTO_SIZE
    rows, columns = np.mgrid[0:height, 0:width]
    levels = darkest + right * columns / width + down * rows / height
    return Image.fromarray(levels.astype(np.uint8))


@pytest.fixture
def photo() -> Image.Image:
    """Darker at the left and at the top."""
    return smooth(DARKEST, *BRIGHTER)


def make(name: str, mean: float = MEAN, std: float = STD) -> Any:
    """What the student's function returns."""
    if name in NORMALIZED:
        return FUNCTIONS[name](inp_size=SIZE, pixel_mean=[mean], pixel_std=[std])
    return FUNCTIONS[name](inp_size=SIZE)


def outputs_of(compose: Any, name: str, image: Image.Image, count: int) -> torch.Tensor:
    """`count` outputs for one image: [count, H, W]."""
    torch.manual_seed(SEED)
    random.seed(SEED)
    np.random.seed(SEED)
    outputs = [compose(image) for _ in range(count)]
    for output in outputs:
        if getattr(output, "shape", None) != (1, *SIZE) or output.dtype != torch.float32:
            cannot_judge(f"{name} returns no float32 tensor [1, H, W]: see test_output_is_...")
    return torch.stack(outputs)[:, 0]


def centre(images: torch.Tensor) -> torch.Tensor:
    """The middle half of [n, H, W], where slight rotations and crops show no borders."""
    height, width = images.shape[1:]
    return images[:, height // 4 : -height // 4, width // 4 : -width // 4]


def level_of(name: str, image: Image.Image, mean: float, std: float) -> float:
    """The median output, over a few draws, for an image of a single grey level."""
    return centre(outputs_of(make(name, mean, std), name, image, 9)).median().item()


def draws(name: str, image: Image.Image, count: int = DRAWS) -> torch.Tensor:
    """`count` outputs for one image, with the normalization undone: [count, H, W]."""
    if name not in NORMALIZED:
        return outputs_of(make(name), name, image, count)
    is_right = level_of(name, BLACK, MEAN, STD) == pytest.approx(-MEAN / STD, abs=0.05)
    if not (is_right and 0.1 < level_of(name, GREY, MEAN, STD) * STD + MEAN < 1.1):
        cannot_judge(f"{name} does not normalize: see test_normalizes_with_the_given_statistics")
    return outputs_of(make(name), name, image, count) * STD + MEAN


def is_mirrored(images: torch.Tensor) -> torch.Tensor:
    """Whether each of the images [n, H, W] is darker at the right: bool [n]."""
    half = images.shape[2] // 2
    return images[:, :, :half].mean((1, 2)) > images[:, :, half:].mean((1, 2))


def correlations(images: torch.Tensor, photo: Image.Image) -> torch.Tensor:
    """How well each of [n, H, W] matches the photo, up to brightness and mirroring; 1 is exact."""
    images = torch.where(is_mirrored(images)[:, None, None], images.flip(-1), images)
    resized = np.asarray(photo.resize((SIZE[1], SIZE[0]), Image.Resampling.BILINEAR))
    reference = centre(torch.from_numpy(resized.astype(np.float32))[None]).flatten()
    pairs = [torch.stack([one.flatten(), reference]) for one in centre(images)]
    return torch.stack([torch.corrcoef(pair)[0, 1] for pair in pairs]).nan_to_num()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_returns_a_compose(name: str) -> None:
    compose = make(name)
    assert isinstance(compose, transforms.Compose | v2.Compose), (
        f"{name} returns {type(compose).__name__}: return transforms.Compose([...])"
    )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_output_is_one_float_channel_of_the_input_size(name: str, photo: Image.Image) -> None:
    before = np.asarray(photo).copy()
    output = make(name)(photo)
    assert isinstance(output, torch.Tensor), (
        f"{name} returns {type(output).__name__}, not a tensor: ToTensor is missing"
    )
    shape = tuple(output.shape)
    assert len(shape) == 3, f"{name} returns shape {shape}, not [1, H, W]"
    assert shape[0] == 1, f"{name} returns {shape[0]} channels: a grayscale image has one"
    assert shape[1:] != SIZE[::-1], (
        f"{name} returns height {shape[1]} and width {shape[2]}: inp_size is (height, width), "
        f"here {SIZE}"
    )
    assert shape[1:] == SIZE, (
        f"{name} returns height {shape[1]} and width {shape[2]} for inp_size {SIZE}: give Resize "
        "the pair (a single number keeps the aspect ratio), not fixed numbers"
    )
    assert output.dtype == torch.float32, (
        f"{name} returns {output.dtype}, not float32: ToTensor makes floats from 0 to 1"
    )
    assert np.array_equal(np.asarray(photo), before), f"{name} changes the image it was given"


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_test_time_transforms_are_not_random(name: str, photo: Image.Image) -> None:
    outputs = outputs_of(make(name), name, photo, 10)
    assert torch.equal(outputs, outputs[:1].expand_as(outputs)), (
        f"{name} returns another result each time. It is used on test images: only training images "
        "are augmented"
    )


@pytest.mark.parametrize("name", NORMALIZED)
def test_normalizes_with_the_given_statistics(name: str) -> None:
    steps = [type(step).__name__ for step in getattr(make(name), "transforms", [])]
    for mean, std in ((MEAN, STD), OTHER_STATISTICS):
        expected = -mean / std
        unchanged = (
            "Normalize must come after ColorJitter, which clips to 0..1"
            if "Normalize" in steps
            else "Normalize is missing"
        )
        ideas = [
            (0.0, unchanged),
            (-std / mean, "mean and std are swapped"),
            (-mean / std**2, "divide by the std, not by its square"),
            ((expected - mean) / std, "it is normalized twice"),
            (-1.0, "this is Normalize(0.5, 0.5); use pixel_mean and pixel_std"),
            (-0.45547 / 0.25316, "these are 15-scene's numbers; use pixel_mean and pixel_std"),
        ]
        got = level_of(name, BLACK, mean, std)
        told = [idea for value, idea in ideas if got == pytest.approx(value, abs=0.02)]
        rule = "compute (x - pixel_mean) / pixel_std, with x from 0 to 1"
        assert got == pytest.approx(expected, abs=0.05), (
            f"with pixel_mean {mean} and pixel_std {std}, {name} turns black into {got:.2f} "
            f"instead of (0 - {mean}) / {std} = {expected:.2f}: {[*told, rule][0]}"
        )
        undone = level_of(name, GREY, mean, std) * std + mean
        assert 0.1 < undone < 1.1, (
            f"{name} turns a grey of {MEDIUM / 255:.1f} into {undone:.3f} (after undoing the "
            "normalization): pixels and statistics are both in 0..1, so scale neither by 255"
        )


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_shows_the_whole_image_resized(name: str, photo: Image.Image) -> None:
    output = draws(name, photo, 1)[0].numpy()
    resized = photo.resize((SIZE[1], SIZE[0]), Image.Resampling.BILINEAR)
    expected = np.asarray(resized, dtype=np.float32) / 255
    ratio = output.mean() / expected.mean()
    undone = " after undoing (x - mean) / std" if name in NORMALIZED else ""
    assert 0.7 < ratio < 1.4, (
        f"{name} returns pixels with mean {output.mean():.3f} instead of "
        f"{expected.mean():.3f}{undone}: ToTensor already divides by 255"
    )
    assert np.abs(output - expected).max() < 0.05, (
        f"{name} does not show the whole image: a corner pixel is {output[0, 0]:.2f} instead of "
        f"{expected[0, 0]:.2f}{undone}. Resize to inp_size; a crop loses part of the scene"
    )


@pytest.mark.parametrize("name", RANDOM)
def test_some_images_are_mirrored(name: str, photo: Image.Image) -> None:
    share = is_mirrored(draws(name, photo)).float().mean().item()
    assert share > 0.1, (
        f"{name} mirrors {share:.0%} of the images: RandomHorizontalFlip() mirrors half of them"
    )
    assert share < 0.9, (
        f"{name} mirrors {share:.0%} of the images: with p=0.5 it mirrors half of them, so that "
        "the network sees both"
    )


@pytest.mark.parametrize("name", RANDOM)
def test_nothing_is_turned_upside_down(name: str, photo: Image.Image) -> None:
    outputs = draws(name, photo)
    top, bottom = outputs[:, : SIZE[0] // 2], outputs[:, SIZE[0] // 2 :]
    share = (top.mean((1, 2)) > bottom.mean((1, 2))).float().mean().item()
    assert share < 0.1, (
        f"{name} turns {share:.0%} of the images upside down: test images are upright, so flip "
        "only horizontally"
    )


@pytest.mark.parametrize("name", RANDOM)
def test_brightness_or_contrast_is_jittered(name: str) -> None:
    squares = np.indices((6, 10)).sum(axis=0) % 2
    level, step = BOARD
    board = Image.fromarray(np.kron(level + step * squares, np.ones((15, 15))).astype(np.uint8))
    outputs = centre(draws(name, board)).flatten(1)
    # The two grey levels of a chessboard, which mirroring and cropping do not change.
    dark, bright = outputs.quantile(0.1, dim=1), outputs.quantile(0.9, dim=1)
    assert max(dark.std().item(), bright.std().item()) > 0.002, (
        f"{name} changes neither brightness nor contrast from draw to draw (a grey of "
        f"{level / 255:.2f} stays "
        f"within {dark.min():.3f} and {dark.max():.3f}): give ColorJitter a brightness or contrast "
        "(hue and saturation have no effect on a grayscale image)"
    )


@pytest.mark.parametrize("name", RANDOM)
def test_still_shows_the_image(name: str, photo: Image.Image) -> None:
    outputs = draws(name, photo)
    undone = " after undoing (x - mean) / std" if name in NORMALIZED else ""
    low, high = outputs.min().item(), outputs.max().item()
    assert low > -0.2, f"{name} returns pixels down to {low:.2f}{undone}: keep them from 0 to 1"
    assert high < 1.2, f"{name} returns pixels up to {high:.2f}{undone}: keep them from 0 to 1"
    share = (correlations(outputs, photo) > 0.5).float().mean().item()
    assert share > 0.8, (
        f"{name} distorts {1 - share:.0%} of the images too much: only mirror them and change "
        "their brightness and contrast slightly"
    )


def test_dark_images_survive() -> None:
    # Jitter after Normalize clips everything below the mean to one value.
    spreads = centre(draws("get_all_transforms", smooth(*DARK))).std((1, 2))
    share = (spreads < 0.005).float().mean().item()
    assert share < 0.25, (
        f"get_all_transforms turns {share:.0%} of dark images into one flat grey: ColorJitter "
        "clips to 0..1, so normalize after it, not before"
    )


# Beyond the handout.


@pytest.mark.beyond
@pytest.mark.parametrize("name", FUNCTIONS)
def test_has_the_standard_steps_and_no_others(name: str) -> None:
    expected = {"Resize", "ToTensor"}
    expected |= {"RandomHorizontalFlip", "ColorJitter"} if name in RANDOM else set()
    expected |= {"Normalize"} if name in NORMALIZED else set()
    steps = {type(step).__name__ for step in make(name).transforms}
    if steps >= {"ToImage", "ToDtype"}:  # what ToTensor is in transforms.v2
        steps = steps - {"ToImage", "ToDtype"} | {"ToTensor"}
    missing, extra = expected - steps, steps - expected
    assert not missing, f"{name} lacks {', '.join(sorted(missing))}"
    assert not extra, f"{name} has {', '.join(sorted(extra))}, which the handout does not mention"


@pytest.mark.beyond
@pytest.mark.parametrize("name", RANDOM)
def test_about_half_of_the_images_are_mirrored(name: str, photo: Image.Image) -> None:
    share = is_mirrored(draws(name, photo, 120)).float().mean().item()
    assert 0.35 < share < 0.65, f"{name} mirrors {share:.0%} of the images: mirror about half"


@pytest.mark.beyond
@pytest.mark.parametrize("name", RANDOM)
def test_random_draws_only_mirror_and_jitter(name: str, photo: Image.Image) -> None:
    outputs = draws(name, photo)
    assert outputs.min() > -1e-4, f"{name} returns pixels below 0"
    assert outputs.max() < 1 + 1e-4, f"{name} returns pixels above 1"
    lowest = correlations(outputs, photo).min().item()
    assert lowest > 0.8, (
        f"{name} should only mirror the image and change its brightness and contrast: one draw "
        f"has a correlation of only {lowest:.2f} with the image"
    )


@pytest.mark.beyond
@pytest.mark.parametrize("name", RANDOM)
def test_a_seed_repeats_the_draws(name: str, photo: Image.Image) -> None:
    compose = make(name)
    runs = []
    for _ in range(2):
        torch.manual_seed(0)
        runs.append(torch.stack([compose(photo) for _ in range(10)]))
    assert torch.equal(*runs), f"{name} must give the same result after the same torch.manual_seed"


@pytest.mark.beyond
def test_statistics_may_be_a_tuple_or_an_array(photo: Image.Image) -> None:
    expected = make("get_fundamental_normalization_transforms")(photo)
    for kind in (tuple, np.array, torch.tensor):
        mean, std = kind([MEAN]), kind([STD])
        compose = FUNCTIONS["get_fundamental_normalization_transforms"](SIZE, mean, std)
        assert torch.allclose(compose(photo), expected, atol=1e-5), (
            f"pixel_mean and pixel_std as {kind.__name__} should work as well as lists"
        )
