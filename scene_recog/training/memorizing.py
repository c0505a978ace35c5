"""Two checks of a network by itself: can it memorize ten images, and does a gradient reach each
of its layers?

The first is the quickest test of a network: without augmentation and dropout, a correct network
labels all ten correctly in seconds. One that cannot will not learn three thousand either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from scene_recog.models.copies import copy_of
from scene_recog.training.loss import TrainingLoss
from scene_recog.training.options import TrainerOptions

# Adam's default rate first; a deep plain network needs less, a narrow one more. A correct network
# succeeds with one of them.
RATES = (1e-3, 1e-2, 1e-4)
STEPS = 200  # at each rate; SimpleNet needs 15 to 40 at the first one
LOOKS = 3  # a residual block that starts with scale zero gets gradients from the second step on


@dataclass(frozen=True)
class Memorized:
    """How many of a few images a network could memorize.

    Attributes:
        right, images: correctly labelled images at best, and all images.
        steps: full-batch steps until then, at `rate`.
        rate: Adam's learning rate.
    """

    right: int
    images: int
    steps: int
    rate: float

    @property
    def is_whole(self) -> bool:
        """Whether all images are labelled correctly."""
        return self.right == self.images


@dataclass(frozen=True)
class LayerGradient:
    """The gradient that reaches a layer.

    Attributes:
        name, kind: the layer and its class.
        parameters: their number.
        norm: 2-norm of the gradient of its parameters, the largest over a few steps.
        verdict: "ok", "no gradient", "not finite" or "frozen".
    """

    name: str
    kind: str
    parameters: int
    norm: float
    verdict: str


def learn_by_heart(
    make_model: Callable[[], nn.Module],
    images: torch.Tensor,
    labels: torch.Tensor,
    device: torch.device,
) -> Memorized:
    """Train a network on a few images, with all in each step, until it labels all correctly.

    Dropout is off, as it would only slow this down. Batch norm is in training mode, and accuracy is
    measured in the training step itself. The loss is the network's own criterion.

    Args:
        make_model: returns a new network.
        images: [N, 1, H, W], as the network sees them.
        labels: integers [N].
        device: where to compute.

    Returns:
        The first rate and step at which all are correct, or else the best result.
    """
    images, labels = images.to(device), labels.to(device)
    best = Memorized(0, len(labels), 0, RATES[0])
    for rate in RATES:
        model = _without_dropout(make_model().to(device))
        optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=rate)
        loss_of = TrainingLoss(model, TrainerOptions())
        for step in range(1, STEPS + 1):
            logits = model(images).float()
            right = int((logits.argmax(dim=1) == labels).sum())
            if right > best.right:
                best = Memorized(right, len(labels), step - 1, rate)
            if best.is_whole:
                return best
            loss = loss_of(logits, labels)
            if not (loss.requires_grad and bool(torch.isfinite(loss))):
                break
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return best


def layer_gradients(
    model: nn.Module, images: torch.Tensor, labels: torch.Tensor, device: torch.device
) -> list[LayerGradient]:
    """The gradients of each layer that has parameters, on a copy of a network.

    Args:
        model: the network, which is not changed.
        images: [N, 1, H, W], as the network sees them.
        labels: integers [N].
        device: where to compute.
    """
    model = copy_of(model).to(device).train()
    images, labels = images.to(device), labels.to(device)
    parameters = dict(model.named_parameters())
    largest = dict.fromkeys(parameters, 0.0)
    trainable = [p for p in parameters.values() if p.requires_grad]
    optimizer = torch.optim.Adam(trainable, lr=1e-4) if trainable else None
    loss_of = TrainingLoss(model, TrainerOptions())
    for _ in range(LOOKS):
        loss = loss_of(model(images).float(), labels)
        if optimizer is None or not loss.requires_grad:
            break
        optimizer.zero_grad()
        loss.backward()
        for name, parameter in parameters.items():
            if parameter.grad is not None:
                norm = float(parameter.grad.norm())
                largest[name] = norm if norm != norm else max(largest[name], norm)
        optimizer.step()
    rows = []
    for name, layer in model.named_modules():
        own = dict(layer.named_parameters(name, recurse=False))
        if own:
            norm = sum(largest[each] ** 2 for each in own) ** 0.5
            rows.append(
                LayerGradient(
                    name=name or type(model).__name__,
                    kind=type(layer).__name__,
                    parameters=sum(p.numel() for p in own.values()),
                    norm=norm,
                    verdict=_verdict(norm, any(p.requires_grad for p in own.values())),
                )
            )
    return rows


def _verdict(norm: float, is_trained: bool) -> str:
    if not is_trained:
        return "frozen"
    if not norm < float("inf"):
        return "not finite"
    return "ok" if norm > 0 else "no gradient"


def _without_dropout(model: nn.Module) -> nn.Module:
    model.train()
    for layer in model.modules():
        if isinstance(layer, nn.modules.dropout._DropoutNd):
            layer.eval()
    return model
