"""`scene-recog evaluate` and `predict`: use a trained run."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scene_recog.assignment import explain_error
from scene_recog.cli.common import add_device, add_json, load_torch, print_json
from scene_recog.system.text import in_one_line, percent

if TYPE_CHECKING:
    from scene_recog.cli.common import Verbs
    from scene_recog.runs.scoring import Evaluation, Floats, LoadedRun


def add_parsers(verbs: Verbs) -> None:
    """Add the verbs; each sets `run`, a function from the arguments to an exit code."""
    verb = verbs.add_parser("evaluate", help="measure a run's accuracy on a split")
    verb.add_argument("name", metavar="RUN")
    verb.add_argument("--split", choices=("test", "validation", "train"), default="test")
    verb.add_argument("--data", metavar="DIR", help="default: the folder the run was trained on")
    _add_views(verb)
    verb.add_argument(
        "--checkpoint",
        choices=("best", "last"),
        help="default: best, unless it was chosen on the test split",
    )
    add_json(verb)
    add_device(verb)
    verb.set_defaults(run=_evaluate)

    verb = verbs.add_parser("predict", help="label images of your own")
    verb.add_argument("name", metavar="RUN")
    verb.add_argument("images", metavar="IMAGE", nargs="+", help="files, folders or patterns")
    verb.add_argument("--top", type=int, default=3, metavar="N", help="labels per image (3)")
    _add_views(verb)
    add_json(verb)
    add_device(verb)
    verb.set_defaults(run=_predict)


def _add_views(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--tta", action="store_true", help="average over each image and its mirror")
    verb.add_argument(
        "--sizes", type=int, nargs="+", metavar="N", help="average over these sides, in pixels"
    )


def _evaluate(args: argparse.Namespace) -> int:
    """Print a run's accuracy on a split, and draw its confusion matrix."""
    load_torch(to_compute=True)

    from scene_recog.datasets import describe_dataset, find_dataset
    from scene_recog.datasets.layout import duplicates_in_train
    from scene_recog.runs import scoring as ev

    run = ev.load_run(args.name, checkpoint=args.checkpoint, device=args.device)
    if args.sizes:
        run = ev.at_sizes(run, args.sizes)
    data_dir = find_dataset(args.data or run.config["data"]["folder"])
    title = describe_dataset(data_dir).title
    result = ev.evaluate_split(run, data_dir, args.split, flip=args.tta)
    table = ev.per_class_table(result, run.class_names)
    confusions = ev.worst_confusions(result, run.class_names)
    twins = duplicates_in_train(data_dir) if args.split == "test" else set()
    without = ev.accuracy_without(result, data_dir, twins) if twins else None
    picture = _save_confusion_matrix(run, result, args.split, title)

    summary = {
        "run": str(run.folder),
        "checkpoint": run.checkpoint.name,
        "epoch": run.epoch,
        "data": title,
        "trained_on": run.config["data"]["title"],
        "split": args.split,
        "flip_averaged": args.tta,
        "sizes_averaged": args.sizes or [],
        "images": len(result.targets),
        "accuracy": result.accuracy,
        "members": [
            {
                **{key: member[key] for key in ("run", "checkpoint", "epoch")},
                "accuracy": result.members[member["run"]].accuracy,
            }
            for member in run.config.get("members", [])
        ],
        "images_with_twins_in_train": len(twins),
        "accuracy_without_twins": without,
        "classes": table,
        "worst_confusions": [
            {"target": target, "prediction": prediction, "images": count}
            for target, prediction, count in confusions
        ],
        "confusion_matrix": str(picture) if picture else None,
    }
    if args.json:
        print_json(summary)
    else:
        _print_evaluation(summary, run)
    return 0


def _print_evaluation(summary: dict[str, Any], run: LoadedRun) -> None:
    split, title = summary["split"], summary["data"]
    what = f"{run.checkpoint.name} (epoch {run.epoch})"
    if run.members:
        what = f"the average of {len(run.members)} runs"
    print(f"{run.folder.name}, {what}, on {split} of {title}")
    if summary["trained_on"] != title:
        print(f"note: it was trained on {summary['trained_on']}")
    if split == "test" and run.config["data"]["validated_on"] == "test":
        print("note: the test split was used for validation in training")
        if run.was_chosen_on_test:
            print("note: best.pt was chosen on the test split, so this accuracy is too high")
    averaged = ["its mirror image"] if summary["flip_averaged"] else []
    if sizes := summary["sizes_averaged"]:
        averaged.append(f"sizes of {', '.join(map(str, sizes))} pixels")
    how = f", averaged over {' and '.join(averaged)}" if averaged else ""
    print(f"accuracy {summary['accuracy']:.2%} of {summary['images']} images{how}")
    if sizes and (at_own := [name for name, each in run.members.items() if not each.transforms]):
        print(f"note: at its own size only: {', '.join(at_own)}")
    if summary["accuracy_without_twins"] is not None:
        print(
            f"accuracy {summary['accuracy_without_twins']:.2%} without the "
            f"{summary['images_with_twins_in_train']} that have an identical twin in train"
        )
    if run.members:
        longest = max(map(len, run.members))
        print("each member alone:")
        for row in summary["members"]:
            print(f"  {row['run']:{longest}} {row['accuracy']:7.2%}")
    print(f"\n{'class':14} {'images':>6} {'recall':>7} {'precision':>9}  most often confused with")
    for row in summary["classes"]:
        taken = f"{row['taken_for']} ({row['taken_for_count']})" if row["taken_for"] else ""
        print(
            f"{row['class']:14} {row['images']:6} {percent(row['recall']):>7} "
            f"{percent(row['precision']):>9}  {taken}"
        )
    if summary["worst_confusions"]:
        print("\nworst confusions (target -> prediction):")
    for row in summary["worst_confusions"]:
        print(f"  {row['target']} -> {row['prediction']}: {row['images']}")
    if summary["confusion_matrix"]:
        print(f"\nconfusion matrix: {summary['confusion_matrix']}")


