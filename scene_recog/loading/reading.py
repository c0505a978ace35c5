"""One way to read an image: through the `ImageLoader` in place, whoever wrote it.

Training, validation, evaluation, statistics and prediction must see the same pixels: those of
`dataset[i]`, which reads one image at a time. The fast path (`loaders.BatchLoader`) decodes each
image once, with `load_img_from_path`, and transforms whole batches; it bypasses `__getitem__`. So
it is used only if it is known to change nothing (`why_image_by_image`):

1.  The code of `__getitem__` and `load_img_from_path`, and of the functions of their package that
    they call, uses only names that are free of randomness and state (`code_inspection`). A
    random change to one image in a thousand cannot be found by trying, but the use of `random`
    can be seen.
2.  `__getitem__` is run once for each index, with stand-ins for the image and the transform. It
    must pass the image from `load_img_from_path` unchanged to the transform, and return the
    transform's result with the label in `dataset.dataset`. This finds a change to every tenth
    image, and reads no image.

Anything else is read image by image. Correct work is never refused; it is only slower.

One change goes unnoticed: a second file that the code opens by name, such as a mask, and that
changes between two runs. Clear the cache then (`scene-recog data cache --clear`).
"""

from __future__ import annotations

import itertools
import shutil
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch.utils.data import Dataset

from scene_recog.datasets.images import UnreadableImageError, read_grayscale
from scene_recog.image_loader import ImageLoader
from scene_recog.loading.code_inspection import find_doubt
from scene_recog.system.numbers import plain_number
from scene_recog.system.text import reason_of, shortened

_DAMAGE = (
    OSError, SyntaxError, EOFError, struct.error, zlib.error,
    Image.DecompressionBombError, Image.DecompressionBombWarning,
)  # fmt: skip


class ImageByImage(Dataset[tuple[Any, int]]):
    """The examples of an `ImageLoader` as its `__getitem__` returns them (see `read_example`)."""

    def __init__(self, dataset: ImageLoader) -> None:
        self.images = dataset

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return read_example(self.images, index)

    def __len__(self) -> int:
        return len(self.images)


def read_example(dataset: ImageLoader, index: int) -> tuple[Any, int]:
    """`dataset[index]`: (transformed image, class index), the index as a Python int.

    Raises:
        FileNotFoundError: the image is missing.
        UnreadableImageError: it cannot be read; the message names it, whatever was raised.
        ValueError: the result is not a pair.
    """
    # If a student's length differs from the list's, the file of an index is not known.
    has_file = index < len(dataset.dataset)
    with naming_the_file(dataset.dataset[index][0]) if has_file else nullcontext():
        example: Any = dataset[index]
    if not isinstance(example, tuple | list) or len(example) != 2:
        raise ValueError(
            f"{type(dataset).__name__}[{index}] is {type(example).__name__}: "
            "it must be a pair of the image and its class index"
        )
    return example[0], as_label(example[1])


