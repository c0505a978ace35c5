"""Hidden twins of the student tests: the same questions about other data.

The data of a test is in constants at the top of its file. A twin is that file with other constants:
names, numbers, sizes, seeds. Answers memorized from the public tests are wrong for it; correct work
passes with any seed.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Constants = dict[str, Any]

# Places that are not classes of the 15-scene dataset; no name contains another.
NAMES = (
    "airport", "beach", "canyon", "desert", "garden", "harbour", "island", "jungle", "library",
    "market", "museum", "orchard", "palace", "quarry", "river", "stadium", "temple", "valley",
    "waterfall", "bridge", "castle", "tunnel", "village", "windmill",
)  # fmt: skip
PRIMES = (113, 127, 131, 139, 149, 151, 157, 163, 167, 173)  # no batch size divides them


def hidden(sources: Mapping[str, str], seed: int) -> dict[str, str]:
    """The hidden twins of test files.

    Args:
        sources: name -> text, such as "test_optimizer.py", "conftest.py" or "nets.py" of a
            hand-out of any variant. Files without such constants are returned unchanged.
        seed: the same seed gives the same twins, whatever other files there are.

    Raises:
        ValueError: a constant is not defined exactly once, by a literal.
    """
    return {
        name: exchanged(name, text, constants(name, seed)) if name in DRAWN else text
        for name, text in sources.items()
    }


def constants(name: str, seed: int) -> Constants:
    """The constants of a file's twin, by name."""
    return DRAWN[name](seed)


def exchanged(name: str, text: str, new: Constants) -> str:
    """The text of a file with other constants.

    Raises:
        ValueError: one of them is not defined exactly once at the top level, by a literal.
    """
    found: dict[str, list[ast.expr]] = {constant: [] for constant in new}
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name) and target.id in new:
                    found[target.id].append(node.value)
    cuts = []
    for constant, values in found.items():
        if len(values) != 1 or not _is_literal(values[0]):
            raise ValueError(
                f"{name} does not define {constant} exactly once, by a literal. Where it was "
                "changed, change teaching/grading/twins.py, too"
            )
        cuts.append((values[0], repr(new[constant])))
    lines = text.splitlines(keepends=True)
    for value, literal in sorted(cuts, key=lambda cut: cut[0].lineno, reverse=True):
        first, last = value.lineno - 1, (value.end_lineno or value.lineno) - 1
        before = lines[first].encode()[: value.col_offset].decode()
        after = lines[last].encode()[value.end_col_offset :].decode()
        lines[first : last + 1] = [before + literal + after]
    return "".join(lines)


def _is_literal(value: ast.expr) -> bool:
    try:
        ast.literal_eval(value)
    except ValueError:
        return False
    return True


# ------------------------------------------------------------------------ what is drawn


def _conftest(seed: int) -> Constants:
    draw = random.Random(f"{seed} conftest")
    counts = _tiny_counts(seed)
    folders = [
        (split, name, count) for split, found in counts.items() for name, count in found.items()
    ]
    draw.shuffle(folders)
    step = 250 // sum(count for *_, count in folders)
    return {
        "TINY_DATASET": folders,
        "FIRST_NUMBER": draw.randint(2, 60),
        "SMALLEST": (draw.randint(21, 29), draw.randint(31, 44)),
        "SHADE_STEP": step - (step in (7, 13)),  # a step of 7 would make all widths equal
    }


def _tiny_counts(seed: int) -> dict[str, dict[str, int]]:
    """The numbers of images in the small dataset on disk, for 4 or 5 classes."""
    draw = random.Random(f"{seed} tiny dataset")
    names = sorted(draw.sample(NAMES, draw.choice([4, 5])))
    while True:
        train = {name: draw.randint(2, 6) for name in names}
        test = {name: draw.randint(1, 3) for name in names}
        totals = sum(train.values()), sum(test.values())
        if totals[0] > totals[1] and len(set(train.values())) > 1 and 12 not in totals:
            return {"train": train, "test": test}


def _nets(seed: int) -> Constants:
    draw = random.Random(f"{seed} nets")
    return {
        "SEED": draw.randint(1_000, 1_000_000),
        "LABELS": [draw.randrange(15) for _ in range(draw.choice([5, 7, 8, 9]))],
        "SPREAD": draw.choice([2.5, 3.5, 4.0]),
    }


