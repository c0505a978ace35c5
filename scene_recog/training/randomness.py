"""The random generators: seeded in every epoch, saved and restored."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import numpy as np
import torch

Batch = TypeVar("Batch")


def seed_generators(seed: int, epoch: int) -> None:
    """Seed every random generator for an epoch, so that a resumed run repeats it exactly."""
    state = np.random.SeedSequence([seed, epoch]).generate_state(1)[0]
    torch.manual_seed(int(state))
    random.seed(int(state))
    np.random.seed(state)  # a user's transforms may draw from it


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
    """The batches after the first `done`, drawn as if those had just been processed.

    Args:
        loader: returns the same batches from the same state of the generators.
        done: batches to skip, at least 1.
        random_state: the generators' state after those batches.
    """
    for number, batch in enumerate(loader, start=1):
        if number > done:
            yield batch
        elif number == done:
            set_random_state(random_state)