def _save_confusion_matrix(
    run: LoadedRun, result: Evaluation, split: str, title: str
) -> Path | None:
    """Draw it into the run's folder with the functions of step 2.6; None if they fail."""
    from scene_recog.system.progress import notice

    path = run.folder / f"confusion_{split}.png"
    try:
        _draw_confusion_matrix(path, run, result, f"{run.folder.name}, {split}, {title}")
    except Exception as error:
        if isinstance(error, OSError) or (line := explain_error(error, first=False)) is None:
            raise
        notice(f"No confusion matrix is drawn: {line}")
        return None
    return path


def _draw_confusion_matrix(path: Path, run: LoadedRun, result: Evaluation, title: str) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import numpy as np

    from scene_recog.confusion_matrix import generate_confusion_matrix, plot_confusion_matrix
    from scene_recog.system.figures import plain
    from scene_recog.system.files import write_atomically
    from scene_recog.visualize.confusion import confusion_figure

    size = len(run.class_names)
    made = generate_confusion_matrix(result.targets, result.predictions, size)
    matrix = np.asarray(made, dtype=float)
    if matrix.shape != (size, size):
        raise ValueError(
            f"generate_confusion_matrix in confusion_matrix.py gives shape {list(matrix.shape)}: "
            f"{size} classes need a {size}x{size} matrix"
        )
    plt.close("all")
    plot_confusion_matrix(matrix, [plain(name) for name in run.class_names])
    if plt.get_fignums() and plt.gcf().axes:
        figure = plt.gcf()
        figure.axes[0].set_title(plain(title))
    else:  # the student's function may have closed its figure after plt.show()
        figure = confusion_figure(result, run.class_names, title)
    write_atomically(path, lambda part: figure.savefig(part, dpi=110, format="png"))
    plt.close("all")


def _predict(args: argparse.Namespace) -> int:
    """Print the most likely classes of image files; exit code 1 if any could not be read."""
    load_torch(to_compute=True)

    from scene_recog.runs.scoring import (
        at_sizes,
        load_run,
        mean_of,
        predict_by_member,
        predict_image,
    )

    if args.top < 1:
        raise ValueError(f"--top is {args.top}: it must be at least 1")
    run = load_run(args.name, device=args.device)
    if args.sizes:
        run = at_sizes(run, args.sizes)
    answers: list[dict[str, Any]] = []
    for path in _image_paths(args.images):
        try:
            by_member = predict_by_member(run, path, flip=args.tta)
            probabilities = (
                mean_of(by_member.values())
                if by_member
                else predict_image(run, path, flip=args.tta)
            )
        except (ValueError, OSError) as error:
            answers.append({"image": str(path), "error": str(error)})
            continue
        answer: dict[str, Any] = {
            "image": str(path),
            "labels": _likeliest(run, probabilities, args.top),
        }
        if by_member:
            answer["members"] = [
                {"run": name, "labels": _likeliest(run, its_own, args.top)}
                for name, its_own in by_member.items()
            ]
        answers.append(answer)

    if args.json:
        print_json({"trained_on": run.config["data"]["title"], "images": answers})
    else:
        if run.config["data"]["kind"] == "sketch15":
            print(
                "note: this run was trained on drawn sketches, not on photographs", file=sys.stderr
            )
        for answer in answers:
            if "error" in answer:
                print(f"scene-recog: {in_one_line(answer['error'])}", file=sys.stderr)
            else:
                print(f"{in_one_line(answer['image'])}: {_in_words(answer['labels'])}")
                for member in answer.get("members", []):
                    print(f"  {member['run']}: {_in_words(member['labels'])}")
    return 1 if any("error" in answer for answer in answers) else 0


def _likeliest(run: LoadedRun, probabilities: Floats, count: int) -> list[dict[str, Any]]:
    return [
        {"class": run.class_names[index], "probability": float(probabilities[index])}
        for index in (-probabilities).argsort(kind="stable")[:count]
    ]


def _in_words(labels: list[dict[str, Any]]) -> str:
    return ", ".join(f"{label['class']} {label['probability']:.1%}" for label in labels)


def _image_paths(arguments: list[str]) -> list[Path]:
    import glob

    from scene_recog.datasets.images import images_below

    paths: list[Path] = []
    for argument in arguments:
        path = Path(argument).expanduser()
        if not _is_possible(path):
            found = [path]  # reading it raises an error about the name
        elif path.is_dir():
            found = images_below(path)
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
