"""Step 1.3: accuracy, loss and saved weights."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fakes import FakeNet, SimpleNet, SimpleNetFinal, SmallNet
from steps import cannot_judge
from torch import nn

from scene_recog import dl_utils

SEED = 0  # of the weights
SCORES = [
    [2.0, -1.0, 0.5, 0.0],
    [-5.0, -1.0, -3.0, -2.0],
    [0.1, 0.2, 0.3, 9.0],
    [1.0, 4.0, 3.0, -8.0],
    [0.0, 0.0, 7.0, 1.0],
    [-0.5, -0.6, -0.7, -0.8],
]
PREDICTED = [0, 1, 3, 1, 2, 0]  # where the highest scores are
TARGETS = [0, 1, 2, 2, 2, 3]
ALL_RIGHT = [0, 1, 3, 1, 2, 0]
NONE_RIGHT = [1, 0, 0, 0, 0, 1]
MOST_RIGHT = [0, 1, 3, 1, 2, 3]
LOWEST = {0: 1, 1: 0, 2: 0, 3: 3, 5: 3}  # row: where its lowest score is, if it is unique
FAR_APART = [14, 3]  # where the highest of 15 scores are
FAR_APART_TARGETS = [14, 4]
MAPS = 3  # of the small networks that are saved

LOGITS, LABELS = torch.tensor(SCORES), torch.tensor(TARGETS)
COUNT, CLASSES = LOGITS.shape
LOSSES = -LOGITS.log_softmax(1)[range(COUNT), LABELS]  # cross-entropy of each example


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(SEED)


def trained(model: nn.Module) -> nn.Module:
    """The model, with running averages other than 0 and 1."""
    model.train()(torch.randn(8, 1, 64, 64) * 2 + 1)
    return model


def images(scores: torch.Tensor) -> torch.Tensor:
    """Images [N, 1, 64, 64] for which FakeNet gives these scores, and -99 for other classes."""
    x = torch.full((len(scores), 1, 64, 64), -99.0)
    x[:, 0, 0, : scores.shape[1]] = scores
    return x


def number(value: Any, function: str) -> float:
    """The function's result as a Python float."""
    assert value is not None, f"{function} returns None: does it end with a return?"
    array = np.asarray(value.detach().cpu() if isinstance(value, torch.Tensor) else value)
    assert array.size == 1, (
        f"{function} returns {array.size} numbers: expected one for the whole batch"
    )
    return float(array.item())


# ------------------------------------------------------------------- accuracy


def check_accuracy(logits: torch.Tensor, labels: torch.Tensor) -> None:
    hits = logits.argmax(1) == labels
    right, images_count, classes = int(hits.sum()), *logits.shape
    try:
        got = number(dl_utils.compute_accuracy(logits, labels), "compute_accuracy")
    except RuntimeError as error:
        raise AssertionError(
            f"compute_accuracy raises an error for logits [{images_count}, {classes}] and labels "
            f"[{images_count}]: {error}. The prediction is the argmax of each row, dim=1"
        ) from error
    every_pair = (logits.argmax(1)[:, None] == labels).float().mean().item()
    lowest = (logits.argmin(1) == labels).float().mean().item()
    hints = [
        (right, "This is the number of correct predictions: divide it by the number of images."),
        (100 * right / images_count, "The accuracy is a fraction from 0 to 1, not a percentage."),
        (right / classes, f"This is divided by the {classes} classes: divide by the images."),
        (1 - right / images_count, "This is the fraction of wrong predictions."),
        (round(right / images_count, 2), "Do not round it."),
        (every_pair, "This compares each prediction with each label: both should have shape [N]."),
        (lowest, "This takes the lowest score as the prediction."),
    ]
    assert got == pytest.approx(right / images_count, abs=1e-4), (
        f"{right} of {images_count} predictions (the index of the highest score in each row) are "
        f"correct: expected accuracy {right / images_count:.4f}, got {got:.4f}.{hint(got, hints)}"
    )


