"""The cache of decoded images: correct pixels, never stale ones, and no failures through it."""

from __future__ import annotations

import errno
import importlib
import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import CenterCrop, InterpolationMode, Resize

from scene_recog import cli
from scene_recog.datasets import describe_dataset
from scene_recog.datasets.layout import images_by_class, list_images
from scene_recog.datasets.sketch15 import write_sketch15
from scene_recog.image_loader import ImageLoader
from scene_recog.loading import cache as image_cache
from scene_recog.loading.cache import (
    cache_files,
    clear_cache,
    default_cache_dirs,
    load_images,
    user_cache_dir,
)
from scene_recog.loading.statistics import dataset_stats

HEAD = [Resize((8, 10))]
HEADER = 512  # bytes before the pixels


class Load:
    """Reads an image as `ImageLoader` does, and records what it has read."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    def __call__(self, path: str) -> Image.Image:
        self.paths.append(path)
        with Image.open(path) as image:
            return image.convert("L")


@pytest.fixture(autouse=True)
def user_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache folder, for this test."""
    folder = tmp_path / "home" / "scene-recog"
    monkeypatch.setattr(image_cache, "user_cache_dir", lambda: folder)
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A dataset of nine images, no two alike, of several sizes."""
    rng = np.random.default_rng(0)
    for name in ("coast", "forest", "street"):
        for number in range(3):
            path = tmp_path / "data" / "train" / name / f"{number}.bmp"  # size tells no content
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = rng.integers(0, 256, (20 + number, 30), dtype=np.uint8)
            Image.fromarray(pixels).save(path)
    return tmp_path / "data"


@pytest.fixture
def paths(data: Path) -> list[str]:
    """The images of `data`, in order."""
    return [path for path, _ in ImageLoader(data, "train").dataset]


@pytest.fixture
def cache(data: Path) -> Path:
    """The folder for the cache files of `data`; not created yet."""
    return data / ".cache"


@pytest.fixture
def filled(paths: list[str], cache: Path) -> Path:
    """The single cache file, after creating it."""
    load_images(paths, Load(), HEAD, cache_dir=cache)
    (path,) = cache.iterdir()
    return path


def one_by_one(paths: list[str], head: list[Any] = HEAD) -> torch.Tensor:
    """The expected result of `load_images`."""
    images = []
    for path in paths:
        image = Load()(path)
        for transform in head:
            image = transform(image)
        images.append(torch.from_numpy(np.array(image)))
    return torch.stack(images)[:, None]


def reads(paths: list[str], cache: Path | None, head: list[Any] = HEAD) -> int:
    """Number of images decoded to load these; checks the result."""
    load = Load()
    images = load_images(paths, load, head, cache_dir=cache)
    assert images.dtype == torch.uint8
    assert torch.equal(images, one_by_one(paths, head))
    assert sorted(load.paths) in ([], sorted(paths))
    return len(load.paths)


def names(folder: Path) -> list[str]:
    """All files in a folder; none if it does not exist."""
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


# -------------------------------------------------------------------- what is found again


def test_same_pixels_as_image_by_image_and_the_second_time_from_the_file(
    paths: list[str], cache: Path
) -> None:
    assert reads(paths, cache) == 9
    assert reads(paths, cache) == 0
    assert len(names(cache)) == 1


def test_without_a_folder_nothing_is_written(paths: list[str], data: Path, user_dir: Path) -> None:
    assert reads(paths, None) == reads(paths, None) == 9
    assert names(data) == ["train"]
    assert not user_dir.exists()


def test_writing_to_the_tensor_changes_no_file(paths: list[str], cache: Path, filled: Path) -> None:
    before = filled.read_bytes()
    images = load_images(paths, Load(), HEAD, cache_dir=cache)
    images.fill_(0)
    assert filled.read_bytes() == before
    assert reads(paths, cache) == 0


def test_more_images_than_are_decoded_ahead_stay_in_order(tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{level:03}.png") for level in range(200)]
    for level, path in enumerate(paths):
        Image.new("L", (4, 4), level).save(path)
    images = load_images(paths[::-1], Load(), [], cache_dir=tmp_path / ".cache")
    assert images[:, 0, 3, 3].tolist() == list(range(200))[::-1]


def test_moved_dataset_keeps_its_cache(data: Path, filled: Path) -> None:
    moved = data.rename(data.with_name("elsewhere"))
    paths = [path for path, _ in ImageLoader(moved, "train").dataset]
    assert reads(paths, moved / ".cache") == 0


def test_folder_may_be_relative(data: Path, filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data.parent)
    paths = [path for path, _ in ImageLoader("data", "train").dataset]
    assert not Path(paths[0]).is_absolute()
    assert reads(paths, Path("data/.cache")) == 0


# -------------------------------------------------------------------- what is not


def _other_size_only(path: Path) -> None:
    status = path.stat()
    Image.new("L", (50, 50), 7).save(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _other_time_only(path: Path) -> None:
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1000))


@pytest.mark.parametrize("change", [_other_size_only, _other_time_only])
def test_changed_image_is_read(
    paths: list[str], cache: Path, filled: Path, change: Callable[[Path], None]
) -> None:
    change(Path(paths[4]))
    assert reads(paths, cache) == 9
    assert reads(paths, cache) == 0


def _exchange(first: Path, second: Path) -> None:
    other = first.with_name("other")
    first.rename(other)
    second.rename(first)
    other.rename(second)


def test_exchanged_images_are_read(
    paths: list[str], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 14: files swapped with `mv`, of the same size and with the same times."""
    first, second = Path(paths[0]), Path(paths[3])
    assert first.stat().st_size == second.stat().st_size
    for path in (first, second):
        os.utime(path, ns=(0, 10**18))
    assert reads(paths, cache) == 9
    _exchange(first, second)
    assert reads(paths, cache) == 9
    # Only the inode shows the change, as on Windows, where ctime stays the same.
    monkeypatch.setattr(os, "stat", _without_ctime(os.stat))
    assert reads(paths, cache) == 9
    _exchange(first, second)
    assert reads(paths, cache) == 9
    assert reads(paths, cache) == 0


