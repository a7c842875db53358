"""Captures at URLs: found, read in bounded requests, and told from what cannot be read."""

from __future__ import annotations

import gzip
import subprocess
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar, cast

import fsspec
import pytest
import small_office
from capture_files import frame, frames_in, numbered, pcap, pcapng
from fsspec.registry import _registry
from fsspec.spec import AbstractBufferedFile, AbstractFileSystem
from invoked import auditor

from auditor import pipeline
from auditor.capture import open_capture
from auditor.capture.opening import open_reader
from auditor.capture.remote import FEW_AHEAD_BYTES, MOST_AHEAD_BYTES
from auditor.capture.sources import find_captures
from auditor.errors import CaptureError, UsageError
from auditor.report.evidence import save_evidence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FRAMES = [frame(bytes([number]) * 50, at_ns=number * 1000) for number in range(200)]
CAPTURE = pcap(FRAMES)


class FailingStore(AbstractFileSystem):  # type: ignore[misc] # fsspec has no types
    """A store that counts its requests, and fails when it is told to."""

    protocol = "failing"
    cachable = False
    files: ClassVar[dict[str, bytes]] = {}
    requests: ClassVar[list[tuple[int, int]]] = []
    error: ClassVar[Exception | None] = None
    fails_from: ClassVar[int] = 0

    def info(self, path: str, **_: object) -> Mapping[str, object]:
        """Describe a file."""
        name = str(self._strip_protocol(path))
        if name not in self.files:
            raise FileNotFoundError(name)
        return {"name": name, "size": len(self.files[name]), "type": "file"}

    def _open(self, path: str, mode: str = "rb", **options: object) -> AbstractBufferedFile:
        return FailingFile(self, path, mode, cache_type=options["cache_type"])


class FailingFile(AbstractBufferedFile):  # type: ignore[misc] # as above
    """A file of that store."""

    def _fetch_range(self, start: int, end: int) -> bytes:
        store = cast("FailingStore", self.fs)
        store.requests.append((start, end))
        if store.error is not None and start >= store.fails_from:
            raise store.error
        return store.files[str(self.path)][start:end]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> type[FailingStore]:
    """Register the store, empty and in order."""
    fsspec.register_implementation("failing", FailingStore, clobber=True)
    for name, value in (("files", {}), ("requests", []), ("error", None), ("fails_from", 0)):
        monkeypatch.setattr(FailingStore, name, value)
    return FailingStore


@pytest.fixture
def memory() -> Iterator[AbstractFileSystem]:
    """Give the store in memory, and empty it afterwards."""
    store = fsspec.filesystem("memory")
    yield store
    store.rm("/", recursive=True)


def only_error(source: str) -> str:
    """Return the one thing to be said of a source."""
    with pytest.raises(CaptureError) as error:
        open_capture([source])
    return str(error.value)


def test_a_url_is_read_as_a_file_is(memory: AbstractFileSystem) -> None:
    """Its name is the URL, its size is known."""
    memory.pipe("/bucket/a.pcap", CAPTURE)
    with open_capture(["memory://bucket/a.pcap"]) as capture:
        assert frames_in(capture) == numbered(FRAMES)

    assert capture.facts.files == ["memory://bucket/a.pcap"]
    assert capture.position() == (len(CAPTURE), len(CAPTURE))


def test_compression_is_told_by_the_bytes(memory: AbstractFileSystem) -> None:
    """The name says nothing, as with local files."""
    memory.pipe("/a.zst", gzip.compress(CAPTURE))
    with open_capture(["memory://a.zst"]) as capture:
        assert frames_in(capture) == numbered(FRAMES)


def test_a_glob_stands_for_what_it_matches(memory: AbstractFileSystem) -> None:
    """Matches are sorted; a directory among them stands for its captures."""
    for name in ("/day/b.pcap", "/day/a.pcap", "/day/a.txt", "/day/c.pcap/below"):
        memory.pipe(name, CAPTURE)
    found = find_captures(["memory://day/*.pcap"])

    assert found.names == [
        "memory://day/a.pcap",
        "memory://day/b.pcap",
        "memory://day/c.pcap/below",
    ]
    assert found.errors == []


