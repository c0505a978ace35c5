"""Errors of the eight files in one line, and the table at the end of pytest's output."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scene_recog import assignment
from scene_recog.notebook import run_tests

UNIT_TESTS = Path(__file__).parents[1]
NOT_WRITTEN = "def get_optimizer(model, config):\n    raise NotImplementedError('write it')\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of empty assignment files, in place of the real one."""
    root = tmp_path / "scene_recog_of_a_student"
    root.mkdir()
    (root / "lecture").mkdir()
    for file in assignment.FILES:
        (root / f"{file}.py").write_text("")
    (root / "__init__.py").write_text("")
    monkeypatch.setattr(assignment, "_PACKAGE", root)
    monkeypatch.syspath_prepend(tmp_path)
    forget(root)
    return root


def forget(package: Path) -> None:
    """Let the package be imported anew."""
    for name in [name for name in sys.modules if name.startswith(package.name)]:
        del sys.modules[name]
    importlib.invalidate_caches()


def error_of(package: Path, file: str, source: str, call: str = "") -> str | None:
    """The line about an error that a file raises on import, or in one of its functions."""
    (package / f"{file}.py").write_text(source)
    forget(package)
    try:
        module = importlib.import_module(f"{package.name}.{file.replace('/', '.')}")
        getattr(module, call)()
    except Exception as error:
        return assignment.explain_error(error)
    pytest.fail("nothing was raised")


def test_error_in_a_function_is_told_with_step_and_line(package: Path) -> None:
    source = "def compute():\n    n = 0\n    return 1 / n\n"
    told = error_of(package, "stats_helper", source, "compute")
    assert told == (
        "step 2.2: stats_helper.py, line 3, in compute: ZeroDivisionError: division by zero; "
        "test it with pytest unit_tests/test_stats_helper.py"
    )


def test_errors_in_files_of_the_lecture_are_told(package: Path) -> None:
    told = error_of(package, "lecture/layers", "def relu():\n    return 1 / 0\n", "relu")
    assert told == (
        "step L1: lecture/layers.py, line 2, in relu: ZeroDivisionError: division by zero; "
        "test it with pytest unit_tests/lecture/test_layers.py"
    )
    (package / "optimizer.py").write_text(NOT_WRITTEN)  # it has to do with training only
    source = "def pool():\n    return 1\ndef wiggle():\n    raise NotImplementedError('write it')\n"
    told = error_of(package, "lecture/gradients", source, "wiggle")
    assert told is not None
    assert told.startswith("step L2: lecture/gradients.py is not written yet (wiggle); ")
    assert assignment.first_unwritten() == ("1.3", "optimizer", "get_optimizer")


def test_a_name_that_a_file_of_the_lecture_lacks_is_told(package: Path) -> None:
    with pytest.raises(ImportError) as caught:
        exec(f"from {package.name}.lecture.layers import relu")
    told = assignment.explain_error(caught.value)
    assert told is not None
    assert told.startswith("step L1: lecture/layers.py has no relu; ")


def test_error_within_a_library_is_told_at_the_student_s_line(package: Path) -> None:
    source = "import json\n\ndef get_all_transforms():\n    return json.loads('{')\n"
    told = error_of(package, "data_transforms", source, "get_all_transforms")
    assert told is not None
    assert told.startswith("step 2.2: data_transforms.py, line 4, in get_all_transforms: JSON")


def test_syntax_error_is_told(package: Path) -> None:
    told = error_of(package, "simple_net", "class SimpleNet(:\n")
    assert told is not None
    assert told.startswith("step 1.2: simple_net.py, line 1: SyntaxError: ")


def test_missing_name_is_told(package: Path) -> None:
    with pytest.raises(ImportError) as caught:
        exec(f"from {package.name}.dl_utils import compute_loss")
    assert assignment.explain_error(caught.value) == (
        "step 1.3: dl_utils.py has no compute_loss; test it with pytest unit_tests/test_dl_utils.py"
    )


