"""Clocks and losses of pcapng interfaces."""

from __future__ import annotations

import struct
from fractions import Fraction

import numpy as np
import pytest
from capture_files import (
    NOON_NS,
    batches_of,
    block,
    enhanced,
    interface,
    old_packet,
    open_bytes,
    option,
    read_bytes,
    section,
)
from hypothesis import given
from hypothesis import strategies as st

from auditor.capture.pcapng_section import Interface
from auditor.capture.walk import MAX_TIME_NS

TSRESOL, TSOFFSET = 9, 14


def statistics(number: int, *counts: bytes, order: str = "<") -> bytes:
    """Write an interface statistics block."""
    return block(5, struct.pack(order + "III", number, 0, 0) + b"".join(counts), order)


def count(code: int, value: int, order: str = "<") -> bytes:
    """Write an option that holds a count."""
    return option(code, struct.pack(order + "Q", value), order)


def dropped(data: bytes) -> int | None:
    """Read a capture and return how many frames it says were lost."""
    stream = open_bytes(data)
    batches_of(stream)
    return stream.dropped


@pytest.mark.parametrize(
    ("resolution", "ticks", "expected_ns"),
    [
        (0, 1_700_000_000, NOON_NS),
        (3, 1_700_000_000_123, NOON_NS + 123_000_000),
        (6, 1_700_000_000_000_001, NOON_NS + 1_000),
        (9, NOON_NS + 1, NOON_NS + 1),
        (12, 1_700_000_000_999, 1_700_000_000),
        (127, 0xFFFF_FFFF_FFFF_FFFF, 0),
        (0x80 | 0, 1_700_000_000, NOON_NS),
        (0x80 | 20, (1_700_000_000 << 20) + 1, NOON_NS + 953),
        (0x80 | 32, (1_700_000_000 << 32) + (1 << 31), NOON_NS + 500_000_000),
        (0x80 | 63, 1 << 63, 1_000_000_000),
        (0x80 | 127, 0xFFFF_FFFF_FFFF_FFFF, 0),
    ],
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_every_resolution_is_exact(
    resolution: int, ticks: int, expected_ns: int, order: str
) -> None:
    """Powers of ten and of two, coarser and finer than a nanosecond, are rounded down."""
    options = option(TSRESOL, bytes([resolution]), order)
    data = section(order) + interface(order, options=options) + enhanced(ticks, b"", order)

    assert [each.time_ns for each in read_bytes(data)] == [expected_ns]


@given(
    st.lists(st.integers(0, 2**64 - 1), min_size=1),
    st.integers(0, 255),
    st.integers(-(2**63), 2**63 - 1),
)
def test_times_are_what_fractions_say(ticks: list[int], resolution: int, offset_s: int) -> None:
    """Whatever the clock, each time is the exact one rounded down and brought into range."""
    per_second = (2 if resolution & 0x80 else 10) ** (resolution & 0x7F)
    clock = Interface(1, 0, per_second, offset_s)

    times = clock.nanoseconds(np.array(ticks, np.uint64)).tolist()

    exact = [offset_s * 10**9 + Fraction(tick * 10**9, per_second) // 1 for tick in ticks]
    assert times == [min(max(0, time), MAX_TIME_NS) for time in exact]


def test_an_offset_is_added() -> None:
    """Seconds of if_tsoffset, negative ones too, are added to each time of the interface."""
    later = option(TSOFFSET, struct.pack("<q", 1_700_000_000))
    earlier = option(TSOFFSET, struct.pack("<q", -1))
    data = section() + interface(options=later) + interface(options=earlier)
    data += enhanced(5, b"") + enhanced(NOON_NS // 1000, b"", interface_id=1)

    assert [each.time_ns for each in read_bytes(data)] == [NOON_NS + 5_000, NOON_NS - 10**9]


def test_interfaces_have_their_own_clocks() -> None:
    """Frames of a fast and a slow clock in one file come out in one unit."""
    data = section() + interface(options=option(TSRESOL, b"\x09")) + interface()
    data += enhanced(NOON_NS, b"") + enhanced(NOON_NS // 1000, b"", interface_id=1)

    assert [each.time_ns for each in read_bytes(data)] == [NOON_NS, NOON_NS]


def test_options_that_are_too_short_are_ignored() -> None:
    """A resolution or an offset without its bytes leaves microseconds since 1970."""
    options = option(TSRESOL, b"") + option(TSOFFSET, b"\1")
    data = section() + interface(options=options) + enhanced(1, b"")

    assert [each.time_ns for each in read_bytes(data)] == [1000]


@pytest.mark.parametrize(
    "options", [b"\x09", option(TSRESOL, b"\x09")[:5], struct.pack("<HH", TSRESOL, 60_000)]
)
def test_torn_options_are_ignored(options: bytes) -> None:
    """Options that run out of their block do no harm."""
    data = section() + interface(options=options) + enhanced(1, b"x")

    assert len(read_bytes(data)) == 1


def test_nothing_is_known_of_losses_without_a_word_of_them() -> None:
    """No statistics is not the same as no losses."""
    assert dropped(section() + interface() + enhanced(0, b"")) is None


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_latest_statistics_of_each_interface_count(order: str) -> None:
    """Statistics are totals: a later block replaces an earlier one, interfaces are added up."""
    data = section(order) + interface(order) * 2
    data += statistics(0, count(5, 3, order), count(7, 4, order), order=order)
    data += statistics(1, count(5, 100, order), order=order)
    data += statistics(0, count(5, 5, order), count(7, 6, order), order=order)

    assert dropped(data) == 111


def test_statistics_without_losses_say_nothing() -> None:
    """Received frames alone, an unknown count, and an unknown interface are no losses."""
    data = section() + interface() + statistics(0, count(4, 1000)) + statistics(9, count(5, 1))
    data += statistics(0, count(5, 0xFFFF_FFFF_FFFF_FFFF)) + block(5, b"")

    assert dropped(data) is None


def test_losses_before_frames_add_up() -> None:
    """epb_dropcount counts since the frame before, so the counts are added."""
    flags = option(2, b"\0\0\0\0")
    data = section() + interface() + enhanced(0, b"abc", options=flags + count(4, 3))
    data += enhanced(0, b"", options=count(4, 4)) + enhanced(0, b"", options=flags)

    assert dropped(data) == 7


def test_losses_before_frames_are_found_behind_many_options() -> None:
    """However many comments stand before it, the count is found."""
    data = section() + interface()
    data += enhanced(0, b"", options=option(1, b"hello") * 50 + count(4, 3))

    assert dropped(data) == 3


def test_statistics_include_what_frames_say() -> None:
    """Where both tell of the same losses they are counted once."""
    data = (
        section() + interface() + enhanced(0, b"", options=count(4, 3)) + statistics(0, count(5, 3))
    )

    assert dropped(data) == 3


def test_obsolete_packets_tell_of_losses_too() -> None:
    """Their field holds a count or, with all bits set, nothing."""
    data = section() + interface() + old_packet(0, b"", lost=2) + old_packet(0, b"", lost=5)

    assert dropped(data + old_packet(0, b"")) == 7


def test_losses_of_sections_add_up() -> None:
    """Each section counts anew."""
    one = section() + interface() + statistics(0, count(5, 3))

    assert dropped(one + section() + interface() + one) == 6
