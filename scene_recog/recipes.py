"""Named, complete training configurations. A recipe is data: print it, change it, repeat it."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from inspect import signature
from pathlib import Path
from textwrap import shorten
from typing import Any, TypeVar

import torch
from torch import nn
from torchvision import transforms
from torchvision.transforms import Compose

from scene_recog import data_transforms
from scene_recog.assembler import Assembler
from scene_recog.assignment import explain_error
from scene_recog.fitter import Fitter
from scene_recog.loading.bad_images import all_bad_images_named
from scene_recog.loading.statistics import pixel_stats as measure_pixel_stats
from scene_recog.models import FITTED, NETS
from scene_recog.models.fisher_vectors import KINDS, FisherVectorNet
from scene_recog.models.misfit import misfit
from scene_recog.runner import Trainer
from scene_recog.system import processes
from scene_recog.system.devices import choose_device
from scene_recog.system.text import did_you_mean, in_one_line, reason_of, shortened
from scene_recog.training.decay import decay_matrices_only
from scene_recog.training.given_optimizer import optimizer_as_asked
from scene_recog.training.muon import Muon
from scene_recog.training.options import CheckedOptions, TrainerOptions, option, redefault

Stats = tuple[list[float], list[float]] | None  # (mean, deviation); None: do not normalize


def _plain_transforms(side: int, stats: Stats) -> Compose:
    if stats is None:
        return data_transforms.get_fundamental_transforms((side, side))
    return data_transforms.get_fundamental_normalization_transforms((side, side), *stats)


def _flip_jitter(recipe: Recipe, stats: Stats) -> Compose:
    """The handout's augmentation (steps 2.1 and 2.2)."""
    size = (recipe.input_size, recipe.input_size)
    if stats is None:
        return data_transforms.get_fundamental_augmentation_transforms(size)
    return data_transforms.get_all_transforms(size, *stats)


def _crop_rotate(recipe: Recipe, stats: Stats) -> Compose:
    """A different crop, angle and brightness of the scene in every epoch.

    Random resized crops are from Szegedy et al. 2015, section 6.
    """
    steps: list[Any] = [transforms.Resize((recipe.cache_size, recipe.cache_size))]
    if recipe.rotation > 0:
        bilinear = transforms.InterpolationMode.BILINEAR
        steps.append(transforms.RandomRotation(recipe.rotation, bilinear))
    steps += [
        transforms.RandomResizedCrop(recipe.input_size, (recipe.min_area, 1.0), (0.8, 1.25)),
        transforms.RandomHorizontalFlip(),
        transforms.ColorJitter(brightness=recipe.jitter, contrast=recipe.jitter),
        transforms.ToTensor(),
    ]
    if stats is not None:
        steps.append(transforms.Normalize(*stats))
    if recipe.erasing > 0:
        steps.append(transforms.RandomErasing(recipe.erasing, scale=(0.02, 0.2)))
    return Compose(steps)


# To add one, write a function of a recipe and the pixels' mean and std that returns transforms.
AUGMENTATIONS: dict[str, Callable[[Recipe, Stats], Compose]] = {
    "none": lambda recipe, stats: _plain_transforms(recipe.input_size, stats),
    "flip-jitter": _flip_jitter,
    "crop-rotate": _crop_rotate,
}
_OF_TRAINER = [each.name for each in fields(TrainerOptions)]
OPTIMIZERS = ("sgd", "adam", "adamw", "muon")


