"""Real processes, killed while training: resumed runs end as if nothing had happened."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch

from scene_recog.data_transforms import get_all_transforms
from scene_recog.loading import cache as image_cache
from scene_recog.optimizer import get_optimizer
from scene_recog.runner import Trainer
from scene_recog.runs import run_folder
from scene_recog.runs.checkpoint import previous_checkpoint, read_checkpoint
from scene_recog.runs.history import read_history
from scene_recog.simple_net_final import SimpleNetFinal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")

EPOCHS = 5
NO_TIMES = {"seconds": 0, "validation_seconds": 0}


def train(
    data_dir: Path, model_dir: Path, point: str = "", count: int = 0, step_seconds: float = 0.0
) -> None:
    """Train or resume a run of EPOCHS epochs that uses every kind of randomness.

    With a point, the process kills itself when it gets there for the count-th time.
    With step_seconds, each step waits that long, so that a signal hits a step on a busy machine
    too.
    """
    torch.set_num_threads(1)
    if step_seconds:
        in_step(lambda: bool(time.sleep(step_seconds)))
    if point:
        POINTS[point](countdown(count))
    torch.manual_seed(0)
    model = SimpleNetFinal()
    transforms = get_all_transforms((64, 64), [0.45], [0.25])
    config = {"optimizer_type": "sgd", "lr": 0.02, "weight_decay": 1e-4}
    trainer = Trainer(
        data_dir, model, get_optimizer(model, config), model_dir, transforms, transforms,
        batch_size=16, device="cpu", seed=3, val_fraction=0.34, scheduler="one-cycle",
        ema_decay=0.9, mixup=0.2,
    )  # fmt: skip
    if trainer.epochs_done < EPOCHS:
        trainer.run_training_loop(EPOCHS - trainer.epochs_done)


# -------------------------------------------------------------------- where a process is killed


def countdown(count: int) -> Callable[[], bool]:
    """A function that returns True from its count-th call on."""
    calls = iter(range(1, 10**9))
    return lambda: next(calls) >= count


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def in_step(is_time: Callable[[], bool]) -> None:
    step = torch.optim.SGD.step

    def killed(self: Any, *arguments: Any) -> Any:
        if is_time():
            die()
        return step(self, *arguments)

    torch.optim.SGD.step = killed  # type: ignore[method-assign]


def in_file(is_time: Callable[[], bool]) -> None:
    """In the middle of writing a checkpoint, the config or the picture."""
    write = Path.write_bytes

    def killed(self: Path, data: Any) -> int:
        if is_time():
            with self.open("wb") as file:
                file.write(data[: len(data) // 2])
            die()
        return write(self, data)

    Path.write_bytes = killed  # type: ignore[method-assign]


def before(owner: Any, name: str) -> Callable[[Callable[[], bool]], None]:
    """Right before a function is called."""

    def patch(is_time: Callable[[], bool]) -> None:
        function = getattr(owner, name)

        def killed(*arguments: Any, **options: Any) -> Any:
            if is_time():
                die()
            return function(*arguments, **options)

        setattr(owner, name, killed)

    return patch


def in_history(is_time: Callable[[], bool]) -> None:
    append = run_folder.append_history

    def killed(folder: Path, record: run_folder.EpochRecord) -> None:
        if is_time():
            with (folder / run_folder.HISTORY).open("a") as file:
                file.write(",".join(map(str, asdict(record).values()))[:25])
            die()
        append(folder, record)

    run_folder.append_history = killed


def in_cache(is_time: Callable[[], bool]) -> None:
    decode = image_cache._decode

    def killed(*arguments: Any, **options: Any) -> Any:
        if is_time():
            die()
        return decode(*arguments, **options)

    image_cache._decode = killed


POINTS: dict[str, Callable[[Callable[[], bool]], None]] = {
    "in a batch": in_step,
    "in a file": in_file,
    "before fsync": before(os, "fsync"),
    "before rename": before(Path, "replace"),
    "before the old one is kept": before(os, "link"),
    "in the history": in_history,
    "in the cache": in_cache,
}


# -------------------------------------------------------------------- the tests


@pytest.fixture(scope="module")
def start() -> Callable[..., multiprocessing.process.BaseProcess]:
    """A function that starts `train` in a new process that has already imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", "scene_recog.runner"])

    def start(*arguments: Any) -> multiprocessing.process.BaseProcess:
        process = context.Process(target=train, args=arguments)
        process.start()
        return process

    return start


