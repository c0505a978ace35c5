"""Finding and reading the images in a stranger's folder, whatever it holds."""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scene_recog.datasets.images import (
    class_folders,
    files_below,
    image_name,
    images_below,
    is_image_name,
    is_note,
    read_grayscale,
    to_grayscale,
)

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


# -------------------------------------------------------------------- pixels of many bits

GREYS = np.tile(np.arange(256), (4, 1))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("int32_0_255.tif", GREYS.astype(np.int32)),
        ("int32_0_65535.tif", (GREYS * 257).astype(np.int32)),
        ("float_0_1.tif", (GREYS / 255).astype(np.float32)),
        ("float_0_255.tif", GREYS.astype(np.float32)),
        ("float_0_1.pfm", (GREYS / 255).astype(np.float32)),
        ("uint16.tif", (GREYS * 257).astype(np.uint16)),
        ("uint16.png", (GREYS * 257).astype(np.uint16)),
        ("uint16.pgm", (GREYS * 257).astype(np.int32)),
        ("uint8.tif", GREYS.astype(np.uint8)),
    ],
)
def test_range_of_the_pixels_decides(tmp_path: Path, name: str, values: np.ndarray) -> None:
    """Case 09: 32-bit TIFFs came out black or white."""
    if Path(name).suffix not in Image.registered_extensions():
        pytest.skip(f"this Pillow does not write {name}")
    Image.fromarray(values).save(tmp_path / name)
    assert np.array_equal(np.asarray(read_grayscale(tmp_path / name)), GREYS)


def test_dark_image_of_16_bits_stays_dark(tmp_path: Path) -> None:
    for name in ("dark.png", "dark.tif"):
        Image.fromarray(GREYS.astype(np.uint16)).save(tmp_path / name)
        assert np.asarray(read_grayscale(tmp_path / name)).max() == 0


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.int32([[-5, 70000]]), "pixel values from -5 to 70000: convert it to 8 bits"),
        (np.int32([[0, 65536]]), "from 0 to 65536"),
        (np.float32([[0, 300]]), "from 0 to 300: convert"),
        (np.float32([[-0.25, 1]]), "from -0.25 to 1: convert"),
        (np.float32([[0, np.nan]]), "not numbers"),
        (np.float32([[0, np.inf]]), "not numbers"),
    ],
)
def test_unknown_range_is_one_line(tmp_path: Path, values: np.ndarray, reason: str) -> None:
    path = tmp_path / "scan.tif"
    Image.fromarray(values).save(path)
    with pytest.raises(
        ValueError, match=rf"cannot read the image .*scan\.tif: .*{reason}"
    ) as caught:
        read_grayscale(path)
    assert "\n" not in str(caught.value)


def image_of_mode(mode: str) -> Image.Image:
    """The ramp in any of Pillow's modes."""
    grey = Image.fromarray(GREYS.astype(np.uint8))
    if mode in ("I;16", "I;16L", "I;16B", "I;16N"):
        little = mode != "I;16B" and (mode != "I;16N" or sys.byteorder == "little")
        data = (GREYS * 257).astype("<u2" if little else ">u2").tobytes()
        return Image.frombytes(mode, (256, 4), data)
    if mode == "I":
        return Image.fromarray(GREYS.astype(np.int32))
    if mode == "F":
        return Image.fromarray((GREYS / 255).astype(np.float32))
    if mode == "LAB":
        linear = np.where(GREYS > 10, ((GREYS / 255 + 0.055) / 1.055) ** 2.4, GREYS / 255 / 12.92)
        lightness = np.where(linear > 0.008856, 116 * np.cbrt(linear) - 16, 903.3 * linear)
        channel = Image.fromarray(np.rint(lightness * 2.55).astype(np.uint8))
        return Image.merge("LAB", [channel, *2 * [Image.new("L", (256, 4), 128)]])
    if mode in ("PA", "HSV", "RGBa", "La"):
        return grey.convert({"PA": "LA", "HSV": "RGB", "RGBa": "RGBA", "La": "LA"}[mode]).convert(
            mode
        )
    return grey.convert(mode)


@pytest.mark.parametrize(
    ("mode", "tolerance"),
    [
        ("1", 255), ("L", 0), ("P", 0), ("LA", 1), ("PA", 1), ("La", 1), ("RGB", 1), ("RGBA", 1),
        ("RGBa", 1), ("RGBX", 1), ("CMYK", 1), ("YCbCr", 1), ("HSV", 1), ("LAB", 2), ("I", 0),
        ("F", 0), ("I;16", 0), ("I;16L", 0), ("I;16B", 0), ("I;16N", 0),
    ],
)  # fmt: skip
def test_every_mode_of_pillow(mode: str, tolerance: int) -> None:
    image = to_grayscale(image_of_mode(mode))
    assert image.mode == "L"
    pixels = np.asarray(image, dtype=int)
    assert np.abs(pixels - GREYS).max() <= tolerance
    assert pixels[:, 0].max() == 0
    assert pixels[:, -1].min() == 255


def test_lab_file(tmp_path: Path) -> None:
    image_of_mode("LAB").save(tmp_path / "scan.tif")
    pixels = np.asarray(read_grayscale(tmp_path / "scan.tif"), dtype=int)
    assert np.abs(pixels - GREYS).max() <= 2


# -------------------------------------------------------------------- names


def test_image_names() -> None:
    assert is_image_name(Path("a/image_0001.JPG"))
    assert is_image_name(Path("scan.tiff"))
    assert not is_image_name(Path("Thumbs.db"))
    assert not is_image_name(Path("._image_0001.jpg"))
    assert not is_image_name(Path("notes"))


