"""A finished run at work: load it, measure it on a split, label new images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader

from scene_recog.datasets.images import read_grayscale
from scene_recog.image_loader import ImageLoader
from scene_recog.loading.split import split_train_validation
from scene_recog.loading.transform_spec import build_transforms
from scene_recog.models import NETS
from scene_recog.runs import run_folder
from scene_recog.runs.checkpoint import read_checkpoint
from scene_recog.system.devices import choose_device
from scene_recog.system.progress import progress_bar


@dataclass(frozen=True)
class LoadedRun:
    """A trained network and what it takes to use it.

    Attributes:
        folder: the run's folder.
        checkpoint: the file that the weights came from; their average, if it holds one.
        epoch: the epoch of these weights.
        model: in eval mode, on `device`.
        transform: PIL image -> float32 tensor [1, H, W], the run's validation transforms.
        class_names: by class index.
        config: the run's config (see `Trainer`).
        device: where the model is.
    """

    folder: Path
    checkpoint: Path
    epoch: int
    model: nn.Module
    transform: Callable[..., torch.Tensor]
    class_names: list[str]
    config: dict[str, Any]
    device: torch.device


@dataclass(frozen=True)
class Evaluation:
    """What a network says about a split.

    Attributes:
        paths: the images, in the dataset's order.
        targets: right classes, int [N].
        probabilities: softmax of the logits, float [N, num_classes].
    """

    paths: list[str]
    targets: np.ndarray
    probabilities: np.ndarray

    @property
    def predictions(self) -> np.ndarray:
        """The most likely class of each image, int [N]."""
        return self.probabilities.argmax(axis=1)

    @property
    def accuracy(self) -> float:
        """Share of images labelled rightly, from 0 to 1."""
        return float((self.predictions == self.targets).mean())


def load_run(name: str | Path, *, checkpoint: str | None = None, device: str = "auto") -> LoadedRun:
    """Load a run by its folder, its name below model_checkpoints/, or one of its checkpoint files.

    Args:
        name: which run.
        checkpoint: "best" or "last"; None takes the file that `name` names, else the best one if
            it was chosen on validation images, else the last.
        device: as for `choose_device`.

    Raises:
        FileNotFoundError: no such run or checkpoint.
        ValueError: a damaged checkpoint, or of a network that is not in `models.NETS`.
    """
    folder = run_folder.find_run(name)
    path = _checkpoint_path(Path(name), folder, checkpoint)
    saved = read_checkpoint(path)
    config: dict[str, Any] = saved.get("config", {})
    if trouble := _trouble_with_config(config):
        raise ValueError(f"{path} cannot be used: its config {trouble}")
    class_name = config["model"]["class_name"]
    steps, class_names = config["val_transforms"], config["class_names"]
    if class_name not in NETS:
        raise ValueError(f"{path} is of {class_name!r}, which is none of {', '.join(NETS)}")
    if not isinstance(steps, list):
        raise ValueError(
            f"{path} was trained with transforms that cannot be rebuilt from the file ({steps}): "
            "evaluate it in Python with generate_confusion_data"
        )
    chosen_device = choose_device(device)
    try:
        model = NETS[class_name](**config["model"].get("arguments", {}))
        model.load_state_dict(saved.get("averaged_state_dict", saved["model_state_dict"]))
    except (RuntimeError, AttributeError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} holds other weights than {class_name} has here: was its file changed?"
        ) from error
    transform = build_transforms(steps)
    try:
        with torch.inference_mode():
            outputs = model.eval()(transform(Image.new("L", (300, 200)))[None]).shape[1]
    except (RuntimeError, TypeError, ValueError) as error:
        raise ValueError(f"{path} has transforms that do not suit its {class_name}") from error
    if outputs < len(class_names):
        raise ValueError(
            f"{path} names {len(class_names)} classes, but its {class_name} tells {outputs} apart"
        )
    return LoadedRun(
        folder=folder,
        checkpoint=path,
        epoch=int(saved.get("epoch", 0)),
        model=model.to(chosen_device),
        transform=transform,
        class_names=class_names,
        config=config,
        device=chosen_device,
    )


def evaluate_split(
    run: LoadedRun,
    data_dir: str | Path,
    split: str = "test",
    *,
    flip: bool = False,
    scales: Sequence[float] = (1.0,),
) -> Evaluation:
    """Let a run's network label a split.

    Args:
        run: from `load_run`.
        data_dir: folder with train/ and test/.
        split: "test", "train" (what the run trained on), or "validation" (what it held out).
        flip: average the probabilities of each image and its mirror image (test-time
            augmentation; Krizhevsky et al. 2012, section 4.1).
        scales: average the probabilities over the image at these sizes, 1 being the run's own
            (He et al. 2016, section 4.1). For nets that take any size, such as SceneNet; sizes
            that are multiples of 16 suit it best, for it halves the sides four times.

    Raises:
        ValueError: other classes than the run's, or a run that held nothing out.
        FileNotFoundError: no such folder.
    """
    transforms = [_at_scale(run, scale) for scale in scales]
    dataset = ImageLoader(
        data_dir,
        "test" if split == "test" else "train",
        lambda image: [transform(image) for transform in transforms],
    )
    if list(dataset.class_dict) != run.class_names:
        different = sorted(set(dataset.class_dict) ^ set(run.class_names))
        raise ValueError(
            f"{dataset.curr_folder} and the run have different classes: {', '.join(different)}"
        )
    skipped = {Path(data_dir).expanduser() / name for name in run.config.get("skipped_images", [])}
    dataset.dataset = [item for item in dataset.dataset if Path(item[0]) not in skipped]
    if split != "test":
        dataset.dataset = _held_in_or_out(run, dataset, split)
    elif not dataset.dataset:
        raise ValueError(f"no images in {dataset.curr_folder}")

    targets, probabilities = [], []
    with progress_bar(total=len(dataset), unit="img", desc=split, leave=False) as bar:
        for sizes, labels in DataLoader(dataset, batch_size=100):
            targets.append(labels)
            probabilities.append(_probabilities(run, sizes, flip=flip))
            bar.update(len(labels))
    return Evaluation(
        paths=[path for path, _ in dataset.dataset],
        targets=torch.cat(targets).numpy(),
        probabilities=torch.cat(probabilities).numpy(),
    )


def predict_image(run: LoadedRun, path: Path, *, flip: bool = False) -> np.ndarray:
    """Probabilities of the classes for one image file of any size and mode: float [num_classes].

    Raises:
        FileNotFoundError: no such file.
        ValueError: not an image, or a damaged one.
    """
    image = run.transform(read_grayscale(path))
    return _probabilities(run, [image[None]], flip=flip)[0].numpy()


def per_class_table(evaluation: Evaluation, class_names: list[str]) -> list[dict[str, Any]]:
    """One row a class: images, recall, precision (0 to 1, None where undefined), and what the
    class is most often taken for, with how often."""
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


def _probabilities(run: LoadedRun, sizes: list[torch.Tensor], *, flip: bool) -> torch.Tensor:
    """Mean over the same images at each size."""
    with torch.inference_mode():
        views = [images.to(run.device) for images in sizes]
        views += [view.flip(-1) for view in views] if flip else []
        known = len(run.class_names)  # a net may have outputs to spare
        return torch.stack([run.model(x)[:, :known].softmax(dim=1) for x in views]).mean(0).cpu()


def _at_scale(run: LoadedRun, scale: float) -> Callable[..., torch.Tensor]:
    """The run's transform, with every size that it brings images to times `scale`."""

    def scaled(size: Any) -> Any:
        return [scaled(side) for side in size] if isinstance(size, list) else round(size * scale)

    if scale == 1:
        return run.transform
    steps = run.config["val_transforms"]
    return build_transforms(
        [{**step, "size": scaled(step["size"])} if "size" in step else step for step in steps]
    )