def test_a_glob_that_matches_nothing_is_an_error(memory: AbstractFileSystem) -> None:
    """As a local one."""
    memory.pipe("/day/a.txt", b"")

    assert only_error("memory://day/*.pcap") == (
        "memory://day/*.pcap: expected captures of such a name, found none"
    )


def test_a_file_whose_name_looks_like_a_glob_is_a_file(memory: AbstractFileSystem) -> None:
    """Brackets in a name that exists are part of the name."""
    memory.pipe("/trace[1].pcap", CAPTURE)

    assert find_captures(["memory://trace[1].pcap"]).names == ["memory://trace[1].pcap"]


@pytest.mark.parametrize("url", ["memory://day", "memory://day/", "memory:///day"])
def test_a_directory_stands_for_its_captures(memory: AbstractFileSystem, url: str) -> None:
    """They are found by their contents; other files, and what lies below, are passed over."""
    memory.pipe("/day/b.pcap", CAPTURE)
    memory.pipe("/day/a.gz", gzip.compress(pcapng([])))
    memory.pipe("/day/notes.pcap", b"not a capture")
    memory.pipe("/day/below/c.pcap", CAPTURE)
    memory.pipe("/day/odd", b"\x54\x52\x00\x64" + bytes(100))  # which tshark does not hand over
    found = find_captures([url])

    assert found.names == [f"{url.rstrip('/')}/a.gz", f"{url.rstrip('/')}/b.pcap"]
    assert [error.source for error in found.errors] == [f"{url.rstrip('/')}/odd"]


def test_the_root_of_a_store_is_a_directory(memory: AbstractFileSystem) -> None:
    """A URL may end with the protocol."""
    memory.pipe("/a.pcap", CAPTURE)

    assert find_captures(["memory://"]).names == ["memory://a.pcap"]


def test_a_directory_without_captures_is_an_error(memory: AbstractFileSystem) -> None:
    """The error says how many files were looked at."""
    memory.pipe("/day/a.txt", b"")

    assert only_error("memory://day") == (
        "memory://day: expected captures in this directory, found none among 1 files"
    )


def test_a_file_is_read_once(memory: AbstractFileSystem, tmp_path: Path) -> None:
    """A file given by URL, by another, by glob and path is one capture, by its first name."""
    memory.pipe("/day/a.pcap", CAPTURE)
    local = tmp_path / "a.pcap"
    local.write_bytes(CAPTURE)
    url = f"file://{local.as_posix()}"

    sources = ["memory://day/a.pcap", "memory:///day/a.pcap", "memory://day/*", url, str(local)]
    assert find_captures(sources).names == ["memory://day/a.pcap", url]


def test_captures_here_and_elsewhere_are_merged(memory: AbstractFileSystem, tmp_path: Path) -> None:
    """Where frames come from makes no difference to their order."""
    local = tmp_path / "a.pcap"
    local.write_bytes(pcap(FRAMES[::2]))
    memory.pipe("/b.pcap", pcap(FRAMES[1::2]))
    with open_capture([f"file://{local.as_posix()}", "memory://b.pcap"]) as capture:
        assert [each.data for each in frames_in(capture)] == [each.data for each in FRAMES]


def test_members_of_archives_are_read(tmp_path: Path) -> None:
    """A chained URL goes through all its stores, as a file, a glob and a directory."""
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("a.pcap", "b.pcap", "read.me"):
            archive.writestr(name, CAPTURE if name != "read.me" else "")
    outer = f"file://{path.as_posix()}"
    members = [f"zip://a.pcap::{outer}", f"zip://b.pcap::{outer}"]

    assert find_captures([f"zip://*.pcap::{outer}"]).names == members
    assert find_captures([f"zip://::{outer}"]).names == members
    assert find_captures([f"zip::{outer}"]).names == members
    with open_capture(members[:1]) as capture:
        assert frames_in(capture) == numbered(FRAMES)
    assert capture.position() == (len(CAPTURE), len(CAPTURE))
    assert only_error(f"zip://c.pcap::{outer}").endswith(": expected a capture, found no such file")
    path.write_bytes(b"no archive")
    assert only_error(f"zip://d.pcap::{outer}").endswith("(file is not a zip file)")


