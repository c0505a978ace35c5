"""SceneNet: a small residual network, for what comes after SimpleNetFinal."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class BasicBlock(nn.Module):
    """Two 3x3 convolutions, and a shortcut around them (He et al. 2016, figure 2).

    The block learns what to add to its input instead of a whole new output. A block that adds
    nothing is harmless, so depth stops being brittle, and the gradient has a straight way back.
    The last batch norm starts with a scale of 0: at first every block does add nothing (Goyal et
    al. 2017, section 5.1).

    Where the stride is 2 or the number of maps changes, the shortcut is a projection: average over
    2x2, then a 1x1 convolution (He et al. 2019, figure 2c).

    Input [N, in_maps, H, W], output [N, out_maps, H / stride, W / stride], rounded up.
    """

    def __init__(self, in_maps: int, out_maps: int, stride: int = 1) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(in_maps, out_maps, kernel_size=3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(out_maps),
            nn.ReLU(),
            nn.Conv2d(out_maps, out_maps, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(out_maps),
        )
        nn.init.zeros_(self.residual[-1].weight)  # type: ignore[arg-type]
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_maps != out_maps:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(stride, ceil_mode=True),
                nn.Conv2d(in_maps, out_maps, kernel_size=1, bias=False),
                nn.BatchNorm2d(out_maps),
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, in_maps, H, W] -> [N, out_maps, H / stride, W / stride]."""
        return F.relu(self.residual(x) + self.shortcut(x))


class SeparableBlock(nn.Module):
    """The same with few weights: mix the maps, filter each one, mix again.

    A 3x3 convolution from n to n maps has 9 n^2 weights. A 1x1 convolution mixes the maps with n^2,
    a depthwise one filters each map on its own with 9 n (Howard et al. 2017; as a residual block,
    Sandler et al. 2018).

    Input and output as `BasicBlock`.
    """

    def __init__(self, in_maps: int, out_maps: int, stride: int = 1) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(in_maps, out_maps, kernel_size=1, bias=False),
            nn.BatchNorm2d(out_maps),
            nn.ReLU(),
            nn.Conv2d(
                out_maps, out_maps, kernel_size=3, stride=stride, padding=1, groups=out_maps,
                bias=False,
            ),
            nn.BatchNorm2d(out_maps),
            nn.ReLU(),
            nn.Conv2d(out_maps, out_maps, kernel_size=1, bias=False),
            nn.BatchNorm2d(out_maps),
        )  # fmt: skip
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_maps != out_maps:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(stride, ceil_mode=True),
                nn.Conv2d(in_maps, out_maps, kernel_size=1, bias=False),
                nn.BatchNorm2d(out_maps),
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, in_maps, H, W] -> [N, out_maps, H / stride, W / stride]."""
        return F.relu(self.residual(x) + self.shortcut(x))


class SceneNet(nn.Module):
    """A stem and four residual blocks; the average of each map says what the image has.

    Nothing depends on the size of the image, so that it may be larger at test time than in
    training, where crops make things look larger (Touvron et al. 2019). Input [N, 1, H, W] (shapes
    below for 96x96), output raw scores (logits) [N, 15]. 693,399 parameters with a width of 24.

    Args:
        width: maps of the stem and of the first block; the others have 2, 4 and 8 times as many.
        separable: `SeparableBlock` instead of `BasicBlock`, and 2, 3 and 4 times as many maps.
    """

    def __init__(self, width: int = 24, separable: bool = False) -> None:
        super().__init__()
        self.arguments = {"width": width, "separable": separable}  # to make it again
        block = SeparableBlock if separable else BasicBlock
        maps = [width * times for times in ((1, 2, 3, 4) if separable else (1, 2, 4, 8))]
        self.conv_layers = nn.Sequential(  # [N, 1, 96, 96]
            nn.Conv2d(1, width, kernel_size=5, stride=2, padding=2, bias=False),  # [N, w, 48, 48]
            nn.BatchNorm2d(width),
            nn.ReLU(),
            block(width, maps[0]),  # [N, w, 48, 48]
            block(maps[0], maps[1], stride=2),  # [N, 2 w, 24, 24]
            block(maps[1], maps[2], stride=2),  # [N, 4 w, 12, 12]
            block(maps[2], maps[3], stride=2),  # [N, 8 w, 6, 6]
            nn.AdaptiveAvgPool2d(1),  # [N, 8 w, 1, 1]
        )
        self.fc_layers = nn.Sequential(nn.Flatten(), nn.Linear(maps[3], 15))
        self.loss_criterion = nn.CrossEntropyLoss(reduction="mean")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Images float32 [N, 1, H, W] -> logits [N, 15]."""
        return self.fc_layers(self.conv_layers(x))
