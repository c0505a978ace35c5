"""Find and read image files, whatever a stranger's folder holds.

All code lists a folder's images and reads an image with the functions here, so that training,
statistics, checks and caches see the same files and the same pixels.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from scene_recog.system.text import reason_of

MAX_PIXELS = 89_000_000  # Pillow suspects a decompression bomb from here on, too

# Known without Pillow's registry, which would first have to import all of Pillow's plugins.
_COMMON_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp"}
# Pillow registers these too, but they hold documents, films, icons or data, not photographs.
_NO_PHOTOGRAPHS = {"EPS", "WMF", "MPEG", "IPTC", "BUFR", "GRIB", "HDF5", "ICO", "CUR", "ICNS"}
_HIDDEN = {"__MACOSX", "@eaDir"}  # from macOS in zips, and from Synology disks beside photos
# Files that are often found beside images, and are left out without a notice.
_NOTES = {
    ".txt", ".csv", ".tsv", ".md", ".rst", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".toml",
    ".html", ".htm", ".log", ".py", ".ipynb", ".sh", ".db", ".ini", ".lnk", ".url", ".md5",
    ".sha256",
}  # fmt: skip
_NOTES_WITHOUT_SUFFIX = {"readme", "license", "licence", "copying", "makefile", "icon\r"}


class UnreadableImageError(ValueError):
    """A file is not an image, or is damaged; the message names it."""


# -------------------------------------------------------------------- finding


def is_image_name(path: str | Path) -> bool:
    """Whether the name is that of an image: not hidden, with an extension that Pillow opens."""
    name, suffix = _name_and_suffix(path)
    if is_hidden(name) or not suffix:
        return False
    return suffix in _COMMON_SUFFIXES or _pillow_opens(suffix)


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name belongs to the system, such as `.ipynb_checkpoints`."""
    return name.startswith(".") or name in _HIDDEN


def is_note(path: str | Path) -> bool:
    """Whether the name is clearly not that of an image: text, a table, `Thumbs.db`."""
    name, suffix = _name_and_suffix(path)
    return suffix in _NOTES if suffix else name.lower() in _NOTES_WITHOUT_SUFFIX


def class_folders(folder: str | Path) -> list[str]:
    """The names of the class folders in a split's folder, in alphabetical order.

    Links to folders count, hidden folders do not.

    Raises:
        FileNotFoundError: no such folder.
    """
    return [entry.name for entry in _sorted_entries(str(folder)) if _is(entry.is_dir)]


def images_below(folder: str | Path) -> list[Path]:
    """All images in a folder and its subfolders, in the same order on every file system.

    Links to files and folders are followed, except links to a parent, so that the search ends.
    Hidden files and folders and broken links do not count. The order is that of `files_below`.

    Raises:
        FileNotFoundError: no such folder.
    """
    return [path for path, is_file in files_below(folder) if is_file and is_image_name(path)]


def files_below(folder: str | Path) -> Iterator[tuple[Path, bool]]:
    """Everything in a folder and its subfolders except folders; links as in `images_below`.

    Sorted by name, folder by folder. Different Unicode forms of a letter count as the same, so that
    a dataset copied from macOS to Linux keeps its order.

    Returns:
        Paths, each with whether it is a file (not a pipe or a broken link).
    """
    above: set[str] = set()
    for path in (Path(folder).resolve(), Path(folder).absolute().parent.resolve() / "any"):
        above.update(map(str, path.parents))
    return _files_below(str(folder), above)


def image_name(path: str | Path, root: str | Path) -> str:
    """The name by which a run remembers an image of a dataset: `train/coast/a.jpg`.

    It is relative to the data folder, with forward slashes, in Unicode's composed form (NFC), so
    that it is the same on every system. An image elsewhere gets a name with `../`.

    Args:
        path: the image, with the data folder in front as `root` has it.
        root: the data folder, which holds train/ and test/.
    """
    text, prefix = os.fspath(path), os.path.join(root, "")  # noqa: PTH118 (ends in a separator)
    # A path in another spelling (./data, data//train) takes longer.
    name = text.removeprefix(prefix) if text.startswith(prefix) else os.path.relpath(text, root)
    return normalized(name.replace(os.sep, "/"))


