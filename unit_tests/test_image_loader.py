"""Step 1.1: does ImageLoader find and load the right images, with the right labels?"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms

from scene_recog.image_loader import ImageLoader


def names_and_labels(loader: ImageLoader) -> list[tuple[str, str, int]]:
    """(class folder, file name, label) of every image, in the loader's order."""
    return [(Path(path).parent.name, Path(path).name, label) for path, label in loader.dataset]


def test_classes_are_numbered_in_alphabetical_order(tiny_dataset: Path) -> None:
    loader = ImageLoader(tiny_dataset, split="train")
    expected = {"bedroom": 0, "kitchen": 1, "street": 2}
    assert loader.get_classes() == expected, (
        "get_classes must map each class folder's name to its index in alphabetical order, from 0"
    )
    assert loader.class_dict == expected, "class_dict must be what get_classes returns"


def test_attributes_say_what_was_asked_for(tiny_dataset: Path) -> None:
    transform = transforms.ToTensor()
    loader = ImageLoader(str(tiny_dataset), split="test", transform=transform)
    assert loader.split == "test", "keep the split in self.split"
    assert loader.transform is transform, "keep the transform in self.transform"
    assert Path(loader.root) == tiny_dataset, "keep root_dir in self.root"
    assert Path(loader.curr_folder) == tiny_dataset / "test", "curr_folder is <root>/<split>"
    assert ImageLoader(tiny_dataset).split == "train", 'split must be "train" by default'
    assert Path(ImageLoader(tiny_dataset).curr_folder) == tiny_dataset / "train"


@pytest.mark.parametrize(
    ("split", "counts"),
    [
        ("train", {"bedroom": 3, "kitchen": 5, "street": 4}),
        ("test", {"bedroom": 2, "kitchen": 1, "street": 2}),
    ],
)
def test_every_image_of_the_split_is_listed_once(
    tiny_dataset: Path, split: str, counts: dict[str, int]
) -> None:
    loader = ImageLoader(tiny_dataset, split=split)
    assert len(loader) == sum(counts.values()), f"len() must be the number of images in {split}/"
    assert len(loader.dataset) == len(loader), "self.dataset needs one entry per image"
    found = Counter(Path(path).parent.name for path, _ in loader.dataset)
    assert found == counts, "every class folder's images must all be listed"
    assert len({os.fspath(path) for path, _ in loader.dataset}) == len(loader), (
        "an image is listed twice"
    )
    for path, _ in loader.dataset:
        assert Path(path).is_file(), f"self.dataset names a file that is not there: {path}"
        assert Path(path).parent.parent == tiny_dataset / split, f"{path} is of another split"


def test_each_image_has_the_label_of_its_folder(tiny_dataset: Path) -> None:
    for split in ("train", "test"):
        loader = ImageLoader(tiny_dataset, split=split)
        for class_name, file, label in names_and_labels(loader):
            assert label == loader.class_dict[class_name], (
                f"{class_name}/{file} has label {label}: it must be that of the class folder"
            )


def test_labels_come_from_the_given_mapping(tiny_dataset: Path) -> None:
    loader = ImageLoader(tiny_dataset, split="train")
    listed = loader.load_imagepaths_with_labels({"bedroom": 7, "kitchen": 8, "street": 9})
    assert Counter(label for _, label in listed) == {7: 3, 8: 5, 9: 4}, (
        "load_imagepaths_with_labels must take the indices from its argument class_labels"
    )


