"""auditor.report.digest and overview: what a person is told."""

from __future__ import annotations

from dataclasses import replace

import reports

from auditor.report.digest import digest
from auditor.report.overview import ports_text, warnings


def test_findings_come_gravest_first_and_are_numbered_through() -> None:
    """Numbers run over all sections, so that people can point at one."""
    told = digest(reports.rich_report())
    numbers = [i.number for i in (*told.findings, *told.expected, *told.accepted)]
    assert numbers == list(range(1, len(numbers) + 1))
    severities = [item.severity for item in told.findings]
    assert severities == sorted(severities, key=["high", "medium", "low"].index)


def test_what_is_missing_stands_in_its_own_section() -> None:
    """Absence is advice; it does not push aside what was seen."""
    told = digest(reports.rich_report())
    assert [item.title for item in told.expected] == [
        "ddc -> license-server tcp/7279",
        "storefront -> fas tcp/80",
    ]
    assert not any("expected, not seen" in item.title for item in told.findings)


def test_a_silent_host_whose_attempts_were_blocked_is_told_once() -> None:
    """The blocked finding mentions the missing one, which is not listed again."""
    told = digest(reports.rich_report())
    assert "Also counted as missing (medium)." in told.findings[0].details
    assert not any("silent" in item.title for item in told.expected)


def test_a_silent_host_is_listed_where_nothing_else_tells_of_it() -> None:
    """Blocked attempts of another host or under another rule hide nothing."""
    blocked = reports.finding("b", "blocked", "high", client="vda02")
    silent = reports.finding("s", "missing", "low", client="vda07")
    assert len(digest(reports.small_report(blocked, silent)).expected) == 1
    other_rule = reports.finding("b", "blocked", "high", client="vda07", rule_ids=["other"])
    assert len(digest(reports.small_report(other_rule, silent)).expected) == 1


def test_advice_is_given_once() -> None:
    """The same words do not follow finding after finding."""
    told = digest(
        reports.small_report(
            reports.finding("a", "blocked", "high", reason="first"),
            reports.finding("b", "blocked", "high", reason="second"),
        )
    )
    assert [item.details for item in told.findings] == [("first", "Some advice."), ("second",)]


def test_near_misses_are_told_from_lines_that_document() -> None:
    """The lines cited for unexpected traffic do not cover it."""
    unexpected = reports.finding("a", "unexpected", "high", rows=[229, 276, 332])
    insecure = reports.finding("b", "insecure", "medium", rows=[36])
    bare = reports.finding("c", "unexpected", "low", rows=[])
    told = digest(reports.small_report(unexpected, insecure, bare))
    assert [item.paper(2) for item in told.findings] == ["near 229, 276 +1", "36", ""]


def test_accepted_findings_stay_in_the_report() -> None:
    """They stand apart, with their reason."""
    told = digest(reports.rich_report())
    assert [item.details for item in told.accepted] == [
        ("break-glass RDP, accepted by ops until 2027-01-31",)
    ]


def test_the_summary_puts_what_is_in_order_before_what_is_not() -> None:
    """Documented, ambient and documented elsewhere come first; attempts come last."""
    told = dict(digest(reports.rich_report()).summary)
    assert told["Flows"].startswith("98 documented, 31 ambient, 4 documented elsewhere; ")
    assert told["Outcome"].endswith("; 12 unanswered, 6 refused")
    assert told["Coverage"] == "17 of 20 expected functions seen, 2 missing, 1 blocked"


def test_what_the_capture_cannot_show_is_gathered_by_reason_and_pair() -> None:
    """Several functions of one pair of roles take one line."""
    ((why, pairs),) = digest(reports.rich_report()).hidden
    assert why == "no host of either role in the capture"
    assert "sdwan -> sdwan tcp/2156 tcp/4980" in pairs
    assert "pvs-server -> pvs-server tcp/6890-6909" in pairs


def test_names_come_with_their_addresses() -> None:
    """Whoever writes the firewall rule needs the address of a named host."""
    legend = digest(reports.rich_report()).legend
    assert "vda07 10.1.7.17" in legend
    assert "storefront1 2001:db8::20" in legend


