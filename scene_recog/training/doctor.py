"""The training doctor: reports the usual mistakes, once each, in the first seconds or at the end.

`Checkup` uses only what `Trainer` has anyway: the first batch, the first 50 steps, the first
validation, and the record of each epoch. After that it does nothing. `symptoms.py` interprets the
numbers; the findings are stored with the run.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import nn
from torchvision import transforms
from torchvision.transforms import v2

from scene_recog.datasets.images import image_name
from scene_recog.image_loader import ImageLoader
from scene_recog.system.numbers import plain_number
from scene_recog.system.progress import notice
from scene_recog.system.text import in_one_line
from scene_recog.training import symptoms
from scene_recog.training.options import TrainerOptions

FIRST_STEPS = 50  # half an epoch of the photographs, in batches of 32
LOOK_EVERY = 5  # steps between looks at gradients: ten, so that dropped layers do not hide any
LOOK_AT = 8  # validation images per batch, because a batch has only one or two classes
KEY = "doctor"  # in a checkpoint

_BATCH_NORM = nn.modules.batchnorm._BatchNorm
_DROPOUT = nn.modules.dropout._DropoutNd


class Finding(NamedTuple):
    """A symptom's short name, and a line with the observation and the advice."""

    symptom: str
    text: str


class Epoch(Protocol):
    """The fields of an epoch's record that are used."""

    @property
    def epoch(self) -> int: ...
    @property
    def train_loss(self) -> float: ...
    @property
    def train_accuracy(self) -> float: ...
    @property
    def validation_accuracy(self) -> float: ...
    @property
    def learning_rate(self) -> float: ...


