"""Loss and accuracy of an epoch, added up batch by batch."""

from __future__ import annotations

import math
import time
from typing import Any

import torch

from scene_recog.system import processes


class Totals:
    """Loss and accuracy over an epoch, added up on the device, so that no step waits for them.

    Args:
        device: where the batches are.
        saved: a result of `state_dict`, to continue from.
    """

    def __init__(self, device: torch.device, saved: dict[str, Any] | None = None) -> None:
        saved = saved or {"losses": [], "sizes": [], "rates": [], "correct": 0}
        self.losses = [torch.tensor(loss, device=device) for loss in saved["losses"]]
        self.sizes: list[int] = list(saved["sizes"])
        self.rates: list[float] = list(saved["rates"])
        self.correct = torch.tensor(saved["correct"], dtype=torch.int64, device=device)
        self._checked = len(self.losses)

    def add(
        self, loss: torch.Tensor, logits: torch.Tensor, targets: torch.Tensor, rate: float = 0.0
    ) -> None:
        """Add a batch.

        Args:
            loss: its mean loss.
            logits: [n, C].
            targets: labels [n], or class probabilities [n, C], of which the largest counts.
            rate: the learning rate.
        """
        labels = targets if targets.ndim == 1 else targets.argmax(dim=1)
        self.losses.append(loss.detach())
        self.sizes.append(len(labels))
        self.rates.append(rate)
        self.correct += (logits.argmax(dim=1) == labels).sum()

    def means(self) -> tuple[float, float]:
        """(mean loss per example, accuracy) so far, in this process."""
        loss, correct, n = self._sums().tolist()
        return loss / n, correct / n

    def means_of_all(self) -> tuple[float, float]:
        """The same over all processes; each must call it."""
        sums = self._sums()
        loss, correct, n = processes.total(sums.to(self.correct.device)).tolist()
        return loss / n, correct / n

    def show_in(self, bar: Any) -> None:
        """Show the means so far in a visible progress bar, a few times a second."""
        if not bar.disable and time.time() - bar.last_print_t > 0.2:
            loss, accuracy = self.means()
            bar.set_postfix_str(f"loss {loss:.3f}, accuracy {accuracy:.1%}")

    def _sums(self) -> torch.Tensor:
        sizes = torch.tensor(self.sizes, dtype=torch.float64)
        losses = torch.stack(self.losses).cpu().double()  # MPS has no float64
        return torch.stack([losses @ sizes, self.correct.cpu().double(), sizes.sum()])

    def first_non_finite(self) -> tuple[float, int, float] | None:
        """(loss, batch number from 1, learning rate), among the batches not checked yet."""
        unseen = self.losses[self._checked :]
        losses = torch.stack(unseen).tolist() if unseen else []
        for batch, loss in enumerate(losses, start=self._checked):
            if not math.isfinite(loss):
                return loss, batch + 1, self.rates[batch]
        self._checked = len(self.losses)
        return None

    def state_dict(self) -> dict[str, Any]:
        """The sums as plain data."""
        return {
            "losses": [loss.item() for loss in self.losses],
            "sizes": self.sizes,
            "rates": self.rates,
            "correct": int(self.correct),
        }
