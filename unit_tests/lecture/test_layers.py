"""The lecture's layers: does every one agree with torch, forwards and backwards?

The gradients are compared with torch's autograd, and with what happens to your own forward function
if its inputs change a little.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from agreement import (
    Array,
    Hints,
    check,
    gradients_of,
    plain,
    result_of,
    several,
    signature,
    tensors,
)
from steps import cannot_judge

from scene_recog.lecture import layers

SEED = 0  # of all values
STEP = 1e-5  # for numeric gradients
DIRECTIONS = 3  # in which inputs are changed
HIGH = 900.0  # a score whose exponential is infinite
SHIFT = 4.0  # of maps below 0
DROPPED = 0.3  # of the units
UNITS = (200, 50)  # examples and units
MOMENTUM = 0.25  # of running averages
BATCHES = 4
LABELS = [0, 3, 2, 2, 1]  # of 4 classes
LINEAR = [(5, 3, 4), (1, 4, 2), (3, 1, 1), (4, 4, 4)]  # examples, inputs, units
ROWS = (3, 4)
MAPS = (2, 3, 4, 5)
MANY = (5, 7)
CONVOLUTIONS = [  # examples, maps, output maps, kernel, (height, width), stride, padding
    (2, 3, 4, 3, (7, 6), 1, 0),
    (1, 1, 1, 1, (3, 5), 1, 0),
    (2, 2, 3, 3, (7, 9), 2, 0),
    (2, 2, 3, 3, (8, 7), 2, 1),
    (1, 3, 2, 5, (6, 9), 1, 2),
    (3, 2, 2, 2, (11, 10), 4, 0),
    (2, 1, 2, 4, (4, 4), 1, 0),
]
LOCAL = [(2, 3, 2, 3, 6, 5), (1, 1, 2, 2, 3, 3), (3, 2, 1, 3, 3, 7)]  # as those, without a stride
POOLS = [  # size, stride, shape
    (3, None, (2, 3, 9, 6), "blocks"),
    (3, None, (2, 2, 11, 7), "blocks and a rest"),
    (3, 2, (2, 2, 9, 7), "overlapping"),
    (3, 1, (1, 2, 6, 5), "overlapping by all but one"),
    (2, 3, (2, 1, 8, 9), "with gaps"),
    (3, 2, (1, 2, 8, 6), "below 0"),
    (4, None, (1, 2, 4, 4), "one window"),
]
TIES = (3, 2, (2, 3, 9, 9))
EQUAL = (2, (2, 2, 4, 6))
FEATURES = [(2, 5, 3), (1, 4, 2), (2, 3, 3), (2, 6, 4)]  # examples, maps, group
CONTRASTS = [  # shape, size of the window, across features, epsilon
    ((2, 3, 6, 7), 3, False, None, "each map"),
    ((2, 3, 6, 7), 3, True, None, "across features"),
    ((1, 2, 8, 5), 5, False, 0.5, "window 5"),
    ((2, 2, 5, 7), 5, True, 0.5, "across features window 5"),
    ((1, 1, 4, 3), 5, False, None, "window larger than the map"),
]
NORMALIZATIONS = [  # shape, axes of a mean, epsilon
    ("batch_normalize", (6, 4), (0,), "units", None),
    ("batch_normalize", (3, 2, 4, 5), (0, 2, 3), "maps", None),
    ("batch_normalize", (1, 3, 3, 4), (0, 2, 3), "maps of one example", None),
    ("batch_normalize", (4, 4), (0,), "as many units as examples", 0.3),
    ("layer_normalize", (3, 2, 4, 5), (1, 2, 3), "maps", None),
    ("layer_normalize", (1, 3, 3, 2), (1, 2, 3), "one example", 0.3),
    ("instance_normalize", (3, 2, 4, 5), (2, 3), "maps", None),
    ("instance_normalize", (1, 3, 3, 3), (2, 3), "one example", 0.3),
]
STATISTICS = [(6, 4), (3, 2, 4, 5), (1, 3, 3, 3)]

Tensor = torch.Tensor


@dataclass
class Case:
    """A layer with certain inputs.

    Attributes:
        function: its name in layers.py.
        inputs: its arguments, arrays by name.
        torch: computes the same with torch.
        options: its other arguments.
        note: what this case is about.
        hints, back: for the forward and backward function, mistakes and the formulas that make
            them. Those for the backward function are made with torch, too.
        does_bend: an input is at a kink of the layer, where no gradient can be measured.
    """

    function: str
    inputs: dict[str, Array]
    torch: Callable[..., Tensor]
    options: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    hints: list[tuple[str, Callable[..., Tensor]]] = field(default_factory=list)
    back: list[tuple[str, Callable[..., Tensor]]] = field(default_factory=list)
    does_bend: bool = False

    def __str__(self) -> str:
        return "-".join(filter(None, [self.function, self.note])).replace(" ", "_")

    @property
    def call(self) -> str:
        return signature(self.function, self.inputs, self.options)


def values(*shape: int, salt: int = 0) -> Array:
    """Random numbers, always the same."""
    return np.random.default_rng([SEED, salt, *shape]).normal(size=shape)


def quantized(*shape: int) -> Array:
    """Random halves: many of them are equal."""
    return np.round(values(*shape) * 2) / 2


# ------------------------------------------------------------------- the same with torch


def _convolution(
    n: int, c: int, m: int, k: int, size: tuple[int, int], stride: int, padding: int
) -> Case:
    options: dict[str, Any] = {}
    if stride != 1:
        options["stride"] = stride
    if padding:
        options["padding"] = padding
    note = f"{n} of {c}x{size[0]}x{size[1]} kernel {k} stride {stride} padding {padding}"
    inputs = {
        "maps": values(n, c, *size),
        "kernels": values(m, c, k, k),
        "bias": values(m),
    }

    def right(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return F.conv2d(x, w, b, stride=stride, padding=padding)

    return Case(
        "convolve",
        inputs,
        right,
        options,
        note,
        hints=[
            (
                "This is what comes out if the kernels are flipped: do not flip them.",
                lambda x, w, b: F.conv2d(x, w.flip(2, 3), b, stride=stride, padding=padding),
            ),
            (
                "The kernels are transposed: i goes down the rows, j along the columns.",
                lambda x, w, b: F.conv2d(x, w.mT, b, stride=stride, padding=padding),
            ),
            (
                "The bias is missing.",
                lambda x, w, b: F.conv2d(x, w, stride=stride, padding=padding),
            ),
            (
                "The border is filled with copies of the outermost pixels: pad with zeros.",
                lambda x, w, b: F.conv2d(
                    F.pad(x, (padding,) * 4, mode="replicate"), w, b, stride=stride
                ),
            ),
        ],
        back=[
            (
                "The gradient at maps comes from flipped kernels: each kernel value passes the "
                "gradient back to the pixel that it was multiplied with.",
                lambda x, w, b: F.conv2d(x, w.flip(2, 3), b, stride=stride, padding=padding),
            ),
        ],
    )


def _local(x: Tensor, kernels: Tensor, bias: Tensor) -> Tensor:
    high, wide, _, _, size, _ = kernels.shape
    windows = x.unfold(2, size, 1).unfold(3, size, 1)
    assert windows.shape[2:4] == (high, wide)
    return torch.einsum("nchwij,hwmcij->nmhw", windows, kernels) + bias


def _pooled(x: Tensor, size: int, stride: int, kind: str) -> Tensor:
    if kind == "max":
        return F.max_pool2d(x, size, stride)
    if kind == "average":
        return F.avg_pool2d(x, size, stride)
    return (F.avg_pool2d(x**2, size, stride) * size**2).sqrt()


def _pooling(
    kind: str, size: int, stride: int | None, maps: Array, note: str, does_bend: bool = False
) -> Case:
    by = size if stride is None else stride
    options: dict[str, Any] = {"size": size}
    if stride is not None:
        options["stride"] = stride
    if kind != "max":
        options["kind"] = kind
    hints: list[tuple[str, Callable[..., Tensor]]] = [
        (
            "The windows are `size` apart: they must be `stride` apart.",
            lambda x: _pooled(x, size, size, kind),
        ),
    ]
    if kind == "l2":
        hints += [
            (
                "The squares are averaged: the lecture sums them up.",
                lambda x: F.avg_pool2d(x**2, size, by).sqrt(),
            ),
            ("The root is missing.", lambda x: F.avg_pool2d(x**2, size, by) * size**2),
        ]
    elif kind == "average":
        hints += [
            (
                "This is the sum over the window: divide it by size^2.",
                lambda x: F.avg_pool2d(x, size, by) * size**2,
            )
        ]
    else:
        hints += [
            (
                "This is the largest absolute value, or the larger of it and 0: take the largest "
                "value.",
                lambda x: F.max_pool2d(x, size, by).clamp(min=0),
            ),
            ("This is the smallest value.", lambda x: -F.max_pool2d(-x, size, by)),
        ]
    return Case(
        "pool",
        {"maps": maps},
        lambda x: _pooled(x, size, by, kind),
        options,
        f"{kind} {note}",
        hints,
        does_bend=does_bend,
    )


def _over_features(x: Tensor, group: int) -> Tensor:
    return (x.unfold(1, group, 1) ** 2).sum(-1).sqrt()


def _surroundings(
    x: Tensor, size: int, across_features: bool, counts_padding: bool = False
) -> tuple[Tensor, Tensor]:
    """Mean and variance of the windows around all pixels."""

    def mean_of(values: Tensor) -> Tensor:
        mean = F.avg_pool2d(values, size, 1, size // 2, count_include_pad=counts_padding)
        return mean.mean(1, keepdim=True) if across_features else mean

    mean = mean_of(x)
    return mean, mean_of(x**2) - mean**2


def _local_contrast(
    maps: Array, size: int, across_features: bool, epsilon: float | None, note: str
) -> Case:
    options: dict[str, Any] = {"size": size}
    if across_features:
        options["across_features"] = True
    if epsilon is not None:
        options["epsilon"] = epsilon
    eps = 1e-5 if epsilon is None else epsilon
    count = size**2 * (maps.shape[1] if across_features else 1)

    def formed(
        change: Callable[[Tensor, Tensor, Tensor], Tensor], **how: Any
    ) -> Callable[..., Tensor]:
        return lambda x: change(
            x, *_surroundings(x, size, how.get("across", across_features), how.get("pad", False))
        )

    hints = [
        (
            "Zeros of the padding are counted, near the border: only pixels inside the map count.",
            formed(lambda x, mean, var: (x - mean) / (var + eps).sqrt(), pad=True),
        ),
        ("The mean is not taken away.", formed(lambda x, mean, var: x / (var + eps).sqrt())),
        (
            "This divides by the variance: divide by its root.",
            formed(lambda x, mean, var: (x - mean) / (var + eps)),
        ),
        (
            "epsilon is added to the root: add it to the variance.",
            formed(lambda x, mean, var: (x - mean) / (var.sqrt() + eps)),
        ),
        (
            f"The variance is divided by {count - 1}: divide it by the number of values.",
            formed(
                lambda x, mean, var: (x - mean) / (var * count / max(count - 1, 1) + eps).sqrt()
            ),
        ),
        (
            "across_features is not as asked for: with it, the window reaches through all maps.",
            formed(
                lambda x, mean, var: (x - mean) / (var + eps).sqrt(), across=not across_features
            ),
        ),
    ]
    back = [
        (
            "The mean is taken as a constant: h influences it, too.",
            formed(lambda x, mean, var: (x - mean.detach()) / (var + eps).sqrt()),
        ),
        (
            "The deviation is taken as a constant: h influences it, too.",
            formed(lambda x, mean, var: (x - mean) / (var + eps).sqrt().detach()),
        ),
        (
            "Mean and deviation are taken as constants: h influences them, too.",
            formed(lambda x, mean, var: (x - mean.detach()) / (var + eps).sqrt().detach()),
        ),
    ]
    return Case(
        "local_contrast_normalize",
        {"maps": maps},
        formed(lambda x, mean, var: (x - mean) / (var + eps).sqrt()),
        options,
        note,
        hints,
        back,
    )


def _normalization(
    function: str, x: Array, axes: tuple[int, ...], note: str, epsilon: float | None = None
) -> Case:
    """Batch, layer or instance normalization: the mean is over `axes`."""
    shape = x.shape[1:] if function == "layer_normalize" else x.shape[1:2]
    inputs = {"x": x, "gamma": values(*shape, salt=1) + 2, "beta": values(*shape, salt=2)}
    eps = 1e-5 if epsilon is None else epsilon
    count = int(np.prod([x.shape[axis] for axis in axes]))

    def spread(v: Tensor) -> Tensor:
        return v if v.ndim > 1 else v.reshape(-1, *[1] * (x.ndim - 2))

    def formed(
        change: Callable[[Tensor, Tensor, Tensor], Tensor], by: tuple[int, ...] = axes
    ) -> Callable[..., Tensor]:
        def compute(x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
            mean, variance = x.mean(by, keepdim=True), x.var(by, keepdim=True, correction=0)
            return spread(gamma) * change(x, mean, variance) + spread(beta)

        return compute

    hints = [
        (
            "epsilon is added to the root: add it to the variance.",
            formed(lambda x, mean, var: (x - mean) / (var.sqrt() + eps)),
        ),
        (
            f"The variance is divided by {count - 1}: divide it by the number of values.",
            formed(
                lambda x, mean, var: (x - mean) / (var * count / max(count - 1, 1) + eps).sqrt()
            ),
        ),
        (
            "This divides by the variance: divide by its root.",
            formed(lambda x, mean, var: (x - mean) / (var + eps)),
        ),
        (
            "gamma and beta are missing: y = gamma * normal + beta.",
            lambda x, gamma, beta: formed(lambda x, mean, var: (x - mean) / (var + eps).sqrt())(
                x, torch.ones_like(gamma), torch.zeros_like(beta)
            ),
        ),
        *[
            (
                f"The mean and variance are over the axes {wrong}: they must be over {axes}.",
                formed(lambda x, mean, var: (x - mean) / (var + eps).sqrt(), wrong),
            )
            for wrong in [(0,), (1,), (0, 2, 3), (1, 2, 3), (2, 3), (0, 1, 2, 3)]
            if max(wrong) < x.ndim and wrong != axes
        ],
    ]
    back = [
        (
            "The mean is taken as a constant: x influences it, too. The mean of g is missing.",
            formed(lambda x, mean, var: (x - mean.detach()) / (var + eps).sqrt()),
        ),
        (
            "The variance is taken as a constant: x influences it, too.",
            formed(lambda x, mean, var: (x - mean) / (var + eps).sqrt().detach()),
        ),
        (
            "Mean and variance are taken as constants: x influences them, too.",
            formed(lambda x, mean, var: (x - mean.detach()) / (var + eps).sqrt().detach()),
        ),
    ]
    official: dict[str, Callable[..., Tensor]] = {
        "batch_normalize": lambda x, g, b: F.batch_norm(x, None, None, g, b, True, 0.0, eps),
        "layer_normalize": lambda x, g, b: F.layer_norm(x, x.shape[1:], g, b, eps),
        "instance_normalize": lambda x, g, b: F.instance_norm(x, weight=g, bias=b, eps=eps),
    }
    options = {} if epsilon is None else {"epsilon": epsilon}
    return Case(function, inputs, official[function], options, note, hints, back)


CASES = [
    *[
        Case(
            "linear",
            {"x": values(n, d), "weight": values(m, d), "bias": values(m)},
            F.linear,
            note=f"{n} of {d} to {m}",
            hints=[("The bias is missing.", lambda x, w, b: F.linear(x, w))],
            back=[
                (
                    "This is the mean over the examples: sum over them. The loss has already "
                    "divided by their number.",
                    lambda x, w, b: F.linear(x, w / len(x), b / len(x)),
                )
            ],
        )
        for n, d, m in LINEAR
    ],
    Case("relu", {"x": values(*ROWS)}, F.relu, note="rows"),
    Case("relu", {"x": values(*MAPS)}, F.relu, note="maps"),
    Case("relu", {"x": quantized(*MANY)}, F.relu, note="with zeros", does_bend=True),
    *[_convolution(*sizes) for sizes in CONVOLUTIONS],
    *[
        Case(
            "locally_connected",
            {
                "maps": values(n, c, h, w),
                "kernels": values(h - k + 1, w - k + 1, m, c, k, k),
                "bias": values(m, h - k + 1, w - k + 1),
            },
            _local,
            note=f"{n} of {c}x{h}x{w} kernel {k}",
            hints=[
                (
                    "The kernels are flipped: do not flip them.",
                    lambda x, w, b: _local(x, w.flip(4, 5), b),
                ),
                (
                    "Every position has the kernels of the first: each has its own, kernels[h, w].",
                    lambda x, w, b: _local(x, w[:1, :1].expand(w.shape), b),
                ),
                ("The bias is missing.", lambda x, w, b: _local(x, w, 0 * b)),
            ],
        )
        for n, c, m, k, h, w in LOCAL
    ],
    *[
        _pooling(kind, size, stride, values(*shape) - SHIFT * (note == "below 0"), note)
        for kind in ("max", "average", "l2")
        for size, stride, shape, note in POOLS
    ],
    _pooling("max", *TIES[:2], quantized(*TIES[2]), "with ties", does_bend=True),
    _pooling("max", EQUAL[0], None, np.ones(EQUAL[1]), "of equal values", does_bend=True),
    *[
        Case(
            "l2_pool_over_features",
            {"maps": values(n, c, 3, 4)},
            lambda x, group=group: _over_features(x, group),
            {"group": group},
            f"{n} of {c} maps",
            hints=[
                (
                    "The groups are apart: there is one for every k, so they overlap.",
                    lambda x, group=group: _over_features(x, group)[:, ::group],
                ),
                (
                    "The squares are averaged: the lecture sums them up.",
                    lambda x, group=group: _over_features(x, group) / group**0.5,
                ),
            ],
        )
        for n, c, group in FEATURES
    ],
    *[_local_contrast(values(*shape), *options) for shape, *options in CONTRASTS],
    *[_normalization(name, values(*shape), *options) for name, shape, *options in NORMALIZATIONS],
]
every_case = pytest.mark.parametrize("case", CASES, ids=str)


# ------------------------------------------------------------------- all layers


def forward(case: Case) -> Any:
    """The layer's output; of batch_normalize, y alone."""
    result = result_of(layers, case.function, case.inputs, case.options)
    if case.function == "batch_normalize":
        return several(result, ["y", "mean", "variance"], case.function)[0]
    return result


