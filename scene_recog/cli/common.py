"""What several verbs share. Nothing heavy is imported, so that `--help` answers at once."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from scene_recog.system.processors import let_threads_sleep_if_busy
from scene_recog.system.text import reason_of

if TYPE_CHECKING:
    Verbs: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]

RUNS_DIR = Path("model_checkpoints")


def add_device(
    verb: argparse.ArgumentParser, default: str | None = "auto", otherwise: str = "auto"
) -> None:
    """Add `--device`; `otherwise` says for the help what is taken without it."""
    verb.add_argument(
        "--device", default=default, help=f"auto, cpu, cuda, cuda:1 or mps (default: {otherwise})"
    )


def add_json(verb: argparse.ArgumentParser) -> None:
    """Add `--json`."""
    verb.add_argument("--json", action="store_true", help="print JSON")


_json_stream: ContextVar[Any] = ContextVar("json_stream", default=None)


@contextmanager
def keeping_stdout_for_json(wanted: bool) -> Iterator[None]:
    """Send anything else that is printed, perhaps by a student's function, to stderr meanwhile."""
    if not wanted:
        yield
        return
    token = _json_stream.set(sys.stdout)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _json_stream.reset(token)


def print_json(value: Any) -> None:
    """Print plain data as indented JSON, in ASCII."""
    print(json.dumps(value, indent=2), file=_json_stream.get())


def load_torch(*, to_compute: bool = False) -> None:
    """Load PyTorch, which takes seconds; a terminal shows that until it is done.

    Args:
        to_compute: with its threads, which then suit a busy machine (a tenth of a second to see).

    Raises:
        ValueError: it cannot be loaded.
    """
    text = "Loading PyTorch ..." if sys.stderr.isatty() and "torch" not in sys.modules else ""
    print(text, end="", file=sys.stderr, flush=True)
    if to_compute:
        let_threads_sleep_if_busy()
    try:
        import torchvision  # noqa: F401
    except (ImportError, OSError, RuntimeError) as error:
        raise ValueError(
            f"PyTorch cannot be loaded ({reason_of(error)}): torch and torchvision must be of one "
            "release and one build (CPU or CUDA); install both again: "
            "pip install --force-reinstall torch torchvision"
        ) from error
    finally:
        print("\r" + " " * len(text) + "\r" if text else "", end="", file=sys.stderr, flush=True)


def in_columns(lines: dict[str, str]) -> str:
    """Commands and what each does, a line each, as a reader would paste it into a shell."""
    width = max(map(len, lines))
    return "\n".join(f"  {command:{width}}  # {what}" for command, what in lines.items())
