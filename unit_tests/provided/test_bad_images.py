"""Broken and unusual images of all kinds: all named at once, left out on request, or just read."""

from __future__ import annotations

import json
import shutil
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scene_recog import cli
from scene_recog.datasets.images import MAX_PIXELS, read_grayscale
from scene_recog.image_loader import ImageLoader
from scene_recog.loading import bad_images
from scene_recog.loading.bad_images import BadImagesError, find_bad_images, folder_without
from scene_recog.loading.statistics import pixel_stats
from scene_recog.runner import Trainer
from scene_recog.stats_helper import compute_mean_and_std

RAMP = Image.fromarray(np.tile(np.arange(0, 240, 6, dtype=np.uint8), (30, 1)))
MakeTrainer = Callable[..., Trainer]


def png_of_size(path: Path, width: int, height: int) -> None:
    """A small file that claims to hold a huge image."""
    Image.new("1", (8, 8)).save(path, "png")
    data = bytearray(path.read_bytes())
    header = data.index(b"IHDR")
    data[header + 4 : header + 12] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    data[header + 17 : header + 21] = zlib.crc32(data[header : header + 17]).to_bytes(4, "big")
    path.write_bytes(data)


def cut_off(path: Path) -> None:
    Image.effect_noise((200, 200), 90).save(path, "jpeg")
    path.write_bytes(path.read_bytes()[:3000])


