"""Contact sheet: a few images of every class in one picture, as in figure 1 of the handout."""

import math
import random
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from scene_recog.datasets.images import read_grayscale
from scene_recog.datasets.layout import images_by_class
from scene_recog.system.files import write_atomically
from scene_recog.system.text import in_one_line

_THUMB, _GAP, _MARGIN, _CAPTION = 128, 4, 28, 30  # pixels
_ASPECT = 1.6  # width / height to aim at
_INK, _PALE = (34, 40, 49), (120, 128, 138)


def contact_sheet(
    root: str | Path, split: str = "train", per_class: int = 5, seed: int = 0
) -> Image.Image:
    """Draw some images of each class, with the classes' names and sizes.

    Args:
        root: folder that holds train/ and test/.
        split: "train" or "test".
        per_class: images of each class, 1 to 50; fewer where a class has fewer.
        seed: which ones; the same seed shows the same images.

    Returns:
        PIL image, mode RGB.

    Raises:
        FileNotFoundError: no such split, or no class folder in it.
        ValueError: per_class out of range, or an image that cannot be read.
    """
    if not 1 <= per_class <= 50:
        raise ValueError(f"per_class is {per_class}: use 1 to 50")
    classes = images_by_class(root, split)
    width = per_class * (_THUMB + _GAP) - _GAP + _MARGIN
    height = _CAPTION + _THUMB + _MARGIN
    columns = _columns(len(classes), width, height)
    rows = math.ceil(len(classes) / columns)
    sheet = Image.new("RGB", (columns * width + _MARGIN, rows * height + _MARGIN), "white")
    draw = ImageDraw.Draw(sheet)
    for index, (name, paths) in enumerate(classes.items()):
        left = _MARGIN + index % columns * width
        top = _MARGIN + index // columns * height
        # a generator per class: adding a class does not change the images of the others
        stream = random.Random(f"{seed} {name}".encode(errors="surrogatepass"))
        chosen = stream.sample(paths, min(per_class, len(paths)))
        _write_caption(draw, (left, top), width - _MARGIN, name, len(paths))
        _paste_row(sheet, (left, top + _CAPTION), sorted(chosen))
    return sheet


def save_contact_sheet(sheet: Image.Image, path: str | Path) -> Path:
    """Write the picture in the format of the file name's ending.

    Raises:
        FileNotFoundError: the folder to write into does not exist.
        ValueError: the file name's ending is not that of an image.
    """
    path = Path(path).expanduser()
    if path.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp", ".pdf"):
        raise ValueError(f"{path}: give a file name that ends in .png, .jpg, .webp or .pdf")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"no folder {path.parent} for {path.name}: create it first")
    kind = Image.registered_extensions()[path.suffix.lower()]
    write_atomically(path, lambda part: sheet.save(part, format=kind))
    return path


def _columns(blocks: int, width: int, height: int) -> int:
    """The number of columns that brings the sheet closest to the wanted aspect ratio."""

    def distance(columns: int) -> float:
        rows = math.ceil(blocks / columns)
        return abs(math.log(columns * width / (rows * height) / _ASPECT))

    return min(range(1, blocks + 1), key=distance)


def _write_caption(
    draw: ImageDraw.ImageDraw, corner: tuple[int, int], width: int, name: str, count: int
) -> None:
    title, note = ImageFont.load_default(19), ImageFont.load_default(14)
    name, number = in_one_line(name), f"{count:,}"
    if draw.textlength(name, title) + draw.textlength(number, note) + 8 > width:
        number = ""
    while draw.textlength(name, title) > width:
        name = name.rstrip("…")[:-1] + "…"
    baseline = corner[1] + _CAPTION - 9
    draw.text((corner[0], baseline), name, _INK, title, anchor="ls")
    draw.text((corner[0] + width, baseline), number, _PALE, note, anchor="rs")


def _paste_row(sheet: Image.Image, corner: tuple[int, int], paths: Sequence[Path]) -> None:
    for index, path in enumerate(paths):
        thumb = ImageOps.fit(read_grayscale(path), (_THUMB, _THUMB), Image.Resampling.LANCZOS)
        sheet.paste(thumb.convert("RGB"), (corner[0] + index * (_THUMB + _GAP), corner[1]))
