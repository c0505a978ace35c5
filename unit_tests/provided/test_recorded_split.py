"""The validation split belongs to the run: training images are never used for validation."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from scene_recog import cli
from scene_recog.datasets.images import image_name
from scene_recog.datasets.scene15.manifest import ManifestEntry
from scene_recog.datasets.sketch15 import MARKER
from scene_recog.recipes import RECIPES
from scene_recog.runner import Trainer
from scene_recog.runs.checkpoint import read_checkpoint, write_checkpoint
from scene_recog.runs.run_folder import RunFolder
from scene_recog.runs.scoring import evaluate_split, load_run

MakeTrainer = Callable[..., Trainer]


@pytest.fixture
def root(sketches: Path, tmp_path: Path) -> Path:
    """A writable copy of the sketches."""
    return Path(shutil.copytree(sketches, tmp_path / "data"))


def add_images(root: Path, count: int) -> None:
    """New training images of every class, named so that they sort between the others."""
    for folder in (root / "train").iterdir():
        for number in range(count):
            noise = Image.effect_noise((64, 64), 40 + number)
            noise.save(folder / f"image_000{number}a.png")


def names(trainer: Trainer, dataset: str) -> set[str]:
    items = getattr(trainer, f"{dataset}_dataset").dataset
    return {image_name(path, trainer.data_dir) for path, _ in items}


def test_new_images_stay_out_of_a_run(
    make_trainer: MakeTrainer, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = make_trainer(data_dir=root, val_fraction=0.34)
    first.run_training_loop(1)
    trained, held_out = names(first, "train"), names(first, "val")
    add_images(root, 3)
    gone = sorted(held_out)[0]
    (root / gone).unlink()
    capsys.readouterr()

    run = load_run(first.model_dir)
    result = evaluate_split(run, root, "validation")
    assert {image_name(path, root) for path in result.paths} == held_out - {gone}
    said = f"The images in {root} have changed since the run began: 45 new (left out), 1 gone."
    assert said in capsys.readouterr().err
    result = evaluate_split(run, root, "train")
    assert {image_name(path, root) for path in result.paths} == trained

    second = make_trainer(data_dir=root, val_fraction=0.34)
    assert said in capsys.readouterr().err
    assert names(second, "train") == trained
    assert names(second, "val") == held_out - {gone}
    second.run_training_loop(1)
    assert (
        read_checkpoint(second.model_dir / "checkpoint.pt")["split"]
        == (first.split.state_dict()["split"])
    )


def test_another_seed_or_share_does_not_move_an_image(make_trainer: MakeTrainer) -> None:
    first = make_trainer(val_fraction=0.34)
    first.run_training_loop(1)
    second = make_trainer(val_fraction=0.34, seed=7)
    assert names(second, "val") == names(first, "val")
    with pytest.raises(ValueError, match=r"val_fraction is 0.2, but the images .* split with 0.34"):
        make_trainer(val_fraction=0.2)
    with pytest.raises(ValueError, match=r"val_fraction is 0.0, but"):
        make_trainer()


def test_a_moved_dataset_keeps_its_split(
    make_trainer: MakeTrainer, root: Path, tmp_path: Path
) -> None:
    trainer = make_trainer(data_dir=root, val_fraction=0.34)
    trainer.run_training_loop(1)
    moved = Path(shutil.move(root, tmp_path / "elsewhere"))
    result = evaluate_split(load_run(trainer.model_dir), moved, "validation")
    assert {image_name(path, moved) for path in result.paths} == set(trainer.split.validation)


def test_a_run_of_format_1_makes_its_split_again_or_says_that_it_cannot(
    make_trainer: MakeTrainer, root: Path
) -> None:
    trainer = make_trainer(data_dir=root, val_fraction=0.34)
    trainer.run_training_loop(1)
    for name in ("checkpoint.pt", "best.pt"):
        saved = read_checkpoint(trainer.model_dir / name)
        del saved["split"], saved["config"]["format"]
        write_checkpoint(trainer.model_dir / name, saved)
    run = load_run(trainer.model_dir)
    result = evaluate_split(run, root, "validation")
    assert {image_name(path, root) for path in result.paths} == set(trainer.split.validation)
    assert names(make_trainer(data_dir=root, val_fraction=0.34), "val") == (
        set(trainer.split.validation)
    )
    add_images(root, 1)
    refusal = "kept no list of them: its validation images cannot be told"
    with pytest.raises(ValueError, match=refusal):
        evaluate_split(run, root, "validation")
    with pytest.raises(ValueError, match=refusal):
        make_trainer(data_dir=root, val_fraction=0.34)
    assert len(evaluate_split(run, root, "test").targets) == 30


# ---------------------------------------------------------------- another dataset


def own(root: Path) -> Path:
    """The same images without the sketches' marker file, so that they are somebody's own."""
    (root / MARKER).unlink()
    return root


@pytest.fixture
def photographs(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Other images than the sketches, called photographs, with the sketches' file names."""
    entries = [
        ManifestEntry(path.parts[-3], path.parts[-2], path.name, size=0, sha256="")
        for path in root.glob("t*/*/*")
    ]
    for path in root.glob("t*/*/*"):
        Image.effect_noise((64, 64), 40).save(path)
    monkeypatch.setattr("scene_recog.datasets.scene15.load_manifest", lambda: entries)
    return own(root)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_run_is_not_resumed_with_another_dataset(
    make_trainer: MakeTrainer, photographs: Path
) -> None:
    trainer = make_trainer(val_fraction=0.34)
    trainer.run_training_loop(1)
    before = contents(trainer.model_dir)
    refusal = r"sketches \(sketch15\), but .*data holds 15-scene photographs: start a new run"
    with pytest.raises(ValueError, match=refusal):
        make_trainer(data_dir=photographs, val_fraction=0.34)
    assert contents(trainer.model_dir) == before
    make_trainer(data_dir=photographs, val_fraction=0.34, load_from_disk=False)


