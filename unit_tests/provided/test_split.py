"""The validation split: every class on both sides, identical files on one side."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from scene_recog.loading.split import split_train_validation


@pytest.fixture
def files(tmp_path: Path) -> list[tuple[str, int]]:
    """40 files of three classes; files 0 and 7 (same class), 3 and 30 (other class) are twins."""
    dataset = []
    for index in range(40):
        path = tmp_path / f"{index:02d}.jpg"
        path.write_bytes(bytes([{7: 0, 30: 3}.get(index, index)]) * 10)
        dataset.append((str(path), 0 if index < 20 else 1 if index < 30 else 2))
    return dataset


def test_split_is_stratified_complete_and_repeatable(files: list[tuple[str, int]]) -> None:
    training, validation = split_train_validation(files, 0.2, seed=1)
    assert sorted(training + validation) == list(range(40))
    assert training == sorted(training)
    counts = Counter(files[index][1] for index in validation)
    assert 4 <= counts[0] <= 5
    assert counts[1] == 2
    assert 2 <= counts[2] <= 3
    assert split_train_validation(files, 0.2, seed=1) == (training, validation)
    assert split_train_validation(files, 0.2, seed=2) != (training, validation)


def test_twins_stay_on_one_side(files: list[tuple[str, int]]) -> None:
    sides = set()
    for seed in range(30):
        _, validation = split_train_validation(files, 0.3, seed)
        assert (0 in validation) == (7 in validation)
        assert (3 in validation) == (30 in validation)
        sides |= {(0, 0 in validation), (3, 3 in validation)}
    assert len(sides) == 4  # each pair was seen on both sides


def test_a_class_too_small_to_split_is_named(tmp_path: Path) -> None:
    path = tmp_path / "coast" / "only.jpg"
    path.parent.mkdir()
    path.write_bytes(b"1")
    with pytest.raises(ValueError, match=r"coast has 1 images, too few"):
        split_train_validation([(str(path), 0)], 0.1, seed=0)
    with pytest.raises(ValueError, match="val_fraction is 1"):
        split_train_validation([(str(path), 0)], 1, seed=0)
