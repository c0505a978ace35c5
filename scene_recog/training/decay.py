"""Weight decay only where it helps."""

from __future__ import annotations

import torch


def decay_matrices_only(optimizer: torch.optim.Optimizer) -> None:
    """Switch off weight decay for biases and for batch norm's scales and shifts.

    These are few and do not overfit; pulling a scale to zero only slows learning (He et al. 2019,
    "Bag of tricks", section 3.1). The optimizer gets a second group of parameters.
    """
    for group in list(optimizer.param_groups):
        vectors = [p for p in group["params"] if p.ndim <= 1]
        if not vectors:
            continue
        group["params"] = [p for p in group["params"] if p.ndim > 1]
        options = {key: value for key, value in group.items() if key != "params"}
        optimizer.add_param_group({**options, "params": vectors, "weight_decay": 0.0})
