"""The inference loop, for validation, evaluation and pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch

from scene_recog.system.memory import keep_freed_memory

Forward = Callable[[torch.Tensor], torch.Tensor]


def predict_batches(
    forward: Forward, batches: Iterable[tuple[torch.Tensor, torch.Tensor]], device: torch.device
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """The logits [n, C] and labels [n] of each batch, on `device`, without gradients.

    Args:
        forward: images [n, 1, H, W] -> logits; a network in eval mode.
        batches: (images, labels).
        device: where to compute.
    """
    keep_freed_memory()
    for images, labels in batches:
        with torch.inference_mode():
            logits = forward(images.to(device))
        yield logits, labels.to(device)
