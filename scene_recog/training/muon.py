"""Muon: momentum whose steps are equally long in all directions of a convolution's weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.optim import SGD

from scene_recog.system.devices import has_bfloat16


class Muon(SGD):
    """SGD with momentum, with orthogonalized steps for convolutions.

    The velocity of a convolution, as a matrix [maps out, maps in * kernel height * kernel width],
    has a few large singular values and many small ones: SGD moves almost only along the few
    directions that recent batches agree on. Muon makes all singular values about one, so that rare
    directions are learned as fast as common ones (Jordan et al. 2024, "Muon: an optimizer for
    hidden layers in neural networks"). `torch.optim.Muon` has the same rule, for matrices only.

    The rule for a convolution theta with gradient g, where m = 0.6, as in Jordan's 2024 record for
    CIFAR-10:

        v <- m v + g
        theta <- theta - lr (orthogonal(g + m v) + 0.1 theta)

    Linear layers, biases and batch norm are left to SGD.

    Args:
        model: the network.
        lr: the learning rate of both rules. The length of Muon's steps does not depend on the
            gradient's: 0.05 is a good peak rate for nets with batch norm.
        weight_decay, momentum, nesterov: of SGD.
    """

    def __init__(
        self,
        model: nn.Module,
        lr: float,
        weight_decay: float = 0.0,
        momentum: float = 0.9,
        nesterov: bool = True,
    ) -> None:
        parameters = [p for p in model.parameters() if p.requires_grad]
        convolutions = [p for p in parameters if p.ndim == 4]
        others = [p for p in parameters if p.ndim != 4]
        # Without momentum, SGD's step is the second line of the rule.
        muon = {"muon_momentum": 0.6, "momentum": 0.0, "nesterov": False, "weight_decay": 0.1}
        groups: list[dict[str, Any]] = [
            {"params": convolutions, **muon},
            {"params": others, "muon_momentum": None},
        ]
        super().__init__(
            [group for group in groups if group["params"]],
            lr=lr,
            weight_decay=weight_decay,
            momentum=momentum,
            nesterov=nesterov,
        )

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Update the weights; this replaces the gradients of convolutions by their steps."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            if (momentum := group["muon_momentum"]) is None:
                continue
            for p in group["params"]:
                if p.grad is None:
                    continue
                if "velocity" not in self.state[p]:
                    self.state[p]["velocity"] = torch.zeros_like(p)
                velocity = self.state[p]["velocity"]
                velocity.mul_(momentum).add_(p.grad)
                step = orthogonal(p.grad.add(velocity, alpha=momentum).flatten(1))
                p.grad.copy_(step.view(p.shape))
        super().step()
        return loss


def orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """Roughly the nearest matrix with singular values of one: they end between 0.7 and 1.2.

    The polynomial a x + b x^3 + c x^5, applied to a matrix repeatedly, acts only on its singular
    values, and pulls all of those in (0, 1] towards one without ever computing them (Newton and
    Schulz; the coefficients are Jordan's, chosen for speed rather than precision). Values that were
    below a hundredth of the matrix's norm stay smaller.

    Args:
        matrix: float32 [rows, columns].
    """
    x = matrix.bfloat16() if has_bfloat16(matrix.device) else matrix
    if tall := x.shape[0] > x.shape[1]:
        x = x.T  # makes the product of x with itself smaller
    x = x / (x.norm() + 1e-7)
    for _ in range(4):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    result: torch.Tensor = (x.T if tall else x).to(matrix.dtype)
    return result