def hint(got: float, hints: list[tuple[float, str]]) -> str:
    """The likely cause of a wrong number, with a space before it; "" if unknown."""
    return next((f" {text}" for value, text in hints if got == pytest.approx(value, rel=1e-4)), "")


def test_accuracy_is_the_share_of_right_predictions() -> None:
    check_accuracy(LOGITS, LABELS)


@pytest.mark.parametrize("labels", [ALL_RIGHT, NONE_RIGHT, MOST_RIGHT])
def test_accuracy_of_all_none_and_most(labels: list[int]) -> None:
    check_accuracy(LOGITS, torch.tensor(labels))


def test_accuracy_of_one_image() -> None:
    check_accuracy(LOGITS[:1], LABELS[:1])


def test_accuracy_with_more_classes_than_images() -> None:
    logits = torch.zeros(len(FAR_APART), 15)
    logits[range(len(FAR_APART)), FAR_APART] = 1.0
    check_accuracy(logits, torch.tensor(FAR_APART_TARGETS))


# ----------------------------------------------------------------- prediction


def check_predictions(model: nn.Module, x: torch.Tensor, expected: list[int], why: str) -> None:
    labels = dl_utils.predict_labels(model, x)
    assert labels is not None, "predict_labels returns None: does it end with a return?"
    labels = labels.detach().cpu() if isinstance(labels, torch.Tensor) else labels
    array = np.asarray(labels)
    assert array.shape == (len(x),), (
        f"predict_labels returns shape {list(array.shape)} for {len(x)} image(s): expected one "
        f"label for each image, shape [{len(x)}] (argmax over dim=1 of the scores)"
    )
    assert np.issubdtype(array.dtype, np.integer), (
        f"predict_labels returns {array.dtype} numbers, {array.tolist()}: expected integer class "
        f"indices, {expected} (argmax over the scores of each image)"
    )
    assert array.tolist() == expected, f"expected labels {expected}, got {array.tolist()}: {why}"


def test_predicted_labels_are_the_highest_scores() -> None:
    why = "the label is the index of the highest score in each row, counted from 0"
    check_predictions(FakeNet(), images(LOGITS), PREDICTED, why)


def test_prediction_of_one_image() -> None:
    check_predictions(FakeNet(), images(LOGITS[2:3]), PREDICTED[2:3], "a batch may be one image")


def test_prediction_runs_the_model() -> None:
    model = FakeNet()
    with torch.no_grad():
        model.weight.fill_(-1.0)
    x = images(LOGITS[list(LOWEST)])
    x[:, 0, 0, CLASSES:15] = 99.0
    why = "the scores are model(x)"
    check_predictions(model, x, list(LOWEST.values()), why)


# ----------------------------------------------------------------------- loss


def loss_of(criterion: nn.Module, **options: bool) -> float:
    return number(
        dl_utils.compute_loss(FakeNet(criterion), LOGITS.clone(), LABELS, **options),
        "compute_loss",
    )


def loss_hint(got: float) -> str:
    of_probabilities = nn.functional.cross_entropy(LOGITS.softmax(1), LABELS).item()
    softmax = "This is the loss of softmax(scores): nn.CrossEntropyLoss takes the raw scores."
    total, mean = LOSSES.sum().item(), LOSSES.mean().item()
    again = (
        "The criterion is already a mean over the batch: if you divide by the batch size again, "
        "the loss is N times too small, and the net learns N times too slowly."
    )
    return hint(
        got,
        [
            (mean / COUNT, again),
            (total, "This is the sum over the batch."),
            (mean, "This is the mean over the batch; the sum is N times as large."),
            (total / CLASSES, "This is divided by the number of classes, not of images."),
            (mean * CLASSES, "This is multiplied by the number of classes, not of images."),
            (of_probabilities, softmax),
            (of_probabilities * COUNT, softmax),
        ],
    )


