"""Options are checked once, converted, recorded, and used as given."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from scene_recog.recipes import RECIPES, Recipe
from scene_recog.runner import Trainer
from scene_recog.runs.checkpoint import read_checkpoint
from scene_recog.runs.config import FORMAT, config_of, read_config
from scene_recog.runs.scoring import evaluate_split, load_run
from scene_recog.simple_net import SimpleNet
from scene_recog.simple_net_final import SimpleNetFinal
from scene_recog.system.numbers import plain_data
from scene_recog.training.options import TrainerOptions

MakeTrainer = Callable[..., Trainer]


def sgd(model: nn.Module, lr: Any = 0.05, **options: Any) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, **options)


# ---------------------------------------------------------------- one home


def test_recipes_have_the_trainer_s_options_with_their_ranges() -> None:
    ours = {field.name: field.metadata for field in fields(TrainerOptions)}
    theirs = {field.name: field.metadata for field in fields(Recipe)}
    assert ours.items() <= theirs.items()


def test_a_config_has_all_that_decides_a_result(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(val_fraction=0.3, cache="off", amp="on", scheduler="cosine")
    trainer.save_model()
    config = read_config(trainer.model_dir)
    assert config["format"] == FORMAT
    decided = asdict(trainer.options) | asdict(trainer.arithmetic)
    assert decided.items() <= {**config}.items()
    assert config["bfloat16"] is True
    assert config == read_checkpoint(trainer.model_dir / "checkpoint.pt")["config"]


def test_an_unknown_option_is_named(make_trainer: MakeTrainer) -> None:
    with pytest.raises(TypeError, match=r"no option 'schedule': choose from batch_size, seed"):
        make_trainer(schedule="cosine")


@pytest.mark.parametrize(
    ("option", "value", "must"),
    [
        ("batch_size", 0, "at least 1 and at most"),
        ("label_smoothing", 1.0, "at least 0 and below 1"),
        ("grad_clip", 0, "above 0"),
        ("mixup", float("nan"), "a finite number$"),
        ("scheduler", "cosin", "one of none, one-cycle, cosine, step"),
        ("patience", 1.5, "a whole number or None$"),
        ("compile_model", 1, "True or False$"),
        ("cache", "ram", "one of disk, memory, off"),
    ],
)
def test_the_same_words_from_trainer_and_recipe(
    make_trainer: MakeTrainer, option: str, value: object, must: str
) -> None:
    for make in (make_trainer, lambda **options: Recipe(
        name="x", model="SimpleNet", epochs=1, **options
    )):  # fmt: skip
        with pytest.raises(ValueError, match=f"^{option} is .*: it must be .*{must}"):
            make(**{option: value})


# ---------------------------------------------------------------- numbers of any kind


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.array([0.25]), 0.25),
        (torch.tensor(2), 2),
        (torch.tensor([1.5]), 1.5),
        (np.array([1, 2]), [1, 2]),
        ((np.float64(1), {"a": np.bool_(True)}), [1.0, {"a": True}]),
        (Path("a") / "b", str(Path("a/b"))),
        ({"b", "a"}, ["a", "b"]),
        (np.array([]), []),
    ],
)
def test_numbers_are_taken_for_what_they_are(value: object, plain: object) -> None:
    result = plain_data(value)
    assert result == plain
    assert type(result) is type(plain)
    json.dumps(result)


def test_numpy_numbers_anywhere_train_and_save(make_trainer: MakeTrainer, sketches: Path) -> None:
    from torchvision import transforms

    normalize = transforms.Normalize(mean=[np.float64(0.4)], std=np.array([0.3]))
    pipeline = transforms.Compose([transforms.Resize((64, 64)), transforms.ToTensor(), normalize])
    trainer = make_trainer(
        lr=np.float32(0.01),
        batch_size=np.int64(30),
        seed=np.int32(3),
        val_fraction=np.float64(0.3),
        label_smoothing=torch.tensor(0.1),
        train_data_transforms=pipeline,
        val_data_transforms=pipeline,
        extra_config={"pixel_stats": (np.float64(0.4), np.float32(0.25))},
    )
    trainer.run_training_loop(1)
    assert trainer.seed == 3
    assert trainer.optimizer.param_groups[0]["lr"] == pytest.approx(0.01)
    assert read_config(trainer.model_dir)["pixel_stats"] == [0.4, 0.25]
    result = evaluate_split(load_run(trainer.model_dir), sketches, "validation")
    assert result.accuracy == pytest.approx(trainer.best_record.validation_accuracy)


def test_what_cannot_be_saved_is_known_before_training(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="cannot be stored with a run"):
        make_trainer(extra_config={"recipe": object()})
    trainer = make_trainer()
    trainer.optimizer.param_groups[0]["note"] = np.float64(1)  # since then, by hand
    monkeypatch.setattr(trainer, "train_epoch", lambda: pytest.fail("trained for nothing"))
    with pytest.raises(
        ValueError, match=r"could not be saved: its optimizer_state_dict holds numpy"
    ):
        trainer.run_training_loop(1)
    assert not (trainer.model_dir / "config.json").exists()


# ---------------------------------------------------------------- what was asked is what trains


def test_changed_settings_train_and_are_said_and_recorded(
    make_trainer: MakeTrainer, capsys: pytest.CaptureFixture[str]
) -> None:
    make_trainer(lr=0.1).run_training_loop(1)
    capsys.readouterr()
    second = make_trainer(lr=0.001, grad_clip=2.0)
    for group in second.optimizer.param_groups:
        assert group["lr"] == 0.001
    assert "Changed after epoch 1: grad_clip None -> 2.0, lr 0.1 -> 0.001." in (
        capsys.readouterr().err
    )
    second.run_training_loop(1)
    assert [record.learning_rate for record in second.records] == [0.1, 0.001]
    config = read_config(second.model_dir)
    assert config["optimizer"]["lr"] == 0.001
    assert config["changes"] == [{"after_epoch": 1, "grad_clip": [None, 2.0], "lr": [0.1, 0.001]}]
    third = make_trainer(lr=0.001, grad_clip=2.0, cache="memory")
    assert third.config["changes"] == config["changes"]
    assert "Changed" not in capsys.readouterr().err


def test_a_rate_changed_by_hand_between_two_loops_is_recorded(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(lr=0.1)
    trainer.run_training_loop(1)
    trainer.optimizer.param_groups[0]["lr"] = 0.02
    trainer.run_training_loop(1)
    assert read_config(trainer.model_dir)["optimizer"]["lr"] == 0.02
    assert read_config(trainer.model_dir)["changes"] == [{"after_epoch": 1, "lr": [0.1, 0.02]}]


def test_momentum_goes_on_although_the_rate_is_changed(make_trainer: MakeTrainer) -> None:
    first = make_trainer()
    first.run_training_loop(1)
    second = make_trainer(lr=0.001)
    ours, theirs = (trainer.optimizer.state_dict()["state"] for trainer in (first, second))
    assert torch.equal(ours[0]["momentum_buffer"], theirs[0]["momentum_buffer"])


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.AdamW])
def test_another_kind_of_optimizer_is_refused(
    make_trainer: MakeTrainer, sketches: Path, kind: Any
) -> None:
    first = make_trainer()
    first.run_training_loop(1)
    model = SimpleNet()
    transforms = first.train_dataset.transform
    with pytest.raises(
        ValueError, match=f"trained with SGD and cannot be resumed with {kind.__name__}"
    ):
        Trainer(sketches, model, kind(model.parameters()), first.model_dir, transforms, transforms)
    saved = read_checkpoint(first.model_dir / "checkpoint.pt")
    del saved["config"]  # as the course's own Trainer writes it
    torch.save(saved, first.model_dir / "checkpoint.pt")
    with pytest.raises(ValueError, match="an optimizer that does not fit"):
        Trainer(sketches, model, kind(model.parameters()), first.model_dir, transforms, transforms)


@pytest.mark.parametrize("options", [{"label_smoothing": 0.1}, {"mixup": 0.2}, {"cutmix": 1.0}])
def test_the_model_s_own_criterion_trains_with_smoothing_and_mixing(
    make_trainer: MakeTrainer, options: dict[str, float]
) -> None:
    torch.manual_seed(0)
    weight = torch.rand(15) + 0.5
    logits, labels = torch.randn(6, 15), torch.arange(6)
    shares = nn.functional.one_hot(labels, 15) * 0.75 + 0.25 / 15
    model = SimpleNet()
    model.loss_criterion = nn.CrossEntropyLoss(weight=weight)
    trainer = make_trainer(model, **options)
    targets = labels if "label_smoothing" in options else shares
    smoothing = options.get("label_smoothing", 0.0)
    expected = nn.functional.cross_entropy(logits, targets, weight, label_smoothing=smoothing)
    assert torch.equal(trainer._loss(logits, targets), expected)

    class Focal(nn.Module):
        def forward(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            p = logits.softmax(1).gather(1, labels[:, None])
            return (-((1 - p) ** 2) * p.log()).mean()

    other = SimpleNet()
    other.loss_criterion = Focal()
    with pytest.raises(ValueError, match=r"needs a loss_criterion of nn.CrossEntropyLoss, not Foc"):
        make_trainer(other, **options)
    make_trainer(other, load_from_disk=False).train_epoch()


# ---------------------------------------------------------------- models and optimizers


def test_more_classes_than_outputs_is_one_line_in_python(make_trainer: MakeTrainer) -> None:
    model = SimpleNet()
    model.fc_layers[-1] = nn.Linear(model.fc_layers[-1].in_features, 10)
    with pytest.raises(ValueError, match=r"has 15 classes, but SimpleNet has 10 outputs"):
        make_trainer(model)


def test_an_optimizer_over_another_model_is_refused(sketches: Path, tmp_path: Path) -> None:
    from scene_recog.data_transforms import get_fundamental_transforms

    transforms = get_fundamental_transforms((64, 64))
    optimizer = sgd(SimpleNet())
    with pytest.raises(
        ValueError, match=r"8 of the optimizer's 8 tensors are not parameters of this model"
    ):
        Trainer(sketches, SimpleNet(), optimizer, tmp_path / "run", transforms, transforms)
    model = SimpleNetFinal()  # frozen layers are the caller's affair
    part = torch.optim.SGD(model.fc_layers.parameters(), lr=0.1)
    Trainer(sketches, model, part, tmp_path / "run", transforms, transforms, device="cpu")


def test_wrapped_models_are_refused(make_trainer: MakeTrainer) -> None:
    with pytest.raises(ValueError, match=r"wrapped in DataParallel: .* model\.module"):
        make_trainer(nn.DataParallel(SimpleNet()))
    without = SimpleNet()
    del without.loss_criterion
    with pytest.raises(ValueError, match="SimpleNet has no loss_criterion"):
        make_trainer(without)


# ---------------------------------------------------------------- configs of other versions


def test_a_config_of_format_1_is_brought_up_to_date() -> None:
    old = {"bfloat16": True, "recipe": {"name": "part1", "amp": "off"}}
    config = config_of(old, Path("config.json"))
    assert config["format"] == FORMAT
    assert config["recipe"]["amp"] == "on"  # as set by the command line then
    assert old["recipe"] == {"name": "part1", "amp": "off"}


def test_a_config_of_a_later_format_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"format": FORMAT + 1}))
    with pytest.raises(ValueError, match="from a later version of scene-recog"):
        read_config(tmp_path)


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_resume_from_their_config(name: str) -> None:
    from scene_recog.recipes import recipe_from_dict

    config = config_of({"recipe": asdict(RECIPES[name])}, Path("config.json"))
    assert recipe_from_dict(config["recipe"]) == RECIPES[name]
