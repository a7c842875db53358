"""Both sides of a session through a NetScaler, from its own trace to the report."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import reports
from capture_files import Frame, batches_of, frames_in, open_bytes
from foreign_files import Traced, needs_tshark, nstrace
from invoked import auditor
from pcap_files import pcapng
from traffic import Host, Tcp, Wire

from auditor.explain.json import story_json
from auditor.explain.model import Frames
from auditor.explain.story import tell
from auditor.explain.text import story_lines
from auditor.pipeline import examine, read
from auditor.report import overview
from auditor.report.evidence import save_evidence
from auditor.report.layouts import FLOWS
from auditor.traffic import Reading, read_traffic

if TYPE_CHECKING:
    from pathlib import Path

    import traffic

    from auditor.engine import EngineName

CLIENT, VIP = Host("192.0.2.9"), Host("10.0.0.80")
SNIP, SERVER, SECOND = Host("10.0.0.81"), Host("10.0.0.1"), Host("10.0.0.2")
STRANGER = Host("10.0.0.7")

BLOCKS = {CLIENT.ip: (21, 0), SERVER.ip: (22, 21), SECOND.ip: (23, 21)}
"""Address of the far end -> control block of the connection with it, and the linked one."""


def proxied() -> list[traffic.Frame]:
    """Let a client's connection be served by two to servers, and a stranger talk beside it."""
    wire = Wire()
    front = Tcp(wire, CLIENT, VIP, 443).connect().send(b"one")
    Tcp(wire, SNIP, SERVER, 80, at_ms=100).connect().send(b"one").answer(b"1" * 900).close()
    Tcp(wire, SNIP, SECOND, 80, at_ms=900).connect().send(b"two").close()
    Tcp(wire, STRANGER, SERVER, 3389, at_ms=1000).connect().send(b"hello").close()
    front.pause(1500).answer(b"1" * 900).send(b"two").answer(b"2").close()
    return wire.captured()


def trace_of(frames: list[traffic.Frame]) -> bytes:
    """Trace frames as the NetScaler between them would."""
    traced = []
    for each in frames:
        ends = {".".join(map(str, each.data[at : at + 4])) for at in (26, 30)}
        block, linked = next((BLOCKS[end] for end in BLOCKS if end in ends), (0, 0))
        if STRANGER.ip in ends:
            block, linked = 99, 0
        seen = Frame(each.time_ns, each.data, len(each.data))
        traced.append(Traced(seen, block, linked))
    return nstrace(traced)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Write the trace."""
    path = tmp_path / "nstrace1.cap"
    path.write_bytes(trace_of(proxied()))
    return path


@needs_tshark
@pytest.mark.parametrize("engine", ["general", "compiled"])
def test_both_flow_tables_join_both_sides(trace: Path, engine: EngineName) -> None:
    """The plain one and the compiled one."""
    found = read_traffic([str(trace)], reading=Reading(engine))

    assert found.engine.name == engine
    assert found.flows.other_side == [1, 0, 0, -1]


@needs_tshark
def test_flows_name_the_other_side_of_their_session(trace: Path) -> None:
    """The client's names the server's connection with most frames, both of those the client's."""
    flows = read(trace).tables["flows"]
    servers = [
        f"{ip}:{port}"
        for ip, port in zip(*map(flows.values, ("server_ip", "server_port")), strict=True)
    ]
    linked = flows.values("linked_flow")

    assert dict(zip(servers, linked, strict=True)) == {
        "10.0.0.80:443": 1 + servers.index("10.0.0.1:80"),
        "10.0.0.1:80": 1 + servers.index("10.0.0.80:443"),
        "10.0.0.2:80": 1 + servers.index("10.0.0.80:443"),
        "10.0.0.1:3389": None,
    }


@needs_tshark
def test_a_trace_is_judged_as_the_same_frames_in_a_pcapng(trace: Path, tmp_path: Path) -> None:
    """Only the capture's name and the other side differ: to be joined changes no verdict."""
    plain = tmp_path / "plain.pcapng"
    plain.write_bytes(pcapng(proxied()))
    left_out = ["capture", "linked_flow"]
    one, other = (examine(path).report.flows.drop(columns=left_out) for path in (trace, plain))

    assert one.to_dict("list") == other.to_dict("list")


@needs_tshark
def test_reports_say_how_many_sessions_were_joined(trace: Path) -> None:
    """In the summary of an audit and below the list of flows; the data has the column."""
    for verb in ("audit", "flows"):
        words = auditor(verb, trace).stdout.split()
        assert "Proxied 2 sessions through the NetScaler joined" in " ".join(words)
    told = json.loads(auditor("flows", trace, "--format", "json").stdout)
    assert [flow["linked_flow"] for flow in told["flows"]] == [2, 1, 1, None]


def test_a_capture_without_links_says_nothing_of_them() -> None:
    """There is no line of zeros; a flow whose other side is filtered away still counts."""
    none = reports.table(FLOWS, reports.flow(1), reports.flow(2))
    half = reports.table(FLOWS, reports.flow(1) | {"linked_flow": 2})

    assert list(overview.proxied(none)) == []
    assert [text for _, text in overview.proxied(half)] == [
        "1 session through the NetScaler joined (flows 1 + 2)"
    ]


@needs_tshark
def test_explain_tells_every_other_side(trace: Path) -> None:
    """The client's connection had two, of which the one with most frames stands first."""
    found = examine(trace)
    story = tell(found.report, found.judged, found.names, 1, Frames(unavailable="not asked for"))
    lines = list(story_lines(story))
    at = next(n for n, line in enumerate(lines) if line.startswith("  Other side"))

    assert lines[at].split() == (
        ["Other", "side", "flow", "2:", "10.0.0.81", "->", "10.0.0.1", "tcp/80,", "established"]
    )
    assert lines[at + 1].split()[:2] == ["flow", "3:"]
    assert json.loads(story_json(story))["other_sides"] == [2, 3]


@needs_tshark
def test_evidence_is_written_of_what_the_header_hid(trace: Path, tmp_path: Path) -> None:
    """The annotated capture holds Ethernet frames, with the trace's numbers in the comments."""
    out = tmp_path / "evidence.pcapng"
    written = save_evidence(examine(trace).report, out, frames=1000)
    kept = frames_in(batches_of(open_bytes(out.read_bytes())))

    assert written.lost == 0
    assert len(kept) == written.frames > 0
    frames = {(each.time_ns, each.data) for each in proxied()}
    assert {(each.time_ns, each.data) for each in kept} <= frames
    assert {each.linktype for each in kept} == {1}
