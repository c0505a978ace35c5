"""Importing, downloading and verifying, with a small dataset made up here (12 images)."""

import argparse
import gzip
import io
import json
import random
import shutil
import sys
import threading
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from http.server import HTTPServer, SimpleHTTPRequestHandler
from importlib import resources
from pathlib import Path

import pytest
from PIL import Image

from scene_recog.cli.data import add_parsers as add_data_parsers
from scene_recog.datasets import layout, scene15
from scene_recog.datasets.download import DownloadError
from scene_recog.datasets.scene15 import (
    DifferentBytesError,
    ManifestEntry,
    Misplaced,
    download_dataset,
    getting,
    import_dataset,
    in_place,
    load_manifest,
    verify_dataset,
)
from scene_recog.datasets.scene15 import verify as verify_module

SPLIT = {"coast": ([1, 3, 4], [2, 5]), "office": ([2, 3], [1]), "suburb": ([1, 4], [2, 3])}
ORIGINAL = {"coast": "MITcoast", "office": "PARoffice", "suburb": "CALsuburb"}
NUMBERED = {"coast": "07", "office": "00", "suburb": "14"}
TWINS = ("test/suburb/image_0002.jpg", "train/coast/image_0001.jpg")


def jpeg(seed: int, quality: int = 90) -> bytes:
    image = Image.frombytes("L", (16, 12), random.Random(seed).randbytes(16 * 12))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


PLACES = [
    f"{split}/{name}/image_{number:04}.jpg"
    for index, split in enumerate(("train", "test"))
    for name, numbers in SPLIT.items()
    for number in numbers[index]
]
IMAGES = {path: jpeg(seed) for seed, path in enumerate(PLACES)}
IMAGES[TWINS[0]] = IMAGES[TWINS[1]]
REENCODED = {path: jpeg(seed, quality=40) for seed, path in enumerate(PLACES)}
MANIFEST = [
    ManifestEntry(split, name, file, len(data), sha256(data).hexdigest())
    for (split, name, file), data in ((path.split("/"), data) for path, data in IMAGES.items())
]


def course(path: str) -> str:
    return f"proj4/data/{path}"


def original(path: str) -> str:
    _, name, file = path.split("/")
    return f"scene_categories/{ORIGINAL[name]}/{file}"


def numbered(path: str) -> str:
    _, name, file = path.split("/")
    return f"15-Scene/{NUMBERED[name]}/{int(file[6:10])}.jpg"


def numbered_on(path: str) -> str:
    """As `numbered`, with numbers that continue from folder to folder."""
    _, name, file = path.split("/")
    return f"{NUMBERED[name]}/{int(file[6:10]) + 40 * int(NUMBERED[name])}.jpg"


def shuffled(path: str) -> str:
    return f"{sha256(path.encode()).hexdigest()}.jpeg"


Layout = Callable[[str], str]
LAYOUTS = [course, original, numbered, numbered_on, shuffled]


