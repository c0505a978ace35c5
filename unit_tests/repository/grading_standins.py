"""Verdicts and submissions for testing the grader's reports; nothing is judged."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

from scene_recog.assignment import STEPS
from scene_recog.submission import ABOUT, NOTEBOOK, STEP_FILES
from scene_recog.system.files import zipped
from teaching.grading.verdict import FileVerdict, TestResult, Trained, Verdict
from teaching.receiving import Received

HOSTILE = (
    "</pre><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "&lt;b&gt; &amp;",
    "]]> --> <!--",
    "```\n# heading\n```` ![x](http://evil.example/x.png) [x](javascript:alert(1))",
    "<http://evil.example> https://evil.example www.evil.example @everyone #1",
    "| a | b |\n|---|---|",
    "=HYPERLINK(\"http://evil.example\")",
    "+1", "-1", "@SUM(A1)", "\t=1+1", "x;=1+1", "'=1", "a,b\"c\"",
    "line\r\nbreak\n\n\nmore", "nul\0esc\x1b[31m bell\a",
    "\u202egnp.exe \u2066isolate\u2069 zero\u200bwidth", "half \ud800 character",
    "x" * 100_000, "y\n" * 50_000, "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢", "日本語 Ünï 🎓",
)  # fmt: skip
TESTS = ("test_learning_rate_is_the_config_s[0.1]", "test_loss_is_the_mean", "test_one", "test_two")


def four(passed: int, words: str = "", outcome: str = "failed") -> list[TestResult]:
    """Four tests, some of which pass."""
    return [
        TestResult(name, "passed") if place < passed else TestResult(name, outcome, words)  # type: ignore[arg-type]
        for place, name in enumerate(TESTS)
    ]


def verdict_of(passed: int = 4, hidden: int = 4, words: str = "expected 1, got 2") -> Verdict:
    """All eight files with the same tests."""
    return Verdict(
        files={file: FileVerdict(four(passed, words), four(hidden)) for file in STEPS},
        trained={"SimpleNet": Trained(0.5, 56_895), "SimpleNetFinal": Trained(0.81, 78_000)},
        seconds=12.34,
        peak_memory=10**9,
    )


def hostile_verdict(text: str) -> Verdict:
    """The text in every place where a student can put one."""
    return Verdict(
        notices=[text],
        files={
            "optimizer": FileVerdict(
                [TestResult(text, "failed", text), *four(2, text)],
                [TestResult(text, "failed"), *four(3)],
                text, [text],
            ),
            "dl_utils": FileVerdict(four(1, text), four(1), signs=[text], is_tampered=True),
        },
        trained={"SimpleNet": Trained(problem=text)},
    )  # fmt: skip


def submission(source: str = "x = 1\n", name: str | None = None) -> dict[str, bytes]:
    """A complete submission with identical files."""
    files = {name: source.encode() for name in STEP_FILES.values()}
    notebook = {"cells": [{"cell_type": "code", "source": ["own = 1"], "metadata": {}}]}
    files[NOTEBOOK] = json.dumps(notebook).encode()
    files[ABOUT] = json.dumps({"format": 1, "name": name}).encode()
    return files


def write_zip(path: Path, files: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(zipped(files))
    return path


def judge(received: Received, log: Path) -> Verdict:
    """Does what the student's image_loader.py says, and adds a line to `log`."""
    with log.open("a") as file:
        file.write("judged\n")
    source = received.files.get("scene_recog/image_loader.py", b"").decode(errors="replace")
    word, _, rest = source.partition("\n")[0].partition(" ")
    if word == "crash":
        raise RuntimeError("secret place /home/teacher")
    if word == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if word == "exit":
        os._exit(0)
    if word == "hang":
        time.sleep(float(rest or 600))
    if word == "hostile":
        return hostile_verdict(HOSTILE[int(rest)])
    if word == "passed":
        return verdict_of(int(rest), int(rest))
    return verdict_of()
