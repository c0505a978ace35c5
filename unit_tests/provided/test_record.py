"""The best model within a given time: planned once, made of runs, continued after a stop."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from scene_recog import cli, fitter, recipes
from scene_recog.assembler import Assembler
from scene_recog.fitter import Fitter
from scene_recog.models.scene_net import ScenePyramidNet
from scene_recog.recipes import FITTED_RECIPES, RECIPES, RecordRecipe, get_recipe, recipe_from_dict
from scene_recog.runner import Trainer
from scene_recog.runs.config import read_config
from scene_recog.runs.history import read_history
from scene_recog.runs.scoring import load_run
from scene_recog.system import progress

SMALL_NET = ["width=2", "start_size=32", "input_size=48", "eval_size=48", "cache_size=48",
             "epochs=12", "amp=off", "memory_format=contiguous"]  # fmt: skip

FOUR = "fisher-vectors-four"


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Members that take seconds, and an epoch that takes one."""
    for name in ("fisher-vectors", FOUR):
        words = FITTED_RECIPES[name].override(["words=2", "input_size=100"])
        monkeypatch.setitem(recipes.FITTED_RECIPES, name, words)
    for name in ("fast80", "best", "best-gradients"):
        monkeypatch.setitem(recipes.RECIPES, name, RECIPES[name].override(SMALL_NET))
    monkeypatch.setattr(Assembler, "_seconds_of_epoch", lambda self, network: 10.0)
    monkeypatch.setattr(Fitter, "expected_seconds", lambda self, side: 30.0)


def make(data: Path, folder: Path, minutes: float = 1, **changes: Any) -> Assembler:
    recipe = RecordRecipe(name="record", minutes=minutes, val_fraction=0.34, **changes)
    return recipe.make_trainer(data, folder, device="cpu")


def epochs_of(folder: Path) -> dict[str, int]:
    """Epochs trained, by member."""
    return {path.parent.name: len(read_history(path.parent)) for path in folder.glob("*/*.csv")}


def test_a_short_time_has_one_network_and_makes_an_ensemble(sketches: Path, tmp_path: Path) -> None:
    assembler = make(sketches, tmp_path / "run")  # a minute: 5 epochs, less the Fisher vectors
    assembler.run_training_loop()
    config: Any = read_config(tmp_path / "run")
    assert list(config["plan"]) in (["best"], ["fast80"])
    assert recipe_from_dict(config["recipe"]) == RecordRecipe(
        name="record", minutes=1, val_fraction=0.34
    )
    assert epochs_of(tmp_path / "run") == config["plan"] | {FOUR: 1}
    assert list(load_run(tmp_path / "run").members) == [*config["plan"], FOUR]
    assert assembler.evaluation is not None
    assert assembler.best_record.validation_accuracy == assembler.evaluation.accuracy
    assert make(sketches, tmp_path / "run").epochs_done == 1
    with pytest.raises(ValueError, match="put together once"):
        assembler.run_training_loop()


def test_a_long_time_has_both_networks_with_all_their_epochs(
    sketches: Path, tmp_path: Path
) -> None:
    make(sketches, tmp_path / "run", minutes=10).run_training_loop()
    assert epochs_of(tmp_path / "run") == {"best": 12, "best-gradients": 12, FOUR: 1}
    assert len(load_run(tmp_path / "run").members) == 3


@pytest.mark.parametrize(
    ("seconds", "plan"),
    [
        (-5, {"fast80": 5}),  # at least 0.4 of its 12 epochs
        (31, {"fast80": 5}),
        (49.5, {"fast80": 8}),  # twice as fast here; 4 epochs of best are too few
        (59, {"best": 5}),
        (120.5, {"best": 12}),
        (239, {"best": 23}),
        (241, {"best": 12, "best-gradients": 12}),
        (9999, {"best": 12, "best-gradients": 12}),
    ],
)
def test_a_plan_fits_the_time(
    sketches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], seconds: float, plan: dict[str, int],
) -> None:  # fmt: skip
    of_epoch = {"fast80": 6.0, "best": 10.0, "best-gradients": 10.0}
    monkeypatch.setattr(Assembler, "_seconds_of_epoch", lambda self, net: of_epoch[net.name])
    assert make(sketches, tmp_path / "run")._planned(seconds) == plan
    assert ("too few to learn: 5 are trained" in capsys.readouterr().err) == (seconds < 30)


