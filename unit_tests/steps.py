"""Report the steps in a table at the end of pytest's output, the contract separately.

A test with the marker `beyond` requires more than the handout does. If it fails, the table says so,
but it does not count as a failure. (`--runxfail` makes it one.) Tests of provided code count only
when all eight files pass all of their tests: until then, the cause may be something that they lack.
The files of the lecture, if they were handed out, have a table of their own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

import pytest

from scene_recog.assignment import (
    FILES,
    LECTURE,
    LECTURE_TITLE,
    STEPS,
    TABLE_TITLE,
    explain_error,
    path_of_tests,
)

HERE = Path(__file__).parent
OF_TESTS = {HERE / path_of_tests(file).removeprefix("unit_tests/"): file for file in FILES}
REASONS_SHOWN = 3
LEGEND = {  # pytest's categories -> its letters
    "not written yet": "n not written yet",
    "beyond": "b beyond the handout, not done",
    "skipped": "s skipped, or cannot be judged yet",
}


def cannot_judge(because: str) -> NoReturn:
    """End a test that cannot say anything about its own part while another part is broken.

    Args:
        because: what is broken, and the test that says more about it.
    """
    pytest.skip(f"cannot judge: {because}")


@dataclass
class Step:
    """The results of one file's tests."""

    passed: dict[bool, int] = field(default_factory=lambda: {False: 0, True: 0})  # beyond: count
    failed: dict[bool, list[tuple[str, str]]] = field(
        default_factory=lambda: {False: [], True: []}  # beyond: (test, reason)
    )
    unjudged: dict[bool, int] = field(default_factory=lambda: {False: 0, True: 0})
    unwritten: dict[bool, int] = field(default_factory=lambda: {False: 0, True: 0})
    later: dict[str, int] = field(default_factory=dict)  # step, "2.2": its unwritten tests
    why_unjudged: str = ""  # of the first
    cannot_import: str = ""

    def total(self, beyond: bool) -> int:
        not_passed = len(self.failed[beyond]) + self.unjudged[beyond] + self.unwritten[beyond]
        return self.passed[beyond] + not_passed

    def is_whole(self, beyond: bool) -> bool:
        return not (self.cannot_import or self.failed[beyond] or self.unwritten[beyond])

    def line(self, name: str) -> str:
        """Such as "1.1 image_loader        12 of 12   beyond 3 of 5"."""
        start = f"{FILES[name]:<3} {name.rpartition('/')[2]:<17}"
        if self.cannot_import:
            step, _, rest = self.cannot_import.partition(": ")
            is_other = step.startswith("step ") and not rest.startswith(f"{name}.py")
            return f"{start} {f'waits for {step}' if is_other else 'cannot be imported'}"
        if self.unwritten[False] and not self.passed[False]:
            return f"{start} not written yet"
        parts = []
        unwritten = sum(self.unwritten.values())
        are_later = unwritten == sum(self.later.values())  # such as 2.1 and 2.2, for a file of 1.1
        for beyond in (False, True):
            if total := self.total(beyond) - self.unwritten[beyond] * are_later:
                count = f"{self.passed[beyond]} of {total}"
                parts.append(f"beyond {count}" if beyond else f"{count:<9}")
        if unwritten:
            steps = f" (step {', '.join(sorted(self.later))})" if are_later else ""
            parts.append(f"{unwritten} not written yet{steps}")
        counts = [str(self.unjudged[False])] * bool(self.unjudged[False])
        counts += [f"{self.unjudged[True]} beyond"] * bool(self.unjudged[True])
        if counts:
            parts.append(f"{' and '.join(counts)} cannot be judged yet: {self.why_unjudged}")
        return f"{start} {'   '.join(parts)}".rstrip()


@dataclass
class Provided:
    """The results of the tests of provided code."""

    passed: int = 0
    failed: int = 0
    waiting: int = 0

    def line(self, wait_for: str) -> str:
        """Such as "provided code         812 of 870   58 wait for the steps above"."""
        count = f"{self.passed} of {self.passed + self.failed + self.waiting}"
        waiting = f"   {self.waiting} wait for {wait_for}" if self.waiting else ""
        return f"{'provided code':<21} {count:<9}{waiting}".rstrip()


