"""Copies of packets: which are told from what a host sends again, and that both paths agree."""

from __future__ import annotations

from struct import pack

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import ACK, IPV6, RST, SYN, A, B, batch, decoded, ethernet, ipv4, ipv6, tagged, tcp, udp

from auditor.decode.compiled_duplicates import CompiledDuplicates
from auditor.decode.dissect import Decoder
from auditor.decode.duplicates import COPY_NS, NAMELESS_COPY_NS, Duplicates
from auditor.records import PACKET, Status

DATA = b"x" * 40
MS = 1_000_000


def checked(segment: bytes, checksum: int = 0xBEEF) -> bytes:
    """Put a checksum into a TCP segment."""
    return segment[:16] + pack("!H", checksum) + segment[18:]


def named(segment: bytes, identification: int = 7, protocol: int = 6) -> bytes:
    """Put a segment into an IPv4 packet with an identification."""
    return ethernet(ipv4(segment, protocol, identification=identification))


def copies(*frames: bytes, apart_ns: int = 1000) -> list[int]:
    """List the frames that are copies, by both paths."""
    times = [apart_ns * number for number in range(len(frames))]
    rows = Decoder().decode(batch(frames, times=times)).rows
    found = []
    for finder in (Duplicates(leave_out=True), CompiledDuplicates(leave_out=True)):
        marked = rows.copy()
        finder.mark(marked)
        found.append(np.flatnonzero(marked["status"] == Status.DUPLICATE).tolist())
        assert finder.count == len(found[-1])
    assert found[0] == found[1]
    return found[0]


SEGMENT = checked(tcp(5000, 443, ACK, DATA))


def test_the_same_packet_on_two_vlans_is_one() -> None:
    """MAC addresses, VLANs and the TTL change on the way; what the hosts wrote does not."""
    packet = ipv4(SEGMENT, identification=7)
    routed = packet[:8] + b"\x3f" + packet[9:]
    assert copies(ethernet(packet), tagged(packet, (0x8100, 5)), ethernet(routed)) == [1, 2]


@pytest.mark.parametrize(
    "other",
    [
        named(SEGMENT, 8),
        named(checked(SEGMENT, 1)),
        named(checked(tcp(5000, 443, ACK, DATA, sequence=1001))),
        named(checked(tcp(5000, 443, ACK, DATA, ack=2))),
        named(checked(tcp(5001, 443, ACK, DATA))),
        named(checked(tcp(5000, 443, ACK | SYN, DATA))),
        named(checked(tcp(5000, 443, ACK, DATA[1:]))),
        ethernet(ipv4(SEGMENT, 6, A, "10.0.0.3", identification=7)),
        ethernet(ipv4(SEGMENT, 6, B, A, identification=7)),
    ],
)
def test_whatever_differs_is_another_packet(other: bytes) -> None:
    """A retransmission has another identification, a later segment other numbers."""
    assert copies(named(SEGMENT), other) == []


@pytest.mark.parametrize(("apart_ns", "found"), [(COPY_NS, [1]), (COPY_NS + 1, [])])
def test_copies_come_soon(apart_ns: int, found: list[int]) -> None:
    """Identifications come round: the same again much later is a packet of its own."""
    assert copies(named(SEGMENT), named(SEGMENT), apart_ns=apart_ns) == found


def test_a_clock_that_steps_back_hides_no_copy() -> None:
    """Several captures' clocks differ."""
    assert copies(named(SEGMENT), named(SEGMENT), apart_ns=-MS) == [1]


def test_repeated_acknowledgements_without_identification_are_real() -> None:
    """A receiver that misses a segment says the same again and again, word for word."""
    bare = checked(tcp(5000, 443, ACK))
    assert copies(named(bare, 0), named(bare, 0)) == []
    assert copies(ethernet(ipv6(bare), IPV6), ethernet(ipv6(bare), IPV6)) == []
    assert copies(named(bare), named(bare)) == [1]