def test_loss_is_the_mean_over_the_batch() -> None:
    expected = LOSSES.mean().item()
    for name, options in [
        ("with is_normalize=True", {"is_normalize": True}),
        ("by default (is_normalize is True then)", {}),
    ]:
        got = loss_of(nn.CrossEntropyLoss(), **options)
        assert got == pytest.approx(expected, rel=1e-4), (
            f"{name}, the loss is the mean of the {COUNT} examples' losses: expected "
            f"{expected:.4f}, got {got:.4f}.{loss_hint(got)}"
        )


def test_loss_is_the_sum_when_not_normalized() -> None:
    expected = LOSSES.sum().item()
    got = loss_of(nn.CrossEntropyLoss(), is_normalize=False)
    assert got == pytest.approx(expected, rel=1e-4), (
        f"with is_normalize=False, the loss is the sum of the {COUNT} examples' losses: expected "
        f"{expected:.4f}, got {got:.4f}.{loss_hint(got)}"
    )


def test_loss_is_the_model_s_own() -> None:
    if loss_of(nn.CrossEntropyLoss()) != pytest.approx(LOSSES.mean().item(), rel=1e-4):
        cannot_judge("the mean loss is wrong (see test_loss_is_the_mean_over_the_batch)")
    criterion = nn.MultiMarginLoss()
    expected, got = criterion(LOGITS, LABELS).item(), loss_of(criterion)
    assert got == pytest.approx(expected, rel=1e-4), (
        f"this model's loss_criterion is nn.MultiMarginLoss(): expected {expected:.4f}, got "
        f"{got:.4f}. Call model.loss_criterion, whatever it is, not a loss of your own."
    )


def test_loss_can_be_differentiated() -> None:
    logits = LOGITS.clone().requires_grad_()
    loss = dl_utils.compute_loss(FakeNet(), logits, LABELS)
    number(loss, "compute_loss")
    assert getattr(loss, "requires_grad", False), (
        f"the loss, {loss!r}, has lost its graph, so loss.backward() cannot train the net: do not "
        "use .item(), .detach() or float() on the way"
    )
    loss.backward()
    gradient = torch.zeros(1) if logits.grad is None else logits.grad
    assert gradient.abs().sum() > 0, (
        "loss.backward() gives the scores no gradient: use no .detach() or torch.tensor(...) on "
        "the way"
    )


# -------------------------------------------------------------------- weights


def check_saved(model: nn.Module, folder: Path) -> None:
    name = type(model).__name__
    folder.mkdir(exist_ok=True)
    dl_utils.save_trained_model_weights(model, str(folder))
    path = folder / f"trained_{name}_final.pt"
    there = sorted(entry.name for entry in folder.iterdir())
    assert path.is_file(), f"expected the file {path.name} in out_dir, found {there or 'nothing'}"
    saved = torch.load(path, map_location="cpu", weights_only=False)
    keys = set(saved) if isinstance(saved, Mapping) else set()
    assert {"class_name", "state_dict"} <= keys, (
        f'save a dict with the keys "class_name" and "state_dict"; the file holds {_what_is(saved)}'
    )
    assert saved["class_name"] == name, (
        f'"class_name" is {saved["class_name"]!r}: expected the name of the model\'s class, '
        f"{name!r} (type(model).__name__)"
    )
    weights, expected = saved["state_dict"], model.state_dict()
    assert isinstance(weights, Mapping), (
        f'"state_dict" is {_what_is(weights)}: expected model.state_dict(), the weights by name'
    )
    lacking, added = sorted(set(expected) - set(weights)), sorted(set(weights) - set(expected))
    assert not lacking, (
        f"the saved state_dict lacks {', '.join(lacking)}: save all of model.state_dict(), "
        "including batch norm's running averages"
    )
    assert not added, f"the saved state_dict has more than model.state_dict(): {', '.join(added)}"
    for key, value in expected.items():
        change = (value.double() - torch.as_tensor(weights[key]).double()).abs().max().item()
        assert change < 1e-6, (
            f"{key} in the file differs from the model's by up to {change:.2g}: save the current "
            "weights"
        )


