"""Match the images of a zip or folder to the dataset by content, or else by name."""

import hashlib
import io
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from scene_recog.datasets.archive import DamagedFileError, Source
from scene_recog.datasets.scene15.manifest import ManifestEntry, class_of_folder, places_by_hash
from scene_recog.system.progress import progress_bar
from scene_recog.system.text import first_of


class DifferentBytesError(ValueError):
    """The images have the right names and can be read, but their bytes differ."""


def collect_images(
    images: Source,
    work: Path,
    manifest: Sequence[ManifestEntry],
    accept_different_bytes: bool,
    name: str,
) -> tuple[int, int]:
    """Write the images of a source to `work/<split>/<class>/<file>`.

    Returns:
        (number of images whose bytes differ, number of images that are not part of the dataset).

    Raises:
        ValueError: images are missing or damaged; `name` is for the message.
        DifferentBytesError: some bytes differ, and `accept_different_bytes` is off.
    """
    for folder in {(entry.split, entry.class_name) for entry in manifest}:
        work.joinpath(*folder).mkdir(parents=True)
    unknown, still_open = _take_by_content(images, work, manifest)

    by_name = _places_by_name(images.names, manifest)
    candidates = defaultdict(list)
    for image in unknown:
        if by_name.get(image) in still_open:
            candidates[by_name[image]].append(image)
    if not candidates and len(still_open) == len(manifest):
        raise ValueError(
            f"{name}: none of its {len(images.names):,} images is from the 15-scene dataset"
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
    missing = sorted(still_open - candidates.keys())
    if missing or damaged:
        problems = [
            f"{len(paths):,} {what} ({first_of(paths)})"
            for what, paths in (("are missing", missing), ("are damaged", damaged))
            if paths
        ]
        raise ValueError(f"{name}: of {len(manifest):,} images, {' and '.join(problems)}")
    if candidates and not accept_different_bytes:
        raise DifferentBytesError(
            f"{name}: {len(candidates):,} of {len(manifest):,} images are encoded differently"
            " (right names, other bytes), so results may differ slightly:"
            " use --accept-different-bytes to import them anyway"
        )
    return len(candidates), len(unknown) - sum(map(len, candidates.values()))


def _take_by_content(
    images: Source, work: Path, manifest: Sequence[ManifestEntry]
) -> tuple[list[str], set[str]]:
    """Write the images whose bytes are in the manifest.

    Returns:
        (names of the other images, paths of the manifest that are still missing).
    """
    places = places_by_hash(manifest)
    unknown, still_open = [], {entry.path for entry in manifest}
    for image in progress_bar(images.names, desc="check", unit=" images", leave=False):
        try:
            data = images.read(image)
        except DamagedFileError:
            data = b""
        entries = places.get(hashlib.sha256(data).hexdigest(), [])
        for entry in entries:
            if entry.path in still_open:
                still_open.remove(entry.path)
                (work / entry.path).write_bytes(data)
        if not entries:
            unknown.append(image)
    return unknown, still_open


def _read_jpeg(images: Source, name: str) -> bytes:
    """The bytes of an image, if it decodes completely; otherwise empty."""
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
    """The paths that follow from folder names and image numbers: name -> path."""
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
            # numbered folders: no two classes have the same number of images
            class_name = class_of_size.get(len(members))
            offset = min(numbers) - 1  # the numbering may continue from folder to folder
        else:
            class_name = class_of_folder(folder_name, class_sizes)
        for name, number in zip(members, numbers, strict=True):
            if class_name and (path := places.get((class_name, number - offset))):
                found[name] = path
    return found


def _number(name: str) -> int:
    match = re.search(r"(\d{1,9})\.\w+$", name)
    return int(match[1]) if match else -1