def _without_ctime(stat: Callable[..., os.stat_result]) -> Callable[..., Any]:
    class Status:
        def __init__(self, status: os.stat_result) -> None:
            self.status = status

        def __getattr__(self, name: str) -> Any:
            return 0 if name == "st_ctime_ns" else getattr(self.status, name)

    return lambda *args, **options: Status(stat(*args, **options))


@pytest.mark.skipif(sys.platform == "win32", reason="ctime is when the file was made there")
def test_rewritten_image_with_its_old_time_is_read(paths: list[str], cache: Path) -> None:
    path = Path(paths[4])
    assert reads(paths, cache) == 9
    status = path.stat()
    path.write_bytes(path.read_bytes()[:-9] + bytes(9))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    assert reads(paths, cache) == 9


def test_other_images_other_order_and_other_split_are_read(
    data: Path, paths: list[str], cache: Path, filled: Path
) -> None:
    assert reads(paths[::-1], cache) == 9
    assert reads(paths[:-1], cache) == 8
    new = data / "train" / "street" / "new.png"
    Image.new("L", (30, 30), 7).save(new)
    assert reads([*paths, str(new)], cache) == 10
    (data / "train").rename(data / "test")  # the same names, sizes and times
    others = [path for path, _ in ImageLoader(data, "test").dataset]
    assert reads(others, cache) == 10


@pytest.mark.parametrize(
    "head",
    [
        [Resize((10, 8))],
        [Resize((8, 10), interpolation=InterpolationMode.NEAREST)],
        [Resize((9, 12)), CenterCrop((8, 10))],
    ],
)
def test_other_head_is_another_file(
    paths: list[str], cache: Path, filled: Path, head: list[Any]
) -> None:
    assert reads(paths, cache, head) == 9
    assert reads(paths, cache, head) == reads(paths, cache) == 0


def test_head_that_does_not_tell_its_parameters_is_not_cached(
    paths: list[str], cache: Path
) -> None:
    head = [*HEAD, lambda image: image.point(lambda level: 255 - level)]
    assert reads(paths, cache, head) == reads(paths, cache, head) == 9
    assert names(cache) == []


