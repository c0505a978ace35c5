"""Slow tests run only if -m names them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNIT_TESTS = Path(__file__).parents[1]
TESTS = """
import pytest

@pytest.mark.slow
def test_slow(): pass

def test_quick(): pass
"""


@pytest.mark.parametrize(
    ("options", "run"),
    [
        ([], {"test_quick"}),
        (["-m", "not skip"], {"test_quick"}),
        (["-m", "slow"], {"test_slow"}),
        (["-m", "slow or not slow"], {"test_quick", "test_slow"}),
    ],
)
def test_slow_tests(tmp_path: Path, options: list[str], run: set[str]) -> None:
    for name in ("conftest.py", "steps.py"):
        shutil.copy(UNIT_TESTS / name, tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = slow\n")
    (tmp_path / "test_two.py").write_text(TESTS)
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--collect-only", *options],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = {line.split("::")[1] for line in result.stdout.splitlines() if "::" in line}
    assert found == run
