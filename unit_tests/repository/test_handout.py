"""The folder that students get: complete, empty where they write code, and nothing else."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from scene_recog.assignment import STEPS, functions_in, unwritten_in
from teaching import handout
from teaching.handout import (
    ASSIGNMENT,
    HANDOUT_RECORD,
    NOTEBOOK,
    REPOSITORY,
    SECOND_ASSIGNMENT,
    hand_out,
    update,
)
from teaching.rubric import Rubric, read_rubric

SOLVED = (REPOSITORY / "scene_recog" / "simple_net.py").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def contents() -> dict[str, bytes]:
    return handout.handed_out()


@pytest.fixture
def folder(contents: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hand-out. Later hand-outs use `contents`, which a test may change."""
    current = dict(contents)
    monkeypatch.setattr(handout, "handed_out", lambda variant=0, lecture=False: current)
    hand_out(tmp_path / "starter")
    return tmp_path / "starter"


def changed(name: str, data: bytes | None) -> None:
    """Replace or remove a file of the repository from now on."""
    current = handout.handed_out()
    if data is None:
        del current[name]
    else:
        current[name] = data


# ------------------------------------------------------------------------ what is in it


@pytest.mark.parametrize("name", ASSIGNMENT)
def test_every_assignment_file_is_emptied(contents: dict[str, bytes], name: str) -> None:
    before = ast.parse((REPOSITORY / name).read_text(encoding="utf-8"))
    after = ast.parse(contents[name])
    before.body = [
        n for n in before.body if isinstance(n, ast.FunctionDef | ast.ClassDef)
        and not n.name.startswith("_")
    ]  # fmt: skip
    ours = [n for n in ast.walk(before) if isinstance(n, ast.FunctionDef)]
    theirs = [n for n in ast.walk(after) if isinstance(n, ast.FunctionDef)]
    assert [n.name for n in ours] == [n.name for n in theirs]
    for function, empty in zip(ours, theirs, strict=True):
        assert ast.unparse(function.args) == ast.unparse(empty.args)
        assert ast.get_docstring(function) == ast.get_docstring(empty)
        assert isinstance(empty.body[-1], ast.Raise)
        rest = [n for n in empty.body[:-1] if not isinstance(n, ast.Expr)]
        assert not rest, f"{name}: {function.name} keeps a part of its solution"
    assert not [n for n in after.body if isinstance(n, ast.Assign | ast.AnnAssign)]


def test_emptied_functions_say_what_to_write(contents: dict[str, bytes]) -> None:
    namespace: dict[str, object] = {"__name__": "starter"}
    exec(compile(contents["scene_recog/simple_net.py"], "simple_net.py", "exec"), namespace)
    with pytest.raises(NotImplementedError, match="write __init__"):
        namespace["SimpleNet"]()  # type: ignore[operator]


def test_comments_of_the_solution_go_too(contents: dict[str, bytes]) -> None:
    assert "# [N, 10, 60, 60]" in SOLVED
    assert b"[N, 10, 60, 60]" not in contents["scene_recog/simple_net.py"]


def test_what_the_repository_needs_is_left_out(contents: dict[str, bytes]) -> None:
    assert {Path(name).parts[0] for name in contents} == {
        ".gitignore", "LICENSE", "README.md", "data", "docs", "model_checkpoints", NOTEBOOK,
        "pyproject.toml", "report.md", "rubric.toml", "scene_recog", "unit_tests",
    }  # fmt: skip
    assert sorted(n for n in contents if n.startswith("docs/")) == [
        "docs/DOCTOR.md", "docs/FAQ.md", "docs/MACHINES.md", "docs/figure_2.png",
    ]  # fmt: skip
    assert not [name for name in contents if "repository" in name or "cache" in Path(name).parts]
    helpers = {"unit_tests/conftest.py", "unit_tests/fakes.py", "unit_tests/nets.py"}
    assert helpers <= contents.keys()  # the tests need them
    pyproject = contents["pyproject.toml"].decode()
    for word in ("ruff", "mypy", "importlinter", "hypothesis", "dev ="):
        assert word not in pyproject
    assert "hidden =" not in contents["rubric.toml"].decode()


def test_readme_has_what_pyproject_and_rubric_say(contents: dict[str, bytes]) -> None:
    text = contents["README.md"].decode()
    assert not re.search(r"\{\w+\}", text), "a placeholder is left"
    for file, step in STEPS.items():
        assert f"| {step} | `{file}.py` |" in text
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert link in contents
    assert "| your trained SimpleNet reaches 45% on test images | 10 |" in text


