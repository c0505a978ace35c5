"""Draw the README's picture: the fifteen scenes as sketches, and a run's confusion matrix on test.

python benchmarks/readme_picture.py model_checkpoints/part2-001 docs/overview.png
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from common import run_script

from scene_recog.confusion_matrix import generate_confusion_matrix
from scene_recog.datasets import describe_dataset
from scene_recog.datasets.sketch15 import CLASSES, draw_scene
from scene_recog.runs.scoring import evaluate_split, load_run


def main() -> None:
    """Draw and save the picture."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run")
    parser.add_argument("out", type=Path)
    args = parser.parse_args()

    run = load_run(args.run)
    data_dir = Path(run.config["data"]["folder"])
    result = evaluate_split(run, data_dir, "test")
    matrix = generate_confusion_matrix(result.targets, result.predictions, len(run.class_names))

    figure = plt.figure(figsize=(13, 5.6), layout="constrained")
    halves: Any = figure.subfigures(1, 2, width_ratios=[1.25, 1])
    left, right = halves
    left.suptitle("The fifteen scenes, drawn by sketch15")
    for axes, name in zip(left.subplots(3, 5).flat, CLASSES, strict=True):
        sketch = draw_scene(name, np.random.default_rng([3, CLASSES.index(name)]))
        axes.imshow(sketch.resize((256, 192)), cmap="gray", vmin=0, vmax=255)
        axes.set_title(name, fontsize=10)
        axes.axis("off")

    right.suptitle(
        f"{run.config['recipe']['name']} on the test split of {describe_dataset(data_dir).title}: "
        f"{result.accuracy:.1%}"
    )
    axes = right.subplots()
    axes.imshow(matrix, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(15), run.class_names, rotation=90, fontsize=8)
    axes.set_yticks(range(15), run.class_names, fontsize=8)
    axes.set(xlabel="predicted class", ylabel="target class")
    for index, share in enumerate(matrix.diagonal()):
        axes.text(
            index, index, f"{100 * share:.0f}", ha="center", va="center", fontsize=7,
            color="white" if share > 0.5 else "black",
        )  # fmt: skip
    figure.savefig(args.out, dpi=90)


if __name__ == "__main__":
    run_script(main)
