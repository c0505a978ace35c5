"""When submissions were handed in, from the teacher's CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path

from scene_recog.system.text import in_one_line, reason_of, shortened
from teaching.rubric import Late

COLUMNS = ("name", "time")


@dataclass(frozen=True)
class Times:
    """Attributes: late: the rules. by_name: a submission or its folder -> when it was handed in."""

    late: Late
    by_name: dict[str, datetime] = field(default_factory=dict)

    def late_days(self, *names: str) -> int | None:
        """The late days of a submission, by any of its names; None if unknown."""
        found = next((self.by_name[name] for name in names if name in self.by_name), None)
        return None if found is None else self.late.days(found)


def read_times(path: Path, late: Late, known: Collection[str]) -> Times:
    """Read a CSV with columns `name` and `time` (ISO 8601; the deadline's time zone by default).

    Args:
        path: the file.
        late: the rubric's, with a deadline.
        known: names of submissions and of their folders.

    Raises:
        ValueError: there is no deadline, the file cannot be read, a name is unknown or repeated,
            or a time is invalid. It names the line.
    """
    if late.deadline is None:
        raise ValueError(f"{path}: there is no deadline in teaching/rubric.toml: add one in [late]")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read ({reason_of(error)})") from None
    first = text.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(text), delimiter=";" if ";" in first else ",", strict=True)
    found: dict[str, datetime] = {}
    try:
        missing = [name for name in COLUMNS if name not in (rows.fieldnames or [])]
        if missing:
            raise ValueError(
                f"{path}: there is no column {missing[0]}: its first line must be name,time"
            )
        for row in rows:
            where, name = f"{path}, line {rows.line_num}", row["name"] or ""
            if name not in known:
                raise ValueError(f"{where}: there is no submission called {shortened(name)}")
            if name in found:
                raise ValueError(f"{where}: {shortened(name)} appears twice")
            found[name] = _time(row["time"] or "", where, late.deadline.tzinfo)
    except csv.Error as error:
        raise ValueError(f"{path}, line {rows.line_num}: {in_one_line(str(error))}") from None
    return Times(late, found)


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
