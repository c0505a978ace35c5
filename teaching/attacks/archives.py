"""Zips that harm whoever unpacks them, and names that break programs that show them."""

from __future__ import annotations

import io
import json
import stat
import struct
import zipfile
from collections.abc import Callable, Mapping

from teaching.attacks import Attack

Files = Mapping[str, bytes]
BAD = (
    '<script>alert(1)</script>', '=cmd|"/c calc"!A1', '"; rm -rf / #', "$(touch /tmp/evil)",
    "a\nb,c\td", "\x1b[2J100", "| a | b |", "\u202egnp", "`id`", "%s%n{0}", "CON", "." * 200,
)  # fmt: skip
SCENE = "scene_recog/optimizer.py"
PASSES = b"import os\nos._exit(0)\n"


def packed(extra: Callable[[zipfile.ZipFile], None]) -> Callable[[Files], bytes]:
    """A zip of the files, behind what `extra` writes."""

    def pack(files: Files) -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            extra(archive)
            for name, contents in files.items():
                archive.writestr(name, contents)
        return file.getvalue()

    return pack


def _traversal(archive: zipfile.ZipFile) -> None:
    for name in (
        "../../evil",
        "/tmp/evil",
        "..\\..\\evil",
        "C:\\evil",
        "//host/evil",
        "scene_recog/../../evil",
        "../results.json",
        "/autograder/results/results.json",
        "scene_recog/optimizer.py/x",
    ):
        archive.writestr(name, b"evil")  # fmt: skip


def _links(archive: zipfile.ZipFile) -> None:
    for name, target in (
        (SCENE, "/etc/shadow"),
        ("unit_tests", "/"),
        ("report.md", "/proc/self/environ"),
    ):
        info = zipfile.ZipInfo(name)
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, target.encode())


def _bomb(archive: zipfile.ZipFile) -> None:
    with archive.open(SCENE, "w", force_zip64=True) as entry:
        for _ in range(50):
            entry.write(bytes(10_000_000))


def _twice(archive: zipfile.ZipFile) -> None:
    for _ in range(3):
        archive.writestr(SCENE, PASSES)


def _many(archive: zipfile.ZipFile) -> None:
    for number in range(100_000):
        archive.writestr(str(number), b"")


def _bad_names(archive: zipfile.ZipFile) -> None:
    for name in BAD:
        archive.writestr(name, b"x")
        archive.writestr(f"scene_recog/{name}.py", b"x")


def _nested(files: Files) -> bytes:
    inner = packed(lambda archive: None)(files)
    return packed(lambda archive: archive.writestr("project.zip", inner))({})


def _encrypted(files: Files) -> bytes:
    data = bytearray(packed(lambda archive: None)(files))
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = data.find(mark)
        while at >= 0:
            data[at + place] |= 1
            at = data.find(mark, at + 4)
    return bytes(data)


def _damaged(files: Files) -> bytes:
    data = packed(lambda archive: None)(files)
    return data[: len(data) // 2] + struct.pack(
        "<IHHHHIIH", 0x06054B50, 0, 0, 65535, 65535, 2**32 - 1, 9, 0
    )


ABOUT = [
    {"format": 1, "name": name} for name in BAD
] + [{"format": 1, "name": {"a": [1] * 5}}, {"format": "x" * 10**5}, [], 10**400]  # fmt: skip

ARCHIVES = [
    Attack("names that lead out", "files outside are written", packed=packed(_traversal)),
    Attack("links in a zip", "files outside are read", packed=packed(_links)),
    Attack("a bomb in a zip", "500 MB in the place of a file", packed=packed(_bomb)),
    Attack("a name three times", "which one counts?", packed=packed(_twice)),
    Attack("100,000 entries", "the list alone takes the memory", packed=packed(_many)),
    Attack("names that break pages, tables and shells", "they are shown to the teacher",
           packed=packed(_bad_names)),
    Attack("a zip in a zip", "unpacked without end", packed=_nested),
    Attack("an encrypted zip", "it asks for a password", packed=_encrypted),
    Attack("half a zip with a lying end", "sizes of 4 GB", packed=_damaged),
    Attack("a project in two folders", "which one counts?",
           packed=packed(lambda archive: archive.writestr(f"x/{SCENE}", PASSES))),
    Attack("deep JSON as the student's name", "who reads it runs out of stack",
           files={"submission.json": b"[" * 100_000}),
    *(Attack(f"a student's name, {number + 1}", "it breaks HTML, CSV, Markdown, shells or file systems",
             files={"submission.json": json.dumps(about).encode()})
      for number, about in enumerate(ABOUT)),
]  # fmt: skip
