# Counts as the products of shapes.
import math


def fully_connected_weights(inputs, units):
    return math.prod(_at_least_one((units, inputs)))


def locally_connected_weights(units, filter_side, maps=1):
    return math.prod(_at_least_one((units, maps, filter_side, filter_side)))


def convolution_weights(filters, filter_side, maps=1):
    return math.prod(_at_least_one((filters, maps, filter_side, filter_side)))


def convolution_multiply_adds(filters, filter_side, positions, maps=1):
    return math.prod(_at_least_one((positions, filters, maps, filter_side, filter_side)))


def _at_least_one(shape):
    if min(shape) < 1:
        raise ValueError("all must be at least 1")
    return shape
