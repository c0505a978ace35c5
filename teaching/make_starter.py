"""Make the folder that students get: the project with the eight assignment files emptied.

    python teaching/make_starter.py ../scene-recog-starter

Signatures and docstrings stay, bodies go; so do private helpers, the notebook's outputs, and this
folder with the wrong and right submissions. The one true solution is the package itself, so that
the two cannot drift apart.
"""

from __future__ import annotations

import argparse
import ast
import json
import shutil
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
ASSIGNMENT = [
    "image_loader.py", "data_transforms.py", "stats_helper.py", "simple_net.py",
    "simple_net_final.py", "optimizer.py", "dl_utils.py", "confusion_matrix.py",
]  # fmt: skip
NOTEBOOK = "proj3.ipynb"
LEFT_OUT = ("teaching/", ".ci/")


def empty_bodies(source: str) -> str:
    """The source with every function's body replaced by an error that names it.

    Imports, classes, signatures, decorators and docstrings stay as they are; constants and private
    functions, which belong to the solution, go.
    """
    lines = source.splitlines(keepends=True)
    module = ast.parse(source)
    cuts: list[tuple[int, int, str]] = []  # first and last line to replace, and by what
    for node in module.body:
        private = isinstance(node, ast.FunctionDef) and node.name.startswith("_")
        if private or isinstance(node, ast.Assign | ast.AnnAssign):
            cuts.append((node.lineno, node.end_lineno or node.lineno, ""))
    parents: list[ast.Module | ast.ClassDef] = [
        module, *(node for node in module.body if isinstance(node, ast.ClassDef))
    ]  # fmt: skip
    functions = [
        node
        for parent in parents
        for node in parent.body
        if isinstance(node, ast.FunctionDef)
        and not (parent is module and node.name.startswith("_"))
    ]
    for function in functions:
        indent = " " * (function.col_offset + 4)
        todo = f'{indent}raise NotImplementedError("write {function.name}")\n'
        if "super().__init__()" in ast.unparse(function):
            todo = f"{indent}super().__init__()\n{todo}"
        opening = function.body[0]
        first = opening.lineno
        if ast.get_docstring(function):  # cut right below it, to take the solution's comments too
            first = (opening.end_lineno or first) + 1
        cuts.append((first, function.end_lineno or first, todo))
    for first, last, text in sorted(cuts, reverse=True):
        lines[first - 1 : last] = [text]
    return "".join(lines).rstrip() + "\n"


def clear_outputs(notebook: str) -> str:
    """The notebook without outputs: a student's own results, not ours, belong there."""
    contents = json.loads(notebook)
    for cell in contents["cells"]:
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)
    return json.dumps(contents, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Copy every tracked file, and empty the assignment."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="must not exist yet")
    target = parser.parse_args().folder.expanduser()
    if target.exists():
        parser.error(f"{target} is there already: name a new folder")

    listed = subprocess.run(
        ["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        if not name.startswith(LEFT_OUT):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, target / name)
    for file in ASSIGNMENT:
        path = target / "scene_recog" / file
        path.write_text(empty_bodies(path.read_text(encoding="utf-8")), encoding="utf-8")
    notebook = target / NOTEBOOK
    notebook.write_text(clear_outputs(notebook.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"{target}: {len(ASSIGNMENT)} files to write")


if __name__ == "__main__":
    main()