def test_requests_grow_while_a_file_is_read_on(failing: type[FailingStore]) -> None:
    """A look at the head fetches no more than that; a long file takes few requests."""
    failing.files = {"long": bytes(20 << 20)}
    reader = open_reader("failing://long")
    pieces = []
    while piece := reader.read(1 << 16):
        pieces.append(len(piece))
    reader.close()
    sizes = [end - start for start, end in failing.requests]

    assert (sum(pieces), max(pieces)) == (20 << 20, 1 << 16)
    assert sizes[:3] == [1 << 16, 1 << 17, 1 << 18]
    assert max(sizes) == MOST_AHEAD_BYTES
    assert [start for start, _ in failing.requests[1:]] == [end for _, end in failing.requests[:-1]]


def test_a_file_at_rest_holds_little(failing: type[FailingStore]) -> None:
    """One of many files goes on where it stood, in small requests."""
    failing.files = {"long": bytes(range(256)) * (1 << 14)}
    reader = open_reader("failing://long")
    first = reader.read(1 << 20)
    reader.rest()
    rest = b"".join(iter(lambda: reader.read(1 << 16), b""))

    assert first + rest == failing.files["long"]
    assert {end - start for start, end in failing.requests[1:]} == {FEW_AHEAD_BYTES}


def test_a_capture_that_breaks_off_is_kept_so_far(failing: type[FailingStore]) -> None:
    """A network that fails costs what was not read yet, and that is said."""
    failing.files = {"a.pcap": pcap([frame(bytes(1000), at_ns=at) for at in range(9000)])}
    failing.error, failing.fails_from = OSError(104, "Connection reset by peer"), 1
    with open_capture(["failing://a.pcap"]) as capture:
        frames = frames_in(capture)

    came = (failing.requests[0][1] - 24) // 1016
    assert len(frames) == came < 9000
    assert capture.facts.truncated
    (warning,) = capture.facts.warnings
    assert warning.startswith(f"failing://a.pcap: record {came + 1} at byte ")
    assert warning.endswith("found that it cannot be read (connection reset by peer)")


def test_a_file_that_ends_before_its_size_is_truncated(failing: type[FailingStore]) -> None:
    """Even where it ends between two frames."""

    class Short(bytes):
        __slots__ = ()

        def __len__(self) -> int:
            return len(CAPTURE) + 66

    failing.files = {"a.pcap": Short(CAPTURE)}
    with open_capture(["failing://a.pcap"]) as capture:
        assert len(frames_in(capture)) == len(FRAMES)

    assert capture.facts.truncated
    assert "it ended after 13,224 of 13,290 bytes" in capture.facts.warnings[0]


class NoCredentialsError(Exception):
    """What the library of S3 calls it."""


class RefusedError(Exception):
    """An answer of HTTP."""

    status = 403


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (NoCredentialsError("Unable to locate\ncredentials"),
         "that it cannot be read (no credentials: unable to locate credentials)"),
        (PermissionError("Access Denied"), "that it may not be read (permission denied)"),
        (RefusedError(), "that it may not be read (permission denied)"),
        (TimeoutError(), "that it cannot be read (no answer in time)"),
        (RuntimeError("bad ftp://me:secret@host/a."),
         "that it cannot be read (bad ftp://me:***@host/a)"),
        (KeyError(), "that it cannot be read (keyerror)"),
    ],
)  # fmt: skip
def test_whatever_a_store_raises_is_one_line(
    failing: type[FailingStore], error: Exception, found: str
) -> None:
    """Every library has errors of its own."""
    failing.files, failing.error = {"a.pcap": CAPTURE}, error

    assert only_error("failing://a.pcap") == f"failing://a.pcap: expected a capture, found {found}"


