"""Detection: a network for windows of 32x32 pixels, slid over whole images of any size."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.ops import batched_nms, clip_boxes_to_image, roi_align

WINDOW = 32  # side of the window, pixels
STRIDE = 4  # from one window to the next
OBJECT = 28  # the longer side of an object that fills the window
SCALES = tuple(1.2 * 0.8**k for k in range(9))  # of the image: what is large is seen in a small one


class Detector(nn.Module):
    """A classifier of windows without a linear layer, so that it also takes larger images.

    On one window of 32x32 it is an ordinary small network. On a larger image, each layer computes
    the maps of all windows at once, and neighbouring windows share nearly all of the work (LeCun et
    al. 1998, section VII; Sermanet et al. 2013). The two poolings put the windows 4 pixels apart.

    Args:
        kinds: how many kinds of objects there are; score 0 is that of the background.
            64,819 parameters at 2.

    Input [N, 1, H, W], sides multiples of 4 and at least 32, output raw scores (logits)
    [N, 1 + kinds, H / 4 - 7, W / 4 - 7], one position per window; [N, 1 + kinds, 1, 1] for single
    windows. `loss_criterion`: the mean cross-entropy.
    """

    def __init__(self, kinds: int) -> None:
        super().__init__()
        self.conv_layers = nn.Sequential(  # [N, 1, 32, 32]
            nn.Conv2d(1, 16, 5, bias=False),  # [N, 16, 28, 28]
            nn.BatchNorm2d(16),
            nn.MaxPool2d(2),  # [N, 16, 14, 14]
            nn.ReLU(),
            nn.Conv2d(16, 32, 5, bias=False),  # [N, 32, 10, 10]
            nn.BatchNorm2d(32),
            nn.MaxPool2d(2),  # [N, 32, 5, 5]
            nn.ReLU(),
            nn.Conv2d(32, 64, 5, bias=False),  # [N, 64, 1, 1]: a linear layer, for each window
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.Conv2d(64, 1 + kinds, 1),  # [N, 1 + kinds, 1, 1]
        )
        self.loss_criterion = nn.CrossEntropyLoss()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images [N, 1, H, W] -> logits of each window [N, 1 + kinds, H / 4 - 7, W / 4 - 7]."""
        scores: torch.Tensor = self.conv_layers(x)
        return scores

    def probabilities(self, x: torch.Tensor) -> torch.Tensor:
        """Images [N, 1, H, W] -> how probable each kind is, [N, kinds, H / 4 - 7, W / 4 - 7]."""
        probabilities: torch.Tensor = self(x).softmax(dim=1)
        return probabilities[:, 1:]


def longer_sides(boxes: torch.Tensor) -> torch.Tensor:
    """Of boxes [M, 4], in pixels: [M]."""
    return (boxes[:, 2:] - boxes[:, :2]).amax(dim=1)


def windows_around(boxes: torch.Tensor) -> torch.Tensor:
    """The square windows in which boxes [M, 4] have a longer side of OBJECT pixels: [M, 4]."""
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = longer_sides(boxes)[:, None] * WINDOW / OBJECT / 2
    return torch.cat([centers - half, centers + half], dim=1)


def cut_windows(images: torch.Tensor, numbers: torch.Tensor, windows: torch.Tensor) -> torch.Tensor:
    """Cut windows out of images, and resize them to WINDOW x WINDOW pixels.

    What is beyond the edge of an image repeats the edge.

    Args:
        images: [N, 1, H, W].
        numbers: the image of each window, [M].
        windows: left, top, right, bottom, [M, 4].

    Returns:
        [M, 1, WINDOW, WINDOW].
    """
    chosen, order = numbers.unique(return_inverse=True)
    height, width = images.shape[-2:]
    beyond = torch.cat([-windows, windows - torch.tensor([width, height]).repeat(2)])
    margin = max(1, math.ceil(float(beyond.max())) + 1) if len(windows) > 0 else 1
    padded = F.pad(images[chosen], (margin,) * 4, mode="replicate")
    rois = torch.cat([order[:, None].to(windows), windows + margin], dim=1)
    patches: torch.Tensor = roi_align(padded, rois, WINDOW, aligned=True)
    return patches


class Detections(NamedTuple):
    """What was found in an image, the most certain first.

    `boxes` [K, 4] are left, top, right, bottom in pixels; `kinds` [K] count from 0; `scores` [K].
    """

    boxes: torch.Tensor
    kinds: torch.Tensor
    scores: torch.Tensor


@torch.no_grad()
def detect(
    score: Callable[[torch.Tensor], torch.Tensor],
    image: torch.Tensor,
    sides: torch.Tensor,
    *,
    least: float = 0.05,
    overlap: float = 0.3,
    scales: Sequence[float] = SCALES,
) -> Detections:
    """Slide the window over an image at several scales.

    At each scale, a window that scores more than `least` becomes a box. Of boxes of one kind whose
    intersection over union is larger than `overlap`, only the best is kept (non-maximum
    suppression).

    Args:
        score: images [1, 1, H, W] -> the score of each window [1, kinds, H / 4 - 7, W / 4 - 7],
            such as `Detector.probabilities`.
        image: [1, H, W].
        sides: width and height of a box of each kind, within the window, [kinds, 2].
        least: the lowest score that counts.
        overlap: from 0 to 1.
        scales: of the image.
    """
    boxes, kinds, scores = [], [], []
    for scale in scales:
        height, width = (round(side * scale / STRIDE) * STRIDE for side in image.shape[-2:])
        resized = F.interpolate(image[None], (height, width), mode="bilinear", antialias=True)
        margin = WINDOW // 2  # objects at the edge of the image get a window, too
        maps = score(F.pad(resized, (margin,) * 4, mode="replicate"))[0]
        kind, row, column = (maps > least).nonzero(as_tuple=True)
        centers = torch.stack([column, row], dim=1) * STRIDE
        found = torch.cat([centers - sides[kind] / 2, centers + sides[kind] / 2], dim=1)
        enlarge = torch.tensor([image.shape[-1] / width, image.shape[-2] / height]).repeat(2)
        boxes.append(clip_boxes_to_image(found * enlarge, (image.shape[-2], image.shape[-1])))
        kinds.append(kind)
        scores.append(maps[kind, row, column])
    box, kind, score_of_box = torch.cat(boxes), torch.cat(kinds), torch.cat(scores)
    kept = batched_nms(box, score_of_box, kind, overlap)
    return Detections(box[kept], kind[kept], score_of_box[kept])
