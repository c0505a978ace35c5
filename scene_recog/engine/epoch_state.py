"""What an epoch has come to: its sums, and the random generators that shaped it."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import numpy as np
import torch

from scene_recog.engine import distributed

Batch = TypeVar("Batch")


class Totals:
    """Loss and accuracy over an epoch, added up on the device, so that no step waits for them.

    Args:
        device: where the batches are.
        saved: what `state_dict` gave, to go on from there.
    """

    def __init__(self, device: torch.device, saved: dict[str, Any] | None = None) -> None:
        saved = saved or {"losses": [], "sizes": [], "rates": [], "correct": 0}
        self.losses = [torch.tensor(loss, device=device) for loss in saved["losses"]]
        self.sizes: list[int] = list(saved["sizes"])
        self.rates: list[float] = list(saved["rates"])
        self.correct = torch.tensor(saved["correct"], dtype=torch.int64, device=device)
        self._checked = len(self.losses)

    def add(
        self, loss: torch.Tensor, logits: torch.Tensor, y: torch.Tensor, rate: float = 0.0
    ) -> None:
        """Add a batch: its mean loss, its logits [n, C] and labels [n], and the learning rate."""
        self.losses.append(loss.detach())
        self.sizes.append(len(y))
        self.rates.append(rate)
        self.correct += (logits.argmax(dim=1) == y).sum()

    def means(self) -> tuple[float, float]:
        """(mean loss per example, share of right labels) so far, in this process."""
        loss, correct, n = self._sums().tolist()
        return loss / n, correct / n

    def means_of_all(self) -> tuple[float, float]:
        """The same over all processes; each must call it."""
        sums = self._sums()
        loss, correct, n = distributed.total(sums.to(self.correct.device)).tolist()
        return loss / n, correct / n

    def _sums(self) -> torch.Tensor:
        sizes = torch.tensor(self.sizes, dtype=torch.float64)
        losses = torch.stack(self.losses).cpu().double()  # MPS has no float64
        return torch.stack([losses @ sizes, self.correct.cpu().double(), sizes.sum()])

    def first_non_finite(self) -> tuple[float, int, float] | None:
        """(loss, number of the batch from 1, learning rate), of the batches not looked at yet."""
        unseen = self.losses[self._checked :]
        losses = torch.stack(unseen).tolist() if unseen else []
        for batch, loss in enumerate(losses, start=self._checked):
            if not math.isfinite(loss):
                return loss, batch + 1, self.rates[batch]
        self._checked = len(self.losses)
        return None

    def state_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            "losses": [loss.item() for loss in self.losses],
            "sizes": self.sizes,
            "rates": self.rates,
            "correct": int(self.correct),
        }


def seed_generators(seed: int, epoch: int) -> None:
    """Start every random generator anew for an epoch, so that a resumed run repeats it exactly."""
    state = np.random.SeedSequence([seed, epoch]).generate_state(1)[0]
    torch.manual_seed(int(state))
    random.seed(int(state))
    np.random.seed(state)  # other people's transforms may draw from it


def get_random_state() -> dict[str, Any]:
    """The state of every random generator, as tensors and plain data."""
    numpy_state: Any = np.random.get_state(legacy=False)
    keys = numpy_state["state"]["key"].tolist()
    version, words, next_gauss = random.getstate()
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": {**numpy_state, "state": {**numpy_state["state"], "key": keys}},
        "python": [version, list(words), next_gauss],
    }


def set_random_state(state: dict[str, Any]) -> None:
    """The inverse of `get_random_state`."""
    torch.set_rng_state(state["torch"])
    if state["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])
    np.random.set_state(state["numpy"])
    version, words, next_gauss = state["python"]
    random.setstate((version, tuple(words), next_gauss))


def batches_after(
    loader: Iterable[Batch], done: int, random_state: dict[str, Any]
) -> Iterator[Batch]:
    """The batches behind the first `done`, drawn as if those had just been worked on.

    Args:
        loader: gives the same batches each time, from the same state of the generators.
        done: batches to leave out, at least 1.
        random_state: the generators' state when they were done.
    """
    for number, batch in enumerate(loader, start=1):
        if number > done:
            yield batch
        elif number == done:
            set_random_state(random_state)
