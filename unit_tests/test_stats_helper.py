"""Step 2.2: are the mean and standard deviation computed over all pixels?"""

from __future__ import annotations

import math
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from steps import cannot_judge

from scene_recog.stats_helper import compute_mean_and_std

SEED = 0  # of the pixels
CLASSES = ("coast", "forest")
FIRST_NUMBER = 0  # the first number in each class's image names, as in the real dataset
SIZES = [(3, 3), (2, 4), (9, 2), (4, 3)]  # height, width; the larger, the darker
OTHER_SIZES = [(8, 8), (8, 8), (8, 8), (8, 8)]
GREEN = (20, 230, 20)
GREEN_SIDE = 16

NO_PAIR = "the result is not a pair of numbers: see test_returns_two_numbers"


def write_image(root: Path, place: str, pixels: np.ndarray) -> np.ndarray:
    """Write a JPEG to `<root>/<place>.jpg`; returns the grey levels read back from it, in 0..1."""
    path = root / f"{place}.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, quality=95)
    with Image.open(path) as written:
        return np.asarray(written.convert("L"), dtype=np.float64) / 255


def make_images(root: Path, sizes: list[tuple[int, int]], seed: int = SEED) -> list[np.ndarray]:
    """Write one random JPEG for each (H, W), spread over two splits and two classes.

    Returns:
        The grey levels of each image, in 0..1.
    """
    rng = np.random.default_rng(seed)
    images = []
    for number, (height, width) in enumerate(sizes):
        split, class_name = ("train", "test")[number % 2], CLASSES[number // 2 % 2]
        # Larger images are darker, so that an average over images differs from one over pixels.
        high = max(30, 255 - 6 * max(height, width))
        pixels = rng.integers(0, high, (height, width), dtype=np.uint8)
        place = f"{split}/{class_name}/image_{FIRST_NUMBER + number // 4:04d}"
        images.append(write_image(root, place, pixels))
    return images


@pytest.fixture
def small(tmp_path: Path) -> tuple[Path, list[np.ndarray]]:
    """A dataset of few and tiny images, so that n and n - 1 make a difference, and its images."""
    root = tmp_path / "data"
    return root, make_images(root, SIZES)


def number(value: Any) -> float:
    """A Python float, also from a numpy or torch number."""
    return float(value.item() if hasattr(value, "item") else value)


def measured(root: Path) -> tuple[float, float]:
    """The result of the student's function for a dataset's root."""
    result = compute_mean_and_std(str(root))
    try:
        mean, std = (number(value) for value in result)
    except (TypeError, ValueError, RuntimeError):
        cannot_judge(NO_PAIR)
    if not (math.isfinite(mean) and math.isfinite(std)):
        cannot_judge("the result is not finite: see test_finds_the_images")
    return mean, std


def near(expected: float) -> Any:
    return pytest.approx(expected, abs=5e-4)  # float32 and rounded weights of grey are fine


def explained(
    name: str, got: float, expected: float, ideas: list[tuple[float, str]], rule: str
) -> str:
    """Expected and actual value, and the mistake, if it gives exactly this value; else the rule."""
    told = [idea for value, idea in ideas if got == pytest.approx(float(value), rel=1e-4)]
    return f"{name} should be {expected:.4f} here, but is {got:.4f}: {[*told, rule][0]}"


def test_returns_two_numbers(small: tuple[Path, list[np.ndarray]]) -> None:
    root, _ = small
    result = compute_mean_and_std(str(root))
    try:
        values = [number(value) for value in result]
    except (TypeError, ValueError, RuntimeError):
        values = []
    assert len(values) == 2, (
        f"return two numbers, mean and std, as `return mean, std`: got {result}"
    )


def test_finds_the_images(small: tuple[Path, list[np.ndarray]]) -> None:
    root, _ = small
    result = compute_mean_and_std(str(root))
    try:
        values = [number(value) for value in result]
    except (TypeError, ValueError, RuntimeError):
        cannot_judge(NO_PAIR)
    assert math.isfinite(values[0]), (
        f"mean and std are {values}: were no images found? They are at <dir_name>/train/"
        f"{CLASSES[0]}/image_{FIRST_NUMBER:04d}.jpg and so on. If you join strings: "
        "dir_name has no slash at its end"
    )
    assert math.isfinite(values[1]), (
        f"mean and std are {values}: the variance is negative. Squares of uint8 overflow at 256; "
        "convert the pixels to float first"
    )


def test_a_second_call_starts_afresh(small: tuple[Path, list[np.ndarray]], tmp_path: Path) -> None:
    first = measured(small[0])
    make_images(tmp_path / "other", OTHER_SIZES, seed=SEED + 1)
    measured(tmp_path / "other")
    again = measured(small[0])
    assert again == pytest.approx(first, abs=1e-6), (
        f"a folder has mean {first[0]:.4f}, but {again[0]:.4f} after another folder was measured: "
        "start the sums or lists inside the function, not outside"
    )


def test_mean_is_over_all_pixels(small: tuple[Path, list[np.ndarray]]) -> None:
    root, images = small
    pixels = np.concatenate([image.ravel() for image in images])
    expected = float(pixels.mean())
    of_train = np.concatenate([image.ravel() for image in images[::2]])
    levels = [Image.fromarray(np.rint(image * 255).astype(np.uint8)) for image in images]
    resized = np.stack([np.asarray(level.resize((64, 64))) / 255 for level in levels])
    one_image = (
        "this is one image only. Start the sum before the loop, and note that images of different "
        "classes can have the same file name"
    )
    ideas = [
        (255 * expected, "these pixels are from 0 to 255; scale them to 0..1"),
        (255 / 256 * expected, "white is 255, so divide by 255, not by 256"),
        (pixels.std(ddof=1), "this is the std; return the mean first"),
        (pixels.std(), "this is the std; return the mean first"),
        (
            np.mean([image.mean() for image in images]),
            "this is the mean of the images' means. The mean is over pixels, not over images: a "
            "small image must not count as much as a large one",
        ),
        (of_train.mean(), "this is train/ only; every image below dir_name counts"),
        (resized.mean(), "this is for images resized to 64x64; use each image at its own size"),
        (0.0, "every grey level became 0. / gives fractions; // and integer types do not"),
        *((image.mean(), one_image) for image in images),
    ]
    mean, _ = measured(root)
    rule = "add up every pixel of every image at its own size, in 0..1, and divide by their number"
    assert mean == near(expected), explained("the mean", mean, expected, ideas, rule)


def test_std_is_over_all_pixels(small: tuple[Path, list[np.ndarray]]) -> None:
    root, images = small
    pixels = np.concatenate([image.ravel() for image in images])
    n, expected = len(pixels), float(pixels.std(ddof=1))
    image_stds = [[image.std(ddof=ddof) for image in images] for ddof in (0, 1)]
    squares = float(((pixels - pixels.mean()) ** 2).sum())
    within = sum(image.size * image.var() for image in images)
    not_subtracted = "the mean is not subtracted before squaring"
    average = (
        "this is the average of the images' stds. The std is over all pixels, around their common "
        "mean, so that differences between images count too"
    )
    ideas = [
        (
            pixels.std(),
            "this divides by n. The handout's formula divides by n - 1: measured around its own "
            "mean, a sample's spread is slightly too small",
        ),
        (pixels.var(ddof=1), "this is the variance; take its square root"),
        (pixels.var(), "this is the variance; take its square root"),
        (np.mean(image_stds[0]), average),
        (np.mean(image_stds[1]), average),
        (0.0, "squares of uint8 overflow at 256; convert the pixels to float first"),
        (
            math.sqrt(squares / (len(images) - 1)),
            "n is the number of pixels, not of images",
        ),
        (
            math.sqrt(3 * squares / (3 * n - 1)),
            "each pixel counts three times, as red, green and blue; convert to grayscale",
        ),
        (
            math.sqrt(within / (n - 1)),
            "each image is compared with its own mean; subtract the mean over all images",
        ),
        (
            np.std([image.mean() for image in images]),
            "this is the std of the images' means; compute it over pixels, not over images",
        ),
        (math.sqrt((pixels**2).sum() / n), not_subtracted),
        (math.sqrt((pixels**2).sum() / (n - 1)), not_subtracted),
    ]
    mean, std = measured(root)
    if mean != near(pixels.mean()):
        cannot_judge(
            "the std depends on the mean, which is wrong: see test_mean_is_over_all_pixels"
        )
    rule = "sqrt(sum of (pixel - mean)^2 over every pixel of every image / (n - 1))"
    assert std == near(expected), explained("the std", std, expected, ideas, rule)


def need_right_numbers(small: tuple[Path, list[np.ndarray]]) -> None:
    """Skip if the mean or the std is wrong, which their own tests report."""
    root, images = small
    pixels = np.concatenate([image.ravel() for image in images])
    mean, std = measured(root)
    if mean != near(pixels.mean()):
        cannot_judge("the mean is wrong: see test_mean_is_over_all_pixels")
    if std != near(pixels.std(ddof=1)):
        cannot_judge("the std is wrong: see test_std_is_over_all_pixels")


def test_colour_images_count_in_grayscale(
    small: tuple[Path, list[np.ndarray]], tmp_path: Path
) -> None:
    need_right_numbers(small)
    tmp_path = tmp_path / "colour"
    green = np.full((GREEN_SIDE, GREEN_SIDE, 3), GREEN, dtype=np.uint8)
    green[::2] += 2  # or rounding may make a variance of 0 negative
    for split in ("train", "test"):
        level = write_image(tmp_path, f"{split}/{CLASSES[0]}/image_0001", green).mean()
    mean, std = measured(tmp_path)
    # One grey level everywhere, whatever the weights of red, green and blue.
    assert std < 0.02, (
        f"two images of one green have std {std:.3f} instead of about 0: convert each to "
        "grayscale, or its three channels count as three sets of pixels"
    )
    assert 0.3 < mean < 0.75, (
        f"two images of a bright green have mean {mean:.3f}, but {level:.2f} in grayscale: "
        "a single colour channel is not the grey level"
    )


# Beyond the handout.


@pytest.mark.beyond
def test_numbers_are_floats(small: tuple[Path, list[np.ndarray]]) -> None:
    result = compute_mean_and_std(str(small[0]))
    assert all(isinstance(value, float | np.floating) for value in result), (
        f"mean and std are of type {[type(value).__name__ for value in result]}: return plain "
        "floats, which can be printed, saved and compared anywhere"
    )


@pytest.mark.beyond
def test_images_at_any_depth_count(small: tuple[Path, list[np.ndarray]]) -> None:
    need_right_numbers(small)
    root, images = small
    pixels = np.concatenate([image.ravel() for image in images[::2]])
    mean, std = compute_mean_and_std(str(root / "train"))
    message = "any folder above the images should work, such as data/train: search at every depth"
    assert mean == near(pixels.mean()), message
    assert std == near(pixels.std(ddof=1)), message


@pytest.mark.beyond
def test_folder_may_be_a_path_object(small: tuple[Path, list[np.ndarray]]) -> None:
    result = [number(value) for value in compute_mean_and_std(small[0])]
    assert result == pytest.approx(measured(small[0])), (
        "a pathlib.Path should work as well as a str"
    )


@pytest.mark.beyond
def test_other_files_do_not_count(small: tuple[Path, list[np.ndarray]]) -> None:
    root, _ = small
    before = measured(root)
    (root / "train" / CLASSES[0] / "Thumbs.db").write_bytes(b"not an image")
    (root / "readme.txt").write_text("not an image either")
    assert measured(root) == pytest.approx(before), "leave out files that are not images"


@pytest.mark.beyond
def test_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"(?i)image"):
        compute_mean_and_std(str(tmp_path))
    with pytest.raises(FileNotFoundError):
        compute_mean_and_std(str(tmp_path / "nowhere"))


