"""Checkpoints on disk: written whole or not at all, read without running what is in them."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch


def write_atomically(path: Path, write: Any) -> None:
    """Call `write(temporary_path)`, then rename: the old file stays until the new one is complete.

    Args:
        path: the final name.
        write: a function of one path in the same folder, that writes the file there.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(part)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_checkpoint(path: Path, contents: dict[str, Any]) -> None:
    """Write tensors and plain data (dict, list, str, numbers) as a checkpoint, atomically."""
    write_atomically(path, lambda part: torch.save(contents, part))


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is damaged, no checkpoint, or holds more than tensors and plain data.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint at {path}")
    if not zipfile.is_zipfile(path):  # what torch.save writes is a zip
        raise ValueError(f"{path} is damaged or no checkpoint")
    try:
        contents = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ValueError(f"{path} is damaged or no checkpoint ({reason[:80]})") from error
    if not isinstance(contents, dict) or "model_state_dict" not in contents:
        raise ValueError(f"{path} is no checkpoint of a training run: it has no model_state_dict")
    return contents
