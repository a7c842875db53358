"""What is said of files that are no capture, or one of another format."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile

import pytest
from capture_files import pcap_header, section
from hypothesis import given
from hypothesis import strategies as st
from shared import SHARED, needs_shared

from auditor.capture.recognise import Way, foreign_format, is_capture, refusal

EXPECTED = "expected a pcap or pcapng capture, found "


def etl() -> bytes:
    """Write the head of an event trace: a buffer header, then the trace's own event."""
    return struct.pack("<I", 0x10000) + bytes(68) + b"\x02\x00\x02\xc0" + bytes(100)


def erf() -> bytes:
    """Write two ERF records, three seconds apart."""
    records = b""
    for second in (1_700_000_000, 1_700_000_003):
        records += (
            struct.pack("<II", 5, second) + struct.pack(">BBHHH", 2, 4, 80, 0, 60) + bytes(64)
        )
    return records


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"snoop\0\0\0\0\0\0\2", "a snoop capture"),
        (b"GMBU\0\2", "a Microsoft Network Monitor 2 capture"),
        (b"RTSS\1\1", "a Microsoft Network Monitor 1 capture"),
        (b"XCP\0002.002\0", "a NetXray or Sniffer (Windows) capture"),
        (b"btsnoop\0", "a btsnoop capture"),
        (b"\x7fver\0", "an OmniPeek capture"),
        (b"\x01\x10\x4c\x00\x01\x05Trace Display Tr", "a LANalyzer capture"),
        (erf(), "an Endace ERF capture"),
    ],
)
def test_formats_of_other_tools_are_named_with_the_way_out(head: bytes, name: str) -> None:
    """The error says what the file is, and what reads it."""
    found = foreign_format(head)

    assert found is not None
    assert found.way is Way.PCAPNG
    assert refusal(head) == f"{EXPECTED}{name}; install Wireshark's tshark to read it"


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (etl(), "a Windows event trace (ETL); convert it with `etl2pcapng IN.etl OUT.pcapng`"),
        (
            b"\x54\x52\x00\x64\x00",
            "an HP-UX nettl trace; convert it with `editcap -T ether IN OUT.pcapng`",
        ),
    ],
)
def test_what_tshark_does_not_hand_over_is_named_with_its_converter(
    head: bytes, message: str
) -> None:
    """ETL files are what `netsh trace` and `pktmon` write; tshark reads them on Windows alone."""
    found = foreign_format(head)

    assert found is not None
    assert found.way is Way.NONE
    assert refusal(head) == EXPECTED + message


@pytest.mark.parametrize(
    "signature",
    [
        b"\x01\x12\0NetScaler Performance Data\0",
        b"\x01GNetscaler V20 Performance Data",
        b"\x01G\0Netscaler V35 Performance Data\n",
    ],
)
def test_a_netscaler_trace_is_named(signature: bytes) -> None:
    """No tool converts one, so it is read line by line."""
    head = bytes(5) + signature + bytes(100)
    found = foreign_format(head)

    assert found is not None
    assert found.way is Way.LINES
    assert refusal(head).startswith(f"{EXPECTED}a NetScaler trace (nstrace); install Wireshark")


@needs_shared
def test_a_real_netscaler_trace_is_named() -> None:
    """A native trace that an appliance wrote is recognised."""
    (trace,) = (SHARED / "captures").glob("*nstrace1.cap")
    found = foreign_format(trace.read_bytes())

    assert found is not None
    assert found.name == "a NetScaler trace (nstrace)"


def zip_archive() -> bytes:
    """Write a ZIP archive of one file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x.pcap", b"x")
    return file.getvalue()


def tar_archive() -> bytes:
    """Write a tar archive of one file."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("x.pcap"))
    return file.getvalue()


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"", "an empty file"),
        (b"No.\tTime\tSource\n1\t0.0", "text that begins 'No.\\tTime\\tSource'"),
        (b"\r\n\n", "text that begins ''"),
        (bytes(64), "zero bytes"),
        (b"\x89PNG\r\n\x1a\n\0\0", "bytes 89 50 4e 47 0d 0a 1a 0a"),
        (zip_archive(), "a ZIP archive: unpack it first"),
        (tar_archive(), "a tar archive: unpack it first"),
        (b"\x1f\x8b\x08\0", "gzip data inside compressed data: unpack it once first"),
    ],
)
def test_what_is_no_capture_at_all_is_described(head: bytes, found: str) -> None:
    """The error shows enough of the file to see which one was meant."""
    assert refusal(head) == EXPECTED + found


def test_captures_are_recognised() -> None:
    """Both formats, in both byte orders, and nothing else."""
    assert all(map(is_capture, [pcap_header("<"), pcap_header(">"), section("<"), section(">")]))
    assert not any(map(is_capture, [b"", b"text", etl(), erf()]))


@given(st.binary(max_size=200))
def test_any_bytes_are_described_in_one_line(head: bytes) -> None:
    """No content of a file breaks the error message."""
    message = refusal(head)

    assert message.startswith(EXPECTED)
    assert message.isprintable()
