"""`scene-recog pack`: one zip with what the notebook needs, for Colab and Kaggle."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scene_recog.cli.common import Verbs

ZIP = "scene-recog.zip"  # the notebook's first cell looks for it
TOP = "scene-recog"  # the folder in the zip
FOLDERS = ("docs", "scene_recog", "unit_tests")
FILES = (  # those that there are
    "proj3.ipynb", "pyproject.toml", "README.md", "LICENSE", "rubric.toml", "report.md",
    ".handout.json", "data/README.md", "model_checkpoints/README.md",
)  # fmt: skip


def add_parsers(verbs: Verbs) -> None:
    """Add `pack`; it sets `run`, a function from the arguments to an exit code."""
    verb = verbs.add_parser(
        "pack", help=f"pack the project as {ZIP}, for Colab or Kaggle",
        description=f"Write {ZIP} into the project's folder: the notebook, the package, the tests "
        "and your work on them, without datasets and runs. To hand in, use `scene-recog submit`.",
    )  # fmt: skip
    verb.set_defaults(run=_pack)


def _pack(args: argparse.Namespace) -> int:
    """Write the zip; the same files give the same bytes."""
    from scene_recog.submission import megabytes
    from scene_recog.system.files import write_atomically, zipped

    project = _project()
    files = {f"{TOP}/{name}": (project / name).read_bytes() for name in sorted(_names(project))}
    packed = zipped(files)
    write_atomically(project / ZIP, lambda part: part.write_bytes(packed))
    print(
        f"{project / ZIP}: {len(files)} files, {megabytes(len(packed))}, without datasets and "
        "runs\nnext: open proj3.ipynb in Colab or Kaggle, upload the zip there (Colab: Files; "
        "Kaggle: Add Input, as a dataset), and run the first cell"
    )
    return 0


def _project() -> Path:
    """The project around the current folder, else the one that the imported package stands in."""
    from scene_recog.submission import NOTEBOOK, find_project

    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / NOTEBOOK).is_file() and (folder / "scene_recog").is_dir():
            return folder
    return find_project()


def _names(project: Path) -> Iterator[str]:
    """What is packed, as paths in the project."""
    for folder in FOLDERS:
        for path in (project / folder).rglob("*"):
            parts = path.relative_to(project).parts
            hidden = any(part.startswith(".") or part == "__pycache__" for part in parts)
            needs_teaching = parts[:2] == ("unit_tests", "repository")
            if path.is_file() and not hidden and not needs_teaching:
                yield "/".join(parts)
    yield from (name for name in FILES if (project / name).is_file())
