"""The notebooks as a person runs them: in JupyterLab in a browser, all cells, in quick mode."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from browsers import find_browser

from scene_recog.datasets.sketch15 import write_sketch15

REPOSITORY = Path(__file__).parents[2]
NOTEBOOKS = {"proj3.ipynb": 10, "lecture.ipynb": 0}  # with the least number of progress bars

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
]

# Without windowing, all cells are in the page, not only those on the screen.
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
DONE = r"""() => {
    const prompts = [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")];
    return prompts.every((prompt) => /\[\d+\]/.test(prompt.textContent)) ||
        document.querySelector("[data-mime-type='application/vnd.jupyter.error']") !== null;
}"""
MOST_BELOW_A_CELL = """(selector) => Math.max(
    ...[...document.querySelectorAll(".jp-CodeCell")]
        .map((cell) => cell.querySelectorAll(selector).length))"""


@pytest.fixture
def browser() -> str:
    """The path of Chromium or Chrome."""
    pytest.importorskip("jupyterlab", reason="JupyterLab is not installed")
    pytest.importorskip("playwright", reason="playwright is not installed")
    return find_browser()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The parts of the project that the notebooks need, and a few sketches as its data."""
    root = tmp_path / "project"
    for folder in ("scene_recog", "unit_tests", "docs"):
        shutil.copytree(
            REPOSITORY / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(REPOSITORY / "pyproject.toml", root)
    for name in NOTEBOOKS:
        notebook = json.loads((REPOSITORY / name).read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell.update(outputs=[], execution_count=None)
        (root / name).write_text(json.dumps(notebook), encoding="utf-8")
    write_sketch15(root / "data", train_per_class=20, test_per_class=4)
    return root


@contextmanager
def jupyterlab(root: Path) -> Iterator[str]:
    """Run JupyterLab in `root`, for this machine only, while the block runs; yields its address."""
    home = root.parent / "jupyter"
    for name, settings in SETTINGS.items():
        path = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        port = listener.getsockname()[1]
    environment = os.environ | {
        "SCENE_RECOG_NOTEBOOK": "quick",
        "OMP_NUM_THREADS": "1",  # chosen; else training says that the browser keeps it waiting
        "PYTHONPATH": str(root),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
    }
    options = [
        "--no-browser", "--allow-root", "--ip=localhost", f"--port={port}",
        "--IdentityProvider.token=", f"--ServerApp.root_dir={root}", "--LabApp.news_url=",
    ]  # fmt: skip
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyter", "lab", *options],
        env=environment, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(f"http://localhost:{port}/api")
        yield f"http://localhost:{port}/lab/tree"
    finally:
        server.terminate()
        server.wait()


def wait_for(url: str) -> None:
    """Return once the server responds."""
    for _ in range(300):
        try:
            urllib.request.urlopen(url).close()
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail("JupyterLab did not start")


def texts(page: Any, kind: str) -> list[str]:
    """The outputs of one kind: "error", "stderr" or "stdout"."""
    found = page.locator(f"[data-mime-type='application/vnd.jupyter.{kind}']").all_inner_texts()
    return [text for text in found if text.strip()]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_all_cells_run_and_nothing_floods_the_page(browser: str, project: Path, name: str) -> None:
    from playwright.sync_api import sync_playwright

    messages: list[str] = []
    with jupyterlab(project) as url, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browser,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = chromium.new_page(viewport={"width": 1300, "height": 1000})
        page.on("console", lambda m: messages.append(m.text) if m.type == "error" else None)
        page.goto(f"{url}/{name}")
        page.get_by_text(re.compile(r"\| Idle$")).wait_for(timeout=120_000)  # the kernel is there
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        page.wait_for_function(DONE, timeout=800_000, polling=500)
        assert texts(page, "error") == []
        assert texts(page, "stderr") == []
        assert messages == []
        bars = re.findall(r"epochs: +(\d+)%", "\n".join(texts(page, "stdout")))
        assert len(bars) >= NOTEBOOKS[name]
        assert set(bars) <= {"100"}  # the text of each bar replaces the text before
        # A cell trains, then draws. A bar that goes away would leave an empty output.
        assert 1 <= page.evaluate(MOST_BELOW_A_CELL, ".jp-OutputArea-child") <= 6
        chromium.close()
