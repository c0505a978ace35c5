"""Run the notebook as a person does: in JupyterLab, in a browser, all cells; then look at it.

    pip install playwright && python benchmarks/notebook_in_jupyterlab.py FOLDER

Needs the extra `notebook` and Chromium or Chrome. Works on a copy of the tracked files in quick
mode. Writes screenshots from top to bottom into FOLDER; exit code 1 if a cell failed, something
was written to stderr, the page logged an error, or progress bars flood the page.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PAGE = ".jp-WindowedPanel-outer"
LIMIT = 600  # seconds for all cells


def main() -> None:
    """Run the notebook, take screenshots, print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        parser.error("no Chromium or Chrome here")

    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        copy_tracked_files(root)
        port = free_port()
        server = start_jupyterlab(root, port)
        try:
            wait_for(f"http://localhost:{port}/api")
            problems = look(browser, f"http://localhost:{port}/lab/tree/proj3.ipynb", folder)
        finally:
            server.terminate()
            server.wait()
    print("\n".join(problems) or "no cell failed, nothing on stderr or in the console")
    raise SystemExit(1 if problems else 0)


def copy_tracked_files(root: Path) -> None:
    """Copy what git tracks, as it is on disk now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, root / name)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        return int(listener.getsockname()[1])


def start_jupyterlab(root: Path, port: int) -> subprocess.Popen[bytes]:
    """Start JupyterLab in `root`, for this machine only."""
    environment = os.environ | {"SCENE_RECOG_NOTEBOOK": "quick", "PYTHONPATH": str(root)}
    options = [
        "--no-browser", "--allow-root", "--ip=localhost", f"--port={port}",
        "--IdentityProvider.token=", f"--ServerApp.root_dir={root}", "--LabApp.news_url=",
    ]  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "jupyter", "lab", *options],
        env=environment,
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def wait_for(url: str) -> None:
    """Return when the server answers."""
    for _ in range(120):
        try:
            urllib.request.urlopen(url).close()
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.5)
    raise SystemExit("JupyterLab did not start")


def look(browser: str, url: str, folder: Path) -> list[str]:
    """Run all cells and take screenshots; what is wrong, a line each."""
    from playwright.sync_api import sync_playwright

    messages: list[str] = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browser,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = chromium.new_page(viewport={"width": 1300, "height": 1000})
        page.on("console", lambda m: messages.append(m.text) if m.type == "error" else None)
        page.goto(f"{url}?reset")
        page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
        page.wait_for_timeout(5000)  # the kernel starts
        page.click(".jp-Notebook .jp-Cell")
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        seconds = wait_until_idle(page)
        found: dict[str, list[str]] = {"error": [], "stderr": []}
        bars, outputs, number, top = 0, 0, 0, 0
        # Cells that are not on the screen are not in the page: look while scrolling.
        while top < page.evaluate(f"document.querySelector('{PAGE}').scrollHeight"):
            page.evaluate(f"document.querySelector('{PAGE}').scrollTop = {top}")
            page.wait_for_timeout(600)
            page.screenshot(path=folder / f"{number:02d}.png")
            for kind, texts in found.items():
                selector = f"[data-mime-type='application/vnd.jupyter.{kind}']"
                texts += page.locator(selector).all_inner_texts()
            bars = max(bars, most_of_a_cell(page, ".widget-hprogress"))
            outputs = max(outputs, most_of_a_cell(page, ".jp-OutputArea-child"))
            number, top = number + 1, top + 850
        chromium.close()
    print(f"all cells ran in {seconds:.0f} s; {number} screenshots in {folder}")
    print(f"at most {bars} progress bars and {outputs} outputs below a cell")
    notices = {text.strip() for text in found["stderr"] if "using drawn sketches" not in text}
    problems = [f"a cell failed: {text}" for text in sorted(set(found["error"]))]
    problems += [f"stderr: {text}" for text in sorted(notices - {""})]
    problems += [f"console: {text}" for text in messages]
    # A cell trains up to four times and then draws. A bar that goes away leaves an empty output.
    if not 1 <= bars <= 4 or outputs > 6:
        problems.append("expected 1 to 4 progress bars and at most 6 outputs below a cell")
    return problems


def wait_until_idle(page: Any) -> float:
    """Seconds until no cell waits for its turn."""
    start = time.perf_counter()
    status = "document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status"
    page.wait_for_timeout(10_000)
    while page.evaluate(status) != "idle":
        if time.perf_counter() - start > LIMIT:
            raise SystemExit(f"the notebook was not done after {LIMIT} s")
        page.wait_for_timeout(1000)
    return time.perf_counter() - start


def most_of_a_cell(page: Any, selector: str) -> int:
    """The largest number of such elements below one of the cells on the screen."""
    count = "(selector) => Math.max(0, ...[...document.querySelectorAll('.jp-CodeCell')]"
    count += ".map((cell) => cell.querySelectorAll(selector).length))"
    return int(page.evaluate(count, selector))


if __name__ == "__main__":
    main()
