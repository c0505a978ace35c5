"""The messages for students about a submission, made from strings that may be hostile.

Strings from a student's code are shown in a bounded number of lines of bounded length, with
unprintable characters escaped. `feedback.py` escapes the rest for HTML and Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from scene_recog.assignment import FILES, STEPS, path_of_tests
from scene_recog.submission import CODE_FILES, NOTEBOOK
from scene_recog.system.text import in_one_line
from teaching.grading.points import Grade, accuracy_of
from teaching.grading.verdict import FileVerdict, TestResult, Verdict
from teaching.rubric import Rubric

LINE = 300  # characters
LINES = 10  # of one test's message
REASONS = 3  # shown; the rest are counted
NAMES = 12  # of tests shown; the rest are counted
NOTICES = 20

# Stacks of combining marks, which would cover the lines above and below.
_STACKED = re.compile("(?<=[\u0300-\u036f][\u0300-\u036f])[\u0300-\u036f]+")

State = Literal["full", "part", "none", "missing", "not written", "a person"]


@dataclass(frozen=True)
class Reason:
    """Why tests did not pass.

    Attributes:
        title: the first test's topic, and how many others have the same message.
        words: the message.
        count: number of tests.
    """

    title: str
    words: str
    count: int = 1


@dataclass(frozen=True)
class Step:
    """The feedback about one of the student's files.

    Attributes:
        file: such as "image_loader".
        state: "full" if nothing is missing.
        summary: a sentence or two that do not depend on the hidden tests.
        reasons: for the first public tests that did not pass.
        more: number of tests that `reasons` does not cover.
        look_at: what to do about that; "" if nothing.
        hidden: topics of the hidden tests that did not pass, once each.
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
        return f"{FILES[self.file]} {self.file}.py"


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
    """The feedback about one of the student's files."""
    found = verdict.files.get(file)
    if verdict.reason:
        return Step(file, "missing", "Not graded.")
    if found is None:
        return Step(file, "missing", f"{CODE_FILES[file]} is missing or could not be read.")
    if found.is_tampered:
        waits = "The tests could not grade this file. Your teacher will look at it."
        return Step(file, "a person", waits)
    tests = f"`pytest {path_of_tests(file)}`"
    look = f"step {STEPS[file]} of {NOTEBOOK}" if file in STEPS else "the docstrings in the file"
    outcomes = {test.outcome for test in found.public}
    if "not written" in outcomes and outcomes <= {"not written", "waits"}:
        begin = f"See {look}; {tests} shows how far you are."
        return Step(file, "not written", "Not written yet.", look_at=begin)
    failed = [test for test in found.public if test.outcome != "passed"]
    reasons = _reasons(failed)
    passed = len(found.public) - len(failed)
    share = f"{passed} of the {len(found.public)}" if failed else f"All {passed}"
    sentences = [f"{line(found.problem).rstrip('.')}."] if found.problem else []
    sentences += [f"{share} public tests pass."] * bool(found.public)
    passes_public = bool(found.public) and not failed
    passes_hidden = bool(found.hidden) and all(test.outcome == "passed" for test in found.hidden)
    return Step(
        file,
        "full" if passes_public and passes_hidden else "part" if passed else "none",
        " ".join(sentences) or "No test could be run.",
        reasons[:REASONS],
        sum(reason.count for reason in reasons[REASONS:]),
        "" if passes_public else f"Run {tests}, and see {look}.",
        about_hidden(found),
        passes_public,
        passes_hidden,
    )


def _reasons(failed: list[TestResult]) -> list[Reason]:
    """One reason for each message: errors first, then what is not written, then what waits.

    Among errors, the first case of each test comes before its other cases.
    """
    unwritten = [test for test in failed if test.outcome == "not written"]
    seen: set[str] = set()
    groups: dict[tuple[bool, str], list[TestResult]] = {}
    is_other_case: dict[tuple[bool, str], bool] = {}
    for test in failed:
        if test.outcome != "not written":
            name = test.name.partition("[")[0]
            group = (test.outcome == "waits", _why(test))
            groups.setdefault(group, []).append(test)
            is_other_case.setdefault(group, name in seen)
            seen.add(name)
    found = [
        ((key[0], is_other_case[key]), _reason(tests, key[1])) for key, tests in groups.items()
    ]
    if unwritten:
        words = "\n".join(dict.fromkeys(test.words.strip() for test in unwritten))
        found.append(((False, True), Reason("not written yet", lines(words), len(unwritten))))
    return [reason for _, reason in sorted(found, key=lambda each: each[0])]


def _reason(tests: list[TestResult], words: str) -> Reason:
    others = len(tests) - 1
    same = f", and {others} other test{'s' * (others > 1)}" if others else ""
    return Reason(readable(tests[0].name) + same, words, len(tests))


def _why(test: TestResult) -> str:
    return lines(test.words) or ("it depends on another part" if test.outcome == "waits" else "")


def about_hidden(found: FileVerdict) -> list[str]:
    """The topics of the hidden tests that failed, without their values and messages."""
    names = (test.name.partition("[")[0] for test in found.hidden if test.outcome != "passed")
    return list(dict.fromkeys(map(readable, names)))


def enumerated(names: Sequence[str]) -> list[str]:
    """The first names, and the number of others."""
    rest = len(names) - NAMES
    return [*names[:NAMES], *([f"{rest} more"] if rest > 0 else [])]


def about_accuracy(network: str, verdict: Verdict, rubric: Rubric) -> str:
    """One sentence."""
    enough, _ = rubric.accuracy[network]
    trained, reached = verdict.trained.get(network), accuracy_of(verdict, network)
    if reached is not None:
        # Rounded down, so that a value below the threshold also looks like it.
        percent = int(reached * 1000 + 1e-9) / 10
        size = (
            f" It has {trained.parameters:,} parameters." if trained and trained.parameters else ""
        )
        return (
            f"Accuracy {percent:.1f} % on the test images; {100 * enough:.1f} % is required.{size}"
        )
    if trained is not None and trained.accuracy is not None:
        return "The accuracy could not be measured. Your teacher will look at it."
    problem = line(trained.problem).rstrip(".") if trained and trained.problem else "no weights"
    return f"No accuracy: {problem}."


def about_reason(verdict: Verdict) -> str | None:
    """Why nothing was graded, and what to do about it; None if it was graded."""
    if not verdict.reason:
        return None
    why = f"Not graded: {line(verdict.reason).rstrip('.')}."
    if verdict.grader_failed:
        return f"{why} Your teacher will look at it; you need not upload anything again."
    return f"{why} Make the zip again with `scene-recog submit`, open it to check, and upload that."


def notices(verdict: Verdict) -> list[str]:
    """Lines about what is missing or was not read."""
    found = [line(notice) for notice in verdict.notices]
    rest = len(found) - NOTICES
    return found if rest <= 0 else [*found[:NOTICES], f"{rest} more"]


def about_correction(grade: Grade) -> str | None:
    """One sentence; None if the teacher has corrected nothing."""
    if not grade.correction:
        return None
    points, why = grade.correction
    return f"Corrected by your teacher: {points:+g} points.{f' {line(why)}' if why else ''}"


def about_late(grade: Grade) -> str | None:
    """One sentence; None if it is not late, or if that is unknown."""
    if not grade.late_days:
        return None
    days = f"{grade.late_days} day{'s' * (grade.late_days > 1)} late"
    return f"{days}: {grade.taken_off:g} points deducted." if grade.taken_off else f"{days}."
