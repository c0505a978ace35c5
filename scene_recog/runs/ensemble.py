"""An ensemble: several runs as one, which averages their probabilities.

Its checkpoint holds the weights of all members, so that it can be used without their folders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, cast

from scene_recog.loading.split import Split, recorded_split
from scene_recog.runs.checkpoint import write_checkpoint
from scene_recog.runs.config import ENSEMBLE, FORMAT, RunConfig, write_config
from scene_recog.runs.history import read_history
from scene_recog.runs.run_folder import LAST, new_run_folder
from scene_recog.runs.scoring import LoadedRun, load_run
from scene_recog.system.versions import versions


def make_ensemble(name: str, members: Sequence[str | Path], parent: str | Path) -> Path:
    """Make a run of several runs (Lakshminarayanan et al. 2017).

    Args:
        name: the new run is `parent/name-001`, or the next free number.
        members: at least two runs, as for `load_run`.
        parent: where runs are kept.

    Returns:
        The new run's folder.

    Raises:
        FileNotFoundError: no such run.
        ValueError: as `write_ensemble`.
    """
    contents = _put_together(name, members, {})
    folder = new_run_folder(parent, name)
    try:
        _write(folder, contents)
    except BaseException:
        (folder / LAST).unlink(missing_ok=True)
        folder.rmdir()
        raise
    return folder


def write_ensemble(
    folder: Path, name: str, members: Sequence[str | Path], extra_config: Mapping[str, Any]
) -> None:
    """Write a run of several runs to a folder.

    Args:
        folder: where its checkpoint and config.json are written.
        name: of the run.
        members: at least two runs, as for `load_run`.
        extra_config: plain data to keep in the config.

    Raises:
        FileNotFoundError: no such run.
        ValueError: fewer than two runs, one run twice, an ensemble as a member, or runs with
            different classes or of different images.
    """
    _write(folder, _put_together(name, members, extra_config))


def _put_together(
    name: str, members: Sequence[str | Path], extra_config: Mapping[str, Any]
) -> dict[str, Any]:
    """The contents of the checkpoint."""
    if len(members) < 2:
        raise ValueError("an ensemble needs at least two runs")
    runs = [load_run(member, device="cpu") for member in members]
    paths = [run.checkpoint.resolve() for run in runs]
    if twice := [path for path in paths if paths.count(path) > 1]:
        raise ValueError(f"{twice[0].parent.name} is named twice: each run counts once")
    by_name = dict(zip(_distinct_names(runs), runs, strict=True))
    _check_members(by_name)
    splits = {name: _split_of(run) for name, run in by_name.items()}
    _check_same_images(by_name, splits)
    why_not, split = _common_split(by_name, splits)
    return {
        "model_state_dict": {
            str(number): run.model.state_dict() for number, run in enumerate(by_name.values())
        },
        **(split.state_dict() if split else {}),
        "config": {**_config(name, by_name, split, why_not), **extra_config},
    }


def _write(folder: Path, contents: dict[str, Any]) -> None:
    write_checkpoint(folder / LAST, contents)
    write_config(folder, cast(RunConfig, contents["config"]))


def _config(
    name: str, runs: dict[str, LoadedRun], split: Split | None, why_not: str
) -> dict[str, Any]:
    configs = [run.config for run in runs.values()]
    validated_on = {config["data"]["validated_on"] for config in configs}
    data = {
        **configs[0]["data"],
        "train_images": len(split.train) if split else configs[0]["data"].get("train_images", 0),
        "val_images": len(split.validation) if split else 0,
        "validated_on": "test" if "test" in validated_on else "validation",
    }
    return {
        "format": FORMAT,
        "name": name,
        "model": {
            "class_name": ENSEMBLE,
            "parameters": sum(config["model"].get("parameters", 0) for config in configs),
        },
        "members": [
            {
                "run": member,
                "checkpoint": run.checkpoint.name,
                "epoch": run.epoch,
                "seconds": sum(row["seconds"] for row in read_history(run.folder)),
                "config": run.config,
            }
            for member, run in runs.items()
        ],
        "class_names": configs[0]["class_names"],
        "skipped_images": sorted({x for c in configs for x in c.get("skipped_images", [])}),
        "val_fraction": 0.0 if why_not else max(c.get("val_fraction", 0.0) for c in configs),
        "no_validation": why_not,
        "data": data,
        "started": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": versions(),
    }


def _distinct_names(runs: Sequence[LoadedRun]) -> list[str]:
    """The runs' names; where two have one name, the paths of their checkpoints."""
    names = [run.folder.resolve().name for run in runs]
    return [
        name if names.count(name) == 1 else run.checkpoint.as_posix()
        for name, run in zip(names, runs, strict=True)
    ]


def _check_members(runs: dict[str, LoadedRun]) -> None:
    (first_name, first), *others = runs.items()
    for name, run in runs.items():
        if run.members:
            raise ValueError(f"{name} is itself an ensemble: name {', '.join(run.members)} instead")
    for name, run in others:
        if run.class_names != first.class_names:
            different = sorted(set(run.class_names) ^ set(first.class_names))
            raise ValueError(
                f"{first_name} and {name} have different classes: "
                f"{', '.join(different) or 'in another order'}"
            )
        theirs, ours = run.config["data"]["title"], first.config["data"]["title"]
        if theirs != ours:
            raise ValueError(
                f"{first_name} was trained on {ours}, {name} on {theirs}: the members of an "
                "ensemble need the same data"
            )


# -------------------------------------------------------------------- who was trained on what


def _split_of(run: LoadedRun) -> Split | None:
    """The images that a run was trained on, and those of train that it held out, if it says so."""
    split = recorded_split(run.split_source, run.config["data"]["folder"], run.checkpoint)
    if split is None or run.config.get("val_fraction", 0) > 0:
        return split
    return Split(split.train, ())


def _check_same_images(runs: dict[str, LoadedRun], splits: dict[str, Split | None]) -> None:
    """Names of images from different folders can be compared only if they are the same names.

    Otherwise, a member may have been trained on the test images of another.
    """

    def pool(name: str) -> set[str] | None:
        split = splits[name]
        skipped = {x for x in runs[name].config.get("skipped_images", []) if x[:6] == "train/"}
        return None if split is None else {*split.train, *split.validation, *skipped}

    first, *others = runs
    for name in others:
        folders = [runs[each].config["data"]["folder"] for each in (first, name)]
        pools = pool(first), pool(name)
        if folders[0] != folders[1] and (pools[0] is None or pools[0] != pools[1]):
            raise ValueError(
                f"{first} and {name} have different training images, in {folders[0]} and "
                f"{folders[1]}: one may have been trained on test images of the other"
            )


def _common_split(
    runs: dict[str, LoadedRun], splits: dict[str, Split | None]
) -> tuple[str, Split | None]:
    """(why there are no validation images, or "", the split of the ensemble).

    Its training images are those of any member. Its validation images are those that a member held
    out, as long as no other was trained on them.
    """
    trained: set[str] = set()
    held_out: dict[str, str] = {}  # image -> a member that held it out
    for name, split in splits.items():
        if split is None:
            return f"{name} kept no list of the images that it was trained on", None
        trained.update(split.train)
        held_out.update(dict.fromkeys(split.validation, name))
    train = tuple(sorted(trained))
    if not held_out:
        return "no member held images out of train", Split(train, ())
    for name, split in splits.items():
        assert split is not None
        if both := [image for image in split.train if image in held_out]:
            why = f"{name} was trained on {len(both)} of the images that {held_out[both[0]]} held"
            return f"{why} out", Split(train, ())
    return "", Split(train, tuple(sorted(held_out)))
