"""The pcap format in its variants, written byte by byte."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from capture_files import (
    NOON_NS,
    frame,
    frames_in,
    numbered,
    open_bytes,
    pcap,
    pcap_header,
    pcap_record,
    read_bytes,
)

from auditor.capture.pcap import PcapWalker, is_pcap
from auditor.capture.walk import BATCH_FRAMES
from auditor.errors import CaptureError

FRAMES = [frame(b"first", at_ns=1000), frame(b"", at_ns=2000), frame(b"cut", wire_len=1514)]
KUZNETSOV = struct.pack("<IHBx", 2, 0x0800, 0)
NOKIA = bytes.fromhex("01d6bf9f")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("unit_ns", [1, 1000])
def test_both_byte_orders_and_both_units_are_read(order: str, unit_ns: int) -> None:
    """Micro- and nanosecond files of either byte order give the same frames."""
    assert read_bytes(pcap(FRAMES, order, unit_ns=unit_ns)) == numbered(FRAMES)


def test_nanoseconds_are_exact() -> None:
    """A time that no float can hold comes back to the nanosecond."""
    precise = [frame(b"x", at_ns=123_456_789)]

    assert read_bytes(pcap(precise, unit_ns=1))[0].time_ns == NOON_NS + 123_456_789


def test_the_last_second_of_32_bits_is_read() -> None:
    """Seconds are unsigned: the format ends in 2106, not in 2038."""
    data = pcap_header() + struct.pack("<IIII", 0xFFFF_FFFF, 999_999, 0, 0)

    assert read_bytes(data)[0].time_ns == 0xFFFF_FFFF * 10**9 + 999_999_000


def test_the_link_type_has_sixteen_bits() -> None:
    """The length of a check sequence above the link type is not taken for a part of it."""
    data = pcap_header(link=0x4400_0071) + pcap_record(FRAMES[0])

    assert [each.linktype for each in read_bytes(data)] == [0x71]


@pytest.mark.parametrize(
    ("order", "magic", "unit_ns"),
    [("<", 0x1C0001AC, 1), (">", 0x1C0001AC, 1), ("<", 0x1C0001AB, 1000), (">", 0x1C0001AB, 1000)],
)
def test_ixia_headers_are_longer(order: str, magic: int, unit_ns: int) -> None:
    """The size of all records that ends an Ixia header is passed over."""
    records = b"".join(pcap_record(each, order, unit_ns=unit_ns) for each in FRAMES)
    header = pcap_header(order, magic=magic) + struct.pack(order + "I", len(records))

    assert read_bytes(header + records) == numbered(FRAMES)


@pytest.mark.parametrize(
    ("magic", "extra"),
    [
        (0xA1B2C3D4, b""),
        (0xA1B2C3D4, KUZNETSOV),
        (0xA1B2C3D4, NOKIA),
        (0xA1B2CD34, KUZNETSOV),
        (0xA1B2CD34, KUZNETSOV + bytes(4)),
    ],
    ids=["standard", "red hat 6.1", "nokia", "kuznetsov", "suse 6.3"],
)
def test_the_records_tell_the_variants_apart(magic: int, extra: bytes) -> None:
    """Longer record headers are found out where the magic does not give them away."""
    frames = [frame(bytes([number]) * 60, at_ns=number * 1000) for number in range(5)]
    records = b"".join(pcap_record(each, extra=extra) for each in frames)

    assert read_bytes(pcap_header(magic=magic) + records) == numbered(frames)


def test_a_variant_is_found_in_either_byte_order() -> None:
    """A big-endian file of the modified magic is read."""
    frames = [frame(bytes(60)), frame(bytes(70), at_ns=1000)]
    extra = struct.pack(">IHBx", 2, 0x0800, 4)
    records = b"".join(pcap_record(each, ">", extra=extra) for each in frames)

    assert read_bytes(pcap_header(">", magic=0xA1B2CD34) + records) == numbered(frames)


@pytest.mark.parametrize("version", [(2, 2), (543, 0), (2, 3)])
def test_old_versions_have_their_lengths_the_other_way_round(version: tuple[int, int]) -> None:
    """Before version 2.3 the wire length stands first; version 2.3 was written both ways."""
    data = pcap_header(version=version) + b"".join(
        pcap_record(each, swapped=True) for each in FRAMES
    )

    assert read_bytes(data) == numbered(FRAMES)


def test_version_2_3_may_have_its_lengths_in_order() -> None:
    """In a file of version 2.3 the smaller length is the captured one."""
    data = pcap_header(version=(2, 3)) + b"".join(map(pcap_record, FRAMES))

    assert read_bytes(data) == numbered(FRAMES)


def test_aix_has_its_own_link_types_and_nanoseconds() -> None:
    """Interface type 6 of an AIX file is Ethernet, and its fraction counts nanoseconds."""
    aix = pcap_record(frame(b"x", at_ns=7), unit_ns=1)

    (only,) = read_bytes(pcap_header(version=(2, 2), link=6) + aix)

    assert (only.linktype, only.time_ns) == (1, NOON_NS + 7)


def test_the_wire_length_is_never_less_than_the_captured_one() -> None:
    """A record whose wire length is too small counts what was captured."""
    data = pcap_header() + pcap_record(frame(b"longer", wire_len=2))

    assert [each.wire_len for each in read_bytes(data)] == [6]


def test_a_snapshot_length_that_the_records_exceed_is_no_damage() -> None:
    """Frames longer than the header's snapshot length are read."""
    data = pcap_header(snaplen=4) + b"".join(map(pcap_record, FRAMES))

    assert read_bytes(data) == numbered(FRAMES)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (pcap_header()[:10], "expected a pcap header of 24 bytes, found 10 bytes"),
        (pcap_header(version=(1, 4)), "expected pcap version 2, found version 1.4"),
        (pcap_header(link=0x0030_0000), "expected a pcap link type, found 0x00300000"),
    ],
)
def test_a_header_that_cannot_be_read_is_an_error(header: bytes, reason: str) -> None:
    """The error names the file, what was expected and what was found."""
    with pytest.raises(CaptureError) as error:
        PcapWalker("some.pcap", header, 0)

    assert str(error.value) == f"some.pcap: {reason}"


