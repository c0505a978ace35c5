"""The folder that students get, made from the solution: this repository.

Nothing is maintained twice. The eight files, and those of the lecture where it is a second
assignment, are the solution's, with empty bodies; the tests and the provided code are the
repository's own; the rubric is the public part of the grader's. A variant has other network sizes
(`variants.py`). Before anything is written, the hand-out is searched for
what it must not contain: solved bodies, and words about the solution.
"""

from __future__ import annotations

import ast
import io
import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from scene_recog.assignment import LECTURE, STEPS, functions_in
from scene_recog.submission import (
    HANDOUT_RECORD,
    LECTURE_FILES,
    LECTURE_NOTEBOOK,
    NOTEBOOK,
    REPORT_DRAFT,
    STEP_FILES,
    fingerprint,
    python_of_cell,
)
from scene_recog.system.files import write_atomically, zipped
from teaching.rubric import Rubric, read_rubric
from teaching.variants import rewritten

HERE = Path(__file__).parent
REPOSITORY = HERE.parent
ASSIGNMENT = list(STEP_FILES.values())
SECOND_ASSIGNMENT = list(LECTURE_FILES.values())
LECTURE_FOLDERS = ("scene_recog/lecture/", "unit_tests/lecture/")
FOLDERS = ("scene_recog", "unit_tests")
NOT_HANDED_OUT = (
    "unit_tests/repository/",
    *(
        f"unit_tests/provided/test_{name}.py"  # minutes of random input, kills and processes
        for name in ("distributed", "fuzz", "kill", "properties", "slow_tests")
    ),
)
FILES = (
    "LICENSE", ".gitignore", "pyproject.toml", NOTEBOOK, "data/README.md",
    "model_checkpoints/README.md", "docs/DOCTOR.md", "docs/FAQ.md", "docs/MACHINES.md",
)  # fmt: skip
STUDENTS_OWN = {  # an update leaves them alone
    *ASSIGNMENT, *SECOND_ASSIGNMENT, NOTEBOOK, LECTURE_NOTEBOOK, REPORT_DRAFT,
}  # fmt: skip
REPOSITORY_TAG = "repository"  # cells of the notebook that are not handed out
WHAT = {  # to write in each file
    "image_loader": "`Dataset` over `data/{train,test}/<class>/*.jpg`",
    "data_transforms": "resize, to tensor; later augmentation (2.1) and normalization (2.2)",
    "simple_net": "SimpleNet, two convolutions: figure 2",
    "dl_utils": "accuracy, loss, saving and loading weights",
    "optimizer": "SGD, Adam",
    "stats_helper": "mean and standard deviation of the pixels",
    "simple_net_final": "SimpleNetFinal: dropout (2.3), depth (2.4), batch norm (2.5)",
    "confusion_matrix": "which classes are confused",
    "lecture/layers": "the layers, forwards and backwards",
    "lecture/gradients": "gradients without backpropagation",
    "lecture/network": "a perceptron, SimpleNet, and how they learn",
    "lecture/counts": "weights, arithmetic and receptive fields",
}
FORBIDDEN = re.compile(
    r"(model|true|our|the) solution|solution's|teaching/|benchmarks/|submissions/|"
    r"docs/(?!DOCTOR|FAQ|MACHINES|figure_2|methods\.csv)|CONTRIBUTING|CHANGELOG", re.IGNORECASE
)  # fmt: skip


# ------------------------------------------------------------------------ the verbs


def hand_out(
    folder: Path, variant: int = 0, *, lecture: bool = False, make_zip: bool = False
) -> list[str]:
    """Make the folder that students get.

    Args:
        folder: must not exist yet.
        variant: 0 for the course's own network sizes.
        lecture: with the second assignment, the four files of the lecture.
        make_zip: also write `<folder>.zip`.

    Returns:
        Lines that say what was made.

    Raises:
        ValueError: the folder exists, or something must not be handed out; a line each.
    """
    must_be_new(folder)
    contents = handed_out(variant, lecture)
    contents = {**contents, HANDOUT_RECORD: _record(contents, variant)}
    write_new_folder(folder, contents)
    count = len(_to_write(lecture))
    lines = [f"{folder}: {len(contents)} files, {count} of them for students to write"]
    if make_zip:
        lines.append(_zip(folder.with_name(f"{folder.name}.zip"), folder.name, contents))
    return lines