def _image_loader(seed: int) -> Constants:
    draw = random.Random(f"{seed} image_loader")
    folders = draw.sample(NAMES, draw.choice([6, 7, 9]))
    while folders in (sorted(folders), sorted(folders, reverse=True)):
        draw.shuffle(folders)
    reddish = draw.randint(205, 235), draw.randint(22, 40), draw.randint(50, 70)
    greenish = draw.randint(4, 14), draw.randint(195, 210), draw.randint(72, 90)
    return {
        "IMAGES": _tiny_counts(seed),
        "FOLDERS": folders,
        "COLOURS": {"red": reddish, "green": greenish},
        "COLOUR_SIZE": (draw.choice([40, 48, 56]), draw.choice([72, 80, 96])),
        "DRAWN_SHAPE": (1, draw.randint(3, 6), draw.randint(7, 9)),
        "BATCH_SIZE": _two_sides(draw, 18, 32),
    }


def _two_sides(draw: random.Random, least: int, most: int, apart: int = 4) -> tuple[int, int]:
    """Height and width that differ; either may be the larger one."""
    while True:
        height, width = draw.randint(least, most), draw.randint(least, most)
        if abs(height - width) >= apart:
            return height, width


def _data_transforms(seed: int) -> Constants:
    draw = random.Random(f"{seed} data_transforms")
    size = _two_sides(draw, 50, 84, apart=10)
    return {
        "SIZE": size,
        "MEAN": round(draw.uniform(0.42, 0.48), 2),
        "STD": round(draw.uniform(0.15, 0.19), 2),
        "OTHER_STATISTICS": (round(draw.uniform(0.52, 0.59), 2), round(draw.uniform(0.2, 0.24), 2)),
        "SEED": draw.randint(1, 100_000),
        "PHOTO_SIZE": (draw.randint(94, 120), draw.randint(130, 170)),
        "DARKEST": draw.randint(42, 55),
        "BRIGHTER": (draw.randint(81, 88), draw.randint(62, 70)),
        "DARK": (draw.randint(6, 9), draw.randint(31, 34), draw.randint(26, 29)),
        "MEDIUM": draw.choice([121, 123, 125, 131, 133, 135]),
        "BOARD": (draw.choice([86, 88, 92, 94]), draw.randint(66, 75)),
    }


def _simple_net(seed: int) -> Constants:
    draw = random.Random(f"{seed} simple_net")
    batch, few, compared, learned = draw.sample([5, 9, 10, 11, 12, 13], 4)
    return {
        "SEED": draw.randint(1, 100_000),
        "BATCH": batch,
        "FEW": few,
        "COMPARED": compared,
        "LEARNED": learned,
        "SPREAD": round(draw.uniform(1.1, 1.6), 2),
    }


def _simple_net_final(seed: int) -> Constants:
    draw = random.Random(f"{seed} simple_net_final")
    batch, few, scored, learned = draw.sample([5, 7, 9, 10, 11, 12], 4)
    return {
        "SEED": draw.randint(10, 100_000),
        "BATCH": batch,
        "FEW": few,
        "SCORED": scored,
        "LEARNED": learned,
        "DROPPED": draw.choice([15, 17, 18, 19]),
    }


def _dl_utils(seed: int) -> Constants:
    draw = random.Random(f"{seed} dl_utils")
    count, classes = draw.choice([7, 9]), draw.choice([3, 5])
    while True:
        scores = []
        for row in range(count):
            tenths = draw.sample(range(-60, 40, 3), classes)
            shift = max(tenths) + 7 if row == 1 else 0  # one row of negative scores
            scores.append([(tenth - shift) / 10 for tenth in tenths])
        highest = [row.index(max(row)) for row in scores]
        lowest = [row.index(min(row)) for row in scores]
        targets = [label if row % 2 else (label + 1) % classes for row, label in enumerate(highest)]
        rows = draw.sample(range(count), count - 2)
        by_rows = np.array(highest)[:, None] == np.array(targets)
        shares = [
            sum(np.equal(highest, targets)),  # times count, these should all differ
            sum(np.equal(lowest, targets)),
            sum(np.not_equal(highest, targets)),
            by_rows.mean() * count,
        ]
        apart = min(abs(a - b) for i, a in enumerate(shares) for b in shares[:i])
        if len(set(highest)) > 2 and len({lowest[row] for row in rows}) > 1 and apart > 0.1:
            break
    none = [(label + draw.randint(1, classes - 1)) % classes for label in highest]
    wrong = draw.randrange(1, count)
    most = [none[row] if row == wrong else label for row, label in enumerate(highest)]
    far = draw.sample([1, 5, 6, 7, 8, 9, 10, 11, 12, 13], 3)
    return {
        "SEED": draw.randint(1, 100_000),
        "SCORES": scores,
        "PREDICTED": highest,
        "TARGETS": targets,
        "ALL_RIGHT": highest,
        "NONE_RIGHT": none,
        "MOST_RIGHT": most,
        "LOWEST": {row: lowest[row] for row in rows},
        "FAR_APART": far,
        "FAR_APART_TARGETS": [far[0], far[1], far[2] + 1],
        "MAPS": draw.choice([2, 4, 5]),
    }


