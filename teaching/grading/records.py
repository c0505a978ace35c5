"""The stored record of each submission: its verdict, and what needs the teacher's attention."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from scene_recog.system.files import write_atomically
from teaching.grading.verdict import FileVerdict, TestResult, Trained, Verdict
from teaching.grading.words import line

FILE = "for_teacher.json"
WORDS = 4000  # characters kept of one test's message
LINES = 50  # of signs, and of notices


@dataclass
class Record:
    """One submission, as in `for_teacher.json`; not for students.

    Attributes:
        name: of the zip or folder.
        given_name: the name that the student typed.
        variant: of the project that it was graded by; None in records of an earlier version.
        fingerprint: of everything that determined the verdict; "" if it must be judged again.
        trouble: why it could not be graded or inspected, if no file is to blame.
        copied: those of the files that are the public solution with other names.
        digests: of the student's own code and weights, by file.
        alike: lines about other submissions with the same code or weights; not stored.
        verdict: on it.
    """

    name: str
    given_name: str | None = None
    variant: int | None = None
    fingerprint: str = ""
    trouble: str = ""
    copied: list[str] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)
    alike: list[str] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)

    def for_a_person(self) -> list[str]:
        """What needs the teacher's attention; a line each."""
        found = [self.trouble] if self.trouble else []
        for file, one in self.verdict.files.items():
            if one.is_tampered:
                found.append(f"{file}.py: its tests also pass for code that is known to be wrong")
            found += [f"{file}.py: {line(sign)}" for sign in one.signs]
        if self.copied:
            files = ", ".join(f"{file}.py" for file in self.copied)
            found.append(f"copied from the public solution: {files}")
        return found + self.alike


def write(record: Record, folder: Path) -> None:
    """Write `for_teacher.json`, if it has changed."""
    content = {
        "name": record.name,
        "given_name": record.given_name,
        "variant": record.variant,
        "for_a_person": record.for_a_person(),
        "trouble": record.trouble,
        "copied": record.copied,
        "digests": record.digests,
        "fingerprint": record.fingerprint,
        "verdict": record.verdict.as_json(),
    }
    write_changed(folder / FILE, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())


def read_all(out: Path) -> dict[str, Record]:
    """The records in a folder of results, by folder name; damaged ones are left out."""
    found = {}
    for path in sorted(out.glob(f"*/{FILE}")):
        try:
            content: dict[str, Any] = json.loads(path.read_bytes())
            del content["for_a_person"]
            verdict = Verdict.from_json(content.pop("verdict"))
            found[path.parent.name] = Record(verdict=verdict, **content)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return found


def write_changed(path: Path, content: bytes) -> None:
    """Write a file, completely or not at all; an identical one stays."""
    if not path.is_file() or path.read_bytes() != content:
        write_atomically(path, lambda part: part.write_bytes(content))


def bounded(verdict: Verdict) -> Verdict:
    """The verdict with texts of bounded length and numbers that JSON can represent."""
    return Verdict(
        reason=None if verdict.reason is None else line(verdict.reason),
        grader_failed=verdict.grader_failed,
        notices=list(_lines(verdict.notices)),
        files={file: _file(one) for file, one in verdict.files.items()},
        trained={network: _trained(one) for network, one in verdict.trained.items()},
        seconds=verdict.seconds if math.isfinite(verdict.seconds) else 0.0,
        peak_memory=verdict.peak_memory,
    )


def _file(found: FileVerdict) -> FileVerdict:
    return replace(
        found,
        public=[_test(test) for test in found.public],
        hidden=[_test(test) for test in found.hidden],
        problem=None if found.problem is None else line(found.problem),
        signs=list(_lines(found.signs)),
    )


def _test(test: TestResult) -> TestResult:
    return replace(test, name=test.name[:WORDS], words=test.words[:WORDS])


def _trained(found: Trained) -> Trained:
    problem = None if found.problem is None else line(found.problem)
    if found.accuracy is not None and not 0 <= found.accuracy <= 1:
        return replace(found, accuracy=None, problem=problem or "the accuracy is not a number")
    return replace(found, problem=problem)


def _lines(texts: list[str]) -> Iterator[str]:
    yield from map(line, texts[:LINES])
    if len(texts) > LINES:
        yield f"{len(texts) - LINES} more"