class Checkup:
    """Looks for mistakes while a run trains.

    Args:
        model, optimizer: of the run.
        train, validation: the images.
        options: the run's options.
        extra_config: as for `Trainer`; a recipe in it tells whether inputs should be normalized.

    Attributes:
        findings: so far, including those before a resume; each symptom once.
        say: prints the line of a new finding.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        train: ImageLoader,
        validation: ImageLoader,
        options: TrainerOptions,
        extra_config: Mapping[str, Any] | None = None,
    ) -> None:
        self.findings: list[Finding] = []
        self.model = model
        self.optimizer = optimizer
        self.train, self.validation = train, validation
        self.options = options
        recipe = (extra_config or {}).get("recipe")
        self._recipe_normalizes = isinstance(recipe, Mapping) and bool(recipe.get("normalize"))
        self._start: _Start | None = _Start(model, optimizer)
        self._train_range: tuple[float, float] | None = None
        self._pixels: Pixels | None = Pixels()
        self._guess = guess_of(model, len(train.class_dict))
        self.say: Callable[[str], None] = lambda text: notice(f"doctor: {text}")

    # ---------------------------------------------------------------- what Trainer calls

    def step(
        self, images: torch.Tensor, targets: torch.Tensor, logits: torch.Tensor, loss: torch.Tensor
    ) -> None:
        """Look at a step just taken; after the first steps, do nothing.

        Args:
            images: [N, 1, H, W], as the network got them.
            targets: labels [N], or class probabilities [N, C].
            logits: [N, outputs].
            loss: its mean.
        """
        if self._start is None:
            return
        with torch.no_grad():
            if self._start.steps == 0:
                self._look_at_first_batch(images, targets, logits, loss)
            self._start.add(loss, self.optimizer.param_groups[0]["lr"])
            if self._start.steps == FIRST_STEPS:
                self._look_at_first_steps(self._start, images, logits)
                self._start = None  # with its copy of the weights

    def watch(
        self, batches: Iterable[tuple[torch.Tensor, torch.Tensor]]
    ) -> Iterable[tuple[torch.Tensor, torch.Tensor]]:
        """The same batches; in the first validation, some of their pixels are recorded."""
        return batches if self._pixels is None else self._watched(batches, self._pixels)

    def epoch(self, records: Sequence[Epoch], model: nn.Module, *, is_last: bool = False) -> None:
        """Look at the epochs so far, after validation and before they are saved.

        Args:
            records: one per epoch.
            model: the model that was validated, in eval mode.
            is_last: whether the run ends here.
        """
        self.look_at_validation(model)
        for finding in of_epochs(
            records,
            self.options,
            images=(len(self.train), len(self.validation)),
            shares=self._shares,
            guess=self._guess,
            is_last=is_last,
        ):
            self._say(*finding)

    def state_dict(self) -> dict[str, Any]:
        """The findings, for a checkpoint."""
        return {KEY: [list(finding) for finding in self.findings]}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Resume a run: its findings are not repeated, and its first steps are over."""
        self.findings = findings_in(saved)
        self._start = self._pixels = None

    def begin_again(self) -> None:
        """Treat the next steps as the first."""
        self._start = _Start(self.model, self.optimizer)

    # ---------------------------------------------------------------- the checks

    def look_at_validation(self, model: nn.Module) -> None:
        """Look at the inputs that `watch` recorded, and run two of them twice.

        Args:
            model: in eval mode.
        """
        pixels, self._pixels = self._pixels, None
        if pixels is None:
            return
        if self._train_range is not None and (seen := pixels.numbers()):
            self._say(
                "inputs",
                symptoms.inputs(
                    train=self._train_range,
                    validation=seen,
                    images=pixels.images,
                    steps=(
                        normalize_steps(self.train.transform),
                        normalize_steps(self.validation.transform),
                    ),
                    recipe_normalizes=self._recipe_normalizes,
                ),
            )
        awake = [name for name, layer in _with_modes(model) if layer.training]
        difference = 0.0
        if pixels.example is not None:
            with torch.inference_mode():
                some = pixels.example.to(next(model.parameters()).device)
                once, again = (model(some).float() for _ in range(2))
                difference = float((once - again).abs().max() / (once.abs().max() + 1e-12))
        self._say("random", symptoms.random_outputs(difference, awake))

    def _look_at_first_batch(
        self, images: torch.Tensor, targets: torch.Tensor, logits: torch.Tensor, loss: torch.Tensor
    ) -> None:
        n, outputs = logits.shape
        criterion: Any = self.model.loss_criterion
        is_nll = isinstance(criterion, nn.NLLLoss)
        knows_guess = is_nll or isinstance(criterion, nn.CrossEntropyLoss)
        # a single transfer, because on a GPU each one waits for the step
        numbers = torch.stack(
            [
                loss.detach().float().mean(),
                self._plain_cross_entropy(logits, targets),
                logits.amin(), logits.amax(), logits.mean(), (logits == 0).float().mean(),
                *logits.sum(1).aminmax(), *logits.logsumexp(1).aminmax(),
                *images.float().aminmax(),
            ]
        )  # fmt: skip
        first, plain, low, high, mean, zeros, s0, s1, l0, l1, x0, x1 = numbers.tolist()
        if not math.isfinite(first):
            return  # on a GPU, Trainer checks after the epoch
        self._train_range = x0, x1
        if knows_guess:
            form = symptoms.form_of_outputs(
                lowest=low,
                highest=high,
                mean=mean,
                zeros=zeros,
                sums=(s0, s1),
                log_sums=(l0, l1),
                outputs=outputs,
                examples=n,
                takes_log_softmax=is_nll,
            )
            self._say("outputs", form)
            if not (form and is_nll):  # the loss means something else then
                self._say(
                    "first loss",
                    symptoms.starting_loss(
                        first,
                        None if math.isnan(plain) else plain,
                        outputs=outputs,
                        examples=n,
                        largest_input=max(abs(x0), abs(x1)),
                        largest_output=max(abs(low), abs(high)),
                    ),
                )
        self._guess = max(first, self._guess)
        asleep = [name for name, layer in _with_modes(self.model) if _is_asleep(layer, self.model)]
        self._say("mode", symptoms.modes(self.model.training, asleep))
        norms = sum(isinstance(layer, _BATCH_NORM) for layer in self.model.modules())
        self._say("one image", symptoms.single_images(n, norms))
        self._say("labels", labels_of(self.train, self.validation))

    def _plain_cross_entropy(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The cross-entropy that the loss should equal, or nan if the criterion is another."""
        criterion: Any = self.model.loss_criterion
        is_plain = (
            targets.ndim == 1
            and self.options.label_smoothing == 0
            and getattr(criterion, "weight", None) is None
            and getattr(criterion, "label_smoothing", 0) == 0
        )
        return F.cross_entropy(logits, targets) if is_plain else logits.new_tensor(math.nan)

    def _look_at_first_steps(
        self, start: _Start, images: torch.Tensor, logits: torch.Tensor
    ) -> None:
        rate = start.highest_rate
        size = logits.abs().amax() + 1e-12
        numbers = torch.stack(
            [
                (logits - logits[:1]).abs().amax() / size,
                (images - images[:1]).abs().amax(),
                start.moved(),
                *start.gradients(),
            ]
        )
        difference, images_differ, moved, *gradients = numbers.tolist()
        losses = torch.stack(start.losses).tolist()
        if not all(map(math.isfinite, losses)):
            return
        tenths = [sum(losses[i : i + 10]) / 10 for i in range(0, FIRST_STEPS, 10)]
        where = f"in the first {FIRST_STEPS} steps"
        self._say("explosion", symptoms.explosion(self._guess, max(tenths), rate, where))
        equal = symptoms.equal_outputs(difference, images_differ > 0, rate, FIRST_STEPS)
        self._say("equal outputs", equal)
        if equal:
            return  # missing gradients and progress are its consequences
        without = [n for n, g in zip(start.weights, gradients, strict=True) if g == 0]
        self._say(
            "no gradient",
            symptoms.without_gradient(without, len(start.weights), FIRST_STEPS),
        )
        self._say(
            "not moving",
            symptoms.unmoved(
                tenths[0],
                tenths[-1],
                guess=self._guess,
                moved=moved,
                rate=rate,
                has_gradients=start.optimizer_has_gradients(),
                step=FIRST_STEPS,
            ),
        )

    @cached_property
    def _shares(self) -> tuple[float, float]:
        return largest_share(self.train), largest_share(self.validation)

    def _watched(
        self, batches: Iterable[tuple[torch.Tensor, torch.Tensor]], pixels: Pixels
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for images, labels in batches:
            pixels.add(images)
            yield images, labels

    def _say(self, symptom: str, text: str) -> None:
        if text and not self._has(symptom):
            text = in_one_line(text)  # it may contain names of files and classes
            self.findings.append(Finding(symptom, text))
            self.say(text)

    def _has(self, symptom: str) -> bool:
        return any(finding.symptom == symptom for finding in self.findings)


class _Start:
    """The first steps: losses, which weights got a gradient, how far they moved."""

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self.steps = 0
        self.losses: list[torch.Tensor] = []
        self.highest_rate = 0.0  # a schedule may have lowered it since
        # A bias before batch norm has no gradient by design: only matrices and filters count.
        self.weights = {n: p for n, p in model.named_parameters() if p.requires_grad and p.ndim > 1}
        self._largest: list[torch.Tensor] = []
        held = [p for group in optimizer.param_groups for p in group["params"]]
        self._held = [p for p in held if p.requires_grad]
        self._before: list[torch.Tensor] = []

    def add(self, loss: torch.Tensor, rate: float) -> None:
        """Add a step at this learning rate."""
        self.steps += 1
        self.highest_rate = max(self.highest_rate, float(rate))
        self.losses.append(loss.detach())
        if self.steps == 1:
            self._before = [p.detach().clone() for p in self._held]
        if self.steps % LOOK_EVERY == 0:
            zero = loss.new_zeros(())
            now = [
                zero if p.grad is None else p.grad.detach().abs().amax()
                for p in self.weights.values()
            ]
            self._largest = list(map(torch.maximum, self._largest, now)) if self._largest else now

    def gradients(self) -> list[torch.Tensor]:
        """The largest gradient seen for each of `weights`."""
        return [largest.float() for largest in self._largest]

    def moved(self) -> torch.Tensor:
        """How far the optimizer's weights have moved so far, relative to their size."""
        pairs = list(zip(self._held, self._before, strict=True))
        way = sum((p.detach() - before).float().square().sum() for p, before in pairs)
        size = sum(before.float().square().sum() for _, before in pairs)
        return torch.sqrt(torch.as_tensor(way) / (torch.as_tensor(size) + 1e-12))

    def optimizer_has_gradients(self) -> bool:
        """Whether any weight in the optimizer gets a gradient."""
        return any(p.grad is not None and bool(p.grad.any()) for p in self._held)


class Pixels:
    """Some pixels of the first validation."""

    def __init__(self) -> None:
        self.images = 0
        self.example: torch.Tensor | None = None  # a few of them, [n, 1, H, W]
        self._batches: list[torch.Tensor] = []

    def add(self, images: torch.Tensor) -> None:
        """Record the first images of a batch."""
        some = images[:LOOK_AT].detach().float()
        self.images += len(some)
        self.example = images[:2] if self.example is None else self.example
        low, high = some.aminmax()
        self._batches.append(torch.stack([low, high, some.mean(), some.square().mean()]))

    def numbers(self) -> tuple[float, float, float, float] | None:
        """Minimum, maximum, mean and standard deviation of all of them."""
        if not self._batches:
            return None
        every = torch.stack(self._batches).double().cpu()
        mean, square = every[:, 2].mean().item(), every[:, 3].mean().item()
        deviation = math.sqrt(max(0.0, square - mean**2))
        return every[:, 0].min().item(), every[:, 1].max().item(), mean, deviation


def findings_in(saved: Mapping[str, Any]) -> list[Finding]:
    """The findings in a checkpoint, which may be a stranger's."""
    recorded = saved.get(KEY, [])
    pairs = recorded if isinstance(recorded, list) else []
    return [
        Finding(in_one_line(pair[0]), in_one_line(pair[1]))
        for pair in pairs
        if isinstance(pair, list | tuple)
        and len(pair) == 2
        and all(isinstance(t, str) for t in pair)
    ]


def of_epochs(
    records: Sequence[Epoch],
    options: TrainerOptions,
    *,
    images: tuple[int, int],
    shares: tuple[float, float],
    guess: float,
    is_last: bool,
) -> Iterator[Finding]:
    """The findings in the epochs of a run.

    Args:
        records: one per epoch, at least one.
        options: the run's options.
        images: number of images in training and in validation.
        shares: fraction of the largest class in training and in validation.
        guess: loss of guessing.
        is_last: whether the run is finished.
    """
    last = records[-1]
    steps = last.epoch * math.ceil(images[0] / options.batch_size)
    worst = max(records, key=lambda record: record.train_loss)
    when = f"in epoch {worst.epoch:g}"
    if text := symptoms.explosion(guess, worst.train_loss, worst.learning_rate, when):
        yield Finding("explosion", text)
    best = (
        max(record.train_accuracy for record in records),
        max(record.validation_accuracy for record in records),
    )
    rises = len(records) > 1 and last.learning_rate > records[-2].learning_rate
    text = symptoms.no_better_than_largest(best, shares, last.epoch, steps)
    if text and (is_last or not rises):  # one-cycle starts slowly, the more so in long runs
        yield Finding("largest class", text)
    elif is_last:
        text = symptoms.validation_gap(
            last.train_accuracy,
            last.validation_accuracy,
            images=images[1],
            share=shares[1],
            steps=steps,
            mixes=options.mixup > 0 or options.cutmix > 0,
        )
        if text:
            yield Finding("validation", text)


def guess_of(model: nn.Module, classes: int) -> float:
    """The loss of guessing among the classes; 0 if it is unknown for the criterion."""
    knows = isinstance(model.loss_criterion, nn.CrossEntropyLoss | nn.NLLLoss)
    return math.log(max(2, classes)) if knows else 0.0


def largest_share(dataset: ImageLoader) -> float:
    """The fraction of images in the largest class."""
    counts = Counter(int(plain_number(label)) for _, label in dataset.dataset)
    return max(counts.values(), default=0) / max(1, len(dataset.dataset))


def labels_of(train: ImageLoader, validation: ImageLoader) -> str:
    """What is wrong with the class indices; empty if nothing."""
    ours, theirs = (
        {str(name): int(plain_number(label)) for name, label in dataset.class_dict.items()}
        for dataset in (train, validation)
    )
    if text := symptoms.class_order(ours, theirs):
        return text
    wrong, example = 0, None
    for path, label in train.dataset:
        folder = os.path.split(os.path.split(path)[0])[1]
        label = int(plain_number(label))
        if ours.get(folder, label) != label:
            # it may be a subfolder of the class folder
            expected = ours.get(image_name(path, train.curr_folder).partition("/")[0], label)
            if expected != label:
                wrong += 1
                example = example or (image_name(path, train.root), label, expected)
    return symptoms.labels_of_folders(wrong, len(train.dataset), example)


def _with_modes(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """The layers that behave differently in eval mode, by name."""
    return [
        (name or type(layer).__name__, layer)
        for name, layer in model.named_modules()
        if isinstance(layer, _BATCH_NORM | _DROPOUT)
    ]


def _is_asleep(layer: nn.Module, model: nn.Module) -> bool:
    """Whether a layer is in eval mode, and not because it belongs to a frozen part."""
    if layer.training:
        return False
    if isinstance(layer, _BATCH_NORM):
        is_new = layer.num_batches_tracked is not None and int(layer.num_batches_tracked) == 0
        return is_new and any(p.requires_grad for p in layer.parameters())
    return all(p.requires_grad for p in model.parameters())


def normalize_steps(transform: Any) -> list[tuple[float, float]]:
    """Mean and std of each torchvision `Normalize` among the steps of a `Compose`."""
    found = []
    for step in getattr(transform, "transforms", ()):
        if isinstance(step, transforms.Compose | v2.Compose):
            found += normalize_steps(step)
        elif isinstance(step, transforms.Normalize | v2.Normalize):
            found.append((_first_number(step.mean), _first_number(step.std)))
    return found


def _first_number(values: Any) -> float:
    return float(torch.as_tensor(values).flatten()[0])