@pytest.mark.parametrize("why", ["time", "memory"])
def test_fewer_descriptors_where_many_do_not_fit(
    sketches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    if why == "time":
        monkeypatch.setattr(Fitter, "expected_seconds", lambda self, side: 37.0)
    else:
        monkeypatch.setattr(fitter, "physical_memory", lambda: 1_000)
    assert make(sketches, tmp_path / "run")._chosen(36.0).name == "fisher-vectors"
    assert not (tmp_path / "run").exists()


def test_the_time_to_fit_is_measured(
    sketches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    seconds = []
    for words in (2, 512):
        recipe = FITTED_RECIPES[FOUR].override([f"words={words}", "input_size=100"])
        seconds.append(recipe.make_trainer(sketches, tmp_path).expected_seconds(100))
    assert 0 < seconds[0] < seconds[1] < 10_000


def test_the_bar_moves_by_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "is_watched", lambda: True)
    drawn = ""
    with progress.clock(60, 20.0, "record") as elapsed:
        while "21 of 60 s" not in drawn and elapsed() < 50:
            time.sleep(0.1)
            drawn += capsys.readouterr().err
    assert elapsed() > 20
    assert "20 of 60 s" in drawn
    assert "21 of 60 s" in drawn
    assert not [thread for thread in threading.enumerate() if "tick" in thread.name]


def test_a_run_from_before_there_was_a_choice_continues(sketches: Path, tmp_path: Path) -> None:
    assembler, folder = make(sketches, tmp_path / "run"), tmp_path / "run"
    folder.mkdir()
    old = {key: value for key, value in assembler.config.items() if key != "fitted"}
    (folder / "config.json").write_text(json.dumps({**old, "plan": {"best": 5}}))
    make(sketches, folder).run_training_loop()
    assert epochs_of(folder) == {"best": 5, "fisher-vectors": 1}


@pytest.mark.parametrize("stopped", [FOUR, "best"])
def test_a_stopped_run_continues_as_planned(
    sketches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped: str
) -> None:
    monkeypatch.setattr(Assembler, "_planned", lambda self, seconds: {"best": 6})
    whole, folder = make(sketches, tmp_path / "whole"), tmp_path / "run"
    whole.run_training_loop()
    with monkeypatch.context() as patch:
        if stopped == "best":
            original = Trainer._run_epoch

            def run_epoch(trainer: Trainer) -> Any:
                if trainer.epochs_done == 4:
                    raise KeyboardInterrupt
                return original(trainer)

            patch.setattr(Trainer, "_run_epoch", run_epoch)
        else:
            patch.setattr(Fitter, "_training_vectors", lambda *_: (_ for _ in ()).throw(
                KeyboardInterrupt
            ))  # fmt: skip
        with pytest.raises(KeyboardInterrupt):
            make(sketches, folder).run_training_loop()
    if stopped == "best":  # planned already
        monkeypatch.setattr(Assembler, "_planned", lambda self, seconds: {"best": 9})
    resumed = make(sketches, folder)
    resumed.run_training_loop()
    assert resumed.config["plan"] == whole.config["plan"]  # type: ignore[typeddict-item]
    assert epochs_of(folder) == epochs_of(tmp_path / "whole")
    assert resumed.evaluation is not None
    assert whole.evaluation is not None
    assert (resumed.evaluation.probabilities == whole.evaluation.probabilities).all()


def test_the_time_of_an_epoch_is_measured_at_each_size(
    sketches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    assembler = make(sketches, tmp_path / "run")
    network = RECIPES["best"].override(
        [*SMALL_NET, "input_size=64", "batch_size=8", "val_fraction=0.34"]
    )
    seen: list[int] = []
    now = 0.0

    def forward(net: ScenePyramidNet, x: torch.Tensor) -> torch.Tensor:
        nonlocal now
        if net.training:
            now += 100 if len(seen) % 20 < 5 else x.shape[-1]  # the first 5 of 20 take long
            seen.append(x.shape[-1])
        return net.fc_layers(net.conv_layers(x))

    monkeypatch.setattr(ScenePyramidNet, "forward", forward)
    monkeypatch.setattr(time, "perf_counter", lambda: now)
    seconds = assembler._seconds_of_epoch(network)
    assert not (tmp_path / "run").exists()
    sizes = [32, 48, 64]
    assert [seen.count(size) for size in sizes] == [20, 20, 20]
    share = {size: 1 / size**2 for size in sizes}
    expected = sum(share[size] * 8 * size for size in sizes) / sum(share.values())
    assert seconds == pytest.approx(expected)


def test_the_command_makes_a_run_like_any_other(
    sketches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    data = ["--data", str(sketches)]
    settings = ["--minutes", "1", "--set", "val_fraction=0.34"]
    assert cli.main(["train", "--recipe", "record", *data, *settings]) == 0
    said = capsys.readouterr().out
    assert said.startswith("record-001: validation accuracy ")
    assert "after training 2 members on drawn sketches (sketch15), in " in said
    assert Path("model_checkpoints/record-001/overview.png").is_file()
    for command in (
        ["evaluate", "record-001", "--split", "validation"],
        ["report", "record-001", "--split", "validation"],
        ["runs"],
        ["predict", "record-001", str(next(sketches.glob("test/*/*.jpg")))],
        ["evaluate", "record-001/best", "--split", "validation"],
    ):
        assert cli.main(command) == 0, command
    assert "record-001" in capsys.readouterr().out
    assert cli.main(["train", "--resume", "record-001"]) == 0
    assert capsys.readouterr().out == "record-001 is complete.\n"


def test_a_bad_request_is_one_line(
    sketches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    for arguments, expected in {
        ("--recipe", "record", "--minutes", "0"): "minutes is 0",
        ("--recipe", "record", "--epochs", "3"): "has no 'epochs'",
        ("--recipe", "part1", "--minutes", "3"): "has no 'minutes'",
    }.items():
        assert cli.main(["train", "--data", str(sketches), *arguments]) == 2
        assert expected in capsys.readouterr().err
    assert not Path("model_checkpoints").exists()


def test_a_damaged_plan_is_named(sketches: Path, tmp_path: Path) -> None:
    assembler = make(sketches, tmp_path / "run")
    (tmp_path / "run").mkdir()
    config = {**assembler.config, "plan": {"other": 3}}
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"config\.json is damaged: its plan is \{'other': 3\}"):
        make(sketches, tmp_path / "run")
    config = {**assembler.config, "fitted": "../x"}
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"config\.json is damaged: its fitted is '\.\./x'"):
        make(sketches, tmp_path / "run")


def test_it_is_a_recipe_by_name(tmp_path: Path) -> None:
    recipe = get_recipe("record")
    assert isinstance(recipe, RecordRecipe)
    (tmp_path / "mine.json").write_text(json.dumps(recipe.as_dict()))
    assert get_recipe(str(tmp_path / "mine.json")) == recipe
    assert recipe.override(["minutes=30", "seed=2"]) == replace(recipe, minutes=30.0, seed=2)
    assert recipe_from_dict(recipe.as_dict()) == recipe
