"""Move train/ and test/ into place together; finish or undo a run that was killed."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scene_recog.datasets.layout import SPLITS
from scene_recog.datasets.sketch15 import MARKER

REPLACED = "replaced-"  # and a number: folders of replaced images
_NEW, _READY = ".scene15-new-", ".scene15-ready-"  # folders of a run in progress


@contextmanager
def at_work_in(root: Path) -> Iterator[None]:
    """Create `root`, lock out other runs, and clean up after runs that were killed.

    Raises:
        ValueError: `root` is a file or cannot be written, or another run is using it.
    """
    if root.exists() and not root.is_dir():
        raise ValueError(f"{root} is a file: give a folder with --data")
    try:
        root.mkdir(parents=True, exist_ok=True)
        with locked(root):
            for ready in root.glob(f"{_READY}*"):
                if _is_half_done(ready):
                    put_in_place(ready, root)
            for leftover in (*root.glob(f"{_READY}*"), *root.glob(f"{_NEW}*")):
                shutil.rmtree(leftover)
            yield
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(f"failed in {root}, nothing was changed: {error}") from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock the folder itself, which leaves no file in it (on Windows: no lock)."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise ValueError(f"another run is using {folder}: wait until it has finished") from None
    except OSError:
        pass  # some network file systems cannot lock folders
    try:
        yield
    finally:
        os.close(descriptor)


def work_folder(root: Path) -> Path:
    """A new folder in `root` to build the dataset in."""
    return Path(tempfile.mkdtemp(prefix=_NEW, dir=root))


def ready_folder(root: Path) -> Path:
    """The name for a complete work folder, before `put_in_place`."""
    return root / f"{_READY}{free_folder(root).name.removeprefix(REPLACED)}"


def free_folder(root: Path) -> Path:
    """The first of `root/replaced-1`, `replaced-2`, ... that does not exist yet."""
    number = 1
    while (root / f"{REPLACED}{number}").exists():
        number += 1
    return root / f"{REPLACED}{number}"


def _replaced_by(ready: Path) -> Path:
    """Where the images replaced by those in `ready` go."""
    return ready.with_name(f"{REPLACED}{ready.name.removeprefix(_READY)}")


def _is_half_done(ready: Path) -> bool:
    """Whether a run was killed between its renames, which should then be finished."""
    return _replaced_by(ready).exists() or not all((ready / split).exists() for split in SPLITS)


def put_in_place(ready: Path, root: Path) -> Path | None:
    """Move `ready/train` and `ready/test` into `root`, and the existing ones to `replaced-<n>`.

    A failed rename undoes the others. A kill between them leaves `ready`, and calling this again
    does the rest.

    Returns:
        The folder `replaced-<n>`, n from the name of `ready`; None if there was nothing to move.
    """
    replaced = _replaced_by(ready)
    moves = []
    for split in SPLITS:
        if (ready / split).exists():
            if os.path.lexists(root / split):
                moves.append((root / split, replaced / split))
            moves.append((ready / split, root / split))
    if (root / MARKER).exists():  # it marks the folder as sketches
        moves.append((root / MARKER, replaced / MARKER))

    done = []
    try:
        for old, new in moves:
            new.parent.mkdir(exist_ok=True)
            old.rename(new)
            done.append((old, new))
    except BaseException:
        for old, new in reversed(done):
            new.rename(old)
        if replaced.is_dir() and not any(replaced.iterdir()):
            replaced.rmdir()
        raise
    ready.rmdir()
    return replaced if replaced.exists() else None
