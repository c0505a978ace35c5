"""`scene-recog train`: train a recipe in a new run folder, or resume a run."""

from __future__ import annotations

import argparse
import shutil
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from scene_recog.assignment import default_recipe, explain_error, unwritten_for
from scene_recog.cli.common import RUNS_DIR, add_device, in_columns, load_torch
from scene_recog.system.progress import notice
from scene_recog.system.text import in_one_line

if TYPE_CHECKING:
    from scene_recog.assembler import Assembler
    from scene_recog.cli.common import Verbs
    from scene_recog.fitter import Fitter
    from scene_recog.runner import Trainer

    AnyTrainer: TypeAlias = Trainer | Fitter | Assembler


def add_parsers(verbs: Verbs) -> None:
    """Add `train`; it sets `run`, a function from the arguments to an exit code."""
    verb = verbs.add_parser("train", help="train a recipe, or resume a run")
    verb.add_argument(
        "--recipe",
        help="its name, or a JSON file, such as a run's config.json "
        "(default: part2; part1 until part 2 is written)",
    )
    verb.add_argument("--data", metavar="DIR", help="folder with train/ and test/ (default: data)")
    verb.add_argument("--epochs", type=int, metavar="N", help="total number of epochs")
    verb.add_argument("--seed", type=int, metavar="N", help="short for --set seed=N")
    verb.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", dest="settings",
        help="change the recipe (`scene-recog recipes` lists the keys)",
    )  # fmt: skip
    verb.add_argument(
        "--minutes", type=float, metavar="N", help="record: how long it may take (10)"
    )
    verb.add_argument("--name", help="the run's folder (default: the recipe's name)")
    verb.add_argument(
        "--resume", metavar="RUN",
        help="resume this run where it stopped, or from this checkpoint file",
    )  # fmt: skip
    verb.add_argument(
        "--skip-bad", action="store_true", help="leave out images that cannot be read"
    )
    add_device(verb, default=None, otherwise="with --resume, the run's own; else auto")
    for flag, values, text in (
        ("--cache", "disk|memory|off", "where to keep decoded images; off: decode in every epoch"),
        ("--amp", "off|on|auto", "bfloat16 autocast"),
        ("--threads", "N", "threads to compute with on the CPU; otherwise chosen at the start"),
    ):
        verb.add_argument(flag, metavar=values, help=f"{text} (short for --set {flag[2:]}=...)")
    verb.add_argument("--compile", action="store_true", help="use torch.compile")
    verb.add_argument(
        "--sync-batch-norm", action="store_true",
        help="with torchrun on GPUs: batch norm over the batches of all processes",
    )  # fmt: skip
    verb.add_argument(
        "--tensorboard", action="store_true",
        help="log scalars, confusion matrix and filters to the run's tensorboard/",
    )  # fmt: skip
    verb.set_defaults(run=_train)


def _train(args: argparse.Namespace) -> int:
    """Train a recipe in a new run folder, or resume a run."""
    from scene_recog.system import processes

    load_torch(to_compute=True)
    keeps_device = args.resume is not None and args.device is None
    if args.device is None:
        args.device = _recorded_device(args.resume) if args.resume else "auto"
    with processes.process_group(args.device):
        return _train_in_group(args, keeps_device=keeps_device)


def _recorded_device(run: str) -> str:
    """The device that a run was trained on; "auto" if this machine does not have it."""
    from scene_recog.runs import run_folder
    from scene_recog.runs.config import CONFIG, read_config
    from scene_recog.system import processes
    from scene_recog.system.devices import choose_device

    try:
        folder = run_folder.find_run(run, RUNS_DIR)
    except FileNotFoundError:
        if processes.rank() == 0:
            raise
        return "auto"  # only the machine of process 0 needs it
    if not (folder / CONFIG).is_file():
        return "auto"
    try:
        return str(choose_device(str(read_config(folder).get("device", "auto"))))
    except ValueError:  # `Trainer` says what it is now
        return "auto"


