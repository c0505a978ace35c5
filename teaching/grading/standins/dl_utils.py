"""Beside other files of a student's: the grader's process answers."""

from __future__ import annotations

from typing import Any

ask: Any = None  # set when this is imported


def predict_labels(model: Any, x: Any) -> Any:
    """The label of each image."""
    return ask("labels", model(x))


def compute_accuracy(logits: Any, labels: Any) -> Any:
    """The share that is right."""
    return ask("accuracy", logits, labels)
