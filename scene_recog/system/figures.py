"""Common to all figures: colours and a title."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # training draws at its end, and matplotlib takes a while to load
    from matplotlib.figure import Figure

# Okabe and Ito's palette for every kind of colour vision. Dashes distinguish lines in grey.
BLUE, VERMILION, GREEN, ORANGE = "#0072B2", "#D55E00", "#009E73", "#E69F00"
PURPLE, SKY, BLACK = "#CC79A7", "#56B4E9", "#000000"
SERIES: list[dict[str, Any]] = [
    {"color": BLUE, "linestyle": "-"},
    {"color": VERMILION, "linestyle": "--"},
    {"color": GREEN, "linestyle": "-."},
    {"color": ORANGE, "linestyle": ":"},
    {"color": PURPLE, "linestyle": (0, (5, 1, 1, 1, 1, 1))},
    {"color": SKY, "linestyle": (0, (8, 2))},
    {"color": BLACK, "linestyle": (0, (1, 3))},
]


def new_figure(width: float, height: float, title: str) -> Figure:
    """A figure of this size in inches, outside pyplot: a notebook shows it only when returned."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    figure.suptitle(plain(title), x=0.01, ha="left", fontsize=11)
    return figure


def plain(text: str) -> str:
    """The text for verbatim display: "a$b$" is not read as a formula, and lone surrogates, as in
    the names of some old files, become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("$", r"\$")
