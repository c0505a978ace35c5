"""Read image files safely from a zip or folder that somebody else made.

Nothing is ever extracted under its name in the zip: `open_source` lists names and reads bytes, and
the caller chooses its own file names.
"""

import os
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from scene_recog.datasets.images import is_hidden, is_image_name

_FOLDER = "`scene-recog data import FOLDER`"


@dataclass(frozen=True)
class Limits:
    """Plausible sizes for an image dataset; a zip or folder beyond them is refused."""

    entries: int = 50_000
    entry_bytes: int = 64 << 20
    total_bytes: int = 2 << 30
    ratio: int = 100  # unpacked / packed bytes, for entries above `ratio_floor` bytes
    ratio_floor: int = 1 << 20


@dataclass(frozen=True)
class Source:
    """The images in a zip or folder: sorted posix `names`, and `read(name)` -> bytes."""

    names: list[str]
    read: Callable[[str], bytes]


class DamagedFileError(ValueError):
    """One file of a source cannot be read (bad checksum, truncated); the others may be fine."""


@contextmanager
def open_source(path: str | Path, limits: Limits | None = None) -> Iterator[Source]:
    """Open a zip or folder to read images from; hidden files and non-images are left out.

    Args:
        path: a zip file or a folder.
        limits: see `Limits`.

    Raises:
        FileNotFoundError: there is no such file or folder.
        ValueError: not a zip, a truncated zip, or a zip with unsafe names, links, encryption or
            sizes. `Source.read` raises its subclass `DamagedFileError`.
    """
    path, limits = Path(path), limits or Limits()
    if path.is_dir():
        yield _folder_source(path, limits)
    elif path.is_file():
        with _open_zip(path) as archive:
            yield _zip_source(path, archive, limits)
    else:
        raise FileNotFoundError(f"no such zip or folder: {path}")


def _folder_source(folder: Path, limits: Limits) -> Source:
    names: list[str] = []
    count = 0
    seen: set[tuple[int, int]] = set()
    for current, subfolders, files in os.walk(folder, followlinks=True):
        status = Path(current).stat()
        if (status.st_dev, status.st_ino) in seen:  # a link to a parent would loop forever
            subfolders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        subfolders[:] = sorted(name for name in subfolders if not is_hidden(name))
        count += len(files)
        if count > limits.entries:
            raise ValueError(
                f"{folder} holds more than {limits.entries:,} files: name the dataset's own folder"
            )
        for file in files:
            path = Path(current, file)
            # a named pipe would block; a far too large image cannot belong to the dataset
            if is_image_name(path) and path.is_file() and path.stat().st_size <= limits.entry_bytes:
                names.append(path.relative_to(folder).as_posix())
    return Source(sorted(names), lambda name: (folder / name).read_bytes())


def _open_zip(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as error:
        with path.open("rb") as file:
            if file.read(2) == b"PK":
                reason = f"the zip is truncated or damaged: download it again ({error})"
            elif re.search(r"\.(tar(\.\w+)?|t[gx]z|tbz2?)$", path.name, re.IGNORECASE):
                reason = f"not a zip: unpack it (`tar -xf {path.name}`), then {_FOLDER}"
            else:
                reason = f"not a zip: unpack it yourself, then {_FOLDER}"
        raise ValueError(f"{path}: {reason}") from error


def _zip_source(path: Path, archive: zipfile.ZipFile, limits: Limits) -> Source:
    infos = archive.infolist()
    if len(infos) > limits.entries:
        raise ValueError(
            f"{path}: refused, it has {len(infos):,} entries (limit {limits.entries:,})"
        )
    if (total := sum(info.file_size for info in infos)) > limits.total_bytes:
        raise ValueError(f"{path}: refused, it would unpack to {total:,} bytes")
    images: dict[str, zipfile.ZipInfo] = {}
    seen: dict[str, str] = {}
    for info in infos:
        original = info.orig_filename  # `filename` hides anything after a zero byte
        name = original.replace("\\", "/")  # as Windows PowerShell 5 writes its zips
        if problem := _unsafe_name(name) or _unsafe_entry(info, limits):
            how = " (written with backslashes)" if name != original else ""
            raise ValueError(f"{path}: refused, entry {original!r} {problem}{how}")
        key = unicodedata.normalize("NFC", name.rstrip("/")).casefold()
        if key in seen:
            raise ValueError(f"{path}: refused, the names {seen[key]!r} and {original!r} clash")
        seen[key] = original
        hidden = any(map(is_hidden, name.split("/")))
        if is_image_name(Path(name)) and not hidden and not name.endswith("/"):
            images[name] = info

    def read(name: str) -> bytes:
        info = images[name]
        try:
            with archive.open(info) as file:
                data = file.read(info.file_size + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise DamagedFileError(f"{path}: entry {name!r} is damaged: {error}") from error
        if len(data) != info.file_size:
            raise DamagedFileError(
                f"{path}: entry {name!r} does not have the length that the zip declares"
            )
        return data

    return Source(sorted(images), read)


def _unsafe_name(name: str) -> str:
    """Why a zip entry's name is refused; empty if it is fine."""
    if not name or "\0" in name:
        return "has an empty name or a zero byte in its name"
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        return "has an absolute path"
    if ".." in PurePosixPath(name).parts:
        return "leaves the folder with '..'"
    return ""


def _unsafe_entry(info: zipfile.ZipInfo, limits: Limits) -> str:
    """Why a zip entry's type or declared size is refused; empty if it is fine."""
    kind = stat.S_IFMT(info.external_attr >> 16)  # 0 if the zip was made without Unix modes
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a symbolic link" if kind == stat.S_IFLNK else "is a special file"
    if info.flag_bits & 0x2041:  # encrypted, strongly encrypted, masked headers
        return "is encrypted"
    # zipfile unpacks other methods without a memory limit
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"uses compression method {info.compress_type}; only store and deflate are read"
    if info.file_size > limits.entry_bytes:
        return f"would unpack to {info.file_size:,} bytes"
    packed = max(info.compress_size, 1)
    if info.file_size > limits.ratio_floor and info.file_size > limits.ratio * packed:
        return f"would unpack to {info.file_size // packed:,} times its size"
    return ""
