"""Fisher vectors as a run: saved stage by stage, resumed after a kill, used like any other run."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torchvision import transforms

from scene_recog import cli, fitter
from scene_recog.fitter import Fitter
from scene_recog.image_loader import ImageLoader
from scene_recog.models.fisher_vectors import FisherVectorNet, VisualWords
from scene_recog.recipes import FITTED_RECIPES, FittedRecipe, get_recipe, recipe_from_dict
from scene_recog.runs.checkpoint import read_checkpoint, write_checkpoint
from scene_recog.runs.config import read_config
from scene_recog.runs.history import read_history
from scene_recog.runs.run_folder import RunFolder
from scene_recog.runs.saved_run import UNFINISHED
from scene_recog.runs.scoring import evaluate_split, load_run

SETTINGS = ["words=2", "input_size=100", "val_fraction=0.34"]
RECIPE = FITTED_RECIPES["fisher-vectors"].override(SETTINGS)
QUICK = ["--recipe", "fisher-vectors", "--set", *SETTINGS]
RUN = "fisher-vectors-001"


@pytest.fixture
def in_small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of 32 images: two of them for 60 images."""
    monkeypatch.setattr(fitter, "PART", 32)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Bits repeat with the same number of threads only; a killed process has one, too."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def fitted(sketches: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run. Read-only."""
    folder = tmp_path_factory.mktemp("runs") / RUN
    RECIPE.make_trainer(sketches, folder).run_training_loop()
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    """The weights in a run's checkpoint."""
    weights: dict[str, torch.Tensor] = read_checkpoint(folder / "checkpoint.pt")["model_state_dict"]
    return weights