def _optimizer(seed: int) -> Constants:
    draw = random.Random(f"{seed} optimizer")
    digits = draw.sample([13, 17, 23, 27, 33, 37, 43, 47, 53, 57, 63, 67], 5)
    powers = (1e-2, 1e-4, 1e-3, 1e-3, 1e-4)  # similar to the constants of the public tests
    names = ("LR", "SMALL_LR", "WEIGHT_DECAY", "STEP_LR", "STEP_WEIGHT_DECAY")
    return {
        "MAPS": draw.choice([3, 4, 5]),
        **{n: round(d * power, 6) for n, d, power in zip(names, digits, powers, strict=True)},
    }


def _stats_helper(seed: int) -> Constants:
    draw = random.Random(f"{seed} stats_helper")
    while True:
        sides = [(draw.randint(2, 4), draw.randint(2, 4)) for _ in range(draw.choice([4, 5]))]
        sides.insert(draw.randint(0, 2), (draw.randint(8, 10), draw.randint(2, 3)))
        pixel_seed = draw.randint(1, 100_000)
        if _tells_means_apart(sides, pixel_seed):
            break
    side = draw.randint(6, 10)
    return {
        "SEED": pixel_seed,
        "CLASSES": tuple(draw.sample(NAMES, 2)),
        "FIRST_NUMBER": draw.randint(1, 90),
        "SIZES": sides,
        "OTHER_SIZES": [(side, side + 1)] * draw.choice([5, 6]),
        "GREEN": (draw.randint(14, 30), draw.randint(215, 228), draw.randint(14, 30)),
        "GREEN_SIDE": draw.choice([20, 24, 32]),
    }


def _tells_means_apart(sides: list[tuple[int, int]], seed: int) -> bool:
    """Whether common mistakes give other numbers than mean and std of all pixels (without JPEG)."""
    rng = np.random.default_rng(seed)
    images = [
        rng.integers(0, max(30, 255 - 6 * max(side)), side, dtype=np.uint8) / 255 for side in sides
    ]
    pixels = np.concatenate([image.ravel() for image in images])
    of_train = np.concatenate([image.ravel() for image in images[::2]])
    n, within = len(pixels), sum(image.size * image.var() for image in images)
    mean, std = pixels.mean(), pixels.std(ddof=1)
    means = [np.mean([image.mean() for image in images]), of_train.mean()]
    stds = [
        pixels.std(),
        of_train.std(ddof=1),
        np.mean([image.std() for image in images]),
        np.mean([image.std(ddof=1) for image in images]),
        np.sqrt(within / (n - 1)),
    ]
    far = 0.0015  # the tests allow 0.0005
    are_apart = all(abs(mean - m) > 10 * far for m in means)
    return are_apart and all(abs(std - s) > far for s in stds)