def _trouble_with_config(config: Any) -> str:
    """Why a checkpoint's config, which may come from anybody, is not one; empty if it is."""
    needed: dict[str, type | tuple[type, ...]] = {
        "model": dict,
        "data": dict,
        "class_names": list,
        "val_transforms": (list, str),
        "seed": int,
    }
    if not isinstance(config, dict) or not config:
        return "is missing"
    for key, kind in needed.items():
        if not isinstance(config.get(key), kind):
            return f"has no {key}"
    if not isinstance(config["model"].get("class_name"), str):
        return "does not say which network it is of"
    arguments = config["model"].get("arguments", {})
    if not isinstance(arguments, dict) or any(
        not isinstance(value, int) or value > 1024 for value in arguments.values()
    ):
        return "does not say how wide its network is"
    for key in ("folder", "kind", "title", "validated_on"):
        if not isinstance(config["data"].get(key), str):
            return f"does not say the {key} of its data"
    if not config["class_names"] or not all(isinstance(n, str) for n in config["class_names"]):
        return "has no class_names"
    return ""


def _held_in_or_out(run: LoadedRun, dataset: ImageLoader, split: str) -> list[tuple[str, int]]:
    fraction, seed = run.config.get("val_fraction", 0.0), run.config["seed"]
    if fraction == 0:
        if split == "validation":
            raise ValueError(f"the run {run.folder} held no validation images out of train")
        return dataset.dataset
    training, validation = split_train_validation(dataset.dataset, fraction, seed)
    chosen = validation if split == "validation" else training
    return [dataset.dataset[index] for index in chosen]


def _checkpoint_path(name: Path, folder: Path, checkpoint: str | None) -> Path:
    best, last = folder / run_folder.BEST, folder / run_folder.LAST
    if checkpoint is not None:
        return best if checkpoint == "best" else last
    if name.is_file() and name.suffix == ".pt":
        return name
    return best if best.is_file() and _validated_on(folder) == "validation" else last


def _validated_on(folder: Path) -> str | None:
    config = run_folder.read_config(folder) if (folder / run_folder.CONFIG).is_file() else {}
    return config.get("data", {}).get("validated_on")