BROKEN: dict[str, Callable[[Path], object]] = {
    "empty.jpg": lambda path: path.write_bytes(b""),
    "cut_off.jpg": cut_off,
    "text.jpg": lambda path: path.write_text("no image"),
    "page.png": lambda path: path.write_text("<!doctype html>"),
    "bomb.png": lambda path: png_of_size(path, 20_000, 20_000),
    "large.png": lambda path: png_of_size(path, MAX_PIXELS // 9_000, 9_100),
    "folder with new\nline.jpg": lambda path: path.write_bytes(b"\xff\xd8\xff"),
}


def save_as(format_name: str, mode: str = "L", **options: object) -> Callable[[Path], None]:
    return lambda path: RAMP.convert(mode).save(path, format_name, **options)  # type: ignore[arg-type]


def rotated(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    RAMP.rotate(90, expand=True).save(path, "jpeg", exif=exif)


GOOD: dict[str, Callable[[Path], object]] = {
    "png_as.jpg": save_as("png"),
    "jpeg_as.png": save_as("jpeg"),
    "animated.gif": save_as("gif", save_all=True, append_images=[RAMP.rotate(180)]),
    "cmyk.jpg": save_as("jpeg", "CMYK"),
    "palette.png": lambda path: RAMP.convert("P").save(path, transparency=0),
    "sixteen.png": lambda path: Image.fromarray(np.asarray(RAMP, np.uint16) * 257).save(path),
    "rotated.jpg": rotated,
    "with space.jpg": save_as("jpeg"),
    "new\nline.jpg": save_as("jpeg"),
    "\N{SUNRISE OVER MOUNTAINS} émoji.jpg": save_as("jpeg"),
    "n" * 240 + ".jpg": save_as("jpeg"),
    "dot.png": lambda path: Image.new("L", (1, 1), 90).save(path),
}
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")


@pytest.fixture
def root(sketches: Path, tmp_path: Path) -> Path:
    """A writable copy of the sketches."""
    return Path(shutil.copytree(sketches, tmp_path / "data", ignore=shutil.ignore_patterns(".*")))


@pytest.fixture
def broken_root(root: Path) -> Path:
    """The same with broken images in train, and one in test."""
    for name, make in BROKEN.items():
        make(root / "train" / "coast" / name)
    BROKEN["cut_off.jpg"](root / "test" / "street" / "cut_off.jpg")
    return root


@pytest.mark.parametrize("name", BROKEN)
def test_broken_image_gets_one_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / name.replace("\n", " ")
    BROKEN[name](path)
    with pytest.raises(ValueError, match="cannot read the image") as caught:
        read_grayscale(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    if name in ("bomb.png", "large.png"):
        assert "more than 89 million pixels" in message


@pytest.mark.parametrize("name", GOOD)
def test_odd_image_is_read(tmp_path: Path, name: str) -> None:
    GOOD[name](tmp_path / name)
    image = read_grayscale(tmp_path / name)
    assert image.mode == "L"
    if name != "dot.png":
        assert image.size == RAMP.size
        difference = np.asarray(image, dtype=int) - np.asarray(RAMP, dtype=int)
        # a transparent pixel is white
        assert np.abs(difference[:, 3:]).max() < 12


@pytest.mark.parametrize("cache", ["disk", "memory", "off"])
@pytest.mark.parametrize("val_fraction", [0.0, 0.34])
def test_training_names_every_bad_image(
    make_trainer: MakeTrainer, broken_root: Path, cache: str, val_fraction: float
) -> None:
    with pytest.raises(BadImagesError) as caught:
        make_trainer(
            data_dir=broken_root, cache=cache, val_fraction=val_fraction
        ).run_training_loop(1)
    assert set(caught.value.reasons) == {
        *(f"train/coast/{name}" for name in BROKEN), "test/street/cut_off.jpg",
    }  # fmt: skip
    message = str(caught.value)
    assert message.startswith("8 images cannot be read: fix or remove them")
    assert "--skip-bad" in message
    for name in BROKEN:
        assert name.replace("\n", "\\n") in message


def test_odd_images_are_trained_on(make_trainer: MakeTrainer, root: Path) -> None:
    for name, make in GOOD.items():
        make(root / "train" / "coast" / name)
    assert find_bad_images(root) == {}
    trainer = make_trainer(data_dir=root)
    assert len(trainer.train_dataset) == 90 + len(GOOD)
    trainer.run_training_loop(1)


@pytest.mark.parametrize("cache", ["disk", "memory", "off"])
def test_bad_images_can_be_left_out(
    make_trainer: MakeTrainer, root: Path, broken_root: Path, tmp_path: Path, cache: str
) -> None:
    bad = find_bad_images(broken_root)
    assert len(bad) == len(BROKEN) + 1
    trainer = make_trainer(data_dir=broken_root, cache=cache, skip_images=list(bad))
    assert len(trainer.train_dataset) == 90
    assert len(trainer.val_dataset) == 30
    assert trainer.config["skipped_images"] == sorted(bad)
    trainer.run_training_loop(1)


def test_pixel_stats_without_the_bad_images(broken_root: Path, sketches: Path) -> None:
    bad = find_bad_images(broken_root)
    expected = compute_mean_and_std(sketches / "train")
    assert pixel_stats(broken_root, cache="disk", left_out=bad) == expected
    with folder_without(broken_root, {broken_root / name for name in bad}) as rest:
        assert find_bad_images(rest) == {}
        assert len(list(rest.rglob("*.jpg"))) == 120
    assert not rest.exists()
    assert len(find_bad_images(broken_root)) == len(bad)  # the originals are where they were


def test_what_training_does_not_use_is_not_checked(root: Path, tmp_path: Path) -> None:
    """Cases 04 and 06: a bad image is found behind a link, but not in a hidden folder."""
    (root / "train" / "coast").rename(tmp_path / "elsewhere")
    (root / "train" / "coast").symlink_to(tmp_path / "elsewhere")
    BROKEN["empty.jpg"](root / "train" / "coast" / "empty.jpg")
    for name in (".ipynb_checkpoints/a.jpg", "notes.txt"):
        path = root / "train" / "street" / name
        path.parent.mkdir(exist_ok=True)
        BROKEN["empty.jpg"](path)
    BROKEN["empty.jpg"](root / "train" / "loose.jpg")
    assert set(find_bad_images(root)) == {"train/coast/empty.jpg"}
    assert 0 < pixel_stats(root, cache="off", left_out=["train/coast/empty.jpg"])[1] < 1


def test_images_are_checked_by_the_loader_that_is_there(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Students(ImageLoader):
        def load_imagepaths_with_labels(self, class_labels: dict[str, int]) -> list:
            listed = super().load_imagepaths_with_labels(class_labels)
            return [item for item in listed if item[0].endswith(".jpg")]

        def load_img_from_path(self, path: str | Path) -> Image.Image:
            if str(path).endswith("sketch.jpg"):
                raise SyntaxError("broken PNG file")
            return Image.open(path)  # opened only

    coast = root / "train" / "coast"
    BROKEN["page.png"](coast / "page.png")
    BROKEN["cut_off.jpg"](coast / "cut_off.jpg")
    BROKEN["text.jpg"](coast / "text.jpg")
    GOOD["rotated.jpg"](coast / "sketch.jpg")
    monkeypatch.setattr(bad_images, "ImageLoader", Students)
    bad = find_bad_images(root)
    assert set(bad) == {f"train/coast/{name}.jpg" for name in ("cut_off", "sketch", "text")}
    for name, reason in bad.items():
        assert f"cannot read the image {root / name}" in reason


def test_command_line_stops_or_skips(
    broken_root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    command = [
        "train", "--recipe", "part2", "--epochs", "1", "--device", "cpu",
        "--data", str(broken_root), "--set", "val_fraction=0.34",
    ]  # fmt: skip
    assert cli.main(command) == 2
    message = capsys.readouterr().err
    assert message.startswith("scene-recog: 8 images cannot be read")
    assert len(message.splitlines()) == 1 + 8
    assert not list((tmp_path / "model_checkpoints").iterdir())

    assert cli.main([*command, "--skip-bad"]) == 0
    captured = capsys.readouterr()
    assert "Leaving out 8 images" in captured.err
    config = json.loads((tmp_path / "model_checkpoints/part2-001/config.json").read_text())
    assert len(config["skipped_images"]) == 8
    assert config["data"]["train_images"] == 60
    # resuming and measuring leave out the same images
    assert cli.main(["train", "--resume", "part2-001", "--epochs", "2"]) == 0
    for split in ("test", "validation"):
        capsys.readouterr()
        assert cli.main(["evaluate", "part2-001", "--json", "--split", split]) == 0
        assert json.loads(capsys.readouterr().out)["images"] == 30


def test_predict_reports_each_bad_image_and_goes_on(
    sketches: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["train", "--recipe", "part1", "--epochs", "1", "--data", str(sketches)]
    assert cli.main([*command, "--device", "cpu", "--set", "val_fraction=0"]) == 0
    folder = tmp_path / "mine"
    folder.mkdir()
    for name, make in (BROKEN | GOOD).items():
        make(folder / name)
    capsys.readouterr()
    missing = ["gone.jpg", "x" * 5000 + ".jpg", "zero\0byte.jpg"]
    assert cli.main(["predict", "part1-001", str(folder), *missing]) == 1
    captured = capsys.readouterr()
    assert len(captured.out.splitlines()) == len(GOOD)
    errors = [line for line in captured.err.splitlines() if line.startswith("scene-recog: ")]
    assert len(errors) == len(BROKEN) + len(missing)
    assert "new\\nline.jpg: " in captured.out
    assert cli.main(["predict", "part1-001", str(folder), "--json"]) == 1
    answers = json.loads(capsys.readouterr().out)["images"]
    assert {Path(answer["image"]).name for answer in answers if "labels" in answer} == set(GOOD)
