"""Recipes are complete, printable and overridable, and errors name the bad value."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import nn

from scene_recog.models import NETS
from scene_recog.models.scene_net import SceneNet
from scene_recog.optimizer import get_optimizer
from scene_recog.recipes import (
    FITTED_RECIPES,
    RECIPES,
    Recipe,
    changes_from_default,
    changes_in_words,
    get_recipe,
    recipe_from_dict,
)
from scene_recog.runner import Trainer
from scene_recog.runs.scoring import load_run
from scene_recog.simple_net import SimpleNet
from scene_recog.simple_net_final import SimpleNetFinal


def test_the_course_s_two_parts_are_there() -> None:
    assert RECIPES["part1"].model == "SimpleNet"
    assert RECIPES["part1"].augmentation == "none"
    assert not RECIPES["part1"].normalize
    part2 = RECIPES["part2"]
    assert part2.model == "SimpleNetFinal"
    assert part2.augmentation == "flip-jitter"
    assert part2.normalize
    assert (part2.optimizer_type, part2.momentum, part2.weight_decay) == ("sgd", 0.9, 5e-4)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_survives_json(name: str) -> None:
    text = json.dumps(asdict(RECIPES[name]))
    assert recipe_from_dict(json.loads(text)) == RECIPES[name]


def test_overrides_take_words_numbers_and_none() -> None:
    recipe = RECIPES["part2"].override(
        ["lr=0.25", "epochs=3", "scheduler=cosine", "grad_clip=1", "normalize=false",
         "patience=None", "optimizer_type='adam'", "lr=0.5"]
    )  # fmt: skip
    assert recipe.lr == 0.5
    assert recipe.epochs == 3
    assert recipe.scheduler == "cosine"
    assert recipe.grad_clip == 1
    assert recipe.normalize is False
    assert recipe.patience is None
    assert recipe.optimizer_type == "adam"
    assert RECIPES["part2"].lr != 0.5


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("lr", "not a setting"),
        ("learning_rate=1", "no 'learning_rate': choose from"),
        ("momentun=1", r"no 'momentun' \(did you mean momentum\?\): choose from"),
        ("lr=fast", "lr is 'fast': it must be a number$"),
        ("lr=-1", "lr is -1"),
        ("lr=nan", "lr is nan: it must be a finite number$"),
        ("lr=1e999", "lr is inf"),
        ("epochs=2.5", "epochs is 2.5: it must be a whole number$"),
        ("epochs=0", "epochs is 0"),
        ("epochs=True", "epochs is True"),
        ("normalize=1", "normalize is 1: it must be True or False$"),
        ("model=ResNet99", "model is 'ResNet99'"),
        ("augmentation=all", "augmentation is 'all'"),
        ("scheduler=warm", "scheduler is 'warm'"),
        ("optimizer_type=lion", "optimizer_type is 'lion'"),
        ("name=../../x", "name is '../../x': a run's name may contain letters, digits,"),
        ("name=", "name is ''"),
        ("seed=-1", "seed is -1"),
        ("grad_clip=x", "grad_clip is 'x': it must be a number or None$"),
    ],
)
def test_bad_override_is_named(setting: str, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("[", r"\[")):
        RECIPES["part2"].override([setting])


def test_unknown_recipe_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"unknown recipe 'part3'.*part1, part2"):
        get_recipe("part3")
    with pytest.raises(FileNotFoundError, match=r"no recipe file .*none.json"):
        get_recipe(str(tmp_path / "none.json"))
    with pytest.raises(ValueError, match=r"unknown recipe 'prat2' \(did you mean part2\?\)"):
        get_recipe("prat2")
    (tmp_path / "broken.json").write_text('{\n"recipe": {,\n}')
    with pytest.raises(ValueError, match=r"broken\.json is not valid JSON, line 2: "):
        get_recipe(str(tmp_path / "broken.json"))
    for text in (
        "{",
        "[]",
        "{}",
        '{"recipe": [null]}',
        '{"recipe": ["name"]}',
        '{"recipe": 3}',
        '{"recipe": {"name": "x", "zzz": 1}}',
    ):
        path = tmp_path / "config.json"
        path.write_text(text)
        with pytest.raises(ValueError, match=r"config.json|no 'zzz'"):
            get_recipe(str(path))


def test_recipe_file_repeats_a_run(tmp_path: Path) -> None:
    recipe = RECIPES["part1"].override(["seed=7"])
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"recipe": asdict(recipe)}))
    assert get_recipe(str(path)) == recipe
    path.write_text(json.dumps(recipe.as_dict()))  # as `recipes --json` prints it
    assert get_recipe(str(path)) == recipe


def test_changes_are_from_the_recipe_of_the_name_or_the_closest() -> None:
    changed = RECIPES["part2"].override(["lr=0.5", "seed=3"])
    assert changes_from_default(changed.as_dict()) == ("part2", {"lr": 0.5, "seed": 3})
    assert changes_in_words(changed.as_dict()) == "lr=0.5"
    assert changes_in_words(RECIPES["part2"].as_dict()) == ""
    named = changed.override(["name=mine"]).as_dict()  # as `train --name` once made it
    assert changes_from_default(named) == ("part2", {"lr": 0.5, "seed": 3})
    assert changes_in_words(named) == "part2: lr=0.5"
    fitted = FITTED_RECIPES["fisher-vectors"].override(["words=4"])
    assert changes_in_words(fitted.as_dict()) == "words=4"
    far = changes_in_words(RECIPES["best"].as_dict() | {"name": "part1"})
    assert len(far) <= 60
    assert far.endswith(" ...")
    assert changes_in_words({"lr": "1\x1b[2J\n"}).isprintable()


def test_trainer_is_set_up_by_the_recipe(sketches: Path, tmp_path: Path) -> None:
    recipe = RECIPES["part2"].override(["batch_size=20", "seed=3", "val_fraction=0.34", "lr=0.04"])
    trainer = recipe.make_trainer(sketches, tmp_path / "run", device="cpu")
    assert isinstance(trainer.model, SimpleNetFinal)
    assert trainer.seed == 3
    group = trainer.optimizer.param_groups[0]
    assert (group["lr"], group["momentum"], group["weight_decay"]) == (0.04, 0.9, 5e-4)
    assert len(trainer.val_dataset) == 30
    mean, std = trainer.config["pixel_stats"]
    assert 0.2 < mean < 0.8
    assert 0.05 < std < 0.5
    x = torch.cat([x for x, _ in trainer.val_loader])
    assert abs(x.mean()) < 0.2
    assert 0.7 < x.std() < 1.1
    assert trainer.config["recipe"] == asdict(recipe)


def test_same_seed_same_initial_weights(sketches: Path, tmp_path: Path) -> None:
    def first_weights(seed: int) -> torch.Tensor:
        recipe = RECIPES["part1"].override([f"seed={seed}", "val_fraction=0"])
        trainer = recipe.make_trainer(sketches, tmp_path / "run", device="cpu")
        return next(trainer.model.parameters()).detach().clone()

    assert torch.equal(first_weights(1), first_weights(1))
    assert not torch.equal(first_weights(1), first_weights(2))


def test_input_size_that_the_net_cannot_take_is_named(sketches: Path, tmp_path: Path) -> None:
    recipe = RECIPES["part1"].override(["input_size=96"])
    wrong = r"SimpleNet does not take images of 96x96 pixels: change input_size .+; torch says: ."
    with pytest.raises(ValueError, match=wrong):
        recipe.make_trainer(sketches, tmp_path / "run", device="cpu")


class MyNet(nn.Module):
    """A network whose linear layer expects another number of values than the layers before give."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 5, stride=4)
        self.layers = nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(100, 15))
        self.loss_criterion = nn.CrossEntropyLoss()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.layers(self.conv(x))
        return scores


