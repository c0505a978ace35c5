"""Freed memory is used again, rather than returned to the system and cleared by it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# Page faults of twenty tensors of 28 MB, one after the other.
FAULTS = """
import resource, sys
import torch
from scene_recog.system.memory import freed_memory_kept

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.zeros(7_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

as_it_is = faults()
with freed_memory_kept():
    torch.zeros(7_000_000)
    kept, before = faults(), resident()
print(as_it_is, kept, before - resident())
"""

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(os, "confstr") or "glibc" not in (
        os.confstr("CS_GNU_LIBC_VERSION") or ""
    ),
    reason="only glibc is asked to keep memory",
)  # fmt: skip


def measured(**environment: str) -> list[int]:
    """Page faults before and after, and the bytes that were returned in the end."""
    unset = {key: value for key, value in os.environ.items() if not key.startswith("MALLOC_")}
    finished = subprocess.run(
        [sys.executable, "-c", FAULTS], env={**unset, **environment}, capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stderr
    return [int(number) for number in finished.stdout.split()]


def test_freed_memory_is_kept_and_returned_in_the_end() -> None:
    as_it_is, kept, returned = measured()
    assert as_it_is > 1_000  # 20 * 28 MB in pages, perhaps large ones
    assert kept < as_it_is / 5
    assert returned > 20_000_000


def test_what_the_user_has_set_stays() -> None:
    as_it_is, kept, _ = measured(MALLOC_MMAP_THRESHOLD_="131072")
    assert kept > as_it_is / 2
