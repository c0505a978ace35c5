"""Wrong counts."""

from ... import Wrong

LOCAL = "return units * filter_side**2 * maps"
CONVOLUTION = "return filters * filter_side**2 * maps"
WORK = "return convolution_weights(filters, filter_side, maps) * positions"
FIELD = "return pooling + kernel - 1"
ADDED = "field += (receptive_field(kernel, pooling) - 1) * step"
THROUGH = "through = maps // groups[number - 1]"
SIDE = "(side + 2 * padding - kernel) // stride + 1"

WRONG = [
    Wrong(
        "fully-with-biases",
        "biases are counted",
        [("return inputs * units", "return inputs * units + units")],
    ),
    Wrong(
        "local-side",
        "the side instead of its square",
        [(LOCAL, "return units * filter_side * maps")],
    ),
    Wrong("local-one-map", "maps are forgotten", [(LOCAL, "return units * filter_side**2")]),
    Wrong("local-shared", "one filter for all units", [(LOCAL, "return filter_side**2 * maps")]),
    Wrong(
        "convolution-one-map",
        "maps are forgotten",
        [(CONVOLUTION, "return filters * filter_side**2")],
    ),
    Wrong(
        "convolution-with-biases",
        "biases are counted",
        [(CONVOLUTION, "return filters * (filter_side**2 * maps + 1)")],
    ),
    Wrong(
        "convolution-side",
        "the side instead of its square",
        [(CONVOLUTION, "return filters * filter_side * maps")],
    ),
    Wrong("multiplications-and-additions", "both are counted", [(WORK, WORK + " * 2")]),
    Wrong(
        "fully-counted-twice",
        "a multiplication and an addition for each weight",
        [
            (
                "return fully_connected_weights(inputs, units)",
                "return 2 * fully_connected_weights(inputs, units)",
            )
        ],
    ),
    Wrong(
        "work-of-one-position",
        "each weight is counted once",
        [(WORK, "return convolution_weights(filters, filter_side, maps)")],
    ),
    Wrong(
        "work-of-one-map",
        "maps are forgotten in the multiply-adds",
        [(WORK, WORK.replace("filter_side, maps", "filter_side"))],
    ),
    Wrong(
        "work-by-side",
        "positions are taken for a side",
        [(WORK, WORK.replace("* positions", "* positions**2"))],
    ),
    Wrong(
        "local-work-of-one-map",
        "maps are forgotten in the multiply-adds",
        [
            (
                "return locally_connected_weights(units, filter_side, maps)",
                "return locally_connected_weights(units, filter_side)",
            )
        ],
    ),
    Wrong(
        "three-maps-by-default",
        "color images unless told",
        [
            (
                "def convolution_weights(filters: int, filter_side: int, maps: int = 1)",
                "def convolution_weights(filters: int, filter_side: int, maps: int = 3)",
            )
        ],
    ),
    Wrong("field-product", "P K", [(FIELD, "return pooling * kernel")]),
    Wrong("field-sum", "P + K", [(FIELD, "return pooling + kernel")]),
    Wrong("field-of-the-kernel", "the pooling is forgotten", [(FIELD, "return kernel")]),
    Wrong(
        "chain-without-steps",
        "stages add up as if nothing had been pooled",
        [(ADDED, ADDED.replace(" * step", ""))],
    ),
    Wrong(
        "chain-multiplies",
        "fields are multiplied",
        [(ADDED, "field *= receptive_field(kernel, pooling)")],
    ),
    Wrong(
        "chain-steps-too-early",
        "the pooling's own step counts for its convolution",
        [
            (
                "        field += (receptive_field(kernel, pooling) - 1) * step\n"
                "        step *= pooling\n",
                "        step *= pooling\n"
                "        field += (receptive_field(kernel, pooling) - 1) * step\n",
            )
        ],
    ),
    Wrong(
        "chain-off-by-one",
        "each stage adds a pixel too much",
        [(ADDED, ADDED.replace(" - 1)", ")"))],
    ),
    Wrong(
        "chain-of-the-last",
        "only the last stage's field",
        [("    return fields\n", "    return fields[-1:]\n")],
    ),
    Wrong(
        "chain-step-adds",
        "steps are added instead of multiplied",
        [("        step *= pooling\n", "        step += pooling\n")],
    ),
    Wrong("alexnet-without-groups", "groups are ignored", [(THROUGH, "through = maps")]),
    Wrong(
        "alexnet-groups-of-filters",
        "groups halve the filters instead of the maps they see",
        [(THROUGH, "through, filters = maps, filters // groups[number - 1]")],
    ),
    Wrong(
        "alexnet-conv4-ungrouped",
        "conv4 has one group",
        [("groups: Sequence[int] = (1, 2, 1, 2, 2)", "groups: Sequence[int] = (1, 2, 1, 1, 2)")],
    ),
    Wrong(
        "alexnet-unpadded", "the padding is forgotten", [(SIDE, "(side - kernel) // stride + 1")]
    ),
    Wrong(
        "alexnet-sides-off-by-one",
        "the + 1 is forgotten",
        [(SIDE, "(side + 2 * padding - kernel) // stride")],
    ),
    Wrong(
        "alexnet-of-224",
        "images of 224 pixels do not fit the first filters",
        [("maps, side = 3, 227", "maps, side = 3, 224")],
    ),
    Wrong(
        "alexnet-gray", "images with one color", [("maps, side = 3, 227", "maps, side = 1, 227")]
    ),
    Wrong(
        "alexnet-pools-apart",
        "the pooling windows do not overlap",
        [
            ("(96, 11, 4, 0, (3, 2))", "(96, 11, 4, 0, (3, 3))"),
            ("(256, 5, 1, 2, (3, 2))", "(256, 5, 1, 2, (3, 3))"),
        ],
    ),
    Wrong(
        "alexnet-last-pool-forgotten",
        "conv5 is not pooled",
        [("(256, 3, 1, 1, (3, 2))", "(256, 3, 1, 1, None)")],
    ),
    Wrong(
        "alexnet-fc-inputs-kept",
        "fc7 and fc8 have the inputs of fc6",
        [("        inputs = units\n", "")],
    ),
    Wrong(
        "nothing-accepted",
        "a count of nothing is 0, or negative",
        [("        if number < 1:\n", "        if False:\n")],
        beyond=True,
    ),
]
