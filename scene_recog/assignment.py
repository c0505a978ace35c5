"""The assignment: its eight files, the handout's steps, and which file an error comes from.

Students write the eight files beside this one. When one of them is not written yet, or raises an
error in the middle of training, the reader wants to know the step and the line, not the path that
the provided code took to get there. The four files in `lecture/` are a second assignment, which is
optional: a course hands them out, or leaves the folder out.
"""

from __future__ import annotations

import ast
import linecache
import traceback
from collections.abc import Iterator
from pathlib import Path

# In the order of the handout.
STEPS = {
    "image_loader": "1.1",
    "data_transforms": "1.1",
    "simple_net": "1.2",
    "dl_utils": "1.3",
    "optimizer": "1.3",
    "stats_helper": "2.2",
    "simple_net_final": "2.3",
    "confusion_matrix": "2.6",
}
LECTURE = {
    "lecture/layers": "L1",
    "lecture/gradients": "L2",
    "lecture/network": "L3",
    "lecture/counts": "L4",
}
FILES = {**STEPS, **LECTURE}
BY_NAME = {file.rpartition("/")[2]: file for file in FILES}  # no two have the same
TABLE_TITLE = "the steps of the handout"  # above the table at the end of pytest's output
LECTURE_TITLE = "the lecture"  # above that of the second assignment
_LATER_STEPS = {  # functions of a later step than the rest of their file
    "get_fundamental_augmentation_transforms": "2.1",
    "get_fundamental_normalization_transforms": "2.2",
    "get_all_transforms": "2.2",
}
_PACKAGE = Path(__file__).parent


def path_of_tests(file: str) -> str:
    """The tests of a file, such as "unit_tests/lecture/test_layers.py" for "lecture/layers"."""
    folder, slash, name = file.rpartition("/")
    return f"unit_tests/{folder}{slash}test_{name}.py"


def has_lecture(project: Path) -> bool:
    """Whether a project was handed out with the second assignment."""
    return all((project / path_of_tests(file)).is_file() for file in LECTURE)


def files_of(project: Path) -> dict[str, str]:
    """The files that students write in a project, and their steps."""
    return FILES if has_lecture(project) else STEPS


def unwritten_functions(file: str) -> list[str]:
    """Functions in a file that still raise NotImplementedError, methods as A.b.

    Args:
        file: its name without the ending, such as "image_loader" or "lecture/layers".
    """
    return unwritten_in(ast.parse((_PACKAGE / f"{file}.py").read_bytes()))


def unwritten_in(tree: ast.Module) -> list[str]:
    """The same for a file's syntax tree."""
    return [name for name, function in functions_in(tree) if _is_unwritten(function)]


