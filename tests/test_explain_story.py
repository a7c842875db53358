"""auditor.explain.story, .frames, .text and .json: a flow told in full, and safely."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import payloads
import pytest
import small_office
from pcap_files import pcapng
from small_office import CLOUD, DDC, VDA, needs_tshark
from traffic import Host, Tcp, Udp, Wire

from auditor.errors import UsageError
from auditor.evidence.names import SeenName
from auditor.explain import frames as frames_module
from auditor.explain.frames import MOST_FRAMES, read_frames
from auditor.explain.json import story_json
from auditor.explain.model import Dissection, Frames, HeardName
from auditor.explain.story import tell
from auditor.explain.text import story_lines
from auditor.explain.wireshark import NotAvailableError
from auditor.pipeline import examine
from auditor.report.text import width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditor.explain.model import Story
    from auditor.pipeline import Examined
    from auditor.report.picking import PickedFrame

SAMPLES = Path(__file__).parents[1] / "sample_pcaps"
NO_FRAMES = Frames(unavailable="not asked for")


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Examined:
    """Audit the small office, without Wireshark."""

    def unavailable(frames: Sequence[PickedFrame]) -> list[Dissection]:
        raise NotAvailableError(f"not asked about {len(frames)} frames")

    monkeypatch.setattr(frames_module, "dissect", unavailable)
    return small_office.examined(tmp_path)


def story(audit: Examined, expression: str, frames: Frames | None = None) -> Story:
    """Tell the first flow for which a query holds."""
    flow_id = small_office.flow_where(audit.report, expression)
    seen = read_frames(audit.report, flow_id) if frames is None else frames
    return tell(audit.report, audit.judged, audit.names, flow_id, seen)


def text(told: Story) -> str:
    """Lay a story out, and hold every line to its bounds."""
    lines = list(story_lines(told))
    for line in lines:
        assert width(line) <= 100
        assert line.isprintable()
    return "\n".join(lines)


def test_a_refused_flow_is_told(office: Examined) -> None:
    """Ends, outcome, verdict, finding and rules stand there, and what could not be had."""
    told = text(story(office, "server_port == 27000"))
    for part in (
        "ddc1 -> lic1 tcp/27000   documented, refused",
        "  Client        ddc1 10.0.0.1 port ",
        "  Server        lic1 10.0.0.3 port 27000; license-server",
        "client 1 packet, 66 B (SYN); server 1 packet, 60 B (RST)",
        "  Outcome       refused: a reset answered the SYN",
        "  Direction     the client sent the SYN",
        "  Verdict       documented: ",
        "  Caveats       wildcard: ",
        "  Payload       unverified: neither side sent any",
        "  Finding       high: blocked: ddc1 -> lic1 tcp/27000",
        "           cited: covers the flow",
        "+0.000000    ->    66 bytes  SYN",
        "Wireshark: not available (not asked about 2 frames)",
    ):
        assert part in told


def test_payload_is_shown_as_a_dump(office: Examined) -> None:
    """The first bytes of each side stand in hexadecimal and ASCII, cut where they are many."""
    told = text(story(office, "server_port == 80"))
    assert "The client began, " in told
    assert "  0000  50 4f 53 54 20 2f 43 69  74 72 69 78 2f 43 64 73  POST /Citrix/Cds" in told
    assert "  0000  48 54 54 50 2f 31 2e 31  20 32 30 30 20 4f 4b 0d  HTTP/1.1 200 OK." in told
    long = text(story(office, "server_port == 1433 and outcome == 'established'"))
    assert "kept, 128 shown)" in long
    assert f"{MOST_FRAMES} of " in long


def test_an_icmp_error_stands_beside_the_frames(office: Examined) -> None:
    """The frame that refused the flow is shown as such."""
    told = text(story(office, "server_port == 7000"))
    assert "1 frame and 1 ICMP error" in told
    assert "ICMP error about it" in told


def test_an_accepted_finding_is_marked(office: Examined) -> None:
    """What the site accepts is still told."""
    assert "accepted by the site: " in text(story(office, "server_port == 3389"))


def test_names_say_what_they_are_worth(tmp_path: Path) -> None:
    """A name in the payload, one told to the client in time, too late, and to others."""
    wire = Wire()
    server = Host("10.0.0.53")
    answer = payloads.dns_answer("a.example", CLOUD.ip)
    for at_ms, asker in ((0, VDA), (10, DDC), (20, Host("10.0.0.8"))):
        query = payloads.dns_query("a.example")
        Udp(wire, asker, server, 53, at_ms=at_ms).send(query).answer(answer)
    hello = payloads.tls_client_hello("b.example")
    Tcp(wire, VDA, CLOUD, 443, at_ms=500).connect().send(hello).close()
    path = tmp_path / "x.pcapng"
    path.write_bytes(pcapng(wire.captured()))
    told = story(examine(path), "server_port == 443", NO_FRAMES)
    words = [(name.seen.name, name.seen.kind, name.how) for name in told.names]
    assert words[0] == ("b.example", "sni", "in this flow's own payload")
    assert words[1][:2] == ("a.example", "dns")
    assert words[1][2].startswith("told to this client ")
    assert words[1][2].endswith(" ms before the flow began")
    assert words[2] == ("a.example", "dns", "told to 2 other hosts, not to this client")
    assert "b.example (sni), in this flow's own payload" in text(told)


def test_a_name_that_came_too_late_says_so(tmp_path: Path) -> None:
    """An answer after the first packet did not lead to the flow."""
    wire = Wire()
    Tcp(wire, VDA, CLOUD, 443, at_ms=0).connect().close()
    answer = payloads.dns_answer("a.example", CLOUD.ip)
    Udp(wire, VDA, Host("10.0.0.53"), 53, at_ms=2500).send(b"q" * 20).answer(answer)
    path = tmp_path / "x.pcapng"
    path.write_bytes(pcapng(wire.captured()))
    told = story(examine(path), "server_port == 443", NO_FRAMES)
    assert [name.how for name in told.names] == [
        "told to this client, but 2.5 s after the flow began"
    ]


def test_a_name_of_another_flow_is_borrowed(tmp_path: Path) -> None:
    """An attempt without payload has the name of its sibling."""
    wire = Wire()
    hello = payloads.tls_client_hello("b.example")
    Tcp(wire, VDA, CLOUD, 443, at_ms=0).connect().send(hello).close()
    Tcp(wire, VDA, CLOUD, 443, at_ms=900).knock(1)
    path = tmp_path / "x.pcapng"
    path.write_bytes(pcapng(wire.captured()))
    told = story(examine(path), "outcome == 'unanswered'", NO_FRAMES)
    assert [name.how for name in told.names] == [
        "in another flow of this client to the same service"
    ]


def test_hostile_text_stays_text(office: Examined) -> None:
    """Names, titles, captures and Wireshark's words cannot move a cursor."""
    told = story(office, "server_port == 7000")
    evil = "\x1b[2J\u202e\nevil"
    bad = replace(
        told,
        client=replace(told.client, name=evil),
        names=(HeardName(SeenName(evil, "dns", 1, None), evil),),
        findings=tuple(replace(one, title=evil, reason=evil) for one in told.findings),
        frames=replace(
            told.frames,
            dissections=tuple(Dissection(evil, (evil,)) for _ in told.frames.picked),
            wireshark_unavailable=evil,
        ),
    )
    assert "\\x1b[2J\\u202e" in text(bad)
    json.loads(story_json(bad))


