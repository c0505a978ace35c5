"""A run's config: everything that determines its result, in config.json and each checkpoint."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import fields
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypedDict, cast

import torch
from torch import nn

from scene_recog.datasets import DatasetInfo
from scene_recog.image_loader import ImageLoader
from scene_recog.loading.reading import class_names as names_by_index
from scene_recog.loading.transform_spec import describe_transforms
from scene_recog.models import FITTED
from scene_recog.system.files import write_atomically
from scene_recog.system.progress import notice
from scene_recog.system.versions import versions
from scene_recog.training.options import TrainerOptions

CONFIG = "config.json"
ENSEMBLE = "Ensemble"  # in place of the name of a network
FORMAT = 2  # increase it when a key's meaning changes, and let `_upgraded` convert the old format


class ModelConfig(TypedDict, total=False):
    """Which network."""

    class_name: str
    parameters: int
    arguments: dict[str, int]  # constructor arguments that determine the network


class DataConfig(TypedDict, total=False):
    """Which images."""

    folder: str
    kind: str  # see `DatasetInfo`
    title: str
    train_images: int
    val_images: int
    validated_on: str  # "validation" (held out of train) or "test"


class RunConfig(TypedDict, total=False):
    """A run's config. `Trainer` adds the fields of `TrainerOptions`, and the caller's own keys."""

    format: int
    model: ModelConfig
    optimizer: dict[str, Any]  # class_name, and its options as the caller gave them
    train_transforms: list[dict[str, Any]] | str  # see `describe_transforms`; or a `repr`
    val_transforms: list[dict[str, Any]] | str
    seed: int
    val_fraction: float
    bfloat16: bool  # what "auto" chose
    channels_last: bool
    threads: int  # of the CPU
    compiled: bool
    processes: int
    launch: str | None
    skipped_images: list[str]
    class_names: list[str]
    data: DataConfig
    device: str
    started: str
    versions: dict[str, str]
    changes: list[dict[str, Any]]  # after_epoch, and the changes then: [before, after]
    recipe: dict[str, Any]
    pixel_stats: list[float]
    name: str  # of an ensemble, whose config has no seed and no transforms of its own
    members: list[dict[str, Any]]  # of an ensemble: run, checkpoint, epoch, seconds, config
    no_validation: str  # of an ensemble: why it has no validation images; "" if it has


def has_epochs(class_name: object) -> bool:
    """Whether a network of this name is trained in epochs; Fisher vectors and ensembles are not."""
    return class_name not in (*FITTED, ENSEMBLE)


def describe_run(
    model: nn.Module,
    train: ImageLoader,
    validation: ImageLoader,
    info: DatasetInfo,
    *,
    data_dir: Path,
    val_fraction: float,
    seed: int,
    skip_images: Collection[str],
    device: torch.device,
) -> dict[str, Any]:
    """The part of a run's config that does not depend on how the model learns.

    Args:
        model: `arguments`, if it has any, are those of its constructor.
        train, validation: the images, with their transforms.
        info: of the folder `data_dir`.
        val_fraction, seed, skip_images, device: as for `Trainer`.
    """
    # constructor arguments that decide the net: evaluation builds it again from them
    arguments = {"arguments": model.arguments} if hasattr(model, "arguments") else {}
    return {
        "format": FORMAT,
        "model": {
            "class_name": type(model).__name__,
            "parameters": sum(p.numel() for p in model.parameters()),
            **arguments,
        },
        "train_transforms": describe_transforms(train.transform) or repr(train.transform),
        "val_transforms": describe_transforms(validation.transform) or repr(validation.transform),
        "val_fraction": val_fraction,
        "seed": seed,
        "skipped_images": sorted(skip_images),
        "class_names": names_by_index(train.class_dict),
        "data": {
            "folder": str(data_dir.resolve()),
            "kind": info.kind,
            "title": info.title,
            "train_images": len(train),
            "val_images": len(validation),
            "validated_on": "validation" if val_fraction > 0 else "test",
        },
        "device": str(device),
        "started": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": versions(),
    }


def write_config(folder: Path, config: RunConfig) -> None:
    """Write config.json."""
    text = json.dumps(config, indent=2) + "\n"
    write_atomically(folder / CONFIG, lambda part: part.write_text(text, encoding="utf-8"))


def read_config(folder: Path) -> RunConfig:
    """Read config.json, of this or an earlier format.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is not a JSON object, or has a later format.
    """
    path = folder / CONFIG
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    except FileNotFoundError:
        raise FileNotFoundError(f"no run in {folder}: it has no {CONFIG}") from None
    return config_of(config, path)


def config_of(contents: Any, path: Path) -> RunConfig:
    """The config in the contents of a file, converted to the current format.

    Args:
        contents: plain data from any source.
        path: the file, for messages.

    Raises:
        ValueError: it is not a config, or has a later format.
    """
    if not isinstance(contents, dict):
        raise ValueError(f"{path} is damaged: it is not a JSON object")
    number = contents.get("format", 1)
    if not isinstance(number, int) or number > FORMAT:
        raise ValueError(
            f"{path} is from a later version of scene-recog (format {number!r}; this version reads "
            f"1 to {FORMAT}): update scene-recog with pip"
        )
    return cast(RunConfig, _upgraded(contents) if contents and number < FORMAT else contents)


def with_changes(now: RunConfig, before: RunConfig, after_epoch: int) -> RunConfig:
    """The config of a resumed run; changes are reported, and recorded in `changes`.

    Args:
        now: the config of the epochs to come.
        before: the config so far.
        after_epoch: epochs done.
    """
    was, is_now = _settings(before), _settings(now)
    changed = {
        key: [was[key], value]
        for key, value in is_now.items()
        if key in was and was[key] != value and not _is_the_same(was[key], value)
    }
    going_on: RunConfig = {**now, "changes": list(before.get("changes", []))}
    if "started" in before:
        going_on["started"] = before["started"]
    if changed:
        going_on["changes"].append({"after_epoch": after_epoch, **changed})
        texts = [
            key if isinstance(old, list) else f"{key} {old} -> {new}"
            for key, (old, new) in changed.items()
        ]
        notice(f"Changed after epoch {after_epoch}: {', '.join(texts)}.")
    return going_on


def _is_the_same(before: Any, now: Any) -> bool:
    """Where decoded images are kept changes no result; not keeping them does."""
    return {str(before), str(now)} == {"disk", "memory"}


def _settings(config: RunConfig) -> dict[str, Any]:
    """The settings that determine the result of the epochs to come, by name."""
    values = cast(dict[str, Any], config)
    options = {each.name for each in fields(TrainerOptions)} - {
        "amp", "compile_model", "memory_format",
    }  # fmt: skip
    keys = {*options, "bfloat16", "channels_last", "compiled", "device", "processes"}
    keys |= {"train_transforms", "val_transforms"}
    settings = {key: values[key] for key in sorted(keys) if key in values}
    recipe = values.get("recipe")
    planned = (
        {"epochs": recipe["epochs"]} if isinstance(recipe, dict) and "epochs" in recipe else {}
    )
    return settings | planned | dict(values.get("optimizer", {}))


def trouble_with(config: RunConfig) -> str:
    """Why a run with this config, from any source, cannot be used; empty if it can."""
    needed: dict[str, type | tuple[type, ...]] = {
        "model": dict,
        "data": dict,
        "class_names": list,
        "val_transforms": (list, str),
        "seed": int,
    }
    if not config:
        return "is missing"
    values = cast(dict[str, Any], config)
    if "members" in values:
        del needed["val_transforms"], needed["seed"]
    for key, kind in needed.items():
        if not isinstance(values.get(key), kind):
            return f"has no {key}"
    if not isinstance(values["model"].get("class_name"), str):
        return "does not name its network"
    arguments = values["model"].get("arguments", {})
    if not isinstance(arguments, dict) or any(
        not (isinstance(value, str) or (isinstance(value, int) and value <= 1024))
        for value in arguments.values()
    ):
        return "does not give the width of its network"
    for key in ("folder", "kind", "title", "validated_on"):
        if not isinstance(values["data"].get(key), str):
            return f"does not give the {key} of its data"
    names = values["class_names"]
    if not names or not all(isinstance(name, str) for name in names):
        return "has no class_names"
    return _trouble_with_members(values["members"], names) if "members" in values else ""


def _trouble_with_members(members: Any, class_names: list[str]) -> str:
    if not isinstance(members, list) or not members:
        return "has no list of members"
    kinds: dict[str, type | tuple[type, ...]] = {
        "run": str, "checkpoint": str, "epoch": int, "seconds": (int, float), "config": dict,
    }  # fmt: skip
    for member in members:
        if not isinstance(member, dict) or not all(
            isinstance(member.get(key), kind) for key, kind in kinds.items()
        ):
            return f"does not give {', '.join(kinds)} of each member"
        if "members" in member["config"]:
            return "has an ensemble as a member"
        if trouble := trouble_with(member["config"]):
            return f"has a member that {trouble}"
        if member["config"]["class_names"] != class_names:
            return "has members with different classes"
    if len({member["run"] for member in members}) < len(members):
        return "has two members of one name"
    return ""


def _upgraded(config: dict[str, Any]) -> dict[str, Any]:
    """A config of format 1, whose recipe lacks `cache` and the command line's value of `amp`."""
    config = {**config, "format": FORMAT}
    if isinstance(config.get("recipe"), dict) and "bfloat16" in config:
        amp = "on" if config["bfloat16"] else "off"
        config["recipe"] = {**config["recipe"], "amp": amp}
    return config
