"""Samples as poor captures would have shown them: doubled, with holes, one-sided, cut."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from capture_files import Frame, frames_in, pcap

from auditor.capture import open_capture
from auditor.decode.dissect import Decoder
from auditor.records import IPPROTO_TCP, PACKET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy as np

    Change = Callable[[Frame, np.void], Iterator[Frame]]


def mangled(source: Path, target: Path, change: Change) -> str:
    """Write an Ethernet capture anew; `change` gives what becomes of a frame, told its row."""
    decoder, frames = Decoder(), list[Frame]()
    with open_capture([str(source)]) as capture:
        for batch in capture:
            rows = decoder.decode(batch).rows
            assert rows.dtype == PACKET
            for each, row in zip(frames_in([batch]), rows, strict=True):
                frames.extend(change(each, row))
    target.write_bytes(pcap(frames, unit_ns=1))
    return str(target)


def twice(each: Frame, row: np.void) -> Iterator[Frame]:
    """Let the mirror port hand out a frame once more, with the tag of the other port."""
    yield each
    tag = b"\x81\x00\x00\x63" if row["vlan"] == 0 else b""
    yield each._replace(
        time_ns=each.time_ns + 4_000,
        data=each.data[:12] + tag + each.data[12:],
        wire_len=each.wire_len + len(tag),
    )


def cut(each: Frame, row: np.void) -> Iterator[Frame]:  # noqa: ARG001 - a change as the others
    """Let a snap length leave headers alone."""
    yield each._replace(data=each.data[:96])


def thinned(source: Path, target: Path) -> str:
    """Lose every sixth TCP segment with payload."""
    segment = count(1)

    def lose(each: Frame, row: np.void) -> Iterator[Frame]:
        carries = row["transport"] == IPPROTO_TCP and row["payload_len"] > 0
        if not carries or next(segment) % 6:
            yield each

    return mangled(source, target, lose)