def _train_in_group(args: argparse.Namespace, *, keeps_device: bool) -> int:
    from scene_recog.runner import Trainer
    from scene_recog.system import processes
    from scene_recog.system.devices import choose_device
    from scene_recog.system.interrupts import Interrupted

    own = args.settings or args.recipe or args.name or args.skip_bad or args.seed is not None
    own = own or args.minutes is not None
    if args.resume and own:
        raise ValueError(
            "a resumed run keeps its own recipe: --resume takes only --epochs and --data"
        )
    if args.tensorboard:
        from scene_recog.visualize.tensorboard import summary_writer

        summary_writer()  # if it is not installed, say so before anything is created
    of_launch = _run_of_this_launch() if processes.launched() and not args.resume else None
    args.resume = args.resume or of_launch
    trainer, epochs = _resumed_trainer(args) if args.resume else _new_trainer(args)
    if keeps_device and (best := str(choose_device())) != str(trainer.device):
        notice(
            f"{trainer.model_dir.name} was trained on {trainer.device} and stays there; "
            f"--device auto would take {best}."
        )
    has_epochs = isinstance(trainer, Trainer)
    left = epochs - trainer.epochs_done
    if left <= 0:
        longer = (
            f": {trainer.epochs_done} epochs are done. "
            "To train longer, add --epochs N with a larger N."
        )
        if of_launch:
            longer += " To train another run, choose another --rdzv-id."
        _say(f"{trainer.model_dir.name} is complete{longer if has_epochs else '.'}")
        return 0
    try:
        _run(trainer, left, with_tensorboard=args.tensorboard)
    except KeyboardInterrupt as stop:
        done = trainer.records[-1].epoch if trainer.records else 0
        saved = f"Stopped in epoch {done + 1}; {done} of {epochs} epochs are saved."
        notice(
            f"\n{saved if has_epochs else 'Stopped; what is finished is saved.'} Resume with: "
            f"scene-recog train --resume {trainer.model_dir}"
        )
        return 128 + (stop.signal if isinstance(stop, Interrupted) else 2)
    except Exception as error:
        never_began = not list(trainer.model_dir.rglob("*.pt")) and explain_error(error)
        if never_began and processes.rank() == 0:  # a mistake in a file, not a run to look at
            shutil.rmtree(trainer.model_dir, ignore_errors=True)
        raise

    _say_what_was_reached(trainer)
    return 0


def _say_what_was_reached(trainer: AnyTrainer) -> None:
    from scene_recog.fitter import Fitter
    from scene_recog.runner import Trainer

    best, seconds = trainer.best_record, sum(record.seconds for record in trainer.records)
    last, split = trainer.records[-1].validation_accuracy, trainer.validation_name
    title = trainer.dataset_info.title
    plural = "s" if trainer.epochs_done > 1 else ""
    how = f"{trainer.epochs_done} epoch{plural} on {title}, in {seconds:.0f} s"
    if isinstance(trainer, Trainer):
        how += f" (best: {best.validation_accuracy:.1%}, epoch {best.epoch})"
    elif isinstance(trainer, Fitter):
        how = f"fitting to {len(trainer.train_dataset):,} images of {title}, in {seconds:.0f} s"
    else:
        how = f"training {len(trainer.config['members'])} members on {title}, in {seconds:.0f} s"
    lines = [f"{trainer.model_dir.name}: {split} accuracy {last:.1%} after {how}"]
    if (picture := _draw_overview(trainer)) is not None:
        lines.append(f"Picture: {picture}")
    in_place = trainer.model_dir.parent == RUNS_DIR
    run = trainer.model_dir.name if in_place else str(trainer.model_dir)
    on_validation = " --split validation" if split == "validation" else ""
    steps = {f"scene-recog report {run}{on_validation} --open": "its mistakes, filters and more"}
    if trainer.dataset_info.kind == "sketch15":
        steps["scene-recog data download"] = "the photographs; then train again"
    else:
        steps[f"scene-recog evaluate {run}"] = "on the test images, once you have finished"
    _say("\n".join(lines) + "\nNext:\n" + in_columns(steps))


def _draw_overview(trainer: AnyTrainer) -> Path | None:
    """Curves, if there are epochs, and the network's answer for an image of each class.

    None if it cannot be drawn.
    """
    from scene_recog.assignment import explain_error
    from scene_recog.runner import Trainer
    from scene_recog.runs.scoring import evaluate_batches
    from scene_recog.system import processes
    from scene_recog.system.files import write_atomically
    from scene_recog.visualize.overview import overview_figure

    if processes.world_size() > 1:  # each process has a share of the images only
        return None
    path = trainer.model_dir / "overview.png"
    try:
        if not isinstance(trainer, Trainer):
            curves, evaluation = None, trainer.evaluation
            assert evaluation is not None  # it has just been made
        else:
            curves = (
                (trainer.train_loss_history, trainer.validation_loss_history),
                (trainer.train_accuracy_history, trainer.validation_accuracy_history),
            )
            evaluation = evaluate_batches(
                trainer.averaged_model, trainer.val_loader, trainer.val_dataset, trainer.device
            )
        figure = overview_figure(
            curves,
            evaluation,
            trainer.config["class_names"],
            f"{trainer.model_dir.name}: {trainer.config['model']['class_name']} "
            f"on {trainer.dataset_info.title}",
            trainer.validation_name,
        )
        write_atomically(path, lambda part: figure.savefig(part, dpi=100, format="png"))
    except Exception as error:
        reason = explain_error(error, first=False)
        if reason is None and not isinstance(error, OSError):
            raise
        notice(f"No picture is drawn: {reason or error}")
        return None
    return path


