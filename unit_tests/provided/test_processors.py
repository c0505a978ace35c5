"""Threads sleep while they wait if other programs are busy when a command starts."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from scene_recog.system import processors

QUIET = "cpu  0 0 0 0 0 0 0 0\n" + "".join(f"cpu{n} 5 5 5 900 9 0 0 0 0 0\n" for n in range(8))


def after(busy: dict[int, int]) -> str:
    """The file a tenth of a second later, when some cores have been busy for so many ticks."""
    lines = [
        f"cpu{n} {5 + ticks // 2} 5 5 {910 - ticks} 9 0 0 {ticks - ticks // 2} 0 0\n"
        for n in range(8)
        for ticks in [busy.get(n, 0)]
    ]
    return "intr 7\n" + "".join(lines)


@pytest.mark.parametrize(
    ("allowed", "busy", "sleeps"),
    [
        (2, {}, False),
        (2, {0: 3, 1: 2}, False),  # a burst
        (2, {1: 10}, True),
        (2, {0: 10, 1: 10}, True),
        (2, {5: 10, 6: 10}, False),  # not our cores
        (8, {0: 10, 1: 9}, False),  # six are free
        (8, {0: 10, 1: 9, 4: 10}, True),
    ],
)
def test_threads_sleep_beside_other_programs(
    allowed: int,
    busy: dict[int, int],
    sleeps: bool,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    stat = tmp_path / "stat"
    stat.write_text(QUIET)
    monkeypatch.setattr(processors, "STAT", stat)
    monkeypatch.setattr(processors.time, "sleep", lambda _: stat.write_text(after(busy)))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(allowed)), raising=False)
    assert policy(monkeypatch) == ("passive" if sleeps else None)


def test_what_the_user_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processors, "_busy_cores", lambda: (2, 2.0))
    assert policy(monkeypatch) == "passive"
    assert policy(monkeypatch, OMP_WAIT_POLICY="active") == "active"
    assert policy(monkeypatch, OMP_NUM_THREADS="2") is None


def test_a_system_without_that_file_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(processors, "STAT", tmp_path / "missing")
    assert policy(monkeypatch) is None


def policy(monkeypatch: pytest.MonkeyPatch, **environment: str) -> str | None:
    """The waiting policy after the question, as if torch were not loaded yet."""
    with monkeypatch.context() as patch:
        patch.delitem(sys.modules, "torch", raising=False)
        for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "OMP_NUM_THREADS"):
            patch.delenv(name, raising=False)
        for name, value in environment.items():
            patch.setenv(name, value)
        processors.let_threads_sleep_if_busy()
        return os.environ.pop("OMP_WAIT_POLICY", None)