def test_an_error_that_quotes_a_secret_is_named_alone(failing: type[FailingStore]) -> None:
    """The library took the URL apart, and its message has a piece of the password."""
    failing.files, failing.error = {"KEY:se/cret@a.pcap": CAPTURE}, RuntimeError("no bucket KEY:se")

    assert only_error("failing://KEY:se/cret@a.pcap") == (
        "failing://KEY:***@a.pcap: expected a capture, found that it cannot be read (runtimeerror)"
    )


def test_what_is_not_there_is_an_error(memory: AbstractFileSystem, tmp_path: Path) -> None:
    """The error names the URL."""
    memory.pipe("/a.pcap", CAPTURE)
    for url in ("memory://none.pcap", f"file://{(tmp_path / 'none.pcap').as_posix()}"):
        assert only_error(url) == f"{url}: expected a capture, found no such file"


def test_an_unknown_protocol_is_named() -> None:
    """Wherever in a chain it stands; the password is not."""
    assert only_error("gopher://me:pw@host/a.pcap") == (
        "gopher://me:***@host/a.pcap: expected a protocol that fsspec knows, found gopher://"
    )
    assert only_error("zip://a::gopher://x").endswith("fsspec knows, found gopher://")


def test_the_package_that_a_protocol_needs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry of fsspec knows it."""
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(_registry, "s3", raising=False)  # where it was loaded before

    assert only_error("s3://bucket/a.pcap") == (
        "s3://bucket/a.pcap: expected a package for s3://, found it missing "
        "(Install s3fs to access S3)"
    )


def test_local_files_do_without_fsspec(tmp_path: Path) -> None:
    """Nobody waits for a library that is not needed."""
    path = tmp_path / "a.pcap"
    path.write_bytes(CAPTURE)
    code = "import auditor, sys; auditor.read_flows(sys.argv[1]); sys.exit('fsspec' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == 0


class _Server(ThreadingHTTPServer):
    files: dict[str, bytes]
    ranges = True
    sized = True
    authorization: str | None = None

    def handle_error(self, *_: object) -> None:
        """Say nothing of a client that hung up: it had what it wanted."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_HEAD(self) -> None:
        """Answer without a body."""
        self._answer(body=False)

    def do_GET(self) -> None:
        """Answer with one."""
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        server, path = self.server, self.path.partition("?")[0]
        if server.authorization and self.headers["Authorization"] != server.authorization:
            self.send_error(401)
            return
        data = server.files.get(path)
        if data is None:
            self.send_error(404)
            return
        asked = self.headers["Range"] if server.ranges else None
        if asked:
            first, last = (int(number) for number in asked.removeprefix("bytes=").split("-"))
            part = data[first : last + 1]
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{first + len(part) - 1}/{len(data)}")
            data = part
        else:
            self.send_response(200)
        if path.endswith("/"):
            self.send_header("Content-Type", "text/html")
        if server.sized:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def web() -> Iterator[_Server]:
    """Serve files on loopback, over HTTP."""
    if find_spec("aiohttp") is None:
        pytest.skip("fsspec reads HTTP with aiohttp, which is not installed")
    server = _Server(("127.0.0.1", 0), _Handler)
    server.files = {"/a.pcap": pcap([frame(bytes(1000), at_ns=at) for at in range(4000)])}
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(("ranges", "sized"), [(True, True), (False, True), (False, False)])
def test_http_is_read_with_and_without_ranges(web: _Server, *, ranges: bool, sized: bool) -> None:
    """A server that knows no range requests, or no sizes, is read in one go."""
    web.ranges, web.sized = ranges, sized
    with open_capture([f"http://127.0.0.1:{web.server_port}/a.pcap?x=1"]) as capture:
        assert len(frames_in(capture)) == 4000

    size = len(web.files["/a.pcap"])
    assert capture.position() == (size, size if sized else 0)
    assert capture.facts.warnings == []


