"""Send conversations that are new each time: `python benchmarks/flow_sender.py CAPTURE IF S RATE`.

Whole TCP conversations of a capture by make.py are sent over and over, each time from other ports
of their clients, so that every one is a flow of its own. Frames go through a ring that is shared
with the kernel (packet(7), PACKET_TX_RING), for a sender must cost less than what it measures.
"""

from __future__ import annotations

import json
import mmap
import socket
import struct
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from capture_layouts import PCAP_RECORD, TCP_FRAME

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SOL_PACKET, _PACKET_VERSION, _PACKET_TX_RING = 263, 10, 13
_TPACKET_V2 = 1
_AVAILABLE, _SEND_REQUEST = 0, 1
_SLOT_BYTES, _SLOTS, _BLOCK_BYTES = 2048, 1024, 1 << 20
_DATA_AT = 32
"""Where a frame stands in its slot: behind struct tpacket2_hdr."""

_PCAP_HEAD_BYTES = 24
_FIRST_PORT, _PORTS, _STRIDE = 49152, 16384, 4099
"""Ports of clients, as capture_plan draws them, and how far they move on from turn to turn."""
_FIN, _SYN, _RST, _SYN_ACK = 0x01, 0x02, 0x04, 0x12
_PACE_S = 0.002


@dataclass(frozen=True)
class Sent:
    """What was sent."""

    frames: int
    flows: int
    seconds: float


@dataclass(frozen=True)
class Conversations:
    """Frames of equal room, in order of time."""

    data: NDArray[np.uint8]
    """Shape (n, room)."""
    length: NDArray[np.uint32]
    opens: NDArray[np.bool_]
    """The frame opens a conversation."""
    from_client: NDArray[np.bool_]

    @classmethod
    def of(cls, capture: Path) -> Conversations:
        """Take the TCP conversations of a capture that are there from SYN to FIN."""
        raw = np.frombuffer(capture.read_bytes(), np.uint8)
        starts, lengths, at = [], [], _PCAP_HEAD_BYTES
        while at < len(raw):
            captured = int(raw[at + 8 : at + 12].view("<u4")[0])
            starts.append(at + PCAP_RECORD.itemsize)
            lengths.append(captured)
            at += PCAP_RECORD.itemsize + captured
        data = np.zeros((len(starts), _SLOT_BYTES - _DATA_AT), np.uint8)
        for row, (start, length) in enumerate(zip(starts, lengths, strict=True)):
            data[row, :length] = raw[start : start + length]
        kept, opens, from_client = _whole(_heads(data))
        return cls(data[kept], np.array(lengths, np.uint32)[kept], opens, from_client)

    def move_on(self) -> None:
        """Give every client another port."""
        heads = _heads(self.data)
        for name, mine in (
            ("source_port", self.from_client),
            ("destination_port", ~self.from_client),
        ):
            ports = heads[name].astype(np.int64)
            moved = _FIRST_PORT + (ports - _FIRST_PORT + _STRIDE) % _PORTS
            heads[name] = np.where(mine, moved, ports)


class Ring:
    """A ring of slots from which the kernel sends."""

    def __init__(self, interface: str) -> None:
        """Open it; raise OSError."""
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._socket.setsockopt(_SOL_PACKET, _PACKET_VERSION, struct.pack("i", _TPACKET_V2))
        blocks = _SLOTS * _SLOT_BYTES // _BLOCK_BYTES
        request = struct.pack("4I", _BLOCK_BYTES, blocks, _SLOT_BYTES, _SLOTS)
        self._socket.setsockopt(_SOL_PACKET, _PACKET_TX_RING, request)
        self._socket.bind((interface, 0))
        memory = mmap.mmap(self._socket.fileno(), _SLOTS * _SLOT_BYTES)
        self._bytes = np.frombuffer(memory, np.uint8).reshape(_SLOTS, _SLOT_BYTES)
        self._words = self._bytes.view(np.uint32)
        self._at = 0

    def send(self, data: NDArray[np.uint8], length: NDArray[np.uint32]) -> None:
        """Send frames, as many as there are slots at most."""
        done = 0
        while done < len(data):
            some = min(len(data) - done, _SLOTS - self._at)
            slots = slice(self._at, self._at + some)
            while (self._words[slots, 0] != _AVAILABLE).any():
                time.sleep(_PACE_S / 10)
            self._bytes[slots, _DATA_AT:] = data[done : done + some]
            self._words[slots, 1] = length[done : done + some]
            self._words[slots, 0] = _SEND_REQUEST
            self._socket.send(b"")
            done, self._at = done + some, (self._at + some) % _SLOTS


def send_flows(capture: Path, interface: str, seconds: float, flows_per_s: float) -> Sent:
    """Send at a steady rate, for so many seconds."""
    talk, ring = Conversations.of(capture), Ring(interface)
    rate = flows_per_s * len(talk.length) / int(talk.opens.sum())
    frames = flows = at = 0
    begun_s = time.monotonic()
    while (passed_s := time.monotonic() - begun_s) < seconds:
        due = min(int(passed_s * rate) - frames, _SLOTS, len(talk.length) - at)
        if due <= 0:
            time.sleep(_PACE_S)
            continue
        ring.send(talk.data[at : at + due], talk.length[at : at + due])
        flows += int(talk.opens[at : at + due].sum())
        frames, at = frames + due, at + due
        if at == len(talk.length):
            at = 0
            talk.move_on()
    return Sent(frames, flows, time.monotonic() - begun_s)


def _heads(data: NDArray[np.uint8]) -> NDArray[np.void]:
    """View the headers of frames, shape (n,)."""
    view: NDArray[np.void] = np.ndarray((len(data),), TCP_FRAME, data, strides=(data.strides[0],))
    return view


def _whole(
    heads: NDArray[np.void],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Say which frames belong to whole conversations; of those, which open one, who sends them."""
    from_client = heads["source_port"] >= _FIRST_PORT
    swapped = np.where(from_client, heads["source"], heads["destination"])
    other = np.where(from_client, heads["destination"], heads["source"])
    port = np.where(from_client, heads["source_port"], heads["destination_port"])
    service = np.where(from_client, heads["destination_port"], heads["source_port"])
    ends = np.stack([swapped, other, port, service], axis=1).astype(np.int64)
    _, flow = np.unique(ends, axis=0, return_inverse=True)
    flow, is_tcp = flow.ravel(), heads["protocol"] == socket.IPPROTO_TCP
    opens = is_tcp & (heads["flags"] == _SYN)
    good = np.bincount(flow, opens) == 1
    good &= np.bincount(flow, is_tcp & (heads["flags"] == _SYN_ACK)) == 1
    good &= np.bincount(flow, is_tcp & (heads["flags"] & _FIN > 0)) > 0
    kept = is_tcp & good[flow]
    return kept, opens[kept], from_client[kept]


if __name__ == "__main__":
    where, interface, seconds, rate = sys.argv[1:]
    print(json.dumps(asdict(send_flows(Path(where), interface, float(seconds), float(rate)))))
