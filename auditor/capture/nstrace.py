"""A NetScaler trace, as a walk through what `tshark -T ek -x` writes of it: a JSON line per frame.

No tool writes such a trace as pcapng. Each record has a header of the NetScaler (NIC, core, control
blocks, state of TCP) before the frame that it captured; here the header goes, and of it the two
control blocks stay: the one of the frame's own connection, and the one that this is linked to,
which is the other side of a proxied session.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from auditor.capture.batch import FrameBatch
from auditor.capture.tshark import Output
from auditor.capture.walk import BATCH_FRAMES, MAX_TIME_NS, Walk
from auditor.errors import UsageError
from auditor.times import parse_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_FIELDS = "frame frame.number frame.time_epoch frame.len ns nstrace.pdevno nstrace.l_pdevno"

# Nothing above the record's header is dissected: it is not wanted, and would take memory.
_LAYERS = ("--enable-protocol", "ns", "--disable-protocol", "eth")

AS_LINES = Output(("-T", "ek", "-x", "-j", _FIELDS, *_LAYERS), growth=8)
"""What makes tshark write as is read here."""

_LONGEST_LINE = 1 << 23
"""Bytes; of a frame of the longest that a record can hold, twice over as hexadecimal digits."""

_ETHERNET = 1
_UNKNOWN_LINK = 147
"""LINKTYPE_USER0, which no decoder takes for anything: decrypted HTTP without headers below it."""


class _Record(NamedTuple):
    frame: bytes
    wire_len: int
    time_ns: int
    linktype: int
    number: int
    blocks: tuple[int, int]


class NstraceWalker:
    """Finds the frames of a NetScaler trace in tshark's lines."""

    header_len = 0
    dropped: int | None = None

    def __init__(self, capture: int) -> None:
        """Begin before the first line; `capture` becomes FrameBatch.capture."""
        self.number = 0
        self._capture = capture

    def walk(self, data: NDArray[np.uint8], at: int, *, compiled: bool = False) -> Walk:
        """Take the lines that are whole in data[at:], BATCH_FRAMES of them with frames at most."""
        del compiled  # there is no kernel: most of the time goes into tshark
        step = Walk(at)
        text = data[at:].tobytes()
        records: list[_Record] = []
        damage = None
        while len(records) < BATCH_FRAMES:
            begin = step.end - at
            end = text.find(b"\n", begin)
            if end < 0:
                step.need = len(text) - begin + 1
                if step.need > _LONGEST_LINE:
                    damage = f"expected a line of at most {_LONGEST_LINE:,} bytes from tshark"
                break
            line = text[begin:end]
            # Between the frames stand lines that tell Elasticsearch where to put them.
            if b'"layers"' in line:
                try:
                    records.append(_read(line))
                except (ValueError, TypeError, KeyError, UsageError) as error:
                    why = f"{type(error).__name__}: {error}"[:80]
                    damage = f"expected a frame as tshark 4 writes it, found another ({why})"
                    break
            step.end = at + end + 1
        if records:
            self.number = records[-1].number
            step.batch = self._batch(records)
        if damage:
            step.stop(self.number + 1, damage)
        return step

    def _batch(self, records: list[_Record]) -> FrameBatch:
        captured = np.array([len(record.frame) for record in records], np.int64)
        return FrameBatch(
            np.frombuffer(bytearray().join(record.frame for record in records), np.uint8),
            np.cumsum(captured) - captured,
            captured,
            np.array([record.wire_len for record in records], np.int64),
            np.array([record.time_ns for record in records], np.int64),
            np.array([record.linktype for record in records], np.int32),
            np.array([record.number for record in records], np.int64),
            np.full(len(records), self._capture, np.int32),
            np.array([record.blocks for record in records], np.int64),
        )


def _read(line: bytes) -> _Record:
    """Read a frame; raise ValueError, TypeError, KeyError or UsageError for what is none."""
    layers = _fields(_fields(json.loads(line))["layers"])
    told, record = _fields(layers["frame"]), _fields(layers["ns"])
    header_len = len(_text(layers["ns_raw"])) // 2
    frame = bytes.fromhex(_text(layers["frame_raw"]))[header_len:]
    return _Record(
        frame=frame,
        wire_len=max(_number(told["frame_frame_len"]) - header_len, len(frame)),
        time_ns=_time(_text(told["frame_frame_time_epoch"])),
        linktype=_UNKNOWN_LINK if "http" in layers else _ETHERNET,
        number=_number(told["frame_frame_number"]),
        # Traces of old versions have none, which 0 stands for in the others.
        blocks=(
            _number(record.get("ns_nstrace_pdevno", "0")),
            _number(record.get("ns_nstrace_l_pdevno", "0")),
        ),
    )


def _fields(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise TypeError("no object")
    return value


def _text(value: object) -> str:
    """Give a field's text, of one that stands there several times the first."""
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _number(value: object) -> int:
    """Read a number of 32 bits, decimal or with its 0x."""
    number = int(_text(value), 0)
    if not 0 <= number < 1 << 32:
        raise ValueError(f"{number} is no number of 32 bits")
    return number


def _time(text: str) -> int:
    """Read seconds since 1970, which later versions of tshark write as a date."""
    if "T" in text:
        time_ns = parse_time(text)
    else:
        seconds, _, fraction = text.partition(".")
        time_ns = int(seconds) * 1_000_000_000 + int(fraction[:9].ljust(9, "0"))
    return min(max(time_ns, 0), MAX_TIME_NS)