def test_frames_of_several_captures_name_them(office: Examined) -> None:
    """Where a flow spans files, each frame number belongs to one of them."""
    told = story(office, "server_port == 80")
    first, *rest = told.frames.picked
    moved = [replace(one, place=one.place._replace(capture="next.pcap")) for one in rest]
    both = text(replace(told, frames=replace(told.frames, picked=(first, *moved))))
    assert "  of next.pcap:" in both
    assert "of next.pcap:" not in text(told)


def test_json_holds_what_the_text_says(office: Examined) -> None:
    """The flow is the row of the audit's JSON, with the reasons beside it."""
    told = json.loads(story_json(story(office, "server_port == 7000")))
    assert told["schema"] == 1
    assert list(told["flow"]) == list(office.report.flows.columns)
    assert told["flow"]["first_seen"].endswith("Z")
    assert told["client"]["name"] == "vda1"
    assert bytes.fromhex(told["client"]["payload"]["hex"]) == b"anybody?"
    assert told["server"]["payload"] is None
    assert told["outcome_why"].startswith("an ICMP unreachable")
    assert [frame["icmp_error"] for frame in told["frames"]] == [False, True]
    assert [part["service"] for part in told["considered"]] == ["udp/7000", "tcp/7000"]
    assert told["wireshark_unavailable"] == "not asked about 2 frames"
    rules = told["considered"][1]["rules"]
    assert {"rule_id", "source_fits", "destination_fits", "matches", "cited", "why"} <= set(
        rules[0]
    )


def test_a_flow_that_is_not_there_is_wrong_usage(office: Examined) -> None:
    """The ids that there are stand in the message."""
    flows = len(office.report.flows)
    for wanted in (0, flows + 1):
        with pytest.raises(UsageError, match=rf"from 1 to {flows}, found {wanted}"):
            tell(office.report, office.judged, office.names, wanted, NO_FRAMES)


def test_a_capture_that_is_gone_costs_the_frames_alone(office: Examined) -> None:
    """What the audit knows is told even so."""
    path = Path(office.report.capture.files[0])
    path.write_bytes(pcapng([]))
    assert "Frames: not available (the capture changed" in text(story(office, "flow_id == 1"))
    path.unlink()
    told = text(story(office, "flow_id == 1"))
    assert "Frames: not available (" in told
    assert "no such file" in told
    assert "Wireshark: not available (no frames to show it)" in told


@pytest.mark.parametrize("name", ["branch-office.pcapng", "gateway.pcapng", "license-server.pcap"])
def test_every_flow_of_a_sample_can_be_told(name: str) -> None:
    """Text fits its width, and JSON can be read, whatever the flow is."""
    path = SAMPLES / name
    audit = examine(path, hosts=path.with_suffix(".hosts.yaml"))
    for flow_id in audit.report.flows["flow_id"].tolist():
        told = tell(audit.report, audit.judged, audit.names, flow_id, NO_FRAMES)
        assert text(told).startswith(f"flow {flow_id}: ")
        assert json.loads(story_json(told))["flow"]["flow_id"] == flow_id


@needs_tshark
def test_wireshark_stands_beside_the_frames(tmp_path: Path) -> None:
    """Where tshark is installed, its layers follow each frame."""
    told = text(story(small_office.examined(tmp_path), "server_port == 80"))
    assert ", as Wireshark dissects them" in told
    assert "eth:ip:tcp:http" in told
    assert "POST /Citrix/CdsController HTTP/1.1" in told
