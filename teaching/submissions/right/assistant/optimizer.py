"""Optimizer construction for the scene recognition project.

This module provides a single public entry point, :func:`get_optimizer`, which translates a plain
configuration dictionary into a fully configured :class:`torch.optim.Optimizer` instance. The
configuration is validated thoroughly before any optimizer is constructed, so that configuration
errors are detected as early as possible.

Supported optimizers
--------------------
* ``"sgd"``  -- stochastic gradient descent with (Nesterov) momentum
* ``"adam"`` -- Adam (adaptive moment estimation)

Example
-------
>>> config = {"optimizer_type": "adam", "lr": 1e-3, "weight_decay": 1e-4}
>>> optimizer = get_optimizer(model, config)
"""

import logging
import math
from dataclasses import dataclass
from typing import Any, Dict

import torch
import torch.nn as nn

logger = logging.getLogger(__name__)

# Named constants.
OPTIMIZER_SGD = "sgd"
OPTIMIZER_ADAM = "adam"
SUPPORTED_OPTIMIZERS = (OPTIMIZER_SGD, OPTIMIZER_ADAM)
DEFAULT_MOMENTUM = 0.9
MAX_LEARNING_RATE = 10.0


@dataclass(frozen=True)
class OptimizerSettings:
    """Validated settings.

    Attributes:
        optimizer_type: The canonical (lower case, stripped) name of the optimizer.
        learning_rate: The learning rate. Guaranteed to be finite and positive.
        weight_decay: The weight decay coefficient. Guaranteed to be finite and non-negative.
        momentum: The momentum coefficient (only used by SGD).
        nesterov: Whether Nesterov momentum is used (only used by SGD).
    """

    optimizer_type: str
    learning_rate: float
    weight_decay: float
    momentum: float = DEFAULT_MOMENTUM
    nesterov: bool = False

    def __post_init__(self) -> None:
        """Validate all fields."""
        if self.optimizer_type not in SUPPORTED_OPTIMIZERS:
            raise ValueError(
                f"Unsupported optimizer type: {self.optimizer_type!r}. "
                f"Supported optimizers: {', '.join(SUPPORTED_OPTIMIZERS)}."
            )
        if not math.isfinite(self.learning_rate) or not 0 < self.learning_rate <= MAX_LEARNING_RATE:
            raise ValueError(f"Learning rate out of range: {self.learning_rate}.")
        if not math.isfinite(self.weight_decay) or self.weight_decay < 0:
            raise ValueError(f"Weight decay must be non-negative: {self.weight_decay}.")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"Momentum must be in [0, 1): {self.momentum}.")

    @classmethod
    def from_config(cls, config: Dict[str, Any]) -> "OptimizerSettings":
        """Create the settings from a configuration dictionary."""
        if not isinstance(config, dict):
            raise TypeError(f"config must be a dict, got {type(config).__name__}.")
        for required_key in ("optimizer_type", "lr", "weight_decay"):
            if required_key not in config:
                raise ValueError(f"Missing required key in config: {required_key!r}.")
        return cls(
            optimizer_type=str(config["optimizer_type"]).strip().lower(),
            learning_rate=float(config["lr"]),
            weight_decay=float(config["weight_decay"]),
            momentum=float(config.get("momentum", DEFAULT_MOMENTUM)),
            nesterov=bool(config.get("nesterov", False)),
        )


class OptimizerFactory:
    """Factory that builds optimizers from validated settings."""

    def __init__(self, settings: OptimizerSettings) -> None:
        self._settings = settings

    def build(self, model: nn.Module) -> torch.optim.Optimizer:
        """Build the optimizer for all trainable parameters of the model."""
        builder = getattr(self, f"_build_{self._settings.optimizer_type}")
        trainable_parameters = [p for p in model.parameters() if p.requires_grad]
        if not trainable_parameters:
            raise ValueError("The model has no trainable parameters.")
        logger.info("Building %s for %d tensors", builder.__name__, len(trainable_parameters))
        return builder(trainable_parameters)

    def _build_sgd(self, parameters) -> torch.optim.Optimizer:
        return torch.optim.SGD(
            parameters,
            lr=self._settings.learning_rate,
            momentum=self._settings.momentum,
            weight_decay=self._settings.weight_decay,
            nesterov=self._settings.nesterov,
        )

    def _build_adam(self, parameters) -> torch.optim.Optimizer:
        return torch.optim.Adam(
            parameters,
            lr=self._settings.learning_rate,
            weight_decay=self._settings.weight_decay,
        )


def get_optimizer(model: nn.Module, config: Dict[str, Any]) -> torch.optim.Optimizer:
    """Return an optimizer for the given model, configured according to ``config``.

    Args:
        model: The model whose trainable parameters are to be optimized.
        config: A dictionary with the (required) keys ``optimizer_type``, ``lr`` and
            ``weight_decay``, and the (optional) keys ``momentum`` and ``nesterov``.

    Returns:
        A fully configured optimizer.

    Raises:
        TypeError: If an argument has the wrong type.
        ValueError: If the configuration is invalid.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be an nn.Module, got {type(model).__name__}.")
    return OptimizerFactory(OptimizerSettings.from_config(config)).build(model)
