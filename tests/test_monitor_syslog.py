"""auditor.outlets.sinks.syslog: messages of RFC 5424 over UDP, TCP and TLS."""

from __future__ import annotations

import json
import re
import socket
import ssl
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from monitoring import until
from receivers import LOOPBACK, TcpReceiver, authority, syslog_messages, udp_receiver
from reports import HOSTILE, START_NS

from auditor.outlets.delivery import RejectedError, UnreachableError
from auditor.outlets.sinks.address import SinkOptions, open_sink
from auditor.outlets.sinks.message import Message
from auditor.outlets.sinks.syslog import frame_message

if TYPE_CHECKING:
    from pathlib import Path

HEADER = re.compile(
    rb"<(?P<pri>[0-9]{1,3})>1 (?P<time>\S+) (?P<host>[!-~]{1,255}) auditor [0-9]+ "
    rb"(?P<msgid>[!-~]{1,32}) - (?P<msg>[ -~]*)"
)
"""RFC 5424, 6: with no structured data, and a message in ASCII."""


def message(text: str, severity: str = "high") -> Message:
    """Make a message."""
    return Message(START_NS, severity, "appeared", json.dumps({"title": text}))


@pytest.mark.parametrize(
    ("severity", "facility", "priority"),
    [("high", 16, 131), ("medium", 16, 132), ("low", 23, 189), ("info", 1, 14)],
)
def test_the_priority_is_eight_facilities_and_a_severity(
    severity: str, facility: int, priority: int
) -> None:
    """RFC 5424, 6.2.1: error, warning, notice, informational."""
    framed = frame_message(message("x", severity), facility=facility, hostname="h", process=7)
    assert framed.startswith(
        b"<%d>1 2026-01-31T10:00:00.123456Z h auditor 7 appeared - {" % priority
    )


@given(st.text(), st.integers(0, 4 * 10**18))
def test_every_message_is_well_formed(text: str, time_ns: int) -> None:
    """Whatever the alert says, no line break or control character gets onto the wire."""
    sent = Message(time_ns, "low", "appeared", json.dumps(text + HOSTILE))
    found = HEADER.fullmatch(frame_message(sent, facility=16, hostname="h", process=1))
    assert found
    assert json.loads(found["msg"]) == text + HOSTILE
    datetime.strptime(found["time"].decode(), "%Y-%m-%dT%H:%M:%S.%fZ").astimezone()


def test_a_datagram_holds_a_message() -> None:
    """From this machine, as the standard has it."""
    with udp_receiver() as receiver:
        sink = open_sink(f"syslog://{LOOPBACK}:{receiver.getsockname()[1]}?facility=local7")
        sink.send(message("a"))
        sink.send(message("b"))
        first, second = receiver.recv(65536), receiver.recv(65536)
        sink.close()
    found = HEADER.fullmatch(first)
    assert found
    assert (int(found["pri"]), json.loads(found["msg"])) == (187, {"title": "a"})
    assert second.endswith(b'{"title": "b"}')


def test_a_receiver_of_datagrams_that_is_gone_is_noticed_at_the_next_one() -> None:
    """The refusal comes back for the one before; then the way is looked up anew."""
    with udp_receiver() as receiver:
        port = receiver.getsockname()[1]
    sink = open_sink(f"syslog://{LOOPBACK}:{port}")
    sink.send(message("lost"))

    def refused() -> bool:
        try:
            sink.send(message("noticed"))
        except ConnectionRefusedError:
            return True
        return False

    until(refused)
    with udp_receiver() as receiver:
        sink = open_sink(f"syslog://{LOOPBACK}:{receiver.getsockname()[1]}")
        sink.send(message("a"))
        assert receiver.recv(65536).endswith(b'{"title": "a"}')
    sink.close()


def test_what_no_datagram_holds_is_refused_for_good() -> None:
    """Half of a message would be no JSON."""
    with udp_receiver() as receiver:
        sink = open_sink(f"syslog://{LOOPBACK}:{receiver.getsockname()[1]}")
        with pytest.raises(RejectedError, match="do not fit into a datagram"):
            sink.send(message("x" * 70_000))
        sink.close()


def test_messages_on_a_connection_are_counted_in_octets() -> None:
    """One connection, each message behind its length."""
    receiver = TcpReceiver()
    sink = open_sink(f"syslog+tcp://{LOOPBACK}:{receiver.port}")
    for text in ("a", "b" * 100_000, "c"):
        sink.send(message(text))
    until(lambda: bool(receiver.streams) and receiver.streams[0].endswith(b'"c"}'))
    sink.close()
    receiver.close()
    messages = syslog_messages(receiver.streams[0])
    assert [json.loads(m.split(b" - ", 1)[1])["title"][0] for m in messages] == ["a", "b", "c"]
    assert len(receiver.streams) == 1


def test_a_connection_that_the_other_side_closed_is_made_anew() -> None:
    """The message goes over the new one, and is not lost in the old one."""
    receiver = TcpReceiver()
    sink = open_sink(f"syslog+tcp://{LOOPBACK}:{receiver.port}")
    sink.send(message("a"))
    until(lambda: bool(receiver.streams) and receiver.streams[0].endswith(b'"a"}'))
    receiver.hang_up()
    sink.send(message("b"))
    until(lambda: len(receiver.streams) == 2 and receiver.streams[1].endswith(b'"b"}'))
    sink.close()
    receiver.close()
    assert [len(syslog_messages(stream)) for stream in receiver.streams] == [1, 1]


def test_nobody_listening_is_a_failure_to_be_tried_again() -> None:
    """As the system names it."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
    sink = open_sink(f"syslog+tcp://{LOOPBACK}:{port}")
    with pytest.raises(ConnectionRefusedError):
        sink.send(message("a"))
    receiver = TcpReceiver(port)
    sink.send(message("a"))
    until(lambda: bool(receiver.streams) and receiver.streams[0].endswith(b'"a"}'))
    sink.close()
    receiver.close()
    assert len(syslog_messages(receiver.streams[0])) == 1


def test_tls_is_spoken_with_a_receiver_that_an_authority_vouches_for(tmp_path: Path) -> None:
    """RFC 5425; the same framing inside."""
    made = authority(tmp_path)
    receiver = TcpReceiver(context=made.context)
    options = SinkOptions(ca_file=str(made.ca_file))
    sink = open_sink(f"syslog+tls://{LOOPBACK}:{receiver.port}", options)
    for text in "abc":
        sink.send(message(text))
        until(lambda: bool(receiver.streams) and receiver.streams[-1].endswith(b'"}'))
    until(lambda: receiver.streams[0].endswith(b'"c"}'))
    receiver.hang_up()
    sink.send(message("d"))
    until(lambda: len(receiver.streams) == 2 and receiver.streams[1].endswith(b'"d"}'))
    sink.close()
    receiver.close()
    assert [len(syslog_messages(stream)) for stream in receiver.streams] == [3, 1]


def test_tls_with_a_stranger_is_refused(tmp_path: Path) -> None:
    """The system's authorities know nothing of this certificate: nothing is sent."""
    receiver = TcpReceiver(context=authority(tmp_path).context)
    sink = open_sink(f"syslog+tls://{LOOPBACK}:{receiver.port}")
    with pytest.raises((UnreachableError, ssl.SSLError), match="certificate verify failed"):
        sink.send(message("a"))
    sink.close()
    receiver.close()
    assert b"".join(map(bytes, receiver.streams)) == b""