def update(
    folder: Path, variant: int | None = None, *, lecture: bool = False, make_zip: bool = False
) -> list[str]:
    """Update the provided files in a folder that somebody has worked in.

    The students' files, the notebooks, the report, the runs and all other files stay. A provided
    file that was changed there is kept beside the new one as `<name>.yours`.

    Args:
        folder: made by `hand_out`.
        variant: None, or the folder's variant.
        lecture: add the second assignment, if the folder does not have it yet.
        make_zip: also write `<folder>-update.zip` with all provided files, for students to unpack
            over their own folders, and `<folder>.zip` anew, for those who begin now.

    Returns:
        A line for each file that was changed, added or removed, and for anything students must
        know.

    Raises:
        ValueError: the folder was not handed out, or has another variant.
    """
    then, variant = _read_record(folder, variant)
    contents = handed_out(variant, lecture or not then.keys().isdisjoint(SECOND_ASSIGNMENT))
    # What was never handed out is provided once: the files of a second assignment that is added.
    own = {name for name in STUDENTS_OWN if name in then or (folder / name).exists()}
    lines = []
    for name, new in contents.items():
        path = folder / name
        if name in own:
            if then.get(name) != fingerprint(new):
                lines.append(f"{name} has changed in the repository; yours was left alone")
            continue
        old = path.read_bytes() if path.is_file() else None
        if old is not None and fingerprint(old) == fingerprint(new):
            continue
        if old is not None and fingerprint(old) != then.get(name):
            lines.append(_keep(path, old, folder))
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, new)
        lines.append(f"{name}: {'added' if old is None else 'updated'}")
    for name in sorted(then.keys() - contents.keys()):
        path = folder / name
        if name in own or not path.is_file():
            continue
        if fingerprint(path.read_bytes()) == then[name]:
            path.unlink()
            lines.append(f"{name}: removed, it is no longer provided")
        else:
            lines.append(f"{name} is no longer provided, but was changed here: kept")
    record = _record(contents, variant)  # last, so that an interrupted update is repeated
    _write(folder / HANDOUT_RECORD, record)
    if make_zip:
        provided = {name: new for name, new in contents.items() if name not in own}
        archive = folder.with_name(f"{folder.name}-update.zip")
        lines.append(_zip(archive, "", {**provided, HANDOUT_RECORD: record}))
        complete = folder.with_name(f"{folder.name}.zip")
        lines.append(_zip(complete, folder.name, {**contents, HANDOUT_RECORD: record}))
    return lines or [f"{folder}: everything is up to date"]


def hand_out_solution(folder: Path, variant: int = 0, *, lecture: bool = False) -> list[str]:
    """Write the solved files of a variant, for the teacher.

    Args:
        folder: must not be there yet.
        variant: 0 for the course's own sizes of the networks.
        lecture: with those of the second assignment, in a folder of their own.

    Raises:
        ValueError: the folder is there.
    """
    must_be_new(folder)
    names = _to_write(lecture)
    solved = {name.removeprefix("scene_recog/"): _solved(name, variant) for name in names}
    write_new_folder(folder, solved)
    return [f"{folder}: the {len(names)} files of variant {variant}, solved; keep them private"]


def _to_write(lecture: bool) -> list[str]:
    """The files that students write."""
    return [*ASSIGNMENT, *SECOND_ASSIGNMENT] if lecture else ASSIGNMENT


# ------------------------------------------------------------------------ the contents


