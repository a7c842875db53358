"""The head of a TCP stream: order, gaps, repeats, and how much of it is worth keeping."""

from __future__ import annotations

from itertools import pairwise
from struct import pack
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.flows.streams import LONGEST_HEAD, REACH, StreamHead, wanted_length
from auditor.kernel import heads as kernel

if TYPE_CHECKING:
    from random import Random

TEXT = bytes(range(256)) * 4


def hello(message_len: int, *, record_len: int = 1 << 14) -> bytes:
    """Make a TLS handshake message of that claimed length, cut into records."""
    message = b"\1" + message_len.to_bytes(3, "big") + b"\3\3" + bytes(message_len - 2)
    pieces = [message[i : i + record_len] for i in range(0, len(message), record_len)]
    return b"".join(b"\x16\x03\x01" + pack("!H", len(piece)) + piece for piece in pieces)


def _in_one_record(first: bytes, others_len: int) -> bytes:
    """Let a record hold that many bytes more behind its hello."""
    return first[:3] + pack("!H", len(first) - 5 + others_len) + first[5:] + bytes(others_len)


@given(
    start=st.integers(0, 0xFFFF_FFFF),
    cuts=st.lists(st.integers(1, len(TEXT) - 1), max_size=8),
    overlap=st.integers(0, 5),
    order=st.randoms(use_true_random=False),
    syn_at=st.none() | st.integers(0, 9),
)
def test_puts_segments_in_order(
    start: int, cuts: list[int], overlap: int, order: Random, syn_at: int | None
) -> None:
    """Segments in any order, some bytes twice, across the wrap, with the SYN at any place."""
    edges = [0, *sorted(set(cuts)), len(TEXT)]
    segments = [(low, TEXT[low : high + overlap]) for low, high in pairwise(edges)]
    order.shuffle(segments)
    head = StreamHead()
    for index, (low, payload) in enumerate(segments):
        if index == syn_at:
            head.anchor(start)
        assert head.add((start + low) & 0xFFFF_FFFF, payload)
    assert head.data == TEXT
    assert head.size == len(TEXT)


def test_stops_at_a_gap() -> None:
    """Bytes beyond a missing segment are not part of the head until it arrives."""
    head = StreamHead()
    head.add(100, b"abc")
    head.add(106, b"ghi")
    assert (head.data, head.size) == (b"abc", 6)
    head.add(103, b"def")
    assert (head.data, head.size) == (b"abcdefghi", 9)


def test_begins_behind_the_syn() -> None:
    """With a SYN the first byte is known: a later segment waits, and older bytes are none of it."""
    head = StreamHead()
    head.anchor(1000)
    head.add(1003, b"def")
    head.add(999, b"?")
    assert head.data == b""
    head.add(998, b"??abc")
    assert head.data == b"abcdef"


def test_keeps_its_bytes_when_a_stray_syn_follows() -> None:
    """Once bytes behind a SYN are known, another SYN does not move the beginning."""
    head = StreamHead()
    head.anchor(1000)
    head.add(1000, b"abc")
    head.anchor(5000)
    head.add(1003, b"def")
    assert head.data == b"abcdef"


def test_keeps_the_first_copy_of_repeated_bytes() -> None:
    """A retransmission adds only what is new in it."""
    head = StreamHead()
    head.add(1000, b"abc")
    head.add(1000, b"XXXd")
    assert head.data == b"abcd"


def test_gives_up_on_a_gap_beyond_a_window() -> None:
    """A segment further ahead than any window says that the gap stays."""
    head = StreamHead()
    head.add(1000, b"abc")
    assert head.add(1000 + REACH, b"x")
    assert not head.add(1001 + REACH, b"x")
    assert head.data == b"abc"


