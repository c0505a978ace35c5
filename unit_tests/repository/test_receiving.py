"""Submissions as they come: re-zipped, damaged, and malicious."""

from __future__ import annotations

import os
import socket
import stat
import struct
import tempfile
import tracemalloc
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scene_recog.submission import (
    ABOUT,
    LECTURE_FILES,
    LIMITS,
    MB,
    NOTEBOOK,
    REPORT_DRAFT,
    STEP_FILES,
    WEIGHTS,
)
from scene_recog.system.files import zipped
from scene_recog.system.text import in_one_line
from teaching import receiving
from teaching.receiving import NOT_GRADED, Received, receive, shown

WHOLE = {name: f"# {name}\n".encode() for name in LIMITS}
ONE, TWO = list(STEP_FILES.values())[:2]
Contents = Iterable[tuple[str | zipfile.ZipInfo, bytes]]


def write_zip(path: Path, entries: Contents, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as packed:
        for name, contents in entries:
            packed.writestr(name, contents, method)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sub.zip"


def without_missing(received: Received) -> list[str]:
    assert all(in_one_line(notice) == notice for notice in received.notices)
    return [notice for notice in received.notices if not notice.endswith(" is missing")]


def write_folder(top: Path, files: dict[str, bytes]) -> Path:
    for name, contents in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(contents)
    return top


# ------------------------------------------------------------------------ honest ones


def test_the_zip_of_submit(path: Path) -> None:
    path.write_bytes(zipped(WHOLE))
    assert receive(path) == Received(WHOLE, [], None)
    assert list(receive(path).files) == list(LIMITS)


def test_a_folder(tmp_path: Path) -> None:
    assert receive(write_folder(tmp_path / "ann", WHOLE)) == Received(WHOLE, [], None)


@pytest.mark.parametrize("top", ["", "proj3/", "ann lee/proj3 (2)/", "./", "scene_recog/"])
def test_zipped_again(path: Path, top: str) -> None:
    entries = [(top + name, contents) for name, contents in reversed(WHOLE.items())]
    junk = [
        ("__MACOSX/._proj3", b"x"), (f"__MACOSX/{top}scene_recog/._{ONE[12:]}", b"x"),
        (f"{top}.DS_Store", b"x"), (f"{top}scene_recog/", b""), (f"{top}._{NOTEBOOK}", b""),
        (f"{top}scene_recog/__pycache__/a.pyc", b""),
    ]  # fmt: skip
    received = receive(write_zip(path, junk + entries))
    assert received == Received(WHOLE, [], None)
    assert list(received.files) == list(LIMITS)


def test_zipped_by_windows(path: Path) -> None:
    info = [zipfile.ZipInfo("x") for _ in WHOLE]
    for entry, name in zip(info, WHOLE, strict=True):
        entry.filename = "proj3\\" + name.replace("/", "\\")
    write_zip(path, zip(info, WHOLE.values(), strict=True))
    assert receive(path) == Received(WHOLE, [], None)


def test_what_is_missing_is_named(path: Path) -> None:
    received = receive(write_zip(path, [(ONE, b"x = 1")]))
    assert received.files == {ONE: b"x = 1"}
    assert received.notices == [
        f"{name} is missing" for name in LIMITS if name not in (ONE, REPORT_DRAFT, ABOUT)
    ]


def test_a_draft_does_for_a_report(path: Path) -> None:
    received = receive(write_zip(path, [(ONE, b"x = 1"), (REPORT_DRAFT, b"answers")]))
    assert not [notice for notice in received.notices if "report" in notice]


def test_what_is_no_part_is_counted(path: Path, tmp_path: Path) -> None:
    others = ["conftest.py", "scene_recog/__init__.py", "unit_tests/test_x.py", "z.py", "y.zip"]
    files = {**dict.fromkeys(others, b"x"), **WHOLE}
    expected = [
        "5 files are not part of a submission; ignored: conftest.py, scene_recog/__init__.py, "
        "unit_tests/test_x.py and 2 more"
    ]
    assert receive(write_zip(path, files.items())) == Received(WHOLE, expected, None)
    assert receive(write_folder(tmp_path / "sub", files)) == Received(WHOLE, expected, None)


def test_files_of_the_lecture_are_read_if_it_was_handed_out(tmp_path: Path) -> None:
    names = [ONE, *LECTURE_FILES.values(), "lecture.ipynb"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x = 1\n")
    assert list(receive(tmp_path, lecture=True).files) == names
    found = receive(tmp_path)
    assert list(found.files) == [ONE]
    assert NOT_GRADED in found.notices


def test_upper_and_lower_case(path: Path) -> None:
    received = receive(write_zip(path, [(ONE, b"x"), (TWO.title(), b"y"), (TWO.upper(), b"z")]))
    assert list(received.files) == [ONE]
    assert f"{TWO.title()} is ignored: it must be {TWO}, upper and lower case as here" in (
        received.notices
    )
    assert sum("is ignored" in notice for notice in received.notices) == 1


def test_a_name_twice(path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        write_zip(path, [(ONE, b"first"), (ONE, b"second"), ("./" + ONE, b"third")])
    received = receive(path)
    assert received.files == {ONE: b"first"}
    assert without_missing(received) == [f"{ONE} occurs 3 times; the first one is used"]


def test_several_projects(path: Path) -> None:
    entries = [(f"b/{ONE}", b"b"), (f"old/a/{ONE}", b"a"), (f"b/{TWO}", b"b"), (f"a/{ONE}", b"a")]
    received = receive(write_zip(path, entries))
    assert received.files == {ONE: b"b", TWO: b"b"}
    assert received.notices[0] == "several folders hold a project; using b, not a, old/a"


def test_empty_and_large_files(path: Path, tmp_path: Path) -> None:
    files = {ONE: b" \n", TWO: b"x" * (MB + 1), ABOUT: b"x" * MB}
    for received in (
        receive(write_zip(path, files.items())),
        receive(write_folder(tmp_path / "sub", files)),
    ):
        assert received.files == {ONE: b" \n", ABOUT: b"x" * MB}
        assert without_missing(received) == [
            f"{ONE} is empty", f"{TWO} is not read: it is larger than 1 MB"
        ]  # fmt: skip


# ------------------------------------------------------------------------ nothing to grade


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        (b"", "the file is empty"),
        (b"PK", "it is not a zip file, or it is truncated"),
        (b"Rar!\x1a\x07" + bytes(1000), "it is not a zip file, or it is truncated"),
        (zipped(WHOLE)[:-30], "it is not a zip file, or it is truncated"),
        (zipped({}), "the zip is empty"),
        (zipped({"a.txt": b""}), "it has none of the eight files"),
        (zipped({NOTEBOOK: b"{}"}), "it has none of the eight files"),
        (
            zipped({"optimizer.py": b"x"}),
            "it has none of the eight files in a folder scene_recog, where they must be, but it "
            "has optimizer.py",
        ),
        (
            zipped({"in/submission.zip": zipped(WHOLE)}),
            "it has none of the eight files, only another archive: "
            "in/submission.zip; unzip that first",
        ),
        (b"PK\5\6" + struct.pack("<4H2LH", 0, 0, 1, 1, 1 << 30, 0, 0), None),
        (b"PK\5\6" + struct.pack("<4H2LH", 0, 0, 1, 1, 46, 0, 0), None),
    ],
)
def test_reasons(path: Path, contents: bytes, reason: str | None) -> None:
    path.write_bytes(contents)
    received = receive(path)
    assert received.files == {}
    assert received.reason == reason or (reason is None and received.reason)
    assert "\n" not in str(received.reason)


def test_there_is_nothing(tmp_path: Path) -> None:
    assert receive(tmp_path / "no").reason == "it cannot be read (No such file or directory)"
    assert receive(tmp_path).reason == "it has none of the eight files"
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        assert receive(tmp_path / "pipe").reason == "it cannot be read (it is not a file)"


def test_encrypted(path: Path) -> None:
    contents = bytearray(zipped({ONE: b"x = 1"}))
    contents[6] |= 1
    contents[contents.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(contents)
    assert (
        receive(path).reason
        == f"it has none of the eight files in readable form: {ONE} is encrypted"
    )


def test_a_damaged_file_spoils_no_other(path: Path) -> None:
    write_zip(path, [(ONE, b"abcdef"), (TWO, b"x = 2")], zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"abcdef", b"abcdeg"))
    received = receive(path)
    assert received.files == {TWO: b"x = 2"}
    assert without_missing(received) == [f"{ONE} cannot be read (Bad CRC-32 for file {ONE!r})"]


# ------------------------------------------------------------------------ harm


def test_names_that_lead_out(path: Path, tmp_path: Path) -> None:
    names = [f"../{ONE}", f"/{TWO}", f"C:\\{TWO}", f"scene_recog/../{TWO}", f"..\\..\\{ONE}"]
    before = sorted(tmp_path.rglob("*"))
    received = receive(write_zip(path, [(ONE, b"x"), *((name, b"harm") for name in names)]))
    assert received.files == {ONE: b"x"}
    assert received.notices[0].startswith("5 names lead out of the submission; ignored: ")
    assert sorted(tmp_path.rglob("*")) == sorted([*before, path])


def test_links_in_a_zip(path: Path) -> None:
    link, device = zipfile.ZipInfo(ONE), zipfile.ZipInfo(TWO)
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    device.external_attr = (stat.S_IFCHR | 0o666) << 16
    third = list(STEP_FILES.values())[2]
    received = receive(write_zip(path, [(link, b"/etc/passwd"), (device, b""), (third, b"x")]))
    assert received.files == {third: b"x"}
    assert without_missing(received) == [
        f"{ONE} is not read: it is a link", f"{TWO} is not read: it is a special file"
    ]  # fmt: skip


@pytest.mark.skipif(os.name != "posix", reason="Windows has neither of them in folders")
def test_links_and_pipes_in_a_folder(tmp_path: Path) -> None:
    secret = write_folder(tmp_path / "secret", {"optimizer.py": b"secret", "scene_recog/x.py": b""})
    folder = write_folder(tmp_path / "sub", {ONE: b"x"})
    (folder / TWO).symlink_to(secret / "optimizer.py")
    (folder / "round").symlink_to(folder)
    (folder / "model_checkpoints").symlink_to(secret)
    os.mkfifo(folder / NOTEBOOK)
    here = Path.cwd()
    os.chdir(folder)
    server = socket.socket(socket.AF_UNIX)
    server.bind(ABOUT)
    server.close()
    os.chdir(here)
    received = receive(folder)
    assert received.files == {ONE: b"x"}
    assert without_missing(received) == [
        f"{TWO} is not read: it is a link",
        f"{NOTEBOOK} is not read: it is a pipe, socket or device",
        f"{ABOUT} is not read: it is a pipe, socket or device",
        "2 files are not part of a submission; ignored: model_checkpoints, round",
    ]


@pytest.mark.skipif(os.name != "posix" or os.getuid() == 0, reason="root can read everything")
def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "sub", {ONE: b"x", TWO: b"y", NOTEBOOK: b"{}", "a/b": b""})
    (folder / TWO).chmod(0)
    (folder / "a").chmod(0)
    received = receive(folder)
    (folder / "a").chmod(0o700)
    assert received.files == {ONE: b"x", NOTEBOOK: b"{}"}
    assert without_missing(received) == [
        "1 folder cannot be read: a", f"{TWO} cannot be read (Permission denied)"
    ]  # fmt: skip


