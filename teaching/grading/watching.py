"""Run the worker in the sandbox and report how it ended, in a process beside the grader.

    python -m teaching.grading.watching DESCRIPTOR PARENT < JSON

The grader forks, which a process with threads, or with children that others wait for, should not.
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
    """Read what to run, run it, and write the outcome as JSON."""
    die_with_parent()  # if the grader is killed, or its child that started this
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