@every_case
def test_forward(case: Case) -> None:
    expected = case.torch(*tensors(case.inputs))
    hints = [(text, lambda wrong=wrong: wrong(*tensors(case.inputs))) for text, wrong in case.hints]
    check("y", forward(case), expected, case.call, hints)


def gradient_at_output(case: Case) -> Array:
    return values(*case.torch(*tensors(case.inputs)).shape, salt=3)


def backward(case: Case, gradient: Array) -> list[Any]:
    """The layer's gradients, one for each input."""
    name, inputs = f"{case.function}_backward", {"gradient": gradient, **case.inputs}
    result = result_of(layers, name, inputs, case.options)
    if len(case.inputs) > 1:
        names = [f"the gradient at {each}" for each in case.inputs]
        return several(result, names, name)
    return [result]


@every_case
def test_backward(case: Case) -> None:
    gradient = gradient_at_output(case)
    expected = gradients_of(case.torch, case.inputs, gradient)
    found = backward(case, gradient)
    inputs = {"gradient": gradient, **case.inputs}
    call = signature(f"{case.function}_backward", inputs, case.options)
    for place, name in enumerate(case.inputs):
        check(
            f"the gradient at {name}",
            found[place],
            expected[place],
            call,
            hints_for_gradient(case, gradient, place),
        )


