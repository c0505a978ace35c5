"""What a teacher adds in CSV files: when submissions were handed in, and corrections of points."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path
from typing import NamedTuple

from scene_recog.system.text import in_one_line, reason_of, shortened
from teaching.rubric import Late


@dataclass(frozen=True)
class Times:
    """When submissions were handed in.

    Attributes:
        late: the rules.
        by_name: a submission or its folder -> its time.
        unknown: names in the file without a submission; an LMS also lists who handed nothing in.
    """

    late: Late
    by_name: dict[str, datetime] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()

    def late_days(self, *names: str) -> int | None:
        """The late days of a submission, by any of its names; None if unknown."""
        found = next((self.by_name[name] for name in names if name in self.by_name), None)
        return None if found is None else self.late.days(found)


class Correction(NamedTuple):
    """Attributes: points: added, or taken off below 0. why: for the student."""

    points: float
    why: str


def read_times(path: Path, late: Late, known: Collection[str]) -> Times:
    """Read a CSV with columns `name` and `time` (ISO 8601; the deadline's time zone by default).

    Args:
        path: the file.
        late: the rubric's, with a deadline.
        known: names of submissions and of their folders.

    Raises:
        ValueError: there is no deadline, the file cannot be read, a name appears twice, or a time
            is invalid. It names the line.
    """
    if late.deadline is None:
        raise ValueError(f"{path}: there is no deadline in teaching/rubric.toml: add one in [late]")
    found = {
        row[0]: _time(row[1], where, late.deadline.tzinfo)
        for where, row in _rows(path, ("name", "time"))
    }
    return Times(late, found, tuple(name for name in found if name not in known))


def read_corrections(path: Path, known: Collection[str]) -> dict[str, Correction]:
    """Read a CSV with columns `name`, `points` (added, or negative) and `why`.

    Args:
        path: the file; if there is none, nothing is corrected.
        known: names of submissions and of their folders.

    Raises:
        ValueError: the file cannot be read, a name is unknown or appears twice, or points are not a
            number with at most one decimal. It names the line.
    """
    found: dict[str, Correction] = {}
    if not path.is_file():
        return found
    for where, (name, points, why) in _rows(path, ("name", "points", "why")):
        if name not in known:
            raise ValueError(f"{where}: there is no submission called {shortened(name)}")
        try:
            number = float(points.replace(",", "."))
            is_valid = round(number, 1) == number and abs(number) <= 1e6
        except ValueError:
            is_valid = False
        if not is_valid:
            raise ValueError(
                f"{where}: {shortened(points)} are not points: write a number with at most one "
                "decimal, such as 2.5 or -4"
            )
        found[name] = Correction(number, why)
    return found


def _rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """(file and line, the values of these columns); the first column has each name once."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(
            f"{path} cannot be read: save it as CSV UTF-8 (in Excel: Save As, CSV UTF-8)"
        ) from None
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read ({reason_of(error)})") from None
    first = text.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(text), delimiter=";" if ";" in first else ",", strict=True)
    names = set()
    try:
        missing = [name for name in columns if name not in (rows.fieldnames or [])]
        if missing:
            raise ValueError(
                f"{path}: there is no column {missing[0]}: its first line must be "
                f"{','.join(columns)}"
            )
        for row in rows:
            where, values = f"{path}, line {rows.line_num}", [row[name] or "" for name in columns]
            if values[0] in names:
                raise ValueError(f"{where}: {shortened(values[0])} appears twice")
            names.add(values[0])
            yield where, values
    except csv.Error as error:
        raise ValueError(f"{path}, line {rows.line_num}: {in_one_line(str(error))}") from None


def _time(text: str, where: str, zone: tzinfo | None) -> datetime:
    text = text.strip()
    if text.endswith(("Z", "z")):  # Python 3.10 does not accept it
        text = text[:-1] + "+00:00"
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{where}: {shortened(text)} is not a time: write it as 2026-12-01T23:59:00+01:00"
        ) from None
    return time if time.tzinfo else time.replace(tzinfo=zone)
