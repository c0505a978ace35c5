"""What an epoch has come to: its sums, and the random generators that shaped it."""

from __future__ import annotations

import math
from typing import Any, TypeVar

import torch

from scene_recog.system import processes

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
        loss, correct, n = processes.total(sums.to(self.correct.device)).tolist()
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
