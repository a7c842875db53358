"""auditor.outlets.sinks: files, standard output, and how a sink is asked for."""

from __future__ import annotations

import io
import json
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from monitoring import fill, small_disk
from reports import START_NS

from auditor.errors import UsageError
from auditor.outlets.delivery import UnreachableError
from auditor.outlets.sinks.address import SinkOptions, open_sink
from auditor.outlets.sinks.file import FileSink, StreamSink
from auditor.outlets.sinks.message import Message
from auditor.outlets.sinks.syslog import FACILITIES, TcpSyslog, UdpSyslog
from auditor.outlets.sinks.webhook import Webhook

if TYPE_CHECKING:
    from pathlib import Path


def message(text: str, severity: str = "high", event: str = "appeared") -> Message:
    """Make a message with some JSON."""
    return Message(START_NS, severity, event, json.dumps({"title": text}))


def titles(path: Path) -> list[str]:
    """Read a file of alerts; fail if a line is not whole."""
    text = path.read_text()
    assert text == "" or text.endswith("\n")
    return [json.loads(line)["title"] for line in text.splitlines()]


@given(st.text(), st.integers(0, 2**62))
def test_a_message_comes_back_from_the_queue_as_it_went_in(text: str, time_ns: int) -> None:
    """Whatever stands in it."""
    sent = Message(time_ns, "low", "changed", json.dumps(text))
    assert Message.unpack(sent.pack()) == sent


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b'{"time_ns": 1, "x": 2}'])
def test_something_else_in_the_queue_is_no_message(content: bytes) -> None:
    """It is said what was found."""
    with pytest.raises(ValueError, match="expected a message"):
        Message.unpack(content)


def test_a_file_gets_a_line_an_alert_and_follows_logrotate(tmp_path: Path) -> None:
    """Moved away, removed or cut short: the next line goes to the file of that name."""
    path = tmp_path / "alerts.jsonl"
    sink = FileSink(path)
    sink.send(message("a"))
    path.rename(tmp_path / "alerts.1")
    sink.send(message("b"))
    sink.send(message("c"))
    assert titles(tmp_path / "alerts.1") == ["a"]
    assert titles(path) == ["b", "c"]
    path.unlink()
    sink.send(message("d"))
    os.truncate(path, 0)
    sink.send(message("e"))
    assert titles(path) == ["e"]
    sink.close()


def test_a_file_is_appended_to_after_half_a_line(tmp_path: Path) -> None:
    """What a killed process left does not swallow the next alert."""
    path = tmp_path / "alerts.jsonl"
    path.write_text('{"title": "a"}\n{"tit')
    sink = FileSink(path, sync=False)
    sink.send(message("b"))
    sink.close()
    assert path.read_text() == '{"title": "a"}\n{"tit\n{"title": "b"}\n'


def test_a_full_disk_leaves_no_half_line(tmp_path: Path) -> None:
    """The attempt fails as a whole, and succeeds when there is room."""
    with small_disk(tmp_path / "disk") as disk:
        path = disk / "alerts.jsonl"
        sink = FileSink(path)
        sink.send(message("a" * 3000))
        ballast = fill(disk)
        with pytest.raises((OSError, UnreachableError)):
            sink.send(message("b" * 6000))
        assert titles(path) == ["a" * 3000]
        ballast.unlink()
        sink.send(message("b" * 6000))
        assert titles(path) == ["a" * 3000, "b" * 6000]
        sink.close()


def test_a_limit_on_the_file_leaves_no_half_line(tmp_path: Path) -> None:
    """A write that the system cuts short is taken back."""
    resource = pytest.importorskip("resource", reason="no limits of this kind on Windows")
    path = tmp_path / "alerts.jsonl"
    sink = FileSink(path)
    sink.send(message("a"))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(UnreachableError, match="bytes fit on the disk"):
            sink.send(message("b" * 200))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert titles(path) == ["a"]
    sink.close()


def test_a_stream_gets_a_line_an_alert_until_its_reader_goes() -> None:
    """A pipe without a reader is a place that cannot be reached."""
    stream = io.StringIO()
    sink = StreamSink(stream)
    sink.send(message("a"))
    assert json.loads(stream.getvalue()) == {"title": "a"}
    stream.close()
    with pytest.raises(UnreachableError, match="closed file"):
        sink.send(message("b"))
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        with pytest.raises(UnreachableError, match="the reader has gone"):
            StreamSink(pipe).send(message("b"))
        # What the stream still holds would be complained of when it is closed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), pipe.fileno())


