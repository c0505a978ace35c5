"""The notebook as a file, and the pages that show the same things."""

from __future__ import annotations

import ast
import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from scene_recog.data_transforms import get_fundamental_transforms
from scene_recog.datasets.sketch15 import write_sketch15
from scene_recog.dl_utils import compute_loss
from scene_recog.image_loader import ImageLoader
from scene_recog.simple_net import SimpleNet
from teaching.handout import questions_of

NOTEBOOK = Path(__file__).parents[2] / "proj3.ipynb"
LECTURE = NOTEBOOK.with_name("lecture.ipynb")


@pytest.mark.parametrize("path", [NOTEBOOK, LECTURE], ids=lambda path: path.name)
def test_notebook_is_small_and_tells_nothing_of_the_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.encode()) < 1_000_000
    for place in ("/home/", "/root/", "/tmp/", "/Users/", "/opt/", "C:\\\\"):
        assert place not in text
    for cell in json.loads(text)["cells"]:
        for output in cell.get("outputs", []):
            assert output["output_type"] != "error"
            assert output.get("name") != "stderr", "a warning, or a progress bar"
            assert "application/vnd.jupyter.widget-view+json" not in output.get("data", {})


@pytest.mark.parametrize("path", [NOTEBOOK, LECTURE], ids=lambda path: path.name)
def test_questions_are_numbered(path: Path) -> None:
    assert len(questions_of(path.read_text(encoding="utf-8"))) >= 9


def test_the_lectures_outputs_have_a_picture_for_most_ideas() -> None:
    cells = json.loads(LECTURE.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert sum("image/jpeg" in output.get("data", {}) for output in outputs) >= 10


def test_notebook_has_no_logic_of_its_own() -> None:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            lines = "".join(cell["source"]).splitlines()
            python = [line for line in lines if not line.lstrip().startswith(("%", "!"))]
            tree = ast.parse("\n".join(python))
            made = (ast.FunctionDef, ast.ClassDef, ast.While, ast.Lambda)
            assert not [node for node in ast.walk(tree) if isinstance(node, made)]


def test_every_assignment_file_is_tested_in_the_notebook() -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")
    for path in (NOTEBOOK.parent / "unit_tests").glob("test_*.py"):
        assert f'\\"{path.stem.removeprefix("test_")}\\"' in text


def test_results_and_notebook_show_the_measured_ladder() -> None:
    root = NOTEBOOK.parent
    table = (root / "docs" / "ladder.md").read_text(encoding="utf-8")
    assert table in (root / "docs" / "RESULTS.md").read_text(encoding="utf-8")
    measured = (root / "docs" / "ladder.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(measured.splitlines()):
        assert f"| {row['rung']} | {row['idea']} | {int(row['parameters']):,} |" in table


class EndsInSoftmax(SimpleNet):
    """A mistake that the first check finds."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x).softmax(dim=1)


class CutOff(SimpleNet):
    """A mistake that the third check finds."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.fc_layers(self.conv_layers(x).detach())
        return logits


def divided_again(model: Any, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    loss: torch.Tensor = compute_loss(model, logits, labels) / len(labels)
    return loss


@pytest.mark.parametrize(
    ("network", "loss", "expected"),
    [
        (SimpleNet, compute_loss, "loss before training: 2.7"),
        (SimpleNet, divided_again, "compute_loss divides the mean by the batch size again"),
        (EndsInSoftmax, compute_loss, "remove the softmax"),
        (CutOff, compute_loss, "no gradient"),
    ],
)
def test_checks_before_training(
    network: Callable[[], torch.nn.Module],
    loss: Callable[..., torch.Tensor],
    expected: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = [c for c in cells if c["id"].startswith("checks-") and c["cell_type"] == "code"]
    assert len(code) == 3
    torch.manual_seed(0)
    sketches = write_sketch15(tmp_path / "sketches", train_per_class=1, test_per_class=1)
    names = {
        "choose_device": lambda: torch.device("cpu"),
        "compute_loss": loss,
        "np": np,
        "plain_set": ImageLoader(str(sketches), "train", get_fundamental_transforms((64, 64))),
        "SimpleNet": network,
        "untrained": network(),
    }
    for cell in code:
        exec("".join(cell["source"]), names)
    out = capsys.readouterr().out
    assert expected in out
    doctor = ("compute_loss divides", "remove the softmax", "no gradient", "only")
    assert any(word in out for word in doctor) == ((network, loss) != (SimpleNet, compute_loss))
