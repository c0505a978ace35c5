"""Lock a run's folder, so that one process at a time uses it."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import IO

LOCK = ".lock"
_BEYOND_THE_TEXT = 1 << 16  # on Windows, nobody can read locked bytes


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock a run's folder while the block runs.

    The operating system holds the lock on `folder/.lock` and releases it when the process ends,
    however it ends. The text in the file only tells others who holds it.

    Raises:
        ValueError: another process holds it; the message says which.
    """
    with (folder / LOCK).open("a+b") as file:
        if not _acquire(file):
            raise ValueError(f"{folder} is in use by {_holder(file)}: wait for it, or stop it")
        file.truncate(0)
        holder = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        }
        file.write(json.dumps(holder).encode())
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)
            _release(file)


def _holder(file: IO[bytes]) -> str:
    file.seek(0)
    try:
        holder = json.loads(file.read(1000))
        return f"process {holder['pid']} on {holder['host']} (since {holder['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


if sys.platform == "win32":
    import msvcrt

    def _acquire(file: IO[bytes]) -> bool:
        file.seek(_BEYOND_THE_TEXT)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _release(file: IO[bytes]) -> None:
        file.seek(_BEYOND_THE_TEXT)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _acquire(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            pass  # some network file systems have no locks
        return True

    def _release(file: IO[bytes]) -> None:
        with suppress(OSError):  # as above
            fcntl.flock(file, fcntl.LOCK_UN)
