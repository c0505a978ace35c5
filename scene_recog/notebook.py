"""What the notebooks call besides the assignment: its mode, test runs, small experiments."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from traceback import walk_tb
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from scene_recog.assignment import BY_NAME, LECTURE_TITLE, TABLE_TITLE, explain_error, path_of_tests

if TYPE_CHECKING:  # otherwise one broken file would keep the notebook from naming it
    from scene_recog.recipes import Recipe

MODE_VARIABLE = "SCENE_RECOG_NOTEBOOK"


def notebook_mode() -> Literal["quick", "full"]:
    """How long the notebook trains: the environment variable's value, or else "quick".

    Raises:
        ValueError: the variable has another value.
    """
    mode = os.environ.get(MODE_VARIABLE, "quick")
    if mode not in ("quick", "full"):
        raise ValueError(f"{MODE_VARIABLE} is {mode!r}: it must be quick or full")
    return "full" if mode == "full" else "quick"


def run_tests(*names: str, folder: str | Path = "unit_tests") -> None:
    """Run the unit tests of assignment files, as they are on disk now, and print pytest's table.

    Args:
        names: files without their ending, such as "image_loader"; those of the lecture with or
            without their folder, "lecture/layers" or "layers".
        folder: where `test_<name>.py` is.

    Raises:
        FileNotFoundError: no tests of that name.
    """
    files = [path_of_tests(BY_NAME.get(name, name)) for name in names]
    paths = [Path(folder, file.removeprefix("unit_tests/")) for file in files]
    for path in paths:
        if not path.is_file():
            raise FileNotFoundError(f"no tests {path}: run the notebook in the project's folder")
    command = [sys.executable, "-m", "pytest", "-q", "--tb=no", "-rN", "--color=no"]
    command += ["-p", "no:cacheprovider"]
    finished = subprocess.run([*command, *map(str, paths)], capture_output=True, text=True)
    table = re.split(f" (?:{TABLE_TITLE}|{LECTURE_TITLE}) ", finished.stdout, maxsplit=1)[1:]
    if not table:
        print(f"pytest did not run:\n{finished.stdout}{finished.stderr}".rstrip())
    lines = "".join(table).splitlines()[1:]  # after the rest of the title line
    print("\n".join(line for line in lines if (line and not line[0].isdigit()) or line[1:2] == "."))


class AssignmentError(Exception):
    """An error that comes from a student's file, for a notebook to show as one line."""

    def _render_traceback_(self) -> list[str]:  # IPython asks for this
        return [str(self)]


def explain_errors() -> None:
    """Show an error that comes from one of the student's files as one line that says where.

    A name that a cell above should have defined gets one line, too. All other errors keep their
    traceback. For IPython and Jupyter; elsewhere, nothing happens.
    """
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is not None:
        shell.set_custom_exc((Exception,), _show_error)


def _show_error(
    shell: Any,
    kind: type[BaseException],
    error: BaseException,
    traceback: TracebackType,
    tb_offset: int | None = None,
) -> None:
    if (line := explain_error(error) or _about_name(error, traceback)) is not None:
        kind, error = AssignmentError, AssignmentError(line)
    shell.showtraceback((kind, error, traceback), tb_offset=tb_offset)


def _about_name(error: BaseException, traceback: TracebackType) -> str | None:
    """One line about a name that is unknown in a cell itself, not in what it calls."""
    frame, number = list(walk_tb(traceback))[-1]
    code = frame.f_code
    is_cell = code.co_name.startswith(("<module", "<cell")) and not Path(code.co_filename).exists()
    if not isinstance(error, NameError) or not is_cell:
        return None
    return (
        f"line {number}: {error}: run the cells above first (Run All Above Selected Cell); if one "
        "of them fails, correct that one"
    )


class Frame:
    """A self-contained page as a notebook's output; elsewhere, its path.

    The output holds the page itself, since each kind of notebook server has another address for
    files. Clear it before you commit the notebook.
    """

    def __init__(self, path: str | Path, *, height: int = 900) -> None:
        self.path = Path(path)
        self.height = height

    def _repr_html_(self) -> str:
        page = html.escape(self.path.read_text(encoding="utf-8"))
        style = f"width:100%;height:{self.height}px;border:1px solid #888"
        where = html.escape(self.path.as_posix())
        return (
            f'<p>{where}: open it in a browser for more room.</p><iframe srcdoc="{page}" '
            f'style="{style}" title="{where}" allow="camera"></iframe>'
        )

    def __repr__(self) -> str:
        return self.path.as_posix()


def _say_of(label: str, text: str) -> None:
    print(f"{label}: {text}")


def compare_settings(
    recipe: Recipe,
    variants: Mapping[str, Sequence[str]],
    data_dir: str | Path,
    folder: str | Path,
) -> dict[str, list[dict[str, float]]]:
    """Train a recipe several times with one thing changed, for `comparison_figure`.

    If the loss stops being finite, only the epochs before that count. The training doctor's lines
    are printed with the label.

    Args:
        recipe: what all have in common.
        variants: label -> settings, as for `Recipe.override`.
        data_dir: folder with train/ and test/.
        folder: where the runs are kept, one folder each.

    Returns:
        label -> one row per epoch, as in history.csv.
    """
    histories = {}
    for number, (label, settings) in enumerate(variants.items(), start=1):
        variant = recipe.override(settings)
        trainer = variant.make_trainer(data_dir, Path(folder) / f"{number:02d}")
        trainer.checkup.say = partial(_say_of, label)  # some settings are bad on purpose
        try:
            trainer.run_training_loop(variant.epochs)
        except FloatingPointError as error:
            print(f"{label}: {error}")
        histories[label] = [asdict(record) for record in trainer.records]
    return histories
