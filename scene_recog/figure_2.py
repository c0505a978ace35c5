"""The sizes of the two networks: the handout's figure 2, and the requirements for SimpleNetFinal.

The drawing of figure 2 and the student tests read them from here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

SIDE = 64  # pixels of an image, which has one channel
CLASSES = 15


@dataclass(frozen=True)
class Figure2:
    """The sizes of SimpleNet.

    Twice a convolution without padding, max-pooling and ReLU; then flatten, linear, ReLU, linear.

    Attributes:
        maps_1, maps_2: output maps of each convolution.
        filter_1, filter_2: sides of their filters.
        pool_1, pool_2: sides of the max-pooling blocks. They do not overlap, and the remainder at
            the border is dropped.
        hidden: values between the two linear layers.
    """

    maps_1: int
    filter_1: int
    pool_1: int
    maps_2: int
    filter_2: int
    pool_2: int
    hidden: int

    @property
    def convolved_1(self) -> int:
        """Side of the maps after the first convolution."""
        return SIDE - self.filter_1 + 1

    @property
    def pooled_1(self) -> int:
        """Side of the maps after the first max-pooling."""
        return self.convolved_1 // self.pool_1

    @property
    def convolved_2(self) -> int:
        """Side of the maps after the second convolution."""
        return self.pooled_1 - self.filter_2 + 1

    @property
    def pooled_2(self) -> int:
        """Side of the maps after the second max-pooling."""
        return self.convolved_2 // self.pool_2

    @property
    def flat(self) -> int:
        """Number of values of an image after flatten."""
        return self.maps_2 * self.pooled_2**2

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each tensor of learnable parameters."""
        return {
            "weights of convolution 1": (self.maps_1, 1, self.filter_1, self.filter_1),
            "biases of convolution 1": (self.maps_1,),
            "weights of convolution 2": (self.maps_2, self.maps_1, self.filter_2, self.filter_2),
            "biases of convolution 2": (self.maps_2,),
            "weights of linear layer 1": (self.hidden, self.flat),
            "biases of linear layer 1": (self.hidden,),
            "weights of linear layer 2": (CLASSES, self.hidden),
            "biases of linear layer 2": (CLASSES,),
        }

    @property
    def parameters(self) -> int:
        """Total number of learnable parameters."""
        return sum(math.prod(shape) for shape in self.shapes.values())

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of the convolutions and linear layers for one image."""
        weights_1, _, weights_2, _, *linear = map(math.prod, self.shapes.values())
        in_maps = weights_1 * self.convolved_1**2 + weights_2 * self.convolved_2**2
        return in_maps + linear[0] + linear[2]


@dataclass(frozen=True)
class FinalSizes:
    """What a course may require of SimpleNetFinal beyond the handout's steps.

    Attributes:
        last_maps: output maps of its last convolution; None for any number.
        hidden: values between the two linear layers of its head; None for any number.
    """

    last_maps: int | None
    hidden: int | None


VARIANT = 0
FIGURE_2 = Figure2(maps_1=10, filter_1=5, pool_1=3, maps_2=20, filter_2=5, pool_2=3, hidden=100)
FINAL = FinalSizes(last_maps=None, hidden=None)
