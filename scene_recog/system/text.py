"""Turn text from elsewhere into one printable line."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any


def in_one_line(text: str) -> str:
    """The text with line breaks and other control characters, as in file names, escaped."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def encodable(text: str, encoding: str | None) -> str:
    """The text with characters that the encoding lacks escaped; None is UTF-8."""
    encoding = encoding or "utf-8"
    return text.encode(encoding, errors="backslashreplace").decode(encoding)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """ " (did you mean lr?)" for "lrr", to follow the word in a message; empty if none is close."""
    by_lower_case = {each.lower(): each for each in known}
    close = get_close_matches(word.lower(), by_lower_case, n=1)
    return f" (did you mean {by_lower_case[close[0]]}?)" if close else ""


def first_of(names: Sequence[str], limit: int = 3) -> str:
    """The first names, and how many more there are: "a, b, c and 2 more"."""
    rest = len(names) - limit
    return ", ".join(names[:limit]) + (f" and {rest:,} more" if rest > 0 else "")


def percent(share: float | None) -> str:
    """0.256 as "25.6%", None as "-"."""
    return "-" if share is None else f"{share:.1%}"


def reason_of(error: Exception) -> str:
    """Its message in one line, or its class if it has none."""
    text = (getattr(error, "strerror", None) or str(error)).strip()
    return text.splitlines()[0] if text else type(error).__name__


def shortened(value: Any) -> str:
    """Its `repr`, cut in the middle if it is long."""
    short = reprlib.Repr()
    short.maxstring = short.maxother = 60
    return short.repr(value)
