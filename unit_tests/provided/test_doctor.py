"""The training doctor: each symptom is produced and found, and correct work gets no line."""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision import transforms

from scene_recog import cli, models
from scene_recog.data_transforms import (
    get_all_transforms,
    get_fundamental_normalization_transforms,
    get_fundamental_transforms,
)
from scene_recog.dl_utils import compute_loss
from scene_recog.image_loader import ImageLoader
from scene_recog.models.scene_net import SceneNet
from scene_recog.recipes import RECIPES
from scene_recog.runner import Trainer
from scene_recog.runs.checkpoint import read_checkpoint
from scene_recog.runs.run_folder import read_findings
from scene_recog.simple_net import SimpleNet
from scene_recog.simple_net_final import SimpleNetFinal
from scene_recog.system.interrupts import Interrupted
from scene_recog.training import doctor, symptoms
from scene_recog.training.memorizing import layer_gradients, learn_by_heart
from scene_recog.training.options import TrainerOptions
from scene_recog.visualize.report import write_report

SIDE = 16
PLAIN = get_fundamental_transforms((SIDE, SIDE))
NORMALIZED = get_fundamental_normalization_transforms((SIDE, SIDE), [0.5], [0.25])


class Net(nn.Module):
    """A small correct network for small images, with a place for a mistake."""

    def __init__(self, *last: nn.Module, outputs: int = 15, norm: bool = False) -> None:
        super().__init__()
        self.conv_layers = nn.Sequential(
            nn.Conv2d(1, 6, 5, stride=2),  # [N, 6, 6, 6]
            nn.BatchNorm2d(6) if norm else nn.Identity(),
            nn.ReLU(),
            nn.Dropout(0.2),
        )
        self.fc_layers = nn.Sequential(nn.Flatten(), nn.Linear(216, outputs), *last)
        self.loss_criterion: nn.Module = nn.CrossEntropyLoss()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        maps = self.conv_layers(x)
        logits: torch.Tensor = self.fc_layers(maps)
        return logits


@pytest.fixture
def train(
    make_trainer: Callable[..., Trainer],
) -> Callable[..., dict[str, str]]:
    """Train a net for some epochs of 12 steps; returns symptom -> line."""

    def run(model: nn.Module, epochs: int = 1, lr: float = 0.01, **options: Any) -> dict[str, str]:
        defaults = {
            "train_data_transforms": PLAIN,
            "val_data_transforms": PLAIN,
            "batch_size": 8,
            "load_from_disk": False,
        }
        trainer = make_trainer(model, lr, **defaults | options)
        trainer._schedule.start(0, epochs, len(trainer.train_loader))
        for _ in range(epochs):
            trainer._run_epoch()  # without saving and drawing, which take longer
        return dict(trainer.checkup.findings)

    return run


Train = Callable[..., dict[str, str]]

# -------------------------------------------------------------------- no line without a reason


@pytest.mark.parametrize(("batch_size", "epochs"), [(1, 1), (3, 2), (9, 5)])
def test_right_networks_get_no_line(train: Train, batch_size: int, epochs: int) -> None:
    for net in (Net(), Net(nn.Dropout(0.5)), Net(outputs=40)):
        assert train(net, epochs, 0.003, batch_size=batch_size) == {}


@pytest.mark.parametrize("net", [SimpleNet, SimpleNetFinal, functools.partial(SceneNet, width=4)])
def test_the_project_s_networks_get_no_line(
    make_trainer: Callable[..., Trainer],
    net: Callable[[], nn.Module],
    capsys: pytest.CaptureFixture[str],
) -> None:
    both = get_fundamental_normalization_transforms((64, 64), [0.5], [0.25])
    trainer = make_trainer(
        net(), 0.01, train_data_transforms=get_all_transforms((64, 64), [0.5], [0.25]),
        val_data_transforms=both, batch_size=8, mixup=0.2, label_smoothing=0.1, ema_decay=0.9,
    )  # fmt: skip
    trainer._schedule.start(0, 5, len(trainer.train_loader))
    for _ in range(5):
        trainer._run_epoch()
    assert trainer.checkup.findings == []
    assert "doctor" not in capsys.readouterr().err