def hints_for_gradient(case: Case, gradient: Array, place: int) -> Hints:
    def made(forward: Callable[..., Tensor], gradient: Array) -> Callable[[], Array]:
        return lambda: gradients_of(forward, case.inputs, gradient)[place]

    hints = [(text, made(wrong, gradient)) for text, wrong in case.back]
    hints += [
        (f"In the forward pass, too? {text}", made(wrong, gradient))
        for text, wrong in case.hints
        if wrong(*tensors(case.inputs)).shape == gradient.shape
    ]
    hints += [
        (
            "It is the gradient for an output gradient of ones: multiply by `gradient`.",
            made(case.torch, np.ones_like(gradient)),
        ),
        ("The sign is wrong.", made(case.torch, -gradient)),
    ]
    if case.function == "pool":
        hints.append(
            (
                "Where windows overlap, a pixel gets only the last one's gradient: add them up.",
                lambda: _only_the_last(case, gradient),
            )
        )
    return hints


def _only_the_last(case: Case, gradient: Array) -> Array:
    """The gradient of pooling in which later windows replace what earlier ones gave."""
    maps, size = case.inputs["maps"], case.options["size"]
    stride, kind = case.options.get("stride", size), case.options.get("kind", "max")
    found = np.zeros_like(maps)
    for h in range(gradient.shape[2]):
        for w in range(gradient.shape[3]):
            here = np.s_[:, :, stride * h : stride * h + size, stride * w : stride * w + size]
            one = {"maps": maps[here]}
            at = gradient[:, :, h : h + 1, w : w + 1]
            given = gradients_of(lambda x: _pooled(x, size, size, kind), one, at)[0]
            found[here] = given if kind != "max" else np.where(given != 0, given, found[here])
    return found


