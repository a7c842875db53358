"""From captures to a report: what goes in, and that it comes out whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import payloads
import pytest
from judging import catalog, site
from pcap_files import pcap, pcapng
from traffic import Frame, Host, Tcp, Udp, Wire

import auditor
from auditor import pipeline
from auditor.errors import CaptureError, UsageError
from auditor.report.layouts import COVERAGE, FINDINGS, FLOW_FACTS, FLOWS, HOSTS
from auditor.traffic import Reading

if TYPE_CHECKING:
    from pathlib import Path

DDC, VDA, CONNECTOR = Host("10.0.0.1"), Host("10.0.0.2"), Host("10.0.0.3")
DNS, OUTSIDE = Host("10.0.0.53"), Host("198.51.100.9")
PLACE = site(
    "ddc1: 10.0.0.1 = ddc", "vda1: 10.0.0.2 = vda", "10.0.0.3 = cloud-connector", "10.0.0.53 ="
)
SECOND_NS = 1_000_000_000


def registrations(count: int = 4) -> list[Frame]:
    """Let a VDA register `count` times, ten seconds apart."""
    wire = Wire()
    for number in range(count):
        talk = Tcp(wire, VDA, DDC, 80, at_ms=10_000 * number, client_port=50_000 + number)
        talk.connect().send(b"register").answer(b"registered").close()
    return wire.captured()


def saved(path: Path, frames: list[Frame]) -> str:
    """Write a capture and give its path as text."""
    path.write_bytes(pcapng(frames))
    return str(path)


def test_report_has_its_four_tables_and_what_they_rest_on(tmp_path: Path) -> None:
    """An audit gives flows, findings, coverage, hosts, the capture's facts and its own."""
    source = saved(tmp_path / "a.pcapng", registrations())
    report = auditor.audit(source, hosts=PLACE)
    assert report.flows["verdict"].tolist() == ["documented"] * 4
    assert report.flows["flow_id"].tolist() == [1, 2, 3, 4]
    assert set(report.hosts["name"]) == {"ddc1", "vda1"}
    assert "seen" in set(report.coverage["status"])
    assert report.capture.files == (source,)
    assert report.capture.frames == sum(report.capture.frames_by_status.values())
    assert report.audit.sources == (source,)
    assert report.audit.edition == catalog().edition
    assert list(report.audit.stage_s) == ["rules", "read", "judge", "report"]
    assert not report.interrupted


def test_flow_that_spans_files_is_one_flow(tmp_path: Path) -> None:
    """A connection cut in two between files is counted once, whatever the order of the files."""
    frames = registrations(1)
    whole = auditor.read_flows(saved(tmp_path / "whole.pcapng", frames))
    later = saved(tmp_path / "1.pcapng", frames[5:])
    earlier = tmp_path / "2.pcap"
    earlier.write_bytes(pcap(frames[:5], nanoseconds=True))
    report = auditor.audit([later, earlier], hosts=PLACE)
    (flow,) = report.flows.to_dict("records")
    assert flow["outcome"] == "established"
    assert flow["packets_out"] + flow["packets_in"] == len(frames)
    assert flow["capture"] == str(earlier)
    assert flow["first_seen"] == whole["first_seen"][0]
    assert len(report.capture.files) == 2


def test_since_and_until_cut_the_capture(tmp_path: Path) -> None:
    """Frames count from `since` on and before `until`, given as text or nanoseconds."""
    frames = registrations(4)
    source = saved(tmp_path / "a.pcapng", frames)
    start_ns = Wire().moment_ns(0)
    by_number = auditor.audit(
        source, hosts=PLACE, since=start_ns + 10 * SECOND_NS, until=start_ns + 30 * SECOND_NS
    )
    by_text = auditor.audit(source, hosts=PLACE, since="2026-03-02T08:00:10Z")
    assert by_number.flows["client_port"].tolist() == [50_001, 50_002]
    assert by_text.flows["client_port"].tolist() == [50_001, 50_002, 50_003]
    assert by_number.capture.frames < len(frames)
    with pytest.raises(UsageError, match="expected a time"):
        auditor.audit(source, since="yesterday")


