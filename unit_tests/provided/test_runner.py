"""Trainer: training, repeating, resuming, stopping, and the files it writes."""

from __future__ import annotations

import csv
import json
import math
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
import torch

from scene_recog.data_transforms import (
    get_fundamental_augmentation_transforms,
    get_fundamental_transforms,
)
from scene_recog.figure_2 import FIGURE_2
from scene_recog.image_loader import ImageLoader
from scene_recog.models.scene_net import SceneNet
from scene_recog.optimizer import get_optimizer
from scene_recog.runner import Trainer
from scene_recog.runs.checkpoint import read_checkpoint
from scene_recog.simple_net import SimpleNet
from scene_recog.simple_net_final import SimpleNetFinal

MakeTrainer = Callable[..., Trainer]


def same_weights(first: Trainer, second: Trainer) -> bool:
    ours, theirs = first.model.state_dict(), second.model.state_dict()
    return all(torch.equal(ours[name], theirs[name]) for name in ours)


def without_times(trainer: Trainer) -> list[object]:
    return [replace(record, seconds=0.0, validation_seconds=0.0) for record in trainer.records]


def test_training_learns_and_keeps_a_history(make_trainer: MakeTrainer) -> None:
    torch.manual_seed(0)
    trainer = make_trainer(SceneNet(width=8), lr=0.1)  # how fast it learns is known
    trainer.run_training_loop(12)
    for history in (
        trainer.train_loss_history,
        trainer.validation_loss_history,
        trainer.train_accuracy_history,
        trainer.validation_accuracy_history,
    ):
        assert len(history) == 12
        assert all(math.isfinite(value) for value in history)
    assert trainer.train_loss_history[-1] < 0.8 * math.log(15)
    assert trainer.train_accuracy_history[-1] > 3 / 15


