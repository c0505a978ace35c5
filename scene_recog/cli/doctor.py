"""`scene-recog doctor`: check a recipe, the images or a run for the usual mistakes."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from scene_recog.assignment import default_recipe
from scene_recog.cli.common import RUNS_DIR, add_device, add_json, load_torch, print_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from torch import nn

    from scene_recog.cli.common import Verbs
    from scene_recog.image_loader import ImageLoader
    from scene_recog.recipes import Recipe
    from scene_recog.runs.config import RunConfig
    from scene_recog.training.doctor import Finding
    from scene_recog.training.memorizing import LayerGradient, Memorized

BY_HEART = 10  # images
_NO_STEPS = "the doctor looks at steps of training, and {} has none: there is nothing to check"


def add_parsers(verbs: Verbs) -> None:
    """Add `doctor`; it sets `run`, a function from the arguments to an exit code."""
    verb = verbs.add_parser(
        "doctor", help="check your files, the images or a run for the usual mistakes"
    )
    verb.add_argument("name", metavar="RUN", nargs="?", help="default: a new run of --recipe")
    verb.add_argument("--recipe", help="its name, or a run's config.json (default: part2)")
    verb.add_argument("--data", metavar="DIR", help="folder with train/ and test/ (default: data)")
    verb.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", dest="settings",
        help="change the recipe (`scene-recog recipes` lists the keys)",
    )  # fmt: skip
    add_json(verb)
    add_device(verb)
    verb.set_defaults(run=_doctor)


@dataclass
class _Patient:
    """What is examined: a recipe with the current files and images, or a run."""

    name: str
    folder: Path | None  # the run's
    recipe: Recipe | None  # None: it was trained in Python
    network: str
    fresh: Callable[[], nn.Module]  # builds a new network
    model: nn.Module  # a new one, or the run's
    transform: Any
    data_dir: Path


def _doctor(args: argparse.Namespace) -> int:
    """Print what is wrong; exit code 1 if anything is. Labels no test images and keeps nothing."""
    load_torch(to_compute=True)

    import torch

    from scene_recog.datasets import describe_dataset
    from scene_recog.image_loader import ImageLoader
    from scene_recog.loading.reading import different_images
    from scene_recog.system.devices import choose_device
    from scene_recog.training import memorizing, symptoms
    from scene_recog.training.doctor import Finding

    device = choose_device(args.device)
    torch.manual_seed(0)
    patient, findings = _of_run(args) if args.name else (_of_recipe(args), [])
    if patient.recipe is not None:
        found, patient.transform = _of_first_steps(patient.recipe, patient.data_dir, args.device)
        findings += found
    train = ImageLoader(str(patient.data_dir), "train", patient.transform)
    findings += _of_files(train)

    images, labels = different_images(train, BY_HEART)
    by_heart = memorizing.learn_by_heart(patient.fresh, images, labels, device)
    layers = memorizing.layer_gradients(patient.model, images, labels, device)
    without = [row.name for row in layers if row.verdict == "no gradient"]
    if not any(finding.symptom == "outputs" for finding in findings):  # such as softmax: the cause
        text = symptoms.not_by_heart(by_heart.right, by_heart.images)
        findings += [Finding("by heart", text)] if text else []
    text = symptoms.without_gradient(without, len(layers), memorizing.LOOKS)
    findings += [Finding("no gradient", text)] if text else []
    first = {finding.symptom: finding for finding in reversed(findings)}
    findings = [finding for finding in findings if first[finding.symptom] is finding]

    summary = {
        "run": None if patient.folder is None else str(patient.folder),
        "recipe": patient.recipe.name if patient.recipe else None,
        "network": patient.network,
        "data": describe_dataset(patient.data_dir).title,
        "findings": [finding._asdict() for finding in findings],
        "by_heart": {**vars(by_heart), "is_whole": by_heart.is_whole},
        "layers": [vars(row) for row in layers],
    }
    if args.json:
        print_json(summary)
    else:
        print(f"{patient.name}: {patient.network} on {summary['data']}\n")
        _print(findings, by_heart, layers)
    return 1 if findings else 0


def _print(findings: list[Finding], by_heart: Memorized, layers: list[LayerGradient]) -> None:
    for finding in findings:
        print(f"- {finding.text}")
    if not findings:
        print("no problems found")
    print(
        f"\n{by_heart.right} of {by_heart.images} images memorized in {by_heart.steps} "
        f"steps (Adam, lr {by_heart.rate:g}, a new network, no augmentation, no dropout)\n"
    )
    names = max(len("layer"), *(len(row.name) for row in layers))
    kinds = max(len("kind"), *(len(row.kind) for row in layers))
    print(f"{'layer':{names}}  {'kind':{kinds}} {'parameters':>10} {'gradient':>9}  verdict")
    for row in layers:
        print(
            f"{row.name:{names}}  {row.kind:{kinds}} {row.parameters:10,} {row.norm:9.2g}  "
            f"{row.verdict}"
        )


def _of_recipe(args: argparse.Namespace) -> _Patient:
    from scene_recog.datasets import find_dataset
    from scene_recog.recipes import Recipe, check_given_once, get_recipe

    check_given_once(args.settings)
    recipe = get_recipe(args.recipe or default_recipe()).override(args.settings)
    if not isinstance(recipe, Recipe):
        raise ValueError(_NO_STEPS.format(recipe.name))
    return _Patient(
        name=recipe.name,
        folder=None,
        recipe=recipe,
        network=recipe.model,
        fresh=recipe.make_model,
        model=recipe.make_model(),
        transform=None,
        data_dir=find_dataset(args.data),
    )


def _of_run(args: argparse.Namespace) -> tuple[_Patient, list[Finding]]:
    """A run, and what the doctor said in training or finds in its history."""
    from contextlib import suppress

    from scene_recog.datasets import find_dataset
    from scene_recog.models import NETS
    from scene_recog.recipes import Recipe, recipe_from_dict
    from scene_recog.runs.run_folder import find_run, read_findings
    from scene_recog.runs.scoring import load_run

    if args.recipe or args.settings:
        raise ValueError("a run has its own recipe: leave out --recipe and --set")
    folder = find_run(args.name, RUNS_DIR)
    run = load_run(args.name, device=args.device)
    network, config = type(run.model).__name__, run.config
    if network not in NETS:
        raise ValueError(_NO_STEPS.format(folder.name))
    patient = _Patient(
        name=folder.name,
        folder=folder,
        recipe=None,
        network=network,
        fresh=lambda: NETS[network](**config["model"].get("arguments", {})),
        model=run.model,
        transform=run.transform,
        data_dir=find_dataset(args.data or config["data"]["folder"]),
    )
    with suppress(ValueError):  # it was trained in Python, perhaps with a name for a recipe
        recipe = recipe_from_dict(config.get("recipe", {}))
        patient.recipe = recipe if isinstance(recipe, Recipe) else None
    return patient, [*read_findings(folder), *_of_history(folder, config, patient.data_dir)]


def _of_first_steps(recipe: Recipe, data_dir: Path, device: str) -> tuple[list[Finding], Any]:
    """The first steps of a temporary run, and as many at its schedule's highest learning rate.

    Returns:
        (findings, validation transforms).
    """
    import itertools
    import tempfile
    from dataclasses import replace
    from pathlib import Path

    from scene_recog.training.doctor import FIRST_STEPS, Finding
    from scene_recog.training.schedule import ONE_CYCLE_START

    warms_up = recipe.scheduler == "one-cycle"
    rate = recipe.lr / ONE_CYCLE_START if warms_up else recipe.lr
    start = replace(recipe, scheduler="none", lr=rate)
    with tempfile.TemporaryDirectory() as folder:  # nothing is written to it
        trainer = start.make_trainer(data_dir, Path(folder) / "run", device=device)
    checkup = trainer.checkup
    checkup.say = lambda text: None
    epochs = itertools.chain.from_iterable(itertools.repeat(trainer.train_loader))

    def take_steps() -> None:
        trainer.train_loader = cast("Any", itertools.islice(epochs, FIRST_STEPS))
        trainer.train_epoch()

    try:
        take_steps()
        if warms_up:
            for group in trainer.optimizer.param_groups:
                group["lr"] *= ONE_CYCLE_START
            checkup.begin_again()
            take_steps()
    except FloatingPointError as error:
        checkup.findings.append(Finding("explosion", str(error)))
    for _ in checkup.watch(trainer.val_loader):
        pass
    checkup.look_at_validation(trainer.averaged_model.eval())
    return checkup.findings, trainer.val_dataset.transform


def _of_history(folder: Path, config: RunConfig, data_dir: Path) -> Iterator[Finding]:
    """What a run's history shows."""
    import math
    from dataclasses import fields

    from scene_recog.image_loader import ImageLoader
    from scene_recog.runs.history import EpochRecord, read_history
    from scene_recog.training.doctor import largest_share, of_epochs
    from scene_recog.training.options import TrainerOptions

    columns = EpochRecord.__dataclass_fields__
    rows = [row for row in read_history(folder) if set(columns) <= set(row)]
    records = [EpochRecord(**cast("Any", row)) for row in rows]
    if not records:
        return
    values: dict[str, Any] = {**config}
    options = TrainerOptions.of(
        **{each.name: values[each.name] for each in fields(TrainerOptions) if each.name in values}
    )
    train = ImageLoader(str(data_dir), "train")
    validation = train if options.val_fraction > 0 else ImageLoader(str(data_dir), "test")
    yield from of_epochs(
        records,
        options,
        images=(len(train), config["data"].get("val_images", len(validation))),
        shares=(largest_share(train), largest_share(validation)),
        guess=math.log(max(2, len(config["class_names"]))),
        is_last=len(records) >= values.get("recipe", {}).get("epochs", len(records)),
    )


def _of_files(train: ImageLoader) -> Iterator[Finding]:
    """Check class indices, and images that are in both train and test."""
    from pathlib import Path

    from scene_recog.datasets.images import images_below
    from scene_recog.datasets.layout import duplicates_in_train
    from scene_recog.image_loader import ImageLoader
    from scene_recog.training import symptoms
    from scene_recog.training.doctor import Finding, labels_of

    test = Path(train.root) / "test"
    other = ImageLoader(train.root, "test") if test.is_dir() else train
    if text := labels_of(train, other):
        yield Finding("labels", text)
    copies = sorted(duplicates_in_train(train.root))
    number = len(images_below(test)) if copies else 0
    if copies and (text := symptoms.copies_in_test(len(copies), number, copies[0])):
        yield Finding("copies", text)
