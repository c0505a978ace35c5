"""Checkpoints: written completely or not at all, and safe to read from a stranger."""

from __future__ import annotations

import io
import os
import pickle
import random
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from scene_recog import cli
from scene_recog.runs.checkpoint import previous_checkpoint, read_checkpoint, write_checkpoint
from scene_recog.system.files import write_atomically

GOOD = {"model_state_dict": {"w": torch.ones(500)}, "epoch": 1}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path of a good checkpoint."""
    path = tmp_path / "checkpoint.pt"
    write_checkpoint(path, GOOD)
    return path


def refusal(path: Path) -> str:
    """The one-line error of reading."""
    with pytest.raises(ValueError, match=path.name) as caught:
        read_checkpoint(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


# ---------------------------------------------------------------- writing


def test_failed_write_leaves_the_old_file(path: Path) -> None:
    before = path.read_bytes()

    def fail(part: Path) -> None:
        part.write_bytes(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, fail)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["checkpoint.pt"]


def test_the_one_before_is_kept(path: Path) -> None:
    for epoch in (2, 3):
        write_checkpoint(path, GOOD | {"epoch": epoch}, keep_previous=True)
    assert read_checkpoint(path)["epoch"] == 3
    assert read_checkpoint(previous_checkpoint(path))["epoch"] == 2
    assert len(list(path.parent.iterdir())) == 2


def test_the_one_before_is_kept_where_there_are_no_hard_links(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise OSError("not supported")

    monkeypatch.setattr(os, "link", no_links)
    write_checkpoint(path, GOOD | {"epoch": 2}, keep_previous=True)
    assert read_checkpoint(previous_checkpoint(path))["epoch"] == 1


def test_a_damaged_one_does_not_take_the_place_of_a_good_one(path: Path) -> None:
    write_checkpoint(path, GOOD | {"epoch": 2}, keep_previous=True)
    path.write_bytes(path.read_bytes()[:700])
    write_checkpoint(path, GOOD | {"epoch": 9}, keep_previous=True)
    assert read_checkpoint(path)["epoch"] == 9
    assert read_checkpoint(previous_checkpoint(path))["epoch"] == 1


def test_what_is_not_stored_as_it_was_written_is_noticed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()
    write = Path.write_bytes

    def forgetful(self: Path, data: Any) -> int:
        return write(self, bytes(data)[:-40] + bytes(40))

    monkeypatch.setattr(Path, "write_bytes", forgetful)
    with pytest.raises(OSError, match="was not stored correctly"):
        write_checkpoint(path, GOOD | {"epoch": 2})
    assert path.read_bytes() == before


# ---------------------------------------------------------------- damaged


@pytest.mark.parametrize("kept", [0, 1, 100, 1000])
def test_cut_off_checkpoint_is_named(path: Path, kept: int) -> None:
    path.write_bytes(path.read_bytes()[:kept])
    assert "is damaged or not a checkpoint" in refusal(path)


@pytest.mark.parametrize("seed", range(20))
def test_one_wrong_bit_in_the_weights_is_noticed(path: Path, seed: int) -> None:
    data = bytearray(path.read_bytes())
    start = data.index(torch.ones(100).numpy().tobytes())
    position = start + random.Random(seed).randrange(2000)
    data[position] ^= 1 << seed % 8
    path.write_bytes(data)
    assert "checksum" in refusal(path)


def test_the_one_before_is_offered(path: Path) -> None:
    write_checkpoint(path, GOOD | {"epoch": 2}, keep_previous=True)
    path.write_bytes(path.read_bytes()[:-100])
    message = refusal(path)
    assert f"{previous_checkpoint(path)} (epoch 1), is good" in message
    assert f"scene-recog train --resume {previous_checkpoint(path)}" in message
    previous_checkpoint(path).write_bytes(b"")
    assert "is good" not in refusal(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(path: Path, value: float) -> None:
    weights = torch.ones(9)
    weights[4] = value
    write_checkpoint(path, {"model_state_dict": {"conv.weight": weights}})
    assert "not finite numbers: conv.weight" in refusal(path)


def test_file_without_weights_is_no_checkpoint(tmp_path: Path) -> None:
    for contents in ([1, 2, 3], {"epoch": 1}, {"model_state_dict": 7}):
        torch.save(contents, tmp_path / "list.pt")
        assert "no model_state_dict" in refusal(tmp_path / "list.pt")
    with pytest.raises(FileNotFoundError, match="no checkpoint at"):
        read_checkpoint(tmp_path / "none.pt")


# ---------------------------------------------------------------- hostile


class Calls:
    """Pickles to a call of an arbitrary function."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call


