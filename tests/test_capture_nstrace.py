"""A NetScaler trace, by the lines that tshark writes of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from capture_files import NOON_NS, Frame, frame, frames_in, numbered
from foreign_files import Traced, needs_tshark, nstrace
from hypothesis import given
from hypothesis import strategies as st

from auditor.capture import open_capture
from auditor.capture.nstrace import NstraceWalker
from auditor.capture.walk import BATCH_FRAMES, Walk

if TYPE_CHECKING:
    from pathlib import Path

INDEX = b'{"index":{"_index":"packets-2024-04-17","_type":"doc"}}\n'
HEADER = b"\xad" + bytes(34)


def line(each: Frame, number: int, **others: object) -> bytes:
    """Write what tshark does of a frame."""
    seconds, rest = divmod(each.time_ns, 1_000_000_000)
    told = {
        "frame_frame_number": str(number),
        "frame_frame_time_epoch": f"{seconds}.{rest:09d}",
        "frame_frame_len": str(each.wire_len + len(HEADER)),
    }
    record = {"ns_nstrace_pdevno": "0x0000000a", "ns_nstrace_l_pdevno": "0x0000000b"}
    layers = {
        "frame_raw": (HEADER + each.data).hex(),
        "frame": told,
        "ns_raw": HEADER.hex(),
        "ns": record,
    }
    for name, value in others.items():
        part = told if name in told else record if name in record else layers
        part[name] = value  # type: ignore[assignment]  # what the test puts there instead
    text = json.dumps({"timestamp": "0", "layers": layers}, separators=(",", ":"))
    return INDEX + text.encode() + b"\n"


def walk(data: bytes, at: int = 0, walker: NstraceWalker | None = None) -> Walk:
    """Take a step."""
    return (walker or NstraceWalker(0)).walk(np.frombuffer(data, np.uint8), at)


def test_the_record_header_goes_and_the_control_blocks_stay() -> None:
    """A frame is what follows the header; its length on the wire does not count that either."""
    cut = frame(b"abc", at_ns=5, wire_len=1000)
    step = walk(line(cut, 1) + line(frame(b"defg"), 2), walker=NstraceWalker(3))

    assert step.batch is not None
    assert frames_in([step.batch]) == numbered([cut, frame(b"defg")])
    assert step.batch.linked is not None
    assert step.batch.linked.tolist() == [[10, 11], [10, 11]]
    assert step.batch.capture.tolist() == [3, 3]
    assert not step.remarks


def test_a_line_that_is_not_all_there_is_waited_for() -> None:
    """The step asks for more than there is, and goes on where the line begins."""
    data = line(frame(b"abc"), 1)
    whole = data + line(frame(b"d"), 2)
    walker = NstraceWalker(0)
    step = walk(whole[:-1], 0, walker)

    assert step.batch is not None
    assert len(step.batch) == 1
    rest = walk(whole[:-1], step.end, walker)
    assert rest.batch is None
    assert rest.need == len(whole) - rest.end
    last = walk(whole, rest.end, walker)
    assert last.batch is not None
    assert last.batch.number.tolist() == [2]


def test_a_batch_is_bounded() -> None:
    """However much is there, a step takes so many frames."""
    step = walk(line(frame(b""), 1) * (BATCH_FRAMES + 1))

    assert step.batch is not None
    assert len(step.batch) == BATCH_FRAMES


@pytest.mark.parametrize("text", ["2023-11-14T22:13:20.000000007Z", "1700000000.000000007"])
def test_time_comes_as_a_date_or_as_seconds(text: str) -> None:
    """Versions of tshark differ."""
    step = walk(line(frame(b""), 1, frame_frame_time_epoch=text))

    assert step.batch is not None
    assert step.batch.time_ns.tolist() == [NOON_NS + 7]


@pytest.mark.parametrize("value", [["0x0000000a", "0x00000001"], "10"])
def test_a_control_block_may_be_told_several_times_or_in_decimal(value: object) -> None:
    """The first one counts."""
    step = walk(line(frame(b""), 1, ns_nstrace_pdevno=value))

    assert step.batch is not None
    assert step.batch.linked is not None
    assert step.batch.linked.tolist() == [[10, 11]]


def test_decrypted_http_is_no_ethernet() -> None:
    """Such a record has no lower layers; it is counted as one that cannot be decoded."""
    step = walk(line(frame(b"GET /"), 1, http={"filtered": "http"}))

    assert step.batch is not None
    assert step.batch.linktype.tolist() == [147]


@pytest.mark.parametrize(
    "others",
    [
        {"ns": None},
        {"frame_raw": 7},
        {"frame_raw": "zz"},
        {"frame_frame_number": "one"},
        {"frame_frame_len": "99999999999999999999"},
        {"frame_frame_time_epoch": "soonT"},
        {"ns_nstrace_pdevno": "0xyz"},
    ],
)
def test_a_line_of_another_kind_ends_the_capture_with_a_remark(others: dict[str, object]) -> None:
    """What stands before it is kept."""
    step = walk(line(frame(b"a"), 1) + line(frame(b"b"), 2, **others))

    assert step.batch is not None
    assert len(step.batch) == 1
    assert step.broken
    assert [remark.number for remark in step.remarks] == [2]


@given(st.lists(st.binary(max_size=60)), st.booleans())
def test_any_bytes_end_in_a_batch_or_a_remark(pieces: list[bytes], named: bool) -> None:
    """Nothing that a child writes is raised."""
    data = (b'"layers"' if named else b"").join(pieces) + b"\n"
    step = walk(data)

    assert step.batch is None
    assert step.broken or step.need


def test_a_line_without_end_is_damage() -> None:
    """Memory is bounded."""
    step = walk(b'"layers"' + bytes(1 << 23))

    assert step.broken


@needs_tshark
def test_tshark_writes_what_is_read(tmp_path: Path) -> None:
    """Of a trace made by hand, frames, lengths, times to the nanosecond and blocks come back."""
    frames = [frame(bytes([n]) * (20 + 50 * n), at_ns=n * 1001) for n in range(200)]
    frames[3] = frames[3]._replace(wire_len=5000)
    name = tmp_path / "x.cap"
    name.write_bytes(nstrace(Traced(each, n, n + 7) for n, each in enumerate(frames)))
    with open_capture([str(name)]) as capture:
        batches = list(capture)

    assert frames_in(batches) == numbered(frames)
    linked = [pair for batch in batches if batch.linked is not None for pair in batch.linked]
    assert [pair.tolist() for pair in linked] == [[n, n + 7] for n in range(200)]
    assert capture.facts.warnings == []
    assert not capture.facts.truncated
