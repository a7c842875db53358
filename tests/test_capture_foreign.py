"""Captures of other formats, from the file to the flow table."""

from __future__ import annotations

import gzip
import io
import lzma
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import fsspec
import pandas as pd
import pytest
from capture_files import frame, frames_in, open_bytes, pcap
from foreign_files import Traced, converted, needs_editcap, needs_tshark, nstrace

from auditor.capture import foreign, open_capture, sources
from auditor.errors import CaptureError
from auditor.pipeline import read, read_flows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capture_files import Frame

SAMPLE = Path(__file__).parents[1] / "sample_pcaps" / "adc.pcap"

FORMATS = {
    "5views": 1000,
    "lanalyzer": None,  # editcap's own loses the time of day
    "netmon1": 1_000_000,
    "netmon2": 100,
    "ngsniffer": 1_000_000,
    "ngwsniffer_1_1": 1000,
    "ngwsniffer_2_0": 1000,
    "snoop": 1000,
    "visual": 1_000_000,
}
"""What editcap writes, and within how many nanoseconds the time comes back."""

EXPECTED = "expected a pcap or pcapng capture"


class Piped:
    """Standard input, with these bytes in it."""

    closed = False

    def __init__(self, data: bytes) -> None:
        """Hold them."""
        self.buffer = io.BytesIO(data)

    def isatty(self) -> bool:
        """Deny it."""
        return False


def without_times(flows: pd.DataFrame) -> pd.DataFrame:
    """Leave out what a format may round, and the file's name."""
    return flows.drop(columns=["capture", "first_seen", "last_seen", "duration_s"])


@needs_editcap
@pytest.mark.parametrize("kind", FORMATS)
def test_a_converted_capture_has_the_flows_of_the_original(tmp_path: Path, kind: str) -> None:
    """Ends, packets, bytes, outcomes and frame numbers agree; times to what the format tells."""
    original = read_flows(SAMPLE)
    report = read(converted(SAMPLE, tmp_path, kind))

    pd.testing.assert_frame_equal(without_times(report.flows), without_times(original))
    assert report.capture.warnings == ()
    within_ns = FORMATS[kind]
    if within_ns is not None:
        apart = (report.flows["first_seen"] - original["first_seen"]).abs().max()
        assert apart <= pd.Timedelta(within_ns, "ns")


@needs_editcap
def test_a_foreign_capture_can_be_piped_and_compressed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What tshark does not open by itself is pumped into it."""
    data = converted(SAMPLE, tmp_path, "snoop").read_bytes()
    expected = without_times(read_flows(SAMPLE))
    for name, packed in {"x.gz": gzip.compress(data), "x.xz": lzma.compress(data)}.items():
        (tmp_path / name).write_bytes(packed)
        pd.testing.assert_frame_equal(without_times(read_flows(tmp_path / name)), expected)
    monkeypatch.setattr(sys, "stdin", Piped(lzma.compress(data)))
    pd.testing.assert_frame_equal(without_times(read_flows("-")), expected)


@needs_editcap
def test_foreign_captures_and_others_are_one_audit(tmp_path: Path) -> None:
    """A directory holds both, and their frames are merged by time."""
    frames = [frame(bytes([n]) * 60, at_ns=n * 1_000_000) for n in range(10)]
    (tmp_path / "even.pcap").write_bytes(pcap(frames[::2]))
    odd = tmp_path / "odd.pcap"
    odd.write_bytes(pcap(frames[1::2]))
    odd.rename(tmp_path / "rest")
    made = converted(tmp_path / "rest", tmp_path, "snoop")
    (tmp_path / "rest").unlink()
    with open_capture([str(tmp_path)]) as capture:
        read_back = frames_in(capture)

    assert [each.data for each in read_back] == [each.data for each in frames]
    assert capture.facts.files == [str(tmp_path / "even.pcap"), str(made)]


@needs_editcap
def test_a_foreign_capture_that_ends_early_is_read_up_to_there(tmp_path: Path) -> None:
    """The warning is tshark's, and names the record that could not be read."""
    whole = converted(SAMPLE, tmp_path, "snoop")
    whole.write_bytes(whole.read_bytes()[:2000])
    with open_capture([str(whole)]) as capture:
        count = sum(map(len, capture))

    assert count > 5
    assert capture.facts.truncated
    (warning,) = capture.facts.warnings
    assert warning.startswith(f"{whole}: record {count + 1}: tshark says: ")
    assert "cut short" in warning


