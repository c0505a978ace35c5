"""`python -m teaching VERB`: a teacher's commands, run in the repository's folder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from teaching.handout import hand_out, hand_out_solution, update
from teaching.rubric import read_rubric

_OF_THE_HAND_OUT = "the variant that was handed out (default: 0)"
_LECTURE = "the lecture was handed out as a second assignment"


def main() -> int:
    """Run one command and return its exit code.

    0: done. 2: not possible, and a line says why. 130: stopped.
    """
    parser = argparse.ArgumentParser(prog="python -m teaching", description=__doc__)
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")

    verb = verbs.add_parser("handout", help="make the folder that students get, or update one")
    verb.add_argument("folder", type=Path)
    verb.add_argument(
        "--variant", type=int, metavar="N",
        help="number of a variant with its own network sizes (default: 0, the course's)",
    )  # fmt: skip
    verb.add_argument(
        "--lecture", action="store_true",
        help="with the files of the lecture as a second assignment; --update --lecture adds them",
    )  # fmt: skip
    verb.add_argument(
        "--zip", action="store_true", help="also write FOLDER.zip, to put on a web page"
    )
    verb.add_argument(
        "--update", action="store_true",
        help="update the tests and provided files in a folder that somebody has worked in",
    )  # fmt: skip
    verb.set_defaults(run=_hand_out)

    verb = verbs.add_parser("solution", help="write the solved files of a variant; keep it private")
    verb.add_argument("folder", type=Path)
    verb.add_argument("--variant", type=int, default=0, metavar="N")
    verb.add_argument("--lecture", action="store_true", help="with the files of the lecture")
    verb.set_defaults(
        run=lambda args: hand_out_solution(args.folder, args.variant, lecture=args.lecture)
    )

    verb = verbs.add_parser(
        "hidden", help="write the hidden tests, to read them; keep them private"
    )
    verb.add_argument("folder", type=Path)
    verb.add_argument("--variant", type=int, default=0, metavar="N", help=_OF_THE_HAND_OUT)
    verb.add_argument("--lecture", action="store_true", help=_LECTURE)
    verb.set_defaults(run=_hidden)

    verb = verbs.add_parser(
        "grade", help="grade submissions; run it again to continue after a stop"
    )
    verb.add_argument(
        "paths", type=Path, nargs="+", metavar="PATH",
        help="a submission (zip or folder), or a folder of submissions",
    )  # fmt: skip
    verb.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder for the results"
    )
    verb.add_argument(
        "--jobs", type=_at_least_one, default=2, metavar="N", help="grade N at a time"
    )
    verb.add_argument("--variant", type=int, default=0, metavar="N", help=_OF_THE_HAND_OUT)
    verb.add_argument(
        "--images", type=Path, metavar="FOLDER",
        help="images for the accuracy, in class folders (default: the test images)",
    )  # fmt: skip
    verb.add_argument(
        "--times", type=Path, metavar="FILE.csv",
        help="CSV of hand-in times: columns name and time (2026-12-01T23:59:00+01:00)",
    )  # fmt: skip
    verb.add_argument(
        "--again", nargs="*", metavar="NAME",
        help="after the paths: grade these again, or all (otherwise only new and changed ones)",
    )  # fmt: skip
    verb.add_argument("--lecture", action="store_true", help=_LECTURE)
    verb.set_defaults(run=_grade)

    verb = verbs.add_parser(
        "gradescope", help="make the autograder zip for Gradescope; keep it private"
    )
    verb.add_argument("zip", type=Path)
    verb.add_argument("--variant", type=int, default=0, metavar="N", help=_OF_THE_HAND_OUT)
    verb.add_argument("--images", type=Path, metavar="FOLDER", help="as for grade")
    verb.add_argument("--lecture", action="store_true", help=_LECTURE)
    verb.set_defaults(run=_gradescope)

    verb = verbs.add_parser(
        "classroom", help="add a workflow for GitHub Classroom to a folder that was handed out"
    )
    verb.add_argument("folder", type=Path)
    verb.set_defaults(run=_classroom)

    args = parser.parse_args()
    try:
        for line in args.run(args):
            print(line)
    except (ValueError, OSError) as error:
        print(f"teaching: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("teaching: stopped; run the same command to continue", file=sys.stderr)
        return 130
    return 0


def _hand_out(args: argparse.Namespace) -> list[str]:
    if args.update:
        return update(args.folder, args.variant, lecture=args.lecture, make_zip=args.zip)
    return hand_out(args.folder, args.variant or 0, lecture=args.lecture, make_zip=args.zip)


def _hidden(args: argparse.Namespace) -> list[str]:
    from teaching.grading.workshop import write_hidden_tests

    return write_hidden_tests(args.folder, args.variant, read_rubric().hidden_seed, args.lecture)


def _grade(args: argparse.Namespace) -> list[str]:
    from scene_recog.cli.common import load_torch

    load_torch()  # otherwise, a broken installation would be found out once a submission
    from teaching.grading.grade import Grading, grade_all, grader_fingerprint
    from teaching.grading.workshop import images_folder, open_workshop

    rubric = read_rubric(lecture=args.lecture)
    images = images_folder(args.images)
    grader = grader_fingerprint(args.variant, images, rubric.hidden_seed, args.lecture)
    with open_workshop(args.variant, rubric.hidden_seed, images, args.lecture) as workshop:
        for line in workshop.warnings:
            print(f"teaching: {line}", file=sys.stderr)
        grading = Grading(args.out, workshop.judge, grader, rubric, args.variant)
        return grade_all(grading, args.paths, jobs=args.jobs, times=args.times, again=args.again)


def _gradescope(args: argparse.Namespace) -> list[str]:
    from teaching.gradescope import make_autograder
    from teaching.grading.workshop import images_folder

    return make_autograder(args.zip, args.variant, images_folder(args.images), args.lecture)


def _classroom(args: argparse.Namespace) -> list[str]:
    from teaching.classroom import write_workflow

    return write_workflow(args.folder)


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 1")
    return int(text)


if __name__ == "__main__":
    raise SystemExit(main())