STEPS_FOUND = pytest.StashKey[dict[str, Step]]()
PROVIDED_FOUND = pytest.StashKey[Provided]()


def step_of(item: pytest.Item | pytest.Collector) -> str | None:
    """The assignment file that a test is for, "image_loader"; None for tests of provided code."""
    return OF_TESTS.get(item.path)


def pytest_configure(config: pytest.Config) -> None:
    config.stash[STEPS_FOUND] = defaultdict(Step)
    config.stash[PROVIDED_FOUND] = Provided()


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, None]:
    """Let a file that cannot be imported stop neither the other steps' tests nor the table."""
    outcome = yield
    report = outcome.get_result()
    if not report.failed or not isinstance(collector, pytest.Module):
        return
    error = report.call.excinfo.value
    error = error.__cause__ or error
    line = explain_error(error)
    name = step_of(collector)
    if name:
        reason = line or " ".join(f"{type(error).__name__}: {error}".split())
        collector.config.stash[STEPS_FOUND][name].cannot_import = reason
        collector.config.option.continue_on_collection_errors = True
        report.longrepr = reason
    elif line:  # provided code waits for the step that it needs
        report.outcome = "skipped"
        report.longrepr = (str(collector.path), 0, f"waits for {line}")


def sort_by_step(items: list[pytest.Item]) -> None:
    """The students' files first, in the handout's order; the provided code depends on them."""
    order: list[str | None] = [*FILES, None]
    items.sort(key=lambda item: order.index(step_of(item)))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, None]:
    """Count the test for its step, and say in one line what is not written yet."""
    name = step_of(item)
    if name and call.excinfo:
        _leave_out_libraries(call.excinfo)
    outcome = yield
    report = outcome.get_result()
    error = call.excinfo.value if call.excinfo and report.failed else None
    if error and isinstance(error.__cause__, NotImplementedError):  # a test explains RuntimeErrors
        error = error.__cause__
    unwritten = explain_error(error) if isinstance(error, NotImplementedError) else None
    if name is None:
        waits_for = unwritten or (_unfinished(item.config) if report.failed else "")
        if waits_for:
            first_line, _, _ = _reason(report).partition("\n")  # it may be empty
            reason = waits_for if unwritten else f"{waits_for}: {first_line}"
            report.outcome = "skipped"
            report.longrepr = (str(item.path), 0, f"waits for {reason}")
        provided = item.config.stash[PROVIDED_FOUND]
        provided.waiting += bool(waits_for)
        provided.failed += report.failed
        provided.passed += report.passed and report.when == "call"
        return

    beyond = item.get_closest_marker("beyond") is not None
    step = item.config.stash[STEPS_FOUND][name]
    if report.failed:
        if unwritten:
            step.unwritten[beyond] += 1
            of_step = str(explain_error(error, first=False)).split(":")[0].removeprefix("step ")
            if of_step != FILES[name]:
                step.later[of_step] = step.later.get(of_step, 0) + 1
            report.is_unwritten = True
            report.longrepr = f"{name}.py: {error}"
        else:
            step.failed[beyond].append((item.name, _reason(report)))
        if beyond and not unwritten and not item.config.option.runxfail:
            report.outcome = "skipped"
            report.wasxfail = "beyond the handout"
            report.is_beyond = True
    elif report.skipped:
        _, is_unjudged, why = str(report.longrepr[-1]).partition("cannot judge: ")
        step.unjudged[beyond] += bool(is_unjudged)
        step.why_unjudged = step.why_unjudged or why
    elif report.when == "call":
        step.passed[beyond] += 1


def _leave_out_libraries(found: pytest.ExceptionInfo[BaseException]) -> None:
    """Shorten a traceback, and those of its causes, to the tests and the student's files."""
    found.traceback = found.traceback.filter(lambda entry: not _is_library(entry.frame.code.path))
    cause = found.value.__cause__ or found.value.__context__
    while cause is not None:
        parts = []
        part = cause.__traceback__
        while part is not None:
            if not _is_library(part.tb_frame.f_code.co_filename):
                parts.append(part)
            part = part.tb_next
        shortened = None
        for part in reversed(parts):
            shortened = TracebackType(shortened, part.tb_frame, part.tb_lasti, part.tb_lineno)
        cause.__traceback__ = shortened or cause.__traceback__
        cause = cause.__cause__ or cause.__context__