def test_without_a_site_file_the_report_says_so_and_what_to_do() -> None:
    """One line says what follows from it, another how to change it."""
    report = reports.rich_report()
    told = digest(replace(report, audit=replace(report.audit, hosts_file=None)))
    assert "no site file" in told.basis
    assert "--hosts hosts.yaml" in dict(told.next_steps)["who is who"]


def test_next_steps_lead_on_from_the_first_finding() -> None:
    """The flow and port that they name are those of the first finding with flows."""
    steps = dict(digest(reports.rich_report()).next_steps)
    assert steps["one flow in full"].startswith("auditor explain ")
    assert " --flow 1" in steps["one flow in full"]
    assert steps["who may use a port"] == "auditor explain 80/tcp"
    assert steps["everything, as data"] == "add --output branch-office.json"


def test_what_an_interface_brought_cannot_be_looked_into_again() -> None:
    """Nobody is told to explain a flow of it, or to infer roles from it."""
    report = reports.rich_report()
    about = replace(report.audit, live=True, hosts_file=None, sources=("eth1",))
    steps = dict(digest(replace(report, audit=about)).next_steps)
    assert "one flow in full" not in steps
    assert steps["who is who"].startswith("auditor hosts infer CAPTURE ")
    assert steps["everything, as data"] == "add --output eth1.json"


def test_a_finding_without_a_port_gets_no_port_to_explain() -> None:
    """ICMP has no port to look up."""
    told = digest(reports.small_report(reports.finding("a", "unexpected", "low", port=None)))
    assert "who may use a port" not in dict(told.next_steps)


def test_nothing_is_told_apart_from_nothing_wrong() -> None:
    """No frames, no flow for the filter and no findings are three things."""
    assert digest(reports.empty_report()).nothing == "No frames: nothing to judge."
    narrowed = reports.small_report().filtered("flow_id < 0")
    assert digest(narrowed).nothing == "No flow answers to the filter."
    assert digest(reports.small_report()).nothing == ""


def test_whatever_keeps_the_report_from_being_whole_is_said() -> None:
    """Unread sources, interruption, damage, losses and undecoded frames all show."""
    capture = replace(
        reports.CAPTURE,
        unreadable=("x.pcap: no capture",),
        warnings=("y.pcap: record 7 at byte 900: cut off",),
        truncated=True,
        dropped=12,
        frames_by_status=reports.NO_FRAMES | {"malformed": 200, "unsupported": 1},
    )
    assert warnings(capture, interrupted=True) == (
        "not read: x.pcap: no capture",
        "interrupted: this is what was read until then",
        "y.pcap: record 7 at byte 900: cut off",
        "12 frames lost while capturing: absence proves less",
        "200 frames malformed, so in no flow",
    )
    assert warnings(replace(reports.CAPTURE, truncated=True), interrupted=False) == (
        "a capture ends inside a record; it is reported up to there",
    )
    assert warnings(reports.CAPTURE, interrupted=False) == ()


def test_ports_are_written_as_people_do() -> None:
    """Runs become ranges; two neighbours do not."""
    assert ports_text([80, 443]) == "80,443"
    assert ports_text([6890, 6891, 6892, 7000, 7001]) == "6890-6892,7000,7001"
    assert ports_text([]) == ""


def test_of_many_blocked_hosts_some_may_be_missing_too() -> None:
    """The notice says how many of its hosts are also counted as silent."""

    def blocked(client: str) -> dict[str, object]:
        title = f"blocked: {client} -> ddc1 tcp/80"
        return reports.finding(f"b-{client}", "blocked", "high", client=client, title=title)

    silent = reports.finding("s", "missing", "low", client="vda02")
    told = digest(reports.small_report(*map(blocked, ("vda01", "vda02", "vda03")), silent))
    (item,) = told.findings
    assert item.title == "blocked: 3 hosts -> ddc1 tcp/80"
    assert "1 of them also counted as missing (low)." in item.details
    assert item.details[0] == "vda01, vda02, vda03"
    assert told.expected == ()