def _confusion_matrix(seed: int) -> Constants:
    draw = random.Random(f"{seed} confusion_matrix")
    classes = draw.choice([5, 6])
    while True:
        targets = [*range(classes), *(draw.randrange(classes) for _ in range(draw.randint(8, 10)))]
        draw.shuffle(targets)
        predictions = [
            target if draw.random() < 0.5 else draw.randrange(classes) for target in targets
        ]
        counts = _counts(targets, predictions, classes)
        totals = counts.sum(1)
        if (
            not np.array_equal(counts, counts.T)
            and counts.max() > 1
            and len(set(totals.tolist())) > 2
            and not np.array_equal(totals, counts.sum(0))
        ):
            break
    absent = 2  # the class that the tests' names mention
    present = [index for index in range(classes) if index != absent]
    few = draw.sample(range(classes - 1), classes - 3)  # without the last, so that the size matters
    greys = list(range(10, 256, 40))[:classes]
    draw.shuffle(greys)
    return {
        "CLASS_NAMES": sorted(draw.sample(NAMES, classes)),
        "TARGETS": targets,
        "PREDICTIONS": predictions,
        "COUNTS": counts.tolist(),
        "SHARES": _shares(draw, classes),
        "FEW": [*few, few[0], few[0], few[1]],
        "MANY": draw.choice([700, 900, 1300, 1500]),
        "NO_2_TARGETS": [*present, present[-1], present[0]],
        "NO_2_PREDICTIONS": [*present, absent, present[1]],
        "FIRST_NUMBER": draw.randint(1, 500),
        "GREYS": greys,
        **_dataset(draw, classes),
    }


def _counts(targets: Any, predictions: Any, classes: int) -> np.ndarray:
    counts = np.zeros((classes, classes), dtype=int)
    np.add.at(counts, (np.array(targets), np.array(predictions)), 1)
    return counts


def _shares(draw: random.Random, classes: int) -> list[list[float]]:
    """Rows of different hundredths that sum to 1."""
    while True:
        rows = []
        for _ in range(classes):
            cuts = sorted(draw.sample(range(2, 99), classes - 1))
            rows.append([b - a for a, b in zip([0, *cuts], [*cuts, 100], strict=True)])
        shares = np.array(rows)
        if all(abs(shares - other).max() > 20 for other in (shares.T, shares[::-1])):
            return [[hundredths / 100 for hundredths in row] for row in rows]


def _dataset(draw: random.Random, classes: int) -> Constants:
    """The dataset's constants, drawn until four cells have images unlike those of any other."""
    weights = [7, 5, 4, 3, 3, 3][:classes]
    while True:
        draw.shuffle(weights)
        frequencies = [round(weight / sum(weights), 3) for weight in weights]
        frequencies[0] = round(1 - sum(frequencies[1:]), 3)
        images, seed = draw.choice(PRIMES), draw.randint(1, 100_000)
        rng = np.random.default_rng(seed)  # as the tests draw
        targets = rng.choice(classes, images, p=frequencies)
        guessed = rng.random(images) < 0.5
        predictions = np.where(guessed, targets, rng.integers(0, classes, images))
        counts = _counts(targets, predictions, classes)
        one, other, third = draw.sample(range(classes), 3)
        cells = [(one, other), (other, one), (third, third), (third, one)]
        if counts.min() > 0 and not np.array_equal(counts, counts.T):
            return {
                "IMAGES": images,
                "SEED": seed,
                "FREQUENCIES": frequencies,
                "CELLS": cells,
            }


def _lecture_layers(seed: int) -> Constants:
    draw = random.Random(f"{seed} lecture layers")
    while True:
        found = _layers_sizes(draw)
        if _is_smooth(found):
            return found


