"""Named, complete training configurations. A recipe is data: print it, change it, repeat it."""

from __future__ import annotations

import ast
import json
import re
import reprlib
import sys
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, fields, replace
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torchvision import transforms
from torchvision.transforms import Compose

from scene_recog import data_transforms
from scene_recog.loading.bad_images import all_bad_images_named
from scene_recog.loading.statistics import pixel_stats as measure_pixel_stats
from scene_recog.models import NETS
from scene_recog.optimizer import get_optimizer
from scene_recog.runner import Trainer
from scene_recog.system import processes
from scene_recog.system.devices import AMP_MODES
from scene_recog.training.extras import decay_matrices_only
from scene_recog.training.muon import Muon
from scene_recog.training.schedule import SCHEDULES

AUGMENTATIONS = ("none", "flip-jitter", "crop-rotate")
OPTIMIZERS = ("sgd", "adam", "adamw", "muon")
_ANY = sys.float_info.max
_RANGES: dict[str, tuple[float, float]] = {
    "epochs": (1, _ANY),
    **dict.fromkeys(("input_size", "start_size", "eval_size", "cache_size"), (1, 1024)),
    "width": (1, 256),
    "batch_size": (1, 2**31),
    "seed": (0, 2**63 - 1),
    **dict.fromkeys(("lr", "weight_decay", "momentum", "mixup", "cutmix"), (0, _ANY)),
    **dict.fromkeys(("jitter", "erasing"), (0, 1)),
    "rotation": (0, 180),
}


