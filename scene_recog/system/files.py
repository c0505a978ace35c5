"""Write files completely or not at all."""

from __future__ import annotations

import io
import os
import sys
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Call `write(temporary_path)`, then rename: the old file stays until the new one is complete.

    When this returns, the new file is on disk. At worst, a kill leaves `.<name>.<pid>.part` behind.

    Args:
        path: the final name.
        write: writes the file to the path it is given, in the same folder.

    Raises:
        OSError: it cannot be written; the old file is unchanged.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(part)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    _sync_folder(path.parent)


def user_cache_dir() -> Path | None:
    """This system's folder for cached files; None if the user has no home folder."""
    if sys.platform == "win32":
        variable, usual = "LOCALAPPDATA", "AppData/Local"
    elif sys.platform == "darwin":
        variable, usual = "", "Library/Caches"
    else:
        variable, usual = "XDG_CACHE_HOME", ".cache"
    named = Path(os.environ.get(variable, ""))
    try:
        return (named if named.is_absolute() else Path.home() / usual) / "scene-recog"
    except RuntimeError:
        return None


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip of files in this order; the same files always give the same bytes.

    Args:
        files: name in the zip -> contents.
    """
    box = io.BytesIO()
    with zipfile.ZipFile(box, "w") as packed:
        for name, contents in files.items():
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, on every system
            entry.external_attr = 0o100644 << 16
            packed.writestr(entry, contents)
    return box.getvalue()


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # Windows cannot open folders
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
