"""Use a finished run: load it, measure it on a split, label new images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from inspect import signature
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import nn

from scene_recog.datasets.images import image_name
from scene_recog.image_loader import ImageLoader
from scene_recog.loading.bad_images import all_bad_images_named
from scene_recog.loading.loaders import Batch, make_loader
from scene_recog.loading.reading import (
    class_names,
    dataset_of_files,
    keep_only,
    listed,
    read_example,
)
from scene_recog.loading.split import recorded_split, say_what_changed, why_other_images
from scene_recog.loading.transform_spec import build_transforms
from scene_recog.models import FITTED, NETS
from scene_recog.models.misfit import misfit
from scene_recog.runs import run_folder
from scene_recog.runs.checkpoint import read_checkpoint
from scene_recog.runs.config import CONFIG, RunConfig, config_of, read_config, trouble_with
from scene_recog.runs.saved_run import UNFINISHED
from scene_recog.system.devices import choose_device
from scene_recog.system.progress import progress_bar
from scene_recog.training.inference import Forward, predict_batches

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]


class SplitError(ValueError):
    """A run cannot be measured on these images of train, whatever else is in order."""


@dataclass(frozen=True)
class LoadedRun:
    """A trained network, or an ensemble of several, and everything needed to use it.

    Attributes:
        folder: the run's folder.
        checkpoint: the file with the weights (averaged ones, if it has them).
        epoch: the epoch of these weights.
        model: in eval mode, on `device`.
        transform: PIL image -> float32 tensor [1, H, W], the run's validation transforms.
        class_names: by class index.
        config: the run's config.
        device: where the model is.
        split_source: what the run recorded of its split, for `recorded_split`.
        members: of an ensemble, by name; empty for a single network. An ensemble's `model` is only
            the list of its members' networks, and its `transform` that of the first.
        transforms: like `transform`, for the sizes to average over (see `at_sizes`); empty: only
            `transform`.
    """

    folder: Path
    checkpoint: Path
    epoch: int
    model: nn.Module
    transform: Callable[..., torch.Tensor]
    class_names: list[str]
    config: RunConfig
    device: torch.device
    split_source: dict[str, Any] = field(default_factory=dict)
    members: dict[str, LoadedRun] = field(default_factory=dict)
    transforms: tuple[Callable[..., torch.Tensor], ...] = ()

    @property
    def was_chosen_on_test(self) -> bool:
        """Whether the test split was used to choose the epoch, or that of a member."""
        used = [(self.checkpoint.name, self.config)]
        if self.members:
            used = [(each["checkpoint"], each["config"]) for each in self.config["members"]]
        return any(
            name == run_folder.BEST and config["data"]["validated_on"] == "test"
            for name, config in used
        )


@dataclass(frozen=True)
class Evaluation:
    """A network's predictions on a split.

    Attributes:
        paths: the images, in the dataset's order.
        targets: right classes, int [N].
        probabilities: softmax of the logits, float [N, num_classes].
        members: the predictions of each member of an ensemble, by name.
    """

    paths: list[str]
    targets: Indices
    probabilities: Floats
    members: dict[str, Evaluation] = field(default_factory=dict)

    @property
    def predictions(self) -> Indices:
        """The most likely class of each image, int [N]."""
        predictions: Indices = self.probabilities.argmax(axis=1)
        return predictions

    @property
    def accuracy(self) -> float:
        """Fraction of images labelled correctly, from 0 to 1."""
        return float((self.predictions == self.targets).mean())

    @property
    def loss(self) -> float:
        """Mean cross-entropy per example."""
        of_targets = self.probabilities[np.arange(len(self.targets)), self.targets]
        return float(-np.log(np.maximum(of_targets, 1e-30)).mean())


def load_run(name: str | Path, *, checkpoint: str | None = None, device: str = "auto") -> LoadedRun:
    """Load a run by its folder, its name below model_checkpoints/, or one of its checkpoint files.

    Args:
        name: which run.
        checkpoint: "best" or "last"; None takes the file that `name` names, or else the best one if
            it was chosen on validation images, or else the last.
        device: as for `choose_device`.

    Raises:
        FileNotFoundError: no such run or checkpoint.
        ValueError: a damaged checkpoint, or one of a network that is not in `models`, or is not
            fitted to the end.
    """
    folder = run_folder.find_run(name)
    path = _checkpoint_path(Path(name), folder, checkpoint)
    saved = read_checkpoint(path)
    config = config_of(saved.get("config", {}), path)
    if trouble := trouble_with(config):
        raise ValueError(f"{path} cannot be used: its config {trouble}")
    if UNFINISHED in saved:
        raise ValueError(f"{path} is not finished: scene-recog train --resume {folder}")
    device_here = choose_device(device)
    weights = saved.get("averaged_state_dict", saved["model_state_dict"])
    split_source: dict[str, Any] = {key: saved[key] for key in ("split", "config") if key in saved}
    if "members" not in config:
        epoch = int(saved.get("epoch", 0))
        return _assembled(folder, path, epoch, config, weights, device_here, split_source)
    members = {
        member["run"]: _assembled(
            folder,
            path,
            member["epoch"],
            config_of(member["config"], path),
            weights.get(str(number)) if isinstance(weights, dict) else None,
            device_here,
            {},
        )
        for number, member in enumerate(config["members"])
    }
    runs = list(members.values())
    return LoadedRun(
        folder=folder,
        checkpoint=path,
        epoch=0,
        model=nn.ModuleList(run.model for run in runs),
        transform=runs[0].transform,
        class_names=config["class_names"],
        config=config,
        device=device_here,
        split_source=split_source,
        members=members,
    )


def _assembled(
    folder: Path,
    path: Path,
    epoch: int,
    config: RunConfig,
    weights: Any,
    device: torch.device,
    split_source: dict[str, Any],
) -> LoadedRun:
    """A run of one network, from the contents of the checkpoint `path`.

    Raises:
        ValueError: they do not fit each other.
    """
    weights = weights if isinstance(weights, dict) else {}
    class_name = config["model"]["class_name"]
    steps, class_names = config["val_transforms"], config["class_names"]
    nets = NETS | FITTED
    if class_name not in nets:
        raise ValueError(
            f"{path} holds a {class_name}, which is not one of {', '.join(nets)}: to use it, list "
            "its class in scene_recog/models/__init__.py"
        )
    if not isinstance(steps, list):
        raise ValueError(
            f"{path} was trained with transforms that cannot be rebuilt from the file "
            f"({' '.join(steps.split())}): evaluate it in Python with generate_confusion_data"
        )
    try:
        model = nets[class_name](**config["model"].get("arguments", {}))
    except (RuntimeError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} cannot be used: its config has arguments that {class_name} does not accept"
        ) from error
    try:
        model.load_state_dict(weights)
    except (RuntimeError, AttributeError, TypeError, ValueError) as error:
        unkept = ""
        if "arguments" not in config["model"] and signature(nets[class_name]).parameters:
            unkept = ", or are its constructor's arguments missing in self.arguments"
        raise ValueError(
            f"the weights in {path} do not fit {class_name} here ({misfit(model, weights)}): "
            f"has its file changed since{unkept}?"
        ) from error
    transform = build_transforms(steps)
    try:
        with torch.inference_mode():
            outputs = model.eval()(transform(Image.new("L", (300, 200)))[None]).shape[1]
    except (RuntimeError, TypeError, ValueError) as error:
        raise ValueError(f"{path} has transforms that do not fit its {class_name}") from error
    if outputs < len(class_names):
        raise ValueError(
            f"{path} names {len(class_names)} classes, but its {class_name} has {outputs} outputs"
        )
    if device.type == "cpu" and config.get("channels_last"):
        model = model.to(memory_format=torch.channels_last)
    return LoadedRun(
        folder=folder,
        checkpoint=path,
        epoch=epoch,
        model=model.to(device),
        transform=transform,
        class_names=class_names,
        config=config,
        device=device,
        split_source=split_source,
    )


def evaluate_split(
    run: LoadedRun,
    data_dir: str | Path,
    split: str = "test",
    *,
    flip: bool = False,
    cache: str = "disk",
) -> Evaluation:
    """Label a split with a run's network, or with each member of an ensemble.

    Args:
        run: from `load_run`, or from `at_sizes` to average over several image sizes.
        data_dir: folder with train/ and test/.
        split: "test", "train" (the run's training images), or "validation" (those it held out).
            The run has recorded its split, so training images are never used for validation.
        flip: average the probabilities of each image and its mirror image (test-time
            augmentation; Krizhevsky et al. 2012, section 4.1).
        cache: where decoded images are kept, as in `TrainerOptions`.

    Raises:
        ValueError: other classes than the run's; `SplitError` for a run that held no images out,
            and for "train" or "validation" of another dataset than the run's.
        FileNotFoundError: no such folder.
    """
    dataset, left_out = _images_of(run, data_dir, split)

    def look(run: LoadedRun) -> Evaluation:
        parts = []
        for transform in run.transforms or (run.transform,):
            dataset.transform = transform
            with all_bad_images_named(data_dir):
                loader = make_loader(
                    dataset, 100, shuffle=False, device=run.device, cache=cache, left_out=left_out
                )
                parts.append(_evaluate(_views(run, flip=flip), loader, dataset, run.device, split))
        return averaged(parts)

    if not run.members:
        return look(run)
    members = {name: look(member) for name, member in run.members.items()}
    return replace(averaged(list(members.values())), members=members)


def averaged(evaluations: Sequence[Evaluation]) -> Evaluation:
    """Several predictions for the same images, with averaged probabilities."""
    probabilities = mean_of([each.probabilities for each in evaluations])
    return replace(evaluations[0], probabilities=probabilities)


def mean_of(probabilities: Iterable[Floats]) -> Floats:
    """The mean of probabilities of one shape."""
    mean: Floats = np.mean(list(probabilities), axis=0)
    return mean


def at_sizes(run: LoadedRun, sizes: Sequence[int]) -> LoadedRun:
    """The run, to be used on images of these sizes: probabilities are averaged over them.

    A second kind of test-time augmentation (He et al. 2016, section 4.1), for networks that take
    any size, such as SceneNet. It halves the sides four times, so multiples of 16 are best. A
    member of an ensemble that takes one size only, or looks at several itself, keeps its own.

    Args:
        run: from `load_run`.
        sizes: the shorter side of the network's input, in pixels, from 1 to 1024. The recipes were
            measured with their evaluation size and 16 pixels below and above it.

    Raises:
        ValueError: no sizes, or one out of range, or one that the network, or each member of an
            ensemble, does not take.
    """
    if not sizes or any(not 1 <= side <= 1024 for side in sizes):
        raise ValueError(f"sizes are {list(sizes)}: give one or more, from 1 to 1024 pixels")
    if not run.members:
        if trouble := _trouble_with_sizes(run, sizes):
            raise ValueError(f"{trouble}: leave out sizes")
        return replace(run, transforms=tuple(_at_size(run, side) for side in sizes))
    trouble_with_member = {
        name: _trouble_with_sizes(member, sizes) for name, member in run.members.items()
    }
    if all(trouble_with_member.values()):
        raise ValueError(f"{'; '.join(trouble_with_member.values())}: leave out sizes")
    members = {
        name: member if trouble_with_member[name] else at_sizes(member, sizes)
        for name, member in run.members.items()
    }
    return replace(run, members=members)


def _trouble_with_sizes(run: LoadedRun, sizes: Sequence[int]) -> str:
    """Why a network cannot be used at all these sizes; empty if it can."""
    name = run.config["model"]["class_name"]
    if name in FITTED:
        return f"{name} looks at several sizes itself"
    image = Image.new("L", (300, 200))
    for side in sizes:
        try:
            with torch.inference_mode():
                run.model(_at_size(run, side)(image)[None].to(run.device))
        except (RuntimeError, ValueError):
            own = "x".join(map(str, run.transform(image).shape[1:]))
            return f"{name}, which was trained for {own} pixels, does not take {side}x{side}"
    return ""


def evaluate_batches(
    model: nn.Module, loader: Iterable[Batch], dataset: ImageLoader, device: torch.device
) -> Evaluation:
    """Label the images of a loader with a network, in the order of its dataset.

    Args:
        model: images [n, 1, H, W] -> logits; it is set to eval mode.
        loader: (images, labels) batches of `dataset`, not shuffled.
        dataset: the images.
        device: where the model is.
    """
    model.eval()
    known = len(dataset.class_dict)
    return _evaluate(
        lambda images: model(images)[:, :known].softmax(dim=1), loader, dataset, device, None
    )


def _evaluate(
    predict: Forward,
    loader: Iterable[Batch],
    dataset: ImageLoader,
    device: torch.device,
    description: str | None,
) -> Evaluation:
    targets, probabilities = [], []
    with progress_bar(total=len(dataset), unit="img", desc=description, leave=False) as bar:
        for shares, labels in predict_batches(predict, loader, device):
            targets.append(labels.cpu())
            probabilities.append(shares.cpu())
            bar.update(len(labels))
    return Evaluation(
        paths=[str(path) for path, _ in dataset.dataset],
        targets=torch.cat(targets).numpy(),
        probabilities=torch.cat(probabilities).numpy(),
    )


def predict_image(run: LoadedRun, path: str | Path, *, flip: bool = False) -> Floats:
    """Probabilities of the classes for one image file of any size and mode: float [num_classes].

    Raises:
        FileNotFoundError: no such file.
        ValueError: not an image, or a damaged one.
    """
    if run.members:
        return mean_of(predict_by_member(run, path, flip=flip).values())
    parts = []
    for transform in run.transforms or (run.transform,):
        image = read_as_trained(replace(run, transform=transform), path)
        with torch.inference_mode():
            probabilities = _views(run, flip=flip)(image[None].to(run.device))[0]
        parts.append(probabilities.cpu().numpy())
    return mean_of(parts)


def predict_by_member(run: LoadedRun, path: str | Path, *, flip: bool = False) -> dict[str, Floats]:
    """What each member of an ensemble predicts, by name; empty for a single network.

    Arguments and errors as for `predict_image`.
    """
    return {name: predict_image(each, path, flip=flip) for name, each in run.members.items()}


def read_as_trained(run: LoadedRun, path: str | Path) -> torch.Tensor:
    """The network's input for an image file, [1, H, W], read by the `ImageLoader` in place.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not an image, or a damaged one.
    """
    image: Any = read_example(dataset_of_files([path], run.transform), 0)[0]
    return cast(torch.Tensor, image)


def per_class_table(evaluation: Evaluation, class_names: list[str]) -> list[dict[str, Any]]:
    """One row per class: images, recall, precision (0 to 1, None if undefined), and the class it is
    most often confused with, with how often."""
    targets, predictions = evaluation.targets, evaluation.predictions
    rows = []
    for index, name in enumerate(class_names):
        mine, called = targets == index, predictions == index
        hits = int((mine & called).sum())
        mistaken = np.bincount(predictions[mine & ~called], minlength=len(class_names))
        rows.append(
            {
                "class": name,
                "images": int(mine.sum()),
                "recall": hits / int(mine.sum()) if mine.any() else None,
                "precision": hits / int(called.sum()) if called.any() else None,
                "taken_for": class_names[int(mistaken.argmax())] if mistaken.any() else None,
                "taken_for_count": int(mistaken.max()),
            }
        )
    return rows


def worst_confusions(
    evaluation: Evaluation, class_names: list[str], count: int = 5
) -> list[tuple[str, str, int]]:
    """The most frequent mistakes: (target, prediction, number of images), most frequent first."""
    size = len(class_names)
    wrong = evaluation.targets != evaluation.predictions
    pairs = evaluation.targets[wrong] * size + evaluation.predictions[wrong]
    counts = np.bincount(pairs, minlength=size * size)
    order = np.argsort(-counts, kind="stable")[:count]
    return [
        (class_names[pair // size], class_names[pair % size], int(counts[pair]))
        for pair in order
        if counts[pair]
    ]


def accuracy_without(evaluation: Evaluation, data_dir: Path, left_out: Iterable[str]) -> float:
    """Accuracy on the images that are not in `left_out`, paths relative to data_dir (posix)."""
    names = set(left_out)
    kept = np.array(
        [Path(path).relative_to(data_dir).as_posix() not in names for path in evaluation.paths]
    )
    return float((evaluation.predictions == evaluation.targets)[kept].mean())


def _views(run: LoadedRun, *, flip: bool) -> Forward:
    """Images -> probabilities [n, num_classes], averaged with the mirrored images' if `flip`."""
    known = len(run.class_names)  # a net may have more outputs

    def predict(images: torch.Tensor) -> torch.Tensor:
        probabilities: torch.Tensor = run.model(images)[:, :known].softmax(dim=1)
        if flip:
            probabilities = (probabilities + run.model(images.flip(-1))[:, :known].softmax(1)) / 2
        return probabilities

    return predict


def _at_size(run: LoadedRun, side: int) -> Callable[..., Any]:
    """The run's transform with all sizes in proportion, so that the shorter side becomes `side`."""
    own = min(run.transform(Image.new("L", (300, 200))).shape[1:])

    def scaled(size: Any) -> Any:
        return (
            [scaled(each) for each in size] if isinstance(size, list) else round(size * side / own)
        )

    if side == own:
        return run.transform
    steps = run.config["val_transforms"]
    assert isinstance(steps, list)  # `load_run` has checked it
    rebuilt: Callable[..., Any] = build_transforms(
        [{**step, "size": scaled(step["size"])} if "size" in step else step for step in steps]
    )
    return rebuilt


def _images_of(run: LoadedRun, data_dir: str | Path, split: str) -> tuple[ImageLoader, set[str]]:
    """(images of a split as the run recorded it, paths that it left out as bad)."""
    root = str(Path(data_dir).expanduser())
    dataset = ImageLoader(root, "test" if split == "test" else "train", run.transform)
    ours = class_names(dataset.class_dict)
    if ours != run.class_names:
        different = sorted(set(ours) ^ set(run.class_names)) or ["in another order"]
        raise ValueError(
            f"{dataset.curr_folder} and the run have different classes: {', '.join(different)}"
        )
    there = {image_name(path, root): (path, label) for path, label in listed(dataset)}
    is_its_own = str(Path(root).resolve()) == run.config.get("data", {}).get("folder")
    skipped = set(run.config.get("skipped_images", [])) if is_its_own else set()
    if split == "test":
        names = [name for name in there if name not in skipped]
    elif split == "validation" and run.config.get("val_fraction", 0) == 0:
        why = run.config.get("no_validation", "")
        raise SplitError(
            f"the run {run.folder} has no validation images held out of train"
            + (f": {why}" if why else "")
        )
    else:
        recorded = recorded_split(run.split_source, root, run.checkpoint)
        if why := why_other_images(run.config["data"], recorded, root):
            raise SplitError(f"{why}: only --split test can be measured there")
        names = list(there)
        if recorded is not None:
            names = list(recorded.validation if split == "validation" else recorded.train)
            say_what_changed(recorded, there, skipped, root)
    dataset = keep_only(dataset, [there[name] for name in names if name in there])
    if not dataset.dataset:
        raise ValueError(f"no images in {dataset.curr_folder} that belong to {split}")
    return dataset, {str(Path(root) / name) for name in skipped}


def _checkpoint_path(name: Path, folder: Path, checkpoint: str | None) -> Path:
    best, last = folder / run_folder.BEST, folder / run_folder.LAST
    if checkpoint is not None:
        return best if checkpoint == "best" else last
    if name.is_file() and name.suffix == ".pt":
        return name
    return best if best.is_file() and _validated_on(folder) == "validation" else last


def _validated_on(folder: Path) -> str | None:
    config = read_config(folder) if (folder / CONFIG).is_file() else RunConfig()
    return config.get("data", {}).get("validated_on")
