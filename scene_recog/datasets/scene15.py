"""The 15-scene dataset: what it consists of, getting it, and checking it image by image.

Lazebnik, Schmid and Ponce, "Beyond Bags of Features", CVPR 2006, extending Oliva and Torralba
2001 (8 classes) and Fei-Fei and Perona 2005 (13 classes); split into train and test by the course.
The manifest lists every image with its SHA-256, so wherever the images come from, and under
whatever names, they are recognised by their content.
"""

import csv
import dataclasses
import gzip
import hashlib
import io
import os
import re
import shutil
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from scene_recog.datasets.archive import DamagedFileError, Source, open_source
from scene_recog.datasets.download import DownloadError, discard, fetch_zip, part_path
from scene_recog.datasets.layout import (
    SPLITS,
    duplicates_in_train,
    find_duplicates,
    group_duplicates,
    list_images,
    require_split,
    sha256_of,
    straddles,
)
from scene_recog.system.progress import progress_bar

__all__ = [
    "CLASSES",
    "URLS",
    "DifferentBytesError",
    "ImportReport",
    "ManifestEntry",
    "Misplaced",
    "VerifyReport",
    "download_dataset",
    "duplicates_in_train",
    "find_duplicates",
    "import_dataset",
    "load_manifest",
    "verify_dataset",
]

# fmt: off
CLASSES = (
    "bedroom", "coast", "forest", "highway", "industrial", "insidecity", "kitchen", "livingroom",
    "mountain", "office", "opencountry", "store", "street", "suburb", "tallbuilding",
)
# fmt: on
URLS = (
    # the course's zip, already split
    "https://faculty.cc.gatech.edu/~hays/compvision2021fall/projects/proj4_data.zip",
    # the original: MITcoast, CALsuburb, PARoffice, ...; not split
    "http://www-cvr.ai.uiuc.edu/ponce_grp/data/scene_categories/scene_categories.zip",
)
_ORIGINAL_PREFIXES = ("", "mit", "cal", "par")
_NEW, _READY = ".scene15-new-", ".scene15-ready-"  # folders of a run at work, beside the target


# ---------------------------------------------------------------------------------------------
# What the dataset consists of
# ---------------------------------------------------------------------------------------------


class ManifestEntry(NamedTuple):
    """One image of the dataset: where it belongs, its size in bytes, its hash in hex."""

    split: str
    class_name: str
    file: str
    size: int
    sha256: str

    @property
    def path(self) -> str:
        """Place below the data folder, like `train/coast/image_0001.jpg`."""
        return f"{self.split}/{self.class_name}/{self.file}"


def load_manifest() -> list[ManifestEntry]:
    """The 4,485 images of the dataset, train first, sorted by class and file name."""
    packed = resources.files(__package__).joinpath("scene15_manifest.csv.gz").read_bytes()
    rows = csv.reader(io.StringIO(gzip.decompress(packed).decode("ascii")))
    next(rows)  # split,class,file,bytes,sha256
    return [
        ManifestEntry(split, name, file, int(size), digest)
        for split, name, file, size, digest in rows
    ]


# ---------------------------------------------------------------------------------------------
# Checking a dataset on disk
# ---------------------------------------------------------------------------------------------


class Misplaced(NamedTuple):
    """An image of the dataset that lies at `path`, but belongs at the places `belongs`."""

    path: str
    belongs: tuple[str, ...]


@dataclass(frozen=True)
class VerifyReport:
    """What `verify_dataset` found; paths are like `train/coast/image_0001.jpg`, sorted."""

    root: Path
    expected: int  # images in the manifest
    found: int  # images on disk
    missing: list[str] = field(default_factory=list)  # places of the manifest without a file
    extra: list[str] = field(default_factory=list)  # images that are not of the dataset
    corrupt: list[str] = field(default_factory=list)  # at a place of the manifest, other bytes
    misplaced: list[Misplaced] = field(default_factory=list)  # of the dataset, elsewhere
    duplicates: list[tuple[str, ...]] = field(default_factory=list)  # as `find_duplicates`

    @property
    def ok(self) -> bool:
        """Complete and right. Duplicates do not count: the dataset has them."""
        return not (self.missing or self.foreign)

    @property
    def foreign(self) -> int:
        """Number of images that are not of the dataset, or not where they should be."""
        return len(self.extra) + len(self.corrupt) + len(self.misplaced)

    @property
    def straddling(self) -> list[tuple[str, ...]]:
        """The duplicates that lie both in train and in test."""
        return [group for group in self.duplicates if straddles(group)]


def verify_dataset(
    root: str | Path, *, manifest: Sequence[ManifestEntry] | None = None
) -> VerifyReport:
    """Compare every image below `root/train` and `root/test` with the manifest, by its bytes.

    Args:
        root: folder that holds train/ and test/.
        manifest: images to expect; None for the 15-scene dataset.

    Raises:
        FileNotFoundError: there is no train folder.
    """
    root = require_split(root).parent
    return _verify(root, load_manifest() if manifest is None else manifest)


