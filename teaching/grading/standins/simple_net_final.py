"""A stand-in beside a student's other files: a network, but not the handout's."""

from teaching.grading.standins._small_net import SmallNet


class SimpleNetFinal(SmallNet):
    """With the handout's name."""
