"""sketch15: the layout, the seed, the marker, and whether the pictures can be learned."""

import functools
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scene_recog.datasets import sketch15
from scene_recog.datasets.sketch15 import (
    CLASSES,
    buildings,
    draw_scene,
    elements,
    furniture,
    nature,
    picture,
    rooms,
    streets,
    write_sketch15,
)
from scene_recog.datasets.sketch15 import folder as writing
from scene_recog.datasets.sketch15.canvas import CANVAS, Sketch

TRAIN, TEST = 10, 5


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "sketch"
    return write_sketch15(folder, train_per_class=TRAIN, test_per_class=TEST)


def contents(root: Path) -> dict[str, bytes]:
    """Every file below `root`: its path, with forward slashes, and its bytes."""
    files = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def images(root: Path) -> dict[str, bytes]:
    return {name: data for name, data in contents(root).items() if name.endswith(".jpg")}


def write_tiny(root: Path, **changes: int) -> Path:
    return write_sketch15(root, **{"train_per_class": 1, "test_per_class": 1, **changes})


@pytest.fixture
def no_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(class_name: str, rng: np.random.Generator) -> Image.Image:
        raise AssertionError("nothing should be drawn here")

    monkeypatch.setattr(writing, "draw_scene", refuse)


# What is drawn


def test_there_are_fifteen_classes_in_alphabetical_order() -> None:
    assert len(CLASSES) == 15
    assert list(CLASSES) == sorted(set(CLASSES))


@pytest.mark.parametrize("name", CLASSES)
def test_scene_is_a_grayscale_picture_with_contrast(name: str) -> None:
    for number in range(8):
        drawn = draw_scene(name, np.random.default_rng([7, number]))
        assert drawn.mode == "L"
        assert 200 <= min(drawn.size) <= max(drawn.size) <= 300
        pixels = np.asarray(drawn)
        assert pixels.std() > 15
        assert 25 < pixels.mean() < 235


def test_scene_depends_on_the_generator_only() -> None:
    first, again, other = (draw_scene("coast", np.random.default_rng(s)) for s in (1, 1, 2))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


def test_unknown_class_is_named_with_the_allowed_ones() -> None:
    with pytest.raises(ValueError, match=r"'beach'.*bedroom, coast, .*tallbuilding"):
        draw_scene("beach", np.random.default_rng(0))


# Parts, viewpoint and light


@functools.cache
def parts_of(name: str) -> set[str]:
    """The parts (functions draw_...) in twenty-four pictures of a class."""
    called = set()

    def noted(part: str, draw: Callable[..., object]) -> Callable[..., object]:
        def note_and_draw(*args: object, **kwargs: object) -> object:
            called.add(part)
            return draw(*args, **kwargs)

        return note_and_draw

    with pytest.MonkeyPatch.context() as patch:
        for module in (elements, buildings, furniture, nature, streets, rooms):
            for part in [part for part in vars(module) if part.startswith("draw_")]:
                patch.setattr(module, part, noted(part, getattr(module, part)))
        for number in range(24):
            draw_scene(name, np.random.default_rng([1, number]))
    return called


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("street", "insidecity", "front car tree people skyline"),
        ("tallbuilding", "insidecity", "front tower tree car"),
        ("street", "highway", "road car lamps tree"),
        ("suburb", "opencountry", "house tree ground"),
        ("industrial", "suburb", "car fence ridge bushes"),
        ("coast", "opencountry", "tree people ridge ground"),
        ("coast", "mountain", "water ridge tree"),
        ("forest", "mountain", "tree conifer peak"),
        ("bedroom", "livingroom", "lamp sofa cupboard shelf plant"),
        ("office", "livingroom", "screen table chair shelf"),
        ("kitchen", "office", "table chair window jar"),
        ("store", "livingroom", "goods room window jar"),
    ],
)
def test_classes_are_made_of_the_same_parts(one: str, other: str, shared: str) -> None:
    parts = {f"draw_{part}" for part in shared.split()}
    assert parts <= parts_of(one)
    assert parts <= parts_of(other)


def test_camera_sees_the_scene_and_nothing_beside_it() -> None:
    for number in range(100):
        sketch = Sketch(np.random.default_rng([2, number]))
        sketch.box(0, 0, 1, 1, 1)
        picture._look(sketch, 290, 220)
        assert np.asarray(sketch.image).min() == 255