def write_folder(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def write_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def hidden(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


load = partial(import_dataset, manifest=MANIFEST)
verify = partial(verify_dataset, manifest=MANIFEST)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def good_zip(tmp_path: Path) -> Path:
    return write_zip(tmp_path / "good.zip", {course(path): IMAGES[path] for path in PLACES})


# ---------------------------------------------------------------------------------------------
# Manifest
# ---------------------------------------------------------------------------------------------


def test_the_manifest_is_the_whole_dataset() -> None:
    entries = load_manifest()
    assert len(entries) == len({entry.path for entry in entries}) == 4485
    assert Counter(entry.split for entry in entries) == {"train": 2985, "test": 1500}
    tests = Counter(entry.class_name for entry in entries if entry.split == "test")
    assert tests == dict.fromkeys(scene15.CLASSES, 100)
    assert list(scene15.CLASSES) == sorted(tests)
    counts = Counter(entry.class_name for entry in entries)
    assert len(set(counts.values())) == 15, "numbered folders are told apart by their sizes"
    for name, count in counts.items():
        files = {entry.file for entry in entries if entry.class_name == name}
        assert files == {f"image_{number:04}.jpg" for number in range(1, count + 1)}
    assert all(len(bytes.fromhex(entry.sha256)) == 32 and entry.size > 0 for entry in entries)


def test_the_manifest_knows_the_duplicates() -> None:
    groups = layout.group_duplicates({entry.path: entry.sha256 for entry in load_manifest()})
    assert len(groups) == 18
    assert {len(group) for group in groups} == {2}
    across_splits = [group for group in groups if layout.straddles(group)]
    assert groups[:11] == across_splits
    others = [g for g in across_splits if len({path.split("/")[1] for path in g}) > 1]
    assert others == [("test/insidecity/image_0305.jpg", "train/tallbuilding/image_0300.jpg")]


def test_the_manifest_file_is_reproducible() -> None:
    file = resources.files("scene_recog.datasets.scene15").joinpath("manifest.csv.gz")
    packed = file.read_bytes()
    assert packed[4:8] == bytes(4), "no time stamp"
    lines = gzip.decompress(packed).decode("ascii").splitlines()
    assert lines[0] == "split,class,file,bytes,sha256"
    assert lines[1:] == [",".join(map(str, entry)) for entry in load_manifest()]


# ---------------------------------------------------------------------------------------------
# Import
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("zipped", [True, False])
def test_every_layout_is_split_as_the_course_splits_it(
    tmp_path: Path, root: Path, layout: Layout, zipped: bool
) -> None:
    files = {layout(path): data for path, data in IMAGES.items()}
    junk = {"__MACOSX/._a.jpg": b"", ".DS_Store": b"", "Thumbs.db": b"", "a/readme.txt": b""}
    make = write_zip if zipped else write_folder
    source = make(tmp_path / "source", files | junk)
    report = load(source, root)
    assert (report.images, report.different, report.ignored) == (len(PLACES), 0, 0)
    assert not report.already_complete
    assert report.replaced is None
    assert tree(root) == IMAGES
    assert hidden(root) == []
    assert verify(root).ok


def test_a_zip_with_backslashes_is_imported(tmp_path: Path, root: Path) -> None:
    files = {original(path).replace("/", "\\"): data for path, data in REENCODED.items()}
    load(write_zip(tmp_path / "x.zip", files), root, accept_different_bytes=True)
    assert tree(root) == REENCODED


def test_a_duplicate_is_put_in_each_of_its_places(tmp_path: Path, root: Path) -> None:
    files = {shuffled(path): data for path, data in IMAGES.items() if path != TWINS[0]}
    load(write_folder(tmp_path / "source", files), root)
    assert tree(root) == IMAGES


def test_images_that_are_not_of_the_dataset_are_left_out(tmp_path: Path, root: Path) -> None:
    files = {course(path): data for path, data in IMAGES.items()}
    others = {"proj4/data/train/coast/image_0099.jpg": jpeg(99), "holiday.jpg": jpeg(98)}
    copies = {"copy/coast/image_0001.jpg": IMAGES[TWINS[1]], "coast/image_0003.jpg": jpeg(97)}
    report = load(write_zip(tmp_path / "x.zip", files | others | copies), root)
    assert report.ignored == 3
    assert tree(root) == IMAGES


@pytest.mark.parametrize("layout", LAYOUTS[:4])
def test_another_encoding_is_taken_only_when_asked(
    tmp_path: Path, root: Path, layout: Layout
) -> None:
    source = write_zip(tmp_path / "x.zip", {layout(path): data for path, data in REENCODED.items()})
    with pytest.raises(DifferentBytesError, match=r"12 of 12 .*--accept-different-bytes"):
        load(source, root)
    assert tree(root) == {}
    assert load(source, root, accept_different_bytes=True).different == 12
    assert tree(root) == REENCODED
    assert verify(root).corrupt == sorted(PLACES)


def test_only_the_images_that_differ_are_counted(tmp_path: Path, root: Path) -> None:
    mixed = IMAGES | {path: REENCODED[path] for path in PLACES[1:4]}
    source = write_zip(tmp_path / "x.zip", {original(path): data for path, data in mixed.items()})
    with pytest.raises(DifferentBytesError, match="3 of 12"):
        load(source, root)
    assert load(source, root, accept_different_bytes=True).different == 3
    assert tree(root) == mixed


def test_missing_and_damaged_images_are_named(tmp_path: Path, root: Path) -> None:
    files = {original(path): data for path, data in IMAGES.items()}
    for path in PLACES[3:8]:
        del files[original(path)]
    files[original(PLACES[8])] = IMAGES[PLACES[8]][:-40]
    files[original(PLACES[9])] = b"no picture"
    with pytest.raises(ValueError, match="are missing") as caught:
        load(write_zip(tmp_path / "x.zip", files), root, accept_different_bytes=True)
    assert "of 12 images, 5 are missing (test/coast/image_0002.jpg, " in str(caught.value)
    assert "and 2 more) and 2 are damaged (test/" in str(caught.value)
    assert tree(root) == {}


def test_a_bad_checksum_in_a_zip_is_a_damaged_image(good_zip: Path, root: Path) -> None:
    data = good_zip.read_bytes()
    at = data.index(IMAGES[PLACES[1]]) + 50
    good_zip.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    with pytest.raises(ValueError, match=rf"1 are damaged \({PLACES[1]}\)"):
        load(good_zip, root)


def test_two_candidates_for_one_place_are_not_chosen_between(tmp_path: Path, root: Path) -> None:
    files = {f"a/coast/image_{n:04}.jpg": jpeg(50 + n) for n in (1, 2)}
    files["b/MITcoast/image_0001.jpg"] = jpeg(60)
    with pytest.raises(ValueError, match=r"both 'a/coast/image_0001.jpg' and 'b/MITcoast/"):
        load(write_folder(tmp_path / "x", files), root)


def test_something_else_altogether(tmp_path: Path, root: Path) -> None:
    write_folder(tmp_path / "x", {"cat.jpg": jpeg(1000)})
    with pytest.raises(ValueError, match=r"none of its 1 images is from the 15-scene dataset"):
        load(tmp_path / "x", root)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load(tmp_path / "nowhere", root)
    assert not list(root.iterdir())


@pytest.mark.parametrize("name", ["../evil.jpg", "/evil.jpg", "a\\..\\evil.jpg"])
def test_an_unsafe_zip_writes_nothing(tmp_path: Path, root: Path, name: str) -> None:
    files = {course(path): data for path, data in IMAGES.items()}
    write_zip(tmp_path / "evil.zip", files | {name: jpeg(0)})
    with pytest.raises(ValueError, match="refused"):
        load(tmp_path / "evil.zip", root)
    assert list(tree(tmp_path)) == ["evil.zip"]


def test_a_complete_dataset_is_left_alone(good_zip: Path, root: Path) -> None:
    load(good_zip, root)
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    report = load(good_zip, root, replace=True)
    assert report.already_complete
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_a_data_folder_unpacked_by_hand_can_be_imported_into_itself(root: Path) -> None:
    write_folder(root, {original(path): data for path, data in IMAGES.items()})
    load(root, root)
    assert verify(root).ok
    assert (root / "scene_categories/MITcoast/image_0001.jpg").exists()


def test_other_images_are_replaced_only_when_asked_and_never_deleted(
    good_zip: Path, root: Path
) -> None:
    old = {"train/cats/a.jpg": jpeg(1), "test/cats/b.jpg": jpeg(2), "sketch15.json": b"{}"}
    mine = {"notes.txt": b"mine", "replaced-1/x.jpg": b"older"}
    write_folder(root, old | mine)
    with pytest.raises(ValueError, match=r"2 other images \(such as test/cats/b.jpg.*--replace"):
        load(good_zip, root)
    assert tree(root) == old | mine
    report = load(good_zip, root, replace=True)
    assert report.replaced == root / "replaced-2"
    assert tree(root) == IMAGES | mine | {f"replaced-2/{path}": old[path] for path in old}


def test_an_incomplete_dataset_is_completed(good_zip: Path, root: Path) -> None:
    some = {path: IMAGES[path] for path in PLACES[:4]}
    write_folder(root, some)
    assert load(good_zip, root).replaced == root / "replaced-1"
    assert tree(root) == IMAGES | {f"replaced-1/{path}": some[path] for path in some}


def test_a_data_folder_that_is_a_file(good_zip: Path, root: Path) -> None:
    root.write_bytes(b"")
    with pytest.raises(ValueError, match="is a file"):
        load(good_zip, root)


# ---------------------------------------------------------------------------------------------
# Failing and being killed in the middle
# ---------------------------------------------------------------------------------------------

OLD = {"train/cats/a.jpg": jpeg(1), "test/cats/b.jpg": jpeg(2)}
RENAMES = 5  # of the whole folder, and for train and test: the old one away, the new one in place


class Killed(BaseException):
    """Simulates a SIGKILL: nothing on disk changes after it."""


def fail_at(
    monkeypatch: pytest.MonkeyPatch, name: str, call: int, error: BaseException, once: bool
) -> None:
    """Make the `call`-th call of `Path.<name>` fail, and all later ones unless `once`."""
    function = getattr(Path, name)
    calls = 0

    def failing(*args: object) -> object:
        nonlocal calls
        calls += 1
        if calls == call or (calls > call and not once):
            raise error
        return function(*args)

    monkeypatch.setattr(Path, name, failing)


@pytest.mark.parametrize("call", range(1, RENAMES + 1))
def test_a_failed_rename_leaves_what_was_there(
    monkeypatch: pytest.MonkeyPatch, good_zip: Path, root: Path, call: int
) -> None:
    write_folder(root, OLD)
    with monkeypatch.context() as patch:
        fail_at(patch, "rename", call, PermissionError(13, "in use"), once=True)
        with pytest.raises(ValueError, match=r"nothing was changed: .*in use"):
            load(good_zip, root, replace=True)
    assert tree(root) == OLD
    assert sorted(path.name for path in root.iterdir()) == ["test", "train"]


def test_a_full_disk_leaves_what_was_there(
    monkeypatch: pytest.MonkeyPatch, good_zip: Path, root: Path
) -> None:
    write_folder(root, OLD)
    with monkeypatch.context() as patch:
        fail_at(patch, "write_bytes", 7, OSError(28, "No space left on device"), once=False)
        with pytest.raises(ValueError, match="No space left"):
            load(good_zip, root, replace=True)
    assert tree(root) == OLD
    assert hidden(root) == []


@pytest.mark.parametrize("call", range(1, RENAMES + 2))
def test_a_run_killed_between_the_renames_is_finished_or_undone_by_the_next(
    monkeypatch: pytest.MonkeyPatch, good_zip: Path, root: Path, call: int
) -> None:
    write_folder(root, OLD)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda *args, **options: None)
        fail_at(patch, "rename", call, Killed(), once=False)
        fail_at(patch, "rmdir", 1, Killed(), once=False)
        with pytest.raises(Killed):
            load(good_zip, root, replace=True)
    assert hidden(root), "this is what the killed run has left"
    if call <= 2:
        assert OLD.items() <= tree(root).items(), "the old images are still in their places"
    load(good_zip, root, replace=True)
    assert tree(root) == IMAGES | {f"replaced-1/{path}": OLD[path] for path in OLD}
    assert sorted(path.name for path in root.iterdir()) == ["replaced-1", "test", "train"]


def test_leftovers_of_killed_runs_are_removed(good_zip: Path, root: Path) -> None:
    write_folder(root, {".scene15-new-abc/train/coast/x.jpg": b"half", ".mine/x": b"kept"})
    load(good_zip, root)
    assert hidden(root) == [".mine"]


def test_a_run_killed_before_its_renames_changes_nothing(good_zip: Path, root: Path) -> None:
    write_folder(root, OLD | {f".scene15-ready-1/{path}": data for path, data in IMAGES.items()})
    with pytest.raises(ValueError, match="--replace"):
        load(good_zip, root)
    assert tree(root) == OLD


@pytest.mark.skipif(sys.platform == "win32", reason="no folder locks on Windows")
def test_two_runs_in_one_folder_do_not_meet(good_zip: Path, root: Path) -> None:
    root.mkdir()
    with in_place.locked(root), pytest.raises(ValueError, match="another run is using"):
        load(good_zip, root)
    load(good_zip, root)
    assert tree(root) == IMAGES


# ---------------------------------------------------------------------------------------------
# Verify
# ---------------------------------------------------------------------------------------------


def test_a_right_dataset_has_only_its_duplicates(root: Path) -> None:
    report = verify(write_folder(root, IMAGES | {"train/coast/Thumbs.db": b"", "x.jpg": b""}))
    assert report.ok
    assert (report.expected, report.found) == (12, 12)
    assert report.duplicates == report.across_splits == [TWINS]


def test_each_kind_of_finding(root: Path) -> None:
    files = dict(IMAGES)
    gone = files.pop("train/coast/image_0003.jpg")  # moved to another split and class
    files["test/office/image_0077.jpg"] = gone
    del files["test/coast/image_0005.jpg"]
    files["train/office/image_0002.jpg"] = b"damaged"
    files["train/cats/deep/image_0001.PNG"] = jpeg(500)
    files["test/coast/image_0002.jpg"] = IMAGES["train/coast/image_0004.jpg"]
    report = verify(write_folder(root, files))
    assert report.missing == ["test/coast/image_0005.jpg", "train/coast/image_0003.jpg"]
    assert report.extra == ["train/cats/deep/image_0001.PNG"]
    assert report.corrupt == ["train/office/image_0002.jpg"]
    assert report.misplaced == [
        Misplaced("test/coast/image_0002.jpg", ("train/coast/image_0004.jpg",)),
        Misplaced("test/office/image_0077.jpg", ("train/coast/image_0003.jpg",)),
    ]
    assert report.duplicates == [
        ("test/coast/image_0002.jpg", "train/coast/image_0004.jpg"),
        TWINS,
    ]
    assert not report.ok
    assert report.found == 12


@pytest.mark.parametrize("kind", ["missing", "extra", "corrupt", "misplaced"])
def test_each_finding_alone_is_not_ok(root: Path, kind: str) -> None:
    files = dict(IMAGES)
    if kind == "missing":
        del files[PLACES[0]]
    elif kind == "extra":
        files["train/coast/image_0100.jpg"] = jpeg(77)
    elif kind == "corrupt":
        files[PLACES[0]] = b"x"
    else:
        files["test/coast/image_0100.jpg"] = files[PLACES[1]]
    report = verify(write_folder(root, files))
    assert len(getattr(report, kind)) == 1
    assert not report.ok


def test_no_dataset_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no train/ folder in .*scene-recog data download"):
        verify(tmp_path)


# ---------------------------------------------------------------------------------------------
# Download
# ---------------------------------------------------------------------------------------------


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, str]]:
    """A folder, and the address at which a server serves it."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    folder = tmp_path / "served"
    folder.mkdir()
    with HTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


get = partial(download_dataset, manifest=MANIFEST, timeout=5)


def test_download_takes_the_first_address_that_delivers(
    served: tuple[Path, str], good_zip: Path, root: Path
) -> None:
    folder, url = served
    shutil.copy(good_zip, folder / "good.zip")
    (folder / "page.zip").write_text("<html>")
    write_zip(folder / "wrong.zip", {"coast/image_0001.jpg": jpeg(0)})
    urls = [f"{url}/{name}.zip" for name in ("missing", "page", "wrong", "good")]
    with HTTPServer(("127.0.0.1", 0), QuietHandler) as dead:
        urls.insert(0, f"http://127.0.0.1:{dead.server_port}/dead.zip")
    report = get(root, urls=urls)
    assert report.source == urls[-1]
    assert tree(root) == IMAGES, "and no .part is left"
    assert get(root, urls=["http://127.0.0.1:9/never-asked.zip"]).already_complete


def test_download_from_nowhere_names_every_address(served: tuple[Path, str], root: Path) -> None:
    folder, url = served
    (folder / "page.zip").write_text("<html>")
    (folder / "cut.zip").write_bytes(b"PK and no more")
    write_folder(root, {path: IMAGES[path] for path in PLACES[:2]})
    before = tree(root)
    urls = [f"{url}/{name}.zip" for name in ("missing", "page", "cut")]
    with pytest.raises(ValueError, match="could not be downloaded") as caught:
        get(root, urls=urls)
    _, missing, page, cut, kept, advice = str(caught.value).splitlines()
    assert f"{url}/missing.zip: HTTP 404" in missing
    assert f"{url}/page.zip: the response is not a zip" in page
    assert "cut.zip" in cut
    assert "truncated or damaged" in cut
    assert kept.strip() == "kept: nothing"
    assert "run it again" in advice
    assert f"scene-recog data import PATH --data {root}" in advice
    assert tree(root) == before


def test_download_keeps_a_part_and_says_so(
    served: tuple[Path, str], good_zip: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, url = served
    shutil.copy(good_zip, folder / "good.zip")

    def break_off(url: str, part: Path, *, timeout: float) -> None:
        part.write_bytes(b"PK12")
        raise DownloadError("the connection broke at 4 of 999 bytes")

    with monkeypatch.context() as patch:
        patch.setattr(getting, "fetch_zip", break_off)
        with pytest.raises(ValueError, match=r"kept: .*good-\w{8}\.zip\.part \(4 bytes\)"):
            get(root, urls=[f"{url}/good.zip"])
    get(root, urls=[f"{url}/good.zip"])
    assert tree(root) == IMAGES


def test_download_of_another_encoding_keeps_the_zip(served: tuple[Path, str], root: Path) -> None:
    folder, url = served
    write_zip(folder / "x.zip", {original(path): data for path, data in REENCODED.items()})
    with pytest.raises(ValueError, match=r"--accept-different-bytes") as caught:
        get(root, urls=[f"{url}/x.zip"])
    (kept,) = root.iterdir()
    assert kept.suffix == ".zip"
    assert f"\n  kept: {kept} (" in str(caught.value)
    assert load(kept, root, accept_different_bytes=True).different == 12


def test_download_refuses_before_it_asks(root: Path) -> None:
    write_folder(root, OLD)
    with pytest.raises(ValueError, match="--replace"):
        get(root, urls=["http://127.0.0.1:9/x.zip"])
    with pytest.raises(ValueError, match="not an http"):
        get(root, urls=["x.zip"], replace=True)
    assert tree(root) == OLD


# ---------------------------------------------------------------------------------------------
# Command line
# ---------------------------------------------------------------------------------------------


def run(*words: str | Path) -> int:
    parser = argparse.ArgumentParser()
    add_data_parsers(parser.add_subparsers())
    args = parser.parse_args(["data", *map(str, words)])
    code = args.run(args)
    assert isinstance(code, int)
    return code


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the commands treat the small dataset as the real one."""
    for module in (getting, verify_module):
        monkeypatch.setattr(module, "load_manifest", lambda: MANIFEST)