@pytest.mark.parametrize("library", ["PIL", "torchvision"])
def test_other_version_of_a_library_is_another_file(
    paths: list[str], cache: Path, filled: Path, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    monkeypatch.setattr(getattr(image_cache, library), "__version__", "0.0")
    assert reads(paths, cache) == 9


STUDENT = """
from functools import cache
from PIL import Image

LEVELS = 256

@cache
def table():
    return [level * 1 for level in range(256)]

def brighten(image, by=0):
    return image.point(lambda level: table()[level] + by)

class Loader:
    gain = None

    def read(self, path):
        with Image.open(path) as image:
            return image.convert("L")

    def load(self, path):
        assert path not in {"one", "two", "three", "four", "five"}
        return brighten(self.read(path)).quantize(LEVELS).convert("L")

def make(size):
    return lambda path: Loader().load(path).resize((size, size))
"""


@pytest.fixture
def student(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A function that writes a student's module, and reimports it or keeps the old one."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(old: str = "", new: str = "", restart: bool = True) -> Any:
        assert old in STUDENT
        (tmp_path / "student_code.py").write_text(STUDENT.replace(old, new) if old else STUDENT)
        importlib.invalidate_caches()
        if restart:
            sys.modules.pop("student_code", None)
        return importlib.import_module("student_code")

    return write


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("brighten(self.read(path))", "self.read(path)"),  # in the function itself
        ("+ by", "- by"),  # in a function that it calls
        ("by=0", "by=1"),  # its default
        ("level * 1 ", "level * 2 "),  # a function within a decorator
        ('convert("L")\n\n    def load', 'convert("RGB").convert("L")\n\n    def load'),  # a method
        ("LEVELS = 256", "LEVELS = 4"),  # a constant
    ],
)
def test_corrected_loading_code_reads_again(
    paths: list[str], cache: Path, student: Callable[..., Any], old: str, new: str
) -> None:
    first = load_images(paths, student().Loader().load, HEAD, cache_dir=cache)
    again = load_images(paths, student().Loader().load, HEAD, cache_dir=cache)
    assert torch.equal(first, again)
    assert len(names(cache)) == 1
    load_images(paths, student(old, new).Loader().load, HEAD, cache_dir=cache)
    assert len(names(cache)) == 2


def test_edited_file_does_not_matter_until_it_runs(
    paths: list[str], cache: Path, student: Callable[..., Any]
) -> None:
    old = load_images(paths, student().Loader().load, HEAD, cache_dir=cache)
    edit = ("level * 1 ", "255 - level ")
    stale = student(*edit, restart=False).Loader().load  # a notebook that was not restarted
    assert torch.equal(load_images(paths, stale, HEAD, cache_dir=cache), old)
    fresh = student(*edit).Loader().load
    assert not torch.equal(load_images(paths, fresh, HEAD, cache_dir=cache), old)


def test_what_a_function_closes_over_matters(
    paths: list[str], cache: Path, student: Callable[..., Any]
) -> None:
    make = student().make
    assert load_images(paths, make(5), [], cache_dir=cache).shape == (9, 1, 5, 5)
    assert load_images(paths, make(6), [], cache_dir=cache).shape == (9, 1, 6, 6)
    resized = Image.Image.resize
    for size in (5, 6):
        load = partial(lambda path, size: resized(Load()(path), (size, size)), size=size)
        assert load_images(paths, load, [], cache_dir=cache).shape == (9, 1, size, size)


# -------------------------------------------------------------------- damage


def _cut(contents: bytes) -> bytes:
    return contents[:-1]


def _cut_in_header(contents: bytes) -> bytes:
    return contents[:100]