@pytest.mark.parametrize(("linktype", "limit"), [(1, 1 << 18), (231, 1 << 27), (249, 1 << 27)])
def test_what_is_an_absurd_length_depends_on_the_link_type(linktype: int, limit: int) -> None:
    """A frame of the limit is waited for; one byte more is damage."""
    header = pcap_header(link=linktype)
    fitting = header + struct.pack("<IIII", 0, 0, limit, limit)
    absurd = header + struct.pack("<IIII", 0, 0, limit + 1, limit + 1)

    waiting, broken = (
        PcapWalker("x", header, 0).walk(np.frombuffer(data, np.uint8), 24)
        for data in (fitting, absurd)
    )

    assert (waiting.need, waiting.broken) == (16 + limit, False)
    assert broken.broken


def test_batches_are_bounded_by_their_frames() -> None:
    """Many small frames come in several batches, numbered throughout."""
    frames = [frame(b"", at_ns=number * 1000) for number in range(BATCH_FRAMES + 10)]
    stream = open_bytes(pcap(frames))

    first, second = stream.read(), stream.read()

    assert first is not None
    assert second is not None
    assert (len(first), len(second), stream.read()) == (BATCH_FRAMES, 10, None)
    assert frames_in([first, second]) == numbered(frames)


def test_only_pcap_magics_are_taken_for_pcap() -> None:
    """Neither pcapng nor text nor a short head is a pcap file."""
    assert not any(map(is_pcap, [b"\x0a\x0d\x0d\x0a", b"text", b"\xd4\xc3", b""]))
