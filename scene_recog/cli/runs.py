"""`scene-recog report`, `explore` and `runs`: look at the runs in model_checkpoints/."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scene_recog.assignment import explain_error
from scene_recog.cli.common import RUNS_DIR, add_device, add_json, load_torch, print_json
from scene_recog.system.progress import notice
from scene_recog.system.text import percent

if TYPE_CHECKING:
    from scene_recog.cli.common import Verbs


def add_parsers(verbs: Verbs) -> None:
    """Add the verbs; each sets `run`, a function from the arguments to an exit code."""
    verb = verbs.add_parser("report", help="write a page about runs: curves, figures, mistakes")
    _add_page(verb, "report.html")
    add_device(verb)
    verb.set_defaults(run=_report)

    verb = verbs.add_parser("explore", help="write a page in which a run's network runs live")
    _add_page(verb, "explore.html")
    verb.set_defaults(run=_explore)

    verb = verbs.add_parser("runs", help="list the runs")
    add_json(verb)
    verb.set_defaults(run=_runs)


def _add_page(verb: argparse.ArgumentParser, file: str) -> None:
    """What the commands that write a page about runs have in common."""
    verb.add_argument("names", metavar="RUN", nargs="+")
    verb.add_argument("--out", metavar="FILE", help=f"default: {file} in the run's folder")
    verb.add_argument("--split", choices=("test", "validation"), default="test")
    verb.add_argument("--data", metavar="DIR", help="default: what the run was trained on")
    verb.add_argument("--open", action="store_true", help="show the page in the browser")


def _report(args: argparse.Namespace) -> int:
    """Write one self-contained HTML page about one or several runs."""
    load_torch(to_compute=True)

    from scene_recog.visualize.report import write_report

    path = write_report(
        args.names, args.out, data_dir=args.data, split=args.split, device=args.device
    )
    return _show(path, to_open=args.open)


def _explore(args: argparse.Namespace) -> int:
    """Write one self-contained HTML page in which the networks of the runs can be explored."""
    load_torch(to_compute=True)

    from scene_recog.visualize.explorer import write_explorer

    path = write_explorer(args.names, args.out, data_dir=args.data, split=args.split)
    return _show(path, to_open=args.open)


def _show(path: Path, *, to_open: bool) -> int:
    """Print where a page is, and open it in a browser if that is wished."""
    import webbrowser

    print(path)
    if to_open and not webbrowser.open(path.resolve().as_uri()):
        notice(f"No browser was found here: open {path} yourself.")
    return 0


def _runs(args: argparse.Namespace) -> int:
    """Print a table of the runs in model_checkpoints/."""
    load_torch()

    from scene_recog.runs import run_folder
    from scene_recog.runs.config import has_epochs, read_config
    from scene_recog.runs.history import best_row, read_history

    rows: list[dict[str, Any]] = []
    in_words: list[str] = []  # the changes of each row
    changes_of = _changes_of_recipes()
    for folder in run_folder.list_runs(RUNS_DIR):
        try:
            config, history = read_config(folder), read_history(folder)
        except ValueError as error:
            print(f"scene-recog: {error}", file=sys.stderr)
            continue
        recipe = config.get("recipe", {})
        members = config.get("members", [])
        best = best_row(history)
        changes, words = changes_of(recipe) if recipe else ({}, "")
        rows.append(
            {
                "run": folder.name,
                "recipe": recipe.get("name") or config.get("model", {}).get("class_name"),
                "network": config.get("model", {}).get("class_name"),
                "seed": config.get("seed"),
                "data": config.get("data", {}).get("kind"),
                "epochs": len(history),
                "planned_epochs": recipe.get("epochs"),
                "best_accuracy": best["validation_accuracy"] if best else None,
                "measured_on": config.get("data", {}).get("validated_on"),
                "seconds": sum(row["seconds"] for row in members or history),
                "changes": changes,
            }
        )
        in_words.append(words)
    if args.json:
        print_json(rows)
    elif not rows:
        print(f"no runs in {RUNS_DIR}/ yet: scene-recog train makes one")
    else:
        columns = f"{'run':20} {'recipe':15} {'data':9} {'seed':>5} {'epochs':>7} {'best':>7} "
        print(columns + f"{'on':10} {'time':>7}  changes")
        for row, words in zip(rows, in_words, strict=True):
            epochs = f"{row['epochs']}/{row['planned_epochs'] or '?'}"
            epochs = epochs if has_epochs(row["network"]) else "-"
            seed = "-" if row["seed"] is None else row["seed"]
            print(
                f"{row['run']:20} {row['recipe']!s:15} {row['data']!s:9} {seed:>5} "
                f"{epochs:>7} {percent(row['best_accuracy']):>7} {row['measured_on']!s:10} "
                f"{row['seconds']:5.0f} s  {words}".rstrip()
            )
    return 0


def _changes_of_recipes() -> Callable[[dict[str, Any]], tuple[dict[str, Any], str]]:
    """A function from a run's recipe to its changes, as data and in words.

    Recipes import files of the assignment; runs are listed even while one of them has a mistake.
    """
    try:
        from scene_recog.recipes import changes_from_default, changes_in_words
    except Exception as error:
        if (line := explain_error(error, first=False)) is None:
            raise
        notice(f"Changes are not shown: {line}")
        return lambda _recipe: ({}, "")
    return lambda recipe: (changes_from_default(recipe)[1], changes_in_words(recipe))
