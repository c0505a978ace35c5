"""Whose code is it? Find renamed copies of the public solution; prepare for similarity checkers.

Only syntax trees are inspected; no code of a submission runs. Crafted code can still crash the
parser, so `look` is called in a process of its own.
"""

from __future__ import annotations

import ast
import hashlib
import json
import textwrap
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations
from pathlib import PurePosixPath

from scene_recog.assignment import LECTURE, functions_in
from scene_recog.submission import ABOUT, CODE_FILES, NOTEBOOK, WEIGHTS, python_of_cell
from scene_recog.system.text import in_one_line
from teaching.handout import REPOSITORY, emptied, students_notebook
from teaching.receiving import Received
from teaching.variants import rewritten

PASSAGE = 16  # nodes of a syntax tree that follow each other
# The fraction of the solution's passages that a flagged file contains. In files written by others
# it is 0.09 at most. A short file can hardly be written differently.
COPIED, SHORT, COPIED_SHORT = 0.6, 80, 0.9
GIVEN = ("super().__init__()", "raise NotImplementedError('write ")  # in the starter's bodies
SAME_FILES = 4  # with the same own code, that are not a coincidence
NAMES_LIMIT = 200  # characters of a student's own name

ABOUT_FOLDER = """\
The students' own code, without the starter's imports, docstrings and signatures: one folder per
student. notebook.py has the notebook's code cells that are not from the starter.

JPlag (https://github.com/jplag/JPlag) compares on this computer and sends nothing:

    java -jar jplag.jar -l python3 -t 12 similarity/

MOSS (https://theory.stanford.edu/~aiken/moss/) compares on a server, which also gets the names:

    cd similarity && perl moss.pl -l python -d */*.py

Small files can be similar by chance, and most solutions share ideas: read both before you judge.
"""


@dataclass
class Looked:
    """The findings in a submission's code.

    Attributes:
        given_name: the name that the student typed; None if there is none.
        copied: those of the files that are the public solution with other names.
        own: name of a file -> the student's own code, for a similarity checker.
        digests: of the student's own code and weights, by file.
    """

    given_name: str | None = None
    copied: list[str] = field(default_factory=list)
    own: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)


def look(received: Received, variant: int = 0) -> Looked:
    """Look at a submission's code, and at the name in it."""
    found = Looked(given_name=_given_name(received.files.get(ABOUT, b"")))
    for file, name in CODE_FILES.items():
        if name not in received.files:
            continue
        source = received.files[name].decode("utf-8-sig", errors="replace").replace("\r\n", "\n")
        solution = _solution(file, variant)
        own = own_code(source, solution, keep_constants=file in LECTURE)
        found.own[_own_name(file)] = own
        if is_copied(source, solution):
            found.copied.append(file)
    found.own["notebook.py"] = _own_cells(received.files.get(NOTEBOOK, b""), variant)
    found.own = {name: text for name, text in found.own.items() if text.strip()}
    found.digests = {
        **{
            name: _digest(found.own[name])
            for name in map(_own_name, CODE_FILES)
            if name in found.own
        },
        **{name: _digest(received.files[name]) for name in WEIGHTS if name in received.files},
    }
    return found


def _own_name(file: str) -> str:
    """Similarity checkers take the files of one folder: "lecture_layers.py"."""
    return f"{file.replace('/', '_')}.py"


def alike(digests: Mapping[str, Mapping[str, str]]) -> dict[str, list[str]]:
    """Lines about submissions with equal weights, or equal own code in several of the eight files.

    Args:
        digests: of each submission, by its folder.
    """
    found: dict[str, list[str]] = {}
    for (one, of_one), (other, of_other) in combinations(digests.items(), 2):
        same = {name for name, digest in of_one.items() if of_other.get(name) == digest}
        weights = [PurePosixPath(name).name for name in WEIGHTS if name in same]
        code = sorted(same - set(WEIGHTS))
        words = [f"the same weights in {', '.join(weights)}"] if weights else []
        if len(code) >= SAME_FILES:
            words.append(f"the same own code in {', '.join(code)}")
        if words:
            for folder, with_folder in ((one, other), (other, one)):
                line = f"as in {in_one_line(with_folder)}: {'; '.join(words)}"
                found.setdefault(folder, []).append(line)
    return found


def _digest(contents: str | bytes) -> str:
    data = contents if isinstance(contents, bytes) else contents.encode(errors="backslashreplace")
    return hashlib.sha256(data).hexdigest()


@cache
def _solution(file: str, variant: int) -> str:
    name = CODE_FILES[file]
    return rewritten(name, (REPOSITORY / name).read_text(encoding="utf-8"), variant)


