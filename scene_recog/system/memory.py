"""The memory of the machine, and freed memory, which stays with the process that soon needs it.

A training step allocates and frees maps of many megabytes. By default, the C library returns each
to the system and gets new pages, which the system must clear, and which cost up to a third of an
epoch.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

# <malloc.h> of glibc
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_MOST_KEPT, _LARGEST = 1 << 30, 1 << 25  # bytes; glibc takes no more for a block


@cache
def keep_freed_memory() -> None:
    """Keep up to 1 GiB of freed memory, in blocks of up to 32 MiB.

    Only on Linux with glibc, and if the user has set nothing. The most that is used at once stays
    the same.
    """
    if (libc := _glibc()) is not None:
        libc.mallopt(_MMAP_THRESHOLD, _LARGEST)
        libc.mallopt(_TRIM_THRESHOLD, _MOST_KEPT)


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Keep freed memory while the block runs, then give it back to the system."""
    keep_freed_memory()
    try:
        yield
    finally:
        if (libc := _glibc()) is not None:
            libc.malloc_trim(0)


def physical_memory() -> int | None:
    """The bytes of memory that this machine has; None if unknown (Windows)."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


@cache
def _glibc() -> Any:
    names = ("GLIBC_TUNABLES", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")
    is_set = any(name in os.environ for name in names)
    if sys.platform != "linux" or is_set:
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