def functions_in(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    """The functions of a file by name, methods as A.b."""
    for node in tree.body:
        members = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        for member in members:
            if isinstance(member, ast.FunctionDef):
                yield prefix + member.name, member


def first_unwritten() -> tuple[str, str, str] | None:
    """(step, file, function) of the first in the handout's order; None if all are written.

    Training needs the eight files only, so those of the lecture do not count.
    """
    unwritten = []
    for place, file in enumerate(STEPS):
        try:
            names = unwritten_functions(file)
        except (OSError, SyntaxError):
            continue
        unwritten += [(_step_of(file, name), place, file, name) for name in names]
    if not unwritten:
        return None
    step, _, file, name = min(unwritten, key=lambda found: found[:2])
    return step, file, name


def default_recipe() -> str:
    """ "part2", or "part1" as long as something is not written yet."""
    return "part1" if first_unwritten() else "part2"


def unwritten_for(recipe: str) -> str | None:
    """One line about the first function that training the recipe lacks; None if it has all."""
    missing = first_unwritten()
    last_step = {"part1": "1.3", "part2": "2.3"}.get(recipe, "")
    return _unwritten(*missing) if missing and missing[0] <= last_step else None


def explain_error(error: BaseException, *, first: bool = True) -> str | None:
    """One line that names the step, file and line of the assignment where an error comes from.

    None if it does not come from one of the students' files, or if one of them raised it on
    purpose with a message of its own.

    Args:
        error: with its traceback.
        first: if several of the eight files' functions are not written yet, name the first in the
            handout's order instead of the one that was called.
    """
    is_unwritten = isinstance(error, NotImplementedError)
    frame = _frame_of(error)
    if first and is_unwritten and frame and frame[0] in STEPS and (missing := first_unwritten()):
        return _unwritten(*missing)
    if isinstance(error, SyntaxError):  # with a line, but no frame, in the file that has it
        written = _assignment_file(error.filename)
        if written is None:
            return None
        what = f"line {error.lineno}: {type(error).__name__}: {error.msg}"
        return f"step {FILES[written]}: {written}.py, {what}; {_test_it(written)}"
    if isinstance(error, ImportError):
        module = (error.name or "").removeprefix(f"{_PACKAGE.name}.").replace(".", "/")
        name = getattr(error, "name_from", None) or _quoted(str(error))
        if module in FILES and not isinstance(error, ModuleNotFoundError):
            return f"step {FILES[module]}: {module}.py has no {name}; {_test_it(module)}"
    if frame is None:
        return None
    file, line, function = frame
    if isinstance(error, ValueError | FileNotFoundError | FloatingPointError):
        last = traceback.extract_tb(error.__traceback__)[-1]
        if linecache.getline(last.filename, last.lineno or 0).lstrip().startswith("raise "):
            return None
    if is_unwritten:
        for name in unwritten_functions(file):
            if name.rpartition(".")[2] == function:
                return _unwritten(_step_of(file, function), file, name)
    what = " ".join(f"{type(error).__name__}: {error}".split())
    called = linecache.getline(str(_PACKAGE / f"{file}.py"), line)
    if file == "image_loader" and "transform(" in called:  # the transform raised
        file, what = "data_transforms", f"{what} (called in image_loader.py)"
        where = f"{file}.py: a transform raises {what}"
        return f"step {STEPS[file]}: {where}; {_test_it(file)}"
    where = f"{file}.py, line {line}, in {function}"
    return f"step {_step_of(file, function)}: {where}: {what}; {_test_it(file)}"


def _is_unwritten(function: ast.FunctionDef) -> bool:
    """Its body is nothing but the error, apart from a docstring and super().__init__()."""
    *before, last = function.body
    is_empty = all(isinstance(node, ast.Expr) for node in before)
    if not is_empty or not isinstance(last, ast.Raise) or last.exc is None:
        return False
    raised = last.exc.func if isinstance(last.exc, ast.Call) else last.exc
    return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"


def _unwritten(step: str, file: str, name: str) -> str:
    return f"step {step}: {file}.py is not written yet ({name}); {_test_it(file)}"


def _step_of(file: str, function: str) -> str:
    return _LATER_STEPS.get(function, FILES[file])


def _quoted(text: str) -> str:
    """The first word in quotes: Python 3.10 and 3.11 have the missing name only in the message."""
    return text.split("'")[1] if "'" in text else "what is imported"


def _test_it(file: str) -> str:
    return f"test it with pytest {path_of_tests(file)}"


def _assignment_file(filename: str | None) -> str | None:
    path = Path(filename or "")
    if not path.is_relative_to(_PACKAGE):
        return None
    file = path.relative_to(_PACKAGE).with_suffix("").as_posix()
    return file if file in FILES else None


def _frame_of(error: BaseException) -> tuple[str, int, str] | None:
    """(file, line, function) if the innermost of our frames is in one of the students' files."""
    ours = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(_PACKAGE)
    ]
    if not ours or (file := _assignment_file(ours[-1].filename)) is None:
        return None
    return file, ours[-1].lineno or 0, ours[-1].name