@dataclass(frozen=True)
class Recipe:
    """Everything that decides how a training run goes, except the images.

    Raises:
        ValueError: a value of the wrong type, out of range or unknown; the message names it.
    """

    name: str
    model: str  # a class in scene_recog.models.NETS
    epochs: int
    batch_size: int = 32
    width: int | None = None  # of nets that have one, such as SceneNet; None: the net's own
    input_size: int = 64  # side of the square input, in pixels
    start_size: int | None = None  # the same at first, growing to input_size; None: no growth
    eval_size: int | None = None  # the same outside of training; None: input_size
    augmentation: str = "none"  # one of AUGMENTATIONS
    cache_size: int = 128  # crop-rotate: side of the square that crops are taken of, in pixels
    min_area: float = 0.35  # crop-rotate: least share of the square in a crop
    rotation: float = 5.0  # crop-rotate: most, in degrees
    jitter: float = 0.3  # crop-rotate: brightness and contrast times 1 - jitter to 1 + jitter
    erasing: float = 0.0  # crop-rotate: chance that a box is erased (Zhong et al. 2017)
    mixup: float = 0.0  # see `Trainer`
    cutmix: float = 0.0  # see `Trainer`
    normalize: bool = False  # subtract the training pixels' mean, divide by their std
    optimizer_type: str = "sgd"
    lr: float = 0.01  # the highest learning rate
    weight_decay: float = 0.0  # muon has its own for convolutions
    decay_vectors: bool = True  # False: no weight decay on biases and batch norm
    momentum: float = 0.9  # sgd and muon only
    nesterov: bool = False  # sgd and muon only
    scheduler: str = "none"  # one of SCHEDULES
    label_smoothing: float = 0.0
    grad_clip: float | None = None
    ema_decay: float | None = None  # see `Trainer`
    amp: str = "off"  # bfloat16 autocast: "off", "on" or "auto"
    patience: int | None = None  # epochs without improvement before stopping early
    val_fraction: float = 0.1  # share of train held out; 0 validates on test, as the course does
    seed: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            _check_type(field.name, getattr(self, field.name), str(field.type))
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", self.name):
            raise ValueError(
                f"name is {_short(self.name)}: use letters, digits, dots, dashes (a folder)"
            )
        _check_choice("model", self.model, NETS)
        _check_choice("augmentation", self.augmentation, AUGMENTATIONS)
        _check_choice("optimizer_type", self.optimizer_type, OPTIMIZERS)
        _check_choice("scheduler", self.scheduler, SCHEDULES)
        _check_choice("amp", self.amp, AMP_MODES)
        for key, (least, most) in _RANGES.items():
            value = getattr(self, key)
            if value is not None and not least <= value <= most:
                limit = f"from {least} to {most}" if most < _ANY else f"{least} or more"
                raise ValueError(f"{key} is {_short(value)}: it must be {limit}")
        if self.width is not None and "width" not in signature(NETS[self.model]).parameters:
            raise ValueError(f"width is {self.width}: {self.model} has no width, leave it at None")
        if self.start_size is not None and self.start_size > self.input_size:
            raise ValueError(
                f"start_size is {self.start_size}: it must be at most input_size, {self.input_size}"
            )
        if not 0 < self.min_area <= 1:
            raise ValueError(f"min_area is {self.min_area}: it must be above 0, and at most 1")
        for key in ("label_smoothing", "val_fraction", "ema_decay"):
            if (value := getattr(self, key)) is not None and not 0 <= value < 1:
                raise ValueError(f"{key} is {value}: it must be from 0 to below 1")
        if self.grad_clip is not None and not self.grad_clip > 0:
            raise ValueError(f"grad_clip is {self.grad_clip}: it must be above 0, or None")
        if self.patience is not None and (self.patience < 1 or self.val_fraction == 0):
            raise ValueError(
                f"patience is {self.patience}, val_fraction {self.val_fraction}: they must be at "
                "least 1 and above 0, or the test split would choose when to stop"
            )
        if self.nesterov and not self.momentum > 0:
            raise ValueError(f"nesterov needs momentum above 0, not {self.momentum}")

    def override(self, settings: Iterable[str]) -> Recipe:
        """A copy with changed values, each given as "key=value", for instance "lr=0.05".

        Raises:
            ValueError: no such key, or a value that does not suit it.
        """
        changes: dict[str, Any] = {}
        known = [field.name for field in fields(self)]
        for setting in settings:
            key, equals, text = setting.partition("=")
            if not equals:
                raise ValueError(
                    f"{_short(setting)} is no setting: write key=value, such as lr=0.05"
                )
            if key not in known:
                raise ValueError(f"a recipe has no {_short(key)}: choose from {', '.join(known)}")
            try:
                changes[key] = ast.literal_eval(text)
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                changes[key] = text  # a plain word, such as cosine
            if isinstance(changes[key], str) and text.lower() in ("true", "false"):
                changes[key] = text.lower() == "true"
        return replace(self, **changes)

    @property
    def optimizer_config(self) -> dict[str, Any]:
        """The config for `get_optimizer`, or for `Muon`."""
        config = {
            "optimizer_type": self.optimizer_type,
            "lr": self.lr,
            "weight_decay": self.weight_decay,
        }
        if self.optimizer_type in ("sgd", "muon"):
            config |= {"momentum": self.momentum, "nesterov": self.nesterov}
        return config

    def make_transforms(self, pixel_mean: float, pixel_std: float) -> tuple[Compose, Compose]:
        """(training transforms, validation transforms) for pixels of this mean and deviation."""
        stats = [pixel_mean], [pixel_std]

        def plain(side: int) -> Compose:
            if self.normalize:
                return data_transforms.get_fundamental_normalization_transforms(
                    (side, side), *stats
                )
            return data_transforms.get_fundamental_transforms((side, side))

        size = (self.input_size, self.input_size)
        if self.augmentation == "none":
            training = plain(self.input_size)
        elif self.augmentation == "crop-rotate":
            training = self._crop_rotate_transforms(*stats)
        elif self.normalize:
            training = data_transforms.get_all_transforms(size, *stats)
        else:
            training = data_transforms.get_fundamental_augmentation_transforms(size)
        return training, plain(self.eval_size or self.input_size)

    def _crop_rotate_transforms(self, mean: list[float], std: list[float]) -> Compose:
        """Another part of the scene, from another angle and in other light, in every epoch.

        Random resized crops are from Szegedy et al. 2015, section 6.
        """
        steps: list[Any] = [
            transforms.Resize((self.cache_size, self.cache_size)),
            transforms.RandomRotation(self.rotation, transforms.InterpolationMode.BILINEAR),
            transforms.RandomResizedCrop(self.input_size, (self.min_area, 1.0), (0.8, 1.25)),
            transforms.RandomHorizontalFlip(),
            transforms.ColorJitter(brightness=self.jitter, contrast=self.jitter),
            transforms.ToTensor(),
        ]
        if self.rotation == 0:
            del steps[1]
        if self.normalize:
            steps.append(transforms.Normalize(mean, std))
        if self.erasing > 0:
            steps.append(transforms.RandomErasing(self.erasing, scale=(0.02, 0.2)))
        return Compose(steps)

    def make_model(self) -> nn.Module:
        """The network with the initial weights that the seed gives; sets torch's generator."""
        torch.manual_seed(self.seed)
        return NETS[self.model](**({} if self.width is None else {"width": self.width}))

    def make_trainer(
        self,
        data_dir: str | Path,
        model_dir: str | Path,
        *,
        device: str = "auto",
        load_from_disk: bool | str | Path = False,
        cache: str = "disk",
        amp: str | None = None,
        compile_model: bool = False,
        sync_batch_norm: bool = False,
        pixel_stats: tuple[float, float] | None = None,
        skip_images: Collection[str] = (),
    ) -> Trainer:
        """A `Trainer` set up by this recipe; `run_training_loop(recipe.epochs)` is left to do.

        Args:
            data_dir: folder with train/ and test/.
            model_dir: the run's folder.
            device, load_from_disk, cache, compile_model, sync_batch_norm, skip_images: as for
                `Trainer`.
            amp: as for `Trainer`; None takes the recipe's.
            pixel_stats: (mean, std) of the training pixels in [0, 1]; None measures them.

        Raises:
            ValueError, FileNotFoundError: as `Trainer` and `compute_mean_and_std`.
        """
        if pixel_stats is None:
            pixel_stats = (0.0, 1.0)
            if self.normalize:
                with all_bad_images_named(data_dir), processes.one_first():
                    pixel_stats = measure_pixel_stats(data_dir, cache=cache, left_out=skip_images)
        train_transforms, val_transforms = self.make_transforms(*pixel_stats)
        model = self.make_model()
        num_outputs = self._count_outputs(model)
        optimizer = self._make_optimizer(model)
        if not self.decay_vectors:
            decay_matrices_only(optimizer)
        trainer = Trainer(
            data_dir,
            model,
            optimizer,
            model_dir,
            train_transforms,
            val_transforms,
            batch_size=self.batch_size,
            load_from_disk=load_from_disk,
            device=device,
            seed=self.seed,
            val_fraction=self.val_fraction,
            scheduler=self.scheduler,
            label_smoothing=self.label_smoothing,
            grad_clip=self.grad_clip,
            patience=self.patience,
            mixup=self.mixup,
            cutmix=self.cutmix,
            ema_decay=self.ema_decay,
            start_size=self.start_size,
            cache=cache,
            amp=self.amp if amp is None else amp,
            compile_model=compile_model,
            sync_batch_norm=sync_batch_norm,
            skip_images=skip_images,
            extra_config={"recipe": asdict(self), "pixel_stats": list(pixel_stats)},
        )
        num_classes = len(trainer.train_dataset.class_dict)
        if num_classes > num_outputs:
            raise ValueError(
                f"{data_dir} has {num_classes} classes, but {self.model} tells {num_outputs} apart"
            )
        return trainer

    def _make_optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        config = self.optimizer_config
        if self.optimizer_type == "muon":  # not one of the handout's
            return Muon(model, **{k: v for k, v in config.items() if k != "optimizer_type"})
        return get_optimizer(model, config)

    def _count_outputs(self, model: nn.Module) -> int:
        outputs = 0
        for key in ("start_size", "eval_size", "input_size"):
            if (size := getattr(self, key)) is None:
                continue
            try:
                with torch.inference_mode():
                    outputs = model.eval()(torch.zeros(1, 1, size, size)).shape[1]
            except RuntimeError as error:
                raise ValueError(
                    f"{self.model} does not take images of {size}x{size} pixels: "
                    f"change {key} (the handout's nets take 64)"
                ) from error
        return outputs


