"""How the learning rate changes from step to step."""

from __future__ import annotations

from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, OneCycleLR, StepLR

SCHEDULES = ("none", "one-cycle", "cosine", "step")


def make_scheduler(name: str, optimizer: Optimizer, total_steps: int) -> LRScheduler | None:
    """A scheduler to be stepped after every batch; the optimizer's own rate is the highest one.

    - "one-cycle": up from 1/25 of the rate for 30 % of the steps, then down to almost nothing along
      a cosine (Smith and Topin 2018).
    - "cosine": down from the rate to zero along half a cosine (Loshchilov and Hutter 2017).
    - "step": a tenth of the rate after each third of the steps.
    - "none": the rate stays; returns None.

    Args:
        name: one of the above.
        optimizer: its learning rate is the peak.
        total_steps: number of optimizer steps that the schedule spans, at least 1.

    Raises:
        ValueError: an unknown name.
    """
    if name == "none":
        return None
    if name == "one-cycle":
        peaks = [group["lr"] for group in optimizer.param_groups]
        return OneCycleLR(optimizer, peaks, total_steps=total_steps, cycle_momentum=False)
    if name == "cosine":
        return CosineAnnealingLR(optimizer, T_max=total_steps)
    if name == "step":
        return StepLR(optimizer, step_size=max(1, -(-total_steps // 3)), gamma=0.1)
    raise ValueError(f"scheduler is {name!r}: it must be one of {', '.join(SCHEDULES)}")
