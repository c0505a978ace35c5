"""The report: its contents, its completeness, and that file names cannot become markup."""

from __future__ import annotations

import base64
import io
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch
from browsers import find_browser
from PIL import Image

from scene_recog import cli
from scene_recog.datasets.sketch15 import write_sketch15
from scene_recog.recipes import RECIPES, recipe_from_dict
from scene_recog.runner import Trainer
from scene_recog.runs.checkpoint import read_checkpoint, write_checkpoint
from scene_recog.runs.history import read_history
from scene_recog.simple_net_final import SimpleNetFinal
from scene_recog.visualize.report import write_report
from scene_recog.visualize.report_subject import (
    confidence_interval,
    repeat_command,
    untrained_model,
)
from scene_recog.visualize.summary import describe_window, summarize

HOSTILE = "<script>alert('1')</script> \"&amp; $x_"


class Page(HTMLParser):
    """The contents of a page: its texts, its tags with attributes, its tables row by row."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.texts: list[str] = []
        self._rows: list[list[str]] = []
        self._in_cell = self._is_code = False
        self.feed(self.source)
        self.text = " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "table":
            self._rows = self.tables.setdefault(str(dict(attrs)["aria-label"]), [])
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")
            self._in_cell = True
        self._is_code = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._in_cell = False
        self._is_code = False

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self._rows[-1][-1] += data
        if not self._is_code:
            self.texts.append(data)

    @property
    def images(self) -> list[Image.Image]:
        """Every picture, decoded."""
        pictures = []
        for tag, attributes in self.tags:
            if tag == "img":
                kind, data = str(attributes["src"]).split(",", 1)
                assert kind == "data:image/webp;base64"
                with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
                    picture.load()
                size = str(picture.width), str(picture.height)
                assert size == (attributes["width"], attributes["height"])
                pictures.append(picture)
        return pictures


@pytest.fixture(scope="module")
def trained(sketches: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A two-epoch run of part2 on sketches. Read-only."""
    folder = tmp_path_factory.mktemp("runs") / "mine-001"
    recipe = RECIPES["part2"].override(["epochs=2", "name=mine", "val_fraction=0.34", "lr=0.02"])
    recipe.make_trainer(sketches, folder, device="cpu", cache="memory").run_training_loop(2)
    return folder


