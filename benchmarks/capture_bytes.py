"""Frames as columns -> the bytes of capture records, a stretch at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from capture_layouts import (
    MINIMUM_FRAME,
    PCAP_RECORD,
    PCAPNG_PACKET,
    PCAPNG_TAIL,
    SYN_OPTIONS,
    TCP_FRAME,
    UDP_FRAME,
)
from capture_openings import PREFIX
from capture_steps import ACK, SYN

if TYPE_CHECKING:
    from capture_frames import Frames
    from capture_plan import Plan
    from numpy.typing import NDArray

START_S = 1_772_438_400
"""2026-03-02 08:00 UTC."""

_NOISE_BYTES = 1 << 22
_PAD = np.dtype(f"V{MINIMUM_FRAME - TCP_FRAME.itemsize}")
_OPTIONS = np.dtype(f"V{len(SYN_OPTIONS)}")


@dataclass(frozen=True)
class Records:
    """Capture records in the order of time."""

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]
    """Where each record begins in data, shape (n,)."""


class Renderer:
    """Lays out records around noise, so that only what has a meaning is written."""

    def __init__(self, plan: Plan, *, pcapng: bool) -> None:
        """Render as pcap, or as packets of a pcapng section's first interface."""
        self._plan, self._pcapng = plan, pcapng
        self._addresses, self._macs = plan.cast.addresses(), plan.cast.macs()
        self._is_tcp = np.array([kind.protocol == 6 for kind in plan.kinds])
        self._dice = np.random.default_rng([plan.order.seed, 2])
        self._noise = self._dice.integers(256, size=_NOISE_BYTES, dtype=np.uint8)

    def render(self, frames: Frames) -> Records:
        """Render one stretch."""
        order = np.argsort(frames.time_us, kind="stable")
        frame_len = frames.frame_len
        head_len = PCAPNG_PACKET.itemsize if self._pcapng else PCAP_RECORD.itemsize
        record_len = head_len + frame_len
        if self._pcapng:
            record_len = record_len + -frame_len % 4 + PCAPNG_TAIL.itemsize
        in_time = record_len[order]
        starts_in_time = np.cumsum(in_time) - in_time
        starts = np.empty_like(starts_in_time)
        starts[order] = starts_in_time
        data = self._noise_of(int(in_time.sum()))
        self._put_heads(data, starts, frames.time_us, frame_len, record_len)
        self._put_headers(data, starts + head_len, frames)
        self._put_payloads(data, starts + head_len + frames.header_len, frames)
        return Records(data, starts_in_time)

    def _noise_of(self, size: int) -> NDArray[np.uint8]:
        """Give that many bytes of noise, of which no two stretches have the same."""
        begin = int(self._dice.integers(_NOISE_BYTES))
        return np.resize(np.roll(self._noise, begin), size)

    def _put_heads(
        self,
        data: NDArray[np.uint8],
        starts: NDArray[np.int64],
        time_us: NDArray[np.int64],
        frame_len: NDArray[np.int64],
        record_len: NDArray[np.int64],
    ) -> None:
        if not self._pcapng:
            heads = np.empty(len(starts), PCAP_RECORD)
            heads["seconds"] = START_S + time_us // 1_000_000
            heads["microseconds"] = time_us % 1_000_000
            heads["captured"] = heads["wire"] = frame_len
            put(data, starts, heads)
            return
        packets = np.empty(len(starts), PCAPNG_PACKET)
        moment = START_S * 1_000_000 + time_us
        packets["kind"], packets["size"], packets["interface"] = 6, record_len, 0
        packets["time_high"], packets["time_low"] = moment >> 32, moment & 0xFFFF_FFFF
        packets["captured"] = packets["wire"] = frame_len
        put(data, starts, packets)
        tails = starts + record_len - PCAPNG_TAIL.itemsize
        put(data, tails - 3, np.zeros(len(starts), "V3"))
        put(data, tails, packets["size"].astype(PCAPNG_TAIL))

    def _put_headers(
        self, data: NDArray[np.uint8], starts: NDArray[np.int64], frames: Frames
    ) -> None:
        is_tcp = self._is_tcp[self._plan.flows["kind"][frames.flow]]
        for layout, rows in (
            (TCP_FRAME, np.nonzero(is_tcp)[0]),
            (UDP_FRAME, np.nonzero(~is_tcp)[0]),
        ):
            headers = np.zeros(len(rows), layout)
            self._address(headers, frames, rows)
            if layout is TCP_FRAME:
                _fill_tcp(headers, frames, rows)
            else:
                headers["protocol"] = 17
                headers["udp_len"] = 8 + frames.payload_len[rows]
            headers["checksum"] = ip_checksum(headers)
            put(data, starts[rows], headers)
        (syn,) = np.nonzero(frames.flags & SYN)
        options = np.full(len(syn), np.void(SYN_OPTIONS), _OPTIONS)
        put(data, starts[syn] + TCP_FRAME.itemsize, options)
        (bare,) = np.nonzero(frames.header_len + frames.payload_len == TCP_FRAME.itemsize)
        put(data, starts[bare] + TCP_FRAME.itemsize, np.zeros(len(bare), _PAD))

    def _address(self, headers: NDArray[np.void], frames: Frames, rows: NDArray[np.int64]) -> None:
        """Fill in Ethernet, IPv4 and both ports."""
        flow = self._plan.flows[frames.flow[rows]]
        outward = frames.from_client[rows]
        sender = np.where(outward, flow["client"], flow["server"])
        receiver = np.where(outward, flow["server"], flow["client"])
        headers["mac_from"], headers["mac_to"] = self._macs[sender], self._macs[receiver]
        headers["ethertype"], headers["version"], headers["fragment"] = 0x0800, 0x45, 0x4000
        headers["total_len"] = (frames.header_len + frames.payload_len)[rows] - 14
        headers["identification"] = self._dice.integers(1 << 16, size=len(rows))
        headers["ttl"] = 128
        headers["source"] = self._addresses[sender]
        headers["destination"] = self._addresses[receiver]
        headers["source_port"] = np.where(outward, flow["client_port"], flow["server_port"])
        headers["destination_port"] = np.where(outward, flow["server_port"], flow["client_port"])

    def _put_payloads(
        self, data: NDArray[np.uint8], starts: NDArray[np.int64], frames: Frames
    ) -> None:
        """Put the opening messages, and the heads of later ones; the rest stays noise."""
        openings = self._plan.openings
        (told,) = np.nonzero(frames.message >= 0)
        message = frames.message[told]
        length = openings.length[message]
        step = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
        source = np.repeat(openings.start[message], length) + step
        data[np.repeat(starts[told], length) + step] = openings.data[source]

        flow = self._plan.flows[frames.flow]
        room = (frames.message < 0) & (frames.payload_len >= PREFIX.itemsize)
        (later,) = np.nonzero(room & openings.framed[flow["kind"]])
        side = np.where(frames.from_client[later], 0, 1)
        put(data, starts[later], openings.prefix[flow["opening"][later], side])
        at = openings.length_at[flow["kind"][later]]
        counted, at = later[at > 0], at[at > 0]
        size = (frames.payload_len[counted] - at - 2).astype(">u2")
        put(data, starts[counted] + at, size)