def test_odd_but_right_settings_get_no_line(train: Train) -> None:
    class Heavy(Net):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.dropout(super().forward(x), 0.6, self.training)

    darker = transforms.Compose([transforms.ColorJitter((0.1, 0.2)), *NORMALIZED.transforms])
    weighted = Net()
    weighted.loss_criterion = nn.CrossEntropyLoss(torch.linspace(0.05, 0.1, 15))
    summed = Net()
    summed.loss_criterion = nn.CrossEntropyLoss(reduction="sum")
    log_probabilities = Net(nn.LogSoftmax(dim=1))
    log_probabilities.loss_criterion = nn.NLLLoss()
    frozen = Net(norm=True)
    for parameter in frozen.conv_layers.parameters():
        parameter.requires_grad_(False)
    assert train(Heavy(), 5) == {}
    assert train(Net(), train_data_transforms=darker, val_data_transforms=NORMALIZED) == {}
    assert train(weighted, 5) == {}
    assert train(summed, 5) == {}
    assert train(log_probabilities, 5) == {}
    assert train(frozen, 5) == {}
    assert train(Net(), 8, val_fraction=0.4, cutmix=1.0) == {}


def test_a_trained_network_is_not_taken_for_a_mistake(train: Train) -> None:
    net = Net()
    assert train(net, 25, 0.005) == {}
    assert train(net, 5, 1e-3) == {}  # a new run from trained weights: the loss starts low
    assert train(net, 5, 1e-5) == {}  # and hardly moves


def test_two_classes_and_few_images_get_no_line(
    train: Train, sketches: Path, tmp_path: Path
) -> None:
    for split in ("train", "test"):
        for name in ("coast", "office"):
            shutil.copytree(sketches / split / name, tmp_path / "two" / split / name)
    assert train(Net(outputs=2), 30, data_dir=tmp_path / "two", batch_size=4) == {}


# -------------------------------------------------------------------- the first batch


