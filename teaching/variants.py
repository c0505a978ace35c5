"""Another term's project: the same steps, with other sizes of the two networks.

A variant is a number; 0 is the course's own project. The number alone determines the sizes, and the
sizes determine the files. Last year's networks fail this year's tests.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections.abc import Callable
from dataclasses import astuple
from functools import cache

from scene_recog.figure_2 import Figure2, FinalSizes

COURSE = Figure2(maps_1=10, filter_1=5, pool_1=3, maps_2=20, filter_2=5, pool_2=3, hidden=100)
COURSE_FINAL = FinalSizes(last_maps=None, hidden=None)

# The sizes to combine. The lists omit the counts of the course's figure, so that each variant
# has different ones.
MAPS_1 = (8, 9, 11, 12, 13, 14)
MAPS_2 = (14, 16, 18, 22, 24, 26, 28)
FILTERS = (3, 5, 7)
POOLS = (2, 3, 4)
HIDDEN = (72, 80, 88, 96, 108, 112, 120, 128, 136, 144)
OTHER_THAN_COURSE = 5  # of the seven sizes; three are the counts
OTHER_THAN_BEFORE = 4  # sizes in which a variant differs from the previous one

# The lengths have no common divisor, so both differ from one variant to the next.
FINAL_MAPS = (72, 80, 88, 104, 112, 120, 128, 136)
FINAL_HIDDEN = (40, 48, 56, 72, 80, 88, 104)


def sizes_of(variant: int) -> tuple[Figure2, FinalSizes]:
    """The sizes of a variant's figure 2, and its requirements for SimpleNetFinal.

    Raises:
        ValueError: there is no such variant.
    """
    if variant == 0:
        return COURSE, COURSE_FINAL
    figures = _figures()
    if not 0 < variant <= len(figures):
        raise ValueError(f"there is no variant {variant}: use a number from 0 to {len(figures)}")
    final = FinalSizes(
        last_maps=FINAL_MAPS[variant % len(FINAL_MAPS)],
        hidden=FINAL_HIDDEN[variant % len(FINAL_HIDDEN)],
    )
    return figures[variant - 1], final


def is_allowed(sizes: Figure2) -> bool:
    """Whether a network of these sizes is suitable as another term's SimpleNet.

    It has about as many weights and multiply-adds as the course's, the student tests can tell its
    layers apart, and they notice any pooling other than figure 2's.
    """
    if sizes.pooled_1 < sizes.filter_2 or sizes.pooled_2 < 1:
        return False
    numbers = [math.prod(shape) for shape in sizes.shapes.values()]
    pooled = [(sizes.convolved_1, sizes.pool_1), (sizes.convolved_2, sizes.pool_2)]
    return (
        len(set(numbers)) == len(numbers)  # the tests recognize the layers by them
        and 40_000 <= sizes.parameters <= 80_000
        and 0.5 <= sizes.multiply_adds / COURSE.multiply_adds <= 1.5
        and 300 <= sizes.flat <= 700
        and 4 <= sizes.pooled_2 <= 7
        # adaptive pooling would be the same, if nothing were left over
        and sizes.convolved_2 % sizes.pool_2 != 0
        # blocks of another size give maps of another size
        and all([b for b in range(1, 9) if side // b == side // p] == [p] for side, p in pooled)
    )


@cache
def _figures() -> list[Figure2]:
    """The figures of variants 1, 2, ...: all allowed ones, always in the same shuffled order."""
    combined = itertools.product(MAPS_1, FILTERS, POOLS, MAPS_2, FILTERS, POOLS, HIDDEN)
    waiting = [
        sizes
        for sizes in itertools.starmap(Figure2, combined)
        if _differences(sizes, COURSE) >= OTHER_THAN_COURSE
        and sizes.flat != COURSE.flat
        and is_allowed(sizes)
    ]
    waiting.sort(key=lambda sizes: hashlib.sha256(repr(astuple(sizes)).encode()).digest())
    ordered = [COURSE]
    while True:
        last = ordered[-1]
        following = next((s for s in waiting if _differences(s, last) >= OTHER_THAN_BEFORE), None)
        if following is None:
            return ordered[1:]
        waiting.remove(following)
        ordered.append(following)


def _differences(sizes: Figure2, other: Figure2) -> int:
    return sum(a != b for a, b in zip(astuple(sizes), astuple(other), strict=True))


# ---------------------------------------------------------------- the files of a variant

# The phrases with sizes in a file, for a variant, figure 2 and SimpleNetFinal. Each occurs once in
# the repository's file.
Phrases = Callable[[int, Figure2, FinalSizes], list[str]]


def rewritten(name: str, text: str, variant: int) -> str:
    """A file of the repository, rewritten for a variant.

    Args:
        name: its path in the repository, such as "scene_recog/simple_net.py".
        text: its text in the repository.
        variant: its number.

    Raises:
        ValueError: there is no such variant, or a phrase to be replaced does not occur exactly
            once in the text.
    """
    sizes, final = sizes_of(variant)
    if name not in PHRASES:
        return text
    phrases = PHRASES[name]
    old, new = phrases(0, COURSE, COURSE_FINAL), phrases(variant, sizes, final)
    for phrase in old:
        if (count := text.count(phrase)) != 1:
            raise ValueError(
                f"{name} has this {count} times, not once: {phrase!r}. If you changed it, "
                "change teaching/variants.py, too"
            )
    exchange = dict(zip(old, new, strict=True))
    return re.sub("|".join(map(re.escape, old)), lambda found: exchange[found[0]], text)


def _figure_2(variant: int, sizes: Figure2, final: FinalSizes) -> list[str]:
    return [f"\nVARIANT = {variant}\n", f"FIGURE_2 = {sizes}\n", f"FINAL = {final}\n"]


def _simple_net(_variant: int, sizes: Figure2, _final: FinalSizes) -> list[str]:
    maps_1, filter_1, pool_1, maps_2, filter_2, pool_2, hidden = astuple(sizes)
    convolved_1, pooled_1 = (f"{side}x{side}" for side in (sizes.convolved_1, sizes.pooled_1))
    convolved_2, pooled_2 = (f"{side}x{side}" for side in (sizes.convolved_2, sizes.pooled_2))
    shapes = [
        f"[N, {maps}, {side}, {side}]"
        for maps, side in [
            (maps_1, sizes.convolved_1),
            (maps_1, sizes.pooled_1),
            (maps_2, sizes.convolved_2),
            (maps_2, sizes.pooled_2),
        ]
    ]
    return [
        f"figure 2: {sizes.parameters:,} parameters.",
        f"convolution {filter_1}x{filter_1} to {maps_1} maps ({convolved_1}), "
        f"max-pool {pool_1}x{pool_1} ({pooled_1}), ReLU,",
        f"convolution {filter_2}x{filter_2} to {maps_2} maps ({convolved_2}), "
        f"max-pool {pool_2}x{pool_2} ({pooled_2}), ReLU.",
        f"flatten to {sizes.flat} values, linear to {hidden}, ReLU, linear to 15.",
        f"nn.Conv2d(1, {maps_1}, kernel_size={filter_1}),  # {shapes[0]}",
        f"nn.MaxPool2d({pool_1}),  # {shapes[1]}",
        f"nn.Conv2d({maps_1}, {maps_2}, kernel_size={filter_2}),  # {shapes[2]}",
        f"nn.MaxPool2d({pool_2}),  # {shapes[3]}",
        f"nn.Flatten(),  # [N, {sizes.flat}]",
        f"nn.Linear({sizes.flat}, {hidden}),",
        f"nn.Linear({hidden}, 15),",
    ]


def _simple_net_final(_variant: int, _sizes: Figure2, final: FinalSizes) -> list[str]:
    maps, hidden = final.last_maps or 96, final.hidden or 64  # the solution's own choice
    asked = "The numbers of maps and hidden units are for you to choose."
    if final != COURSE_FINAL:
        asked = (
            f"The last convolution outputs {maps} maps, and the head has {hidden} hidden units; "
            "other\n    sizes are for you to choose."
        )
    return [
        asked,
        f"nn.Conv2d(64, {maps}, kernel_size=3, padding=1, bias=False),  # [N, {maps}, 4, 4]",
        f"nn.BatchNorm2d({maps}),",
        f"nn.AdaptiveAvgPool2d(1),  # [N, {maps}, 1, 1]",
        f"nn.Flatten(),  # [N, {maps}]",
        f"nn.Linear({maps}, {hidden}),",
        f"nn.Linear({hidden}, 15),",
    ]


PHRASES: dict[str, Phrases] = {
    "scene_recog/figure_2.py": _figure_2,
    "scene_recog/simple_net.py": _simple_net,
    "scene_recog/simple_net_final.py": _simple_net_final,
}
