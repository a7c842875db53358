"""Plan a capture: every flow's ends, fate, size and pace, before a single frame is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from capture_mix import KINDS, SCANS, TCP, Fate
from capture_openings import Openings, gather_openings
from capture_site import Cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capture_mix import Kind
    from numpy.typing import NDArray

FLOW_PLAN = np.dtype(
    [
        ("start_us", "f8"),
        ("client", "i4"),
        ("server", "i4"),
        ("client_port", "u2"),
        ("server_port", "u2"),
        ("kind", "i2"),
        ("fate", "u1"),
        ("burst", "u1"),
        ("opening", "i4"),
        ("shake", "i8"),  # frames of the handshake, or of a fruitless attempt
        ("talk", "i8"),  # frames of the opening
        ("data", "i8"),
        ("close", "i8"),
        ("open_gap_us", "f8"),  # from frame to frame in handshake and opening
        ("data_gap_us", "f8"),  # from burst to burst
        ("client_isn", "u4"),
        ("server_isn", "u4"),
    ]
)
"""Ends are indices of the cast's hosts; the times of a flow's frames follow from start and gaps."""

FRAMES, FLOWS, SIZE_BYTES = 2_500_000, 47_000, 1_270_000_000
"""The usual capture."""

ZIPF_EXPONENT = 1.0
STEP_US = 15.0
"""From frame to frame within a burst, at most."""

_FRAMES_PER_SECOND = 2800.0
_SHORTEST_S = 60.0
_FASTEST_US_PER_FRAME = 400.0
_EPHEMERAL = np.setdiff1d(np.arange(49152, 65536), [49752, 54321, 54322, 54323])
"""Without the catalog's ports, which would mislead a reader as ports of clients."""
_DRAWS = 50
_ATTEMPTS = 3
_SHAKE = {
    Fate.HELD: 3,
    Fate.LEFT_OPEN: 3,
    Fate.SINCE_BEFORE: 0,
    Fate.REFUSED: 2,
    Fate.UNANSWERED: _ATTEMPTS,
}
"""Frames of TCP before anything is said."""
_CLOSE = 3
_RETRY_US = 1e6
_LEAST_DATA = 4
_LONG_S = 40
_LEFT_OPEN, _SINCE_BEFORE = 0.04, 0.06
"""Parts of the long flows."""


@dataclass(frozen=True)
class Order:
    """What is asked of a capture."""

    frames: int | None = FRAMES
    """None = what handshakes and openings take, and no more."""
    flows: int = FLOWS
    size_bytes: int = SIZE_BYTES
    """Of the pcap file, about: what handshakes and openings take is not negotiable."""
    scans: float = 0.005
    """Part of the flows that is a sweep of ports."""
    seed: int = 1


def crowd_order(flows: int, seed: int = 1) -> Order:
    """Ask for many small whole flows, a seventh of them scans."""
    return Order(None, flows, 0, scans=1 / 7, seed=seed)


@dataclass(frozen=True)
class Plan:
    """A capture that only has to be written."""

    order: Order
    cast: Cast
    kinds: tuple[Kind, ...]
    openings: Openings
    flows: NDArray[np.void]
    """FLOW_PLAN, by start."""
    seconds: float

    @property
    def frames(self) -> int:
        """Count the frames."""
        return _count_frames(self.flows)


def plan_capture(order: Order) -> Plan:
    """Draw every flow; the same order gives the same plan.

    Raises ValueError where the frames do not suffice for the handshakes and openings.
    """
    dice = np.random.default_rng(order.seed)
    kinds, cast = (*KINDS, *SCANS), Cast(order.flows)
    openings = gather_openings(kinds, cast)
    flows = np.zeros(order.flows, FLOW_PLAN)
    flows["kind"] = dice.choice(len(kinds), order.flows, p=_chances(order.scans))
    _place(flows, kinds, cast, dice)
    _number_clients(flows, kinds, dice)
    _choose_openings(flows, kinds, cast, openings, dice)
    _choose_fates(flows, kinds, openings, dice)
    least = _count_frames(flows)
    frames = least if order.frames is None else order.frames
    if frames < least:
        raise ValueError(f"{frames:,} frames: expected at least {least:,} for these flows")
    _size(flows, kinds, frames - least, dice)
    seconds = max(frames / _FRAMES_PER_SECOND, _SHORTEST_S)
    _pace(flows, kinds, cast, seconds, dice)
    flows["client_isn"] = dice.integers(1 << 32, size=order.flows)
    flows["server_isn"] = dice.integers(1 << 32, size=order.flows)
    flows = flows[np.argsort(flows["start_us"], kind="stable")]
    return Plan(order, cast, kinds, openings, flows, seconds)


def _count_frames(flows: NDArray[np.void]) -> int:
    return sum(int(flows[part].sum()) for part in ("shake", "talk", "data", "close"))


def _chances(scans: float) -> NDArray[np.float64]:
    """Give each kind's part of the flows."""

    def parts(kinds: Sequence[Kind]) -> NDArray[np.float64]:
        shares = np.array([kind.share for kind in kinds])
        part: NDArray[np.float64] = shares / shares.sum()
        return part

    return np.concatenate((parts(KINDS) * (1 - scans), parts(SCANS) * scans))


