"""What each frame is to its flow: which part of the script, who sends it, with which flags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from capture_mix import Fate

if TYPE_CHECKING:
    from capture_openings import Openings
    from numpy.typing import NDArray

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10

ACK_EVERY = 3
"""Within a burst: a request, then answers with an acknowledgement in every third place."""


@dataclass(frozen=True)
class Steps:
    """Frames of many flows, each by its place in its flow; all of shape (n,)."""

    flow: NDArray[np.int64]
    frame: NDArray[np.int64]
    """From 0 in each flow."""
    fate: NDArray[np.uint8]
    is_tcp: NDArray[np.bool_]
    in_opening: NDArray[np.bool_]
    """Handshake or opening; then comes data, then the closing."""
    in_data: NDArray[np.bool_]
    burst: NDArray[np.int64]
    """Burst of data that the frame belongs to, from 0."""
    place: NDArray[np.int64]
    """Place within the burst, or within the closing."""
    message: NDArray[np.int64]
    """Index of the opening message carried, else -1."""

    @property
    def requests(self) -> NDArray[np.bool_]:
        """Mark data that asks for more."""
        marks: NDArray[np.bool_] = self.in_data & (self.place == 0)
        return marks

    @property
    def acknowledges(self) -> NDArray[np.bool_]:
        """Mark what acknowledges data."""
        marks: NDArray[np.bool_] = self.in_data & (self.place > 0) & (self.place % ACK_EVERY == 0)
        return marks

    @property
    def shaking(self) -> NDArray[np.bool_]:
        """Mark handshakes, and attempts at them."""
        return self.in_opening & (self.message < 0)

    @property
    def closing(self) -> NDArray[np.bool_]:
        """Mark the ends of connections."""
        return ~self.in_opening & ~self.in_data

    @property
    def unanswered(self) -> NDArray[np.bool_]:
        """Mark flows in which only the client speaks, over and over."""
        marks: NDArray[np.bool_] = self.fate == Fate.UNANSWERED
        return marks

    @property
    def resets(self) -> NDArray[np.bool_]:
        """Mark the answers of servers that refuse."""
        marks: NDArray[np.bool_] = (self.fate == Fate.REFUSED) & (self.frame == 1)
        return marks


def senders(steps: Steps, openings: Openings) -> NDArray[np.bool_]:
    """Mark the frames that the client sends."""
    client = np.where(steps.in_data, steps.requests | steps.acknowledges, steps.place != 1)
    shaking = steps.shaking
    client[shaking] = (steps.frame[shaking] != 1) | steps.unanswered[shaking]
    told = steps.message >= 0
    client[told] = openings.by_client[steps.message[told]]
    return client


def tcp_flags(steps: Steps, payload_len: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Give each frame's flags; 0 in UDP."""
    flags = np.where(payload_len > 0, PSH | ACK, ACK).astype(np.uint8)
    flags[steps.closing & (steps.place <= 1)] = FIN | ACK  # the third frame only acknowledges
    flags[steps.shaking & (steps.frame == 1)] = SYN | ACK
    flags[steps.shaking & (steps.frame == 0) | steps.unanswered] = SYN
    flags[steps.resets] = RST | ACK
    flags[~steps.is_tcp] = 0
    return flags
