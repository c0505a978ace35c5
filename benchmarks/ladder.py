"""Measure the path from SimpleNet to SceneNet: each rung adds one idea to the rung below.

    python benchmarks/ladder.py OUT [--data data] [--epochs 30] [--seeds 0 1 2]

For a given seed, all rungs train for the same number of epochs on the same 90 % of train.
Validation accuracy is on the other 10 %. Test is read once, after the last epoch.

Writes OUT/ladder.csv (one row per rung and seed), OUT/ladder.md (a table of means and standard
deviations) and OUT/ladder.png. All three are kept in docs/, for the README and the notebook. You
can stop the script at any time; when restarted, it continues in the middle of the unfinished run.
"""

from __future__ import annotations

import argparse
import csv
import io
from collections import defaultdict
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from common import check_settings, mean_and_deviation, run_script, train_to_the_end
from matplotlib.ticker import LogLocator, NullFormatter
from torch import nn

from scene_recog.datasets import find_dataset
from scene_recog.models import NETS
from scene_recog.recipes import Recipe
from scene_recog.runs.scoring import evaluate_split, load_run
from scene_recog.simple_net import SimpleNet
from scene_recog.simple_net_final import SimpleNetFinal
from scene_recog.system.files import write_atomically
from scene_recog.visualize.summary import summarize


class SimpleNetDropout(SimpleNet):
    """SimpleNet with dropout before its linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_layers.append(nn.Dropout(0.5))


class SimpleNetDeep(SimpleNetFinal):
    """SimpleNetFinal without batch norm: its convolutions have a bias instead."""

    def __init__(self) -> None:
        super().__init__()
        layers = [layer for layer in self.conv_layers if not isinstance(layer, nn.BatchNorm2d)]
        for layer in layers:
            if isinstance(layer, nn.Conv2d):
                layer.bias = nn.Parameter(torch.zeros(layer.out_channels))
        self.conv_layers = nn.Sequential(*layers)


NETS.update({net.__name__: net for net in (SimpleNetDropout, SimpleNetDeep)})

RUNGS: list[tuple[str, list[str]]] = [
    ("SimpleNet", []),
    ("+ flip and jitter", ["augmentation=flip-jitter"]),
    ("+ normalization", ["normalize=True"]),
    ("+ dropout", ["model=SimpleNetDropout"]),
    ("+ three more stages", ["model=SimpleNetDeep"]),
    ("+ batch norm", ["model=SimpleNetFinal"]),
    (
        "+ SGD, momentum, one-cycle",
        ["optimizer_type=sgd", "lr=0.05", "nesterov=True", "weight_decay=5e-4",
         "scheduler=one-cycle"],
    ),
    ("+ crops and rotation", ["augmentation=crop-rotate", "min_area=0.5"]),
    ("+ label smoothing, EMA", ["label_smoothing=0.05", "ema_decay=0.995"]),
    ("+ residual blocks", ["model=SceneNet", "width=16"]),
    ("+ larger input", ["input_size=96", "eval_size=112"]),
]  # fmt: skip

COLUMNS = ("rung", "idea", "seed", "parameters", "multiply_adds", "epochs", "seconds",
           "validation", "test")  # fmt: skip
Row = dict[str, str]


def main() -> None:
    """Train the missing runs; update the rows, the table and the plot after each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--data")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    args = parser.parse_args()
    data_dir = find_dataset(args.data)
    args.out.mkdir(parents=True, exist_ok=True)
    rows = read_rows(args.out / "ladder.csv", args.epochs)
    done = {(int(row["rung"]), int(row["seed"])) for row in rows}
    for seed in args.seeds:  # seed by seed, so that stopping leaves whole ladders
        for rung, (idea, recipe) in enumerate(rungs(args.epochs, seed), start=1):
            if (rung, seed) in done:
                continue
            print(f"rung {rung}, seed {seed}: {idea}", flush=True)
            rows.append(climb(rung, idea, recipe, data_dir, args.out))
            write_rows(args.out / "ladder.csv", rows)
            write_table = partial(Path.write_text, data=make_table(rows), encoding="utf-8")
            write_atomically(args.out / "ladder.md", write_table)
            draw(rows, args.out / "ladder.png")
    print(make_table(rows))


def rungs(epochs: int, seed: int) -> list[tuple[str, Recipe]]:
    """(idea, recipe) of each rung, from the bottom; a recipe includes all changes below it."""
    recipe = Recipe(
        name="ladder", model="SimpleNet", epochs=epochs, seed=seed, optimizer_type="adam", lr=1e-3
    )
    found = []
    for idea, settings in RUNGS:
        recipe = recipe.override(settings)
        found.append((idea, recipe))
    return found


