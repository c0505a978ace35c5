"""A self-contained HTML page: text, sortable tables, pictures; nothing is fetched from elsewhere.

The page is a tree of `xml.etree` elements, which escape all text and attributes, so that names of
files and classes cannot become markup.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import warnings
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from matplotlib.figure import Figure
from PIL import Image

from scene_recog.system.files import write_atomically

Element = ElementTree.Element


def element(tag: str, *children: Element | str | None, **attributes: str) -> Element:
    """An HTML element with these texts and elements; None is left out, `class_` means `class`."""
    node = Element(tag, {key.rstrip("_"): value for key, value in attributes.items()})
    last: Element | None = None
    for child in children:
        if isinstance(child, str):
            if last is None:
                node.text = (node.text or "") + child
            else:
                last.tail = (last.tail or "") + child
        elif child is not None:
            node.append(child)
            last = child
    return node


def with_code(tag: str, text: str, **attributes: str) -> Element:
    """An HTML element with a text in which `code` is set as code."""
    parts = re.split(r"`([^`]+)`", text)
    children = (element("code", part) if place % 2 else part for place, part in enumerate(parts))
    return element(tag, *children, **attributes)


def picture(figure: Figure, alt: str, caption: str, *, is_photographic: bool = False) -> Element:
    """A figure as an embedded picture with a caption.

    Args:
        figure: what to draw, at 100 dots an inch.
        alt: a description for those who cannot see it.
        caption: below the picture.
        is_photographic: True compresses it as a photograph; plots stay exact.
    """
    buffer = io.BytesIO()
    options = {"quality": 78} if is_photographic else {"lossless": True}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from .*font")  # users' names
        figure.savefig(buffer, format="webp", dpi=100, pil_kwargs=options)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    with Image.open(buffer) as drawn:
        width, height = drawn.size
    image = element(
        "img",
        src=f"data:image/webp;base64,{data}",
        alt=alt,
        width=str(width),
        height=str(height),
        class_="wide" if width > 600 else "narrow",
    )
    # A box that scrolls must be reachable with the keyboard.
    scroll = element("div", image, class_="scroll", tabindex="0", role="group")
    scroll.set("aria-label", alt)
    return element("figure", scroll, element("figcaption", caption))


def table(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], *, caption: str, can_sort: bool = True
) -> Element:
    """A table whose columns sort on click.

    Args:
        columns: their names.
        rows: each cell is a text, None, or (number, text), shown as the text and sorted by the
            number. Columns with numbers are right-aligned.
        caption: what the table holds, for screen readers.
        can_sort: whether the headers are buttons for sorting.
    """
    is_number = [
        any(isinstance(row[column], tuple) for row in rows) for column in range(len(columns))
    ]
    heads = [
        element(
            "th",
            element("button", name, type="button") if can_sort else name,
            scope="col",
            class_="number" if right else "text",
        )
        for name, right in zip(columns, is_number, strict=True)
    ]
    body = element("tbody")
    for row in rows:
        line = element("tr")
        for cell, right in zip(row, is_number, strict=True):
            td = element("td", cell[1] if isinstance(cell, tuple) else cell or "")
            td.set("class", "number" if right else "text")
            if isinstance(cell, tuple) and cell[0] is not None:
                td.set("data-value", repr(float(cell[0])))
            line.append(td)
        body.append(line)
    whole = element("table", element("thead", element("tr", *heads)), body)
    whole.set("class", "sorts" if can_sort else "plain")
    whole.set("aria-label", caption)
    scroll = element("div", whole, class_="scroll", tabindex="0", role="group")
    scroll.set("aria-label", caption)
    return scroll


def bullets(items: Sequence[str]) -> Element:
    """A list with bullets, in which `code` is set as code."""
    return element("ul", *(with_code("li", item) for item in items))


def folded(title: str, *children: Element | str | None) -> Element:
    """A section that opens on click."""
    return element("details", element("summary", title), *children)


def path_of_page(out: str | Path | None, default: Path) -> Path:
    """Where to write a page: `out`, or else the default.

    Raises:
        FileNotFoundError: no folder to write into.
        ValueError: `out` is a folder.
    """
    path = Path(out).expanduser() if out is not None else default
    if path.is_dir():
        raise ValueError(f"{path} is a folder: name a file, such as {path / default.name}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"no folder {path.parent} for {path.name}: create it first")
    return path


def write_page(path: Path, title: str, body: Element) -> None:
    """Write the page; the old file stays until the new one is complete.

    Args:
        path: the .html file.
        title: of the browser's window.
        body: a <body> element.
    """
    content = page_of(title, body)
    write_atomically(path, lambda part: part.write_bytes(content))


def page_of(title: str, body: Element, *, has_script: bool = True) -> bytes:
    """The page as bytes of HTML.

    Args:
        title: of the browser's window.
        body: a <body> element.
        has_script: whether tables sort.
    """
    files = resources.files(__package__)
    style = element("style", files.joinpath("page.css").read_text(encoding="utf-8"))
    script = element("script", files.joinpath("page.js").read_text(encoding="utf-8"))
    # A browser runs and loads nothing else: a second safeguard besides the escaping.
    scripts = f"'{digest_of(script.text or '')}'" if has_script else "'none'"
    policy = (
        f"default-src 'none'; img-src data:; style-src '{digest_of(style.text or '')}'; "
        f"script-src {scripts}; base-uri 'none'; form-action 'none'"
    )
    meta = element("meta", content=policy)
    meta.set("http-equiv", "Content-Security-Policy")
    if has_script:
        body.append(script)
    page = element(
        "html",
        element(
            "head",
            element("meta", charset="utf-8"),
            meta,
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("title", title),
            style,
        ),
        body,
        lang="en",
    )
    text = (
        "<!DOCTYPE html>\n" + ElementTree.tostring(page, encoding="unicode", method="html") + "\n"
    )
    return text.encode("utf-8", errors="replace")  # a file name may hold lone surrogates


def digest_of(text: str) -> str:
    """How a page's policy names a script or style that it allows."""
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return "sha256-" + base64.b64encode(digest).decode("ascii")
