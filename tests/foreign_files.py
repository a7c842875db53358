"""Writes captures of formats that Wireshark reads and we do not: by hand, and by editcap."""

from __future__ import annotations

import shutil
import struct
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import pytest
from capture_files import SECOND_NS

from auditor.capture.tshark import find_tshark

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from capture_files import Frame

needs_tshark = pytest.mark.skipif(find_tshark() is None, reason="needs tshark")
needs_editcap = pytest.mark.skipif(
    find_tshark() is None or shutil.which("editcap") is None, reason="needs tshark and editcap"
)

_PAGE_BYTES = 16_384
_SIGNATURE, _ABSOLUTE_TIME, _RECEIVED = 1, 7, 0xAD
_ETHERNET_FOLLOWS = 1
_HEADER_LEN = 35


class Traced(NamedTuple):
    """A frame that a NetScaler traced, and its two control blocks."""

    frame: Frame
    block: int
    linked: int = 0


def nstrace(traced: Iterable[Traced]) -> bytes:
    """Write a NetScaler trace, version 3.5, in whole pages; a record's header is on one page."""
    data = bytearray(_record(_SIGNATURE, b"Netscaler V35 Performance Data\n" + bytes(36)))
    data += _record(_ABSOLUTE_TIME, bytes(5))
    for each in traced:
        room = -len(data) % _PAGE_BYTES
        data += bytes(room if room < _HEADER_LEN else 0) + _packet(each)
    return bytes(data) + bytes(-len(data) % _PAGE_BYTES)


def _packet(traced: Traced) -> bytes:
    frame = traced.frame
    fields = (2, frame.time_ns, traced.block, traced.linked, frame.wire_len)
    header = struct.pack("<BQIIH", *fields)
    header += struct.pack("<HHHBBIB", 0, 0, _HEADER_LEN, 0, 0, 0, _ETHERNET_FOLLOWS)
    return _record(_RECEIVED, header + frame.data)


def _record(kind: int, body: bytes) -> bytes:
    size = len(body) + 3
    coded = bytes([size, 0]) if size < 128 else bytes([0x80 | size & 0x7F, size >> 7])
    return bytes([kind]) + coded + body


def erf_record(each: Frame, kind: int = 2, extensions: int = 0) -> bytes:
    """Write a record of Endace's format, with so many extension headers."""
    seconds, rest = divmod(each.time_ns, SECOND_NS)
    pad = bytes(2 if kind in {2, 11, 16, 20} else 0)
    more = b"".join(
        bytes([0x80 * (number + 1 < extensions) | 3]) + bytes(7) for number in range(extensions)
    )
    body = more + pad + each.data
    head = struct.pack("<II", (rest << 32) // SECOND_NS, seconds)
    kind |= 0x80 if extensions else 0
    return head + struct.pack(">BBHHH", kind, 4, 16 + len(body), 0, each.wire_len) + body


def converted(source: Path, directory: Path, kind: str) -> Path:
    """Let editcap write a capture in another format."""
    made = directory / f"x.{kind}"
    subprocess.run(["editcap", "-F", kind, source, made], check=True, capture_output=True)
    return made
