"""Drawn scenes as tensors, with what is drawn where: for segmentation and detection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from scene_recog.datasets.sketch15 import BOXED, CLASSES, draw_annotated_scene

_PARTS = ("train", "validation", "test")


class AnnotatedSketches(NamedTuple):
    """N drawn scenes.

    `images` float32 [N, 1, S, S] in [0, 1]; `labels` int64 [N, S, S], indices of sketch15.KINDS;
    `boxes`, for each image float32 [M, 4]: left, top, right, bottom in pixels; `kinds`, for each
    image int64 [M], indices of sketch15.BOXED.
    """

    images: torch.Tensor
    labels: torch.Tensor
    boxes: list[torch.Tensor]
    kinds: list[torch.Tensor]


def draw_sketches(
    count: int,
    side: int,
    *,
    part: str = "train",
    seed: int = 0,
    class_names: Sequence[str] = CLASSES,
) -> AnnotatedSketches:
    """Draw scenes with annotations, resized to squares. About 100 a second.

    Each depends only on (seed, part, number, class), so no two parts share a scene, and a larger
    count adds scenes and changes none.

    Args:
        count: how many, of each class in turn.
        side: S, pixels.
        part: "train", "validation" or "test".
        seed: other seeds draw other scenes.
        class_names: which of the fifteen scenes.

    Raises:
        ValueError: an unknown part or class, or a count or a side below 1.
    """
    if part not in _PARTS:
        raise ValueError(f"part is {part!r}: it must be one of {', '.join(_PARTS)}")
    if count < 1 or side < 1:
        raise ValueError(f"count is {count}, side is {side}: both must be at least 1")
    images = np.empty((count, 1, side, side), dtype=np.float32)
    labels = np.empty((count, side, side), dtype=np.int64)
    boxes, kinds = [], []
    for number in range(count):
        name = class_names[number % len(class_names)]
        key = [seed, _PARTS.index(part), number, CLASSES.index(name) if name in CLASSES else 0, 1]
        scene = draw_annotated_scene(name, np.random.default_rng(key))
        images[number] = np.asarray(scene.image.resize((side, side), Image.Resampling.BILINEAR))
        labels[number] = np.asarray(
            Image.fromarray(scene.labels).resize((side, side), Image.Resampling.NEAREST)
        )
        width, height = scene.image.size
        shrink = torch.tensor([side / width, side / height]).repeat(2)
        boxes.append(torch.tensor([box[1:] for box in scene.boxes]).reshape(-1, 4) * shrink)
        kinds.append(torch.tensor([BOXED.index(box.kind) for box in scene.boxes]).long())
    return AnnotatedSketches(torch.from_numpy(images / 255), torch.from_numpy(labels), boxes, kinds)