def test_resets_without_identification_are_real() -> None:
    """Every segment of a burst is answered by the same reset."""
    reset = checked(tcp(5000, 443, RST | ACK))
    assert copies(named(reset, 0), named(reset, 0)) == []


@pytest.mark.parametrize(
    "segment", [SEGMENT, checked(tcp(5000, 443, SYN)), checked(tcp(443, 5000, SYN | ACK))]
)
def test_without_identification_only_what_comes_at_once_is_a_copy(segment: bytes) -> None:
    """Within a millisecond nobody learns of a loss, so nobody sends again."""
    for frame in (named(segment, 0), ethernet(ipv6(segment), IPV6)):
        assert copies(frame, frame, apart_ns=NAMELESS_COPY_NS) == [1]
        assert copies(frame, frame, apart_ns=NAMELESS_COPY_NS + 1) == []


def test_datagrams_without_identification_are_never_told() -> None:
    """Where the network card fills in checksums, datagrams of one length look alike."""
    message = udp(5000, 5001, DATA)[:6] + b"\xbe\xef" + DATA
    frame = ethernet(ipv6(message, 17), IPV6)
    assert copies(frame, frame) == []
    assert copies(named(message, 0, 17), named(message, 0, 17)) == []
    assert copies(named(message, 9, 17), named(message, 9, 17)) == [1]


def test_later_fragments_are_never_told() -> None:
    """They have no transport header: the pieces of a datagram differ in nothing that rows hold."""
    first = ethernet(ipv4(udp(1, 2, bytes(16)), 17, identification=3, pieces=0x2000))
    later = ethernet(ipv4(bytes(24), 17, identification=3, pieces=3))
    assert copies(first, later, later, first) == [3]


def test_a_copy_cut_by_a_snap_length_is_a_copy() -> None:
    """What the capture cut off is missing from both."""
    frame = named(SEGMENT)[:54]
    assert copies(frame, frame) == [1]


def test_copies_are_found_across_batches() -> None:
    """What was seen lately is remembered."""
    for finder in (Duplicates(), CompiledDuplicates()):
        for _ in range(3):
            rows = decoded(named(SEGMENT)).rows
            finder.mark(rows)
            assert rows["status"].tolist() == [Status.OK], "only counted"
        assert finder.count == 2


FEW = st.sampled_from([0, 1, 2, 0xFFFF_FFFF])
ANY_ROW = st.fixed_dictionaries(
    {
        "time_ns": st.integers(0, 20).map(lambda half: half * MS // 2),
        "src_lo": FEW,
        "dst_hi": FEW,
        "src_port": FEW,
        "tcp_seq": FEW,
        "tcp_ack": FEW,
        "identity": st.sampled_from([0, 5, 6, 5 << 16, 5 << 16 | 5]),
        "payload_offset": st.sampled_from([0, 54]),
        "payload_len": st.sampled_from([0, 1]),
        "sent_len": st.sampled_from([0, 1]),
        "transport": st.sampled_from([6, 17]),
        "tcp_flags": st.sampled_from([0, 1, 2, 4, 16, 18, 20]),
        "status": st.sampled_from([Status.OK, Status.OK, Status.FRAGMENT, Status.ICMP_ERROR]),
    }
)


@settings(max_examples=1000, deadline=None)
@given(st.lists(ANY_ROW, max_size=6), st.lists(st.integers(0, 5), max_size=20), st.booleans())
def test_both_paths_find_the_same(
    kinds: list[dict[str, int]], order: list[int], leave_out: bool
) -> None:
    """Whatever rows hold, and however they are batched."""
    rows = np.zeros(len(order) if kinds else 0, PACKET)
    for row, kind in zip(rows, order, strict=False):
        for name, value in kinds[kind % len(kinds)].items():
            row[name] = value
    plain, compiled = Duplicates(leave_out=leave_out), CompiledDuplicates(leave_out=leave_out)
    for part in np.array_split(rows, 3):
        one, other = part.copy(), part.copy()
        plain.mark(one)
        compiled.mark(other)
        assert one.tolist() == other.tolist()
    assert plain.count == compiled.count
