"""The students' starter: complete, importable, and empty where they are to write."""

from __future__ import annotations

import ast
import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).parents[2]
SCRIPT = REPOSITORY / "teaching" / "make_starter.py"

pytestmark = pytest.mark.skipif(not SCRIPT.is_file(), reason="this is a starter itself")


@pytest.fixture
def make_starter() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_starter", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_assignment_file_is_emptied(make_starter: ModuleType) -> None:
    names = {path.name for path in (REPOSITORY / "unit_tests").glob("test_*.py")}
    assert {f"test_{file}" for file in make_starter.ASSIGNMENT} == names
    for file in make_starter.ASSIGNMENT:
        source = (REPOSITORY / "scene_recog" / file).read_text(encoding="utf-8")
        emptied = make_starter.empty_bodies(source)
        before, after = ast.parse(source), ast.parse(emptied)
        for tree in (before, after):
            tree.body = [
                n for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)
                and not n.name.startswith("_")
            ]  # fmt: skip
        ours = [n for n in ast.walk(before) if isinstance(n, ast.FunctionDef)]
        theirs = [n for n in ast.walk(after) if isinstance(n, ast.FunctionDef)]
        assert [n.name for n in ours] == [n.name for n in theirs]
        for function, empty in zip(ours, theirs, strict=True):
            assert ast.unparse(function.args) == ast.unparse(empty.args)
            assert ast.get_docstring(function) == ast.get_docstring(empty)
            assert isinstance(empty.body[-1], ast.Raise)
            rest = [n for n in empty.body[:-1] if not isinstance(n, ast.Expr)]
            assert not rest, f"{file}: {function.name} keeps a part of its solution"


def test_emptied_functions_say_what_to_write(make_starter: ModuleType) -> None:
    source = (REPOSITORY / "scene_recog" / "simple_net.py").read_text(encoding="utf-8")
    namespace: dict[str, object] = {"__name__": "starter"}
    exec(compile(make_starter.empty_bodies(source), "simple_net.py", "exec"), namespace)
    with pytest.raises(NotImplementedError, match="write __init__"):
        namespace["SimpleNet"]()  # type: ignore[operator]


def test_comments_of_the_solution_go_too(make_starter: ModuleType) -> None:
    source = (REPOSITORY / "scene_recog" / "simple_net.py").read_text(encoding="utf-8")
    assert "[N, 10, 60, 60]" in source
    assert "[N, 10, 60, 60]" not in make_starter.empty_bodies(source)


def test_notebook_keeps_its_cells_but_no_outputs(make_starter: ModuleType) -> None:
    ours = json.loads((REPOSITORY / make_starter.NOTEBOOK).read_text(encoding="utf-8"))
    for cell in ours["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [{"output_type": "stream"}], 7
    theirs = json.loads(make_starter.clear_outputs(json.dumps(ours)))
    assert [c["source"] for c in theirs["cells"]] == [c["source"] for c in ours["cells"]]
    assert not [c for c in theirs["cells"] if c.get("outputs") or c.get("execution_count")]