def assert_same_weights(folder: Path, other: Path) -> None:
    """Two runs end with bit-identical weights."""
    ours, theirs = weights_of(folder), weights_of(other)
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def refuse(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that must fail with one line on stderr; the line."""
    capsys.readouterr()
    assert cli.main(list(arguments)) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    return captured.err


# ---------------------------------------------------------------- the recipe


def test_the_recipe_survives_json_and_refuses_what_makes_no_sense() -> None:
    recipe = get_recipe("fisher-vectors")
    assert isinstance(recipe, FittedRecipe)
    assert (recipe.words, recipe.input_size, recipe.epochs) == (128, 256, 1)
    assert recipe_from_dict(json.loads(json.dumps(RECIPE.as_dict()))) == RECIPE
    for setting, message in (
        ("epochs=3", "fitted, not trained in epochs, has no 'epochs': choose from name, model"),
        ("lr=0.1", "has no 'lr'"),
        ("words=1", "words is 1"),
        ("words=2000", "words is 2000"),
        ("descriptors=hog", "descriptors is 'hog'"),
        ("input_size=64", "input_size is 64"),
        ("model=SimpleNet", "model is 'SimpleNet'"),
        ("name=../x", "name is '../x'"),
    ):
        with pytest.raises(ValueError, match=message):
            recipe.override([setting])
    with pytest.raises(ValueError, match="model is 'FisherVectorNet'"):
        get_recipe("part1").override(["model=FisherVectorNet"])
    with pytest.raises(ValueError, match="the recipe lacks words"):
        recipe_from_dict({"name": "x", "model": "FisherVectorNet"})


@pytest.mark.usefixtures("in_small_parts")
def test_the_weights_are_those_of_fit(sketches: Path, tmp_path: Path) -> None:
    recipe = RECIPE.override(["val_fraction=0", "seed=5"])
    trainer = recipe.make_trainer(sketches, tmp_path / "run")
    trainer.run_training_loop()
    net = FisherVectorNet(2)
    transform = transforms.Compose([transforms.Resize((100, 100)), transforms.ToTensor()])
    net.fit(ImageLoader(str(sketches), "train", transform), seed=5)
    ours = weights_of(tmp_path / "run")
    assert all(torch.equal(ours[key], value) for key, value in net.state_dict().items())
    assert trainer.config["data"]["validated_on"] == "test"


def test_the_default_transform_is_that_of_the_net(sketches: Path, tmp_path: Path) -> None:
    trainer = get_recipe("fisher-vectors").make_trainer(sketches, tmp_path / "run")
    image = Image.effect_noise((300, 200), 64)
    assert torch.equal(trainer.train_dataset.transform(image), FisherVectorNet.transform(image))


# ---------------------------------------------------------------- the run


def test_a_run_has_everything(fitted: Path, sketches: Path) -> None:
    assert sorted(path.name for path in fitted.iterdir()) == [
        ".lock", "checkpoint.previous.pt", "checkpoint.pt", "config.json", "history.csv"
    ]  # fmt: skip
    config = read_config(fitted)
    assert config["model"]["class_name"] == "FisherVectorNet"
    assert config["model"]["arguments"] == {"words": 2, "descriptors": "sift"}
    assert config["data"]["train_images"] + config["data"]["val_images"] == 90
    assert recipe_from_dict(config["recipe"]) == RECIPE
    (row,) = read_history(fitted)
    assert row["epoch"] == 1
    assert row["seconds"] > row["validation_seconds"] > 0
    assert row["train_accuracy"] > 0.9
    run = load_run(fitted, device="cpu")
    result = evaluate_split(run, sketches, "validation", cache="off")
    assert result.accuracy == row["validation_accuracy"]
    right = result.probabilities[range(len(result.targets)), result.targets]
    loss = -torch.from_numpy(right).log().mean().item()
    assert row["validation_loss"] == pytest.approx(loss, rel=1e-4)
    assert evaluate_split(run, sketches, flip=True, cache="memory").accuracy > 0.2


def test_the_commands_work_on_it(
    here: Path, sketches: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(sketches)]
    assert cli.main(["train", *QUICK, *data]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert re.match(rf"{RUN}: validation accuracy \d+\.\d% after fitting to 60 images of", lines[0])
    assert "epoch" not in lines[0]
    assert Image.open(here / "model_checkpoints" / RUN / "overview.png").size[0] > 1000

    assert cli.main(["runs"]) == 0
    name, recipe, _, _, epochs, *_ = capsys.readouterr().out.splitlines()[1].split()
    assert (name, recipe, epochs) == (RUN, "fisher-vectors", "-")
    assert cli.main(["evaluate", RUN, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] > 0.2
    image = next((sketches / "test" / "coast").iterdir())
    assert cli.main(["predict", RUN, str(image), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["images"][0]["labels"]) == 3

    assert cli.main(["report", RUN, "--split", "validation"]) == 0
    page = (here / capsys.readouterr().out.strip()).read_text()
    assert f"scene-recog train --recipe fisher-vectors --set {' '.join(SETTINGS)}" in page
    assert "The epoch was chosen" not in page
    assert "training time" in page
    assert "best epoch" not in page
    assert "Inside the network" not in page
    assert "by epoch" not in page
    assert "Which classes are confused" in page

    assert cli.main(["train", "--resume", RUN]) == 0
    assert capsys.readouterr().out == f"{RUN} is complete.\n"
    assert "has no 'epochs'" in refuse(capsys, "train", "--resume", RUN, "--epochs", "3")
    assert "nothing to check" in refuse(capsys, "doctor", RUN)
    assert "which is not one of" in refuse(capsys, "summary", RUN)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "3"], "has no 'epochs'"),
        (["--amp", "on"], "has no 'amp'"),
        (["--cache", "off"], "has no 'cache'"),
        (["--compile"], "has no 'compile_model'"),
        (["--tensorboard"], "logs epochs, and fisher-vectors has none"),
        (["--set", "words=many"], "words is 'many'"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    here: Path,
    sketches: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    if "--tensorboard" in arguments:
        pytest.importorskip("tensorboard")
    data = ["--data", str(sketches)]
    assert message in refuse(capsys, "train", "--recipe", "fisher-vectors", *data, *arguments)
    assert not list(here.iterdir())


def test_more_images_than_memory_allows_are_refused_at_once(
    sketches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """90 images, 60 of them to train on: vectors of 1,280 numbers, and a table of 120 x 120."""
    needed = 120 * 1280 * 2 + 120 * 120 * 8
    monkeypatch.setattr(fitter, "physical_memory", lambda: needed - 1)
    with pytest.raises(ValueError, match="60 images need about 0 GB of memory, and this machine"):
        RECIPE.make_trainer(sketches, tmp_path)
    for enough in (needed, None):
        monkeypatch.setattr(fitter, "physical_memory", lambda enough=enough: enough)
        RECIPE.make_trainer(sketches, tmp_path)


def test_the_doctor_refuses_the_recipe(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "nothing to check" in refuse(capsys, "doctor", "--recipe", "fisher-vectors")


def test_trouble_with_the_images_is_one_line(
    sketches: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = shutil.copytree(sketches, here / "data")
    broken = next((data / "train" / "coast").iterdir())
    broken.write_bytes(b"no image")
    arguments = ["train", *QUICK, "--data", str(data)]
    assert cli.main(arguments) == 2
    message = capsys.readouterr().err
    assert "1 image cannot be read: fix or remove it, or leave it out with --skip-bad" in message
    assert broken.name in message
    assert cli.main([*arguments, "--skip-bad"]) == 0
    assert read_config(here / "model_checkpoints" / "fisher-vectors-002")["skipped_images"] == [
        f"train/coast/{broken.name}"
    ]
    for split in ("train", "test"):
        shutil.copytree(data / split / "forest", data / split / "wood")
    assert "16 classes, but FisherVectorNet has 15 outputs" in refuse(capsys, *arguments)


# ---------------------------------------------------------------- stopped and resumed


def fit_and_die(data_dir: Path, folder: Path, point: str, count: int) -> None:
    """Fit, or resume; the process kills itself at the `count`-th time it gets to a point."""
    torch.set_num_threads(1)
    fitter.PART = 32
    calls = iter(range(1, 10**9))
    owner: Any = {"fit_weights": FisherVectorNet, "fit": VisualWords,
                  "_write_part": Fitter, "save_epoch": RunFolder, "training_vectors":
                  FisherVectorNet, "evaluate_batches": fitter}.get(point)  # fmt: skip
    if owner is not None:
        function = getattr(owner, point)

        def killed(*arguments: Any, **options: Any) -> Any:
            if next(calls) == count:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)

        setattr(owner, point, killed)
    RECIPE.make_trainer(data_dir, folder, load_from_disk=True).run_training_loop()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize(
    ("point", "count", "parts"),
    [
        ("fit", 1, 0),
        ("training_vectors", 1, 0),
        ("training_vectors", 2, 1),
        ("_write_part", 2, 1),
        ("fit_weights", 1, 2),
        ("evaluate_batches", 1, 2),
        ("save_epoch", 1, 2),
    ],
)
def test_a_killed_run_ends_with_the_same_weights(
    fitted: Path, sketches: Path, tmp_path: Path, point: str, count: int, parts: int
) -> None:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "scene_recog.recipes"])
    folder = tmp_path / "run"
    for point_of_this_start, expected in ((point, -signal.SIGKILL), ("", 0)):
        process = context.Process(
            target=fit_and_die, args=(sketches, folder, point_of_this_start, count)
        )
        process.start()
        process.join()
        assert process.exitcode == expected
        if expected:
            assert len(list(folder.glob("vectors-*.pt"))) == parts
    assert not list(folder.glob("vectors-*.pt"))
    assert_same_weights(folder, fitted)
    assert len(read_history(folder)) == 1


@pytest.mark.usefixtures("in_small_parts")
def test_what_is_done_is_not_done_again(
    fitted: Path, sketches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    folder = tmp_path / "run"
    trainer = RECIPE.make_trainer(sketches, folder)
    with monkeypatch.context() as patch:
        patch.setattr(FisherVectorNet, "fit_weights", stop)
        with pytest.raises(KeyboardInterrupt):
            trainer.run_training_loop()
    assert UNFINISHED in read_checkpoint(folder / "checkpoint.pt")
    with pytest.raises(ValueError, match=r"not finished: scene-recog train --resume"):
        load_run(folder)
    (folder / "vectors-0002.pt").write_bytes(b"damaged")

    made = []
    training_vectors = FisherVectorNet.training_vectors
    monkeypatch.setattr(FisherVectorNet, "fit_words", stop)
    monkeypatch.setattr(
        FisherVectorNet,
        "training_vectors",
        lambda net, part: made.append(len(part)) or training_vectors(net, part),
    )
    RECIPE.make_trainer(sketches, folder, load_from_disk=True).run_training_loop()
    assert made == [28]  # the damaged part only
    assert_same_weights(folder, fitted)


@pytest.mark.usefixtures("in_small_parts")
def test_parts_of_other_words_are_not_used(
    fitted: Path, sketches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    other = RECIPE.override(["seed=1"]).make_trainer(sketches, folder)
    with monkeypatch.context() as patch:
        patch.setattr(Fitter, "_delete_parts", lambda _: None)
        other.run_training_loop()
    kept = {path.name: path.read_bytes() for path in folder.glob("vectors-*.pt")}
    assert len(kept) == 2
    again = tmp_path / "again"
    again.mkdir()
    for name, contents in kept.items():
        (again / name).write_bytes(contents)
    RECIPE.make_trainer(sketches, again).run_training_loop()
    assert_same_weights(again, fitted)


@pytest.mark.usefixtures("in_small_parts")
def test_a_full_disk_costs_only_the_parts(
    fitted: Path,
    sketches: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fitter, "write_data", full)
    RECIPE.make_trainer(sketches, tmp_path / "run").run_training_loop()
    assert "vectors-0001.pt is not saved (No space left on device)" in capsys.readouterr().err
    assert_same_weights(tmp_path / "run", fitted)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_it_and_says_how_to_resume(
    here: Path,
    sketches: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    code: int,
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patch:
        patch.setattr(FisherVectorNet, "fit_weights", lambda *_: os.kill(os.getpid(), number))
        assert cli.main(["train", *QUICK, "--data", str(sketches)]) == code
    message = capsys.readouterr().err
    assert (
        "what is finished is saved. Resume with: scene-recog train --resume model_check" in message
    )
    assert signal.getsignal(signal.SIGTERM) is before
    assert cli.main(["train", "--resume", RUN]) == 0
    assert "after the visual words" in capsys.readouterr().err


# ---------------------------------------------------------------- hostile and wrong checkpoints


def test_a_checkpoint_of_another_size_is_named(
    fitted: Path, sketches: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(fitted, tmp_path / "run")
    with pytest.raises(
        ValueError, match=r"does not fit this FisherVectorNet \(kinds.0.shares is \[2\]"
    ):
        RECIPE.override(["words=3"]).make_trainer(sketches, folder, load_from_disk=True)
    with pytest.raises(ValueError, match=r"val_fraction is 0.5, but the images"):
        RECIPE.override(["val_fraction=0.5"]).make_trainer(sketches, folder, load_from_disk=True)
    trainer = RECIPE.make_trainer(sketches, folder, load_from_disk=True)
    assert trainer.epochs_done == 1
    with pytest.raises(ValueError, match="in one pass"):
        trainer.run_training_loop()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": {"class_name": "FisherVectorNet", "arguments": {"words": 1}}}, "arguments that"),
        ({"model": {"class_name": "FisherVectorNet", "arguments": {"words": 10**9}}}, "width"),
        ({"model": {"class_name": "FisherVectorNet", "arguments": {"words": 3}}}, "do not fit"),
        ({"model": {"class_name": "FisherVectorNet", "arguments": {"sift": 2}}}, "arguments that"),
        ({"model": {"class_name": "FisherVectorNet", "arguments": {"words": "2"}}}, "arguments"),
        ({"model": {"class_name": "FisherVectorNet", "arguments": {"descriptors": "x"}}}, "argum"),
        ({"model": {"class_name": "FisherVectorNet", "arguments": {"words": [2]}}}, "width"),
        ({"val_transforms": [{"name": "ToTensor"}, {"name": "Resize", "size": 64}]}, "do not fit"),
    ],
)
def test_a_hostile_config_is_refused_in_one_line(
    fitted: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    contents = read_checkpoint(fitted / "checkpoint.pt")
    contents["config"] |= changes
    write_checkpoint(tmp_path / "checkpoint.pt", contents)
    with pytest.raises(ValueError, match=message) as caught:
        load_run(tmp_path / "checkpoint.pt", device="cpu")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [None, 3, "words", ["words"], {"seconds": "many"}])
def test_a_hostile_state_is_refused_in_one_line(
    fitted: Path, sketches: Path, tmp_path: Path, value: object
) -> None:
    contents = read_checkpoint(fitted / "checkpoint.previous.pt")
    contents[UNFINISHED] = value
    write_checkpoint(tmp_path / "checkpoint.pt", contents)
    with pytest.raises(ValueError, match="is damaged: its history cannot be read"):
        RECIPE.make_trainer(sketches, tmp_path, load_from_disk=True)


@pytest.mark.usefixtures("in_small_parts")
@pytest.mark.parametrize(
    "part",
    [
        [1, 2],
        {"origin": "?"},
        {"origin": "?", "vectors": torch.ones(64, 1280).half(), "labels": torch.ones(64).long()},
        {"origin": "?", "vectors": torch.ones(1), "labels": "none", "seconds": 1.0},
    ],
)
def test_hostile_parts_are_made_again(
    fitted: Path, sketches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: Any
) -> None:
    monkeypatch.setattr(Fitter, "_origin", lambda *_: "?")
    (tmp_path / "run").mkdir()
    torch.save(part, tmp_path / "run" / "vectors-0001.pt")
    RECIPE.make_trainer(sketches, tmp_path / "run").run_training_loop()
    assert_same_weights(tmp_path / "run", fitted)
