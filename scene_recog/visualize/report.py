"""The report: one page on what was trained, how to repeat it, how good it is, where it is wrong."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from scene_recog.datasets import describe_dataset
from scene_recog.datasets.images import read_grayscale
from scene_recog.datasets.scene15 import duplicates_in_train
from scene_recog.recipes import RECIPES, recipe_from_dict
from scene_recog.runs import run_folder
from scene_recog.runs.curves import comparison_figure, curves_figure
from scene_recog.runs.scoring import (
    Evaluation,
    LoadedRun,
    accuracy_without,
    evaluate_split,
    load_run,
    per_class_table,
)
from scene_recog.visualize.activations import evidence_figure, feature_maps_figure
from scene_recog.visualize.confusion import confusion_figure, top_confusions_figure
from scene_recog.visualize.filters import filters_figure, first_filters
from scene_recog.visualize.mistakes import (
    confident_mistakes_figure,
    highest_losses_figure,
    most_confident_mistakes,
)
from scene_recog.visualize.page import (
    Element,
    bullets,
    element,
    folded,
    picture,
    table,
    write_page,
)
from scene_recog.visualize.summary import describe_field, describe_window, summarize

MOST_DETAILED = 4  # runs with pictures of their own; about 0.7 MB each


@dataclass
class Subject:
    """A run, and as much as could be found out about it.

    Attributes:
        name, folder, config, history: the run; config and history may be empty.
        split: what it is measured on, "test" or "validation".
        run, data_dir, evaluation: None if they cannot be had; `problems` says why.
        data_title: what it is measured on, such as "15-scene photographs".
        twins: test images with an identical twin in train, relative to data_dir.
        problems: one line each.
    """

    name: str
    folder: Path
    config: dict[str, Any]
    history: list[dict[str, float]]
    split: str
    run: LoadedRun | None = None
    data_dir: Path | None = None
    evaluation: Evaluation | None = None
    data_title: str = ""
    twins: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    @property
    def caption(self) -> str:
        """What a picture is of: run, epoch, split and data."""
        epoch = f", epoch {self.run.epoch}" if self.run else ""
        return f"{self.name}{epoch}, {self.split} split of {self.data_title}"

    @property
    def trained_on(self) -> str:
        """The title of the data that it was trained on."""
        return self.config.get("data", {}).get("title", "unknown data")

    @property
    def validated_on(self) -> str:
        """What its curves show besides train: "validation" or "test"."""
        return self.config.get("data", {}).get("validated_on", "validation")


def write_report(
    names: Sequence[str | Path],
    out: str | Path | None = None,
    *,
    data_dir: str | Path | None = None,
    split: str = "test",
    device: str = "auto",
) -> Path:
    """Write one HTML page about one or several runs, with every picture inside it.

    What cannot be shown, because the images are gone or no epoch was finished, is said on the page.

    Args:
        names: runs, as for `load_run`.
        out: the file; None for `report.html` in the run's folder, or next to it for several runs.
        data_dir: folder with train/ and test/; None for the one each run was trained on.
        split: what to measure on: "test", or "validation" while there are choices to make.
        device: as for `choose_device`.

    Returns:
        The file written.

    Raises:
        FileNotFoundError: no such run, or no folder to write into.
        ValueError: a damaged config, or no run named.
    """
    if not names:
        raise ValueError("name at least one run")
    different = list(dict.fromkeys(str(name) for name in names))
    subjects = [_investigate(name, data_dir, split, device) for name in different]
    if len({subject.name for subject in subjects}) < len(subjects):
        for name, subject in zip(different, subjects, strict=True):
            subject.name = name
    folder = subjects[0].folder
    default = (folder if len(subjects) == 1 else folder.parent) / "report.html"
    path = Path(out).expanduser() if out is not None else default
    if path.is_dir():
        raise ValueError(f"{path} is a folder: name a file, such as {path / 'report.html'}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"no folder {path.parent} to write {path.name} into: make it first")

    title = f"scene-recog: {', '.join(subject.name for subject in subjects)}"
    body = element("body", element("h1", title))
    if len(subjects) > 1:
        contents = [
            element("li", element("a", subject.name, href=f"#run-{number}"))
            for number, subject in enumerate(subjects, start=1)
        ]
        body.append(element("nav", element("ul", *contents)))
        body.append(_comparison(subjects))
    for number, subject in enumerate(subjects, start=1):
        body.append(_chapter(subject, number, with_pictures=number <= MOST_DETAILED))
    now = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    versions = ", ".join(f"{name} {number}" for name, number in run_folder.versions().items())
    body.append(element("p", f"Written {now} with {versions}.", class_="pale"))
    write_page(path, title, body)
    return path


# ---------------------------------------------------------------- finding out


def _investigate(name: str | Path, data_dir: str | Path | None, split: str, device: str) -> Subject:
    folder = run_folder.find_run(name)
    config: dict[str, Any] = {}
    if (folder / run_folder.CONFIG).is_file():
        config = _usable(run_folder.read_config(folder))
    columns = set(run_folder.EpochRecord.__dataclass_fields__)
    history = [row for row in run_folder.read_history(folder) if columns <= set(row)]
    subject = Subject(folder.resolve().name, folder, config, history, split)
    try:
        subject.run = load_run(name, device=device)
    except (ValueError, FileNotFoundError) as error:
        subject.problems.append(f"The network cannot be loaded: {error}.")
        return subject
    subject.config = config or subject.run.config
    subject.data_dir = Path(data_dir or subject.run.config["data"]["folder"]).expanduser()
    try:
        subject.data_title = describe_dataset(subject.data_dir).title
        subject.evaluation = evaluate_split(subject.run, subject.data_dir, split)
        if split == "test":
            subject.twins = duplicates_in_train(subject.data_dir)
    except (ValueError, FileNotFoundError) as error:
        subject.problems.append(
            f"The images cannot be looked at, so what needs them is left out: {error}."
        )
    return subject


def _usable(config: dict[str, Any]) -> dict[str, Any]:
    """A config that somebody may have edited, without what is not what it should be."""
    parts = ("data", "model", "recipe", "versions")
    config = {
        key: value for key, value in config.items() if key not in parts or isinstance(value, dict)
    }
    for part, key in (
        ("model", "parameters"), ("data", "train_images"), ("data", "val_images"),
        ("recipe", "epochs"), ("recipe", "seed"), ("recipe", "input_size"),
    ):  # fmt: skip
        if not isinstance(config.get(part, {}).get(key, 0), int):
            config[part] = {k: v for k, v in config[part].items() if k != key}
    return config


def repeat_command(config: dict[str, Any]) -> str | None:
    """The command line that trains this run again, or None if it was not trained from a recipe."""
    recipe = config.get("recipe")
    if not isinstance(recipe, dict):
        return None

    def changes(base: dict[str, Any]) -> dict[str, Any]:
        return {
            key: value for key, value in recipe.items() if key != "name" and base.get(key) != value
        }

    # A run may have a name of its own: the recipe that it is closest to.
    recipes = {name: asdict(known) for name, known in RECIPES.items()}
    base = min(recipes, key=lambda name: (len(changes(recipes[name])), name != recipe.get("name")))
    words = ["scene-recog", "train", "--recipe", base]
    if recipe.get("name") != base:
        words += ["--name", str(recipe.get("name"))]
    if config.get("data", {}).get("kind") != "sketch15":
        words += ["--data", str(config.get("data", {}).get("folder"))]
    if settings := [f"{key}={value}" for key, value in changes(recipes[base]).items()]:
        words += ["--set", *settings]
    return shlex.join(words)


def confidence_interval(accuracy: float, images: int) -> tuple[float, float]:
    """95 % interval of an accuracy measured on this many images (Wilson 1927)."""
    z = 1.96
    scale = 1 + z**2 / images
    centre = accuracy + z**2 / (2 * images)
    half = z * np.sqrt(accuracy * (1 - accuracy) / images + z**2 / (4 * images**2))
    return float((centre - half) / scale), float((centre + half) / scale)


def untrained_model(config: dict[str, Any]) -> nn.Module | None:
    """The network as it was before training, or None if the recipe does not say.

    The seed decides the initial weights; another version of torch may draw others.
    """
    try:
        recipe = recipe_from_dict(config.get("recipe", {}))
    except (ValueError, TypeError):
        return None
    with torch.random.fork_rng(devices=[]):
        return recipe.make_model()


def caveats(subject: Subject) -> list[str]:
    """What a reader must know before believing the accuracy."""
    lines = []
    if subject.config.get("data", {}).get("kind") == "sketch15":
        lines.append(
            "Trained on drawn sketches (sketch15), not on photographs: no figure here says how "
            "well photographs would be told apart."
        )
    if subject.evaluation and subject.data_title != subject.trained_on:
        lines.append(f"Trained on {subject.trained_on}, but measured on {subject.data_title}.")
    if subject.split == "validation":
        lines.append(
            "Measured on validation images, which were held out of train; the epoch was chosen on "
            "them, so the accuracy is a little too high. The test split was not looked at."
        )
    elif subject.validated_on == "test":
        chosen = subject.run is not None and subject.run.checkpoint.name == run_folder.BEST
        lines.append(
            "The test split was watched in training"
            + (", and chose the epoch: the accuracy is too high." if chosen else ".")
        )
    else:
        lines.append(
            "Measured on the test split, which was not used in training. Choosing between runs by "
            "this figure would spoil it: choose on validation (report --split validation)."
        )
    if subject.twins and subject.evaluation and subject.data_dir:
        without = accuracy_without(subject.evaluation, subject.data_dir, subject.twins)
        lines.append(
            f"{len(subject.twins)} test images have an identical twin in train: the accuracy is "
            f"{subject.evaluation.accuracy:.2%} with them, {without:.2%} without."
        )
    planned = subject.config.get("recipe", {}).get("epochs")
    if planned and len(subject.history) < planned:
        lines.append(f"Stopped early: {len(subject.history)} of {planned} epochs are done.")
    return lines


# ---------------------------------------------------------------- writing


def _comparison(subjects: Sequence[Subject]) -> Element:
    rows = []
    for subject in subjects:
        best = max((row["validation_accuracy"] for row in subject.history), default=None)
        measured = subject.evaluation.accuracy if subject.evaluation else None
        seconds = sum(row["seconds"] for row in subject.history)
        parameters = subject.config.get("model", {}).get("parameters")
        rows.append(
            [
                subject.name,
                str(subject.config.get("model", {}).get("class_name", "")),
                (parameters, f"{parameters:,}" if parameters else "-"),
                subject.trained_on,
                str(subject.config.get("seed", "-")),
                (len(subject.history), str(len(subject.history))),
                (best, f"{_percent(best)} ({subject.validated_on})"),
                (measured, _percent(measured)),
                (seconds, f"{seconds:.0f} s"),
            ]
        )
    columns = [
        "run", "network", "parameters", "trained on", "seed", "epochs", "best in training",
        f"{subjects[0].split} accuracy", "training",
    ]  # fmt: skip
    watched = {subject.validated_on for subject in subjects}
    where = watched.pop() if len(watched) == 1 else "validation or test"
    histories = {subject.name: subject.history for subject in subjects}
    data = {subject.trained_on for subject in subjects}
    note = None
    if len(data) > 1:
        note = element(
            "p",
            f"These runs were trained on different data ({', '.join(sorted(data))}): "
            "their accuracies are not to be compared.",
            class_="note",
        )
    title = f"{len(subjects)} runs, trained on {' and '.join(sorted(data))}"
    return element(
        "section",
        element("h2", "Comparison"),
        note,
        table(columns, rows, caption="comparison of the runs"),
        picture(
            comparison_figure(histories, title, where),
            "loss and accuracy of all runs by epoch",
            "Thick lines are measured on held-out images, thin ones on the training images as they "
            "went by. A circle marks each run's best epoch.",
        ),
    )


def _chapter(subject: Subject, number: int, *, with_pictures: bool) -> Element:
    chapter = element("section", element("h2", subject.name), id=f"run-{number}", class_="run")
    for problem in subject.problems:
        chapter.append(element("p", problem, class_="note"))
    if subject.evaluation:
        accuracy, images = subject.evaluation.accuracy, len(subject.evaluation.targets)
        low, high = confidence_interval(accuracy, images)
        chapter.append(
            element(
                "p",
                element("strong", f"{accuracy:.1%}"),
                f" of {images:,} {subject.split} images of {subject.data_title} are labelled "
                f"rightly (95 % interval {low:.1%} to {high:.1%}).",
                class_="headline",
            )
        )
    chapter.append(bullets(caveats(subject)))
    chapter.extend(_what_was_trained(subject))
    if subject.history:
        chapter.append(_curves(subject))
    if subject.evaluation and subject.run:
        chapter.append(element("h3", f"The classes, on {subject.split}"))
        chapter.append(_class_table(subject.evaluation, subject.run.class_names))
    if not with_pictures:
        chapter.append(
            element(
                "p", f"Pictures are shown for the first {MOST_DETAILED} runs only.", class_="pale"
            )
        )
    elif subject.run:
        if subject.evaluation:
            chapter.extend(_mistakes(subject, subject.run, subject.evaluation))
        chapter.extend(_inside(subject, subject.run))
    return chapter


def _what_was_trained(subject: Subject) -> list[Element]:
    config = subject.config
    data, model = config.get("data", {}), config.get("model", {})
    seconds = sum(row["seconds"] for row in subject.history)
    planned = config.get("recipe", {}).get("epochs")
    best = max(subject.history, key=lambda row: row["validation_accuracy"], default=None)
    facts = {
        "network": f"{model.get('class_name')}, {model.get('parameters', 0):,} parameters",
        "trained on": f"{data.get('train_images', 0):,} images of {subject.trained_on}",
        "watched on": f"{data.get('val_images', 0):,} {subject.validated_on} images",
        "epochs": f"{len(subject.history)}" + (f" of {planned}" if planned else "")
        + f", {seconds:.0f} s",
        "best epoch": f"{best['epoch']:.0f}: {best['validation_accuracy']:.1%} "
        f"on {subject.validated_on}" if best else "none is done",
        "weights shown": f"{subject.run.checkpoint.name}, epoch {subject.run.epoch}"
        if subject.run else "none",
        "seed": str(config.get("seed")),
        "started": str(config.get("started")),
        "device": str(config.get("device")),
        "versions": ", ".join(f"{k} {v}" for k, v in config.get("versions", {}).items()),
    }  # fmt: skip
    command = repeat_command(config)
    how = (
        element("pre", command)
        if command
        else element("p", "It was trained in Python, not from a recipe; its settings are below.")
    )
    settings = [
        [key, _plain_value(value)]
        for key, value in {**config, **config.get("recipe", {})}.items()
        if key not in ("recipe", "data", "model", "versions")
    ]
    rows = [[key, value] for key, value in facts.items()]
    return [
        element("h3", "What was trained"),
        table(["fact", "value"], rows, caption="what was trained", can_sort=False),
        element("h3", "How to repeat it"),
        how,
        folded(
            "All settings",
            table(["setting", "value"], settings, caption="all settings", can_sort=False),
        ),
    ]


def _curves(subject: Subject) -> Element:
    def column(key: str) -> list[float]:
        return [row[key] for row in subject.history]

    figure = curves_figure(
        (column("train_loss"), column("validation_loss")),
        (column("train_accuracy"), column("validation_accuracy")),
        f"{subject.name} on {subject.trained_on}",
        subject.validated_on,
    )
    caption = (
        "Train is measured on the fly, with augmentation and dropout and while the weights change; "
        f"{subject.validated_on} after each epoch, without."
    )
    return picture(figure, f"loss and accuracy of {subject.name} by epoch", caption)


def _class_table(evaluation: Evaluation, class_names: list[str]) -> Element:
    rows = []
    for row in per_class_table(evaluation, class_names):
        taken = f"{row['taken_for']} ({row['taken_for_count']})" if row["taken_for"] else ""
        rows.append(
            [
                row["class"],
                (row["images"], str(row["images"])),
                (row["recall"], _percent(row["recall"])),
                (row["precision"], _percent(row["precision"])),
                (row["taken_for_count"], taken),
            ]
        )
    columns = ["class", "images", "recall", "precision", "most often taken for"]
    return table(columns, rows, caption="recall and precision of each class")


def _mistakes(subject: Subject, run: LoadedRun, evaluation: Evaluation) -> list[Element]:
    names, caption = run.class_names, subject.caption
    parts = [
        element("h3", "Which class is taken for which"),
        picture(
            confusion_figure(evaluation, names, caption),
            f"confusion matrix of {subject.name}, in percent",
            "Each row is a target class and sums to 100: where its images went.",
        ),
        folded(
            "The same in numbers of images",
            picture(
                confusion_figure(evaluation, names, caption, normalize=False),
                f"confusion matrix of {subject.name}, in images",
                "Rows are targets, columns predictions.",
            ),
        ),
    ]
    try:
        parts += [
            picture(
                top_confusions_figure(evaluation, names, caption),
                f"most frequent confusions of {subject.name}, with images",
                "The most frequent confusions, and the images for which the wrong class got the "
                "highest probability.",
                is_photographic=True,
            ),
            element("h3", "The worst mistakes"),
            picture(
                confident_mistakes_figure(evaluation, names, caption),
                f"images that {subject.name} is surest about and wrong",
                "Wrong, and sure of it: the highest probabilities of a wrong class.",
                is_photographic=True,
            ),
            picture(
                highest_losses_figure(evaluation, names, caption),
                f"images with the highest loss of {subject.name}",
                "The highest losses, -log p(target) in nats: the right class seemed least likely.",
                is_photographic=True,
            ),
        ]
    except (FileNotFoundError, ValueError) as error:  # deleted since they were measured
        parts.append(element("p", f"Images of mistakes cannot be shown: {error}.", class_="note"))
    return parts


def _inside(subject: Subject, run: LoadedRun) -> list[Element]:
    before = untrained_model(run.config)
    parts = [
        element("h3", "Inside the network"),
        picture(
            filters_figure(
                first_filters(run.model),
                f"{subject.name}: filters of the first convolution",
                first_filters(before) if before else None,
            ),
            f"first-layer filters of {subject.name}",
            "Middle grey is 0, and each filter has a scale of its own. Noise that stays noise was "
            "not trained for long enough, or not needed.",
        ),
    ]
    if subject.evaluation:
        parts += _activations(subject, run, subject.evaluation)
    side = run.config.get("recipe", {}).get("input_size", 64)
    try:
        layers = summarize(run.model, (1, side, side))
    except ValueError:
        return parts
    rows = [
        [
            layer.name,
            layer.kind,
            "x".join(str(side) for side in layer.output_shape),
            describe_window(layer),
            (layer.parameters, f"{layer.parameters:,}" if layer.parameters else ""),
            (layer.multiply_adds, f"{layer.multiply_adds:,}" if layer.multiply_adds else ""),
            describe_field(layer),
        ]
        for layer in layers
    ]
    columns = ["layer", "kind", "output", "window", "parameters", "multiply-adds", "sees"]
    total = sum(layer.multiply_adds for layer in layers)
    parts.append(
        folded(
            f"Layer by layer: {sum(layer.parameters for layer in layers):,} parameters, "
            f"{total / 1e6:.1f} million multiply-adds an image",
            table(columns, rows, caption="layers of the network", can_sort=False),
        )
    )
    return parts


def _activations(subject: Subject, run: LoadedRun, evaluation: Evaluation) -> list[Element]:
    """Feature maps of one image; what decided for three that are right and three that are wrong."""
    right = np.flatnonzero(evaluation.predictions == evaluation.targets)
    right = right[:: max(1, len(right) // 3)][:3]
    chosen = [*right.tolist(), *most_confident_mistakes(evaluation, 3).tolist()]
    try:
        pictures = [run.transform(read_grayscale(evaluation.paths[index])) for index in chosen]
    except (FileNotFoundError, ValueError) as error:  # deleted since they were measured
        return [element("p", f"Feature maps cannot be shown: {error}.", class_="note")]
    captions = [
        f"is {run.class_names[evaluation.targets[index]]}\n"
        f"labelled {run.class_names[evaluation.predictions[index]]}, "
        f"{evaluation.probabilities[index].max():.0%}"
        for index in chosen
    ]
    images = torch.stack(pictures)
    labels = torch.from_numpy(evaluation.predictions[chosen])
    evidence = evidence_figure(run.model, images, labels, captions, subject.caption)
    return [
        picture(
            feature_maps_figure(run.model, images[0], subject.caption),
            f"feature maps of {subject.name} for one image",
            "The most active maps of each stage for one image: later stages are coarser and more "
            "selective.",
        ),
        picture(
            evidence,
            f"what decided the labels that {subject.name} gave to six images",
            "What spoke for the label that was given, right or wrong. Grad-CAM weighs the maps of "
            "the last conv stage by their gradients; occlusion hides a square and watches the "
            "probability fall. The line goes round what is above half of the most.",
            is_photographic=True,
        ),
    ]


def _plain_value(value: Any) -> str:
    """A setting as a person reads it; transforms one by one."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return " → ".join(
            f"{step.get('name')}({', '.join(f'{k}={v}' for k, v in step.items() if k != 'name')})"
            for step in value
        )
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in value.items())
    return str(value)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
