"""Provided code with students' files: other types, other orders, one optimizer."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.optim import Optimizer

from scene_recog import cli
from scene_recog.assignment import explain_error
from scene_recog.image_loader import ImageLoader
from scene_recog.loading import reading, split
from scene_recog.models.misfit import misfit
from scene_recog.recipes import RECIPES
from scene_recog.runner import Trainer
from scene_recog.runs import scoring
from scene_recog.simple_net import SimpleNet
from scene_recog.simple_net_final import SimpleNetFinal
from scene_recog.training import given_optimizer, loss

# ------------------------------------------------------------------------ image_loader


class Backwards(ImageLoader):
    """Classes in another order, labels as torch numbers, entries as lists."""

    def get_classes(self) -> dict[str, int]:
        return dict(reversed(super().get_classes().items()))

    def load_imagepaths_with_labels(self, class_labels: dict[str, int]) -> Any:
        listed = super().load_imagepaths_with_labels(class_labels)
        return [[Path(path), torch.tensor(label)] for path, label in listed]


def test_class_names_go_by_index_whatever_the_order_of_the_dict(
    make_trainer: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = make_trainer().config["class_names"]
    monkeypatch.setattr(split, "ImageLoader", Backwards)
    trainer = make_trainer(val_fraction=0.2)
    assert trainer.config["class_names"] == expected
    for dataset in (trainer.train_dataset, trainer.val_dataset):
        assert all(expected[label] == Path(path).parent.name for path, label in dataset.dataset)
    trainer.run_training_loop(1)


class OwnLists(ImageLoader):
    """Fills `dataset`, but uses lists of its own."""

    def __init__(self, root_dir: str, split: str = "train", transform: Any = None) -> None:
        super().__init__(root_dir, split, transform)
        self.paths = [path for path, _ in self.dataset]
        self.labels = [label for _, label in self.dataset]

    def __getitem__(self, index: int) -> tuple[Any, int]:
        image = self.load_img_from_path(self.paths[index])
        return self.transform(image), self.labels[index]

    def __len__(self) -> int:
        return len(self.paths)


def test_loader_with_lists_of_its_own_trains_on_the_images_of_the_split(
    make_trainer: Callable[..., Trainer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = make_trainer(val_fraction=0.34, model_dir=tmp_path / "plain")
    for module in (split, reading, scoring):
        monkeypatch.setattr(module, "ImageLoader", OwnLists)
    trainer = make_trainer(val_fraction=0.34)
    for name in ("train_dataset", "val_dataset"):
        ours, theirs = getattr(trainer, name), getattr(expected, name)
        assert ours.dataset == theirs.dataset
        assert len(ours) == len(theirs) == len(theirs.dataset)
        for index in (0, len(theirs) - 1):
            assert torch.equal(ours[index][0], theirs[index][0])
            assert ours[index][1] == theirs[index][1]
    trainer.run_training_loop(1)
    run = scoring.load_run(tmp_path / "run", device="cpu")
    held_out = scoring.evaluate_split(run, trainer.data_dir, "validation")
    assert held_out.paths == [path for path, _ in expected.val_dataset.dataset]
    image = expected.val_dataset.dataset[3][0]
    probabilities = scoring.predict_image(run, image)
    assert np.allclose(probabilities, held_out.probabilities[3], atol=1e-5)


@pytest.mark.parametrize("indices", [(1, 2, 3), (0, 2, 4), (0, 0, 1)])
def test_indices_that_are_not_0_to_k_are_refused(indices: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"class_dict in image_loader\.py .* indices 0 to 2"):
        reading.class_names(dict(zip("abc", indices, strict=True)))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (("a.jpg", 15), r"gives a\.jpg the label 15"),
        (("a.jpg", "coast"), "must be a list of"),
        ("a.jpg", "must be a list of"),
        (7, "must be a list of"),
    ],
)
def test_entries_that_are_no_path_and_label_are_refused(
    sketches: Path, entry: Any, message: str
) -> None:
    dataset = ImageLoader(sketches, "test")
    dataset.dataset.append(entry)
    with pytest.raises(ValueError, match=message):
        reading.listed(dataset)


# ------------------------------------------------------------------------ optimizer


def only_adam(model: nn.Module, config: dict[str, Any]) -> Optimizer | None:
    if config["optimizer_type"] == "adam":
        return torch.optim.Adam(model.parameters(), config["lr"])
    return None


def always_adam(model: nn.Module, config: dict[str, Any]) -> Optimizer:
    return torch.optim.Adam(model.parameters(), config["lr"], weight_decay=config["weight_decay"])


def sgd_without_momentum(model: nn.Module, config: dict[str, Any]) -> Optimizer:
    if set(config) != {"optimizer_type", "lr", "weight_decay"}:
        raise TypeError("unexpected key")
    return torch.optim.SGD(model.parameters(), lr=config["lr"])


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (only_adam, "does not support 'sgd': using torch.optim.SGD."),
        (always_adam, "does not support 'sgd': using torch.optim.SGD."),
        (
            sgd_without_momentum,
            "using the recipe's weight_decay 0.0005, momentum 0.9, nesterov True.",
        ),
    ],
)
def test_recipe_s_optimizer_trains_whatever_the_student_s_knows(
    function: Callable[..., Any],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(given_optimizer, "get_optimizer", function)
    given_optimizer._notice_once.cache_clear()
    optimizer = RECIPES["part2"].make_optimizer(SimpleNetFinal())
    RECIPES["part2"].make_optimizer(SimpleNetFinal())  # says it no second time
    assert type(optimizer) is torch.optim.SGD
    group = optimizer.param_groups[0]
    assert group["lr"] == 0.05
    assert group["weight_decay"] == 5e-4
    assert group["momentum"] == 0.9
    assert group["nesterov"] is True
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert said in lines[0]


def test_nothing_is_said_of_the_solution(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("part1", "part2"):
        RECIPES[name].make_optimizer(SimpleNet())
    assert capsys.readouterr().err == ""


def sgd_and_an_error(model: nn.Module, config: dict[str, Any]) -> Optimizer:
    if config["optimizer_type"] == "sgd":
        decayed, others = [], []
        for parameter in model.parameters():
            (decayed if parameter.ndim > 1 else others).append(parameter)
        groups = [{"params": decayed}, {"params": others, "weight_decay": 0.0}]
        return torch.optim.SGD(
            groups, config["lr"], momentum=0.9, weight_decay=config["weight_decay"], nesterov=True
        )
    raise NotImplementedError("only sgd")


def test_other_type_may_end_in_not_implemented(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(given_optimizer, "get_optimizer", sgd_and_an_error)
    given_optimizer._notice_once.cache_clear()
    assert type(RECIPES["part1"].make_optimizer(SimpleNet())) is torch.optim.Adam
    assert "does not support 'adam' (only sgd): using torch.optim.Adam." in capsys.readouterr().err
    decays = [
        group["weight_decay"]
        for group in RECIPES["part2"].make_optimizer(SimpleNetFinal()).param_groups
    ]
    assert decays == [5e-4, 0.0]  # biases without decay are a valid choice
    assert capsys.readouterr().err == ""


def test_no_optimizer_at_all_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(given_optimizer, "get_optimizer", lambda model, config: None)
    with pytest.raises(ValueError, match=r"get_optimizer in optimizer\.py returns None for 'sgd'"):
        RECIPES["part2"].make_optimizer(SimpleNetFinal())


def test_own_error_of_get_optimizer_comes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(model: nn.Module, config: dict[str, Any]) -> Optimizer:
        raise AttributeError("module 'torch' has no attribute 'optimiser'")

    monkeypatch.setattr(given_optimizer, "get_optimizer", broken)
    with pytest.raises(AttributeError, match="optimiser"):
        RECIPES["part2"].make_optimizer(SimpleNetFinal())


# ------------------------------------------------------------------------ dl_utils


@pytest.mark.parametrize("form", [lambda x: x.reshape(1), lambda x: x.double(), lambda x: x[None]])
def test_loss_of_any_form_is_one_number(form: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    logits, labels = torch.randn(4, 15, requires_grad=True), torch.tensor([0, 1, 2, 3])
    monkeypatch.setattr(
        loss,
        "compute_loss",
        lambda model, output, target, is_normalize: form(model.loss_criterion(output, target)),
    )
    value = loss.batch_loss(SimpleNet(), logits, labels)
    assert value.shape == ()
    value.backward()
    assert logits.grad is not None


@pytest.mark.parametrize(
    "form",
    [
        lambda x: x.item(),
        lambda x: x.detach().numpy(),
        lambda x: x.detach(),
        lambda x: np.float64(x.item()),
        lambda x: None,
    ],
)
def test_loss_without_its_gradient_is_refused_in_training_only(
    form: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    logits, labels = torch.randn(4, 15, requires_grad=True), torch.tensor([0, 1, 2, 3])
    monkeypatch.setattr(
        loss,
        "compute_loss",
        lambda model, output, target, is_normalize: form(model.loss_criterion(output, target)),
    )
    with pytest.raises(ValueError, match=r"compute_loss in dl_utils\.py returns .*no \.item"):
        loss.batch_loss(SimpleNet(), logits, labels)
    if form(torch.zeros(())) is not None:
        value = loss.batch_loss(SimpleNet(), logits.detach(), labels)
        assert math.isfinite(value.item())


def test_loss_for_each_image_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loss, "compute_loss", lambda *args, **options: torch.ones(4))
    with pytest.raises(ValueError, match=r"of shape \[4\] for the whole batch"):
        loss.batch_loss(SimpleNet(), torch.randn(4, 15), torch.tensor([0, 1, 2, 3]))


# ------------------------------------------------------------------------ weights that do not fit


def test_misfit_names_layer_and_shapes() -> None:
    weights = SimpleNet().state_dict()
    assert misfit(SimpleNet(), weights) == ""
    _, wide, *_, last = weights
    here = list(weights[wide].shape)
    weights[wide] = torch.zeros(7, 5)
    del weights[last]
    weights["conv_layers.7.weight"] = torch.zeros(1)
    assert misfit(SimpleNet(), weights) == (
        f"{wide} is [7, 5], but SimpleNet has {here}; "
        f"{last} is missing; SimpleNet has no conv_layers.7.weight"
    )
    assert misfit(SimpleNetFinal(), weights).endswith(" more")


def test_run_of_a_net_that_was_changed_says_what_differs(
    make_trainer: Callable[..., Trainer],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_trainer().run_training_loop(1)
    right = SimpleNet.__init__
    name, weight = next(iter(SimpleNet().named_parameters()))
    shape = [weight.shape[0] + 1, *weight.shape[1:]]

    def wider(net: SimpleNet) -> None:
        right(net)
        next(net.parameters()).data = torch.zeros(shape)

    monkeypatch.setattr(SimpleNet, "__init__", wider)
    assert cli.main(["evaluate", str(tmp_path / "run")]) == 2
    text = capsys.readouterr().err
    assert f"{name} is {list(weight.shape)}, but SimpleNet has {shape}" in text


# ------------------------------------------------------------------------ confusion_matrix


@pytest.fixture
def run(make_trainer: Callable[..., Trainer], tmp_path: Path) -> str:
    make_trainer().run_training_loop(1)
    return str(tmp_path / "run")


def test_accuracy_is_told_though_the_confusion_matrix_is_not_written_yet(
    run: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from scene_recog import confusion_matrix

    source = "def generate_confusion_matrix(*_):\n    raise NotImplementedError('write it')\n"
    names: dict[str, Any] = {}
    exec(compile(source, confusion_matrix.__file__, "exec"), names)
    monkeypatch.setattr(
        confusion_matrix, "generate_confusion_matrix", names["generate_confusion_matrix"]
    )
    assert cli.main(["evaluate", run]) == 0
    out, err = capsys.readouterr()
    assert "accuracy " in out
    assert "No confusion matrix is drawn: step 2.6: confusion_matrix.py, line " in err


@pytest.mark.parametrize("form", [lambda m: m.tolist(), torch.from_numpy, lambda m: m.astype("f2")])
def test_matrix_of_any_form_is_drawn(
    run: str, form: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from scene_recog import confusion_matrix

    right = confusion_matrix.generate_confusion_matrix
    monkeypatch.setattr(
        confusion_matrix, "generate_confusion_matrix", lambda *args: form(right(*args))
    )
    assert cli.main(["evaluate", run]) == 0
    assert (Path(run) / "confusion_test.png").is_file()
    assert capsys.readouterr().err == ""


def test_figure_that_was_closed_after_it_was_shown_is_drawn_again(
    run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scene_recog import confusion_matrix

    monkeypatch.setattr(confusion_matrix, "plot_confusion_matrix", lambda matrix, labels: None)
    assert cli.main(["evaluate", run]) == 0
    with Image.open(Path(run) / "confusion_test.png") as picture:
        assert len(np.unique(np.asarray(picture.convert("L")))) > 10


def test_json_is_all_that_stdout_gets_though_a_student_s_code_prints(
    run: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from scene_recog import confusion_matrix

    right = confusion_matrix.generate_confusion_matrix
    monkeypatch.setattr(
        confusion_matrix,
        "generate_confusion_matrix",
        lambda *args: print("here", flush=True) or right(*args),
    )
    assert cli.main(["evaluate", run, "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["images"] == 30
    assert "here" in err


# ------------------------------------------------------------------------ in the notebook


def test_notebook_shows_one_line_for_errors_of_the_assignment(
    sketches: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shell_module = pytest.importorskip("IPython.core.interactiveshell")
    from scene_recog.notebook import explain_errors

    shell = shell_module.InteractiveShell.instance()
    try:
        explain_errors()
        shell.run_cell("from scene_recog.simple_net import SimpleNet; SimpleNet()(None)")
        text = capsys.readouterr().out
        assert "step 1.2: simple_net.py, line " in text
        assert "in forward: TypeError: " in text
        assert "Traceback" not in text
        shell.run_cell("1\nprint(simple_net)")
        text = capsys.readouterr().out
        assert "line 2: name 'simple_net' is not defined: run the cells above" in text
        assert "Traceback" not in text
        for other in ("1 / 0", "def f():\n    print(simple_net)\nf()"):
            shell.run_cell(other)
            assert "Traceback" in capsys.readouterr().out
    finally:
        shell_module.InteractiveShell.clear_instance()


def test_a_dataset_s_own_message_is_not_explained(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        ImageLoader(tmp_path, "train")
    assert explain_error(caught.value) is None


# ------------------------------------------------------------------------ mistakes, in one line


def broken(monkeypatch: pytest.MonkeyPatch, sketches: Path, **parts: Any) -> str:
    """The output of `train --recipe part1` when these assignment functions are broken."""
    for name, function in parts.items():
        cls, method = {
            "forward": (SimpleNet, "forward"),
            "getitem": (ImageLoader, "__getitem__"),
            "length": (ImageLoader, "__len__"),
        }[name]
        monkeypatch.setattr(cls, method, function)
    recipe = RECIPES["part1"].override(["epochs=1", "val_fraction=0"])
    try:
        recipe.make_trainer(sketches, "model_checkpoints/x", device="cpu").train_epoch()
    except ValueError as error:
        return str(error)
    pytest.fail("nothing was said")


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"forward": lambda self, x: None}, "forward of SimpleNet returns NoneType for one image"),
        (
            {"forward": lambda self, x, right=SimpleNet.forward: right(self, x)[0]},
            r"forward of SimpleNet returns Tensor of shape \[15\] for one image",
        ),
        (
            {"getitem": lambda self, i: (3, torch.zeros(1, 64, 64))},
            "example 0 is int, not a tensor",
        ),
        (
            {"getitem": lambda self, i: (self.load_img_from_path(self.dataset[i][0]), 0)},
            "the transform must end in a tensor",
        ),
        ({"getitem": lambda self, i: (None, 0)}, "has no return"),
        (
            {"getitem": lambda self, i: (torch.zeros(1, 64, 60 + i % 9), 0)},
            r"the images of a batch have different sizes, \[1, 64, 6\d\] and \[1, 64, 6\d\]",
        ),
        ({"length": lambda self: None}, "__len__ in image_loader.py must return the number"),
    ],
)
def test_mistakes_are_told_in_one_line(
    parts: dict[str, Any],
    said: str,
    sketches: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert re.search(said, broken(monkeypatch, sketches, **parts))


def test_layers_that_do_not_fit_are_the_network_s_fault_and_not_the_size_s(
    sketches: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right = SimpleNet.__init__

    def wrong(net: SimpleNet) -> None:
        right(net)
        net.fc_layers[1] = nn.Linear(400, 100)

    command = ["train", "--recipe", "part1", "--data", str(sketches)]
    assert cli.main([*command, "--set", "input_size=99"]) == 2
    assert "SimpleNet does not take images of 99x99 pixels" in capsys.readouterr().err
    monkeypatch.setattr(SimpleNet, "__init__", wrong)
    assert cli.main(command) == 2
    text = capsys.readouterr().err
    assert "step 1.2: simple_net.py, line " in text
    assert "mat1 and mat2 shapes cannot be multiplied" in text


def test_class_of_a_criterion_is_refused(make_trainer: Callable[..., Trainer]) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(nn.Flatten(), nn.Linear(4096, 15))
            self.loss_criterion = nn.CrossEntropyLoss

    with pytest.raises(ValueError, match=r"create an object of it, nn\.CrossEntropyLoss\(\)"):
        make_trainer(Net())


def test_error_of_a_transform_is_told_as_such(sketches: Path) -> None:
    from torchvision import transforms

    dataset = ImageLoader(str(sketches), "train", transforms.Normalize([0.5], [0.2]))
    with pytest.raises(TypeError) as caught:
        dataset[0]
    told = explain_error(caught.value)
    assert told is not None
    assert told.startswith("step 1.1: data_transforms.py: a transform raises TypeError: ")
    assert told.endswith(
        "(called in image_loader.py); test it with pytest unit_tests/test_data_transforms.py"
    )
