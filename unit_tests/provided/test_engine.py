"""The engine's small parts: splits, schedules, run folders, transforms as data."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms

from scene_recog import data_transforms
from scene_recog.loading.split import split_train_validation
from scene_recog.loading.transform_spec import build_transforms, describe_transforms
from scene_recog.runs import run_folder
from scene_recog.runs.checkpoint import write_checkpoint
from scene_recog.runs.run_folder import EpochRecord
from scene_recog.training.schedule import make_scheduler

# ---------------------------------------------------------------- splits


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


# ---------------------------------------------------------------- schedules


def rates(name: str, steps: int) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    scheduler = make_scheduler(name, optimizer, steps)
    seen = []
    for _ in range(steps):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
    return seen


def test_schedules_have_their_shapes() -> None:
    assert rates("none", 30) == [0.5] * 30
    one_cycle = rates("one-cycle", 100)
    assert one_cycle[0] == pytest.approx(0.5 / 25)
    assert max(one_cycle) == pytest.approx(0.5)
    assert 25 <= one_cycle.index(max(one_cycle)) <= 32
    assert one_cycle[-1] < 1e-4
    cosine = rates("cosine", 100)
    assert cosine[0] == 0.5
    assert cosine[50] == pytest.approx(0.25)
    assert cosine == sorted(cosine, reverse=True)
    step = rates("step", 30)
    assert step == pytest.approx([0.5] * 10 + [0.05] * 10 + [0.005] * 10)
    for name in ("one-cycle", "cosine", "step"):
        assert len(rates(name, 1)) == 1
    with pytest.raises(ValueError, match="cosin"):
        rates("cosin", 3)


# ---------------------------------------------------------------- run folders


def record(epoch: int) -> EpochRecord:
    return EpochRecord(epoch, 2.0 / epoch, 0.5, 1.0, 0.25, 0.1, 3.0)


def test_new_runs_get_numbers_of_their_own(tmp_path: Path) -> None:
    names = [run_folder.new_run_folder(tmp_path / "runs", "part2").name for _ in range(3)]
    assert names == ["part2-001", "part2-002", "part2-003"]


def test_history_survives_a_row_cut_short(tmp_path: Path) -> None:
    for epoch in (1, 2, 3):
        run_folder.append_history(tmp_path, record(epoch))
    path = tmp_path / "history.csv"
    path.write_text(path.read_text()[:-12])
    rows = run_folder.read_history(tmp_path)
    assert [row["epoch"] for row in rows] == [1, 2]
    run_folder.write_history(tmp_path, [record(1)])
    run_folder.append_history(tmp_path, record(2))
    rows = run_folder.read_history(tmp_path)
    assert [row["epoch"] for row in rows] == [1, 2]
    assert rows[1]["train_loss"] == 1.0


def test_find_run_by_path_name_and_file(tmp_path: Path) -> None:
    folder = run_folder.new_run_folder(tmp_path, "part1")
    run_folder.write_config(folder, {"seed": 1})
    write_checkpoint(folder / "checkpoint.pt", {"model_state_dict": {}})
    assert run_folder.find_run(folder) == folder
    assert run_folder.find_run("part1-001", tmp_path) == folder
    assert run_folder.find_run(folder / "checkpoint.pt") == folder
    assert run_folder.list_runs(tmp_path) == [folder]
    with pytest.raises(FileNotFoundError, match=r"no run part9.*part1-001"):
        run_folder.find_run("part9", tmp_path)
    (folder / "config.json").write_text("{broken")
    with pytest.raises(ValueError, match=r"config.json is damaged"):
        run_folder.read_config(folder)


# ---------------------------------------------------------------- transforms as data

PIPELINES = [
    data_transforms.get_fundamental_transforms((40, 50)),
    data_transforms.get_fundamental_augmentation_transforms((64, 64)),
    data_transforms.get_fundamental_normalization_transforms((64, 64), [0.4], [0.2]),
    data_transforms.get_all_transforms((64, 64), (0.4,), (0.2,)),
    transforms.Compose([transforms.Grayscale(), transforms.CenterCrop(32), transforms.ToTensor()]),
]


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_transforms_come_back_from_data(pipeline: transforms.Compose) -> None:
    steps = describe_transforms(pipeline)
    assert steps is not None
    rebuilt = build_transforms(steps)
    assert describe_transforms(rebuilt) == steps
    assert [type(s) for s in rebuilt.transforms] == [type(s) for s in pipeline.transforms]
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (70, 90), dtype=np.uint8))
    torch.manual_seed(1)
    expected = pipeline(image)
    torch.manual_seed(1)
    assert torch.equal(rebuilt(image), expected)


def test_transforms_that_are_not_data_are_known_as_such() -> None:
    assert describe_transforms(transforms.Compose([transforms.Lambda(lambda x: x)])) is None
    assert describe_transforms(lambda x: x) is None
    with pytest.raises(ValueError, match="Exploit"):
        build_transforms([{"name": "Exploit"}])
