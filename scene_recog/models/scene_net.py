"""SceneNet, the next step after SimpleNetFinal: residual blocks, and any width."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class BasicBlock(nn.Module):
    """Two convolutions and a shortcut around them: relu(shortcut(x) + f(x)), from He et al. 2016.

    f only has to learn the change to x, and the sum passes gradients down undiminished. The last
    batch norm of f starts with scale zero, so that at first every block passes x through (Goyal et
    al. 2017, section 5.1).

    The shortcut is x itself where shapes agree. Elsewhere it is a projection: the mean of each 2x2
    pixels where the block halves the sides, then a 1x1 convolution to the new number of maps (He
    et al. 2019, figure 2c; a strided 1x1 convolution would look at one pixel in four).

    Args:
        maps_in, maps_out: number of input and output maps.
        stride: 1, or 2 to halve the sides.
    """

    def __init__(self, maps_in: int, maps_out: int, stride: int) -> None:
        super().__init__()
        self.conv_layers = nn.Sequential(  # [N, maps_in, H, W]
            nn.Conv2d(maps_in, maps_out, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(maps_out),
            nn.ReLU(),  # [N, maps_out, H / stride, W / stride]
            nn.Conv2d(maps_out, maps_out, 3, padding=1, bias=False),
            last_norm := nn.BatchNorm2d(maps_out),
        )
        nn.init.zeros_(last_norm.weight)
        self.shortcut = _shortcut(maps_in, maps_out, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, maps_in, H, W] -> [N, maps_out, H / stride, W / stride], rounded up."""
        return F.relu(self.shortcut(x) + self.conv_layers(x))


class SceneNet(nn.Module):
    """A small residual net: nine convolutions in sequence, with shortcuts around pairs.

    A stem halves the sides, four blocks of w, 2w, 4w and 8w maps halve them three more times, and
    the mean of each map goes into one linear layer. So it takes images of any size from 16x16
    pixels, and the size at test may differ from that in training (Touvron et al. 2019).

    Args:
        width: maps of the first stage, w. 78,311 parameters at 8, 693,399 at 24.

    Input [N, 1, H, W], output raw scores (logits) [N, 15].

    Raises:
        ValueError: width is not from 1 to 256.
    """

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        _check_width(width)
        self.arguments = {"width": width}
        w = width
        self.conv_layers = nn.Sequential(  # sides for images of 96x96: [N, 1, 96, 96]
            nn.Conv2d(1, w, kernel_size=5, stride=2, padding=2, bias=False),  # [N, w, 48, 48]
            nn.BatchNorm2d(w),
            nn.ReLU(),
            BasicBlock(w, w, stride=1),  # [N, w, 48, 48]
            BasicBlock(w, 2 * w, stride=2),  # [N, 2w, 24, 24]
            BasicBlock(2 * w, 4 * w, stride=2),  # [N, 4w, 12, 12]
            BasicBlock(4 * w, 8 * w, stride=2),  # [N, 8w, 6, 6]
            nn.AdaptiveAvgPool2d(1),  # [N, 8w, 1, 1]
        )
        self.fc_layers = nn.Sequential(nn.Flatten(), nn.Linear(8 * w, 15))
        self.loss_criterion = nn.CrossEntropyLoss(reduction="mean")
        # Channels last in memory: faster convolutions, the same results.
        self.to(memory_format=torch.channels_last)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images float32 [N, 1, H, W] -> logits [N, 15]."""
        maps = self.conv_layers(x)
        logits: torch.Tensor = self.fc_layers(maps)
        return logits


class SpatialPyramid(nn.Module):
    """The mean of each map over the whole image and over each of its quarters.

    Sky is at the top and sand at the bottom; a mean over all positions loses that. The idea is from
    Lazebnik et al. 2006 (who collected the 15 scenes for it); He et al. 2014 brought it to
    convolutional networks.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, maps, H, W] -> [N, 5 maps, 1, 1]."""
        quarters = F.adaptive_avg_pool2d(x, 2).flatten(1)  # [N, 4 maps]
        return torch.cat([x.mean((2, 3)), quarters], dim=1)[:, :, None, None]


class ScenePyramidNet(SceneNet):
    """SceneNet with a spatial pyramid: its linear layer also sees each quarter of the image.

    Args:
        width: maps of the first stage, w. 1,245,551 parameters at 32.

    Input [N, 1, H, W], output raw scores (logits) [N, 15].

    Raises:
        ValueError: width is not from 1 to 256.
    """

    def __init__(self, width: int = 24) -> None:
        super().__init__(width)
        self.conv_layers[-1] = SpatialPyramid()  # [N, 40w, 1, 1]
        self.fc_layers[-1] = nn.Linear(40 * width, 15)


class SeparableBlock(nn.Module):
    """A residual block of cheap convolutions: 1x1, 3x3 on each map by itself, 1x1.

    A 3x3 convolution from n to m maps has 9nm weights. Split into a 1x1 convolution that mixes maps
    (nm) and 3x3 filters on single maps (9m), it has about a ninth (Howard et al. 2017).

    Args:
        maps_in, maps_out: number of input and output maps; maps_out is from maps_in to 2 maps_in.
        stride: 1, or 2 to halve the sides.
    """

    def __init__(self, maps_in: int, maps_out: int, stride: int) -> None:
        super().__init__()
        self.conv_layers = nn.Sequential(  # [N, maps_in, H, W]
            nn.Conv2d(maps_in, maps_out, 1, bias=False),
            nn.BatchNorm2d(maps_out),
            nn.ReLU(),  # [N, maps_out, H, W]
            nn.Conv2d(maps_out, maps_out, 3, stride=stride, padding=1, groups=maps_out, bias=False),
            nn.BatchNorm2d(maps_out),
            nn.ReLU(),  # [N, maps_out, H / stride, W / stride]
            nn.Conv2d(maps_out, maps_out, 1, bias=False),
            nn.BatchNorm2d(maps_out),
        )
        self.shortcut = PoolingShortcut(maps_in, maps_out, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, maps_in, H, W] -> [N, maps_out, H / stride, W / stride], rounded up."""
        return F.relu(self.shortcut(x) + self.conv_layers(x))


