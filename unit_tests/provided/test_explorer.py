"""The explorer's page as a file: which networks it holds, and what it says if it cannot."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from scene_recog import cli
from scene_recog.datasets.sketch15 import write_sketch15
from scene_recog.notebook import Frame
from scene_recog.recipes import RECIPES
from scene_recog.runs.run_folder import LAST
from scene_recog.visualize.explorer import EXPLORER, write_explorer
from scene_recog.visualize.explorer.network import UnknownLayerError, describe_network
from scene_recog.visualize.explorer.page import _in_first_version, _trouble_with
from scene_recog.visualize.report import write_report


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few sketches."""
    folder = tmp_path_factory.mktemp("explorer") / "data"
    write_sketch15(folder, train_per_class=3, test_per_class=2)
    return folder


@pytest.fixture
def trained(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The run part1-001, of one epoch, in the current folder."""
    monkeypatch.chdir(tmp_path)
    recipe = RECIPES["part1"].override(["epochs=1", "val_fraction=0.34"])
    trainer = recipe.make_trainer(data, "model_checkpoints/part1-001")
    trainer.run_training_loop(1)
    return Path("model_checkpoints/part1-001")


def contents(page: Path) -> dict[str, Any]:
    """The data in a page."""
    text = page.read_text(encoding="utf-8").split('id="data">')[1].partition("</script>")[0]
    found: dict[str, Any] = json.loads(text)
    return found


def test_command_writes_the_page_beside_the_run(
    trained: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    assert cli.main(["explore", "part1-001", "--open"]) == 0
    page = trained / EXPLORER
    assert capsys.readouterr().out.splitlines()[-1] == str(page)
    assert opened == [page.resolve().as_uri()]
    [run] = contents(page)["runs"]
    kinds = [step["kind"] for step in run["steps"]]
    assert kinds == [
        "image", "convolution", "max pooling", "activation", "convolution", "max pooling",
        "activation", "reshape", "linear", "activation", "linear",
    ]  # fmt: skip
    assert len(run["classes"]) == 15
    assert page.stat().st_size < 3_000_000


def test_weights_are_those_of_the_run_and_of_its_seed(trained: Path) -> None:
    [run] = contents(write_explorer(["part1-001"]))["runs"]
    number = run["steps"][1]["weights"]["weight"]
    state = torch.load(trained / LAST, weights_only=False)["model_state_dict"]
    fresh = RECIPES["part1"].make_model().state_dict()
    for arrays, weights in ((run["arrays"], state), (run["untrained"], fresh)):
        stored = np.frombuffer(base64.b64decode(arrays[number]), dtype="<f4")
        assert np.array_equal(stored, weights["conv_layers.0.weight"].flatten().numpy())


def test_images_are_right_and_wrong_ones_of_the_split(trained: Path, data: Path) -> None:
    for split, folder in (("test", "test"), ("validation", "train")):
        images = contents(write_explorer(["part1-001"], split=split))["images"]
        assert 0 < len(images) <= 30
        for image in images:
            assert image["name"].startswith(f"{folder}/{image['target']}/")
            assert base64.b64decode(image["jpeg"])[:2] == b"\xff\xd8"
        groups = {image["group"] for image in images}
        assert groups <= {"right answers", "wrong answers", "most confident mistakes"}


def test_runs_with_one_name_are_told_apart(trained: Path) -> None:
    shutil.copytree(trained, "elsewhere/part1-001")
    names = [str(trained), "elsewhere/part1-001"]
    assert [run["name"] for run in contents(write_explorer(names))["runs"]] == names


def test_without_the_images_the_page_says_so(trained: Path, data: Path) -> None:
    moved = data.with_name("moved")
    data.rename(moved)
    try:
        found = contents(write_explorer(["part1-001"]))
        assert found["images"] == []
        assert "open a photograph or draw" in found["missing"]
        assert contents(write_explorer(["part1-001"], data_dir=moved))["images"]
    finally:
        moved.rename(data)


def test_report_names_the_page(trained: Path) -> None:
    assert "scene-recog explore part1-001 --open" in write_report(["part1-001"]).read_text()
    write_explorer(["part1-001"])
    assert f'href="{EXPLORER}"' in write_report(["part1-001"]).read_text()
    elsewhere = write_report(["part1-001"], "report.html").read_text()
    assert f'href="model_checkpoints/part1-001/{EXPLORER}"' in elsewhere


def test_notebook_shows_the_page_in_a_frame(tmp_path: Path) -> None:
    page = tmp_path / "explore.html"
    page.write_text('<p title="a">&amp;</p>', encoding="utf-8")
    shown = Frame(page)._repr_html_()
    assert 'srcdoc="&lt;p title=&quot;a&quot;&gt;&amp;amp;&lt;/p&gt;"' in shown
    assert repr(Frame(page)) == page.as_posix()


# ------------------------------------------------------------------- what it cannot compute


class OnValues(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1) if x.mean() > 0 else -x.flatten(1)


class Always(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.dropout(x.flatten(1), 0.5)


class Pair(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x, x


class AcrossImages(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.reshape(1, -1)


class InPlace(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.clone()
        x[x < 0] = 0
        return x.flatten(1)


class OwnMean(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x - float(x.mean())).flatten(1)


class OverMaps(nn.Module):
    """The mean over maps has as many values as the mean of each map."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 64, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(x).mean(1, keepdim=True).flatten(1)


class OtherOrder(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :, torch.arange(7, -1, -1)].flatten(1)


class Coordinates(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, torch.ones(len(x), 1, 8, 8)], 1).flatten(1)


