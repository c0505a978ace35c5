"""Images read once: decoded, resized, and kept as one uint8 tensor in a memory-mapped file.

    data/train/*/*.jpg  --load, head-->  data/.cache/images-<key>.pixels  --map-->  [N, 1, H, W]

The key in the name is a hash of everything that determines the pixels, so a stale file is never
used. The file is mapped, not read: pages are loaded when touched, shared by all processes, and
dropped when the system needs the memory. Deleting a cache file is always safe.
"""

from __future__ import annotations

import hashlib
import os
import struct
import time
import uuid
import zlib
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL
import torch
import torchvision
from PIL import Image

from scene_recog.loading.code_inspection import describe_code
from scene_recog.loading.reading import naming_the_file
from scene_recog.system.files import user_cache_dir
from scene_recog.system.progress import notice, progress_bar

Pixels = npt.NDArray[np.uint8]  # [H, W]
Decode = Callable[[str], Pixels]

_MAGIC = b"scene-recog pixels 1"  # raise the number when the format changes
_HEADER = struct.Struct("<20sI32sQII440s")  # magic, checksum, key, N, H, W, what it is; then pixels
_LIMIT = 2 * 10**9  # bytes in one cache folder
_ABANDONED = 3600  # seconds after which an unfinished file counts as left by a killed process
_WORKERS = min(4, os.cpu_count() or 1)  # Pillow lets other threads run while it decodes


@dataclass(frozen=True)
class CacheFile:
    """A cache file: N images (0 if it is damaged) of (height, width) pixels."""

    path: Path
    what: str  # the folder that the images are from, such as "data/train"
    images: int
    height: int
    width: int
    bytes: int
    last_use: datetime  # UTC


class NotGrayscaleError(ValueError):
    """An image was not loaded as a PIL image of mode L; the message names it."""


def load_images(
    paths: Sequence[str],
    load: Callable[[str], Image.Image],
    head: Sequence[Callable[..., Any]],
    *,
    cache_dir: str | Path | None,
) -> torch.Tensor:
    """All images after `load` and `head`, from the cache; if they are not there, they are added.

    If `cache_dir` cannot be written, the user's cache folder is used, and failing that, memory.

    Args:
        paths: image files, in the order wanted.
        load: path -> PIL image. Called from several threads. Changing its code, or code of its own
            package that it calls, rebuilds the cache.
        head: PIL image -> PIL image, applied in turn, without randomness, ending in one size. The
            `repr` must contain the parameters; if it contains an address, nothing is cached.
        cache_dir: folder for cache files, usually `<data_dir>/.cache`; None: memory only.

    Returns:
        uint8 [N, 1, H, W]. Writing to it changes neither the file nor the data of others.

    Raises:
        ValueError: no paths, images of different sizes or not of mode L (`NotGrayscaleError`), one
            that cannot be read (`UnreadableImageError`), or an error in `load`.
        FileNotFoundError: an image is missing.
    """
    if not paths:
        raise ValueError("there are no images to load")
    decode = partial(_decode, load=load, head=head)
    trouble: OSError | None = None
    if cache_dir is not None and not any(" at 0x" in repr(transform) for transform in head):
        own = Path(cache_dir).expanduser()
        for folder in dict.fromkeys((own, user_cache_dir())):
            if folder is None:
                continue
            key = cache_key(paths, load, head, own, shared=folder != own)
            path = folder / f"images-{key.hex()[:32]}.pixels"
            if (images := _open(path, key)) is not None:
                return images
            try:
                return _build(path, key, paths, decode)
            except OSError as error:  # `_decode` raises no OSError except for a missing image
                trouble = error
    images = _read_into_memory(paths, decode)
    if trouble is not None:
        reason = trouble.strerror or trouble
        notice(f"The images cannot be cached on disk ({reason}): this run keeps them in memory.")
    return images


# -------------------------------------------------------------------- cache folders


def default_cache_dirs(data_dir: str | Path) -> list[Path]:
    """The cache folder of a data folder, then the user's (for read-only data folders)."""
    user = user_cache_dir()
    return [Path(data_dir).expanduser() / ".cache", *([user] if user else [])]