def test_braces_in_the_students_readme_are_the_teacher_s(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for_students = tmp_path / "for_students"
    for_students.mkdir()
    (for_students / "README.md").write_text("data/{train,test}: {points}, {mine}", encoding="utf-8")
    monkeypatch.setattr(handout, "HERE", tmp_path)
    monkeypatch.setattr(Rubric, "points_table", lambda rubric: "{all}")
    assert handout._readme(read_rubric(), 0, False) == b"data/{train,test}: {all}, {mine}"


def test_notebook_keeps_students_cells_and_no_outputs(contents: dict[str, bytes]) -> None:
    ours = json.loads((REPOSITORY / NOTEBOOK).read_text(encoding="utf-8"))["cells"]
    theirs = json.loads(contents[NOTEBOOK])["cells"]
    kept = [c for c in ours if "repository" not in c["metadata"].get("tags", [])]
    assert 0 < len(ours) - len(kept) < 5
    assert [c["source"] for c in theirs] == [c["source"] for c in kept]
    assert not [c for c in theirs if c.get("outputs") or c.get("execution_count")]


def test_report_has_every_question(contents: dict[str, bytes]) -> None:
    questions = handout.questions_of(contents[NOTEBOOK].decode())
    text = contents["report.md"].decode()
    assert len(questions) > 10
    assert re.findall(r"## Question (\d+)\n\n> (.+)", text) == [
        (str(number), question) for number, question in enumerate(questions, start=1)
    ]
    gap = contents[NOTEBOOK].replace(b"**Question 3.**", b"**Question 30.**")
    with pytest.raises(ValueError, match="number them from 1"):
        handout.questions_of(gap.decode())


# ------------------------------------------------------------------------ the lecture


@pytest.fixture(scope="module")
def with_lecture() -> dict[str, bytes]:
    return handout.handed_out(lecture=True)


def test_the_lecture_is_handed_out_if_asked_for_and_nothing_of_it_otherwise(
    contents: dict[str, bytes], with_lecture: dict[str, bytes]
) -> None:
    added = with_lecture.keys() - contents.keys()
    assert {*SECOND_ASSIGNMENT, "unit_tests/lecture/agreement.py"} <= added
    folders = {name.partition("lecture")[0] for name in added}
    assert folders <= {"scene_recog/", "unit_tests/", "docs/methods.csv", ""}
    changed = {name for name in contents if contents[name] != with_lecture[name]}
    assert changed <= {"README.md", "rubric.toml", "report.md"}
    for name in ("README.md", "rubric.toml", "report.md"):
        assert "scene_recog/lecture" not in contents[name].decode()
        assert "L1" not in contents[name].decode()
    assert "| L1 | `lecture/layers.py` |" in with_lecture["README.md"].decode()
    assert not re.search(r"\{\w+\}", with_lecture["README.md"].decode()), "a placeholder is left"
    assert "\n[lecture]" in with_lecture["rubric.toml"].decode()


@pytest.mark.parametrize("name", SECOND_ASSIGNMENT)
def test_files_of_the_lecture_are_emptied(with_lecture: dict[str, bytes], name: str) -> None:
    before = ast.parse((REPOSITORY / name).read_text(encoding="utf-8"))
    after = ast.parse(with_lecture[name])
    names = [name for name, _ in functions_in(before) if not re.search(r"\b_[^_]", name)]
    assert [name for name, _ in functions_in(after)] == names
    stubs = ["Network.forward", "Network.backward"]  # of a protocol
    assert unwritten_in(after) == [name for name in names if name not in stubs]
    for (_, function), (_, empty) in zip(
        [each for each in functions_in(before) if each[0] in names],
        functions_in(after),
        strict=True,
    ):
        assert ast.unparse(function.args) == ast.unparse(empty.args)
        assert ast.get_docstring(function) == ast.get_docstring(empty)
    public = [  # type aliases and constants are a part of the task
        ast.unparse(node) for node in before.body if isinstance(node, ast.Assign)
    ]
    assert [ast.unparse(node) for node in after.body if isinstance(node, ast.Assign)] == public
    assert "what must fit" not in with_lecture[name].decode()  # a section of private functions


def test_the_lecture_can_be_added_later(folder: Path, with_lecture: dict[str, bytes]) -> None:
    for name, data in with_lecture.items():
        changed(name, data)
    lines = update(folder, lecture=True, make_zip=True)
    layers = folder / "scene_recog/lecture/layers.py"
    assert "scene_recog/lecture/layers.py: added" in lines
    with zipfile.ZipFile(folder.with_name("starter-update.zip")) as archive:
        assert "scene_recog/lecture/layers.py" in archive.namelist()
    layers.write_bytes(b"mine = 1\n")
    changed("scene_recog/lecture/layers.py", b"# changed\n")
    told = "scene_recog/lecture/layers.py has changed in the repository; yours was left alone"
    assert update(folder, make_zip=True)[0] == told
    assert layers.read_bytes() == b"mine = 1\n"
    with zipfile.ZipFile(folder.with_name("starter-update.zip")) as archive:
        assert "scene_recog/lecture/layers.py" not in archive.namelist()


def test_the_solution_of_the_lecture_has_a_folder_of_its_own(tmp_path: Path) -> None:
    handout.hand_out_solution(tmp_path / "solved", lecture=True)
    for name in SECOND_ASSIGNMENT:
        solved = tmp_path / "solved" / "lecture" / Path(name).name
        assert solved.read_bytes() == (REPOSITORY / name).read_bytes()


# ------------------------------------------------------------------------ what must not be in it


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("README.md", "# The model solution\n", "students/README.md), line 1: 'model solution'"),
        ("scene_recog/extra.py", "# see benchmarks/ladder.py\n", "line 1: 'benchmarks/'"),
        ("scene_recog/simple_net.py", SOLVED, "the solved body of __init__ of scene_recog/simple"),
        (
            "unit_tests/provided/test_extra.py",
            "class Other:\n    def other(self):\n        return len(self.dataset)\n",
            "line 2: the solved body of __len__ of scene_recog/image_loader.py",
        ),
        (
            "unit_tests/provided/test_extra.py",
            "def maximum(x):\n    return np.maximum(x, 0.0)\n",
            "line 1: the solved body of relu of scene_recog/lecture/layers.py",
        ),
    ],
)
def test_solutions_are_found(
    contents: dict[str, bytes], name: str, text: str, expected: str
) -> None:
    assert not list(handout._must_not_be_handed_out(contents, 0))
    problems = list(handout._must_not_be_handed_out({**contents, name: text.encode()}, 0))
    assert any(expected in problem for problem in problems), problems


