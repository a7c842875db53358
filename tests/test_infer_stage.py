"""Inference in an audit: the samples without their site files, against what is known of them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import build
import pytest
from truth import load_truth

import auditor
from auditor.catalog.load import load_catalog
from auditor.errors import UsageError
from auditor.infer.draft import draft_site
from auditor.pipeline import examine

if TYPE_CHECKING:
    from pathlib import Path

    from auditor.site.model import Site

CATALOG = load_catalog()
SAMPLES = sorted(path.name.removesuffix(".truth.yaml") for path in build.HERE.glob("*.truth.yaml"))

INFERRED = {
    "adc": 7, "adm": 9, "branch-office": 63, "cloud": 2, "cloud-vad-service": 0, "cvad": 7,
    "fas": 1, "gateway": 8, "gateway-service": 0, "hypervisor": 7, "lab": 21, "license-server": 2,
    "provisioning": 5, "sd-wan": 7, "session-recording": 1, "storefront": 3, "wem": 6,
    "wem-service": 0,
}  # fmt: skip
"""Of each sample: how many true roles of its addresses are found, counted with what is implied.

A section's sample has little but the rows of its section, so little can be told from it.
"""

MISTAKEN = {
    "192.0.2.12": {"user-device"},
    "192.0.2.15": {"netflow-collector", "syslog-server", "user-device"},
}
"""Roles that hosts of the lab are given and do not have. A SNIP opens sessions and the store as a
desk does; ADM comes to Gateway as a user does, and gets IPFIX and syslog that name no NetScaler.
"""

BY_NAME = {"203.0.113.80": {"citrix-cloud"}}
"""True roles that site files give by name alone."""


def capture(sample: str) -> str:
    """Find a sample's capture."""
    return str(build.HERE / load_truth(build.HERE / f"{sample}.truth.yaml").capture)


@cache
def known(sample: str) -> dict[str, set[str]]:
    """Map the addresses in a sample to their true roles."""
    report = auditor.audit(capture(sample), hosts=build.HERE / f"{sample}.hosts.yaml")
    declared = report.hosts[report.hosts["roles_source"] == "inventory"]
    truth = dict(zip(declared["address"], map(set, declared["roles"]), strict=True))
    return truth | BY_NAME


@cache
def drafted(sample: str) -> Site:
    """Draft a sample's site."""
    return auditor.infer_hosts(capture(sample))


def found(sample: str) -> dict[str, frozenset[str]]:
    """Map the addresses of a drafted site to their roles and what these imply."""
    return {
        str(host.addresses[0]): CATALOG.closure(frozenset(host.roles))
        for host in drafted(sample).hosts
    }


@pytest.mark.parametrize("sample", SAMPLES)
def test_nothing_wrong_is_inferred(sample: str) -> None:
    """No host of a sample gets a role that it does not have, though much in them is planted."""
    for host in drafted(sample).hosts:
        address = str(host.addresses[0])
        true = CATALOG.closure(frozenset(known(sample).get(address, ())))
        assert set(host.roles) - true == MISTAKEN.get(address, set()), host


@pytest.mark.parametrize("sample", SAMPLES)
def test_true_roles_are_inferred(sample: str) -> None:
    """As many true roles are found as before; of the branch office at least nine in ten."""
    true = {(host, role) for host, roles in known(sample).items() for role in roles} - {
        (host, role) for host, roles in BY_NAME.items() for role in roles
    }
    hit = {(host, role) for host, role in true if role in found(sample).get(host, ())}
    assert len(hit) == INFERRED[sample]
    if sample == "branch-office":
        assert len(hit) >= 0.9 * len(true)


def test_audit_uses_what_is_sure_and_says_so() -> None:
    """Without a site file verdicts rest on inferred roles, and carry the caveat where they do."""
    report = auditor.audit(capture("branch-office"))
    flows = report.flows
    registration = flows[(flows["client_ip"] == "10.20.7.101") & (flows["server_port"] == 80)]
    assert set(registration["verdict"]) == {"documented"}
    assert all("role-inferred" in caveats for caveats in registration["caveats"])
    ambient = flows[flows["server_port"] == 5355]
    assert len(ambient)
    assert not any("role-inferred" in caveats for caveats in ambient["caveats"])
    assert not len(report.coverage)
    controller = report.hosts.set_index("address").loc["10.20.1.11"]
    assert (controller["roles"], controller["roles_source"]) == (["ddc"], "inferred")
    assert controller["confidence"] == 0.99
    assert controller["evidence"][0].startswith("ddc 0.99: was asked for IRegistrar by 5 hosts")


def test_site_file_is_the_truth_unless_it_asks(tmp_path: Path) -> None:
    """With a site file others are only listed with their likely roles; `infer` makes them count."""
    site = tmp_path / "site.yaml"
    text = "packs: [paper]\nhosts:\n  - {addresses: [10.20.1.11], roles: [ddc]}\n"
    site.write_text(text, encoding="utf-8")
    listed = auditor.audit(capture("branch-office"), hosts=site)
    site.write_text(f"{text}infer: true\n", encoding="utf-8")
    asked = auditor.audit(capture("branch-office"), hosts=site)
    for report, roles, verdict in ((listed, [], "unknown-role"), (asked, ["vda"], "documented")):
        hosts = report.hosts.set_index("address")
        assert hosts.loc["10.20.1.11", "roles_source"] == "inventory"
        assert hosts.loc["10.20.7.101", "roles_source"] == "inferred"
        assert ["vda" in host for host in hosts.loc[["10.20.7.101"], "roles"]] == [True]
        flows = report.flows
        (row,) = flows[
            (flows["client_ip"] == "10.20.7.101") & (flows["server_ip"] == "10.20.1.11")
        ].to_dict("records")
        assert [role for role in row["client_roles"] if role == "vda"] == roles
        assert row["verdict"] == verdict
        assert ("role-inferred" in row["caveats"]) == bool(roles)


@pytest.mark.parametrize("sample", SAMPLES)
def test_drafted_file_gives_the_same_verdicts(sample: str, tmp_path: Path) -> None:
    """A drafted site file loads unchanged, and an audit with it judges as the one without."""
    examined = examine(capture(sample))
    made = draft_site(examined.judged, examined.names, examined.inference)
    path = tmp_path / "site.yaml"
    path.write_text(made.text([sample]), encoding="utf-8")
    assert auditor.load_site(path, CATALOG).hosts == made.site.hosts
    columns = ["client_ip", "server_ip", "server_port", "outcome", "verdict", "rule_ids"]
    without = examined.report.flows[columns]
    with_file = auditor.audit(capture(sample), hosts=path).flows[columns]
    assert with_file.to_dict("records") == without.to_dict("records")


def test_threshold_is_a_share() -> None:
    """A threshold that no confidence can have is refused."""
    with pytest.raises(UsageError, match="at most 1, found 70"):
        auditor.infer_hosts(capture("cloud"), threshold=70)
