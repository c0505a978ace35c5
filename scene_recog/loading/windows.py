"""Windows of drawn scenes, with an object or without, to train a detector."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import torch
from torchvision.ops import box_iou

from scene_recog.loading.annotated_sketches import AnnotatedSketches
from scene_recog.models.detector import (
    OBJECT,
    WINDOW,
    Detector,
    cut_windows,
    detect,
    longer_sides,
    windows_around,
)

SMALLEST = 24  # longer side in pixels of the smallest objects to detect, in images of 192x192


class Windows(NamedTuple):
    """P windows of some scenes.

    `numbers` int64 [P] are those of the scenes; `corners` [P, 4] are left, top, right, bottom in
    pixels; `labels` int64 [P] are 0 for the background, else 1 + the kind of the object.
    """

    numbers: torch.Tensor
    corners: torch.Tensor
    labels: torch.Tensor

    def some(self, count: int) -> Windows:
        """A random choice, with repetitions."""
        chosen = torch.randint(len(self.numbers), (count,))
        return Windows(*(values[chosen] for values in self))

    def and_also(self, others: Windows) -> Windows:
        """These and others."""
        return _joined([self, others])

    def jittered(self) -> Windows:
        """Moved by up to two of their 32 pixels, and up to 12 % larger or smaller."""
        sides = self.corners[:, 2:] - self.corners[:, :2]
        centers = (self.corners[:, 2:] + self.corners[:, :2]) / 2
        centers = centers + sides * torch.empty_like(centers).uniform_(-2 / WINDOW, 2 / WINDOW)
        sides = sides * torch.empty(len(sides), 1).uniform_(-0.12, 0.12).exp()
        corners = torch.cat([centers - sides / 2, centers + sides / 2], dim=1)
        return self._replace(corners=corners)

    def cut_from(self, images: torch.Tensor) -> torch.Tensor:
        """What the windows show of the scenes' images [N, 1, S, S]: [P, 1, 32, 32]."""
        return cut_windows(images, self.numbers, self.corners)


def object_windows(scenes: AnnotatedSketches) -> Windows:
    """A window around each object that is not too small."""
    counts = torch.tensor([len(boxes) for boxes in scenes.boxes])
    numbers = torch.arange(len(scenes.boxes)).repeat_interleave(counts)
    boxes, kinds = torch.cat(scenes.boxes), torch.cat(scenes.kinds)
    large = longer_sides(boxes) >= SMALLEST
    return Windows(numbers[large], windows_around(boxes[large]), 1 + kinds[large])


def background_windows(scenes: AnnotatedSketches, per_scene: int = 10) -> Windows:
    """Windows anywhere, of any size, that do not cover an object: up to so many of each scene."""
    side, found = scenes.images.shape[-1], []
    for number, boxes in enumerate(scenes.boxes):
        sizes = torch.empty(per_scene, 1).uniform_(math.log(SMALLEST), math.log(side * 0.8)).exp()
        corners = torch.rand(per_scene, 2) * (side - sizes)
        windows = torch.cat([corners, corners + sizes], dim=1)
        windows = windows[(box_iou(windows, windows_around(boxes)) < 0.3).all(dim=1)]
        found.append(_background(number, windows))
    return _joined(found)


def false_alarms(
    net: Detector, scenes: AnnotatedSketches, numbers: Iterable[int], sides: torch.Tensor
) -> Windows:
    """Windows of these scenes in which a detector sees an object that is not there.

    As background, they teach it most: random windows are mostly easy (Dalal and Triggs 2005).

    Args:
        net: the detector, in eval mode.
        scenes: that it is trained on.
        numbers: which of them.
        sides: as from `mean_sides`.
    """
    found = []
    for number in numbers:
        boxes = detect(net.probabilities, scenes.images[number], sides, least=0.3).boxes
        boxes = boxes[(box_iou(boxes, scenes.boxes[number]) < 0.2).all(dim=1)]
        found.append(_background(number, windows_around(boxes)))
    return _joined(found)


def _background(number: int, corners: torch.Tensor) -> Windows:
    numbers = torch.full((len(corners),), number)
    return Windows(numbers, corners, torch.zeros(len(corners), dtype=torch.long))


def _joined(parts: Iterable[Windows]) -> Windows:
    return Windows(*(torch.cat(values) for values in zip(*parts, strict=True)))


def mean_sides(scenes: AnnotatedSketches, kinds: int) -> torch.Tensor:
    """Mean width and height of each kind of object, if its longer side is OBJECT: [kinds, 2]."""
    boxes, kind = torch.cat(scenes.boxes), torch.cat(scenes.kinds)
    sides = (boxes[:, 2:] - boxes[:, :2]) * OBJECT / longer_sides(boxes)[:, None]
    large = longer_sides(boxes) >= SMALLEST
    return torch.stack([sides[large & (kind == each)].mean(dim=0) for each in range(kinds)])