def test_a_mean_that_is_divided_again(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    def divided(*given: Any, **options: Any) -> torch.Tensor:
        return compute_loss(*given) / len(given[2])

    def summed(*given: Any, **options: Any) -> torch.Tensor:
        return compute_loss(*given) * len(given[2])

    monkeypatch.setattr("scene_recog.training.loss.compute_loss", divided)
    found = train(Net())
    assert list(found) == ["first loss"]
    assert "8 times more, and the batch has 8 images" in found["first loss"]
    assert "divides the mean by the batch size again" in found["first loss"]
    monkeypatch.setattr("scene_recog.training.loss.compute_loss", summed)
    assert "compute_loss returns the sum" in train(Net(), lr=1e-3)["first loss"]


def test_a_loss_that_starts_far_too_high(train: Train) -> None:
    in_bytes = transforms.Compose([*PLAIN.transforms, transforms.Lambda(lambda x: 255 * x)])
    options = {"train_data_transforms": in_bytes, "val_data_transforms": in_bytes}
    found = train(Net(), lr=1e-6, **options)
    assert "guessing gives log(15) = 2.71: the inputs reach 2" in found["first loss"]
    assert "ToTensor" in found["first loss"]
    net = Net()
    nn.init.normal_(list(net.parameters())[-2], std=20)  # of the last layer
    assert "keep torch's default initial weights" in train(net, lr=1e-6)["first loss"]


@pytest.mark.parametrize(
    ("last", "text"),
    [
        (nn.Softmax(dim=1), "ends in softmax, and the loss applies it again"),
        (nn.LogSoftmax(dim=1), "is harmless but does nothing"),
        (nn.Sigmoid(), "ends in a sigmoid"),
        (nn.ReLU(), "ends in a ReLU"),
    ],
)
def test_a_last_layer_that_does_not_belong_there(train: Train, last: nn.Module, text: str) -> None:
    found = train(Net(last))
    assert list(found) == ["outputs"]
    assert text in found["outputs"]


def test_log_probabilities_are_missed(train: Train) -> None:
    net = Net()
    net.loss_criterion = nn.NLLLoss()
    assert "use nn.CrossEntropyLoss()" in train(net, lr=1e-6)["outputs"]


def test_eval_mode_in_training(train: Train) -> None:
    class Asleep(Net):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.eval()
            return super().forward(x)

    class HalfAsleep(Net):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.conv_layers.eval()
            return super().forward(x)

    assert train(Asleep())["mode"].startswith("the network is in eval mode while it trains")
    assert "conv_layers.1, conv_layers.3 are in eval mode" in train(HalfAsleep(norm=True))["mode"]


def test_dropout_that_eval_does_not_stop(train: Train) -> None:
    class Random(Net):
        def forward(self, x: torch.Tensor) -> Any:
            return self.fc_layers(F.dropout(self.conv_layers(x), 0.5))

    class Awake(Net):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.train()
            return super().forward(x)

    found = train(Random())
    assert list(found) == ["random"]
    assert "the same image gets different outputs" in found["random"]
    assert "conv_layers.3 is in training mode while" in train(Awake())["random"]


def test_batches_of_one_image_with_batch_norm(train: Train) -> None:
    assert (
        "it normalizes an image by its own mean in training"
        in train(Net(norm=True), batch_size=1)["one image"]
    )
    flat = Net(nn.BatchNorm1d(15))
    with pytest.raises(
        ValueError, match=r"nn\.BatchNorm1d needs at least two: choose a batch_size"
    ):
        train(flat, batch_size=89)


def test_a_loss_without_gradient_is_one_line(train: Train) -> None:
    class Cut(Net):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x).detach()

    with pytest.raises(ValueError, match=r"the loss has no gradient: .*\.detach\(\)"):
        train(Cut())


def test_inputs_that_are_not_normalized_alike(train: Train) -> None:
    def of(training: Any, validation: Any, **options: Any) -> str:
        options |= {"train_data_transforms": training, "val_data_transforms": validation}
        found = train(Net(), **options)
        assert list(found) == ["inputs"]
        return found["inputs"]

    def and_then(*steps: tuple[float, float]) -> transforms.Compose:
        return transforms.Compose(
            [*PLAIN.transforms, *(transforms.Normalize([m], [s]) for m, s in steps)]
        )

    twice, in_bytes = and_then((0.5, 0.25), (0.5, 0.25)), and_then((116.0, 64.0))
    hidden = transforms.Compose([transforms.Lambda(lambda x: x), *NORMALIZED.transforms])
    hidden.transforms.insert(-1, transforms.Lambda(lambda x: (x - 0.5) / 0.25))
    recipe = {"extra_config": {"recipe": {"normalize": True}}}
    assert "only validation is normalized" in of(PLAIN, NORMALIZED)
    assert "training has Normalize, validation does not" in of(NORMALIZED, PLAIN)
    assert "the recipe normalizes, but the inputs range from" in of(PLAIN, PLAIN, **recipe)
    assert "normalized twice" in of(twice, twice)
    assert "normalized twice" in of(hidden, hidden)
    assert "not about 0 and 1: pass the mean and std of the pixels" in of(in_bytes, in_bytes)
    # correct in another way: pixels from 0 to 255, and their mean and std
    by_hand = transforms.Compose([*PLAIN.transforms, transforms.Lambda(lambda x: 255 * x)])
    by_hand.transforms.append(transforms.Normalize([128.0], [64.0]))
    for right in (NORMALIZED, and_then((0.5, 0.5)), by_hand):
        assert train(Net(), train_data_transforms=right, val_data_transforms=right) == {}


