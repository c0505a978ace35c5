"""The command line: `scene-recog <verb> ...`. Results on stdout, progress and notices on stderr.

Exit codes: 0 done; 1 done, but something is wrong with what was looked at; 2 the request cannot be
met, one line on stderr says why; 130 stopped with Ctrl-C, 143 with SIGTERM.

torch is imported by the verbs that need it, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scene_recog import __version__
from scene_recog.cli.data import add_data_parsers
from scene_recog.system.progress import notice
from scene_recog.system.text import in_one_line

if TYPE_CHECKING:
    from scene_recog.runner import Trainer
    from scene_recog.runs.scoring import Evaluation, LoadedRun

RUNS_DIR = Path("model_checkpoints")
PACKAGE_DIR = Path(__file__).parent.parent


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    args = make_parser().parse_args(argv)
    try:
        return int(args.run(args))
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, FileNotFoundError, FloatingPointError) as error:
        if not _was_raised_here(error):
            raise
        lines = str(error).split("\n")
        print("scene-recog: " + "\n".join(map(in_one_line, lines)), file=sys.stderr)
        return 2
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"scene-recog: {where}{error.strerror or error}", file=sys.stderr)
        return 2


def make_parser() -> argparse.ArgumentParser:
    """The parser of all verbs; each sets `run`, a function of the parsed arguments."""
    parser = argparse.ArgumentParser(
        prog="scene-recog",
        description="Scene recognition with SimpleNet, trained from scratch.",
    )
    parser.add_argument("--version", action="version", version=f"scene-recog {__version__}")
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")

    verb = verbs.add_parser("train", help="train a recipe, or go on with a run")
    verb.add_argument("--recipe", help="its name, or a run's config.json (default: part2)")
    verb.add_argument("--data", metavar="DIR", help="folder with train/ and test/ (default: data)")
    verb.add_argument("--epochs", type=int, metavar="N", help="epochs in all")
    verb.add_argument("--seed", type=int, metavar="N", help="short for --set seed=N")
    verb.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", dest="settings",
        help="change the recipe (`scene-recog recipes` lists the keys)",
    )  # fmt: skip
    verb.add_argument("--name", help="the run's name (default: the recipe's)")
    verb.add_argument(
        "--resume", metavar="RUN",
        help="go on with this run where it stopped, or from this checkpoint file of it",
    )  # fmt: skip
    verb.add_argument(
        "--skip-bad", action="store_true", help="leave out images that cannot be read"
    )
    _add_device(verb)
    verb.add_argument(
        "--cache", choices=("disk", "memory", "off"), default="disk",
        help="where decoded images are kept; off: decode in every epoch",
    )  # fmt: skip
    verb.add_argument(
        "--amp", choices=("off", "on", "auto"), help="bfloat16 autocast (default: the recipe's)"
    )
    verb.add_argument("--compile", action="store_true", help="use torch.compile")
    verb.add_argument(
        "--sync-batch-norm", action="store_true",
        help="with torchrun on GPUs: batch norm over the batch of all processes",
    )  # fmt: skip
    verb.add_argument(
        "--tensorboard", action="store_true",
        help="log scalars, confusion matrix and filters into the run's tensorboard/",
    )  # fmt: skip
    verb.set_defaults(run=train)

    verb = verbs.add_parser("evaluate", help="measure a run on a split it was not trained on")
    verb.add_argument("name", metavar="RUN")
    verb.add_argument("--split", choices=("test", "validation", "train"), default="test")
    verb.add_argument("--data", metavar="DIR", help="default: the folder the run was trained on")
    verb.add_argument("--tta", action="store_true", help="average over each image and its mirror")
    verb.add_argument("--checkpoint", choices=("best", "last"), help="default: best, if honest")
    verb.add_argument("--json", action="store_true", help="print JSON")
    _add_device(verb)
    verb.set_defaults(run=evaluate)

    verb = verbs.add_parser("predict", help="label images of your own")
    verb.add_argument("name", metavar="RUN")
    verb.add_argument("images", metavar="IMAGE", nargs="+", help="files, folders or patterns")
    verb.add_argument("--top", type=int, default=3, metavar="N", help="labels per image (3)")
    verb.add_argument("--tta", action="store_true", help="average over each image and its mirror")
    verb.add_argument("--json", action="store_true", help="print JSON")
    _add_device(verb)
    verb.set_defaults(run=predict)

    verb = verbs.add_parser("report", help="one HTML page about runs: curves, figures, mistakes")
    verb.add_argument("names", metavar="RUN", nargs="+")
    verb.add_argument("--out", metavar="FILE", help="default: report.html in the run's folder")
    verb.add_argument("--split", choices=("test", "validation"), default="test")
    verb.add_argument("--data", metavar="DIR", help="default: the folder each run was trained on")
    _add_device(verb)
    verb.set_defaults(run=report)

    verb = verbs.add_parser("runs", help="list the runs")
    verb.add_argument("--json", action="store_true", help="print JSON")
    verb.set_defaults(run=runs)

    verb = verbs.add_parser("recipes", help="list the recipes, or print one whole")
    verb.add_argument("recipe", nargs="?")
    verb.add_argument("--json", action="store_true", help="print JSON")
    verb.set_defaults(run=recipes)

    add_data_parsers(verbs)

    verb = verbs.add_parser("summary", help="a network layer by layer")
    verb.add_argument("net", metavar="NET", help="a network, such as SimpleNet, or a run")
    verb.add_argument("--size", type=int, metavar="N", help="side of the image (64, or the run's)")
    verb.set_defaults(run=summary)

    verb = verbs.add_parser("info", help="versions, devices, threads, dataset")
    verb.add_argument("--json", action="store_true", help="print JSON")
    verb.set_defaults(run=info)
    return parser


# -------------------------------------------------------------------- train


def train(args: argparse.Namespace) -> int:
    """Train from a recipe into a new run folder, or go on with a run."""
    from scene_recog.system import processes

    with processes.process_group(args.device):
        return _train(args)


def _train(args: argparse.Namespace) -> int:
    from scene_recog.system import processes
    from scene_recog.system.interrupts import Interrupted

    own = args.settings or args.recipe or args.name or args.skip_bad or args.seed is not None
    if args.resume and own:
        raise ValueError(
            "a run goes on with its own recipe: only --epochs and --data go with --resume"
        )
    if args.tensorboard:
        from scene_recog.visualize.tensorboard import summary_writer

        summary_writer()  # if it is not installed, say so before anything is made
    if not args.resume and processes.restarts() > 0:
        args.resume = processes.from_rank_zero(_run_of_this_launch)
    trainer, epochs = _resumed_trainer(args) if args.resume else _new_trainer(args)
    left = epochs - trainer.epochs_done
    if left <= 0:
        _say(
            f"{trainer.model_dir.name} is complete: {trainer.epochs_done} epochs are done. "
            "To train longer, add --epochs N with a larger N."
        )
        return 0
    try:
        _run(trainer, left, with_tensorboard=args.tensorboard)
    except KeyboardInterrupt as stop:
        done = trainer.records[-1].epoch if trainer.records else 0
        notice(
            f"\nStopped in epoch {done + 1}; {done} of {epochs} epochs are saved. Go on with: "
            f"scene-recog train --resume {trainer.model_dir}"
        )
        return 128 + (stop.signal if isinstance(stop, Interrupted) else 2)

    best, seconds = trainer.best_record, sum(record.seconds for record in trainer.records)
    _say(
        f"{trainer.model_dir.name}: {trainer.epochs_done} epochs on "
        f"{trainer.dataset_info.title} in {seconds:.0f} s, {trainer.validation_name} accuracy "
        f"{trainer.validation_accuracy_history[-1]:.1%} "
        f"(best {best.validation_accuracy:.1%} in epoch {best.epoch})\n"
        f"saved in {trainer.model_dir}; next: scene-recog evaluate {trainer.model_dir}"
    )
    return 0


def _run(trainer: Trainer, epochs: int, *, with_tensorboard: bool) -> None:
    from scene_recog.system import processes

    if not with_tensorboard or processes.rank() > 0:
        trainer.run_training_loop(epochs)
        return
    from scene_recog.visualize.tensorboard import TensorBoardLog

    with TensorBoardLog(trainer) as log:
        trainer.run_training_loop(epochs, on_epoch=log.log_epoch)
        log.log_pictures()


def _say(text: str) -> None:
    from scene_recog.system import processes

    if processes.rank() == 0:
        print(text)


def _run_of_this_launch() -> str | None:
    """The run that these processes were at before torchrun started them again."""
    from scene_recog.runs import run_folder
    from scene_recog.system import processes

    for folder in run_folder.list_runs(RUNS_DIR):
        if run_folder.read_config(folder).get("launch") == processes.launch_id():
            return str(folder)
    return None


def _new_trainer(args: argparse.Namespace) -> tuple[Trainer, int]:
    from scene_recog.datasets import find_dataset
    from scene_recog.loading.bad_images import find_bad_images
    from scene_recog.recipes import get_recipe
    from scene_recog.runs.run_folder import new_run_folder
    from scene_recog.system import processes

    shorthands = {"epochs": args.epochs, "seed": args.seed, "name": args.name}
    settings = [f"{key}={value}" for key, value in shorthands.items() if value is not None]
    recipe = get_recipe(args.recipe or "part2").override(args.settings + settings)
    with processes.one_first():
        data_dir = find_dataset(args.data)
    bad = find_bad_images(data_dir) if args.skip_bad else {}
    if bad:
        reasons = "".join(f"\n  {in_one_line(reason)}" for reason in bad.values())
        notice(f"Leaving out {len(bad)} of the images, which cannot be read:{reasons}")
    folder = processes.from_rank_zero(lambda: new_run_folder(RUNS_DIR, recipe.name))
    try:
        trainer = recipe.make_trainer(data_dir, folder, skip_images=list(bad), **_speed(args))
    except BaseException:
        if processes.rank() == 0:
            folder.rmdir()
        raise
    return trainer, recipe.epochs


def _resumed_trainer(args: argparse.Namespace) -> tuple[Trainer, int]:
    from scene_recog.datasets import find_dataset
    from scene_recog.recipes import recipe_from_dict
    from scene_recog.runs import run_folder
    from scene_recog.runs.checkpoint import read_checkpoint
    from scene_recog.system import processes

    folder = run_folder.find_run(args.resume, RUNS_DIR)
    last = folder / run_folder.LAST
    named = Path(args.resume)
    checkpoint = folder / named.name if named.suffix == ".pt" else last
    config = processes.from_rank_zero(
        lambda: (
            read_checkpoint(checkpoint).get("config", {})
            if checkpoint.exists()
            else run_folder.read_config(folder)
        )
    )
    if not {"recipe", "data", "pixel_stats"} <= set(config):
        raise ValueError(
            f"{folder} was not trained from a recipe: go on with it in Python, "
            f"Trainer(..., model_dir={str(folder)!r}, load_from_disk=True)"
        )
    recipe = recipe_from_dict(config["recipe"])
    trainer = recipe.make_trainer(
        find_dataset(args.data or config["data"]["folder"]),
        folder,
        **_speed(args),
        load_from_disk=True if checkpoint == last else checkpoint,
        pixel_stats=tuple(config["pixel_stats"]),
        skip_images=config.get("skipped_images", []),
    )
    return trainer, recipe.epochs if args.epochs is None else args.epochs


def _speed(args: argparse.Namespace) -> dict[str, Any]:
    """The options that change how fast a run goes, not what it computes (but for rounding)."""
    return {
        "device": args.device,
        "cache": args.cache,
        "amp": args.amp,
        "compile_model": args.compile,
        "sync_batch_norm": args.sync_batch_norm,
    }


# -------------------------------------------------------------------- evaluate and predict


def evaluate(args: argparse.Namespace) -> int:
    """Print how a run does on a split, and draw its confusion matrix."""
    from scene_recog.datasets import describe_dataset
    from scene_recog.datasets.scene15 import duplicates_in_train
    from scene_recog.runs import scoring as ev

    run = ev.load_run(args.name, checkpoint=args.checkpoint, device=args.device)
    data_dir = Path(args.data or run.config["data"]["folder"]).expanduser()
    title = describe_dataset(data_dir).title
    result = ev.evaluate_split(run, data_dir, args.split, flip=args.tta)
    table = ev.per_class_table(result, run.class_names)
    confusions = ev.worst_confusions(result, run.class_names)
    twins = duplicates_in_train(data_dir) if args.split == "test" else set()
    without = ev.accuracy_without(result, data_dir, twins) if twins else None
    picture = run.folder / f"confusion_{args.split}.png"
    _save_confusion_matrix(picture, run, result, f"{run.folder.name}, {args.split}, {title}")

    summary = {
        "run": str(run.folder),
        "checkpoint": run.checkpoint.name,
        "epoch": run.epoch,
        "data": title,
        "trained_on": run.config["data"]["title"],
        "split": args.split,
        "flip_averaged": args.tta,
        "images": len(result.targets),
        "accuracy": result.accuracy,
        "images_with_twins_in_train": len(twins),
        "accuracy_without_twins": without,
        "classes": table,
        "worst_confusions": [
            {"target": target, "prediction": prediction, "images": count}
            for target, prediction, count in confusions
        ],
        "confusion_matrix": str(picture),
    }
    if args.json:
        print(json.dumps(summary, indent=2))
        return 0
    print(
        f"{run.folder.name}, {run.checkpoint.name} (epoch {run.epoch}), on {args.split} of {title}"
    )
    if summary["trained_on"] != title:
        print(f"note: it was trained on {summary['trained_on']}")
    if args.split == "test" and run.config["data"]["validated_on"] == "test":
        print("note: the test split was watched in training")
        if run.checkpoint.name == "best.pt":
            print("note: best.pt was chosen on the test split, so this accuracy is too high")
    print(f"accuracy {result.accuracy:.2%} of {len(result.targets)} images", end="")
    print(", each averaged with its mirror image" if args.tta else "")
    if without is not None:
        print(
            f"accuracy {without:.2%} without the {len(twins)} that have an identical twin in train"
        )
    print(f"\n{'class':14} {'images':>6} {'recall':>7} {'precision':>9}  most often taken for")
    for row in table:
        taken = f"{row['taken_for']} ({row['taken_for_count']})" if row["taken_for"] else ""
        print(
            f"{row['class']:14} {row['images']:6} {_percent(row['recall']):>7} "
            f"{_percent(row['precision']):>9}  {taken}"
        )
    if confusions:
        print("\nworst confusions (target -> prediction):")
    for target, prediction, count in confusions:
        print(f"  {target} -> {prediction}: {count}")
    print(f"\nconfusion matrix: {picture}")
    return 0


def predict(args: argparse.Namespace) -> int:
    """Print the most likely classes of image files; exit code 1 if any could not be read."""
    from scene_recog.runs.scoring import load_run, predict_image

    if args.top < 1:
        raise ValueError(f"--top is {args.top}: it must be at least 1")
    run = load_run(args.name, device=args.device)
    answers: list[dict[str, Any]] = []
    for path in _image_paths(args.images):
        try:
            probabilities = predict_image(run, path, flip=args.tta)
        except (ValueError, OSError) as error:
            answers.append({"image": str(path), "error": str(error)})
            continue
        labels = [
            {"class": run.class_names[index], "probability": float(probabilities[index])}
            for index in (-probabilities).argsort(kind="stable")[: args.top]
        ]
        answers.append({"image": str(path), "labels": labels})

    if args.json:
        print(json.dumps({"trained_on": run.config["data"]["title"], "images": answers}, indent=2))
    else:
        if run.config["data"]["kind"] == "sketch15":
            print(
                "note: this run was trained on drawn sketches, not on photographs", file=sys.stderr
            )
        for answer in answers:
            if "error" in answer:
                print(f"scene-recog: {in_one_line(answer['error'])}", file=sys.stderr)
            else:
                top = ", ".join(f"{x['class']} {x['probability']:.1%}" for x in answer["labels"])
                print(f"{in_one_line(answer['image'])}: {top}")
    return 1 if any("error" in answer for answer in answers) else 0


def report(args: argparse.Namespace) -> int:
    """Write one self-contained HTML page about one or several runs."""
    from scene_recog.visualize.report import write_report

    path = write_report(
        args.names, args.out, data_dir=args.data, split=args.split, device=args.device
    )
    print(path)
    return 0


def _image_paths(arguments: list[str]) -> list[Path]:
    import glob

    from scene_recog.datasets.images import is_image_name

    paths: list[Path] = []
    for argument in arguments:
        path = Path(argument).expanduser()
        if not _is_possible(path):
            found = [path]  # reading it will say what is wrong with the name
        elif path.is_dir():
            found = sorted(p for p in path.rglob("*") if p.is_file() and is_image_name(p))
        elif not path.exists() and glob.has_magic(argument):
            found = sorted(Path(p) for p in glob.glob(argument, recursive=True))  # noqa: PTH207
        else:
            found = [path]
        if not found:
            raise FileNotFoundError(f"no images match {argument}")
        paths += found
    return paths


def _is_possible(path: Path) -> bool:
    try:
        path.exists()
    except (OSError, ValueError):  # a name that is too long, or has a zero byte
        return False
    return True


def _save_confusion_matrix(path: Path, run: LoadedRun, result: Evaluation, title: str) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from scene_recog.confusion_matrix import generate_confusion_matrix, plot_confusion_matrix
    from scene_recog.system.files import write_atomically

    matrix = generate_confusion_matrix(result.targets, result.predictions, len(run.class_names))
    plot_confusion_matrix(matrix, run.class_names)
    plt.gca().set_title(title)
    write_atomically(path, lambda part: plt.savefig(part, dpi=110, format="png"))
    plt.close()


# -------------------------------------------------------------------- lists


def runs(args: argparse.Namespace) -> int:
    """Print a table of the runs in model_checkpoints/."""
    from scene_recog.runs import run_folder

    rows: list[dict[str, Any]] = []
    for folder in run_folder.list_runs(RUNS_DIR):
        try:
            config, history = run_folder.read_config(folder), run_folder.read_history(folder)
        except ValueError as error:
            print(f"scene-recog: {error}", file=sys.stderr)
            continue
        recipe = config.get("recipe", {})
        best = max((row["validation_accuracy"] for row in history), default=None)
        rows.append(
            {
                "run": folder.name,
                "recipe": recipe.get("name") or config.get("model", {}).get("class_name"),
                "seed": config.get("seed"),
                "data": config.get("data", {}).get("kind"),
                "epochs": len(history),
                "planned_epochs": recipe.get("epochs"),
                "best_accuracy": best,
                "measured_on": config.get("data", {}).get("validated_on"),
                "seconds": sum(row["seconds"] for row in history),
            }
        )
    if args.json:
        print(json.dumps(rows, indent=2))
    elif not rows:
        print(f"no runs in {RUNS_DIR}/ yet: scene-recog train makes one")
    else:
        columns = f"{'run':20} {'recipe':15} {'data':9} {'seed':>5} {'epochs':>7} {'best':>7} "
        print(columns + f"{'on':10} {'time':>7}")
        for row in rows:
            epochs = f"{row['epochs']}/{row['planned_epochs'] or '?'}"
            print(
                f"{row['run']:20} {row['recipe']!s:15} {row['data']!s:9} {row['seed']!s:>5} "
                f"{epochs:>7} {_percent(row['best_accuracy']):>7} {row['measured_on']!s:10} "
                f"{row['seconds']:5.0f} s"
            )
    return 0


def recipes(args: argparse.Namespace) -> int:
    """Print the recipes, or every setting of one."""
    from dataclasses import asdict

    from scene_recog.recipes import RECIPES, get_recipe

    if args.recipe:
        settings = asdict(get_recipe(args.recipe))
        if args.json:
            print(json.dumps(settings, indent=2))
        else:
            for key, value in settings.items():
                print(f"{key:16} {value}")
    elif args.json:
        print(json.dumps({name: asdict(recipe) for name, recipe in RECIPES.items()}, indent=2))
    else:
        longest = max(map(len, RECIPES))
        for name, recipe in RECIPES.items():
            print(
                f"{name:{longest}} {recipe.model}, {recipe.epochs} epochs, {recipe.optimizer_type} "
                f"lr {recipe.lr:g} {recipe.scheduler}, augmentation {recipe.augmentation}"
            )
        print("print one whole: scene-recog recipes NAME; change it: train --set KEY=VALUE")
    return 0


def summary(args: argparse.Namespace) -> int:
    """Print a network's layers: shapes, parameters, multiply-adds, receptive fields."""
    from scene_recog.models import NETS
    from scene_recog.runs.run_folder import find_run, read_config
    from scene_recog.visualize.summary import format_summary, summarize

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
            raise ValueError(f"{args.net} is of {name}, which is none of {', '.join(NETS)}")
    side = args.size or size
    table = format_summary(summarize(NETS[name](**arguments), (1, side, side)))
    print(f"{name}, for images of 1x{side}x{side}\n\n{table}")
    return 0