def test_what_pillow_opens_is_an_image() -> None:
    """Case 08: half of the images were left out silently."""
    for suffix in (
        "pgm",
        "PPM",
        "pnm",
        "pbm",
        "jfif",
        "jpe",
        "jp2",
        "webp",
        "tga",
        "psd",
        "mpo",
    ):
        assert is_image_name(f"image.{suffix}"), suffix
    for suffix in (".avif", ".pfm"):  # of later versions of Pillow
        is_opened = Image.registered_extensions().get(suffix) in Image.OPEN
        assert is_image_name(f"image{suffix}") == is_opened
    for suffix in (
        "pdf",
        "ps",
        "eps",
        "mpg",
        "hdf",
        "h5",
        "ico",
        "wmf",
        "heic",
        "txt",
        "jpg~",
        "npy",
    ):
        assert not is_image_name(f"image.{suffix}"), suffix
    for name in ("Thumbs.db", "README", "notes.TXT", "labels.csv", "LICENSE"):
        assert is_note(name)
    for name in ("image_0001", "image.heic", "image.pdf"):
        assert not is_note(name)


def test_usual_names_do_not_make_pillow_load_its_plugins() -> None:
    code = (
        "from PIL import Image; from scene_recog.datasets.images import is_image_name as f;"
        "assert f('a.jpg') and f('b.PNG') and not f('.x.foo');"
        "print(Image._initialized)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() != "2"


# -------------------------------------------------------------------- the listing


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def listed(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in images_below(folder)]


@pytest.fixture
def links(tmp_path: Path) -> Path:
    """A folder for the targets of links; skips if the system has no links."""
    try:
        (tmp_path / "link").symlink_to(tmp_path)
    except OSError:
        pytest.skip("no links here")
    (tmp_path / "link").unlink()
    return tmp_path / "elsewhere"


def test_nested_folders_count_and_hidden_ones_do_not(tmp_path: Path) -> None:
    """Case 06: `.ipynb_checkpoints` counted in the statistics."""
    touch(
        *(tmp_path / name for name in ("b.jpg", "a/2.JPG", "a/1.png", "a/deep/er/x.gif", "a.jpg")),
        tmp_path / ".ipynb_checkpoints/b-checkpoint.jpg",
        tmp_path / "a/.cache/1.png",
        tmp_path / "__MACOSX/a/1.png",
        tmp_path / "._b.jpg",
        tmp_path / "notes.txt",
    )
    assert listed(tmp_path) == ["a/1.png", "a/2.JPG", "a/deep/er/x.gif", "a.jpg", "b.jpg"]
    assert class_folders(tmp_path) == ["a"]


def test_links_are_followed_but_not_in_circles(tmp_path: Path, links: Path) -> None:
    """Case 04: class folders that are links."""
    train = tmp_path / "data" / "train"
    touch(links / "city" / "1.jpg", links / "2.jpg", train / "beach" / "0.jpg")
    (train / "city").symlink_to(links / "city")
    (train / "beach" / "2.jpg").symlink_to(links / "2.jpg")
    (train / "beach" / "gone.jpg").symlink_to(links / "gone.jpg")
    (train / "beach" / "itself.jpg").symlink_to(train / "beach" / "itself.jpg")
    (train / "beach" / "up").symlink_to(train)
    (train / "beach" / "here").symlink_to(train / "beach")
    (links / "city" / "root").symlink_to(tmp_path / "data")
    assert class_folders(train) == ["beach", "city"]
    assert listed(train / "beach") == ["0.jpg", "2.jpg"]
    assert listed(train / "city") == ["1.jpg"]
    assert listed(train) == ["beach/0.jpg", "beach/2.jpg", "city/1.jpg"]
    nowhere = [path.name for path, is_file in files_below(train / "beach") if not is_file]
    assert nowhere == ["gone.jpg", "itself.jpg"]
    (links / "city" / "root").unlink()
    (links / "again").symlink_to(links / "city")  # two links to one folder are no circle
    assert listed(links) == ["2.jpg", "again/1.jpg", "city/1.jpg"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes in folders")
def test_pipe_is_no_image(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert listed(tmp_path) == []


def test_unicode_forms_sort_and_compare_alike(tmp_path: Path) -> None:
    names = ["cafe.jpg", "caf\N{LATIN SMALL LETTER E WITH ACUTE}.jpg", "cafz.jpg", "zoo.jpg"]
    orders = []
    for form in ("NFC", "NFD"):
        root = tmp_path / form
        touch(*(root / "train" / "a" / unicodedata.normalize(form, name) for name in names))
        orders.append([image_name(path, root) for path in images_below(root / "train")])
    assert orders[0] == orders[1]
    assert orders[0][-2] == "train/a/caf\N{LATIN SMALL LETTER E WITH ACUTE}.jpg"


def test_name_of_an_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert image_name(Path("data/train/a/1.jpg"), "data") == "train/a/1.jpg"
    assert image_name("./data//train/a/1.jpg", Path("data/")) == "train/a/1.jpg"
    assert image_name(tmp_path / "data/train/a/1.jpg", "data") == "train/a/1.jpg"
    assert image_name("other/1.jpg", "data") == "../other/1.jpg"


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    for function in (images_below, class_folders):
        with pytest.raises(FileNotFoundError, match="nowhere"):
            function(tmp_path / "nowhere")
