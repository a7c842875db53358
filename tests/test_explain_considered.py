"""auditor.explain.considered: what is said of each rule is what the verdict was made of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import small_office
from pcap_files import pcapng
from small_office import DDC, VDA
from traffic import Host, Tcp, Wire

from auditor.explain.considered import consider
from auditor.judge.rulebook import OWN_PACKS
from auditor.judge.vocabulary import Verdict
from auditor.pipeline import examine

if TYPE_CHECKING:
    from auditor.explain.model import Considered
    from auditor.judge.judged import Judged

SAMPLES = Path(__file__).parents[1] / "sample_pcaps"


def held(judged: Judged, row: int) -> dict[str, Considered]:
    """Give what is said of each rule, by rule and service."""
    parts = consider(judged, row)
    return {f"{one.rule.id} {part.title}": one for part in parts for one in part.rules}


def of_rule(judged: Judged, rule_id: str) -> Considered:
    """Give what is said of a rule for the first flow."""
    return next(one for name, one in held(judged, 0).items() if name.startswith(f"{rule_id} "))


def judged(directory: Path, wire: Wire, site: str) -> Judged:
    """Judge what was spoken at a site."""
    capture, hosts = directory / "x.pcapng", directory / "site.yaml"
    capture.write_bytes(pcapng(wire.captured()))
    hosts.write_text(site, encoding="utf-8")
    return examine(capture, hosts=hosts).judged


@pytest.mark.parametrize("name", ["branch-office.pcapng", "gateway.pcapng", "cloud.pcap"])
def test_what_is_said_is_what_was_decided(name: str) -> None:
    """Cited rules are those of the verdict; what covers a documented flow is cited; all say why."""
    path = SAMPLES / name
    site = path.with_suffix(".hosts.yaml")
    audit = examine(path, hosts=site).judged
    for row in range(len(audit.flows.facts)):
        judgement = audit.judgements[int(audit.kinds.kind_of[row])]
        said = held(audit, row).values()
        by_role = {rule for rule in judgement.rule_ids if not rule.startswith("deny:")}
        assert by_role <= {one.rule.id for one in said if one.cited}
        assert all(one.why for one in said)
        assert all(one.source_fits for one in said if one.matches)
        if judgement.verdict is Verdict.DOCUMENTED:
            own = {one.rule.id for one in said if one.matches and one.rule.pack in OWN_PACKS}
            assert own == set(judgement.rule_ids)


def test_a_cited_rule_says_how_it_fits(tmp_path: Path) -> None:
    """Directly, or through a role that follows from another."""
    audit = small_office.examined(tmp_path)
    row = small_office.flow_where(audit.report, "server_port == 27000") - 1
    said = next(iter(consider(audit.judged, row)[0].rules))
    assert said.cited
    assert said.matches
    assert said.why.startswith("covers the flow")


def test_a_near_miss_says_which_end_is_wrong(tmp_path: Path) -> None:
    """A VDA at the SQL server is no controller."""
    audit = small_office.examined(tmp_path)
    row = (
        small_office.flow_where(audit.report, "server_port == 1433 and verdict == 'wrong-roles'")
        - 1
    )
    said = next(one for name, one in held(audit.judged, row).items() if one.rule.row == 229)
    assert said.cited
    assert not said.source_fits
    assert said.destination_fits
    assert said.why == "a near miss; the client is no ddc"


def test_an_end_without_a_role_is_not_known_to_be_anything(tmp_path: Path) -> None:
    """What is not known is not said to be false."""
    audit = small_office.examined(tmp_path)
    row = small_office.flow_where(audit.report, "client_ip == '192.0.2.9'") - 1
    whys = [one.why for one in held(audit.judged, row).values()]
    assert any("the client is not known to be" in why for why in whys)


def test_a_host_name_that_was_not_seen_is_missed(tmp_path: Path) -> None:
    """A rule that goes by name says whether a name was lacking or another was seen."""
    wire = Wire()
    Tcp(wire, VDA, Host("203.0.113.5"), 443).connect().close()
    site = "hosts: [{addresses: [10.0.0.2], roles: [vda]}]\n"
    audit = judged(tmp_path, wire, site)
    assert of_rule(audit, "vda-rendezvous").why.endswith("and no name was seen")
    office = small_office.examined(tmp_path)
    row = small_office.flow_where(office.report, "server_ip == '203.0.113.5'") - 1
    said = held(office.judged, row)["vda-rendezvous tcp/443"]
    assert said.why.endswith("the seen name is not covered")


def test_the_other_transport_is_considered_too(tmp_path: Path) -> None:
    """Both ends may fit a rule of the other of TCP and UDP."""
    wire = Wire()
    Tcp(wire, Host("10.0.0.9"), DDC, 1812).connect().close()
    site = (
        "hosts:\n"
        "  - {addresses: [10.0.0.9], roles: [gateway]}\n"
        "  - {addresses: [10.0.0.1], roles: [radius-server]}\n"
    )
    audit = judged(tmp_path, wire, site)
    parts = consider(audit, 0)
    assert [part.title for part in parts] == ["tcp/1812", "udp/1812"]
    assert not any(one.cited for one in parts[0].rules)
    cited = parts[1].rules[0]
    assert cited.cited
    assert not cited.matches
    assert cited.why == "would fit on this transport"


def test_rules_that_a_site_leaves_out_are_named(tmp_path: Path) -> None:
    """A pack that is switched off is still explained."""
    wire = Wire()
    Tcp(wire, VDA, DDC, 443).connect().close()
    site = "packs: [paper]\nhosts: [{addresses: [10.0.0.2], roles: [vda]}]\n"
    said = of_rule(judged(tmp_path, wire, site), "vendor-vda-websocket")
    assert said.why.startswith("the site file leaves out the rules of vendor")
    assert not said.matches


def test_a_port_that_the_site_moved_is_considered_where_it_is(tmp_path: Path) -> None:
    """The rule stands on the port of the site, not on that of the paper."""
    wire = Wire()
    Tcp(wire, VDA, DDC, 8080).connect().close()
    site = (
        "hosts:\n"
        "  - {addresses: [10.0.0.2], roles: [vda]}\n"
        "  - {addresses: [10.0.0.1], roles: [ddc]}\n"
        "overrides: [{rule: vda-registration, ports: [8080]}]\n"
    )
    audit = judged(tmp_path, wire, site)
    said = of_rule(audit, "vda-registration")
    assert said.cited
    assert said.services == ("tcp/8080",)


def test_a_port_of_no_rule_has_no_rules(tmp_path: Path) -> None:
    """The flow's own service is listed even so."""
    wire = Wire()
    Tcp(wire, VDA, DDC, 61).connect().close()
    parts = consider(judged(tmp_path, wire, "hosts: []\n"), 0)
    assert [(part.title, part.rules) for part in parts] == [("tcp/61", ())]
