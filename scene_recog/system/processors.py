"""Whether other programs keep the processors busy, asked before PyTorch is loaded."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path

STAT = Path("/proc/stat")  # Linux only
_MINE = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "OMP_NUM_THREADS")


def let_threads_sleep_if_busy() -> None:
    """On a busy machine, let torch's threads sleep while they wait for each other.

    By default they spin, which is fastest on a quiet machine. But on one where another program
    needs a core, a thread that spins keeps the one that it waits for from running. No result
    changes. Whatever the user has set stays, and nothing is done once torch is loaded, which reads
    the setting only then.
    """
    if "torch" in sys.modules or any(name in os.environ for name in _MINE):
        return
    cores, busy = _busy_cores()
    if busy > max(0.7, cores / 4):
        os.environ["OMP_WAIT_POLICY"] = "passive"


def _busy_cores(seconds: float = 0.1) -> tuple[int, float]:
    """The number of cores that we may use, and how many of them others use now; 0 if unknown."""
    before = _ticks()
    time.sleep(seconds)
    after = _ticks()
    cores = before.keys() & after.keys()
    if not cores:
        return 0, 0.0
    shares = [
        (after[core][0] - before[core][0]) / max(1, after[core][1] - before[core][1])
        for core in cores
    ]
    return len(cores), sum(shares)


def _ticks() -> dict[int, tuple[int, int]]:
    """For each core that we may use, the clock ticks since it started: busy, and all."""
    found = {}
    with suppress(OSError, ValueError, AttributeError):
        allowed = os.sched_getaffinity(0)
        for line in STAT.read_text(encoding="ascii").splitlines():
            name, *fields = line.split()
            if name.startswith("cpu") and name != "cpu" and int(name[3:]) in allowed:
                # user, nice, system, idle, waiting for disks, interrupts (2), stolen by other VMs
                ticks = [int(field) for field in fields[:8]]
                found[int(name[3:])] = (sum(ticks) - ticks[3] - ticks[4], sum(ticks))
    return found
