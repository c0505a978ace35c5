"""Figures drawn from a description show the same as the originals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import test_confusion_matrix as tests
from matplotlib import ticker

from teaching.grading import figures
from teaching.grading.replica import NotUnderstood

VALUES = np.array(tests.SHARES)
NAMES = ["bedroom", "coast", "forest", "kitchen"]
CLASSES = range(4)


@pytest.fixture(autouse=True)
def clean_slate(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(plt, "show", plt.show)
    plt.close("all")
    tests.SHOWN.clear()
    yield
    plt.close("all")


def shown() -> None:
    plt.imshow(VALUES)
    plt.xticks(CLASSES, NAMES, rotation=90)
    plt.yticks(CLASSES, NAMES)
    plt.xlabel("predicted $class")
    plt.ylabel("target class")
    plt.colorbar()
    for row in CLASSES:
        for column in CLASSES:
            plt.text(column, row, f"{VALUES[row, column]:.2f}")
    plt.figure(7)
    plt.bar(NAMES, VALUES.sum(1))
    plt.figure(1)


def upside_down() -> None:
    plt.imshow(VALUES[::-1], origin="lower", extent=(0, 8, 0, 8))
    plt.xticks(np.arange(1, 9, 2), NAMES)
    plt.yticks(np.arange(1, 9, 2), NAMES[::-1])


def on_top() -> None:
    _, axes = plt.subplots()
    axes.matshow(VALUES)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(ticker.MultipleLocator(1))
        axis.set_major_formatter(lambda x, _: NAMES[int(x)].upper() if 0 <= x < 4 else "")
    axes.annotate("0.10", (1, 0))


def mesh() -> None:
    figure, axes = plt.subplots()
    drawn = axes.pcolormesh(VALUES)
    axes.invert_yaxis()
    axes.set_xticks(np.arange(4) + 0.5, NAMES)
    axes.set_yticks(np.arange(4) + 0.5, NAMES)
    figure.colorbar(drawn)


def polygons() -> None:
    edges = np.arange(5) - 0.5
    plt.pcolor(edges, edges, VALUES)
    plt.ylim(3.5, -0.5)
    plt.xticks(CLASSES, NAMES)
    plt.yticks(CLASSES, NAMES)


def shown_and_closed() -> None:
    shown()
    plt.show()
    plt.close("all")


def seen() -> dict[str, Any]:
    """Everything that the tests look at."""
    axes, artist = tests.picture()
    return {
        "matrix": tests.shown_matrix().tolist(),
        "names": (axes.get_xlabel(), axes.get_ylabel()),
        "texts": [(text.get_text(), *text.get_position()) for text in axes.texts],
        "at texts": [tests.value_at(artist, *text.get_position()) for text in axes.texts],
        "limits": (axes.get_xlim(), axes.get_ylim()),
        "open": plt.get_fignums(),
        "current": plt.gcf().number if plt.get_fignums() else None,
    }


def show() -> None:
    """The tests' replacement for plt.show."""
    tests.SHOWN.extend(tests.open_figures())


@pytest.mark.parametrize("draw", [shown, upside_down, on_top, mesh, polygons, shown_and_closed])
def test_shows_the_same(draw: Callable[[], None]) -> None:
    plt.show = show  # type: ignore[assignment]
    draw()
    expected = seen()
    plt.close("all")
    tests.SHOWN.clear()

    figures.watch_show()
    draw()
    description = figures.described()
    plt.close("all")
    plt.show = show  # type: ignore[assignment]
    figures.drawn(description)
    assert seen() == expected
    assert expected["matrix"] == VALUES.tolist()


