"""A run's folder: config.json, history.csv, checkpoint.pt, best.pt and plots."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scene_recog.runs.checkpoint import read_checkpoint, require_storable, write_checkpoint
from scene_recog.runs.config import CONFIG, RunConfig, write_config
from scene_recog.runs.history import HISTORY, EpochRecord, append_history, write_history
from scene_recog.system import processes
from scene_recog.system.locks import LOCK, locked
from scene_recog.system.progress import notice
from scene_recog.system.text import did_you_mean
from scene_recog.training.doctor import Finding, findings_in

LAST = "checkpoint.pt"
BEST = "best.pt"
CURVES = "curves.png"


class RunFolder:
    """The folder of one `Trainer`: used by one process at a time, so that nothing is lost.

    With several processes (see `system/processes.py`), only process 0 writes; in the others, all
    methods do nothing.

    Args:
        path: the folder, created when it is first written to.
        continues: True resumes an existing run; False moves it aside.
    """

    def __init__(self, path: Path, *, continues: bool) -> None:
        self.path = path
        self._goes_on = continues
        self._config: RunConfig | None = None  # as last written
        self._is_held = False
        self._last_seen = self._stamp()
        self._best_to_write: dict[str, Any] | None = None
        self._unsaved: OSError | None = None
        self._saved_epoch = 0

    @contextmanager
    def held(self, state: dict[str, Any], records: list[EpochRecord]) -> Iterator[None]:
        """Lock out other processes while the block runs; prepare the folder the first time.

        Args:
            state: what a checkpoint would hold now; its config is written to config.json.
            records: the epochs so far.

        Raises:
            ValueError: another process uses it, or has since this run was loaded; or `state` could
                not be saved, which is checked now rather than after an epoch.
            OSError: the folder cannot be written to, or the last epoch could not be written.
        """
        if self._is_held or processes.rank() > 0:
            yield
            return
        require_storable(state)
        self.path.mkdir(parents=True, exist_ok=True)
        with locked(self.path):
            self._is_held = True
            try:
                if self._goes_on and self._stamp() not in (None, self._last_seen):
                    raise ValueError(
                        f"another process has continued the run in {self.path} since it was loaded "
                        "here: load it again with a new Trainer"
                    )
                if self._config is None:
                    self._prepare(records)
                if self._config != state["config"]:
                    write_config(self.path, state["config"])
                    self._config = copy.deepcopy(state["config"])
                yield
            finally:
                self._is_held = False
        if error := self._unsaved:
            raise OSError(
                error.errno,
                f"{error.strerror or error}: the run is saved only up to epoch {self._saved_epoch}",
                error.filename,
            ) from error

    def _prepare(self, records: list[EpochRecord]) -> None:
        for name in (CONFIG, HISTORY, LAST, BEST):  # leftovers of killed processes
            for part in self.path.glob(f".{name}.*.part"):
                part.unlink(missing_ok=True)
        if not self._goes_on and (earlier := set_aside(self.path)):
            notice(f"Moved the earlier run in {self.path} to {earlier}.")
        write_history(self.path, records)
        self._goes_on = True
        self._saved_epoch = records[-1].epoch if records else 0
        self._last_seen = self._stamp()

    def save_epoch(
        self, state: dict[str, Any], records: list[EpochRecord], *, is_best: bool
    ) -> None:
        """Write the last of `records` and its checkpoint.

        If that fails, for example because the disk is full, a notice says so, and the next call
        also writes what is missing.
        """
        if processes.rank() > 0:
            return
        if is_best:
            self._best_to_write = copy.deepcopy(state)  # the weights keep changing
        try:
            if self._unsaved:
                self.save(state, records)
            else:
                # In this order, repeating the epoch repairs a kill between any two lines.
                self._save_best()
                self._save_last(state)
                append_history(self.path, records[-1])
                self._saved_epoch = records[-1].epoch
        except OSError as error:
            self._unsaved = error
            notice(
                f"Epoch {records[-1].epoch} is not saved ({error.strerror or error}). Training "
                "continues and tries again after the next epoch. Earlier epochs are kept."
            )

    def save(self, state: dict[str, Any], records: list[EpochRecord]) -> None:
        """Write the checkpoint, the whole history, and everything that could not be written before.

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
        """Let `draw` write the run's curves."""
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
        """A stamp that changes when another process writes a checkpoint; None if there is none."""
        try:
            status = (self.path / LAST).stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size


def new_run_folder(parent: str | Path, name: str) -> Path:
    """Create and return `parent/name-001`, or the next free number: no run is overwritten."""
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
    """Move the run in `folder` to `folder/earlier-001`, ...; None if there is none."""
    if not (folder / LAST).exists() and not (folder / CONFIG).exists():
        return None
    earlier = new_run_folder(folder, "earlier")
    for entry in folder.iterdir():
        if entry.is_file() and entry.name != LOCK:
            entry.rename(earlier / entry.name)
    return earlier


def find_run(name: str | Path, parent: str | Path = "model_checkpoints") -> Path:
    """The folder of a run, given by its path, its name below `parent`, or one of its files.

    Raises:
        FileNotFoundError: no such run; the message lists the existing runs.
    """
    for candidate in (Path(name), Path(parent) / name):
        folder = candidate.parent if candidate.is_file() else candidate
        if (folder / LAST).is_file() or (folder / CONFIG).is_file():
            return folder
    known = [folder.name for folder in list_runs(parent)]
    raise FileNotFoundError(
        f"no run {name}{did_you_mean(str(name), known)}: the runs in {parent} are "
        f"{', '.join(known) or 'none yet'}"
    )


def list_runs(parent: str | Path = "model_checkpoints") -> list[Path]:
    """Folders directly below `parent` that hold a run, sorted by name."""
    return sorted(config.parent for config in Path(parent).glob(f"*/{CONFIG}"))


def read_findings(folder: Path) -> list[Finding]:
    """The doctor's findings in a run's last checkpoint; none if it cannot be read."""
    try:
        return findings_in(read_checkpoint(folder / LAST))
    except (OSError, ValueError):
        return []