def test_tables_alone_are_read_as_audits_are(tmp_path: Path) -> None:
    """Flows and drafted sites come from the same span, read the same way, with the same news."""
    source = saved(tmp_path / "a.pcapng", registrations(4))
    told: list[int] = []

    def progress(_read: int, _whole: int, frames: int) -> None:
        told.append(frames)

    remarks: list[str] = []
    reading = Reading("general", announce=remarks.append, workers=2)
    since, until = "2026-03-02T08:00:10Z", "2026-03-02T08:00:30Z"
    flows = auditor.read_flows(source, since=since, until=until, reading=reading, progress=progress)
    assert flows["client_port"].tolist() == [50_001, 50_002]
    (frames,) = set(told)
    inferred = auditor.infer_hosts(
        source, since=since, until=until, reading=reading, progress=progress
    )
    assert set(told) == {frames}
    assert inferred.hosts
    assert len(remarks) == 2
    for read in (auditor.read_flows, auditor.infer_hosts):
        with pytest.raises(UsageError, match="edition"):
            read(source, edition="of nobody")


def test_interruption_ends_the_reading_not_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read before Ctrl-C is reported, marked, and makes no absence certain."""
    source = saved(tmp_path / "a.pcapng", registrations())
    seen: list[int] = []

    def interrupt(_read: int, _whole: int, frames: int) -> None:
        seen.append(frames)
        raise KeyboardInterrupt

    report = auditor.audit(source, hosts=PLACE, progress=interrupt)
    assert report.interrupted
    assert len(seen) == 1
    assert report.capture.frames_by_status["ok"] == seen[0]
    assert int((report.flows["packets_out"] + report.flows["packets_in"]).sum()) == seen[0]
    assert "strong" not in set(report.coverage["strength"])
    assert report.exit_status("never") == 130
    monkeypatch.setattr("auditor.decode.dissect.Decoder.decode", _interrupted)
    empty = pipeline.read(source)
    assert (len(empty.flows), empty.interrupted) == (0, True)


def test_progress_is_told_bytes_and_frames(tmp_path: Path) -> None:
    """Whoever asks is told how far the reading is, ending with everything."""
    source = saved(tmp_path / "a.pcapng", registrations())
    told: list[tuple[int, int, int]] = []
    report = auditor.audit(source, progress=lambda *numbers: told.append(numbers))
    read, whole, frames = told[-1]
    assert read <= whole == (tmp_path / "a.pcapng").stat().st_size
    assert frames == report.capture.frames


@pytest.mark.parametrize("hosts", [None, PLACE])
def test_empty_capture_gives_whole_tables(tmp_path: Path, hosts: auditor.Site | None) -> None:
    """A capture without frames has all columns, no rows of flows, findings or hosts, and ends 0."""
    source = saved(tmp_path / "a.pcapng", [])
    report = auditor.audit(source, hosts=hosts)
    assert list(report.flows.columns) == list(FLOWS)
    assert list(report.findings.columns) == list(FINDINGS)
    assert list(report.coverage.columns) == list(COVERAGE)
    assert list(report.hosts.columns) == list(HOSTS)
    assert [len(table) for table in (report.flows, report.findings, report.hosts)] == [0, 0, 0]
    assert set(report.coverage["status"]) <= {"unobservable", "not-expected"}
    assert report.summary["flows"] == 0
    assert report.exit_status("low") == 0
    assert list(auditor.read_flows(source).columns) == list(FLOW_FACTS)


def test_unreadable_capture_is_an_error_that_names_it(tmp_path: Path) -> None:
    """Where nothing can be read there is no report."""
    missing = tmp_path / "nowhere.pcap"
    with pytest.raises(CaptureError, match=r"nowhere\.pcap"):
        auditor.audit(missing)


def test_unreadable_capture_beside_a_good_one_is_named(tmp_path: Path) -> None:
    """What can be read is reported, what cannot is named, and nothing is called certain."""
    good = saved(tmp_path / "a.pcapng", registrations())
    report = auditor.audit([good, tmp_path / "nowhere.pcap"], hosts=PLACE)
    assert len(report.flows) == 4
    assert ["nowhere.pcap" in line for line in report.capture.unreadable] == [True]
    assert report.exit_status("never") == 3
    assert "strong" not in set(report.coverage["strength"])


def test_capture_that_ends_in_a_record_makes_absences_weak(tmp_path: Path) -> None:
    """A torn capture is reported up to the tear; what is absent may have been behind it."""
    wire = Wire()
    for number in range(40):  # longer than any five minutes
        Udp(wire, DDC, VDA, 9, at_ms=10_000 * number, client_port=40_000).send(b"?").answer(b"!")
    source = tmp_path / "a.pcapng"
    source.write_bytes(pcapng(wire.captured()))
    whole = auditor.audit(source, hosts=PLACE)
    source.write_bytes(pcapng(wire.captured())[:-7])
    torn = auditor.audit(source, hosts=PLACE)
    assert torn.capture.truncated
    group = "vda-registration"
    strengths = [
        report.coverage.set_index("group").loc[group, "strength"] for report in (whole, torn)
    ]
    assert strengths == ["strong", "weak"]


def test_dns_answer_on_the_wire_names_a_later_flow(tmp_path: Path) -> None:
    """A name that DNS gave to the client decides what its flow is, one given later does not."""
    wire = Wire()
    _ask(wire, 1_000, "crl3.digicert.com", OUTSIDE.ip)
    Tcp(wire, CONNECTOR, OUTSIDE, 80, at_ms=2_000).connect().send(b"GET").answer(b"OK").close()
    late = Host("198.51.100.10")
    Tcp(wire, CONNECTOR, late, 80, at_ms=3_000).connect().send(b"GET").answer(b"OK").close()
    _ask(wire, 4_000, "crl4.digicert.com", late.ip)
    report = auditor.audit(saved(tmp_path / "a.pcapng", wire.captured()), hosts=PLACE)
    web = report.flows[report.flows["server_port"] == 80]
    assert web["verdict"].tolist() == ["documented", "needs-hostname"]
    assert "hostname-confirmed" in web["caveats"].iloc[0]


def test_declared_mac_gives_roles_to_what_speaks_behind_it(tmp_path: Path) -> None:
    """A host that the site file knows by its card is that host at any address."""
    place = site("ddc1: 10.0.0.1 = ddc", f"vda9: {_mac(VDA)} = vda")
    report = auditor.audit(saved(tmp_path / "a.pcapng", registrations(1)), hosts=place)
    (flow,) = report.flows.to_dict("records")
    assert (flow["client_name"], flow["client_roles"]) == ("vda9", ["vda"])
    assert flow["verdict"] == "documented"


def test_one_sided_mirror_is_no_failure(tmp_path: Path) -> None:
    """Where only the clients' frames are captured nothing is blocked, and registration is seen."""
    frames = [f for f in registrations(2) if f.data[6:12] == VDA.hardware()]
    report = auditor.audit(saved(tmp_path / "a.pcapng", frames), hosts=PLACE)
    assert report.flows["outcome"].tolist() == ["midstream"] * 2
    assert report.flows["client_ip"].tolist() == [VDA.ip] * 2
    assert "blocked" not in set(report.findings["kind"])
    coverage = report.coverage.set_index("group")
    assert coverage.loc["vda-registration", "status"] == "seen"


def test_flows_alone_need_no_judgement(tmp_path: Path) -> None:
    """`read` gives the flow table up to the outcome, with clients found by the catalog's ports."""
    frames = [f for f in registrations(1) if f.data[47] & 0x02 == 0]
    found = pipeline.read(saved(tmp_path / "a.pcapng", frames))
    (flow,) = found.flows.to_dict("records")
    assert (flow["client_ip"], flow["server_port"], flow["outcome"]) == (VDA.ip, 80, "midstream")
    assert "verdict" not in flow


def _ask(wire: Wire, at_ms: int, name: str, address: str) -> None:
    udp = Udp(wire, CONNECTOR, DNS, 53, at_ms=at_ms)
    udp.send(payloads.dns_query(name)).answer(payloads.dns_answer(name, address))


def _mac(host: Host) -> str:
    return host.hardware().hex(":")


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt
