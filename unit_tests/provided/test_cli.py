"""The command line, as a user types it."""

from __future__ import annotations

import argparse
import functools
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from scene_recog import assignment, cli, models, simple_net
from scene_recog.cli import train
from scene_recog.cli.guide import EXAMPLES
from scene_recog.datasets import sketch15
from scene_recog.figure_2 import FIGURE_2
from scene_recog.runner import Trainer
from scene_recog.runs.checkpoint import read_checkpoint, write_checkpoint
from scene_recog.runs.config import read_config, write_config
from scene_recog.runs.history import EpochRecord, read_history
from scene_recog.simple_net_final import SimpleNetFinal
from scene_recog.system import devices
from scene_recog.system.progress import notice
from scene_recog.visualize.report_subject import repeat_command

FAST = ["--recipe", "part1", "--epochs", "2", "--device", "cpu", "--set", "val_fraction=0.34"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def trained(here: Path, sketches: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """The folder of a run of two epochs, in the current folder."""
    assert cli.main(["train", *FAST, "--data", str(sketches)]) == 0
    capsys.readouterr()
    return here / "model_checkpoints" / "part1-001"


def stopped_after_epoch(loop: Callable[..., None]) -> Callable[[Trainer, int], None]:
    """`run_training_loop`, stopped with Ctrl-C when the first epoch is saved."""

    def stop(record: EpochRecord) -> None:
        raise KeyboardInterrupt

    return lambda trainer, epochs: loop(trainer, epochs, on_epoch=stop)


def refuse(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that must fail with one line on stderr and nothing on stdout; the line."""
    assert cli.main(list(arguments)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("scene-recog: ")
    assert captured.err.count("\n") == 1
    return captured.err


def test_help_needs_no_torch() -> None:
    code = (
        "import sys\nfrom scene_recog.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'torchvision', 'matplotlib', 'numpy', 'PIL'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    for verb in ("train", "evaluate", "predict", "runs", "recipes", "data", "info"):
        assert verb in result.stdout


def commands() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command by name, those of `data` included."""

    def below(parser: argparse.ArgumentParser, name: str) -> Iterator[tuple[str, Any]]:
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for child, its_parser in action.choices.items():
                    yield f"{name}{child}", its_parser
                    yield from below(its_parser, f"{name}{child} ")

    return below(cli.make_parser(), "")


@pytest.mark.parametrize("name", [name for name, _ in commands()])
def test_each_command_has_examples_that_can_be_pasted(name: str) -> None:
    shown = dict(commands())[name].format_help().split("examples:\n")[1]
    examples = [line.split("#")[0] for line in shown.splitlines()]
    assert examples
    for example in examples:
        program, *arguments = shlex.split(example)
        assert program == "scene-recog"
        assert " ".join(arguments).startswith(name)
        cli.make_parser().parse_args(arguments)  # exits if it cannot be parsed


def test_examples_are_of_commands_that_there_are() -> None:
    assert set(EXAMPLES) == {name for name, _ in commands()}


def test_alone_it_says_what_to_do_first_and_then_next(
    here: Path, sketches: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([]) == 0
    first = capsys.readouterr().out
    assert "evaluate" in first
    assert "  scene-recog train  " in first
    assert "  scene-recog data download  " in first
    assert cli.main(["train", *FAST, "--data", str(sketches)]) == 0
    capsys.readouterr()
    assert cli.main([]) == 0
    following = capsys.readouterr().out
    assert "scene-recog report part1-001 --split validation --open" in following
    assert "  scene-recog train  " not in following
    config = here / "model_checkpoints/part1-001/config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"val_fraction": 0.0}))
    assert cli.main([]) == 0
    assert "scene-recog report part1-001 --open" in capsys.readouterr().out


def test_in_a_handed_out_folder_the_first_step_is_the_next_file_to_write(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = ("1.2", "simple_net", "SimpleNet.forward")
    monkeypatch.setattr("scene_recog.cli.guide.first_unwritten", lambda: missing)
    assert cli.main([]) == 0
    steps = capsys.readouterr().out.split("what to do next:\n")[1].splitlines()
    assert "pytest unit_tests/test_simple_net.py" in steps[0]
    assert "step 1.2: write scene_recog/simple_net.py" in steps[0]


def test_training_ends_with_a_picture_and_two_commands(
    here: Path, sketches: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["train", *FAST, "--data", str(sketches)]) == 0
    lines = capsys.readouterr().out.splitlines()
    said = r"part1-001: validation accuracy \d+\.\d% after 2 epochs on drawn sketches \(sketch15\)"
    assert re.match(said, lines[0])
    assert lines[1] == "Picture: " + str(Path("model_checkpoints/part1-001/overview.png"))
    assert Image.open(here / "model_checkpoints/part1-001/overview.png").size[0] > 1000
    assert lines[2] == "Next:"
    for line, command in zip(lines[3:], ("report", "data"), strict=True):
        program, name, *arguments = shlex.split(line.split("#")[0])
        assert (program, name) == ("scene-recog", command)
        cli.make_parser().parse_args([name, *arguments])


def test_a_picture_that_cannot_be_drawn_costs_nothing_else(
    here: Path,
    sketches: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def vanished(*_args: object) -> None:
        raise FileNotFoundError(2, "No such file or directory", "image_0001.jpg")

    monkeypatch.setattr("scene_recog.visualize.overview.read_grayscale", vanished)
    assert cli.main(["train", *FAST, "--data", str(sketches)]) == 0
    captured = capsys.readouterr()
    assert "No picture is drawn" in captured.err
    assert "image_0001.jpg" in captured.err
    assert "Picture" not in captured.out
    assert "scene-recog report part1-001" in captured.out


def test_report_opens_in_the_browser(
    trained: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    assert cli.main(["report", "part1-001", "--split", "validation", "--open"]) == 0
    assert opened == [(trained / "report.html").as_uri()]
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("webbrowser.open", lambda _address: False)
    assert cli.main(["report", "part1-001", "--split", "validation", "--open"]) == 0
    assert "No browser was found here" in capsys.readouterr().err


def test_train_without_data_says_that_it_draws_sketches(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    few = functools.partial(sketch15.write_sketch15, train_per_class=4, test_per_class=1)
    monkeypatch.setattr(sketch15, "write_sketch15", few)
    assert cli.main(["train", *FAST, "--epochs", "1"]) == 0
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "drawn sketches" in captured.err
    assert "scene-recog data download" in captured.err
    assert "1 epoch on drawn sketches (sketch15)" in captured.out
    config = json.loads((here / "model_checkpoints/part1-001/config.json").read_text())
    assert config["data"]["kind"] == "sketch15"
    assert (here / "sketch15/train/coast").is_dir()
    assert not (here / "data").exists()


def test_named_folder_without_data_is_an_error(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = refuse(capsys, "train", "--data", "nowhere")
    assert "no train/ folder in nowhere" in message
    assert "scene-recog data download" in message
    assert not (here / "model_checkpoints").exists()


def test_half_a_dataset_is_an_error(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "data" / "train" / "coast").mkdir(parents=True)
    assert "holds train/ but" in refuse(capsys, "train")


def test_two_runs_do_not_meet(trained: Path, sketches: Path) -> None:
    before = (trained / "checkpoint.pt").read_bytes()
    assert cli.main(["train", *FAST, "--data", str(sketches), "--seed", "1"]) == 0
    assert (trained.parent / "part1-002" / "checkpoint.pt").is_file()
    assert (trained / "checkpoint.pt").read_bytes() == before


def test_name_names_the_folder_and_not_the_recipe(
    here: Path, sketches: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["train", *FAST, "--data", str(sketches), "--name", "mine"]) == 0
    assert (here / "model_checkpoints" / "mine-001" / "best.pt").is_file()
    config = json.loads((here / "model_checkpoints/mine-001/config.json").read_text())
    assert config["recipe"]["name"] == "part1"
    command = repeat_command(config, "mine-001")
    assert (
        command == "scene-recog train --recipe part1 --name mine --set epochs=2 val_fraction=0.34"
    )
    again = ["train", "--recipe", "model_checkpoints/mine-001/config.json", "--device", "cpu"]
    assert cli.main([*again, "--data", str(sketches)]) == 0
    capsys.readouterr()
    assert cli.main(["runs", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["run"], row["recipe"]) for row in rows] == [
        ("mine-001", "part1"), ("part1-001", "part1"),
    ]  # fmt: skip
    assert "name is '../x'" in refuse(capsys, "train", "--name", "../x")


def test_runs_of_a_sweep_are_told_apart(
    here: Path, sketches: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for rate in ("0.004", "0.001"):  # the second is the recipe's own
        settings = ["--data", str(sketches), "--seed", "1", "--set", f"lr={rate}"]
        assert cli.main(["train", *FAST, *settings]) == 0
    capsys.readouterr()
    assert cli.main(["runs", "--json"]) == 0
    common = {"epochs": 2, "val_fraction": 0.34, "seed": 1}
    first, second = (row["changes"] for row in json.loads(capsys.readouterr().out))
    assert first == common | {"lr": 0.004}
    assert second == common
    assert cli.main(["runs"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.endswith("  changes")
    assert rows[0].endswith(" s  epochs=2 lr=0.004 val_fraction=0.34")
    assert rows[1].endswith(" s  epochs=2 val_fraction=0.34")


def test_runs_are_listed_while_a_file_has_a_mistake(
    trained: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "scene_recog.recipes")
    monkeypatch.delattr("scene_recog.optimizer.get_optimizer")
    monkeypatch.delitem(sys.modules, "scene_recog.training.given_optimizer")
    assert cli.main(["runs"]) == 0
    captured = capsys.readouterr()
    assert "part1-001" in captured.out
    assert captured.err.startswith("Changes are not shown: step 1.3: optimizer.py has no get_opti")


def test_set_name_names_both(here: Path, sketches: Path) -> None:
    settings = ["--data", str(sketches), "--set", "name=other"]
    assert cli.main(["train", *FAST, *settings]) == 0
    config = json.loads((here / "model_checkpoints/other-001/config.json").read_text())
    assert config["recipe"]["name"] == "other"


def test_ctrl_c_says_how_to_go_on_and_resume_does(
    here: Path,
    sketches: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    validate = Trainer.validate

    def interrupt(self: Trainer) -> tuple[float, float]:
        if self.epochs_done == 2:
            raise KeyboardInterrupt
        return validate(self)

    monkeypatch.setattr(Trainer, "validate", interrupt)
    command = ["train", *FAST, "--epochs", "3", "--data", str(sketches)]
    assert cli.main(command) == 130
    message = capsys.readouterr().err
    assert "1 of 3 epochs are saved" in message
    assert "scene-recog train --resume model_checkpoints/part1-001" in message
    monkeypatch.undo()
    monkeypatch.chdir(here)

    assert cli.main(["train", "--resume", "model_checkpoints/part1-001"]) == 0
    assert "3 epochs on drawn sketches" in capsys.readouterr().out
    assert cli.main(command) == 0  # never interrupted
    capsys.readouterr()
    assert cli.main(["runs", "--json"]) == 0
    resumed, whole = json.loads(capsys.readouterr().out)
    assert resumed["epochs"] == whole["epochs"] == 3
    assert resumed["best_accuracy"] == whole["best_accuracy"]


def test_run_goes_on_with_its_own_device(
    trained: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read_checkpoint(trained / "checkpoint.pt")["model_state_dict"]
    data = json.loads((trained / "config.json").read_text())["data"]["folder"]
    stopped = stopped_after_epoch(Trainer.run_training_loop)
    monkeypatch.setattr(Trainer, "run_training_loop", stopped)
    assert cli.main(["train", *FAST, "--data", data]) == 130
    monkeypatch.undo()
    monkeypatch.chdir(trained.parents[1])
    capsys.readouterr()
    monkeypatch.setattr(devices, "available_devices", lambda: ["cuda", "cpu"])  # another machine
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert cli.main(["train", "--resume", "part1-002"]) == 0
    line = "part1-002 was trained on cpu and stays there; --device auto would take cuda.\n"
    assert line in capsys.readouterr().err
    resumed = read_checkpoint(trained.with_name("part1-002") / "checkpoint.pt")["model_state_dict"]
    assert all(torch.equal(resumed[name], weight) for name, weight in whole.items())
    seen = []
    monkeypatch.setattr(train, "_train_in_group", lambda args, **_: seen.append(args.device) or 0)
    assert cli.main(["train", "--resume", "part1-002", "--device", "auto"]) == 0
    assert seen == ["auto"], "what the user asks for wins"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_run_of_another_device_says_what_it_goes_on_with(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("checkpoint.pt", "best.pt"):
        checkpoint = read_checkpoint(trained / name)
        checkpoint["config"]["device"] = "cuda"
        write_checkpoint(trained / name, checkpoint)
    write_config(trained, checkpoint["config"])
    assert cli.main(["train", "--resume", "part1-001", "--epochs", "3"]) == 0
    changed = "Changed after epoch 2: device cuda -> cpu, epochs 2 -> 3.\n"
    assert changed in capsys.readouterr().err
    config = json.loads((trained / "config.json").read_text())
    assert config["device"] == "cpu"
    change = {"after_epoch": 2, "device": ["cuda", "cpu"], "epochs": [2, 3]}
    assert config["changes"] == [change]


def test_complete_run_is_left_alone_unless_extended(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (trained / "checkpoint.pt").read_bytes()
    assert cli.main(["train", "--resume", "part1-001"]) == 0
    assert "is complete: 2 epochs" in capsys.readouterr().out
    assert (trained / "checkpoint.pt").read_bytes() == before
    assert cli.main(["train", "--resume", "part1-001", "--epochs", "4"]) == 0
    captured = capsys.readouterr()
    assert "4 epochs" in captured.out
    assert "Changed after epoch 2: epochs 2 -> 4.\n" in captured.err
    again = "Starting a new one-cycle schedule over 2 epochs. The learning rate starts again at"
    assert f"{again} 4e-05 and rises to 0.001.\n" in captured.err
    config = read_config(trained)
    assert config["recipe"]["epochs"] == 4
    assert config["changes"] == [{"after_epoch": 2, "epochs": [2, 4]}]
    command, *later = (repeat_command(config) or "").splitlines()
    assert " epochs=2" in command
    assert later == ["scene-recog train --resume part1-001 --epochs 4"]
    assert cli.main(["train", "--resume", "part1-001"]) == 0
    assert "is complete: 4 epochs are done" in capsys.readouterr().out


def test_evaluate_reports_and_draws(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["evaluate", "part1-001"]) == 0
    text = capsys.readouterr().out
    assert "on test of drawn sketches (sketch15)" in text
    assert "of 30 images" in text
    assert "tallbuilding" in text
    with Image.open(trained / "confusion_test.png") as picture:
        picture.load()

    assert cli.main(["evaluate", str(trained), "--json", "--tta", "--split", "validation"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["images"] == 30
    assert summary["flip_averaged"]
    assert summary["checkpoint"] == "best.pt"
    rows = {row["class"]: row for row in summary["classes"]}
    hits = sum(row["recall"] * row["images"] for row in rows.values())
    assert summary["accuracy"] == pytest.approx(hits / 30)
    best = max(row["validation_accuracy"] for row in read_history(trained))
    assert cli.main(["evaluate", str(trained), "--json", "--split", "validation"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain["accuracy"] == pytest.approx(best)


def test_evaluate_without_twins(
    here: Path, sketches: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "data"
    shutil.copytree(sketches, root)
    for number in (1, 2):
        shutil.copy(
            root / f"train/coast/image_000{number}.jpg", root / f"test/coast/image_000{number}.jpg"
        )
    assert cli.main(["train", *FAST, "--data", str(root)]) == 0
    capsys.readouterr()
    assert cli.main(["evaluate", "part1-001", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["images_with_twins_in_train"] == 2
    rights = round(summary["accuracy"] * 30)
    coast = round(next(r["recall"] for r in summary["classes"] if r["class"] == "coast") * 2)
    assert summary["accuracy_without_twins"] == pytest.approx((rights - coast) / 28)


def test_predict_files_folders_and_patterns(
    trained: Path, sketches: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("CMYK", (33, 500)).save(tmp_path / "narrow.jpg")
    Image.new("RGBA", (1, 1)).save(tmp_path / "dot.png")
    arguments = [
        str(tmp_path / "narrow.jpg"),
        str(tmp_path / "dot.png"),
        str(sketches / "test" / "coast"),
        str(sketches / "test" / "f*" / "*.jpg"),
    ]
    assert cli.main(["predict", "part1-001", *arguments, "--json"]) == 0
    answers = json.loads(capsys.readouterr().out)["images"]
    assert len(answers) == 2 + 2 + 2
    for answer in answers:
        probabilities = [label["probability"] for label in answer["labels"]]
        assert len(probabilities) == 3
        assert probabilities == sorted(probabilities, reverse=True)
        assert 0 < sum(probabilities) <= 1 + 1e-6
    assert cli.main(["predict", "part1-001", *arguments, "--top", "15", "--json"]) == 0
    for answer in json.loads(capsys.readouterr().out)["images"]:
        assert sum(label["probability"] for label in answer["labels"]) == pytest.approx(1, abs=1e-4)


def test_predict_goes_on_after_a_bad_image(
    trained: Path, sketches: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"no image")
    good = sketches / "test" / "coast" / "image_0001.jpg"
    assert cli.main(["predict", "part1-001", str(tmp_path / "bad.jpg"), "gone.jpg", str(good)]) == 1
    captured = capsys.readouterr()
    assert captured.out.startswith(str(good))
    assert "cannot read the image" in captured.err
    assert "no image gone.jpg" in captured.err


def test_lists(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["runs"]) == 0
    table = capsys.readouterr().out
    assert "part1-001" in table
    assert "2/2" in table
    assert cli.main(["recipes"]) == 0
    assert "part2" in capsys.readouterr().out
    assert cli.main(["recipes", "part2"]) == 0
    assert "weight_decay" in capsys.readouterr().out
    assert cli.main(["info", "--json"]) == 0
    assert "cpu" in json.loads(capsys.readouterr().out)["devices"]
    assert cli.main(["summary", "SimpleNetFinal"]) == 0
    parameters = sum(p.numel() for p in SimpleNetFinal().parameters())
    assert f"{parameters:,}" in capsys.readouterr().out
    assert cli.main(["summary", "part1-001"]) == 0
    assert f"{FIGURE_2.parameters:,}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--recipe", "part3"], "unknown recipe 'part3'"),
        (["train", "--set", "speed=9"], "no 'speed'"),
        (["train", "--set", "lr"], "not a setting"),
        (["train", "--set", "lr=0.1", "--set", "lr=0.2"], "'lr' is given twice"),
        (["train", "--set", "epochs=2", "--epochs", "3"], "'epochs' is given twice"),
        (["doctor", "--set", "lr=0.1", "lr=0.2"], "'lr' is given twice"),
        (["train", "--epochs", "0"], "epochs is 0"),
        (["train", "--resume", "nothing"], "no run nothing"),
        (["train", "--resume", "part1-001", "--set", "lr=1"], "its own recipe"),
        (["evaluate", "part9"], "the runs in model_checkpoints are part1-001"),
        (["evaluate", "part1"], "no run part1 (did you mean part1-001?): the runs in"),
        (["evaluate", "part1-001", "--data", "nowhere"], "no train/ folder in nowhere"),
        (["predict", "part1-001", "*.nothing"], "no images match"),
        (["predict", "part1-001", "x.jpg", "--top", "0"], "--top is 0"),
        (["recipes", "part3"], "unknown recipe"),
        (["summary", "part3"], "no network part3 (there are SimpleNet"),
        (["summary", "SimpleNet", "--size", "9"], "does not take images of 1x9x9"),
    ],
)
def test_a_bad_request_gets_one_line(
    trained: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert message in refuse(capsys, *arguments)


def test_damaged_run_gets_one_line(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("best.pt", "checkpoint.pt"):
        (trained / name).write_bytes(b"PK\x03\x04 broken")
    assert "best.pt is damaged" in refuse(capsys, "evaluate", "part1-001")
    assert "checkpoint.pt is damaged" in refuse(capsys, "train", "--resume", "part1-001")


def test_transforms_that_a_file_cannot_hold_get_one_line(
    here: Path,
    sketches: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("scene_recog.runs.config.describe_transforms", lambda _: None)
    assert cli.main(["train", *FAST, "--epochs", "1", "--data", str(sketches)]) == 0
    capsys.readouterr()
    assert "cannot be rebuilt from the file (Compose( " in refuse(capsys, "evaluate", "part1-001")


def test_a_bug_keeps_its_traceback(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def buggy(_args: object) -> int:
        return json.loads("{")  # a ValueError that is not ours

    monkeypatch.setattr(cli.runs, "_runs", buggy)
    with pytest.raises(json.JSONDecodeError):
        cli.main(["runs"])


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every file name can be decoded")
@pytest.mark.parametrize("class_name", ["Wüste", os.fsdecode(b"W\xfcste")])
def test_a_console_that_cannot_show_a_name(here: Path, sketches: Path, class_name: str) -> None:
    data = shutil.copytree(sketches, here / "data")
    for split in ("train", "test"):
        (data / split / "coast").rename(data / split / class_name)
    image = min((data / "test" / class_name).iterdir())
    image = image.rename(image.with_name(os.fsdecode(b"caf\xe9.jpg")))
    assert cli.main(["train", *FAST, "--epochs", "1", "--data", str(data)]) == 0
    run = "Wüste-001"
    (here / "model_checkpoints" / "part1-001").rename(here / "model_checkpoints" / run)
    gone = os.fsdecode(b"gone\xff.jpg")

    commands = {
        "stats": ["data", "stats"],
        "verify": ["data", "verify"],
        "verify as JSON": ["data", "verify", "--json"],
        "show": ["data", "show", "--out", "W\xfcste.png"],
        "runs": ["runs"],
        "evaluate": ["evaluate", run],
        "evaluate as JSON": ["evaluate", run, "--json"],
        "predict": ["predict", run, str(image), gone],
        "predict as JSON": ["predict", run, str(image), "--json"],
        "report": ["report", run],
        "no run": ["evaluate", gone],
    }
    code = (
        "import json, sys\nfrom scene_recog.cli import main\n"
        "for command in json.loads(sys.argv[1]):\n    print(main(command), end='\\0')"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code, json.dumps(list(commands.values()))],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
    )
    errors = finished.stderr.decode("ascii")
    assert finished.returncode == 0, errors
    outputs = dict(zip(commands, finished.stdout.decode("ascii").split("\0"), strict=False))
    codes = {name: int(text.splitlines()[-1]) for name, text in outputs.items()}
    assert codes == dict.fromkeys(commands, 0) | {
        "verify": 1, "verify as JSON": 1, "predict": 1, "no run": 2,
    }  # fmt: skip

    escaped = class_name.encode("ascii", "backslashreplace").decode()
    for name in ("stats", "verify", "evaluate"):
        assert escaped in outputs[name]
    assert f"test/{escaped}/caf\\udce9.jpg" in outputs["verify"]
    assert f"{escaped}/caf\\udce9.jpg: " in outputs["predict"]
    assert "W\\xfcste-001" in outputs["runs"]
    assert "no image gone\\udcff.jpg" in errors
    assert "no run gone\\udcff.jpg: the runs in model_checkpoints are W\\xfcste-001" in errors
    for name in ("verify as JSON", "evaluate as JSON", "predict as JSON"):
        json.loads(outputs[name].rstrip().rpartition("\n")[0])
    answer = json.loads(outputs["predict as JSON"].rstrip().rpartition("\n")[0])
    assert answer["images"][0]["image"] == str(image)


def test_a_notice_that_the_console_cannot_show(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(written, encoding="ascii"))
    notice("Wüste \udcff")
    sys.stderr.flush()
    assert written.getvalue() == b"W\\xfcste \\udcff\n"


@pytest.mark.parametrize(
    "command", ["train", "info", "recipes", "summary SimpleNet", "runs", "data stats", "data cache"]
)
def test_torchvision_of_another_release_is_one_line(tmp_path: Path, command: str) -> None:
    (tmp_path / "torchvision.py").write_text(
        "raise RuntimeError('operator torchvision::nms does not exist')"
    )
    paths = os.pathsep.join([str(tmp_path), str(Path(cli.__file__).parents[2])])
    finished = subprocess.run(
        [sys.executable, "-m", "scene_recog", *command.split()], cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert finished.returncode == 2
    assert finished.stderr.startswith("scene-recog: PyTorch cannot be loaded (operator torchvision")
    assert "of one release and one build (CPU or CUDA)" in finished.stderr
    assert finished.stderr.count("\n") == 1
    if command == "info":
        assert re.search(r"^torch +\d.*\ntorchvision +\d", finished.stdout, re.MULTILINE)


def test_the_recipe_is_part1_until_part_2_is_written(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = ("2.1", "data_transforms", "get_fundamental_augmentation_transforms")
    monkeypatch.setattr(assignment, "first_unwritten", lambda: missing)
    assert assignment.default_recipe() == "part1"
    assert assignment.unwritten_for("part1") is None
    assert "step 2.1: data_transforms.py is not written yet" in refuse(
        capsys, "train", "--recipe", "part2"
    )
    assert not list(here.iterdir())  # nothing was drawn
    monkeypatch.setattr(assignment, "first_unwritten", lambda: ("1.3", "optimizer", "f"))
    assert "step 1.3: optimizer.py is not written yet" in refuse(capsys, "train")
    monkeypatch.undo()
    assert assignment.default_recipe() == "part2"


def test_a_mistake_in_a_file_leaves_no_run(
    here: Path,
    sketches: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Trainer, "run_training_loop", lambda *_: simple_net.SimpleNet()(None))
    line = refuse(capsys, "train", *FAST, "--data", str(sketches))
    assert "step 1.2: simple_net.py, line " in line
    assert not list((here / "model_checkpoints").iterdir())


def test_summary_shows_the_layers_before_the_one_that_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Wrong(simple_net.SimpleNet):
        def __init__(self) -> None:
            super().__init__()
            self.fc_layers[-1] = torch.nn.Linear(3, 15)

    monkeypatch.setitem(models.NETS, "SimpleNet", Wrong)
    assert cli.main(["summary", "SimpleNet"]) == 2
    captured = capsys.readouterr()
    assert "up to the layer that fails" in captured.out
    assert "conv_layers.0" in captured.out
    assert "shapes cannot be multiplied" in captured.err