def test_viewpoint_differs() -> None:
    """Where a bright spot in the middle of the scene is in the pictures, and how large."""
    places, sizes = [], []
    for number in range(100):
        sketch = Sketch(np.random.default_rng([3, number]))
        sketch.box(0, 0, 1, 1, 0)
        sketch.oval(0.5, 0.5, 0.1, 0.1, 1)
        picture._look(sketch, 256, 256)
        rows, columns = np.nonzero(np.asarray(sketch.image) > 128)
        places.append((columns.mean() / CANVAS, rows.mean() / CANVAS))
        sizes.append(len(rows))
    assert np.all(np.ptp(places, axis=0) > 0.1)
    assert max(sizes) > 1.2 * min(sizes)


def test_light_differs() -> None:
    tones = []
    for number in range(100):
        sketch = Sketch(np.random.default_rng([4, number]))
        sketch.box(0, 0, 1, 1, 0.5)
        tones.append(np.asarray(picture._light(sketch, 256, 256), dtype=float))
    means = [tone.mean() for tone in tones]
    assert max(means) - min(means) > 40
    left_to_right = [tone[:, :50].mean() - tone[:, -50:].mean() for tone in tones]
    assert min(left_to_right) < -20 < 20 < max(left_to_right)


# What is written


def test_layout_and_counts(root: Path) -> None:
    assert sorted(p.name for p in root.iterdir()) == [sketch15.MARKER, "test", "train"]
    for split, amount in (("train", TRAIN), ("test", TEST)):
        assert sorted(p.name for p in (root / split).iterdir()) == list(CLASSES)
        for name in CLASSES:
            files = sorted(p.name for p in (root / split / name).iterdir())
            assert files == [f"image_{k:04d}.jpg" for k in range(1, amount + 1)]
    assert json.loads((root / sketch15.MARKER).read_text(encoding="utf-8")) == {
        "dataset": "sketch15",
        "version": sketch15.VERSION,
        "seed": 0,
        "train_per_class": TRAIN,
        "test_per_class": TEST,
    }


def test_only_the_finished_folder_is_left(root: Path) -> None:
    assert [p.name for p in root.parent.iterdir()] == [root.name]


def test_files_are_grayscale_jpegs_of_more_than_one_size(root: Path) -> None:
    sizes = set()
    for path in root.rglob("*.jpg"):
        with Image.open(path) as picture:
            assert (picture.format, picture.mode) == ("JPEG", "L")
            sizes.add(picture.size)
    assert (256, 256) in sizes
    assert len(sizes) > 5


def test_no_picture_appears_twice(root: Path) -> None:
    digests = [hashlib.sha256(data).hexdigest() for data in images(root).values()]
    assert len(digests) == 15 * (TRAIN + TEST)
    assert len(set(digests)) == len(digests)


def test_same_seed_same_bytes(root: Path, tmp_path: Path) -> None:
    fewer = images(write_sketch15(tmp_path / "fewer", train_per_class=2, test_per_class=1))
    whole = images(root)
    assert len(fewer) == 15 * 3
    assert all(whole[name] == data for name, data in fewer.items())


def test_other_seed_other_pictures(root: Path, tmp_path: Path) -> None:
    other = images(write_tiny(tmp_path / "other", seed=1))
    assert not set(other.values()) & set(images(root).values())


