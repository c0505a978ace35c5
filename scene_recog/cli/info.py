"""`scene-recog recipes`, `summary` and `info`: recipes, networks, and this machine."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from scene_recog.cli.common import RUNS_DIR, add_json, load_torch, print_json

if TYPE_CHECKING:
    from scene_recog.cli.common import Verbs


def add_parsers(verbs: Verbs) -> None:
    """Add the verbs; each sets `run`, a function from the arguments to an exit code."""
    verb = verbs.add_parser("recipes", help="list the recipes, or print all settings of one")
    verb.add_argument("recipe", nargs="?")
    add_json(verb)
    verb.set_defaults(run=_recipes)

    verb = verbs.add_parser("summary", help="print a network layer by layer")
    verb.add_argument("net", metavar="NET", help="a network, such as SimpleNet, or a run")
    verb.add_argument("--size", type=int, metavar="N", help="side of the image (64, or the run's)")
    verb.set_defaults(run=_summary)

    verb = verbs.add_parser("info", help="print versions, devices, threads and dataset")
    add_json(verb)
    verb.set_defaults(run=_info)


def _recipes(args: argparse.Namespace) -> int:
    """Print the recipes, or every setting of one."""
    load_torch()

    from scene_recog.recipes import ALL_RECIPES, get_recipe

    if args.recipe:
        settings = get_recipe(args.recipe).as_dict()
        if args.json:
            print_json(settings)
        else:
            for key, value in settings.items():
                print(f"{key:16} {value}")
    elif args.json:
        print_json({name: recipe.as_dict() for name, recipe in ALL_RECIPES.items()})
    else:
        longest = max(map(len, ALL_RECIPES))
        for name, recipe in ALL_RECIPES.items():
            print(f"{name:{longest}} {recipe.describe()}")
        print("all settings of one: scene-recog recipes NAME; change them: train --set KEY=VALUE")
    return 0


def _summary(args: argparse.Namespace) -> int:
    """Print a network's layers: shapes, parameters, multiply-adds, receptive fields."""
    load_torch()

    from scene_recog.models import NETS
    from scene_recog.runs.config import read_config
    from scene_recog.runs.run_folder import find_run
    from scene_recog.visualize.summary import MisfitError, format_summary, summarize

    name, size = args.net, 64
    arguments: dict[str, Any] = {}
    if name not in NETS:
        try:
            config = read_config(find_run(name, RUNS_DIR))
        except FileNotFoundError as error:
            raise ValueError(
                f"no network {name} (there are {', '.join(NETS)}), and {error}"
            ) from None
        name = config.get("model", {}).get("class_name")
        arguments = config.get("model", {}).get("arguments", {})
        size = config.get("recipe", {}).get("input_size", size)
        if name not in NETS:
            raise ValueError(f"{args.net} holds a {name}, which is not one of {', '.join(NETS)}")
    side = args.size or size
    title = f"{name}, for images of 1x{side}x{side}"
    try:
        table = format_summary(summarize(NETS[name](**arguments), (1, side, side)))
    except MisfitError as error:
        if error.rows and not args.size:
            print(f"{title}, up to the layer that fails\n\n{format_summary(error.rows)}\n")
        raise
    print(f"{title}\n\n{table}")
    return 0


def _info(args: argparse.Namespace) -> int:
    """Print versions, devices, threads and what data/ holds."""
    from scene_recog.system.versions import versions

    if not args.json:
        for package, number in versions().items():
            print(f"{package:12} {number}")
    load_torch()  # if it cannot be loaded, the versions say why

    import torch

    from scene_recog.datasets import DEFAULT_DATA_DIR, describe_dataset
    from scene_recog.datasets.search import locate_dataset
    from scene_recog.system.devices import available_devices

    try:
        data = describe_dataset(locate_dataset(DEFAULT_DATA_DIR) or DEFAULT_DATA_DIR).title
    except ValueError as error:
        data = str(error)
    except FileNotFoundError:
        data = "none: train draws sketches; for the photographs, scene-recog data download"
    facts: dict[str, Any] = {
        "versions": versions(),
        "devices": available_devices(),
        "threads": torch.get_num_threads(),
        "data_folder": str(DEFAULT_DATA_DIR.resolve()),
        "data": data,
        "runs_folder": str(RUNS_DIR.resolve()),
    }
    if args.json:
        print_json(facts)
        return 0
    print(f"{'devices':12} {', '.join(available_devices())} (the first is used)")
    print(f"{'threads':12} {facts['threads']}")
    print(f"{'data':12} {facts['data_folder']}: {data}")
    print(f"{'runs':12} {facts['runs_folder']}")
    return 0