@dataclass(frozen=True, kw_only=True)
class Recipe(TrainerOptions):
    """Everything that determines a training run, except the images.

    It has the fields of `TrainerOptions` (`training/options.py`) and those for the network, the
    input images and the optimizer.

    Attributes:
        name: of the recipe, and of its runs' folders, unless `train --name` names them.
        model: a class in `scene_recog.models.NETS`.
        epochs: total number.
        width: for networks that have one, such as SceneNet; None: the network's default.
        input_size: side of the square input, in pixels.
        eval_size: the same for validation and test; None: input_size.
        augmentation: one of AUGMENTATIONS.
        cache_size: crop-rotate: side of the square that crops are taken from, in pixels.
        min_area: crop-rotate: smallest fraction of the square's area in a crop.
        rotation: crop-rotate: largest angle, in degrees.
        jitter: crop-rotate: brightness and contrast times 1 - jitter to 1 + jitter.
        erasing: crop-rotate: probability that a box is erased (Zhong et al. 2017).
        normalize: subtract the training pixels' mean, divide by their standard deviation.
        optimizer_type: one of OPTIMIZERS.
        lr: the highest learning rate.
        weight_decay: muon has its own for convolutions.
        decay_vectors: False: no weight decay on biases and batch norm.
        momentum, nesterov: sgd and muon only.

    Raises:
        ValueError: a value of the wrong type, out of range or unknown; the message names it.
    """

    name: str
    model: str = field(metadata={"one_of": NETS})
    epochs: int = field(metadata={"least": 1})
    width: int | None = option(None, least=1, most=256)
    input_size: int = option(64, least=1, most=1024)
    eval_size: int | None = option(None, least=1, most=1024)
    augmentation: str = option("none", one_of=AUGMENTATIONS)
    cache_size: int = option(128, least=1, most=1024)
    min_area: float = option(0.35, above=0, most=1)
    rotation: float = option(5.0, least=0, most=180)
    jitter: float = option(0.3, least=0, most=1)
    erasing: float = option(0.0, least=0, most=1)
    normalize: bool = option(False)
    optimizer_type: str = option("sgd", one_of=OPTIMIZERS)
    lr: float = option(0.01, least=0)
    weight_decay: float = option(0.0, least=0)
    decay_vectors: bool = option(True)
    momentum: float = option(0.9, least=0)
    nesterov: bool = option(False)

    # as in `TrainerOptions`, with another default
    batch_size: int = redefault(TrainerOptions, "batch_size", 32)
    val_fraction: float = redefault(TrainerOptions, "val_fraction", 0.1)
    seed: int = redefault(TrainerOptions, "seed", 0)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_name(self.name)
        if self.width is not None and "width" not in signature(NETS[self.model]).parameters:
            raise ValueError(f"width is {self.width}: {self.model} has no width, leave it at None")
        if self.start_size is not None and self.start_size > self.input_size:
            raise ValueError(
                f"start_size is {self.start_size}: it must be at most input_size, {self.input_size}"
            )
        if self.nesterov and not self.momentum > 0:
            raise ValueError(f"nesterov needs momentum above 0, not {self.momentum}")

    def override(self, settings: Iterable[str]) -> Recipe:
        """A copy with changed values, each given as "key=value", for instance "lr=0.05".

        Raises:
            ValueError: no such key, or an invalid value.
        """
        return _overridden(self, settings, "a recipe")

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
        """(training transforms, validation transforms) for pixels of this mean and std."""
        stats = ([pixel_mean], [pixel_std]) if self.normalize else None
        training = AUGMENTATIONS[self.augmentation](self, stats)
        return training, _plain_transforms(self.eval_size or self.input_size, stats)

    def describe(self) -> str:
        """Network and training, in one line."""
        return (
            f"{self.model}, {self.epochs} epochs, {self.optimizer_type} lr {self.lr:g} "
            f"{self.scheduler}, augmentation {self.augmentation}"
        )

    def as_dict(self) -> dict[str, Any]:
        """The fields as plain data, those of `Recipe` itself first."""
        own = [each.name for each in fields(self) if each.name not in _OF_TRAINER]
        return {name: getattr(self, name) for name in (*own, *_OF_TRAINER)}

    @property
    def trainer_options(self) -> dict[str, Any]:
        """The keyword arguments of `Trainer` in it."""
        return {name: getattr(self, name) for name in _OF_TRAINER}

    def make_model(self) -> nn.Module:
        """The network, initialized from the seed; this seeds torch's global generator."""
        torch.manual_seed(self.seed)
        return NETS[self.model](**({} if self.width is None else {"width": self.width}))

    def make_trainer(
        self,
        data_dir: str | Path,
        model_dir: str | Path,
        *,
        device: str = "auto",
        load_from_disk: bool | str | Path = False,
        pixel_stats: tuple[float, float] | None = None,
        skip_images: Collection[str] = (),
        **changes: Any,
    ) -> Trainer:
        """A `Trainer` for this recipe; call `run_training_loop(recipe.epochs)` to train.

        Args:
            data_dir: folder with train/ and test/.
            model_dir: the run's folder.
            device, load_from_disk, skip_images: as for `Trainer`.
            pixel_stats: (mean, std) of the training pixels in [0, 1]; None measures them.
            changes: fields of the recipe to change first, such as `cache="off"`.

        Raises:
            ValueError, FileNotFoundError: as `Trainer` and `compute_mean_and_std`.
        """
        if changes:
            recipe = replace(self, **changes)
            return recipe.make_trainer(
                data_dir,
                model_dir,
                device=device,
                load_from_disk=load_from_disk,
                pixel_stats=pixel_stats,
                skip_images=skip_images,
            )
        if pixel_stats is None:
            pixel_stats = (0.0, 1.0)
            if self.normalize:
                with all_bad_images_named(data_dir), processes.one_first():
                    pixel_stats = measure_pixel_stats(
                        data_dir, cache=self.cache, left_out=skip_images
                    )
        train_transforms, val_transforms = self.make_transforms(*pixel_stats)
        model = self.make_model()
        self._check_sizes(model)
        self._check_arguments(model)
        return Trainer(
            data_dir,
            model,
            self.make_optimizer(model),
            model_dir,
            train_transforms,
            val_transforms,
            load_from_disk=load_from_disk,
            device=device,
            skip_images=skip_images,
            extra_config={"recipe": self.as_dict(), "pixel_stats": list(pixel_stats)},
            **self.trainer_options,
        )

    def make_optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """The optimizer from `get_optimizer(model, optimizer_config)`, or `Muon`.

        Raises:
            ValueError, NotImplementedError: as `optimizer_as_asked`.
        """
        config = self.optimizer_config
        if self.optimizer_type == "muon":  # not one of the handout's
            del config["optimizer_type"]
            optimizer: torch.optim.Optimizer = Muon(model, **config)
        else:
            optimizer = optimizer_as_asked(model, config)
        if not self.decay_vectors:
            decay_matrices_only(optimizer)
        return optimizer

    def _check_sizes(self, model: nn.Module) -> None:
        for key in ("start_size", "eval_size", "input_size"):
            if (size := getattr(self, key)) is None:
                continue
            error = _trouble_with_size(model, size)
            if error is None:
                continue
            may_be_wrong = _trouble_with_size(model, 64) is not None  # the network, not the size
            if explain_error(error) and may_be_wrong:
                raise error
            what = f"{self.model} does not take images of {size}x{size} pixels"
            if not may_be_wrong:
                advice = f"change {key} (the handout's nets take 64)"
            else:
                what += "" if size == 64 else ", nor of 64x64"
                advice = (
                    f"the network may be wrong rather than {key}: "
                    f"`scene-recog summary {self.model}` shows its layers"
                )
            raise ValueError(f"{what}: {advice}; torch says: {reason_of(error)}") from error

    def _check_arguments(self, model: nn.Module) -> None:
        """A network that does not keep its width cannot be built again to evaluate it."""
        kept = getattr(model, "arguments", {})
        if self.width is None or kept == {"width": self.width}:
            return
        try:
            with torch.random.fork_rng(devices=[]):
                again = NETS[self.model](**kept)
            is_same = not misfit(again, model.state_dict())
        except (RuntimeError, TypeError, ValueError):
            is_same = False
        if not is_same:
            raise ValueError(
                f"{self.model} was built with width={self.width} but does not keep it, so the run "
                "could not be evaluated: set self.arguments = {'width': width} in its __init__"
            )