@pytest.mark.beyond
def test_damaged_image_is_refused(small: tuple[Path, list[np.ndarray]]) -> None:
    root, _ = small
    (root / "train" / CLASSES[0] / "image_0007.jpg").write_bytes(b"half a JPEG")
    with pytest.raises((ValueError, OSError), match="image_0007"):
        compute_mean_and_std(str(root))


@pytest.mark.beyond
def test_grey_level_is_the_luminance(tmp_path: Path) -> None:
    colour = np.zeros((8, 8, 3), dtype=np.uint8)
    colour[:4] = (250, 20, 20)
    pixels = write_image(tmp_path, "train/coast/image_0001", colour)
    write_image(tmp_path, "test/coast/image_0001", colour)
    mean, std = measured(tmp_path)
    message = (
        "the grey level of a colour is its luminance, 0.299 R + 0.587 G + 0.114 B, as in Pillow's "
        'convert("L")'
    )
    assert mean == pytest.approx(pixels.mean(), abs=2e-3), message
    assert std == pytest.approx(pixels.std(ddof=1), abs=4e-3), message


@pytest.mark.beyond
def test_bright_flat_images_do_not_upset_the_arithmetic(tmp_path: Path) -> None:
    for index in range(12):
        place = f"{('train', 'test')[index % 2]}/coast/image_{index:04d}"
        write_image(tmp_path, place, np.full((128, 128), 250 + index % 2, dtype=np.uint8))
    mean, std = measured(tmp_path)
    assert mean == pytest.approx(250.5 / 255, abs=1e-5), "the sums lose digits: use float64 or ints"
    assert std == pytest.approx(0.5 / 255, rel=1e-2), (
        "mean(x^2) - mean(x)^2 loses all digits in float32: sum in float64 or ints"
    )


@pytest.mark.beyond
def test_memory_does_not_grow_with_the_dataset(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        root = tmp_path / f"data{count}"
        make_images(root, [(160, 160)] * count)
        tracemalloc.start()
        compute_mean_and_std(str(root))
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    peak(4)  # imports and caches of the first call do not count
    few, many = peak(4), peak(64)
    assert many < 2 * few + 1_000_000, (
        f"64 images take {many / 1e6:.1f} MB and 4 take {few / 1e6:.1f} MB: sum image by image "
        "instead of keeping all pixels"
    )
