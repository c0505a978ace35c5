"""Mean and std of the training pixels, from whichever compute_mean_and_std is in place."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from scene_recog.loading import statistics
from scene_recog.loading.bad_images import BadImagesError
from scene_recog.loading.statistics import dataset_stats, pixel_stats
from scene_recog.stats_helper import compute_mean_and_std


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Images in train and test, with different grey levels in each."""
    rng = np.random.default_rng(0)
    for split, low in (("train", 0), ("test", 100)):
        for name in ("coast", "forest"):
            folder = tmp_path / "data" / split / name
            folder.mkdir(parents=True)
            for number in range(3):
                pixels = rng.integers(low, low + 100, (8, 9 + number), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{number}.png")
    return tmp_path / "data"


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Any]], list[Any]]:
    """A function that replaces ours by a student's, and records its arguments."""

    def put(function: Callable[..., Any]) -> list[Any]:
        calls: list[Any] = []

        def called(dir_name: Any) -> Any:
            calls.append(dir_name)
            return function(dir_name)

        monkeypatch.setattr(statistics, "compute_mean_and_std", called)
        return calls

    return put


def walks(dir_name: str) -> tuple[float, float]:
    """A student's function that follows no links and also treats hidden files as images."""
    if not isinstance(dir_name, str):
        raise TypeError("the course calls it with a str")
    values = np.concatenate(
        [
            np.asarray(Image.open(Path(folder, name)).convert("L")).ravel() / 255
            for folder, _, names in os.walk(dir_name)
            for name in names
            if name.endswith(".png")
        ]
    )
    return values.mean(), values.std(ddof=1)


def works_for_the_root_only(dir_name: str) -> tuple[float, float]:
    """A student's function that looks two levels down."""
    values = [
        np.asarray(Image.open(os.path.join(dir_name, split, name, file))).ravel() / 255  # noqa: PTH118
        for split in os.listdir(dir_name)  # noqa: PTH208
        for name in os.listdir(os.path.join(dir_name, split))  # noqa: PTH118, PTH208
        for file in os.listdir(os.path.join(dir_name, split, name))  # noqa: PTH118, PTH208
    ]
    return float(np.concatenate(values).mean()), float(np.concatenate(values).std(ddof=1))


def test_function_is_called_with_a_str(root: Path, use: Callable[..., list[Any]]) -> None:
    """Case 28: called like in the course."""
    calls = use(walks)
    expected = compute_mean_and_std(root / "train")
    assert pixel_stats(root, cache="off") == pytest.approx(expected, rel=1e-9)
    assert calls == [str(root / "train")]


@pytest.mark.parametrize(
    "convert",
    [
        np.float32,
        np.float64,
        lambda value: np.array(value),
        lambda value: np.array([[value]]),
        torch.tensor,
        lambda value: torch.tensor([value], requires_grad=True),
    ],
)
def test_numbers_of_any_kind(
    root: Path, use: Callable[..., list[Any]], convert: Callable[[float], Any]
) -> None:
    """Case 01: numpy floats, which the student test accepts."""
    expected = compute_mean_and_std(root / "train")
    for pack in (tuple, list):
        use(lambda path, pack=pack: pack(convert(v) for v in compute_mean_and_std(path)))
        stats = pixel_stats(root, cache="off")
        assert [type(value) for value in stats] == [float, float]
        assert stats == pytest.approx(expected, rel=1e-6)
        assert json.loads(json.dumps(stats)) == list(stats)
    use(lambda path: np.array(compute_mean_and_std(path)))
    assert pixel_stats(root, cache="off") == expected


@pytest.mark.parametrize(
    "result", [None, 0.5, (0.5,), (0.5, 0.2, 0.1), (0.5, float("nan")), (0.5, float("inf")),
               ("0.5", "0.2"), (0.5, 0.0), (0.5, -1.0), (np.ones(2), 0.5)],
)  # fmt: skip
def test_something_else_is_refused_in_one_line(
    root: Path, use: Callable[..., list[Any]], result: Any
) -> None:
    use(lambda _: result)
    with pytest.raises(ValueError, match=r"stats_helper\.py returns") as caught:
        pixel_stats(root, cache="disk")
    message = str(caught.value)
    assert str(root / "train") in message
    assert "\n" not in message
    assert not (root / ".cache").exists()