class PerImage(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x / len(x)).flatten(1)


UNKNOWN: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "layer": (lambda: nn.Sequential(nn.Conv2d(1, 4, 3), nn.GroupNorm(2, 4)), r"1, GroupNorm\(2, 4"),
    "padding": (
        lambda: nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, padding_mode="reflect")), "reflect"
    ),
    "without averages": (
        lambda: nn.Sequential(nn.BatchNorm2d(1, track_running_stats=False)), "0, BatchNorm2d"
    ),
    "function": (lambda: nn.Sequential(nn.Flatten(), nn.Softmax(1)), "Softmax"),
    "values": (OnValues, "depends on the values of the image"),
    "dropout": (Always, r"training=self\.training"),
    "two results": (Pair, "not a tensor of scores"),
    "in place": (InPlace, "cannot follow"),
    "mean of an image": (OwnMean, r"depends on the values of the image \(__float__\)"),
    "mean over maps": (OverMaps, "cannot follow"),
    "another order": (OtherOrder, "cannot follow"),
    "more maps": (Coordinates, "cannot follow"),
    "number of images": (PerImage, "cannot follow"),
    "not finite": (lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 2, bias=False)).apply(
        lambda layer: hasattr(layer, "weight") and nn.init.constant_(layer.weight, float("inf"))
    ), "not finite"),
    "images together": (AcrossImages, r"shape \[1, 128\]"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_not_known_is_named(name: str) -> None:
    make, words = UNKNOWN[name]
    with pytest.raises(UnknownLayerError, match=words) as caught:
        describe_network(make(), (1, 8, 8))
    assert "\n" not in str(caught.value)


def test_no_page_is_written_and_the_old_one_stays(
    trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = write_explorer(["part1-001"])
    before = page.read_bytes()

    def fail(*_: Any) -> None:
        raise UnknownLayerError("SimpleNet has something that the page cannot compute: a thing")

    monkeypatch.setattr("scene_recog.visualize.explorer.page.describe_network", fail)
    assert cli.main(["explore", "part1-001"]) == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("scene-recog: part1-001 cannot be explored: SimpleNet has something")
    assert page.read_bytes() == before
    assert cli.main(["explore", "part1-001", "--out", "nowhere/x.html"]) == 2
    assert cli.main(["explore", "nothing"]) == 2


@pytest.mark.parametrize(
    ("steps", "trouble"),
    [
        ([{"name": "Resize", "size": [64, 64]}, {"name": "ToTensor"}], ""),
        ([{"name": "Resize", "size": 64, "interpolation": "nearest"}], "the transform Resize"),
        ([{"name": "Resize", "size": 64, "max_size": 90}], "the transform Resize"),
        ([{"name": "Pad", "padding": 3}], "the transform Pad"),
        ([{"name": "Grayscale", "num_output_channels": 3}], "the transform Grayscale"),
        ([{"name": "ToTensor"}, {"name": "Resize", "size": 64}], "an unusual order"),
        ([{"name": "v2.Resize", "size": 64, "antialias": False}], "the transform v2.Resize"),
        ([{"name": "v2.ToImage"}, {"name": "v2.ToDtype"}], "the transform v2.ToDtype"),
        ([{"name": "v2.Pad", "padding": 3}], "the transform v2.Pad"),
        ([{"name": "Normalize", "mean": [0.5], "std": [1.0]}] * 2, "the transform Normalize"),
        ([{"name": "Normalize", "mean": [0.5] * 3, "std": [1.0] * 3}], "the transform Normalize"),
    ],
)  # fmt: skip
def test_transforms_that_the_page_cannot_compute(steps: list[dict[str, Any]], trouble: str) -> None:
    found = _trouble_with(_in_first_version(steps))
    assert trouble in found
    assert bool(found) == bool(trouble)
