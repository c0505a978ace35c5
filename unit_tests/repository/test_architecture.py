"""docs/ARCHITECTURE.md matches the actual layout."""

from __future__ import annotations

import ast
import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PACKAGE = REPOSITORY / "scene_recog"
PAGE = REPOSITORY / "docs" / "ARCHITECTURE.md"


def picture() -> str:
    found = re.search(r"```mermaid\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return found[1]


def test_every_folder_is_in_the_picture_and_every_one_in_it_exists() -> None:
    drawn = set(re.findall(r"(\w+)/", picture()))
    there = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    nested = {path.parent.name for path in PACKAGE.glob("*/*/__init__.py")}
    assert there <= drawn
    assert drawn <= there | nested


def test_every_module_at_the_top_is_in_the_picture() -> None:
    text = picture()
    for path in PACKAGE.glob("*.py"):
        assert path.name.startswith("__") or re.search(rf"\b{path.stem}\b", text), path.name


def test_what_the_page_names_exists() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name in re.findall(r"`([\w/]+(?:\.py|/))`", text):
        assert any((root / name).exists() for root in (REPOSITORY, PACKAGE)), name


def test_the_lecture_imports_numpy_alone() -> None:
    allowed = {"__future__", "collections", "typing", "numpy"}
    for path in (PACKAGE / "lecture").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                package = name.split(".")[0]
                assert package in allowed or name.startswith("scene_recog.lecture"), name


def test_the_picture_has_the_floors_of_the_contract() -> None:
    pyproject = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    contract = re.search(r"layers = \[(.*?)\n\]", pyproject, re.DOTALL)
    assert contract
    modules = set(re.findall(r"\w+", re.sub(r"#.*", "", contract[1]))) - {"__main__"}
    top = {p.stem for p in PACKAGE.glob("*.py") if not p.name.startswith("__")}
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert modules == top | folders