def test_order_does_not_depend_on_the_file_system(
    tiny_dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = names_and_labels(ImageLoader(tiny_dataset, split="train"))
    real_listdir, real_scandir = os.listdir, os.scandir

    class ReversedScandir:
        def __init__(self, path: str = ".") -> None:
            with real_scandir(path) as entries:
                ordered = sorted(entries, key=lambda entry: entry.name, reverse=True)
            self.entries = iter(ordered)

        def __enter__(self) -> ReversedScandir:
            return self

        def __exit__(self, *args: object) -> None:
            self.close()

        def __iter__(self) -> ReversedScandir:
            return self

        def __next__(self) -> os.DirEntry[str]:
            return next(self.entries)

        def close(self) -> None:
            self.entries = iter(())

    message = (
        "the order changes with the order in which the file system lists files: sort what "
        "os.listdir, glob or iterdir return, or a checkpoint's classes differ between machines"
    )
    for order in (False, True):
        monkeypatch.setattr(
            os, "listdir", lambda path=".", order=order: sorted(real_listdir(path), reverse=order)
        )
        if order:
            monkeypatch.setattr(os, "scandir", ReversedScandir)
        loader = ImageLoader(tiny_dataset, split="train")
        assert loader.class_dict == {"bedroom": 0, "kitchen": 1, "street": 2}, message
        assert names_and_labels(loader) == expected, message


@pytest.mark.parametrize("split", ["trian", "validation", "Test"])
def test_unknown_split_is_refused(tiny_dataset: Path, split: str) -> None:
    with pytest.raises(ValueError, match=split):
        ImageLoader(tiny_dataset, split=split)


def test_missing_folder_is_refused(tiny_dataset: Path, tmp_path: Path) -> None:
    for missing in (tmp_path / "nowhere", tiny_dataset / "train"):  # the latter: one level too deep
        with pytest.raises(FileNotFoundError):
            ImageLoader(missing, split="train")


def test_other_files_are_left_out(tiny_dataset: Path) -> None:
    (tiny_dataset / "train" / "street" / "Thumbs.db").write_bytes(b"not an image")
    (tiny_dataset / "train" / "street" / "notes.txt").write_text("not an image either")
    (tiny_dataset / "train" / ".DS_Store").write_bytes(b"left by a file browser")
    (tiny_dataset / "train" / "readme.txt").write_text("about this dataset")
    loader = ImageLoader(tiny_dataset, split="train")
    assert set(loader.class_dict) == {"bedroom", "kitchen", "street"}, "only folders are classes"
    assert len(loader) == 12, "only the images in a class folder are examples, not other files"


def test_loaded_image_is_grayscale_with_its_own_pixels(tiny_dataset: Path) -> None:
    loader = ImageLoader(tiny_dataset, split="train")
    for path, _ in loader.dataset:
        image = loader.load_img_from_path(path)
        assert isinstance(image, Image.Image), "load_img_from_path must return a PIL image"
        assert image.mode == "L", f"the image has mode {image.mode}: grayscale is mode L"
        with Image.open(path) as reference:
            assert image.size == reference.size, "do not resize here: that is a transform's job"
            assert np.array_equal(np.asarray(image), np.asarray(reference)), (
                "the pixels must be those of the file, from 0 to 255: do not normalize here"
            )


def test_colour_image_becomes_grayscale(tiny_dataset: Path, tmp_path: Path) -> None:
    colour = np.zeros((30, 40, 3), dtype=np.uint8)
    colour[:, :20] = (220, 30, 60)
    colour[:, 20:] = (10, 200, 90)
    path = tmp_path / "colour.jpg"
    Image.fromarray(colour).save(path, quality=95)
    image = ImageLoader(tiny_dataset).load_img_from_path(str(path))
    assert image.mode == "L", "a colour photograph must be converted to grayscale, mode L"
    with Image.open(path) as reference:
        expected = np.asarray(reference.convert("L"), dtype=int)
    difference = np.abs(np.asarray(image, dtype=int) - expected).max()
    assert difference <= 2, 'the grey levels are off: use .convert("L")'


def test_item_is_the_image_and_label_of_that_index(tiny_dataset: Path) -> None:
    loader = ImageLoader(tiny_dataset, split="train")
    for index, (path, label) in enumerate(loader.dataset):
        item = loader[index]
        assert len(item) == 2, "an item is a pair: image, label"
        assert isinstance(item[0], Image.Image), "without a transform, the image is a PIL image"
        assert item[0].mode == "L", "the item's image must be grayscale, mode L"
        with Image.open(path) as reference:
            assert np.array_equal(np.asarray(item[0]), np.asarray(reference)), (
                f"item {index} must show the image of self.dataset[{index}]"
            )
        assert isinstance(item[1], int | np.integer), "the label must be an int"
        assert item[1] == label, f"item {index} must have the label of self.dataset[{index}]"


def test_transform_is_applied_to_the_pil_image(tiny_dataset: Path) -> None:
    seen = []

    def transform(image: Image.Image) -> str:
        seen.append(image)
        return f"transformed {image.size}"

    loader = ImageLoader(tiny_dataset, split="test", transform=transform)
    assert not seen, "do not read the images when the dataset is made: it may not fit into memory"
    image, _ = loader[1]
    assert len(seen) == 1, "apply the transform exactly once for each item"
    assert isinstance(seen[0], Image.Image), "the transform must get the PIL image"
    assert seen[0].mode == "L", "the transform must get a grayscale image"
    assert image == f"transformed {seen[0].size}", "return what the transform returns"
    loader[1]
    assert len(seen) == 2, (
        "apply the transform anew each time an item is read, or random augmentation stays the same"
    )


def test_tensor_item_is_one_float_channel(tiny_dataset: Path) -> None:
    loader = ImageLoader(tiny_dataset, split="train", transform=transforms.ToTensor())
    for index in (0, len(loader) - 1):
        image, _ = loader[index]
        with Image.open(loader.dataset[index][0]) as reference:
            pixels = np.asarray(reference, dtype=np.float32) / 255
        assert image.dtype == torch.float32, f"the tensor is {image.dtype}, not float32"
        assert image.shape == (1, *pixels.shape), "the tensor must have shape [1, H, W]"
        assert np.allclose(image[0].numpy(), pixels, atol=1e-6), "the pixels are not those on disk"