def test_bombs(path: Path) -> None:
    weights = next(iter(WEIGHTS))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(ONE, b"x = 1")
        for name in (TWO, "unknown.bin"):
            with packed.open(name, "w") as entry:
                for _ in range(200):
                    entry.write(bytes(MB))
    tracemalloc.start()
    received = receive(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * MB
    assert received.files == {ONE: b"x = 1"}
    assert f"{TWO} is not read: it is larger than 1 MB" in received.notices
    # one that declares a smaller size than it has
    contents = bytearray(path.read_bytes())
    at = contents.rindex(b"PK\1\2", 0, contents.rindex(TWO.encode()))
    struct.pack_into("<L", contents, at + 24, 10)
    path.write_bytes(contents)
    assert receive(path).files == {ONE: b"x = 1"}
    assert any(notice.startswith(f"{TWO} cannot be read (") for notice in receive(path).notices)
    assert f"{weights} is missing" in received.notices


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_unpack_without_a_limit(path: Path, method: int) -> None:
    received = receive(write_zip(path, [(ONE, b"x = 1")], method))
    assert "is compressed in an unsupported way" in str(received.reason)


def test_many_entries(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "ENTRIES", 20)
    files = {ONE: b"x", **{f"a/{number:03}": b"" for number in range(30)}}
    received = receive(write_zip(path, files.items()))
    assert received.reason == "the zip has 31 entries; the limit is 20"
    received = receive(write_folder(tmp_path / "sub", files))
    assert received.notices[0] == "it has more than 20 files: the rest are ignored"
    monkeypatch.setattr(receiving, "DIRECTORY_LIMIT", 100)
    assert receive(path).reason == "the zip has far too many entries"


def test_names_that_break_lines(path: Path, tmp_path: Path) -> None:
    names = ["a\nb", "\x1b[31mred", "\u202egnp", "=cmd()", "<script>", "x" * 300]
    received = receive(write_zip(path, [(ONE, b"x"), *((name, b"") for name in names)]))
    assert without_missing(received) == [
        r"6 files are not part of a submission; ignored: \x1b[31mred, <script>, =cmd() and 3 more"
    ]
    assert shown("x\ny" * 100).count("\n") == 0
    assert len(shown("x" * 300)) <= receiving.NAME_LIMIT
    if os.name == "posix" and os.uname().sysname == "Linux":
        folder = write_folder(tmp_path / "sub", {ONE: b"x"})
        (folder / os.fsdecode(b"\xff\n")).write_bytes(b"")
        assert without_missing(receive(folder)) == [
            r"1 file is not part of a submission; ignored: \udcff\n"
        ]


def test_names_that_are_not_utf_8(path: Path) -> None:
    contents = zipped({ONE: b"x", "\u00e9": b""})
    path.write_bytes(contents.replace("\u00e9".encode(), b"\xff\xff"))
    assert str(receive(path).reason).startswith("the zip is damaged (")


def test_a_file_in_the_place_of_a_folder(path: Path) -> None:
    received = receive(write_zip(path, [("scene_recog", b""), (ONE, b"x"), (ONE + "/x.py", b"")]))
    assert received.files == {ONE: b"x"}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_nothing_is_raised_for_damaged_zips(data: st.DataObject) -> None:
    contents = bytearray(zipped({ONE: b"x = 1", NOTEBOOK: b"{}", "a": b""}))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(contents) - 1))
        contents[at] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sub.zip"
        path.write_bytes(contents)
        received = receive(path)
        assert sorted(Path(folder).iterdir()) == [path]
        assert receive(path) == received
    assert received.reason or received.files[ONE] == b"x = 1"
