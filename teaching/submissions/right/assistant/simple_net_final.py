"""SimpleNetFinal: an improved convolutional neural network for scene classification.

The architecture extends the baseline network with three well-established techniques:

1. **Dropout**: randomly zeroes activations during training, which reduces overfitting.
2. **Additional depth**: more convolutional layers increase the model's capacity.
3. **Batch normalization**: normalizes activations, which stabilizes and accelerates training.
"""

import logging
from dataclasses import dataclass, field
from typing import Tuple

import torch
import torch.nn as nn

logger = logging.getLogger(__name__)

NUM_CLASSES: int = 15
INPUT_SIZE: int = 64
INPUT_CHANNELS: int = 1


@dataclass
class NetworkConfig:
    """Configuration of the network.

    Attributes:
        channels: The number of output channels of each convolutional block.
        kernel_size: The kernel size of all convolutions. Must be odd.
        conv_dropout: The dropout probability before the last convolution.
        fc_dropout: The dropout probability in the classifier.
        hidden_units: The number of hidden units in the classifier.
    """

    channels: Tuple[int, ...] = field(default=(16, 32, 64, 64))
    kernel_size: int = 3
    conv_dropout: float = 0.3
    fc_dropout: float = 0.5
    hidden_units: int = 100

    def __post_init__(self) -> None:
        if len(self.channels) < 3:
            raise ValueError("At least three convolutional blocks are required.")
        if self.kernel_size % 2 == 0:
            raise ValueError("kernel_size must be odd.")
        for probability in (self.conv_dropout, self.fc_dropout):
            if not 0.0 <= probability < 1.0:
                raise ValueError(f"Invalid dropout probability: {probability}.")


class ConvBlock(nn.Module):
    """A convolutional block: (Dropout ->) Conv2d -> BatchNorm2d -> ReLU -> MaxPool2d."""

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, dropout: float):
        super().__init__()
        self.dropout = nn.Dropout(dropout) if dropout > 0 else nn.Identity()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2)
        self.norm = nn.BatchNorm2d(out_channels)
        self.activation = nn.ReLU(inplace=True)
        self.pool = nn.MaxPool2d(kernel_size=2, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply the block."""
        return self.pool(self.activation(self.norm(self.conv(self.dropout(x)))))


class SimpleNetFinal(nn.Module):
    """The final network.

    Args:
        config: The network configuration. If ``None``, the default configuration is used.
    """

    def __init__(self, config: NetworkConfig = None) -> None:
        super().__init__()
        self.config = config if config is not None else NetworkConfig()
        self.conv_layers = self._build_conv_layers()
        self.fc_layers = self._build_fc_layers()
        self.loss_criterion = nn.CrossEntropyLoss(reduction="mean")
        self._initialize_weights()
        logger.debug("Created %s", self)

    def _build_conv_layers(self) -> nn.Sequential:
        blocks = nn.Sequential()
        in_channels = INPUT_CHANNELS
        for index, out_channels in enumerate(self.config.channels):
            is_last = index == len(self.config.channels) - 1
            dropout = self.config.conv_dropout if is_last else 0.0
            block = ConvBlock(in_channels, out_channels, self.config.kernel_size, dropout)
            blocks.add_module(f"block{index + 1}", block)
            in_channels = out_channels
        return blocks

    def _build_fc_layers(self) -> nn.Sequential:
        side = INPUT_SIZE // 2 ** len(self.config.channels)
        return nn.Sequential(
            nn.Flatten(start_dim=1),
            nn.Linear(self.config.channels[-1] * side * side, self.config.hidden_units),
            nn.BatchNorm1d(self.config.hidden_units),
            nn.ReLU(inplace=True),
            nn.Dropout(self.config.fc_dropout),
            nn.Linear(self.config.hidden_units, NUM_CLASSES),
        )

    def _initialize_weights(self) -> None:
        """Initialize the weights with the Xavier scheme."""
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Perform the forward pass.

        Args:
            x: A batch of grayscale images of shape ``(N, 1, 64, 64)``.

        Returns:
            Raw class scores (logits) of shape ``(N, 15)``.

        Raises:
            ValueError: If the input has an unexpected shape.
        """
        if x.dim() != 4:
            raise ValueError(f"Expected a 4-dimensional input, got {x.dim()} dimensions.")
        if tuple(x.shape[1:]) != (INPUT_CHANNELS, INPUT_SIZE, INPUT_SIZE):
            raise ValueError(f"Expected images of shape (1, 64, 64), got {tuple(x.shape[1:])}.")
        features = self.conv_layers(x)
        return self.fc_layers(features)