@pytest.fixture(scope="module")
def whole(
    sketches: Path,
    start: Callable[..., multiprocessing.process.BaseProcess],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[str, float]:
    """(fingerprint, seconds) of the run that was never killed."""
    folder = tmp_path_factory.mktemp("whole")
    seconds = 0.0
    for name in ("first", "second"):
        data_dir = copy_of(sketches, folder / f"{name} data")
        begin = time.perf_counter()
        process = start(data_dir, folder / name)
        process.join()
        seconds = time.perf_counter() - begin
        assert process.exitcode == 0
    assert fingerprint(folder / "first") == fingerprint(folder / "second")
    return fingerprint(folder / "first"), seconds


def copy_of(sketches: Path, target: Path) -> Path:
    return Path(shutil.copytree(sketches, target, ignore=shutil.ignore_patterns(".*")))


def fingerprint(folder: Path) -> str:
    """A hash of everything in a checkpoint except times."""
    saved = read_checkpoint(folder / "checkpoint.pt")
    assert saved["epoch"] == EPOCHS
    history = [{**row, **NO_TIMES} for row in saved["history"]]
    rows = [{**row, **NO_TIMES} for row in read_history(folder)]
    assert rows == history
    digest = hashlib.sha256(repr(history).encode())
    digest.update(repr(saved["scheduler_state_dict"]).encode())
    weights = [*saved["model_state_dict"].items(), *saved["averaged_state_dict"].items()]
    for name, tensor in weights:
        digest.update(name.encode() + tensor.numpy().tobytes())
    for state in saved["optimizer_state_dict"]["state"].values():
        digest.update(state["momentum_buffer"].numpy().tobytes())
    best = read_checkpoint(folder / "best.pt")
    digest.update(repr(best["epoch"]).encode())
    return digest.hexdigest()


def is_intact(folder: Path) -> bool:
    """Whether there is a checkpoint; fails if it cannot be read."""
    found = False
    for path in (folder / "checkpoint.pt", previous_checkpoint(folder / "checkpoint.pt")):
        if path.exists():
            read_checkpoint(path)
            found = True
    return found


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize(
    "count", [2, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 3, 4, 7, 9))]
)
def test_killed_at_a_point(
    start: Callable[..., multiprocessing.process.BaseProcess],
    whole: tuple[str, float],
    sketches: Path,
    tmp_path: Path,
    point: str,
    count: int,
) -> None:
    data_dir = copy_of(sketches, tmp_path / "data")
    process = start(data_dir, tmp_path / "run", point, count)
    process.join()
    if process.exitcode == 0:  # it does not come that often to this point
        assert count > 2
    else:
        assert process.exitcode == -signal.SIGKILL
    is_intact(tmp_path / "run")
    process = start(data_dir, tmp_path / "run")
    process.join()
    assert process.exitcode == 0
    assert fingerprint(tmp_path / "run") == whole[0]
    assert not list((tmp_path / "run").glob(".*.part"))


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 21))]
)
def test_killed_at_any_moment(
    start: Callable[..., multiprocessing.process.BaseProcess],
    whole: tuple[str, float],
    sketches: Path,
    tmp_path: Path,
    seed: int,
) -> None:
    """Three kills in one run: the second and third hit a resumed run."""
    rng = random.Random(seed)
    data_dir = copy_of(sketches, tmp_path / "data")
    for _ in range(3):
        process = start(data_dir, tmp_path / "run")
        time.sleep(rng.uniform(0.1, 0.9) * whole[1])
        process.kill()
        process.join()
        is_intact(tmp_path / "run")
    process = start(data_dir, tmp_path / "run")
    process.join()
    assert process.exitcode == 0
    assert fingerprint(tmp_path / "run") == whole[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_in_an_epoch(
    start: Callable[..., multiprocessing.process.BaseProcess],
    whole: tuple[str, float],
    sketches: Path,
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    """Interrupted repeatedly: each time, the step is finished, saved, and resumed from."""
    data_dir = copy_of(sketches, tmp_path / "data")
    rng = random.Random(number)
    unfinished = set()
    process = start(data_dir, tmp_path / "run", "", 0, 0.02)
    while not has_finished(process, tmp_path / "run"):
        time.sleep(rng.uniform(0, 0.05))
        os.kill(process.pid or 0, number)
        process.join()
        if is_intact(tmp_path / "run"):
            saved = read_checkpoint(tmp_path / "run" / "checkpoint.pt")
            if "unfinished_epoch" in saved:
                unfinished.add((saved["epoch"], saved["unfinished_epoch"]["steps"]))
        process = start(data_dir, tmp_path / "run", "", 0, 0.02)
    assert fingerprint(tmp_path / "run") == whole[0]
    assert len(unfinished) > 2


def has_finished(process: multiprocessing.process.BaseProcess, folder: Path) -> bool:
    """Wait until the process locks the run's folder or ends; returns whether it has ended."""
    lock = folder / ".lock"
    while process.is_alive() and not (
        lock.exists() and f'"pid": {process.pid},' in lock.read_text()
    ):
        time.sleep(0.002)
    return not process.is_alive()
