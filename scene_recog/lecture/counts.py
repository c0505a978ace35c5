"""How many weights, how much arithmetic, and how much of the image a unit sees.

The lecture's example is an image of 200x200 pixels and 40,000 units, as many as pixels:

    every unit sees every pixel                 fully_connected_weights(40_000, 40_000)
                                                1.6 billion weights
    every unit sees 10x10 pixels of its own     locally_connected_weights(40_000, 10)
                                                4 million
    100 filters of 10x10, used everywhere       convolution_weights(100, 10)
                                                10 thousand

Weights are counted without biases. A multiply-add is one multiplication and one addition.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

# ------------------------------------------------------------------------ weights


def fully_connected_weights(inputs: int, units: int) -> int:
    """inputs * units: every unit has a weight for every input."""
    _check(inputs=inputs, units=units)
    return inputs * units


def locally_connected_weights(units: int, filter_side: int, maps: int = 1) -> int:
    """units * filter_side^2 * maps: every unit has a filter of its own.

    Args:
        units: in all output maps together.
        filter_side: in pixels.
        maps: that each filter reaches through, at the input.
    """
    _check(units=units, filter_side=filter_side, maps=maps)
    return units * filter_side**2 * maps


def convolution_weights(filters: int, filter_side: int, maps: int = 1) -> int:
    """filters * filter_side^2 * maps: the units of an output map share one filter.

    Args:
        filters: one for each output map.
        filter_side: in pixels.
        maps: that each filter reaches through, at the input.
    """
    _check(filters=filters, filter_side=filter_side, maps=maps)
    return filters * filter_side**2 * maps


# ------------------------------------------------------------------------ multiply-adds


def fully_connected_multiply_adds(inputs: int, units: int) -> int:
    """Those of one example: one for each weight."""
    return fully_connected_weights(inputs, units)


def locally_connected_multiply_adds(units: int, filter_side: int, maps: int = 1) -> int:
    """Those of one example: one for each weight."""
    return locally_connected_weights(units, filter_side, maps)


def convolution_multiply_adds(filters: int, filter_side: int, positions: int, maps: int = 1) -> int:
    """Those of one example: each weight is used at every position of its output map.

    A convolution has few weights, but not little to compute.

    Args:
        positions: the number of values in one output map, H' * W'.
    """
    _check(positions=positions)
    return convolution_weights(filters, filter_side, maps) * positions


# ------------------------------------------------------------------------ receptive fields


def receptive_field(kernel: int, pooling: int) -> int:
    """P + K - 1: the side of the region that a unit sees, after a convolution and a pooling.

    A pooling unit sees P neighbouring values in each direction. The first of them sees K pixels,
    and each further one a pixel more.

    Args:
        kernel: K, the side of the convolution's kernel; its stride is 1.
        pooling: P, the side of the pooling's windows.
    """
    _check(kernel=kernel, pooling=pooling)
    return pooling + kernel - 1


def receptive_fields(stages: Iterable[tuple[int, int]]) -> list[int]:
    """The side of the region of the image that a unit sees, after each stage of a network.

    A unit of a stage sees P + K - 1 units of the stage before, in each direction. The first of
    these has the receptive field r of that stage; each further one adds `step` pixels, the distance
    in the image between neighbouring units:

        r    <- r + (P + K - 2) * step
        step <- step * P

    The image itself has r = 1 and step = 1.

    Args:
        stages: (K, P) of each, from the first: a KxK convolution with stride 1, then a pooling by
            PxP windows that do not overlap.

    Returns:
        One side for each stage, in pixels. For SimpleNet, stages (5, 3) and (5, 3): 7 and 25.
    """
    fields, field, step = [], 1, 1
    for kernel, pooling in stages:
        field += (receptive_field(kernel, pooling) - 1) * step
        step *= pooling
        fields.append(field)
    return fields


# ------------------------------------------------------------------------ AlexNet


class Row(NamedTuple):
    """A layer in a table of counts.

    Attributes:
        layer: "conv1", ..., "fc8".
        maps: output maps, or units.
        side: of each output map, in pixels; 1 for fully connected layers.
        weights, biases, multiply_adds: multiply_adds for one image, without those of biases.
    """

    layer: str
    maps: int
    side: int
    weights: int
    biases: int
    multiply_adds: int


def alexnet(groups: Sequence[int] = (1, 2, 1, 2, 2)) -> list[Row]:
    """AlexNet, layer by layer (Krizhevsky et al. 2012), for images of 227x227 in three colours.

    Two GPUs each had half of the maps. In layers of two groups, a filter reaches only through the
    half on its own GPU, which halves the weights.

        sum of weights and biases       60,965,224     the 60 million that are quoted
        sum of multiply-adds           724,406,816

    The 832 million multiply-adds of many lectures are these counts, except that conv4 is counted
    without groups, and each layer is rounded down to whole millions:
    sum(row.multiply_adds // 10**6 for row in alexnet((1, 2, 1, 1, 2))).

    Args:
        groups: of each of the five convolutions.
    """
    # filters, side, stride, padding of the convolution; then the pooling's side and stride, if any
    convolutions = [
        (96, 11, 4, 0, (3, 2)),
        (256, 5, 1, 2, (3, 2)),
        (384, 3, 1, 1, None),
        (384, 3, 1, 1, None),
        (256, 3, 1, 1, (3, 2)),
    ]
    if len(groups) != len(convolutions):
        raise ValueError(f"groups are {list(groups)}: give one number for each convolution, five")
    rows = []
    maps, side = 3, 227
    for number, (filters, kernel, stride, padding, pooling) in enumerate(convolutions, start=1):
        through = maps // groups[number - 1]
        maps, side = filters, (side + 2 * padding - kernel) // stride + 1
        weights = convolution_weights(filters, kernel, through)
        work = convolution_multiply_adds(filters, kernel, side**2, through)
        rows.append(Row(f"conv{number}", filters, side, weights, filters, work))
        if pooling:
            side = (side - pooling[0]) // pooling[1] + 1
    inputs = maps * side**2  # 256 maps of 6x6
    for number, units in enumerate([4096, 4096, 1000], start=6):
        weights = fully_connected_weights(inputs, units)
        work = fully_connected_multiply_adds(inputs, units)
        rows.append(Row(f"fc{number}", units, 1, weights, units, work))
        inputs = units
    return rows


def _check(**numbers: int) -> None:
    for name, number in numbers.items():
        if number < 1:
            raise ValueError(f"{name} is {number}: it must be at least 1")