def handed_out(variant: int = 0, lecture: bool = False) -> dict[str, bytes]:
    """The hand-out, checked: path in the folder -> contents.

    Args:
        variant: its number.
        lecture: with the second assignment.

    Raises:
        ValueError: it holds something that must not be handed out, a line each; or a file states
            the networks' sizes in a way that `variants.py` does not know.
    """
    contents = {}
    for name in sorted(_listed(lecture)):
        text = _solved(name, variant)
        if name in ASSIGNMENT:
            text = emptied(text.decode()).encode()
        elif name in SECOND_ASSIGNMENT:
            text = emptied(text.decode(), keep_constants=True).encode()
        elif name in (NOTEBOOK, LECTURE_NOTEBOOK):
            text = students_notebook(text.decode()).encode()
        elif name == "pyproject.toml":
            text = _students_pyproject(text.decode()).encode()
        contents[name] = text
    rubric = read_rubric(lecture=lecture)
    contents["docs/figure_2.png"] = _figure_2(variant)
    contents["README.md"] = _readme(rubric, variant, LECTURE_NOTEBOOK in contents)
    contents["rubric.toml"] = rubric.public_part().encode()
    notebooks = [contents[name] for name in (NOTEBOOK, LECTURE_NOTEBOOK) if name in contents]
    contents[REPORT_DRAFT] = _report(*(notebook.decode() for notebook in notebooks))
    if problems := list(_must_not_be_handed_out(contents, variant)):
        raise ValueError("\n".join(problems))
    return contents


def emptied(source: str, *, keep_constants: bool = False) -> str:
    """The source with every function's body replaced by an error that names it.

    Imports, classes, signatures, decorators and docstrings stay; constants, private functions and
    private methods, which belong to the solution, are removed.

    Args:
        source: of a solved file.
        keep_constants: those with public names stay, as they are part of the task.
    """
    lines = source.splitlines(keepends=True)
    module = ast.parse(source)
    cuts: list[tuple[int, int, str]] = []  # (first line to replace, last line, replacement)
    for node in module.body:
        private = isinstance(node, ast.FunctionDef) and node.name.startswith("_")
        constant = isinstance(node, ast.Assign | ast.AnnAssign)
        if private or (constant and not keep_constants):
            cuts.append((node.lineno, node.end_lineno or node.lineno, ""))
    for name, function in functions_in(module):
        if name.startswith("_"):
            continue
        if re.search(r"\._[^_]", name):
            cuts.append((function.lineno, function.end_lineno or function.lineno, ""))
            continue
        if [ast.unparse(node) for node in function.body] == ["..."]:  # of a protocol
            continue
        indent = " " * (function.col_offset + 4)
        todo = f'{indent}raise NotImplementedError("write {function.name}")\n'
        if "super().__init__()" in ast.unparse(function):
            todo = f"{indent}super().__init__()\n{todo}"
        opening = function.body[0]
        first = opening.lineno
        if ast.get_docstring(function):  # cut right below it, to remove the solution's comments too
            first = (opening.end_lineno or first) + 1
        cuts.append((first, function.end_lineno or first, todo))
    for first, last, text in sorted(cuts, reverse=True):
        lines[first - 1 : last] = [text]
    text = re.sub(r"\n{4,}", "\n\n\n", "".join(lines)).rstrip() + "\n"
    return _EMPTY_SECTION.sub("", text).rstrip() + "\n"


# A heading with nothing but comments below it, because all of its functions are private.
_EMPTY_SECTION = re.compile(r"^# -{9,} .*\n(?:(?:#(?! -{9}).*)?\n)*(?=# -{9}|\Z)", re.MULTILINE)


def students_notebook(text: str) -> str:
    """The notebook without outputs, and without the cells that need the repository."""
    notebook = json.loads(text)
    cells = [
        cell for cell in notebook["cells"] if REPOSITORY_TAG not in cell["metadata"].get("tags", [])
    ]
    for cell in cells:
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)
    return json.dumps({**notebook, "cells": cells}, indent=1, ensure_ascii=False) + "\n"


