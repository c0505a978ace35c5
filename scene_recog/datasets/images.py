"""Finding and reading image files, whatever a stranger's folder holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp"}


def is_image_name(path: Path) -> bool:
    """Whether the file's name says that it is an image (`Thumbs.db` and notes are not)."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def read_grayscale(path: str | Path) -> Image.Image:
    """The image in grayscale, upright: PIL mode L, 0 (black) to 255 (white).

    This is `Image.open(path).convert("L")`, and three things that `convert` gets wrong: 16-bit
    values are scaled, not clipped to white; transparent pixels are white, not whatever colour lies
    below; and a camera's rotation mark (EXIF) is obeyed.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not an image, or a damaged one; the message names the file.
    """
    try:
        with Image.open(path) as opened:
            image: Image.Image = ImageOps.exif_transpose(opened)
            if image.mode.startswith("I"):  # 16 bits a pixel; mode "I" when it comes from a PNG
                levels = np.asarray(image).astype(np.int64) >> 8
                return Image.fromarray(levels.clip(0, 255).astype(np.uint8))
            if image.has_transparency_data:
                image = image.convert("RGBA")
                image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
            return image.convert("L")
    except FileNotFoundError:
        raise FileNotFoundError(f"no image {path}") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(f"cannot read the image {path}: {error}") from error
