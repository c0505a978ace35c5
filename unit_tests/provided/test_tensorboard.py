"""The contents of TensorBoard, read back from the event files."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from scene_recog import cli
from scene_recog.recipes import RECIPES
from scene_recog.runner import Trainer
from scene_recog.runs.history import read_history

FAST = ["--recipe", "part1", "--device", "cpu", "--set", "val_fraction=0.34"]


def read_events(folder: Path) -> Any:
    """Everything that was logged below the folder."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(folder), {"images": 0, "scalars": 0})
    events.Reload()
    return events


def train(sketches: Path, *arguments: str) -> int:
    return cli.main(["train", *FAST, "--data", str(sketches), "--tensorboard", *arguments])


def test_scalars_and_pictures(
    sketches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorboard")
    monkeypatch.chdir(tmp_path)
    assert train(sketches, "--epochs", "2") == 0
    run = tmp_path / "model_checkpoints" / "part1-001"
    events = read_events(run / "tensorboard")
    history = read_history(run)
    columns = {
        "loss/train": "train_loss",
        "loss/validation": "validation_loss",
        "accuracy/train": "train_accuracy",
        "accuracy/validation": "validation_accuracy",
        "learning_rate": "learning_rate",
        "seconds": "seconds",
    }
    assert set(events.Tags()["scalars"]) == set(columns)
    for tag, column in columns.items():
        logged = [(event.step, event.value) for event in events.Scalars(tag)]
        assert logged == [(row["epoch"], pytest.approx(row[column], rel=1e-5)) for row in history]
    assert set(events.Tags()["images"]) == {"confusion_matrix", "filters"}
    for tag in ("confusion_matrix", "filters"):
        (image,) = events.Images(tag)
        assert image.step == 2
        with Image.open(io.BytesIO(image.encoded_image_string)) as picture:
            assert np.asarray(picture.convert("L")).std() > 5


def test_a_resumed_run_goes_on_in_the_same_curves(
    sketches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorboard")
    monkeypatch.chdir(tmp_path)
    assert train(sketches, "--epochs", "2") == 0
    run = tmp_path / "model_checkpoints" / "part1-001"
    assert cli.main(["train", "--resume", str(run), "--epochs", "3", "--tensorboard"]) == 0
    events = read_events(run / "tensorboard")
    assert [event.step for event in events.Scalars("loss/train")] == [1, 2, 3]
    assert [image.step for image in events.Images("confusion_matrix")] == [2, 3]


def test_not_installed_is_one_line_and_leaves_no_folder(
    sketches: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    for name in [name for name in sys.modules if name.startswith("torch.utils.tensorboard")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.chdir(tmp_path)
    assert train(sketches, "--epochs", "1") == 2
    message = capsys.readouterr().err
    assert 'pip install "scene-recog[tensorboard]"' in message
    assert message.count("\n") == 1
    assert not (tmp_path / "model_checkpoints").exists()


def test_on_epoch_sees_every_epoch(make_trainer: Any, tmp_path: Path) -> None:
    trainer: Trainer = make_trainer()
    seen: list[Any] = []
    trainer.run_training_loop(2, on_epoch=lambda record: seen.append(record))
    assert seen == trainer.records
    assert not (tmp_path / "run" / "tensorboard").exists()


def test_pictures_are_of_the_weights_that_are_validated(
    sketches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tensorboard")
    from scene_recog.visualize import tensorboard

    recipe = RECIPES["part1"].override(["ema_decay=0.9", "val_fraction=0.34"])
    trainer = recipe.make_trainer(sketches, tmp_path / "run", device="cpu")
    trainer.run_training_loop(2)
    shown = []
    draw = tensorboard.confusion_figure

    def watched(evaluation: Any, *args: Any) -> Any:
        shown.append(evaluation)
        return draw(evaluation, *args)

    monkeypatch.setattr(tensorboard, "confusion_figure", watched)
    with tensorboard.TensorBoardLog(trainer) as log:
        log.log_pictures()
    assert shown[0].accuracy == pytest.approx(trainer.validation_accuracy_history[-1])
    batches = [trainer.averaged_model(x).softmax(1) for x, _ in trainer.val_loader]
    expected = torch.cat(batches).detach().numpy()
    assert shown[0].probabilities == pytest.approx(expected, abs=1e-6)