@needs_tshark
def test_what_tshark_cannot_read_is_an_error_in_its_words(tmp_path: Path) -> None:
    """Nothing but a signature is no capture."""
    name = tmp_path / "x"
    name.write_bytes(b"snoop\0\0\0\0\0\0\x63\0\0\0\4" + bytes(100))
    with pytest.raises(CaptureError, match="expected a snoop capture that tshark can read, found"):
        open_capture([str(name)])


@pytest.fixture
def memory_url() -> Iterator[str]:
    """Put a trace into a store that is not a disk."""
    store = fsspec.filesystem("memory")
    store.pipe_file("/x.cap", nstrace(Traced(each, 7) for each in traced()))
    yield "memory://x.cap"
    store.rm_file("/x.cap")


def traced(count: int = 20) -> list[Frame]:
    """Make frames that a NetScaler traced."""
    return [frame(bytes([n]) * 80, at_ns=n * 1000) for n in range(count)]


@needs_tshark
def test_a_netscaler_trace_may_be_compressed_by_gzip(tmp_path: Path) -> None:
    """That tshark opens by itself."""
    (tmp_path / "x.cap.gz").write_bytes(gzip.compress(nstrace(Traced(f, 7) for f in traced())))
    with open_capture([str(tmp_path / "x.cap.gz")]) as capture:
        assert [each.data for each in frames_in(capture)] == [each.data for each in traced()]


@needs_tshark
def test_batches_with_and_without_control_blocks_are_merged(tmp_path: Path) -> None:
    """Frames of other captures have none."""
    (tmp_path / "x.cap").write_bytes(nstrace(Traced(each, 7, 9) for each in traced()))
    (tmp_path / "y.pcap").write_bytes(pcap(traced()))
    with open_capture([str(tmp_path / name) for name in ("x.cap", "y.pcap")]) as capture:
        batches = list(capture)

    told = {
        (int(index), *pair.tolist())
        for batch in batches
        if batch.linked is not None
        for index, pair in zip(batch.capture, batch.linked, strict=True)
    }
    assert told == {(0, 7, 9), (1, 0, 0)}


@needs_tshark
@pytest.mark.parametrize("packed", [False, True])
def test_a_netscaler_trace_in_a_pipe_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    """Wireshark goes back and forth in it."""
    trace = nstrace(Traced(each, 7) for each in traced())
    name = tmp_path / "x.cap.xz"
    name.write_bytes(lzma.compress(trace))
    monkeypatch.setattr(sys, "stdin", Piped(trace))
    with pytest.raises(CaptureError) as error:
        open_capture([str(name) if packed else "-"])

    found = "xz data: unpack it" if packed else "a pipe: save it"
    expected = f"{EXPECTED}, or a NetScaler trace (nstrace) in a file, found one in {found} first"
    assert error.value.reason == expected


@needs_tshark
def test_a_netscaler_trace_elsewhere_is_to_be_copied(memory_url: str) -> None:
    """It would have to be fetched as a whole."""
    with pytest.raises(CaptureError, match="found one elsewhere: copy it here first"):
        open_capture([memory_url])


def test_without_tshark_the_error_names_the_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one file, and in a directory."""
    monkeypatch.setattr(foreign, "find_tshark", lambda: None)
    monkeypatch.setattr(sources, "find_tshark", lambda: None)
    name = tmp_path / "x.cap"
    name.write_bytes(nstrace(Traced(each, 7) for each in traced()))
    found = f"{EXPECTED}, found a NetScaler trace (nstrace); install Wireshark's tshark to read it"
    for source in (name, tmp_path):
        with pytest.raises(CaptureError) as error:
            open_capture([str(source)])
        assert str(error.value) == f"{name}: {found}"


def test_what_tshark_does_not_convert_is_not_tried() -> None:
    """With or without it the error says what else does."""
    with pytest.raises(CaptureError, match="found an HP-UX nettl trace; convert it with `editcap"):
        open_bytes(b"\x54\x52\x00\x64" + bytes(100))
