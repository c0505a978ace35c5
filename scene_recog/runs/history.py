"""A run's results by epoch: history.csv, and the rule for the best epoch."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from scene_recog.system.files import write_atomically

HISTORY = "history.csv"


@dataclass(frozen=True)
class EpochRecord:
    """One row of history.csv. Losses are means per example, accuracies are from 0 to 1."""

    epoch: int  # 1 for the first
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float  # at the epoch's last step
    seconds: float  # training and validation
    validation_seconds: float = 0.0  # the part for validation; 0 in records of old runs

    def describe(self, validation_name: str) -> str:
        """A short summary, for a progress bar."""
        return (
            f"loss {self.train_loss:.3f}, accuracy {self.train_accuracy:.1%}, "
            f"{validation_name} {self.validation_loss:.3f}, {self.validation_accuracy:.1%}"
        )


class History:
    """The records of a run.

    Attributes:
        records: one per epoch.
        train_loss, train_accuracy, validation_loss, validation_accuracy: the same as lists.
    """

    def __init__(self) -> None:
        self.records: list[EpochRecord] = []
        self.train_loss: list[float] = []
        self.train_accuracy: list[float] = []
        self.validation_loss: list[float] = []
        self.validation_accuracy: list[float] = []

    def add(self, record: EpochRecord) -> None:
        """Add an epoch."""
        self.records.append(record)
        self.train_loss.append(record.train_loss)
        self.train_accuracy.append(record.train_accuracy)
        self.validation_loss.append(record.validation_loss)
        self.validation_accuracy.append(record.validation_accuracy)

    @property
    def last_epoch(self) -> int:
        """The number of the last finished epoch; 0 if there is none."""
        return self.records[-1].epoch if self.records else 0

    @property
    def best(self) -> EpochRecord:
        """The best epoch.

        Raises:
            ValueError: no epoch is finished.
        """
        number = find_best_epoch(self.validation_accuracy, self.validation_loss)
        if number is None:
            raise ValueError("no epoch is finished, so there is no best one")
        return self.records[number - 1]

    def state_dict(self) -> dict[str, Any]:
        """The records, for a checkpoint."""
        return {"history": [asdict(record) for record in self.records]}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Add the records of a checkpoint.

        Raises:
            KeyError, TypeError, ValueError: they are not such records.
        """
        for record in saved.get("history", []):
            self.add(EpochRecord(**record))


def find_best_epoch(accuracies: Sequence[float], losses: Sequence[float]) -> int | None:
    """The number, from 1, of the epoch with the highest validation accuracy; ties go to the lowest
    loss; None if there are no epochs."""
    numbers = range(1, len(accuracies) + 1)
    return max(numbers, key=lambda n: (accuracies[n - 1], -losses[n - 1]), default=None)


def best_row(rows: Sequence[Mapping[str, float]]) -> Mapping[str, float] | None:
    """The best row of `read_history`; None if there are no rows."""
    accuracies = [row["validation_accuracy"] for row in rows]
    number = find_best_epoch(accuracies, [row["validation_loss"] for row in rows])
    return None if number is None else rows[number - 1]


def append_history(folder: Path, record: EpochRecord) -> None:
    """Add a row to history.csv, with a header before the first; on disk when this returns."""
    path = folder / HISTORY
    with path.open("a", newline="", encoding="utf-8") as file:
        _write_rows(file, [record], header=file.tell() == 0)
        file.flush()
        os.fsync(file.fileno())


def write_history(folder: Path, records: Sequence[EpochRecord]) -> None:
    """Rewrite history.csv; rows that a crash left after the checkpoint are dropped."""

    def write(part: Path) -> None:
        with part.open("w", newline="", encoding="utf-8") as file:
            _write_rows(file, records, header=True)

    write_atomically(folder / HISTORY, write)


def read_history(folder: Path) -> list[dict[str, float]]:
    """The rows of history.csv, without a row that a crash cut short."""
    path = folder / HISTORY
    if not path.exists():
        return []
    rows = []
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            try:
                rows.append({key: float(value) for key, value in row.items()})
            except (TypeError, ValueError):
                break
    return rows


def _write_rows(file: IO[str], records: Sequence[EpochRecord], *, header: bool) -> None:
    writer = csv.DictWriter(file, fieldnames=list(EpochRecord.__dataclass_fields__))
    if header:
        writer.writeheader()
    writer.writerows(asdict(record) for record in records)