@pytest.mark.usefixtures("small")
def test_cli_import_and_verify(
    good_zip: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_folder(root, OLD)
    assert run("import", good_zip, "--data", root, "--replace") == 0
    out, err = capsys.readouterr()
    assert out == f"{root}: 12 images in train/ and test/, from {good_zip}\n"
    assert err == f"moved the earlier images to {root / 'replaced-1'}\n"
    assert run("import", good_zip, "--data", root) == 0
    assert "already holds the whole dataset: 12 images" in capsys.readouterr().out

    assert run("verify", "--data", root) == 0
    out = capsys.readouterr().out
    assert "complete and correct, 12 images of 12" in out
    assert "1 groups of byte-identical images, 1 of them across train and test (0 within" in out
    assert " = ".join(TWINS) in out
    for path in PLACES[1:]:
        (root / path).unlink()
    assert run("verify", "--data", root) == 1
    out = capsys.readouterr().out
    assert "incomplete or wrong, 1 images of 12\nmissing: 11\n  test/coast/image_0002.jpg\n" in out
    assert "... and 1 more" in out


@pytest.mark.usefixtures("small")
def test_cli_verify_json(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (write_folder(root, IMAGES) / PLACES[0]).rename(root / "test/office/z.jpg")
    assert run("verify", "--data", root, "--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is False
    assert report["missing"] == [PLACES[0]]
    assert report["misplaced"] == [{"path": "test/office/z.jpg", "belongs": sorted(TWINS)[::-1]}]
    assert report["straddling"] == []
    assert report["duplicates"] == [["test/office/z.jpg", TWINS[0]]]
    assert (report["root"], report["expected"], report["found"]) == (str(root), 12, 12)


@pytest.mark.usefixtures("small")
def test_cli_download(served: tuple[Path, str], good_zip: Path, root: Path) -> None:
    folder, url = served
    shutil.copy(good_zip, folder / "good.zip")
    assert run("download", "--data", root, "--url", f"{url}/no.zip", f"{url}/good.zip") == 0
    assert tree(root) == IMAGES


# ---------------------------------------------------------------------------------------------
# The real dataset, where it is
# ---------------------------------------------------------------------------------------------

REAL = Path(__file__).parents[2] / "data"


@pytest.mark.skipif(not (REAL / "train").is_dir(), reason=f"no dataset in {REAL}")
def test_the_real_dataset() -> None:
    report = verify_dataset(REAL)
    if not report.ok:
        pytest.skip(f"{REAL} is not the 15-scene dataset: see `scene-recog data verify`")
    assert report.found == 4485
    assert len(report.duplicates) == 18
    found = layout.duplicates_in_train(REAL)
    assert found == {group[0] for group in report.across_splits}
    assert len(found) == 11
    assert "test/insidecity/image_0305.jpg" in found
