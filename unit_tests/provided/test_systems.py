"""The branches for Windows and macOS, tried with stand-ins wherever the tests run."""

from __future__ import annotations

import importlib.util
import io
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from scene_recog.datasets.scene15 import in_place
from scene_recog.system import devices, files, locks


class Msvcrt(ModuleType):
    """Locks of bytes, as Windows keeps them: one holder each, from the file's position on."""

    LK_NBLCK, LK_UNLCK = 2, 0

    def __init__(self) -> None:
        super().__init__("msvcrt")
        self.held: dict[int, int] = {}  # position -> the file's number

    def locking(self, file: int, mode: int, count: int) -> None:
        position = FILES[file].tell()
        assert count == 1
        if mode == self.LK_UNLCK:
            assert self.held.pop(position) == file
        elif position in self.held:
            raise PermissionError(13, "Permission denied")
        else:
            self.held[position] = file


FILES: dict[int, Numbered] = {}


class Numbered(io.BytesIO):
    """A file with a number."""

    def __init__(self) -> None:
        super().__init__(b"text of the holder")
        FILES[id(self)] = self

    def fileno(self) -> int:
        return id(self)


def test_windows_locks_a_byte_beyond_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    msvcrt = Msvcrt()
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "msvcrt", msvcrt)
    spec = importlib.util.spec_from_file_location("locks_of_windows", locks.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    first, second = Numbered(), Numbered()
    assert module._acquire(first)
    assert not module._acquire(second)
    assert list(msvcrt.held) == [module._BEYOND_THE_TEXT]
    module._release(first)
    assert module._acquire(second)


def test_windows_does_not_lock_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "fcntl", None)  # an import of it fails
    with in_place.locked(tmp_path), in_place.locked(tmp_path):
        pass


def test_folder_that_cannot_be_opened_is_not_synchronized(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.open", refuse)  # as Windows does with folders
    files.write_atomically(tmp_path / "a", lambda part: part.write_bytes(b"a"))
    assert (tmp_path / "a").read_bytes() == b"a"


@pytest.mark.parametrize(
    ("cuda", "mps", "best"),
    [(True, False, "cuda"), (False, True, "mps"), (True, True, "cuda"), (False, False, "cpu")],
)
def test_fastest_device_is_chosen(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, best: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: int(cuda))
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert devices.choose_device() == torch.device(best)
    if not mps:
        with pytest.raises(ValueError, match="mps is not available on this machine: use auto, "):
            devices.choose_device("cpu", mps=True)
    assert not devices.has_bfloat16(torch.device("mps"))
