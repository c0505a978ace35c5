"""RandomRotation and RandomAffine: each new pixel is fetched from where the inverse map points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F

from scene_recog.loading.batch_transforms.sampling import fill_of, interpolation_of, uniform
from scene_recog.loading.batch_transforms.steps import (
    Apply,
    Stage,
    Step,
    UnsupportedTransform,
    batched,
)


@batched("RandomRotation")
def _random_rotation(transform: Any, stage: Stage) -> tuple[Step, Stage]:
    if transform.expand:
        raise UnsupportedTransform("RandomRotation", "expand=True gives images of different sizes")
    low, high = transform.degrees
    clockwise = -high, -low  # it turns the other way than RandomAffine
    draw_motion = uniform(clockwise, (0, 0), (0, 0), (1, 1), (0, 0), (0, 0))

    def draw(n: int) -> torch.Tensor:
        return _inverse_affine(draw_motion(n).t(), transform.center, stage)

    return Step(_warp(transform, stage), draw, 6), stage


@batched("RandomAffine")
def _random_affine(transform: Any, stage: Stage) -> tuple[Step, Stage]:
    share_x, share_y = transform.translate or (0, 0)
    reach_x, reach_y = share_x * stage.width, share_y * stage.height
    shear = [*(transform.shear or (0, 0)), 0, 0]  # bounds along x, and perhaps along y

    draw_motion = uniform(
        transform.degrees,
        (-reach_x, reach_x),
        (-reach_y, reach_y),
        transform.scale or (1, 1),
        shear[:2],
        shear[2:4],
    )

    def draw(n: int) -> torch.Tensor:
        motion = draw_motion(n).t()
        motion[1:3].round_()  # shifts are whole pixels
        return _inverse_affine(motion, transform.center, stage)

    return Step(_warp(transform, stage), draw, 6), stage


def _inverse_affine(
    motion: torch.Tensor, center: Sequence[float] | None, stage: Stage
) -> torch.Tensor:
    """Where each new pixel is fetched from: [n, 6], a 2x3 matrix from new to old coordinates.

    The forward map is shear, rotation and scale about `center`, then shift. New coordinates are
    pixels from the image's centre; old ones run from -1 to 1, edge to edge.

    Args:
        motion: [6, n], angle (degrees, clockwise), shift along x and y, scale, shear along x and y.
    """
    height, width = stage.height, stage.width
    x0, y0 = (center[0] - width / 2, center[1] - height / 2) if center else (0.0, 0.0)
    turn, shear_x, shear_y = motion[[0, 4, 5]].deg2rad()
    cos, sin = (turn - shear_y).cos() / shear_y.cos(), (turn - shear_y).sin() / shear_y.cos()
    # [[a, b], [c, d]] is the forward map without scale; its determinant is 1
    a, b = cos, -cos * shear_x.tan() - turn.sin()
    c, d = sin, -sin * shear_x.tan() + turn.cos()
    x, y, scale = -x0 - motion[1], -y0 - motion[2], motion[3]
    to_x = torch.stack([d / scale, -b / scale, (d * x - b * y) / scale + x0], dim=1)
    to_y = torch.stack([-c / scale, a / scale, (a * y - c * x) / scale + y0], dim=1)
    return torch.cat([to_x * (2 / width), to_y * (2 / height)], dim=1)


def _warp(transform: Any, stage: Stage) -> Apply:
    """images, matrices [N, 6] from `_inverse_affine` -> images, filled where there is no source."""
    mode, fill, is_pil = interpolation_of(transform), fill_of(transform), stage.kind == "pil"
    if mode not in ("nearest", "bilinear"):
        raise UnsupportedTransform(type(transform).__name__, f"{mode} is not batched")

    def warp(x: torch.Tensor, matrices: torch.Tensor) -> torch.Tensor:
        x = x.float()
        a, b, c, d, e, f = matrices.t().reshape(6, -1, 1, 1)
        across = torch.arange(stage.width, device=x.device) - (stage.width - 1) / 2
        down = (torch.arange(stage.height, device=x.device) - (stage.height - 1) / 2)[:, None]
        grid = torch.empty(len(x), stage.height, stage.width, 2, device=x.device)
        # written in place: torch.stack on a last axis of two is ten times as slow
        torch.add(a * across, b * down + c, out=grid[..., 0])
        torch.add(d * across, e * down + f, out=grid[..., 1])
        if is_pil and mode == "nearest":  # between two pixels, PIL takes the right and lower one
            grid += 1e-4 / max(stage.height, stage.width)
        if is_pil or mode == "nearest":
            out = F.grid_sample(x, grid, mode, "border", align_corners=False)
            is_off = grid.add_(1e-6).abs_() >= 1  # from -1 to below 1 is inside
            outside = is_off[..., 0] | is_off[..., 1]
            out.masked_fill_(outside.unsqueeze(1), fill or 0)
            if is_pil:
                return out.add_(1e-3).floor_()  # PIL truncates; 1e-3 is for 99.9999
        else:  # torchvision blends in the fill where part of a pixel's source is outside
            with_share = torch.cat([x, torch.ones_like(x[:, :1])], dim=1)
            out = F.grid_sample(with_share, grid, mode, "zeros", align_corners=False)
            out, share = out[:, :-1], out[:, -1:]
            if fill is not None:
                out = (out - fill).mul_(share).add_(fill)
        return out.round_() if stage.is_whole else out

    return warp
