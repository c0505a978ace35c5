"""The fast loader returns the same as a DataLoader, and Trainer accepts either."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms

from scene_recog import data_transforms
from scene_recog.image_loader import ImageLoader
from scene_recog.loading.cache import clear_cache
from scene_recog.loading.loaders import BatchLoader, make_loader
from scene_recog.loading.statistics import pixel_stats
from scene_recog.runner import Trainer
from scene_recog.simple_net_final import SimpleNetFinal
from scene_recog.stats_helper import compute_mean_and_std
from scene_recog.training.totals import Totals

CPU = torch.device("cpu")
NORMALIZED = data_transforms.get_fundamental_normalization_transforms((64, 64), [0.45], [0.25])

MakeTrainer = Callable[..., Trainer]


@pytest.fixture
def root(sketches: Path, tmp_path: Path) -> Path:
    """A writable copy of the sketches."""
    return Path(shutil.copytree(sketches, tmp_path / "data", ignore=shutil.ignore_patterns(".*")))


@pytest.mark.parametrize("cache", ["disk", "memory"])
def test_batches_equal_those_of_a_data_loader(root: Path, cache: str) -> None:
    dataset = ImageLoader(root, "test", NORMALIZED)
    ours = make_loader(dataset, 8, shuffle=False, device=CPU, cache=cache)
    assert isinstance(ours, BatchLoader)
    theirs = DataLoader(dataset, 8)
    assert len(ours) == len(theirs) == 4
    for (x, y), (expected_x, expected_y) in zip(ours, theirs, strict=True):
        assert x.dtype == torch.float32
        assert x.shape == expected_x.shape
        assert (x - expected_x).abs().max() <= 1.01 / 255 / 0.25
        assert torch.equal(y, expected_y)


def test_shuffling_shows_every_example_once_in_a_new_order(root: Path) -> None:
    dataset = ImageLoader(root, "train", NORMALIZED)
    loader = make_loader(dataset, 16, shuffle=True, device=CPU, cache="memory")
    plain = torch.stack([dataset[i][0] for i in range(len(dataset))])
    torch.manual_seed(0)
    first = list(loader)
    second = list(loader)
    torch.manual_seed(0)
    again = list(loader)
    x = torch.cat([x for x, _ in first])
    assert not torch.equal(x, torch.cat([x for x, _ in second]))
    assert torch.equal(x, torch.cat([x for x, _ in again]))
    labels = torch.cat([y for _, y in first])
    distance = torch.cdist(x.flatten(1), plain.flatten(1))
    match = distance.argmin(1)
    assert sorted(match.tolist()) == list(range(len(dataset)))
    assert labels.tolist() == [dataset.dataset[index][1] for index in match]


def test_a_part_of_a_split_has_its_own_images(root: Path) -> None:
    dataset = ImageLoader(root, "train", NORMALIZED)
    dataset.dataset = dataset.dataset[70:20:-7]
    ((x, y),) = make_loader(dataset, 100, shuffle=False, device=CPU, cache="disk")
    for index, image in enumerate(x):
        assert (image - dataset[index][0]).abs().max() <= 1.01 / 255 / 0.25
        assert y[index] == dataset[index][1]


def test_the_second_run_reads_no_image(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = ImageLoader(root, "train", NORMALIZED)
    before = list(make_loader(dataset, 32, shuffle=False, device=CPU, cache="disk"))

    def fail(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("an image was opened")

    monkeypatch.setattr(Image, "open", fail)
    after = list(make_loader(dataset, 32, shuffle=False, device=CPU, cache="disk"))
    for (x, _), (other, _) in zip(before, after, strict=True):
        assert torch.equal(x, other)


def test_unknown_transform_falls_back_and_is_named(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Posterize(nn.Module):
        def forward(self, image: Image.Image) -> Image.Image:
            return image.point(lambda level: level // 64 * 64)

    pipeline = transforms.Compose([transforms.Resize((32, 32)), Posterize(), transforms.ToTensor()])
    dataset = ImageLoader(root, "test", pipeline)
    loader = make_loader(dataset, 8, shuffle=False, device=CPU, cache="disk")
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "Posterize" in message
    x, _ = next(iter(loader))
    assert torch.equal(x[0], dataset[0][0])


def test_cache_off_is_the_course_s_way(root: Path) -> None:
    dataset = ImageLoader(root, "test", NORMALIZED)
    loader = make_loader(dataset, 8, shuffle=False, device=CPU, cache="off")
    assert isinstance(loader, DataLoader)
    assert not (root / ".cache").exists()


def test_trainer_takes_loaders_of_the_student(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer()
    x, y = next(iter(trainer.train_loader))
    assert x.shape == (32, 1, 64, 64)
    assert y.shape == (32,)
    trainer.train_loader = DataLoader(trainer.train_dataset, 45, shuffle=True)
    trainer.val_loader = [(x, y)]
    trainer.run_training_loop(1)
    with torch.no_grad():
        expected = nn.functional.cross_entropy(trainer.model(x), y).item()
    assert trainer.validation_loss_history[0] == pytest.approx(expected, rel=1e-5)


def test_same_training_with_and_without_the_cache(
    make_trainer: MakeTrainer, tmp_path: Path
) -> None:
    disk, memory = (
        make_trainer(model_dir=tmp_path / cache, cache=cache) for cache in ("disk", "memory")
    )
    disk.run_training_loop(2)
    memory.run_training_loop(2)
    for ours, theirs in zip(disk.model.parameters(), memory.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_totals_are_weighed_by_batch_size() -> None:
    totals = Totals(CPU)
    totals.add(torch.tensor(1.0), torch.eye(3), torch.tensor([0, 1, 2]))
    totals.add(torch.tensor(5.0), torch.eye(3)[:1], torch.tensor([1]))
    assert totals.means() == (2.0, 0.75)
    assert totals.first_non_finite() is None
    totals.add(torch.tensor(float("inf")), torch.eye(3), torch.tensor([0, 1, 2]), rate=0.5)
    assert totals.first_non_finite() == (float("inf"), 3, 0.5)


def test_bfloat16_computes_otherwise_but_trains(make_trainer: MakeTrainer, tmp_path: Path) -> None:
    plain = make_trainer(SimpleNetFinal(), model_dir=tmp_path / "plain")
    torch.manual_seed(0)
    half = make_trainer(SimpleNetFinal(), model_dir=tmp_path / "half", amp="on")
    half.model.load_state_dict(plain.model.state_dict())
    assert half.validate()[0] == pytest.approx(plain.validate()[0], rel=0.02)
    assert half.validate()[0] != plain.validate()[0]
    half.run_training_loop(1)
    assert half.config["bfloat16"] is True
    assert all(p.dtype == torch.float32 for p in half.model.parameters())


def test_pixel_stats_are_measured_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = compute_mean_and_std(root / "train")
    assert pixel_stats(root, cache="disk") == expected

    def fail(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("an image was opened")

    with monkeypatch.context() as patch:
        patch.setattr(Image, "open", fail)
        assert pixel_stats(root, cache="disk") == expected
    image = next((root / "train" / "coast").iterdir())
    Image.new("L", (300, 300), 255).save(image)
    changed = pixel_stats(root, cache="disk")
    assert changed != expected
    assert changed == compute_mean_and_std(root / "train")
    next((root / ".cache").glob("stats-*.json")).write_text("[1")  # damaged: measured anew
    assert pixel_stats(root, cache="disk") == changed
    assert clear_cache(root / ".cache") > 0
    assert not (root / ".cache").exists()
