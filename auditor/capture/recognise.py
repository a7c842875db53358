"""What a file is by its first bytes: a capture read here, one that tshark reads, or no capture."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from auditor.capture import pcap, pcapng

HEAD_BYTES = 1 << 13
"""Where a format's signature is looked for; a NetScaler trace has it in its first page."""

EXPECTED = "expected a pcap or pcapng capture"

_TEXT = frozenset(b"\t\n\r" + bytes(range(0x20, 0x7F)))

_ERF_TYPES = 48
_YEAR_1995 = 788_918_400
_DAY = 86_400

_INSTALL = "install Wireshark's tshark to read it"


class Way(Enum):
    """How a capture of another format is read."""

    PCAPNG = "as the pcapng that tshark makes of it"
    LINES = "as the lines that tshark writes of each frame"
    NONE = "not at all"


@dataclass(frozen=True, slots=True)
class ForeignFormat:
    """A capture format that is not read without Wireshark, if at all."""

    name: str
    way: Way = Way.PCAPNG
    advice: str = _INSTALL
    """What to do where it cannot be read."""


_NETSCALER = ForeignFormat("a NetScaler trace (nstrace)", Way.LINES)
_NETSCALER_SIGNATURE = re.compile(rb"Net[Ss]caler (V\d\d )?Performance Data")
_ETL = ForeignFormat(
    "a Windows event trace (ETL)", Way.NONE, "convert it with `etl2pcapng IN.etl OUT.pcapng`"
)
_ERF = ForeignFormat("an Endace ERF capture")

_MAGICS = {
    b"snoop\0\0\0": ForeignFormat("a snoop capture"),
    b"RTSS": ForeignFormat("a Microsoft Network Monitor 1 capture"),
    b"GMBU": ForeignFormat("a Microsoft Network Monitor 2 capture"),
    b"TRSNIFF data    \x1a": ForeignFormat("a Sniffer (DOS) capture"),
    b"XCP\0": ForeignFormat("a NetXray or Sniffer (Windows) capture"),
    b"VL\0\0": ForeignFormat("a NetXray capture"),
    b"iptrace ": ForeignFormat("an AIX iptrace capture"),
    b"btsnoop\0": ForeignFormat("a btsnoop capture"),
    b"ObserverPktBuffe": ForeignFormat("an Observer capture"),
    b"\x7fver": ForeignFormat("an OmniPeek capture"),
    b"cpse": ForeignFormat("a Capsa capture"),
    b"\x05VNF": ForeignFormat("a Visual Networks capture"),
    b"\xaa\xaa\xaa\xaa": ForeignFormat("a 5View capture"),
    b"\x42\xd2\x00\x34\x12\x66\x22\x88": ForeignFormat("a RADCOM capture"),
    b"\x01\x10\x4c\x00\x01\x05": ForeignFormat("a LANalyzer capture"),
    # Its link types have no number of their own, so tshark does not write them as pcapng.
    b"\x54\x52\x00\x64\x00": ForeignFormat(
        "an HP-UX nettl trace", Way.NONE, "convert it with `editcap -T ether IN OUT.pcapng`"
    ),
}

_CONTAINERS = {
    b"PK\x03\x04": "a ZIP archive: unpack it first",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive: unpack it first",
    b"Rar!\x1a\x07": "a RAR archive: unpack it first",
    b"\x1f\x9d": "data of the old compress program: unpack it first",
    b"\x02\x21\x4c\x18": "lz4 data of the legacy format: unpack it first",
    b"\x1f\x8b": "gzip data inside compressed data: unpack it once first",
    b"\x28\xb5\x2f\xfd": "zstd data inside compressed data: unpack it once first",
}


def is_capture(head: bytes) -> bool:
    """Tell whether these first bytes are those of a capture that is read without help."""
    return pcap.is_pcap(head) or pcapng.is_pcapng(head)


def foreign_format(head: bytes) -> ForeignFormat | None:
    """Recognise a capture of another format, by its first HEAD_BYTES."""
    for magic, found in _MAGICS.items():
        if head.startswith(magic):
            return found
    if _NETSCALER_SIGNATURE.search(head, 0, HEAD_BYTES):
        return _NETSCALER
    if _is_etl(head):
        return _ETL
    return _ERF if _is_erf(head) else None


def refusal(head: bytes) -> str:
    """Say what was expected and what these first bytes, of no capture read here, are."""
    foreign = foreign_format(head)
    if foreign:
        return f"{EXPECTED}, found {foreign.name}; {foreign.advice}"
    return f"{EXPECTED}, found {_describe(head)}"


def _describe(head: bytes) -> str:
    if not head:
        return "an empty file"
    for magic, found in _CONTAINERS.items():
        if head.startswith(magic):
            return found
    if head[257:262] == b"ustar":
        return "a tar archive: unpack it first"
    if not any(head):
        return "zero bytes"
    begin = head[:24]
    if _TEXT.issuperset(begin):
        line = begin.decode("ascii").strip().partition("\n")[0].rstrip()
        return f"text that begins {line!r}"
    return f"bytes {head[:8].hex(' ')}"


def _is_etl(head: bytes) -> bool:
    """Recognise the header event that every event trace begins with.

    A buffer header of 72 bytes, the first of whose words is the buffer's size, stands before it;
    its marker says in two bytes that it is a system event of a 32-bit or a 64-bit system.
    """
    size = int.from_bytes(head[:4], "little")
    return size >= 1024 and size % 1024 == 0 and head[74:76] in {b"\x01\xc0", b"\x02\xc0"}


def _is_erf(head: bytes) -> bool:
    """Recognise ERF, which has no magic: its first two records must both make sense.

    A record has a little-endian time (8 bytes, seconds in the upper half), a type, flags, and the
    big-endian lengths of the record and of the frame.
    """
    at = 0
    times = []
    for _ in range(2):
        if len(head) < at + 16:
            return False
        times.append(int.from_bytes(head[at + 4 : at + 8], "little"))
        record_len = int.from_bytes(head[at + 10 : at + 12], "big")
        if not 1 <= head[at + 8] & 0x7F <= _ERF_TYPES or record_len < 16:
            return False
        at += record_len
    return times[0] > _YEAR_1995 and 0 <= times[1] - times[0] < _DAY