def _given_name(contents: bytes) -> str | None:
    try:
        name = json.loads(contents)["name"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return name[:NAMES_LIMIT] if isinstance(name, str) and name.strip() else None


# ------------------------------------------------------------------------ copies


def is_copied(source: str, solution: str) -> bool:
    """Whether a file is the solution with other names, and with little else changed."""
    ours = _passages(ast.parse(solution))
    tree = _parsed(source)
    if tree is None:
        return False
    share = len(ours & _passages(tree)) / len(ours)
    return share >= (COPIED if len(ours) >= SHORT else COPIED_SHORT)


def _passages(tree: ast.Module) -> set[tuple[str, ...]]:
    """The passages of `PASSAGE` consecutive nodes in a file's functions.

    They ignore what is easily reworded: names, strings, numbers, docstrings, annotations.
    """
    found: set[tuple[str, ...]] = set()
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            nodes = [word for statement in function.body for word in _words(statement)]
            found.update(
                tuple(nodes[start : start + PASSAGE]) for start in range(len(nodes) - PASSAGE + 1)
            )
    return found


def _words(top: ast.AST) -> Iterator[str]:
    """A word for each node below `top`, in the order of the source."""
    waiting: list[ast.AST] = [top]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.Constant | ast.JoinedStr):
            yield "constant"
            continue
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            node = ast.Assign([node.target], node.value)
        name = type(node).__name__
        if isinstance(node, ast.Attribute):
            name += f" {node.attr}"
        if isinstance(node, ast.keyword):
            name += f" {node.arg}"
        yield name
        children = []
        for key, value in ast.iter_fields(node):
            if key not in ("ctx", "annotation", "returns", "decorator_list"):
                values = value if isinstance(value, list) else [value]
                children += [child for child in values if isinstance(child, ast.AST)]
        waiting += reversed(children)


def _parsed(source: str) -> ast.Module | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


# ------------------------------------------------------------------------ what students wrote


def own_code(source: str, solution: str, *, keep_constants: bool = False) -> str:
    """A file without docstrings, and without the starter's imports and signatures.

    The bodies of the starter's functions are dedented, one after the other, so that the file still
    parses. In a file that does not parse, the starter's lines are removed.
    """
    starter = emptied(solution, keep_constants=keep_constants)
    tree = _parsed(source)
    if tree is None:
        theirs = {line.strip() for line in starter.split("\n")}
        return "\n".join(line for line in source.split("\n") if line.strip() not in theirs)
    given = ast.parse(starter)
    handed_out = {ast.dump(node) for node in given.body if isinstance(node, ast.stmt)}
    functions = {name for name, _ in functions_in(given)}
    lines = source.split("\n")
    return "".join(_own(tree.body, "", lines, handed_out, functions))


def _own(
    body: list[ast.stmt],
    prefix: str,
    lines: list[str],
    handed_out: set[str],
    functions: set[str],
) -> Iterator[str]:
    """The statements that are the student's; `prefix` is "Class." in a class."""
    for node in body:
        if ast.dump(node) in handed_out or ast.unparse(node).startswith(GIVEN):
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.ClassDef) and any(f.startswith(f"{node.name}.") for f in functions):
            yield from _own(node.body, f"{node.name}.", lines, handed_out, functions)
        elif isinstance(node, ast.FunctionDef) and prefix + node.name in functions:
            yield from _own(node.body, "", lines, handed_out, set())
            yield "\n"
        else:
            yield _text_of(node, lines)


def _text_of(node: ast.stmt, lines: list[str]) -> str:
    """A statement's lines, at the left margin."""
    first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
    start = 0 if first < node.lineno else node.col_offset
    rows = lines[first - 1 : node.end_lineno]
    if not start or not rows[0][:start].strip():
        return textwrap.dedent("\n".join(rows)) + "\n"
    return ast.unparse(node) + "\n"  # several statements share its line


def _own_cells(contents: bytes, variant: int) -> str:
    """The code cells of a notebook that are not the starter's."""
    given = rewritten(NOTEBOOK, (REPOSITORY / NOTEBOOK).read_text(encoding="utf-8"), variant)
    theirs = {cell.strip() for cell in _cells(students_notebook(given))}
    cells = [cell for cell in _cells(contents) if cell.strip() and cell.strip() not in theirs]
    return "\n\n".join(map(python_of_cell, cells))


def _cells(notebook: bytes | str) -> list[str]:
    try:
        return [
            "".join(cell["source"])
            for cell in json.loads(notebook)["cells"]
            if cell["cell_type"] == "code"
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []
