"""Carving a validation split out of the training images."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from scene_recog.datasets.layout import sha256_of


def split_train_validation(
    dataset: Sequence[tuple[str, int]], val_fraction: float, seed: int
) -> tuple[list[int], list[int]]:
    """Indices of a training and a validation part; both have every class in the same proportion.

    Byte-identical files stay on one side, also under two class names: otherwise validation would
    ask about images that were trained on.

    Args:
        dataset: (path, class index) pairs, as `ImageLoader.dataset`.
        val_fraction: share of each class that goes to validation, between 0 and 1.
        seed: the same seed and files give the same parts.

    Returns:
        (training indices, validation indices), each ascending.

    Raises:
        ValueError: val_fraction out of range, or a class too small to be on both sides.
    """
    if not 0 < val_fraction < 1:
        raise ValueError(f"val_fraction is {val_fraction}: it must be between 0 and 1")

    sizes = [Path(path).stat().st_size for path, _ in dataset]
    files_of_size = Counter(sizes)
    copies: dict[object, list[int]] = defaultdict(list)
    for index, ((path, _), size) in enumerate(zip(dataset, sizes, strict=True)):
        # Only files of equal size can be twins: the others need not be read.
        key = sha256_of(Path(path)) if files_of_size[size] > 1 else size
        copies[key].append(index)
    groups_of_class: dict[int, list[list[int]]] = defaultdict(list)
    size_of_class: dict[int, int] = defaultdict(int)
    for group in copies.values():
        groups_of_class[dataset[group[0]][1]].append(group)
    for _, label in dataset:
        size_of_class[label] += 1

    rng = np.random.default_rng(seed)
    validation: set[int] = set()
    for label in sorted(groups_of_class):
        groups = groups_of_class[label]
        wanted = max(1, round(val_fraction * size_of_class[label]))
        taken: list[int] = []
        for position in rng.permutation(len(groups)):
            if len(taken) >= wanted:
                break
            taken += groups[position]
        if len(taken) >= size_of_class[label]:
            folder = Path(dataset[groups[0][0]][0]).parent
            raise ValueError(
                f"{folder} has {size_of_class[label]} images, too few for val_fraction "
                f"{val_fraction}: add images or use a smaller fraction"
            )
        validation.update(taken)
    training = [index for index in range(len(dataset)) if index not in validation]
    return training, sorted(validation)
