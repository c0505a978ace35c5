"""Grade submissions: a folder of feedback for each one, and summaries of the class for the teacher.

It may be stopped at any time. A verdict is written to `for_teacher.json` as soon as it is known;
all other files are made from verdicts and can be made again at any time.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Callable, Collection, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from scene_recog.assignment import LECTURE
from scene_recog.submission import NOTEBOOK
from scene_recog.system.text import in_one_line
from teaching.grading import course, feedback, records, results
from teaching.grading.apart import ApartError, Processes
from teaching.grading.incoming import Submission, folders_of, some, submissions
from teaching.grading.points import Grade, grade
from teaching.grading.records import Record, write_changed
from teaching.grading.similarity import ABOUT_FOLDER, Looked, alike, look
from teaching.grading.tables import Correction, Times, read_corrections, read_times
from teaching.grading.verdict import Verdict
from teaching.grading.words import line
from teaching.handout import REPOSITORY, questions_of, students_notebook
from teaching.receiving import NOT_GRADED, Received, receive
from teaching.rubric import Rubric

Judge = Callable[[Received], Verdict]

SIMILARITY = "similarity"  # these are in the folder of results, beside the submissions'
TIMES = "times.csv"
CORRECTIONS = "corrections.csv"
LOOKING = 60.0  # seconds, to look at the code of a submission
FAILURES = 3  # of the grader, in a row from the beginning, until it gives up
TRACKED = (
    ".ci", ".git", "benchmarks", "data", "docs", "model_checkpoints", "scene_recog", "teaching",
    "unit_tests",
)  # fmt: skip
# The modules that determine verdicts, not those that only use them.
DECIDES = ("scene_recog/**/*.py", "unit_tests/*.py", "teaching/*.py", "teaching/grading/**/*.py")
MADE_OF_VERDICTS = ("__main__", "rubric", "apart", "course", "feedback", "grade", "incoming",
                    "points", "records", "results", "similarity", "tables", "words")  # fmt: skip


@dataclass(frozen=True)
class Grading:
    """How submissions are graded.

    Attributes:
        out: the folder of results.
        judge: called in a process of its own; it and its verdict are picklable.
        grader: a fingerprint of everything that determines a verdict except the submission.
        rubric: the points.
        variant: of the project.
        seconds: time limit for one verdict.
    """

    out: Path
    judge: Judge
    grader: str
    rubric: Rubric
    variant: int = 0
    seconds: float = 900.0


@dataclass(frozen=True)
class Added:
    """What the teacher adds to the verdicts: hand-in times, and corrections by name or folder."""

    times: Times
    corrections: dict[str, Correction]


def grade_all(
    grading: Grading,
    paths: Sequence[Path],
    *,
    jobs: int = 2,
    times: Path | None = None,
    again: Sequence[str] | None = None,
) -> list[str]:
    """Judge new and changed submissions, and write the results of all.

    Args:
        grading: how.
        paths: zips, folders, and folders of submissions.
        jobs: number judged at a time.
        times: a CSV with the columns name and time; kept for later calls.
        again: names of submissions to judge again; if empty, all of them.

    Returns:
        Lines for the teacher.

    Raises:
        ValueError, OSError: nothing was graded, and why.
    """
    out = grading.out
    found, lines = submissions(paths)
    check_out(out, [*paths, *(each.path for each in found)])
    known = records.read_all(out)
    if others := {record.variant for record in known.values()} - {None, grading.variant}:
        other = min(str(variant) for variant in others)
        raise ValueError(
            f"{out} has results of variant {other}, and this is variant {grading.variant}: "
            f"write --variant {other}, or choose another --out"
        )
    folders = folders_of([each.name for each in found], {f: r.name for f, r in known.items()})
    for name, path in found:
        if (out / folders[name]).resolve() == path.resolve():
            raise ValueError(
                f"{in_one_line(str(path))} would be graded and hold the results: choose another "
                "--out"
            )
    names = {*folders, *folders.values(), *known, *(record.name for record in known.values())}
    again = None if again is None else [_without_suffix(name, names) for name in again]
    for name in again or []:
        if name not in folders and name not in folders.values():
            raise ValueError(f"--again {in_one_line(name)}: there is no such submission to grade")
    added = Added(
        _times(out, times, grading.rubric, names), read_corrections(out / CORRECTIONS, names)
    )
    out.mkdir(parents=True, exist_ok=True)
    if times:
        write_changed(out / TIMES, times.read_bytes())
    write_changed(_made(out / SIMILARITY) / "about.txt", ABOUT_FOLDER.encode())

    wanted = set(folders.values()) if again == [] else {folders.get(n, n) for n in again or []}
    old = {folder: record for folder, record in known.items() if folder not in wanted}
    plural = "" if len(found) == 1 else "s"
    print(
        f"{len(found)} submission{plural}, about a minute for each that is new or changed",
        file=sys.stderr,
        flush=True,
    )
    fresh = failed = 0
    with closing(_judge_all(grading, found, folders, old, jobs)) as judged:
        for done, (folder, record) in enumerate(judged, start=1):
            is_new = record is not old.get(folder)
            known[folder] = record
            fresh += is_new
            failed += is_new and record.verdict.grader_failed
            if failed == fresh == FAILURES:
                raise ValueError(
                    f"the grader failed for each of the first {FAILURES} submissions, so the fault "
                    f"is not theirs: {line(record.trouble)}"
                )
            points = _write_results(out / folder, record, grading.rubric, added).after
            reason = record.verdict.reason
            said = f"0, {line(reason, 150)}" if reason else str(points)
            end = "" if is_new else " (as before)"
            place = f"[{done} of {len(found)}] {line(record.name, 60)}"
            print(f"{place}: {said}{end}", file=sys.stderr, flush=True)

    known = dict(sorted(known.items()))
    for folder, lines_about in alike({f: record.digests for f, record in known.items()}).items():
        known[folder].alike = lines_about
    grades = {
        folder: _write_results(out / folder, record, grading.rubric, added)
        for folder, record in known.items()
    }
    write_changed(out / "grades.csv", course.grades_csv(known, grades))
    write_changed(
        out / "class.html", course.class_page(known, grades, grading.rubric, _questions())
    )
    elsewhere = sorted(known.keys() - set(folders.values()))
    if unknown := added.times.unknown:
        lines.append(f"{out / TIMES} also has {some(unknown)}, without a submission")
    return lines + _summary(out, known, grades, fresh, elsewhere, grading.rubric.has_lecture)


def check_out(out: Path, paths: Sequence[Path]) -> None:
    """Raises ValueError if results there would be mistaken for other files."""
    place = out.resolve()
    if place.exists() and not place.is_dir():
        raise ValueError(f"{out} is a file: give a folder for --out")
    for path in paths:
        if path.resolve() == place or (path.is_dir() and path.resolve() in place.parents):
            raise ValueError(
                f"{out} is inside {in_one_line(str(path))}, which is graded: choose another"
            )
    if place == REPOSITORY or any(REPOSITORY / name in (place, *place.parents) for name in TRACKED):
        raise ValueError(f"{out} is among the repository's own files: choose a folder elsewhere")


def grader_fingerprint(
    variant: int = 0, images: Path | None = None, seed: int = 0, lecture: bool = False
) -> str:
    """A hash of everything that determines verdicts: tests, provided code, grader, and images."""
    found = hashlib.sha256(f"variant {variant}, seed {seed}\n".encode())
    patterns = (*DECIDES, "unit_tests/lecture/*.py") if lecture else DECIDES
    files = [path for pattern in patterns for path in sorted(REPOSITORY.glob(pattern))]
    paths = [
        path for path in files
        if not (path.stem in MADE_OF_VERDICTS and path.is_relative_to(REPOSITORY / "teaching"))
    ]  # fmt: skip
    named = [(path.relative_to(REPOSITORY), path) for path in paths]
    images = images or REPOSITORY / "data" / "test"
    if images.is_dir():
        inside = sorted(path for path in images.rglob("*") if path.is_file())
        named += [(path.relative_to(images), path) for path in inside]
    for name, path in named:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        found.update(f"{name.as_posix()!r} {digest}\n".encode(errors="backslashreplace"))
    return found.hexdigest()


# ------------------------------------------------------------------------ one submission


def _judge_all(
    grading: Grading,
    found: Sequence[Submission],
    folders: dict[str, str],
    old: dict[str, Record],
    jobs: int,
) -> Generator[tuple[str, Record], None, None]:
    """(folder, record) of each, as they are done."""
    processes = Processes()

    def judged(submission: Submission) -> tuple[str, Record]:
        folder = folders[submission.name]
        return folder, _judged(grading, processes, submission, folder, old.get(folder))

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        waiting = [pool.submit(judged, submission) for submission in found]
        try:
            for each in as_completed(waiting):
                yield each.result()
        except BaseException:  # Ctrl-C, too
            for each in waiting:
                each.cancel()
            processes.stop()
            raise


def _judged(
    grading: Grading, processes: Processes, submission: Submission, folder: str, old: Record | None
) -> Record:
    """The record of a submission: the old one, if nothing has changed."""
    received = receive(submission.path, lecture=grading.rubric.has_lecture)
    fingerprint = _fingerprint(received, grading.grader)
    own = grading.out / SIMILARITY / folder
    is_known = old is not None and old.fingerprint == fingerprint
    if old is not None and is_known and (own.is_dir() or not received.files):
        return old
    record = Record(submission.name, variant=grading.variant, fingerprint=fingerprint)
    if old is not None and is_known:
        record.verdict = old.verdict
    elif received.reason is not None:
        record.verdict = Verdict(received.reason)
    else:
        try:
            record.verdict = processes.call(grading.judge, received, seconds=grading.seconds)
        except ApartError as error:
            record.verdict = Verdict.not_finished(error)
            record.trouble = f"could not be graded: {error} {error.detail}".strip()
            record.fingerprint = ""  # the next call tries again
    notices = received.notices
    record.verdict.notices = [
        *notices, *(each for each in record.verdict.notices if each not in notices)
    ]  # fmt: skip
    record.verdict = records.bounded(record.verdict)
    if received.files:
        _look(record, processes, received, own, grading.variant)
    records.write(record, _made(grading.out / folder))
    return record


def _fingerprint(received: Received, grader: str) -> str:
    found = hashlib.sha256(grader.encode())
    for name, contents in received.files.items():
        found.update(f"{name} {hashlib.sha256(contents).hexdigest()}\n".encode())
    found.update(repr((received.notices, received.reason)).encode(errors="backslashreplace"))
    return found.hexdigest()


def _look(
    record: Record, processes: Processes, received: Received, own: Path, variant: int
) -> None:
    """Note similarities in the code, and write the student's own code to `own`."""
    try:
        looked = processes.call(look, received, variant, seconds=LOOKING)
    except ApartError as error:
        looked = Looked()
        trouble = f"its code could not be compared: {error} {error.detail}".strip()
        record.trouble = f"{record.trouble}; {trouble}" if record.trouble else trouble
    record.given_name, record.copied = looked.given_name, looked.copied
    record.digests = looked.digests
    part = own.with_name(f".{own.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for name, text in looked.own.items():
        (part / name).write_bytes(text.encode(errors="backslashreplace"))
    shutil.rmtree(own, ignore_errors=True)
    part.rename(own)


def _write_results(folder: Path, record: Record, rubric: Rubric, added: Added) -> Grade:
    """Write the files for the student."""
    verdict, names = record.verdict, (record.name, folder.name)
    correction = next((added.corrections[n] for n in names if n in added.corrections), None)
    points = grade(verdict, rubric, added.times.late_days(*names), correction)
    _made(folder)
    found = results.results(verdict, points, rubric, _questions())
    write_changed(folder / "results.json", results.as_bytes(found))
    name = record.name
    html = feedback.html_of(name, verdict, points, rubric)
    write_changed(folder / "feedback.html", html)
    markdown = feedback.markdown_of(name, verdict, points, rubric)
    write_changed(folder / "feedback.md", markdown)
    return points


@cache
def _questions() -> list[str]:
    return questions_of(students_notebook((REPOSITORY / NOTEBOOK).read_text(encoding="utf-8")))


# ------------------------------------------------------------------------ all of them


def _times(out: Path, given: Path | None, rubric: Rubric, names: Collection[str]) -> Times:
    """Times from a file, or from that of an earlier call."""
    if given:
        return read_times(given, rubric.late, names)
    kept = out / TIMES
    if kept.is_file() and rubric.late.deadline:
        return read_times(kept, rubric.late, names)
    return Times(rubric.late)


def _without_suffix(name: str, names: Collection[str]) -> str:
    """A submission's name, where a teacher gives that of its zip."""
    return name if name in names else name.removesuffix(".zip")


def _summary(
    out: Path,
    known: dict[str, Record],
    grades: dict[str, Grade],
    fresh: int,
    elsewhere: Sequence[str],
    has_lecture: bool,
) -> list[str]:
    lines = []
    unknown = [known[folder].name for folder, grade in grades.items() if grade.late_days is None]
    if unknown and len(unknown) < len(grades):
        lines.append(
            f"{len(unknown)} of {len(grades)} have no time in {out / TIMES}, and count as on time: "
            f"{some(unknown)}"
        )
    if elsewhere:
        lines.append(
            f"{len(elsewhere)} of {len(known)} were graded earlier and are not among these "
            f"submissions: {some(elsewhere)} (to drop one, delete its folder in {out})"
        )
    if again := [record.name for record in known.values() if record.verdict.grader_failed]:
        lines.append(
            f"{len(again)} could not be graded because the grader failed, and will be tried again "
            f"by the next call: {some(again)}"
        )
    if others := [record.name for record in known.values() if NOT_GRADED in record.verdict.notices]:
        lines.append(
            f"{len(others)} of {len(known)} have files of the lecture, which were not graded: "
            f"{some(others)} (if it was handed out with --lecture, grade with --lecture)"
        )
    without = [
        known[folder].name
        for folder in elsewhere
        if has_lecture and LECTURE.keys().isdisjoint(known[folder].verdict.files)
    ]
    if without:
        lines.append(
            f"{len(without)} of {len(known)} were graded without the lecture, which counts 0 "
            f"points for them: {some(without)} (grade their submissions with --lecture)"
        )
    if flagged := sum(bool(record.for_a_person()) for record in known.values()):
        need = "needs" if flagged == 1 else "need"
        lines.append(f"{flagged} {need} your attention: see {out / 'class.html'}")
    lines.append(f"{out}: {fresh} graded now, {len(known)} in grades.csv and class.html")
    return lines


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