@pytest.mark.parametrize("case", [case for case in CASES if not case.does_bend], ids=str)
def test_gradients_tell_what_a_small_change_does(case: Case) -> None:
    """Your backward function against your own forward function."""
    try:
        test_forward(case)
    except Exception:
        cannot_judge(f"{case.function} is not right yet: see test_forward")
    gradient = gradient_at_output(case)
    found = backward(case, gradient)

    def loss(step: float, direction: dict[str, Array]) -> float:
        moved = {name: value + step * direction[name] for name, value in case.inputs.items()}
        result = getattr(layers, case.function)(*moved.values(), **case.options)
        y = result[0] if case.function == "batch_normalize" else result
        return float((gradient * y).sum())

    for number in range(DIRECTIONS):
        direction = {
            name: values(*value.shape, salt=10 + number) for name, value in case.inputs.items()
        }
        measured = (loss(STEP, direction) - loss(-STEP, direction)) / (2 * STEP)
        told = sum(
            float((at * direction[name]).sum()) for name, at in zip(case.inputs, found, strict=True)
        )
        assert told == pytest.approx(measured, rel=1e-4, abs=1e-4), (
            f"{case.call}: if the inputs move a little, the loss changes by {measured:.6g} per "
            f"step, but {case.function}_backward says {told:.6g}"
        )


