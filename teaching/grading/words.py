"""What is said to students about a submission, from strings of which some are hostile.

Strings from a student's code are shown as they are, in a bounded number of lines of a bounded
length, with everything that is no printable character as escapes. What HTML and Markdown make of
the rest is up to `feedback.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from scene_recog.assignment import STEPS
from scene_recog.submission import STEP_FILES
from scene_recog.system.text import in_one_line
from teaching.grading.points import Grade, accuracy_of
from teaching.grading.verdict import FileVerdict, TestResult, Verdict
from teaching.rubric import Rubric

LINE = 300  # characters
LINES = 10  # of the words of one test
REASONS = 3  # are given, and the rest is counted
NAMES = 12  # of tests, the same
NOTICES = 20

# Marks on marks on a letter, which would cover the lines above and below.
_STACKED = re.compile("(?<=[\u0300-\u036f][\u0300-\u036f])[\u0300-\u036f]+")

State = Literal["full", "part", "none", "missing", "not written", "a person"]


@dataclass(frozen=True)
class Reason:
    """Why a test did not pass. Attributes: title: what the test is about. words: lines."""

    title: str
    words: str


@dataclass(frozen=True)
class Step:
    """What is said about one of the eight files.

    Attributes:
        file: such as "image_loader".
        state: "full" if nothing is missing.
        summary: a sentence or two, in which nothing depends on the hidden tests.
        reasons: of the first public tests that did not pass.
        more: how many others there are.
        look_at: what to do about that; "" if nothing.
        hidden: what the hidden tests that did not pass are about, each once.
        passes_public, passes_hidden: whether all of them pass.
    """

    file: str
    state: State
    summary: str
    reasons: Sequence[Reason] = ()
    more: int = 0
    look_at: str = ""
    hidden: Sequence[str] = ()
    passes_public: bool = False
    passes_hidden: bool = False

    @property
    def title(self) -> str:
        """Such as "1.3 optimizer.py"."""
        return f"{STEPS[self.file]} {self.file}.py"


def line(text: str, limit: int = LINE) -> str:
    """One printable line, cut in the middle if it is long."""
    text = _STACKED.sub(lambda found: ascii(found[0])[1:-1], in_one_line(text[: 20 * limit]))
    if len(text) <= limit:
        return text
    half = (limit - 5) // 2
    return f"{text[:half]} ... {text[-half:]}"


def lines(text: str) -> str:
    """A few printable lines."""
    found = [line(each).rstrip() for each in text[:100_000].split("\n")]
    while found and not found[-1]:
        found.pop()
    if len(found) > LINES:
        found[LINES:] = [f"... and {len(found) - LINES} more lines"]
    return "\n".join(found)


def readable(test: str) -> str:
    """ "test_learning_rate_is_the_config_s[0.1]" as "learning rate is the config's (0.1)"."""
    name, _, case = test.rpartition("::")[2].partition("[")
    words = name.removeprefix("test_").replace("_", " ")
    words = re.sub(r"\b(\w+) s\b", r"\1's", words)
    case = "" if re.fullmatch(r"[a-z]+\d+\]", case) else case.removesuffix("]")  # pytest's own
    return line(f"{words} ({case})" if case else words, 160)


def step_of(file: str, verdict: Verdict) -> Step:
    """What is said about one of the eight files."""
    found = verdict.files.get(file)
    if verdict.reason:
        return Step(file, "missing", "Not graded.")
    if found is None:
        return Step(file, "missing", f"{STEP_FILES[file]} is missing, or could not be read.")
    if found.is_tampered:
        waits = "The tests could not grade this file. A person will look at it."
        return Step(file, "a person", waits)
    number, tests = STEPS[file], f"pytest unit_tests/test_{file}.py"
    outcomes = {test.outcome for test in found.public}
    if "not written" in outcomes and outcomes <= {"not written", "waits"}:
        begin = f"Begin with step {number} of the handout; {tests} tells you how far you are."
        return Step(file, "not written", "Not written yet.", look_at=begin)
    failed = _telling_first([test for test in found.public if test.outcome != "passed"])
    passed = len(found.public) - len(failed)
    share = f"{passed} of the {len(found.public)}" if failed else f"All {passed}"
    sentences = [f"{line(found.problem).rstrip('.')}."] if found.problem else []
    sentences += [f"{share} tests that you have pass."] * bool(found.public)
    passes_public = bool(found.public) and not failed
    passes_hidden = bool(found.hidden) and all(test.outcome == "passed" for test in found.hidden)
    return Step(
        file,
        "full" if passes_public and passes_hidden else "part" if passed else "none",
        " ".join(sentences) or "No test could be run.",
        [Reason(readable(test.name), _why(test)) for test in failed[:REASONS]],
        max(0, len(failed) - REASONS),
        "" if passes_public else f"Run {tests}, and see step {number} of the handout.",
        about_hidden(found),
        passes_public,
        passes_hidden,
    )


def _telling_first(failed: list[TestResult]) -> list[TestResult]:
    """The first case of each test before its other cases, and those that wait last."""
    seen: set[str] = set()
    order = []
    for test in failed:
        name = test.name.partition("[")[0]
        order.append((test.outcome == "waits", name in seen))
        seen.add(name)
    places = sorted(range(len(failed)), key=lambda place: order[place])
    return [failed[place] for place in places]


def _why(test: TestResult) -> str:
    if test.outcome == "not written":
        return lines(test.words) or "not written yet"
    return lines(test.words) or ("it waits for another part" if test.outcome == "waits" else "")


def about_hidden(found: FileVerdict) -> list[str]:
    """What the hidden tests that failed are about: no values, no words of theirs."""
    names = (test.name.partition("[")[0] for test in found.hidden if test.outcome != "passed")
    return list(dict.fromkeys(map(readable, names)))


def enumerated(names: Sequence[str]) -> list[str]:
    """The first of them, and how many more there are."""
    rest = len(names) - NAMES
    return [*names[:NAMES], *([f"{rest} more"] if rest > 0 else [])]


def about_accuracy(network: str, verdict: Verdict, rubric: Rubric) -> str:
    """One sentence."""
    enough, _ = rubric.accuracy[network]
    trained, reached = verdict.trained.get(network), accuracy_of(verdict, network)
    if reached is not None:
        # Rounded down: what is below the threshold must look it.
        percent = int(reached * 1000 + 1e-9) / 10
        size = (
            f" It has {trained.parameters:,} parameters." if trained and trained.parameters else ""
        )
        return f"Accuracy {percent:.1f} % on the test images; {enough:.1%} are asked for.{size}"
    if trained is not None and trained.accuracy is not None:
        return "The accuracy could not be measured. A person will look at it."
    problem = line(trained.problem).rstrip(".") if trained and trained.problem else "no weights"
    return f"No accuracy: {problem}."


def notices(verdict: Verdict) -> list[str]:
    """What is missing or was not read; a line each."""
    found = [line(notice) for notice in verdict.notices]
    rest = len(found) - NOTICES
    return found if rest <= 0 else [*found[:NOTICES], f"{rest} more"]


def about_late(grade: Grade) -> str | None:
    """One sentence; None if it is not late, or that is not known."""
    if not grade.late_days:
        return None
    days = f"{grade.late_days} day{'s' * (grade.late_days > 1)} late"
    return f"{days}: {grade.taken_off:g} points taken off." if grade.taken_off else f"{days}."
