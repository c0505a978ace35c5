"""How a network is computed fastest on this machine: precision, memory format, threads.

Memory format and threads do not change what is computed, only the order of additions. So a run
repeats bit for bit with the same choices: they are recorded, and a resumed run keeps them.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from scene_recog.models.copies import can_be_copied, copy_of
from scene_recog.system import processes
from scene_recog.system.devices import has_bfloat16
from scene_recog.system.files import user_cache_dir, write_atomically
from scene_recog.system.memory import freed_memory_kept
from scene_recog.system.progress import notice
from scene_recog.training.options import TrainerOptions

WORTH_MEASURING = 20  # batches in an epoch
ROUNDS = 8  # steps of a trial
QUIET = 0.85  # of its threads' time, a process gets this share on a quiet machine
_AT_FIRST = torch.get_num_threads()
KEPT = "memory_formats.json"  # in the user's cache folder


@dataclass(frozen=True)
class Arithmetic:
    """How a run computes.

    Attributes:
        bfloat16: whether under bfloat16 autocast.
        channels_last: whether weights and maps are kept as [N, H, W, C] in memory. A network may
            also do so by itself.
        threads: on the CPU.
    """

    bfloat16: bool
    channels_last: bool
    threads: int

    @classmethod
    def choose(
        cls,
        options: TrainerOptions,
        before: Mapping[str, Any],
        model: nn.Module,
        device: torch.device,
        batches: int,
        first_batch: Callable[[], torch.Tensor],
    ) -> Arithmetic:
        """What the options ask for; what they leave open is measured with a few training steps.

        Of several processes, the first one chooses.

        Args:
            options: the run's.
            before: the config of the run that is resumed, whose choices stay; empty if none is.
            model: the network, on its device; its state is not changed.
            device: where it computes.
            batches: of an epoch. If they are few, only bfloat16 is measured; nothing is if the
                network cannot be copied.
            first_batch: returns images to measure with.
        """
        trial = _Trial(model, device, first_batch, batches)
        amp, memory_format = options.amp, options.memory_format
        if amp == "auto" and "bfloat16" in before:
            amp = "on" if before["bfloat16"] else "off"
        if memory_format == "auto" and (before or options.compile_model):
            memory_format = "channels_last" if before.get("channels_last") else "contiguous"

        def chosen() -> Arithmetic:
            trial.bfloat16 = _choose_bfloat16(amp, trial)
            channels_last = _choose_channels_last(memory_format, trial)
            number = options.threads or _choose_threads(before.get("threads"), trial)
            return cls(trial.bfloat16, channels_last, number)

        return processes.from_rank_zero(chosen)

    @contextmanager
    def in_use(self, nets: Collection[nn.Module], optimizer: Optimizer) -> Iterator[None]:
        """Use the threads and the memory format while the block runs, and keep freed memory.

        After it, the weights are contiguous again, as code outside may expect (`view`).

        Args:
            nets: the network, and its average.
            optimizer: of the network.
        """
        nets = nets if self.channels_last else ()
        with freed_memory_kept(), _threads(self.threads):
            _convert(nets, torch.channels_last)
            lay_out_as_weights(optimizer)
            try:
                yield
            finally:
                _convert(nets, torch.contiguous_format)
                lay_out_as_weights(optimizer)


def _convert(nets: Collection[nn.Module], memory_format: torch.memory_format) -> None:
    for net in nets:
        net.to(memory_format=memory_format)


def lay_out_as_weights(optimizer: Optimizer) -> None:
    """Give momentum and the like, and gradients, their weight's order in memory.

    A fused optimizer reads all of them from beginning to end, and trusts that the order is one.
    """
    for weight, state in optimizer.state.items():
        for key, value in state.items():
            if isinstance(value, torch.Tensor) and value.shape == weight.shape:
                state[key] = _laid_out_as(weight, value)
    for group in optimizer.param_groups:
        for weight in group["params"]:
            if weight.grad is not None:
                weight.grad = _laid_out_as(weight, weight.grad)


def _laid_out_as(weight: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    if value.stride() == weight.stride():
        return value
    return torch.empty_like(weight, dtype=value.dtype, requires_grad=False).copy_(value)


# ------------------------------------------------------------------------ trials


class _Trial:
    """A copy of a network that takes training steps to be timed.

    Attributes:
        model: the network that is copied; a copy is in training mode.
        bfloat16: the precision of the run.
    """

    def __init__(
        self,
        model: nn.Module,
        device: torch.device,
        first_batch: Callable[[], torch.Tensor],
        batches: int,
    ) -> None:
        self.model, self.device, self._first_batch = model, device, first_batch
        self._batches = batches
        self.bfloat16 = False

    @cached_property
    def is_possible(self) -> bool:
        """Whether the network can be copied."""
        return can_be_copied(self.model)

    @property
    def is_long(self) -> bool:
        """Whether the run is long enough for more than the most important trials."""
        return self._batches >= WORTH_MEASURING and self.is_possible

    @cached_property
    def images(self) -> torch.Tensor:
        """A batch on the device."""
        return self._first_batch().to(self.device)

    def copied(self) -> nn.Module:
        """Another copy."""
        return copy_of(self.model).train()

    def seconds_of_steps(self, steps: list[Callable[[], float]]) -> list[list[float]]:
        """Seconds of each kind of step; they take turns, and the first of each is left out."""
        with torch.random.fork_rng(devices=[]):  # dropout draws
            rows = [[step() for step in steps] for _ in range(ROUNDS)]
        return [list(column) for column in zip(*rows[1:], strict=True)]

    def step(self, model: nn.Module, *, bfloat16: bool | None = None) -> float:
        """Take one step without an optimizer; returns its seconds."""
        half = self.bfloat16 if bfloat16 is None else bfloat16
        start = time.perf_counter()
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=half):
            loss = model(self.images).float().square().mean()
        loss.backward()
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - start


def _choose_bfloat16(amp: str, trial: _Trial) -> bool:
    """ "auto" is on if the processor has it, and steps are at least 10 % faster."""
    if amp != "auto":
        return amp == "on"
    if not has_bfloat16(trial.device) or not trial.is_possible:
        return False
    model = trial.copied()
    plain, half = trial.seconds_of_steps(
        [lambda: trial.step(model, bfloat16=False), lambda: trial.step(model, bfloat16=True)]
    )
    return min(half) < 0.9 * min(plain)


# ------------------------------------------------------------------------ memory format


def _choose_channels_last(memory_format: str, trial: _Trial) -> bool:
    """ "auto" measures it once for a network on a machine, and keeps the answer.

    PyTorch's convolutions and poolings on a CPU are often, but not always, faster so. Two runs must
    choose alike, so a second measurement could be worse than a wrong one.
    """
    if memory_format != "auto":
        return memory_format == "channels_last"
    kernels = [m.weight for m in trial.model.modules() if isinstance(m, nn.Conv2d)]
    # A network with other kernels has chosen its format itself.
    if not kernels or not all(kernel.is_contiguous() for kernel in kernels):
        return False
    if trial.device.type != "cpu" or not trial.is_long:
        return False
    kept, description = _read_kept(), _description(trial)
    if isinstance(answer := kept.get(description), bool):
        return answer
    answer = _is_faster_in_channels_last(trial)
    _keep({**kept, description: answer})
    return answer


def _is_faster_in_channels_last(trial: _Trial) -> bool:
    """Whether it is at least 5 % faster, and computes the same."""
    plain, converted = trial.copied(), trial.copied()
    _convert([converted], torch.channels_last)
    try:
        with torch.inference_mode():
            expected, found = (net.eval()(trial.images) for net in (plain, converted))
        if not torch.allclose(expected, found, rtol=1e-3, atol=1e-4):
            return False
        for net in (plain, converted):
            net.train()
        before, after = trial.seconds_of_steps(
            [lambda: trial.step(plain), lambda: trial.step(converted)]
        )
    except Exception:  # forward may raise anything: a `view` needs contiguous maps
        return False
    return min(after) < 0.95 * min(before)


def _read_kept() -> dict[str, Any]:
    folder = user_cache_dir()
    try:
        found = json.loads((folder / KEPT).read_text(encoding="utf-8")) if folder else {}
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _keep(answers: dict[str, Any]) -> None:
    """Write the answers, where there is a folder for them."""
    if (folder := user_cache_dir()) is None:
        return
    text = json.dumps(answers, indent=1) + "\n"
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / KEPT, lambda part: part.write_text(text, encoding="utf-8"))


def _description(trial: _Trial) -> str:
    """A text that is the same for the same work on the same machine."""
    model = trial.model
    layers = hashlib.sha256(repr(model).encode(errors="replace")).hexdigest()[:16]
    size = "x".join(map(str, trial.images.shape))
    precision = "bfloat16" if trial.bfloat16 else "float32"
    return (
        f"{type(model).__name__} {layers}, {size} {precision}, torch {torch.__version__}, "
        f"{torch.get_num_threads()} threads of {_processor()}"
    )


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split("\n"):
            if line.startswith("model name"):
                return f"{line.partition(':')[2].strip()} {torch.backends.cpu.get_cpu_capability()}"
    return platform.processor() or platform.machine()


# ------------------------------------------------------------------------ threads


def _choose_threads(kept: int | None, trial: _Trial) -> int:
    """The user's number, or else a resumed run's, or else torch's own, or fewer if that is faster.

    On a busy machine, threads that wait for each other take turns with other programs.
    """
    own = torch.get_num_threads()
    if trial.device.type != "cpu" or own == 1 or _are_set(own):
        return own
    if kept:
        return min(kept, own)
    if not trial.is_long or share_of_processors() > QUIET:
        return own
    numbers = [own]
    while numbers[-1] > 1:
        numbers.append(numbers[-1] // 2)
    model = trial.copied()

    def step_with(number: int) -> float:
        with _threads(number):
            return trial.step(model)

    columns = trial.seconds_of_steps([partial(step_with, number) for number in numbers])
    best = min(zip(columns, numbers, strict=True), key=lambda each: statistics.median(each[0]))[1]
    if best < own:
        notice(f"Other programs keep the processors busy: training on {best} of {own} threads.")
    return best


def share_of_processors(seconds: float = 0.1) -> float:
    """The share that this process gets of its threads' time: almost 1 on a quiet machine."""
    values = torch.rand(1 << 18)
    torch.sin(values)  # the threads start
    start, used = time.perf_counter(), time.process_time()
    while time.perf_counter() - start < seconds:
        torch.sin(values)
    wall = (time.perf_counter() - start) * torch.get_num_threads()
    return (time.process_time() - used) / wall


@contextmanager
def _threads(number: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _are_set(own: int) -> bool:
    """Whether the user has set the number of threads, in the environment or in torch."""
    in_environment = os.environ.get("OMP_NUM_THREADS") or os.environ.get("MKL_NUM_THREADS")
    if in_environment or own != _AT_FIRST:
        return True
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        cores = os.cpu_count() or 1
    return own not in (cores, cores // 2)  # torch takes one for a core that has two


# ------------------------------------------------------------------------ optimizer

_WITH_FUSED = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)


def use_fused(optimizer: Optimizer, device: torch.device) -> None:
    """Update all weights by one kernel, where torch has it and the caller has not chosen otherwise.

    Networks of this size keep a GPU waiting for Python: fewer kernels are a shorter epoch.
    """
    kind: Any = type(optimizer)
    if kind not in _WITH_FUSED:
        return
    try:
        kind([torch.zeros(1, device=device)], lr=0.1, fused=True)
    except (RuntimeError, TypeError, ValueError):  # not on this device, or in this version
        return
    groups = optimizer.param_groups
    if all(group["fused"] is group["foreach"] is None for group in groups):
        for options in (optimizer.defaults, *groups):  # the config records the defaults
            options["fused"] = True
