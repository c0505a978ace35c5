"""Text that came from elsewhere, in one printable line."""

from __future__ import annotations


def in_one_line(text: str) -> str:
    """Line breaks and other control characters, as file names may have them, as escapes."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def reason_of(error: Exception) -> str:
    """Why it was raised, in one line; its class if it does not say."""
    text = (getattr(error, "strerror", None) or str(error)).strip()
    return text.splitlines()[0] if text else type(error).__name__