def _layers_sizes(draw: random.Random) -> Constants:
    def side(least: int = 6, most: int = 9) -> int:
        return draw.randint(least, most)

    def sides(least: int = 6, most: int = 9) -> tuple[int, int]:
        return _two_sides(draw, least, most, apart=1)

    same = draw.choice([3, 5])
    small = draw.choice([2, 3, 4])
    maps = (draw.choice([3, 4]), 2, *sides(3, 6))
    block = 3 * draw.randint(2, 3), 3 * draw.randint(3, 4)
    rest = draw.choice([7, 8, 10]), draw.choice([7, 8, 10])
    overlapping = draw.choice([(7, 9), (9, 5), (7, 11)])
    normal = (draw.choice([2, 4]), 3, *sides(3, 6))
    one = (1, draw.choice([2, 4]), *sides(3, 5))
    units = draw.choice([5, 7, 8]), draw.choice([3, 5])
    return {
        "SEED": draw.randint(1, 100_000),
        "DIRECTIONS": draw.choice([2, 4]),
        "HIGH": float(draw.choice([800, 850, 950, 1000])),
        "SHIFT": draw.choice([3.5, 4.5, 5.0]),
        "DROPPED": draw.choice([0.2, 0.25, 0.35, 0.4]),
        "UNITS": (draw.choice([160, 180, 220]), draw.choice([40, 60])),
        "MOMENTUM": draw.choice([0.15, 0.2, 0.3, 0.4]),
        "BATCHES": draw.choice([3, 5]),
        "LABELS": [1, *draw.sample(range(4), 4)],
        "LINEAR": [
            (draw.choice([4, 6, 7]), *draw.sample([2, 3, 5], 2)),
            (1, *draw.sample([2, 3, 5], 2)),
            (draw.choice([2, 4, 5]), 1, 1),
            (same, same, same),
        ],
        "ROWS": (draw.choice([2, 4]), draw.choice([3, 5])),
        "MAPS": maps,
        "MANY": (draw.choice([6, 7]), draw.choice([5, 8])),
        "CONVOLUTIONS": [
            (draw.choice([2, 3]), 2, draw.choice([3, 5]), 3, sides(), 1, 0),
            (1, 1, 1, 1, sides(2, 5), 1, 0),
            (2, draw.choice([1, 3]), 2, 3, draw.choice([(9, 7), (7, 11), (11, 9)]), 2, 0),
            (2, draw.choice([1, 3]), 2, 3, draw.choice([(7, 8), (6, 9), (10, 7)]), 2, 1),
            (1, 2, draw.choice([3, 4]), 5, sides(), 1, 2),
            (2, 2, draw.choice([1, 3]), 2, draw.choice([(10, 9), (9, 11), (12, 11)]), 4, 0),
            (2, 1, 2, same, (same, same), 1, 0),
        ],
        "LOCAL": [
            (2, 2, draw.choice([1, 3]), 3, *sides(4, 7)),
            (1, 1, 2, 2, small, small),
            (2, 2, 1, 3, draw.choice([5, 6, 8]), 3),
        ],
        "POOLS": [
            (3, None, (2, draw.choice([2, 4]), *block), "blocks"),
            (3, None, (2, 2, *rest), "blocks and a rest"),
            (3, 2, (2, draw.choice([1, 3]), *overlapping), "overlapping"),
            (3, 1, (1, 2, *sides(5, 7)), "overlapping by all but one"),
            (2, 3, (2, 1, *draw.choice([(9, 8), (8, 6), (11, 9)])), "with gaps"),
            (3, 2, (1, draw.choice([1, 3]), side(), side()), "below 0"),
            (same, None, (1, 2, same, same), "one window"),
        ],
        "TIES": (3, 2, (2, 2, *draw.choice([(7, 9), (9, 7), (11, 7)]))),
        "EQUAL": (2, (draw.choice([1, 3]), 2, 2 * draw.randint(2, 3), 4)),
        "FEATURES": [
            (2, draw.choice([4, 6]), 3), (1, draw.choice([3, 5]), 2), (2, small, small),
            (2, draw.choice([5, 7]), 4),
        ],
        "CONTRASTS": [
            ((2, draw.choice([2, 4]), *sides(5, 7)), 3, False, None, "each map"),
            ((2, draw.choice([2, 4]), *sides(5, 7)), 3, True, None, "across features"),
            ((1, 2, *sides()), 5, False, draw.choice([0.4, 0.6]), "window 5"),
            ((2, 2, *sides()), 5, True, draw.choice([0.4, 0.6]), "across features window 5"),
            ((1, 1, 3, 4), 5, False, None, "window larger than the map"),
        ],
        "NORMALIZATIONS": [
            ("batch_normalize", units, (0,), "units", None),
            ("batch_normalize", normal, (0, 2, 3), "maps", None),
            ("batch_normalize", one, (0, 2, 3), "maps of one example", None),
            ("batch_normalize", (same, same), (0,), "as many units as examples", 0.4),
            ("layer_normalize", normal, (1, 2, 3), "maps", None),
            ("layer_normalize", one, (1, 2, 3), "one example", 0.4),
            ("instance_normalize", normal, (2, 3), "maps", None),
            ("instance_normalize", one, (2, 3), "one example", 0.4),
        ],
        "STATISTICS": [units, normal, one],
    }  # fmt: skip


