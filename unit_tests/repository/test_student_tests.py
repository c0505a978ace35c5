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


@pytest.fixture
def student_tests(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(TEACHING)
    import student_tests

    return student_tests


def test_wrong_submissions_apply_and_differ(student_tests: ModuleType) -> None:
    wrong = student_tests.load_wrong()  # each change is possible exactly once, or this raises
    assert {submission.file for submission in wrong} == {
        path.name.removeprefix("test_") for path in UNIT_TESTS.glob("test_*.py")
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
    for submission in student_tests.load_right():
        form = submission.file, without_spelling(submission.source)
        assert form not in seen, f"{submission.file} of {submission.name} and {seen[form]}"
        seen[form] = submission.name


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
