"""`python -m teaching VERB`: what a teacher does with the project, from the repository's folder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from teaching.handout import hand_out, hand_out_solution, update


def main() -> int:
    """Run one command and return its exit code: 0 done, 2 not possible, and a line says why."""
    parser = argparse.ArgumentParser(prog="python -m teaching", description=__doc__)
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")

    verb = verbs.add_parser("handout", help="make the folder that students get, or update one")
    verb.add_argument("folder", type=Path)
    verb.add_argument(
        "--variant", type=int, metavar="N",
        help="a term's own sizes of the networks, from any number (default: 0, the course's)",
    )  # fmt: skip
    verb.add_argument("--zip", action="store_true", help="also FOLDER.zip, to put on a web page")
    verb.add_argument(
        "--update", action="store_true",
        help="bring changed tests and provided files into a folder in which somebody has worked",
    )  # fmt: skip
    verb.set_defaults(run=_hand_out)

    verb = verbs.add_parser("solution", help="the eight solved files of a variant; keep it private")
    verb.add_argument("folder", type=Path)
    verb.add_argument("--variant", type=int, default=0, metavar="N")
    verb.set_defaults(run=lambda args: hand_out_solution(args.folder, args.variant))

    args = parser.parse_args()
    try:
        for line in args.run(args):
            print(line)
    except (ValueError, OSError) as error:
        print(f"teaching: {error}", file=sys.stderr)
        return 2
    return 0


def _hand_out(args: argparse.Namespace) -> list[str]:
    if args.update:
        return update(args.folder, args.variant, make_zip=args.zip)
    return hand_out(args.folder, args.variant or 0, make_zip=args.zip)


if __name__ == "__main__":
    raise SystemExit(main())
