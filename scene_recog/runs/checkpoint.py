"""Checkpoints on disk: written completely or not at all, and read without running any code."""

from __future__ import annotations

import io
import os
import pickle
import pickletools
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import torch

from scene_recog.system.files import write_atomically
from scene_recog.system.text import in_one_line, reason_of

# The names in a pickle of tensors and plain data. `weights_only` allows more, for instance
# bytearray(10**11).
_NAMED_IN_CHECKPOINTS = {
    "collections OrderedDict",
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_parameter",
}
# The first bytes of files from torch.save before 1.6: a pickle of this number.
_OLD_FORMAT = pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2)


# -------------------------------------------------------------------- writing


def write_checkpoint(path: Path, contents: dict[str, Any], *, keep_previous: bool = False) -> None:
    """Write tensors and plain data (dict, list, str, numbers) as a checkpoint.

    An existing file keeps its name until the new one is complete and has been read back.

    Args:
        path: the file.
        contents: what to write.
        keep_previous: keep the existing file, under the name of `previous_checkpoint`.

    Raises:
        OSError: it cannot be written; existing files are unchanged.
    """

    def keep() -> None:
        if keep_previous and path.is_file():
            _keep(path)

    write_data(path, contents, before_rename=keep)


def write_data(
    path: Path, contents: Any, *, before_rename: Callable[[], None] = lambda: None
) -> None:
    """Write tensors and plain data for `read_data`; `before_rename` is called once it is written.

    Raises:
        OSError: it cannot be written; an existing file is unchanged.
    """
    buffer = io.BytesIO()  # torch's own file writer hides the reason when a disk is full
    torch.save(contents, buffer)

    def write(part: Path) -> None:
        part.write_bytes(buffer.getbuffer())
        try:
            _check_zip(part)
        except ValueError as error:
            raise OSError(f"{path} was not stored correctly: {error}") from error
        before_rename()

    write_atomically(path, write)


def require_storable(contents: dict[str, Any]) -> None:
    """Check that `write_checkpoint` can write this and `read_checkpoint` can read it.

    Raises:
        ValueError: something in it is neither a tensor nor plain data; the message says where.
    """
    for key, value in contents.items():
        buffer = io.BytesIO()
        try:
            torch.save(value, buffer)
            foreign = _foreign_names(buffer, buffer.tell())
        except Exception as error:  # pickling can raise nearly anything
            raise ValueError(f"the run could not be saved: {key}: {reason_of(error)}") from error
        if foreign:
            named = [name for name in foreign if not name.startswith("_")] or foreign
            name = named[0].replace(" ", ".")
            raise ValueError(
                f"the run could not be saved: its {key} holds {name}, and only tensors, numbers, "
                "text, lists and dicts can be stored safely"
            )


