"""The pcapng format: blocks, sections and interfaces, written byte by byte."""

from __future__ import annotations

import struct

import pytest
from capture_files import (
    NOON_NS,
    batches_of,
    block,
    enhanced,
    frame,
    frames_in,
    interface,
    numbered,
    old_packet,
    open_bytes,
    option,
    pcapng,
    read_bytes,
    section,
    simple,
)

from auditor.capture.pcapng import PcapngWalker
from auditor.errors import CaptureError

FRAMES = [frame(b"first", at_ns=1), frame(b"", at_ns=2), frame(b"cut", at_ns=3, wire_len=1514)]
NOON_US = NOON_NS // 1000


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders_are_read(order: str) -> None:
    """Enhanced packets of either byte order give the same frames, to the nanosecond."""
    assert read_bytes(pcapng(FRAMES, order)) == numbered(FRAMES)


def test_each_frame_has_the_link_type_of_its_interface() -> None:
    """Interfaces of one section may differ in link type, in whatever order they are named."""
    data = section() + interface(link=1) + interface(link=101)
    for number in (1, 0, 1):
        data += enhanced(NOON_US, b"x", interface_id=number)

    assert [each.linktype for each in read_bytes(data)] == [101, 1, 101]


def test_an_interface_may_be_described_after_frames_of_others() -> None:
    """A description between frames counts on from those before."""
    data = section() + interface(link=1) + enhanced(0, b"a")
    data += interface(link=113) + enhanced(0, b"b", interface_id=1) + enhanced(0, b"c")

    assert [each.linktype for each in read_bytes(data)] == [1, 113, 1]


def test_each_section_has_its_own_byte_order_and_interfaces() -> None:
    """Interface 0 of a second section is not that of the first; numbers go on."""
    data = section("<") + interface("<", link=1) + enhanced(NOON_US, b"a", "<")
    data += section(">") + interface(">", link=101) + enhanced(NOON_US + 1, b"b", ">")
    data += section("<", version=(1, 2)) + interface("<", link=0) + enhanced(NOON_US, b"c", "<")

    frames = read_bytes(data)

    assert [(each.number, each.linktype, each.data) for each in frames] == [
        (1, 1, b"a"),
        (2, 101, b"b"),
        (3, 0, b"c"),
    ]


@pytest.mark.parametrize("order", ["<", ">"])
def test_simple_packets_are_cut_at_the_snapshot_length(order: str) -> None:
    """A simple packet holds as much of its frame as the first interface kept."""
    data = section(order) + interface(order, link=1, snaplen=6)
    data += simple(b"abcdef", order, wire_len=60) + simple(b"abcd", order)

    assert [(each.data, each.wire_len) for each in read_bytes(data)] == [
        (b"abcdef", 60),
        (b"abcd", 4),
    ]


def test_a_simple_packet_is_no_longer_than_its_block() -> None:
    """Without a snapshot length the block says how much of a cut frame is there."""
    data = section() + interface() + simple(b"abcdefgh", wire_len=1500)

    assert [(each.data, each.wire_len) for each in read_bytes(data)] == [(b"abcdefgh", 1500)]


def test_a_frame_without_a_time_has_that_of_the_frame_before_it() -> None:
    """Simple packets keep their place in time; before any other frame that is 1970."""
    data = section() + interface() + simple(b"a") + enhanced(NOON_US, b"b") + simple(b"c")

    assert [each.time_ns for each in read_bytes(data)] == [0, NOON_NS, NOON_NS]


@pytest.mark.parametrize("order", ["<", ">"])
def test_obsolete_packet_blocks_are_read(order: str) -> None:
    """The packet block of old drafts has its interface in 16 bits."""
    data = section(order) + interface(order) + interface(order, link=101)
    data += old_packet(NOON_US, b"old", order, interface_id=1)

    (only,) = read_bytes(data)

    assert (only.time_ns, only.data, only.linktype) == (NOON_NS, b"old", 101)


def test_unknown_blocks_are_passed_over() -> None:
    """Name resolution, secrets and blocks that nobody knows do not disturb the frames."""
    data = section() + block(4, b"names") + interface() + enhanced(0, b"a")
    data += block(10, b"secrets") + block(0x8000_0001, b"") + enhanced(0, b"b")

    assert [(each.number, each.data) for each in read_bytes(data)] == [(1, b"a"), (2, b"b")]


def test_blocks_that_wireshark_numbers_are_numbered() -> None:
    """A custom block has a frame number in Wireshark, so the frame after it has the next one."""
    data = section() + interface() + enhanced(0, b"a") + block(0x0BAD, b"\0\0\0\0")
    data += enhanced(0, b"b") + enhanced(0, b"c")

    assert [each.number for each in read_bytes(data)] == [1, 3, 4]


