"""`scene-recog ensemble`: several runs as one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from scene_recog.cli.common import RUNS_DIR, in_columns, load_torch
from scene_recog.system.progress import notice

if TYPE_CHECKING:
    from scene_recog.cli.common import Verbs


def add_parsers(verbs: Verbs) -> None:
    """Add `ensemble`; it sets `run`, a function from the arguments to an exit code."""
    verb = verbs.add_parser(
        "ensemble", help="make a run of several runs, which averages their probabilities"
    )
    verb.add_argument("name", metavar="NAME", help="the new run's name")
    verb.add_argument("members", metavar="RUN", nargs="+", help="at least two runs, of any kind")
    verb.set_defaults(run=_ensemble)


def _ensemble(args: argparse.Namespace) -> int:
    """Make an ensemble, and say who is in it."""
    load_torch()

    from scene_recog.recipes import check_name
    from scene_recog.runs.config import read_config
    from scene_recog.runs.ensemble import make_ensemble

    check_name(args.name)
    folder = make_ensemble(args.name, args.members, RUNS_DIR)
    config = read_config(folder)
    members = config["members"]
    print(
        f"{folder.name}: {len(members)} runs, {config['model']['parameters']:,} parameters, "
        f"trained in {sum(member['seconds'] for member in members):.0f} s in all"
    )
    for member in members:
        network = member["config"]["model"]["class_name"]
        print(f"  {member['run']}: {network}, {member['checkpoint']}")
    on_validation = " --split validation"
    if why_not := config.get("no_validation"):
        notice(f"It has no validation images: {why_not}.")
        on_validation = ""
    steps = {
        f"scene-recog evaluate {folder.name}{on_validation}": "its accuracy, and its members'",
        f"scene-recog predict {folder.name} photo.jpg": "its labels, and its members'",
    }
    print("Next:\n" + in_columns(steps))
    return 0
