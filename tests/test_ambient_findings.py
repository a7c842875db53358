"""What the ambient pack is for: ordinary Windows traffic is no finding, unless one asks for it."""

from __future__ import annotations

from ipaddress import ip_address

from conversations import Talk, flows_of

from auditor.catalog.load import load_catalog
from auditor.catalog.model import PACKS
from auditor.evidence.names import NameCollector
from auditor.hosts import resolve
from auditor.judge.findings import find
from auditor.judge.judged import judge_flows
from auditor.judge.rulebook import RuleBook
from auditor.site.model import Site, SiteHost

CATALOG = load_catalog()
VDA, CONTROLLER, STRANGER = "10.0.0.10", "10.0.0.2", "10.0.0.99"
CHATTER = (
    Talk(STRANGER, VDA, "udp", 137, from_port=137),
    Talk(VDA, "224.0.0.252", "udp", 5355, replies=False),
    Talk(VDA, CONTROLLER, "tcp", 88),
    Talk(VDA, CONTROLLER, "tcp", 445, from_port=50001),
    Talk(VDA, CONTROLLER, "udp", 53),
    Talk(VDA, CONTROLLER, "udp", 123, from_port=123),
    Talk(VDA, CONTROLLER, "tcp", 49670, from_port=50002),
)


def severities(packs: tuple[str, ...]) -> set[str]:
    """Audit the chatter of one domain by some packs."""
    site = Site(
        hosts=(
            SiteHost((ip_address(VDA),), (), ("vda",)),
            SiteHost((ip_address(CONTROLLER),), (), ("domain-controller", "dns-server")),
        ),
        packs=packs,
    )
    flows = flows_of(*CHATTER)
    names = NameCollector().finish(flows)
    judged = judge_flows(flows, names, resolve(flows, site), RuleBook(CATALOG, site))
    return {finding.severity.word for finding in find(judged, [])}


def test_domain_chatter_is_no_finding_with_all_packs() -> None:
    """Name resolution, Kerberos, SMB, RPC and time towards a domain controller leave nothing."""
    assert severities(PACKS) == set()


def test_domain_chatter_is_found_by_the_paper_alone() -> None:
    """In the strict audit the same traffic is found, a stranger's call to a VDA as high."""
    assert severities(("paper",)) == {"high", "medium"}
