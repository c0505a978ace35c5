"""matplotlib figures as plain data: described where the student's code runs, drawn elsewhere.

Only what the tests look at is sent: pictures with their values and positions, ticks with labels,
names of axes, limits and texts. Both sides have the same figures open, under the same numbers:

    outside   before each call: opened()
    sandbox   watch_show() once; before each call set_open(what opened() gave); after it described()
    outside   after each call: drawn(what described() gave)
"""

from __future__ import annotations

import contextlib
from typing import Any
from weakref import WeakSet

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

FIGURES = 20
AXES = 20  # of a figure
PICTURES = 20  # of axes
VALUES = 1_000_000  # of a picture
TICKS = 500  # of an axis
TEXTS = 2000  # of axes
CHARACTERS = 200  # of a text

_shown: list[Figure] = []


def watch_show() -> None:
    """From now on, describe figures shown by plt.show() even if they are closed afterwards."""
    plt.show = lambda *_args, **_options: _shown.extend(_open())


def set_open(figures: list[tuple[int, bool]]) -> None:
    """Open exactly the figures that are open outside, from `opened`."""
    _shown.clear()
    kept = [number for number, is_known in figures if is_known]
    for number in plt.get_fignums():
        if number not in kept:
            plt.close(number)
    for number, _ in figures:
        plt.figure(number)  # an empty one if it is new


def _open() -> list[Figure]:
    """The figures of pyplot, the current one last."""
    if not plt.get_fignums():
        return []
    current = plt.gcf()
    return [*(plt.figure(n) for n in plt.get_fignums() if n != current.number), plt.figure(current)]


# ------------------------------------------------------------ beside the student's code


def described() -> list[dict[str, Any]]:
    """The figures that pyplot has shown and closed since the last call, then the open ones.

    Returns:
        for each, the current one last: number; is_open; axes, a list of dicts with pictures, x, y
        (each with ticks [(place, label)], label, limits) and texts [(x, y, text)].

    Raises:
        Any error of drawing, such as in a student's own formatter.
    """
    figures = _open()
    closed = [each for each in dict.fromkeys(_shown) if each not in figures]
    _shown.clear()
    found = [
        {"number": 0, "is_open": False, "axes": [_axes(each) for each in figure.axes[:AXES]]}
        for figure in map(_laid_out, closed)
    ]
    found += [
        {"number": figure.number, "is_open": True, "axes": [_axes(a) for a in figure.axes[:AXES]]}
        for figure in map(_laid_out, figures)
    ]
    return found[-FIGURES:]


def _laid_out(figure: Any) -> Any:
    """Draw the figure, because formatters write tick labels only then."""
    if any(_pictures(axes) for axes in figure.axes):
        figure.draw_without_rendering()
    return figure


def _axes(axes: Axes) -> dict[str, Any]:
    texts = []
    for text in axes.texts[:TEXTS]:
        with contextlib.suppress(TypeError, ValueError):
            x, y = map(float, text.get_position())
            if np.isfinite([x, y]).all():
                texts.append((x, y, _text(text.get_text())))
    return {
        "pictures": _pictures(axes),
        "x": _axis(axes.xaxis, axes.get_xlabel(), axes.get_xlim()),
        "y": _axis(axes.yaxis, axes.get_ylabel(), axes.get_ylim()),
        "texts": texts,
    }


def _axis(axis: Any, label: str, limits: tuple[float, float]) -> dict[str, Any]:
    ticks = [
        (float(tick.get_loc()), _text(tick.label1.get_text() or tick.label2.get_text()))
        for tick in axis.get_major_ticks()[:TICKS]
        if np.isfinite(float(tick.get_loc()))
    ]
    return {"ticks": ticks, "label": _text(label), "limits": tuple(map(float, limits))}


def _text(text: Any) -> str:
    return str(text)[:CHARACTERS]


def _pictures(axes: Axes) -> list[dict[str, Any]]:
    """Artists that show values in two dimensions: from imshow, matshow, pcolormesh and pcolor."""
    found: list[dict[str, Any]] = []
    artists: list[Any] = [*axes.images, *axes.collections]
    for artist in artists[:PICTURES]:
        values = artist.get_array()
        if values is None or np.size(values) > VALUES:
            continue
        array = np.asarray(values, dtype=float)
        if hasattr(artist, "get_coordinates"):
            corners = np.asarray(artist.get_coordinates(), dtype=float)
            if array.ndim == 1:
                array = array.reshape(corners.shape[0] - 1, corners.shape[1] - 1)
            found.append({"values": array, "corners": corners})
        elif array.ndim == 2 and hasattr(artist, "get_extent"):
            extent = tuple(map(float, artist.get_extent()))
            found.append({"values": array, "extent": extent, "origin": str(artist.origin)})
    return found


