"""A stand-in beside a student's other files: the grader's process answers."""

from __future__ import annotations

from typing import Any

ask: Any = None  # set when this is imported


def predict_labels(model: Any, x: Any) -> Any:
    """The label of each image."""
    return ask("labels", model(x))


def compute_accuracy(logits: Any, labels: Any) -> Any:
    """The fraction that is correct."""
    return ask("accuracy", logits, labels)
