"""Gradients without backpropagation: are they measured, and is the wiggling the lecture's?

The loss functions here note the weights that they are called with, so a message can say what was
tried.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from agreement import Array, check, plain, result_of

from scene_recog.lecture import gradients

SEED = 0  # of all values
WIDE = 1e-2  # an epsilon at which central and one-sided differences differ
RATE = 0.25
LINEAR = [[2.0, -0.5, 0.0], [-3.0, 0.001, 40.0]]  # coefficients, of both signs and 0
STEPS = 60
EPSILON = 1e-3

Loss = Callable[[Array], float]


def values(*shape: int, salt: int = 0) -> Array:
    """Random numbers, always the same."""
    return np.random.default_rng([SEED, salt, *shape]).normal(size=shape)


def cubic(theta: Array) -> float:
    """A loss in which the weights influence each other."""
    return float((theta**3).sum() + np.sin(theta.sum()))


def noted(loss: Loss) -> tuple[Loss, list[Array]]:
    """The same loss, and the list of what it is called with."""
    calls: list[Array] = []

    def note(theta: Array) -> float:
        assert isinstance(theta, np.ndarray), (
            f"the loss is called with {type(theta).__name__}: it takes an array of theta's shape"
        )
        calls.append(theta.copy())
        return loss(theta)

    return note, calls


def central(loss: Loss, theta: Array, epsilon: float, *, up: float = 1, down: float = 1) -> Array:
    """(loss at theta + up epsilon) - (loss at theta - down epsilon), over their distance."""
    found = np.zeros_like(theta)
    for place in np.ndindex(theta.shape):
        one, other = theta.copy(), theta.copy()
        one[place] += up * epsilon
        other[place] -= down * epsilon
        found[place] = (loss(one) - loss(other)) / ((up + down) * epsilon)
    return found


@pytest.mark.parametrize("shape", [(4,), (1,), (2, 3), (2, 1, 2, 2)], ids=str)
def test_numeric_gradient(shape: tuple[int, ...]) -> None:
    theta = values(*shape)
    got = _numeric(cubic, theta)
    expected = 3 * theta**2 + np.cos(theta.sum())
    assert np.shape(got) == shape, (
        f"numeric_gradient returns an array of shape {list(np.shape(got))} for weights of shape "
        f"{list(shape)}: it must have the shape of theta"
    )
    place = tuple(int(i) for i in np.unravel_index(np.abs(got - expected).argmax(), shape))
    assert np.allclose(got, expected, rtol=1e-7, atol=1e-7), (
        f"numeric_gradient: at weight {list(place)} it is {got[place]:.8g}, but the loss changes "
        f"by {expected[place]:.8g} for each unit that this weight changes. Change one weight at a "
        "time, by a small epsilon, and leave the others as they are"
    )


def _numeric(loss: Loss, theta: Array, **options: float) -> Array:
    """The result, after a check that theta is as before, but for rounding."""
    mine = theta.copy()
    got = gradients.numeric_gradient(loss, mine, **options)
    assert np.allclose(mine, theta, rtol=1e-12, atol=1e-12), (
        "numeric_gradient leaves theta changed: work on a copy, or set each weight back"
    )
    assert got is not None, "numeric_gradient returns None: does it end with a return?"
    return plain(got)


def test_numeric_gradient_looks_to_both_sides() -> None:
    """At a large epsilon, the formulas differ."""
    theta = values(3)
    got = _numeric(cubic, theta, epsilon=WIDE)
    expected = central(cubic, theta, WIDE)
    mistakes = [
        (
            "It looks up only, from theta to theta + epsilon: look to both sides.",
            central(cubic, theta, WIDE, down=0),
        ),
        ("It looks down only: look to both sides.", central(cubic, theta, WIDE, up=0)),
        ("It is twice as large: the two weights are 2 epsilon apart.", 2 * expected),
        (
            "It uses half of epsilon to each side: the formula has all of it.",
            central(cubic, theta, WIDE / 2),
        ),
        ("It uses another epsilon than the one that is given.", central(cubic, theta, 1e-6)),
    ]
    hint = next((t for t, wrong in mistakes if np.allclose(got, wrong, rtol=0, atol=1e-9)), "")
    assert np.allclose(got, expected, rtol=0, atol=1e-9), (
        f"numeric_gradient with epsilon={WIDE}: it is {got.tolist()}, but central differences give "
        f"{expected.tolist()}. {hint}"
    )


def test_numeric_gradient_in_a_layer() -> None:
    """As it is used: the weights of a linear layer."""
    x, theta, target = values(5, 3), values(2, 3, salt=1), values(5, 2, salt=2)
    got = _numeric(lambda weight: float(((x @ weight.T - target) ** 2).sum()), theta)
    expected = 2 * (x @ theta.T - target).T @ x
    assert np.allclose(got, expected, rtol=1e-6, atol=1e-6), (
        "numeric_gradient of a sum of squares does not agree with its formula"
    )


def test_epsilon_is_small_unless_given() -> None:
    loss, calls = noted(cubic)
    theta = values(3)
    _numeric(loss, theta)
    moves = {round(float(np.abs(call - theta).max()), 12) for call in calls} - {0.0}
    assert moves == {1e-6}, (
        f"numeric_gradient changes weights by {sorted(moves)}: by default, epsilon is 1e-6"
    )


# ------------------------------------------------------------------- wiggling


def wiggled(loss: Loss, theta: Array, rate: float = RATE, epsilon: float = EPSILON) -> Array:
    got = result_of(
        gradients, "wiggle", {"loss": loss, "theta": theta}, {"rate": rate, "epsilon": epsilon}
    )
    return plain(got)


def test_wiggle_moves_each_weight_by_the_sign_of_what_it_does() -> None:
    slope, theta = np.array(LINEAR), values(2, 3)
    got = wiggled(lambda weights: float((slope * weights).sum()), theta)
    moved = got - theta if got.shape == theta.shape else got
    hint = ""
    if moved.shape == theta.shape and np.allclose(moved, RATE * np.sign(slope)):
        hint = ". This is uphill: where the loss rises, the weight must go down"
    elif moved.shape == theta.shape and np.allclose(moved, -RATE * slope, rtol=1e-3, atol=1e-3):
        hint = ". This is rate times the slope: only its sign counts"
    elif moved.shape == theta.shape and np.allclose(moved, -EPSILON * np.sign(slope), atol=1e-9):
        hint = ". This moves by epsilon: move by rate"
    assert moved.shape == theta.shape, (
        f"wiggle returns an array of shape {list(moved.shape)}: it must have that of theta, "
        f"{list(theta.shape)}"
    )
    flat = slope == 0
    assert not moved[flat].any(), (
        "wiggle moves a weight that does not change the loss: it must stay where it is"
    )
    check(
        "theta",
        got,
        theta - RATE * np.sign(slope),
        f"wiggle, rate {RATE}, for a loss with the slopes {LINEAR}{hint}",
    )


def test_wiggle_tries_every_weight_from_the_same_place() -> None:
    """Either weight alone should rise; if the first has moved, the second should not."""
    theta = np.zeros(2)
    got = wiggled(lambda weights: float((weights.sum() - 0.5) ** 2), theta, rate=1.0)
    assert not np.array_equal(got, [1.0, -1.0]), (
        f"wiggle gives {got.tolist()}: the first weight has moved before the second was tried. Try "
        "all of them first, and then move them at once"
    )
    assert np.array_equal(got, [1.0, 1.0]), (
        f"wiggle gives {got.tolist()} for the loss (sum of weights - 0.5)^2 at 0: both weights "
        "must move up by rate = 1"
    )


@pytest.mark.parametrize(("epsilon", "expected"), [(1.0, -1.0), (0.01, 1.0)])
def test_wiggle_wiggles_upwards_by_epsilon(epsilon: float, expected: float) -> None:
    """At 0 this loss falls for small steps to the right, and rises for large ones."""
    got = wiggled(lambda w: float((w**2 - 0.3 * w).sum()), np.zeros(1), rate=1.0, epsilon=epsilon)
    assert got.tolist() == [expected], (
        f"wiggle with epsilon {epsilon} moves from 0 to {got.tolist()} for the loss w^2 - 0.3 w: "
        f"compare loss(theta + epsilon) with loss(theta), and move to {expected}"
    )


def test_wiggling_learns() -> None:
    target, theta = values(4), np.zeros(4)

    def loss(weights: Array) -> float:
        return float(np.abs(weights - target).sum())

    before = loss(theta)
    for _ in range(STEPS):
        theta = wiggled(loss, theta, rate=0.05)
    assert loss(theta) < 0.2 < before, (
        f"after {STEPS} wiggles the loss is {loss(theta):.3f}; it was {before:.3f}"
    )


@pytest.mark.beyond
def test_wiggle_takes_one_pass_more_than_there_are_weights() -> None:
    loss, calls = noted(cubic)
    wiggled(loss, values(2, 3))
    assert len(calls) <= 7, (
        f"wiggle calls the loss {len(calls)} times for 6 weights: the loss before can be kept, so "
        "7 are enough"
    )


@pytest.mark.beyond
@pytest.mark.parametrize("epsilon", [0.0, -1.0])
def test_epsilon_must_be_above_0(epsilon: float) -> None:
    with pytest.raises(ValueError, match="epsilon"):
        gradients.numeric_gradient(cubic, values(2), epsilon)
    with pytest.raises(ValueError, match="epsilon"):
        gradients.wiggle(cubic, values(2), RATE, epsilon)
