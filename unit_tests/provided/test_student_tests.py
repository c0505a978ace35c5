"""The submissions that measure the student tests fit the model solution as it is now."""

from __future__ import annotations

import ast
import warnings
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).parents[2]
TEACHING = REPOSITORY / "teaching"

pytestmark = pytest.mark.skipif(not TEACHING.is_dir(), reason="this is a starter")


@pytest.fixture
def student_tests(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(TEACHING)
    import student_tests

    return student_tests


def test_wrong_submissions_apply_and_differ(student_tests: ModuleType) -> None:
    wrong = student_tests.load_wrong()  # each change is possible exactly once, or this raises
    assert {submission.file for submission in wrong} == {
        path.name.removeprefix("test_") for path in (REPOSITORY / "unit_tests").glob("test_*.py")
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


def test_right_submissions_are_python(student_tests: ModuleType) -> None:
    right = student_tests.load_right()
    assert len(right) >= 25
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # right work may warn
        for submission in right:
            ast.parse(submission.source, submission.name)
