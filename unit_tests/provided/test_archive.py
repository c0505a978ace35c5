"""Reading zips and folders from strangers: what is read, and what is refused."""

import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from scene_recog.datasets.archive import DamagedFileError, Limits, open_source

FILES = {"a/train/coast/image_0001.jpg": b"one" * 50, "b.JPG": b"two", "c.jpg": b""}
JUNK = ["__MACOSX/a/._b.jpg", "a/.DS_Store", ".hidden/c.jpg", "a/Thumbs.db", "readme.txt"]


def write_zip(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def patch(path: Path, signature: bytes, offset: int, value: bytes) -> None:
    """Overwrite a field in the first header of a zip that starts with `signature`."""
    data = bytearray(path.read_bytes())
    at = data.index(signature) + offset
    data[at : at + len(value)] = value
    path.write_bytes(data)


CENTRAL, LOCAL = b"PK\x01\x02", b"PK\x03\x04"


def refusal(path: Path, limits: Limits | None = None) -> str:
    """The one-line error that refuses `path` before anything is read."""
    with pytest.raises(ValueError, match=path.name) as caught, open_source(path, limits):
        pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_gives_its_images_and_no_junk(tmp_path: Path, method: int) -> None:
    path = write_zip(tmp_path / "x.zip", FILES | dict.fromkeys(JUNK, b"junk"), method)
    with open_source(path) as source:
        assert source.names == sorted(FILES)
        assert {name: source.read(name) for name in source.names} == FILES


def test_a_folder_gives_its_images_and_no_junk(tmp_path: Path) -> None:
    for name, data in (FILES | dict.fromkeys(JUNK, b"junk")).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    (tmp_path / "folder.jpg").mkdir()
    with open_source(tmp_path) as source:
        assert source.names == sorted(FILES)
        assert {name: source.read(name) for name in source.names} == FILES


def test_a_folder_with_a_link_to_itself_ends(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.jpg").write_bytes(b"x")
    (tmp_path / "a" / "again").symlink_to(tmp_path, target_is_directory=True)
    with open_source(tmp_path) as source:
        assert source.names == ["a/x.jpg"]


def test_a_folder_with_too_many_files_is_refused(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"{number}.txt").write_bytes(b"")
    assert "more than 3 files" in refusal(tmp_path, Limits(entries=3))


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(FileNotFoundError, match=r"nothing\.zip"),
        open_source(tmp_path / "nothing.zip"),
    ):
        pass


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../evil.jpg", "'..'"),
        ("a/../../evil.jpg", "'..'"),
        ("/tmp/evil.jpg", "absolute"),
        ("C:/evil.jpg", "absolute"),
        ("c:evil.jpg", "absolute"),
        ("..\\evil.jpg", "backslash"),
        ("\\\\host\\evil.jpg", "backslash"),
    ],
)
def test_unsafe_names_are_refused(tmp_path: Path, name: str, reason: str) -> None:
    assert reason in refusal(write_zip(tmp_path / "x.zip", {"ok.jpg": b"1", name: b"2"}))


def test_backslashes_separate_folders(tmp_path: Path) -> None:
    """As in zips from Windows PowerShell 5."""
    files = {name.replace("/", "\\"): data for name, data in FILES.items()}
    junk = [name.replace("/", "\\") for name in (*JUNK, "a/folder.jpg/")]
    path = write_zip(tmp_path / "x.zip", files | dict.fromkeys(junk, b""))
    with open_source(path) as source:
        assert {name: source.read(name) for name in source.names} == FILES
    assert "clash" in refusal(write_zip(tmp_path / "y.zip", {"a/b.jpg": b"1", "a\\b.jpg": b"2"}))


def test_a_zero_byte_in_a_name_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"a~.jpg": b"1"})
    path.write_bytes(path.read_bytes().replace(b"a~.jpg", b"a\0.jpg"))
    assert "zero byte" in refusal(path)