def questions_of(notebook: str) -> list[str]:
    """The questions in the notebook's text, in order, without their numbers.

    Raises:
        ValueError: they are not numbered 1, 2, 3, ...
    """
    cells = json.loads(notebook)["cells"]
    text = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    found = re.findall(r"^\*\*Question (\d+)\.\*\* (.+)$", text, re.MULTILINE)
    if [int(number) for number, _ in found] != list(range(1, len(found) + 1)):
        raise ValueError(
            f"{NOTEBOOK}: the questions that students get are numbered "
            f"{', '.join(number for number, _ in found)}: number them from 1, without gaps"
        )
    return [question for _, question in found]


def _listed(lecture: bool) -> Iterator[str]:
    left_out = NOT_HANDED_OUT if lecture else (*NOT_HANDED_OUT, *LECTURE_FOLDERS)
    for folder in FOLDERS:
        for path in (REPOSITORY / folder).rglob("*"):
            name = path.relative_to(REPOSITORY).as_posix()
            is_cache = "__pycache__" in name or path.name.startswith(".")
            if path.is_file() and not is_cache and not name.startswith(left_out):
                yield name
    yield from FILES
    if lecture and (REPOSITORY / LECTURE_NOTEBOOK).is_file():
        yield LECTURE_NOTEBOOK
        yield "docs/methods.csv"  # which it shows


def _solved(name: str, variant: int) -> bytes:
    """A file of the repository, rewritten for the variant."""
    data = (REPOSITORY / name).read_bytes()
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return data
    return rewritten(name, text, variant).encode()


def _students_pyproject(text: str) -> str:
    """The file without the parts for the repository's own checks."""
    text = re.sub(r"^dev = \[\n.*?^\]\n", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r', "hypothesis[^"]*"', "", text)
    return text.partition("[tool.ruff]")[0].rstrip() + "\n"


def _readme(rubric: Rubric, variant: int, has_lecture_notebook: bool) -> bytes:
    for_students = HERE / "for_students"
    template = (for_students / "README.md").read_text(encoding="utf-8")
    lecture = ""
    if rubric.has_lecture:
        lecture = (for_students / "lecture.md").read_text(encoding="utf-8").strip() + "\n\n"
        notebook = f" The notebook `{LECTURE_NOTEBOOK}` leads through it." * has_lecture_notebook
        lecture = lecture.replace("{notebook}", notebook)
        lecture = lecture.replace("{steps}", rubric.steps_table(WHAT, LECTURE))
    figure = "![Figure 2: SimpleNet](docs/figure_2.png)"
    if variant:
        figure += f"\n\nThe sizes in figure 2 are this term's (variant {variant})."
    parts = {
        "steps": rubric.steps_table(WHAT, STEPS), "points": rubric.points_table(),
        "figure": figure,
    }  # fmt: skip
    template = template.replace("{lecture}\n\n", lecture)
    for name, text in parts.items():
        template = template.replace(f"{{{name}}}", text)  # other braces are the teacher's own
    return template.encode()


def _report(notebook: str, of_lecture: str | None = None) -> bytes:
    text = (HERE / "for_students" / "report.md").read_text(encoding="utf-8")
    for number, question in enumerate(questions_of(notebook), start=1):
        text += f"## Question {number}\n\n> {question}\n\n\n"
    for number, question in enumerate(questions_of(of_lecture) if of_lecture else [], start=1):
        text += f"## Question L{number}\n\n> {question}\n\n\n"
    return (text.rstrip() + "\n").encode()


def _figure_2(variant: int) -> bytes:
    from scene_recog.visualize.figure_2 import network_figure
    from teaching.variants import sizes_of

    picture = io.BytesIO()
    figure = network_figure(sizes_of(variant)[0])
    figure.savefig(picture, format="png", dpi=110, metadata={"Software": None})
    return picture.getvalue()