def info(args: argparse.Namespace) -> int:
    """Print versions, devices, threads and what data/ holds."""
    import torch

    from scene_recog.datasets import DEFAULT_DATA_DIR, describe_dataset
    from scene_recog.runs.run_folder import versions
    from scene_recog.system.devices import available_devices

    try:
        data = describe_dataset(DEFAULT_DATA_DIR).title
    except FileNotFoundError:
        data = "none: train draws sketches; the photographs: scene-recog data download"
    facts: dict[str, Any] = {
        "versions": versions(),
        "devices": available_devices(),
        "threads": torch.get_num_threads(),
        "data_folder": str(DEFAULT_DATA_DIR.resolve()),
        "data": data,
        "runs_folder": str(RUNS_DIR.resolve()),
    }
    if args.json:
        print(json.dumps(facts, indent=2))
        return 0
    for package, number in versions().items():
        print(f"{package:12} {number}")
    print(f"{'devices':12} {', '.join(available_devices())} (the first is used)")
    print(f"{'threads':12} {facts['threads']}")
    print(f"{'data':12} {facts['data_folder']}: {data}")
    print(f"{'runs':12} {facts['runs_folder']}")
    return 0


# -------------------------------------------------------------------- small parts


def _add_device(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps")


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _was_raised_here(error: BaseException) -> bool:
    """Whether our own code raised the error on purpose; another library's error is a bug."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and Path(frames[-1].filename).is_relative_to(PACKAGE_DIR)