def test_an_index_page_is_a_directory(web: _Server) -> None:
    """Links to other orders and to elsewhere are passed over."""
    links = ("?C=N;O=D", "../", "/other/x.pcap", "below/", "a.pcap", "b.txt")
    page = "".join(f'<a href="{link}">{link}</a>' for link in links)
    web.files = {"/day/": page.encode(), "/day/a.pcap": CAPTURE, "/day/b.txt": b"text"}
    url = f"http://127.0.0.1:{web.server_port}/day/"
    found = find_captures([url, f"{url}*.pcap"])

    assert (found.names, found.errors) == ([f"{url}a.pcap"], [])


def test_http_errors_are_told_apart(web: _Server) -> None:
    """To fsspec each of them is a missing file."""
    url = f"http://127.0.0.1:{web.server_port}"
    assert only_error(f"{url}/none").endswith("/none: expected a capture, found no such file")
    web.authorization = "Basic nobody"
    assert only_error(f"{url}/a.pcap").endswith("may not be read (permission denied)")
    assert "expected a capture, found that it cannot be read (" in only_error(
        "http://127.0.0.1:1/a"
    )


def test_a_password_is_used_and_never_shown(web: _Server) -> None:
    """Reports have the URL without it, and what they offer to read again is read again."""
    web.authorization = "Basic bWU6c2VjcmV0"
    web.files["/day/"] = b'<a href="a.pcap">a.pcap</a>'
    web.files["/day/a.pcap"] = CAPTURE
    hidden = f"http://me:***@127.0.0.1:{web.server_port}/day/a.pcap"
    given = hidden.replace("***", "secret")

    for source in (given, given.removesuffix("a.pcap"), given.replace("a.pcap", "*.pcap")):
        with open_capture([source]) as capture:
            assert len(frames_in(capture)) == len(FRAMES)
        assert capture.facts.files == [hidden]
    with open_capture([hidden]) as again:
        assert len(frames_in(again)) == len(FRAMES)
    run = auditor("audit", given, "--format", "json", "--verbose")
    assert hidden in run.stdout
    assert "secret" not in run.stdout + run.stderr
    run = auditor("hosts", "infer", given)
    assert hidden in run.stdout
    assert "secret" not in run.stdout + run.stderr


@pytest.fixture
def office(memory: AbstractFileSystem, tmp_path: Path) -> str:
    """Put the small office's capture into the store in memory."""
    memory.pipe("/office.pcapng", small_office.write(tmp_path)[0].read_bytes())
    return "memory://office.pcapng"


def test_a_flow_of_a_url_is_explained(
    office: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The capture is read a second time for the frames, and Wireshark's view of them is there."""
    monkeypatch.chdir(tmp_path)  # a long path would wrap its line
    local = "office.pcapng"
    run, local_run = auditor("explain", office, "--flow", 1), auditor("explain", local, "--flow", 1)

    assert (run.status, run.stderr) == (0, "")
    assert run.stdout == local_run.stdout.replace(local, office)
    assert office in run.stdout


def test_evidence_of_a_url_is_that_of_the_file(office: str, tmp_path: Path) -> None:
    """The frames are the same; only the source's name differs."""
    written = []
    for source in (office, str(tmp_path / "office.pcapng")):
        report = pipeline.audit(source)
        out = tmp_path / "out.pcapng"
        written.append(save_evidence(report, out))

    assert written[0] == written[1]
    assert written[0].frames > 0


def test_evidence_does_not_replace_a_capture_named_by_url(tmp_path: Path) -> None:
    """A file URL and a path can be the same file."""
    capture, _ = small_office.write(tmp_path)
    before = capture.read_bytes()
    run = auditor("audit", f"file://{capture.as_posix()}", "--evidence", capture)

    assert run.status == UsageError.exit_status
    assert "is one of the captures that are read" in run.stderr
    assert capture.read_bytes() == before


def test_a_url_in_place_of_a_port_is_recognised() -> None:
    """Who forgot --flow is told so."""
    assert "--flow says which flow" in auditor("explain", "https://h/" + "a" * 300).stderr
