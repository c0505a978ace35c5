"""Descriptors designed by hand, on a dense grid: what `fisher_vectors.py` makes visual words of."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn


def slopes(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """How much images [N, 1, H, W] change per pixel: (to the right, downwards), each as the images.

    Central differences; the edge is repeated.
    """
    x = F.pad(x, (1, 1, 1, 1), mode="replicate")
    return (x[..., 1:-1, 2:] - x[..., 1:-1, :-2]) / 2, (x[..., 2:, 1:-1] - x[..., :-2, 1:-1]) / 2


def curvatures(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Second differences of images [N, 1, H, W]: (along rows, along columns, mixed).

    The edge is repeated.
    """
    p = F.pad(x, (1, 1, 1, 1), mode="replicate")
    mixed = p[..., 2:, 2:] + p[..., :-2, :-2] - p[..., 2:, :-2] - p[..., :-2, 2:]
    return (
        p[..., 1:-1, 2:] - 2 * x + p[..., 1:-1, :-2],
        p[..., 2:, 1:-1] - 2 * x + p[..., :-2, 1:-1],
        mixed / 4,
    )


def by_direction(to_right: torch.Tensor, downwards: torch.Tensor) -> torch.Tensor:
    """Arrows at each pixel, two [N, 1, H, W] -> their lengths, by direction [N, 8, H, W].

    Each arrow counts for the nearest two of the eight directions.
    """
    length = torch.hypot(to_right, downwards)
    direction = torch.atan2(downwards, to_right) / (math.pi / 4)  # from -4 to 4
    below = direction.floor()
    of_next = (direction - below) * length
    below = below.long()
    maps = length.new_zeros(len(length), 8, *length.shape[2:])
    maps.scatter_add_(1, below % 8, length - of_next)
    maps.scatter_add_(1, (below + 1) % 8, of_next)
    return maps


class DenseDescriptor(nn.Module):
    """Eight maps of an image, summed over 4x4 cells around each point of a grid.

    Cells are `cell` pixels apart, as are the points. Each pixel counts for the nearest four cells.
    Contrast has no effect, because each descriptor is divided by its norm. The square root at the
    end keeps strong edges from dominating (Arandjelovic and Zisserman 2012). Nothing is learned.

    Args:
        cell: in pixels. A descriptor covers about five cells each way.
    """

    window: torch.Tensor

    def __init__(self, cell: int = 6) -> None:
        super().__init__()
        self.cell = cell
        window = 1 - torch.arange(1.0 - cell, cell).abs() / cell
        self.register_buffer("window", window.view(1, 1, 1, -1), persistent=False)

    def maps(self, x: torch.Tensor) -> torch.Tensor:
        """Images [N, 1, H, W], from 0 to 1 -> [N, 8, H, W], 0 or larger."""
        raise NotImplementedError

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images [N, 1, H, W], from 0 to 1 -> [N, rows, columns, 128], each of norm 1."""
        maps = self.maps(x).flatten(0, 1)[:, None]
        cells = F.conv2d(maps, self.window, stride=(1, self.cell))
        cells = F.conv2d(cells, self.window.mT, stride=(self.cell, 1))
        cells = cells.unflatten(0, (len(x), 8))[:, :, 0]
        rows, columns = cells.shape[2] - 3, cells.shape[3] - 3
        x = F.unfold(cells, 4).mT  # [N, rows * columns, 128]
        x = x / (x.norm(dim=2, keepdim=True) + 4e-3)
        x = x.clamp(max=0.2)  # limits the effect of a single edge
        x = x / (x.sum(dim=2, keepdim=True) + 1e-6)
        return x.sqrt().reshape(len(x), rows, columns, 128)


class DenseSift(DenseDescriptor):
    """SIFT (Lowe 2004, section 6): how steeply the image gets brighter, in eight directions.

    Brightness has no effect, because these are differences. Lowe's Gaussian window and rotation to
    the main direction are left out, because scenes are upright.
    """

    def maps(self, x: torch.Tensor) -> torch.Tensor:
        """As `DenseDescriptor.maps`."""
        return by_direction(*slopes(x))


class DenseCurvature(DenseDescriptor):
    """How much more the image is curved along one direction than across it: thin lines and bars.

    The eigenvectors of the second derivatives give the direction, the difference of the eigenvalues
    the strength. Directions are those of twice the angle, because a line has no beginning: a dark
    upright line counts as 0, a bright one as 4, which a dark lying line does too.
    """

    def maps(self, x: torch.Tensor) -> torch.Tensor:
        """As `DenseDescriptor.maps`."""
        smooth = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
        along_rows, along_columns, mixed = curvatures(smooth)
        return by_direction((along_rows - along_columns) / 2, mixed)


class DenseCensus(DenseDescriptor):
    """How clearly each of eight neighbours, two pixels away, is brighter than a pixel: from 0 to 1.

    It is the census transform (Zabih and Woodfill 1994), or a local binary pattern (Ojala et al.
    2002), with grey values instead of bits. Differences are relative to their mean size at the
    pixel, so a shadow's texture counts as much as that of a sunlit wall.
    """

    def maps(self, x: torch.Tensor) -> torch.Tensor:
        """As `DenseDescriptor.maps`."""
        height, width = x.shape[2:]
        p = F.pad(x, (2, 2, 2, 2), mode="replicate")
        ring = [(0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1)]
        neighbours = [
            p[..., 2 + 2 * down : 2 + 2 * down + height, 2 + 2 * right : 2 + 2 * right + width]
            for down, right in ring
        ]
        differences = torch.cat(neighbours, dim=1) - x
        typical = differences.abs().mean(dim=1, keepdim=True)
        return (differences / (typical + 0.01)).clamp(0, 1)
