"""Do the files for Gradescope and GitHub Classroom have what they need, and nothing else?"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from scene_recog.assignment import STEPS
from scene_recog.submission import STEP_FILES
from teaching.classroom import workflow, write_workflow
from teaching.gradescope import make_autograder
from teaching.handout import REPOSITORY, hand_out
from teaching.rubric import read_rubric


@pytest.fixture(scope="module")
def autograder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("autograder")
    for name in ("bedroom", "coast"):
        (folder / "images" / name).mkdir(parents=True)
        Image.new("L", (70, 80), 90).save(folder / "images" / name / "image_0001.jpg")
    make_autograder(folder / "autograder.zip", 5, folder / "images")
    return folder / "autograder.zip"


def test_autograder_has_its_two_scripts_and_no_solution(autograder: Path) -> None:
    with zipfile.ZipFile(autograder) as packed:
        names = packed.namelist()
        assert {"setup.sh", "run_autograder", "requirements.txt"} <= set(names)
        contents = {name: packed.read(name) for name in names}
    for name in ("setup.sh", "run_autograder"):
        assert contents[name].startswith(b"#!/usr/bin/env bash\n")
        assert b"\r" not in contents[name]
        subprocess.run(["bash", "-n"], input=contents[name], check=True)
    # The image's Python may be older than this one: torch has builds for all, the newest numpy not.
    relations = dict(
        re.match(r"([a-z]+)(==|<=|>=)", line).groups()  # type: ignore[union-attr]
        for line in contents["requirements.txt"].decode().splitlines()
    )
    assert relations["torch"] == relations["torchvision"] == "=="
    assert relations["numpy"] == relations["matplotlib"] == "<="
    for name in STEP_FILES.values():
        solved = (REPOSITORY / name).read_bytes()
        assert solved not in contents.values(), name
        assert b"raise NotImplementedError" in contents[f"workshop/handout/{name}"]
        assert f"workshop/package/{name}" not in names
    assert not [name for name in names if "submissions" in name or "attacks" in name]


def test_autograder_is_not_written_over(autograder: Path) -> None:
    with pytest.raises(ValueError, match="remove it"):
        make_autograder(autograder, 5, autograder.parent / "images")


@pytest.fixture
def gradescope(autograder: Path, tmp_path: Path) -> Path:
    """A folder with the layout of /autograder; this Python replaces the one from setup.sh."""
    top = tmp_path / "autograder"
    for name in ("source", "submission", "results"):
        (top / name).mkdir(parents=True)
    for folder in (top, *top.parents[:4]):  # another user must come through
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    with zipfile.ZipFile(autograder) as packed:
        packed.extractall(top / "source")
    (top / "source" / "venv").symlink_to(sys.prefix)
    return top


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("what", ["optimizer", "nothing"])
def test_gradescope_gets_a_result(gradescope: Path, what: str) -> None:
    if what == "optimizer":
        (gradescope / "submission" / "scene_recog").mkdir()
        name = "scene_recog/optimizer.py"
        (gradescope / "submission" / name).write_bytes((REPOSITORY / name).read_bytes())
    run = gradescope / "source" / "run_autograder"
    done = subprocess.run(
        ["bash", str(run)], env={**os.environ, "AUTOGRADER": str(gradescope)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads((gradescope / "results" / "results.json").read_text(encoding="utf-8"))
    scores = {test["name"]: (test["score"], test["max_score"]) for test in found["tests"]}
    assert len(scores) == 2 * len(STEPS) + 2
    points = {name: score for name, (score, most) in scores.items() if score}
    if what == "optimizer":
        assert found["score"] == 10.0, found["output"]
        assert all("optimizer.py" in name for name in points)
    else:
        assert found["score"] == 0.0
        assert "none of the eight files" in found["output"] or "empty" in found["output"]


def test_workflow_has_a_step_for_each_file_with_its_public_points() -> None:
    yaml = pytest.importorskip("yaml")
    rubric = read_rubric()
    found = yaml.safe_load(workflow(rubric))
    steps = found["jobs"]["steps"]["steps"]
    graded = {each["id"]: each["with"] for each in steps if "id" in each}
    assert len(graded) == len(STEPS)
    for file in STEPS:
        one = graded[file.replace("_", "-")]
        assert one["max-score"] == rubric.public[file]
        assert f"unit_tests/test_{file}.py" in one["command"]
        assert (REPOSITORY / "unit_tests" / f"test_{file}.py").is_file()
    report = steps[-1]
    assert report["with"]["runners"].split(",") == list(graded)
    for name in graded:
        assert report["env"][f"{name.upper()}_RESULTS"] == f"${{{{steps.{name}.outputs.result}}}}"


def test_workflow_has_the_lecture_if_it_was_handed_out() -> None:
    text = workflow(read_rubric(lecture=True))
    assert "unit_tests/lecture/test_layers.py" in text
    assert "id: lecture-layers\n" in text
    assert "lecture" not in workflow(read_rubric())


def test_workflow_is_written_into_a_hand_out_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a hand-out"):
        write_workflow(tmp_path)
    hand_out(tmp_path / "project3")
    write_workflow(tmp_path / "project3")
    assert (tmp_path / "project3" / ".github" / "workflows" / "classroom.yml").is_file()
    with pytest.raises(ValueError, match="remove it"):
        write_workflow(tmp_path / "project3")
