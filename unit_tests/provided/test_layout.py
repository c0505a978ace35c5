"""Functions for datasets with the layout root/{train,test}/<class>/<image>."""

import argparse
import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scene_recog.cli.data import add_parsers as add_data_parsers
from scene_recog.datasets import layout
from scene_recog.loading import statistics


def write_image(path: Path, width: int, height: int, seed: int) -> np.ndarray:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return pixels


def test_duplicates_across_splits_come_first(tmp_path: Path) -> None:
    contents = {
        "train/a/1.jpg": b"one",
        "train/a/2.jpg": b"two",
        "train/b/3.jpg": b"two",
        "train/b/4.jpg": b"six",
        "test/a/5.jpg": b"one",
        "test/b/6.jpg": b"one",
        "test/b/7.jpg": b"seven",
        "test/b/notes.txt": b"seven",
        "other/8.jpg": b"seven",
        "train/b/9.jpg": b"a pair",
        "train/c/9.jpg": b"a pair",
    }
    for name, data in contents.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    assert layout.find_duplicates(tmp_path) == [
        ("test/a/5.jpg", "test/b/6.jpg", "train/a/1.jpg"),
        ("train/a/2.jpg", "train/b/3.jpg"),
        ("train/b/9.jpg", "train/c/9.jpg"),
    ]
    assert layout.duplicates_in_train(tmp_path) == {"test/a/5.jpg", "test/b/6.jpg"}


def test_no_dataset(tmp_path: Path) -> None:
    for function in (layout.find_duplicates, layout.duplicates_in_train, statistics.dataset_stats):
        with pytest.raises(FileNotFoundError, match=r"no train/ folder in .*data download"):
            function(tmp_path)
    (tmp_path / "train").mkdir()
    with pytest.raises(FileNotFoundError, match="no class folders"):
        statistics.dataset_stats(tmp_path)
    (tmp_path / "train" / "a").mkdir()
    with pytest.raises(FileNotFoundError, match="no images"):
        statistics.dataset_stats(tmp_path)
    with pytest.raises(ValueError, match="unknown split 'val'"):
        layout.images_by_class(tmp_path, "val")


@pytest.fixture
def dataset(tmp_path: Path) -> tuple[Path, np.ndarray]:
    """Four images in train and test, and all their pixels; a fifth image is outside."""
    pixels = [
        write_image(tmp_path / "train/b/1.png", 10, 20, seed=0),
        write_image(tmp_path / "train/b/2.png", 30, 8, seed=1),
        write_image(tmp_path / "train/a/1.png", 10, 20, seed=2) // 2,
        write_image(tmp_path / "test/b/1.png", 12, 7, seed=3),
    ]
    Image.fromarray(pixels[2]).save(tmp_path / "train/a/1.png")
    write_image(tmp_path / "replaced-1/train/b/1.png", 99, 99, seed=4)
    return tmp_path, np.concatenate([image.ravel() for image in pixels]) / 255


def test_stats(dataset: tuple[Path, np.ndarray]) -> None:
    root, pixels = dataset
    stats = statistics.dataset_stats(root)
    assert stats.counts == {"a": {"train": 1, "test": 0}, "b": {"train": 2, "test": 1}}
    assert list(stats.counts) == ["a", "b"]
    assert (stats.smallest, stats.largest) == ((10, 7), (30, 20))
    assert stats.median == (11, 14)
    assert (stats.most_common, stats.most_common_count) == ((10, 20), 2)
    assert math.isclose(stats.mean, pixels.mean(), rel_tol=1e-9)
    assert math.isclose(stats.std, pixels.std(ddof=1), rel_tol=1e-9)


def test_stats_name_a_broken_image(dataset: tuple[Path, np.ndarray]) -> None:
    root, _ = dataset
    (root / "train/a/broken.jpg").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"broken\.jpg"):
        statistics.dataset_stats(root)


def test_cli_stats(dataset: tuple[Path, np.ndarray], capsys: pytest.CaptureFixture[str]) -> None:
    root, pixels = dataset
    parser = argparse.ArgumentParser()
    add_data_parsers(parser.add_subparsers())
    args = parser.parse_args(["data", "stats", "--data", str(root)])
    assert args.run(args) == 0
    out = capsys.readouterr().out.splitlines()
    assert [line.split() for line in out[:4]] == [
        ["class", "train", "test", "all"],
        ["a", "1", "0", "1"],
        ["b", "2", "1", "3"],
        ["all", "3", "1", "4"],
    ]
    assert f"mean {pixels.mean():.5f}" in out[-1]
    args.json = True
    assert args.run(args) == 0
    stats = json.loads(capsys.readouterr().out)
    assert stats["most_common"] == [10, 20]
    assert math.isclose(stats["std"], pixels.std(ddof=1), rel_tol=1e-9)


def test_what_is_left_out_is_said_in_one_line(dataset: tuple[Path, np.ndarray]) -> None:
    root, _ = dataset
    (root / "train/a/notes.txt").write_text("a word about nothing")
    (root / "train/a/Thumbs.db").write_bytes(b"")
    (root / "train/a/.DS_Store").write_bytes(b"")
    assert layout.left_out_notice(root) == ""
    for name in ("train/a/x.heic", "train/b/image_0001", "test/b/new\nline.raw", "test/b/y.pdf"):
        (root / name).write_bytes(b"")
    write_image(root / "train/loose.png", 9, 9, seed=9)
    notice = layout.left_out_notice(root)
    assert notice == (
        f"Left out of {root}: 4 files without an image's extension (train/a/x.heic, "
        "train/b/image_0001, test/b/new\\nline.raw, ...), "
        "1 image outside the class folders (train/loose.png)"
    )
    assert layout.left_out_notice(root, ["test"]).startswith(f"Left out of {root}: 2 files")


def test_image_that_a_loader_does_not_list_is_said(dataset: tuple[Path, np.ndarray]) -> None:
    root, _ = dataset
    listed = layout.images_by_class(root)["b"]
    notice = layout.left_out_notice(root, ["train"], listed=listed)
    assert notice.endswith(": 1 image that ImageLoader does not list (train/a/1.png)")


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_linked_and_hidden_folders(dataset: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    """Cases 04 and 06: duplicates and statistics see what training sees."""
    root, pixels = dataset
    expected = layout.list_images(root), layout.images_by_class(root)
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    (root / "train/b").rename(elsewhere)
    (root / "train/b").symlink_to(elsewhere)
    hidden = root / "train/a/.ipynb_checkpoints/1-checkpoint.png"
    write_image(hidden, 10, 20, seed=0)
    assert (layout.list_images(root), layout.images_by_class(root)) == expected
    stats = statistics.dataset_stats(root)
    assert stats.counts["b"] == {"train": 2, "test": 1}
    assert math.isclose(stats.mean, pixels.mean(), rel_tol=1e-9)
    assert math.isclose(stats.std, pixels.std(ddof=1), rel_tol=1e-9)
    (root / "test/b/twin.png").write_bytes((root / "train/b/1.png").read_bytes())
    assert layout.duplicates_in_train(root) == {"test/b/twin.png"}
    (root / "train/b/gone.png").symlink_to(root / "nowhere.png")
    assert "1 broken link (train/b/gone.png)" in layout.left_out_notice(root)
