"""An average of the weights, which generalizes better than the weights of any single step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from scene_recog.models.copies import copying


class NoAverage:
    """No average: the model itself is validated."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model

    def update(self) -> None:
        """Do nothing."""

    def state_dict(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Do nothing."""


class WeightAverage(NoAverage):
    """An exponential moving average of a model's weights and of batch norm's running statistics.

    It is smoother than the weights of any single step and generalizes better (Polyak and Juditsky
    1992; Tarvainen and Valpola 2017). After n updates the decay is (1 + n) / (10 + n) until it
    reaches `decay`, so that the random initial weights are soon forgotten.

    Args:
        model: the network, on its device.
        decay: fraction of the old average that an update keeps, from 0 to below 1.

    Attributes:
        model: a copy of the network with the averaged weights.

    Raises:
        ValueError: the network cannot be copied.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._trained = model
        self._decay = decay
        with copying(model):
            self._average = AveragedModel(model, multi_avg_fn=self._move, use_buffers=True)
        super().__init__(self._average.module)

    def update(self) -> None:
        """Move towards the current weights."""
        self._average.update_parameters(self._trained)

    def state_dict(self) -> dict[str, Any]:
        """The average and its number of updates, for a checkpoint."""
        return {
            "averaged_state_dict": self.model.state_dict(),
            "num_averaged": int(self._average.n_averaged),
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Continue from a checkpoint; from its weights, if it has no average."""
        averaged = saved.get("averaged_state_dict", saved["model_state_dict"])
        self.model.load_state_dict(averaged)
        self._average.n_averaged.fill_(int(saved.get("num_averaged", 0)))

    @torch.no_grad()
    def _move(
        self,
        averages: tuple[torch.Tensor, ...] | list[torch.Tensor],
        weights: tuple[torch.Tensor, ...] | list[torch.Tensor],
        num_averaged: torch.Tensor | int,
    ) -> None:
        n = float(num_averaged)
        if averages[0].is_floating_point():
            torch._foreach_lerp_(averages, weights, 1 - min(self._decay, (1 + n) / (10 + n)))
        else:  # batch norm's count of batches
            for average, weight in zip(averages, weights, strict=True):
                average.copy_(weight)


def make_average(model: nn.Module, decay: float | None) -> NoAverage:
    """The average of a model's weights with this decay; None: no average."""
    return NoAverage(model) if decay is None else WeightAverage(model, decay)
