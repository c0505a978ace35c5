"""Step 1.3: accuracy, loss and saved weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from scene_recog.dl_utils import (
    compute_accuracy,
    compute_loss,
    load_trained_model_weights,
    predict_labels,
    save_trained_model_weights,
)
from scene_recog.simple_net import SimpleNet

LOGITS = torch.tensor(
    [
        [2.0, -1.0, 0.5, 0.0],
        [-5.0, -1.0, -3.0, -2.0],
        [0.1, 0.2, 0.3, 9.0],
        [1.0, 4.0, 3.0, -8.0],
        [0.0, 0.0, 7.0, 1.0],
        [-0.5, -0.6, -0.7, -0.8],
    ]
)  # the highest scores are at 0, 1, 3, 1, 2, 0
LABELS = torch.tensor([0, 1, 2, 2, 2, 3])


class Passing(nn.Module):
    """A model whose logits are its input."""

    def __init__(self, criterion: nn.Module) -> None:
        super().__init__()
        self.loss_criterion = criterion
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight


class SmallNet(nn.Module):
    """A network with running averages, which are saved with the weights."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 3, 5, stride=4), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(675, 4)
        )
        self.loss_criterion = nn.CrossEntropyLoss()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


def test_accuracy_is_the_share_of_right_labels() -> None:
    accuracy = compute_accuracy(LOGITS, LABELS)
    assert isinstance(accuracy, float), f"accuracy must be a float, not a {type(accuracy).__name__}"
    assert accuracy == pytest.approx(3 / 6), (
        "3 of these 6 labels are right: the prediction is the index of the highest score in a row, "
        "and the accuracy a share from 0 to 1"
    )


@pytest.mark.parametrize(
    ("labels", "expected"),
    [([0, 1, 3, 1, 2, 0], 1.0), ([1, 0, 0, 0, 0, 1], 0.0), ([0, 1, 3, 1, 2, 3], 5 / 6)],
)
def test_accuracy_of_all_none_and_most(labels: list[int], expected: float) -> None:
    accuracy = compute_accuracy(LOGITS, torch.tensor(labels))
    assert accuracy == pytest.approx(expected), f"accuracy should be {expected:.3f}"


def test_accuracy_of_one_image() -> None:
    assert compute_accuracy(LOGITS[:1], LABELS[:1]) == pytest.approx(1.0), (
        "a batch may be one image"
    )


def test_accuracy_with_more_classes_than_images() -> None:
    logits = torch.zeros(2, 15)
    logits[0, 14], logits[1, 3] = 1.0, 1.0
    accuracy = compute_accuracy(logits, torch.tensor([14, 4]))
    assert accuracy == pytest.approx(0.5), "take the highest score of each row (dim=1)"


def test_predicted_labels_are_the_highest_scores() -> None:
    model = Passing(nn.CrossEntropyLoss())
    labels = predict_labels(model, LOGITS)
    assert labels.shape == (6,), "one label for each image: shape [N]"
    assert labels.tolist() == [0, 1, 3, 1, 2, 0], "the label is the index of the highest score"
    assert not labels.dtype.is_floating_point, "labels are class indices: integers"


def test_prediction_of_one_image() -> None:
    labels = predict_labels(Passing(nn.CrossEntropyLoss()), LOGITS[2:3])
    assert labels.shape == (1,), "a batch of one image must give one label, shape [1]"
    assert labels.tolist() == [3]


def test_prediction_runs_the_model() -> None:
    model = Passing(nn.CrossEntropyLoss())
    with torch.no_grad():
        model.weight.fill_(-1.0)
    logits = LOGITS[[0, 1, 2, 3, 5]]
    assert predict_labels(model, logits).tolist() == [1, 0, 0, 3, 3], (
        "predict_labels must pass x through the model"
    )


@pytest.mark.parametrize("training", [True, False])
def test_prediction_leaves_the_mode_alone(training: bool) -> None:
    model = Passing(nn.CrossEntropyLoss()).train(training)
    predict_labels(model, LOGITS)
    assert model.training == training, (
        "train or eval mode is the caller's choice: leave it as it is"
    )


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_loss_is_normalized_once(reduction: str) -> None:
    model = Passing(nn.CrossEntropyLoss(reduction=reduction))
    each = -LOGITS.log_softmax(1)[range(6), LABELS]
    loss = compute_loss(model, LOGITS, LABELS)
    assert loss.shape == (), "the loss must be one number"
    assert torch.allclose(loss, each.mean()), (
        f"with is_normalize (the default) and a criterion of reduction={reduction!r}, the loss "
        "must be the mean over the batch: do not divide what is a mean already"
    )
    loss = compute_loss(model, LOGITS, LABELS, is_normalize=True)
    assert torch.allclose(loss, each.mean()), "is_normalize=True is the mean over the batch"
    loss = compute_loss(model, LOGITS, LABELS, is_normalize=False)
    assert loss.shape == (), "the loss must be one number"
    assert torch.allclose(loss, each.sum()), (
        f"with is_normalize=False and a criterion of reduction={reduction!r}, the loss must be the "
        "sum over the batch"
    )


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_loss_leaves_the_criterion_alone(reduction: str) -> None:
    model = Passing(nn.CrossEntropyLoss(reduction=reduction))
    compute_loss(model, LOGITS, LABELS, is_normalize=True)
    compute_loss(model, LOGITS, LABELS, is_normalize=False)
    assert model.loss_criterion.reduction == reduction, "do not change the model's loss_criterion"


