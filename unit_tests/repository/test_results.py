"""Students' results: valid for any verdict, and without anything that students must not see."""

from __future__ import annotations

import html.parser
import json
import math
import re
from dataclasses import replace
from typing import Any

import pytest
from grading_standins import HOSTILE, TESTS, four, hostile_verdict, verdict_of

from scene_recog.assignment import STEPS
from teaching.grading.feedback import html_of, markdown_of
from teaching.grading.points import grade
from teaching.grading.records import bounded
from teaching.grading.results import as_bytes, leaderboard, results
from teaching.grading.verdict import FileVerdict, TestResult, Trained, Verdict
from teaching.grading.words import about_accuracy, readable, step_of
from teaching.rubric import read_rubric

RUBRIC = read_rubric()
QUESTIONS = ["Why is <b> 3 > 2?", "What does `conv` do?"]
VISIBILITIES = {"hidden", "after_due_date", "after_published", "visible"}
FORMATS = {"text", "html", "simple_format", "md", "ansi"}
INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")  # noqa: E501  # fmt: skip


def checked(content: bytes) -> dict[str, Any]:
    """The contents of a results.json, checked to be valid for Gradescope."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    found: dict[str, Any] = json.loads(content.decode("ascii"), parse_constant=refuse)
    top = {
        "score": float, "execution_time": float, "output": str, "output_format": str,
        "visibility": str, "stdout_visibility": str, "tests": list, "leaderboard": list,
        "extra_data": dict,
    }  # fmt: skip
    types = {
        "name": str, "number": str, "score": float, "max_score": float, "status": str,
        "output": str, "output_format": str, "visibility": str,
    }  # fmt: skip
    assert found.keys() == top.keys()
    for key, kind in top.items():
        check_type(found[key], kind)
    assert found["stdout_visibility"] == "hidden"
    for test in found["tests"]:
        assert types.keys() - test.keys() <= {"number"}
        assert test.keys() <= types.keys()
        for key, value in test.items():
            check_type(value, types[key])
        assert 0 <= test["score"] <= test["max_score"]
        assert test["status"] == ("passed" if test["score"] == test["max_score"] else "failed")
        assert test["visibility"] in VISIBILITIES
        assert test["output_format"] in FORMATS
        assert len(test["output"]) <= 4000
        assert not INVISIBLE.search(test["output"] + test["name"])
    assert len({test["name"] for test in found["tests"]}) == len(found["tests"])
    for entry in found["leaderboard"]:
        assert {"name", "value"} <= entry.keys() <= {"name", "value", "order"}
        assert isinstance(entry["value"], int | float)
        assert entry.get("order", "desc") in ("asc", "desc")
    assert len(found["output"]) <= 4000
    assert not INVISIBLE.search(found["output"])
    return found


def check_type(value: object, kind: type) -> None:
    assert isinstance(value, (int, float) if kind is float else kind)
    assert not isinstance(value, float) or math.isfinite(value)


def results_of(verdict: Verdict, late_days: int | None = None) -> dict[str, Any]:
    verdict = bounded(verdict)
    found = results(verdict, grade(verdict, RUBRIC, late_days), RUBRIC, QUESTIONS)
    return checked(as_bytes(found))


def page_and_text(verdict: Verdict, name: str = "anna") -> tuple[str, str]:
    verdict = bounded(verdict)
    points = grade(verdict, RUBRIC)
    page = html_of(name, verdict, points, RUBRIC)
    text = markdown_of(name, verdict, points, RUBRIC)
    return page.decode(), text.decode()


class Tags(html.parser.HTMLParser):
    """Every tag and attribute of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {key for key, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


# ------------------------------------------------------------------------ results.json


def test_whole_submission() -> None:
    found = results_of(verdict_of())
    assert found["score"] == sum(test["score"] for test in found["tests"]) == 100
    assert len(found["tests"]) == 2 * len(STEPS) + 2
    names = [test["name"] for test in found["tests"]]
    assert names[:2] == [
        "1.1 image_loader.py: public tests",
        "1.1 image_loader.py: hidden tests",
    ]
    assert found["extra_data"]["graded_by_hand"] == {"points": 30, "questions": QUESTIONS}
    assert not any("report" in name.lower() for name in names)


def test_public_tests_say_why_and_hidden_ones_what_they_are_about() -> None:
    verdict = verdict_of()
    hidden = [TestResult("test_sum_of_the_rows[secret-17]", "failed", "secret words"), *four(4)]
    verdict.files["optimizer"] = FileVerdict(four(0, "expected 0.1, got 0.2"), hidden)
    tests = {test["name"]: test for test in results_of(verdict)["tests"]}
    public = tests["1.3 optimizer.py: public tests"]
    assert public["visibility"] == "visible"
    title = "* learning rate is the config's (0.1), and 3 other tests"
    assert f"{title}\n  expected 0.1, got 0.2" in public["output"]
    assert public["output"].count("expected 0.1") == 1
    assert "pytest unit_tests/test_optimizer.py" in public["output"]
    other = tests["1.3 optimizer.py: hidden tests"]
    assert other["visibility"] == "after_published"
    assert other["output"] == "Not passed: sum of the rows"
    for text in (json.dumps(tests), *page_and_text(verdict)):
        assert "secret" not in text
        assert "17" not in re.sub(r"sha256-[^']+|&#\d+;", "", text).partition("<body>")[2]


def test_signs_and_copies_are_for_the_teacher_only() -> None:
    verdict = verdict_of()
    verdict.files["optimizer"].signs = ["it patched torch"]
    verdict.files["dl_utils"] = FileVerdict(
        four(4), four(4), signs=["it rewrote tests"], is_tampered=True
    )
    for text in (json.dumps(results_of(verdict)), *page_and_text(verdict)):
        assert "patched" not in text
        assert "rewrote" not in text
        assert "tamper" not in text.lower()
        assert "known to be wrong" not in text
        assert "Your teacher will look at it" in text
    scores = {test["name"]: test["score"] for test in results_of(verdict)["tests"]}
    assert scores["1.3 dl_utils.py: public tests"] == 0
    assert scores["1.3 optimizer.py: public tests"] == 6


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_texts_stay_texts(number: int) -> None:
    verdict = hostile_verdict(HOSTILE[number])
    found = results_of(verdict)
    assert all(test["output_format"] == "text" for test in found["tests"])
    page, text = page_and_text(verdict, HOSTILE[number])
    tags = Tags(page)
    ours = Tags(page_and_text(hostile_verdict("word"))[0])
    assert tags.tags <= ours.tags | {"meta"}
    assert tags.attributes <= ours.attributes
    assert "script" not in tags.tags
    assert "img" not in tags.tags
    assert not INVISIBLE.search(page)
    assert not INVISIBLE.search(text)
    assert len(page) < 60_000
    assert len(text) < 40_000
    verdict.reason = HOSTILE[number]
    assert results_of(verdict)["score"] == 0
    page_and_text(verdict, HOSTILE[number])


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_markdown_has_no_markup_of_the_student_s(number: int) -> None:
    """Check that every special character outside code blocks is escaped."""
    _, text = page_and_text(hostile_verdict(HOSTILE[number]), HOSTILE[number])
    fence = ""
    for line in text.splitlines():
        if fence:
            is_end = re.fullmatch(r" {0,3}`{3,}\s*", line) and line.count("`") >= len(fence)
            fence = "" if is_end else fence
        elif match := re.fullmatch(r"(`{3,})text", line):
            fence = match[1]
        else:
            plain = re.sub(r"\\.", "", line)
            assert not re.search(r"[<\[\]`!@$~]|https?:|www\.", plain), line
    assert not fence


def test_not_written_yet_is_said_for_each_step() -> None:
    verdict = Verdict(
        files={
            file: FileVerdict(four(0, "not written yet", "not written"), four(0)) for file in STEPS
        }
    )
    found = results_of(verdict)
    assert found["score"] == 0
    visible = [test["output"] for test in found["tests"] if test["visibility"] == "visible"]
    assert [output.startswith("Not written yet.") for output in visible[:8]] == [True] * 8
    for shown in page_and_text(verdict):
        assert shown.count("Not written yet") == 1
        assert all(shown.count(f"{step} {file}.py") == 2 for file, step in STEPS.items())
        assert "test_image_loader.py" in shown.replace("\\", "")  # the first to write


def test_missing_files_and_problems_are_said() -> None:
    verdict = Verdict(
        notices=["report.pdf is missing"],
        files={"optimizer": FileVerdict(problem="it does not parse: line 3")},
    )
    found = results_of(verdict)
    outputs = {test["name"]: test["output"] for test in found["tests"]}
    assert "it does not parse: line 3." in outputs["1.3 optimizer.py: public tests"]
    assert "is missing" in outputs["1.3 dl_utils.py: public tests"]
    assert "report.pdf is missing" in found["output"]


def test_nothing_to_grade() -> None:
    found = results_of(Verdict("it is not a zip file, or it is truncated"))
    assert found["score"] == 0
    assert found["output"].startswith("Not graded: it is not a zip file, or it is truncated.")
    assert "upload" in found["output"]
    assert sum(test["max_score"] for test in found["tests"]) == 100


def test_late_days_are_said() -> None:
    found = results_of(verdict_of(), late_days=2)
    assert "2 days late." in found["output"]
    assert found["extra_data"]["late_days"] == 2
    assert found["score"] == 100


def test_leaderboard() -> None:
    assert leaderboard(verdict_of(), RUBRIC) == [
        {"name": "accuracy of SimpleNetFinal", "value": 0.81},
        {"name": "accuracy of SimpleNet", "value": 0.5},
        {"name": "parameters of SimpleNetFinal from 80%", "value": 78_000, "order": "asc"},
    ]
    below = Verdict(trained={"SimpleNetFinal": Trained(0.7999, 5)})
    assert [entry["name"] for entry in leaderboard(below, RUBRIC)] == ["accuracy of SimpleNetFinal"]
    assert leaderboard(Verdict(), RUBRIC) == []


def test_accuracy_just_below_the_threshold_looks_it() -> None:
    verdict = Verdict(trained={"SimpleNet": Trained(0.44999)})
    assert "Accuracy 44.9 %" in about_accuracy("SimpleNet", verdict, RUBRIC)
    verdict = Verdict(trained={"SimpleNet": Trained(0.45)})
    assert "Accuracy 45.0 %" in about_accuracy("SimpleNet", verdict, RUBRIC)


def test_numbers_that_json_has_not_do_not_pass() -> None:
    verdict = verdict_of()
    verdict.trained["SimpleNet"].accuracy = math.nan
    verdict.seconds = math.inf
    assert results_of(verdict)["score"] == 90


def test_the_same_verdict_gives_the_same_bytes() -> None:
    assert page_and_text(hostile_verdict("x")) == page_and_text(hostile_verdict("x"))


def test_readable_names() -> None:
    assert readable(TESTS[0]) == "learning rate is the config's (0.1)"
    assert (
        readable("unit_tests/test_dl_utils.py::test_accuracy_of_all[labels0]") == "accuracy of all"
    )
    assert readable("") == ""


def test_what_is_visible_does_not_depend_on_hidden_tests() -> None:
    def visible(hidden: int) -> list[dict[str, Any]]:
        tests = results_of(verdict_of(passed=4, hidden=hidden))["tests"]
        return [test for test in tests if test["visibility"] == "visible"]

    assert visible(4) == visible(3) == visible(0)
    assert visible(4)[0]["output"] == "All 4 public tests pass."
    page, text = page_and_text(verdict_of(hidden=3))
    assert page.count("for other sizes, values and names?") == 8
    assert text.count("for other sizes, values and names?") == 8


def test_a_file_without_points_still_fails_or_passes() -> None:
    rubric = replace(RUBRIC, public=dict.fromkeys(STEPS, 0.0))
    verdict = verdict_of(passed=1)
    found = results(verdict, grade(verdict, rubric), rubric)["tests"][0]
    assert (found["score"], found["max_score"], found["status"]) == (0, 0, "failed")


def test_what_waits_for_the_unwritten_part_of_a_file_is_not_written_either() -> None:
    tests = [
        TestResult("test_a", "not written", "write it"),
        TestResult("test_b", "waits", "for a"),
    ]
    assert step_of("optimizer", Verdict(files={"optimizer": FileVerdict(tests)})).state == (
        "not written"
    )
    tests.append(TestResult("test_c", "failed", "expected 1, got 2"))
    step = step_of("optimizer", Verdict(files={"optimizer": FileVerdict(tests)}))
    assert step.state == "none"
    assert [reason.words for reason in step.reasons] == ["expected 1, got 2", "write it", "for a"]
    waiting = Verdict(files={"optimizer": FileVerdict(tests[1:2])})
    assert step_of("optimizer", waiting).state == "none"


def test_each_message_is_shown_once_and_errors_come_first() -> None:
    tests = [
        TestResult("test_a", "not written", "write this"),
        TestResult("test_b", "not written", "write that"),
        TestResult("test_c", "waits", "see test_f"),
        TestResult("test_d[1]", "failed", "got 1"),
        TestResult("test_d[2]", "failed", "got 2"),
        TestResult("test_d[3]", "failed", "got 1"),
        TestResult("test_e", "failed", "got 3"),
        TestResult("test_f", "failed", "got 1"),
    ]
    step = step_of("optimizer", Verdict(files={"optimizer": FileVerdict(tests)}))
    assert [(reason.title, reason.words) for reason in step.reasons] == [
        ("d (1), and 2 other tests", "got 1"),
        ("e", "got 3"),
        ("d (2)", "got 2"),
    ]
    assert step.more == 3
    tests = [test for test in tests if test.words not in ("got 2", "see test_f")]
    step = step_of("optimizer", Verdict(files={"optimizer": FileVerdict(tests)}))
    assert (step.reasons[2].title, step.reasons[2].words) == (
        "not written yet",
        "write this\nwrite that",
    )
    assert step.more == 0


def test_backticks_become_code() -> None:
    page, _ = page_and_text(verdict_of(passed=1))
    assert "<code>pytest unit_tests/test_optimizer.py</code>" in page
    assert "`" not in page
