"""What several verbs share. Nothing heavy is imported, so that `--help` answers at once."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    Verbs: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]

RUNS_DIR = Path("model_checkpoints")


def add_device(verb: argparse.ArgumentParser) -> None:
    """Add `--device`."""
    verb.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps")


def add_json(verb: argparse.ArgumentParser) -> None:
    """Add `--json`."""
    verb.add_argument("--json", action="store_true", help="print JSON")


def print_json(value: Any) -> None:
    """Print plain data as indented JSON, in ASCII."""
    print(json.dumps(value, indent=2))