def test_returns_the_path_and_makes_parents(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert write_tiny(folder) == folder
    assert len(images(folder)) == 30


@pytest.mark.parametrize(
    ("bad", "name"),
    [
        ({"train_per_class": 0}, "train_per_class"),
        ({"test_per_class": -1}, "test_per_class"),
        ({"seed": -1}, "seed"),
    ],
)
def test_bad_argument_is_named(tmp_path: Path, bad: dict[str, int], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        write_sketch15(tmp_path / "sketch", **bad)
    assert not any(tmp_path.iterdir())


# The marker


@pytest.mark.usefixtures("no_drawing")
def test_complete_folder_is_left_alone(root: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    assert write_sketch15(root, train_per_class=TRAIN, test_per_class=TEST) == root
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_other_parameters_replace_the_folder(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "sketch", seed=3)
    old = contents(folder)
    write_tiny(folder, seed=4)
    fresh = contents(write_tiny(tmp_path / "fresh", seed=4))
    assert contents(folder) == fresh != old
    assert sorted(p.name for p in tmp_path.iterdir()) == ["fresh", "sketch"]


def test_folder_of_an_earlier_version_is_drawn_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "sketch"
    monkeypatch.setattr(writing, "VERSION", 1)
    monkeypatch.setattr(writing, "draw_scene", lambda name, rng: Image.new("L", (8, 8)))
    write_tiny(folder)
    monkeypatch.undo()
    write_tiny(folder)
    assert contents(folder) == contents(write_tiny(tmp_path / "fresh"))


def test_missing_picture_is_drawn_again(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "sketch")
    before = contents(folder)
    (folder / "train" / "coast" / "image_0001.jpg").unlink()
    write_tiny(folder)
    assert contents(folder) == before


def test_failure_keeps_the_old_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_tiny(tmp_path / "sketch")
    before = contents(folder)
    drawn = []

    def interrupted(class_name: str, rng: np.random.Generator) -> Image.Image:
        drawn.append(class_name)
        if len(drawn) == 5:
            raise KeyboardInterrupt
        return Image.new("L", (8, 8))

    monkeypatch.setattr(writing, "draw_scene", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_tiny(folder, seed=1)
    assert contents(folder) == before
    assert [p.name for p in tmp_path.iterdir()] == ["sketch"]


@pytest.mark.usefixtures("no_drawing")
@pytest.mark.parametrize("marker", [None, "{", "[]", '{"dataset": "scene15"}'])
def test_foreign_folder_is_refused_and_untouched(tmp_path: Path, marker: str | None) -> None:
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "chapter1.txt").write_text("precious", encoding="utf-8")
    if marker is not None:
        (folder / sketch15.MARKER).write_text(marker, encoding="utf-8")
    before = contents(folder)
    with pytest.raises(ValueError, match=r"thesis.*other than sketch15"):
        write_tiny(folder)
    assert contents(folder) == before
    assert [p.name for p in tmp_path.iterdir()] == ["thesis"]


@pytest.mark.usefixtures("no_drawing")
def test_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sketch").write_text("not a folder", encoding="utf-8")
    with pytest.raises(ValueError, match="not a folder"):
        write_tiny(tmp_path / "sketch")


def test_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "sketch").mkdir()
    assert len(images(write_tiny(tmp_path / "sketch"))) == 30


# Several writers


@pytest.mark.parametrize("redraw", [False, True])
def test_threads_that_write_at_once_all_get_a_good_folder(tmp_path: Path, redraw: bool) -> None:
    expected = contents(write_tiny(tmp_path / "expected"))
    if redraw:
        write_tiny(tmp_path / "sketch", seed=9)
    with ThreadPoolExecutor(2) as pool:
        for folder in pool.map(write_tiny, [tmp_path / "sketch"] * 2):
            assert folder == tmp_path / "sketch"
    assert contents(tmp_path / "sketch") == expected
    assert sorted(p.name for p in tmp_path.iterdir()) == ["expected", "sketch"]


def test_threads_with_other_seeds_leave_one_whole_folder(tmp_path: Path) -> None:
    expected = [contents(write_tiny(tmp_path / f"seed{k}", seed=k)) for k in (0, 1)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda k: write_tiny(tmp_path / "sketch", seed=k), (0, 1)))
    assert contents(tmp_path / "sketch") in expected
    assert sorted(p.name for p in tmp_path.iterdir()) == ["seed0", "seed1", "sketch"]


def test_processes_that_write_at_once_both_succeed(tmp_path: Path) -> None:
    code = (
        "import sys; from scene_recog.datasets.sketch15 import write_sketch15; "
        "write_sketch15(sys.argv[1], train_per_class=2, test_per_class=1)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "sketch")]
    writers = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(2)
    ]
    outputs = [writer.communicate(timeout=60)[0] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0], outputs
    assert outputs == [b"", b""]  # no prints, no progress bars
    assert len(images(tmp_path / "sketch")) == 15 * 3
    assert [p.name for p in tmp_path.iterdir()] == ["sketch"]


# Neither trivial nor hopeless


def thumbnails(root: Path, split: str) -> np.ndarray:
    """[15, images of a class, 256] in [0, 1]."""
    rows = []
    for path in sorted((root / split).glob("*/*.jpg")):
        with Image.open(path) as picture:
            rows.append(np.asarray(picture.resize((16, 16), Image.Resampling.BOX)) / 255)
    return np.reshape(rows, (15, -1, 256))


def test_nearest_class_mean_beats_chance_but_is_not_perfect(root: Path) -> None:
    means = thumbnails(root, "train").mean(axis=1)
    queries = thumbnails(root, "test")
    distances = np.linalg.norm(queries[:, :, None] - means, axis=-1)
    accuracy = (distances.argmin(axis=-1) == np.arange(15)[:, None]).mean()
    assert 0.12 < accuracy < 0.6  # chance is 0.067
