"""Measures of quality beyond accuracy: of denoising, retrieval, segmentation and detection."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torchvision.ops import box_iou


def psnr(images: torch.Tensor, originals: torch.Tensor) -> float:
    """Peak signal-to-noise ratio in decibels, the mean over images.

    -10 log10(mean squared error), as white is 1. Ten decibels more are a tenth of the error.

    Args:
        images, originals: [N, 1, H, W] in [0, 1].
    """
    errors = (images - originals).square().flatten(1).mean(dim=1)
    return float((-10 * errors.log10()).mean())


def precision_at(k: int, points: torch.Tensor, labels: torch.Tensor) -> float:
    """Precision at k: of the k nearest neighbours of a point, how many are of its class?

    Each point is the query once; the others are what is searched. The mean over all queries, from 0
    to 1. Distances are Euclidean.

    Args:
        k: how many neighbours.
        points: [N, D].
        labels: [N].
    """
    neighbours = nearest(k, points)
    return float((labels[neighbours] == labels[:, None]).double().mean())


def nearest(k: int, points: torch.Tensor) -> torch.Tensor:
    """The indices of the k nearest other points of each point [N, D], nearest first: [N, k].

    Raises:
        ValueError: there are not k other points.
    """
    if len(points) <= k:
        raise ValueError(f"{len(points)} points have no {k} neighbours each")
    points = points.flatten(1)
    distances = torch.cdist(points, points)
    distances.fill_diagonal_(torch.inf)
    return distances.topk(k, largest=False).indices


def intersections_over_unions(
    predictions: torch.Tensor, labels: torch.Tensor, kinds: int
) -> torch.Tensor:
    """For each kind: pixels labelled so rightly / pixels that are so or are labelled so.

    Args:
        predictions, labels: integers below `kinds`, of any one shape.
        kinds: how many labels there are.

    Returns:
        float [kinds] in [0, 1]; NaN for a kind that occurs in neither.
    """
    pairs = labels.flatten().long() * kinds + predictions.flatten().long()
    counts = torch.bincount(pairs, minlength=kinds * kinds).view(kinds, kinds).double()
    both = counts.diagonal()
    return both / (counts.sum(dim=0) + counts.sum(dim=1) - both)


def mean_iou(predictions: torch.Tensor, labels: torch.Tensor, kinds: int) -> float:
    """The mean of `intersections_over_unions` over the kinds that occur (Long et al. 2015)."""
    return float(intersections_over_unions(predictions, labels, kinds).nanmean())


def average_precision(
    boxes: Sequence[torch.Tensor],
    scores: Sequence[torch.Tensor],
    truths: Sequence[torch.Tensor],
    ignored: Sequence[torch.Tensor] | None = None,
    *,
    overlap: float = 0.5,
) -> float:
    """Area below the curve of precision over recall (Everingham et al. 2010), for one kind.

    Boxes are taken from all images, the most certain first. A box is right if its intersection over
    union with an object that no box has found yet is at least `overlap`; each object is found once.
    As in the PASCAL challenge, precision is the highest at this recall or a larger one.

    Args:
        boxes: for each image, the boxes found [K, 4]: left, top, right, bottom.
        scores: for each image, how certain each is [K].
        truths: for each image, the boxes of the objects [M, 4].
        ignored: for each image, bool [M]: objects too small or too hidden to ask for. They need not
            be found, and a box that finds one counts neither as right nor as wrong.
        overlap: from 0 to 1.

    Returns:
        From 0 to 1; NaN if there is no object to find.
    """
    if ignored is None:
        ignored = [torch.zeros(len(truth), dtype=torch.bool) for truth in truths]
    verdicts = [
        (float(score), right)
        for found, certain, truth, left_out in zip(boxes, scores, truths, ignored, strict=True)
        for score, right in _verdicts(found, certain, truth, left_out, overlap)
    ]
    total = sum(int((~left_out).sum()) for left_out in ignored)
    if total == 0:
        return float("nan")
    verdicts.sort(key=lambda verdict: -verdict[0])
    right = torch.tensor([float(right) for _, right in verdicts]).cumsum(dim=0)
    precision = right / torch.arange(1, len(right) + 1)
    best = precision.flip(0).cummax(dim=0).values.flip(0)
    steps = torch.diff(right, prepend=torch.zeros(1)) / total  # recall goes up at each right box
    return float((best * steps).sum())


def _verdicts(
    boxes: torch.Tensor,
    scores: torch.Tensor,
    truths: torch.Tensor,
    ignored: torch.Tensor,
    overlap: float,
) -> list[tuple[float, bool]]:
    """The score of each box of one image, and whether it is right; without what is ignored."""
    overlaps = box_iou(boxes, truths)
    found = torch.zeros(len(truths), dtype=torch.bool)
    verdicts = []
    for index in scores.argsort(descending=True, stable=True).tolist():
        free = overlaps[index].masked_fill(found, 0)
        best = int(free.argmax()) if len(truths) > 0 else -1
        right = best >= 0 and float(free[best]) >= overlap
        if right and ignored[best]:
            continue
        if right:
            found[best] = True
        verdicts.append((float(scores[index]), right))
    return verdicts