def normalized(name: str) -> str:
    """A name in Unicode's composed form (NFC); macOS may list an accented letter as two."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def _name_and_suffix(path: str | Path) -> tuple[str, str]:
    """As from `Path`, in a tenth of the time: each start looks at thousands of names."""
    name = os.path.basename(path)  # noqa: PTH119
    return name, os.path.splitext(name)[1].lower()  # noqa: PTH122


def _pillow_opens(suffix: str) -> bool:
    kind = Image.registered_extensions().get(suffix)
    # MPO, a stereo camera's pair of JPEGs, is opened as a JPEG
    return (kind in Image.OPEN or kind == "MPO") and kind not in _NO_PHOTOGRAPHS


def _files_below(folder: str, above: set[str]) -> Iterator[tuple[Path, bool]]:
    here = os.path.realpath(folder)
    if here in above:  # a link to a parent would loop forever
        return
    for entry in _sorted_entries(folder):
        if _is(entry.is_dir):
            yield from _files_below(entry.path, above | {here})
        else:
            yield Path(entry.path), _is(entry.is_file)


def _sorted_entries(folder: str) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        shown = [entry for entry in entries if not is_hidden(entry.name)]
    return sorted(shown, key=lambda entry: (normalized(entry.name), entry.name))


def _is(kind: Callable[[], bool]) -> bool:
    try:
        return kind()
    except OSError:  # a link to itself
        return False


# -------------------------------------------------------------------- reading


def read_grayscale(path: str | Path) -> Image.Image:
    """The image in grayscale, upright: PIL mode L, 0 (black) to 255 (white).

    This is `Image.open(path).convert("L")` with corrections: pixels of 16 or 32 bits are scaled,
    not clipped (see `to_grayscale`); transparent pixels are white, whatever their hidden colour;
    and a camera's rotation tag (EXIF) is applied.

    Raises:
        FileNotFoundError: no such file.
        UnreadableImageError: not an image, a damaged one, one whose range of pixel values is
            unknown, or one with more than 89 million pixels, which could exhaust the memory.
    """
    try:
        with Image.open(path) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise Image.DecompressionBombError
            # Pillow may return 16 bits as 32, and these formats have no 32
            is_16_bit = opened.mode == "I" and opened.format in ("PNG", "PPM")
            return to_grayscale(ImageOps.exif_transpose(opened), is_16_bit=is_16_bit)
    except FileNotFoundError:
        raise FileNotFoundError(f"no image {path}") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        limit = f"{MAX_PIXELS // 1_000_000} million pixels"
        raise UnreadableImageError(
            f"cannot read the image {path}: it has more than {limit}; make it smaller"
        ) from None
    except Exception as error:  # a damaged file can make Pillow raise nearly anything
        raise UnreadableImageError(f"cannot read the image {path}: {reason_of(error)}") from error


def to_grayscale(image: Image.Image, *, is_16_bit: bool = False) -> Image.Image:
    """Convert an image of any Pillow mode to grayscale: mode L.

    Pixels of more than 8 bits are scaled by the range of their mode or, if the mode does not define
    one, by the range of their values:

        I;16 and its kind           0..65535 (the upper 8 bits are kept)
        I (32-bit integers)         0..255 if all are in it, else 0..65535
        F (floating point)          0..1 if all are in it, else 0..255

    LAB becomes the grey of the same lightness L* (CIE 1976).

    Args:
        image: any mode.
        is_16_bit: the values of an image of mode I are known to be 16-bit, however dark.

    Raises:
        ValueError: values outside these ranges, or not numbers.
    """
    if image.mode.startswith("I;16") or (image.mode == "I" and is_16_bit):
        levels = np.asarray(image) >> 8
        return Image.fromarray(levels.clip(0, 255).astype(np.uint8))
    if image.mode in ("I", "F"):
        return Image.fromarray(_in_8_bits(np.asarray(image)))
    if image.mode == "LAB":
        return image.getchannel(0).point(_grey_of_lightness())
    if image.has_transparency_data:
        image = image.convert("LA") if image.mode == "La" else image
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("L")


def _in_8_bits(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    if not np.isfinite(values).all():
        raise ValueError("some pixel values are not numbers (NaN or infinite): replace them")
    low, high = values.min(), values.max()
    is_float = values.dtype.kind == "f"
    if low < 0 or high > (255 if is_float else 65535):
        raise ValueError(f"pixel values from {low:g} to {high:g}: convert it to 8 bits")
    if is_float:
        values = values * 255 if high <= 1 else values
    elif high > 255:
        values = values >> 8
    levels: npt.NDArray[np.uint8] = np.rint(values).astype(np.uint8)
    return levels


@cache
def _grey_of_lightness() -> list[int]:
    """The sRGB grey level for each of Pillow's 256 levels of L*."""
    lightness = np.arange(256) * 100 / 255
    linear = np.where(lightness > 8, ((lightness + 16) / 116) ** 3, lightness / 903.3)
    encoded = np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
    levels: list[int] = np.rint(encoded * 255).clip(0, 255).astype(int).tolist()
    return levels