class PoolingShortcut(nn.Module):
    """A shortcut without weights: the mean of each 2x2 pixels; in further maps, their maximum.

    A projection (see `BasicBlock`) would have half of the weights of a `SeparableBlock`.

    Args:
        maps_in, maps_out, stride: as for `SeparableBlock`. With stride 1, maps are only repeated.

    Raises:
        ValueError: maps_out is not from maps_in to 2 maps_in.
    """

    def __init__(self, maps_in: int, maps_out: int, stride: int) -> None:
        super().__init__()
        if not maps_in <= maps_out <= 2 * maps_in:
            raise ValueError(
                f"a shortcut from {maps_in} to {maps_out} maps: {maps_in} to {2 * maps_in} can be "
                "made without weights"
            )
        self.further_maps = maps_out - maps_in
        self.mean = nn.AvgPool2d(2, ceil_mode=True) if stride == 2 else nn.Identity()
        self.maximum = nn.MaxPool2d(2, ceil_mode=True) if stride == 2 else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, maps_in, H, W] -> [N, maps_out, H / stride, W / stride], rounded up."""
        means: torch.Tensor = self.mean(x)
        if self.further_maps == 0:
            return means
        return torch.cat([means, self.maximum(x[:, : self.further_maps])], dim=1)


class TinySceneNet(nn.Module):
    """SceneNet with more but separable blocks, of 2w, 3w and 4w maps: 5,994 parameters at width 6.

    Args:
        width: maps of the stem, w.

    Input [N, 1, H, W], output raw scores (logits) [N, 15].

    Raises:
        ValueError: width is not from 1 to 256.
    """

    def __init__(self, width: int = 6) -> None:
        super().__init__()
        _check_width(width)
        self.arguments = {"width": width}
        w = width
        self.conv_layers = nn.Sequential(  # sides for images of 96x96: [N, 1, 96, 96]
            nn.Conv2d(1, w, kernel_size=5, stride=2, padding=2, bias=False),  # [N, w, 48, 48]
            nn.BatchNorm2d(w),
            nn.ReLU(),
            SeparableBlock(w, 2 * w, stride=2),  # [N, 2w, 24, 24]
            SeparableBlock(2 * w, 2 * w, stride=1),
            SeparableBlock(2 * w, 3 * w, stride=2),  # [N, 3w, 12, 12]
            SeparableBlock(3 * w, 3 * w, stride=1),
            SeparableBlock(3 * w, 4 * w, stride=2),  # [N, 4w, 6, 6]
            SeparableBlock(4 * w, 4 * w, stride=1),
            nn.AdaptiveAvgPool2d(1),  # [N, 4w, 1, 1]
        )
        self.fc_layers = nn.Sequential(nn.Flatten(), nn.Linear(4 * w, 15, bias=False))
        self.loss_criterion = nn.CrossEntropyLoss(reduction="mean")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images float32 [N, 1, H, W] -> logits [N, 15]."""
        maps = self.conv_layers(x)
        logits: torch.Tensor = self.fc_layers(maps)
        return logits


def _shortcut(maps_in: int, maps_out: int, stride: int) -> nn.Module:
    if stride == 1 and maps_in == maps_out:
        return nn.Identity()
    layers: list[nn.Module] = [nn.AvgPool2d(2, ceil_mode=True)] if stride == 2 else []
    projection = nn.Conv2d(maps_in, maps_out, 1, bias=False)
    return nn.Sequential(*layers, projection, nn.BatchNorm2d(maps_out))


def _check_width(width: int) -> None:
    if not 1 <= width <= 256:
        raise ValueError(f"width is {width}: it must be from 1 to 256")
