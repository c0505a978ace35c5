"""The class: `grades.csv` and `class.html`, for the teacher."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from scene_recog.assignment import FILES, STEPS
from scene_recog.visualize.page import Element, bullets, element, page_of, table, with_code
from teaching.grading.points import Grade, Points, accuracy_of, total
from teaching.grading.records import Record
from teaching.grading.words import line, readable, step_of
from teaching.rubric import NETWORKS, Rubric

TITLE = "The class"
BINS = 10
MISTAKES = 25  # the most frequent ones


# ------------------------------------------------------------------------ grades.csv


def grades_csv(records: Mapping[str, Record], grades: Mapping[str, Grade]) -> bytes:
    """A table for Excel and LibreOffice, in which no text can be a formula.

    Args:
        records: by folder.
        grades: by folder.
    """
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\r\n")
    files = _files(grades)
    columns = [f"{file} {kind}" for file in files for kind in ("public", "hidden")]
    rows.writerow([
        "name", "folder", "name in zip", "points", "of", *columns,
        *(f"accuracy of {network}" for network in NETWORKS),
        *(f"points for {network}" for network in NETWORKS),
        "before late days", "late days", "deducted", "correction", "not graded",
        "attention",
    ])  # fmt: skip
    for folder, record in records.items():
        grade = grades[folder]
        parts = [p for file in files for p in (grade.public[file], grade.hidden[file])]
        rows.writerow([
            _text(record.name), _text(folder), _text(record.given_name or ""),
            grade.after.points, grade.after.of, *(part.points for part in parts),
            *(_rounded(accuracy_of(record.verdict, network)) for network in NETWORKS),
            *(grade.accuracy[n].points if n in grade.accuracy else "" for n in NETWORKS),
            grade.before.points, "" if grade.late_days is None else grade.late_days,
            grade.taken_off, grade.correction.points if grade.correction else "",
            _text(record.verdict.reason or ""), _text(" | ".join(record.for_a_person())),
        ])  # fmt: skip
    return text.getvalue().encode("utf-8-sig", errors="backslashreplace")


def _files(grades: Mapping[str, Grade]) -> Iterable[str]:
    """The files that were handed out."""
    return next((grade.public for grade in grades.values()), STEPS)


def _text(text: str) -> str:
    """In one line, with an apostrophe before a character that starts a formula, also after a
    semicolon: where the comma is the decimal sign, Excel splits cells there."""
    return re.sub(r"(^|[;,\t|])(\s*)([=+\-@＝＋－＠])", r"\1\2'\3", line(text, 1000))


def _rounded(accuracy: float | None) -> float | str:
    return "" if accuracy is None else round(accuracy, 4)


# ------------------------------------------------------------------------ class.html


def class_page(
    records: Mapping[str, Record],
    grades: Mapping[str, Grade],
    rubric: Rubric,
    questions: Sequence[str] = (),
) -> bytes:
    """The results of the class, and what needs the teacher's attention.

    Args:
        records: by folder.
        grades: by folder.
        rubric: the rubric used.
        questions: of the report, which a person grades.
    """
    body = element("body", element("h1", TITLE))
    graded = {folder for folder, record in records.items() if not record.verdict.reason}
    ungraded = len(records) - len(graded)
    late = sum(bool(grade.late_days) for grade in grades.values())
    parts = [f"{len(records)} submissions", f"{ungraded} not graded"]
    parts += [f"{late} late"] if late else []
    body.append(element("p", ", ".join(parts) + ". For the teacher only."))
    if graded:
        body.append(element("h2", "Points"))
        body.append(_distribution([grades[folder].after for folder in sorted(graded)]))
        body.append(element("h2", "Steps"))
        body.append(_steps(records, grades, graded))
    if ungraded:
        reasons = ((one.name, one.verdict.reason) for one in records.values())
        body.append(element("h2", "Not graded"))
        body.append(bullets([f"{line(name, 60)}: {line(why)}" for name, why in reasons if why]))
    body.extend(_flagged(records))
    if graded:
        body.extend(_mistakes([records[folder] for folder in sorted(graded)]))
    body.append(element("h2", "Submissions"))
    body.append(_submissions(records, grades))
    if questions and rubric.report:
        body.append(element("h2", f"Report: {rubric.report:g} points, to grade by hand"))
        coded = (re.sub(r"\$([^$]+)\$", r"`\1`", each) for each in questions)  # formulas
        body.append(element("ol", *(with_code("li", each) for each in coded)))
    return page_of(TITLE, body)


def _distribution(sums: list[Points]) -> Element:
    """A histogram, with the mean and the median below it."""
    of = max(points.of for points in sums) or 1.0
    values = sorted(points.points for points in sums)
    counts = Counter(min(BINS - 1, int(value / of * BINS)) for value in values)
    width, height, top, bottom = 600, 200, 20, 30
    step = width / BINS
    drawing = element(
        "svg", viewBox=f"0 0 {width} {top + height + bottom}", role="img", width=str(width),
    )  # fmt: skip
    highest = max(counts.values())
    for place in range(BINS):
        tall = height * counts[place] / highest
        x = place * step
        drawing.append(element(
            "rect", x=f"{x + 3:.1f}", y=f"{top + height - tall:.1f}", width=f"{step - 6:.1f}",
            height=f"{tall:.1f}", fill="var(--accent)",
        ))  # fmt: skip
        if counts[place]:
            drawing.append(_label(str(counts[place]), x + step / 2, top + height - tall - 5))
    for place in range(0, BINS + 1, 2):
        anchor = "start" if place == 0 else "end" if place == BINS else "middle"
        drawing.append(_label(f"{of * place / BINS:g}", place * step, top + height + 20, anchor))
    drawing.append(element(
        "line", x1="0", x2=str(width), y1=str(top + height), y2=str(top + height),
        stroke="currentColor",
    ))  # fmt: skip
    middle = len(values) // 2
    median = values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2
    said = (
        f"Mean {sum(values) / len(values):.1f}, median {median:.1f}, from {values[0]:g} to "
        f"{values[-1]:g} of {of:g} points."
    )
    drawing.set("aria-label", f"Histogram of the submissions' points. {said}")
    box = element("div", drawing, class_="scroll", tabindex="0", role="group")
    box.set("aria-label", "Distribution of the points")
    return element("figure", box, element("figcaption", said))


def _label(text: str, x: float, y: float, anchor: str = "middle") -> Element:
    label = element("text", text, x=f"{x:.1f}", y=f"{y:.1f}", fill="currentColor")
    label.set("text-anchor", anchor)
    label.set("font-size", "14")
    return label


def _steps(records: Mapping[str, Record], grades: Mapping[str, Grade], graded: set[str]) -> Element:
    rows: list[list[Any]] = []
    for file in _files(grades):
        steps = [step_of(file, records[f].verdict).state for f in sorted(graded)]
        mean = [
            _mean(grades[f].public[file] for f in graded),
            _mean(grades[f].hidden[file] for f in graded),
        ]
        counts = [
            sum(s in wanted for s in steps) for wanted in (["full"], ["not written"], ["missing"])
        ]
        rows.append([f"{FILES[file]} {file}.py", *mean, *((count, str(count)) for count in counts)])
    networks = [n for n in NETWORKS if all(n in grades[f].accuracy for f in graded)]
    for network in networks:
        mean_points = _mean(grades[f].accuracy[network] for f in graded)
        reached = [
            accuracy for f in graded
            if (accuracy := accuracy_of(records[f].verdict, network)) is not None
        ]  # fmt: skip
        said = f", mean {100 * sum(reached) / len(reached):.1f} %" if reached else ""
        full = sum(grades[f].accuracy[network].is_full for f in graded)
        missing = len(graded) - len(reached)
        rows.append([
            f"accuracy of {network}{said}", mean_points, None, (full, str(full)), None,
            (missing, str(missing)),
        ])  # fmt: skip
    columns = ["step", "mean, public", "mean, hidden", "full", "not written", "missing"]
    return table(columns, rows, caption="Mean points of each step")


def _mean(parts: Iterator[Points]) -> tuple[float, str]:
    found = list(parts)
    mean = sum(part.points for part in found) / len(found)
    return mean, f"{mean:.1f} of {found[0].of:g}"


def _mistakes(records: list[Record]) -> Iterator[Element]:
    """The public tests that failed most often for students who wrote the file."""
    failed: Counter[tuple[str, str]] = Counter()
    only_hidden: Counter[str] = Counter()
    for record in records:
        for file, found in record.verdict.files.items():
            if found.is_tampered:
                continue
            tests = {t.name.partition("[")[0] for t in found.public if t.outcome == "failed"}
            failed.update((file, test) for test in tests)
            all_public = all(t.outcome == "passed" for t in found.public)
            only_hidden[file] += all_public and any(t.outcome != "passed" for t in found.hidden)
    yield element("h2", "Most frequent mistakes")
    if not failed:
        yield element("p", "No public test failed.")
    else:
        order = sorted(failed.items(), key=lambda each: (-each[1], each[0]))
        rows: list[list[Any]] = [
            [(count, str(count)), f"{FILES.get(file, '')} {file}.py", readable(test)]
            for (file, test), count in order[:MISTAKES]
        ]
        yield table(["submissions", "file", "public test"], rows, caption="Most frequent mistakes")
    hidden = [f"{file}.py of {count}" for file, count in only_hidden.most_common() if count]
    if hidden:
        yield element("p", "All public tests pass, but not all hidden ones:")
        yield bullets(hidden)


def _flagged(records: Mapping[str, Record]) -> Iterator[Element]:
    yield element("h2", "Needs your attention")
    found = {f: lines for f, record in records.items() if (lines := record.for_a_person())}
    if not found:
        yield element("p", "None.")
        return
    yield element(
        "p",
        "Points are withheld only where the tests also pass for code that is known to be wrong, "
        "and for nothing else in this list. Look before you judge.",
    )
    for folder, lines in found.items():
        yield element("h3", line(records[folder].name, 100))
        yield bullets([line(each) for each in lines[:20]])


def _submissions(records: Mapping[str, Record], grades: Mapping[str, Grade]) -> Element:
    has_given_names = any(record.given_name for record in records.values())
    has_times = any(grade.late_days is not None for grade in grades.values())
    columns = ["name"] + ["name in zip"] * has_given_names
    columns += ["points", "public", "hidden", "accuracy"] + ["late days"] * has_times
    columns.append("unfinished")
    rows: list[list[Any]] = []
    for folder, record in records.items():
        grade = grades[folder]
        row: list[Any] = [line(record.name, 40)]
        row += [line(record.given_name or "", 40)] * has_given_names
        parts = [grade.public, grade.hidden, grade.accuracy]
        points = [grade.after, *(total(part.values()) for part in parts)]
        row += [(part.points, f"{part.points:g}") for part in points]
        late = grade.late_days
        row += [None if late is None else (late, str(late))] * has_times
        states = [step_of(file, record.verdict).state for file in grade.public]
        unfinished = sum(state in ("missing", "not written") for state in states)
        rows.append([*row, (unfinished, str(unfinished))])
    return table(columns, rows, caption="All submissions")
