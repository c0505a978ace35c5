"""The command line: `scene-recog <verb> ...`. Results on stdout, progress and notices on stderr.

Exit codes: 0 done; 1 done, and something was found to be wrong; 2 the request cannot be
met, one line on stderr says why; 130 stopped with Ctrl-C, 143 with SIGTERM.

A file for each group of verbs: its `add_parsers` adds them, with their arguments and the function
that runs them. torch is imported by the verbs that need it, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from scene_recog import __version__
from scene_recog.assignment import explain_error
from scene_recog.cli import data, doctor, ensemble, evaluate, info, pack, runs, submit, train
from scene_recog.cli.common import keeping_stdout_for_json
from scene_recog.cli.guide import add_examples, first_steps
from scene_recog.system.text import in_one_line

GROUPS = (train, doctor, ensemble, evaluate, runs, data, info, pack, submit)
PACKAGE_DIR = Path(__file__).parent.parent


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    for stream in (sys.stdout, sys.stderr):  # names that a console cannot show are escaped
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # matplotlib talks at length where home cannot be written to
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    parser = make_parser()
    args = parser.parse_args(argv)
    if "run" not in args:
        print(f"{parser.format_help()}\n{first_steps()}")
        return 0
    try:
        with keeping_stdout_for_json(getattr(args, "json", False)):
            return int(args.run(args))
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        message = message_of(error)
        if message is None:
            raise
        print(f"scene-recog: {message}", file=sys.stderr)
        return 2


def make_parser() -> argparse.ArgumentParser:
    """The parser of all verbs; each sets `run`, a function of the parsed arguments."""
    parser = argparse.ArgumentParser(
        prog="scene-recog",
        description="Scene recognition with SimpleNet, trained from scratch.",
    )
    parser.add_argument("--version", action="version", version=f"scene-recog {__version__}")
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND")
    for group in GROUPS:
        group.add_parsers(verbs)
    add_examples(verbs)
    return parser


def message_of(error: Exception, *folders: Path) -> str | None:
    """What to tell the user; None for a bug of ours, which keeps its traceback.

    Args:
        error: with its traceback.
        folders: where our own code is, besides this package.
    """
    message = _message_of(error, (PACKAGE_DIR, *folders))
    return message and "\n".join(map(in_one_line, message.split("\n")))


def _message_of(error: Exception, folders: tuple[Path, ...]) -> str | None:
    if (line := explain_error(error)) is not None:
        return line
    if isinstance(error, ValueError | FileNotFoundError | FloatingPointError):
        # Raised on purpose in our own code; another library's error is a bug.
        frames = traceback.extract_tb(error.__traceback__)
        ours = bool(frames) and any(map(Path(frames[-1].filename).is_relative_to, folders))
        return str(error) if ours else None
    if isinstance(error, RuntimeError) and "home directory" in str(error):  # Path.expanduser
        return "a path begins with ~, but that home folder is not known here: write the path out"
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}"
    return None