def test_loss_is_the_model_s_own() -> None:
    criterion = nn.MultiMarginLoss()
    loss = compute_loss(Passing(criterion), LOGITS, LABELS)
    assert torch.allclose(loss, criterion(LOGITS, LABELS)), (
        "use model.loss_criterion, whatever it is, instead of a loss of your own"
    )


def test_loss_can_be_differentiated() -> None:
    logits = LOGITS.clone().requires_grad_()
    compute_loss(Passing(nn.CrossEntropyLoss()), logits, LABELS).backward()
    expected = (LOGITS.softmax(1) - nn.functional.one_hot(LABELS, 4)) / 6
    assert logits.grad is not None, (
        "the loss must stay a tensor that knows its gradient: no .item()"
    )
    assert torch.allclose(logits.grad, expected, atol=1e-6), "the gradient must be (p - y) / N"


@pytest.mark.parametrize("network", [SimpleNet, SmallNet])
def test_saved_file_holds_class_name_and_weights(network: type[nn.Module], tmp_path: Path) -> None:
    model = network().train()
    model(torch.randn(8, 1, 64, 64) * 2 + 1)  # moves the running averages of batch norm
    save_trained_model_weights(model, str(tmp_path))
    path = tmp_path / f"trained_{network.__name__}_final.pt"
    assert path.is_file(), f"the weights must be in {path.name}, in the folder out_dir"
    saved = torch.load(path, map_location="cpu", weights_only=True)
    assert set(saved) == {"class_name", "state_dict"}, "save a dict with class_name and state_dict"
    assert saved["class_name"] == network.__name__, "class_name is the name of the model's class"
    assert saved["state_dict"].keys() == model.state_dict().keys(), "save the whole state_dict"
    for name, value in model.state_dict().items():
        assert torch.equal(saved["state_dict"][name], value), f"{name} was not saved as it is"


def test_saved_weights_come_back(tmp_path: Path) -> None:
    model = SimpleNet()
    save_trained_model_weights(model, tmp_path)
    loaded = load_trained_model_weights(str(tmp_path / "trained_SimpleNet_final.pt"))
    assert isinstance(loaded, SimpleNet), "loading must give back a network of the saved class"
    assert not loaded.training, "a trained network comes back in eval mode, ready to predict"
    x = torch.randn(3, 1, 64, 64)
    assert torch.equal(loaded(x), model(x)), "the loaded network must score as the saved one"


def test_saving_again_replaces_the_file(tmp_path: Path) -> None:
    first, second = SimpleNet(), SimpleNet()
    save_trained_model_weights(first, tmp_path)
    save_trained_model_weights(second, tmp_path)
    assert len(list(tmp_path.iterdir())) == 1, "saving must leave one file, with the latest weights"
    loaded = load_trained_model_weights(tmp_path / "trained_SimpleNet_final.pt")
    x = torch.randn(2, 1, 64, 64)
    assert torch.equal(loaded(x), second(x)), "the file must hold the weights saved last"


def test_folder_is_made_if_need_be(tmp_path: Path) -> None:
    save_trained_model_weights(SimpleNet(), tmp_path / "not" / "yet" / "there")
    assert (tmp_path / "not" / "yet" / "there" / "trained_SimpleNet_final.pt").is_file(), (
        "make the folder out_dir if it is not there: a training run should not end in an error"
    )


def test_weights_go_into_a_given_model(tmp_path: Path) -> None:
    saved, given = SmallNet(), SmallNet()
    saved(torch.randn(8, 1, 64, 64) * 2 + 1)
    save_trained_model_weights(saved, tmp_path)
    loaded = load_trained_model_weights(tmp_path / "trained_SmallNet_final.pt", given)
    assert loaded is given, "fill the model that was passed, and return it"
    assert not loaded.training, "a trained network comes back in eval mode, ready to predict"
    x = torch.randn(2, 1, 64, 64)
    assert torch.equal(given(x), saved.eval()(x)), "the given model must score as the saved one"


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    save_trained_model_weights(SimpleNet(), tmp_path)
    with pytest.raises(ValueError, match="SimpleNet"):
        load_trained_model_weights(tmp_path / "trained_SimpleNet_final.pt", SmallNet())


def test_missing_or_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "trained_SimpleNet_final.pt"
    with pytest.raises(FileNotFoundError, match=path.name):
        load_trained_model_weights(path)
    path.write_bytes(b"no weights")
    with pytest.raises(ValueError, match=path.name):
        load_trained_model_weights(path)


@pytest.mark.parametrize("class_name", ["NoSuchNet", "SimpleNetFinal"])
def test_network_is_built_by_the_saved_class_name(class_name: str, tmp_path: Path) -> None:
    path = tmp_path / f"trained_{class_name}_final.pt"
    torch.save({"class_name": class_name, "state_dict": SimpleNet().state_dict()}, path)
    # These weights fit SimpleNet only. NotImplementedError: SimpleNetFinal is not written yet.
    with pytest.raises((ValueError, NotImplementedError), match=f"{class_name}|write"):
        load_trained_model_weights(path)