@dataclass(frozen=True, kw_only=True)
class _WithoutEpochs(CheckedOptions):
    """What recipes share that are not trained in epochs."""

    name: str

    def __post_init__(self) -> None:
        super().__post_init__()
        check_name(self.name)

    @property
    def epochs(self) -> int:
        """They are made once."""
        return 1

    def as_dict(self) -> dict[str, Any]:
        """The fields as plain data."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class FittedRecipe(_WithoutEpochs):
    """Everything that determines a run of Fisher vectors, except the images.

    They are fitted, not trained in steps: there are no epochs and no optimizer.

    Attributes:
        name: as in `Recipe`.
        model: a class in `scene_recog.models.FITTED`.
        words: number of visual words.
        descriptors: a name in `fisher_vectors.KINDS`.
        input_size: side of the square input, in pixels.
        val_fraction: as in `TrainerOptions`.
        seed: for the validation split, the sample of descriptors and the initial words.

    Raises:
        ValueError: a value of the wrong type, out of range or unknown; the message names it.
    """

    model: str = option("FisherVectorNet", one_of=FITTED)
    words: int = option(128, least=2, most=1024)
    descriptors: str = option("sift", one_of=KINDS)
    input_size: int = option(256, least=100, most=1024)
    val_fraction: float = redefault(TrainerOptions, "val_fraction", 0.1)
    seed: int = redefault(TrainerOptions, "seed", 0)

    def override(self, settings: Iterable[str]) -> FittedRecipe:
        """As `Recipe.override`."""
        return _overridden(self, settings, "a recipe that is fitted, not trained in epochs,")

    def describe(self) -> str:
        """Network and fitting, in one line."""
        kinds = len(KINDS[self.descriptors])
        of_kinds = f", {kinds} kinds of descriptor" if kinds > 1 else ""
        return f"{self.model}, {self.words} words{of_kinds}, fitted without epochs"

    def make_model(self) -> FisherVectorNet:
        """The net, not fitted yet."""
        return FisherVectorNet(self.words, self.descriptors)

    def make_trainer(
        self,
        data_dir: str | Path,
        model_dir: str | Path,
        *,
        device: str = "auto",
        load_from_disk: bool | str | Path = False,
        skip_images: Collection[str] = (),
    ) -> Fitter:
        """A `Fitter` for this recipe; call `run_training_loop()` to fit. Arguments as for `Recipe`.

        Raises:
            ValueError, FileNotFoundError: as `Fitter`; a GPU, or several processes.
        """
        if device != "auto" and choose_device(device).type != "cpu":
            raise ValueError(
                f"{self.model} is fitted on the CPU, not on {device}: use --device cpu"
            )
        if processes.world_size() > 1:
            raise ValueError(f"{self.model} is fitted by one process: start it without torchrun")
        size = (self.input_size, self.input_size)
        return Fitter(
            data_dir,
            self.make_model(),
            model_dir,
            transforms.Compose([transforms.Resize(size), transforms.ToTensor()]),
            val_fraction=self.val_fraction,
            seed=self.seed,
            load_from_disk=load_from_disk,
            skip_images=skip_images,
            extra_config={"recipe": self.as_dict()},
        )


def check_name(name: str) -> None:
    """Check that a name can be a folder's.

    Raises:
        ValueError: it cannot.
    """
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", name):
        raise ValueError(
            f"name is {shortened(name)}: a run's name may contain letters, digits, dots, dashes "
            "and underscores, and starts with a letter, a digit or an underscore"
        )


@dataclass(frozen=True, kw_only=True)
class RecordRecipe(_WithoutEpochs):
    """The best model within a given time: an ensemble of Fisher vectors and networks.

    Attributes:
        name: as in `Recipe`.
        minutes: that it may take.
        val_fraction: as in `TrainerOptions`.
        seed: of all members.

    Raises:
        ValueError: a value of the wrong type, out of range or unknown; the message names it.
    """

    minutes: float = option(10.0, least=1, most=10_000)
    val_fraction: float = redefault(TrainerOptions, "val_fraction", 0.1)
    seed: int = redefault(TrainerOptions, "seed", 0)

    def override(self, settings: Iterable[str]) -> RecordRecipe:
        """As `Recipe.override`."""
        return _overridden(self, settings, "a recipe that is put together of others")

    def describe(self) -> str:
        """What it is made of, in one line."""
        return f"Ensemble of fisher-vectors and networks, as {self.minutes:g} minutes allow"

    def make_trainer(
        self,
        data_dir: str | Path,
        model_dir: str | Path,
        *,
        device: str = "auto",
        load_from_disk: bool | str | Path = True,
        skip_images: Collection[str] = (),
    ) -> Assembler:
        """An `Assembler` for this recipe; call `run_training_loop()`. Arguments as for `Recipe`.

        Raises:
            ValueError, FileNotFoundError: as `Assembler`; several processes.
        """
        del load_from_disk  # each member continues
        if processes.world_size() > 1:
            raise ValueError(f"{self.name} is trained by one process: start it without torchrun")
        shared: dict[str, Any] = {"val_fraction": self.val_fraction, "seed": self.seed}
        return Assembler(
            data_dir,
            model_dir,
            (
                replace(FITTED_RECIPES["fisher-vectors-four"], **shared),
                replace(FITTED_RECIPES["fisher-vectors"], **shared),
            ),
            quick=replace(RECIPES["fast80"], **shared),
            best=replace(RECIPES["best"], **shared),
            second=replace(RECIPES["best-gradients"], **shared),
            minutes=self.minutes,
            device=device,
            skip_images=skip_images,
            extra_config={"recipe": self.as_dict()},
        )


AnyRecipe = Recipe | FittedRecipe | RecordRecipe
_R = TypeVar("_R", Recipe, FittedRecipe, RecordRecipe)


def _overridden(recipe: _R, settings: Iterable[str], what: str) -> _R:
    changes: dict[str, Any] = {}
    known = {field.name: str(field.type) for field in fields(recipe)}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise ValueError(
                f"{shortened(setting)} is not a setting: write key=value, such as lr=0.05"
            )
        if key not in known:
            raise ValueError(
                f"{what} has no {shortened(key)}{did_you_mean(key, known)}: choose from "
                f"{', '.join(known)}"
            )
        try:
            changes[key] = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            changes[key] = text  # a plain word, such as cosine
            if "float" in known[key]:
                with suppress(ValueError):
                    changes[key] = float(text)  # nan
        if isinstance(changes[key], str) and text.lower() in ("true", "false"):
            changes[key] = text.lower() == "true"
    return replace(recipe, **changes)


def check_given_once(settings: Iterable[str]) -> None:
    """Check that a user has set no key twice; `override` would take the last value.

    Raises:
        ValueError: it was.
    """
    for key, count in Counter(setting.partition("=")[0] for setting in settings).items():
        if count > 1:
            raise ValueError(f"{shortened(key)} is given twice: give it one value")


def _trouble_with_size(model: nn.Module, size: int) -> RuntimeError | None:
    try:
        with torch.no_grad():  # in inference mode, lazy layers make weights that cannot learn
            model.eval()(torch.zeros(1, 1, size, size))
    except RuntimeError as error:
        return error
    return None


def get_recipe(name: str) -> AnyRecipe:
    """A recipe by its name, or by the path of a JSON file: a run's config.json, or only a recipe,
    as `scene-recog recipes NAME --json` prints it.

    Raises:
        ValueError: no such recipe; the message lists the known ones.
        FileNotFoundError: no such file.
    """
    if name in ALL_RECIPES:
        return ALL_RECIPES[name]
    if name.endswith(".json"):
        path = Path(name)
        if not path.is_file():
            raise FileNotFoundError(f"no recipe file {path}")
        try:
            contents = json.loads(path.read_text(encoding="utf-8"))
            is_recipe = isinstance(contents.get("model"), str) or "minutes" in contents
            values = contents if is_recipe and "recipe" not in contents else contents["recipe"]
            if not isinstance(values, dict):
                raise TypeError(f"a recipe that is a {type(values).__name__}")
            return recipe_from_dict(values)
        except json.JSONDecodeError as error:
            raise ValueError(
                f"{path} is not valid JSON, line {error.lineno}: {error.msg}"
            ) from error
        except (UnicodeDecodeError, AttributeError, KeyError, TypeError) as error:
            raise ValueError(
                f"{path} holds no recipe: name a run's config.json, or a file with what "
                "`scene-recog recipes NAME --json` prints"
            ) from error
    raise ValueError(
        f"unknown recipe {shortened(name)}{did_you_mean(name, ALL_RECIPES)}: choose from "
        f"{', '.join(ALL_RECIPES)}, or a config.json"
    )


def recipe_from_dict(values: dict[str, Any]) -> AnyRecipe:
    """The recipe from the values that `dataclasses.asdict` returned for it.

    Raises:
        ValueError: a key is unknown or missing, or a value is invalid.
    """
    model = values.get("model") if isinstance(values, dict) else None
    kind: type[AnyRecipe] = FittedRecipe if isinstance(model, str) and model in FITTED else Recipe
    if isinstance(values, dict) and "minutes" in values:
        kind = RecordRecipe
    known = {field.name for field in fields(kind)}
    if unknown := sorted(set(values) - known):
        raise ValueError(
            f"a recipe has no {shortened(unknown[0])}{did_you_mean(str(unknown[0]), known)}: "
            f"choose from {', '.join(sorted(known))}"
        )
    needed = {
        Recipe: {"name", "model", "epochs"},
        FittedRecipe: {"name", "model", "words"},
        RecordRecipe: {"name", "minutes"},
    }[kind]
    if missing := sorted(needed - set(values)):
        raise ValueError(f"the recipe lacks {', '.join(missing)}")
    return kind(**values)


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
    "amp": "auto",
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
            width=6,
            epochs=400,
            batch_size=64,
            input_size=96,
            eval_size=112,
            cache_size=192,
            rotation=0.0,
            **_SCENE_NET | {"optimizer_type": "muon", "lr": 0.05, "label_smoothing": 0.05},
        ),
    )
}
FITTED_RECIPES = {
    "fisher-vectors": FittedRecipe(name="fisher-vectors"),
    "fisher-vectors-four": FittedRecipe(name="fisher-vectors-four", descriptors="four"),
}
ALL_RECIPES: dict[str, AnyRecipe] = {
    **RECIPES,
    **FITTED_RECIPES,
    "record": RecordRecipe(name="record"),
}


def changes_from_default(values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """(the named recipe that a run's recipe was made from, the values that differ from it).

    That is the recipe of its name. A recipe with a name of its own is compared with the closest.

    Args:
        values: config["recipe"] of any run; the name is not compared.
    """

    def changes(name: str) -> dict[str, Any]:
        base = ALL_RECIPES[name].as_dict()
        return {
            key: value for key, value in values.items() if key != "name" and base.get(key) != value
        }

    name = values.get("name")
    if not isinstance(name, str) or name not in ALL_RECIPES:
        name = min(ALL_RECIPES, key=lambda each: len(changes(each)))
    return name, changes(name)


def changes_in_words(values: Mapping[str, Any]) -> str:
    """`changes_from_default` for a table, such as "lr=0.01 epochs=2", cut if it is long.

    The seed is left out, since tables of runs have a column for it. A recipe with a name of its own
    begins with the one that it is compared with: "part2: lr=0.01".
    """
    base, changes = changes_from_default(values)
    words = [f"{key}={value}" for key, value in changes.items() if key != "seed"]
    if values.get("name") != base:
        words.insert(0, f"{base}:")
    return shorten(in_one_line(" ".join(words)), 60, placeholder=" ...")