def _is_library(path: str | Path) -> bool:
    return "site-packages" in Path(path).parts


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, Any] | None:
    """Report unwritten code, and failures beyond the handout, as categories of their own."""
    if getattr(report, "is_unwritten", False):
        return "not written yet", "n", ("NOT WRITTEN YET", {"yellow": True})
    if getattr(report, "is_beyond", False):
        return "beyond", "b", ("BEYOND", {"yellow": True})
    return None


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the tables. Without tracebacks (--tb=no), the first reasons are below each line."""
    found = config.stash[STEPS_FOUND]
    if not found:
        return
    of_steps = {name: found[name] for name in STEPS if name in found}
    if of_steps:
        terminalreporter.section(TABLE_TITLE)
        _print_lines(terminalreporter, config, of_steps)
    provided = config.stash[PROVIDED_FOUND]
    if provided != Provided() and of_steps:
        is_right = not provided.failed
        are_whole = all(step.is_whole(False) for step in of_steps.values())
        line = provided.line("the beyond tests" if are_whole else "the steps above")
        terminalreporter.write_line(line, green=is_right, red=not is_right)
    if of_lecture := {name: found[name] for name in LECTURE if name in found}:
        terminalreporter.section(LECTURE_TITLE)
        _print_lines(terminalreporter, config, of_lecture)
    letters = [text for kind, text in LEGEND.items() if terminalreporter.stats.get(kind)]
    if letters and config.option.tbstyle != "no":
        terminalreporter.write_line(f"letters: {', '.join(letters)}")


def _print_lines(terminalreporter: Any, config: pytest.Config, steps: dict[str, Step]) -> None:
    for name, step in steps.items():
        is_right = step.is_whole(False)
        terminalreporter.write_line(step.line(name), green=is_right, red=not is_right)
        # Otherwise tracebacks show the contract's failures.
        kinds = (False, True) if config.option.tbstyle == "no" else (True,)
        for line in _first_reasons(name, step, kinds):
            terminalreporter.write_line(line)


def _unfinished(config: pytest.Config) -> str:
    """The steps whose tests do not all pass, such as "1.1 image_loader, 2.2 stats_helper"."""
    found = config.stash[STEPS_FOUND]
    return ", ".join(
        f"{STEPS[name]} {name}"
        for name in STEPS
        if name in found and not (found[name].is_whole(False) and found[name].is_whole(True))
    )


def _first_reasons(name: str, step: Step, kinds: tuple[bool, ...]) -> list[str]:
    if step.cannot_import:
        return [f"    {step.cannot_import}"] if False in kinds else []
    if step.unwritten[False] and not step.passed[False]:
        return []
    lines = []
    for beyond in kinds:
        first_test = {}  # of each reason
        for test, reason in step.failed[beyond]:
            first_test.setdefault(reason, test)
        for reason, test in list(first_test.items())[:REASONS_SHOWN]:
            lines += [f"    {'beyond: ' if beyond else ''}{test}", *_indented(reason)]
        if len(first_test) > REASONS_SHOWN:
            lines.append(f"    and {len(first_test) - REASONS_SHOWN} more")
    if lines:
        beyond_too = "--runxfail " if step.failed[True] else ""
        lines.append(f"    show all: python -m pytest {beyond_too}{path_of_tests(name)}")
    return lines


def _indented(reason: str) -> list[str]:
    return [f"        {line}" for line in reason.splitlines()]


def _reason(report: pytest.TestReport) -> str:
    """A test's message, without the expression that pytest adds to it."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash else str(report.longrepr)
    own = text.removeprefix("AssertionError: ").removeprefix("Failed: ")
    if own == text and re.match(r"[\w.]+(Error|Exception|Exit|Interrupt): ", text):
        return text.splitlines()[0]  # not a test's own message
    lines = []
    for line in own.splitlines():
        if line.startswith(("assert ", "  + ", "  - ")) and lines:
            break
        lines.append(line.strip())
    return "\n".join(lines).strip()
