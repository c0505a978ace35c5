"""The subject of a report: a run, what it is measured on, and the caveats for the reader."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from scene_recog.datasets import describe_dataset
from scene_recog.datasets.layout import duplicates_in_train
from scene_recog.models import FITTED
from scene_recog.recipes import Recipe, changes_from_default, recipe_from_dict
from scene_recog.runs import run_folder
from scene_recog.runs.config import CONFIG, RunConfig, has_epochs, read_config, trouble_with
from scene_recog.runs.history import EpochRecord, read_history
from scene_recog.runs.scoring import (
    Evaluation,
    LoadedRun,
    SplitError,
    accuracy_without,
    evaluate_split,
    load_run,
)


@dataclass
class Subject:
    """A run, and everything that could be found out about it.

    Attributes:
        name, folder, config, history: the run; config and history may be empty.
        split: what it is measured on, "test" or "validation".
        run, data_dir, evaluation: None if unavailable; `problems` says why.
        data_title: what it is measured on, such as "15-scene photographs".
        twins: test images with an identical twin in train, relative to data_dir.
        findings: the doctor's lines from training.
        problems: why something is missing, in lines.
    """

    name: str
    folder: Path
    config: Mapping[str, Any]
    history: list[dict[str, float]]
    split: str
    run: LoadedRun | None = None
    data_dir: Path | None = None
    evaluation: Evaluation | None = None
    data_title: str = ""
    twins: set[str] = field(default_factory=set)
    findings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def caption(self) -> str:
        """What a picture shows: run, epoch, split and data."""
        has_epoch = self.run is not None and self.has_epochs
        epoch = f", epoch {self.run.epoch}" if self.run and has_epoch else ""
        return f"{self.name}{epoch}, {self.split} split of {self.data_title}"

    @property
    def members(self) -> list[dict[str, Any]]:
        """The members of an ensemble, from its config."""
        return list(self.run.config.get("members", [])) if self.run else []

    @property
    def has_epochs(self) -> bool:
        """Whether it was trained in epochs; Fisher vectors and ensembles were not."""
        return has_epochs(self.config.get("model", {}).get("class_name"))

    @property
    def seconds(self) -> float:
        """Its training time, or that of all members."""
        return sum(row["seconds"] for row in self.members or self.history)

    @property
    def recipe(self) -> dict[str, Any]:
        """The values of its recipe; empty if it has none."""
        recipe = self.config.get("recipe")
        return recipe if isinstance(recipe, dict) else {}

    @property
    def held_out(self) -> frozenset[str]:
        """The names of its validation images, held out of train; empty if there are none."""
        split = self.run.split_source.get("split") if self.run else None
        names = split.get("validation") if isinstance(split, dict) else None
        if self.validated_on != "validation" or not isinstance(names, str):
            return frozenset()
        return frozenset(names.splitlines())

    @property
    def trained_on(self) -> str:
        """The title of the training data."""
        return str(self.config.get("data", {}).get("title", "unknown data"))

    @property
    def validated_on(self) -> str:
        """The split in its curves besides train: "validation" or "test"."""
        return str(self.config.get("data", {}).get("validated_on", "validation"))


def investigate(name: str | Path, data_dir: str | Path | None, split: str, device: str) -> Subject:
    """Collect what is available about a run; arguments as for `write_report`.

    Raises:
        FileNotFoundError: no such run.
        ValueError: a damaged config, or "validation" of a run that held no images out or was
            trained on another dataset.
    """
    folder = run_folder.find_run(name)
    config: Mapping[str, Any] = {}
    if (folder / CONFIG).is_file():
        config = _usable(read_config(folder))
    columns = set(EpochRecord.__dataclass_fields__)
    history = [row for row in read_history(folder) if columns <= set(row)]
    subject = Subject(folder.resolve().name, folder, config, history, split)
    subject.findings = [finding.text for finding in run_folder.read_findings(folder)]
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
        if isinstance(error, SplitError) and not subject.members:
            raise
        subject.problems.append(f"The sections that need the images are left out: {error}.")
    return subject


def _usable(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config without values of the wrong type, since somebody may have edited it."""
    parts = ("data", "model", "recipe", "versions")
    usable = {
        key: value for key, value in config.items() if key not in parts or isinstance(value, dict)
    }
    if "members" in usable and trouble_with(cast(RunConfig, usable)):
        del usable["members"]
    for part, key in (
        ("model", "parameters"), ("data", "train_images"), ("data", "val_images"),
        ("recipe", "epochs"), ("recipe", "seed"), ("recipe", "input_size"),
    ):  # fmt: skip
        if not isinstance(usable.get(part, {}).get(key, 0), int):
            usable[part] = {k: v for k, v in usable[part].items() if k != key}
    return usable