@pytest.mark.parametrize("size", [64, 96])
def test_a_wrong_layer_is_not_called_a_wrong_size(
    sketches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setitem(NETS, "MyNet", MyNet)
    recipe = RECIPES["part1"].override(["model=MyNet", f"input_size={size}"])
    with pytest.raises(ValueError, match="does not take images of") as raised:
        recipe.make_trainer(sketches, tmp_path / "run", device="cpu")
    message = str(raised.value)
    assert "mat1 and mat2 shapes cannot be multiplied (1x128 and 100x15)" in message
    assert "the network may be wrong rather than input_size" in message
    assert ("nor of 64x64" in message) == (size != 64)
    assert "change input_size" not in message


class LazyNet(nn.Module):
    """Its layers find their sizes with the first image."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.LazyConv2d(2, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(15)
        )
        self.loss_criterion = nn.CrossEntropyLoss()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.layers(x)
        return scores


def test_lazy_layers_learn(
    make_trainer: Callable[..., Trainer],
    sketches: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(NETS, "LazyNet", LazyNet)
    recipe = RECIPES["part1"].override(["model=LazyNet"])
    for trainer in (
        make_trainer(LazyNet()),
        recipe.make_trainer(sketches, tmp_path / "recipe", device="cpu"),
    ):
        layer = trainer.model.layers[3]
        before = layer.weight.clone()
        trainer.run_training_loop(1)
        assert not torch.equal(layer.weight, before)
        loaded = load_run(trainer.model_dir, device="cpu").model.layers[3]
        assert torch.equal(loaded.weight, layer.weight)


class Widening(SceneNet):
    """Keeps its width only if `kept` says so."""

    kept: ClassVar[Any] = None

    def __init__(self, width: int = 4) -> None:
        super().__init__(width)
        if self.kept is None:
            del self.arguments
        else:
            self.arguments = self.kept


@pytest.mark.parametrize("kept", [None, {}, {"width": 4}, {"depth": 3}, 8])
def test_a_network_that_does_not_keep_its_width_is_refused_before_training(
    sketches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: object
) -> None:
    monkeypatch.setitem(NETS, "Widening", Widening)
    monkeypatch.setattr(Widening, "kept", kept)
    recipe = RECIPES["part1"].override(["model=Widening", "width=8"])
    with pytest.raises(
        ValueError, match=r"built with width=8 but .*self.arguments = \{'width': wi"
    ):
        recipe.make_trainer(sketches, tmp_path / "run", device="cpu")
    assert not (tmp_path / "run").exists()


def test_a_run_whose_network_does_not_keep_its_width_says_so(
    make_trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(NETS, "Widening", Widening)
    trainer = make_trainer(model=Widening(8))  # in Python, where nobody knows the arguments
    trainer.run_training_loop(1)
    with pytest.raises(ValueError, match="arguments missing in self"):
        load_run(trainer.model_dir)


@pytest.mark.parametrize(("width", "kept"), [(8, {"width": 8}), (4, None), (None, None)])
def test_a_network_that_can_be_built_again_is_trained(
    sketches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int, kept: object
) -> None:
    monkeypatch.setitem(NETS, "Widening", Widening)
    monkeypatch.setattr(Widening, "kept", kept)
    recipe = RECIPES["part1"].override(["model=Widening", f"width={width}"])
    recipe.make_model()
    expected = torch.rand(1)
    model = recipe.make_model()
    recipe._check_arguments(model)
    assert torch.equal(torch.rand(1), expected), "the random state is left alone"
    recipe.make_trainer(sketches, tmp_path / "run", device="cpu")


def test_more_classes_than_outputs_are_refused(sketches: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    shutil.copytree(sketches, root)
    for split in ("train", "test"):
        shutil.copytree(root / split / "coast", root / split / "volcano")
    with pytest.raises(ValueError, match=r"has 16 classes, but SimpleNet has 15 outputs"):
        RECIPES["part1"].override(["val_fraction=0"]).make_trainer(
            root, tmp_path / "run", device="cpu"
        )


def test_optimizer_gets_only_its_own_keys() -> None:
    for optimizer_type in ("sgd", "adam", "adamw"):
        recipe = Recipe(name="x", model="SimpleNet", epochs=1, optimizer_type=optimizer_type)
        optimizer = get_optimizer(SimpleNet(), recipe.optimizer_config)
        assert optimizer.param_groups[0]["lr"] == recipe.lr
