"""Train a recipe with several seeds and measure each once on the test split.

    python benchmarks/accuracy.py part2 --seeds 0 1 2 [--data data] [--set KEY=VALUE ...]

For each seed it prints validation accuracy, test accuracy, test accuracy without the images that
have an identical twin in train, and the wall time of training; then the mean and standard deviation
of each. A seed whose run folder is complete is not trained again, so you can restart a stopped
script. A folder with a run of other settings is refused.
"""

from __future__ import annotations

import platform
from pathlib import Path

from common import (
    check_settings,
    machine,
    make_parser,
    mean_line,
    run_script,
    train_to_the_end,
)

from scene_recog.datasets import describe_dataset, find_dataset
from scene_recog.datasets.layout import duplicates_in_train
from scene_recog.recipes import get_recipe
from scene_recog.runs.scoring import accuracy_without, evaluate_split, load_run


def main() -> None:
    """Train and measure each seed, and print the results."""
    parser = make_parser(__doc__)
    parser.add_argument("recipe")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--name", help="prefix of the run folders (default: the recipe's name)")
    parser.add_argument("--no-test", action="store_true", help="do not read the test split")
    args = parser.parse_args()

    recipe = get_recipe(args.recipe).override(args.settings)
    data_dir = find_dataset(args.data)
    name = args.name or recipe.name
    print(f"{name} on {describe_dataset(data_dir).title}: {recipe}")
    print(f"{platform.processor() or platform.machine()}, {machine()}")
    twins = duplicates_in_train(data_dir)
    columns: dict[str, list[float]] = {"validation": [], "test": [], "no twins": [], "seconds": []}
    for seed in args.seeds:
        folder = Path("model_checkpoints") / f"{name}-seed{seed}"
        seeded = recipe.override([f"seed={seed}"])
        check_settings(seeded, folder, otherwise="use --name other")
        trainer = seeded.make_trainer(data_dir, folder, load_from_disk=True)
        train_to_the_end(trainer, recipe.epochs)
        run = load_run(folder)
        columns["seconds"].append(sum(record.seconds for record in trainer.records))
        columns["validation"].append(trainer.best_record.validation_accuracy)
        if not args.no_test:
            result = evaluate_split(run, data_dir, "test")
            columns["test"].append(result.accuracy)
            columns["no twins"].append(accuracy_without(result, data_dir, twins))
        print(f"seed {seed}: epoch {run.epoch} of {run.checkpoint.name}; " + ", ".join(
            f"{key} {values[-1]:.4g}" for key, values in columns.items() if values
        ), flush=True)  # fmt: skip
    for key, values in columns.items():
        if values:
            print(mean_line(key, values, 10))


if __name__ == "__main__":
    run_script(main)
