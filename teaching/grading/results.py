"""`results.json`, which Gradescope reads and shows to students.

Students may see all of it: what needs the teacher's attention is in `for_teacher.json`. Output is
plain text, so that nothing in it becomes markup.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from scene_recog.assignment import FILES
from teaching.grading.points import Grade, Points, accuracy_of
from teaching.grading.verdict import Verdict
from teaching.grading.words import (
    Step,
    about_accuracy,
    about_correction,
    about_late,
    about_reason,
    enumerated,
    notices,
    step_of,
)
from teaching.rubric import Rubric

OUTPUT = 4000  # characters of one output


def results(
    verdict: Verdict, grade: Grade, rubric: Rubric, questions: Sequence[str] = ()
) -> dict[str, Any]:
    """The results for Gradescope.

    For each file that was handed out, there is a visible entry for the public tests, and one for
    the hidden tests, which students see when the grades are published.

    Args:
        verdict: of the submission.
        grade: its points.
        rubric: the rubric used.
        questions: of the report, which a person grades.
    """
    tests = []
    for file in grade.public:
        step, number = step_of(file, verdict), FILES[file]
        tests.append(
            {
                **_entry(f"{step.title}: public tests", grade.public[file], _said(step)),
                "number": number,
                "status": _status(step.passes_public),
            }
        )
        tests.append(
            {
                **_entry(f"{step.title}: hidden tests", grade.hidden[file], _about(step)),
                "number": number,
                "status": _status(step.passes_hidden),
                "visibility": "after_published",
            }
        )
    for network, points in grade.accuracy.items():
        said = about_accuracy(network, verdict, rubric)
        tests.append(_entry(f"Accuracy of {network}", points, said))
    return {
        "score": grade.after.points,
        "execution_time": round(verdict.seconds, 1),
        "output": _cut("\n".join(_about_all(verdict, grade, rubric))),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
        "leaderboard": leaderboard(verdict, rubric),
        "extra_data": {
            "graded_by_hand": {"points": rubric.report, "questions": list(questions)},
            "late_days": grade.late_days,
            "points_taken_off": grade.taken_off,
        },
    }


def as_bytes(found: dict[str, Any]) -> bytes:
    """Valid JSON in ASCII; the same values give the same bytes.

    Raises:
        ValueError: a number is not finite.
    """
    return (json.dumps(found, indent=1, allow_nan=False) + "\n").encode("ascii")


def leaderboard(verdict: Verdict, rubric: Rubric) -> list[dict[str, Any]]:
    """Accuracies, and the parameter count of a SimpleNetFinal that is accurate enough."""
    found: list[dict[str, Any]] = []
    for network in ("SimpleNetFinal", "SimpleNet"):
        accuracy = accuracy_of(verdict, network)
        if accuracy is not None:
            found.append({"name": f"accuracy of {network}", "value": round(accuracy, 4)})
    final, accuracy = verdict.trained.get("SimpleNetFinal"), accuracy_of(verdict, "SimpleNetFinal")
    if final and final.parameters and accuracy and accuracy >= rubric.few_parameters_at:
        name = f"parameters of SimpleNetFinal from {rubric.few_parameters_at:.0%}"
        found.append({"name": name, "value": final.parameters, "order": "asc"})
    return found


def _entry(name: str, points: Points, output: str) -> dict[str, Any]:
    return {
        "name": name,
        "score": points.points,
        "max_score": points.of,
        "status": _status(points.is_full),
        "output": _cut(output),
        "output_format": "text",
        "visibility": "visible",
    }


def _status(passes: bool) -> str:
    return "passed" if passes else "failed"


def _said(step: Step) -> str:
    """About the public tests, which students see before they hand in for the last time."""
    parts = [step.summary]
    parts += [f"* {reason.title}\n{_indented(reason.words)}".rstrip() for reason in step.reasons]
    if step.more:
        parts.append(f"* and {step.more} more tests")
    if step.look_at:
        parts.append(step.look_at)
    return "\n\n".join(parts)


def _about(step: Step) -> str:
    """About the hidden tests."""
    if step.passes_hidden:
        return "All of them pass."
    return "\n".join(f"Not passed: {name}" for name in enumerated(step.hidden)) or step.summary


def _about_all(verdict: Verdict, grade: Grade, rubric: Rubric) -> list[str]:
    said = [reason] if (reason := about_reason(verdict)) else []
    said += [words for words in (about_late(grade), about_correction(grade)) if words]
    said += notices(verdict)
    if rubric.report:
        said.append(f"The report, {rubric.report:g} points, is graded by hand.")
    return said


def _indented(text: str) -> str:
    return "\n".join(f"  {each}" for each in text.split("\n"))


def _cut(text: str) -> str:
    return text if len(text) <= OUTPUT else text[: OUTPUT - 20].rstrip() + "\n... (shortened)"
