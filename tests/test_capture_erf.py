"""Endace's records as the frames that they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from capture_files import Frame, frame, frames_in, numbered, pcap, read_bytes
from foreign_files import erf_record, needs_tshark
from hypothesis import given
from hypothesis import strategies as st

from auditor.capture import open_capture

if TYPE_CHECKING:
    from pathlib import Path

HELD = frame(b"\x0a" * 60, at_ns=1000, wire_len=1500)


def wrapped(record: bytes, wire_len: int) -> Frame:
    """Make a frame of link type 197 of a record."""
    return HELD._replace(data=record, wire_len=wire_len + len(record))


@pytest.mark.parametrize(
    ("kind", "linktype", "pad"),
    [(2, 1, 2), (11, 1, 2), (20, 1, 2), (1, 50, 0), (22, 228, 0), (23, 229, 0)],
)
@pytest.mark.parametrize("extensions", [0, 1, 3])
def test_the_header_goes(kind: int, linktype: int, pad: int, extensions: int) -> None:
    """Bytes, length on the wire and link type are those of the frame inside."""
    record = erf_record(HELD, kind, extensions)
    outer = HELD._replace(data=record, wire_len=1500 + 16 + 8 * extensions + pad)
    read = read_bytes(pcap([outer, HELD], link=197))

    assert read[0] == HELD._replace(linktype=linktype, number=1)


@pytest.mark.parametrize(
    "record", [b"", bytes(15), bytes(40), erf_record(HELD)[:17], erf_record(HELD, 2, 3)[:30]]
)
def test_what_holds_no_frame_stays(record: bytes) -> None:
    """It keeps its link type, which nobody decodes."""
    (read,) = read_bytes(pcap([wrapped(record, 0)], link=197))

    assert (read.data, read.linktype) == (record, 197)


@given(st.binary(max_size=80))
def test_any_bytes_are_a_frame(record: bytes) -> None:
    """Nothing is raised, and a frame is never longer than what holds it."""
    (read,) = read_bytes(pcap([wrapped(record, 5)], link=197))

    assert record.endswith(read.data)
    assert len(read.data) <= read.wire_len <= len(record) * 2 + 5


@needs_tshark
def test_a_capture_of_such_records_is_read_through_tshark(tmp_path: Path) -> None:
    """The file has no header; frames and lengths are those that Wireshark counts."""
    frames = [frame(bytes([n]) * 60, at_ns=n * 1_000_000_000, wire_len=60 + n) for n in range(1, 9)]
    name = tmp_path / "x.erf"
    name.write_bytes(b"".join(erf_record(each, 2, n % 3) for n, each in enumerate(frames)))
    with open_capture([str(name)]) as capture:
        read = frames_in(capture)

    assert read == numbered(frames)
