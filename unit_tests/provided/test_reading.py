"""Every image is read through the ImageLoader in place, whatever a student wrote."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, UnidentifiedImageError
from torch.utils.data import DataLoader
from torchvision import transforms

from scene_recog.datasets.images import UnreadableImageError
from scene_recog.image_loader import ImageLoader
from scene_recog.loading import reading
from scene_recog.loading.code_inspection import describe_code
from scene_recog.loading.loaders import BatchLoader, make_loader, make_loaders
from scene_recog.loading.reading import (
    ImageByImage,
    dataset_of_files,
    different_images,
    read_example,
    why_image_by_image,
)

CPU = torch.device("cpu")
TO_TENSOR = transforms.Compose([transforms.Resize((16, 16)), transforms.ToTensor()])

STUDENT = """
import os
import random
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from scene_recog import image_loader

GREY = "L"
SEEN = []
rng = np.random.default_rng(0)


class Helper:
    @staticmethod
    def flip(image):
        return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def read(path):
    return Image.open(path).convert(GREY)


def maybe(image):
    return ImageOps.invert(image) if random.random() < 0.001 else image


class ImageLoader(image_loader.ImageLoader):
    size = 7

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.rng = random.Random(0)
        self.mode = "L"
        self.count = 0

    def load_img_from_path(self, path):
        LOAD

    def __getitem__(self, index):
        GETITEM
"""
LOAD = "return read(path)"
GETITEM = """
path, label = self.dataset[index]
image = self.load_img_from_path(path)
if self.transform is not None:
    image = self.transform(image)
return image, label
"""


@pytest.fixture
def root(sketches: Path, tmp_path: Path) -> Path:
    """A copy of the sketches that may be written to."""
    return Path(shutil.copytree(sketches, tmp_path / "data", ignore=shutil.ignore_patterns(".*")))


@pytest.fixture
def student(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., type[ImageLoader]]:
    """A function that creates a student's class with these bodies of the two methods."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def make(getitem: str = GETITEM, load: str = LOAD) -> type[ImageLoader]:
        source = STUDENT
        for word, body in (("LOAD", load), ("GETITEM", getitem)):
            source = source.replace(
                f"        {word}\n",
                "".join(f"        {line}\n" for line in body.strip().splitlines()),
            )
        (tmp_path / "students_file.py").write_text(source)
        importlib.invalidate_caches()
        sys.modules.pop("students_file", None)
        kind: type[ImageLoader] = importlib.import_module("students_file").ImageLoader
        return kind

    return make


def change(expression: str) -> str:
    return GETITEM.replace("self.load_img_from_path(path)", expression)


# -------------------------------------------------------------------- what is fast


