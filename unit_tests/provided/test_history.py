"""The same rule for the best epoch everywhere."""

from __future__ import annotations

import pytest

from scene_recog.runs.history import EpochRecord, History, best_row, find_best_epoch


@pytest.mark.parametrize(
    ("accuracies", "losses", "best"),
    [
        ([], [], None),
        ([0.5], [1.0], 1),
        ([0.5, 0.7, 0.6], [1.0, 0.9, 0.1], 2),
        ([0.7, 0.7, 0.7], [1.0, 0.8, 0.9], 2),  # at equal accuracy, the lowest loss
        ([0.7, 0.7], [0.8, 0.8], 1),  # if both are equal, the first
    ],
)
def test_best_epoch(accuracies: list[float], losses: list[float], best: int | None) -> None:
    assert find_best_epoch(accuracies, losses) == best
    rows = [
        {"epoch": n, "validation_accuracy": a, "validation_loss": x}
        for n, (a, x) in enumerate(zip(accuracies, losses, strict=True), start=1)
    ]
    row = best_row(rows)
    assert (row and row["epoch"]) == best
    history = History()
    for n, (a, x) in enumerate(zip(accuracies, losses, strict=True), start=1):
        history.add(EpochRecord(n, 1.0, 0.5, x, a, 0.1, 1.0))
    if best is None:
        with pytest.raises(ValueError, match="no epoch is finished"):
            _ = history.best
    else:
        assert history.best.epoch == best
