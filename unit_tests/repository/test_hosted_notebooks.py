"""The notebook's first cell, in folders laid out as in Colab, Kaggle and elsewhere."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from scene_recog import cli
from scene_recog.submission import absolute_paths, python_of_cell

REPOSITORY = Path(__file__).parents[2]
NOTEBOOK = REPOSITORY / "proj3.ipynb"
COLAB = """
import sys, types
from pathlib import Path
google, colab, drive = map(types.ModuleType, ("google", "google.colab", "google.colab.drive"))
def mount(place):
    print("asked for Drive")
    assert Path(place) == Path(sys.argv[1]) / "content" / "drive"
    (Path(sys.argv[1]) / "Drive").rename(place)
drive.mount, colab.drive = mount, drive
sys.modules |= {"google": google, "google.colab": colab}
"""
THEN = """
import scene_recog.notebook
print(Path(scene_recog.__file__).parents[1] == Path.cwd())
"""


def first_cell() -> str:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return "".join(next(c for c in notebook["cells"] if c["cell_type"] == "code")["source"])


def run_first_cell(root: Path, here: Path, *, colab: bool = False) -> str:
    """Run the cell in `here`, with `root` in the place of /; what it printed."""
    assert 'Path("/")' in first_cell()
    cell = python_of_cell(first_cell()).replace('Path("/")', "Path(sys.argv[1])")
    code = (COLAB if colab else "") + cell + ("\n" + THEN)
    here.mkdir(parents=True, exist_ok=True)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    finished = subprocess.run(
        [sys.executable, "-c", code, str(root)],
        cwd=here, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.endswith("True\n"), "the package is the one in the project's folder"
    return finished.stdout


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `scene-recog pack` writes for this repository."""
    project = tmp_path_factory.mktemp("made") / "project"
    ignore = shutil.ignore_patterns("__pycache__", ".cache")
    for folder in ("scene_recog", "unit_tests"):
        shutil.copytree(REPOSITORY / folder, project / folder, ignore=ignore)
    for name in ("proj3.ipynb", "pyproject.toml"):
        shutil.copy(REPOSITORY / name, project)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        assert cli.main(["pack"]) == 0
    return project / "scene-recog.zip"


def unpack(archive: Path, folder: Path) -> Path:
    """The project's folder, unpacked as `folder`."""
    with zipfile.ZipFile(archive) as file:
        file.extractall(folder.parent)
    return (folder.parent / "scene-recog").rename(folder)


def test_zip_in_colab_is_unpacked_once(packed: Path, tmp_path: Path) -> None:
    content = tmp_path / "content"
    content.mkdir()
    shutil.copy(packed, content / "scene-recog (1).zip")  # as it is named the second time
    said = run_first_cell(tmp_path, content, colab=True)
    assert said.startswith(f"project: {content / 'scene-recog'}")
    (content / "scene-recog" / "scene_recog" / "optimizer.py").write_text("mine = 1")
    run_first_cell(tmp_path, content, colab=True)  # the kernel was restarted
    assert (content / "scene-recog" / "scene_recog" / "optimizer.py").read_text() == "mine = 1"


@pytest.mark.parametrize("place", ["project 3", "Colab Notebooks/project 3"])
def test_folder_in_drive_is_used_where_it_is(packed: Path, tmp_path: Path, place: str) -> None:
    unpack(packed, tmp_path / "Drive" / "MyDrive" / place)
    said = run_first_cell(tmp_path, tmp_path / "content", colab=True)
    folder = tmp_path / "content" / "drive" / "MyDrive" / place
    assert said.startswith(f"asked for Drive\nproject: {folder}")


def test_zip_in_drive_is_unpacked_there(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "Drive" / "MyDrive").mkdir(parents=True)
    shutil.copy(packed, tmp_path / "Drive" / "MyDrive")
    run_first_cell(tmp_path, tmp_path / "content", colab=True)
    assert (tmp_path / "content" / "drive" / "MyDrive" / "scene-recog" / "pyproject.toml").is_file()


@pytest.mark.parametrize("place", ["scenes", "scenes/scene-recog", "datasets/ann/scenes"])
def test_dataset_in_kaggle_is_copied_to_where_one_can_write(
    packed: Path, tmp_path: Path, place: str
) -> None:
    uploaded = unpack(packed, tmp_path / "kaggle" / "input" / place)
    for path in uploaded.rglob("*"):
        if path.is_file():
            path.chmod(0o444)
    working = tmp_path / "kaggle" / "working"
    said = run_first_cell(tmp_path, working)
    assert said.startswith(f"project: {working / 'scene-recog'}")
    mine = working / "scene-recog" / "scene_recog" / "optimizer.py"
    assert mine.stat().st_mode & 0o200
    mine.write_text("mine = 1")
    run_first_cell(tmp_path, working)
    assert mine.read_text() == "mine = 1"


def test_elsewhere_the_project_is_here_already(packed: Path, tmp_path: Path) -> None:
    folder = unpack(packed, tmp_path / "mine")  # as in Binder, in Codespaces, at home
    assert run_first_cell(tmp_path, folder) == "True\n"


def test_nothing_uploaded_is_said(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="FileNotFoundError: upload scene-recog"):
        run_first_cell(tmp_path, tmp_path / "content")


def test_submit_takes_no_path_of_the_first_cell_for_a_person_s_own() -> None:
    assert not list(absolute_paths(ast.parse(python_of_cell(first_cell()))))