def get_recipe(name: str) -> Recipe:
    """A recipe by its name, or the one in a run's config.json by the file's path.

    Raises:
        ValueError: no such recipe; the message lists those there are.
        FileNotFoundError: no such file.
    """
    if name in RECIPES:
        return RECIPES[name]
    if name.endswith(".json"):
        path = Path(name)
        if not path.is_file():
            raise FileNotFoundError(f"no recipe file {path}")
        try:
            return recipe_from_dict(json.loads(path.read_text(encoding="utf-8"))["recipe"])
        except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
            raise ValueError(f"{path} holds no recipe: name a run's config.json") from error
    raise ValueError(
        f"unknown recipe {_short(name)}: choose from {', '.join(RECIPES)}, or a config.json"
    )


def recipe_from_dict(values: dict[str, Any]) -> Recipe:
    """The recipe that `dataclasses.asdict` made these values of.

    Raises:
        ValueError: a key is unknown or missing, or a value does not suit it.
    """
    known = {field.name for field in fields(Recipe)}
    if unknown := sorted(set(values) - known):
        raise ValueError(
            f"a recipe has no {_short(unknown[0])}: choose from {', '.join(sorted(known))}"
        )
    if missing := sorted({"name", "model", "epochs"} - set(values)):
        raise ValueError(f"the recipe lacks {', '.join(missing)}")
    return Recipe(**values)


