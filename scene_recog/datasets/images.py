"""Finding and reading image files, whatever a stranger's folder holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from scene_recog.system.text import reason_of

MAX_PIXELS = 89_000_000  # where Pillow, too, begins to suspect a decompression bomb
IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp"}


def is_image_name(path: Path) -> bool:
    """Whether the file's name says that it is an image (`Thumbs.db` and notes are not)."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


class UnreadableImageError(ValueError):
    """A file is no image, or a damaged one; the message names it."""


def read_grayscale(path: str | Path) -> Image.Image:
    """The image in grayscale, upright: PIL mode L, 0 (black) to 255 (white).

    This is `Image.open(path).convert("L")`, and three things that `convert` gets wrong: 16-bit
    values are scaled, not clipped to white; transparent pixels are white, not whatever colour lies
    below; and a camera's rotation mark (EXIF) is obeyed.

    Raises:
        FileNotFoundError: no such file.
        UnreadableImageError: not an image, a damaged one, or one of more than 89 million pixels,
            which would take all memory.
    """
    try:
        with Image.open(path) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise Image.DecompressionBombError
            image: Image.Image = ImageOps.exif_transpose(opened)
            if image.mode.startswith("I"):  # 16 bits a pixel; mode "I" when it comes from a PNG
                levels = np.asarray(image) >> 8
                return Image.fromarray(levels.clip(0, 255).astype(np.uint8))
            if image.has_transparency_data:
                image = image.convert("RGBA")
                image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
            return image.convert("L")
    except FileNotFoundError:
        raise FileNotFoundError(f"no image {path}") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        limit = f"{MAX_PIXELS // 1_000_000} million pixels"
        raise UnreadableImageError(
            f"cannot read the image {path}: it has more than {limit}, make it smaller"
        ) from None
    except Exception as error:  # a damaged file can make Pillow raise nearly anything
        raise UnreadableImageError(f"cannot read the image {path}: {reason_of(error)}") from error