# ------------------------------------------------------------------ where the tests run


_drawn: WeakSet[Figure] = WeakSet()


def opened() -> list[tuple[int, bool]]:
    """The open figures: number, and whether the sandbox has it. The current one is the last."""
    figures: list[Any] = _open()
    return [(int(figure.number), figure in _drawn) for figure in figures]


def drawn(figures: Any) -> None:
    """Draw figures with pyplot under their numbers; close those that are no longer open.

    Figures that the student's code showed and closed are shown by plt.show() and closed.

    Args:
        figures: from `described`.

    Raises:
        NotUnderstood: they are malformed or too large.
    """
    from teaching.grading.replica import NotUnderstood  # the sandbox has no replica

    try:
        _check(figures)
        numbers = [figure["number"] for figure in figures if figure["is_open"]]
        for number in plt.get_fignums():
            if number not in numbers:
                plt.close(number)
        for figure in figures:
            _draw(figure)
        _drawn.update(_open())
    except Exception as error:
        line = " ".join(f"{type(error).__name__}: {error}".split())[:CHARACTERS]
        raise NotUnderstood(f"a figure: {line}") from error


def _check(figures: Any) -> None:
    """Raises ValueError, TypeError, AttributeError or KeyError if it is not from `described`."""

    def is_list(value: Any, most: int) -> bool:
        return type(value) is list and len(value) <= most

    def are_numbers(values: Any, count: int) -> bool:
        is_finite = type(values) is tuple and all(type(each) is float for each in values)
        return is_finite and len(values) == count and bool(np.isfinite(values).all())

    def is_text(value: Any) -> bool:
        return type(value) is str and len(value) <= CHARACTERS

    def is_array(value: Any, dimensions: int) -> bool:
        is_one = type(value) is np.ndarray and value.dtype == np.float64
        return is_one and value.ndim == dimensions and value.size <= 3 * VALUES

    def demand(is_right: bool, what: str) -> None:
        if not is_right:
            raise ValueError(f"malformed: {what}")

    demand(is_list(figures, FIGURES), "figures are")
    for figure in figures:
        number = figure["number"]
        demand(type(number) is int and 0 <= number < 1_000_000, "numbers are")
        demand(figure["is_open"] is (number > 0), "numbers are")
        demand(is_list(figure["axes"], AXES), "axes are")
        for axes in figure["axes"]:
            demand(is_list(axes["pictures"], PICTURES), "pictures are")
            for picture in axes["pictures"]:
                demand(is_array(picture["values"], 2), "values are")
                if "corners" in picture:
                    corners = picture["corners"]
                    demand(is_array(corners, 3) and corners.shape[2] == 2, "corners are")
                    demand(bool(np.isfinite(corners).all()), "corners are")
                else:
                    demand(are_numbers(picture["extent"], 4), "extents are")
                    demand(picture["origin"] in ("upper", "lower"), "origins are")
            for axis in (axes["x"], axes["y"]):
                demand(is_list(axis["ticks"], TICKS), "ticks are")
                for place, label in axis["ticks"]:
                    demand(are_numbers((place,), 1) and is_text(label), "ticks are")
                demand(is_text(axis["label"]) and are_numbers(axis["limits"], 2), "axes are")
            demand(is_list(axes["texts"], TEXTS), "texts are")
            for x, y, text in axes["texts"]:
                demand(are_numbers((x, y), 2) and is_text(text), "texts are")


def _draw(description: dict[str, Any]) -> None:
    figure = plt.figure(description["number"] or None)
    figure.clear()
    for each in description["axes"]:
        axes = figure.add_axes((0.1, 0.1, 0.8, 0.8), label=str(len(figure.axes)))
        for picture in each["pictures"]:
            values = picture["values"]
            if "corners" in picture:
                x, y = np.moveaxis(picture["corners"], 2, 0)
                shading: Any = "gouraud" if x.shape == values.shape else "flat"
                axes.pcolormesh(x, y, values, shading=shading)
            else:
                extent, origin = picture["extent"], picture["origin"]
                axes.imshow(values, extent=extent, origin=origin, aspect="auto")
        for x, y, text in each["texts"]:
            axes.text(x, y, _printable(text), parse_math=False)
        for axis, one in ((axes.xaxis, each["x"]), (axes.yaxis, each["y"])):
            places = [place for place, _ in one["ticks"]]
            labels = [_printable(label) for _, label in one["ticks"]]
            axis.set_ticks(places, labels=labels, parse_math=False)
            axis.set_label_text(_printable(one["label"]), parse_math=False)
        axes.set_xlim(*each["x"]["limits"])  # last: ticks widen them
        axes.set_ylim(*each["y"]["limits"])
    if not description["is_open"]:
        plt.show()
        plt.close(figure)


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() or each == "\n" else " " for each in text)
