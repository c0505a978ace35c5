"""What a newcomer reads: examples below each command's help, and what to do first."""

from __future__ import annotations

import argparse
import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from scene_recog.assignment import first_unwritten
from scene_recog.cli.common import RUNS_DIR, in_columns

if TYPE_CHECKING:
    from scene_recog.cli.common import Verbs

EXAMPLES = {
    "train": {
        "scene-recog train": "recipe part2, on the photographs or on drawn scenes",
        "scene-recog train --recipe part1 --epochs 20 --set lr=0.002": "other settings",
        "scene-recog train --resume part2-001": "continue a run that was stopped",
        "scene-recog train --recipe fisher-vectors": "without gradient descent",
        "scene-recog train --recipe record --minutes 10": "the best that ten minutes allow",
    },
    "doctor": {
        "scene-recog doctor": "your files, the images, and the first steps of training",
        "scene-recog doctor part2-001": "a run that you have trained",
    },
    "ensemble": {
        "scene-recog ensemble both best-001 fisher-vectors-001": "two runs as one, both-001",
    },
    "evaluate": {
        "scene-recog evaluate part2-001": "on the test images, when you have finished",
        "scene-recog evaluate part2-001 --split validation": "while you compare settings",
        "scene-recog evaluate fast80-001 --tta --sizes 80 96 112": "averaged over several views",
    },
    "predict": {"scene-recog predict part2-001 photo.jpg holiday/": "the three likeliest scenes"},
    "report": {
        "scene-recog report part2-001 --split validation --open": "one run, in the browser",
        "scene-recog report part2-001 part1-001": "two runs, compared",
    },
    "explore": {
        "scene-recog explore part2-001 --open": "your network, live in the browser",
        "scene-recog explore part1-001 part2-001": "two networks on the same images",
    },
    "runs": {"scene-recog runs": "every run, its accuracy and its training time"},
    "recipes": {
        "scene-recog recipes": "their names",
        "scene-recog recipes part2": "every setting of one",
    },
    "summary": {"scene-recog summary SimpleNet": "shapes, parameters, receptive fields"},
    "info": {"scene-recog info": "paste it into a question about an error"},
    "submit": {
        'scene-recog submit --name "Your Name"': "check, test, pack",
        "scene-recog submit --no-tests": "check and pack only, in seconds",
    },
    "pack": {"scene-recog pack": "writes scene-recog.zip; upload it beside proj3.ipynb"},
    "data": {"scene-recog data download": "the 15-scene photographs, 87 MB, into data/"},
    "data download": {"scene-recog data download": "87 MB into data/; continues if it was stopped"},
    "data import": {"scene-recog data import ~/Downloads/scenes.zip": "a zip or folder you have"},
    "data verify": {"scene-recog data verify": "is every photograph there and intact?"},
    "data stats": {"scene-recog data stats": "counts, sizes, mean and standard deviation"},
    "data show": {"scene-recog data show": "a picture with some images of each class"},
    "data cache": {
        "scene-recog data cache": "what is there",
        "scene-recog data cache --clear": "delete it; the next run decodes the images again",
    },
}


def add_examples(verbs: Verbs, before: str = "") -> None:
    """Add the examples to the parsers of all commands, below their options."""
    for name, parser in verbs.choices.items():
        full_name = f"{before}{name}"
        if full_name in EXAMPLES:
            parser.epilog = "examples:\n" + in_columns(EXAMPLES[full_name])
            parser.formatter_class = argparse.RawDescriptionHelpFormatter
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                add_examples(action, f"{full_name} ")


def first_steps() -> str:
    """What to do first in this folder, or next; looks at files only."""
    from scene_recog.datasets import DEFAULT_DATA_DIR
    from scene_recog.datasets.search import locate_dataset

    steps = {}
    if (unwritten := first_unwritten()) is not None:
        step, file, _ = unwritten
        steps[f"pytest unit_tests/test_{file}.py"] = f"step {step}: write scene_recog/{file}.py"
    runs = [config.parent for config in RUNS_DIR.glob("*/config.json")]
    if runs:
        newest = max(runs, key=lambda run: run.stat().st_mtime)
        on_validation = " --split validation" if _has_validation_images(newest) else ""
        steps[f"scene-recog report {newest.name}{on_validation} --open"] = "look at your last run"
    else:
        steps["scene-recog train"] = "a first run, about a minute; needs no download"
    with suppress(ValueError):  # there are images, but not in train/ and test/
        if locate_dataset(DEFAULT_DATA_DIR) is None:
            steps["scene-recog data download"] = (
                "the photographs, 87 MB; until then, scenes are drawn by code"
            )
    return "what to do next:\n" + in_columns(steps)


def _has_validation_images(run: Path) -> bool:
    """Whether a run held images out of train; `read_config` would load torch."""
    try:
        return float(json.loads((run / "config.json").read_bytes())["val_fraction"]) > 0
    except (OSError, KeyError, TypeError, ValueError):
        return False
