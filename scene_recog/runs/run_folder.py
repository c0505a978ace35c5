"""A run's folder: config.json, history.csv, checkpoint.pt, best.pt and plots."""

from __future__ import annotations

import copy
import csv
import json
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from scene_recog.runs.checkpoint import write_checkpoint
from scene_recog.system import processes
from scene_recog.system.files import write_atomically
from scene_recog.system.locks import LOCK, locked
from scene_recog.system.progress import notice

CONFIG = "config.json"
HISTORY = "history.csv"
LAST = "checkpoint.pt"
BEST = "best.pt"
CURVES = "curves.png"


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
    validation_seconds: float = 0.0  # what of them was validation; 0 in records of old runs


class RunFolder:
    """The folder that one `Trainer` keeps: by one process at a time, and so that nothing is lost.

    With several processes (see `system/processes.py`), process 0 writes, and every method does
    nothing in the others.

    Args:
        path: the folder, made when it is first written to.
        continues: the run that is there goes on; otherwise it is moved aside.
    """

    def __init__(self, path: Path, *, continues: bool) -> None:
        self.path = path
        self._goes_on = continues
        self._is_prepared = False
        self._is_held = False
        self._last_seen = self._stamp()
        self._best_to_write: dict[str, Any] | None = None
        self._unsaved: OSError | None = None
        self._saved_epoch = 0

    @contextmanager
    def held(self, config: dict[str, Any], records: list[EpochRecord]) -> Iterator[None]:
        """Keep other processes out while the block runs; the first time, prepare the folder.

        Raises:
            ValueError: another process is at work there, or was since this run was loaded.
            OSError: it cannot be written to, or the last epoch could not.
        """
        if self._is_held or processes.rank() > 0:
            yield
            return
        self.path.mkdir(parents=True, exist_ok=True)
        with locked(self.path):
            self._is_held = True
            try:
                if self._goes_on and self._stamp() not in (None, self._last_seen):
                    raise ValueError(
                        f"the run in {self.path} has gone on elsewhere since it was loaded here: "
                        "load it again, with a new Trainer"
                    )
                if not self._is_prepared:
                    self._prepare(config, records)
                yield
            finally:
                self._is_held = False
        if error := self._unsaved:
            raise OSError(
                error.errno,
                f"{error.strerror or error}: the run is saved up to epoch {self._saved_epoch} only",
                error.filename,
            ) from error

    def _prepare(self, config: dict[str, Any], records: list[EpochRecord]) -> None:
        for name in (CONFIG, HISTORY, LAST, BEST):  # of processes that were killed
            for part in self.path.glob(f".{name}.*.part"):
                part.unlink(missing_ok=True)
        if not self._goes_on and (earlier := set_aside(self.path)):
            notice(f"The run that was in {self.path} is now in {earlier}.")
        write_config(self.path, config)
        write_history(self.path, records)
        self._goes_on = self._is_prepared = True
        self._saved_epoch = records[-1].epoch if records else 0
        self._last_seen = self._stamp()

    def save_epoch(
        self, state: dict[str, Any], records: list[EpochRecord], *, is_best: bool
    ) -> None:
        """Write the last of `records` and its checkpoint.

        If that fails, because the disk is full, say, a notice says so, and the next call writes
        what is missing too.
        """
        if processes.rank() > 0:
            return
        if is_best:
            self._best_to_write = copy.deepcopy(state)  # the weights go on changing
        try:
            if self._unsaved:
                self.save(state, records)
            else:
                # This order lets a kill between any two lines be made good by repeating the epoch.
                self._save_best()
                self._save_last(state)
                append_history(self.path, records[-1])
                self._saved_epoch = records[-1].epoch
        except OSError as error:
            self._unsaved = error
            notice(
                f"Epoch {records[-1].epoch} is not saved ({error.strerror or error}): training "
                "goes on, and the next epoch tries again. What was saved before is kept."
            )

    def save(self, state: dict[str, Any], records: list[EpochRecord]) -> None:
        """Write the checkpoint, the whole history, and what could not be written before.

        Raises:
            OSError: it cannot be written.
        """
        if processes.rank() > 0:
            return
        self._save_best()
        self._save_last(state)
        write_history(self.path, records)
        self._unsaved = None
        self._saved_epoch = records[-1].epoch if records else 0

    def save_unfinished(self, state: dict[str, Any]) -> None:
        """Write a checkpoint in the middle of an epoch; a notice says if it cannot be written."""
        try:
            self._save_last(state)
        except OSError as error:
            notice(f"The step is not saved ({error.strerror or error}); earlier epochs are kept.")

    def save_curves(self, draw: Callable[[Path], None]) -> None:
        """Let `draw` write the picture of the run."""
        if processes.rank() == 0 and not self._unsaved:
            draw(self.path / CURVES)

    def _save_best(self) -> None:
        if self._best_to_write:
            write_checkpoint(self.path / BEST, self._best_to_write)
            self._best_to_write = None

    def _save_last(self, state: dict[str, Any]) -> None:
        write_checkpoint(self.path / LAST, state, keep_previous=True)
        self._last_seen = self._stamp()

    def _stamp(self) -> tuple[int, int, int] | None:
        """What changes when another process writes a checkpoint; None if there is none."""
        try:
            status = (self.path / LAST).stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size


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
        if entry.is_file() and entry.name != LOCK:
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
