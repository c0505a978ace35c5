"""Weights, multiply-adds and receptive fields: do they agree with the lecture?"""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn

from scene_recog.lecture import counts

PIXELS = 200 * 200  # of the lecture's image; it has as many units
FULLY_CONNECTED = [(7, 3), (1, 5), (500, 100)]  # inputs, units
LOCALLY_CONNECTED = [(49, 3, 1), (49, 3, 4), (12, 5, 3), (6, 1, 2)]  # units, filter side, maps
CONVOLUTIONS = [  # filters, their side, positions, maps
    (10, 5, 3600, 1),
    (20, 5, 256, 10),
    (7, 3, 12, 2),
    (4, 1, 9, 3),
]
FIELDS = [(5, 3), (3, 2), (1, 4), (7, 1), (10, 10)]  # kernel, pooling
STAGES = [[(5, 3), (5, 3)], [(3, 2)], [(7, 2), (3, 3), (5, 2)], [(1, 2), (4, 1), (2, 2)], []]
ALEXNET_WEIGHTS = {
    "conv1": 34_848,
    "conv2": 307_200,
    "conv3": 884_736,
    "conv4": 663_552,
    "conv5": 442_368,
    "fc6": 37_748_736,
    "fc7": 16_777_216,
    "fc8": 4_096_000,
}
ALEXNET_SIDES = [55, 27, 13, 13, 13, 1, 1, 1]
ALEXNET_MAPS = [96, 256, 384, 384, 256, 4096, 4096, 1000]


def check(call: str, got: Any, expected: int, hints: dict[str, float] | None = None) -> None:
    """Compare a count; hints are mistakes, and the counts that they give."""
    hint = next((f" {text}" for text, value in (hints or {}).items() if got == value), "")
    assert got == expected, f"{call} is {got:,}: it must be {expected:,}.{hint}"


# ------------------------------------------------------------------- weights


def test_the_lectures_image() -> None:
    check(
        "fully_connected_weights(40_000, 40_000)",
        counts.fully_connected_weights(PIXELS, PIXELS),
        1_600_000_000,
    )
    check(
        "locally_connected_weights(40_000, 10)",
        counts.locally_connected_weights(PIXELS, 10),
        4_000_000,
    )
    check("convolution_weights(100, 10)", counts.convolution_weights(100, 10), 10_000)


@pytest.mark.parametrize(("inputs", "units"), FULLY_CONNECTED)
def test_fully_connected(inputs: int, units: int) -> None:
    expected = nn.Linear(inputs, units, bias=False, device="meta").weight.numel()
    hints = {"Biases are not counted.": expected + units}
    check(
        f"fully_connected_weights({inputs}, {units})",
        counts.fully_connected_weights(inputs, units),
        expected,
        hints,
    )
    check(
        f"fully_connected_multiply_adds({inputs}, {units})",
        counts.fully_connected_multiply_adds(inputs, units),
        expected,
        {"A multiplication and an addition count as one.": 2 * expected},
    )


@pytest.mark.parametrize(("units", "side", "maps"), LOCALLY_CONNECTED)
def test_locally_connected(units: int, side: int, maps: int) -> None:
    expected = torch.empty(units, maps, side, side, device="meta").numel()
    hints = {
        "The filter is a square: side^2.": units * side * maps,
        "Each filter reaches through all maps.": units * side**2,
    }
    arguments = f"({units}, {side}, maps={maps})"
    check(
        f"locally_connected_weights{arguments}",
        counts.locally_connected_weights(units, side, maps),
        expected,
        hints,
    )
    check(
        f"locally_connected_multiply_adds{arguments}",
        counts.locally_connected_multiply_adds(units, side, maps=maps),
        expected,
        hints,
    )


@pytest.mark.parametrize(("filters", "side", "positions", "maps"), CONVOLUTIONS)
def test_convolution(filters: int, side: int, positions: int, maps: int) -> None:
    weights = nn.Conv2d(maps, filters, side, bias=False, device="meta").weight.numel()
    check(
        f"convolution_weights({filters}, {side}, maps={maps})",
        counts.convolution_weights(filters, side, maps=maps),
        weights,
        {
            "The filter is a square: side^2.": filters * side * maps,
            "Each filter reaches through all maps.": filters * side**2,
            "Biases are not counted.": weights + filters,
        },
    )
    check(
        f"convolution_multiply_adds({filters}, {side}, {positions}, maps={maps})",
        counts.convolution_multiply_adds(filters, side, positions, maps),
        weights * positions,
        {
            "Each weight is used at every position.": weights,
            "Each filter reaches through all maps.": weights * positions / maps,
            "A multiplication and an addition count as one.": 2 * weights * positions,
        },
    )


def test_one_map_unless_told() -> None:
    check("locally_connected_weights(9, 2)", counts.locally_connected_weights(9, 2), 36)
    check("convolution_weights(9, 2)", counts.convolution_weights(9, 2), 36)
    check("locally_connected_multiply_adds(9, 2)", counts.locally_connected_multiply_adds(9, 2), 36)
    check("convolution_multiply_adds(9, 2, 5)", counts.convolution_multiply_adds(9, 2, 5), 180)