def cache_files(cache_dir: str | Path) -> list[CacheFile]:
    """The cache files in a folder, the most recently used first; none if the folder is missing."""
    found = []
    for path in Path(cache_dir).expanduser().glob("images-*.pixels"):
        with suppress(OSError):  # another process has just deleted it
            status = path.stat()
            used = datetime.fromtimestamp(status.st_mtime, timezone.utc)
            try:
                with path.open("rb") as file:
                    _, _, _, n, height, width, what = _read_header(file.read(_HEADER.size))
            except ValueError:
                n, height, width, what = 0, 0, 0, b"damaged"
            text = what.rstrip(b"\0").decode(errors="replace")
            found.append(CacheFile(path, text, n, height, width, status.st_size, used))
    return sorted(found, key=lambda file: file.last_use, reverse=True)


def clear_cache(cache_dir: str | Path) -> int:
    """Delete the cache files in a folder, finished or not; returns the bytes freed.

    Other files are left alone. Windows keeps files that a running process has mapped.
    """
    folder = Path(cache_dir).expanduser()
    ours = *folder.glob("images-*.pixels"), *folder.glob("stats-*.json"), *_unfinished(folder)
    freed = sum(_delete(path) for path in ours)
    with suppress(OSError):  # it holds other files
        folder.rmdir()
    return freed


def _unfinished(folder: Path) -> list[Path]:
    return list(folder.glob(".images-*.part"))


def _delete(path: Path) -> int:
    with suppress(OSError):
        size = path.stat().st_size
        path.unlink()
        return size
    return 0


def _tidy(folder: Path, keep: Path) -> None:
    """Delete abandoned files, then the least recently used until the folder is small enough."""
    for part in _unfinished(folder):
        with suppress(OSError):
            if time.time() - part.stat().st_mtime > _ABANDONED:
                part.unlink()
    files = cache_files(folder)
    total = sum(file.bytes for file in files)
    for file in reversed(files):
        if total > _LIMIT and file.path != keep:
            total -= _delete(file.path)


# -------------------------------------------------------------------- the key


def cache_key(
    paths: Sequence[str],
    load: Callable[..., Any],
    head: Sequence[Callable[..., Any]],
    own: Path,
    *,
    shared: bool,
) -> bytes:
    """SHA-256 of everything that determines the pixels.

    For a file, these are its name, size and modification time, its inode and its inode's change
    time (ctime). Two swapped files may have the same size and times, and a program may reset the
    modification time, but neither can reset the inode and ctime. Both survive moving the data
    folder on its disk; a copy is decoded again. (On Windows, ctime is the creation time, so only a
    file rewritten with its old size and time would be missed there.)

    Names are relative to the data folder, so that it can be moved with its cache; in a cache folder
    shared with other datasets, the key includes the data folder's path too.
    """
    prefix = f"{own.parent}{os.sep}"
    files = []
    for path in map(str, paths):
        status = os.stat(path)  # noqa: PTH116 (Path would take most of a warm start's time)
        name = path.removeprefix(prefix)
        name = name if name != path else str(Path(path).absolute())
        times = status.st_mtime_ns, status.st_ctime_ns
        files.append((name, status.st_size, *times, status.st_ino))
    place = str(own.absolute()) if shared else ""
    versions = (_MAGIC, PIL.__version__, torchvision.__version__, np.__version__)
    parts = (versions, place, files, [repr(transform) for transform in head], describe_code(load))
    return hashlib.sha256(repr(parts).encode()).digest()


# -------------------------------------------------------------------- reading and writing


def _read_header(header: bytes) -> tuple[Any, ...]:
    """The fields of `_HEADER`.

    Raises:
        ValueError: too short, or not the header of a cache file.
    """
    if len(header) < _HEADER.size or not header.startswith(_MAGIC):
        raise ValueError("cut off" if _MAGIC.startswith(header[:20]) else "not an image cache")
    return _HEADER.unpack(header)


