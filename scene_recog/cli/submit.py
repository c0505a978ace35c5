"""`scene-recog submit`: check a student's work, and pack it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scene_recog.cli.common import add_json, print_json

if TYPE_CHECKING:
    from scene_recog.cli.common import Verbs
    from scene_recog.submission import Count, Submission


def add_parsers(verbs: Verbs) -> None:
    """Add `submit`; it sets `run`, a function from the arguments to an exit code."""
    verb = verbs.add_parser("submit", help="check your work and pack submission.zip to hand in")
    verb.add_argument(
        "--out", type=Path, metavar="ZIP", help="default: submission.zip in the project's folder"
    )
    verb.add_argument(
        "--name",
        help="your name, to be put in the zip (default: as in the last zip); nothing else there "
        "identifies you",
    )
    verb.add_argument("--no-tests", action="store_true", help="only check and pack: a few seconds")
    add_json(verb)
    verb.set_defaults(run=_submit)


def _submit(args: argparse.Namespace) -> int:
    """Pack first, then test: whatever is wrong, there is a zip. Exit code 1 if anything is."""
    from scene_recog import submission
    from scene_recog.system.progress import notice

    project = submission.find_project()
    out = _place(args.out, project / "submission.zip")
    name = args.name or submission.earlier_name(out)
    found = submission.collect(project, name)
    submission.pack(found, out)

    will_test = not args.no_tests and _has_pytest(found)
    if will_test:
        notice(
            f"{out} is written. The tests of your files now run for a minute or two; Ctrl-C "
            "stops them, --no-tests skips them."
        )
    counts: dict[str, Count] = {}
    try:
        for file in submission.WEIGHTS:
            if file in found.files and (problem := submission.check_weights(project, file)):
                found.problems.append(problem)
        if will_test:
            counts = submission.count_tests(project)
    except KeyboardInterrupt:
        found.notices.append("you stopped the tests; the zip is complete without them")
    found.problems += _failures(counts, found)
    worth = _rubric(project, found) if counts else None
    points = {
        file: submission.public_points(worth[file], count.passed, count.total)
        for file, count in counts.items()
        if worth
    }
    if args.json:
        print_json(_summary(out, found, counts, points, worth))
    else:
        _print_tests(counts, points, worth)
        _print(out, found, name)
    return 1 if found.problems else 0


def _place(out: Path | None, default: Path) -> Path:
    path = (out or default).expanduser().absolute()
    if path.suffix.lower() != ".zip":  # never overwrite another kind of file
        raise ValueError(f"--out {path} must be the name of a .zip file")
    if path.is_dir():
        raise ValueError(f"--out {path} is a folder: name a file")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"--out {path}: there is no folder {path.parent}")
    return path


def _has_pytest(found: Submission) -> bool:
    from importlib.util import find_spec

    if find_spec("pytest"):
        return True
    found.notices.append(
        "the tests were not run, because pytest is not installed: run "
        '`pip install -e ".[test]"` and this command again'
    )
    return False


def _failures(counts: dict[str, Count], found: Submission) -> list[str]:
    """A line for each file with tests that did not pass, unless another line says why."""
    from scene_recog.assignment import path_of_tests
    from scene_recog.submission import CODE_FILES

    lines = []
    for file, count in counts.items():
        if CODE_FILES[file] in found.unfinished or (count.total and count.passed == count.total):
            continue
        if count.reason:
            what = f"its tests could not be run: {count.reason}"
        else:
            failed = count.total - count.passed - count.unjudged
            if not failed:  # they wait for another file, which has a line of its own
                continue
            what = f"{failed} of its {count.total} tests did not pass"
        look = f"pytest {path_of_tests(file)}"
        lines.append(f"{CODE_FILES[file]}: {what}" + ("" if look in what else f"; see {look}"))
    return lines


def _rubric(project: Path, found: Submission) -> dict[str, float] | None:
    from scene_recog.submission import read_rubric

    try:
        return read_rubric(project)
    except ValueError as error:
        found.notices.append(str(error))
        return None


def _summary(
    out: Path,
    found: Submission,
    counts: dict[str, Count],
    points: dict[str, float],
    worth: dict[str, float] | None,
) -> dict[str, Any]:
    from scene_recog.assignment import FILES

    return {
        "zip": str(out),
        "files": list(found.files),
        "problems": found.problems,
        "notices": found.notices,
        "steps": {
            file: {
                "step": FILES[file],
                **count._asdict(),
                "points": points.get(file),
                "of": worth and worth[file],
            }
            for file, count in counts.items()
        },
        "public_points": round(sum(points.values()), 2) if worth else None,
        "public_points_of": round(sum(worth.values()), 2) if worth else None,
    }


def _print_tests(
    counts: dict[str, Count], points: dict[str, float], worth: dict[str, float] | None
) -> None:
    from scene_recog.assignment import FILES

    for file, count in counts.items():
        row = f"{FILES[file]:<3} {file:<17} "
        row += f"{count.passed} of {count.total}".ljust(9) if count.total else "not run  "
        row += " "
        row += f"{points[file]:g} of {worth[file]:g} points".ljust(18) if worth else ""
        row += f"{count.unjudged} cannot be judged yet" if count.unjudged else ""
        print(row.rstrip())
    if worth:
        total, best = sum(points.values()), sum(worth.values())
        print(
            f"public points: {round(total, 2):g} of {round(best, 2):g}; hidden tests, accuracy and "
            "the report are graded by your teacher"
        )
    if counts:
        print()


def _print(out: Path, found: Submission, name: str | None) -> None:
    from scene_recog.submission import megabytes
    from scene_recog.system.text import in_one_line

    for title, lines in (("To fix:", found.problems), ("To know:", found.notices)):
        if lines:
            print(title)
            for line in lines:
                print(f"- {in_one_line(line)}")
            print()
    again = "; when you have fixed something, run this again" if found.problems else ""
    print(f"{out}: {len(found.files)} files, {megabytes(out.stat().st_size)}{again}")
    for file in found.files:
        print(f"  {file}")
    print(f"name in it: {in_one_line(name)}" if name else "it has no name in it; --name adds one")
