"""What happens in the lab: the flows of sample_pcaps/lab.truth.yaml, one after the other."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from talks import default_talk, turns_of
from truth import load_truth

from . import clients, servers, speakers
from .configurations import Target
from .network import BROADCAST, NOWHERE, Network

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from truth import KnownFlow, Truth

SAMPLES = Path(__file__).resolve().parents[2] / "sample_pcaps"
TRUTH = SAMPLES / "lab.truth.yaml"
SITE = SAMPLES / "lab.hosts.yaml"

_CALM_S = 2.0
"""Until the last frames have come through, on a busy machine too: nothing tells when."""


@dataclass(frozen=True)
class Scenario:
    """The site, and what happens in it."""

    hosts: Mapping[str, Sequence[str]]
    """Host name to addresses; hosts that the site file does not name are called by theirs."""
    truth: Truth
    names: Mapping[str, str]
    """What the resolver knows."""
    booting: str
    """The host that gets its address by DHCP; empty where that cannot be had."""
    leasing: str
    target: Target

    def network(self) -> Network:
        """Give the network that it needs, not built yet."""
        return Network(self.hosts, booting=self.booting, leasing=self.leasing)


def load_scenario(absent: set[str]) -> Scenario:
    """Read the scenario, without what rests on programs that are absent."""
    truth = load_truth(TRUTH, without=frozenset(absent))
    site = yaml.safe_load(SITE.read_text(encoding="utf-8"))
    names = {host["name"]: host["addresses"] for host in site["hosts"]}
    named = {address for addresses in names.values() for address in addresses}
    ends = {address for flow in truth.flows for address in (flow.client, flow.server)}
    unnamed = sorted(ends - named - {BROADCAST, NOWHERE})
    booting = next(host for host in site["hosts"] if "macs" in host)
    return Scenario(
        hosts=names | {address: [address] for address in unnamed},
        truth=truth,
        names={name: addresses[0] for name, addresses in names.items()},
        booting=booting["name"] if NOWHERE in ends else "",
        leasing=_holder(site["hosts"], "dhcp-server")["name"],
        target=Target(
            mac=booting["macs"][0],
            address=booting["addresses"][0],
            boot_server=_holder(site["hosts"], "tftp-server")["addresses"][0],
        ),
    )


def perform(scenario: Scenario, network: Network, scratch: Path) -> None:
    """Let everything happen, and become calm again."""
    flows = scenario.truth.flows
    with ExitStack() as held:
        daemons = servers.Servers(network, scratch)
        held.callback(daemons.close)
        for flow in flows:
            if flow.outcome in {"refused", "unanswered"}:
                _filter(network, flow)
        daemons.start(flows, scenario.names, scenario.target)
        for flow in flows:
            if flow.real:
                clients.ask(network, flow, scratch)
            else:
                talk = flow.talk or default_talk(f"{flow.transport}/{flow.port}")
                label = f"{flow.client} {flow.server} {flow.transport}/{flow.port}"
                speakers.speak(network, flow, turns_of(talk, flow.name, label))
        daemons.close()
        time.sleep(_CALM_S)


def _filter(network: Network, flow: KnownFlow) -> None:
    """Drop a flow, or reject it by ICMP; where nobody listens there is nothing to filter."""
    if flow.outcome == "refused" and flow.how != "icmp":
        return
    action = "reject with icmp type admin-prohibited" if flow.how == "icmp" else "drop"
    network.at(flow.server).run(
        "nft", "-f", "-",
        told=f"""
        add table inet lab
        add chain inet lab input {{ type filter hook input priority 0; }}
        add rule inet lab input ip saddr {flow.client} {flow.transport} dport {flow.port} {action}
        """,
    )  # fmt: skip


def _holder(hosts: Sequence[Mapping[str, Any]], role: str) -> Mapping[str, Any]:  # YAML
    return next(host for host in hosts if role in host["roles"])