# ------------------------------------------------------------------- softmax and the loss

SCORES = values(len(LABELS), 4) * 3
WIDE = [[HIGH, 0.0, -HIGH], [-HIGH, -HIGH, -HIGH + 1], [HIGH, HIGH, HIGH]]


@pytest.mark.parametrize("scores", [SCORES, SCORES[:1], SCORES.T.copy()], ids=["5", "1", "4"])
def test_softmax(scores: Array) -> None:
    got = result_of(layers, "softmax", {"scores": scores}, {})
    check(
        "p",
        got,
        F.softmax(torch.tensor(scores), 1),
        signature("softmax", {"scores": scores}, {}),
        [
            (
                "The columns sum to 1: the rows must, each is an example.",
                lambda: F.softmax(torch.tensor(scores), 0),
            ),
            (
                "All values together sum to 1: each row must.",
                lambda: F.softmax(torch.tensor(scores).flatten(), 0).reshape(scores.shape),
            ),
            ("This is the logarithm of it.", lambda: F.log_softmax(torch.tensor(scores), 1)),
        ],
    )


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_softmax_of_high_scores() -> None:
    scores = np.array(WIDE)
    got = result_of(layers, "softmax", {"scores": scores}, {})
    assert np.isfinite(plain(got)).all(), (
        f"softmax of {WIDE[0]} is {plain(got)[0].tolist()}: exp({HIGH:.0f}) is infinite. Subtract "
        "each row's highest score first, it changes no probability"
    )
    check("p", got, F.softmax(torch.tensor(scores), 1), "softmax of high scores")


def loss_of(scores: Array, labels: Any) -> Any:
    inputs = {"scores": scores, "labels": np.array(labels)}
    got = result_of(layers, "negative_log_likelihood", inputs, {})
    assert np.size(got) == 1, (
        f"negative_log_likelihood returns {np.size(got)} numbers: it must return their mean"
    )
    return np.asarray(got).reshape(())