def different_images(dataset: ImageLoader, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A few images, no two of them equal, from as many classes as possible.

    Args:
        dataset: its transform gives tensors [1, H, W], all of one size.
        count: at most this many.

    Returns:
        (images [N, 1, H, W], labels [N]), where N is below `count` if there are not enough images.
    """
    of_class: dict[int, list[int]] = {}
    for index, (_, label) in enumerate(dataset.dataset):
        of_class.setdefault(as_label(label), []).append(index)
    rounds = itertools.zip_longest(*of_class.values())
    images: list[torch.Tensor] = []
    labels: list[int] = []
    for index in itertools.chain.from_iterable(rounds):
        if index is None:
            continue
        image, label = read_example(dataset, index)
        if not any(torch.equal(image, other) for other in images):
            images.append(image)
            labels.append(label)
        if len(images) == count:
            break
    return torch.stack(images), torch.tensor(labels)


def class_names(class_dict: Mapping[str, Any]) -> list[str]:
    """The class names by index, whatever the order of the dict.

    Args:
        class_dict: class name -> index, as `ImageLoader.class_dict`.

    Raises:
        ValueError: the indices are not 0, 1, ... without a gap.
    """
    by_index = {as_label(index): name for name, index in class_dict.items()}
    if sorted(by_index) != list(range(len(class_dict))):
        raise ValueError(
            f"class_dict in image_loader.py is {shortened(dict(class_dict))}: it must give the "
            f"{len(class_dict)} classes the indices 0 to {len(class_dict) - 1}, one each"
        )
    return [by_index[index] for index in range(len(class_dict))]


def listed(dataset: ImageLoader) -> list[tuple[str, int]]:
    """`dataset.dataset` as strings and Python integers: (path, class index) of each image.

    Raises:
        ValueError: an entry is not such a pair, or its index is not in `class_dict`.
    """
    known = {as_label(index) for index in dataset.class_dict.values()}
    pairs = []
    for entry in dataset.dataset:
        try:
            path, label = str(entry[0]), as_label(entry[1])
        except (TypeError, ValueError, IndexError, KeyError):
            raise ValueError(
                f"dataset in image_loader.py holds {shortened(entry)}: "
                "it must be a list of (path, class index)"
            ) from None
        if label not in known:
            raise ValueError(
                f"dataset in image_loader.py gives {path} the label {label}: "
                "it must be the index of its folder in class_dict"
            )
        pairs.append((path, label))
    return pairs


def as_label(label: Any) -> int:
    """A class index as a Python int, from any kind of number, including numpy and torch."""
    return int(plain_number(label))


@contextmanager
def naming_the_file(path: str | Path) -> Iterator[None]:
    """Turn an error of a student's code on a damaged image into one line that names the file.

    If the file can be read, so that it is not to blame, the error stays as it is.

    Raises:
        FileNotFoundError: there is no such file.
        UnreadableImageError: it cannot be read.
    """
    try:
        yield
    except (UnreadableImageError, MemoryError):
        raise
    except FileNotFoundError:
        if Path(path).is_file():  # some other file is missing
            raise
        raise FileNotFoundError(f"no image {path}") from None
    except _DAMAGE as error:
        raise UnreadableImageError(f"cannot read the image {path}: {reason_of(error)}") from error
    except Exception:
        read_grayscale(path)
        raise


def keep_only(dataset: ImageLoader, pairs: Sequence[tuple[str, int]]) -> ImageLoader:
    """The dataset with only these of its images, in this order.

    If the class's `__getitem__` and `__len__` use `dataset.dataset`, setting that is enough. A
    dataset that may have lists of its own is left as it is and wrapped, to map the indices.

    Args:
        dataset: it may be changed.
        pairs: (path, class index), some of `listed(dataset)`.
    """
    if _goes_by_dataset(type(dataset)) or pairs == listed(dataset):
        dataset.dataset = list(pairs)
        return dataset
    return _Chosen(dataset, pairs)


def _goes_by_dataset(kind: type[ImageLoader]) -> bool:
    methods: list[Any] = [kind.__getitem__, kind.__len__]
    return all(
        "dataset" in getattr(getattr(method, "__code__", None), "co_names", ())
        for method in methods
    )


class _Chosen(ImageLoader):
    """Some of the images of an `ImageLoader` that keeps lists of its own."""

    def __init__(self, inner: ImageLoader, pairs: Sequence[tuple[str, int]]) -> None:
        self.root, self.split = inner.root, inner.split
        self.transform, self.curr_folder = inner.transform, inner.curr_folder
        self.class_dict, self.dataset = inner.class_dict, list(pairs)
        self.inner = inner
        index = {path: index for index, (path, _) in enumerate(listed(inner))}
        self.indices = [index[path] for path, _ in pairs]

    def get_classes(self) -> dict[str, int]:
        return self.inner.get_classes()

    def load_imagepaths_with_labels(self, class_labels: dict[str, int]) -> list[tuple[str, int]]:
        return self.inner.load_imagepaths_with_labels(class_labels)

    def load_img_from_path(self, path: str | Path) -> Image.Image:
        return self.inner.load_img_from_path(path)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        self.inner.transform = self.transform  # a caller may have replaced it
        return self.inner[self.indices[index]]

    def __len__(self) -> int:
        return len(self.indices)


def dataset_of_files(
    paths: Sequence[str | Path], transform: Callable[..., Any] | None = None
) -> ImageLoader:
    """A dataset of image files from anywhere, read by the `ImageLoader` in place.

    It has no class folders: every label is 0, and `class_dict` is empty.

    Args:
        paths: image files, in the order wanted.
        transform: as for `ImageLoader`.
    """
    if not _goes_by_dataset(ImageLoader):
        return _OneByOne(paths, transform)
    try:  # an `__init__` may set more than the contract's attributes
        with tempfile.TemporaryDirectory() as name:
            for split in ("train", "test"):
                (Path(name) / split / "none").mkdir(parents=True)
            dataset = ImageLoader(name, "test", transform)
    except Exception:  # not every student's `__init__` works without images
        dataset = object.__new__(ImageLoader)
    dataset.root = dataset.curr_folder = ""
    dataset.split = "test"
    dataset.transform = transform
    dataset.class_dict = {}
    dataset.dataset = [(str(path), 0) for path in paths]
    return dataset


class _OneByOne(ImageLoader):
    """Image files read by an `ImageLoader` that keeps lists of its own, each from a folder made
    for it."""

    def __init__(
        self, paths: Sequence[str | Path], transform: Callable[..., Any] | None = None
    ) -> None:
        self.root = self.curr_folder = ""
        self.split, self.transform = "test", transform
        self.class_dict = {}
        self.dataset = [(str(path), 0) for path in paths]
        self.paths = [path for path, _ in self.dataset]

    def __getitem__(self, index: int) -> tuple[Any, int]:
        with tempfile.TemporaryDirectory() as name:
            for split in ("train", "test"):
                folder = Path(name) / split / "none"
                folder.mkdir(parents=True)
                shutil.copyfile(self.paths[index], folder / "image_0001.jpg")
            return ImageLoader(name, "test", self.transform)[0][0], 0

    def __len__(self) -> int:
        return len(self.paths)


# -------------------------------------------------------------------- is the fast path safe?


def why_image_by_image(dataset: ImageLoader) -> str:
    """Why a dataset must be read image by image; empty if the fast path has the same result.

    Returns:
        For instance "ImageLoader.__getitem__ may be random or keep state (it uses
        random.random)".
    """
    kind = type(dataset)
    if isinstance(dataset, _Chosen | _OneByOne):
        return "ImageLoader does not use self.dataset"
    for method, attributes in (
        ("load_img_from_path", frozenset()),
        ("__len__", frozenset({"dataset"})),
        ("__getitem__", frozenset({"transform", "class_dict", "dataset"})),
    ):
        if doubt := find_doubt(dataset, method, attributes):
            return f"{kind.__name__}.{method} may be random or keep state (it uses {doubt})"
    if hasattr(kind, "__getitems__"):
        return f"{kind.__name__} has __getitems__"
    try:
        trouble = _trouble_with_items(dataset)
    except Exception:  # it wanted an image, not a stand-in
        trouble = "looks at the image or changes it"
    return f"{kind.__name__}.__getitem__ {trouble}" if trouble else ""


def _trouble_with_items(dataset: ImageLoader) -> str:
    """What `__getitem__` does besides passing the image to the transform; empty if nothing.

    It runs on a copy of the object, and reads no image.
    """
    calls: list[str] = []  # what the code did in one call
    touched: list[str] = []  # what it accessed of the stand-ins
    image, result = _stand_in(touched)
    failure: Exception | None = None

    def load(path: object) -> Image.Image:
        calls.append(str(path))
        if failure is not None:
            raise failure
        return image

    def transform(given: object) -> object:
        calls.append("the image" if given is image else "another")
        return result

    copy: Any = object.__new__(type(dataset))
    vars(copy).update(vars(dataset))
    copy.dataset, copy.class_dict = list(dataset.dataset), dict(dataset.class_dict)
    copy.transform, copy.load_img_from_path = transform, load
    if len(copy) != len(dataset.dataset):
        return "does not belong to a dataset with the length of `dataset`"
    for index, (path, label) in enumerate(dataset.dataset):
        calls.clear()
        example = copy[index]
        if not calls or calls[0] != str(path):
            return "does not read the image with load_img_from_path"
        if touched or calls != [str(path), "the image"]:
            return "looks at the image or changes it"
        if not isinstance(example, tuple | list) or len(example) != 2 or example[0] is not result:
            return "changes the transform's result"
        if as_label(example[1]) != as_label(label):
            return "returns another label than `dataset`"
    if dataset.dataset:
        failure = UnreadableImageError("tried")
        try:
            copy[0]
        except Exception as error:
            if error is failure:
                return ""
        return "handles damaged images in its own way"
    return ""


def _stand_in(touched: list[str]) -> tuple[Image.Image, object]:
    """Stand-ins for an image of mode L and for a transformed one; any access to them is noted.

    Only calls that leave an image of mode L as it is are allowed: convert("L"), copy, load.
    """

    class Stranger:
        def __getattribute__(self, name: str) -> Any:
            touched.append(name)
            raise AttributeError(name)

    class StrangeImage(Image.Image):
        def __init__(self) -> None: ...

        def __getattribute__(self, name: str) -> Any:
            if name == "mode":
                return "L"
            if name == "load":
                return lambda: None
            if name == "copy":
                return lambda: self
            if name == "convert":
                return self_if_grayscale
            touched.append(name)
            raise AttributeError(name)

    def self_if_grayscale(mode: str | None = None) -> Image.Image:
        if mode != "L":
            touched.append("convert")
        return image

    image = StrangeImage()
    return image, Stranger()
