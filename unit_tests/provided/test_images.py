"""Reading whatever a stranger's folder holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scene_recog.datasets.images import is_image_name, read_grayscale

RAMP = np.tile(np.linspace(0, 255, 40).astype(np.uint8), (30, 1))


def ramp_of_mode(mode: str) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray(RAMP.astype(np.uint16) * 257)
    return Image.fromarray(RAMP).convert(mode)


@pytest.mark.parametrize(
    ("mode", "suffix", "tolerance"),
    [
        ("L", "png", 0),
        ("RGB", "png", 1),
        ("RGB", "jpg", 6),
        ("RGBA", "png", 1),
        ("LA", "png", 1),
        ("P", "png", 8),
        ("CMYK", "jpg", 8),
        ("I;16", "png", 1),
        ("I;16", "tif", 1),
        ("L", "bmp", 0),
        ("L", "gif", 0),
        ("L", "webp", 12),
    ],
)
def test_every_mode_becomes_the_same_grey(
    tmp_path: Path, mode: str, suffix: str, tolerance: int
) -> None:
    path = tmp_path / f"ramp.{suffix}"
    ramp_of_mode(mode).save(path)
    image = read_grayscale(path)
    assert image.mode == "L"
    assert image.size == (40, 30)
    assert np.abs(np.asarray(image, dtype=int) - RAMP).max() <= tolerance


def test_transparent_pixels_are_white(tmp_path: Path) -> None:
    rgba = np.zeros((8, 8, 4), dtype=np.uint8)
    rgba[:4, :, 3] = 255  # black and opaque above, black and transparent below
    Image.fromarray(rgba).save(tmp_path / "logo.png")
    pixels = np.asarray(read_grayscale(tmp_path / "logo.png"))
    assert (pixels[:4] == 0).all()
    assert (pixels[4:] == 255).all()


def test_rotated_camera_images_are_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees clockwise to view
    Image.fromarray(RAMP).save(tmp_path / "photo.jpg", exif=exif, quality=95)
    image = read_grayscale(tmp_path / "photo.jpg")
    assert image.size == (30, 40)
    pixels = np.asarray(image, dtype=int)
    assert pixels[0].mean() < 10
    assert pixels[-1].mean() > 245


@pytest.mark.parametrize("kept", [0, 10, 300])
def test_damaged_image_is_named(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "photo.jpg"
    Image.fromarray(RAMP).save(path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"cannot read the image .*photo.jpg"):
        read_grayscale(path)
    with pytest.raises(FileNotFoundError, match=r"no image .*none.jpg"):
        read_grayscale(tmp_path / "none.jpg")


def test_image_names() -> None:
    assert is_image_name(Path("a/image_0001.JPG"))
    assert is_image_name(Path("scan.tiff"))
    assert not is_image_name(Path("Thumbs.db"))
    assert not is_image_name(Path("._image_0001.jpg"))
    assert not is_image_name(Path("notes"))
