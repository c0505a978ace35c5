"""Find the submissions in zips, folders, and downloads from a learning management system.

Canvas gives a folder of zips, `doejane_12345_67890_submission.zip` and
`doejane_LATE_12345_67890_submission.zip`; Moodle a folder for each student with a zip in it,
`Jane Doe_12345_assignsubmission_file_/submission.zip`, or zips that have all that in their names;
Gradescope folders with the unpacked files. The names are kept, because feedback is returned by
name.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from scene_recog.submission import LIMITS
from scene_recog.system.text import first_of, in_one_line
from teaching.grading.records import FILE
from teaching.receiving import JUNK, shown

ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".rar", ".7z")  # only zips are opened
TOPS = {name.split("/")[0] for name in LIMITS}  # names by which a submission is recognized
OF_THE_CLASS = {"similarity", "grades.csv", "class.html", "times.csv"}
NAME_LIMIT = 60  # characters, of at most four bytes


class Submission(NamedTuple):
    """Attributes: name: unique. path: a file or a folder."""

    name: str
    path: Path


def submissions(paths: Sequence[Path]) -> tuple[list[Submission], list[str]]:
    """(submissions by name, lines about what is skipped).

    Raises:
        FileNotFoundError: a path does not exist.
        ValueError: a path is neither a submission nor a folder of them.
    """
    found: list[Submission] = []
    ignored: list[str] = []
    for path in paths:
        if not path.exists() and not path.is_symlink():
            raise FileNotFoundError(
                f"{in_one_line(str(path))} does not exist: give a zip or a folder"
            )
        path = Path(os.path.abspath(path))  # noqa: PTH100, links keep their names
        _check_place(path)
        if not path.is_dir() or _is_one(path):
            found.append(Submission(_name(path), path))
        else:
            found += _in_class(path, ignored)
    lines = []
    if ignored:
        lines.append(f"skipped, not a submission: {some(ignored)}")
    return sorted(_unique(found)), lines


def some(names: Sequence[str]) -> str:
    """The first names in one line, and how many more there are."""
    return first_of([shown(name) for name in names])


def _check_place(path: Path) -> None:
    """A wrong path must not become a student with 0 points."""
    shown_path = in_one_line(str(path))
    if path.is_dir():
        if any(path.glob(f"*/{FILE}")):
            raise ValueError(f"{shown_path} holds results: give the folder of submissions")
        children = _children(path)
        if _is_one(path) and not any(c.name in TOPS or c.suffix == ".py" for c in children):
            raise ValueError(
                f"{shown_path} has neither submissions nor one of the eight files: give a zip, or "
                "a folder of zips or folders"
            )
    elif not _is_archive(path):
        raise ValueError(f"{shown_path} is not a zip: give a zip, or a folder of submissions")
    elif _is_of_zips(path):
        raise ValueError(
            f"{shown_path} is a zip of submissions: unpack it, but leave the zips in it closed, "
            "and give the folder"
        )


def _is_of_zips(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        return False  # `receive` says what is wrong with it
    return any(name.endswith(".zip") for name in names) and not any(
        PurePosixPath(name).name.endswith(".py") for name in names
    )


def _name(path: Path) -> str:
    return path.stem if path.suffix.lower() in ARCHIVES and not path.is_dir() else path.name


def _is_one(folder: Path) -> bool:
    """Whether a folder is a submission rather than a folder of them; an empty one is."""
    children = _children(folder)
    if any(child.name == "scene_recog" or child.suffix == ".py" for child in children):
        return True
    if any(map(_is_archive, children)):
        return False
    return any(child.name in TOPS for child in children) or not any(c.is_dir() for c in children)


def _in_class(folder: Path, ignored: list[str]) -> Iterator[Submission]:
    for child in _children(folder):
        if child.is_dir():
            zips = [] if _is_one(child) else list(filter(_is_archive, _children(child)))
            zips = [
                each for each in zips if not each.is_symlink()
            ]  # a link may lead to another student's
            if len(zips) > 1:  # attempts
                yield from (Submission(f"{child.name}_{_name(each)}", each) for each in zips)
            else:
                yield Submission(child.name, zips[0] if zips else child)
        elif _is_archive(child):
            yield Submission(_name(child), child)
        else:
            ignored.append(child.name)


def _children(folder: Path) -> list[Path]:
    """The contents of a folder, without files from systems and tools."""
    return sorted(
        child
        for child in folder.iterdir()
        if child.name not in JUNK and not child.name.startswith("._")
        and (_is_archive(child) or not child.name.startswith("."))
    )  # fmt: skip


def _is_archive(path: Path) -> bool:
    return path.suffix.lower() in ARCHIVES and not path.is_dir()


def _unique(found: list[Submission]) -> Iterator[Submission]:
    """Each file once; files of the same name get their folder's name, and then a number, too."""
    found = [
        Submission(name, path) for path, name in {each.path: each.name for each in found}.items()
    ]
    names = Counter(each.name for each in found)
    taken: set[str] = set()
    for name, path in sorted(found, key=lambda each: each.path):
        if names[name] > 1:
            name = f"{path.parent.name}_{name}"
        unique, number = name, 1
        while unique in taken or (unique != name and names[unique]):
            number += 1
            unique = f"{name} ({number})"
        taken.add(unique)
        yield Submission(unique, path)


# ------------------------------------------------------------------------ names of folders


def folders_of(names: Iterable[str], taken: Mapping[str, str]) -> dict[str, str]:
    """The folder of each submission: safe on every file system, and the same in every call.

    Args:
        names: of submissions.
        taken: folder -> the submission that already has it.
    """
    owners = {_folded(folder): name for folder, name in taken.items()}
    theirs = {name: folder for folder, name in taken.items()}
    found = {}
    for name in names:
        folder = theirs.get(name) or _safe(name)
        if owners.get(_folded(folder), name) != name or _folded(folder) in OF_THE_CLASS:
            folder = f"{folder}-{hashlib.sha256(ascii(name).encode()).hexdigest()[:8]}"
        owners[_folded(folder)] = name
        found[name] = folder
    return found


def _safe(name: str) -> str:
    name = unicodedata.normalize("NFC", name)
    name = re.sub(r"[^\w.+=,() -]", "_", name)[:NAME_LIMIT].rstrip(". ")
    name = re.sub(r"^[^\w(]", "_", name) or "_"  # a minus or a dot in front
    is_windows_own = re.match(r"(con|prn|aux|nul|(com|lpt)\d)(\.|$)", name, re.IGNORECASE)
    return f"_{name}" if is_windows_own else name


def _folded(folder: str) -> str:
    return unicodedata.normalize("NFKC", folder).casefold()