def put(data: NDArray[np.uint8], starts: NDArray[np.int64], values: NDArray[np.generic]) -> None:
    """Write one value at each of `starts`, whatever its alignment; all must lie within data."""
    if not len(starts):
        return
    plain = np.dtype(f"V{values.itemsize}")
    # A view with a value at every byte, which overlap; only those named are written.
    everywhere = np.ndarray((len(data) - plain.itemsize + 1,), plain, data, strides=(1,))
    everywhere[starts] = np.ascontiguousarray(values).view(plain)


def ip_checksum(headers: NDArray[np.void]) -> NDArray[np.uint16]:
    """Compute the IPv4 header checksums (RFC 1071), where the field is still zero."""
    total = headers["version"].astype(np.uint64) << np.uint64(8)
    for name in ("total_len", "identification", "fragment"):
        total += headers[name]
    total += (headers["ttl"].astype(np.uint64) << np.uint64(8)) + headers["protocol"]
    for name in ("source", "destination"):
        total += (headers[name] >> 16) + (headers[name] & 0xFFFF)
    for _ in range(2):
        total = (total >> np.uint64(16)) + (total & np.uint64(0xFFFF))
    return (~total & np.uint64(0xFFFF)).astype(np.uint16)


def _fill_tcp(headers: NDArray[np.void], frames: Frames, rows: NDArray[np.int64]) -> None:
    flags = frames.flags[rows]
    headers["protocol"] = 6
    headers["sequence"] = frames.sequence[rows]
    headers["acknowledgement"] = frames.acknowledgement[rows]
    headers["offset"] = (frames.header_len[rows] - 34) // 4 << 4
    headers["flags"] = flags
    headers["window"] = np.where(flags & SYN > 0, 64240, np.where(flags & ACK > 0, 1024, 0))
