"""Several processes train one model: `torchrun --nproc-per-node=2 -m scene_recog train`.

torchrun starts the processes, watches them, and restarts them if one dies (`--max-restarts`). Each
computes gradients on its part of every batch, and `DistributedDataParallel` averages them, so that
all take the same step (Li et al. 2020). Without torchrun, there is one process: rank 0 of 1.

Only functions that need torch import it: progress bars ask for `rank` before anything else.
"""

from __future__ import annotations

import os
import socket
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import torch
    from torch import nn

T = TypeVar("T")


def launched() -> bool:
    """Whether torchrun started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def rank() -> int:
    """Number of this process; process 0 writes files and prints."""
    return int(os.environ["RANK"]) if launched() else 0


def local_rank() -> int:
    """Number of this process on its machine, hence of its GPU."""
    return int(os.environ["LOCAL_RANK"]) if launched() else 0


def world_size() -> int:
    """Number of processes on all machines."""
    return int(os.environ["WORLD_SIZE"]) if launched() else 1


def launch_id() -> str | None:
    """An id shared by the processes of a launch and their restarts; None without torchrun.

    It is torchrun's `--rdzv-id`, or else names torchrun, which is the parent of the processes and
    outlives them.
    """
    if not launched():
        return None
    given = os.environ["TORCHELASTIC_RUN_ID"]
    return f"{socket.gethostname()}-{os.getppid()}" if given == "none" else given


@contextmanager
def process_group(device: str) -> Iterator[None]:
    """Join the processes of this launch while the block runs: NCCL between GPUs, gloo on the CPU.

    If another process dies in the middle of a step, this one says so and exits with code 1.
    """
    if not launched():
        yield
        return
    import torch
    from torch.distributed.distributed_c10d import PrefixStore
    from torch.distributed.rendezvous import rendezvous

    on_gpu = device.startswith("cuda") or (device == "auto" and torch.cuda.is_available())
    if on_gpu:
        torch.cuda.set_device(local_rank())
    try:
        store, _, _ = next(rendezvous("env://"))
        torch.distributed.init_process_group(
            "nccl" if on_gpu else "gloo",
            store=PrefixStore(_name_of_this_start(store), store),
            rank=rank(),
            world_size=world_size(),
        )
        yield
    except RuntimeError as error:
        if not _is_lost_contact(error):
            raise
        print(
            f"scene-recog: process {rank()} of {world_size()} lost contact with another, which has "
            "ended or cannot be reached, and stops too. With torchrun --max-restarts=3, all "
            "restart and resume from the last checkpoint.",
            file=sys.stderr,
        )
        sys.stderr.flush()
        os._exit(1)  # a normal exit would wait for the one that is gone
    torch.distributed.barrier()  # a process that leaves early would look dead
    torch.distributed.destroy_process_group()


def _name_of_this_start(store: Any) -> str:
    """A name that the processes share, and none from before a restart knows.

    torchrun's store may still have the addresses of processes that have ended, and the counts of
    restarts differ between machines when one of them was replaced. So each process leaves a name
    of its own, process 0 answers whatever it finds, and only those that are alive reply.
    """
    mine = uuid.uuid4().hex
    if rank() > 0:
        store.set(f"name of {rank()}", mine)
        name: str = store.get(f"answer to {mine}").decode()
        store.set(f"{rank()} has joined {name}", "")
        return name
    missing = set(range(1, world_size()))
    deadline = time.monotonic() + store.timeout.total_seconds()
    while missing:
        if time.monotonic() > deadline:
            raise RuntimeError(f"timed out waiting for processes {sorted(missing)}")
        for each in list(missing):
            if store.check([f"{each} has joined {mine}"]):
                missing.remove(each)
            elif store.check([f"name of {each}"]):
                store.set(f"answer to {store.get(f'name of {each}').decode()}", mine)
        time.sleep(0.05)
    return mine


def _is_lost_contact(error: RuntimeError) -> bool:
    import torch

    text = str(error).lower()
    signs = ("gloo", "nccl", "connection closed", "connection reset", "timed out", "broken pipe")
    return isinstance(error, torch.distributed.DistError) or any(sign in text for sign in signs)


def from_rank_zero(make: Callable[[], T]) -> T:
    """The result of `make()` in process 0, for every process; the others do not call it."""
    if not _joined():
        return make()
    import torch

    box: list[Any] = [make() if rank() == 0 else None]
    torch.distributed.broadcast_object_list(box, src=0)
    result: T = box[0]
    return result


def from_each(value: T) -> list[T]:
    """The values of all processes, in the order of their numbers."""
    if not _joined():
        return [value]
    import torch

    values: list[Any] = [None] * world_size()
    torch.distributed.all_gather_object(values, value)
    return values


@contextmanager
def one_first() -> Iterator[None]:
    """Run the block in each machine's first process before the others, which find its files."""
    if _joined() and local_rank() > 0:
        _barrier()
    yield
    if _joined() and local_rank() == 0:
        _barrier()


def total(values: torch.Tensor) -> torch.Tensor:
    """The sum of a tensor over all processes."""
    if _joined():
        import torch

        torch.distributed.all_reduce(values)
    return values


def share_buffers(model: nn.Module) -> None:
    """Give all processes the buffers (batch norm's running averages) of process 0."""
    if _joined():
        import torch

        for buffer in model.buffers():
            torch.distributed.broadcast(buffer, src=0)


def _joined() -> bool:
    if not launched():
        return False
    import torch

    return torch.distributed.is_initialized()


def _barrier() -> None:
    import torch

    torch.distributed.barrier()
