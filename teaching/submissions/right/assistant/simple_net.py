"""SimpleNet: a compact convolutional neural network for scene classification.

The network consists of two components:

* a *feature extractor* (``conv_layers``) with two convolutional blocks, and
* a *classifier* (``fc_layers``) with one hidden layer.

Architecture overview
---------------------
======================  ====================
Layer                   Output shape
======================  ====================
Input                   ``(N, 1, 64, 64)``
Conv2d(5x5, 10 maps)    ``(N, 10, 60, 60)``
MaxPool2d(3) + ReLU     ``(N, 10, 20, 20)``
Conv2d(5x5, 20 maps)    ``(N, 20, 16, 16)``
MaxPool2d(3) + ReLU     ``(N, 20, 5, 5)``
Flatten                 ``(N, 500)``
Linear + ReLU           ``(N, 100)``
Linear                  ``(N, 15)``
======================  ====================
"""

import logging
from dataclasses import dataclass
from typing import List

import torch
import torch.nn as nn

logger = logging.getLogger(__name__)

# ---------------------------------------------------------------------------
# Constants
# ---------------------------------------------------------------------------
INPUT_CHANNELS = 1
INPUT_HEIGHT = 64
INPUT_WIDTH = 64
HIDDEN_UNITS = 100
NUM_CLASSES = 15


@dataclass(frozen=True)
class ConvBlockSpec:
    """Specification of a convolutional block."""

    in_channels: int
    out_channels: int
    kernel_size: int = 5
    pool_size: int = 3

    def output_size(self, size: int) -> int:
        """Compute the spatial output size for the given input size."""
        if size < self.kernel_size:
            raise ValueError(f"Input size {size} is smaller than the kernel {self.kernel_size}.")
        return (size - self.kernel_size + 1) // self.pool_size


CONV_BLOCKS = (ConvBlockSpec(INPUT_CHANNELS, 10), ConvBlockSpec(10, 20))


class SimpleNet(nn.Module):
    """A simple convolutional network.

    Attributes:
        conv_layers: The feature extractor.
        fc_layers: The classifier.
        loss_criterion: The loss criterion (mean cross-entropy).
    """

    def __init__(self) -> None:
        """Initialize the network."""
        super().__init__()
        self.conv_layers = nn.Sequential(*self._make_conv_layers())
        self.fc_layers = nn.Sequential(*self._make_fc_layers())
        self.loss_criterion = nn.CrossEntropyLoss(reduction="mean")
        self._log_parameter_count()

    @staticmethod
    def _make_conv_layers() -> List[nn.Module]:
        """Create the layers of the feature extractor."""
        layers: List[nn.Module] = []
        for spec in CONV_BLOCKS:
            layers.append(nn.Conv2d(spec.in_channels, spec.out_channels, spec.kernel_size))
            layers.append(nn.MaxPool2d(kernel_size=spec.pool_size, stride=spec.pool_size))
            layers.append(nn.ReLU(inplace=False))
        return layers

    @staticmethod
    def _make_fc_layers() -> List[nn.Module]:
        """Create the layers of the classifier."""
        height, width = INPUT_HEIGHT, INPUT_WIDTH
        for spec in CONV_BLOCKS:
            height, width = spec.output_size(height), spec.output_size(width)
        num_features = CONV_BLOCKS[-1].out_channels * height * width
        return [
            nn.Flatten(start_dim=1),
            nn.Linear(num_features, HIDDEN_UNITS),
            nn.ReLU(inplace=False),
            nn.Linear(HIDDEN_UNITS, NUM_CLASSES),
        ]

    def _log_parameter_count(self) -> None:
        num_parameters = sum(p.numel() for p in self.parameters() if p.requires_grad)
        logger.info("SimpleNet has %d trainable parameters", num_parameters)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Perform the forward pass.

        Args:
            x: A batch of grayscale images with shape ``(N, 1, 64, 64)``.

        Returns:
            The raw class scores (logits) with shape ``(N, 15)``.

        Raises:
            TypeError: If the input is not a tensor.
            ValueError: If the input has an unexpected shape or data type.
        """
        if not isinstance(x, torch.Tensor):
            raise TypeError(f"Expected a torch.Tensor, got {type(x).__name__}.")
        if x.ndim != 4:
            raise ValueError(f"Expected 4 dimensions (N, C, H, W), got {x.ndim}.")
        expected_shape = (INPUT_CHANNELS, INPUT_HEIGHT, INPUT_WIDTH)
        if tuple(x.shape[1:]) != expected_shape:
            raise ValueError(f"Expected images of shape {expected_shape}, got {tuple(x.shape[1:])}.")
        if not torch.is_floating_point(x):
            raise ValueError(f"Expected floating point images, got {x.dtype}.")
        features = self.conv_layers(x)
        logits = self.fc_layers(features)
        return logits
