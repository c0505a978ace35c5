"""Gradients without backpropagation: measure what happens when a weight is changed a little.

It takes a forward pass or two for every single weight, so nobody trains a network in this way. But
it needs no formula, and so it tells whether the formulas are right.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Loss = Callable[[Array], float]


def numeric_gradient(loss: Loss, theta: Array, epsilon: float = 1e-6) -> Array:
    """The gradient of a loss by central differences.

        (loss(theta + epsilon e_i) - loss(theta - epsilon e_i)) / (2 epsilon)    for every weight i

    where e_i is 1 at weight i and 0 elsewhere. Looking to both sides makes the error shrink with
    epsilon^2 instead of epsilon. A very small epsilon does harm: the two losses are then equal in
    most of their digits, and the rest is rounding.

    Args:
        loss: takes weights of the shape of theta. It is called twice for each weight.
        theta: of any shape; it is not changed.
        epsilon: the size of the change; above 0.

    Returns:
        Of the shape of theta.
    """
    _check(epsilon)
    gradient = np.zeros(theta.shape)
    for place in np.ndindex(theta.shape):
        up = loss(_wiggled(theta, place, epsilon))
        down = loss(_wiggled(theta, place, -epsilon))
        gradient[place] = (up - down) / (2 * epsilon)
    return gradient


def wiggle(loss: Loss, theta: Array, rate: float, epsilon: float) -> Array:
    """One step of learning without gradients: wiggle each weight, and see what it does.

        theta_i <- theta_i - rate * sign(loss(theta + epsilon e_i) - loss(theta))

    If the loss rises, the weight moves down; if it falls, up; if it stays the same, not at all.
    Every weight is tried from the same theta, and then they all move at once.

    Args:
        loss: takes weights of the shape of theta. It is called theta.size + 1 times: for SimpleNet,
            56,896 forward passes a step, where backpropagation takes about three.
        theta: of any shape; it is not changed.
        rate: how far each weight moves.
        epsilon: how far it is wiggled; above 0.

    Returns:
        The new weights, of the shape of theta.
    """
    _check(epsilon)
    before = loss(theta.copy())
    effect = np.zeros(theta.shape)
    for place in np.ndindex(theta.shape):
        effect[place] = loss(_wiggled(theta, place, epsilon)) - before
    moved: Array = theta - rate * np.sign(effect)
    return moved


def _wiggled(theta: Array, place: tuple[int, ...], by: float) -> Array:
    """A copy of theta with one weight changed."""
    changed: Array = theta.copy()
    changed[place] += by
    return changed


def _check(epsilon: float) -> None:
    if epsilon <= 0:
        raise ValueError(f"epsilon is {epsilon}: it must be above 0")
