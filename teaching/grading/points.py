"""From a submission's verdict to points."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from scene_recog.submission import public_points
from teaching.grading.tables import Correction
from teaching.grading.verdict import TestResult, Verdict
from teaching.rubric import Rubric

NETWORK_FILES = {"SimpleNet": "simple_net", "SimpleNetFinal": "simple_net_final"}


@dataclass(frozen=True)
class Points:
    """Attributes: points: given, to one decimal. of: possible."""

    points: float
    of: float

    @property
    def is_full(self) -> bool:
        """Whether they are all given."""
        return self.points >= self.of

    def __str__(self) -> str:
        return f"{self.points:g} of {self.of:g}"


@dataclass(frozen=True)
class Grade:
    """The points of a submission, without those of the report, which a person grades.

    Attributes:
        public, hidden: of each file that was handed out.
        accuracy: of each network.
        late_days: None if the hand-in time is unknown.
        taken_off: points deducted for late days.
        correction: the teacher's.
    """

    public: dict[str, Points]
    hidden: dict[str, Points]
    accuracy: dict[str, Points]
    late_days: int | None
    taken_off: float
    correction: Correction | None = None

    @property
    def before(self) -> Points:
        """The sum before deductions."""
        return total([*self.public.values(), *self.hidden.values(), *self.accuracy.values()])

    @property
    def after(self) -> Points:
        """The sum that counts."""
        before = self.before
        points = _exact(before.points) - _exact(self.taken_off)
        if self.correction:
            points = max(Fraction(0), points + _exact(self.correction.points))
        return Points(_tenths(points), before.of)


def grade(
    verdict: Verdict,
    rubric: Rubric,
    late_days: int | None = None,
    correction: Correction | None = None,
) -> Grade:
    """The points of a submission.

    A tampered file gets none, and neither does the accuracy of its network, because its answers
    cannot be trusted.
    """
    believed = {} if verdict.reason else verdict.files
    files = {file: one for file, one in believed.items() if not one.is_tampered}
    public = {
        f: _share(of, files[f].public if f in files else []) for f, of in rubric.public.items()
    }
    hidden = {
        f: _share(of, files[f].hidden if f in files else []) for f, of in rubric.hidden.items()
    }
    accuracy = {}
    for network, (enough, points) in rubric.accuracy.items():
        reached = accuracy_of(verdict, network)
        accuracy[network] = Points(
            points if reached is not None and reached >= enough else 0, points
        )
    found = Grade(public, hidden, accuracy, late_days, 0.0)
    return Grade(
        public, hidden, accuracy, late_days, _taken_off(found.before.points, rubric, late_days),
        correction,
    )  # fmt: skip


def accuracy_of(verdict: Verdict, network: str) -> float | None:
    """The accuracy for points and leaderboard; None if there is none that can be trusted."""
    trained, file = verdict.trained.get(network), verdict.files.get(NETWORK_FILES[network])
    if trained is None or trained.accuracy is None or verdict.reason or (file and file.is_tampered):
        return None
    return trained.accuracy if 0 <= trained.accuracy <= 1 else None


def total(parts: Iterable[Points]) -> Points:
    """Their sum, exact."""
    parts = list(parts)
    return Points(
        _tenths(sum((_exact(part.points) for part in parts), Fraction(0))),
        _tenths(sum((_exact(part.of) for part in parts), Fraction(0))),
    )


def _share(points: float, tests: list[TestResult]) -> Points:
    passed = sum(test.outcome == "passed" for test in tests)
    return Points(public_points(points, passed, len(tests)), points)


def _taken_off(points: float, rubric: Rubric, late_days: int | None) -> float:
    """The deduction to one decimal, rounded down, and never more than the points."""
    if not late_days:
        return 0.0
    percent = min(Fraction(100), _exact(rubric.late.percent_per_day) * late_days)
    off = _exact(rubric.late.points_per_day) * late_days + _exact(points) * percent / 100
    return min(points, _tenths(off))


def _exact(number: float) -> Fraction:
    return Fraction(str(number))


def _tenths(number: Fraction) -> float:
    return math.floor(number * 10) / 10