def zip_of(pickled: bytes, method: int = zipfile.ZIP_STORED) -> bytes:
    """The file that torch.save would write around a pickle."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/byteorder", "little")
        archive.writestr("archive/version", "3\n")
    return buffer.getvalue()


def entry_that_claims(size: int) -> bytes:
    data = bytearray(zip_of(pickle.dumps({}, 2)))
    central = data.index(b"PK\x01\x02")
    struct.pack_into("<II", data, central + 20, size, size)
    return bytes(data)


def text_that_claims(size: int) -> bytes:
    return zip_of(b"\x80\x02X" + struct.pack("<I", size) + b"abc.")


def tensor_that_claims(size: int) -> bytes:
    """A tensor of `size` numbers over four bytes of data, by a stride of 0."""
    buffer = io.BytesIO()
    torch.save({"model_state_dict": {"w": torch.zeros(1).expand(size)}}, buffer)
    return buffer.getvalue()


def list_in_itself() -> bytes:
    contents: list[Any] = []
    contents.append(contents)
    buffer = io.BytesIO()
    torch.save({"model_state_dict": {"w": contents}, "more": contents}, buffer)
    return buffer.getvalue()


HOSTILE: dict[str, bytes] = {
    "a pickle, no zip": pickle.dumps({"model_state_dict": {}}),
    "compressed": zip_of(pickle.dumps({}, 2), zipfile.ZIP_DEFLATED),
    "bomb": zip_of(b"\0" * 50_000_000, zipfile.ZIP_DEFLATED),
    "entry of 4 GB": entry_that_claims(4_000_000_000),
    "text of 2 GB": text_that_claims(2_000_000_000),
    "tensor of 40 GB": tensor_that_claims(10_000_000_000),
    "bytearray of 100 GB": zip_of(pickle.dumps(Calls(bytearray, 100_000_000_000), 2)),
    "tensor type of 40 GB": zip_of(pickle.dumps(Calls(torch.FloatTensor, 10_000_000_000), 2)),
    "protocol 4": zip_of(pickle.dumps(Calls(os.getcwd), 4)),
    "no pickle": zip_of(b"hello"),
    "endless": zip_of(b"\x80\x02" + b"(" * 100_000),
    "two of a name": zip_of(pickle.dumps(Calls(os.getcwd), 2)) * 2,
}


@pytest.mark.filterwarnings("ignore")  # torch's advice on pickles it does not know
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_file_gets_one_line(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "hostile.pt"
    path.write_bytes(HOSTILE[kind])
    assert len(refusal(path)) < 400


def test_a_list_that_contains_itself_ends(tmp_path: Path) -> None:
    (tmp_path / "loop.pt").write_bytes(list_in_itself())
    assert read_checkpoint(tmp_path / "loop.pt")["more"]


@pytest.mark.parametrize("verb", ["train", "evaluate", "predict"])
def test_pickle_that_runs_code_is_refused_and_runs_nothing(
    tmp_path: Path,
    verb: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "model_checkpoints" / "gift"
    run.mkdir(parents=True)
    (run / "config.json").write_text("{}")
    attack = {"model_state_dict": OrderedDict(w=Calls((tmp_path / "was_here").touch))}
    torch.save(attack, run / "checkpoint.pt")
    arguments = {"train": ["--resume", "gift"], "evaluate": ["gift"], "predict": ["gift", "x.jpg"]}
    assert cli.main([verb, *arguments[verb]]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "holds only tensors and plain data" in message
    assert not (tmp_path / "was_here").exists()
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(attack))
    refusal(tmp_path / "plain.pt")
    assert not (tmp_path / "was_here").exists()
    torch.load(run / "checkpoint.pt", weights_only=False)  # the attack is a real one
    assert (tmp_path / "was_here").exists()


def test_the_format_of_old_torch_is_named_with_the_way_to_convert_it(path: Path) -> None:
    torch.save(GOOD, path, _use_new_zipfile_serialization=False)
    message = refusal(path)
    assert "in the format of torch before 1.6" in message
    exec(message[message.index("torch.save(") :], {"torch": torch})
    assert torch.equal(read_checkpoint(path)["model_state_dict"]["w"], torch.ones(500))
