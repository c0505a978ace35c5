"""The sections of a run's chapter in the report, in the order in which they are read."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from scene_recog.runs.curves import curves_figure
from scene_recog.runs.history import best_row
from scene_recog.runs.scoring import Evaluation, LoadedRun, per_class_table, read_as_trained
from scene_recog.system.text import percent
from scene_recog.visualize.activations import evidence_figure, feature_maps_figure
from scene_recog.visualize.confusion import confusion_figure, top_confusions_figure
from scene_recog.visualize.filters import filters_figure, first_filters
from scene_recog.visualize.mistakes import (
    confident_mistakes_figure,
    highest_losses_figure,
    most_confident_mistakes,
)
from scene_recog.visualize.page import Element, bullets, element, folded, picture, table
from scene_recog.visualize.report_subject import Subject, repeat_command, untrained_model
from scene_recog.visualize.summary import describe_field, describe_window, summarize


def what_was_trained(subject: Subject) -> list[Element]:
    """The facts of the run, the command that repeats it, and all settings."""
    config = subject.config
    data, model = config.get("data", {}), config.get("model", {})
    planned = config.get("recipe", {}).get("epochs")
    best = best_row(subject.history)
    epochs = {
        "epochs": f"{len(subject.history)}" + (f" of {planned}" if planned else "")
        + f", {subject.seconds:.0f} s",
        "best epoch": f"{best['epoch']:.0f}: {best['validation_accuracy']:.1%} "
        f"on {subject.validated_on}" if best else "no epoch is finished",
    }  # fmt: skip
    if not subject.has_epochs:
        epochs = {"training time": f"{subject.seconds:.0f} s"}
    facts = {
        "network": f"{model.get('class_name')}, {model.get('parameters', 0):,} parameters",
        "trained on": f"{data.get('train_images', 0):,} images of {subject.trained_on}",
        "validated on": f"{data.get('val_images', 0):,} {subject.validated_on} images",
        **epochs,
        "weights shown": f"{subject.run.checkpoint.name}, epoch {subject.run.epoch}"
        if subject.run else "none",
        "seed": str(config.get("seed", "-")),
        "started": str(config.get("started")),
        "device": str(config.get("device")),
        "versions": ", ".join(f"{k} {v}" for k, v in config.get("versions", {}).items()),
    }  # fmt: skip
    if subject.members:
        facts["network"] = (
            f"{len(subject.members)} runs, averaged, {model['parameters']:,} parameters"
        )
        if why := config.get("no_validation"):
            facts["validated on"] = f"no images: {why}"
        for key in ("weights shown", "seed", "device"):
            del facts[key]
    command = repeat_command(config, subject.folder.resolve().name)
    how = (
        element("pre", command)
        if command
        else element("p", "It was trained in Python, not from a recipe; its settings are below.")
    )
    settings = [
        [key, _plain_value(value)]
        for key, value in {**config, **config.get("recipe", {})}.items()
        if key not in ("recipe", "data", "model", "versions", "members")
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


def each_member(subject: Subject) -> list[Element]:
    """What each member of an ensemble is, and how good it is alone; empty for a single network."""
    if not subject.members:
        return []
    rows = []
    for member in subject.members:
        model = member["config"]["model"]
        evaluation = subject.evaluation.members[member["run"]] if subject.evaluation else None
        accuracy = evaluation.accuracy if evaluation else None
        parameters = model.get("parameters", 0)
        rows.append(
            [
                member["run"],
                model["class_name"],
                (parameters, f"{parameters:,}"),
                str(member["config"]["seed"]),
                f"{member['checkpoint']}, epoch {member['epoch']}",
                (member["seconds"], f"{member['seconds']:.0f} s"),
                (accuracy, percent(accuracy)),
            ]
        )
    columns = ["run", "network", "parameters", "seed", "weights", "training", subject.split]
    return [element("h3", "Each member alone"), table(columns, rows, caption="each member alone")]


def _plain_value(value: Any) -> str:
    """A setting in readable form; transforms one by one."""
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


def curves(subject: Subject) -> Element:
    """Loss and accuracy by epoch."""

    def column(key: str) -> list[float]:
        return [row[key] for row in subject.history]

    figure = curves_figure(
        (column("train_loss"), column("validation_loss")),
        (column("train_accuracy"), column("validation_accuracy")),
        f"{subject.name} on {subject.trained_on}",
        subject.validated_on,
    )
    caption = (
        "Train is measured during the epoch, with augmentation and dropout, while the weights "
        f"change; {subject.validated_on} after each epoch, without augmentation and dropout."
    )
    return picture(figure, f"loss and accuracy of {subject.name} by epoch", caption)


def what_the_doctor_said(subject: Subject) -> list[Element]:
    """What the doctor found in training; empty if nothing."""
    if not subject.findings:
        return []
    return [element("h3", "What the doctor said in training"), bullets(subject.findings)]


def class_table(evaluation: Evaluation, class_names: list[str]) -> Element:
    """Recall and precision of each class."""
    rows = []
    for row in per_class_table(evaluation, class_names):
        taken = f"{row['taken_for']} ({row['taken_for_count']})" if row["taken_for"] else ""
        rows.append(
            [
                row["class"],
                (row["images"], str(row["images"])),
                (row["recall"], percent(row["recall"])),
                (row["precision"], percent(row["precision"])),
                (row["taken_for_count"], taken),
            ]
        )
    columns = ["class", "images", "recall", "precision", "most often confused with"]
    return table(columns, rows, caption="recall and precision of each class")


def mistakes(subject: Subject, run: LoadedRun, evaluation: Evaluation) -> list[Element]:
    """The confusion matrix, and images that the network labels wrongly."""
    names, caption = run.class_names, subject.caption
    parts = [
        element("h3", "Which classes are confused"),
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
                f"images that {subject.name} labels wrongly with the highest confidence",
                "The most confident mistakes: the highest probabilities of a wrong class.",
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


def inside_the_network(subject: Subject, run: LoadedRun) -> list[Element]:
    """Filters, feature maps, evidence for the labels, and the layers; empty without epochs."""
    if not subject.has_epochs:
        return []
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
            "Middle grey is 0, and each filter has its own scale. A filter that still looks like "
            "noise was not trained long enough, or is not needed.",
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
            f"{total / 1e6:.1f} million multiply-adds per image",
            table(columns, rows, caption="layers of the network", can_sort=False),
        )
    )
    return parts


def _activations(subject: Subject, run: LoadedRun, evaluation: Evaluation) -> list[Element]:
    """Feature maps of one image; the evidence for three right labels and three wrong ones."""
    right = np.flatnonzero(evaluation.predictions == evaluation.targets)
    right = right[:: max(1, len(right) // 3)][:3]
    chosen = [*right.tolist(), *most_confident_mistakes(evaluation, 3).tolist()]
    try:
        pictures = [read_as_trained(run, evaluation.paths[index]) for index in chosen]
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
            f"the evidence for the labels that {subject.name} gave to six images",
            "The evidence for the label that was given, right or wrong. Grad-CAM weights the maps "
            "of the last conv stage by their gradients; occlusion hides a square and measures how "
            "far the probability falls. The contour is at half of the maximum.",
            is_photographic=True,
        ),
    ]
