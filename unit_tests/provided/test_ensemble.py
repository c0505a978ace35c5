"""Several runs as one: averaged probabilities, and who was trained on what."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scene_recog import cli
from scene_recog.datasets.sketch15 import write_sketch15
from scene_recog.recipes import FITTED_RECIPES, RECIPES
from scene_recog.runs.checkpoint import read_checkpoint, write_checkpoint
from scene_recog.runs.ensemble import make_ensemble
from scene_recog.runs.scoring import (
    at_sizes,
    evaluate_split,
    load_run,
    predict_by_member,
    predict_image,
)
from scene_recog.visualize.report import write_report

HELD_OUT = "val_fraction=0.34"


@pytest.fixture(scope="module")
def runs(sketches: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs by what they are. Read-only."""
    folder = tmp_path_factory.mktemp("runs")
    small = ["epochs=1", "cache=memory"]
    for name, recipe in {
        "words": FITTED_RECIPES["fisher-vectors"].override(["words=2", "input_size=100", HELD_OUT]),
        "net": RECIPES["part1"].override([*small, HELD_OUT]),
        "any-size": RECIPES["fast80"].override(
            [*small, HELD_OUT, "width=2", "start_size=None", "input_size=32", "eval_size=32",
             "cache_size=40", "amp=off"]
        ),
        "other-seed": RECIPES["part1"].override([*small, HELD_OUT, "seed=1"]),
        "on-all": RECIPES["part1"].override([*small, "val_fraction=0"]),
    }.items():  # fmt: skip
        trainer: Any = recipe.make_trainer(sketches, folder / name, device="cpu")
        trainer.run_training_loop(1)
    return folder


