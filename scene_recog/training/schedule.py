"""How the learning rate changes from step to step."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, OneCycleLR, StepLR

from scene_recog.system.progress import notice

ONE_CYCLE_START = 25  # the peak rate divided by the first rate


def _one_cycle(optimizer: Optimizer, steps: int) -> LRScheduler:
    """Up from 1/25 of the rate for 30 % of the steps, then down to almost zero along a cosine
    (Smith and Topin 2018)."""
    peaks = [group["lr"] for group in optimizer.param_groups]
    return OneCycleLR(
        optimizer, peaks, total_steps=steps, cycle_momentum=False, div_factor=ONE_CYCLE_START
    )


def _cosine(optimizer: Optimizer, steps: int) -> LRScheduler:
    """Down from the rate to zero along half a cosine (Loshchilov and Hutter 2017)."""
    return CosineAnnealingLR(optimizer, T_max=steps)


def _step(optimizer: Optimizer, steps: int) -> LRScheduler:
    """Divide the rate by 10 after each third of the steps."""
    return StepLR(optimizer, step_size=max(1, -(-steps // 3)), gamma=0.1)


# To add one, write a function of the optimizer (at its peak rate) and the number of steps that
# returns a scheduler, which is stepped after every batch.
SCHEDULES: dict[str, Callable[[Optimizer, int], LRScheduler] | None] = {
    "none": None,  # a constant rate
    "one-cycle": _one_cycle,
    "cosine": _cosine,
    "step": _step,
}


class Schedule:
    """The learning rates of an optimizer over one training loop, or over the rest of one.

    Args:
        name: one of SCHEDULES.
        optimizer: its learning rates are the highest ones.

    Attributes:
        peaks: the highest rate of each group of parameters.
        end: the epoch at which the schedule ends.

    Raises:
        ValueError: an unknown name.
    """

    def __init__(self, name: str, optimizer: Optimizer) -> None:
        if name not in SCHEDULES:
            raise ValueError(f"scheduler is {name!r}: it must be one of {', '.join(SCHEDULES)}")
        self.name = name
        self.optimizer = optimizer
        self.peaks = self._rates()
        self.end = 0
        self._steps_done = 0
        self._total_steps = 0
        self._scheduler: LRScheduler | None = None
        self._last_rates = self.peaks  # to notice when other code sets them

    def start(self, epochs_done: int, num_epochs: int, steps_per_epoch: int) -> None:
        """Begin a schedule, or continue one with exactly `num_epochs` left.

        Args:
            epochs_done: epochs trained so far.
            num_epochs: epochs to come.
            steps_per_epoch: optimizer steps in each.
        """
        end = epochs_done + num_epochs
        if self.name == "none":
            self.peaks = self._rates()
        else:
            goes_on = self.end == end and self._total_steps > 0
            if not goes_on:
                self._steps_done, self._total_steps = 0, num_epochs * steps_per_epoch
            if (rates := self._rates()) != self._last_rates:
                self.peaks = rates
                self._scheduler = None
            if self._scheduler is None or not goes_on:
                self._make()
            if not goes_on and epochs_done > 0:
                self._say_that_it_starts_again(num_epochs, left=self.end - epochs_done)
        self.end = end

    def step(self) -> None:
        """Set the rates of the next step. After the last step, they stay constant."""
        if self._scheduler is not None and self._steps_done < self._total_steps:
            self._scheduler.step()
            self._steps_done += 1
            self._last_rates = self._rates()

    def state_dict(self) -> dict[str, Any]:
        """The state for a checkpoint."""
        position = {
            "name": self.name,
            "steps_done": self._steps_done,
            "total_steps": self._total_steps,
        }
        return {
            "scheduler_state_dict": None if self.name == "none" else position,
            "schedule_end": self.end,
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Load the position in the schedule from a checkpoint; keep the caller's peak rates.

        Raises:
            KeyError, TypeError, ValueError: it is not such a state.
        """
        position = saved.get("scheduler_state_dict")
        if position is None:
            return
        if "last_epoch" in position:  # of format 1: the state of torch's own scheduler
            length = {"one-cycle": "total_steps", "cosine": "T_max", "step": "step_size"}
            known = [name for name, key in length.items() if key in position]
            total = int(position[length[known[0]]]) * (3 if known[0] == "step" else 1)
            position = {
                "name": known[0],
                "steps_done": position["last_epoch"],
                "total_steps": total,
            }
        if position["name"] == self.name:
            self._steps_done = int(position["steps_done"])
            self._total_steps = int(position["total_steps"])
            self.end = int(saved["schedule_end"])

    def _make(self) -> None:
        """A scheduler advanced to the current step."""
        for group, peak in zip(self.optimizer.param_groups, self.peaks, strict=True):
            group["lr"] = peak
            group.pop("initial_lr", None)  # left there by an earlier schedule
        maker = SCHEDULES[self.name]
        assert maker is not None
        self._scheduler = maker(self.optimizer, self._total_steps)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the optimizer takes no steps here
            for _ in range(self._steps_done):
                self._scheduler.step()
        self._last_rates = self._rates()

    def _say_that_it_starts_again(self, num_epochs: int, left: int) -> None:
        length = f"{num_epochs} epoch{'s' * (num_epochs > 1)}"
        old = f": the old one had {left} left" if left > 0 else ""
        rate, peak = self._rates()[0], self.peaks[0]
        rises = f" and rises to {peak:g}" if rate < peak else ""
        notice(
            f"Starting a new {self.name} schedule over {length}{old}. "
            f"The learning rate starts again at {rate:g}{rises}."
        )

    def _rates(self) -> list[float]:
        return [group["lr"] for group in self.optimizer.param_groups]
