"""auditor.report.notices: findings that say the same are told as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import reports

from auditor.report.layouts import FINDINGS
from auditor.report.notices import FindingRows, notices

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditor.report.notices import Notice


def told(*findings: Mapping[str, object]) -> list[Notice]:
    """Bring findings together."""
    rows = FindingRows(reports.table(FINDINGS, *findings))
    return notices(rows, range(len(findings)))


def talk(client: str, server: str, port: int = 80, **given: object) -> dict[str, object]:
    """Describe a finding about a conversation, worded as findings are."""
    return reports.finding(
        f"{client}-{server}-{port}",
        "unexpected",
        "medium",
        title=f"not documented: {client} -> {server} tcp/{port}",
        client=client,
        server=server,
        port=port,
        reason=f"no row has tcp/{port} for {client}",
    ) | dict(given)


def test_many_clients_of_one_service_are_one_notice() -> None:
    """The title counts them, the reason speaks of them together, the members name them."""
    (notice,) = told(*(talk(f"10.0.0.{n}", "sql1", 1433) for n in (1, 10, 2)))
    assert notice.title == "not documented: 3 hosts -> sql1 tcp/1433"
    assert notice.reason == "no row has tcp/1433 for 3 hosts"
    assert notice.members == ("10.0.0.1", "10.0.0.10", "10.0.0.2")
    assert notice.rows == (0, 1, 2)


def test_many_servers_of_one_client_are_one_notice() -> None:
    """A sweep over the network is one thing that happens."""
    (notice,) = told(*(talk("scanner", f"vda{n}", 445) for n in range(5)))
    assert notice.title == "not documented: scanner -> 5 hosts tcp/445"


def test_many_ports_between_two_hosts_are_one_notice() -> None:
    """So is a port scan."""
    (notice,) = told(*(talk("scanner", "ddc1", port) for port in (21, 22, 23)))
    assert notice.title == "not documented: scanner -> ddc1 3 ports"
    assert notice.members == ("tcp/21", "tcp/22", "tcp/23")


def test_two_alike_stay_two() -> None:
    """There is nothing to gain."""
    assert [n.members for n in told(talk("a", "x"), talk("b", "x"))] == [(), ()]


def test_severity_and_kind_keep_findings_apart() -> None:
    """Only what is equally grave for the same reason is told as one."""
    assert len(told(talk("a", "x"), talk("b", "x"), talk("c", "x", severity="high"))) == 3
    assert len(told(talk("a", "x"), talk("b", "x"), talk("c", "x", kind="insecure"))) == 3


def test_texts_that_differ_otherwise_are_not_lost() -> None:
    """The first stands for the others, and says so."""
    (notice,) = told(
        *(
            talk(c, "x", reason=f"refused by {n}", advice=f"Ask {n}.")
            for n, c in enumerate(("a", "b", "c"))
        )
    )
    assert notice.reason == "refused by 0; and so on for the others"
    assert notice.advice == "Ask 0. Likewise for the others."


def test_a_name_inside_a_longer_name_is_left_alone() -> None:
    """10.0.0.1 is no part of 10.0.0.10, nor vda1 of vda1.corp.example."""
    (notice,) = told(*(talk(c, "vda1.corp.example") for c in ("vda1", "vda2", "vda3")))
    assert notice.title == "not documented: 3 hosts -> vda1.corp.example tcp/80"


def test_notices_keep_the_order_of_the_findings() -> None:
    """A notice stands where the first of its findings stood."""
    found = told(
        talk("z", "y", 9), talk("a", "x"), talk("q", "r", 7), talk("b", "x"), talk("c", "x")
    )
    assert [notice.rows for notice in found] == [(0,), (1, 3, 4), (2,)]


def test_a_title_that_names_no_host_is_never_merged() -> None:
    """Whatever cannot be counted is told as it is."""
    assert len(told(*(talk(c, "x", title="clock off") for c in "abcd"))) == 4