def test_bounds_what_waits() -> None:
    """Segments beyond a gap are kept up to the longest head in number and in sum."""
    many, large = StreamHead(), StreamHead()
    for head in (many, large):
        head.anchor(0)
    for index in range(100):
        many.add(1 + 2 * index, b"x")
        large.add(1 + 100 * index, bytes(10_000))
    assert many.size < 100
    assert large.size <= LONGEST_HEAD
    large.add(0, bytes(1 << 16))
    assert large.size == LONGEST_HEAD


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 1024),
        (bytes(5000), 1024),
        (hello(300) + bytes(4000), 309),
        (hello(300)[:200], 309),
        (hello(41) + bytes(100), 64),
        (hello(300)[:60], 1024),
        (hello(30) + bytes(4000), 1024),
        (_in_one_record(hello(300), 100) + bytes(4000), 409),
        (_in_one_record(hello(300), 3000), 309),
        (b"\x1aCGP/01" + bytes(2000), 256),
        (b"\0\0\4\0\xfeSMB" + bytes(2000), 256),
        (b"\0\0\4\0\xfbSMB" + bytes(2000), 1024),
        (hello(3000), 3009),
        (hello(3000)[:1024], 3009),
        (hello(3000, record_len=1000), 3024),
        (hello(3000, record_len=3002)[:3009], 3014),
        (hello(60_000), LONGEST_HEAD),
        (b"\x16\x03\x01" + bytes(2000), 1024),
        (b"GET / HTTP/1.1\r\n" + b"a" * 2000, 4096),
        (b"GET / HTTP/1.1\r\n" + b"a" * 2000 + b"\r\n\r\nbody", 2020),
        (b"GET / HTTP/1.1\r\n" + b"a" * 9000 + b"\r\n\r\nbody", 4096),
        (b"RPC_IN_DATA /rpc HTTP/1.1\r\n" + b"a" * 2000, 4096),
        (b"HTTP/1.1 200 OK\r\n" + b"a" * 2000, 1024),
    ],
)
def test_says_how_much_is_worth_keeping(data: bytes, expected: int) -> None:
    """Hellos are kept whole, requests to the end of their fields, of what is told at once less."""
    assert wanted_length(data) == expected


@given(st.binary(max_size=64), st.sampled_from([b"", b"\x16\x03", b"POST /"]), st.integers(0, 5000))
def test_wants_a_bounded_length(end: bytes, start: bytes, padding: int) -> None:
    """Whatever a head contains, what is wanted lies within bounds."""
    assert 64 <= wanted_length(start + end + bytes(padding)) <= LONGEST_HEAD


_OPENINGS = st.sampled_from(
    [
        hello(41),
        hello(300),
        _in_one_record(hello(300), 100),
        hello(3000, record_len=700),
        b"\x1aCGP/01",
        b"\0\0\4\0\xfeSMB",
        b"GET / HTTP/1.1\r\n\r\n",
        b"RPC_IN_DATA /rpc HTTP/1.1\r\n",
        pack("!6H", 4000, 7, 0x8180, 1, 2, 0),
        b"",
    ]
)


@settings(deadline=None, max_examples=300)
@given(
    _OPENINGS, st.integers(0, 5000), st.lists(st.tuples(st.integers(0, 60), st.binary(max_size=3)))
)
def test_wants_the_same_as_the_kernel(
    opening: bytes, length: int, changes: list[tuple[int, bytes]]
) -> None:
    """The compiled twin wants as many bytes of any head, and of what it wants no fewer."""
    head = bytearray(opening.ljust(length, b"\0")[:length])
    for place, piece in changes:
        head[place : place + len(piece)] = piece
    wanted = wanted_length(bytes(head))
    assert kernel.wanted_length(np.frombuffer(bytes(head), np.uint8)) == wanted
    if wanted <= len(head):
        assert wanted_length(bytes(head[:wanted])) == wanted


@pytest.mark.parametrize(
    ("head", "wanted"),
    [
        (pack("!6H", 4000, 7, 0x8180, 1, 2, 0), 4002),
        (pack("!6H", 4000, 7, 0x8583, 1, 2, 0), 4002),
        (pack("!6H", 300, 7, 0x8180, 1, 2, 0), 1024),
        (pack("!6H", 0xFFFF, 7, 0x8180, 1, 2, 0), LONGEST_HEAD),
        (pack("!6H", 4000, 7, 0x0100, 1, 0, 0), 1024),
        (pack("!6H", 4000, 7, 0x8180, 2, 2, 0), 1024),
        (pack("!6H", 4000, 7, 0xA800, 1, 2, 0), 1024),
    ],
)
def test_keeps_dns_answers_to_their_end(head: bytes, wanted: int) -> None:
    """An answer of DNS over TCP is kept to the end that it claims, questions and others are not."""
    assert wanted_length(head.ljust(1024, b"\0")) == wanted
    assert wanted_length(head) == 1024