def _what_is(saved: Any) -> str:
    if isinstance(saved, Mapping):
        names = list(map(str, saved))
        return f"the keys {names[:4]}{' and more' if len(names) > 4 else ''}"
    return f"a {type(saved).__name__}"


@pytest.mark.parametrize("network", [SimpleNet, SimpleNetFinal])
def test_saved_file_has_class_name_and_weights(network: type[SimpleNet], tmp_path: Path) -> None:
    check_saved(trained(network(MAPS)), tmp_path / "models")


def assignment_net(module: str, name: str) -> nn.Module:
    """The student's own SimpleNet or SimpleNetFinal, in eval mode."""
    try:
        model = getattr(import_module(f"scene_recog.{module}"), name)()
        model.eval()(torch.randn(2, 1, 64, 64))
    except NotImplementedError:
        cannot_judge(f"{name} is not written yet (see unit_tests/test_{module}.py)")
    except Exception:
        cannot_judge(f"{name} does not work yet (see unit_tests/test_{module}.py)")
    return model


def write_weights(model: nn.Module, folder: Path) -> Path:
    """Write a file like `save_trained_model_weights`."""
    name = type(model).__name__
    path = folder / f"trained_{name}_final.pt"
    torch.save({"class_name": name, "state_dict": model.state_dict()}, path)
    return path


def check_loaded(loaded: Any, model: nn.Module) -> None:
    name = type(model).__name__
    assert type(loaded).__name__ == name, (
        f"loading a file of class_name {name!r} should return a {name} with these weights, not "
        f"{loaded if loaded is None else f'a {type(loaded).__name__}'}"
    )
    x = torch.randn(3, 1, 64, 64)
    with torch.no_grad():
        got, expected = loaded.eval()(x), model.eval()(x)
    assert torch.allclose(got, expected, atol=1e-4), (
        f"the loaded {name} returns other scores than the saved one (they differ by up to "
        f"{(got - expected).abs().max():.2g}): are the weights loaded (model.load_state_dict)?"
    )


@pytest.mark.parametrize(
    ("module", "name"), [("simple_net", "SimpleNet"), ("simple_net_final", "SimpleNetFinal")]
)
def test_saved_weights_come_back(module: str, name: str, tmp_path: Path) -> None:
    model = assignment_net(module, name)
    path = write_weights(model, tmp_path)
    try:
        check_loaded(dl_utils.load_trained_model_weights(str(path)), model)
    except Exception:
        try:
            check_saved(trained(SimpleNet(MAPS)), tmp_path / "models")
        except Exception:
            cannot_judge("save_trained_model_weights does not work (see the test above)")
        raise


# Beyond the handout.


@pytest.mark.beyond
def test_accuracy_is_a_python_float() -> None:
    accuracy = dl_utils.compute_accuracy(LOGITS, LABELS)
    assert type(accuracy) is float, (
        f"compute_accuracy returns a {type(accuracy).__name__}: return a float (.item()), which "
        "needs little memory and can be written to JSON"
    )


@pytest.mark.beyond
@pytest.mark.parametrize("training", [True, False])
def test_prediction_leaves_the_mode_alone(training: bool) -> None:
    model = FakeNet().train(training)
    dl_utils.predict_labels(model, images(LOGITS))
    assert model.training == training, (
        "predict_labels changes the model's mode: train or eval is the caller's choice"
    )


@pytest.mark.beyond
@pytest.mark.parametrize("reduction", ["sum", "none"])
def test_loss_of_a_criterion_with_another_reduction(reduction: str) -> None:
    for is_normalize, expected in [(True, LOSSES.mean()), (False, LOSSES.sum())]:
        got = loss_of(nn.CrossEntropyLoss(reduction=reduction), is_normalize=is_normalize)
        assert got == pytest.approx(expected.item(), rel=1e-4), (
            f"with a criterion with reduction={reduction!r} and is_normalize={is_normalize}: "
            f"expected {expected:.4f}, got {got:.4f}. Look at criterion.reduction before you "
            "divide or multiply."
        )


