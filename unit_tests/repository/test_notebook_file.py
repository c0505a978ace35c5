"""The notebook as a file, and the pages that show the same things."""

from __future__ import annotations

import ast
import csv
import json
from pathlib import Path

NOTEBOOK = Path(__file__).parents[2] / "proj3.ipynb"


def test_notebook_is_small_and_tells_nothing_of_the_machine() -> None:
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert len(text.encode()) < 1_000_000
    for place in ("/home/", "/root/", "/tmp/", "/Users/", "/opt/", "C:\\\\"):
        assert place not in text
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            assert output["output_type"] != "error"
            assert output.get("name") != "stderr", "a warning, or a progress bar"
            assert "application/vnd.jupyter.widget-view+json" not in output.get("data", {})


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