def climb(rung: int, idea: str, recipe: Recipe, data_dir: Path, out: Path) -> Row:
    """Train the recipe of one rung and measure its last epoch on test."""
    folder = out / "runs" / f"rung{rung:02d}-{recipe.epochs}epochs-seed{recipe.seed}"
    check_settings(recipe, folder, otherwise="choose another folder")
    trainer = recipe.make_trainer(data_dir, folder, load_from_disk=True)
    train_to_the_end(trainer, recipe.epochs)
    test = evaluate_split(load_run(folder, checkpoint="last"), data_dir, "test")
    layers = summarize(trainer.model, (1, recipe.input_size, recipe.input_size))
    values = (
        rung,
        idea,
        recipe.seed,
        sum(parameter.numel() for parameter in trainer.model.parameters()),
        sum(layer.multiply_adds for layer in layers),
        recipe.epochs,
        f"{sum(record.seconds for record in trainer.records):.1f}",
        f"{trainer.validation_accuracy_history[-1]:.4f}",
        f"{test.accuracy:.4f}",
    )
    return dict(zip(COLUMNS, map(str, values), strict=True))


def read_rows(path: Path, epochs: int) -> list[Row]:
    """The rows so far.

    Raises:
        ValueError: they are from runs with another number of epochs.
    """
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if int(row["epochs"]) != epochs:
            raise ValueError(
                f"{path} has runs of {row['epochs']} epochs, not {epochs}: choose another folder"
            )
    return rows


def write_rows(path: Path, rows: list[Row]) -> None:
    """Write all rows as CSV; the old file stays until the new one is complete."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(path, lambda part: part.write_text(text.getvalue(), encoding="utf-8"))


def by_rung(rows: list[Row]) -> list[list[Row]]:
    """The rows grouped by rung, from the bottom."""
    groups: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        groups[int(row["rung"])].append(row)
    return [groups[rung] for rung in sorted(groups)]


def over_seeds(rows: list[Row], key: str) -> tuple[float, float]:
    """Mean and standard deviation of one column, for the rows of one rung."""
    return mean_and_deviation([float(row[key]) for row in rows])


def make_table(rows: list[Row]) -> str:
    """The ladder as a Markdown table."""
    lines = [
        "| | idea | parameters | multiply-adds | s | seeds | validation | test |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for group in by_rung(rows):
        first = group[0]
        seconds, _ = over_seeds(group, "seconds")
        cells = [first["rung"], first["idea"], f"{int(first['parameters']):,}"]
        cells += [f"{int(first['multiply_adds']) / 1e6:.1f} M", f"{seconds:.0f}", str(len(group))]
        for key in ("validation", "test"):
            mean, deviation = over_seeds(group, key)
            spread = f" ± {deviation:.1%}".removesuffix("%") if len(group) > 1 else ""
            cells.append(f"{100 * mean:.1f} %{spread}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def draw(rows: list[Row], path: Path) -> None:
    """Plot test accuracy against training time and against parameters, with numbered rungs."""
    figure, panels = plt.subplots(1, 2, figsize=(10, 4.4), sharey=True, layout="constrained")
    groups = by_rung(rows)
    for axes, key, label in zip(
        panels, ("seconds", "parameters"), ("training time [s]", "parameters"), strict=True
    ):
        x = [over_seeds(group, key)[0] for group in groups]
        tests = [over_seeds(group, "test") for group in groups]
        y = [100 * mean for mean, _ in tests]
        axes.plot(x, y, color="0.75", linewidth=1, zorder=1)
        axes.errorbar(x, y, [100 * deviation for _, deviation in tests], fmt="none",
                      ecolor="0.35", capsize=3, zorder=2)  # fmt: skip
        axes.scatter(x, y, s=190, color="#0072b2", edgecolor="white", zorder=3)
        for position, group in enumerate(groups):
            axes.text(x[position], y[position], group[0]["rung"], color="white", fontsize=8,
                      fontweight="bold", ha="center", va="center", zorder=4)  # fmt: skip
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlabel(label)
        axes.grid(visible=True, color="0.92")
        axes.set_axisbelow(True)
    panels[0].set_ylabel("test accuracy [%]")
    key_text = "\n".join(f"{group[0]['rung']:>2}  {group[0]['idea']}" for group in groups)
    figure.text(1.0, 0.5, key_text, fontsize=8, va="center", ha="left")
    write_atomically(
        path, lambda part: figure.savefig(part, format="png", dpi=110, bbox_inches="tight")
    )
    plt.close(figure)


if __name__ == "__main__":
    run_script(main)