def _verify(root: Path, manifest: Sequence[ManifestEntry]) -> VerifyReport:
    expected = {entry.path: entry.sha256 for entry in manifest}
    places = _places_by_hash(manifest)
    digests = {path: _digest(root / path) for path in list_images(root)}
    extra, corrupt, misplaced = [], [], []
    for path, digest in digests.items():
        if expected.get(path) == digest:
            continue
        if digest in places:
            belongs = tuple(entry.path for entry in places[digest])
            misplaced.append(Misplaced(path, belongs))
        elif path in expected:
            corrupt.append(path)
        else:
            extra.append(path)
    return VerifyReport(
        root=root,
        expected=len(expected),
        found=len(digests),
        missing=sorted(expected.keys() - digests.keys()),
        extra=extra,
        corrupt=corrupt,
        misplaced=misplaced,
        duplicates=group_duplicates({path: d for path, d in digests.items() if d}),
    )


def _digest(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError:
        return ""  # unreadable: not what it should be


def _places_by_hash(manifest: Iterable[ManifestEntry]) -> dict[str, list[ManifestEntry]]:
    places = defaultdict(list)
    for entry in manifest:
        places[entry.sha256].append(entry)
    return dict(places)


# ---------------------------------------------------------------------------------------------
# Getting it
# ---------------------------------------------------------------------------------------------


class DifferentBytesError(ValueError):
    """The images have the right names and can be read, but are not the very same files."""


@dataclass(frozen=True)
class ImportReport:
    """What `import_dataset` and `download_dataset` did."""

    root: Path
    source: str  # zip, folder or address; empty when nothing had to be done
    images: int  # in the dataset now
    different: int = 0  # of these, accepted although their bytes differ
    ignored: int = 0  # images of the source that are not of the dataset
    replaced: Path | None = None  # where the previous train and test went

    @property
    def already_complete(self) -> bool:
        """The dataset was there before, and nothing was done."""
        return not self.source


def import_dataset(
    source: str | Path,
    root: str | Path,
    *,
    replace: bool = False,
    accept_different_bytes: bool = False,
    manifest: Sequence[ManifestEntry] | None = None,
) -> ImportReport:
    """Build `root/train` and `root/test` from a zip or folder that holds the images.

    The images are recognised by content, in any layout. Only those that are not found so are
    looked for by class folder and file name: the course's layout, the original's (`MITcoast/...`)
    or numbered folders. Everything is built aside and put in place at the end; what `root` holds
    is never deleted. Does nothing when the dataset is already there.

    Args:
        source: zip or folder.
        root: data folder, made if need be.
        replace: move other images in `root/train` or `root/test` to `root/replaced-<n>`.
        accept_different_bytes: take images found by name although their bytes are not those of
            the manifest (another encoding of the same photograph).
        manifest: images to expect; None for the 15-scene dataset.

    Raises:
        FileNotFoundError: no such source.
        ValueError: an unsafe, damaged or incomplete source; other images in `root` without
            `replace`; `root` cannot be written. `DifferentBytesError`: see above.
    """
    source, root = Path(source).expanduser(), Path(root).expanduser()
    manifest = load_manifest() if manifest is None else manifest
    if not source.exists():
        raise FileNotFoundError(f"no such zip or folder: {source}")
    with _at_work_in(root):
        if _is_complete(root, manifest, replace):
            return ImportReport(root, "", len(manifest))
        return _build(source, root, manifest, accept_different_bytes)


def download_dataset(
    root: str | Path,
    *,
    urls: Sequence[str] = URLS,
    replace: bool = False,
    accept_different_bytes: bool = False,
    manifest: Sequence[ManifestEntry] | None = None,
    timeout: float = 30,
) -> ImportReport:
    """Download the dataset into `root/train` and `root/test`, and check it image by image.

    The addresses are tried in turn. What arrives is kept in `.part` files in `root` until the
    dataset is complete, so that another call goes on where this one stopped.

    Args:
        root: data folder, made if need be.
        urls: addresses of zips, http or https.
        replace, accept_different_bytes, manifest: as for `import_dataset`.
        timeout: seconds without an answer after which an address counts as dead.

    Raises:
        ValueError: no address delivered the dataset (the message lists them and says how to go
            on); a bad address; other images in `root` without `replace`; `root` cannot be written.
    """
    root = Path(root).expanduser()
    manifest = load_manifest() if manifest is None else manifest
    parts = {url: part_path(root, url) for url in urls}
    failures: list[str] = []
    kept: list[Path] = []
    with _at_work_in(root):
        if _is_complete(root, manifest, replace):
            return ImportReport(root, "", len(manifest))
        for url, part in parts.items():
            try:
                fetch_zip(url, part, timeout=timeout)
                report = _build(part, root, manifest, accept_different_bytes)
            except DownloadError as error:
                failures.append(f"{url}: {error}")
            except DifferentBytesError as error:
                kept.append(part.replace(part.with_suffix("")))  # .zip: whole, not to go on from
                discard(part)
                failures.append(f"{url}: {str(error).removeprefix(f'{part}: ')}")
            except ValueError as error:
                discard(part)  # complete and wrong: nothing to go on from
                failures.append(f"{url}: {str(error).removeprefix(f'{part}: ')}")
            else:
                for finished in parts.values():
                    discard(finished)
                return dataclasses.replace(report, source=url)
    kept += [part for part in parts.values() if part.exists()]
    sizes = [f"{path} ({path.stat().st_size:,} bytes)" for path in kept]
    raise ValueError(
        "\n  ".join(
            [
                "the dataset could not be downloaded:",
                *failures,
                f"kept: {', '.join(sizes) or 'nothing'}",
                "run it again to go on, or fetch the zip in a browser and run"
                f" `scene-recog data import PATH --data {root}`",
            ]
        )
    )


@contextmanager
def _at_work_in(root: Path) -> Iterator[None]:
    """Make `root`, keep other runs out of it, and tidy up after runs that were killed."""
    if root.exists() and not root.is_dir():
        raise ValueError(f"{root} is a file: name a folder with --data")
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _locked(root):
            for ready in root.glob(f"{_READY}*"):
                if _is_half_done(ready):
                    _put_in_place(ready, root)
            for leftover in (*root.glob(f"{_READY}*"), *root.glob(f"{_NEW}*")):
                shutil.rmtree(leftover)
            yield
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(f"stopped while working in {root}, nothing changed: {error}") from error


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    if sys.platform == "win32":
        yield
        return
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise ValueError(f"another run is at work in {folder}: wait until it has ended") from None
    except OSError:
        pass  # some network file systems lock no folders
    try:
        yield
    finally:
        os.close(descriptor)


def _is_complete(root: Path, manifest: Sequence[ManifestEntry], replace: bool) -> bool:
    """Whether the dataset is there; refuses other images unless they may be moved aside."""
    report = _verify(root, manifest)
    if report.foreign and not replace:
        example = [*report.corrupt, *report.extra, *(m.path for m in report.misplaced)][0]
        raise ValueError(
            f"{root} already holds {report.foreign:,} other images (such as {example}): give"
            f" --replace to move them to {_free_folder(root)}, or another folder with --data"
        )
    return report.ok


def _build(
    source: Path,
    root: Path,
    manifest: Sequence[ManifestEntry],
    accept_different_bytes: bool,
) -> ImportReport:
    """Build the dataset in a temporary folder in `root`, then put it in place."""
    work = Path(tempfile.mkdtemp(prefix=_NEW, dir=root))
    ready = root / f"{_READY}{_free_folder(root).name.rpartition('-')[2]}"
    try:
        with open_source(source) as images:
            different, ignored = _collect(
                images, work, manifest, accept_different_bytes, str(source)
            )
        work.rename(ready)
        replaced = _put_in_place(ready, root)
    finally:
        for leftover in (work, ready):
            shutil.rmtree(leftover, ignore_errors=True)
    return ImportReport(root, str(source), len(manifest), different, ignored, replaced)


def _collect(
    images: Source,
    work: Path,
    manifest: Sequence[ManifestEntry],
    accept_different_bytes: bool,
    name: str,
) -> tuple[int, int]:
    """Write the images of a source to `work/<split>/<class>/<file>`.

    Returns:
        Number of images whose bytes differ, and number of images that are not of the dataset.
    """
    places = _places_by_hash(manifest)
    open_places = {entry.path: entry for entry in manifest}
    for folder in {(entry.split, entry.class_name) for entry in manifest}:
        work.joinpath(*folder).mkdir(parents=True)

    unknown = []
    for image in progress_bar(images.names, desc="check", unit=" images", leave=False):
        try:
            data = images.read(image)
        except DamagedFileError:
            data = b""
        entries = places.get(hashlib.sha256(data).hexdigest(), [])
        for entry in entries:
            if open_places.pop(entry.path, None):
                (work / entry.path).write_bytes(data)
        if not entries:
            unknown.append(image)

    by_name = _places_by_name(images.names, manifest)
    candidates = defaultdict(list)
    for image in unknown:
        if by_name.get(image) in open_places:
            candidates[by_name[image]].append(image)
    if not candidates and len(open_places) == len(manifest):
        raise ValueError(
            f"{name}: no image of the 15-scene dataset in it ({len(images.names):,} looked at)"
        )
    damaged = []
    for path, found in sorted(candidates.items()):
        readable = {data: image for image in found if (data := _read_jpeg(images, image))}
        if len(readable) > 1:
            first, second, *_ = readable.values()
            raise ValueError(f"{name}: both {first!r} and {second!r} could be {path}: keep one")
        if not readable:
            damaged.append(path)
        elif accept_different_bytes:
            (work / path).write_bytes(next(iter(readable)))
    missing = sorted(open_places.keys() - candidates.keys())
    if missing or damaged:
        problems = [
            f"{len(paths):,} {what} ({_some(paths)})"
            for what, paths in (("are missing", missing), ("are damaged", damaged))
            if paths
        ]
        raise ValueError(f"{name}: of {len(manifest):,} images, {' and '.join(problems)}")
    if candidates and not accept_different_bytes:
        raise DifferentBytesError(
            f"{name}: {len(candidates):,} of {len(manifest):,} images are encoded differently"
            " (right names, other bytes), so results may differ a little:"
            " import them with --accept-different-bytes to take them all the same"
        )
    return len(candidates), len(unknown) - sum(map(len, candidates.values()))


def _read_jpeg(images: Source, name: str) -> bytes:
    """The bytes of an image that decodes to the end; empty otherwise."""
    from PIL import Image

    try:
        data = images.read(name)
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            if image.width * image.height > 10**7:
                return b""
            image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return b""
    return data


def _places_by_name(names: list[str], manifest: Sequence[ManifestEntry]) -> dict[str, str]:
    """Where images belong by the name of their folder and their number: name -> path."""
    places = {(entry.class_name, _number(entry.file)): entry.path for entry in manifest}
    class_sizes = Counter(entry.class_name for entry in manifest)
    class_of_size = {size: name for name, size in class_sizes.items()}
    folders = defaultdict(list)
    for name in names:
        folders[name.rpartition("/")[0]].append(name)
    found = {}
    for folder, members in folders.items():
        folder_name = folder.rpartition("/")[2]
        numbers = [_number(name) for name in members]
        offset = 0
        if re.fullmatch(r"\d{1,2}", folder_name):
            # numbered folders: no two classes have as many images
            class_name = class_of_size.get(len(members))
            offset = min(numbers) - 1  # the numbering may run on from folder to folder
        else:
            class_name = _class_of(folder_name, class_sizes)
        for name, number in zip(members, numbers, strict=True):
            if class_name and (path := places.get((class_name, number - offset))):
                found[name] = path
    return found


def _class_of(folder_name: str, classes: Iterable[str]) -> str | None:
    """The class of a folder like `coast`, `MITcoast`, `PARoffice` or `Living_Room`."""
    letters = re.sub(r"[\W_]", "", folder_name).lower()
    names = {prefix + name: name for name in classes for prefix in _ORIGINAL_PREFIXES}
    return names.get(letters)


def _number(name: str) -> int:
    match = re.search(r"(\d{1,9})\.\w+$", name)
    return int(match[1]) if match else -1


def _some(paths: list[str], limit: int = 3) -> str:
    rest = len(paths) - limit
    return ", ".join(paths[:limit]) + (f" and {rest:,} more" if rest > 0 else "")


def _free_folder(root: Path) -> Path:
    number = 1
    while (root / f"replaced-{number}").exists():
        number += 1
    return root / f"replaced-{number}"


def _replaced_by(ready: Path) -> Path:
    """Where the images go that those in `ready` replace."""
    return ready.with_name(f"replaced-{ready.name.removeprefix(_READY)}")


def _is_half_done(ready: Path) -> bool:
    """Whether a run was killed between its renames, which are then best finished."""
    return _replaced_by(ready).exists() or not all((ready / split).exists() for split in SPLITS)


def _put_in_place(ready: Path, root: Path) -> Path | None:
    """Rename `ready/train` and `ready/test` into `root`, and what is there to `replaced-<n>`.

    A failed rename takes the others back. A kill between them leaves `ready`, and calling this
    again does the rest.

    Returns:
        The folder `replaced-<n>`, n from the name of `ready`; None if there was nothing to move.
    """
    from scene_recog.datasets.sketch15 import MARKER

    replaced = _replaced_by(ready)
    moves = []
    for split in SPLITS:
        if (ready / split).exists():
            if os.path.lexists(root / split):
                moves.append((root / split, replaced / split))
            moves.append((ready / split, root / split))
    if (root / MARKER).exists():  # it says that these are sketches
        moves.append((root / MARKER, replaced / MARKER))

    done = []
    try:
        for old, new in moves:
            new.parent.mkdir(exist_ok=True)
            old.rename(new)
            done.append((old, new))
    except BaseException:
        for old, new in reversed(done):
            new.rename(old)
        if replaced.is_dir() and not any(replaced.iterdir()):
            replaced.rmdir()
        raise
    ready.rmdir()
    return replaced if replaced.exists() else None
