"""The compiled walk over a block of the kernel's ring, held against the plain one."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("fcntl", reason="rings are Linux's")

from ring_blocks import OUTGOING, RingPacket, block_of, digest, walked

packets_strategy = st.lists(
    st.builds(
        RingPacket,
        st.binary(min_size=14, max_size=90),
        st.integers(0, 2**32 - 1),
        st.integers(0, 10**9 - 1),
        tag=st.none() | st.tuples(st.sampled_from([0, 0x8100, 0x88A8]), st.integers(0, 0xFFFF)),
        protocol=st.integers(0, 0xFFFF),
        interface=st.integers(2, 2**31 - 1),
        hardware=st.integers(0, 0xFFFF),
        address=st.binary(min_size=6, max_size=6),
    ),
    max_size=12,
)


def _time_ns(packet: RingPacket) -> int:
    return packet.sec * 10**9 + packet.nsec


def _tag_bytes(packet: RingPacket) -> bytes:
    return struct.pack(">HH", packet.tag[0] or 0x8100, packet.tag[1]) if packet.tag else b""


@settings(deadline=None)  # the first call may compile
@given(packets_strategy)
def test_frames_come_out_as_they_were_on_the_wire(packets: list[RingPacket]) -> None:
    """With the VLAN tag that the kernel took out back behind the addresses."""
    expected = []
    for packet in packets:
        frame = packet.data[:12] + _tag_bytes(packet) + packet.data[12:]
        expected.append((frame, len(frame), _time_ns(packet)))

    assert walked(block_of(packets), len(packets)) == expected


@settings(deadline=None)  # the first call may compile
@given(packets_strategy)
def test_packets_without_link_header_get_a_cooked_one(packets: list[RingPacket]) -> None:
    """One of LINKTYPE_LINUX_SLL2, from where the kernel says that they were received."""
    expected = []
    for packet in packets:
        tag = _tag_bytes(packet)
        inner = struct.pack(">H", packet.protocol)
        header = tag[:2] or inner
        header += struct.pack(">HIHBB", 0, packet.interface, packet.hardware, 0, 6)
        header += packet.address.ljust(8, b"\0") + (tag[2:] + inner if tag else b"")
        frame = header + packet.data
        expected.append((frame, len(frame), _time_ns(packet)))

    assert walked(block_of(packets), len(packets), cooked=True) == expected


def test_a_frame_cut_short_keeps_its_length_on_the_wire() -> None:
    """The tag counts in both lengths."""
    packet = RingPacket(bytes(60), wire=1500, tag=(0x8100, 5))

    ((frame, wire_len, _),) = walked(block_of([packet]), 1)

    assert (len(frame), wire_len) == (64, 1504)


def test_what_leaves_by_the_loopback_device_is_left_out() -> None:
    """It arrives there too; by any other interface, what leaves is seen once."""
    packets = [
        RingPacket(b"first".ljust(14), interface=1, direction=OUTGOING),
        RingPacket(b"second".ljust(14), interface=1),
        RingPacket(b"third".ljust(14), interface=2, direction=OUTGOING),
    ]

    frames = [frame.strip() for frame, _, _ in walked(block_of(packets), 3)]

    assert frames == [b"second", b"third"]


@pytest.mark.parametrize("switch", ["NUMBA_BOUNDSCHECK", "NUMBA_DISABLE_JIT"])
def test_the_compiled_walk_is_the_plain_one(switch: str, tmp_path: Path) -> None:
    """With every index checked, and not compiled at all: the same frames, the same bytes.

    On blocks with damaged headers too, of which no walk may leave the block.
    """
    here = Path(__file__).parent
    environment = {
        **os.environ,
        switch: "1",
        # Kernels in the usual cache were compiled without these switches.
        "NUMBA_CACHE_DIR": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(map(str, (here, here.parent))),
    }

    answer = subprocess.run(
        [sys.executable, str(here / "ring_blocks.py")],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )

    assert answer.stdout.strip() == digest()