def test_resume_with_another_dataset_is_refused_on_the_command_line(
    sketches: Path,
    photographs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    common = ["--data", str(sketches), "--set", "val_fraction=0.34"]
    assert cli.main(["train", "--recipe", "part1", "--epochs", "1", *common]) == 0
    fisher = ["words=2", "input_size=100"]
    assert cli.main(["train", "--recipe", "fisher-vectors", *common, *fisher]) == 0
    for name in ("part1-001", "fisher-vectors-001"):
        before = contents(tmp_path / "model_checkpoints" / name)
        capsys.readouterr()
        assert cli.main(["train", "--resume", name, "--data", str(photographs)]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 1
        assert "but " + str(photographs) + " holds 15-scene photographs" in captured.err
        assert contents(tmp_path / "model_checkpoints" / name) == before


def test_only_test_is_measured_on_another_dataset(
    make_trainer: MakeTrainer, photographs: Path
) -> None:
    trainer = make_trainer(val_fraction=0.34)
    trainer.run_training_loop(1)
    run = load_run(trainer.model_dir)
    for split in ("train", "validation"):
        with pytest.raises(ValueError, match=r"photographs: only --split test can be measured"):
            evaluate_split(run, photographs, split)
    assert len(evaluate_split(run, photographs, "test").targets) == 30


@pytest.mark.parametrize("gone", [1, 3])
def test_own_images_are_told_apart_by_what_is_gone(
    make_trainer: MakeTrainer, root: Path, tmp_path: Path, gone: int
) -> None:
    make_trainer(data_dir=own(root)).run_training_loop(1)
    moved = root.rename(tmp_path / "elsewhere")
    for folder in (moved / "train").iterdir():
        for image in sorted(folder.iterdir())[:gone]:
            image.unlink()
    add_images(moved, 2)
    if gone == 1:  # 15 of 120
        assert len(make_trainer(data_dir=moved).train_dataset) == 75
        return
    refusal = r"trained on images in data, but .*elsewhere lacks 45 of its 120 images"
    with pytest.raises(ValueError, match=refusal):
        make_trainer(data_dir=moved)


def test_other_classes_are_named(make_trainer: MakeTrainer, root: Path) -> None:
    make_trainer(data_dir=root).run_training_loop(1)
    for split in ("train", "test"):
        shutil.copytree(root / split / "coast", root / split / "atoll")
    with pytest.raises(ValueError, match=r"trained on other classes than those in .*: atoll"):
        make_trainer(data_dir=root)


# ---------------------------------------------------------------- images to skip


@pytest.mark.parametrize(
    "skip", [["coast/image_0001.jpg"], ["data/train/coast/image_0001.jpg"],
             ["train/coast/image_0001.JPG"], "train/coast/image_0001.jpg", [""]]
)  # fmt: skip
def test_names_that_match_nothing_are_refused(
    make_trainer: MakeTrainer, skip: list[str] | str
) -> None:
    with pytest.raises(ValueError, match="skip_images"):
        make_trainer(skip_images=skip)


def test_skipped_images_are_skipped_in_their_own_folder_only(
    make_trainer: MakeTrainer, sketches: Path, root: Path
) -> None:
    skip = ["train/coast/image_0001.jpg", "test/coast/image_0001.jpg"]
    trainer = make_trainer(data_dir=root, skip_images=skip)
    assert (len(trainer.train_dataset), len(trainer.val_dataset)) == (89, 29)
    trainer.run_training_loop(1)
    run = load_run(trainer.model_dir)
    assert len(evaluate_split(run, root, "test").targets) == 29
    assert len(evaluate_split(run, sketches, "test").targets) == 30


def test_a_run_that_goes_on_keeps_its_list(make_trainer: MakeTrainer, root: Path) -> None:
    bad = root / "train" / "coast" / "image_0001.jpg"
    content = bad.read_bytes()
    bad.write_bytes(b"junk")
    skip = ["train/coast/image_0001.jpg"]
    trainer = make_trainer(data_dir=root, skip_images=skip)
    trainer.run_training_loop(1)
    bad.write_bytes(content)  # repaired, or gone
    assert len(make_trainer(data_dir=root, skip_images=skip).train_dataset) == 89
    bad.unlink()
    assert len(make_trainer(data_dir=root, skip_images=skip).train_dataset) == 89


# ---------------------------------------------------------------- stopped, and gone on


def without_times(trainer: Trainer) -> list[object]:
    return [replace(record, seconds=0.0, validation_seconds=0.0) for record in trainer.records]


@pytest.mark.parametrize("scheduler", ["one-cycle", "cosine", "step"])
def test_the_same_trainer_goes_on_with_its_schedule(
    make_trainer: MakeTrainer, tmp_path: Path, scheduler: str
) -> None:
    whole = make_trainer(model_dir=tmp_path / "whole", scheduler=scheduler)
    whole.run_training_loop(4)
    stopped = make_trainer(model_dir=tmp_path / "stopped", scheduler=scheduler)

    def stop(record: object) -> None:
        if stopped.epochs_done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped.run_training_loop(4, on_epoch=stop)
    stopped.run_training_loop(4 - stopped.epochs_done)
    assert without_times(stopped) == without_times(whole)
    ours, theirs = (trainer.model.state_dict() for trainer in (stopped, whole))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("options", [["--cache", "off"], ["--amp", "on"]])
def test_a_resumed_run_has_the_speed_options_that_it_began_with(
    sketches: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["train", "--recipe", "part2", "--data", str(sketches), "--device", "cpu",
               "--set", "val_fraction=0.34", "epochs=2", *options]  # fmt: skip
    assert cli.main([*command, "--name", "whole"]) == 0
    save = RunFolder.save_epoch

    def save_and_stop(self: RunFolder, *args: object, **kwargs: object) -> None:
        save(self, *args, **kwargs)  # type: ignore[arg-type]
        monkeypatch.undo()
        monkeypatch.chdir(tmp_path)
        raise KeyboardInterrupt

    monkeypatch.setattr(RunFolder, "save_epoch", save_and_stop)
    assert cli.main([*command, "--name", "stopped"]) == 130
    assert "Resume with: scene-recog train --resume model_checkpoints/stopped-001" in (
        capsys.readouterr().err
    )
    assert cli.main(["train", "--resume", "model_checkpoints/stopped-001"]) == 0
    assert "Changed" not in capsys.readouterr().err
    runs = [tmp_path / "model_checkpoints" / f"{name}-001" for name in ("whole", "stopped")]
    ours, theirs = (read_checkpoint(run / "checkpoint.pt")["model_state_dict"] for run in runs)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    recipe = json.loads((runs[1] / "config.json").read_text())["recipe"]
    assert [recipe["cache"], recipe["amp"]] == (
        ["off", "off"] if options[0] == "--cache" else ["disk", "on"]
    )


def test_repeat_command_has_the_speed_options(sketches: Path, tmp_path: Path) -> None:
    from scene_recog.visualize.report_subject import repeat_command

    recipe = RECIPES["part1"].override(["cache=off", "amp=on"])
    trainer = recipe.make_trainer(sketches, tmp_path / "run", device="cpu")
    command = repeat_command(trainer.config)
    assert command is not None
    assert "cache=off" in command
    assert "amp=on" in command


def test_what_is_left_out_by_its_name_is_said_once(
    make_trainer: MakeTrainer, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "train" / "coast" / "a.heic").write_bytes(b"an image of a phone")
    (root / "train" / "coast" / "notes.txt").write_text("not worth a word")
    make_trainer(data_dir=root)
    said = capsys.readouterr().err
    assert said.count("1 file without an image's extension (train/coast/a.heic)") == 1
    assert "notes.txt" not in said
