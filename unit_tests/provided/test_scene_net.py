"""The residual network, and what Trainer takes for it: averaged weights, mixtures, crops."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from scene_recog.engine.batch_transforms import split_pipeline
from scene_recog.engine.evaluation import evaluate_split, load_run
from scene_recog.models.scene_net import BasicBlock, SceneNet, SeparableBlock
from scene_recog.recipes import RECIPES, Recipe, recipe_from_dict
from scene_recog.runner import Trainer

MakeTrainer = Callable[..., Trainer]
SMALL = Recipe(
    name="small", model="SceneNet", width=4, epochs=2, batch_size=32, input_size=48, eval_size=64,
    augmentation="crop-rotate", crop_from=64, normalize=True, lr=0.1, weight_decay=5e-4,
    decay_matrices_only=True, nesterov=True, scheduler="one-cycle", label_smoothing=0.1, mixup=0.2,
    ema_decay=0.9, channels_last=True, val_fraction=0.34,
)  # fmt: skip


@pytest.mark.parametrize(("block", "n"), [(BasicBlock, 4608), (SeparableBlock, 656)])
def test_block_adds_to_its_input(block: type[nn.Module], n: int) -> None:
    torch.manual_seed(0)
    same = block(16, 16).eval()
    x = torch.rand(2, 16, 9, 9)
    kernels = sum(p.numel() for p in same.parameters() if p.ndim == 4)
    assert kernels == n
    if block is BasicBlock:  # at first it adds nothing
        assert torch.equal(same(x), x)
    for stride, side in ((1, 9), (2, 5)):
        assert block(16, 24, stride)(x).shape == (2, 24, side, side)


@pytest.mark.parametrize("side", [48, 64, 96, 112, 131])
def test_any_size_will_do(side: int) -> None:
    assert SceneNet(4).eval()(torch.rand(2, 1, side, side)).shape == (2, 15)


def test_parameters() -> None:
    assert sum(p.numel() for p in SceneNet().parameters()) == 693_399
    assert SceneNet(width=8, separable=True).arguments == {"width": 8, "separable": True}


def test_averaged_weights_follow_the_formula(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(ema_decay=0.75, batch_size=30)
    seen = []
    step = trainer.optimizer.step

    def watched() -> None:
        step()
        seen.append([p.detach().clone() for p in trainer.model.parameters()])

    trainer.optimizer.step = watched  # type: ignore[method-assign, assignment]
    trainer.train_epoch()
    assert len(seen) == 3
    assert trainer.averaged is not None
    for index, averaged in enumerate(trainer.averaged.parameters()):
        expected = seen[0][index]
        for weights in seen[1:]:
            expected = 0.75 * expected + 0.25 * weights[index]
        torch.testing.assert_close(averaged, expected)


def test_validation_and_evaluation_use_the_averaged_weights(sketches: Path, tmp_path: Path) -> None:
    trainer = SMALL.make_trainer(sketches, tmp_path / "run", device="cpu")
    trainer.run_training_loop(2)
    run = load_run(tmp_path / "run", checkpoint="last", device="cpu")
    result = evaluate_split(run, sketches, "validation")
    assert result.accuracy == pytest.approx(trainer.validation_accuracy_history[-1])
    assert trainer.averaged is not None
    ours, theirs = run.model.state_dict(), trainer.averaged.module.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    raw = trainer.model.state_dict()
    assert any(not torch.equal(ours[name], raw[name]) for name in ours)


def test_averaging_can_be_resumed(sketches: Path, tmp_path: Path) -> None:
    whole = SMALL.make_trainer(sketches, tmp_path / "whole", device="cpu")
    whole.run_training_loop(2)
    broken = SMALL.make_trainer(sketches, tmp_path / "part", device="cpu")
    save = broken._folder.save_epoch

    def save_and_stop(*arguments: object, **options: object) -> None:
        save(*arguments, **options)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    broken._folder.save_epoch = save_and_stop  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        broken.run_training_loop(2)
    part = SMALL.make_trainer(sketches, tmp_path / "part", device="cpu", load_from_disk=True)
    part.run_training_loop(1)
    assert part.averaged is not None
    assert whole.averaged is not None
    for ours, theirs in zip(part.averaged.buffers(), whole.averaged.buffers(), strict=True):
        assert torch.equal(ours, theirs)
    for ours, theirs in zip(part.averaged.parameters(), whole.averaged.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_mixtures_have_the_loss_of_their_shares(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(mixup=0.4, label_smoothing=0.1)
    x, y = torch.rand(6, 1, 64, 64), torch.arange(6)
    torch.manual_seed(1)
    assert trainer._mix is not None
    mixed, targets = trainer._mix(x, y)
    assert targets.sum(dim=1).tolist() == pytest.approx([1] * 6)
    share = targets[0, 0]
    assert 0 < share < 1
    torch.testing.assert_close(mixed[0], share * x[0] + (1 - share) * x[-1])
    logits = trainer.model(mixed)
    log_p = F.log_softmax(logits, dim=1)
    expected = -((0.9 * targets + 0.1 / 15) * log_p).sum(dim=1).mean()
    torch.testing.assert_close(trainer._training_loss(logits, targets), expected)


def test_only_matrices_decay() -> None:
    model = SMALL.make_model()
    decaying, rest = SMALL.make_optimizer(model).param_groups
    assert (decaying["weight_decay"], rest["weight_decay"]) == (5e-4, 0)
    assert decaying["lr"] == rest["lr"] == 0.1
    assert all(p.ndim > 1 for p in decaying["params"])
    assert len(decaying["params"]) + len(rest["params"]) == len(list(model.parameters()))


def test_crops_run_on_batches() -> None:
    training, evaluation = SMALL.make_transforms(0.5, 0.25)
    split = split_pipeline(training)
    assert split.is_random
    batch = torch.randint(0, 255, (5, 1, 64, 64), dtype=torch.uint8)
    assert split.tail(batch).shape == (5, 1, 48, 48)
    assert split_pipeline(evaluation).tail(batch).shape == (5, 1, 64, 64)


def test_recipe_and_checkpoint_make_the_same_network(sketches: Path, tmp_path: Path) -> None:
    recipe = recipe_from_dict(json.loads(json.dumps(asdict(SMALL))))
    assert recipe == SMALL
    trainer = recipe.make_trainer(sketches, tmp_path / "run", device="cpu")
    trainer.save_model()
    assert load_run(tmp_path / "run", device="cpu").model.arguments == trainer.model.arguments


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("width=4", "for SceneNet, not for SimpleNetFinal"),
        ("crop_area=0", "crop_area is 0"),
        ("ema_decay=1", "ema_decay is 1"),
        ("mixup=-1", "mixup is -1"),
        ("amp=fast", "amp is 'fast'"),
        ("eval_size=0", "eval_size is 0"),
    ],
)
def test_bad_setting_is_named(setting: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RECIPES["part2"].override([setting])
