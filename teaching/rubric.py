"""The points of the project, from `rubric.toml`."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from scene_recog.assignment import FILES, LECTURE, STEPS
from scene_recog.submission import WEIGHTS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PATH = Path(__file__).parent / "rubric.toml"
NETWORKS = tuple(WEIGHTS.values())


@dataclass(frozen=True)
class Late:
    """The deductions for late submissions; without a deadline, nothing is late.

    Attributes:
        deadline: with its time zone.
        grace_minutes: minutes after the deadline that are not late yet.
        points_per_day: for each started day.
        percent_per_day: the same, as a percentage of the submission's points.
    """

    deadline: datetime | None = None
    grace_minutes: float = 0
    points_per_day: float = 0
    percent_per_day: float = 0

    def days(self, handed_in: datetime) -> int:
        """Started days after the deadline; 0 if in time, or without a deadline."""
        if self.deadline is None:
            return 0
        late = handed_in - self.deadline - timedelta(minutes=self.grace_minutes)
        return max(0, math.ceil(late / timedelta(days=1)))


@dataclass(frozen=True)
class Rubric:
    """The points, each at least 0 and with at most one decimal.

    Attributes:
        public, hidden: of each file that was handed out, for the tests that students have and for
            those that they do not have. These are the eight files, and those of the lecture if it
            is a second assignment.
        accuracy: for each network: (required accuracy, points).
        report: points that are given by hand.
        late: deductions for late days.
        few_parameters_at: accuracy from which SimpleNetFinal enters the leaderboard of the fewest
            parameters.
        hidden_seed: for the numbers in the hidden tests.
    """

    public: dict[str, float]
    hidden: dict[str, float]
    accuracy: dict[str, tuple[float, float]]
    report: float
    late: Late = Late()
    few_parameters_at: float = 0.8
    hidden_seed: int = 0

    @property
    def has_lecture(self) -> bool:
        """Whether the files of the lecture were handed out, too."""
        return not self.public.keys().isdisjoint(LECTURE)

    def steps_table(self, what: Mapping[str, str], files: Iterable[str] = STEPS) -> str:
        """Markdown: step, file, what to write, points.

        Args:
            what: of each file.
            files: for the rows.
        """
        rows = ["| step | file in `scene_recog/` | what | points |", "|---|---|---|---|"]
        for file in files:
            points = self.public[file] + self.hidden[file]
            rows.append(f"| {FILES[file]} | `{file}.py` | {what[file]} | {points:g} |")
        return "\n".join(rows)

    def points_table(self) -> str:
        """Markdown: what the points are for."""
        rows = ["| | points |", "|---|---|"]
        rows.append(
            f"| public tests of all files, which you have | {sum(self.public.values()):g} |"
        )
        rows.append(f"| hidden tests, which you do not have | {sum(self.hidden.values()):g} |")
        for network, (enough, points) in self.accuracy.items():
            rows.append(
                f"| your trained {network} reaches {enough:.0%} on test images | {points:g} |"
            )
        rows.append(f"| the report, graded by hand | {self.report:g} |")
        return "\n".join([*rows, *self._about_deadline()])

    def _about_deadline(self) -> list[str]:
        late = self.late
        if late.deadline is None:
            return []
        lines = ["", f"Deadline: {late.deadline:%Y-%m-%d %H:%M %Z}."]
        if late.points_per_day or late.percent_per_day:
            cost = (
                f"{late.points_per_day:g} points"
                if late.points_per_day
                else f"{late.percent_per_day:g} % of your points"
            )
            lines[-1] += f" Each started day after it costs {cost}."
        return lines

    def public_part(self) -> str:
        """TOML for students: no points of single hidden tests."""
        lines = [
            "# The public points; `scene-recog submit` uses them.",
            "",
            f"hidden_points = {sum(self.hidden.values()):g}  # for hidden tests",
            "",
            "[tests]  # for the public tests, in proportion to those that pass",
            *self._public_of(STEPS),
            "",
            *(["[lecture]  # the same", *self._public_of(LECTURE), ""] if self.has_lecture else []),
            "[accuracy]  # of your trained networks, on images that your teacher chooses",
            *(
                f"{network} = {{ at_least = {enough:g}, points = {points:g} }}"
                for network, (enough, points) in self.accuracy.items()
            ),
            "",
            "[report]  # graded by hand",
            f"points = {self.report:g}",
        ]
        if self.late.deadline:
            lines += [
                "",
                "[late]  # for each started day after the deadline",
                f"deadline = {self.late.deadline.isoformat()}",
                f"grace_minutes = {self.late.grace_minutes:g}",
                f"points_per_day = {self.late.points_per_day:g}",
                f"percent_per_day = {self.late.percent_per_day:g}",
            ]
        return "\n".join(lines) + "\n"

    def _public_of(self, files: Iterable[str]) -> list[str]:
        return [
            f"{file.rpartition('/')[2]} = {{ public = {self.public[file]:g} }}" for file in files
        ]


def read_rubric(path: Path = PATH, *, lecture: bool = False) -> Rubric:
    """The rubric in a file.

    Args:
        path: the file.
        lecture: whether the files of the lecture count; otherwise, their points are ignored.

    Raises:
        ValueError: it is not TOML, something in it is missing, unknown, or out of range, or
            accuracy gives more than a fifth of the points. The message names it.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # Notepad writes a BOM
        _only(
            found,
            "the rubric",
            ("tests", "lecture", "hidden", "accuracy", "report", "late", "leaderboard"),
        )
        tests = _tests(found["tests"], "tests", STEPS)
        if lecture and "lecture" not in found:
            raise ValueError("there is no table [lecture], with the points of its files")
        of_lecture = _tests(found["lecture"], "lecture", LECTURE) if "lecture" in found else {}
        tests |= of_lecture if lecture else {}
        accuracy = found.get("accuracy", {})
        _only(accuracy, "[accuracy]", NETWORKS)
        rubric = Rubric(
            public={file: _points(each["public"], file) for file, each in tests.items()},
            hidden={file: _points(each["hidden"], file) for file, each in tests.items()},
            accuracy={
                network: (_share(each["at_least"], network), _points(each["points"], network))
                for network, each in accuracy.items()
            },
            hidden_seed=_whole(found.get("hidden", {}).get("seed", 0), "[hidden] seed"),
            report=_points(found.get("report", {}).get("points", 0), "report"),
            late=_late(found.get("late", {})),
            few_parameters_at=_share(
                found.get("leaderboard", {}).get("few_parameters_at", 0.8), "few_parameters_at"
            ),
        )
        _only(found.get("leaderboard", {}), "[leaderboard]", ("few_parameters_at",))
        _only(found.get("report", {}), "[report]", ("points",))
        _only(found.get("hidden", {}), "[hidden]", ("seed",))
        by_accuracy = sum(points for _, points in rubric.accuracy.values())
        automatic = by_accuracy + sum(rubric.public.values()) + sum(rubric.hidden.values())
        if by_accuracy > automatic / 5 + 1e-9:
            raise ValueError(
                f"accuracy gives {by_accuracy:g} of {automatic:g} points that are not given by "
                f"hand, but may give at most a fifth, {(automatic - by_accuracy) / 4:g} beside "
                f"{automatic - by_accuracy:g} for tests: it also depends on chance and computing "
                "time"
            )
        return rubric
    except KeyError as error:
        raise ValueError(f"{path}: {error.args[0]} is missing") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror})") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: {error}") from None


