"""The compiled path against the plain one: the same rows, the same flows, whatever comes in."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from layers import batch
from shared import SHARED
from strategies import traffic
from test_dissect import LINKTYPES, damaged_frames

from auditor.capture import open_capture
from auditor.decode.compiled import CompiledDecoder
from auditor.decode.dissect import Decoder
from auditor.errors import AuditError
from auditor.flows import FlowTable
from auditor.flows.compiled import CompiledFlowTable
from auditor.flows.result import Flows

if TYPE_CHECKING:
    from auditor.capture.batch import FrameBatch
    from auditor.decode.packets import Packets

CAPTURES = sorted((SHARED / "captures").glob("*cap*")) if SHARED.is_dir() else []
SAMPLES = sorted((Path(__file__).parents[1] / "sample_pcaps").glob("*.pcap*"))

thorough = settings(max_examples=5_000, deadline=None)


class Paths:
    """Both paths, side by side."""

    def __init__(self, head_budget: int = 1 << 28) -> None:
        """Begin without packets."""
        self.decoders = Decoder(), CompiledDecoder()
        self.tables = FlowTable(head_budget), CompiledFlowTable(head_budget)

    def take(self, frames: FrameBatch) -> None:
        """Decode a batch by both, and add to each table what the plain decoder says."""
        plain, compiled = (decoder.decode(frames) for decoder in self.decoders)
        check_packets(plain, compiled)
        for table in self.tables:
            table.update(plain)

    def check(self) -> None:
        """Hold the flows of both against each other."""
        plain, compiled = (table.finish() for table in self.tables)
        for field in fields(Flows):
            one, other = getattr(plain, field.name), getattr(compiled, field.name)
            if field.name == "facts":
                assert one.tolist() == other.tolist()
            else:
                assert one == other, field.name


def check_packets(plain: Packets, compiled: Packets) -> None:
    """Hold rows and quotes against each other."""
    for name in plain.rows.dtype.names or ():
        np.testing.assert_array_equal(plain.rows[name], compiled.rows[name], name)
    assert plain.quotes == compiled.quotes


@pytest.mark.skipif(not CAPTURES, reason="needs the reference captures")
def test_agrees_on_every_capture() -> None:
    """Every frame of every real capture, damaged ones included, gives the same row and flow."""
    seen = 0
    for path in CAPTURES:
        paths = Paths()
        with suppress(AuditError), open_capture([str(path)]) as capture:
            for frames in capture:
                paths.take(frames)
                seen += len(frames)
        paths.check()
    assert seen > 15_000


def test_walks_captures_alike() -> None:
    """Both walkers hand out the same frames, remarks and damage of every capture."""
    for path in (*CAPTURES, *SAMPLES):
        assert walked(path, compiled=False) == walked(path, compiled=True), path


def walked(path: Path, *, compiled: bool) -> list[object]:
    """List all that a walk through a capture tells."""
    told: list[object] = []
    with suppress(AuditError), open_capture([str(path)]) as capture:
        capture.compiled = compiled
        for frames in capture:
            columns = frames.captured_len, frames.wire_len, frames.time_ns, frames.number
            told += zip(*(column.tolist() for column in columns), strict=True)
            told += [frames.frame(row) for row in range(len(frames))]
        capture.close()
        told += [capture.facts.warnings, capture.facts.truncated, capture.facts.dropped]
    return told


ANY_FRAMES = st.lists(st.one_of(damaged_frames(), st.binary(max_size=80)))
ANY_CUTS = st.lists(st.integers(0, 40), max_size=3)


def check_decoding(several: list[bytes], linktype: int) -> None:
    """Decode frames by both."""
    frames = batch(several, linktype)
    check_packets(Decoder().decode(frames), CompiledDecoder().decode(frames))


def check_assembling(several: list[bytes], cuts: list[int]) -> None:
    """Assemble frames by both, in several batches."""
    paths, whole = Paths(), batch(several)
    bounds = sorted({0, *(cut for cut in cuts if cut < len(several)), len(several)})
    for start, end in pairwise(bounds):
        paths.take(whole.select(slice(start, end)))
    paths.check()


@thorough
@given(ANY_FRAMES, st.sampled_from(LINKTYPES))
def test_decodes_anything_alike(several: list[bytes], linktype: int) -> None:
    """Whatever bytes a frame has, and wherever it is cut, both decoders say the same of it."""
    check_decoding(several, linktype)


@thorough
@given(traffic(), ANY_CUTS)
def test_assembles_anything_alike(several: list[bytes], cuts: list[int]) -> None:
    """Retransmitted, reordered, lost, reused: both tables give the same flows, however batched."""
    check_assembling(several, cuts)


def test_keeps_nothing_once_closed() -> None:
    """A table that is closed gives what it had, and is empty from then on."""
    for path in SAMPLES[:3]:
        paths, closed = Paths(), CompiledFlowTable()
        with open_capture([str(path)]) as capture:
            for frames in capture:
                paths.take(frames)
                closed.update(Decoder().decode(frames))
        given, plain = closed.close(), paths.tables[0].close()
        assert given.facts.tolist() == plain.facts.tolist()
        assert (given.heads_a, given.heads_b) == (plain.heads_a, plain.heads_b)
        assert given.vlans == plain.vlans
        assert (closed.size, len(closed.finish().facts)) == (0, 0)


CHECKED = {
    "interpreted": {"NUMBA_DISABLE_JIT": "1"},
    "bounds": {"NUMBA_BOUNDSCHECK": "1"},
}
"""How else kernels can be run: without the compiler, and with every index checked."""


@pytest.mark.parametrize("how", CHECKED)
def test_agrees_when_run_otherwise(how: str, tmp_path: Path) -> None:
    """Kernels compute the same as plain Python, and none reads or writes beside its arrays."""
    program = "import test_compiled; test_compiled.check_a_few()"
    # A cache of its own: compiled code that is found there knows nothing of bounds.
    places = {"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore::RuntimeWarning", "-c", program],
        env={**os.environ, **places, **CHECKED[how]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def check_a_few() -> None:
    """Hold both paths against each other on the samples and some invented traffic."""
    for path in SAMPLES:
        paths = Paths()
        with open_capture([str(path)]) as capture:
            capture.compiled = True
            for frames in capture:
                paths.take(frames)
        paths.check()
    few = settings(max_examples=100, database=None, suppress_health_check=list(HealthCheck))
    few(given(ANY_FRAMES, st.sampled_from(LINKTYPES))(check_decoding))()
    few(given(traffic(), ANY_CUTS)(check_assembling))()
