"""Resumable download from a real server on this machine that can be told to misbehave."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from scene_recog.datasets.download import BrokenOffError, DownloadError, fetch_zip, part_path

BODY = b"PK" + bytes(range(256)) * 1000


class Server(HTTPServer):
    """Serves `body`; the attributes define how badly."""

    body = BODY
    etag: str | None = '"one"'
    status = 200
    kind = "application/zip"
    ranges = True
    chunked = False
    check_if_range = True
    shift = 0  # offset of the ranges sent from those requested

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str | None, str | None]] = []  # Range, If-Range
        self.break_after: list[int] = []  # bytes after which the next responses break
        self.url = f"http://127.0.0.1:{self.server_port}/some/scenes.zip"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server, headers = self.server, self.headers
        server.asked.append((headers["Range"], headers["If-Range"]))
        if server.status != 200:
            self.send_error(server.status)
            return
        start = 0
        fresh = not server.check_if_range or headers["If-Range"] in (None, server.etag)
        if headers["Range"] and server.ranges and fresh:
            start = int(headers["Range"].removeprefix("bytes=").removesuffix("-")) + server.shift
            if start >= len(server.body):
                self.send_error(416)
                return
            self.send_response(206)
            last = len(server.body) - 1
            self.send_header("Content-Range", f"bytes {start}-{last}/{len(server.body)}")
        else:
            self.send_response(200)
        self.send_header("Content-Type", server.kind)
        if server.etag:
            self.send_header("ETag", server.etag)
        if not server.chunked:
            self.send_header("Content-Length", str(len(server.body) - start))
        self.end_headers()
        rest = server.body[start:]
        self.wfile.write(rest[: server.break_after.pop(0)] if server.break_after else rest)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def fetch(server: Server, folder: Path, tries: int = 1) -> bytes:
    part = part_path(folder, server.url)
    fetch_zip(server.url, part, timeout=5, tries=tries, pause=0)
    return part.read_bytes()


def break_off(server: Server, folder: Path, after: int) -> Path:
    """Fetch until the server breaks the connection; return the part."""
    server.break_after = [after]
    with pytest.raises(BrokenOffError):
        fetch(server, folder)
    part = part_path(folder, server.url)
    assert part.read_bytes() == server.body[:after]
    server.asked.clear()
    return part


def test_a_whole_file(server: Server, tmp_path: Path) -> None:
    assert fetch(server, tmp_path) == BODY
    assert server.asked == [(None, None)]
    assert fetch(server, tmp_path) == BODY
    assert len(server.asked) == 1, "what is complete is not asked for again"


def test_a_broken_download_asks_only_for_the_rest(server: Server, tmp_path: Path) -> None:
    break_off(server, tmp_path, 100_000)
    assert fetch(server, tmp_path) == BODY
    assert server.asked == [("bytes=100000-", '"one"')]


def test_a_broken_download_is_taken_up_at_once(server: Server, tmp_path: Path) -> None:
    server.break_after = [1_000, 500]
    assert fetch(server, tmp_path, tries=3) == BODY
    assert [asked for asked, _ in server.asked] == [None, "bytes=1000-", "bytes=1500-"]


def test_no_more_tries_when_nothing_arrives(server: Server, tmp_path: Path) -> None:
    server.break_after = [1_000, 0, 0, 0]
    with pytest.raises(BrokenOffError, match="1,000 of 256,002 bytes"):
        fetch(server, tmp_path, tries=5)
    assert len(server.asked) == 2


def test_without_etag_the_length_is_compared(server: Server, tmp_path: Path) -> None:
    server.etag = None
    break_off(server, tmp_path, 1_000)
    assert fetch(server, tmp_path) == BODY
    assert server.asked == [("bytes=1000-", None)]
    (tmp_path / "2").mkdir()
    break_off(server, tmp_path / "2", 1_000)
    server.body = BODY + b"longer"
    assert fetch(server, tmp_path / "2") == BODY + b"longer"
    assert [asked for asked, _ in server.asked] == ["bytes=1000-", None]


@pytest.mark.parametrize("check_if_range", [True, False])
def test_a_file_that_changed_starts_anew(
    server: Server, tmp_path: Path, check_if_range: bool
) -> None:
    break_off(server, tmp_path, 1_000)
    changed = BODY.replace(b"7", b"8")  # as long as before
    server.body, server.etag, server.check_if_range = changed, '"two"', check_if_range
    assert fetch(server, tmp_path) == changed


def test_a_file_that_shrank_starts_anew(server: Server, tmp_path: Path) -> None:
    break_off(server, tmp_path, 1_000)
    server.body, server.check_if_range = b"PK short", False
    assert fetch(server, tmp_path) == b"PK short"


def test_a_server_without_ranges_starts_anew(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    break_off(server, tmp_path, 1_000)
    assert fetch(server, tmp_path) == BODY
    assert server.asked[0][0] == "bytes=1000-"


def test_a_wrong_range_is_not_appended(server: Server, tmp_path: Path) -> None:
    break_off(server, tmp_path, 1_000)
    server.shift = 10
    assert fetch(server, tmp_path) == BODY


def test_a_part_of_another_address_is_not_continued(server: Server, tmp_path: Path) -> None:
    part = break_off(server, tmp_path, 1_000)
    note = part.with_name(part.name + ".json")
    note.write_text(json.dumps(json.loads(note.read_text()) | {"url": "http://elsewhere/"}))
    assert fetch(server, tmp_path) == BODY
    note.write_text("no json")
    part.write_bytes(b"PKx")
    assert fetch(server, tmp_path) == BODY
    assert [asked for asked, _ in server.asked] == [None, None]


def test_a_server_that_tells_no_length(server: Server, tmp_path: Path) -> None:
    server.chunked = True
    assert fetch(server, tmp_path) == BODY
    assert fetch(server, tmp_path) == BODY
    assert len(server.asked) == 1


def test_a_web_page_is_no_zip_and_harms_no_part(server: Server, tmp_path: Path) -> None:
    part = break_off(server, tmp_path, 1_000)
    server.body, server.kind, server.ranges = b"<html>Log in", "text/html", False
    with pytest.raises(DownloadError, match=r"not a zip but text/html .*Log in"):
        fetch(server, tmp_path)
    assert part.read_bytes() == BODY[:1_000]


@pytest.mark.parametrize("status", [404, 403, 416, 503])
def test_http_errors_are_named(server: Server, tmp_path: Path, status: int) -> None:
    server.status = status
    with pytest.raises(DownloadError, match=f"HTTP {status}"):
        fetch(server, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_answer(server: Server, tmp_path: Path) -> None:
    server.body = b""
    with pytest.raises(DownloadError, match="empty"):
        fetch(server, tmp_path)


def test_too_many_bytes(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scene_recog.datasets.download.MAX_BYTES", 200_000)
    with pytest.raises(DownloadError, match="too many"):
        fetch(server, tmp_path)
    server.chunked = True
    with pytest.raises(DownloadError, match="too many"):
        fetch(server, tmp_path)


def test_a_dead_address(server: Server, tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), Handler) as dead:
        port = dead.server_port  # free again after this
    url = f"http://127.0.0.1:{port}/a.zip"
    with pytest.raises(DownloadError, match="no connection"):
        fetch_zip(url, part_path(tmp_path, url), timeout=5)


def test_every_address_has_its_own_part() -> None:
    first = part_path("data", "https://a.org/x/proj4_data.zip?y=../1")
    assert first.parent == Path("data")
    assert first.name.startswith("proj4_data-")
    assert first.name.endswith(".zip.part")
    assert first != part_path("data", "https://b.org/x/proj4_data.zip")
    assert part_path("data", "https://a.org/../..").parent == Path("data")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "data.zip", "ftp://a/b.zip", "http://"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="not an http"):
        part_path("data", url)
