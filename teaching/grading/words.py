"""What is said to students about a submission, from strings of which some are hostile.

Strings from a student's code are shown as they are, in a bounded number of lines of a bounded
length, with everything that is no printable character as escapes. What HTML and Markdown make of
the rest is up to `feedback.py`.
"""

from __future__ import annotations

import re
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
        state: "full" if nothing is to be said.
        summary: one sentence.
        reasons: of the first public tests that did not pass.
        more: how many others there are.
        hidden: what the hidden tests that did not pass are about, each once.
        look_at: what to do; "" if nothing.
    """

    file: str
    state: State
    summary: str
    reasons: list[Reason]
    more: int
    hidden: list[str]
    look_at: str

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


def step_of(file: str, verdict: Verdict, grade: Grade) -> Step:
    """What is said about one of the eight files."""
    found = verdict.files.get(file)
    if found is None or verdict.reason:
        gone = f"{STEP_FILES[file]} is missing, or could not be read."
        summary = "Not graded." if verdict.reason else gone
        return Step(file, "missing", summary, [], 0, [], "")
    if found.is_tampered:
        return Step(file, "a person", "The tests could not grade this file. A person will look at it.", [], 0, [], "")  # noqa: E501  # fmt: skip
    failed = _telling_first([test for test in found.public if test.outcome != "passed"])
    hidden = about_hidden(found)
    test_it = f"Run pytest unit_tests/test_{file}.py, and see step {STEPS[file]} of the handout."
    if found.public and all(test.outcome == "not written" for test in found.public):
        begin = f"Begin with step {STEPS[file]} of the handout; pytest unit_tests/test_{file}.py tells you how far you are."  # noqa: E501
        return Step(file, "not written", "Not written yet.", [], 0, [], begin)
    if not failed and not hidden and not found.problem and found.public:
        return Step(file, "full", f"All {len(found.public)} tests pass, and all hidden ones.", [], 0, [], "")  # noqa: E501  # fmt: skip
    passed = len(found.public) - len(failed)
    summary = f"{passed} of the {len(found.public)} tests that you have pass."
    if found.problem:
        summary = f"{line(found.problem).rstrip('.')}. {summary if found.public else ''}".strip()
    elif not failed and found.public:
        summary = f"All {passed} tests that you have pass, but not all hidden ones."
        test_it = f"See step {STEPS[file]} of the handout: does your code do the same for other sizes, values and names?"  # noqa: E501
    reasons = [Reason(readable(test.name), _why(test)) for test in failed[:REASONS]]
    state: State = "part" if passed else "none"
    return Step(file, state, summary, reasons, max(0, len(failed) - REASONS), hidden, test_it)


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


def enumerated(names: list[str]) -> list[str]:
    """The first of them, and how many more there are."""
    rest = len(names) - NAMES
    return names if rest <= 0 else [*names[:NAMES], f"{rest} more"]


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
