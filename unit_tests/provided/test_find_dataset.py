"""The folder that is used: the given one, one a level or two deeper, or drawn sketches."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scene_recog import cli
from scene_recog.datasets import find_dataset, sketch15
from scene_recog.datasets.search import locate_dataset
from scene_recog.datasets.sketch15 import write_sketch15
from scene_recog.stats_helper import compute_mean_and_std

write_few = functools.partial(write_sketch15, train_per_class=1, test_per_class=1)


def make_dataset(root: Path) -> Path:
    """Two classes with two images in train and one in test."""
    rng = np.random.default_rng(0)
    for split, amount in (("train", 2), ("test", 1)):
        for name in ("beach", "city"):
            folder = root / split / name
            folder.mkdir(parents=True)
            for number in range(amount):
                pixels = rng.integers(0, 256, (12, 10), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.png")
    return root


def make_folders(root: Path, *names: str) -> None:
    for name in names:
        (root / name).mkdir(parents=True)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, where only a few sketches are drawn."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sketch15, "write_sketch15", write_few)
    return tmp_path


# Sketches


def test_sketches_are_drawn_beside_the_data_folder(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert find_dataset() == Path("sketch15")
    assert capsys.readouterr().err == (
        "No photographs in data/: using drawn sketches, in sketch15/. "
        "For the real images run: scene-recog data download\n"
    )
    assert (here / "sketch15/train/coast/image_0001.jpg").is_file()
    assert not (here / "data").exists()


@pytest.mark.usefixtures("here")
def test_statistics_of_the_data_folder_do_not_count_sketches() -> None:
    find_dataset()
    make_dataset(Path("data"))
    alone = compute_mean_and_std("data/")
    assert find_dataset() == Path("data")
    assert compute_mean_and_std("data/") == alone
    assert [p.name for p in sorted(Path("data").iterdir())] == ["test", "train"]


def test_sketches_of_an_earlier_version_are_found_where_they_were_drawn(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded = write_few(here / "data" / "sketch15")
    assert find_dataset(recorded) == find_dataset(str(recorded)) == recorded
    assert capsys.readouterr().err == ""
    assert find_dataset() == Path("sketch15"), "but a new run has new ones"


# A level or two off


@pytest.mark.parametrize("place", ["data", "scene_categories/split", "a b/data"])
def test_a_dataset_unpacked_too_deep_is_used_and_said(
    here: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    make_dataset(here / "data" / place)
    make_folders(here, "data/__MACOSX/data/train", "data/__MACOSX/data/test")
    expected = Path("data") / place
    assert find_dataset() == expected
    line = f"No train/ and test/ in data: using {expected} instead.\n"
    assert capsys.readouterr().err == line
    assert find_dataset("data") == expected
    assert capsys.readouterr().err == line
    assert find_dataset(expected) == expected
    assert capsys.readouterr().err == ""


def test_one_that_is_right_hides_what_is_below(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_dataset(here / "data")
    make_dataset(here / "data/old")
    assert find_dataset() == Path("data")
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("here")
def test_three_levels_are_too_deep() -> None:
    make_dataset(Path("data/a/b/c"))
    assert find_dataset() == Path("sketch15")
    with pytest.raises(FileNotFoundError, match=r"no train/ folder in data"):
        find_dataset("data")


@pytest.mark.parametrize("named", ["set/train", "set/test"])
def test_one_split_named_means_the_dataset(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    make_dataset(here / "set")
    assert find_dataset(named) == Path("set")
    assert "using set instead" in capsys.readouterr().err
    monkeypatch.chdir(named)
    assert find_dataset(".").samefile(here / "set")


@pytest.mark.usefixtures("here")
def test_several_datasets_are_not_chosen_between() -> None:
    for place in ("first", "second", "deep/third"):
        make_dataset(Path("data") / place)
    for named in (None, "data"):
        with pytest.raises(ValueError, match=r"several datasets in data: .*--data") as caught:
            find_dataset(named)
        places = [str(Path("data") / place) for place in ("deep/third", "first", "second")]
        assert ", ".join(places) in caught.value.args[0]
        assert "\n" not in caught.value.args[0]
    for number in range(27):
        make_dataset(Path("data") / f"x{number:02}")
    with pytest.raises(ValueError, match=r": (\S+, ){4}\S+ and 25 more; choose one with --data"):
        find_dataset()


@pytest.mark.usefixtures("here")
def test_links_to_one_dataset_are_one() -> None:
    make_dataset(Path("data/real"))
    Path("data/again").symlink_to("real", target_is_directory=True)
    Path("data/up").symlink_to(".", target_is_directory=True)
    found = locate_dataset("data")
    assert found is not None
    assert found.samefile("data/real")


@pytest.mark.usefixtures("here")
def test_what_does_not_count() -> None:
    write_few(Path("data/sketch15"))
    for place in (".hidden", "replaced-1", "a/replaced-22", "a/.hidden"):
        make_dataset(Path("data") / place)
    make_folders(Path("data"), "half/train/beach")
    assert locate_dataset("data") is None
    make_dataset(Path("data/replaced-mine"))
    assert locate_dataset("data") == Path("data/replaced-mine")


def test_nothing_to_look_in(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    for name in ("file", "empty", "missing"):
        assert locate_dataset(tmp_path / name) is None
        with pytest.raises(FileNotFoundError, match="no train/ folder in"):
            find_dataset(tmp_path / name)


# Not split


@pytest.mark.parametrize("place", ["data", "data/scene_categories", "data/zip/15-Scene"])
@pytest.mark.parametrize(
    "names",
    [("MITcoast", "PARoffice", "CALsuburb"), ("bedroom", "coast", "Living_Room", "cats")],
)
@pytest.mark.usefixtures("here")
def test_images_that_are_not_split_stop_the_run(place: str, names: tuple[str, ...]) -> None:
    make_folders(Path(place), *names)
    for named in (None, "data"):
        with pytest.raises(ValueError, match="holds class folders") as caught:
            find_dataset(named)
        message = caught.value.args[0]
        assert "\n" not in message
        assert message.startswith(f"{Path(place)} holds class folders ({sorted(names)[0]}, ")
        assert f"`scene-recog data import {Path(place)} --data data`" in message
    assert not Path("sketch15").exists()


@pytest.mark.usefixtures("here")
def test_few_folders_with_names_of_scenes_are_no_dataset() -> None:
    make_folders(Path("data"), "office", "notes/street", "notes/MITstreet")
    assert find_dataset() == Path("sketch15")


@pytest.mark.usefixtures("here")
def test_a_dataset_wins_over_images_that_are_not_split() -> None:
    make_folders(Path("data/scene_categories"), "MITcoast", "PARoffice", "CALsuburb")
    make_dataset(Path("data/mine"))
    assert locate_dataset("data") == Path("data/mine")


@pytest.mark.parametrize(("there", "gone"), [("train", "test"), ("test", "train")])
@pytest.mark.usefixtures("here")
def test_half_a_dataset_is_an_error(there: str, gone: str) -> None:
    make_dataset(Path("data/older"))
    make_folders(Path("data"), f"{there}/beach")
    with pytest.raises(ValueError, match=f"data/ holds {there}/ but no {gone}/: move it away"):
        find_dataset()


# The command line


@pytest.mark.usefixtures("here")
def test_commands_use_the_dataset_that_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    found = make_dataset(Path("data/data"))
    assert cli.main(["data", "stats"]) == 0
    out, err = capsys.readouterr()
    assert "beach" in out
    assert err.splitlines() == [
        f"No train/ and test/ in data: using {found} instead.",
        f"reading the images in {found} ...",
    ]
    assert cli.main(["data", "show", "--per-class", "1"]) == 0
    assert cli.main(["data", "verify"]) == 1
    assert capsys.readouterr().err.count(f"using {found}") == 2
    assert cli.main(["info"]) == 0
    assert "images in data" in capsys.readouterr().out


def test_cache_command_looks_where_sketches_are_drawn(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_folders(here, "data/data/train", "data/data/test", "data/sketch15", "sketch15")
    assert cli.main(["data", "cache"]) == 0
    out = capsys.readouterr().out
    for folder in ("data/data/.cache", "data/sketch15/.cache", "sketch15/.cache"):
        assert str(Path(folder)) in out
    assert cli.main(["data", "cache", "--data", str(here / "other")]) == 0
    assert "sketch15" not in capsys.readouterr().out