# ------------------------------------------------------------------------ forbidden contents


def _must_not_be_handed_out(contents: Mapping[str, bytes], variant: int) -> Iterator[str]:
    made_from = {"README.md": " (from teaching/for_students/README.md)"}
    solved = {}
    for name in (*ASSIGNMENT, *SECOND_ASSIGNMENT):
        for function in _functions(_solved(name, variant).decode()):
            if body := _body(function):
                solved[body] = f"{function.name} of {name}"
    for name, data in contents.items():
        if not name.endswith((".py", ".md", ".toml", ".ipynb")):
            continue
        text = data.decode()
        for number, line in enumerate(text.splitlines(), start=1):
            if found := FORBIDDEN.search(line):
                yield (
                    f"{name}{made_from.get(name, '')}, line {number}: {found[0]!r} is not for "
                    f"students: {line.strip()[:60]}"
                )
        for code in [text] if name.endswith(".py") else _code_cells(name, text):
            for function in _functions(code):
                if found_in := solved.get(_body(function)):
                    yield f"{name}, line {function.lineno}: the solved body of {found_in}"


def _functions(source: str) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]


def _body(function: ast.FunctionDef) -> str:
    """Its syntax tree without docstring and positions; empty if there is only super() or ..."""
    nodes = function.body[1:] if ast.get_docstring(function) is not None else function.body
    is_empty = [ast.unparse(node) for node in nodes] in ([], ["..."], ["super().__init__()"])
    return "" if is_empty else "\n".join(map(ast.dump, nodes))


def _code_cells(name: str, text: str) -> Iterator[str]:
    if name in (NOTEBOOK, LECTURE_NOTEBOOK):
        for cell in json.loads(text)["cells"]:
            if cell["cell_type"] == "code":
                yield python_of_cell("".join(cell["source"]))


# ------------------------------------------------------------------------ files


def _write(path: Path, data: bytes) -> None:
    write_atomically(path, lambda part: part.write_bytes(data))


def must_be_new(folder: Path) -> None:
    """Raises ValueError if it exists."""
    if folder.exists():
        raise ValueError(f"{folder} already exists: give a new folder")


def write_new_folder(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write all of it or nothing."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as part:
        root = Path(part) / folder.name
        for name, data in contents.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(data)
        root.rename(folder)


def _zip(archive: Path, top: str, contents: Mapping[str, bytes]) -> str:
    """Write a zip with all files in the folder `top`; returns a line about it."""
    packed = zipped({str(PurePosixPath(top) / name): contents[name] for name in sorted(contents)})
    _write(archive, packed)
    return f"{archive}: {len(contents)} files, {len(packed) / 1e6:.1f} MB"


def _keep(path: Path, old: bytes, folder: Path) -> str:
    """Keep a student's version of a provided file beside the new one; returns a line about it."""
    kept = path.with_name(f"{path.name}.yours")
    number = 1
    while kept.exists() and kept.read_bytes() != old:
        number += 1
        kept = path.with_name(f"{path.name}.yours{number}")
    _write(kept, old)
    name = path.relative_to(folder).as_posix()
    return f"{name} was changed here: that version is kept as {kept.name}"


def _record(contents: Mapping[str, bytes], variant: int) -> bytes:
    files = {name: fingerprint(data) for name, data in sorted(contents.items())}
    return (json.dumps({"variant": variant, "files": files}, indent=1) + "\n").encode()


def _read_record(folder: Path, variant: int | None) -> tuple[dict[str, str], int]:
    path = folder / HANDOUT_RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        then, own = dict(record["files"]), int(record["variant"])
    except FileNotFoundError:
        raise ValueError(f"{folder} was not handed out: it has no {HANDOUT_RECORD}") from None
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{path} is damaged: hand out to a new folder, and copy it") from None
    if variant not in (None, own):
        raise ValueError(f"{folder} has variant {own}, not {variant}")
    return then, own
