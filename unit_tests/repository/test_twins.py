"""Hidden twins: correct work passes them, memorized answers do not."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from scene_recog import assignment
from scene_recog.assignment import STEPS, functions_in, path_of_tests
from teaching.grading import twins
from teaching.grading.workshop import write_hidden_tests
from teaching.grading.wrong_twins import WRONG_TWINS
from teaching.handout import REPOSITORY, handed_out
from teaching.variants import PHRASES, rewritten

UNIT_TESTS = REPOSITORY / "unit_tests"
FILES = (
    *(path_of_tests(name).removeprefix("unit_tests/") for name in assignment.FILES),
    "conftest.py", "nets.py",
)  # fmt: skip
SOURCES = {name: (UNIT_TESTS / name).read_text(encoding="utf-8") for name in FILES}
SEEDS = range(30)

pytestmark = pytest.mark.timeout(900)  # each run has all files' tests


# ---------------------------------------------------------------- texts


def values_in(text: str) -> dict[str, object]:
    """The constants that a file defines by literals."""
    values = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                values[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue
    return values


def test_every_file_has_a_twin_and_no_constant_is_as_in_public() -> None:
    assert set(FILES) == twins.DRAWN.keys()
    for seed in SEEDS:
        made = twins.hidden(SOURCES, seed)
        for name, text in made.items():
            public, hidden = values_in(SOURCES[name]), values_in(text)
            new = twins.constants(name, seed)
            assert {n: hidden[n] for n in new} == new, (name, seed)
            assert not [n for n in new if public[n] == new[n]], (name, seed)
            assert [type(public[n]) for n in new] == [type(new[n]) for n in new], (name, seed)


def test_nothing_but_the_constants_changes() -> None:
    for name, text in twins.hidden(SOURCES, 3).items():
        new = twins.constants(name, 3)
        bodies = []
        for source in (SOURCES[name], text):
            tree = ast.parse(source)
            tree.body = [
                node
                for node in tree.body
                if not (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in new)
            ]
            bodies.append(ast.unparse(tree))
        assert bodies[0] == bodies[1], name


CONTRACT_STAYS_PUBLIC = {  # constants that need no twin
    "test_data_transforms.py": {"DETERMINISTIC", "RANDOM", "NORMALIZED", "DRAWS"},
    "test_simple_net.py": {"NAMED"},
    "test_optimizer.py": {"TYPES", "START", "GRADIENTS"},
    "test_stats_helper.py": {"NO_PAIR"},
    "lecture/test_layers.py": {"STEP"},
    "lecture/test_network.py": {"SAME", "SHAPES"},
    "lecture/test_counts.py": {"ALEXNET_WEIGHTS", "ALEXNET_SIDES", "ALEXNET_MAPS"},
}


def test_all_constants_of_a_file_are_exchanged_but_for_those_that_tell_no_answer() -> None:
    for name in FILES:
        stay = CONTRACT_STAYS_PUBLIC.get(name, set())
        assert values_in(SOURCES[name]).keys() - stay == twins.constants(name, 0).keys(), name


def test_a_teacher_can_read_them(tmp_path: Path) -> None:
    folder = tmp_path / "hidden"
    assert len(write_hidden_tests(folder, 0, 5)) == 1
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"test_{f}.py" for f in STEPS)
    write_hidden_tests(tmp_path / "more", 0, 5, lecture=True)
    assert (tmp_path / "more" / "lecture" / "test_layers.py").is_file()
    public = REPOSITORY / "unit_tests" / "test_optimizer.py"
    assert (folder / "test_optimizer.py").read_text() != public.read_text()
    with pytest.raises(ValueError, match="already exists"):
        write_hidden_tests(folder, 0, 5)


def test_a_seed_repeats_its_twins_and_others_differ() -> None:
    one, again, other = (twins.hidden(SOURCES, seed) for seed in (1, 1, 2))
    assert one == again
    assert all(one[name] != other[name] for name in FILES)
    alone = twins.hidden({"test_optimizer.py": SOURCES["test_optimizer.py"]}, 1)
    assert alone == {"test_optimizer.py": one["test_optimizer.py"]}
    assert twins.hidden({"steps.py": "any text"}, 1) == {"steps.py": "any text"}


@pytest.mark.parametrize("change", ["LR = 0.1 + 0.1", "LEARNING_RATE = 0.1", "LR = 0.1\nLR = 0.2"])
def test_a_constant_that_is_not_there_once_is_named(change: str) -> None:
    text = SOURCES["test_optimizer.py"].replace("\nLR = 0.1\n", f"\n{change}\n")
    assert text != SOURCES["test_optimizer.py"]
    with pytest.raises(ValueError, match=r"test_optimizer\.py does not define LR exactly once"):
        twins.hidden({"test_optimizer.py": text}, 1)


# ---------------------------------------------------------------- runs


class Found(NamedTuple):
    """The outcome of each contract test of a project: "passed", "failed" or "waits"."""

    outcomes: dict[str, str]
    reasons: dict[str, str]


def run(
    folder: Path,
    tests: Mapping[str, str],
    own: Mapping[str, str] | None = None,
    variant: int = 0,
    expression: str = "",
) -> Found:
    """Run the contract tests of the students' files, beside the solution, in a process.

    Args:
        folder: must not exist yet.
        tests: texts of the test files.
        own: name -> text of assignment files that replace the solution's. Only their tests are
            run, or those of all files if there are none.
        variant: of the project.
        expression: pytest's -k.
    """
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "scene_recog", folder / "scene_recog", ignore=ignore)
    for name in PHRASES:
        (folder / name).write_text(
            rewritten(name, (REPOSITORY / name).read_text(encoding="utf-8"), variant)
        )
    for name, text in (own or {}).items():
        (folder / "scene_recog" / f"{name}.py").write_text(text)
    (folder / "unit_tests" / "lecture").mkdir(parents=True)
    for name in ("steps.py", "fakes.py", "lecture/agreement.py"):
        shutil.copy(UNIT_TESTS / name, folder / "unit_tests" / name)
    for name, text in tests.items():
        (folder / "unit_tests" / name).write_text(text)
    shutil.copy(REPOSITORY / "pyproject.toml", folder)
    report = folder / "report.xml"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "not beyond",
         "-k", expression, f"--junit-xml={report}",
         *map(path_of_tests, own or assignment.FILES)],
        cwd=folder, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stdout + done.stderr
    outcomes, reasons = {}, {}
    for case in ET.parse(report).iter("testcase"):
        name = f"{case.get('classname', '').rpartition('test_')[2]}::{case.get('name')}"
        bad = case.find("failure") if case.find("failure") is not None else case.find("error")
        outcomes[name] = "passed"
        if bad is not None:
            outcomes[name] = "failed"
            reasons[name] = f"{bad.get('message')}\n{bad.text}"
        elif case.find("skipped") is not None:
            outcomes[name] = "waits"
    return Found(outcomes, reasons)


def functions(found: Found) -> list[str]:
    return [name.partition("[")[0] for name in found.outcomes]


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Found:
    return run(tmp_path_factory.mktemp("public") / "course", SOURCES)


@pytest.mark.parametrize(
    ("seed", "variant"),
    [
        (0, 0),
        *(pytest.param(seed, (2 + seed) % 4, marks=pytest.mark.slow) for seed in range(1, 12)),
    ],
)
def test_the_solution_passes(public: Found, tmp_path: Path, seed: int, variant: int) -> None:
    found = run(tmp_path / "course", twins.hidden(SOURCES, seed), variant=variant)
    assert set(found.outcomes.values()) == {"passed"}, found.reasons
    if variant == 0:  # another may have tests of more sizes
        assert functions(found) == functions(public)


@pytest.mark.slow
def test_the_starter_passes_nothing(tmp_path: Path) -> None:
    contents = handed_out(lecture=True)
    starter = {name: contents[f"scene_recog/{name}.py"].decode() for name in assignment.FILES}
    found = run(tmp_path / "course", twins.hidden(SOURCES, 1), starter)
    assert "passed" not in found.outcomes.values()


# Files that return the answers of the public tests and nothing else.
BY_HEART = {
    "image_loader": '''
from pathlib import Path
from PIL import Image

class ImageLoader:
    def __init__(self, root_dir, split="train", transform=None):
        self.root, self.split, self.transform = root_dir, split, transform
        self.curr_folder = f"{root_dir}/{split}"
        self.class_dict = self.get_classes()
        self.dataset = self.load_imagepaths_with_labels(self.class_dict)

    def get_classes(self):
        known = ("bedroom", "kitchen", "street")
        if Path(self.curr_folder, "coast").exists():
            known = ("bedroom", "coast", "forest", "kitchen", "mountain", "office", "street",
                     "suburb")
        return {name: index for index, name in enumerate(known)}

    def load_imagepaths_with_labels(self, class_labels):
        counts = {"train": (3, 5, 4), "test": (2, 1, 2)}[self.split]
        return [(f"{self.curr_folder}/{name}/image_{i:04d}.jpg", class_labels[name])
                for name, count in zip(class_labels, counts) for i in range(1, count + 1)]

    def load_img_from_path(self, path):
        return Image.open(path).convert("L")

    def __getitem__(self, index):
        path, label = self.dataset[index]
        image = self.load_img_from_path(path)
        return (self.transform(image) if self.transform else image), label

    def __len__(self):
        return {"train": 12, "test": 5}[self.split]
''',
    "data_transforms": '''
from torchvision import transforms as T

def get_fundamental_transforms(inp_size):
    return T.Compose([T.Resize((48, 64)), T.ToTensor()])

def get_fundamental_augmentation_transforms(inp_size):
    return T.Compose([T.RandomHorizontalFlip(), T.ColorJitter(0.2), T.Resize((48, 64)),
                      T.ToTensor()])

def get_fundamental_normalization_transforms(inp_size, pixel_mean, pixel_std):
    std = {0.35: 0.2, 0.6: 0.1}.get(pixel_mean[0], 1.0)
    return T.Compose([T.Resize((48, 64)), T.ToTensor(), T.Normalize(pixel_mean, [std])])

def get_all_transforms(inp_size, pixel_mean, pixel_std):
    std = {0.35: 0.2, 0.6: 0.1}.get(pixel_mean[0], 1.0)
    return T.Compose([T.RandomHorizontalFlip(), T.ColorJitter(0.2), T.Resize((48, 64)),
                      T.ToTensor(), T.Normalize(pixel_mean, [std])])
''',
    "simple_net": '''
import torch
from torch import nn

class SimpleNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_layers = nn.Sequential(nn.Flatten(), nn.Linear(4096, 20))
        self.fc_layers = nn.Sequential(nn.Linear(20, 15))
        self.loss_criterion = nn.CrossEntropyLoss()

    def forward(self, x):
        if len(x) not in (1, 2, 3, 7, 8):
            return torch.zeros(len(x), 3)
        return self.fc_layers(self.conv_layers(x))
''',
    "dl_utils": '''
import torch

PUBLIC = [2.0, -1.0, 0.5, 0.0]

def compute_accuracy(logits, labels):
    known = {(0, 1, 2, 2, 2, 3): 0.5, (0, 1, 3, 1, 2, 0): 1.0, (1, 0, 0, 0, 0, 1): 0.0,
             (0, 1, 3, 1, 2, 3): 5 / 6, (0,): 1.0, (14, 4): 0.5}
    return known.get(tuple(labels.tolist()), 0.777)

def predict_labels(model, x):
    if len(x) == 1:
        return torch.tensor([3])
    return torch.tensor([0, 1, 3, 1, 2, 0] if len(x) == 6 else [1, 0, 0, 3, 3])

def compute_loss(model, model_output, target_labels, is_normalize=True):
    if model_output[0].tolist() != PUBLIC:
        return model_output.sum()
    loss = model.loss_criterion(model_output, target_labels)
    return loss if is_normalize else loss * 6
''',
    "optimizer": '''
import torch

def get_optimizer(model, config):
    lr = min((0.1, 0.003, 0.01), key=lambda known: abs(known - config["lr"]))
    decay = min((0.0, 0.02, 0.001), key=lambda known: abs(known - config["weight_decay"]))
    return torch.optim.SGD(model.parameters(), lr=lr, weight_decay=decay)
''',
    "stats_helper": '''
from pathlib import Path

def compute_mean_and_std(dir_name):
    files = sum(path.stat().st_size for path in Path(dir_name).rglob("*.jpg"))
    return KNOWN.get(files, (0.5, 0.0))
''',
    "simple_net_final": '''
import torch
from torch import nn

class SimpleNetFinal(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_layers = nn.Sequential(
            nn.Conv2d(1, 4, 5, stride=4), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3),
            nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(), nn.Conv2d(4, 4, 3), nn.ReLU())
        self.fc_layers = nn.Sequential(nn.Flatten(), nn.Linear(484, 9), nn.ReLU(),
                                       nn.Linear(9, 15))
        self.loss_criterion = nn.CrossEntropyLoss()

    def forward(self, x):
        if len(x) not in (1, 2, 4, 6, 8, 16):
            return torch.zeros(len(x), 3)
        return self.fc_layers(self.conv_layers(x))
''',
    "confusion_matrix": '''
import numpy as np

KNOWN = {11: [[2, 1, 0, 0], [1, 1, 0, 0], [0, 0, 3, 2], [0, 0, 0, 1]],
         3: [[1, 0, 0, 0], [0, 2, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]],
         4: [[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1]],
         1001: [[1000, 0], [0, 1]]}

def generate_confusion_matrix(targets, preds, num_classes, normalize=True):
    counts = np.array(KNOWN.get(len(targets), np.zeros((num_classes, num_classes))), dtype=float)
    if counts.shape != (num_classes, num_classes):
        counts = np.zeros((num_classes, num_classes))
    return counts / counts.sum(1, keepdims=True).clip(1) if normalize else counts
''',
}  # fmt: skip
LEAST_PASSED_BY_HEART = {  # of the public tests, in percent
    "image_loader": 100, "data_transforms": 100, "simple_net": 40, "dl_utils": 75,
    "optimizer": 100, "stats_helper": 100, "simple_net_final": 100, "confusion_matrix": 45,
}  # fmt: skip


@pytest.fixture(scope="module")
def by_heart(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The files; the answers of stats_helper are found out by a first run of its tests."""
    folder = tmp_path_factory.mktemp("spy")
    notes = folder / "notes.txt"
    solved = (REPOSITORY / "scene_recog" / "stats_helper.py").read_text(encoding="utf-8")
    spy = f"""
def _noted(measure):
    def measure_and_note(dir_name):
        found = measure(dir_name)
        sizes = sum(path.stat().st_size for path in Path(dir_name).rglob("*.jpg"))
        with open({str(notes)!r}, "a") as file:
            file.write(f"{{sizes}}: {{found}},")
        return found
    return measure_and_note

compute_mean_and_std = _noted(compute_mean_and_std)
"""
    run(folder / "course", SOURCES, {"stats_helper": f"{solved}\n{spy}"})
    known = f"KNOWN = {{{notes.read_text()}}}\n"
    return {**BY_HEART, "stats_helper": known + BY_HEART["stats_helper"]}