# ------------------------------------------------------------------- receptive fields


def seen(stages: list[tuple[int, int]]) -> int:
    """How many pixels in a row get a gradient from one unit, measured with torch."""
    step = math.prod(pooling for _, pooling in stages)
    x = torch.zeros(1, 1, 40 * step + 200, requires_grad=True)
    y = x
    for kernel, pooling in stages:
        y = nn.functional.conv1d(y, torch.ones(1, 1, kernel))
        y = nn.functional.avg_pool1d(y, pooling)
    y[0, 0, y.shape[2] // 2].backward()
    assert x.grad is not None
    return int((x.grad != 0).sum())


@pytest.mark.parametrize(("kernel", "pooling"), FIELDS)
def test_receptive_field(kernel: int, pooling: int) -> None:
    check(
        f"receptive_field({kernel}, {pooling})",
        counts.receptive_field(kernel, pooling),
        seen([(kernel, pooling)]),
        {
            "The windows overlap: each further one adds one pixel, not K.": kernel * pooling,
            "One pixel is counted twice: P + K - 1.": kernel + pooling,
        },
    )


@pytest.mark.parametrize("stages", STAGES, ids=str)
def test_receptive_fields(stages: list[tuple[int, int]]) -> None:
    expected = [seen(stages[: number + 1]) for number in range(len(stages))]
    got = counts.receptive_fields(stages)
    added, field, step = [], 1, 1
    for kernel, pooling in stages:
        added.append(field := field + kernel + pooling - 2)
        step *= pooling
    hint = ""
    if list(got) == added:
        hint = ". Behind a pooling, neighbouring units are P pixels apart: what is added counts "
        hint += "that many times"
    elif list(got) == expected[-1:] != expected:
        hint = ". Return one for each stage"
    assert list(got) == expected, (
        f"receptive_fields({stages}) is {list(got)}, but gradients reach {expected} pixels{hint}"
    )


# ------------------------------------------------------------------- AlexNet


def rows(*groups: int) -> list[Any]:
    return list(counts.alexnet(groups) if groups else counts.alexnet())


def test_alexnet_has_eight_layers() -> None:
    names = [row.layer for row in rows()]
    assert names == list(ALEXNET_WEIGHTS), (
        f"the layers of alexnet() are {names}: they must be {list(ALEXNET_WEIGHTS)}"
    )


def test_alexnets_maps_and_weights() -> None:
    for row, side, maps in zip(rows(), ALEXNET_SIDES, ALEXNET_MAPS, strict=True):
        check(f"alexnet(): maps of {row.layer}", row.maps, maps)
        check(f"alexnet(): side of {row.layer}", row.side, side)
        expected = ALEXNET_WEIGHTS[row.layer]
        check(
            f"alexnet(): weights of {row.layer}",
            row.weights,
            expected,
            {
                "In layers of two groups, a filter reaches through half of the maps: conv2, conv4 "
                "and conv5.": 2 * expected,
                "Biases have a column of their own.": expected + maps,
            },
        )
        check(f"alexnet(): biases of {row.layer}", row.biases, maps)
        check(f"alexnet(): multiply_adds of {row.layer}", row.multiply_adds, expected * side**2)


def test_alexnets_60_million_parameters() -> None:
    total = sum(row.weights + row.biases for row in rows())
    check("the sum of weights and biases of alexnet()", total, 60_965_224)


def test_alexnets_832_million_multiply_adds() -> None:
    check(
        "the sum of multiply_adds of alexnet()", sum(r.multiply_adds for r in rows()), 724_406_816
    )
    millions = [row.multiply_adds // 10**6 for row in rows(1, 2, 1, 1, 2)]
    assert millions == [105, 223, 149, 224, 74, 37, 16, 4], (
        f"alexnet((1, 2, 1, 1, 2)) has {millions} million multiply-adds: in the lecture they are "
        "[105, 223, 149, 224, 74, 37, 16, 4], which are 832 together"
    )


def test_alexnet_without_groups() -> None:
    total = sum(row.weights for row in rows(1, 1, 1, 1, 1))
    check("the sum of weights of alexnet((1, 1, 1, 1, 1))", total, 62_367_776)


# Beyond the lecture.


@pytest.mark.beyond
def test_counts_of_nothing_are_refused() -> None:
    for call in (
        lambda: counts.fully_connected_weights(0, 3),
        lambda: counts.locally_connected_weights(3, -1),
        lambda: counts.convolution_weights(3, 3, 0),
        lambda: counts.convolution_multiply_adds(3, 3, 0),
        lambda: counts.receptive_field(0, 3),
        lambda: counts.receptive_fields([(3, 0)]),
    ):
        with pytest.raises(ValueError, match="at least 1"):
            call()
    with pytest.raises(ValueError, match="groups"):
        counts.alexnet((1, 2))
