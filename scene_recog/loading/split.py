"""The images that a run trains on, and those that it validates on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scene_recog.datasets import describe_dataset
from scene_recog.datasets.images import image_name, normalized
from scene_recog.datasets.layout import left_out_notice, list_images, sha256_of
from scene_recog.image_loader import ImageLoader
from scene_recog.loading.reading import class_names as names_by_index
from scene_recog.loading.reading import keep_only, listed
from scene_recog.system.progress import notice

MOST_GONE = 0.25  # of a run's images; with more gone, a folder is another dataset


@dataclass(frozen=True)
class Split:
    """The images of a run, as names relative to the data folder, such as train/coast/a.jpg.

    Attributes:
        train: the training images.
        validation: the validation images, held out of train or from the test split.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint: one string each, which loads faster than thousands."""
        return {"split": {"train": "\n".join(self.train), "validation": "\n".join(self.validation)}}


def recorded_split(saved: Mapping[str, Any], data_dir: str | Path, path: Path) -> Split | None:
    """The split in a checkpoint; None if it has none, like those of the course's own Trainer.

    A checkpoint of format 1 has only the seed of the split. The split is made again from the images
    in `data_dir`, if their number has not changed.

    Raises:
        ValueError: it cannot be read, or cannot be made again.
    """
    try:
        if "split" in saved:
            texts = saved["split"]
            return Split(*(tuple(texts[key].split("\n")) for key in ("train", "validation")))
        config = saved.get("config", {})
        if not config.get("val_fraction"):
            return None
        root = str(Path(data_dir).expanduser())
        dataset = ImageLoader(root, "train")
        images = listed(dataset)
        names = [image_name(image, root) for image, _ in images]
        there = dict(zip(names, images, strict=True))
        skipped = set(config.get("skipped_images", []))
        split = _new_split([names, []], there, skipped, config["val_fraction"], config["seed"])
        expected = config["data"]["train_images"], config["data"]["val_images"]
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged: its split cannot be read") from error
    if (len(split.train), len(split.validation)) != expected:
        raise ValueError(
            f"the images in {root} have changed since the run of {path} began, and that run kept "
            "no list of them: its validation images cannot be told from its training images"
        )
    return split


def open_datasets(
    data_dir: str | Path,
    train_transform: Callable[..., Any],
    val_transform: Callable[..., Any],
    *,
    val_fraction: float,
    seed: int,
    skip_images: Collection[str] = (),
    recorded: Split | None = None,
    class_names: Sequence[str] | None = None,
) -> tuple[ImageLoader, ImageLoader, Split]:
    """(images to train on, images to validate on, their names).

    Args:
        data_dir: folder with train/ and test/.
        train_transform, val_transform: PIL image -> tensor.
        val_fraction: 0 validates on the test split; above 0, that fraction of each training class
            is held out of train.
        seed: determines which images are held out.
        skip_images: images to leave out of both, such as "train/coast/a.jpg".
        class_names: the classes of the resumed run, if known.
        recorded: the split of the resumed run. It is kept; a line on stderr says how many images
            are new, and therefore left out, and how many are gone.

    Raises:
        ValueError: a name in `skip_images` that is not an image there; a class without images, or
            a class in only one of the two splits.
        FileNotFoundError: no dataset in `data_dir`.
    """
    root = str(Path(data_dir).expanduser())
    train = ImageLoader(root, "train", train_transform)
    validation = ImageLoader(root, "train" if val_fraction > 0 else "test", val_transform)
    ours = names_by_index(train.class_dict)
    if class_names is not None and ours != list(class_names):
        different = sorted(set(ours) ^ set(class_names)) or ["in another order"]
        raise ValueError(
            f"the run was trained on other classes than those in {root}: {', '.join(different)}"
        )
    images = [listed(dataset) for dataset in (train, validation)]
    names = [[image_name(path, root) for path, _ in part] for part in images]
    there = dict(zip(names[0] + names[1], images[0] + images[1], strict=True))
    skipped = _checked_names(skip_images, root, there, known=recorded is not None)
    if recorded is None:
        split = _new_split(names, there, skipped, val_fraction, seed)
    else:
        split = recorded
        say_what_changed(split, there, skipped, root)
    paths = [path for path, _ in images[0] + images[1]]
    if left_out := left_out_notice(root, {train.split, validation.split}, listed=paths):
        notice(f"{left_out}.")
    train = keep_only(train, [there[name] for name in split.train if name in there])
    validation = keep_only(validation, [there[name] for name in split.validation if name in there])
    _check_classes(train, validation)
    return train, validation, split


def why_other_images(
    trained_on: Mapping[str, Any], split: Split | None, data_dir: str | Path
) -> str:
    """Why a folder does not hold the images that a run was trained on; empty if it does.

    File names alone do not tell: hundreds of photographs and sketches share theirs. A folder may
    have been moved or renamed, and some images may be new or gone.

    Args:
        trained_on: the run's config["data"]; nothing is known if it is empty.
        split: the run's images, if it recorded them.
        data_dir: folder with train/ and test/.

    Raises:
        FileNotFoundError: there is no train/ folder.
    """
    kind, root = trained_on.get("kind"), Path(data_dir).expanduser()
    now = describe_dataset(root)
    if kind is None or kind == now.kind != "own":
        return ""
    why = f"the run was trained on {trained_on.get('title')}, but {root}"
    if "own" not in (kind, now.kind):
        return f"{why} holds {now.title}"
    # Photographs are "own" too once one is missing, and sketches without their marker file.
    names = (*split.train, *split.validation) if split else ()
    there = {normalized(name) for name in list_images(root)}
    gone = [name for name in names if name not in there and not (root / name).is_file()]
    if len(gone) <= MOST_GONE * len(names):
        return ""
    return f"{why} lacks {len(gone):,} of its {len(names):,} images"


def say_what_changed(
    split: Split, there: Collection[str], skipped: Collection[str], root: str
) -> None:
    """Say in one line how many images are new since a run began, and how many are gone.

    Args:
        split: the run's split.
        there: names of the existing images, in the splits that were listed.
        skipped: names that the run leaves out anyway.
        root: the data folder.
    """
    splits = tuple({f"{name.partition('/')[0]}/" for name in there})
    known = {name for name in (*split.train, *split.validation) if name.startswith(splits)}
    new, gone = len(set(there) - known - set(skipped)), len(known.difference(there))
    if new or gone:
        notice(
            f"The images in {root} have changed since the run began: {new} new (left out), "
            f"{gone} gone."
        )


def _new_split(
    names: list[list[str]],
    there: Mapping[str, tuple[Any, Any]],
    skipped: set[str],
    val_fraction: float,
    seed: int,
) -> Split:
    train, validation = ([name for name in part if name not in skipped] for part in names)
    if val_fraction > 0:
        items = [there[name] for name in train]
        training, held_out = split_train_validation(items, val_fraction, seed)
        train, validation = ([train[i] for i in part] for part in (training, held_out))
    return Split(tuple(train), tuple(validation))


def _checked_names(
    names: Collection[str], root: str, there: Collection[str], *, known: bool
) -> set[str]:
    """`skip_images` in one Unicode form; a resumed run keeps its list, even of images now gone."""
    if isinstance(names, str):
        raise ValueError(f"skip_images is the string {names!r}: it must be a list of names")
    chosen = {normalized(str(name)) for name in names}
    for name in sorted(chosen.difference(there)):
        is_of_test = name.startswith("test/") and (Path(root) / name).is_file()
        if not known and not is_of_test:  # with val_fraction, test images are not in use
            raise ValueError(
                f"skip_images has {name!r}, which is not an image in {root}: give names relative "
                "to it, such as train/coast/image_0001.jpg"
            )
    return chosen


def _check_classes(train: ImageLoader, val: ImageLoader) -> None:
    for dataset in (train, val):
        try:
            len(dataset)
        except TypeError as error:
            raise ValueError(
                f"len() of the dataset fails ({error}): __len__ in image_loader.py must return the "
                "number of images"
            ) from error
    for ours, theirs in ((train, val), (val, train)):
        for name in sorted(set(ours.class_dict) - set(theirs.class_dict)):
            raise ValueError(
                f"class {name} is in {ours.curr_folder} but not in {theirs.curr_folder}: "
                "both need the same class folders"
            )
    if not val.dataset:
        raise ValueError(f"no images in {val.curr_folder}: there is nothing to validate on")
    labels_with_images = {int(label) for _, label in train.dataset}
    for name, label in train.class_dict.items():
        if int(label) not in labels_with_images:
            raise ValueError(
                f"class folder {Path(train.curr_folder) / name} has no images: "
                "add some, or remove the folder"
            )


def split_train_validation(
    dataset: Sequence[tuple[str, int]], val_fraction: float, seed: int
) -> tuple[list[int], list[int]]:
    """Indices of a training and a validation part, with every class in the same proportion.

    Byte-identical files stay on one side, even under two class names: otherwise validation would
    use images that were trained on.

    Args:
        dataset: (path, class index) pairs, as `ImageLoader.dataset`.
        val_fraction: fraction of each class that goes to validation, between 0 and 1.
        seed: the same seed and files give the same parts.

    Returns:
        (training indices, validation indices), each ascending.

    Raises:
        ValueError: val_fraction out of range, or a class too small to be on both sides.
    """
    if not 0 < val_fraction < 1:
        raise ValueError(f"val_fraction is {val_fraction}: it must be between 0 and 1")

    sizes = [Path(path).stat().st_size for path, _ in dataset]
    files_of_size = Counter(sizes)
    copies: dict[object, list[int]] = defaultdict(list)
    for index, ((path, _), size) in enumerate(zip(dataset, sizes, strict=True)):
        # Only files of equal size can be identical: the others need not be read.
        key = sha256_of(Path(path)) if files_of_size[size] > 1 else size
        copies[key].append(index)
    groups_of_class: dict[int, list[list[int]]] = defaultdict(list)
    size_of_class: dict[int, int] = defaultdict(int)
    for group in copies.values():
        groups_of_class[dataset[group[0]][1]].append(group)
    for _, label in dataset:
        size_of_class[label] += 1

    rng = np.random.default_rng(seed)
    validation: set[int] = set()
    for label in sorted(groups_of_class):
        groups = groups_of_class[label]
        wanted = max(1, round(val_fraction * size_of_class[label]))
        taken: list[int] = []
        for position in rng.permutation(len(groups)):
            if len(taken) >= wanted:
                break
            taken += groups[position]
        if len(taken) >= size_of_class[label]:
            folder = Path(dataset[groups[0][0]][0]).parent
            raise ValueError(
                f"{folder} has {size_of_class[label]} images, too few for val_fraction "
                f"{val_fraction}: add images or use a smaller fraction"
            )
        validation.update(taken)
    training = [index for index in range(len(dataset)) if index not in validation]
    return training, sorted(validation)