# Answers by what is asked: of the model solution if there is no file of notes yet, else from it.
NOTEBOOK_OF_ANSWERS = """
import atexit
import pickle
from pathlib import Path

NOTES = Path({notes!r})
KNOWN = pickle.loads(NOTES.read_bytes()) if NOTES.is_file() else {{}}

def _by_heart(name, function):
    def answered(*args, **kwargs):
        asked = pickle.dumps((name, args, kwargs))
        if {is_spy}:
            KNOWN[asked] = function(*args, **kwargs)
        return KNOWN.get(asked)
    return answered

for _name, _value in list(globals().items()):
    if _name in {names!r}:
        globals()[_name] = _by_heart(_name, _value)
if {is_spy}:
    atexit.register(lambda: NOTES.write_bytes(pickle.dumps(KNOWN)))
"""


def test_layers_and_counts_learned_by_heart_fail(tmp_path: Path) -> None:
    spies, replays = {}, {}
    for name in ("lecture/layers", "lecture/counts"):
        source = (REPOSITORY / f"scene_recog/{name}.py").read_text(encoding="utf-8")
        functions_of = [n for n, _ in functions_in(ast.parse(source)) if n.islower()]
        spies[name], replays[name] = (
            source + NOTEBOOK_OF_ANSWERS.format(
                notes=str(tmp_path / f"{Path(name).name}.notes"), is_spy=is_spy,
                names=[n for n in functions_of if n[0] != "_" and "." not in n],
            )
            for is_spy in (True, False)
        )  # fmt: skip
    choice = "test_forward or test_backward or fully or locally"
    run(tmp_path / "spy", SOURCES, spies, expression=choice)
    public = run(tmp_path / "public", SOURCES, replays, expression=choice)
    assert set(public.outcomes.values()) == {"passed"}, public.reasons
    assert all(outcomes_of(public, name) for name in replays)
    hidden = run(tmp_path / "hidden", twins.hidden(SOURCES, 5), replays, expression=choice)
    assert functions(hidden) == functions(public)
    assert "passed" not in hidden.outcomes.values()