def test_links_and_special_files_are_refused(tmp_path: Path) -> None:
    for kind, reason in ((stat.S_IFLNK, "symbolic link"), (stat.S_IFIFO, "special file")):
        info = zipfile.ZipInfo("link.jpg")
        info.create_system, info.external_attr = 3, (kind | 0o777) << 16
        with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
            archive.writestr(info, "/etc/passwd")
        assert reason in refusal(tmp_path / "x.zip")


def test_encrypted_entries_are_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"a.jpg": b"1"})
    patch(path, CENTRAL, 8, b"\x01\x00")
    assert "encrypted" in refusal(path)


def test_other_compression_methods_are_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"a.jpg": b"1" * 100}, zipfile.ZIP_LZMA)
    assert "compression method 14" in refusal(path)


def test_names_that_clash_are_refused(tmp_path: Path) -> None:
    assert "clash" in refusal(write_zip(tmp_path / "x.zip", {"a/B.jpg": b"1", "A/b.jpg": b"2"}))
    with zipfile.ZipFile(tmp_path / "y.zip", "w") as archive:
        archive.writestr("a.jpg", b"1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.jpg", b"2")
    assert "clash" in refusal(tmp_path / "y.zip")


def test_absurd_sizes_are_refused(tmp_path: Path) -> None:
    bomb = write_zip(tmp_path / "bomb.zip", {"a.jpg": bytes(2 << 20)})
    assert "times its size" in refusal(bomb)
    small = write_zip(tmp_path / "x.zip", {f"{number}.jpg": bytes(100) for number in range(5)})
    assert "5 entries" in refusal(small, Limits(entries=4))
    assert "unpack to 500 bytes" in refusal(small, Limits(total_bytes=499))
    assert "unpack to 100 bytes" in refusal(small, Limits(entry_bytes=99))
    with open_source(small, Limits(entries=5, total_bytes=500, entry_bytes=100)) as source:
        assert len(source.names) == 5


@pytest.mark.parametrize("declared", [5, 2_000])
def test_a_lie_about_the_size_is_found(tmp_path: Path, declared: int) -> None:
    path = write_zip(tmp_path / "x.zip", {"a.jpg": bytes(range(256)) * 4, "b.jpg": b"fine"})
    patch(path, CENTRAL, 24, declared.to_bytes(4, "little"))
    with open_source(path) as source:
        with pytest.raises(DamagedFileError, match=r"a\.jpg"):
            source.read("a.jpg")
        assert source.read("b.jpg") == b"fine"


def test_a_changed_byte_is_found(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"a.jpg": b"picture"}, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"picture", b"picturf"))
    with open_source(path) as source, pytest.raises(DamagedFileError, match=r"a\.jpg"):
        source.read("a.jpg")
    path = write_zip(tmp_path / "y.zip", {"a.jpg": b"picture" * 50})
    patch(path, LOCAL, 30 + len("a.jpg"), b"\xff\xff")
    with open_source(path) as source, pytest.raises(DamagedFileError, match=r"a\.jpg"):
        source.read("a.jpg")


def test_a_cut_off_zip_and_no_zip(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", FILES)
    path.write_bytes(path.read_bytes()[:-30])
    assert "truncated or damaged" in refusal(path)
    (tmp_path / "page.zip").write_text("<html>")
    assert "not a zip" in refusal(tmp_path / "page.zip")
    (tmp_path / "empty.zip").write_bytes(b"")
    assert "not a zip" in refusal(tmp_path / "empty.zip")


@pytest.mark.parametrize("name", ["x.tar", "x.tar.gz", "X.TGZ", "x.tar.xz"])
def test_a_tar_archive_is_to_be_unpacked_first(tmp_path: Path, name: str) -> None:
    with tarfile.open(tmp_path / name, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("a.jpg"))
    message = refusal(tmp_path / name)
    assert f"not a zip: unpack it (`tar -xf {name}`), then `scene-recog data import" in message