def _run(trainer: AnyTrainer, epochs: int, *, with_tensorboard: bool) -> None:
    from scene_recog.runner import Trainer
    from scene_recog.system import processes

    if not isinstance(trainer, Trainer) or not with_tensorboard or processes.rank() > 0:
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
    """The run that these processes were training before torchrun restarted them.

    Raises:
        ValueError: it is on another machine than process 0.
    """
    from scene_recog.runs import run_folder
    from scene_recog.runs.config import read_config
    from scene_recog.system import processes

    here = None
    for folder in run_folder.list_runs(RUNS_DIR):
        with suppress(ValueError, OSError):  # a damaged run is another one
            if read_config(folder).get("launch") == processes.launch_id():
                here = str(folder)
    found = processes.from_each((here, socket.gethostname()))
    of_zero, first = found[0]
    for run, machine in found:
        if run and not of_zero:
            raise ValueError(
                f"{run}, which this launch was training, is on {machine}, but process 0 is on "
                f"{first} now: copy it there, or let the machines share {RUNS_DIR}/"
            )
    return of_zero


def _new_trainer(args: argparse.Namespace) -> tuple[AnyTrainer, int]:
    from scene_recog.datasets import find_dataset
    from scene_recog.loading.bad_images import find_bad_images
    from scene_recog.recipes import Recipe, check_given_once, check_name, get_recipe
    from scene_recog.runs.run_folder import new_run_folder
    from scene_recog.system import processes

    named = {"epochs": args.epochs, "seed": args.seed, "minutes": args.minutes}
    settings = args.settings + _settings(named) + _settings(_speed(args))
    check_given_once(settings)
    name = args.recipe or default_recipe()
    if lacking := unwritten_for(name):
        raise ValueError(lacking)  # before anything is drawn or read
    recipe = get_recipe(name).override(settings)
    run_name = recipe.name if args.name is None else args.name
    check_name(run_name)
    if not isinstance(recipe, Recipe):
        _refuse_tensorboard(args, recipe.name)
    with processes.one_first():
        data_dir = find_dataset(args.data)
    bad = find_bad_images(data_dir) if args.skip_bad else {}
    if bad:
        reasons = "".join(f"\n  {in_one_line(reason)}" for reason in bad.values())
        notice(f"Leaving out {len(bad)} images that cannot be read:{reasons}")
    folder = processes.from_rank_zero(lambda: new_run_folder(RUNS_DIR, run_name))
    try:
        trainer = recipe.make_trainer(data_dir, folder, device=args.device, skip_images=list(bad))
    except BaseException:
        if processes.rank() == 0:
            folder.rmdir()
        raise
    return trainer, recipe.epochs


def _resumed_trainer(args: argparse.Namespace) -> tuple[AnyTrainer, int]:
    from scene_recog.datasets import find_dataset
    from scene_recog.recipes import Recipe, recipe_from_dict
    from scene_recog.runs import run_folder
    from scene_recog.runs.checkpoint import read_checkpoint
    from scene_recog.runs.config import config_of, read_config
    from scene_recog.system import processes

    # only the machine of process 0 has it
    folder = processes.from_rank_zero(lambda: run_folder.find_run(args.resume, RUNS_DIR))
    last = folder / run_folder.LAST
    named = Path(args.resume)
    checkpoint = folder / named.name if named.suffix == ".pt" else last
    config = processes.from_rank_zero(
        lambda: (
            config_of(read_checkpoint(checkpoint).get("config", {}), checkpoint)
            if checkpoint.exists()
            else read_config(folder)
        )
    )
    if "members" in config and "recipe" not in config:
        raise ValueError(f"{folder.name} is an ensemble, and cannot be resumed: resume its members")
    if not {"recipe", "data"} <= set(config):
        raise ValueError(
            f"{folder} was not trained from a recipe: resume it in Python, "
            f"Trainer(..., model_dir={str(folder)!r}, load_from_disk=True)"
        )
    recipe = recipe_from_dict(config["recipe"]).override(_settings(_speed(args)))
    data_dir = find_dataset(args.data or config["data"]["folder"])
    options: dict[str, Any] = {
        "device": args.device,
        "load_from_disk": True if checkpoint == last else checkpoint,
        "skip_images": config.get("skipped_images", []),
    }
    if not isinstance(recipe, Recipe):
        recipe.override(_settings({"epochs": args.epochs}))  # it has none
        _refuse_tensorboard(args, folder.name)
        return recipe.make_trainer(data_dir, folder, **options), 1
    epochs = recipe.epochs if args.epochs is None else args.epochs
    if epochs > recipe.epochs:
        recipe = recipe.override([f"epochs={epochs}"])
    if "pixel_stats" in config:
        mean, std = config["pixel_stats"]
        options["pixel_stats"] = (mean, std)
    return recipe.make_trainer(data_dir, folder, **options), epochs


def _refuse_tensorboard(args: argparse.Namespace, name: str) -> None:
    if args.tensorboard:
        raise ValueError(f"--tensorboard logs epochs, and {name} has none: leave it out")


def _speed(args: argparse.Namespace) -> dict[str, Any]:
    """The options for speed, the only ones that a resumed run does not keep."""
    return {
        "cache": args.cache,
        "amp": args.amp,
        "threads": args.threads,
        "compile_model": args.compile or None,
        "sync_batch_norm": args.sync_batch_norm or None,
    }


def _settings(values: dict[str, Any]) -> list[str]:
    """The values that were given, as for `Recipe.override`."""
    return [f"{key}={value}" for key, value in values.items() if value is not None]