def _place(
    flows: NDArray[np.void], kinds: Sequence[Kind], cast: Cast, dice: np.random.Generator
) -> None:
    """Choose both ends."""
    for number, kind in enumerate(kinds):
        (rows,) = np.nonzero(flows["kind"] == number)
        client = dice.integers(cast.groups[kind.client].count, size=len(rows))
        server = dice.integers(cast.groups[kind.server].count, size=len(rows))
        if kind.client == kind.server:  # nobody talks to itself: the next one then
            server = np.where(client == server, server + 1, server) % cast.groups[kind.server].count
        flows["client"][rows] = cast.first[kind.client] + client
        flows["server"][rows] = cast.first[kind.server] + server
        flows["server_port"][rows] = dice.choice(kind.ports, len(rows))


def _number_clients(
    flows: NDArray[np.void], kinds: Sequence[Kind], dice: np.random.Generator
) -> None:
    """Choose the clients' ports, so that no two flows have the same ends."""
    is_tcp = np.array([kind.protocol == TCP for kind in kinds])[flows["kind"]]
    ends = flows["client"].astype(np.int64) << 46 | flows["server"].astype(np.int64) << 33
    ends |= flows["server_port"].astype(np.int64) << 17 | is_tcp.astype(np.int64) << 16
    again = np.ones(len(flows), np.bool_)
    for _ in range(_DRAWS):
        flows["client_port"][again] = dice.choice(_EPHEMERAL, int(again.sum()))
        _, kept = np.unique(ends | flows["client_port"], return_index=True)
        again[:] = True
        again[kept] = False
        if not again.any():
            return
    raise ValueError(f"{len(flows):,} flows: expected fewer, this site has no ports for them")


def _choose_openings(
    flows: NDArray[np.void],
    kinds: Sequence[Kind],
    cast: Cast,
    openings: Openings,
    dice: np.random.Generator,
) -> None:
    """Choose by server, so that one server always shows one name; in DNS any question."""
    kind = flows["kind"]
    server = flows["server"] - np.array([cast.first[kind.server] for kind in kinds])[kind]
    asks = np.array([kind.talk == "dns" for kind in kinds])[kind]
    variant = np.where(asks, dice.integers(1 << 30, size=len(flows)), server)
    flows["opening"] = openings.kind_first[kind] + variant % openings.kind_count[kind]


def _choose_fates(
    flows: NDArray[np.void], kinds: Sequence[Kind], openings: Openings, dice: np.random.Generator
) -> None:
    """Let some long TCP flows reach beyond the capture; count what is no data."""
    kind = flows["kind"]
    is_tcp = np.array([kind.protocol == TCP for kind in kinds])[kind]
    fate = np.array([kind.fate for kind in kinds], np.uint8)[kind]
    long = np.array([kind.lasts_s >= _LONG_S for kind in kinds])[kind] & is_tcp
    chance = dice.random(len(flows))
    fate[long & (chance < _LEFT_OPEN)] = Fate.LEFT_OPEN
    fate[long & (chance > 1 - _SINCE_BEFORE)] = Fate.SINCE_BEFORE
    flows["fate"] = fate

    whole = (fate == Fate.HELD) | (fate == Fate.LEFT_OPEN)
    shake = np.array([_SHAKE[one] for one in Fate])[fate]
    flows["shake"] = np.where(is_tcp, shake, np.where(fate == Fate.UNANSWERED, _ATTEMPTS, 0))
    flows["talk"] = np.where(whole, np.diff(openings.first)[flows["opening"]], 0)
    flows["close"] = np.where(is_tcp & (fate == Fate.HELD), _CLOSE, 0)
    flows["data"] = np.where(fate == Fate.SINCE_BEFORE, _LEAST_DATA, 0)


def _size(
    flows: NDArray[np.void], kinds: Sequence[Kind], left: int, dice: np.random.Generator
) -> None:
    """Hand out the frames that are left as data, by Zipf's law: a few flows get most of them."""
    bulk = np.array([kind.bulk for kind in kinds])[flows["kind"]]
    bulk[flows["fate"] >= Fate.REFUSED] = 0
    weight = bulk / (1 + dice.permutation(len(flows))) ** ZIPF_EXPONENT
    if not weight.any():
        weight[flows["fate"] == Fate.HELD] = 1
    parts = np.floor(left * np.cumsum(weight) / weight.sum()).astype(np.int64)
    parts[-1] = left
    flows["data"] += np.diff(parts, prepend=0)


def _pace(
    flows: NDArray[np.void],
    kinds: Sequence[Kind],
    cast: Cast,
    seconds: float,
    dice: np.random.Generator,
) -> None:
    """Spread the flows over the capture, and their frames over their time."""
    count, kind = len(flows), flows["kind"]
    distant = cast.distant()
    far = distant[flows["client"]] | distant[flows["server"]]
    gap = np.where(far, 12_000, 250) * (1 + dice.random(count))
    gap[flows["fate"] == Fate.UNANSWERED] = _RETRY_US
    most = np.array([kind.burst for kind in kinds])[kind]
    flows["burst"] = np.where(most > 2, 2 + dice.integers(2 * most), most)
    median_us = np.array([kind.lasts_s for kind in kinds])[kind] * 1e6
    lasts_us = median_us * np.exp(dice.normal(0, 1, count))
    opening_us = gap * (flows["shake"] + flows["talk"])
    most_us = 0.95 * seconds * 1e6 - opening_us
    lasts_us = np.clip(lasts_us, flows["data"] * _FASTEST_US_PER_FRAME, np.maximum(most_us, 1000))
    bursts = -(-flows["data"] // flows["burst"]) + 1
    flows["open_gap_us"], flows["data_gap_us"] = gap, lasts_us / bursts
    latest = np.maximum(seconds * 1e6 - opening_us - lasts_us, 0)
    flows["start_us"] = dice.random(count) * latest
    before = flows["fate"] == Fate.SINCE_BEFORE
    flows["start_us"][before] *= 0.02