def test_solution_in_the_notebook_is_found(contents: dict[str, bytes]) -> None:
    notebook = json.loads(contents[NOTEBOOK])
    solved = "%matplotlib inline\ndef f(self):\n    '''Docs.'''\n    return len(self.dataset)\n"
    notebook["cells"][2]["source"] = solved.splitlines(keepends=True)
    found = handout._must_not_be_handed_out({NOTEBOOK: json.dumps(notebook).encode()}, 0)
    assert [problem.partition(": ")[2] for problem in found] == [
        "the solved body of __len__ of scene_recog/image_loader.py"
    ]


# ------------------------------------------------------------------------ the folder


def test_folder_must_be_new_and_a_failure_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="already exists"):
        hand_out(folder)

    def fail(self: Path, data: bytes) -> int:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(OSError, match="disk full"):
        hand_out(folder.parent / "other")
    assert [path.name for path in folder.parent.iterdir()] == ["starter"]


def test_zip_holds_the_folder_and_is_the_same_each_time(folder: Path) -> None:
    first, second = folder.parent / "a" / "course", folder.parent / "b" / "course"
    for target in (first, second):
        hand_out(target, make_zip=True)
    archives = [target.with_name("course.zip").read_bytes() for target in (first, second)]
    assert archives[0] == archives[1]
    with zipfile.ZipFile(first.with_name("course.zip")) as archive:
        there = {
            f"course/{p.relative_to(first).as_posix()}" for p in first.rglob("*") if p.is_file()
        }
        assert set(archive.namelist()) == there


def test_solution_passes_in_the_hand_out(contents: dict[str, bytes], tmp_path: Path) -> None:
    handout.hand_out_solution(tmp_path / "solved")
    assert sorted(path.stem for path in (tmp_path / "solved").iterdir()) == sorted(STEPS)
    for path in (tmp_path / "solved").iterdir():
        assert path.read_bytes() == (REPOSITORY / "scene_recog" / path.name).read_bytes()


