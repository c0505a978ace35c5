"""Read one submission, a zip or a folder, into memory, with notices about it.

Whatever a student hands in, nothing is written to disk, nothing outside is read, at most
`limits_of(...)[name]` + 1 bytes are unpacked for each name, and no error is raised.
"""

from __future__ import annotations

import os
import stat
import struct
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from scene_recog.submission import (
    ABOUT,
    CODE_FILES,
    LECTURE_FILES,
    LECTURE_NOTEBOOK,
    NAMED,
    REPORT,
    REPORT_DRAFT,
    STEP_FILES,
    limits_of,
    megabytes,
)
from scene_recog.system.text import first_of, in_one_line, reason_of

ENTRIES = 50_000  # looked at; a submission with a virtual environment has some 20,000
DIRECTORY_LIMIT = 16_000_000  # bytes of a zip's list of entries, before it is read
NAME_LIMIT = 80  # characters shown of a student's file name
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # unpacked in steps of a known size
JUNK = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini", "__pycache__")  # never on purpose
OPTIONAL = (REPORT_DRAFT, ABOUT, LECTURE_NOTEBOOK)
NOT_GRADED = "its files of the lecture are not graded: they are not part of this assignment"


@dataclass
class Received:
    """The contents of a submission.

    Attributes:
        files: name -> contents, for the names of `limits_of` that could be read, in their order.
        notices: lines about files that are missing, were not read, or do not belong there.
        reason: why nothing can be graded, in one line; None if something can.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    reason: str | None = None


@dataclass
class _Entry:
    """A file in a submission.

    Attributes:
        name: as the student's system wrote it.
        parts: of the name; empty if it is absolute or leads out of the folder.
        refusal: why it must not be read, or None.
        read: called with a number of bytes, returns at most that many; may raise anything.
    """

    name: str
    parts: tuple[str, ...]
    refusal: str | None
    read: Callable[[int], bytes]


def receive(path: Path, *, lecture: bool = False) -> Received:
    """Read a submission; links are not followed.

    If a zip has a name twice, the first counts. The project may be in a subfolder: the one with the
    most of the eight files counts.

    Args:
        path: a zip or a folder.
        lecture: whether the files of the lecture belong to it.
    """
    limits = limits_of(lecture)
    try:
        if path.is_dir():
            return _chosen(*_in_folder(path), limits)
        with open(path, "rb", opener=_open_file) as file:
            return _chosen(_in_zip(file), [], limits)  # read while it is open
    except _NothingToGradeError as error:
        return Received(reason=str(error))
    except (OSError, ValueError) as error:
        return Received(reason=f"it cannot be read ({in_one_line(reason_of(error))})")


class _NothingToGradeError(Exception):
    """Says why."""


def shown(name: str) -> str:
    """A name that a student chose, in one short line; unencodable characters are escaped."""
    name = in_one_line(name)
    if len(name) <= NAME_LIMIT:
        return name
    half = (NAME_LIMIT - 3) // 2
    return f"{name[:half]}...{name[-half:]}"


# ------------------------------------------------------------------------ choosing the files


def _chosen(entries: list[_Entry], notices: list[str], limits: dict[str, int]) -> Received:
    found = Received(notices=notices)
    folded = {name.casefold(): name for name in limits}
    unsafe = [entry.name for entry in entries if not entry.parts]
    if unsafe:
        found.notices.append(
            f"{_counted(unsafe, 'name leads', 'names lead')} out of the submission; ignored: "
            f"{_named(unsafe)}"
        )
    entries = [e for e in entries if e.parts and not _is_junk(e.parts)]
    top = _top(entries, found)
    wanted: dict[str, _Entry] = {}
    misspelled: set[str] = set()
    twice, ignored, refused = Counter[str](), [], []
    for entry in entries:
        name = "/".join(entry.parts[len(top) :]) if entry.parts[: len(top)] == top else ""
        if name in wanted:
            twice[name] += 1
        elif name in limits:
            wanted[name] = entry
        else:
            ignored.append(entry.name)
            if name in LECTURE_FILES.values() and NOT_GRADED not in found.notices:
                found.notices.append(NOT_GRADED)
            meant = folded.get(name.casefold())
            if meant and meant not in misspelled:
                misspelled.add(meant)
                found.notices.append(
                    f"{shown(entry.name)} is ignored: it must be {meant}, upper and lower case "
                    "as here"
                )
    for name, count in sorted(twice.items()):
        found.notices.append(f"{name} occurs {count + 1} times; the first one is used")
    for name, limit in limits.items():
        if name not in wanted:
            has_draft = name == REPORT and REPORT_DRAFT in wanted
            if name not in OPTIONAL and not has_draft:
                found.notices.append(f"{name} is missing")
            continue
        contents, problem = _contents(wanted[name], limit)
        if problem:
            found.notices.append(f"{name} {problem}")
        if contents is None:
            refused.append(f"{name} {problem}")
        else:
            found.files[name] = contents
    if ignored:
        one, many = "file is not part", "files are not part"
        found.notices.append(
            f"{_counted(ignored, one, many)} of a submission; ignored: {_named(ignored)}"
        )
    if not any(file in found.files for file in CODE_FILES.values()):
        found.files.clear()
        found.reason = _why_none(ignored, refused)
    return found


def _top(entries: list[_Entry], found: Received) -> tuple[str, ...]:
    """The project's folder: the one with the most of the files of code.

    Of several, the one nearest to the top, then the first by name.
    """
    files = {tuple(file.split("/")) for file in CODE_FILES.values()}
    places: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
    for entry in entries:
        for length in (2, 3):
            if entry.parts[-length:] in files:
                places.setdefault(entry.parts[:-length], set()).add(entry.parts[-length:])
    order = sorted(places, key=lambda top: (-len(places[top]), len(top), top))
    if len(order) > 1:
        found.notices.append(
            f"several folders hold a project; using {shown('/'.join(order[0])) or 'the top'}, "
            f"not {_named(['/'.join(top) or 'the top' for top in order[1:]])}"
        )
    return order[0] if order else ()


def _contents(entry: _Entry, limit: int) -> tuple[bytes | None, str | None]:
    """(contents of the file, None if it is not used; what is wrong with it, or None)."""
    if entry.refusal:
        return None, entry.refusal
    try:
        contents = entry.read(limit + 1)
    except Exception as error:  # a crafted zip may raise anything
        return None, f"cannot be read ({in_one_line(reason_of(error))[:200]})"
    if len(contents) > limit:
        return None, f"is not read: it is larger than {megabytes(limit)}"
    return contents, None if contents.strip() else "is empty"


def _why_none(ignored: list[str], refused: list[str]) -> str:
    reason = "it has none of the eight files"
    if refused:
        return f"{reason} in readable form: {refused[0]}"
    packed = [name for name in ignored if name.lower().endswith((".zip", ".tar", ".gz", ".rar"))]
    if packed:
        return f"{reason}, only another archive: {_named(packed)}; unzip that first"
    names = {file.partition("/")[2] for file in STEP_FILES.values()}
    loose = [name for name in ignored if name.replace("\\", "/").rpartition("/")[2] in names]
    if loose:
        return f"{reason} in a folder scene_recog, where they must be, but it has {_named(loose)}"
    return reason


def _is_junk(parts: tuple[str, ...]) -> bool:
    return parts[-1].startswith("._") or any(part in JUNK for part in parts)


def _named(names: list[str]) -> str:
    return first_of([shown(name) for name in sorted(names)], NAMED)


def _counted(names: list[str], one: str, many: str) -> str:
    return f"{len(names)} {one if len(names) == 1 else many}"


# ------------------------------------------------------------------------ folders


def _in_folder(top: Path) -> tuple[list[_Entry], list[str]]:
    """The files of a folder, those near the top first, by name."""
    entries: list[_Entry] = []
    notices: list[str] = []
    waiting: list[tuple[str, ...]] = [()]
    unreadable = []
    for parts in waiting:  # grows
        try:
            with os.scandir(top.joinpath(*parts)) as scan:
                children = []
                for child in scan:
                    children.append(child)
                    if len(children) > ENTRIES:
                        break
        except OSError:
            if not parts:
                raise
            unreadable.append("/".join(parts))
            continue
        for child in sorted(children, key=lambda child: child.name):
            if len(entries) + len(waiting) > ENTRIES:
                notices.append(f"it has more than {ENTRIES} files: the rest are ignored")
                return entries, notices
            place = (*parts, child.name)
            kind = _kind(child)
            if kind == "folder":
                waiting.append(place)
                continue
            refusal = None if kind == "file" else f"is not read: it is a {kind}"
            entries.append(_Entry("/".join(place), place, refusal, _reader(top, place)))
    if unreadable:
        notices.append(
            f"{_counted(unreadable, 'folder', 'folders')} cannot be read: {_named(unreadable)}"
        )
    return entries, notices


def _kind(child: os.DirEntry[str]) -> str:
    try:
        if child.is_symlink():
            return "link"
        if child.is_dir(follow_symlinks=False):
            return "folder"
        return "file" if child.is_file(follow_symlinks=False) else "pipe, socket or device"
    except OSError:
        return "file"  # reading it gives the reason


def _reader(top: Path, place: tuple[str, ...]) -> Callable[[int], bytes]:
    def read(limit: int) -> bytes:
        path = top.joinpath(*place)
        with open(path, "rb", opener=_open_own_file) as file:
            return file.read(limit)

    return read


def _open_file(path: str, flags: int) -> int:
    """Open only regular files: a named pipe would wait for its other end."""
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError("it is not a file")
    return descriptor


def _open_own_file(path: str, flags: int) -> int:
    return _open_file(path, flags | getattr(os, "O_NOFOLLOW", 0))


# ------------------------------------------------------------------------ zips


def _in_zip(file: BinaryIO) -> list[_Entry]:
    """The files of a zip, in its order."""
    size = os.fstat(file.fileno()).st_size
    if not size:
        raise _NothingToGradeError("the file is empty")
    listed = _directory_size(file, size)
    if listed is None:
        raise _NothingToGradeError("it is not a zip file, or it is truncated")
    if listed > DIRECTORY_LIMIT:
        raise _NothingToGradeError("the zip has far too many entries")
    try:
        archive = zipfile.ZipFile(file)
    except Exception as error:  # a crafted zip may raise anything
        reason = in_one_line(reason_of(error))[:200]
        raise _NothingToGradeError(f"the zip is damaged ({reason})") from error
    infos = archive.infolist()
    if len(infos) > ENTRIES:
        raise _NothingToGradeError(f"the zip has {len(infos)} entries; the limit is {ENTRIES}")
    if not infos:
        raise _NothingToGradeError("the zip is empty")
    return list(_zip_entries(archive, infos))


def _directory_size(file: BinaryIO, size: int) -> int | None:
    """The size in bytes of the list of entries that zipfile will read; None if there is none.

    It is checked first, because zipfile creates an object for each entry before it returns.
    """
    start = max(0, size - 22 - 0xFFFF - 76)
    file.seek(start)
    tail = file.read()
    file.seek(0)
    at = len(tail) - 22
    if at < 0:
        return None
    if tail[at : at + 4] != b"PK\5\6" or tail[-2:] != b"\0\0":  # a comment follows
        at = tail.rfind(b"PK\5\6", max(0, len(tail) - 22 - 0xFFFF))
    if at < 0 or len(tail) < at + 22:
        return None
    listed = int(struct.unpack_from("<L", tail, at + 12)[0])
    large = at - 76  # zip64, with a locator of 20 bytes between
    if large >= 0 and tail[large : large + 4] == b"PK\6\6":
        listed = max(listed, int(struct.unpack_from("<Q", tail, large + 40)[0]))
    return listed


def _zip_entries(archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo]) -> Iterator[_Entry]:
    for info in infos:
        name = info.filename.replace("\\", "/")  # Windows
        if name.endswith("/"):
            continue
        parts = tuple(part for part in name.split("/") if part not in ("", "."))
        drive = name[1:2] == ":"
        if name.startswith("/") or drive or ".." in parts:
            parts = ()
        refusal = None
        kind = stat.S_IFMT(info.external_attr >> 16)
        if info.flag_bits & 0x1:
            refusal = "is encrypted"
        elif kind not in (0, stat.S_IFREG):
            refusal = f"is not read: it is a {'link' if stat.S_ISLNK(kind) else 'special file'}"
        elif info.compress_type not in METHODS:
            refusal = "is compressed in an unsupported way: use your system's own zip tool"
        yield _Entry(info.filename, parts, refusal, _zip_reader(archive, info))


def _zip_reader(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[int], bytes]:
    def read(limit: int) -> bytes:
        with archive.open(info) as file:
            return file.read(limit)

    return read
