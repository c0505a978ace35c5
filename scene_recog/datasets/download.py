"""Resumable download of a zip over HTTP, with the standard library only.

The data so far is kept in a `.part` file. The `.part.json` beside it records the address and the
version, so that a later run requests only the rest (RFC 9110, sections 13.1.5 and 14).
"""

import hashlib
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from email.message import Message
from http.client import HTTPException, HTTPResponse
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from scene_recog.system.progress import progress_bar

CHUNK_BYTES = 1 << 16
MAX_BYTES = 2 << 30


class DownloadError(ValueError):
    """An address did not deliver; the message is only the reason."""


class BrokenOffError(DownloadError):
    """The connection ended before the file did; the data so far is kept."""


@dataclass(frozen=True)
class PartState:
    """The file that a `.part` file is the beginning of."""

    url: str
    validator: str  # strong ETag or Last-Modified; empty if the server gave neither
    size: int | None  # of the whole file; None if the server did not say


def part_path(folder: str | Path, url: str) -> Path:
    """The `.part` file for an address; each address has its own.

    Raises:
        ValueError: not an http or https address.
    """
    address = urlsplit(url)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise ValueError(
            f"not an http:// or https:// address: {url}"
            " (for a zip on this machine use `scene-recog data import PATH`)"
        )
    stem = re.sub(r"\W+", "_", PurePosixPath(address.path).stem)[:40] or "download"
    return Path(folder) / f"{stem}-{hashlib.sha256(url.encode()).hexdigest()[:8]}.zip.part"


def fetch_zip(
    url: str, part: Path, *, timeout: float = 30, tries: int = 5, pause: float = 1
) -> None:
    """Download a zip to `part`, continuing from what is already there.

    A broken connection is reopened, up to `tries` connections in all, as long as each one delivers
    something.

    Args:
        url: http or https address.
        part: file to write, see `part_path`.
        timeout: seconds without an answer after which the address counts as dead.
        tries: maximum number of connections.
        pause: seconds between them.

    Raises:
        DownloadError: no connection, an HTTP error, a response that is not a zip, or a broken
            connection; in the last case, `part` is kept for the next call.
        OSError: `part` cannot be written.
    """
    while True:
        before = _size_of(part)
        try:
            _fetch_once(url, part, timeout)
            return
        except BrokenOffError:
            tries -= 1
            if tries <= 0 or _size_of(part) <= before:
                raise
        time.sleep(pause)


def discard(part: Path) -> None:
    """Remove a `.part` file and the `.part.json` beside it, if they exist."""
    part.unlink(missing_ok=True)
    _state_path(part).unlink(missing_ok=True)


def _fetch_once(url: str, part: Path, timeout: float) -> None:
    state = _read_state(part)
    resumable = state is not None and state.url == url and (state.validator or state.size)
    have = _size_of(part) if resumable else 0
    if state and have and have == state.size:
        return
    headers = {"User-Agent": "scene-recog", "Accept-Encoding": "identity"}
    if state and have:
        headers["Range"] = f"bytes={have}-"
        if state.validator:
            headers["If-Range"] = state.validator

    with _connect(url, headers, timeout) as response:
        if state and have and response.status in (206, 416):
            if response.status == 416 or not _continues(response.headers, state, have):
                discard(part)
                _fetch_once(url, part, timeout)  # this time without a Range
                return
        elif response.status != 200:
            raise DownloadError(f"HTTP {response.status} {response.reason}")
        else:
            have = 0  # the file has changed, or the server does not support ranges

        chunks = _chunks(response)
        first = next(chunks, b"")
        if not have and not first:
            raise BrokenOffError("the response was empty")
        # Checked before `part` is overwritten: it may be a network's login page.
        if not have and not first.startswith(b"PK"):
            kind = response.headers.get_content_type()
            raise DownloadError(f"the response is not a zip but {kind} ({first[:20]!r}...)")
        length = response.headers.get("Content-Length", "")
        size = have + int(length) if length.isdecimal() else None
        if (size or 0) > MAX_BYTES:
            raise DownloadError(f"the file has {size:,} bytes, too many for this dataset")
        with part.open("ab" if have else "wb") as file:
            if not have:
                state = PartState(url, _validator(response.headers), size)
                _write_state(part, state)
            with progress_bar(
                desc="download", total=size, initial=have, unit="B", unit_scale=True
            ) as bar:
                chunk = first
                while chunk:
                    if have + len(chunk) > MAX_BYTES:
                        raise DownloadError(
                            f"the file has more than {MAX_BYTES:,} bytes, too many for this dataset"
                        )
                    file.write(chunk)
                    have += len(chunk)
                    bar.update(len(chunk))
                    chunk = next(chunks, b"")
    if size is not None and have < size:
        raise BrokenOffError(f"the connection broke at {have:,} of {size:,} bytes")
    _write_state(part, PartState(url, _validator(response.headers), have))


def _connect(url: str, headers: dict[str, str], timeout: float) -> HTTPResponse:
    """Open the address; HTTP errors are returned as responses too."""
    request = urllib.request.Request(url, headers=headers)
    try:
        response: HTTPResponse = urllib.request.urlopen(request, timeout=timeout)
        return response
    except urllib.error.HTTPError as error:
        if error.code == 416:
            return error  # type: ignore[return-value]
        error.close()
        raise DownloadError(f"HTTP {error.code} {error.reason}") from error
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise DownloadError(f"no connection ({reason or type(error).__name__})") from error


def _chunks(response: HTTPResponse) -> Iterator[bytes]:
    while True:
        try:
            chunk = response.read(CHUNK_BYTES)
        except (OSError, HTTPException) as error:
            raise BrokenOffError(
                f"the connection broke ({error or type(error).__name__})"
            ) from error
        if not chunk:
            return
        yield chunk


def _continues(headers: Message, state: PartState, have: int) -> bool:
    """Whether a 206 response is the rest of the file that `state` describes."""
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("Content-Range", ""))
    if match is None or int(match[1]) != have:
        return False
    same_size = state.size is None or match[2] in ("*", str(state.size))
    return same_size and _validator(headers) in ("", state.validator)


def _validator(headers: Message) -> str:
    etag = str(headers.get("ETag", ""))
    return etag if etag.startswith('"') else str(headers.get("Last-Modified", ""))


def _state_path(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _read_state(part: Path) -> PartState | None:
    try:
        return PartState(**json.loads(_state_path(part).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None  # nothing to continue from


def _write_state(part: Path, state: PartState) -> None:
    _state_path(part).write_text(json.dumps(asdict(state)), encoding="utf-8")
