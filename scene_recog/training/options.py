"""The options of a training run: names, defaults, ranges and messages are defined only here.

`Trainer` takes them as keywords, a `Recipe` has them as fields, the command line sets them with
`--set`, and a run's config records them.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Collection
from dataclasses import dataclass, field, fields
from typing import Any

from scene_recog.system import processes
from scene_recog.system.numbers import plain_number
from scene_recog.system.text import shortened
from scene_recog.training.schedule import SCHEDULES

CACHE_MODES = ("disk", "memory", "off")
AMP_MODES = ("off", "on", "auto")
MEMORY_FORMATS = ("auto", "contiguous", "channels_last")
_LARGEST = sys.float_info.max
_IN_WORDS = {
    "str": "text", "int": "a whole number", "float": "a number", "bool": "True or False",
    "None": "None",
}  # fmt: skip
_TYPES: dict[str, type | tuple[type, ...]] = {
    "str": str, "int": int, "float": (int, float), "bool": bool, "None": type(None),
}  # fmt: skip


def option(
    default: Any,
    *,
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
    below: float | None = None,
    one_of: Collection[str] | None = None,
) -> Any:
    """A dataclass field with its range: from `least` or `above` to `most` or `below`."""
    bounds = {"least": least, "most": most, "above": above, "below": below, "one_of": one_of}
    return field(default=default, metadata={k: v for k, v in bounds.items() if v is not None})


def redefault(parent: type, name: str, default: Any) -> Any:
    """The field `name` of a parent dataclass, with another default."""
    (inherited,) = (each for each in fields(parent) if each.name == name)
    return field(default=default, metadata=inherited.metadata)


@dataclass(frozen=True, kw_only=True)
class CheckedOptions:
    """A dataclass that checks its values and converts them to plain Python numbers.

    Raises:
        ValueError: a value of the wrong type, out of range or unknown; the message names it.
    """

    def __post_init__(self) -> None:
        for each in fields(self):
            value = plain_number(getattr(self, each.name))
            object.__setattr__(self, each.name, value)
            _check_type(each.name, value, str(each.type))
            if value is not None:
                _check_range(each.name, value, **each.metadata)


@dataclass(frozen=True, kw_only=True)
class TrainerOptions(CheckedOptions):
    """How a `Trainer` trains.

    Attributes:
        batch_size: images per optimizer step, over all processes.
        seed: fixes the order of images, augmentation, dropout and the validation split, so that a
            run on the CPU repeats exactly. None draws one. The caller makes the initial weights:
            call `torch.manual_seed(seed)` before creating the model.
        val_fraction: 0 validates on the test split, as the course does. Above 0, that fraction of
            each training class is held out for validation, and the test split is not used.
        scheduler: learning-rate schedule over one `run_training_loop` (see `schedule.py`).
        label_smoothing: fraction of the target spread evenly over all classes in training (Szegedy
            et al. 2016, section 7). Validation uses the plain loss.
        grad_clip: largest gradient norm (2-norm over all weights); None does not clip (Pascanu et
            al. 2013).
        patience: stop after that many epochs without a better validation accuracy; None: never.
        mixup, cutmix: mix each batch with itself, in a ratio drawn from Beta(mixup, mixup); 0 is
            off (see `mixing.py`). A mixed image counts as correct in the training accuracy if the
            class with the larger part is predicted.
        ema_decay: keep an exponential moving average of the weights with this decay, and validate
            with it; None: no average (see `average.py`).
        start_size: initial side of the training images in pixels; they grow to the size after the
            training transforms (see `mixing.py`). None: they have that size from the start.
        cache: "disk" decodes each image once and keeps the pixels in a file that later runs use,
            "memory" decodes once per run, "off" in every epoch, as the course's starter does.
        amp: bfloat16 autocast: "off", "on", or "auto" (on if the processor has it and it is
            faster).
        memory_format: "contiguous", "channels_last", or "auto" (what is faster on this processor;
            see `arithmetic.py`).
        threads: to compute with on the CPU; None: what the user has set, or else all, or fewer if
            other programs keep the processors busy.
        compile_model: run the model through `torch.compile`.
        sync_batch_norm: with several processes (see `system/processes.py`), batch norm uses each
            one's part of the batch; True makes it use the whole batch (on GPUs only).
    """

    batch_size: int = option(100, least=1, most=2**31)
    seed: int | None = option(None, least=0, most=2**63 - 1)
    val_fraction: float = option(0.0, least=0, below=1)
    scheduler: str = option("none", one_of=SCHEDULES)
    label_smoothing: float = option(0.0, least=0, below=1)
    grad_clip: float | None = option(None, above=0)
    patience: int | None = option(None, least=1)
    mixup: float = option(0.0, least=0)
    cutmix: float = option(0.0, least=0)
    ema_decay: float | None = option(None, least=0, below=1)
    start_size: int | None = option(None, least=1, most=1024)
    cache: str = option("disk", one_of=CACHE_MODES)
    amp: str = option("off", one_of=AMP_MODES)
    memory_format: str = option("auto", one_of=MEMORY_FORMATS)
    threads: int | None = option(None, least=1, most=1024)
    compile_model: bool = option(False)
    sync_batch_norm: bool = option(False)

    @classmethod
    def of(cls, **values: Any) -> TrainerOptions:
        """The options with these values.

        Raises:
            TypeError: there is no such option; the message lists them.
            ValueError: an invalid value.
        """
        known = [each.name for each in fields(cls)]
        if unknown := sorted(set(values) - set(known)):
            raise TypeError(f"there is no option {unknown[0]!r}: choose from {', '.join(known)}")
        return cls(**values)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.batch_size < processes.world_size():
            raise ValueError(
                f"batch_size is {self.batch_size}: it must be at least 1 for each process"
            )
        if self.patience is not None and self.val_fraction == 0:
            raise ValueError(
                f"patience is {self.patience} with val_fraction 0: set val_fraction above 0, or "
                "the test split would decide when to stop"
            )


def _check_type(name: str, value: Any, annotation: str) -> None:
    kinds = annotation.replace(" ", "").split("|")
    for kind in kinds:
        is_bool_as_number = isinstance(value, bool) and kind != "bool"
        if isinstance(value, _TYPES[kind]) and not is_bool_as_number:
            return
    must = " or ".join(_IN_WORDS[kind] for kind in kinds)
    raise ValueError(f"{name} is {shortened(value)}: it must be {must}")


def _check_range(
    name: str,
    value: Any,
    *,
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
    below: float | None = None,
    one_of: Collection[str] | None = None,
) -> None:
    if one_of is not None:
        if value not in one_of:
            raise ValueError(f"{name} is {shortened(value)}: it must be one of {', '.join(one_of)}")
        return
    if isinstance(value, str | bool):
        return
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name} is {value}: it must be a finite number")
    is_inside = (
        -_LARGEST <= value <= _LARGEST
        and (least is None or value >= least)
        and (most is None or value <= most)
        and (above is None or value > above)
        and (below is None or value < below)
    )
    if not is_inside:
        limits = {"at least ": least, "above ": above, "below ": below, "at most ": most}
        words = [f"{word}{limit}" for word, limit in limits.items() if limit is not None]
        must = " and ".join(words) or "a finite number"
        raise ValueError(f"{name} is {shortened(value)}: it must be {must}")
