"""The functions that the notebook calls, and the notebook's file."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import pytest

from scene_recog.notebook import compare_settings, notebook_mode, run_tests
from scene_recog.recipes import RECIPES
from scene_recog.runner import Trainer

NOTEBOOK = Path(__file__).parents[2] / "proj3.ipynb"


def test_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCENE_RECOG_NOTEBOOK", raising=False)
    assert notebook_mode() == "quick"
    monkeypatch.setenv("SCENE_RECOG_NOTEBOOK", "full")
    assert notebook_mode() == "full"
    monkeypatch.setenv("SCENE_RECOG_NOTEBOOK", "fast")
    with pytest.raises(ValueError, match="SCENE_RECOG_NOTEBOOK is 'fast'"):
        notebook_mode()


def test_no_such_tests(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="run the notebook in the project's folder"):
        run_tests("thing", folder=tmp_path)


def test_interrupted_cell_can_be_run_again(
    sketches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = RECIPES["part1"].override(["epochs=1", "val_fraction=0.34", "scheduler=none"])
    cell = partial(compare_settings, recipe, {"a": [], "b": ["lr=0.1"]}, sketches, tmp_path / "r")
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "validate", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            cell()
    assert [len(rows) for rows in cell().values()] == [1, 1]


def test_settings_are_compared(
    sketches: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = RECIPES["part1"].override(
        ["epochs=2", "val_fraction=0.34", "optimizer_type=sgd", "scheduler=none"]
    )
    variants = {"slow": ["lr=0.001"], "one epoch": ["epochs=1"], "far too fast": ["lr=1e30"]}
    histories = compare_settings(recipe, variants, sketches, tmp_path / "runs")
    assert list(histories) == list(variants)
    assert [len(rows) for rows in histories.values()] == [2, 1, 0]
    assert histories["slow"][0]["learning_rate"] == 0.001
    assert "far too fast: the loss is" in capsys.readouterr().out
    config = json.loads((tmp_path / "runs" / "01" / "config.json").read_text())
    assert config["recipe"]["lr"] == 0.001
