"""The workflows call steps of `.ci/run`, and all of them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
WORKFLOWS = {
    path.name: path.read_text(encoding="utf-8")
    for path in (ROOT / ".github" / "workflows").glob("*.yml")
}


def listed(text: str, key: str) -> list[str]:
    """The words in a line such as `key: [a, b]`."""
    found = re.search(rf"{key}: \[(.*)\]", text)
    assert found is not None
    return [word.strip(' "') for word in found[1].split(",")]


def test_workflows_run_the_steps_of_ci() -> None:
    assert "set -- all\n" in CI
    by_default = " ".join(re.findall(r"\./\.ci/run ([a-z ]+)", CI)).split()
    steps = listed(WORKFLOWS["checks.yml"], "step")
    named = " ".join(re.findall(r"\.ci/run ([a-z ]+)", "".join(WORKFLOWS.values()))).split()
    assert {*steps, *named} == {*by_default, "slow"}
    for step in {*steps, *named}:
        assert f"\n{step}() {{" in CI


def test_every_python_that_is_promised_is_tried_on_every_system() -> None:
    pythons = listed(WORKFLOWS["checks.yml"], "python")
    promised = re.search(r'requires-python = ">=(.*)"', (ROOT / "pyproject.toml").read_text())
    assert promised is not None
    assert pythons == [f"3.{minor}" for minor in range(10, 15)]
    assert pythons[0] == promised[1]
    assert listed(WORKFLOWS["checks.yml"], "os") == [
        "ubuntu-latest", "macos-latest", "windows-latest"
    ]  # fmt: skip
