"""`scene-recog pack`: the zip for Colab and Kaggle."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from scene_recog import cli


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder in which somebody has worked; a folder in it is the current one."""
    root = tmp_path / "project"
    for name in (
        "proj3.ipynb", "pyproject.toml", "report.md", "rubric.toml", "scene_recog/optimizer.py",
        "scene_recog/my_own.py", "unit_tests/provided/test_x.py", "data/README.md",
        "docs/DOCTOR.md", ".handout.json",
        # what stays
        "data/train/forest/1.jpg", "sketch15/train/forest/1.jpg", "model_checkpoints/a/best.pt",
        "scene_recog/__pycache__/optimizer.pyc", "scene_recog/.ipynb_checkpoints/optimizer.py",
        "unit_tests/repository/test_y.py", ".git/config", ".venv/bin/python", "submission.zip",
        "scene-recog.zip",
    ):  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    monkeypatch.chdir(root / "scene_recog")
    return root


def test_work_is_packed_as_it_is_and_the_rest_stays(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "scene_recog" / "optimizer.py").write_bytes(b"def (  # \xff unfinished\r\n")
    assert cli.main(["pack"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{project / 'scene-recog.zip'}: 10 files, 0.1 MB, without datasets")
    assert "Colab" in said
    with zipfile.ZipFile(project / "scene-recog.zip") as packed:
        assert packed.namelist() == [
            "scene-recog/.handout.json",
            "scene-recog/data/README.md",
            "scene-recog/docs/DOCTOR.md",
            "scene-recog/proj3.ipynb",
            "scene-recog/pyproject.toml",
            "scene-recog/report.md",
            "scene-recog/rubric.toml",
            "scene-recog/scene_recog/my_own.py",
            "scene-recog/scene_recog/optimizer.py",
            "scene-recog/unit_tests/provided/test_x.py",
        ]
        unfinished = packed.read("scene-recog/scene_recog/optimizer.py")
    assert unfinished == b"def (  # \xff unfinished\r\n"


def test_same_files_give_the_same_bytes(project: Path) -> None:
    assert cli.main(["pack"]) == 0
    first = (project / "scene-recog.zip").read_bytes()
    (project / "proj3.ipynb").touch()
    assert cli.main(["pack"]) == 0
    assert (project / "scene-recog.zip").read_bytes() == first