def test_losses_are_means_per_example(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer()
    loss, accuracy = trainer.validate()
    examples = [trainer.val_dataset[i] for i in range(len(trainer.val_dataset))]
    images, labels = zip(*examples, strict=True)
    with torch.no_grad():
        logits = trainer.model(torch.stack(images))
    expected = torch.nn.functional.cross_entropy(logits, torch.tensor(labels))
    assert loss == pytest.approx(expected.item(), rel=1e-5)
    assert accuracy == pytest.approx((logits.argmax(1) == torch.tensor(labels)).float().mean())


def test_course_call_with_positional_arguments(sketches: Path, tmp_path: Path) -> None:
    model = SimpleNet()
    optimizer = get_optimizer(model, {"optimizer_type": "adam", "lr": 1e-3, "weight_decay": 1e-5})
    transforms = get_fundamental_transforms((64, 64))
    trainer = Trainer(
        str(sketches), model, optimizer, str(tmp_path / "run"), transforms, transforms, 20, True,
        False, False,
    )  # fmt: skip
    loss, accuracy = trainer.train_epoch()
    assert loss > 0
    assert 0 <= accuracy <= 1
    trainer.save_model()
    saved = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    assert {"model_state_dict", "optimizer_state_dict"} <= set(saved)
    assert trainer.val_dataset.split == "test"
    x, y = next(iter(trainer.train_loader))
    assert x.shape == (20, 1, 64, 64)
    assert y.shape == (20,)


def test_run_folder_has_everything(make_trainer: MakeTrainer, tmp_path: Path) -> None:
    trainer = make_trainer(val_fraction=0.3, extra_config={"recipe": {"name": "mine"}})
    trainer.run_training_loop(2)
    folder = tmp_path / "run"
    assert {path.name for path in folder.iterdir()} == {
        "config.json", "history.csv", "checkpoint.pt", "checkpoint.previous.pt", "best.pt",
        "curves.png", ".lock",
    }  # fmt: skip
    config = json.loads((folder / "config.json").read_text())
    assert config["recipe"] == {"name": "mine"}
    assert config["data"]["kind"] == "sketch15"
    assert config["model"] == {"class_name": "SimpleNet", "parameters": FIGURE_2.parameters}
    assert config["versions"]["torch"] == torch.__version__.split("+")[0]
    assert config == read_checkpoint(folder / "checkpoint.pt")["config"]
    with (folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == [1, 2]
    assert [float(row["train_loss"]) for row in rows] == trainer.train_loss_history
    assert all(0 < float(row["validation_seconds"]) < float(row["seconds"]) for row in rows)
    assert [float(r["validation_accuracy"]) for r in rows] == trainer.validation_accuracy_history


def test_one_seed_repeats_a_run(make_trainer: MakeTrainer, tmp_path: Path) -> None:
    augmented = get_fundamental_augmentation_transforms((64, 64))
    runs = []
    for number, seed in enumerate((0, 0, 1)):
        torch.manual_seed(0)
        trainer = make_trainer(
            SimpleNetFinal(),
            seed=seed,
            model_dir=tmp_path / str(number),
            train_data_transforms=augmented,
        )
        trainer.run_training_loop(2)
        runs.append(trainer)
    assert same_weights(runs[0], runs[1])
    assert without_times(runs[0]) == without_times(runs[1])
    assert not same_weights(runs[0], runs[2])


@pytest.mark.parametrize("scheduler", ["none", "one-cycle", "cosine", "step"])
def test_interrupted_run_goes_on_as_if_nothing_had_happened(
    make_trainer: MakeTrainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheduler: str
) -> None:
    augmented = get_fundamental_augmentation_transforms((64, 64))
    options = {"scheduler": scheduler, "train_data_transforms": augmented}
    whole = make_trainer(model_dir=tmp_path / "whole", **options)
    whole.run_training_loop(4)

    first = make_trainer(model_dir=tmp_path / "broken", **options)
    validate = first.validate

    def interrupt() -> tuple[float, float]:
        if first.epochs_done == 3:
            raise KeyboardInterrupt
        return validate()

    monkeypatch.setattr(first, "validate", interrupt)
    with pytest.raises(KeyboardInterrupt):
        first.run_training_loop(4)

    second = make_trainer(model_dir=tmp_path / "broken", **options)
    assert second.epochs_done == 2
    assert second.train_loss_history == whole.train_loss_history[:2]
    second.run_training_loop(2)
    assert same_weights(whole, second)
    assert without_times(whole) == without_times(second)
    rows = (tmp_path / "broken" / "history.csv").read_text().splitlines()
    assert len(rows) == 1 + 4


def test_a_second_loop_starts_a_new_schedule(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(scheduler="cosine", lr=0.05)
    trainer.run_training_loop(2)
    assert trainer.optimizer.param_groups[0]["lr"] == pytest.approx(0, abs=1e-9)
    trainer.run_training_loop(1)
    assert [record.epoch for record in trainer.records] == [1, 2, 3]
    assert trainer.train_loss_history[2] != trainer.train_loss_history[1]


def test_a_finished_run_is_moved_not_overwritten(
    make_trainer: MakeTrainer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = make_trainer()
    first.run_training_loop(1)
    before = (tmp_path / "run" / "checkpoint.pt").read_bytes()
    second = make_trainer(load_from_disk=False, seed=5)
    assert second.epochs_done == 0
    assert (tmp_path / "run" / "checkpoint.pt").read_bytes() == before
    second.run_training_loop(1)
    assert (tmp_path / "run" / "earlier-001" / "checkpoint.pt").read_bytes() == before
    assert (tmp_path / "run" / "checkpoint.pt").read_bytes() != before
    assert "earlier-001" in capsys.readouterr().err


def test_validation_split_leaves_test_alone(
    make_trainer: MakeTrainer, sketches: Path, tmp_path: Path
) -> None:
    root = tmp_path / "without_test"
    shutil.copytree(sketches / "train", root / "train")
    trainer = make_trainer(data_dir=root, val_fraction=0.34)
    train = {path for path, _ in trainer.train_dataset.dataset}
    validation = {path for path, _ in trainer.val_dataset.dataset}
    assert not train & validation
    assert len(train | validation) == 90
    assert Counter(label for _, label in trainer.val_dataset.dataset) == dict.fromkeys(range(15), 2)
    trainer.run_training_loop(1)


def test_validation_uses_its_own_transforms(make_trainer: MakeTrainer) -> None:
    augmented = get_fundamental_augmentation_transforms((64, 64))
    trainer = make_trainer(val_fraction=0.3, train_data_transforms=augmented)
    assert isinstance(trainer.val_dataset, ImageLoader)
    assert torch.equal(trainer.val_dataset[0][0], trainer.val_dataset[0][0])
    draws = {float(trainer.train_dataset[0][0].sum()) for _ in range(5)}
    assert len(draws) > 1


def test_early_stopping_keeps_the_best(
    make_trainer: MakeTrainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer(val_fraction=0.3, patience=2)
    script = iter([(2.0, 0.2), (1.5, 0.4), (1.4, 0.4), (1.6, 0.3), (1.0, 0.4), (0.1, 0.9)])
    monkeypatch.setattr(trainer, "validate", lambda: next(script))
    trainer.run_training_loop(6)
    # Epoch 3 has the accuracy of epoch 2 at a lower loss; epoch 5, two later, is better still.
    assert trainer.epochs_done == 6
    assert trainer.best_record.epoch == 6
    script = iter([(2.0, 0.2), (2.0, 0.1), (2.0, 0.1), (0.1, 0.9)])
    trainer = make_trainer(val_fraction=0.3, patience=2, model_dir=tmp_path / "other")
    monkeypatch.setattr(trainer, "validate", lambda: next(script))
    trainer.run_training_loop(4)
    assert trainer.epochs_done == 3
    assert read_checkpoint(tmp_path / "other" / "best.pt")["epoch"] == 1
    assert read_checkpoint(tmp_path / "other" / "checkpoint.pt")["epoch"] == 3


def test_non_finite_loss_stops_and_keeps_the_last_good_checkpoint(
    make_trainer: MakeTrainer, tmp_path: Path
) -> None:
    trainer = make_trainer()
    trainer.run_training_loop(1)
    before = (tmp_path / "run" / "checkpoint.pt").read_bytes()
    for group in trainer.optimizer.param_groups:
        group["lr"] = 1e30
    with pytest.raises(FloatingPointError) as caught:
        trainer.run_training_loop(3)
    message = str(caught.value)
    assert "epoch 2, batch 2" in message or "epoch 2, batch 3" in message
    assert "1e+30" in message
    assert "checkpoint of epoch 1 is kept" in message
    assert (tmp_path / "run" / "checkpoint.pt").read_bytes() == before


def test_label_smoothing_acts_on_the_training_loss_only(
    make_trainer: MakeTrainer, tmp_path: Path
) -> None:
    plain = make_trainer(model_dir=tmp_path / "a", lr=0.0)
    smooth = make_trainer(model_dir=tmp_path / "b", lr=0.0, label_smoothing=0.5)
    with torch.no_grad():
        for trainer in (plain, smooth):
            trainer.model.fc_layers[-1].bias[0] += 3  # one class is far more likely
    assert smooth.validate() == plain.validate()
    x, y = torch.zeros(4, 1, 64, 64), torch.zeros(4, dtype=torch.long)
    logits = smooth.model(x)
    expected = torch.nn.functional.cross_entropy(logits, y, label_smoothing=0.5)
    assert torch.allclose(smooth._loss(logits, y), expected)
    assert smooth.train_epoch()[0] != plain.train_epoch()[0]


def test_gradient_clipping_bounds_the_step(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(grad_clip=1e-3, lr=1.0, batch_size=90)
    before = [p.detach().clone() for p in trainer.model.parameters()]
    trainer.train_epoch()  # one batch, hence one step from zero momentum
    moved = torch.cat(
        [(p - b).flatten() for p, b in zip(trainer.model.parameters(), before, strict=True)]
    )
    assert moved.norm().item() == pytest.approx(1e-3, rel=1e-3)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("batch_size", 0),
        ("val_fraction", 1.0),
        ("val_fraction", -0.1),
        ("scheduler", "cosin"),
        ("label_smoothing", 1.0),
        ("grad_clip", 0.0),
        ("patience", 3),  # without val_fraction
        ("device", "quantum"),
    ],
)
def test_bad_argument_is_named(make_trainer: MakeTrainer, option: str, value: object) -> None:
    with pytest.raises(ValueError, match=option):
        make_trainer(**{option: value})


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_missing_cuda_is_said(make_trainer: MakeTrainer) -> None:
    with pytest.raises(ValueError, match="cuda is not available on this machine"):
        make_trainer(cuda=True)


def test_class_that_only_test_has_is_named(
    make_trainer: MakeTrainer, sketches: Path, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    shutil.copytree(sketches, root)
    (root / "test" / "volcano").mkdir()
    with pytest.raises(ValueError, match=r"class volcano is in .*test but not in .*train"):
        make_trainer(data_dir=root)
    (root / "test" / "volcano").rmdir()
    shutil.rmtree(root / "test" / "coast")
    with pytest.raises(ValueError, match=r"class coast is in .*train but not in .*test"):
        make_trainer(data_dir=root)


def test_empty_class_folder_is_named(
    make_trainer: MakeTrainer, sketches: Path, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    shutil.copytree(sketches, root)
    for path in (root / "train" / "office").iterdir():
        path.unlink()
    with pytest.raises(ValueError, match=r"train/office has no images"):
        make_trainer(data_dir=root)


def test_truncated_image_is_named(
    make_trainer: MakeTrainer, sketches: Path, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    shutil.copytree(sketches, root)
    bad = root / "train" / "forest" / "image_0001.jpg"
    bad.write_bytes(bad.read_bytes()[:800])
    with pytest.raises(ValueError, match=r"cannot read the image .*forest/image_0001.jpg"):
        make_trainer(data_dir=root).run_training_loop(1)


def test_checkpoint_of_another_network_is_refused(make_trainer: MakeTrainer) -> None:
    make_trainer().run_training_loop(1)
    with pytest.raises(ValueError, match=r"is from a SimpleNet .* SimpleNetFinal .*load_from_disk"):
        make_trainer(SimpleNetFinal())


def test_checkpoint_of_the_course_s_trainer_is_taken(
    make_trainer: MakeTrainer, tmp_path: Path
) -> None:
    donor = make_trainer(model_dir=tmp_path / "donor")
    donor.train_epoch()
    (tmp_path / "run").mkdir()
    contents = {
        "model_state_dict": donor.model.state_dict(),
        "optimizer_state_dict": donor.optimizer.state_dict(),
    }
    torch.save(contents, tmp_path / "run" / "checkpoint.pt")
    trainer = make_trainer(seed=3)
    assert same_weights(trainer, donor)
    trainer.run_training_loop(1)


def test_plots_say_what_was_trained_on_what(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer()
    trainer.run_training_loop(2)
    for plot, history in (
        (trainer.plot_loss_history, trainer.validation_loss_history),
        (trainer.plot_accuracy, trainer.validation_accuracy_history),
    ):
        plot()
        axes = plt.gcf().axes[0]
        assert axes.get_title() == "SimpleNet on drawn sketches (sketch15)"
        assert axes.lines[0].get_label() == "train"
        assert axes.lines[1].get_label() == "test"
        assert list(axes.lines[1].get_ydata()) == history
        assert list(axes.lines[1].get_xdata()) == [1, 2]