def _flip(position: int) -> Callable[[bytes], bytes]:
    def flip(contents: bytes) -> bytes:
        changed = bytearray(contents)
        changed[position] ^= 1
        return bytes(changed)

    return flip


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(_cut, id="cut"),
        pytest.param(_cut_in_header, id="cut in header"),
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda _: b"PK\3\4" + bytes(2000), id="another file"),
        pytest.param(lambda contents: contents + b"\0", id="longer"),
        pytest.param(_flip(-1), id="last pixel"),
        pytest.param(_flip(HEADER), id="first pixel"),
        *(pytest.param(_flip(at), id=f"header {at}") for at in (0, 19, 20, 24, 55, 56, 64, 68, 72)),
    ],
)
def test_damaged_file_is_made_anew_with_one_line(
    paths: list[str],
    cache: Path,
    filled: Path,
    capsys: pytest.CaptureFixture[str],
    damage: Callable[[bytes], bytes],
) -> None:
    intact = filled.read_bytes()
    filled.write_bytes(damage(intact))
    assert reads(paths, cache) == 9
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert str(filled) in message
    assert "damaged" in message
    assert filled.read_bytes() == intact
    assert reads(paths, cache) == 0
    assert capsys.readouterr().err == ""


def test_file_of_another_key_is_not_taken(paths: list[str], cache: Path, filled: Path) -> None:
    assert reads(paths[::-1], cache) == 9
    (other,) = set(cache.iterdir()) - {filled}
    filled.write_bytes(other.read_bytes())
    assert reads(paths, cache) == 9


# -------------------------------------------------------------------- failures while it is made


@pytest.mark.parametrize("failure", [ValueError("bad"), KeyboardInterrupt(), MemoryError()])
def test_failure_in_the_middle_leaves_nothing(
    paths: list[str], cache: Path, user_dir: Path, failure: BaseException
) -> None:
    def load(path: str) -> Image.Image:
        if path == paths[5]:
            raise failure
        return Load()(path)

    with pytest.raises(type(failure)) as caught:
        load_images(paths, load, HEAD, cache_dir=cache)
    assert caught.value is failure
    assert names(cache) == names(user_dir) == []
    assert reads(paths, cache) == 9


@pytest.mark.parametrize("disk", [True, False])
def test_damaged_image_is_named_and_the_cache_is_left_as_it_was(
    paths: list[str], cache: Path, filled: Path, disk: bool
) -> None:
    before = filled.read_bytes()
    Path(paths[4]).write_bytes(Path(paths[4]).read_bytes()[:60])
    loader = ImageLoader(cache.parent, "train")
    with pytest.raises(ValueError, match="cannot read the image") as caught:
        loader.load_img_from_path(paths[4])
    with pytest.raises(ValueError, match="cannot read the image") as same:
        load_images(paths, loader.load_img_from_path, HEAD, cache_dir=cache if disk else None)
    assert str(same.value) == str(caught.value)
    with pytest.raises(ValueError, match=r"1\.bmp"):  # whose load lets Pillow's error out
        load_images(paths, Load(), HEAD, cache_dir=cache if disk else None)
    assert names(cache) == [filled.name]
    assert filled.read_bytes() == before


def test_images_of_two_sizes_are_refused(paths: list[str], cache: Path) -> None:
    with pytest.raises(ValueError, match="Resize") as caught:
        load_images(paths, Load(), [], cache_dir=cache)
    for part in (paths[0], paths[1], "30 x 20", "30 x 21"):
        assert part in str(caught.value)
    assert names(cache) == []


@pytest.mark.parametrize(
    ("head", "found"),
    [([lambda image: image.convert("RGB")], "RGB"), ([lambda image: np.asarray(image)], "ndarray")],
)
def test_other_than_grayscale_is_refused(
    paths: list[str], cache: Path, head: list[Any], found: str
) -> None:
    with pytest.raises(ValueError, match=f"{re.escape(paths[0])}.*{found}.*mode L"):
        load_images(paths, Load(), head, cache_dir=cache)


def test_no_images_and_missing_images_are_refused(paths: list[str], cache: Path) -> None:
    with pytest.raises(ValueError, match="no images"):
        load_images([], Load(), HEAD, cache_dir=cache)
    for folder in (cache, None):
        with pytest.raises(FileNotFoundError):
            load_images([*paths, "nowhere.png"], Load(), HEAD, cache_dir=folder)


# -------------------------------------------------------------------- where it cannot be written