@pytest.fixture(scope="module")
def three(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ensemble of three runs that held out the same images. Read-only."""
    members = [runs / name for name in ("words", "net", "any-size")]
    return make_ensemble("three", members, tmp_path_factory.mktemp("ensembles"))


@pytest.fixture
def here(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with copies of the runs in model_checkpoints/."""
    shutil.copytree(runs, tmp_path / "model_checkpoints")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refuse(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that must fail with one line on stderr; the line."""
    capsys.readouterr()
    assert cli.main(list(arguments)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


# ---------------------------------------------------------------- its predictions


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("split", ["test", "validation"])
def test_probabilities_are_the_mean_of_the_members(
    three: Path, runs: Path, sketches: Path, split: str, flip: bool
) -> None:
    result = evaluate_split(load_run(three), sketches, split, flip=flip, cache="memory")
    alone = {
        name: evaluate_split(load_run(runs / name), sketches, split, flip=flip, cache="memory")
        for name in ("words", "net", "any-size")
    }
    assert list(result.members) == list(alone)
    for name, evaluation in alone.items():
        assert np.array_equal(result.members[name].probabilities, evaluation.probabilities)
        assert result.members[name].paths == evaluation.paths == result.paths
    mean = np.mean([each.probabilities for each in alone.values()], axis=0)
    assert np.allclose(result.probabilities, mean)
    image = result.paths[0]
    predicted = predict_image(load_run(three), image, flip=flip)
    assert np.allclose(predicted, mean[0], atol=1e-5)
    by_member = predict_by_member(load_run(three), image, flip=flip)
    assert np.allclose(by_member["words"], alone["words"].probabilities[0], atol=1e-5)
    assert predict_by_member(load_run(runs / "net"), image) == {}


def test_only_members_that_take_other_sizes_see_them(
    three: Path, runs: Path, sketches: Path
) -> None:
    at_both = at_sizes(load_run(three), (32, 64))
    whole = evaluate_split(at_both, sketches, cache="memory").members
    for name in ("words", "net", "any-size"):
        alone = load_run(runs / name)
        if name == "any-size":
            alone = at_sizes(alone, (32, 64))
        result = evaluate_split(alone, sketches, cache="memory")
        assert np.array_equal(whole[name].probabilities, result.probabilities), name


def test_sizes_on_the_command_line(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ["--sizes", "16", "32", "--tta"]
    assert cli.main(["evaluate", "any-size", *sizes, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["sizes_averaged"], summary["flip_averaged"]) == ([16, 32], True)
    run = at_sizes(load_run("any-size"), (16, 32))
    result = evaluate_split(run, run.config["data"]["folder"], flip=True, cache="memory")
    assert summary["accuracy"] == result.accuracy
    assert cli.main(["evaluate", "any-size", *sizes]) == 0
    text = capsys.readouterr().out
    assert "images, averaged over its mirror image and sizes of 16, 32 pixels\n" in text

    image = result.paths[0]
    assert cli.main(["predict", "any-size", image, *sizes, "--json", "--top", "1"]) == 0
    answer = json.loads(capsys.readouterr().out)["images"][0]["labels"][0]
    assert answer["probability"] == pytest.approx(result.probabilities[0].max(), abs=1e-5)

    make_ensemble("three", ["words", "net", "any-size"], here / "model_checkpoints")
    assert cli.main(["evaluate", "three-001", *sizes]) == 0
    assert "note: at its own size only: words, net\n" in capsys.readouterr().out


@pytest.mark.parametrize("verb", [["evaluate", "RUN"], ["predict", "RUN", "a.jpg"]])
@pytest.mark.parametrize(
    ("run", "sizes", "message"),
    [
        ("net", ["64", "80"], "SimpleNet, which was trained for 64x64 pixels, does not take 80x80"),
        ("words", ["256"], "FisherVectorNet looks at several sizes itself: leave out sizes"),
        ("any-size", ["0"], "sizes are [0]: give one or more, from 1 to 1024 pixels"),
    ],
)
def test_sizes_that_a_network_does_not_take_are_one_line(
    here: Path,
    capsys: pytest.CaptureFixture[str],
    verb: list[str],
    run: str,
    sizes: list[str],
    message: str,
) -> None:
    named = [run if word == "RUN" else word for word in verb]
    assert message in refuse(capsys, *named, "--sizes", *sizes)


def test_the_training_images_are_those_of_any_member(
    runs: Path, sketches: Path, tmp_path: Path
) -> None:
    folder = make_ensemble("x", [runs / "net", runs / "other-seed"], tmp_path)
    result = evaluate_split(load_run(folder), sketches, "train", cache="memory")
    assert 60 < len(result.paths) <= 90
    assert len(evaluate_split(load_run(folder), sketches, cache="memory").paths) == 30


# ---------------------------------------------------------------- the commands


def test_the_commands_work_on_it(
    here: Path, sketches: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["ensemble", "both", "words", "net"]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("both-001: 2 runs, ")
    assert "  words: FisherVectorNet, checkpoint.pt\n  net: SimpleNet, best.pt\n" in captured.out
    assert "evaluate both-001 --split validation" in captured.out
    assert captured.err == ""
    for name in ("words", "net"):
        shutil.rmtree(here / "model_checkpoints" / name)  # it does not need them
    (here / "model_checkpoints" / "both-001").rename(here / "moved")
    shutil.move(here / "moved", here / "model_checkpoints" / "both-001")

    assert cli.main(["evaluate", "both-001", "--split", "validation", "--tta", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert [member["run"] for member in summary["members"]] == ["words", "net"]
    assert summary["images"] == 30
    assert cli.main(["evaluate", "both-001", "--split", "validation", "--tta"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("both-001, the average of 2 runs, on validation of drawn sketches")
    accuracy = summary["members"][0]["accuracy"]
    assert f"each member alone:\n  words {accuracy:7.2%}\n  net   " in text
    assert "test split was used" not in text

    image = str(next((sketches / "test" / "coast").iterdir()))
    assert cli.main(["predict", "both-001", image, "--top", "1"]) == 0
    first, *others = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{image}: ")
    assert [line.split(":")[0] for line in others] == ["  words", "  net"]
    assert cli.main(["predict", "both-001", image, "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)["images"]
    assert [member["run"] for member in answer["members"]] == ["words", "net"]
    assert all(len(each["labels"]) == 3 for each in (answer, *answer["members"]))

    assert cli.main(["runs"]) == 0
    row = next(x for x in capsys.readouterr().out.splitlines() if x.startswith("both-001"))
    assert row.split()[1:6] == ["Ensemble", "sketch15", "-", "-", "-"]
    assert cli.main(["report", "both-001", "any-size", "--split", "validation"]) == 0
    page = (here / capsys.readouterr().out.strip()).read_text()
    assert "Each member alone" in page
    assert "scene-recog ensemble both words net" in page
    assert "scene-recog train --recipe fisher-vectors --set words=2" in page
    assert "2 runs, averaged" in page
    assert page.count("Inside the network") == 1  # of the single network

    assert "cannot be resumed: resume its members" in refuse(
        capsys, "train", "--resume", "both-001"
    )
    assert "nothing to check" in refuse(capsys, "doctor", "both-001")
    assert "which is not one of" in refuse(capsys, "summary", "both-001")
    assert "is itself an ensemble: name words, net instead" in refuse(
        capsys, "ensemble", "more", "any-size", "both-001"
    )


def test_an_ordinary_run_has_no_members(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["evaluate", "net", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["members"] == []
    assert cli.main(["evaluate", "net"]) == 0
    assert "member" not in capsys.readouterr().out


# ---------------------------------------------------------------- who was trained on what


@pytest.mark.parametrize("other", ["other-seed", "on-all"])
def test_validation_needs_images_that_no_member_was_trained_on(
    here: Path, capsys: pytest.CaptureFixture[str], other: str
) -> None:
    assert cli.main(["ensemble", "x", "net", other]) == 0
    why = capsys.readouterr().err
    assert "It has no validation images: " in why
    assert f"was trained on {30 if other == 'on-all' else ''}" in why
    message = refuse(capsys, "evaluate", "x-001", "--split", "validation")
    assert "has no validation images held out of train: " in message
    assert why.split("images: ", 1)[1].strip(".\n") in message
    assert cli.main(["evaluate", "x-001"]) == 0
    was_used = "the test split was used for validation" in capsys.readouterr().out
    assert was_used == (other == "on-all")
    assert cli.main(["report", "x-001", "--split", "validation"]) == 0
    page = (here / capsys.readouterr().out.strip()).read_text()
    assert "no images: " in page


def test_members_without_held_out_images(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree("model_checkpoints/on-all", "model_checkpoints/again")
    assert cli.main(["ensemble", "x", "on-all", "again"]) == 0
    assert "no member held images out of train" in capsys.readouterr().err
    assert "no member held" in refuse(capsys, "evaluate", "x-001", "--split", "validation")


def test_an_epoch_chosen_on_test_is_said(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ensemble", "x", "net", "model_checkpoints/on-all/best.pt"]) == 0
    capsys.readouterr()
    assert cli.main(["evaluate", "x-001"]) == 0
    assert "best.pt was chosen on the test split" in capsys.readouterr().out


def test_two_checkpoints_of_one_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"model_checkpoints/net/{name}.pt" for name in ("best", "checkpoint")]
    assert cli.main(["ensemble", "x", *names]) == 0
    assert list(load_run("x-001").members) == names


# ---------------------------------------------------------------- wrong members


def changed(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the config in a run's checkpoints."""
    for path in (folder / "best.pt", folder / "checkpoint.pt"):
        contents = read_checkpoint(path)
        change(contents["config"])
        write_checkpoint(path, contents)


def test_wrong_members_are_one_line(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("classes", "order", "photos"):
        shutil.copytree("model_checkpoints/net", f"model_checkpoints/{name}")
    below = Path("model_checkpoints")
    changed(below / "classes", lambda c: c["class_names"].__setitem__(0, "attic"))
    changed(below / "order", lambda c: c["class_names"].reverse())
    changed(below / "photos", lambda c: c["data"].update(title="15-scene photographs"))
    for members, message in (
        (["net"], "needs at least two runs"),
        (["net", "net"], "net is named twice"),
        (["net", "model_checkpoints/net/best.pt"], "net is named twice"),
        (["net", "nowhere"], "no run nowhere"),
        (["net", "classes"], "net and classes have different classes: attic, bedroom"),
        (["net", "order"], "net and order have different classes: in another order"),
        (["net", "photos"], "net was trained on drawn sketches (sketch15), photos on 15-scene"),
    ):
        assert message in refuse(capsys, "ensemble", "x", *members)
    assert "name is '../x'" in refuse(capsys, "ensemble", "../x", "net", "words")
    assert not list(below.glob("x-*"))


def test_runs_of_two_folders_need_the_same_training_images(
    runs: Path, sketches: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(sketches, tmp_path / "copy")
    other = write_sketch15(tmp_path / "other", train_per_class=7, test_per_class=2)
    for data in (copy, other):
        recipe = RECIPES["part1"].override(["epochs=1", "cache=memory", HELD_OUT])
        recipe.make_trainer(data, tmp_path / f"on-{data.name}", device="cpu").run_training_loop(1)
    folder = make_ensemble("x", [runs / "net", tmp_path / "on-copy"], tmp_path)
    assert len(evaluate_split(load_run(folder), sketches, "validation", cache="off").paths) == 30
    with pytest.raises(ValueError, match="net and on-other have different training images"):
        make_ensemble("x", [runs / "net", tmp_path / "on-other"], tmp_path)


def test_a_failed_write_leaves_no_folder(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for step in ("write_checkpoint", "write_config"):
        with monkeypatch.context() as patch:
            patch.setattr(f"scene_recog.runs.ensemble.{step}", full)
            with pytest.raises(OSError, match="No space left"):
                make_ensemble("x", [runs / "net", runs / "words"], tmp_path)
        assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------- hostile checkpoints


@pytest.mark.parametrize("members", [3, [], ["net"], [{"run": 3}]])
def test_a_config_that_was_edited_is_reported(three: Path, tmp_path: Path, members: object) -> None:
    folder = shutil.copytree(three, tmp_path / "x")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"members": members}))
    (folder / "checkpoint.pt").unlink()
    page = write_report([folder], device="cpu").read_text()
    assert "The network cannot be loaded" in page
    assert "Each member alone" not in page


def nested(config: dict[str, Any]) -> None:
    config["members"][0]["config"] = dict(config)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(members=[]), "has no list of members"),
        (lambda c: c.update(members=3), "has no list of members"),
        (lambda c: c.update(members=["net"]), "does not give run, checkpoint"),
        (lambda c: c["members"][0].pop("seconds"), "does not give run, checkpoint"),
        (lambda c: c["members"][0].update(config={}), "has a member that is missing"),
        (lambda c: c["members"][0]["config"].pop("seed"), "has a member that has no seed"),
        (lambda c: c["members"][0]["config"]["class_names"].reverse(), "different classes"),
        (lambda c: c["members"][0].update(run="net"), "two members of one name"),
        (lambda c: c["members"][0]["config"]["model"].update(class_name="X"), "holds a X, which"),
        (lambda c: c["members"][0]["config"]["model"].update(class_name="Ensemble"), "holds a Ens"),
        (lambda c: c["members"][0]["config"]["model"]["arguments"].update(words=3), "do not fit"),
        (lambda c: c["members"][0]["config"]["model"]["arguments"].update(words=10**9), "width"),
        (lambda c: c["members"].reverse(), "do not fit"),
        (lambda c: c["members"].append({**c["members"][0], "run": "more"}), "do not fit"),
        (lambda c: c["members"][0]["config"].update(format=99), "from a later version"),
        (nested, "has an ensemble as a member"),
    ],
)
def test_a_hostile_config_is_refused_in_one_line(
    three: Path, tmp_path: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    contents = read_checkpoint(three / "checkpoint.pt")
    change(contents["config"])
    write_checkpoint(tmp_path / "checkpoint.pt", contents)
    with pytest.raises(ValueError, match=message) as caught:
        load_run(tmp_path / "checkpoint.pt", device="cpu")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("weights", [{}, {"0": 3}, {"0": {"x": 1}}, {0: {}}])
def test_hostile_weights_are_refused_in_one_line(
    three: Path, tmp_path: Path, weights: dict[Any, Any]
) -> None:
    contents = read_checkpoint(three / "checkpoint.pt") | {"model_state_dict": weights}
    write_checkpoint(tmp_path / "checkpoint.pt", contents)
    with pytest.raises(ValueError, match="do not fit FisherVectorNet") as caught:
        load_run(tmp_path / "checkpoint.pt", device="cpu")
    assert "\n" not in str(caught.value)


def test_averaged_weights_that_are_none_are_refused(
    three: Path, runs: Path, tmp_path: Path
) -> None:
    for folder in (three, runs / "net"):
        contents = read_checkpoint(folder / "checkpoint.pt") | {"averaged_state_dict": 3}
        write_checkpoint(tmp_path / "checkpoint.pt", contents)
        with pytest.raises(ValueError, match="do not fit"):
            load_run(tmp_path / "checkpoint.pt", device="cpu")


def test_weights_of_a_member_must_be_finite(three: Path, tmp_path: Path) -> None:
    contents = read_checkpoint(three / "checkpoint.pt")
    next(iter(contents["model_state_dict"]["1"].values())).fill_(float("nan"))
    write_checkpoint(tmp_path / "checkpoint.pt", contents)
    with pytest.raises(ValueError, match="not finite numbers"):
        load_run(tmp_path / "checkpoint.pt", device="cpu")