@pytest.mark.beyond
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_loss_leaves_the_criterion_alone(reduction: str) -> None:
    model = FakeNet(nn.CrossEntropyLoss(reduction=reduction))
    for is_normalize in (True, False):
        dl_utils.compute_loss(model, LOGITS, LABELS, is_normalize=is_normalize)
        got = model.loss_criterion.reduction
        assert got == reduction, (
            f"the model's loss_criterion had reduction={reduction!r}, but has {got!r} after "
            f"compute_loss(is_normalize={is_normalize}): do not change it"
        )


@pytest.mark.beyond
def test_saved_file_is_plain_and_alone(tmp_path: Path) -> None:
    check_saved(trained(SmallNet(MAPS)), tmp_path)  # a network of any name
    assert len(list(tmp_path.iterdir())) == 1, "saving should leave only one file"
    saved = torch.load(tmp_path / "trained_SmallNet_final.pt", weights_only=True)
    assert set(saved) == {"class_name", "state_dict"}


@pytest.mark.beyond
def test_saving_again_replaces_the_file(tmp_path: Path) -> None:
    check_saved(trained(SimpleNet(MAPS)), tmp_path)
    check_saved(trained(SimpleNet(MAPS)), tmp_path)


@pytest.mark.beyond
def test_folder_is_made_if_need_be(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "yet" / "there"
    dl_utils.save_trained_model_weights(SimpleNet(MAPS), folder)
    assert (folder / "trained_SimpleNet_final.pt").is_file(), (
        "create the folder out_dir if it is missing: a training run should not end in an error"
    )


@pytest.mark.beyond
def test_loaded_network_is_ready_to_predict(tmp_path: Path) -> None:
    path = write_weights(assignment_net("simple_net", "SimpleNet"), tmp_path)
    loaded = dl_utils.load_trained_model_weights(path)
    assert not loaded.training, (
        "the loaded network is in train mode, with dropout on: return it in eval mode"
    )


@pytest.mark.beyond
def test_weights_go_into_a_given_model(tmp_path: Path) -> None:
    saved, given = trained(SimpleNet(MAPS)), SimpleNet(MAPS)
    loaded = dl_utils.load_trained_model_weights(write_weights(saved, tmp_path), given)
    assert loaded is given, "fill the model that was passed, and return it"
    assert not loaded.training, "return it in eval mode, ready to predict"
    check_loaded(given, saved)


@pytest.mark.beyond
def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path = write_weights(assignment_net("simple_net", "SimpleNet"), tmp_path)
    with pytest.raises(ValueError, match="SimpleNet"):
        dl_utils.load_trained_model_weights(path, SmallNet(MAPS))


@pytest.mark.beyond
def test_missing_or_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "trained_SimpleNet_final.pt"
    with pytest.raises(FileNotFoundError, match=path.name):
        dl_utils.load_trained_model_weights(path)
    path.write_bytes(b"no weights")
    with pytest.raises(ValueError, match=path.name):
        dl_utils.load_trained_model_weights(path)


@pytest.mark.beyond
@pytest.mark.parametrize("class_name", ["NoSuchNet", "SimpleNetFinal"])
def test_network_is_built_by_the_saved_class_name(class_name: str, tmp_path: Path) -> None:
    state_dict = assignment_net("simple_net", "SimpleNet").state_dict()
    if class_name == "SimpleNetFinal":
        assignment_net("simple_net_final", "SimpleNetFinal")
    path = tmp_path / f"trained_{class_name}_final.pt"
    torch.save({"class_name": class_name, "state_dict": state_dict}, path)
    with pytest.raises(ValueError, match=class_name):  # these weights fit only SimpleNet
        dl_utils.load_trained_model_weights(path)
