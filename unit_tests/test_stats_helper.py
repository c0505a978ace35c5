"""Step 2.2: are mean and standard deviation those of all pixels?"""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scene_recog.stats_helper import compute_mean_and_std


def make_images(root: Path, sizes: list[tuple[int, int]], seed: int = 0) -> np.ndarray:
    """Write one random JPEG for each (H, W), spread over two splits and two classes; all pixels."""
    rng = np.random.default_rng(seed)
    pixels = []
    for number, (height, width) in enumerate(sizes):
        split, class_name = ("train", "test")[number % 2], ("coast", "forest")[number // 2 % 2]
        # Every class folder numbers its images from 0, as in the real dataset.
        path = root / split / class_name / f"image_{number // 4:04d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        # The larger the image, the darker: then an average over images is not one over pixels.
        high = max(30, 255 - 6 * max(height, width))
        image = rng.integers(0, high, (height, width), dtype=np.uint8)
        Image.fromarray(image).save(path, quality=95)
        with Image.open(path) as written:
            pixels.append(np.asarray(written, dtype=np.float64).ravel() / 255)
    return np.concatenate(pixels)


@pytest.fixture
def small(tmp_path: Path) -> tuple[Path, np.ndarray]:
    """A folder of few and tiny images, so that n and n - 1 make a difference, and its pixels."""
    root = tmp_path / "data"
    return root, make_images(root, [(3, 3), (2, 4), (9, 2), (4, 3)])


def test_returns_two_floats_mean_first(small: tuple[Path, np.ndarray]) -> None:
    root, _ = small
    result = compute_mean_and_std(str(root))
    assert len(result) == 2, "return the pair (mean, std)"
    assert all(isinstance(value, float | np.floating) for value in result), "both must be floats"


def test_mean_is_over_all_pixels(small: tuple[Path, np.ndarray]) -> None:
    root, pixels = small
    mean, _ = compute_mean_and_std(str(root))
    assert mean == pytest.approx(pixels.mean(), abs=1e-5), (
        "the mean must be over every pixel of every image, scaled to 0..1: a mean of the images' "
        "means would weigh small images too much"
    )


def test_std_is_the_sample_deviation_over_all_pixels(small: tuple[Path, np.ndarray]) -> None:
    root, pixels = small
    _, std = compute_mean_and_std(str(root))
    assert std == pytest.approx(pixels.std(ddof=1), abs=1e-5), (
        "std must be over every pixel of every image, around the mean of all, with n - 1 in the "
        f"denominator (with n it is {pixels.std():.5f})"
    )


def test_images_at_any_depth_count(small: tuple[Path, np.ndarray]) -> None:
    root, _ = small
    paths = sorted((root / "train").rglob("*.jpg"))
    pixels = np.concatenate([np.asarray(Image.open(path)).ravel() / 255 for path in paths])
    mean, std = compute_mean_and_std(str(root / "train"))
    assert mean == pytest.approx(pixels.mean(), abs=1e-5), "any folder above the images will do"
    assert std == pytest.approx(pixels.std(ddof=1), abs=1e-5), "any folder above images will do"


def test_other_files_do_not_count(small: tuple[Path, np.ndarray]) -> None:
    root, pixels = small
    (root / "train" / "coast" / "Thumbs.db").write_bytes(b"not an image")
    (root / "readme.txt").write_text("not an image either")
    mean, _ = compute_mean_and_std(str(root))
    assert mean == pytest.approx(pixels.mean(), abs=1e-5), "leave out what is not an image"


def test_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"(?i)image"):
        compute_mean_and_std(str(tmp_path))
    with pytest.raises(FileNotFoundError):
        compute_mean_and_std(str(tmp_path / "nowhere"))


def test_damaged_image_is_refused(small: tuple[Path, np.ndarray]) -> None:
    root, _ = small
    (root / "train" / "coast" / "image_0007.jpg").write_bytes(b"half a JPEG")
    with pytest.raises((ValueError, OSError), match="image_0007"):
        compute_mean_and_std(str(root))


def test_colour_images_count_in_grayscale(tmp_path: Path) -> None:
    colour = np.zeros((8, 8, 3), dtype=np.uint8)
    colour[:4] = (250, 20, 20)
    path = tmp_path / "train" / "coast" / "image_0001.jpg"
    path.parent.mkdir(parents=True)
    Image.fromarray(colour).save(path, quality=95)
    with Image.open(path) as written:
        pixels = np.asarray(written.convert("L"), dtype=np.float64) / 255
    mean, std = compute_mean_and_std(str(tmp_path))
    assert mean == pytest.approx(pixels.mean(), abs=2e-3), "convert images to grayscale first"
    assert std == pytest.approx(pixels.std(ddof=1), abs=2e-3), "convert images to grayscale first"


def test_bright_flat_images_do_not_upset_the_arithmetic(tmp_path: Path) -> None:
    for number, level in enumerate((250, 251) * 6):
        path = tmp_path / "train" / "coast" / f"image_{number:04d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((128, 128), level, dtype=np.uint8)).save(path, quality=95)
    mean, std = compute_mean_and_std(str(tmp_path))
    assert mean == pytest.approx(250.5 / 255, abs=1e-5), "the sums lose digits: use float64 or ints"
    assert std == pytest.approx(0.5 / 255, rel=1e-2), (
        "mean(x^2) - mean(x)^2 loses all its digits in float32: add up in float64 or ints"
    )


def test_memory_does_not_grow_with_the_dataset(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        root = tmp_path / f"data{count}"
        make_images(root, [(160, 160)] * count)
        tracemalloc.start()
        compute_mean_and_std(str(root))
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    peak(2)  # what is imported and cached on the first call does not count
    few, many = peak(4), peak(64)
    assert many < 2 * few + 1_000_000, (
        f"64 images take {many / 1e6:.1f} MB and 4 take {few / 1e6:.1f} MB: add up image by image "
        "instead of keeping all pixels"
    )