def previous_checkpoint(path: Path) -> Path:
    """The path of the checkpoint before this one: `checkpoint.previous.pt`."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def _keep(path: Path) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.kept.part")
    with suppress(OSError, ValueError):  # without it there is still the current one
        _check_zip(path)  # a damaged file must not replace a good one
        try:
            os.link(path, part)
        except OSError:  # a file system without hard links
            shutil.copyfile(path, part)
        part.replace(previous_checkpoint(path))
    with suppress(OSError):
        part.unlink(missing_ok=True)


# -------------------------------------------------------------------- reading


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU.

    Its size, its checksums and the names in its pickle are checked before torch reads it, so that
    a file from a stranger cannot run code or use more memory than its own size.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is damaged, not a checkpoint, or holds anything besides tensors and plain
            data, or weights that are not finite. If the checkpoint before it is good, the message
            says so.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint at {path}")
    try:
        return _read(path)
    except ValueError as error:
        message = in_one_line(str(error))  # it may quote the file's contents
        previous = previous_checkpoint(path)
        try:
            epoch = _read(previous).get("epoch", 0)
        except (OSError, ValueError):
            raise ValueError(message) from error
        raise ValueError(
            f"{message}; the one before it, {previous} (epoch {epoch}), is good: "
            f"scene-recog train --resume {previous}"
        ) from error


def read_data(path: Path) -> Any:
    """The contents of a file from `torch.save`, if they are tensors and plain data.

    Raises:
        ValueError: it is damaged, or holds anything else.
    """
    _check_zip(path)
    try:
        contents = torch.load(path, map_location="cpu", weights_only=True)
        for name, tensor in _tensors(contents):
            size = tensor.numel() * tensor.element_size()
            if tensor.is_sparse or size > tensor.untyped_storage().nbytes():
                raise ValueError(f"{name} is larger than its data")
    except Exception as error:  # a damaged pickle can raise nearly anything, MemoryError too
        raise ValueError(
            f"{path} is damaged or not a checkpoint ({reason_of(error)[:80]})"
        ) from error
    return contents


def _read(path: Path) -> dict[str, Any]:
    contents = read_data(path)
    if not isinstance(contents, dict) or not isinstance(contents.get("model_state_dict"), dict):
        raise ValueError(f"{path} is not a training checkpoint: it has no model_state_dict")
    weights = contents["model_state_dict"], contents.get("averaged_state_dict")
    for name, tensor in _tensors(weights):
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise ValueError(f"{path} holds weights that are not finite numbers: {name}")
    return contents


def _tensors(contents: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors in nested dicts, lists and tuples, which may even contain themselves."""
    waiting: list[tuple[str, Any]] = [("contents", contents)]
    seen: set[int] = set()
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, torch.Tensor):
            yield name, value
        elif isinstance(value, dict | list | tuple) and id(value) not in seen:
            seen.add(id(value))
            items = value.items() if isinstance(value, dict) else enumerate(value)
            waiting += [(str(key), item) for key, item in items]


def _check_zip(path: Path) -> None:
    """Check that a file is a complete zip, as from torch.save, whose pickles name no code."""
    try:
        with path.open("rb") as file:
            is_old = file.read(len(_OLD_FORMAT)) == _OLD_FORMAT
            foreign = [] if is_old else _foreign_names(file, path.stat().st_size)
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({reason_of(error)[:80]})") from error
    except Exception as error:  # a damaged zip or pickle can raise nearly anything
        raise ValueError(
            f"{path} is damaged or not a checkpoint ({reason_of(error)[:80]})"
        ) from error
    if is_old:
        raise ValueError(
            f"{path} is in the format of torch before 1.6: if you trust it, convert it in Python "
            f"with torch.save(torch.load({str(path)!r}, weights_only=True), {str(path)!r})"
        )
    if foreign:
        raise ValueError(
            f"{path} is damaged or not a checkpoint: it names {foreign[0].replace(' ', '.')}, and "
            "is not loaded, because a checkpoint holds only tensors and plain data"
        )


def _foreign_names(file: IO[bytes], size: int) -> list[str]:
    """The names in a checkpoint's pickles other than those of tensors, as "module name".

    Raises:
        ValueError, or nearly anything else: it is damaged, or would use more memory than its size.
    """
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise ValueError("its entries are compressed")
        if sum(entry.file_size for entry in entries) > size:
            raise ValueError("its entries are larger than the file")
        if (damaged := archive.testzip()) is not None:
            raise ValueError(f"the checksum of {damaged} is wrong")
        pickles = [entry for entry in entries if entry.filename.endswith(".pkl")]
        names = {name for entry in pickles for name in _named_in(archive.read(entry))}
    return sorted(
        name
        for name in names - _NAMED_IN_CHECKPOINTS
        if not (name.startswith("torch ") and name.endswith("Storage"))
    )


def _named_in(pickled: bytes) -> Iterator[str]:
    """The functions and classes that a pickle would call, as "module name"."""
    for opcode, argument, _ in pickletools.genops(pickled):
        if opcode.name == "GLOBAL":
            yield str(argument)
        elif opcode.name in ("STACK_GLOBAL", "INST", "EXT1", "EXT2", "EXT4"):  # never by torch
            raise pickle.UnpicklingError(f"it uses the pickle opcode {opcode.name}")