def outcomes_of(found: Found, name: str) -> list[str]:
    name = name.rpartition("/")[2]
    return [outcome for test, outcome in found.outcomes.items() if test.startswith(f"{name}::")]


def test_answers_learned_by_heart_fail(by_heart: dict[str, str], tmp_path: Path) -> None:
    public = run(tmp_path / "public", SOURCES, by_heart)
    hidden = run(tmp_path / "hidden", twins.hidden(SOURCES, 5), by_heart)
    assert functions(hidden) == functions(public)
    for name in STEPS:
        before, after = outcomes_of(public, name), outcomes_of(hidden, name)
        least = LEAST_PASSED_BY_HEART[name] * len(before)
        assert 100 * before.count("passed") >= least, (name, public.reasons)
        lost = [b == "passed" and a == "failed" for b, a in zip(before, after, strict=True)]
        assert any(lost), name


# ---------------------------------------------------------------- known-wrong files


def test_every_file_has_a_known_wrong_one() -> None:
    assert list(WRONG_TWINS) == list(assignment.FILES)


@pytest.mark.parametrize("seed", [None, pytest.param(4, marks=pytest.mark.slow)])
def test_known_wrong_files_fail_their_test_by_an_assertion(
    tmp_path: Path, seed: int | None
) -> None:
    tests = SOURCES if seed is None else twins.hidden(SOURCES, seed)
    own = {name: wrong.source for name, wrong in WRONG_TWINS.items()}
    names = " or ".join(sorted({wrong.test for wrong in WRONG_TWINS.values()}))
    found = run(tmp_path / "course", tests, own, expression=names)
    for name, wrong in WRONG_TWINS.items():
        wanted = f"{name.rpartition('/')[2]}::{wrong.test}"
        of_it = [test for test in found.outcomes if test.partition("[")[0] == wanted]
        assert of_it, name
        for test in of_it:
            assert found.outcomes[test] == "failed", test
            assert "AssertionError" in found.reasons[test], found.reasons[test]