def test_figures_that_were_open_stay_the_same() -> None:
    figures.set_open([(3, False), (1, False)])
    assert plt.gcf().number == 1
    mesh()
    description = figures.described()
    plt.close("all")
    first, _, third = plt.figure(1), plt.figure(2), plt.figure(3)
    assert figures.opened() == [(1, False), (2, False), (3, False)]
    for _ in range(2):  # a second call changes nothing
        figures.drawn(description)
        assert plt.get_fignums() == [1, 3, 4]
        assert plt.gcf().number == 4
        assert plt.figure(1) is first
        assert plt.figure(3) is third
        assert not first.axes
        plt.figure(4)
    plt.figure(9)
    plt.figure(3)
    assert figures.opened() == [(1, True), (4, True), (9, False), (3, True)]


def test_open_figures_are_kept_unless_they_are_new() -> None:
    mesh()
    upside_down()
    figures.set_open([(2, True), (1, False)])
    assert not plt.figure(1).axes
    assert not plt.figure(2).axes  # there was none
    mesh()
    figures.set_open([(3, True)])
    assert plt.get_fignums() == [3]
    assert plt.figure(3).axes


def test_nothing_is_open() -> None:
    assert figures.described() == []
    plt.figure()
    figures.drawn([])
    assert plt.get_fignums() == []


@pytest.mark.parametrize("text", ["$\\frac{1}{$", "$" * 200, "\0\ud800\a", "\n" * 200, "猫"])
@pytest.mark.filterwarnings("ignore:Glyph")
def test_texts_are_only_texts(text: str) -> None:
    shown()
    plt.xlabel("")
    [*_, last] = description = figures.described()
    [axes, *_] = last["axes"]
    axes["texts"][0] = (0.0, 0.0, text)
    axes["x"]["label"] = text
    axes["x"]["ticks"][0] = (0.0, text)
    figures.drawn(description)
    plt.gcf().draw_without_rendering()
    plt.gcf().canvas.draw()


def change(*path: Any, to: Any) -> Callable[[Any], None]:
    def apply(data: Any) -> None:
        for key in path[:-1]:
            data = data[key]
        data[path[-1]] = to

    return apply


AXES = (-1, "axes", 0)
PICTURE = (*AXES, "pictures", 0)
WRONG = {
    "no axes": change(-1, "axes", to=None),
    "many axes": change(-1, "axes", to=[{}] * 1000),
    "number is text": change(-1, "number", to="1"),
    "number is negative": change(-1, "number", to=-1),
    "open is no truth value": change(-1, "is_open", to="yes"),
    "values are a list": change(*PICTURE, "values", to=[[1.0]]),
    "values are objects": change(*PICTURE, "values", to=np.array([[object()]])),
    "values are huge": change(*PICTURE, "values", to=np.broadcast_to(0.0, (100_000, 100_000))),
    "extent is not finite": change(*PICTURE, "extent", to=(0.0, 1.0, 0.0, float("nan"))),
    "origin is unknown": change(*PICTURE, "origin", to="left"),
    "corners do not fit": change(*PICTURE, "corners", to=np.zeros((3, 3, 2))),
    "corners are not finite": change(*PICTURE, "corners", to=np.full((5, 5, 2), np.inf)),
    "text is long": change(*AXES, "texts", to=[(0.0, 0.0, "a" * 100_000)]),
    "text is an object": change(*AXES, "texts", to=[(0.0, 0.0, object())]),
    "many texts": change(*AXES, "texts", to=[(0.0, 0.0, "")] * 100_000),
    "place is text": change(*AXES, "texts", to=[("0", 0.0, "")]),
    "many ticks": change(*AXES, "x", "ticks", to=[(0.0, "")] * 100_000),
    "tick is a number": change(*AXES, "x", "ticks", to=[0.0]),
    "limits are not finite": change(*AXES, "y", "limits", to=(0.0, float("inf"))),
    "label is long": change(*AXES, "y", "label", to="a" * 1000),
}


@pytest.mark.parametrize("apply", WRONG.values(), ids=WRONG)
def test_refuses_a_description(apply: Callable[[Any], None]) -> None:
    shown()
    description = figures.described()
    apply(description)
    with pytest.raises(NotUnderstood):
        figures.drawn(description)