def test_messages_of_one_s_own_stay(package: Path) -> None:
    source = "def get_optimizer():\n    raise ValueError(\n        'lr is negative'\n    )\n"
    assert error_of(package, "optimizer", source, "get_optimizer") is None


def test_errors_of_other_code_are_not_explained(package: Path) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        1 / 0  # noqa: B018
    assert assignment.explain_error(caught.value) is None


def test_the_first_step_that_is_missing_is_named(package: Path) -> None:
    (package / "simple_net_final.py").write_text(
        "class SimpleNetFinal:\n    def __init__(self):\n        raise NotImplementedError\n"
    )
    (package / "data_transforms.py").write_text(
        "def get_all_transforms():\n    raise NotImplementedError('write it')\n"
    )
    told = error_of(package, "optimizer", NOT_WRITTEN.replace("model, config", ""), "get_optimizer")
    assert told == (
        "step 1.3: optimizer.py is not written yet (get_optimizer); "
        "test it with pytest unit_tests/test_optimizer.py"
    )
    (package / "optimizer.py").write_text("")
    assert assignment.first_unwritten() == ("2.2", "data_transforms", "get_all_transforms")
    (package / "data_transforms.py").write_text("")
    assert assignment.first_unwritten() == ("2.3", "simple_net_final", "SimpleNetFinal.__init__")


def test_function_that_ends_in_the_error_is_written(package: Path) -> None:
    (package / "optimizer.py").write_text(
        "def get_optimizer(kind):\n    if kind == 'sgd':\n        return 1\n"
        "    raise NotImplementedError('only sgd')\n"
    )
    assert assignment.unwritten_functions("optimizer") == []


# ------------------------------------------------------------------------ the table


@pytest.fixture
def tests(tmp_path: Path) -> Path:
    """A folder with the hooks of the student tests, and two test files of its own."""
    root = tmp_path / "tests"
    root.mkdir()
    for name in ("conftest.py", "steps.py"):
        shutil.copy(UNIT_TESTS / name, root)
    (root / "pytest.ini").write_text("[pytest]\nmarkers =\n    beyond: more\n    slow: slow\n")
    (root / "test_optimizer.py").write_text(
        "import pytest\n"
        "from steps import cannot_judge\n"
        "def test_right(): pass\n"
        "def test_wrong():\n    lr = 0.2\n    assert lr == 0.1, 'the rate is 0.2\\nnot 0.1'\n"
        "def test_waits(): cannot_judge('the loss is broken')\n"
        "@pytest.mark.beyond\ndef test_more(): pass\n"
        "@pytest.mark.beyond\ndef test_most(): raise ValueError('no')\n"
    )
    return root


def run(tests: Path, *options: str) -> tuple[int, str]:
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--color=no", *options],
        cwd=tests, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return finished.returncode, finished.stdout


LINE = (
    "1.3 optimizer         1 of 3      beyond 1 of 2   1 cannot be judged yet: the loss is broken"
)


def test_table_counts_the_contract_apart(tests: Path) -> None:
    code, text = run(tests)
    assert code == 1
    assert LINE in text
    for count in ("1 failed", "2 passed", "1 skipped", "1 beyond"):  # and perhaps warnings
        assert count in text.splitlines()[-1]


def test_what_is_beyond_is_no_failure(tests: Path) -> None:
    assert run(tests, "-k", "not wrong")[0] == 0
    assert run(tests, "-k", "not wrong", "--runxfail")[0] == 1
    code, text = run(tests, "-k", "not wrong", "-m", "not beyond")
    assert code == 0
    assert "beyond" not in text.splitlines()[-2]


def test_a_file_that_cannot_be_imported_stops_no_other(tests: Path) -> None:
    (tests / "test_dl_utils.py").write_text("import nothing_of_that_name\n")
    (tests / "test_simple_net.py").write_text("def test_a(: pass\n")
    code, text = run(tests)
    assert code == 1
    assert LINE in text
    assert "1.2 simple_net        cannot be imported" in text


