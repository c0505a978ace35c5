"""`scene-recog submit`: the packed files, the messages, and that there always is a zip.

The projects here are small, with eight short files of their own, so that a student's own files do
not matter.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from scene_recog import cli, submission
from scene_recog.assignment import FILES, LECTURE, STEPS, path_of_tests
from scene_recog.submission import LECTURE_FILES, LIMITS, NOTEBOOK, STEP_FILES, WEIGHTS

PACKAGE = Path(submission.__file__).parent
FIRST, SECOND = WEIGHTS
NET = """
from torch import nn

class {name}(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc_layers = nn.Linear({size}, 1)
"""
SOURCES = {
    **dict.fromkeys(STEPS, "def step():\n    return 1\n"),
    "simple_net": NET.format(name="SimpleNet", size=2),
    "simple_net_final": NET.format(name="SimpleNetFinal", size=3),
    "dl_utils": """
import torch
from scene_recog.simple_net import SimpleNet
from scene_recog.simple_net_final import SimpleNetFinal

def load_trained_model_weights(path):
    print("loading", path)
    saved = torch.load(path, weights_only=True)
    net = {"SimpleNet": SimpleNet, "SimpleNetFinal": SimpleNetFinal}[saved["class_name"]]()
    net.load_state_dict(saved["state_dict"])
    return net
""",
}
TESTS = "def test_a(): pass\ndef test_b(): pass\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with everything to hand in, on which this process runs the command."""
    root = tmp_path / "project"
    for folder in ("scene_recog", "unit_tests", "model_checkpoints"):
        (root / folder).mkdir(parents=True)
    (root / "pyproject.toml").write_text("[tool.pytest.ini_options]\nmarkers = ['beyond: more']\n")
    for file, source in SOURCES.items():
        (root / STEP_FILES[file]).write_text(source)
        (root / "unit_tests" / f"test_{file}.py").write_text(TESTS)
    write_notebook(root, "x = 1\n")
    for file, (name, size) in zip(WEIGHTS, [("SimpleNet", 2), ("SimpleNetFinal", 3)], strict=True):
        state = {"fc_layers.weight": torch.ones(1, size), "fc_layers.bias": torch.ones(1)}
        torch.save({"class_name": name, "state_dict": state}, root / file)
    (root / "report.pdf").write_bytes(b"%PDF-1.7")
    (root / "report.md").write_bytes(b"My answers.")
    monkeypatch.setattr(submission, "find_project", lambda: root)
    monkeypatch.setattr(submission, "check_weights", lambda project, file: None)  # slow, see below
    return root


@pytest.fixture
def whole(project: Path) -> Path:
    """The same with the provided part of the package, so that Python runs in it."""
    theirs = {f"{file}.py" for file in STEPS}

    def ignore(folder: str, names: list[str]) -> set[str]:
        return {name for name in names if name in theirs or name == "__pycache__"}

    shutil.copytree(PACKAGE, project / "scene_recog", ignore=ignore, dirs_exist_ok=True)
    return project


def write_notebook(root: Path, source: str, **more: Any) -> None:
    cell = {
        "cell_type": "code", "id": "a", "execution_count": 1, "outputs": [], "source": [source],
        "metadata": {"executionInfo": {"user": {"displayName": "Ann"}}}, **more,
    }  # fmt: skip
    notebook = {
        "cells": [cell], "metadata": {"authors": ["Ann"], "kernelspec": {"name": "anns-env"}},
        "nbformat": 4, "nbformat_minor": 5,
    }  # fmt: skip
    (root / NOTEBOOK).write_text(json.dumps(notebook))


def submit(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """Run the verb: its JSON, which agrees with its exit code and with the zip."""
    code = cli.main(["submit", "--json", *arguments])
    summary: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert code == bool(summary["problems"])
    with zipfile.ZipFile(summary["zip"]) as packed:
        assert packed.testzip() is None
        assert packed.namelist() == summary["files"]
    return summary


def check(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    return submit(capsys, "--no-tests")


def packed_in(project: Path, name: str) -> bytes:
    with zipfile.ZipFile(project / "submission.zip") as packed:
        return packed.read(name)


# ------------------------------------------------------------------------ the zip


def test_packs_everything_byte_for_byte(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = b"\xef\xbb\xbfdef step():\r\n    return 'caf\xc3\xa9'\r\n"
    (project / STEP_FILES["optimizer"]).write_bytes(source)
    summary = check(capsys)
    assert summary["zip"] == str(project / "submission.zip")
    assert summary["files"] == list(LIMITS)
    assert summary["problems"] == summary["notices"] == []
    assert packed_in(project, STEP_FILES["optimizer"]) == source
    for name in (*WEIGHTS, "report.pdf"):
        assert packed_in(project, name) == (project / name).read_bytes()
    about = json.loads(packed_in(project, "submission.json"))
    assert about == {"format": 1, "name": None}


def test_same_files_give_the_same_bytes(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check(capsys)
    first = (project / "submission.zip").read_bytes()
    for name in ("scene_recog/optimizer.py", "report.pdf"):
        os.utime(project / name, (1e9, 1e9))
        (project / name).chmod(0o600)
    check(capsys)
    assert (project / "submission.zip").read_bytes() == first
    with zipfile.ZipFile(project / "submission.zip") as packed:
        assert {(i.date_time, i.external_attr >> 16) for i in packed.infolist()} == {
            ((1980, 1, 1, 0, 0, 0), 0o100644)
        }


def test_name_and_place_are_those_given(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mine.zip"
    summary = submit(capsys, "--no-tests", "--name", "Ann Müller", "--out", str(out))
    assert summary["zip"] == str(out)
    for arguments in ([], ["--name", "Ann Müller"]):  # a name is kept
        with zipfile.ZipFile(out) as packed:
            assert json.loads(packed.read("submission.json"))["name"] == "Ann Müller"
        submit(capsys, "--no-tests", "--out", str(out), *arguments)
    assert not (project / "submission.zip").exists()


@pytest.mark.parametrize("out", ["proj3.ipynb", "", "nowhere/x.zip"])
def test_other_places_are_refused(
    project: Path, out: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (project / NOTEBOOK).read_bytes()
    assert cli.main(["submit", "--no-tests", "--out", str(project / out)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert (project / NOTEBOOK).read_bytes() == before


def test_last_lines_say_what_is_in_the_zip(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["submit", "--no-tests"]) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first == f"{project / 'submission.zip'}: 14 files, 0.1 MB"
    assert rest == [*(f"  {name}" for name in LIMITS), "it has no name in it; --name adds one"]
    assert cli.main(["submit", "--no-tests", "--name", "Ann Müller"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "name in it: Ann Müller"


def test_nothing_written_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = "def step():\n    raise NotImplementedError('write step')\n"
    for file in STEPS:
        (project / STEP_FILES[file]).write_text(empty)
    (project / STEP_FILES["optimizer"]).unlink()
    assert cli.main(["submit"]) == 2
    error = capsys.readouterr().err
    assert "none of the eight files" in error
    assert error.count("\n") == 1
    assert not (project / "submission.zip").exists()
    (project / STEP_FILES["stats_helper"]).write_text(f"{empty}\ndef more(): return 1\n")
    summary = check(capsys)
    assert f"{STEP_FILES['stats_helper']} is not written yet: step" in summary["problems"]


# ------------------------------------------------------------------------ what is named


def test_what_is_not_there_is_named(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lost = [STEP_FILES["optimizer"], NOTEBOOK, FIRST]
    for name in lost:
        (project / name).unlink()
    for name in ("report.pdf", "report.md"):
        (project / name).unlink()
    (project / SECOND).write_bytes(b"")
    (project / STEP_FILES["dl_utils"]).write_text(" \n")
    (project / STEP_FILES["stats_helper"]).write_text('"""Only words."""\n# and a comment\n')
    (project / STEP_FILES["image_loader"]).unlink()
    (project / STEP_FILES["image_loader"]).mkdir()
    summary = check(capsys)
    told = [" ".join(line.partition(":")[0].split()[1:4]) for line in summary["problems"]]
    assert told == [
        "is a folder,", "is empty", "is missing", "has no code", "is missing", "is missing",
        "is empty",
    ]  # fmt: skip
    assert summary["notices"] == [
        "no report.pdf: hand it in separately, or put it here and run this again"
    ]
    assert not set(lost) & set(summary["files"])


def test_a_report_that_is_no_pdf_is_packed(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "report.pdf").unlink()
    summary = check(capsys)
    assert "report.md" in summary["files"]
    assert summary["notices"][0].startswith("no report.pdf: report.md is packed instead. ")
    handed_out = {"files": {"report.md": hashlib.sha256(b"# 1\n").hexdigest()}}
    (project / ".handout.json").write_text(json.dumps(handed_out))
    (project / "report.md").write_bytes(b"# 1\r\n")
    assert check(capsys)["notices"] == ["no report.pdf, and report.md has no answers yet"]


@pytest.mark.parametrize(
    ("epochs", "title", "is_said"),
    [(3, "the photographs", True), (40, "drawn sketches", True), (40, "the photographs", False)],
)
def test_networks_of_the_quick_notebook_are_named(
    project: Path, capsys: pytest.CaptureFixture[str], epochs: int, title: str, is_said: bool
) -> None:
    run = project / "model_checkpoints" / "notebook_part1"
    run.mkdir()
    (run / "config.json").write_text(json.dumps({"data": {"title": title}}))
    (run / "history.csv").write_text("epoch\n" + "1\n" * epochs)
    os.utime(run / "history.csv", (1e9, 1e9))
    said = [line for line in check(capsys)["notices"] if line.startswith(FIRST)]
    assert bool(said) == is_said
    if said:
        assert f"for {epochs} epochs on {title}. For the accuracy points, run the" in said[0]
    os.utime(project / FIRST, (9e8, 9e8))  # not of this run
    assert not [line for line in check(capsys)["notices"] if line.startswith(FIRST)]


def test_links_are_followed_to_files(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = tmp_path / "elsewhere.py"
    elsewhere.write_text("def step(): return 2\n")
    for file, target in (("optimizer", elsewhere), ("dl_utils", tmp_path / "nowhere.py")):
        (project / STEP_FILES[file]).unlink()
        try:
            (project / STEP_FILES[file]).symlink_to(target)
        except OSError:
            pytest.skip("no links here")
    summary = check(capsys)
    assert packed_in(project, STEP_FILES["optimizer"]) == elsewhere.read_bytes()
    assert summary["problems"] == ["scene_recog/dl_utils.py is a link to a missing file"]


def test_a_file_over_its_limit_is_left_out(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "report.pdf").write_bytes(bytes(LIMITS["report.pdf"] + 1))
    summary = check(capsys)
    assert summary["problems"] == [
        "report.pdf is left out of the zip: it has 20.1 MB, and the limit is 20 MB"
    ]
    assert "report.pdf" not in summary["files"]
    (project / "report.pdf").write_bytes(os.urandom(60_000))
    (project / FIRST).write_bytes(os.urandom(50_000))
    monkeypatch.setattr(submission, "ZIP_LIMIT", 60_000)
    summary = check(capsys)
    assert [line.split()[0] for line in summary["problems"]] == ["report.pdf"]
    assert FIRST in summary["files"]


def test_unfinished_code_is_named_and_packed(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sources = {
        "optimizer": "def get(:\n",
        "dl_utils": "x = '\\d'\nclass A:\n    def b(self):\n        raise NotImplementedError\n",
        "stats_helper": "x = 1\0",
        "image_loader": "(" * 5000,
    }
    for file, source in sources.items():
        (project / STEP_FILES[file]).write_text(source)
    summary = check(capsys)
    told = {line.split()[0]: line for line in summary["problems"]}
    assert told[STEP_FILES["optimizer"]].endswith("does not parse: line 1: invalid syntax")
    assert told[STEP_FILES["dl_utils"]].endswith("is not written yet: A.b")
    assert "does not parse" in told[STEP_FILES["stats_helper"]]
    assert "does not parse" in told[STEP_FILES["image_loader"]]
    assert len(told) == 4
    assert set(STEP_FILES.values()) <= set(summary["files"])


@pytest.mark.parametrize(
    "path",
    [
        "/home/ann/data", "/data/15scene/train", "/tmp/x.pt", "/content", "C:\\Users\\ann", "d:/x",
        "\\\\server\\share\\x", "~/data", "~ann/data", "/Users/Ann Lee/x",
    ],
)  # fmt: skip
def test_absolute_paths_are_found(path: str) -> None:
    for source in (f"f({path!r})", f"x = {path!r} + name", f"x = f{path + '/{x}'!r}"):
        assert [line for line, _ in submission.absolute_paths(ast.parse(source))] == [1], source


@pytest.mark.parametrize(
    "text",
    [
        "/", "/255", "/train", "/train/", "/*/*.jpg", "//", "a/b", "data/train", "./data", "../x",
        "http://a.org/b", "file:///a/b", "https://a.org/~ann/b", "\\d+/\\w+", "/\\w+/\\d", "\n",
        "$\\alpha/\\beta$", "~\\mu", "~", "N:\n", "loss:\\n", "mean / std", "\\frac{a}{b}", "\\\\",
        "x\n/home/ann/data", "",
    ],
)  # fmt: skip
def test_other_strings_are_no_paths(text: str) -> None:
    source = f"f({text!r})\nx = {text!r} + y\n'''/home/ann/x'''\n# '/home/ann/x'\n"
    assert list(submission.absolute_paths(ast.parse(source))) == []


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    '''/home/ann/x'''", "x = root + '/train/bedroom'", "f'{root}/train/bedroom'",
        "x = root + f'/train/bedroom/{x}'", "x = '/train/bedroom' in path", "# /home/ann/x",
    ],
)  # fmt: skip
def test_docstrings_and_ends_of_paths_are_no_absolute_paths(source: str) -> None:
    assert list(submission.absolute_paths(ast.parse(source))) == []


def test_absolute_paths_are_named_with_their_place(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = "def step():\n" + "".join(f"    f('/home/ann/{n}')\n" for n in range(5))
    (project / STEP_FILES["dl_utils"]).write_text(source)
    write_notebook(project, "%cd /content\n!ls /home/ann\nif x:\n    %time f()\nf('~/data')")
    in_file, in_notebook = check(capsys)["problems"]
    assert in_file.startswith("scene_recog/dl_utils.py has absolute paths")
    assert "line 2 '/home/ann/0'" in in_file
    assert "and 2 more" in in_file
    assert in_notebook.startswith("proj3.ipynb has absolute paths")
    assert "cell 1 '~/data'" in in_notebook
    assert "content" not in in_notebook


# ------------------------------------------------------------------------ nothing personal


def test_notebook_is_packed_without_who_and_where(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    home = tmp_path / "ann lee"
    home.mkdir()
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(home))
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": [f"{project}/data {home}\n", "kept"]},
        {
            "output_type": "error", "ename": "E", "evalue": repr(f"\n{home / 'x'}"),
            "traceback": [f"\x1b[0;32m{home}/a.py\x1b[0m C:\\\\Users\\\\ann\\\\x c:/Users/ann/x"],
        },
        {
            "output_type": "display_data", "metadata": {"where": str(home)},
            "data": {"image/png": "/home/ann/abc=", "text/html": "<a href='file:///home/ann/x'>"},
        },
    ]  # fmt: skip
    source = f"# {home}ish and {project}s\nx = {str(home)!r}  # http://a.org/home/ann/x half \ud83d"
    write_notebook(project, source, outputs=outputs)
    before = (project / NOTEBOOK).read_bytes()
    summary = check(capsys)
    assert (project / NOTEBOOK).read_bytes() == before
    text = packed_in(project, NOTEBOOK).decode()
    notebook = json.loads(text)
    (cell,) = notebook["cells"]
    assert cell["metadata"] == {}
    assert notebook["metadata"] == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert "Ann" not in text
    assert cell["outputs"][0]["text"] == ["./data ~\n", "kept"]
    assert cell["outputs"][1]["traceback"] == ["\x1b[0;32m~/a.py\x1b[0m ~\\\\x ~/x"]
    assert str(home) not in cell["outputs"][1]["evalue"]
    assert cell["outputs"][2]["data"]["image/png"] == "/home/ann/abc="
    assert cell["outputs"][2]["data"]["text/html"] == "<a href='file://~/x'>"
    assert cell["outputs"][2]["metadata"] == {"where": "~"}
    expected = f"# {home}ish and {project}s\nx = '~'  # http://a.org/home/ann/x half \ud83d"
    assert cell["source"] == [re.sub(r"pytest-of-\w+", "pytest-of-~", expected)]
    (notice,) = summary["notices"]
    count = 9 + 2 * ("pytest-of-" in str(home))
    assert notice.startswith(f"proj3.ipynb: {count} paths on your computer")


@pytest.mark.parametrize("text", ["no json", "[1]", '{"cells": [1]}', "[" * 100_000])
def test_notebook_that_is_none_is_named_and_packed(
    project: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / NOTEBOOK).write_text(text)
    (problem,) = check(capsys)["problems"]
    assert problem.startswith("proj3.ipynb is not a notebook")
    assert packed_in(project, NOTEBOOK) == text.encode()


@pytest.mark.parametrize("new_format", [True, False])
def test_weights_with_a_path_are_named(
    project: Path, new_format: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = {"class_name": "SimpleNet", "model_dir": str(project / "runs")}
    torch.save(saved, project / FIRST, _use_new_zipfile_serialization=new_format)
    (problem,) = check(capsys)["problems"]
    assert problem.startswith(f"{FIRST} holds more than weights")


# ------------------------------------------------------------------------ weights


def test_weights_of_another_network_are_named(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    (whole / STEP_FILES["simple_net"]).write_text(NET.format(name="SimpleNet", size=7))
    told = submission.check_weights(whole, FIRST) or ""
    assert told.startswith(f"{FIRST} does not load: step 1.3: dl_utils.py, line 10, in load_")
    assert "size mismatch" in told
    shutil.copy(whole / SECOND, whole / FIRST)
    assert submission.check_weights(whole, FIRST) == f"{FIRST} holds weights of SimpleNetFinal"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("print('a' * 100_000)\n    raise SystemExit('bye\\nbye')", "SystemExit: bye bye"),
        ("raise NotImplementedError('write it')", "is not written yet"),
        ("import os\n    os._exit(0)", "without a message"),
        ("return input()", "EOFError"),
        ("while True: pass", "endless loop"),
    ],
)
def test_whatever_loading_does_becomes_one_line(
    whole: Path, body: str, reason: str, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.undo()
    if "while" in body:
        monkeypatch.setattr(submission, "LOADING_LIMIT", 1)
    source = f"def load_trained_model_weights(path):\n    {body}\n"
    (whole / STEP_FILES["dl_utils"]).write_text(source)
    told = submission.check_weights(whole, FIRST) or ""
    assert told.startswith(FIRST)
    assert reason in told
    assert "\n" not in told
    assert capfd.readouterr() == ("", "")


# ------------------------------------------------------------------------ tests and points


def test_counts_and_public_points(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tests = {
        "optimizer": "import pytest\ndef test_a(): pass\ndef test_b(): assert 0\n"
        "def test_c(): pytest.skip('cannot judge: x')\n"
        "def test_d(): pytest.skip('there is a GPU')\n"
        "@pytest.mark.beyond\ndef test_e(): assert 0\n"
        "@pytest.fixture\ndef leaves():\n    yield\n    raise ValueError\n"
        "def test_f(leaves): assert 0\n",
        "dl_utils": "import nothing_of_that_name\n",
    }
    for file, text in tests.items():
        (project / "unit_tests" / f"test_{file}.py").write_text(text)
    (project / "unit_tests/test_simple_net.py").unlink()
    rubric = "hidden_points = 9\n[tests]\n" + "".join(f"{f} = {{ public = 5 }}\n" for f in STEPS)
    (project / "rubric.toml").write_text(rubric)
    summary = submit(capsys)
    found = {
        file: (step["passed"], step["total"], step["points"])
        for file, step in summary["steps"].items()
    }
    assert found == {
        **dict.fromkeys(STEPS, (2, 2, 5.0)),
        "optimizer": (1, 4, 1.2),
        "dl_utils": (0, 0, 0.0),
        "simple_net": (0, 0, 0.0),
    }
    assert summary["steps"]["optimizer"]["unjudged"] == 1
    assert (summary["public_points"], summary["public_points_of"]) == (26.2, 40)
    told = dict(line.split(": ", 1) for line in summary["problems"])
    assert told["scene_recog/optimizer.py"] == (
        "2 of its 4 tests did not pass; see pytest unit_tests/test_optimizer.py"
    )
    assert "nothing_of_that_name" in told["scene_recog/dl_utils.py"]
    assert "no unit_tests/test_simple_net.py" in told["scene_recog/simple_net.py"]
    assert len(summary["problems"]) == 3


def test_the_lecture_is_packed_and_counted_if_it_was_handed_out(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "scene_recog" / "lecture").mkdir()
    for name in LECTURE_FILES.values():
        (project / name).write_text("def step():\n    return 1\n")
    (project / "lecture.ipynb").write_bytes((project / "proj3.ipynb").read_bytes())
    of_lecture = {*LECTURE_FILES.values(), "lecture.ipynb"}
    assert not of_lecture.intersection(submit(capsys, "--no-tests")["files"])

    (project / "unit_tests" / "lecture").mkdir()
    for file in LECTURE:
        (project / path_of_tests(file)).write_text(TESTS)
    (project / path_of_tests("lecture/layers")).write_text(TESTS + "def test_c(): assert 0\n")
    (project / LECTURE_FILES["lecture/counts"]).write_text(
        "def step():\n    raise NotImplementedError('write step')\n"
    )
    (project / LECTURE_FILES["lecture/network"]).unlink()
    entries = "".join(f"{f} = {{ public = 5 }}\n" for f in STEPS)
    more = "".join(f"{f.partition('/')[2]} = {{ public = 3 }}\n" for f in LECTURE)
    (project / "rubric.toml").write_text(f"[tests]\n{entries}[lecture]\n{more}")
    summary = submit(capsys)
    assert list(summary["steps"]) == list(FILES)
    assert summary["steps"]["lecture/layers"] == {
        "step": "L1", "passed": 2, "total": 3, "unjudged": 0, "reason": "",
        "points": 2.0, "of": 3.0,
    }  # fmt: skip
    assert summary["public_points_of"] == 8 * 5 + 4 * 3
    assert {"scene_recog/lecture/layers.py", "lecture.ipynb"} <= set(summary["files"])
    told = dict(re.split(":? is |: ", line, maxsplit=1) for line in summary["problems"])
    assert told == {
        "scene_recog/lecture/layers.py": "1 of its 3 tests did not pass; see pytest "
        "unit_tests/lecture/test_layers.py",
        "scene_recog/lecture/counts.py": "not written yet: step",
        "scene_recog/lecture/network.py": "missing",
    }


def test_table_and_total_are_printed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "teaching").mkdir()
    points = "".join(f"{file} = {{ public = 6, hidden = 4 }}\n" for file in STEPS)
    (project / "teaching" / "rubric.toml").write_text(f"[tests]\n{points}")
    (project / STEP_FILES["optimizer"]).write_text("def get(:")
    (project / "unit_tests/test_optimizer.py").write_text("def test_a(:")
    assert cli.main(["submit"]) == 1
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[0] == "1.1 image_loader      2 of 2    6 of 6 points"
    assert lines[4] == "1.3 optimizer         not run   0 of 6 points"
    assert lines[8].startswith("public points: 42 of 48; hidden tests, accuracy and the report")
    assert lines[10:12] == [
        "To fix:",
        "- scene_recog/optimizer.py does not parse: line 1: invalid syntax",
    ]
    assert captured.err.startswith(f"{project / 'submission.zip'} is written. The tests")


@pytest.mark.parametrize("rubric", ["[tests", "[tests]\noptimizer = { public = 'six' }\n", None])
def test_without_a_rubric_tests_are_counted_only(
    project: Path, rubric: str | None, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    counts = {file: submission.Count(2, 2) for file in STEPS}
    monkeypatch.setattr(submission, "count_tests", lambda project: counts)
    if rubric:
        (project / "rubric.toml").write_text(rubric)
    summary = submit(capsys)
    assert summary["public_points"] is None
    assert summary["steps"]["optimizer"]["passed"] == 2
    assert [line.startswith("no points") for line in summary["notices"]] == [True] * bool(rubric)


def test_without_pytest_the_zip_is_packed(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    summary = submit(capsys)
    (notice,) = summary["notices"]
    assert "pytest is not installed" in notice
    assert '".[test]"' in notice
    assert summary["steps"] == {}


def test_tests_that_do_not_end_are_stopped(project: Path) -> None:
    (project / "unit_tests/test_optimizer.py").write_text("while True: pass\n")
    counts = submission._counted(project, ["optimizer"], 1)
    assert counts == {"optimizer": submission.Count(reason="they did not finish within 1 s")}
    ends_all = "import os\n\nos._exit(3)\n"  # sys.exit() does, too, in newer versions of pytest
    (project / "unit_tests/test_dl_utils.py").write_text(ends_all)
    assert submission._counted(project, ["dl_utils", "stats_helper"], 60) == {}


def test_tests_that_end_all_cost_no_other_file_its_points(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = []

    def counted(project: Path, files: list[str], limit: float) -> dict[str, submission.Count]:
        limits.append(limit)
        is_stopped = len(files) > 1 or files == ["optimizer"]
        return {} if is_stopped else {files[0]: submission.Count(2, 2)}

    monkeypatch.setattr(submission, "_counted", counted)
    counts = submission.count_tests(project)
    assert [file for file, count in counts.items() if count.reason] == ["optimizer"]
    assert min(limits) > 0.9 / len(STEPS) * submission.TESTS_LIMIT


def test_ctrl_c_stops_the_tests_and_shows_the_rest(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(project: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(submission, "count_tests", stop)
    (project / FIRST).unlink()
    summary = submit(capsys)
    assert len(summary["problems"]) == 1
    assert summary["notices"][0].startswith("you stopped the tests")


@pytest.mark.parametrize(
    ("points", "passed", "total", "expected"),
    [
        (6, 12, 12, 6), (6, 11, 12, 5.5), (6, 0, 12, 0), (6, 0, 0, 0), (6, 1999, 2000, 5.9),
        (4.35, 3, 3, 4.35), (0.7, 1, 1, 0.7), (0.3, 1, 3, 0.1), (10, 2, 3, 6.6),
    ],
)  # fmt: skip
def test_public_points_are_rounded_down(
    points: float, passed: int, total: int, expected: float
) -> None:
    assert submission.public_points(points, passed, total) == expected


# ------------------------------------------------------------------------ where it runs


def run(folder: Path, *arguments: str, path: Path | None = None) -> tuple[int, str, str]:
    environment = os.environ | ({"PYTHONPATH": str(path)} if path else {})
    code = "from scene_recog.cli import main; raise SystemExit(main())"
    finished = subprocess.run(
        [sys.executable, "-c", code, "submit", *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return finished.returncode, finished.stdout, finished.stderr


def test_it_runs_as_students_run_it(whole: Path) -> None:
    code, out, err = run(whole)
    assert (code, out.splitlines()[0]) == (0, "1.1 image_loader      2 of 2"), out + err
    assert "To fix" not in out  # the weights are correct, too
    assert (whole / "submission.zip").is_file()


def test_student_files_do_not_run_before_the_zip_is_packed(whole: Path) -> None:
    for file in STEPS:
        (whole / STEP_FILES[file]).write_text("import os\nos._exit(7)\n")
    code, out, _ = run(whole, "--no-tests")
    assert code == 1
    assert "Python stopped without a message" in out
    assert (whole / "submission.zip").is_file()


def test_another_copy_of_the_project_is_refused(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.chdir(whole / "unit_tests")
    with pytest.raises(ValueError, match="another copy") as caught:
        submission.find_project()
    assert f"{whole}: run `pip install -e .` there" in str(caught.value)
    monkeypatch.chdir(PACKAGE.parent)
    assert submission.find_project() == PACKAGE.parent
    monkeypatch.chdir(tmp_path)
    assert submission.find_project() == PACKAGE.parent


def test_a_package_without_its_project_is_refused(whole: Path, tmp_path: Path) -> None:
    shutil.rmtree(whole / "unit_tests")
    code, out, err = run(tmp_path, path=whole)
    assert (code, out) == (2, "")
    assert err.startswith("scene-recog: there is no unit_tests beside")
    assert err.count("\n") == 1
