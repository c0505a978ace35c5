"""Run the worker in the sandbox and say how it ended: a process of its own beside the grader.

    python -m teaching.grading.watching DESCRIPTOR PARENT < JSON

The grader forks; a process that has threads, or whose children others wait for, should not.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

from teaching import sandbox
from teaching.sandbox_launcher import die_with_parent


def main() -> None:
    """Read what to run, run it, and write the outcome in JSON."""
    die_with_parent()  # if the grader is killed, or the child of it that has started this
    if os.getppid() != int(sys.argv[2]):
        return
    channel = socket.socket(fileno=int(sys.argv[1]))
    spec = json.load(sys.stdin)
    try:
        outcome = sandbox.run(
            spec["command"],
            Path(spec["folder"]),
            limits=sandbox.Limits(**spec["limits"]),
            readable=[Path(each) for each in spec["readable"]],
            hidden=[Path(each) for each in spec["hidden"]],
            environment=spec["environment"],
            channel=channel,
        )
    except sandbox.SandboxError as error:
        print(json.dumps({"error": str(error)}))
        return
    said = {
        "ended_for": outcome.ended_for,
        "peak_rss": outcome.peak_rss,
        "stdout": outcome.stdout.decode(errors="replace"),
        "stderr": outcome.stderr.decode(errors="replace"),
    }
    print(json.dumps(said))


if __name__ == "__main__":
    main()