def test_tests_of_a_hand_out_say_what_is_not_written_yet(folder: Path) -> None:
    names = ["test_optimizer.py", "test_dl_utils.py"]
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", *(f"unit_tests/{name}" for name in names)],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "1.3 dl_utils          not written yet\n1.3 optimizer         not written yet\n" in (
        finished.stdout
    )
    assert not re.search(r"failed|error", finished.stdout.splitlines()[-1]), finished.stdout
    finished = subprocess.run(
        [sys.executable, "-m", "scene_recog", "train", "--epochs", "1"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert finished.returncode == 2
    assert finished.stderr.splitlines()[-1].startswith(
        "scene-recog: step 1.1: image_loader.py is not written yet (ImageLoader.__init__); "
    )


# ------------------------------------------------------------------------ updates


def test_update_changes_what_is_provided_and_nothing_else(folder: Path) -> None:
    mine = {
        **dict.fromkeys(ASSIGNMENT, b"mine = 1\n"),
        NOTEBOOK: b"{}", "report.md": b"my answers", "model_checkpoints/part1-001/a.json": b"x",
        "scene_recog/models/my_net.py": b"net", "data/train/coast/1.jpg": b"image",
    }  # fmt: skip
    for name, data in mine.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    assert update(folder) == [f"{folder}: everything is up to date"]
    for name in (*ASSIGNMENT, NOTEBOOK, "report.md", "unit_tests/test_optimizer.py"):
        changed(name, b"# changed\n")
    changed("unit_tests/nets.py", None)
    changed("unit_tests/new.py", b"new\n")
    lines = update(folder)
    assert {name: (folder / name).read_bytes() for name in mine} == mine
    assert (folder / "unit_tests/test_optimizer.py").read_bytes() == b"# changed\n"
    assert (folder / "unit_tests/new.py").read_bytes() == b"new\n"
    assert not (folder / "unit_tests/nets.py").exists()
    assert f"{NOTEBOOK} has changed in the repository; yours was left alone" in lines
    assert "unit_tests/test_optimizer.py: updated" in lines
    assert "unit_tests/new.py: added" in lines
    assert "unit_tests/nets.py: removed, it is no longer provided" in lines
    assert len(lines) == 10 + 3
    assert update(folder) == [f"{folder}: everything is up to date"]


def test_what_a_student_changed_in_provided_files_is_kept(folder: Path) -> None:
    recipes, nets = folder / "scene_recog/recipes.py", folder / "unit_tests/nets.py"
    recipes.write_bytes(b"my recipes\n")
    nets.write_bytes(b"my nets\n")
    changed("unit_tests/nets.py", None)
    lines = update(folder)
    assert recipes.with_name("recipes.py.yours").read_bytes() == b"my recipes\n"
    assert recipes.read_bytes() == handout.handed_out()["scene_recog/recipes.py"]
    assert nets.read_bytes() == b"my nets\n"
    assert (
        "scene_recog/recipes.py was changed here: that version is kept as recipes.py.yours" in lines
    )
    recipes.write_bytes(b"my other recipes\n")
    update(folder)
    assert recipes.with_name("recipes.py.yours").read_bytes() == b"my recipes\n"
    assert recipes.with_name("recipes.py.yours2").read_bytes() == b"my other recipes\n"


def test_line_ends_are_no_change(folder: Path) -> None:
    for name in ("scene_recog/runner.py", "unit_tests/test_optimizer.py"):
        path = folder / name
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert update(folder) == [f"{folder}: everything is up to date"]
    changed("unit_tests/test_optimizer.py", b"# changed\n")
    assert update(folder) == ["unit_tests/test_optimizer.py: updated"]


def test_update_as_a_zip_has_no_file_of_a_student(folder: Path) -> None:
    changed("unit_tests/test_optimizer.py", b"# changed\n")
    update(folder, make_zip=True)
    with zipfile.ZipFile(folder.with_name("starter-update.zip")) as archive:
        names = set(archive.namelist())
        assert archive.read("unit_tests/test_optimizer.py") == b"# changed\n"
    assert names == {*handout.handed_out(), HANDOUT_RECORD} - {*ASSIGNMENT, NOTEBOOK, "report.md"}


def test_update_as_a_zip_renews_the_zip_for_newcomers(folder: Path) -> None:
    changed("unit_tests/test_optimizer.py", b"# changed\n")
    update(folder, make_zip=True)
    with zipfile.ZipFile(folder.with_name("starter.zip")) as archive:
        names = {name.removeprefix("starter/") for name in archive.namelist()}
        assert archive.read("starter/unit_tests/test_optimizer.py") == b"# changed\n"
    assert names == {*handout.handed_out(), HANDOUT_RECORD}


def test_update_needs_a_hand_out(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"it has no \.handout\.json"):
        update(tmp_path)
    with pytest.raises(ValueError, match="has variant 0, not 3"):
        update(folder, 3)
    (folder / HANDOUT_RECORD).write_text("{")
    with pytest.raises(ValueError, match="is damaged"):
        update(folder)