def test_a_length_that_is_no_multiple_of_four_is_rounded_up() -> None:
    """Some writers leave the padding out of a block's length, though not out of the file."""
    body = struct.pack("<IIIII", 0, 0, 0, 5, 5) + b"abcde"
    odd = struct.pack("<II", 6, 12 + len(body)) + body + bytes(3)
    odd += struct.pack("<I", 12 + len(body))

    assert [
        each.data for each in read_bytes(section() + interface() + odd + enhanced(0, b"z"))
    ] == [
        b"abcde",
        b"z",
    ]


def test_a_frame_of_an_undeclared_interface_is_left_out_alone() -> None:
    """The frames after it are read, it keeps its number, and one warning tells of it."""
    data = section() + interface() + enhanced(0, b"a") + enhanced(0, b"b", interface_id=7)
    data += enhanced(0, b"c", interface_id=8) + enhanced(0, b"d")
    stream = open_bytes(data)

    frames = frames_in(batches_of(stream))

    assert [(each.number, each.data) for each in frames] == [(1, b"a"), (4, b"d")]
    assert stream.truncated
    (warning,) = stream.warnings
    assert warning.startswith("x.pcap: record 2 at byte 84: expected one of 1 interfaces, found")


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (
            struct.pack("<II", 6, 0xFFFF_FFF0),
            "expected a block of 32 to 16,777,216 bytes, found 4,294,967,280",
        ),
        (struct.pack("<III", 6, 0, 0), "expected a block of 32 to 16,777,216 bytes, found 0"),
        (
            enhanced(0, b"abcd")[:-4] + bytes(4),
            "expected a block that ends with its length, 36, found 0",
        ),
        (
            block(6, struct.pack("<IIIII", 0, 0, 0, 300_000, 300_000)),
            "expected a frame of at most 0 bytes, found 300,000",
        ),
        (
            block(6, struct.pack("<IIIII", 0, 0, 0, 300_000, 300_000) + bytes(300_000)),
            "expected a frame of at most 262,144 bytes, found 300,000",
        ),
        (section(version=(2, 0)), "expected a pcapng section of version 1.0, found version 2.0"),
        (
            block(0x0A0D0D0A, bytes(16)),
            "expected a pcapng byte-order mark, found bytes 00 00 00 00",
        ),
        (block(1, b"\1\0\0\0"), "expected a block of 20 to 16,777,216 bytes, found 16"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_damage_ends_the_capture_and_is_named(broken: bytes, reason: str) -> None:
    """Frames before the damage are read, nothing after it, and the place is named."""
    sound = section() + interface() + enhanced(0, b"a")
    stream = open_bytes(sound + broken.ljust(12, b"\0") + enhanced(0, b"z"))

    frames = frames_in(batches_of(stream))

    assert [each.data for each in frames] == [b"a"]
    assert stream.warnings == [f"x.pcap: record 2 at byte {len(sound)}: {reason}"]
    assert stream.truncated


def test_a_file_that_ends_inside_a_block_is_damaged_there() -> None:
    """The warning says how much of the block is missing."""
    stream = open_bytes(section() + interface() + enhanced(0, b"torn")[:30])

    assert batches_of(stream) == []
    assert stream.warnings == [
        "x.pcap: record 1 at byte 48: expected 36 bytes, found 30 before the end of the file"
    ]


def test_interfaces_without_end_are_damage() -> None:
    """A file cannot fill the memory with interfaces."""
    stream = open_bytes(section() + interface() * 65_537 + enhanced(0, b"a"))

    assert batches_of(stream) == []
    assert "expected at most 65,536 interfaces" in stream.warnings[0]


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (section()[:27], "expected a pcapng section header of 28 bytes, found 27 bytes"),
        (section(version=(0, 1)), "expected a pcapng section of version 1.0, found version 0.1"),
    ],
)
def test_a_first_section_that_cannot_be_read_is_an_error(head: bytes, reason: str) -> None:
    """The error names the file, what was expected and what was found."""
    with pytest.raises(CaptureError) as error:
        PcapngWalker("some.pcapng", head, 0)

    assert str(error.value) == f"some.pcapng: {reason}"


def test_options_of_blocks_do_not_disturb_them() -> None:
    """Comments at section, interface and frame are passed over."""
    comment = option(1, b"a comment")
    data = (
        section(options=comment) + interface(options=comment) + enhanced(0, b"a", options=comment)
    )

    assert [each.data for each in read_bytes(data)] == [b"a"]