def _is_smooth(found: Constants) -> bool:
    """Whether all inputs are far from the kinks of their layer, where gradients are measured."""

    def values(*shape: int) -> np.ndarray:  # as the tests draw
        return np.random.default_rng([found["SEED"], 0, *shape]).normal(size=shape)

    far = 0.001
    if min(np.abs(values(*found[name])).min() for name in ("ROWS", "MAPS")) < far:
        return False
    for size, stride, shape, _ in found["POOLS"]:
        windows = np.lib.stride_tricks.sliding_window_view(values(*shape), (size, size), (2, 3))
        windows = windows[:, :, :: stride or size, :: stride or size]
        ordered = np.sort(windows.reshape(*windows.shape[:4], -1), axis=-1)
        if (ordered[..., -1] - ordered[..., -2]).min() < far:
            return False
    return True


def _lecture_gradients(seed: int) -> Constants:
    draw = random.Random(f"{seed} lecture gradients")
    while True:
        found = draw.randint(1, 100_000)
        # The tests wiggle from 0 to these, and must be able to come there.
        target = np.random.default_rng([found, 0, 4]).normal(size=4)
        if np.abs(target).min() > 0.2 and np.abs(target).max() < 2:
            break
    slopes = [*draw.sample([1.5, -2.5, 3.5, -0.25, 30.0, -0.002], 5), 0.0]
    draw.shuffle(slopes)
    return {
        "SEED": found,
        "WIDE": draw.choice([0.008, 0.012, 0.02]),
        "RATE": draw.choice([0.125, 0.375, 0.5]),
        "LINEAR": [slopes[:3], slopes[3:]],
        "STEPS": draw.choice([55, 65, 70]),
        "EPSILON": draw.choice([0.002, 0.0005]),
    }


def _lecture_network(seed: int) -> Constants:
    draw = random.Random(f"{seed} lecture network")
    a, b, c = draw.sample([2, 3, 4, 5, 6], 3)
    return {
        "SEED": draw.randint(1, 100_000),
        "EXAMPLES": draw.choice([4, 6, 7]),
        "IMAGES": draw.choice([2, 4]),
        "STEPS": draw.choice([16, 17, 18, 19]),
        "RATE": draw.choice([0.03, 0.04, 0.06]),
        "MOMENTUM": draw.choice([0.6, 0.7, 0.75, 0.85]),
        "DECAY": draw.choice([0.005, 0.015, 0.02]),
        "DEPTHS": [(a, b), (b, a, c), (c, a, b, a), (1, a, a, b, c)],
    }


def _lecture_counts(seed: int) -> Constants:
    draw = random.Random(f"{seed} lecture counts")

    def some(*choices: range) -> tuple[int, ...]:
        return tuple(draw.choice(each) for each in choices)

    units, sides, maps = range(13, 90), range(2, 9), range(2, 7)
    return {
        "FULLY_CONNECTED": [some(units, units), (1, *some(units)), some(range(200, 600), units)],
        "LOCALLY_CONNECTED": [(*some(units, sides), 1), *(some(units, sides, maps) for _ in "123")],
        "CONVOLUTIONS": [
            (*some(units, sides, range(99, 999)), 1),
            *(some(units, sides, range(20, 400), maps) for _ in "123"),
        ],
        "FIELDS": [
            *(some(range(2, 9), range(2, 7)) for _ in "123"),
            (1, *some(range(2, 7))),
            (*some(range(2, 9)), 1),
        ],
        "STAGES": [
            [some(range(2, 7), range(2, 5)), some(range(2, 7), range(2, 4))],
            [some(range(4, 7), range(3, 5))],
            [some(range(2, 6), range(2, 4)) for _ in range(3)],
            [(1, 3), some(range(2, 6), range(1, 2)), (2, 3)],
            [],
        ],
    }


DRAWN: dict[str, Callable[[int], Constants]] = {
    "conftest.py": _conftest,
    "nets.py": _nets,
    "test_image_loader.py": _image_loader,
    "test_data_transforms.py": _data_transforms,
    "test_simple_net.py": _simple_net,
    "test_dl_utils.py": _dl_utils,
    "test_optimizer.py": _optimizer,
    "test_stats_helper.py": _stats_helper,
    "test_simple_net_final.py": _simple_net_final,
    "test_confusion_matrix.py": _confusion_matrix,
    "lecture/test_layers.py": _lecture_layers,
    "lecture/test_gradients.py": _lecture_gradients,
    "lecture/test_network.py": _lecture_network,
    "lecture/test_counts.py": _lecture_counts,
}
