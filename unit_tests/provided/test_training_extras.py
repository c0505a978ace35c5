"""Averaged weights, mixed and growing images, selective weight decay, crops, other test sizes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from scene_recog.loading.batch_transforms import split_pipeline
from scene_recog.models.scene_net import SceneNet
from scene_recog.optimizer import get_optimizer
from scene_recog.recipes import RECIPES, Recipe
from scene_recog.runner import Trainer
from scene_recog.runs.checkpoint import read_checkpoint
from scene_recog.runs.scoring import at_sizes, evaluate_split, load_run
from scene_recog.training.average import NoAverage, WeightAverage
from scene_recog.training.decay import decay_matrices_only
from scene_recog.training.mixing import growing_size, make_mixing, shrink

MakeTrainer = Callable[..., Trainer]

TINY = Recipe(
    name="tiny",
    model="SceneNet",
    width=2,
    epochs=3,
    batch_size=30,
    input_size=24,
    start_size=16,
    eval_size=32,
    cache_size=32,
    augmentation="crop-rotate",
    erasing=0.5,
    mixup=0.2,
    cutmix=1.0,
    ema_decay=0.9,
    decay_vectors=False,
    optimizer_type="muon",
    weight_decay=5e-4,
    normalize=True,
    scheduler="one-cycle",
)


def test_average_is_the_moving_average_of_weights_and_buffers() -> None:
    model = nn.BatchNorm1d(1)
    average = WeightAverage(model, 0.5)
    weights = [1.0, 3.0, -2.0, 5.0, 0.0]
    expected = weights[0]
    for n, value in enumerate(weights):
        nn.init.constant_(model.weight, value)
        assert model.running_mean is not None
        model.running_mean.fill_(-value)
        average.update()
        if n:
            decay = min(0.5, (1 + n) / (10 + n))
            expected = decay * expected + (1 - decay) * value
    assert average.model.weight.item() == pytest.approx(expected)
    assert average.model.running_mean.item() == pytest.approx(-expected)


def test_mixing_gives_shares_of_classes() -> None:
    torch.manual_seed(0)
    mix = make_mixing(1.0, 1.0, 4)
    images, labels = torch.rand(4, 1, 8, 8), torch.arange(4)
    mixed, shares = mix(images, labels)
    assert mixed.shape == images.shape
    assert not torch.equal(mixed, images)
    assert torch.allclose(shares.sum(dim=1), torch.ones(4))
    assert (shares > 0).sum(dim=1).tolist() == [2, 2, 2, 2]


def test_no_mixing_gives_back_the_same() -> None:
    images, labels = torch.rand(4, 1, 8, 8), torch.arange(4)
    same = make_mixing(0.0, 0.0, 4)(images, labels)
    assert same[0] is images
    assert same[1] is labels


def test_images_grow_and_each_size_gets_as_many_pixels() -> None:
    sizes = [growing_size(64, 96, epoch / 1000) for epoch in range(1000)]
    assert sizes == sorted(sizes)
    assert set(sizes) == {64, 80, 96}
    pixels = [sizes.count(size) * size**2 for size in (64, 80, 96)]
    assert pixels == pytest.approx([sum(pixels) / 3] * 3, rel=0.01)


@pytest.mark.parametrize(
    ("start", "full", "progress", "size"),
    [(64, 96, 1.0, 96), (64, 96, 2.0, 96), (64, 70, 0.0, 64), (64, 70, 0.9, 70), (96, 64, 0.0, 64)],
)
def test_growth_ends_at_the_full_size(start: int, full: int, progress: float, size: int) -> None:
    assert growing_size(start, full, progress) == size


def test_shrinking_smooths_and_never_enlarges() -> None:
    stripes = torch.tensor([0.0, 1.0]).repeat(1, 1, 8, 4)
    assert shrink(stripes, 4).shape == (1, 1, 4, 4)
    assert shrink(stripes, 4)[..., 1:-1] == pytest.approx(0.5, abs=0.01)
    assert shrink(stripes, 8) is stripes
    assert shrink(stripes, 16) is stripes
    assert shrink(torch.zeros(1, 1, 6, 8), 4).shape == (1, 1, 3, 4)


def test_trainer_shows_growing_images_to_the_net(sketches: Path, tmp_path: Path) -> None:
    recipe = TINY.override(["start_size=24", "input_size=48"])
    trainer = recipe.make_trainer(sketches, tmp_path / "run", device="cpu")
    sides: list[int] = []

    def look(layer: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if layer.training:
            sides.append(inputs[0].shape[-1])

    trainer.model.conv_layers[0].register_forward_pre_hook(look)  # type: ignore[operator, union-attr, index]
    trainer.run_training_loop(12)
    assert sides == sorted(sides)
    assert set(sides) == {24, 40, 48}


def test_decay_matrices_only_spares_vectors() -> None:
    model = SceneNet(2)
    config = {"optimizer_type": "sgd", "lr": 0.1, "weight_decay": 0.1, "nesterov": True}
    optimizer = get_optimizer(model, config)
    decay_matrices_only(optimizer)
    matrices, vectors = optimizer.param_groups
    assert (matrices["weight_decay"], vectors["weight_decay"]) == (0.1, 0.0)
    assert vectors["nesterov"]
    assert vectors["momentum"] == 0.9
    assert all(p.ndim > 1 for p in matrices["params"])
    assert all(p.ndim == 1 for p in vectors["params"])
    ours = {id(p) for group in optimizer.param_groups for p in group["params"]}
    assert ours == {id(p) for p in model.parameters()}


def test_trainer_validates_and_keeps_the_average(make_trainer: MakeTrainer, tmp_path: Path) -> None:
    trainer = make_trainer(ema_decay=0.9)
    trainer.run_training_loop(2)
    saved = read_checkpoint(tmp_path / "run" / "checkpoint.pt")
    name, weight = next(iter(trainer.model.named_parameters()))
    assert torch.equal(saved["model_state_dict"][name], weight.cpu())
    averaged = saved["averaged_state_dict"][name]
    assert not torch.equal(averaged, weight.cpu())
    assert torch.equal(averaged, trainer.averaged_model.state_dict()[name].cpu())
    loaded = load_run(tmp_path / "run", device="cpu").model
    assert torch.equal(loaded.state_dict()[name], averaged)
    by_average = trainer.validate()
    trainer._average = NoAverage(trainer.model)
    assert trainer.validate() != by_average


def test_training_accuracy_counts_the_larger_share(make_trainer: MakeTrainer) -> None:
    plain, mixed = make_trainer(lr=0.0), make_trainer(lr=0.0, mixup=0.2)

    def mostly_itself(x: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        own = nn.functional.one_hot(y, 15).float()
        return x, 0.6 * own + 0.4 * own.roll(1, dims=1)

    mixed._mix = mostly_itself
    (plain_loss, plain_accuracy), (mixed_loss, mixed_accuracy) = (
        plain.train_epoch(),
        mixed.train_epoch(),
    )
    assert mixed_accuracy == plain_accuracy
    assert mixed_loss != plain_loss


def test_label_smoothing_goes_with_mixing(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(cutmix=1.0, label_smoothing=0.1)
    loss, _ = trainer.train_epoch()
    assert math.isfinite(loss)


def test_a_recipe_with_everything_resumes_exactly(sketches: Path, tmp_path: Path) -> None:
    whole = TINY.make_trainer(sketches, tmp_path / "whole", device="cpu")
    whole.run_training_loop(3)

    first = TINY.make_trainer(sketches, tmp_path / "parts", device="cpu")
    real_save, calls = first._folder.save_epoch, []

    def stop_after_one(*args: object, **options: object) -> None:
        real_save(*args, **options)  # type: ignore[arg-type]
        calls.append(1)
        raise KeyboardInterrupt

    first._folder.save_epoch = stop_after_one  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        first.run_training_loop(3)
    second = TINY.make_trainer(sketches, tmp_path / "parts", device="cpu", load_from_disk=True)
    assert second.epochs_done == 1
    second.run_training_loop(2)

    for ours, theirs in ((whole.model, second.model),
                         (whole.averaged_model, second.averaged_model)):  # fmt: skip
        for name, value in ours.state_dict().items():
            assert torch.equal(value, theirs.state_dict()[name]), name
    assert whole.validation_loss_history == second.validation_loss_history

    run = load_run(tmp_path / "parts", device="cpu")
    assert run.config["model"]["arguments"] == {"width": 2}
    result = evaluate_split(run, sketches, "test" if TINY.val_fraction == 0 else "validation")
    chosen = second.records[run.epoch - 1]
    assert result.accuracy == pytest.approx(chosen.validation_accuracy)
    smaller = TINY.override(["eval_size=24"]).make_transforms(*run.config["pixel_stats"])[1]
    views = evaluate_split(at_sizes(run, (24, 32)), sketches).probabilities
    each = [evaluate_split(r, sketches) for r in (run, replace(run, transform=smaller))]
    assert views == pytest.approx((each[0].probabilities + each[1].probabilities) / 2, abs=1e-6)
    flipped = evaluate_split(run, sketches, flip=True).probabilities
    assert flipped.sum(axis=1) == pytest.approx(1.0)
    assert abs(flipped - each[0].probabilities).max() > 0


@pytest.mark.parametrize("arguments", [{"width": 10**9}, {"width": "2"}, {"depth": 2}, 3])
def test_a_net_that_cannot_be_made_again_is_one_line(
    sketches: Path, tmp_path: Path, arguments: object
) -> None:
    trainer = TINY.make_trainer(sketches, tmp_path / "run", device="cpu")
    trainer.config["model"]["arguments"] = arguments
    trainer.save_model()
    with pytest.raises(ValueError, match=r"checkpoint\.pt (do not fit|cannot be used)"):
        load_run(tmp_path / "run", checkpoint="last", device="cpu")


def test_sizes_differ_in_training_and_validation() -> None:
    training, validation = TINY.make_transforms(0.5, 0.25)
    images = torch.randint(256, (2, 1, 32, 32), dtype=torch.uint8)
    crops = split_pipeline(training)
    assert crops.is_random
    assert crops.tail(images).shape == (2, 1, 24, 24)
    assert split_pipeline(validation).tail(images).shape == (2, 1, 32, 32)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("mixup", -0.1),
        ("cutmix", float("inf")),
        ("ema_decay", 1.0),
        ("ema_decay", -0.5),
        ("start_size", 0),
    ],
)
def test_bad_argument_is_named(make_trainer: MakeTrainer, option: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{option} is {value}"):
        make_trainer(**{option: value})


@pytest.mark.parametrize(
    "setting",
    ["eval_size=0", "start_size=0", "cache_size=0", "min_area=0", "min_area=1.5", "jitter=2",
     "erasing=-1", "rotation=181", "amp=fast", "mixup=-1", "cutmix=-1", "ema_decay=1", "width=0"],
)  # fmt: skip
def test_bad_recipe_is_named(setting: str) -> None:
    key, value = setting.split("=")
    with pytest.raises(ValueError, match=f"{key} is '?{value}"):
        RECIPES["best"].override([setting])


def test_growth_from_above_the_full_size_is_refused() -> None:
    with pytest.raises(ValueError, match="start_size is 97: it must be at most input_size, 96"):
        RECIPES["best"].override(["start_size=97"])


@pytest.mark.parametrize("setting", ["start_size=32", "eval_size=80", "input_size=80"])
def test_size_that_a_net_does_not_take_is_named(
    sketches: Path, tmp_path: Path, setting: str
) -> None:
    recipe = RECIPES["part1"].override([setting])
    key, size = setting.split("=")
    with pytest.raises(ValueError, match=rf"not take images of {size}x{size} pixels: change {key}"):
        recipe.make_trainer(sketches, tmp_path / "run", device="cpu")


def test_width_of_a_net_without_one_is_refused() -> None:
    with pytest.raises(ValueError, match="SimpleNet has no width"):
        RECIPES["part1"].override(["width=3"])