def _tests(found: Any, table: str, files: Iterable[str]) -> dict[str, Any]:
    """The entries of a table of tests, by file."""
    names = {file.rpartition("/")[2]: file for file in files}
    _only(found, f"[{table}]", tuple(names))
    for name in names:
        _only(found[name], f"[{table}] {name}", ("public", "hidden"))
        if missing := {"public", "hidden"} - found[name].keys():
            raise ValueError(f"[{table}] {name} has no {min(missing)}")
    return {file: found[name] for name, file in names.items()}


def _only(found: object, where: str, known: Sequence[str]) -> None:
    """A misspelled key must not be ignored silently."""
    if not isinstance(found, Mapping):
        raise ValueError(f"{where} is {found!r}: it needs {', '.join(known)}")
    if unknown := sorted(found.keys() - set(known)):
        raise ValueError(
            f"{where} has {', '.join(unknown)}, which is not one of {', '.join(known)}"
        )


def _late(found: Mapping[str, object]) -> Late:
    _only(found, "[late]", [each.name for each in fields(Late)])
    deadline = found.get("deadline")
    if found and not (isinstance(deadline, datetime) and deadline.tzinfo):
        raise ValueError(
            "[late] needs a deadline with its time zone and without quotes, such as "
            f"2026-12-01T23:59:00+01:00; it has {deadline!s}"
        )
    late = Late(
        deadline if isinstance(deadline, datetime) else None,
        _number(found.get("grace_minutes", 0), "grace_minutes"),
        _points(found.get("points_per_day", 0), "points_per_day"),
        _number(found.get("percent_per_day", 0), "percent_per_day"),
    )
    if late.points_per_day and late.percent_per_day:
        raise ValueError("[late] needs points_per_day or percent_per_day, not both")
    if late.percent_per_day > 100 or late.grace_minutes > 1_000_000:
        raise ValueError("[late] has more than 100 percent per day, or years of grace")
    return late


def _number(value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(f"{what} is {value!r}: it must be a number, 0 or more")
    return float(value)


def _whole(value: object, what: str) -> int:
    number = _number(value, what)
    if number != int(number):
        raise ValueError(f"{what} is {value!r}: it must be a whole number")
    return int(number)


def _points(value: object, what: str) -> float:
    points = _number(value, what)
    if round(points, 1) != points or points > 1e6:
        raise ValueError(f"{what} is {value!r}: points have at most one decimal")
    return points


def _share(value: object, what: str) -> float:
    share = _number(value, what)
    if share > 1:
        raise ValueError(f"{what} is {value!r}: an accuracy is between 0 and 1, 0.45 for 45 %")
    return share
