"""How good are the student tests? Run them against wrong and right submissions.

    python teaching/student_tests.py [--lecture] [--jobs 2] [--only WORD]

Each wrong submission in `submissions/wrong/` differs from the model solution in one idea. If it
breaks the contract, a contract test should fail; if it only breaks what is beyond the contract, a
test marked `beyond` should fail. Each file in `submissions/right/` keeps the contract but is
written differently, and every contract test should pass. With --lecture, the same for the files in
`scene_recog/lecture/`, with the submissions in `submissions/lecture/`. Prints the wrong submissions
that pass and the right ones that are refused; exit code 1 if there are any.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
REPOSITORY = HERE.parent
PACKAGE = REPOSITORY / "scene_recog"
PRELOADED = ["torch", "torchvision.transforms", "matplotlib.pyplot", "PIL.Image", "pytest"]


@dataclass(frozen=True)
class Submission:
    """One file as a student might hand it in.

    Attributes:
        bank: "right", "wrong" (by the contract), or "beyond" (wrong only beyond the contract).
        name: unique within its file and bank.
        file: such as "optimizer.py" or "lecture/layers.py".
        idea: what is wrong.
        source: the file's bytes.
    """

    bank: str
    name: str
    file: str
    idea: str
    source: bytes


@dataclass(eq=False)  # pytest keeps its plugins in a set
class Verdict:
    """The results of a submission's tests: a reason for each failure."""

    contract: list[str] = field(default_factory=list)
    beyond: list[str] = field(default_factory=list)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called by pytest for the setup, call and teardown of each test."""
        if report.failed:
            is_beyond = "beyond" in report.keywords
            test = report.nodeid.partition("::")[2]
            crash = getattr(report.longrepr, "reprcrash", None)
            message = crash.message if crash else str(report.longrepr)
            (self.beyond if is_beyond else self.contract).append(f"{test}: {message}")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Called by pytest for each file of tests."""
        if report.failed:
            self.contract.append(str(report.longrepr))


def load_wrong(part: str = "") -> list[Submission]:
    """The wrong submissions, made by changing the model solution.

    Args:
        part: "" for the assignment, or "lecture".

    Raises:
        ValueError: a passage to change does not occur exactly once in the solution; a line each.
    """
    found, problems = [], []
    for path in sorted((HERE / "submissions" / part / "wrong").glob("[!_]*.py")):
        file = (Path(part) / path.name).as_posix()
        solution = (PACKAGE / file).read_text(encoding="utf-8")
        module = ".".join(filter(None, ["submissions", part, "wrong", path.stem]))
        for wrong in import_module(module).WRONG:
            try:
                source = wrong.applied_to(solution).encode()
            except ValueError as error:
                problems.append(f"{path.relative_to(HERE).as_posix()}: {error}")
            else:
                bank = "beyond" if wrong.beyond else "wrong"
                found.append(Submission(bank, wrong.name, file, wrong.idea, source))
    if problems:
        raise ValueError("\n".join(problems))
    return found


def load_right() -> list[Submission]:
    """The right submissions: whole files, in a folder for each student."""
    return [
        Submission("right", path.parent.name, path.name, "", path.read_bytes())
        for path in sorted((HERE / "submissions" / "right").glob("*/*.py"))
    ]


def load_right_lecture() -> list[Submission]:
    """The right submissions for the lecture: the model solution, with some functions replaced."""
    found = []
    for path in sorted((HERE / "submissions" / "lecture" / "right").glob("*/*.py")):
        file = f"lecture/{path.parent.name}.py"
        source = (PACKAGE / file).read_bytes() + b"\n\n" + path.read_bytes()
        found.append(Submission("right", path.stem, file, "", source))
    return found


def run_tests(submission: Submission) -> Verdict:
    """Replace the model solution's file by the submission's and run its test file.

    Call this in a process of its own, because it imports the submission.
    """
    with tempfile.TemporaryDirectory() as folder:
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PACKAGE, Path(folder) / "scene_recog", ignore=ignore)
        shutil.copytree(REPOSITORY / "unit_tests", Path(folder) / "unit_tests", ignore=ignore)
        shutil.copy(REPOSITORY / "pyproject.toml", folder)
        (Path(folder) / "scene_recog" / submission.file).write_bytes(submission.source)
        os.chdir(folder)
        sys.path.insert(0, folder)
        sys.dont_write_bytecode = True
        verdict = _tested(submission, Path(folder), [])
        os.chdir(HERE)
    return verdict


