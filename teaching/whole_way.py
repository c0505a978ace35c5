"""Do complete sets of correct files work with all provided code, not only in their tests?

    python teaching/whole_way.py [--jobs 2] [--only NAME] [--no-notebook]

Each folder in `submissions/right/` is one student with all eight files. They are put into a copy of
the project and used with sketches: the contract tests; `train` (part1 and part2, two epochs each),
`--resume` for a third, `evaluate`, `predict`, `report`; the notebook in quick mode, without errors;
and `submit`, without complaints. Prints a row per student and what went wrong; exit code 1 if
anything did. The notebook takes a minute or more for each.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
REPOSITORY = HERE.parent
STUDENTS = HERE / "submissions" / "right"
COPIED = ("scene_recog", "unit_tests", "docs", "pyproject.toml", "proj3.ipynb", "README.md")
NOTEBOOK = "proj3.ipynb"


def steps(root: Path, with_notebook: bool) -> Iterator[tuple[str, list[str]]]:
    """(name, command) of each step, to be run in turn in the project's copy."""
    python = sys.executable
    scene_recog = [python, "-m", "scene_recog"]
    tests = [f"unit_tests/{path.name}" for path in sorted((root / "unit_tests").glob("test_*.py"))]
    yield "contract", [python, "-m", "pytest", "-q", "--tb=no", "-rN", *tests]
    for part in ("part1", "part2"):
        train = [*scene_recog, "train", "--recipe", part, "--name", part, "--seed", "0"]
        yield part, [*train, "--epochs", "2"]
    yield "resume", [*scene_recog, "train", "--resume", "part2-001", "--epochs", "3"]
    yield "evaluate", [*scene_recog, "evaluate", "part1-001"]
    yield "validate", [*scene_recog, "evaluate", "part2-001", "--split", "validation"]
    image = next((root / "sketch15" / "test").rglob("*.jpg"), root / "no sketch")
    yield "predict", [*scene_recog, "predict", "part2-001", str(image)]
    yield "report", [*scene_recog, "report", "part1-001", "part2-001"]
    if with_notebook:
        yield "notebook", [
            python, "-m", "jupyter", "execute", "--inplace", "--timeout=3000", NOTEBOOK,
        ]  # fmt: skip
        yield "submit", [*scene_recog, "submit", "--no-tests"]


def go(student: Path, with_notebook: bool) -> tuple[str, dict[str, str], list[str]]:
    """(name, the last lines of each step, problems) for one student's files."""
    marks: dict[str, str] = {}
    problems: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        root.mkdir()
        for name in COPIED:
            source = REPOSITORY / name
            if source.is_dir():
                shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, root)
        for path in student.glob("*.py"):
            shutil.copy(path, root / "scene_recog")
        environment = os.environ | {
            "PYTHONPATH": str(root),
            "OMP_NUM_THREADS": "1",
            "SCENE_RECOG_NOTEBOOK": "quick",
            "TQDM_DISABLE": "1",
        }
        for name, command in steps(root, with_notebook):
            start = time.time()
            finished = subprocess.run(
                command, cwd=root, env=environment, capture_output=True, text=True
            )
            text = finished.stdout + finished.stderr
            found = [] if finished.returncode == 0 else [f"exit code {finished.returncode}"]
            if "Traceback (most recent call last)" in text:
                found.append("a traceback")
            if name == "notebook" and finished.returncode == 0:
                found += errors_in(root / NOTEBOOK)
            marks[name] = "FAILED" if found else f"{time.time() - start:.0f} s"
            if found:
                problems.append(f"{student.name}, {name}: {', '.join(found)}\n{text[-3000:]}")
            elif finished.stderr and name in ("part1", "part2"):
                said = [line for line in finished.stderr.splitlines() if "sketches" not in line]
                marks[f"{name} says"] = " | ".join(said)
    return student.name, marks, problems


def errors_in(notebook: Path) -> list[str]:
    """The errors in the outputs of cells."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [
        f"{output['ename']}: {output['evalue']}"
        for cell in cells
        for output in cell.get("outputs", [])
        if output["output_type"] == "error"
    ]


def main() -> int:
    """Run all students and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", default="", help="only students with this in their name")
    parser.add_argument("--no-notebook", action="store_true")
    args = parser.parse_args()
    students = [path for path in sorted(STUDENTS.iterdir()) if args.only in path.name]
    problems: list[str] = []
    with ThreadPoolExecutor(args.jobs) as pool:
        for name, marks, found in pool.map(lambda one: go(one, not args.no_notebook), students):
            row = "  ".join(f"{step} {mark}" for step, mark in marks.items() if "says" not in step)
            print(f"{name:16} {row}", flush=True)
            for step in ("part1 says", "part2 says"):
                if marks.get(step):
                    print(f"{'':16} {step}: {marks[step]}", flush=True)
            for problem in found:
                print(f"  {problem}", flush=True)
            problems += found
    print(f"{len(students)} students, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