def caveats(subject: Subject) -> list[str]:
    """What a reader must know before believing the accuracy."""
    lines = []
    if subject.config.get("data", {}).get("kind") == "sketch15":
        lines.append(
            "Trained on drawn sketches (sketch15), not on photographs: the figures here say "
            "nothing about accuracy on photographs."
        )
    if subject.evaluation and subject.data_title != subject.trained_on:
        lines.append(f"Trained on {subject.trained_on}, but measured on {subject.data_title}.")
    if subject.evaluation and subject.split == "validation":
        lines.append(
            "Measured on validation images, held out of train. "
            + (
                ""
                if subject.config.get("model", {}).get("class_name") in FITTED
                else "The epoch was chosen on them, so the accuracy is slightly too high. "
            )
            + "The test split was not used."
        )
    elif subject.validated_on == "test":
        chosen = subject.run is not None and subject.run.was_chosen_on_test
        lines.append(
            "The test split was used for validation in training"
            + (", and to choose the epoch: the accuracy is too high." if chosen else ".")
        )
    elif subject.evaluation:
        lines.append(
            "Measured on the test split, which was not used in training. Choosing between runs by "
            "this figure would bias it: choose on validation (report --split validation)."
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


def confidence_interval(accuracy: float, images: int) -> tuple[float, float]:
    """95 % confidence interval of an accuracy measured on this many images (Wilson 1927)."""
    z = 1.96
    scale = 1 + z**2 / images
    centre = accuracy + z**2 / (2 * images)
    half = z * np.sqrt(accuracy * (1 - accuracy) / images + z**2 / (4 * images**2))
    return float((centre - half) / scale), float((centre + half) / scale)


def repeat_command(config: Mapping[str, Any], folder: str = "") -> str | None:
    """The command line that makes this run again, or None if it was not trained from a recipe.

    For an ensemble, a line for each member comes first. A run that was extended has a line for each
    part, because each had a learning-rate schedule of its own.

    Args:
        config: the run's config.
        folder: the name of its folder, such as "mine-001".
    """
    if members := config.get("members"):
        names = [str(member["run"]) for member in members]
        lines = [repeat_command(member["config"], str(member["run"])) for member in members]
        made = shlex.join(["scene-recog", "ensemble", str(config.get("name")), *names])
        return "\n".join([*filter(None, lines), made])
    recipe = config.get("recipe")
    if not isinstance(recipe, dict):
        return None
    extended = [change["epochs"] for change in config.get("changes", []) if "epochs" in change]
    if extended:
        recipe = {**recipe, "epochs": extended[0][0]}
    base, changes = changes_from_default(recipe)
    words = ["scene-recog", "train", "--recipe", base]
    numbered = re.fullmatch(r"(\w[\w.-]*)-\d{3,}", folder, re.ASCII)
    name = numbered[1] if numbered else str(recipe.get("name"))
    if name != base:
        words += ["--name", name]
    if config.get("data", {}).get("kind") != "sketch15":
        words += ["--data", str(config.get("data", {}).get("folder"))]
    if settings := [f"{key}={value}" for key, value in changes.items()]:
        words += ["--set", *settings]
    run = f"{name}-001"
    later = [
        ["scene-recog", "train", "--resume", run, "--epochs", str(epochs)] for _, epochs in extended
    ]
    return "\n".join(map(shlex.join, [words, *later]))


def untrained_model(config: Mapping[str, Any]) -> nn.Module | None:
    """The network as it was before training, or None if the recipe does not say or has no steps.

    The seed determines the initial weights; another version of torch may draw different ones.
    """
    try:
        recipe = recipe_from_dict(config.get("recipe", {}))
    except (ValueError, TypeError):
        return None
    if not isinstance(recipe, Recipe):
        return None
    with torch.random.fork_rng(devices=[]):
        return recipe.make_model()