def test_notebook_shows_the_table_and_the_first_reasons(
    tests: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_tests("optimizer", folder=tests)
    assert capsys.readouterr().out == (
        f"{LINE}\n"
        "    test_wrong\n"
        "        the rate is 0.2\n"
        "        not 0.1\n"
        "    beyond: test_most\n"
        "        ValueError: no\n"
        "    show all: python -m pytest --runxfail unit_tests/test_optimizer.py\n"
    )


def test_the_lecture_has_a_table_of_its_own(
    tests: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tests / "lecture").mkdir()
    shutil.copy(tests / "test_optimizer.py", tests / "lecture" / "test_layers.py")
    line = LINE.replace("1.3 optimizer", "L1  layers   ")
    code, text = run(tests)
    assert code == 1
    assert LINE in text.partition("= the lecture =")[0]
    assert line in text.partition("= the lecture =")[2]
    for name in ("layers", "lecture/layers"):
        run_tests(name, folder=tests)
        shown = capsys.readouterr().out.splitlines()
        assert shown[0] == line
        assert shown[-1].endswith("python -m pytest --runxfail unit_tests/lecture/test_layers.py")
    run_tests("optimizer", "layers", folder=tests)
    shown = capsys.readouterr().out.splitlines()
    assert shown.index(LINE) < shown.index(line)


def test_the_lecture_does_not_keep_provided_code_from_failing(tests: Path) -> None:
    (tests / "lecture").mkdir()
    (tests / "provided").mkdir()
    (tests / "test_optimizer.py").write_text("def test_right(): pass\n")
    (tests / "lecture" / "test_layers.py").write_text("def test_wrong(): assert 0\n")
    (tests / "provided" / "test_runner.py").write_text("def test_wrong(): assert 0\n")
    _, text = run(tests)
    assert "2 failed" in text.splitlines()[-1]
    assert "provided code         0 of 1\n" in text


def test_notebook_says_that_pytest_did_not_run(
    tests: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tests / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    run_tests("optimizer", folder=tests)
    text = capsys.readouterr().out
    assert text.startswith("pytest did not run:\n")
    assert "--no-such-option" in text


def test_what_is_not_written_yet_is_said_once(tests: Path) -> None:
    shutil.rmtree(tests / "__pycache__", ignore_errors=True)
    package = tests / "scene_recog"
    shutil.copytree(
        Path(assignment.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__")
    )
    (package / "optimizer.py").write_text(NOT_WRITTEN)
    (tests / "test_optimizer.py").write_text(
        "from scene_recog.optimizer import get_optimizer\n"
        "def test_a(): get_optimizer(1, 2)\n"
        "def test_b(): get_optimizer(1, 2)\n"
    )
    code, text = run(tests)
    assert code == 1
    assert "1.3 optimizer         not written yet\n" in text
    assert "2 not written yet" in text
    assert "FAILURES" not in text
    with (tests / "test_optimizer.py").open("a") as file:
        file.write("def test_c(): pass\n")
    assert "1.3 optimizer         1 of 3      2 not written yet\n" in run(tests)[1]


def test_provided_code_waits_for_files_that_lack_something(tests: Path) -> None:
    (tests / "provided").mkdir()
    (tests / "provided" / "test_runner.py").write_text(
        "import pytest\n"
        "def test_runs(): pass\n"
        "def test_stops(): raise ValueError('there are no images')\n"
        "@pytest.fixture\ndef images(): raise OSError('none')\n"
        "def test_cannot_begin(images): pass\n"
        "def test_says_nothing(): pytest.fail('')\n"
    )
    code, text = run(tests, "-k", "not wrong", "-rs")
    assert code == 0
    assert "provided code         1 of 4      3 wait for the beyond tests" in text
    assert "waits for 1.3 optimizer: ValueError: there are no images" in text
    code, text = run(tests, "-k", "not wrong and not most")  # all that is asked for is there
    assert code == 1
    assert "provided code         1 of 4\n" in text
