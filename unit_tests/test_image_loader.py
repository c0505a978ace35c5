"""Step 1.1: does ImageLoader find and load the right images, with the right labels?"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fakes import list_folders
from PIL import Image
from steps import cannot_judge
from torch.utils.data import DataLoader
from torchvision import transforms

from scene_recog.image_loader import ImageLoader

IMAGES = {  # in tiny_dataset
    "train": {"bedroom": 3, "kitchen": 5, "street": 4},
    "test": {"bedroom": 2, "kitchen": 1, "street": 2},
}
FOLDERS = ["mountain", "coast", "suburb", "office", "bedroom", "street", "forest", "kitchen"]
COLOURS = {"red": (220, 30, 60), "green": (10, 200, 90)}
COLOUR_SIZE = (32, 64)  # height, width
DRAWN_SHAPE = (1, 2, 3)  # of a transform's result
BATCH_SIZE = (16, 24)  # height, width

CLASSES = sorted(IMAGES["train"])
COUNT = sum(IMAGES["train"].values())


def as_index(label: Any) -> int | None:
    """A class index as an int, also from numpy or torch; None if it is not a class index."""
    try:
        return operator.index(label) if np.ndim(label) == 0 else None
    except TypeError:
        return None


def examples(loader: ImageLoader) -> list[tuple[Path, int]]:
    """The pairs of `loader.dataset`: (path, class index)."""
    try:
        pairs = [(Path(path), as_index(label)) for path, label in loader.dataset]
    except (TypeError, ValueError):
        pairs = [(Path(), None)]
    if not pairs or not all(path.is_file() and label is not None for path, label in pairs):
        cannot_judge("self.dataset is wrong: see test_dataset_has_a_path_and_an_index_of_each")
    return [(path, label) for path, label in pairs if label is not None]


def grey_levels(path: Path) -> np.ndarray:
    """The pixels of an image file as ints, in grayscale: [H, W]."""
    with Image.open(path) as image:
        return np.asarray(image.convert("L"), dtype=int)


@pytest.fixture
def restored_listing() -> Iterator[None]:
    """Restore the listing of folders after a test."""
    yield
    list_folders(None)


def test_classes_are_a_dict_from_name_to_index(tiny_dataset: Path) -> None:
    found = ImageLoader(root_dir=str(tiny_dataset), split="train").get_classes()
    assert isinstance(found, dict), f"get_classes must return a dict, but returns {found!r}"
    assert set(found) == set(CLASSES), (
        f"get_classes has the keys {list(found)}, but the class folders in train/ are "
        f"{CLASSES}: map each folder's name to its index"
    )
    assert sorted(found.values()) == list(range(len(CLASSES))), (
        f"get_classes has the indices {sorted(found.values())}: count from 0, because class i is "
        "output i of the network"
    )


@pytest.mark.usefixtures("restored_listing")
def test_classes_are_in_alphabetical_order(tmp_path: Path) -> None:
    for place in [f"{split}/{name}" for split in ("train", "test") for name in FOLDERS]:
        (tmp_path / place).mkdir(parents=True)
        Image.new("L", (8, 8)).save(tmp_path / place / "image_0001.jpg")
    expected = {name: index for index, name in enumerate(sorted(FOLDERS))}
    for reverse in (None, False, True):  # in the order of this file system, and of others
        list_folders(reverse)
        loader = ImageLoader(root_dir=str(tmp_path), split="train")
        found = loader.get_classes()
        if set(found) != set(FOLDERS) or sorted(found.values()) != list(range(len(FOLDERS))):
            cannot_judge("get_classes is wrong: see test_classes_are_a_dict_...")
        assert found == expected, (
            f"get_classes returns {found}: number the classes in alphabetical order. "
            "os.listdir, glob and iterdir list in any order; sorted() makes "
            f"{sorted(FOLDERS)[0]} class 0 everywhere"
        )


def test_two_loaders_share_nothing(tiny_dataset: Path) -> None:
    train = ImageLoader(root_dir=str(tiny_dataset), split="train")
    before = len(train.dataset)
    test = ImageLoader(root_dir=str(tiny_dataset), split="test")
    is_shared = train.dataset is test.dataset
    assert not is_shared, "two loaders add to one self.dataset: make a new list in __init__"
    assert len(train.dataset) == before, (
        f"self.dataset of the train split had {before} entries, but has {len(train.dataset)} after "
        "a loader for the test split was created: make a new list in __init__"
    )


def test_attributes_say_what_was_asked_for(tiny_dataset: Path) -> None:
    transform = transforms.Compose([transforms.ToTensor()])
    loader = ImageLoader(root_dir=str(tiny_dataset), split="test", transform=transform)
    assert loader.split == "test", f'self.split is {loader.split!r}, but "test" was passed'
    assert loader.transform is transform, "keep the transform in self.transform"
    assert Path(loader.root) == tiny_dataset, f"self.root is {loader.root!r}: keep root_dir in it"
    assert Path(loader.curr_folder) == tiny_dataset / "test", (
        f"self.curr_folder is {loader.curr_folder!r} for the test split: it should be "
        "<root>/<split>"
    )
    assert loader.class_dict == loader.get_classes(), "set self.class_dict to get_classes()"
    assert ImageLoader(str(tiny_dataset)).split == "train", 'the default split should be "train"'


def test_dataset_has_a_path_and_an_index_of_each(tiny_dataset: Path) -> None:
    loader = ImageLoader(root_dir=str(tiny_dataset), split="train")
    assert len(loader.dataset) > 0, "self.dataset is empty: look for <root>/<split>/<class>/*.jpg"
    for index, entry in enumerate(loader.dataset):
        try:
            path, label = entry
            is_right = Path(path).is_file() and as_index(label) is not None
        except (TypeError, ValueError):
            is_right = False
        assert is_right, (
            f"self.dataset[{index}] is {entry}: it must be a pair of the image's path (starting "
            "with root, so that it can be opened) and the class index, an int"
        )


@pytest.mark.parametrize("split", ["train", "test"])
def test_every_image_of_the_split_is_listed_once(tiny_dataset: Path, split: str) -> None:
    loader = ImageLoader(root_dir=str(tiny_dataset), split=split)
    folder = tiny_dataset.resolve() / split
    paths = [path.resolve() for path, _ in examples(loader)]
    for path in paths:
        assert path.parent.parent == folder, (
            f"the {split} split lists {path}, which is not in {folder}"
        )
    found, expected = Counter(path.parent.name for path in set(paths)), IMAGES[split]
    assert found == expected, f"{split}/ has {expected} images, but self.dataset {dict(found)}"
    assert len(paths) == len(set(paths)), "self.dataset lists an image twice"


def test_length_is_the_number_of_images(tiny_dataset: Path) -> None:
    for split, counts in IMAGES.items():
        loader = ImageLoader(root_dir=str(tiny_dataset), split=split)
        if len(loader.dataset) != sum(counts.values()):
            cannot_judge("self.dataset is wrong: see test_every_image_of_the_split_...")
        assert len(loader) == len(loader.dataset), (
            f"len() is {len(loader)} for the {split} split: it should be the number of its images, "
            f"{len(loader.dataset)}"
        )


def test_each_image_has_the_label_of_its_folder(tiny_dataset: Path) -> None:
    for split in ("train", "test"):
        loader = ImageLoader(root_dir=str(tiny_dataset), split=split)
        for path, label in examples(loader):
            expected = loader.class_dict.get(path.parent.name)
            if expected is None:
                cannot_judge("self.class_dict is wrong: see test_classes_are_a_dict_...")
            assert label == expected, (
                f"{path.parent.name}/{path.name} has label {label}: its class is "
                f"{path.parent.name}, with index {expected}"
            )


def test_loaded_image_is_grayscale_with_its_own_pixels(tiny_dataset: Path) -> None:
    loader = ImageLoader(root_dir=str(tiny_dataset), split="train")
    for path in sorted((tiny_dataset / "train").glob("*/*.jpg")):
        image = loader.load_img_from_path(str(path))
        assert isinstance(image, Image.Image), (
            f"load_img_from_path returns {type(image).__name__}: it must be a PIL image"
        )
        assert image.mode == "L", f"the image has mode {image.mode}: grayscale is mode L"
        expected = grey_levels(path)
        height, width = expected.shape
        assert image.size == (width, height), (
            f"the file is {width}x{height}, but the loaded image is "
            f"{image.size[0]}x{image.size[1]}: resizing is the transform's job"
        )
        got = np.asarray(image, dtype=int)
        assert np.abs(got - expected).max() <= 1, (
            f"the file's pixels are about {expected.mean():.0f}, but the loaded ones are about "
            f"{got.mean():.0f}: load_img_from_path must not change them (0 to 255)"
        )


def test_colour_image_becomes_grayscale(tiny_dataset: Path, tmp_path: Path) -> None:
    path = tmp_path / "colour.jpg"
    height, width = COLOUR_SIZE
    colour = np.zeros((height, width, 3), dtype=np.uint8)
    colour[:, : width // 2], colour[:, width // 2 :] = COLOURS.values()
    Image.fromarray(colour).save(path, quality=95)
    image = ImageLoader(root_dir=str(tiny_dataset)).load_img_from_path(str(path))
    if not isinstance(image, Image.Image):
        cannot_judge("not a PIL image: see test_loaded_image_is_grayscale_with_its_own_pixels")
    assert image.mode == "L", (
        f'a colour photograph is loaded in mode {image.mode}: convert it with .convert("L")'
    )
    if image.size != (width, height):
        cannot_judge("the size changes: see test_loaded_image_is_grayscale_with_its_own_pixels")
    row, columns = height // 2, (width // 8, width * 7 // 8)
    for (name, rgb), column in zip(COLOURS.items(), columns, strict=True):
        got, expected = image.getpixel((column, row)), grey_levels(path)[row, column]
        # Slightly different weights of red, green and blue are fine here.
        assert abs(got - expected) < 35, (
            f"a {name} {rgb} becomes grey level {got} instead of {expected}: a single channel is "
            'not the grey level; use .convert("L")'
        )


def test_item_is_the_image_and_the_label_of_that_index(tiny_dataset: Path) -> None:
    loader = ImageLoader(root_dir=str(tiny_dataset), split="train")
    for index, (path, label) in enumerate(examples(loader)):
        item = loader[index]
        assert len(item) == 2, f"item {index} has {len(item)} parts: return a pair (image, label)"
        image, got = item
        assert isinstance(image, Image.Image), (
            f"the image of item {index} is of type {type(image).__name__}: without a transform, "
            "return the PIL image"
        )
        assert image.mode == "L", f"the image of item {index} has mode {image.mode}, not L"
        loaded = np.asarray(loader.load_img_from_path(str(path)))
        assert np.array_equal(np.asarray(image), loaded), (
            f"item {index} does not show {path.parent.name}/{path.name}, which is in "
            f"self.dataset[{index}]"
        )
        assert as_index(got) is not None, (
            f"item {index} has the label {got!r}: it must be the class index, an int"
        )
        assert as_index(got) == label, (
            f"item {index} has label {got}, but self.dataset[{index}] has {label}"
        )


@pytest.mark.parametrize("split", ["train", "test"])
def test_transform_is_applied_anew_each_time(tiny_dataset: Path, split: str) -> None:
    seen: list[Any] = []

    def draw(image: Any) -> torch.Tensor:
        seen.append(image)
        return torch.full(DRAWN_SHAPE, float(len(seen)))

    loader = ImageLoader(str(tiny_dataset), split=split, transform=transforms.Compose([draw]))
    first: Any = loader[1][0]
    second: Any = loader[1][0]
    assert len(seen) > 0, f"the {split} split does not apply the transform"
    assert isinstance(seen[-1], Image.Image), (
        f"the transform gets an object of type {type(seen[-1]).__name__}: pass it the PIL image"
    )
    assert seen[-1].mode == "L", f"the transform gets an image of mode {seen[-1].mode}, not L"
    for result in (first, second):
        assert getattr(result, "shape", None) == DRAWN_SHAPE, (
            "the item's image is not what the transform returned"
        )
    assert first.max() != second.max(), (
        "reading an item twice gives the same result of a random transform: apply it each time an "
        "item is read, or each image is augmented only once"
    )


def test_tensor_item_is_one_float_channel(tiny_dataset: Path) -> None:
    transform = transforms.Compose([transforms.ToTensor()])
    loader = ImageLoader(root_dir=str(tiny_dataset), split="train", transform=transform)
    pairs = examples(loader)
    for index in (0, len(pairs) - 1):
        image, _ = loader[index]
        expected = grey_levels(pairs[index][0]) / 255
        assert isinstance(image, torch.Tensor), (
            f"with a transform that ends in ToTensor, item {index} is {type(image).__name__}"
        )
        assert image.dtype == torch.float32, f"the tensor is {image.dtype}, not float32"
        assert image.shape == (1, *expected.shape), (
            f"the tensor of item {index} has shape {tuple(image.shape)}, not [1, H, W] = "
            f"{[1, *expected.shape]}"
        )
        assert np.allclose(image[0].numpy(), expected, atol=0.005), (
            f"the pixels of item {index} are about {image.mean():.3f}, but those of its file are "
            f"about {expected.mean():.3f}, in 0..1"
        )


def test_data_loader_makes_batches(tiny_dataset: Path) -> None:
    transform = transforms.Compose([transforms.Resize(BATCH_SIZE), transforms.ToTensor()])
    loader = ImageLoader(root_dir=str(tiny_dataset), split="train", transform=transform)
    labels = [label for _, label in examples(loader)]
    if len(loader) != COUNT:
        cannot_judge("len() is wrong: see test_length_is_the_number_of_images")
    images, targets = next(iter(DataLoader(loader, batch_size=COUNT)))
    assert images.shape == (COUNT, 1, *BATCH_SIZE), (
        f"a batch of {COUNT} has shape {tuple(images.shape)}, not [N, 1, H, W] = "
        f"{[COUNT, 1, *BATCH_SIZE]}"
    )
    assert getattr(targets, "dtype", None) == torch.int64, (
        f"the labels of a batch are {getattr(targets, 'dtype', targets)}, not int64: return ints"
    )
    assert targets.tolist() == labels, f"a batch has labels {targets.tolist()}, not {labels}"


# Beyond the handout.


@pytest.mark.beyond
def test_root_may_be_a_path_object(tiny_dataset: Path) -> None:
    assert len(ImageLoader(tiny_dataset, split="train").dataset) == COUNT


@pytest.mark.beyond
def test_labels_are_ints(tiny_dataset: Path) -> None:
    label = ImageLoader(str(tiny_dataset), split="test")[0][1]
    assert isinstance(label, int | np.integer), (
        f"the label is of type {type(label).__name__}, not int"
    )


@pytest.mark.beyond
def test_labels_come_from_the_given_mapping(tiny_dataset: Path) -> None:
    loader = ImageLoader(str(tiny_dataset), split="train")
    given = {name: index for index, name in enumerate(CLASSES, start=7)}
    listed = loader.load_imagepaths_with_labels(given)
    expected = {given[name]: count for name, count in IMAGES["train"].items()}
    assert Counter(label for _, label in listed) == expected, (
        "load_imagepaths_with_labels must take the indices from its argument class_labels"
    )


@pytest.mark.beyond
@pytest.mark.usefixtures("restored_listing")
def test_order_does_not_depend_on_the_file_system(tiny_dataset: Path) -> None:
    def order() -> list[tuple[str, str, int]]:
        loader = ImageLoader(str(tiny_dataset), split="train")
        return [(path.parent.name, path.name, label) for path, label in examples(loader)]

    expected = order()
    for reverse in (False, True):
        list_folders(reverse)
        assert order() == expected, (
            "the order of self.dataset changes with the order in which the file system lists "
            "files: sort the results of os.listdir, glob or iterdir, and leave shuffling to the "
            "DataLoader, or a seed does not reproduce a run on another machine"
        )


@pytest.mark.beyond
@pytest.mark.parametrize("split", ["trian", "validation", "Test"])
def test_unknown_split_is_refused(tiny_dataset: Path, split: str) -> None:
    with pytest.raises(ValueError, match=split):
        ImageLoader(str(tiny_dataset), split=split)


@pytest.mark.beyond
def test_missing_folder_is_refused(tiny_dataset: Path, tmp_path: Path) -> None:
    for missing in (tmp_path / "nowhere", tiny_dataset / "train"):  # the latter: one level too deep
        with pytest.raises(FileNotFoundError):
            ImageLoader(str(missing), split="train")


@pytest.mark.beyond
def test_other_files_are_left_out(tiny_dataset: Path) -> None:
    (tiny_dataset / "train" / CLASSES[-1] / "Thumbs.db").write_bytes(b"not an image")
    (tiny_dataset / "train" / CLASSES[-1] / "notes.txt").write_text("not an image either")
    (tiny_dataset / "train" / ".DS_Store").write_bytes(b"left by a file browser")
    (tiny_dataset / "train" / "readme.txt").write_text("about this dataset")
    loader = ImageLoader(str(tiny_dataset), split="train")
    assert set(loader.class_dict) == set(CLASSES), "only folders are classes, not files beside them"
    assert len(loader) == COUNT, "only images in class folders are examples, not other files"


@pytest.mark.beyond
def test_grey_level_is_the_luminance(tiny_dataset: Path, tmp_path: Path) -> None:
    path = tmp_path / "colour.jpg"
    Image.new("RGB", (16, 16), (220, 30, 60)).save(path, quality=95)
    image = ImageLoader(str(tiny_dataset)).load_img_from_path(str(path))
    difference = np.abs(np.asarray(image, dtype=int) - grey_levels(path)).max()
    assert difference <= 2, (
        "the grey level of a colour is its luminance, 0.299 R + 0.587 G + 0.114 B, as in Pillow's "
        f'convert("L"): yours is off by {difference}'
    )


@pytest.mark.beyond
def test_images_are_read_when_they_are_asked_for(tiny_dataset: Path) -> None:
    seen: list[Any] = []
    loader = ImageLoader(str(tiny_dataset), split="test", transform=seen.append)
    assert not seen, "images are read when the dataset is created: they may not fit into memory"
    loader[0]
    assert len(seen) == 1, f"the transform is applied {len(seen)} times for one item"
