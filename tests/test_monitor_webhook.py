"""auditor.outlets.sinks.webhook: alerts posted, verified, and never to the wrong place."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from receivers import LOOPBACK, Hook, authority, web_hook
from reports import START_NS

from auditor.outlets.delivery import RejectedError, UnreachableError
from auditor.outlets.sinks.address import SinkOptions, open_sink
from auditor.outlets.sinks.message import Message

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MESSAGE = Message(START_NS, "high", "appeared", json.dumps({"title": "a"}))


def test_an_alert_is_posted_as_json() -> None:
    """With the path, query, headers and credentials that were asked for."""
    hook = Hook()
    with web_hook(hook) as address:
        options = SinkOptions(headers={"X-Token": "t"})
        open_sink(f"http://us%40er:pass@{address}/a/b?key=x#part", options).send(MESSAGE)
    assert hook.bodies == [b'{"title": "a"}']
    [(path, headers)] = hook.requests
    assert path == "/a/b?key=x"
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Token"] == "t"
    assert headers["Authorization"] == "Basic dXNAZXI6cGFzcw=="
    assert headers["User-Agent"].startswith("citrix-traffic-auditor/")


def test_this_machine_is_never_reached_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy would look for the hook on itself."""
    proxy, hook = Hook(), Hook()
    with web_hook(proxy) as beside, web_hook(hook) as address:
        monkeypatch.setenv("http_proxy", f"http://{beside}")
        monkeypatch.setenv("no_proxy", "")
        open_sink(f"http://{address}/").send(MESSAGE)
    assert (len(proxy.requests), len(hook.requests)) == (0, 1)


@pytest.mark.parametrize("status", [301, 302, 307, 401, 403, 404, 408, 429, 500, 503])
def test_what_may_be_put_right_over_there_is_tried_again(status: int) -> None:
    """No redirection is followed: the alert would arrive as something else, or elsewhere."""
    hook = Hook(status, {"Location": "/elsewhere"})
    with web_hook(hook) as address:
        sink = open_sink(f"http://{address}/x")
        with pytest.raises(UnreachableError, match=f"HTTP {status}"):
            sink.send(MESSAGE)
        assert [path for path, _ in hook.requests] == ["/x"]


@pytest.mark.parametrize("status", [400, 413, 422])
def test_an_alert_that_is_blamed_is_not_sent_again(status: int) -> None:
    """It would hold up all that come after it."""
    with (
        web_hook(Hook(status)) as address,
        pytest.raises(RejectedError, match=f"HTTP {status}"),
    ):
        open_sink(f"http://{address}/").send(MESSAGE)


@contextmanager
def raw_server(answer: bytes) -> Iterator[int]:
    """Answer one request with given bytes; give the port."""
    listener = socket.create_server((LOOPBACK, 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        thread.join()
        listener.close()


@pytest.mark.parametrize(
    ("headers", "retry_after_s"),
    [
        ({"Retry-After": "120"}, 120.0),
        (
            {
                "Retry-After": "Sat, 31 Jan 2026 10:01:30 GMT",
                "Date": "Sat, 31 Jan 2026 10:00:00 GMT",
            },
            90.0,
        ),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({}, None),
    ],
)
def test_the_hook_may_say_when_to_come_again(
    headers: dict[str, str], retry_after_s: float | None
) -> None:
    """As seconds or as a date; what cannot be read is not heeded."""
    # The server of the standard library sets a Date of its own, before ours.
    answer = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n"
    answer += "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    with raw_server(answer.encode()) as port, pytest.raises(UnreachableError) as raised:
        open_sink(f"http://{LOOPBACK}:{port}/").send(MESSAGE)
    assert raised.value.retry_after_s == retry_after_s


def test_something_that_speaks_no_http_is_not_reached() -> None:
    """It may be an HTTP server tomorrow."""
    with raw_server(b"SSH-2.0-x\r\n") as port, pytest.raises(UnreachableError, match="no HTTP"):
        open_sink(f"http://{LOOPBACK}:{port}/").send(MESSAGE)


def test_nobody_listening_is_said_as_the_system_says_it() -> None:
    """A refusal."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(UnreachableError, match="Connection refused"):
        open_sink(f"http://{LOOPBACK}:{port}/").send(MESSAGE)


def test_tls_is_verified_by_the_given_authority(tmp_path: Path) -> None:
    """And by no other: the system's know nothing of this one."""
    made, hook = authority(tmp_path), Hook()
    with web_hook(hook, made.context) as address:
        open_sink(f"https://{address}/x", SinkOptions(ca_file=str(made.ca_file))).send(MESSAGE)
        assert hook.bodies == [b'{"title": "a"}']
        with pytest.raises(UnreachableError, match="certificate not accepted: unable to get"):
            open_sink(f"https://{address}/x").send(MESSAGE)
    assert len(hook.requests) == 1


def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    """Even of a known authority."""
    made, hook = authority(tmp_path, "hook.example"), Hook()
    sink_options = SinkOptions(ca_file=str(made.ca_file))
    with (
        web_hook(hook, made.context) as address,
        pytest.raises(UnreachableError, match="certificate not accepted: IP address mismatch"),
    ):
        open_sink(f"https://{address}/x", sink_options).send(MESSAGE)
    assert not hook.requests
