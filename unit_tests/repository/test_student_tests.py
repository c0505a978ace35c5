"""The submissions that measure the student tests fit the current model solution."""

from __future__ import annotations

import ast
import warnings
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).parents[2]
TEACHING = REPOSITORY / "teaching"
UNIT_TESTS = REPOSITORY / "unit_tests"


WRONG_IN_LECTURE, RIGHT_IN_LECTURE = 60, 15  # at least
CAUGHT_IN_LECTURE = 0.97


@pytest.fixture
def student_tests(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(TEACHING)
    import student_tests

    return student_tests


@pytest.mark.parametrize("part", ["", "lecture"])
def test_wrong_submissions_apply_and_differ(student_tests: ModuleType, part: str) -> None:
    wrong = student_tests.load_wrong(part)  # each change is possible exactly once, or this raises
    assert {submission.file for submission in wrong} == {
        (Path(part) / path.name.removeprefix("test_")).as_posix()
        for path in (UNIT_TESTS / part).glob("test_*.py")
    }
    solution = {
        file: ast.dump(ast.parse((REPOSITORY / "scene_recog" / file).read_text(encoding="utf-8")))
        for file in {submission.file for submission in wrong}
    }
    code = [(one.file, ast.dump(ast.parse(one.source))) for one in wrong]
    assert not set(code) & set(solution.items())
    assert [count for count in Counter(code).values() if count > 1] == []
    names = Counter((one.file, one.name) for one in wrong)
    assert [name for name, count in names.items() if count > 1] == []


def test_every_right_student_has_all_eight_files(student_tests: ModuleType) -> None:
    files = {path.name.removeprefix("test_") for path in UNIT_TESTS.glob("test_*.py")}
    students: dict[str, set[str]] = {}
    for submission in student_tests.load_right():
        students.setdefault(submission.name, set()).add(submission.file)
    assert len(students) >= 12
    assert all(found == files for found in students.values())


def test_no_two_right_submissions_differ_only_in_spelling(student_tests: ModuleType) -> None:
    seen: dict[tuple[str, str], str] = {}
    for submission in student_tests.load_right() + student_tests.load_right_lecture():
        form = submission.file, without_spelling(submission.source)
        assert form not in seen, f"{submission.file} of {submission.name} and {seen[form]}"
        seen[form] = submission.name


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_lectures_tests_catch_wrong_files_and_accept_right_ones(
    student_tests: ModuleType,
) -> None:
    wrong, right = student_tests.load_wrong("lecture"), student_tests.load_right_lecture()
    assert sum(one.bank == "wrong" for one in wrong) >= WRONG_IN_LECTURE
    assert len(right) >= RIGHT_IN_LECTURE
    verdicts = student_tests.run_all(wrong + right, jobs=1)
    problems = {
        one: student_tests.problem_of(one, verdict)
        for one, verdict in zip(wrong + right, verdicts, strict=True)
    }
    assert [(one.name, problems[one]) for one in right if problems[one]] == []
    survivors = [one.name for one in wrong if problems[one]]
    assert len(survivors) <= (1 - CAUGHT_IN_LECTURE) * len(wrong), survivors


def without_spelling(source: bytes) -> str:
    """A program without its names, strings, comments and type hints."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a backslash in a docstring
        tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = ""
        elif isinstance(node, ast.arg):
            node.arg, node.annotation = "", None
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            node.name = ""
            if isinstance(node, ast.FunctionDef):
                node.returns = None
            if ast.get_docstring(node) is not None:
                node.body = node.body[1:] or [ast.Pass()]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.dump(tree)