@pytest.mark.parametrize(
    ("spec", "kind", "place"),
    [
        ("-", StreamSink, "standard output"),
        ("alerts.jsonl", FileSink, "alerts.jsonl"),
        ("syslog://log.example:514", UdpSyslog, "syslog://log.example:514"),
        ("syslog+udp://[::1]:514?facility=local3", UdpSyslog, "syslog://[::1]:514"),
        ("syslog+tcp://log.example:601", TcpSyslog, "syslog+tcp://log.example:601"),
        ("syslog+tls://log.example:6514", TcpSyslog, "syslog+tls://log.example:6514"),
        ("https://u:p@hook.example/secret?key=x", Webhook, "https://hook.example/..."),
        ("HTTPS://hook.example:8443/secret", Webhook, "https://hook.example:8443/..."),
        ("http://127.0.0.1:9000/x", Webhook, "http://127.0.0.1:9000/..."),
        ("http://[::1]:9000/x", Webhook, "http://[::1]:9000/..."),
        ("http://localhost/x", Webhook, "http://localhost/..."),
    ],
)
def test_a_sink_is_what_is_asked_for_and_shows_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str, kind: type, place: str
) -> None:
    """Nothing is connected or written yet."""
    monkeypatch.chdir(tmp_path)
    sink = open_sink(spec)
    assert isinstance(sink, kind)
    assert sink.place == place
    sink.close()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "--alerts : expected PATH, -, syslog://HOST:PORT"),
        (".", "found a directory"),
        ("none/alerts", "--alerts none/alerts: expected a directory to write into, found none"),
        ("syslog://", "found no host"),
        ("syslog://log.example", "--alerts syslog://log.example: expected .* found no port"),
        ("syslog://log.example:0", "found no port"),
        ("syslog://log.example:x", "Port could not be cast"),
        ("syslog://log.example:99999", "Port out of range"),
        ("syslog://log.example:514/x", r"found more after the port than \?facility=NAME"),
        ("syslog://log.example:514?facility=x", r"expected a facility \(.*local7\), found 'x'"),
        ("ftp://log.example/x", "found ftp://"),
        ("http://hook.example/secret", "--alerts http://hook.example: .*found plain http"),
        ("http://u:secret@hook.example/", "--alerts hook.example: .*found plain http"),
        ("https:///secret", "found no host"),
        ("https://hook.example/secret\u00e9", "characters that have to be written as %XX"),
        ("https://hook.example/secret x", "characters that have to be written as %XX"),
        ("https://[::1/secret", "found Invalid IPv6 URL"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(spec: str, message: str) -> None:
    """The line says what could be, what was found, and nothing of a secret."""
    with pytest.raises(UsageError, match=message) as raised:
        open_sink(spec)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("spec", ["https://hook.example/x", "syslog+tls://log.example:6514"])
def test_authorities_that_cannot_be_read_are_named(tmp_path: Path, spec: str) -> None:
    """A missing file, and one that holds no certificate."""
    missing, odd = tmp_path / "none.pem", tmp_path / "odd.pem"
    odd.write_text("hello")
    for path, found in ((missing, "No such file"), (odd, "found something else")):
        with pytest.raises(UsageError, match=f"{path.name}: expected certificates .*{found}"):
            open_sink(spec, SinkOptions(ca_file=str(path)))


@given(st.text(max_size=60))
def test_whatever_is_asked_for_gives_a_sink_or_wrong_usage(text: str) -> None:
    """No other exception comes out."""
    for spec in (f"syslog://{text}", f"https://{text}", f"http://{text}", f"{text}://x:1"):
        try:
            open_sink(spec).close()
        except UsageError:
            continue


def test_facilities_are_those_of_the_standard() -> None:
    """RFC 5424, table 1, ends at local7 = 23."""
    assert FACILITIES["user"] == 1
    assert FACILITIES["local0"] == 16
    assert max(FACILITIES.values()) == FACILITIES["local7"] == 23
