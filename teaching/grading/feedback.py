"""`feedback.html` and `feedback.md`: a student's feedback when the grades are published."""

from __future__ import annotations

import re

from scene_recog.visualize.page import Element, bullets, element, page_of, table, with_code
from teaching.grading.points import Grade, Points, total
from teaching.grading.verdict import Verdict
from teaching.grading.words import (
    Step,
    about_accuracy,
    about_correction,
    about_late,
    about_reason,
    enumerated,
    line,
    notices,
    step_of,
)
from teaching.rubric import Rubric

TITLE = "Project 3: scene recognition"
HIDDEN = "Topics of the hidden tests that fail"
OTHERS = "Does your code also work for other sizes, values and names?"


def html_of(name: str, verdict: Verdict, grade: Grade, rubric: Rubric) -> bytes:
    """The page; it is self-contained, without scripts, and every string in it is escaped."""
    points = element("strong", f"{grade.after.points:g}")
    body = element(
        "body",
        element("h1", TITLE),
        element("p", line(name, 100), class_="pale"),
        element("p", points, f" of {grade.after.of:g} points", class_="headline"),
    )
    if why := about_reason(verdict):
        body.append(with_code("p", why, class_="note"))
    for note in _notes(grade, rubric):
        body.append(element("p", note))
    steps = [] if verdict.reason else [step_of(file, verdict) for file in grade.public]
    if steps:
        columns, rows = _overview(steps, grade)
        body.append(table(columns, rows, caption="Points of each step", can_sort=False))
    if missing := notices(verdict):
        body.append(element("h2", "Your submission"))
        body.append(bullets(missing))
    for step in _written(steps):
        body.extend(_html_of_step(step, grade))
    if unwritten := _unwritten(steps):
        body.append(element("h2", "Not written yet"))
        body.append(bullets([step.title for step in unwritten]))
        body.append(with_code("p", unwritten[0].look_at))
    if not verdict.reason and grade.accuracy:
        body.append(element("h2", "Trained networks"))
        for network, each in grade.accuracy.items():
            body.append(element("h3", f"{network}: {each} points"))
            body.append(element("p", about_accuracy(network, verdict, rubric)))
    return page_of(f"{TITLE}: {line(name, 100)}", body, has_script=False)


def _written(steps: list[Step]) -> list[Step]:
    return [step for step in steps if step.state != "not written"]


def _unwritten(steps: list[Step]) -> list[Step]:
    return [step for step in steps if step.state == "not written"]


def _notes(grade: Grade, rubric: Rubric) -> list[str]:
    late, correction = about_late(grade), about_correction(grade)
    by_hand = f"The report, {rubric.report:g} points, is graded by hand." if rubric.report else None
    return [note for note in (late, correction, by_hand) if note]


def _overview(steps: list[Step], grade: Grade) -> tuple[list[str], list[list[object]]]:
    words = {
        "full": "", "part": "", "none": "", "missing": ", missing",
        "not written": ", not written yet", "a person": ", your teacher will look at it",
    }  # fmt: skip
    rows: list[list[object]] = [
        [
            step.title + words[step.state],
            _cell(grade.public[step.file]),
            _cell(grade.hidden[step.file]),
        ]
        for step in steps
    ]
    rows += [
        [f"accuracy of {network}", _cell(each), ""] for network, each in grade.accuracy.items()
    ]
    if grade.taken_off:
        rows.append(["late", (-grade.taken_off, f"-{grade.taken_off:g}"), ""])
    if grade.correction:
        points = grade.correction.points
        rows.append(["correction", (points, f"{points:+g}"), ""])
    return ["step", "public tests", "hidden tests"], rows


def _cell(points: Points) -> tuple[float, str]:
    return points.points, str(points)


def _html_of_step(step: Step, grade: Grade) -> list[Element]:
    points = total([grade.public[step.file], grade.hidden[step.file]])
    found = [element("h2", f"{step.title}: {points} points"), with_code("p", step.summary)]
    for reason in step.reasons:
        found.append(element("h3", reason.title))
        if reason.words:
            found.append(element("pre", reason.words))
    if step.more:
        found.append(element("p", f"And {step.more} more tests."))
    if step.look_at:
        found.append(with_code("p", step.look_at))
    if step.hidden:
        found += [element("p", f"{HIDDEN}:"), bullets(enumerated(step.hidden))]
        if step.passes_public:
            found.append(element("p", OTHERS))
    elif step.passes_hidden:
        found.append(element("p", "All hidden tests pass."))
    return found


# ------------------------------------------------------------------------ Markdown


def markdown_of(name: str, verdict: Verdict, grade: Grade, rubric: Rubric) -> bytes:
    """The same in Markdown; every string is in a code span or block, or is escaped."""
    text = [f"# {TITLE}", _md(line(name, 100)), f"**{grade.after} points**"]
    if why := about_reason(verdict):
        text.append(_md(why))
    text += map(_md, _notes(grade, rubric))
    steps = [] if verdict.reason else [step_of(file, verdict) for file in grade.public]
    if steps:
        columns, rows = _overview(steps, grade)
        cells = [[c[1] if isinstance(c, tuple) else str(c) for c in row] for row in rows]
        lines = ["| " + " | ".join(map(_md, row)) + " |" for row in [columns, *cells]]
        text.append("\n".join([lines[0], "|---|---|---|", *lines[1:]]))
    if missing := notices(verdict):
        text += ["## Your submission", _list(missing)]
    for step in _written(steps):
        points = total([grade.public[step.file], grade.hidden[step.file]])
        text += [f"## {_md(step.title)}: {points} points", _md(step.summary)]
        for reason in step.reasons:
            text += [f"### {_md(reason.title)}", *([_block(reason.words)] if reason.words else [])]
        if step.more:
            text.append(f"And {step.more} more tests.")
        if step.look_at:
            text.append(_md(step.look_at))
        if step.hidden:
            text += [f"{HIDDEN}:", _list(enumerated(step.hidden))]
            text += [OTHERS] * step.passes_public
        elif step.passes_hidden:
            text.append("All hidden tests pass.")
    if unwritten := _unwritten(steps):
        names = _list([step.title for step in unwritten])
        text += ["## Not written yet", names, _md(unwritten[0].look_at)]
    if not verdict.reason and grade.accuracy:
        text.append("## Trained networks")
        for network, each in grade.accuracy.items():
            text.append(
                f"{network}: {each} points. {_md(about_accuracy(network, verdict, rubric))}"
            )
    return ("\n\n".join(text) + "\n").encode("utf-8", errors="backslashreplace")


# Special characters of Markdown, GitHub and formulas; parentheses are harmless without [].
_SPECIAL = re.compile(r"([\\`*\[\]<>#|~&@$!]|(?<!\w)_|_(?!\w)|^\s*[-+=])")


def _md(text: str) -> str:
    """One line of plain text: no links, pictures, HTML, or mentions of people."""
    escaped = _SPECIAL.sub(r"\\\1", text)
    escaped = re.sub(r"^(\s*\d+)([.)])(?=\s|$)", r"\1\\\2", escaped)  # the number of a list
    return re.sub(r"(?i)(https?|ftp|www|mailto)([:.])", r"\1\\\2", escaped)  # GitHub links these


def _list(items: list[str]) -> str:
    return "\n".join(f"- {_md(item)}" for item in items)


def _block(text: str) -> str:
    """A code block, with a fence longer than any in the text."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"
