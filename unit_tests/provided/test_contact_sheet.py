"""The contact sheet, read back pixel by pixel."""

import argparse
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scene_recog.cli.data import add_parsers as add_data_parsers
from scene_recog.visualize.contact_sheet import contact_sheet, save_contact_sheet

THUMB = 128 * 128


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three classes in train, image number i of class c all of grey level 10 * i + 60 * c."""
    for c, (name, count) in enumerate({"a": 5, "b": 2, "x" * 80: 0}.items()):
        folder = tmp_path / "train" / name
        folder.mkdir(parents=True)
        for i in range(count):
            Image.new("L", (40 + i, 30), 10 * i + 60 * c).save(folder / f"{i}.png")
    return tmp_path


def levels(sheet: Image.Image) -> dict[int, int]:
    """Grey levels that fill at least half a thumbnail, and how many thumbnails they fill."""
    values, counts = np.unique(np.asarray(sheet.convert("L")), return_counts=True)
    filled = {int(v): round(n / THUMB) for v, n in zip(values, counts, strict=True)}
    return {v: n for v, n in filled.items() if n and v != 255}


def test_each_class_shows_its_images(root: Path) -> None:
    sheet = contact_sheet(root, per_class=5)
    assert sheet.mode == "RGB"
    assert levels(sheet) == dict.fromkeys([0, 10, 20, 30, 40, 60, 70], 1)
    chosen = levels(contact_sheet(root, per_class=2))
    assert len(chosen) == 4
    assert {60, 70} < set(chosen)


def test_the_seed_decides(root: Path) -> None:
    sheets = [levels(contact_sheet(root, per_class=2, seed=seed)) for seed in range(6)]
    assert sheets[3] == levels(contact_sheet(root, per_class=2, seed=3))
    assert any(sheet != sheets[0] for sheet in sheets)


def test_captions_stay_inside(root: Path) -> None:
    sheet = np.asarray(contact_sheet(root, per_class=1).convert("L"))
    margin = 28
    assert (sheet[:, -margin:] == 255).all()
    assert (sheet[:, :margin] == 255).all()
    assert (sheet[:margin] == 255).sum() > 0.9 * sheet[:margin].size


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"per_class": 0}, ValueError, "use 1 to 50"),
        ({"per_class": 51}, ValueError, "use 1 to 50"),
        ({"split": "val"}, ValueError, "unknown split"),
        ({"split": "test"}, FileNotFoundError, "no test/ folder"),
    ],
)
def test_bad_arguments(
    root: Path, change: dict[str, int | str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        contact_sheet(root, **change)  # type: ignore[arg-type]


def test_a_broken_image_is_named(root: Path) -> None:
    (root / "train/b/0.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"b/0\.png"):
        contact_sheet(root)


def test_saving(tmp_path: Path) -> None:
    sheet = Image.new("RGB", (30, 20), "red")
    assert save_contact_sheet(sheet, tmp_path / "a.png") == tmp_path / "a.png"
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == (30, 20)
    with pytest.raises(ValueError, match="ends in"):
        save_contact_sheet(sheet, tmp_path / "a.txt")
    with pytest.raises(FileNotFoundError, match="no folder"):
        save_contact_sheet(sheet, tmp_path / "b" / "a.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_cli_show(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    add_data_parsers(parser.add_subparsers())
    monkeypatch.chdir(tmp_path)
    args = parser.parse_args(["data", "show", "--data", str(root), "--per-class", "3"])
    assert args.run(args) == 0
    assert capsys.readouterr().out == "contact_sheet.png\n"
    with Image.open("contact_sheet.png") as image:
        assert image.convert("RGB").tobytes() == contact_sheet(root, per_class=3).tobytes()