def test_function_for_the_root_only_gets_the_root(
    root: Path, use: Callable[..., list[Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "sketch15").mkdir()
    Image.new("L", (50, 50), 255).save(root / "sketch15" / "drawn.png")  # of no split
    expected = compute_mean_and_std(root)
    assert expected != compute_mean_and_std(root / "train")
    for cache in ("off", "disk", "disk"):
        calls = use(works_for_the_root_only)
        assert pixel_stats(root, cache=cache) != pytest.approx(expected)
        message = capsys.readouterr().err
        assert message.count("\n") == 1
        assert "does not work for" in message
        assert "train and test together" in message
    assert len(calls) == 1  # the second is in the cache
    assert pixel_stats(root, cache="off") == pytest.approx(
        compute_mean_and_std_of(root, ("train", "test")), rel=1e-9
    )
    assert dataset_stats(root).mean == pytest.approx(
        compute_mean_and_std_of(root, ("train", "test"))[0], rel=1e-9
    )
    image = root / "test" / "coast" / "0.png"
    Image.new("L", (99, 99), 255).save(image)  # the key knows of test, too
    assert pixel_stats(root, cache="disk")[0] > 0.6


def compute_mean_and_std_of(root: Path, splits: tuple[str, ...]) -> tuple[float, float]:
    """The values over every pixel of some splits."""
    values = np.concatenate(
        [
            np.asarray(Image.open(path)).ravel() / 255
            for split in splits
            for path in sorted((root / split).rglob("*.png"))
        ]
    )
    return float(values.mean()), float(values.std(ddof=1))


def test_function_that_gives_nothing_on_train_gets_the_root(
    root: Path, use: Callable[..., list[Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    def of_the_root(dir_name: str) -> tuple[float, float]:
        return (np.nan, np.nan) if dir_name.endswith("train") else compute_mean_and_std(dir_name)

    calls = use(of_the_root)
    assert pixel_stats(root, cache="off") == compute_mean_and_std(root)
    assert calls == [str(root / "train"), str(root)]
    assert "stats_helper.py does not work for" in capsys.readouterr().err


def test_mistake_in_the_function_keeps_its_traceback(
    root: Path, use: Callable[..., list[Any]]
) -> None:
    def mistaken(dir_name: str) -> Any:
        raise NameError(dir_name)

    use(mistaken)
    with pytest.raises(NameError, match="train"):
        pixel_stats(root, cache="disk")


def test_damaged_image_is_named_whatever_the_function_raises(
    root: Path, use: Callable[..., list[Any]]
) -> None:
    use(walks)
    (root / "train" / "coast" / "0.png").write_bytes(b"no image")
    with pytest.raises(BadImagesError) as caught:
        pixel_stats(root, cache="off")
    assert set(caught.value.reasons) == {"train/coast/0.png"}
    assert pixel_stats(root, cache="off", left_out=["train/coast/0.png"])[1] > 0


def test_function_sees_what_training_sees(
    root: Path, use: Callable[..., list[Any]], tmp_path: Path
) -> None:
    """Cases 04 and 06, with a function that handles neither."""
    expected = compute_mean_and_std(root / "train")
    white = Image.new("L", (99, 99), 255)
    hidden = root / "train" / "coast" / ".ipynb_checkpoints"
    hidden.mkdir()
    white.save(hidden / "0-checkpoint.png")
    white.save(root / "train" / "loose.png")
    (root / "train" / "forest").rename(tmp_path / "elsewhere")
    (root / "train" / "forest").symlink_to(tmp_path / "elsewhere")
    use(walks)
    assert pixel_stats(root, cache="off") == pytest.approx(expected, rel=1e-9)
    use(compute_mean_and_std)
    assert pixel_stats(root, cache="off") == expected


def test_cache_knows_which_images_were_left_out(root: Path) -> None:
    whole = pixel_stats(root, cache="disk")
    part = pixel_stats(root, cache="disk", left_out=["train/coast/0.png"])
    assert whole != part
    assert pixel_stats(root, cache="disk") == whole
    assert pixel_stats(root, cache="disk", left_out=["train/coast/0.png"]) == part
    assert len(list((root / ".cache").iterdir())) == 2


def test_no_train_folder_and_no_images(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no train/ folder"):
        pixel_stats(tmp_path, cache="off")
    (tmp_path / "train" / "coast").mkdir(parents=True)
    with pytest.raises(ValueError, match="no images"):
        pixel_stats(tmp_path, cache="off")
