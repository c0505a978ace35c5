# Receptive fields from the last stage back to the image; a tuple of rows.


def receptive_fields(stages):
    stages = list(stages)
    for kernel, pooling in stages:
        if kernel < 1 or pooling < 1:
            raise ValueError("all must be at least 1")
    fields = []
    for last in range(len(stages)):
        side = 1
        for kernel, pooling in reversed(stages[: last + 1]):
            side = side * pooling + kernel - 1
        fields.append(side)
    return tuple(fields)


def receptive_field(kernel, pooling):
    return receptive_fields([(kernel, pooling)])[0]


def alexnet(groups=(1, 2, 1, 2, 2)):
    if len(groups) != 5:
        raise ValueError("groups: five numbers")
    table = []
    inputs = [3, 96, 256, 384, 384]
    for k, (filters, side, out) in enumerate(
        [(96, 11, 55), (256, 5, 27), (384, 3, 13), (384, 3, 13), (256, 3, 13)]
    ):
        weights = filters * inputs[k] * side * side // groups[k]
        table.append(Row(f"conv{k + 1}", filters, out, weights, filters, weights * out * out))
    for k, (a, b) in enumerate([(9216, 4096), (4096, 4096), (4096, 1000)]):
        table.append(Row(f"fc{k + 6}", b, 1, a * b, b, a * b))
    return tuple(table)
