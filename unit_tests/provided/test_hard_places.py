"""The command line where a terminal, a home or a locale is not what one expects."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scene_recog import cli

VERBS = """
import sys
from scene_recog.cli import main
data = sys.argv[1]
train = "train --recipe part1 --epochs 1 --device cpu --set val_fraction=0.34"
verbs = "evaluate part1-001", "report part1-001", "doctor part1-001", "runs", "info"
for line in (train, "data show", *verbs):
    arguments = line.split() + ["--data", data] * line.startswith(("train", "data"))
    assert main(arguments) == 0, line
"""


def test_verbs_work_in_ascii_in_20_columns_and_without_a_home(
    sketches: Path, tmp_path: Path
) -> None:
    a_file = tmp_path / "file"
    a_file.touch()
    here = tmp_path / "café"
    here.mkdir()
    homes = ("HOME", "USERPROFILE", "LOCALAPPDATA", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")
    environment = {
        **os.environ,
        **dict.fromkeys(homes, str(a_file / "x")),  # cannot be made
        "PYTHONPATH": str(Path(cli.__file__).parents[2]),
        "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0", "COLUMNS": "20", "TERM": "dumb",
    }  # fmt: skip
    finished = subprocess.run(
        [sys.executable, "-c", VERBS, str(sketches)],
        cwd=here, env=environment, capture_output=True, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr.decode(errors="replace")
    assert finished.stderr == b"", "nothing to tell"


def test_help_fits_any_width(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    for verb in ("", "train", "evaluate", "predict", "report", "doctor", "runs", "pack", "submit"):
        with pytest.raises(SystemExit, match="0"):
            cli.main([*([verb] if verb else []), "--help"])


def test_unknown_home_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def no_home(path: Path) -> Path:
        raise RuntimeError("Could not determine home directory.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "expanduser", no_home)
        assert cli.main(["data", "stats", "--data", "~/photographs"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("scene-recog: a path begins with ~")
    assert error.count("\n") == 1