@pytest.fixture(scope="module")
def written(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The complete report of that run."""
    return write_report([trained], tmp_path_factory.mktemp("report") / "a.html", device="cpu")


@pytest.fixture
def without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes reports a second faster."""
    monkeypatch.setattr("scene_recog.visualize.report.MOST_DETAILED", 0)


@pytest.fixture
def copy(trained: Path, tmp_path: Path) -> Path:
    """A copy of the run."""
    return Path(shutil.copytree(trained, tmp_path / "model_checkpoints" / "mine-001"))


def test_report_of_one_run(written: Path, trained: Path, sketches: Path) -> None:
    assert written.stat().st_size < 5_000_000
    page = Page(written)
    assert len(page.images) >= 9
    assert all(str(attributes["alt"]) for tag, attributes in page.tags if tag == "img")
    assert "of 30 test images of drawn sketches (sketch15) are labelled correctly" in page.text
    assert "not on photographs" in page.text
    assert "Measured on the test split, which was not used in training" in page.text
    assert "scene-recog train --recipe part2 --name mine --set epochs=2 lr=0.02" in page.text

    facts = dict(row for row in page.tables["what was trained"])
    net = SimpleNetFinal()
    parameters = sum(p.numel() for p in net.parameters())
    assert facts["network"] == f"SimpleNetFinal, {parameters:,} parameters"
    assert facts["epochs"].startswith("2 of 2, ")
    best = max(row["validation_accuracy"] for row in read_history(trained))
    assert f"{best:.1%} on validation" in facts["best epoch"]
    header, *rows = page.tables["recall and precision of each class"]
    assert header[:3] == ["class", "images", "recall"]
    assert [row[0] for row in rows] == sorted(p.name for p in (sketches / "test").iterdir())
    assert {row[1] for row in rows} == {"2"}
    assert {row[2] for row in rows} <= {"0.0%", "50.0%", "100.0%"}
    layers = page.tables["layers of the network"]
    rows = summarize(net)
    assert [row[:2] for row in layers[1:]] == [[row.name, row.kind] for row in rows]
    assert layers[1][2:4] == ["x".join(map(str, rows[0].output_shape)), describe_window(rows[0])]


@pytest.mark.usefixtures("without_pictures")
def test_figures_are_those_of_evaluate(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for split in ("test", "validation"):
        out = tmp_path / f"{split}.html"
        assert cli.main(["report", str(trained), "--out", str(out), "--split", split]) == 0
        assert capsys.readouterr().out == f"{out}\n"
        assert cli.main(["evaluate", str(trained), "--json", "--split", split]) == 0
        accuracy = json.loads(capsys.readouterr().out)["accuracy"]
        assert f"{accuracy:.1%} of 30 {split} images" in Page(out).text
    assert "The test split was not used" in Page(out).text


@pytest.mark.usefixtures("without_pictures")
def test_several_runs_are_compared(trained: Path, copy: Path, sketches: Path) -> None:
    shutil.copytree(trained, copy.parent / "twin")
    (copy.parent / "twin" / "history.csv").unlink()
    out = write_report([copy, copy.parent / "twin", copy], device="cpu")
    assert out == copy.parent / "report.html"
    page = Page(out)
    header, *rows = page.tables["comparison of the runs"]
    assert [row[0] for row in rows] == ["mine-001", "twin"]
    assert rows[0][header.index("epochs")] == "2"
    assert rows[1][header.index("epochs")] == "0"
    assert rows[0][header.index("test accuracy")] == rows[1][header.index("test accuracy")]
    assert "loss and accuracy of all runs by epoch" in page.source
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    identities = [attributes.get("id") for _, attributes in page.tags]
    assert links == ["#run-1", "#run-2"]
    assert {"run-1", "run-2"} <= set(identities)


@pytest.mark.usefixtures("without_pictures")
def test_comparison_says_what_differs(
    make_trainer: Callable[..., Trainer], copy: Path, sketches: Path
) -> None:
    other = copy.parent / "part2-001"
    recipe = RECIPES["part2"].override(["epochs=1", "val_fraction=0.34", "seed=1", "momentum=0.8"])
    recipe.make_trainer(sketches, other, device="cpu", cache="memory").run_training_loop(1)
    shutil.copytree(other, copy.parent / "twin")
    by_hand = copy.parent / "by-hand"
    make_trainer(model_dir=by_hand).run_training_loop(1)  # validated on test
    note = "These runs have different validation images, because the seed draws them"

    page = Page(write_report([copy, other, by_hand], device="cpu"))
    header, *rows = page.tables["comparison of the runs"]
    columns = [header.index(name) for name in ("seed", "recipe", "changes")]
    assert [[row[column] for column in columns] for row in rows] == [
        ["0", "mine", "part2: epochs=2 lr=0.02 val_fraction=0.34 cache=memory"],
        ["1", "part2", "epochs=1 momentum=0.8 val_fraction=0.34 cache=memory"],
        ["0", "-", ""],
    ]
    assert page.text.count(note) == 1
    page = Page(write_report([other, copy.parent / "twin", by_hand], device="cpu"))
    assert note not in page.text


@pytest.mark.usefixtures("without_pictures")
def test_two_checkpoints_of_a_run_are_told_apart(copy: Path) -> None:
    names = [copy / "best.pt", copy / "checkpoint.pt"]
    rows = Page(write_report(names, device="cpu")).tables["comparison of the runs"][1:]
    assert [row[0] for row in rows] == [str(name) for name in names]


@pytest.mark.usefixtures("without_pictures")
def test_pictures_of_the_first_runs_only(copy: Path) -> None:
    page = Page(write_report([copy], device="cpu"))
    assert "Pictures are shown for the first 0 runs only" in page.text
    assert len(page.images) == 1  # the curves
    assert page.tables["recall and precision of each class"]


def test_images_are_gone(sketches: Path, copy: Path, tmp_path: Path) -> None:
    out = write_report([copy], device="cpu", data_dir=tmp_path / "gone")
    assert out == copy / "report.html"
    page = Page(out)
    assert "no train/ folder in" in page.text
    assert "that need the images are left out" in page.text
    assert "labelled correctly" not in page.text
    assert "first-layer filters of mine-001" in page.source
    assert len(page.images) == 2  # curves and filters


@pytest.mark.usefixtures("without_pictures")
def test_stopped_half_way(copy: Path) -> None:
    rows = (copy / "history.csv").read_text().splitlines()
    (copy / "history.csv").write_text("\n".join(rows[:2]) + "\n2,0.5,")
    page = Page(write_report([copy], device="cpu"))
    assert "Stopped early: 1 of 2 epochs are done" in page.text
    assert len(page.images) == 1  # the curves, of one epoch


def test_stopped_before_the_first_epoch(copy: Path) -> None:
    for name in ("best.pt", "checkpoint.pt", "checkpoint.previous.pt", "history.csv"):
        (copy / name).unlink(missing_ok=True)
    page = Page(write_report([copy], device="cpu"))
    assert "The network cannot be loaded: no checkpoint at" in page.text
    assert "Stopped early: 0 of 2 epochs" in page.text
    assert "scene-recog train --recipe part2" in page.text
    assert page.images == []


@pytest.mark.parametrize(
    "value", [None, 3, "text", [1], {"parameters": "x", "epochs": [], "seed": "y"}]
)
def test_a_config_that_was_edited(copy: Path, value: object) -> None:
    for name in ("best.pt", "checkpoint.pt", "checkpoint.previous.pt"):
        (copy / name).unlink(missing_ok=True)
    broken = dict.fromkeys(["data", "model", "recipe", "versions", "seed", "val_transforms"], value)
    (copy / "config.json").write_text(json.dumps(broken))
    (copy / "history.csv").write_text("epoch,train_loss\n1,0.5\n")
    page = Page(write_report([copy], device="cpu"))
    assert "The network cannot be loaded" in page.text
    (copy / "config.json").write_text("[]")
    with pytest.raises(ValueError, match=r"config\.json is damaged"):
        write_report([copy], device="cpu")


@pytest.mark.usefixtures("without_pictures")
def test_trained_in_python_and_watched_on_test(
    make_trainer: Callable[..., Trainer], tmp_path: Path
) -> None:
    make_trainer().run_training_loop(1)
    page = Page(write_report([tmp_path / "run"]))
    assert "trained in Python, not from a recipe" in page.text
    assert "The test split was used for validation in training." in page.text


def test_a_run_without_validation_images_is_not_measured_on_them(
    make_trainer: Callable[..., Trainer], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_trainer().run_training_loop(1)
    for verb in ("report", "evaluate"):
        capsys.readouterr()
        assert cli.main([verb, str(tmp_path / "run"), "--split", "validation"]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 1
        assert "has no validation images held out of train" in captured.err
    assert not (tmp_path / "run" / "report.html").exists()


@pytest.mark.usefixtures("without_pictures")
def test_validation_images_of_another_dataset_are_refused(copy: Path, sketches: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    photographs = {"kind": "scene15", "title": "15-scene photographs"}
    for name in ("best.pt", "checkpoint.pt"):
        saved = read_checkpoint(copy / name)
        saved["config"]["data"] |= photographs
        write_checkpoint(copy / name, saved)
    config["data"] |= photographs
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="only --split test can be measured"):
        write_report([copy], split="validation", device="cpu")
    page = Page(write_report([copy], device="cpu"))
    assert "Trained on 15-scene photographs, but measured on drawn sketches" in page.text


@pytest.mark.parametrize("split", ["test", "validation"])
@pytest.mark.usefixtures("without_pictures")
def test_what_is_not_measured_is_not_called_measured(
    copy: Path, tmp_path: Path, split: str
) -> None:
    page = Page(write_report([copy], split=split, device="cpu", data_dir=tmp_path / "gone"))
    assert "Measured on" not in page.text


def test_names_cannot_become_markup(tmp_path: Path) -> None:
    data = write_sketch15(tmp_path / "data", train_per_class=3, test_per_class=2)
    name = HOSTILE.replace("/", "∕")  # a slash cannot be in a name
    for split in ("train", "test"):
        folder = (data / split / "coast").rename(data / split / name)
        for image in folder.iterdir():
            image.rename(folder / f"<img src=x onerror=alert(2)>\a\n\udce4 日本{image.name}")
    run = tmp_path / "<b onclick=alert(3)>"
    recipe = RECIPES["part1"].override(["epochs=1", "val_fraction=0.34"])
    recipe.make_trainer(data, run, device="cpu", cache="memory").run_training_loop(1)
    page = Page(write_report([run], tmp_path / "a.html", device="cpu"))
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert not [tag for tag, _ in page.tags if tag == "b"]
    assert not [a for _, attributes in page.tags for a in attributes if a.startswith("on")]
    assert all(
        str(attributes["src"]).startswith("data:") for tag, attributes in page.tags if tag == "img"
    )
    assert name in [row[0] for row in page.tables["recall and precision of each class"]]
    assert "<b onclick=alert(3)>" in page.text


def test_nothing_is_fetched(written: Path) -> None:
    page = Page(written)
    without_pictures = re.sub(r"data:[^\"]*", "", page.source)
    assert not re.findall(r"https?:|url\(|@import|//[a-z]", without_pictures.replace("// ", ""))
    policy = next(a["content"] for t, a in page.tags if t == "meta" and "http-equiv" in a)
    assert str(policy).startswith("default-src 'none'")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "no run nowhere"),
        (["mine-001", "--out", "no/such/folder.html"], "no folder no/such"),
        (["mine-001", "--out", "."], "is a folder"),
    ],
)
def test_a_bad_request_gets_one_line(
    copy: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(copy.parent.parent)
    assert cli.main(["report", *arguments]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


# ---------------------------------------------------------------- small parts


def test_command_repeats_the_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    from dataclasses import asdict

    base = RECIPES["part1"]
    settings = ["lr=0.5", "grad_clip=1.5", "seed=3", "name=a.b", "nesterov=true"]
    for recipe in (base, base.override(settings)):
        config = {"recipe": asdict(recipe), "data": {"kind": "own", "folder": "/my data"}}
        command = repeat_command(config)
        assert command is not None
        words = cli.make_parser().parse_args(shlex.split(command)[1:])
        named = [f"name={words.name}"] if words.name else []
        again = RECIPES[words.recipe].override([*words.settings, *named])
        assert again == recipe == recipe_from_dict(asdict(recipe))
        assert words.data == "/my data"
    assert repeat_command({}) is None


def test_untrained_model_is_the_one_that_training_began_with(trained: Path, sketches: Path) -> None:
    config = json.loads((trained / "config.json").read_text())
    recipe = recipe_from_dict(config["recipe"])
    fresh = recipe.make_trainer(sketches, trained / "unused", device="cpu", cache="memory").model
    state = torch.get_rng_state()
    model = untrained_model(config)
    assert model is not None
    assert torch.equal(torch.get_rng_state(), state)
    for ours, theirs in zip(model.parameters(), fresh.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert untrained_model({}) is None


def test_confidence_interval() -> None:
    low, high = confidence_interval(0.5, 100)  # Wilson's by hand: 0.4038 to 0.5962
    assert (low, high) == (pytest.approx(0.4038, abs=1e-4), pytest.approx(0.5962, abs=1e-4))
    assert confidence_interval(1.0, 50)[1] == pytest.approx(1.0)
    assert confidence_interval(1.0, 50)[0] == pytest.approx(0.9287, abs=1e-4)


# ---------------------------------------------------------------- in a browser

PROBE = """
<script>
addEventListener("load", () => {
  const result = {errors: window.errors, images: 0, decoded: 0, orders: {}};
  for (const image of document.images) {
    result.images += 1;
    result.decoded += image.complete && image.naturalWidth > 0;
  }
  const table = document.querySelector("table[aria-label='recall and precision of each class']");
  const column = (k) => [...table.tBodies[0].rows].map((row) => row.cells[k].textContent);
  const press = (k) => {
    const head = table.tHead.rows[0].cells[k];
    head.querySelector("button").click();
    return [head.getAttribute("aria-sort"), column(k)];
  };
  result.orders = {recall: press(2), again: press(2), name: press(0), back: press(0)};
  result.sorted = [...table.querySelectorAll("[aria-sort]")].length;
  result.reached = [...document.querySelectorAll("th button")].every((b) => {
    b.focus(); return document.activeElement === b;
  });
  result.overflow = document.documentElement.scrollWidth - innerWidth;
  const answer = document.createElement("pre");
  answer.id = "answer";
  answer.textContent = JSON.stringify(result);
  document.body.append(answer);
});
</script>
"""


def browse(page: Path, profile: Path, width: int) -> subprocess.CompletedProcess[str]:
    """Open a page in headless Chromium; its DOM on stdout, console messages on stderr."""
    browser = find_browser()
    return subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", f"--user-data-dir={profile}",
            f"--window-size={width},900", "--enable-logging=stderr", "--virtual-time-budget=20000",
            "--dump-dom", page.as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip


@pytest.mark.parametrize("width", [1280, 500])  # Chromium's window is not narrower than 500
def test_in_a_browser(written: Path, tmp_path: Path, width: int) -> None:
    as_written = browse(written, tmp_path / "profile", width)
    assert "CONSOLE" not in as_written.stderr
    # The policy forbids our probe, as it should, so the copy that is probed goes without.
    source = re.sub(r"<meta content=[^>]*http-equiv[^>]*>", "", written.read_text(encoding="utf-8"))
    catch = "<script>window.errors = []; onerror = (e) => window.errors.push(String(e));</script>"
    source = source.replace("<head>", f"<head>{catch}").replace("</body>", f"{PROBE}</body>")
    probed = tmp_path / "probed.html"
    probed.write_text(source, encoding="utf-8")
    dom = browse(probed, tmp_path / "profile", width).stdout
    found = re.search(r'<pre id="answer">(.*?)</pre>', dom)
    assert found, "the probe did not run"
    result = json.loads(found.group(1))
    assert result["errors"] == []
    assert result["images"] == result["decoded"] >= 9
    recall, again = result["orders"]["recall"], result["orders"]["again"]
    shares = [float(text.rstrip("%")) for text in recall[1]]
    assert recall[0] == "descending"
    assert shares == sorted(shares, reverse=True)
    assert again[0] == "ascending"
    assert [float(text.rstrip("%")) for text in again[1]] == sorted(shares)
    assert result["orders"]["name"][1] == sorted(result["orders"]["name"][1])
    assert result["orders"]["back"][1] == sorted(result["orders"]["name"][1], reverse=True)
    assert result["sorted"] == 1
    assert result["reached"]
    assert result["overflow"] <= 0
