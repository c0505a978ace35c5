"""A run's folder: config.json, history.csv, checkpoint.pt, best.pt and plots."""

from __future__ import annotations

import csv
import json
import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from scene_recog.engine.checkpoint import write_atomically

CONFIG = "config.json"
HISTORY = "history.csv"
LAST = "checkpoint.pt"
BEST = "best.pt"


@dataclass(frozen=True)
class EpochRecord:
    """One row of history.csv. Losses are means per example, accuracies from 0 to 1."""

    epoch: int  # 1 for the first
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    learning_rate: float  # at the epoch's last step
    seconds: float  # training and validation


def new_run_folder(parent: str | Path, name: str) -> Path:
    """Make and return `parent/name-001`, or the next free number: no run overwrites another."""
    parent = Path(parent)
    parent.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        folder = parent / f"{name}-{number:03d}"
        try:
            folder.mkdir()  # fails if another process took this number first
            return folder
        except FileExistsError:
            number += 1


def set_aside(folder: Path) -> Path | None:
    """Move the run that lies in `folder` to `folder/earlier-001`, ...; None if there is none."""
    if not (folder / LAST).exists() and not (folder / CONFIG).exists():
        return None
    earlier = new_run_folder(folder, "earlier")
    for entry in folder.iterdir():
        if entry.is_file():
            entry.rename(earlier / entry.name)
    return earlier


def find_run(name: str | Path, parent: str | Path = "model_checkpoints") -> Path:
    """The folder of a run given by its path, its name below `parent`, or one of its files.

    Raises:
        FileNotFoundError: no such run; the message lists the runs there are.
    """
    for candidate in (Path(name), Path(parent) / name):
        folder = candidate.parent if candidate.is_file() else candidate
        if (folder / LAST).is_file() or (folder / CONFIG).is_file():
            return folder
    known = ", ".join(folder.name for folder in list_runs(parent)) or "none yet"
    raise FileNotFoundError(f"no run {name}: the runs in {parent} are: {known}")


def list_runs(parent: str | Path = "model_checkpoints") -> list[Path]:
    """Folders directly below `parent` that hold a run, by name."""
    return sorted(config.parent for config in Path(parent).glob(f"*/{CONFIG}"))


def write_config(folder: Path, config: dict[str, Any]) -> None:
    """Write config.json."""
    text = json.dumps(config, indent=2) + "\n"
    write_atomically(folder / CONFIG, lambda part: part.write_text(text, encoding="utf-8"))


def read_config(folder: Path) -> dict[str, Any]:
    """Read config.json.

    Raises:
        ValueError: it is no JSON object.
    """
    path = folder / CONFIG
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    if not isinstance(config, dict):
        raise ValueError(f"{path} is damaged: it holds no JSON object")
    return config


def append_history(folder: Path, record: EpochRecord) -> None:
    """Add one row to history.csv, and the header before the first; on disk when this returns."""
    path = folder / HISTORY
    with path.open("a", newline="", encoding="utf-8") as file:
        _write_rows(file, [record], header=file.tell() == 0)
        file.flush()
        os.fsync(file.fileno())


def write_history(folder: Path, records: list[EpochRecord]) -> None:
    """Write history.csv anew: what a crash left behind the checkpoint is dropped."""

    def write(part: Path) -> None:
        with part.open("w", newline="", encoding="utf-8") as file:
            _write_rows(file, records, header=True)

    write_atomically(folder / HISTORY, write)


def read_history(folder: Path) -> list[dict[str, float]]:
    """The rows of history.csv; a row that a crash cut short is left out."""
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


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that a result depends on."""
    found = {"python": platform.python_version()}
    for package in ("scene-recog", "torch", "torchvision", "numpy", "pillow"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _write_rows(file: Any, records: list[EpochRecord], *, header: bool) -> None:
    writer = csv.DictWriter(file, fieldnames=list(EpochRecord.__dataclass_fields__))
    if header:
        writer.writeheader()
    writer.writerows(asdict(record) for record in records)