def _open(path: Path, key: bytes) -> torch.Tensor | None:
    """Map a cache file: uint8 [N, 1, H, W]; None if it is missing, or (with a notice) damaged."""
    try:
        with path.open("rb") as file:
            fields = _read_header(file.read(_HEADER.size))
            magic, checksum, found_key, n, height, width, what = fields
            if os.fstat(file.fileno()).st_size != _HEADER.size + n * height * width:
                raise ValueError("its size is wrong")
            found = zlib.crc32(_HEADER.pack(magic, 0, found_key, n, height, width, what))
            while block := file.read(1 << 18):
                found = zlib.crc32(block, found)
            if found != checksum or found_key != key:
                raise ValueError("its checksum is wrong")
            shape = (n, 1, height, width)
            # copy on write, because torch warns about read-only arrays
            pixels = np.memmap(file, np.uint8, mode="c", offset=_HEADER.size, shape=shape)
    except OSError:
        return None
    except ValueError as error:
        notice(f"The image cache {path} is damaged ({error}): rebuilding it.")
        return None
    with suppress(OSError):
        os.utime(path)  # the time of last use
    return torch.from_numpy(pixels)


def _build(path: Path, key: bytes, paths: Sequence[str], decode: Decode) -> torch.Tensor:
    """Write a cache file image by image, rename it when it is complete, and map it.

    Raises:
        OSError: it cannot be written. Nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}.part")
    what = Path(paths[0]).absolute().parent.parent
    try:
        with part.open("xb") as file, closing(_decoded(paths, decode)) as images:
            for number, pixels in enumerate(images):
                if number == 0:
                    label = "/".join(what.parts[-2:]).encode(errors="replace")[:440]
                    fields = (key, len(paths), *pixels.shape, label)
                    header = _HEADER.pack(_MAGIC, 0, *fields)
                    file.write(header)
                    checksum = zlib.crc32(header)
                file.write(pixels.data)
                checksum = zlib.crc32(pixels.data, checksum)
            file.seek(0)
            file.write(_HEADER.pack(_MAGIC, checksum, *fields))
            file.flush()
            os.fsync(file.fileno())
        with suppress(PermissionError):  # Windows: another process was faster and has mapped it
            part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    built = _open(path, key)
    if built is None:
        raise OSError(f"cannot rename a file to {path}")
    _tidy(path.parent, keep=path)
    return built


def _read_into_memory(paths: Sequence[str], decode: Decode) -> torch.Tensor:
    with closing(_decoded(paths, decode)) as images:
        for number, pixels in enumerate(images):
            if number == 0:
                result = torch.empty((len(paths), 1, *pixels.shape), dtype=torch.uint8)
            result[number, 0] = torch.from_numpy(pixels)
    return result


def _decoded(paths: Sequence[str], decode: Decode) -> Generator[Pixels, None, None]:
    """Each image's pixels, in order, decoded in parallel; only a few are held at a time.

    Raises:
        ValueError: an image has another size than the first.
    """
    shape: tuple[int, ...] | None = None
    ahead = iter(paths)
    waiting: deque[Future[Pixels]] = deque()
    bar = progress_bar(total=len(paths), desc="reading images", unit="img", leave=False)
    with bar, ThreadPoolExecutor(_WORKERS) as pool:
        for path in paths:
            for coming in islice(ahead, 4 * _WORKERS - len(waiting)):
                waiting.append(pool.submit(decode, coming))
            pixels = waiting.popleft().result()
            shape = shape or pixels.shape
            if pixels.shape != shape:
                sizes = [f"{width} x {height}" for height, width in (pixels.shape, shape)]
                raise ValueError(
                    f"{path} is {sizes[0]} pixels wide and high, {paths[0]} is {sizes[1]}: "
                    "start the transforms with Resize((H, W)), so that all have one size"
                )
            yield pixels
            bar.update()


def _decode(
    path: str, load: Callable[[str], Image.Image], head: Sequence[Callable[..., Any]]
) -> Pixels:
    """One image's pixels, uint8 [H, W].

    Raises:
        UnreadableImageError, FileNotFoundError: the image cannot be read, or is missing.
        NotGrayscaleError: it is not of mode L.
    """
    with naming_the_file(path):
        image: Any = load(path)
        for transform in head:
            image = transform(image)
        mode = getattr(image, "mode", type(image).__name__)
        if mode != "L":
            raise NotGrayscaleError(f"{path} is loaded as {mode}: it must be a PIL image of mode L")
        return np.array(image)  # reads the file if `load` only opened it