@pytest.mark.parametrize("count", [5, 1])
def test_negative_log_likelihood(count: int) -> None:
    scores, labels = SCORES[:count], LABELS[:count]
    each = F.cross_entropy(torch.tensor(scores), torch.tensor(labels), reduction="none")
    probabilities = F.softmax(torch.tensor(scores), 1)[range(count), labels]
    got = loss_of(scores, labels)
    check(
        "the loss",
        got[()],
        each.mean(),
        f"negative_log_likelihood, {count} examples",
        [
            (f"This is the sum of {count} losses: it must be their mean.", lambda: each.sum()),
            ("The sign is wrong.", lambda: -each.mean()),
            ("This is without the logarithm.", lambda: -probabilities.mean()),
            (
                "The logarithm is of the mean: take the mean of the logarithms.",
                lambda: -probabilities.mean().log(),
            ),
            ("This is to base 2: use the natural logarithm.", lambda: each.mean() / np.log(2)),
            (
                "The scores are taken as probabilities: apply softmax to them.",
                lambda: -torch.tensor(scores)[range(count), labels].mean(),
            ),
        ],
    )


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_negative_log_likelihood_of_high_scores() -> None:
    labels = [2, 0, 1]
    expected = F.cross_entropy(torch.tensor(WIDE, dtype=torch.float64), torch.tensor(labels))
    got = float(loss_of(np.array(WIDE), labels))
    assert np.isfinite(got), (
        f"the loss of high scores is {got}: exp({HIGH:.0f}) is infinite, and a probability may be "
        "rounded to 0, whose logarithm is -infinite. Use log(sum of exp(s - highest)) - (s_label - "
        "highest)"
    )
    assert got == pytest.approx(float(expected), rel=1e-9), (
        f"the loss of high scores is {got:.6g}, but must be {expected:.6g}: is a small number "
        "added to the probabilities, or are they cut off?"
    )


@pytest.mark.parametrize("count", [5, 1])
def test_negative_log_likelihood_backward(count: int) -> None:
    scores, labels = SCORES[:count], np.array(LABELS[:count])
    inputs = {"scores": scores, "labels": labels}
    got = result_of(layers, "negative_log_likelihood_backward", inputs, {})
    x = torch.tensor(scores, requires_grad=True)
    (expected,) = torch.autograd.grad(F.cross_entropy(x, torch.tensor(labels)), x)
    p = F.softmax(torch.tensor(scores), 1)
    check(
        "the gradient at scores",
        got,
        expected,
        signature("negative_log_likelihood_backward", inputs, {}),
        [
            ("It is not divided by N, but the loss is a mean.", lambda: expected * count),
            ("The sign is wrong: it must be (p - y) / N.", lambda: -expected),
            ("y is missing: it must be (p - y) / N.", lambda: p / count),
            (
                "y is at the next class: labels begin at 0.",
                lambda: (p - F.one_hot((torch.tensor(labels) - 1) % 4, 4)) / count,
            ),
        ],
    )


# ------------------------------------------------------------------- places without a gradient


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_l2_pooling_of_zeros() -> None:
    maps = values(2, 3, 6, 6)
    maps[0, 1] = maps[1, :, :3, :3] = 0.0
    gradient = values(2, 3, 2, 2, salt=3)
    got = result_of(
        layers, "pool_backward", {"gradient": gradient, "maps": maps}, {"size": 3, "kind": "l2"}
    )
    _check_zero(plain(got)[maps == 0], "pool_backward")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_l2_pooling_of_zeros_over_features() -> None:
    maps = values(2, 4, 3, 3)
    maps[0] = 0.0
    gradient = values(2, 3, 3, 3, salt=3)
    inputs = {"gradient": gradient, "maps": maps}
    got = result_of(layers, "l2_pool_over_features_backward", inputs, {"group": 2})
    _check_zero(plain(got)[0], "l2_pool_over_features_backward")


def _check_zero(values: Array, function: str) -> None:
    assert np.isfinite(values).all(), (
        f"{function}: where all values of a window are 0, the gradient is {values.flat[0]}: it "
        "must be 0 by convention, as h / y is 0 / 0"
    )
    assert (np.abs(values) < 1e-12).all(), (
        f"{function}: where all values of a window are 0, the gradient must be 0 by convention"
    )


def test_flat_regions_have_no_contrast() -> None:
    maps = np.full((1, 2, 5, 5), SHIFT)
    got = result_of(layers, "local_contrast_normalize", {"maps": maps}, {"size": 3})
    check(
        "y",
        got,
        np.zeros_like(maps),
        "local_contrast_normalize of a flat map",
        [("It is nowhere 0: is the mean taken away?", lambda: maps)],
    )


# ------------------------------------------------------------------- batch norm: mean, variance


@pytest.mark.parametrize("shape", STATISTICS, ids=["units", "maps", "one"])
def test_batch_normalize_returns_mean_and_variance(shape: tuple[int, ...]) -> None:
    x, ones = values(*shape) * 2 + 1, np.ones(shape[1])
    result = result_of(layers, "batch_normalize", {"x": x, "gamma": ones, "beta": ones}, {})
    _, mean, variance = several(result, ["y", "mean", "variance"], "batch_normalize")
    axes = (0,) if len(shape) == 2 else (0, 2, 3)
    call = signature("batch_normalize", {"x": x}, {})
    check("the mean", mean, x.mean(axes), call)
    check(
        "the variance",
        variance,
        x.var(axes),
        call,
        [
            ("This is the standard deviation: return the variance.", lambda: x.std(axes)),
            ("It is divided by one less than the number of values.", lambda: x.var(axes, ddof=1)),
            ("epsilon is added to it: that belongs into y only.", lambda: x.var(axes) + 1e-5),
        ],
    )


