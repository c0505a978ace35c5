"""How good are the student tests? Run them against wrong and right submissions.

    python teaching/student_tests.py [--jobs 2] [--only WORD]

Each wrong submission in `submissions/wrong/` differs from the model solution in one idea, and its
test file should fail. Each file in `submissions/right/` keeps the contract but is written
otherwise, and its test file should pass. Prints the wrong that survive and the right that are
refused; exit code 1 if there are any. Takes about ten minutes on two cores.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).parent
REPOSITORY = HERE.parent
PACKAGE = REPOSITORY / "scene_recog"


@dataclass(frozen=True)
class Submission:
    """One file as a student might hand it in; `bank` is "wrong" or "right"."""

    bank: str
    name: str
    file: str
    idea: str
    source: str


def load_wrong() -> list[Submission]:
    """The wrong submissions, made by changing the model solution.

    Raises:
        ValueError: passages to be changed are not in the model solution exactly once; a line each.
    """
    found, problems = [], []
    for path in sorted((HERE / "submissions" / "wrong").glob("[!_]*.py")):
        solution = (PACKAGE / path.name).read_text(encoding="utf-8")
        for wrong in import_module(f"submissions.wrong.{path.stem}").WRONG:
            try:
                source = wrong.applied_to(solution)
            except ValueError as error:
                problems.append(f"submissions/wrong/{path.name}: {error}")
            else:
                found.append(Submission("wrong", wrong.name, path.name, wrong.idea, source))
    if problems:
        raise ValueError("\n".join(problems))
    return found


def load_right() -> list[Submission]:
    """The right submissions: whole files."""
    return [
        Submission("right", path.parent.name, path.name, "", path.read_text(encoding="utf-8"))
        for path in sorted((HERE / "submissions" / "right").glob("*/*.py"))
    ]


def run_tests(submission: Submission) -> tuple[bool, str]:
    """Put the submission in the model solution's place and run its test file: (passed, output)."""
    with tempfile.TemporaryDirectory() as folder:
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PACKAGE, Path(folder) / "scene_recog", ignore=ignore)
        shutil.copytree(REPOSITORY / "unit_tests", Path(folder) / "unit_tests", ignore=ignore)
        shutil.copy(REPOSITORY / "pyproject.toml", folder)
        (Path(folder) / "scene_recog" / submission.file).write_text(
            submission.source, encoding="utf-8"
        )
        result = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider",
             f"unit_tests/test_{submission.file}"],
            cwd=folder, capture_output=True, text=True,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
    if result.returncode not in (0, 1):  # 1: a test failed; anything else: pytest did not run
        raise RuntimeError(f"{submission.name}: {result.stdout[-2000:]}{result.stderr[-2000:]}")
    return result.returncode == 0, result.stdout


def main() -> int:
    """Run everything and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", default="", help="submissions whose bank, name or file has this")
    parser.add_argument("--verbose", action="store_true", help="say what caught each wrong one")
    args = parser.parse_args()

    wrong = load_wrong()
    submissions = [s for s in wrong + load_right() if args.only in f"{s.bank} {s.name} {s.file}"]
    caught: Counter[str] = Counter()
    total: Counter[str] = Counter()
    problems = []
    with ThreadPoolExecutor(args.jobs) as pool:
        for submission, (passed, output) in zip(
            submissions, pool.map(run_tests, submissions), strict=True
        ):
            total[submission.bank] += 1
            ok = passed == (submission.bank == "right")
            caught[submission.bank] += ok
            failures = [line for line in output.splitlines() if line.startswith("FAILED")]
            what = failures[0][len("FAILED unit_tests/") :] if failures else ""
            if not ok:
                verdict = "refused " if submission.bank == "right" else "survived"
                problems.append(
                    f"{verdict} {submission.file:20} {submission.name}: {submission.idea}{what}"
                )
            if args.verbose:
                print(f"{submission.bank} {submission.file} {submission.name}: {what}", flush=True)
    for line in problems:
        print(line)
    for bank, count in total.items():
        verb = "accepted" if bank == "right" else "caught"
        print(f"{bank:10} {caught[bank]} of {count} {verb} ({caught[bank] / count:.1%})")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
