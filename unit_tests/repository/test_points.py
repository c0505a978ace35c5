"""From a verdict to points, and valid rubrics."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path

import pytest
from grading_standins import four, verdict_of

from scene_recog.assignment import FILES, LECTURE, STEPS
from scene_recog.submission import read_rubric as read_students_rubric
from teaching.grading.points import Points, accuracy_of, grade, total
from teaching.grading.verdict import FileVerdict, TestResult, Trained, Verdict
from teaching.rubric import PATH, Late, Rubric, read_rubric

RUBRIC = read_rubric()
TEXT = PATH.read_text(encoding="utf-8")
DEADLINE = "deadline = 2026-12-01T23:59:00+01:00\n"


def rubric(tmp_path: Path, text: str) -> Rubric:
    path = tmp_path / "rubric.toml"
    path.write_text(text, encoding="utf-8")
    return read_rubric(path)


# ------------------------------------------------------------------------ points


def test_a_whole_submission_has_all_points() -> None:
    found = grade(verdict_of(), RUBRIC)
    assert found.after == found.before == Points(100, 100)
    assert str(found.after) == "100 of 100"


def test_the_lecture_counts_only_where_it_was_handed_out(tmp_path: Path) -> None:
    assert not RUBRIC.has_lecture
    assert not RUBRIC.public.keys() & LECTURE.keys()
    with_it = read_rubric(lecture=True)
    assert list(with_it.public) == list(with_it.hidden) == list(FILES)
    verdict = verdict_of()
    verdict.files["lecture/layers"] = FileVerdict(four(4), four(4))
    assert grade(verdict, RUBRIC).after == Points(100, 100)
    of = 100 + sum(with_it.public[f] + with_it.hidden[f] for f in LECTURE)
    layers = with_it.public["lecture/layers"] + with_it.hidden["lecture/layers"]
    assert grade(verdict, with_it).after == Points(100 + layers, of)
    path = tmp_path / "rubric.toml"
    path.write_text(TEXT.partition("[lecture]")[0])
    assert not read_rubric(path).has_lecture
    with pytest.raises(ValueError, match=r"no table \[lecture\]"):
        read_rubric(path, lecture=True)


def test_shares_are_rounded_down_to_one_decimal() -> None:
    found = grade(verdict_of(passed=3, hidden=1), RUBRIC)
    assert set(found.public.values()) == {Points(4.5, 6)}
    assert set(found.hidden.values()) == {Points(1, 4)}
    assert found.after == Points(8 * 5.5 + 20, 100)
    thirds = Verdict(files={"optimizer": FileVerdict(four(2)[:3])})
    assert grade(thirds, RUBRIC).public["optimizer"] == Points(4, 6)
    assert grade(Verdict(files={"optimizer": FileVerdict(four(1)[:3] * 2)}), RUBRIC).public[
        "optimizer"
    ] == Points(2, 6)


def test_a_mistake_costs_points_in_its_file_only() -> None:
    verdict = verdict_of()
    verdict.files["optimizer"] = FileVerdict(four(0), four(0))
    found = grade(verdict, RUBRIC)
    assert found.after == Points(90, 100)
    assert all(found.public[file].is_full for file in STEPS if file != "optimizer")


@pytest.mark.parametrize("outcome", ["failed", "not written", "waits"])
def test_only_passed_tests_count(outcome: str) -> None:
    verdict = Verdict(files={"optimizer": FileVerdict(four(1, outcome=outcome))})
    assert grade(verdict, RUBRIC).public["optimizer"] == Points(1.5, 6)


def test_missing_files_and_no_tests_give_none() -> None:
    assert grade(Verdict(), RUBRIC).after == Points(0, 100)
    assert grade(Verdict(files={"optimizer": FileVerdict()}), RUBRIC).after == Points(0, 100)


def test_a_reason_gives_none_whatever_else_there_is() -> None:
    verdict = verdict_of()
    verdict.reason = "it is not a zip"
    assert grade(verdict, RUBRIC).after == Points(0, 100)


def test_a_file_that_was_tampered_with_has_none_and_neither_has_its_network() -> None:
    verdict = verdict_of()
    verdict.files["simple_net"].is_tampered = True
    found = grade(verdict, RUBRIC)
    assert found.after == Points(80, 100)
    assert found.accuracy == {"SimpleNet": Points(0, 10), "SimpleNetFinal": Points(10, 10)}


@pytest.mark.parametrize(
    ("accuracy", "points"),
    [(None, 0), (0.4499, 0), (0.45, 10), (1.0, 10), (1.01, 0), (math.nan, 0), (-1.0, 0)],
)
def test_accuracy(accuracy: float | None, points: float) -> None:
    verdict = Verdict(trained={"SimpleNet": Trained(accuracy)})
    assert grade(verdict, RUBRIC).accuracy["SimpleNet"] == Points(points, 10)
    assert (accuracy_of(verdict, "SimpleNet") is None) == (accuracy in (None, 1.01, -1.0) or accuracy != accuracy)  # noqa: E501  # fmt: skip


def test_sums_are_exact() -> None:
    assert total([Points(0.1, 0.3)] * 3) == Points(0.3, 0.9)
    assert total([]) == Points(0, 0)


# ------------------------------------------------------------------------ late days


@pytest.mark.parametrize(
    ("time", "days"),
    [
        ("2026-12-01T23:59:00+01:00", 0),
        ("2026-12-01T23:08:59+00:00", 0),  # in the grace
        ("2026-12-01T23:09:01+00:00", 1),
        ("2026-12-03T00:09:00+01:00", 1),
        ("2026-12-03T00:09:01+01:00", 2),
        ("2020-01-01T00:00:00+00:00", 0),
    ],
)
def test_late_days(tmp_path: Path, time: str, days: int) -> None:
    late = rubric(tmp_path, f"{TEXT}\n[late]\n{DEADLINE}grace_minutes = 10\n").late
    assert late.days(datetime.fromisoformat(time)) == days
    assert Late().days(datetime.fromisoformat(time)) == 0


@pytest.mark.parametrize(
    ("rule", "days", "off"),
    [
        ("", 3, 0), ("points_per_day = 5", 0, 0), ("points_per_day = 5", None, 0),
        ("points_per_day = 5", 2, 10), ("points_per_day = 5", 99, 64),
        ("percent_per_day = 10", 1, 6.4), ("percent_per_day = 33", 1, 21.1),
        ("percent_per_day = 10", 99, 64),
    ],
)  # fmt: skip
def test_late_days_take_points_off(tmp_path: Path, rule: str, days: int | None, off: float) -> None:
    rules = rubric(tmp_path, f"{TEXT}\n[late]\n{DEADLINE}{rule}\n")
    found = grade(verdict_of(passed=3, hidden=1), rules, days)
    assert found.before.points == 64
    assert found.taken_off == off
    assert found.after.points == round(64 - off, 1)


# ------------------------------------------------------------------------ the rubric


def test_students_get_the_late_rules_and_no_hidden_points(tmp_path: Path) -> None:
    text = rubric(tmp_path, f"{TEXT}\n[late]\n{DEADLINE}points_per_day = 5\n").public_part()
    assert "deadline = 2026-12-01T23:59:00+01:00" in text
    assert "hidden =" not in text
    (tmp_path / "rubric.toml").write_text(text)
    assert read_students_rubric(tmp_path) == RUBRIC.public
    assert "[late]" not in RUBRIC.public_part()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[tests]", "[tests", "rubric.toml"),
        ("image_loader = { public = 6, ", "image_loader = { ", "image_loader has no public"),
        ("image_loader =", "image_lader =", "[tests] has image_lader"),
        ("public = 6, ", "pubic = 6, ", "[tests] image_loader has pubic"),
        ("public = 6, ", "public = 6, bonus = 3, ", "[tests] image_loader has bonus"),
        ("image_loader = { public = 6, hidden = 4 }", "image_loader = 6", "is 6: it needs public"),
        ("seed = ", "seed = 1.5 # ", "it must be a whole number"),
        ("[report]", "[report]\npoint = 30 #", "[report] has point"),
        ("public = 6", "public = -1", "image_loader is -1: it must be a number"),
        ("public = 6", "public = nan", "must be a number"),
        ("public = 6", "public = inf", "must be a number"),
        ("public = 6", "public = true", "must be a number"),
        ("public = 6", "public = '6'", "must be a number"),
        ("public = 6", "public = 6.25", "at most one decimal"),
        ("points = 10 }", "points = 10.1 }", "accuracy gives 20.1 of 100.1 points"),
        ("at_least = 0.45", "at_least = 45", "an accuracy is between 0 and 1"),
        ("SimpleNet =", "SimpelNet =", "[accuracy] has SimpelNet"),
        ("[report]", "[raport]", "the rubric has raport"),
        ("few_parameters_at", "few_parameter_at", "[leaderboard] has few_parameter_at"),
        ("[leaderboard]", "[late]\ngrace_minutes = 1\n[leaderboard]", "needs a deadline"),
        ("[leaderboard]", "[late]\ndeadline = 2026-12-01\n[leaderboard]", "needs a deadline"),
        ("[leaderboard]", "[late]\ndeadline = 2026-12-01T00:00:00\n[leaderboard]", "time zone"),
        (
            "[leaderboard]",
            f"[late]\n{DEADLINE}points_per_day = 1\npercent_per_day = 1\n[leaderboard]", "not both",
        ),
        ("[leaderboard]", f"[late]\n{DEADLINE}points_a_day = 1\n[leaderboard]", "points_a_day"),
        ("[leaderboard]", f"[late]\n{DEADLINE}percent_per_day = 101\n[leaderboard]", "than 100"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_in_one_line(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert old in TEXT
    with pytest.raises(ValueError, match=r"rubric\.toml") as error:
        rubric(tmp_path, TEXT.replace(old, new, 1))
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


def test_a_rubric_without_the_optional_parts(tmp_path: Path) -> None:
    found = rubric(tmp_path, TEXT.partition("[accuracy]")[0])
    assert grade(verdict_of(), found).after == Points(80, 80)


def test_no_rubric(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        read_rubric(tmp_path / "none.toml")


def test_words_of_a_test_do_not_matter() -> None:
    tests = [TestResult("test_a", "passed", "looks failed")]
    assert (
        grade(Verdict(files={"optimizer": FileVerdict(tests)}), RUBRIC).public["optimizer"].is_full
    )