@pytest.mark.parametrize("maps", [False, True], ids=["units", "maps"])
@pytest.mark.parametrize("momentum", [None, MOMENTUM])
def test_running_averages(maps: bool, momentum: float | None) -> None:
    """Against torch's BatchNorm, over a few batches."""
    rate = 0.1 if momentum is None else momentum
    size, rest = 3, (4, 2) if maps else ()
    theirs: Any = (torch.nn.BatchNorm2d if maps else torch.nn.BatchNorm1d)(size, momentum=rate)
    theirs = theirs.double()
    ours = layers.RunningAverages(size) if momentum is None else layers.RunningAverages(size, rate)
    count = 5 * int(np.prod(rest))
    axes = (0, 2, 3) if maps else (0,)
    for number in range(BATCHES):
        x = values(5, size, *rest, salt=number) * 2 + 1
        before = plain(ours.mean), plain(ours.variance)
        theirs(torch.tensor(x))
        ours.update(x.mean(axes), x.var(axes), count)
        call = f"RunningAverages, batch {number + 1}, momentum {rate}"
        check(
            "mean",
            ours.mean,
            theirs.running_mean,
            call,
            [
                (
                    "momentum is the weight of the newest batch, not of the old average.",
                    lambda before=before, x=x: rate * before[0] + (1 - rate) * x.mean(axes),
                )
            ],
        )
        check(
            "variance",
            ours.variance,
            theirs.running_var,
            call,
            [
                (
                    "It averages the batch's own variance: take the unbiased one, times "
                    "count / (count - 1).",
                    lambda before=before, x=x: (1 - rate) * before[1] + rate * x.var(axes),
                ),
                (
                    "momentum is the weight of the newest batch, not of the old average.",
                    lambda before=before, x=x: rate * before[1] + (1 - rate) * x.var(axes, ddof=1),
                ),
            ],
        )
    x, gamma, beta = values(2, size, *rest), values(size, salt=1) + 2, values(size, salt=2)
    with torch.no_grad():
        theirs.weight.copy_(torch.tensor(gamma))
        theirs.bias.copy_(torch.tensor(beta))
    for epsilon in (1e-5, 0.3):
        theirs.eps = epsilon
        options = {} if epsilon == 1e-5 else {"epsilon": epsilon}
        got = result_of(ours, "normalize", {"x": x, "gamma": gamma, "beta": beta}, options)
        check("y", got, theirs.eval()(torch.tensor(x)), "RunningAverages.normalize")


def test_running_averages_begin_as_those_of_torch() -> None:
    ours = layers.RunningAverages(4)
    check("mean", ours.mean, np.zeros(4), "RunningAverages(4), before any batch")
    check("variance", ours.variance, np.ones(4), "RunningAverages(4), before any batch")


# ------------------------------------------------------------------- dropout


def dropped(
    x: Array, probability: float, salt: int = 0, generator: Any = None
) -> tuple[Array, Array]:
    generator = generator or np.random.default_rng([SEED, salt])
    before = x.copy()
    y, mask = several(layers.dropout(x, probability, generator), ["y", "mask"], "dropout")
    assert np.array_equal(x, before), "dropout changes its argument x: compute a new array"
    for what, array in [("y", y), ("mask", mask)]:
        assert np.shape(array) == x.shape, (
            f"dropout: {what} has shape {list(np.shape(array))}: it must be {list(x.shape)}, each "
            "unit of each example is drawn for itself"
        )
    return y, mask


def test_dropout_drops_and_scales() -> None:
    x = values(*UNITS) + SHIFT
    y, mask = dropped(x, DROPPED)
    keep = 1 - DROPPED
    found = np.unique(np.round(plain(mask), 9)).tolist()
    assert found == [0.0, round(1 / keep, 9)], (
        f"dropout: the mask's values are {found[:4]}: they must be 0, or 1 / (1 - probability) = "
        f"{1 / keep:.4f}, so that the expected y is x"
    )
    share = float((plain(mask) == 0).mean())
    spread = 5 * (DROPPED * keep / x.size) ** 0.5
    assert share == pytest.approx(DROPPED, abs=spread), (
        f"dropout drops {share:.1%} of the units: probability is {DROPPED:.0%}"
        + (". That is the share to keep" if abs(share - keep) < spread else "")
    )
    check("y", y, x * plain(mask), "dropout")


def test_dropout_draws_each_unit_for_itself() -> None:
    _, mask = dropped(np.ones(UNITS), DROPPED)
    zeros = plain(mask) == 0
    for axis, what in [(0, "examples"), (1, "units of an example")]:
        shares = zeros.mean(axis=axis)
        assert ((shares > 0) & (shares < 1)).mean() > 0.9, (
            f"dropout: all {what} are dropped together: draw a number for each unit of each example"
        )