def test_labels_in_another_order(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    right = ImageLoader.get_classes

    def backwards(self: ImageLoader) -> dict[str, int]:
        return {name: 14 - number for name, number in right(self).items()}

    def of_split(self: ImageLoader) -> dict[str, int]:
        return right(self) if self.split == "train" else backwards(self)

    monkeypatch.setattr(ImageLoader, "get_classes", backwards)
    assert "tallbuilding, suburb, street, ...: not in alphab" in train(Net())["labels"]
    monkeypatch.setattr(ImageLoader, "get_classes", of_split)
    assert "class bedroom is number 0 in training and 14 in" in train(Net())["labels"]
    monkeypatch.undo()
    listed = ImageLoader.load_imagepaths_with_labels

    def shifted(self: ImageLoader, class_labels: dict[str, int]) -> list[tuple[str, int]]:
        return [(path, (label + 1) % 15) for path, label in listed(self, class_labels)]

    monkeypatch.setattr(ImageLoader, "load_imagepaths_with_labels", shifted)
    found = train(Net())["labels"]
    assert "90 of 90 images do not have the label of their folder" in found
    assert "such as train/bedroom/image_0001.jpg: 1, but class_dict says 0" in found


def test_numbers_of_classes_with_gaps() -> None:
    assert "must be 0 to 1" in symptoms.class_order({"a": 1, "b": 2}, {})
    assert symptoms.class_order({"Bay": 1, "alp": 0}, {"Bay": 1, "alp": 0}) == ""
    assert symptoms.class_order({"Bay": 0, "alp": 1}, {}) == ""


# -------------------------------------------------------------------- the first steps


def test_a_loss_that_does_not_move(train: Train) -> None:
    assert "the learning rate is 0" in train(Net(), 5, 0.0)["not moving"]
    found = train(Net(), 5, 1e-7)
    assert list(found) == ["not moving"]
    assert "has not changed in 50 steps" in found["not moving"]
    assert "the learning rate (1e-07) is too small" in found["not moving"]


def test_an_optimizer_over_frozen_weights(train: Train) -> None:
    class Unused(Net):
        def __init__(self) -> None:
            super().__init__()
            self.spare = nn.Linear(3, 3)

    net = Unused()
    for layers in (net.conv_layers, net.fc_layers[:-1]):
        layers.requires_grad_(False)
    net.fc_layers[-1].requires_grad_(False)
    scale = nn.Parameter(torch.ones(()))  # it is not in the network's optimizer
    forward = net.forward
    net.forward = lambda x: forward(x) * scale  # type: ignore[method-assign]
    assert "none of the optimizer's weights gets a gradient" in train(net, 5)["not moving"]


def test_outputs_that_are_equal_for_all_images(train: Train) -> None:
    net = Net()
    nn.init.constant_(list(net.parameters())[1], -50)  # the biases of the first layer
    found = train(net, 5)
    assert list(found) == ["equal outputs"]
    assert "after 50 steps every image gets the same outputs" in found["equal outputs"]


def test_a_layer_without_gradient(train: Train) -> None:
    class Cut(Net):
        def forward(self, x: torch.Tensor) -> Any:
            return self.fc_layers(self.conv_layers(x).detach())

    found = train(Cut(), 5)
    assert list(found) == ["no gradient"]
    assert "has reached conv_layers.0.weight in 50 steps (1 of 2)" in found["no gradient"]


def test_a_loss_that_explodes(train: Train) -> None:
    torch.manual_seed(0)
    found = train(Net(), 5, 0.3, train_data_transforms=NORMALIZED, val_data_transforms=NORMALIZED)
    assert "the learning rate (0.3) is too high" in found["explosion"]
    with pytest.raises(FloatingPointError, match=r"at learning rate 1e\+30, usually too high"):
        train(Net(), 5, 1e30)


# -------------------------------------------------------------------- the epochs


def record(epoch: int, train: float, validation: float, loss: float = 1.0) -> Any:
    from scene_recog.runs.history import EpochRecord

    return EpochRecord(epoch, loss, train, loss, validation, 0.1, 1.0)


def of_epochs(*records: Any, is_last: bool = True, images: int = 300, **options: Any) -> str:
    found = doctor.of_epochs(
        records,
        TrainerOptions.of(batch_size=8, **options),
        images=(2985, images),
        shares=(0.11, 0.11),
        guess=2.7,
        is_last=is_last,
    )
    return " ".join(text for _, text in found)


def test_no_better_than_the_largest_class() -> None:
    stuck = [record(epoch, 0.1, 0.11) for epoch in range(1, 6)]
    assert "always predicting the largest class gives 11.0%" in of_epochs(*stuck, is_last=False)
    assert of_epochs(*stuck[:4]) == ""
    assert of_epochs(*stuck, record(6, 0.15, 0.11)) == ""
    faster = replace(record(6, 0.1, 0.11), learning_rate=0.2)
    assert of_epochs(*stuck, faster, is_last=False) == ""  # a slow start is not over
    assert of_epochs(*stuck, faster) != ""


def test_validation_far_from_training() -> None:
    assert of_epochs(record(40, 1.0, 0.51)) == ""  # part1
    assert of_epochs(record(40, 0.72, 0.89)) == ""  # best
    assert "same transforms (apart from augmentation)" in of_epochs(record(40, 1.0, 0.12))
    assert "has memorized its training images" in of_epochs(record(40, 1.0, 0.3))
    assert of_epochs(record(40, 1.0, 0.3), is_last=False) == ""
    assert of_epochs(record(40, 1.0, 0.12), images=15) == ""
    assert "which augmentation and dropout do not explain" in of_epochs(record(40, 0.5, 0.95))
    assert of_epochs(record(40, 0.5, 0.95), mixup=0.2) == ""


def test_a_loss_that_explodes_late() -> None:
    text = of_epochs(record(5, 0.3, 0.3, 1.5), record(6, 0.1, 0.1, 50.0), is_last=False)
    assert text.startswith("the loss rose from 2.7 to 50 in epoch 6: the learning rate (0.1)")


def test_copies_in_test() -> None:
    assert symptoms.copies_in_test(11, 1500, "test/a/1.jpg") == ""
    assert "90 of 1500 test images are also in train" in symptoms.copies_in_test(
        90, 1500, "test/a/1.jpg"
    )


# -------------------------------------------------------------------- once, kept, and shown


def test_a_line_is_said_once_kept_and_shown(
    make_trainer: Callable[..., Trainer],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = {
        "train_data_transforms": PLAIN, "val_data_transforms": PLAIN, "batch_size": 8,
        "load_from_disk": True,
    }  # fmt: skip
    trainer = make_trainer(Net(nn.Softmax(dim=1)), **options)
    trainer.run_training_loop(1)
    trainer.run_training_loop(1)
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("doctor: ")]
    assert len(lines) == 1
    again = make_trainer(Net(nn.Softmax(dim=1)), **options)
    again.run_training_loop(1)
    assert "doctor" not in capsys.readouterr().err
    assert again.checkup.findings == trainer.checkup.findings
    assert [f"doctor: {text}" for _, text in read_findings(tmp_path / "run")] == lines

    monkeypatch.setattr("scene_recog.visualize.report.MOST_DETAILED", 0)
    page = write_report([tmp_path / "run"], device="cpu").read_text()
    assert "What the doctor said in training" in page
    assert "remove the softmax" in page


def test_an_interrupted_epoch_does_not_repeat_a_line(
    make_trainer: Callable[..., Trainer],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = {"train_data_transforms": PLAIN, "val_data_transforms": PLAIN, "batch_size": 8}
    trainer = make_trainer(Net(nn.Softmax(dim=1)), **options)
    step = trainer.checkup.step

    def stop(*batch: torch.Tensor) -> None:
        step(*batch)
        trainer._stop.signal = 2

    monkeypatch.setattr(trainer.checkup, "step", stop)
    with pytest.raises(Interrupted):
        trainer.run_training_loop(1)
    assert capsys.readouterr().err.count("doctor: ") == 1
    again = make_trainer(Net(nn.Softmax(dim=1)), **options)
    again.run_training_loop(1)
    assert "doctor: " not in capsys.readouterr().err
    assert len(again.checkup.findings) == 1


def test_a_checkpoint_of_a_stranger_is_only_text(tmp_path: Path) -> None:
    strange = [["a", "two\nlines"], ["b"], "text", ["c", 3], {"d": "e"}]
    assert doctor.findings_in({"doctor": strange}) == [("a", "two\\nlines")]
    assert doctor.findings_in({"doctor": 7}) == []
    assert read_findings(tmp_path) == []


def test_training_is_the_same_with_and_without(make_trainer: Callable[..., Trainer]) -> None:
    options = {"train_data_transforms": NORMALIZED, "val_data_transforms": NORMALIZED}
    trainers = []
    for _ in range(2):
        torch.manual_seed(0)
        trainers.append(make_trainer(Net(), **options, batch_size=8, load_from_disk=False))
    with_it, without = trainers
    without.checkup._start = without.checkup._pixels = None
    for trainer in trainers:
        for _ in range(5):
            trainer._run_epoch()
    ours, theirs = with_it.model.state_dict(), without.model.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert with_it.validation_loss_history == without.validation_loss_history


def test_the_start_is_forgotten(make_trainer: Callable[..., Trainer]) -> None:
    trainer = make_trainer(Net(), train_data_transforms=PLAIN, val_data_transforms=PLAIN)
    trainer.run_training_loop(1)
    assert trainer.checkup._pixels is None
    assert trainer.checkup.watch(trainer.val_loader) is trainer.val_loader
    for _ in range(20):
        trainer.train_epoch()
    assert trainer.checkup._start is None


# -------------------------------------------------------------------- the network by itself


def ten(side: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    images = torch.rand(10, 1, side, side, generator=torch.Generator().manual_seed(0))
    return images, torch.arange(10)


@pytest.mark.parametrize("net", [SimpleNet, SimpleNetFinal, functools.partial(SceneNet, width=4)])
def test_right_networks_learn_by_heart(net: Callable[[], nn.Module]) -> None:
    by_heart = learn_by_heart(net, *ten(), torch.device("cpu"))
    assert by_heart.is_whole
    assert {row.verdict for row in layer_gradients(net(), *ten(), torch.device("cpu"))} == {"ok"}


def test_a_network_that_cannot_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scene_recog.training.memorizing.STEPS", 20)

    class Blind(Net):
        def forward(self, x: torch.Tensor) -> Any:
            return self.fc_layers(self.conv_layers(0 * x))

    class Cut(Net):
        def forward(self, x: torch.Tensor) -> Any:
            return self.fc_layers(self.conv_layers(x).detach())

    by_heart = learn_by_heart(Blind, *ten(SIDE), torch.device("cpu"))
    assert not by_heart.is_whole
    frozen = Cut()
    frozen.fc_layers.requires_grad_(False)
    frozen.fc_layers[-1].bias.requires_grad_(True)
    rows = layer_gradients(frozen, *ten(SIDE), torch.device("cpu"))
    assert [row.verdict for row in rows] == ["no gradient", "ok"]
    frozen.requires_grad_(False)
    rows = layer_gradients(frozen, *ten(SIDE), torch.device("cpu"))
    assert [row.verdict for row in rows] == ["frozen", "frozen"]


# -------------------------------------------------------------------- the verb


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_verb_finds_nothing_wrong_with_a_recipe(
    here: Path, sketches: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["doctor", "--recipe", "part1", "--data", str(sketches), "--device", "cpu"]
    assert cli.main([*command, "--set", "batch_size=8"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("part1: SimpleNet on drawn sketches (sketch15)")
    assert "no problems found" in text
    assert "10 of 10 images memorized" in text
    assert "conv_layers.0" in text
    assert list(here.iterdir()) == []


def test_verb_finds_what_is_wrong(
    here: Path, sketches: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "data"
    shutil.copytree(sketches, root)
    for path in (root / "train" / "coast").iterdir():
        shutil.copy(path, root / "test" / "coast" / path.name)
    command = ["doctor", "--recipe", "part1", "--set", "lr=0", "batch_size=8"]
    command += ["--data", str(root), "--json"]
    assert cli.main(command) == 1
    captured = capsys.readouterr()
    answer = json.loads(captured.out)
    assert answer["by_heart"]["is_whole"]
    assert [row["verdict"] for row in answer["layers"]] == ["ok"] * 4
    found = {each["symptom"]: each["text"] for each in answer["findings"]}
    assert "the learning rate is 0" in found["not moving"]
    assert "6 of 34 test images are also in train" in found["copies"]
    assert "doctor: " not in captured.err
    assert cli.main(["doctor", "--recipe", "part1", "--data", "nowhere"]) == 2
    assert cli.main(["doctor", "nothing"]) == 2
    assert cli.main(["doctor", "nothing", "--set", "lr=1"]) == 2


def test_verb_names_softmax_and_not_what_follows_from_it(
    here: Path,
    sketches: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Ending(SimpleNet):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x).softmax(dim=1)

    monkeypatch.setitem(models.NETS, "SimpleNet", Ending)
    command = ["doctor", "--recipe", "part1", "--data", str(sketches), "--device", "cpu"]
    assert cli.main([*command, "--set", "batch_size=8", "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert not answer["by_heart"]["is_whole"]
    found = [each["symptom"] for each in answer["findings"]]
    assert "outputs" in found
    assert "by heart" not in found


def test_verb_tries_the_highest_rate_of_a_schedule(
    here: Path, sketches: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates = []
    monkeypatch.setattr(
        doctor.Checkup,
        "_look_at_first_steps",
        lambda self, start, images, logits: rates.append(start.highest_rate),
    )
    command = ["doctor", "--recipe", "part1", "--data", str(sketches), "--device", "cpu"]
    cli.main([*command, "--set", "batch_size=8", "lr=0.05"])
    assert rates == pytest.approx([0.002, 0.05])


def test_verb_looks_at_a_run(
    here: Path, sketches: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--recipe", "part1", "--epochs", "1", "--set", "batch_size=8", "--device", "cpu"]
    assert cli.main(["train", *options, "--data", str(sketches)]) == 0
    capsys.readouterr()
    folder = here / "model_checkpoints" / "part1-001"
    saved = read_checkpoint(folder / "checkpoint.pt")
    assert saved["doctor"] == []
    torch.save(saved | {"doctor": [["outputs", "something was said"]]}, folder / "checkpoint.pt")
    rows = (folder / "history.csv").read_text().splitlines()
    values = rows[1].split(",")
    values[1] = "99.0"  # train_loss
    (folder / "history.csv").write_text("\n".join([rows[0], ",".join(values)]) + "\n")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert cli.main(["doctor", "part1-001", "--device", "cpu"]) == 1
    text = capsys.readouterr().out
    assert text.startswith("part1-001: SimpleNet on drawn")
    assert "- something was said\n- the loss rose from 2.71 to 99 in epoch 1: " in text
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_every_recipe_starts_without_a_line(
    sketches: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, recipe in RECIPES.items():
        settings = ["batch_size=8", "val_fraction=0.34", "amp=off", "cache=memory"]
        if recipe.width is not None:  # nets for images of any size
            settings += ["width=2", "start_size=None", "input_size=16", "eval_size=16"]
            settings += ["cache_size=24"]
        trainer = recipe.override(settings).make_trainer(sketches, tmp_path / name, device="cpu")
        trainer._schedule.start(0, recipe.epochs, len(trainer.train_loader))
        for _ in range(7):  # 56 steps
            trainer._run_epoch()
        assert trainer.checkup._start is None
        assert trainer.checkup.findings == [], name
    assert "doctor" not in capsys.readouterr().err
