"""What `proj3.ipynb` calls besides the assignment: its knob, tests in place, small experiments."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

from scene_recog.recipes import Recipe

MODE_VARIABLE = "SCENE_RECOG_NOTEBOOK"


def notebook_mode() -> Literal["quick", "full"]:
    """How long the notebook trains: what the environment variable says, else "quick".

    Raises:
        ValueError: the variable is something else.
    """
    mode = os.environ.get(MODE_VARIABLE, "quick")
    if mode not in ("quick", "full"):
        raise ValueError(f"{MODE_VARIABLE} is {mode!r}: it must be quick or full")
    return "full" if mode == "full" else "quick"


def run_tests(*names: str, folder: str | Path = "unit_tests") -> None:
    """Run the unit tests of assignment files, as they are on disk now, and print a verdict each.

    Args:
        names: files without their ending, such as "image_loader".
        folder: where `test_<name>.py` lies.

    Raises:
        FileNotFoundError: no tests of that name.
    """
    for name in names:
        path = Path(folder) / f"test_{name}.py"
        if not path.is_file():
            raise FileNotFoundError(f"no tests {path}: run the notebook in the project's folder")
        print(_verdict(name, path))


def _verdict(name: str, path: Path) -> str:
    with tempfile.TemporaryDirectory() as temporary:
        report = Path(temporary) / "report.xml"
        command = [sys.executable, "-m", "pytest", str(path), f"--junitxml={report}"]
        finished = subprocess.run(command, capture_output=True, text=True)
        if not report.is_file():
            return f"✗ {name}: pytest did not run\n{finished.stdout}{finished.stderr}".rstrip()
        cases = list(ElementTree.parse(report).iter("testcase"))
    failures = [
        (case.get("name") or path.name, _reason(problem))
        for case in cases
        for problem in (*case.findall("failure"), *case.findall("error"))
    ]
    if not failures:
        return f"✓ {name}: all {len(cases)} tests pass"
    text = [f"✗ {name}: {len(cases) - len(failures)} of {len(cases)} tests pass; first:"]
    for test, lines in failures[:3]:
        text += [f"    {test}", *(f"        {line}" for line in lines[:3])]
    return "\n".join([*text, f"    all of it: python -m pytest {path}"])


def _reason(problem: ElementTree.Element) -> list[str]:
    message = problem.get("message") or ""
    if message != "collection failure":
        return message.splitlines()
    # The file could not be imported: why is in the text, on the lines that pytest marks.
    lines = (problem.text or "").splitlines()
    return [line[1:].strip() for line in lines if line.startswith("E")][-3:]


def compare_settings(
    recipe: Recipe,
    variants: Mapping[str, Sequence[str]],
    data_dir: str | Path,
    folder: str | Path,
) -> dict[str, list[dict[str, float]]]:
    """Train a recipe several times with one thing changed, for `comparison_figure`.

    A training whose loss does not stay finite counts up to the epoch before.

    Args:
        recipe: what all have in common.
        variants: a label for each, and its settings, as for `Recipe.override`.
        data_dir: folder with train/ and test/.
        folder: where the runs are kept, a folder each.

    Returns:
        label -> one row an epoch, as in history.csv.
    """
    histories = {}
    for number, (label, settings) in enumerate(variants.items(), start=1):
        variant = recipe.override(settings)
        trainer = variant.make_trainer(data_dir, Path(folder) / f"{number:02d}")
        try:
            trainer.run_training_loop(variant.epochs)
        except FloatingPointError as error:
            print(f"{label}: {error}")
        histories[label] = [asdict(record) for record in trainer.records]
    return histories