FAST = {
    "plain": (GETITEM, LOAD),
    "index may be a tensor": (
        "if torch.is_tensor(index):\n    index = index.tolist()" + GETITEM, LOAD,
    ),
    "labels as torch": (GETITEM.replace("image, label\n", "[image, torch.tensor(label)]\n"), LOAD),
    "labels as numpy": (GETITEM.replace("image, label\n", "(image, np.int64(label))\n"), LOAD),
    "checks": (
        GETITEM.replace(
            "if self",
            "if not isinstance(image, Image.Image):\n    raise TypeError(path)\nif self",
        ),
        "if not os.path.isfile(path):\n    raise FileNotFoundError(f'no {path}')\n" + LOAD,
    ),
    "grey twice": (change("self.load_img_from_path(path).convert('L')"), LOAD),
    "with open": (
        GETITEM,
        "image = None\nwith open(path, 'rb') as file:\n    image = Image.open(file)\n"
        "    image = image.convert('L')\nreturn image",
    ),
    "own constant change": (GETITEM, "return ImageOps.equalize(read(path)).resize((self.size, 9))"),
    "array": (
        GETITEM,
        "x = np.asarray(read(Path(path)), dtype=np.float32)\n"
        "return Image.fromarray((255 - x).clip(0, 255).astype(np.uint8))",
    ),
    "static": (GETITEM, "from PIL import ImageFilter\n"
               "return read(path).filter(ImageFilter.GaussianBlur(2))"),
    "own attribute": (GETITEM, "return Image.open(path).convert(self.mode)"),
    "super": (GETITEM, "return super().load_img_from_path(path)"),
    "closure": (GETITEM, "threshold = 3\nlut = [max(v, threshold) for v in range(256)]\n"
                "return read(path).point(lambda v: v + threshold)"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAST)
def test_what_gives_the_same_every_time_is_fast(
    root: Path, student: Callable[..., type[ImageLoader]], name: str
) -> None:
    dataset = student(*FAST[name])(root, "train", TO_TENSOR)
    before = vars(dataset) | {"dataset": list(dataset.dataset)}
    assert why_image_by_image(dataset) == ""
    assert vars(dataset) == before
    loader = make_loader(dataset, 32, shuffle=False, device=CPU, cache="memory")
    assert isinstance(loader, BatchLoader)
    assert_same(loader, dataset)


def test_no_image_is_read_and_no_transform_called_to_find_out(root: Path) -> None:
    def fail(_: Image.Image) -> None:
        raise AssertionError("the transform was called")

    dataset = ImageLoader(root, "train", fail)
    shutil.rmtree(root)
    assert why_image_by_image(dataset) == ""


# -------------------------------------------------------------------- what is not

SLOW = {
    "case 36, in __getitem__": (
        change("ImageOps.invert(self.load_img_from_path(path))"), LOAD, "changes it",
    ),
    "case 36, imported in the method": (
        "from PIL import ImageOps" + change("ImageOps.invert(self.load_img_from_path(path))"),
        LOAD, "changes it",
    ),
    "one image in a thousand": (
        change("maybe(self.load_img_from_path(path))"), LOAD, "maybe, which uses random.random",
    ),
    "in place": (
        GETITEM.replace("if self", "if random.random() < 0.001:\n    image = "
                        "ImageOps.mirror(image)\nif self"), LOAD, "random.random",
    ),
    "every tenth": (
        GETITEM.replace("if self", "if index % 10 == 9:\n    image = "
                        "ImageOps.mirror(image)\nif self"), LOAD, "changes it",
    ),
    "in load_img_from_path": (GETITEM, "return maybe(read(path))", "img_from_path may be random"),
    "own generator": (
        GETITEM.replace("if self", "if self.rng.random() < 0.001:\n    image = "
                        "ImageOps.mirror(image)\nif self"), LOAD, ".rng",
    ),
    "global generator": (GETITEM, "return read(path).rotate(rng.integers(9))", "rng"),
    "numpy": (GETITEM, "return read(path).rotate(np.random.rand())", "np.random"),
    "numpy, imported here": (
        GETITEM, "import numpy as xp\nreturn read(path).rotate(xp.random.rand())", "numpy",
    ),
    "torch": (GETITEM, "return read(path).rotate(torch.rand(()).item())", "torch.rand"),
    "time": (GETITEM, "return read(path).rotate(time.time() % 2)", "time.time"),
    "imported here": (
        GETITEM, "import random as r\nreturn read(path).rotate(r.random())", "random",
    ),
    "from an import": (
        GETITEM, "from random import random as split\nreturn read(path).rotate(split())", "random",
    ),
    "spread": (GETITEM, "return read(path).effect_spread(2)", ".effect_spread"),
    "noise": (GETITEM, "return Image.effect_noise((9, 9), 2)", "Image.effect_noise"),
    "counts": ("self.count += 1" + GETITEM, LOAD, "an assignment to count"),
    "global list": ("SEEN.append(index)" + GETITEM, LOAD, "SEEN"),
    "keeps": ("self.__dict__['k'] = index" + GETITEM, LOAD, "__dict__"),
    "transform in load": (GETITEM, "return self.transform(read(path))", ".transform"),
    "other class": (GETITEM, "return Helper.flip(read(path))", "Helper"),
    "getattr": (GETITEM, "return getattr(read(path), 'copy')()", "getattr"),
    "reads by itself": (
        change("Image.open(path).convert('L')"), LOAD, "does not read the image with load_img",
    ),
    "another path": (
        GETITEM.replace("self.dataset[index]", "self.dataset[index - 1]"), LOAD, "does not read",
    ),
    "looks at the size": (
        GETITEM.replace("if self", "if image.size[0] > 5000:\n    image = "
                        "image.resize((9, 9))\nif self"), LOAD, "looks at the image",
    ),
    "swallows": (
        GETITEM.replace("if self", "try:\n    image = ImageOps.invert(image)\nexcept Exception:\n"
                        "    pass\nif self"), LOAD, "looks at the image",
    ),
    "changes the tensor": (GETITEM.replace("(image)\n", "(image) * 2\n"), LOAD, ""),
    "other label": (GETITEM.replace("image, label\n", "image, label % 3\n"), LOAD, "another label"),
    "next one if damaged": (
        "try:\n    image = self.load_img_from_path(self.dataset[index][0])\nexcept Exception:\n"
        "    return self[index + 1]\nreturn self.transform(image), self.dataset[index][1]",
        LOAD, "handles damaged images in its own way",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SLOW)
def test_anything_else_goes_image_by_image(
    root: Path,
    student: Callable[..., type[ImageLoader]],
    name: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    getitem, load, reason = SLOW[name]
    dataset = student(getitem, load)(root, "train", TO_TENSOR)
    found = why_image_by_image(dataset)
    assert found.startswith("ImageLoader.")
    assert reason in found
    loader = make_loader(dataset, 32, shuffle=False, device=CPU, cache="memory")
    assert isinstance(loader, DataLoader)
    message = capsys.readouterr().err
    assert message == f"{found}: reading image by image, which is slower.\n"


def test_every_loader_sees_what_the_student_changes(
    root: Path, student: Callable[..., type[ImageLoader]]
) -> None:
    """Case 36: training bypassed `__getitem__`, evaluation did not."""
    inverted = student(change("ImageOps.invert(self.load_img_from_path(path))"))
    for cache in ("disk", "memory", "off"):
        dataset = inverted(root, "test", TO_TENSOR)
        assert_same(make_loader(dataset, 7, shuffle=False, device=CPU, cache=cache), dataset)


def test_two_loaders_say_it_once(
    root: Path, student: Callable[..., type[ImageLoader]], capsys: pytest.CaptureFixture[str]
) -> None:
    kind = student(change("maybe(self.load_img_from_path(path))"))
    datasets = kind(root, "train", TO_TENSOR), kind(root, "test", TO_TENSOR)
    train, val = make_loaders(*datasets, 32, device=CPU, cache="disk")
    assert isinstance(train, DataLoader)
    assert len(val) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_length_of_its_own_is_respected(root: Path) -> None:
    class Twice(ImageLoader):
        def __getitem__(self, index: int) -> tuple[Any, int]:
            return super().__getitem__(index % len(self.dataset))

        def __len__(self) -> int:
            return 2 * len(self.dataset)

    dataset = Twice(root, "test", TO_TENSOR)
    assert "length of `dataset`" in why_image_by_image(dataset)
    loader = make_loader(dataset, 60, shuffle=False, device=CPU, cache="memory")
    assert [len(y) for _, y in loader] == [60]


def test_image_that_is_made_grey_in_getitem(
    root: Path, student: Callable[..., type[ImageLoader]], capsys: pytest.CaptureFixture[str]
) -> None:
    kind = student(
        change("self.load_img_from_path(path).convert('L')"),
        "return Image.open(path).convert('RGB')",
    )
    dataset = kind(root, "test", TO_TENSOR)
    loader = make_loader(dataset, 7, shuffle=False, device=CPU, cache="disk")
    assert "loaded as RGB" in capsys.readouterr().err
    assert_same(loader, dataset)
    colour = student(load="return Image.open(path).convert('RGB')")(root, "test", TO_TENSOR)
    with pytest.raises(ValueError, match=r"loaded as RGB: it must be .* mode L"):
        make_loader(colour, 7, shuffle=False, device=CPU, cache="disk")


def assert_same(loader: Any, dataset: ImageLoader) -> None:
    """The batches contain the results of `dataset[i]`."""
    x = torch.cat([x for x, _ in loader])
    y = torch.cat([y for _, y in loader])
    assert y.dtype == torch.int64
    assert len(x) == len(dataset)
    for index in range(0, len(dataset), 7):
        image, label = dataset[index]
        assert (x[index] - image).abs().max() <= 1.01 / 255
        assert y[index] == label


# -------------------------------------------------------------------- borders


def test_labels_of_any_kind_become_integers(root: Path) -> None:
    for convert in (np.int32, np.uint8, torch.tensor, lambda label: np.array([label])):

        class Labels(ImageLoader):
            def __getitem__(self, index: int, convert: Any = convert) -> Any:
                image, label = super().__getitem__(index)
                return [image, convert(label)]

        dataset = Labels(root, "test", TO_TENSOR)
        image, label = read_example(dataset, 29)
        assert type(label) is int
        assert label == dataset.dataset[29][1]
        assert torch.equal(image, dataset[29][0])
        (_, y), *_ = DataLoader(ImageByImage(dataset), 30)
        assert y.tolist() == [label for _, label in dataset.dataset]


def test_something_else_than_a_pair_is_refused(root: Path) -> None:
    class Alone(ImageLoader):
        def __getitem__(self, index: int) -> Any:
            return super().__getitem__(index)[0]

    with pytest.raises(ValueError, match=r"Alone\[3\] is Tensor: it must be a pair"):
        read_example(Alone(root, "test", TO_TENSOR), 3)


@pytest.mark.parametrize(
    "error",
    [
        UnidentifiedImageError("cannot identify"), SyntaxError("broken PNG"), EOFError(),
        OSError("truncated"), struct.error("unpack"), Image.DecompressionBombError("huge"),
        UnreadableImageError("cannot read the image 1.jpg"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("cache", ["memory", "off"])
def test_damaged_image_is_named_whatever_is_raised(
    root: Path, error: Exception, cache: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = ImageLoader(root, "test", TO_TENSOR)
    bad, _ = dataset.dataset[5]
    Path(bad).write_bytes(b"no image")

    class Loader(ImageLoader):
        def load_img_from_path(self, path: str | Path) -> Image.Image:
            if path == bad:
                raise error
            return super().load_img_from_path(path)

    dataset = Loader(root, "test", TO_TENSOR)
    with pytest.raises(UnreadableImageError, match="cannot read the image") as caught:
        list(make_loader(dataset, 9, shuffle=False, device=CPU, cache=cache))
    if not isinstance(error, UnreadableImageError):
        assert bad in str(caught.value)
        assert "\n" not in str(caught.value)


def test_error_that_is_not_the_file_s_fault_stays(root: Path) -> None:
    class Loader(ImageLoader):
        def load_img_from_path(self, path: str | Path) -> Image.Image:
            raise TypeError("a mistake in the code")

    with pytest.raises(TypeError, match="a mistake in the code"):
        read_example(Loader(root, "test"), 0)
    dataset = ImageLoader(root, "test")
    Path(dataset.dataset[0][0]).unlink()
    with pytest.raises(FileNotFoundError, match=r"no image .*jpg"):
        read_example(dataset, 0)


def test_files_from_anywhere_are_read_by_the_same_code(
    root: Path, student: Callable[..., type[ImageLoader]], monkeypatch: pytest.MonkeyPatch
) -> None:
    inverted = student(
        change("ImageOps.invert(self.load_img_from_path(path)).rotate(self.rng.randrange(1))")
    )
    paths = [Path(path) for path, _ in ImageLoader(root, "test").dataset[:3]]
    monkeypatch.setattr(reading, "ImageLoader", inverted)
    dataset = dataset_of_files(paths, TO_TENSOR)
    assert len(dataset) == 3
    for index, path in enumerate(paths):
        with Image.open(path) as image:
            expected = 1 - TO_TENSOR(image.convert("L"))
        found, label = read_example(dataset, index)
        assert (found - expected).abs().max() <= 1.01 / 255
        assert label == 0


def test_files_are_read_by_a_class_that_needs_images(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Strict(ImageLoader):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            if not self.dataset:
                raise ValueError("no images")

    path, _ = ImageLoader(root, "test").dataset[0]
    monkeypatch.setattr(reading, "ImageLoader", Strict)
    dataset = dataset_of_files([path], TO_TENSOR)
    assert isinstance(dataset, Strict)
    loader = make_loader(dataset, 9, shuffle=False, device=CPU, cache="disk")
    assert isinstance(loader, BatchLoader)
    assert_same(loader, dataset)


# -------------------------------------------------------------------- the key


def test_an_attribute_of_the_object_is_part_of_what_it_does(
    root: Path, student: Callable[..., type[ImageLoader]]
) -> None:
    dataset = student(load="return Image.open(path).convert(self.mode)")(root, "test")
    before = describe_code(dataset.load_img_from_path)
    assert before == describe_code(dataset.load_img_from_path)
    dataset.mode = "1"  # type: ignore[attr-defined]
    assert before != describe_code(dataset.load_img_from_path)


def test_helpers_in_another_file_of_the_package(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "students_package"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "loader.py").write_text(
        "from scene_recog import image_loader\n"
        "from students_package import helpers\n"
        "class ImageLoader(image_loader.ImageLoader):\n"
        "    def load_img_from_path(self, path):\n"
        "        return helpers.brighter(super().load_img_from_path(path))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def described(helper: str) -> tuple[str, list[str]]:
        (folder / "helpers.py").write_text(f"import random\ndef brighter(image):\n    {helper}\n")
        importlib.invalidate_caches()
        for name in ("", ".helpers", ".loader"):
            sys.modules.pop(f"students_package{name}", None)
        dataset = importlib.import_module("students_package.loader").ImageLoader(root, "test")
        return why_image_by_image(dataset), describe_code(dataset.load_img_from_path)

    more = described("return image.point(lambda level: level + 9)")
    less = described("return image.point(lambda level: level + 8)")
    assert more[0] == less[0] == ""
    assert more[1] != less[1]
    reason, _ = described("return image.rotate(random.random())")
    assert "helpers.brighter, which uses random.random" in reason


def test_different_images_come_from_all_classes(sketches: Path) -> None:
    dataset = ImageLoader(str(sketches), "train", TO_TENSOR)
    images, labels = different_images(dataset, 10)
    assert images.shape == (10, 1, 16, 16)
    assert labels.tolist() == list(range(10))
    dataset.dataset = dataset.dataset[:3] + dataset.dataset[:3]
    assert len(different_images(dataset, 10)[0]) == 3
