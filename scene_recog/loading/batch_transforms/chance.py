"""RandomApply and RandomChoice: apply other transforms to some of the images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from scene_recog.loading.batch_transforms.steps import (
    Stage,
    Step,
    UnsupportedTransform,
    batched,
    build,
    flatten,
)


@batched("RandomApply")
def _random_apply(transform: Any, stage: Stage) -> tuple[Step, Stage]:
    branches = [build(flatten(transform), stage), (Step(lambda x, _: x), stage)]
    return _pick(transform, branches, [transform.p, 1 - transform.p])


@batched("RandomChoice")
def _random_choice(transform: Any, stage: Stage) -> tuple[Step, Stage]:
    branches = [build(flatten([choice]), stage) for choice in transform.transforms]
    return _pick(transform, branches, transform.p or [1.0] * len(branches))


def _pick(
    transform: Any, branches: list[tuple[Step, Stage]], weights: Sequence[float]
) -> tuple[Step, Stage]:
    """Apply all branches to all images, and keep for each image the branch that it drew."""
    steps = [step for step, _ in branches]
    stage = branches[0][1]
    if any(other != stage for _, other in branches):
        raise UnsupportedTransform(
            type(transform).__name__, "its choices return images of different sizes or types"
        )
    shares = torch.tensor(weights, dtype=torch.float64).cumsum(0)
    shares /= shares[-1].clone()

    def draw(n: int) -> torch.Tensor:
        choice = torch.searchsorted(shares, torch.rand(n, 1, dtype=torch.float64), right=True)
        return torch.cat([choice, *(step.draw(n) for step in steps if step.draw)], dim=1)

    def apply(x: torch.Tensor, parameters: torch.Tensor) -> torch.Tensor:
        sizes = [1, *(step.num_parameters for step in steps)]
        choice, *parts = torch.split(parameters, sizes, dim=1)
        results = [
            # a copy, because a step may overwrite float images
            step.apply(x.clone() if x.is_floating_point() else x, part)
            for step, part in zip(steps, parts, strict=True)
        ]
        if any(result.is_floating_point() for result in results):
            results = [result.float() for result in results]
        pick = torch.arange(len(x), device=x.device) + len(x) * choice[:, 0].long()
        return torch.cat(results).index_select(0, pick)

    return Step(apply, draw, 1 + sum(step.num_parameters for step in steps)), stage