def _check_type(key: str, value: Any, annotation: str) -> None:
    names = annotation.replace(" ", "").split("|")
    allowed = {"str": str, "int": int, "float": (int, float), "bool": bool, "None": type(None)}
    for name in names:
        is_bool_as_number = isinstance(value, bool) and name != "bool"
        if isinstance(value, allowed[name]) and not is_bool_as_number:  # type: ignore[arg-type]
            return
    raise ValueError(f"{key} is {_short(value)}: it must be {' or '.join(names)}")


def _check_choice(key: str, value: str, choices: Iterable[str]) -> None:
    if value not in choices:
        raise ValueError(f"{key} is {_short(value)}: it must be one of {', '.join(choices)}")


def _short(value: Any) -> str:
    shortened = reprlib.Repr()
    shortened.maxstring = shortened.maxother = 60
    return shortened.repr(value)


_SCENE_NET: dict[str, Any] = {
    "augmentation": "crop-rotate",
    "normalize": True,
    "lr": 0.1,
    "weight_decay": 5e-4,
    "decay_vectors": False,
    "nesterov": True,
    "scheduler": "one-cycle",
    "label_smoothing": 0.1,
    "ema_decay": 0.998,
    "amp": "on",
}
_BEST: dict[str, Any] = {
    **_SCENE_NET,
    "width": 32,
    "epochs": 150,
    "batch_size": 64,
    "start_size": 64,
    "input_size": 96,
    "eval_size": 112,
    "cache_size": 192,
    "rotation": 0.0,
    "mixup": 0.2,
    "weight_decay": 1e-3,
}

RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="part1",
            model="SimpleNet",
            epochs=40,
            optimizer_type="adam",
            lr=1e-3,
            scheduler="one-cycle",
        ),
        Recipe(
            name="part2",
            model="SimpleNetFinal",
            epochs=40,
            augmentation="flip-jitter",
            normalize=True,
            lr=0.05,
            weight_decay=5e-4,
            nesterov=True,
            scheduler="one-cycle",
        ),
        Recipe(
            name="fast80",
            model="SceneNet",
            width=16,
            epochs=22,
            batch_size=64,
            start_size=64,
            input_size=80,
            eval_size=96,
            cache_size=192,
            min_area=0.5,
            rotation=0.0,
            **_SCENE_NET | {"optimizer_type": "muon", "lr": 0.05, "label_smoothing": 0.05},
        ),
        Recipe(name="best", model="ScenePyramidNet", **_BEST),
        Recipe(name="best-gradients", model="GradientPyramidNet", **_BEST),
        Recipe(
            name="tiny80",
            model="TinySceneNet",
            width=10,
            epochs=400,
            batch_size=64,
            input_size=64,
            eval_size=80,
            cache_size=192,
            rotation=0.0,
            **_SCENE_NET | {"lr": 0.2, "label_smoothing": 0.05},
        ),
    )
}