def test_user_folder_when_the_data_folder_cannot_be_written(
    paths: list[str], cache: Path, user_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache.write_text("in the way")
    assert reads(paths, cache) == 9
    assert reads(paths, cache) == 0
    assert len(names(user_dir)) == 1
    assert cache.read_text() == "in the way"
    assert capsys.readouterr().err == ""


def test_user_folder_keeps_datasets_apart(
    data: Path, paths: list[str], cache: Path, user_dir: Path
) -> None:
    cache.write_text("in the way")
    assert reads(paths, cache) == 9
    other = data.with_name("other")
    for path in map(Path, paths):  # the same names, sizes and times, but not the same pixels
        copy = other / path.relative_to(data)
        copy.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(path) as image:
            image.transpose(Image.Transpose.ROTATE_180).save(copy)
        os.utime(copy, ns=(0, path.stat().st_mtime_ns))
    (other / ".cache").write_text("in the way")
    others = [path for path, _ in ImageLoader(other, "train").dataset]
    assert reads(others, other / ".cache") == 9
    assert len(names(user_dir)) == 2


def test_existing_file_is_used_in_a_folder_that_cannot_be_written(
    paths: list[str], cache: Path, filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "utime", refuse)
    monkeypatch.setattr(Path, "mkdir", refuse)
    assert reads(paths, cache) == 0


@pytest.mark.parametrize("home", [True, False])
def test_memory_when_nothing_can_be_written(
    paths: list[str],
    cache: Path,
    user_dir: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    home: bool,
) -> None:
    cache.write_text("in the way")
    if home:
        user_dir.parent.write_text("in the way")
    else:
        monkeypatch.setattr(image_cache, "user_cache_dir", lambda: None)
    assert reads(paths, cache) == reads(paths, cache) == 9
    message = capsys.readouterr().err
    assert message.count("\n") == message.count("keeps them in memory") == 2


class FullDisk(io.FileIO):
    """A file on a disk with room for the header and four images."""

    def write(self, data: Any) -> int:
        if self.tell() + memoryview(data).nbytes > HEADER + 4 * 80:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


def test_full_disk_means_memory_and_leaves_nothing(
    paths: list[str],
    cache: Path,
    user_dir: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    really_open, used = Path.open, []

    def open_on_full_disk(self: Path, mode: str = "r", *rest: Any, **options: Any) -> Any:
        if "x" not in mode:
            return really_open(self, mode, *rest, **options)
        used.append(self.parent)
        return FullDisk(self, mode)

    monkeypatch.setattr(Path, "open", open_on_full_disk)
    assert reads_at_least_once(paths, cache)
    assert used == [cache, user_dir]
    assert "No space left on device" in capsys.readouterr().err
    assert names(cache) == names(user_dir) == []


def reads_at_least_once(paths: list[str], cache: Path) -> bool:
    """Load, whatever it takes, and compare."""
    load = Load()
    return (
        torch.equal(load_images(paths, load, HEAD, cache_dir=cache), one_by_one(paths))
        and len(load.paths) >= 9
    )


def test_failed_flush_to_disk_is_a_failure_to_write(
    paths: list[str], cache: Path, user_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    assert reads_at_least_once(paths, cache)
    assert names(cache) == names(user_dir) == []


def test_file_that_is_mapped_and_cannot_be_replaced_is_kept(
    paths: list[str], cache: Path, filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, when another process was faster."""
    really_open, tries = image_cache._open, []

    def not_yet_there(path: Path, key: bytes) -> torch.Tensor | None:
        tries.append(path)
        return None if len(tries) == 1 else really_open(path, key)

    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(errno.EACCES, "Access is denied", str(target))

    monkeypatch.setattr(image_cache, "_open", not_yet_there)
    monkeypatch.setattr(Path, "replace", refuse)
    assert reads(paths, cache) == 9
    assert tries == [filled, filled]
    assert names(cache) == [filled.name]


# -------------------------------------------------------------------- several at once


def test_threads_that_build_at_once_all_get_the_images(paths: list[str], cache: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        for images in pool.map(
            lambda _: load_images(paths, Load(), HEAD, cache_dir=cache), range(8)
        ):
            assert torch.equal(images, one_by_one(paths))
    assert len(names(cache)) == 1


BUILDER = """
import os
import sys
from pathlib import Path
from torchvision.transforms import Resize
from scene_recog.loading.cache import load_images
from scene_recog.image_loader import ImageLoader

def pause():
    if "pytest" not in sys.modules:
        os.write(1, b"half way\\n")  # print writes the line and its end one by one
        sys.stdin.readline()

def load(path):
    if Path(path).stem in {"1", "one", "eins", "un", "uno"}:
        pause()
    return ImageLoader.load_img_from_path(None, path)

def build(data):
    paths = [path for path, _ in ImageLoader(data, "train").dataset]
    return load_images(paths, load, [Resize((8, 10))], cache_dir=Path(data) / ".cache")

if __name__ == "__main__":
    print(build(sys.argv[1]).tolist())
"""


def test_processes_that_build_at_once_and_one_that_is_killed(
    data: Path,
    paths: list[str],
    cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "builder.py").write_text(BUILDER)
    processes = [
        subprocess.Popen(
            [sys.executable, "builder.py", str(data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=os.environ
            | {
                "PYTHONHASHSEED": str(number),  # must not change the key
                "PYTHONPATH": str(Path(image_cache.__file__).parents[2]),
            },
        )
        for number in (1, 2)
    ]
    slow, killed = processes
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "half way\n"
    monkeypatch.syspath_prepend(tmp_path)
    ours = importlib.import_module("builder").build(data)
    assert torch.equal(ours, one_by_one(paths))
    (finished,) = (name for name in names(cache) if name.endswith(".pixels"))
    inode = (cache / finished).stat().st_ino

    killed.kill()
    killed.communicate()
    out, _ = slow.communicate("\n" * 9, timeout=60)
    assert json.loads(out.splitlines()[-1]) == one_by_one(paths).tolist()
    assert torch.equal(ours, one_by_one(paths))
    leftover, same = names(cache)
    assert leftover.endswith(".part")
    assert same == finished
    if sys.platform != "win32":  # there a mapped file is kept
        assert (cache / finished).stat().st_ino != inode  # the slow one's

    assert reads(paths, cache) == 9  # another load, another key
    assert leftover in names(cache)  # it could be at work still
    os.utime(cache / leftover, (time.time() - 3700,) * 2)
    assert reads(paths[1:], cache) == 8
    assert leftover not in names(cache)
    assert finished in names(cache)


# -------------------------------------------------------------------- room


def test_last_used_files_stay_when_room_is_short(
    paths: list[str], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_cache, "_LIMIT", 3 * (HEADER + 9 * 80))
    orders = [paths[n:] + paths[:n] for n in range(4)]
    notes = cache / "images-notes.txt"
    for age, order in zip((300, 200, 100), orders, strict=False):
        before = set(names(cache))
        assert reads(order, cache) == 9
        (new,) = set(names(cache)) - before
        os.utime(cache / new, (time.time() - age,) * 2)
    notes.write_text("not ours")
    assert reads(orders[0], cache) == 0  # used: now the second is the oldest
    assert reads(orders[3], cache) == 9
    assert [reads(orders[n], cache) for n in (0, 2, 3)] == [0, 0, 0]
    assert reads(orders[1], cache) == 9
    assert len(names(cache)) == 4
    assert notes.read_text() == "not ours"

    monkeypatch.setattr(image_cache, "_LIMIT", 1)
    assert reads(paths[1:], cache) == 8
    assert reads(paths[1:], cache) == 0  # too big, but in use
    assert len(names(cache)) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="a mapped file cannot be deleted there")
def test_evicted_file_stays_readable(paths: list[str], cache: Path) -> None:
    images = load_images(paths, Load(), HEAD, cache_dir=cache)
    clear_cache(cache)
    assert torch.equal(images, one_by_one(paths))


def test_listing_and_clearing(paths: list[str], cache: Path, filled: Path) -> None:
    assert reads(paths[:4], cache, [Resize((5, 6))]) == 4
    os.utime(filled, (1_700_000_000,) * 2)
    newest, oldest = cache_files(cache)
    assert (oldest.path, oldest.what, oldest.images) == (filled, "data/train", 9)
    assert (oldest.height, oldest.width, oldest.bytes) == (8, 10, HEADER + 9 * 80)
    assert oldest.last_use.isoformat() == "2023-11-14T22:13:20+00:00"
    assert (newest.images, newest.height, newest.width) == (4, 5, 6)
    filled.write_bytes(b"rubbish")
    (cache / ".images-0.0.part").write_bytes(b"half")
    (cache / "joblib").mkdir()
    assert {file.images for file in cache_files(cache)} == {4, 0}
    assert clear_cache(cache) == HEADER + 4 * 30 + len("rubbish") + len("half")
    assert names(cache) == ["joblib"]
    assert clear_cache(cache) == 0
    (cache / "joblib").rmdir()
    clear_cache(cache)
    assert not cache.exists()
    assert cache_files(cache) == []


def test_user_folder_of_each_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    for variable in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, "")
    for system, usual in (
        ("linux", ".cache"),
        ("darwin", "Library/Caches"),
        ("win32", "AppData/Local"),
    ):
        monkeypatch.setattr(sys, "platform", system)
        assert user_cache_dir() == tmp_path / usual / "scene-recog"
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert user_cache_dir() == tmp_path / "local" / "scene-recog"
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert user_cache_dir() == tmp_path / ".cache" / "scene-recog"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert user_cache_dir() == tmp_path / "xdg" / "scene-recog"
    monkeypatch.delenv("XDG_CACHE_HOME")

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    assert user_cache_dir() is None


def test_default_folders(user_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_cache_dirs("somewhere") == [Path("somewhere/.cache"), user_dir]
    monkeypatch.setattr(image_cache, "user_cache_dir", lambda: None)
    assert default_cache_dirs("~/data") == [Path.home() / "data" / ".cache"]


def test_cache_in_the_data_folder_disturbs_nobody(tmp_path: Path) -> None:
    root = tmp_path / "sketch15"
    counts = {"train_per_class": 1, "test_per_class": 1}
    write_sketch15(root, **counts)
    before = list_images(root), images_by_class(root), dataset_stats(root), describe_dataset(root)
    paths = [path for path, _ in ImageLoader(root, "test").dataset]
    assert reads(paths, root / ".cache") == 15
    assert before == (
        *(list_images(root), images_by_class(root), dataset_stats(root)),
        describe_dataset(root),
    )
    write_sketch15(root, **counts)
    assert reads(paths, root / ".cache") == 0


# -------------------------------------------------------------------- the command line


def test_command_lists_and_clears(
    paths: list[str], data: Path, filled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["data", "cache", "--data", str(data)]
    assert cli.main(command) == 0
    captured = capsys.readouterr()
    header, row, total = captured.out.splitlines()
    assert header.split() == ["images", "of", "number", "pixels", "MB", "last", "use"]
    assert row.split()[:4] == ["data/train", "9", "8x10", "0.0"]
    assert row.endswith(str(filled))
    assert total.startswith("0.0 MB in all")
    assert captured.err == ""

    assert cli.main([*command, "--clear"]) == 0
    assert capsys.readouterr().out.startswith("freed 0.0 MB in ")
    assert not filled.exists()
    assert reads(paths, data / ".cache") == 9
    clear_cache(data / ".cache")
    assert cli.main(command) == 0
    assert "no decoded images are cached" in capsys.readouterr().out


def test_command_as_json(
    data: Path, filled: Path, user_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sketches = data / "sketch15" / ".cache"  # where find_dataset draws them
    sketches.mkdir(parents=True)
    filled.rename(sketches / filled.name)
    command = ["data", "cache", "--data", str(data), "--json"]
    assert cli.main(command) == 0
    listed = json.loads(capsys.readouterr().out)
    size = HEADER + 9 * 80
    assert listed["folders"] == [str(data / ".cache"), str(sketches), str(user_dir)]
    assert (listed["bytes"], listed["freed"]) == (size, 0)
    (file,) = listed["files"]
    assert file.pop("last_use").endswith("+00:00")
    assert file == {
        "path": str(sketches / filled.name),
        "what": "data/train",
        "images": 9,
        "height": 8,
        "width": 10,
        "bytes": size,
    }
    assert cli.main([*command, "--clear"]) == 0
    assert json.loads(capsys.readouterr().out)["freed"] == size
    assert names(sketches) == []