def test_dropout_uses_the_generator() -> None:
    x = np.ones(UNITS)
    generator = np.random.default_rng(SEED)
    first, second = (dropped(x, DROPPED, generator=generator)[1] for _ in range(2))
    again, other = (
        dropped(x, DROPPED, generator=np.random.default_rng(SEED))[1],
        dropped(x, DROPPED, salt=1)[1],
    )
    assert np.array_equal(first, again), (
        "dropout: the same seed gives other masks: draw from the generator that is given, not from "
        "np.random"
    )
    message = "the same mask comes each time: draw from the generator that is given"
    assert not np.array_equal(first, second), f"dropout, called twice: {message}"
    assert not np.array_equal(first, other), f"dropout with another seed: {message}"


def test_dropout_of_nothing() -> None:
    x = values(7, 5)
    y, mask = dropped(x, 0.0)
    check("y", y, x, "dropout with probability 0")
    check("mask", mask, np.ones_like(x), "dropout with probability 0")


def test_dropout_backward() -> None:
    x, gradient = values(7, 5), values(7, 5, salt=3)
    _, mask = dropped(x, 0.5)
    inputs = {"gradient": gradient, "mask": plain(mask)}
    got = result_of(layers, "dropout_backward", inputs, {})
    check(
        "the gradient at x",
        got,
        gradient * mask,
        "dropout_backward(gradient, mask)",
        [
            ("The gradient is not scaled: multiply it by the mask.", lambda: gradient * (mask > 0)),
            ("It is scaled twice.", lambda: gradient * mask**2),
        ],
    )


# ------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("function", "inputs"),
    [
        ("pool", {"maps": values(1, 1, 4, 4), "size": 2, "stride": 2, "kind": "max"}),
        (
            "convolve",
            {
                "maps": values(1, 1, 4, 4),
                "kernels": values(1, 1, 2, 2),
                "bias": values(1),
                "stride": 1,
                "padding": 1,
            },
        ),
        (
            "local_contrast_normalize",
            {"maps": values(1, 1, 4, 4), "size": 3, "across_features": False, "epsilon": 1e-5},
        ),
        ("l2_pool_over_features", {"maps": values(1, 3, 2, 2), "group": 2}),
        ("dropout", {"x": values(2, 2), "probability": 0.5, "generator": np.random.default_rng(0)}),
    ],
)
def test_arguments_have_their_names(function: str, inputs: dict[str, Any]) -> None:
    try:
        getattr(layers, function)(**inputs)
    except TypeError as error:
        if "argument" not in str(error):
            raise
        raise AssertionError(
            f"{function} must take {', '.join(inputs)}, by these names: {error}"
        ) from error


# Beyond what the formulas ask for.


@pytest.mark.beyond
@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        ("linear", [values(2, 3), values(4, 5), values(4)], r"weight"),
        ("linear_backward", [values(2, 1), values(2, 3), values(4, 3), values(4)], r"gradient"),
        ("relu_backward", [values(3, 1), values(3, 4)], r"gradient"),
        ("negative_log_likelihood", [values(2, 3), np.array([0, 3])], r"label"),
        ("negative_log_likelihood", [values(2, 3), np.array([0, -1])], r"label"),
        ("negative_log_likelihood_backward", [values(2, 3), np.array([-1, 0])], r"label"),
        ("convolve", [values(1, 2, 5, 5), values(3, 1, 3, 3), values(3)], r"kernel"),
        ("convolve", [values(1, 2, 2, 5), values(3, 2, 3, 3), values(3)], r"3"),
        ("convolve", [values(1, 2, 5, 5), values(3, 2, 3, 3), values(3), 0], r"stride"),
        ("convolve", [values(1, 2, 5, 5), values(3, 2, 3, 3), values(3), 1, -1], r"padding"),
        (
            "convolve_backward",
            [values(1, 3, 1, 1), values(1, 2, 5, 5), values(3, 2, 3, 3), values(3)],
            r"gradient",
        ),
        (
            "locally_connected",
            [values(1, 1, 4, 4), values(1, 1, 1, 1, 3, 3), values(1, 1, 1)],
            r"kernel",
        ),
        ("pool", [values(1, 1, 4, 4), 2, None, "median"], r"median"),
        ("pool", [values(1, 1, 4, 4), 5], r"5"),
        ("pool_backward", [values(1, 1, 1, 1), values(1, 1, 4, 4), 2], r"gradient"),
        ("l2_pool_over_features", [values(1, 3, 2, 2), 4], r"group"),
        ("local_contrast_normalize", [values(1, 1, 4, 4), 2], r"odd"),
        ("batch_normalize", [values(4, 3), values(1), values(3)], r"gamma"),
        ("layer_normalize", [values(4, 3, 2, 2), values(3), values(3)], r"gamma"),
        ("instance_normalize", [values(4, 3, 2, 2), values(3), values(2)], r"beta"),
        ("dropout", [values(2, 2), 1.0, np.random.default_rng(0)], r"probability"),
        ("dropout", [values(2, 2), -0.1, np.random.default_rng(0)], r"probability"),
    ],
)
def test_what_does_not_fit_is_refused(function: str, arguments: list[Any], message: str) -> None:
    with pytest.raises(ValueError, match=rf"(?i){message}"):
        getattr(layers, function)(*arguments)