def run_lecture_tests(submission: Submission) -> Verdict:
    """The same for a file of the lecture, without a new process: its module runs the other source.

    Its functions are plain numpy, so nothing else has to be set back afterwards. Of a wrong
    submission, only the first failure is found.
    """
    sys.path[:0] = [str(REPOSITORY)] * (str(REPOSITORY) not in sys.path)
    module = import_module("scene_recog." + submission.file.removesuffix(".py").replace("/", "."))
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # for speed, as the next line
    options = ["-p", "no:unraisableexception", "-p", "no:logging"]
    if submission.bank == "wrong":
        options += ["-x", "-m", "not beyond"]
    try:
        exec(compile(submission.source, submission.file, "exec"), vars(module))
        return _tested(submission, REPOSITORY, options)
    finally:
        exec((PACKAGE / submission.file).read_bytes(), vars(module))


def _tested(submission: Submission, folder: Path, options: list[str]) -> Verdict:
    """The verdict of the tests in a folder on the submission's file, which is in place."""
    file = Path(submission.file)
    test_file = folder / "unit_tests" / file.parent / f"test_{file.name}"
    verdict, output = Verdict(), io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        code = pytest.main(
            ["--runxfail", "--tb=short", "-p", "no:cacheprovider", f"--rootdir={folder}",
             *options, str(test_file)],
            plugins=[verdict],
        )  # fmt: skip
    if code not in (0, 1):  # 1: a test failed; anything else: pytest did not run
        raise RuntimeError(f"{submission.name}: {output.getvalue()[-2000:]}")
    return verdict


def run_all(submissions: list[Submission], jobs: int) -> Iterator[Verdict]:
    """The verdict on each, in processes that have already imported the libraries."""
    os.environ["OMP_NUM_THREADS"] = "1"
    context: Any = get_context("forkserver" if hasattr(os, "fork") else "spawn")
    if hasattr(os, "fork"):
        context.set_forkserver_preload(PRELOADED)
    of_lecture = all(submission.file.startswith("lecture/") for submission in submissions)
    run, tasks = (run_lecture_tests, None) if of_lecture else (run_tests, 1)
    with context.Pool(jobs, maxtasksperchild=tasks) as pool:
        yield from pool.imap(run, submissions, chunksize=1)


def problem_of(submission: Submission, verdict: Verdict) -> str | None:
    """What this submission shows to be wrong with the tests; None if nothing."""
    if submission.bank == "right":
        return f"refused: {verdict.contract[0]}" if verdict.contract else None
    if submission.bank == "beyond":
        if verdict.contract:
            return f"refused by the contract: {verdict.contract[0]}"
        return None if verdict.beyond else f"survived: {submission.idea}"
    return None if verdict.contract else f"survived: {submission.idea}"


def main() -> int:
    """Run everything and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--only", default="", help="only submissions with this in their bank, name or file"
    )
    parser.add_argument("--lecture", action="store_true", help="the files of the lecture")
    parser.add_argument("--verbose", action="store_true", help="quote the first reason of each")
    args = parser.parse_args()

    if args.lecture:
        loaded = load_wrong("lecture") + load_right_lecture()
    else:
        loaded = load_wrong() + load_right()
    submissions = [one for one in loaded if args.only in f"{one.bank} {one.name} {one.file}"]
    good: Counter[tuple[str, str]] = Counter()
    total: Counter[tuple[str, str]] = Counter()
    problems = []
    for submission, verdict in zip(submissions, run_all(submissions, args.jobs), strict=True):
        key = (submission.bank, submission.file)
        total[key] += 1
        problem = problem_of(submission, verdict)
        good[key] += problem is None
        if problem:
            problems.append(f"{submission.bank} {submission.file} {submission.name}: {problem}")
            print(problems[-1], flush=True)
        if args.verbose:
            first = (verdict.contract + verdict.beyond + ["passes"])[0]
            print(f"{submission.bank} {submission.file} {submission.name}: {first}\n", flush=True)
    files = sorted({file for _, file in total})
    print(f"{'':22}{'right accepted':>18}{'wrong caught':>18}{'beyond caught':>18}")
    for file in [*files, "all"]:
        cells = []
        for bank in ("right", "wrong", "beyond"):
            keys = [key for key in total if key[0] == bank and file in (key[1], "all")]
            all_of_it = sum(total[key] for key in keys)
            cells.append(f"{sum(good[key] for key in keys)} of {all_of_it}" if all_of_it else "")
        print(f"{file:22}" + "".join(f"{cell:>18}" for cell in cells))
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
