"""What is inferred from flows stated as facts, and short ways to state the usual ones."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import payloads
import payloads_citrix as citrix
import payloads_network as network
import payloads_windows as windows
from conversations import OPENED, Talk, flows_of
from openings_citrix import BIND, BOUND
from openings_network import APPFLOW
from openings_windows import KPASSWD, MSMQ

from auditor.catalog.load import load_catalog, rules_directory
from auditor.evidence.names import NameCollector, Names, SeenName
from auditor.hosts import resolve
from auditor.infer.stage import Inference, infer, load_clues
from auditor.judge.judged import Judged, judge_flows
from auditor.judge.rulebook import RuleBook
from auditor.judge.verify import Listener
from auditor.records import Seen, address_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditor.flows import Flows
    from auditor.site.model import Site

HEADS: dict[str, tuple[bytes, bytes]] = {
    "ica": (citrix.ICA_BANNER, citrix.ICA_BANNER),
    "cgp": (BIND, BOUND),
    "registration": (citrix.registration("ddc1"), citrix.registration_answer()),
    "xml-service": (citrix.xml_service_request("ddc1"), citrix.xml_service_answer()),
    "sta": (citrix.sta_request("ddc1"), citrix.sta_answer()),
    "flexnet": (citrix.flexnet("asked"), citrix.flexnet("answer")),
    "rpc": (citrix.netscaler_rpc(), citrix.netscaler_rpc(answer=True)),
    "heartbeat": (citrix.ha_heartbeat(1), citrix.ha_heartbeat(2)),
    "nitro": (citrix.nitro_request("adc1"), payloads.http_response()),
    "tds": (citrix.tds_prelogin(), citrix.tds_prelogin(answer=True)),
    "appflow": (APPFLOW, b""),
    "netflow": (network.netflow("export"), b""),
    "syslog": (network.syslog("host1", "up"), b""),
    "trap": (network.snmp(0xA7), b""),
    "radius": (network.radius(1), network.radius(2)),
    "accounting": (network.radius(4), network.radius(5)),
    "tacacs": (network.tacacs(), network.tacacs(answer=True)),
    "tftp": (network.tftp_read("ARDBP32.BIN"), network.tftp_data(1, bytes(512))),
    "iscsi": (network.iscsi_login(), network.iscsi_login(answer=True)),
    "nfs": (network.nfs_null(), network.nfs_null(answer=True)),
    "ssh": (network.ssh_banner("OpenSSH_9.6"), network.ssh_banner("OpenSSH_9.6")),
    "net-tcp": (network.net_tcp_preamble("net.tcp://sf2/"), citrix.NET_TCP_ACKNOWLEDGEMENT),
    "kerberos": (
        windows.over_tcp(windows.kerberos_as_request("someone", "EXAMPLE")),
        windows.over_tcp(windows.kerberos_as_reply("someone", "EXAMPLE")),
    ),
    "kpasswd": (windows.over_tcp(KPASSWD), b"\0"),
    "ldap": (windows.ldap_bind(), windows.ldap_bind_done()),
    "smb": (windows.smb2_negotiate(), windows.smb2_negotiated()),
    "ntp": (windows.ntp_request(), windows.ntp_reply()),
    "rpc-bind": (windows.rpc_bind(), windows.rpc_bound()),
    "msmq": (MSMQ, MSMQ),
    "dns": (payloads.dns_query("ddc1.example"), payloads.dns_answer("ddc1.example", "10.0.0.1")),
    "http": (payloads.http_request("host1"), payloads.http_response()),
    "tls": (payloads.tls_client_hello("host1.example"), payloads.tls_server_flight()),
    "to-the-cloud": (payloads.tls_client_hello("a.xendesktop.net"), payloads.tls_server_flight()),
    "dtls": (payloads.dtls_client_hello(None), payloads.dtls_hello_verify()),
    "noise": (b"\x8f\x11\x80\x7f" * 8, b"\x9e\x12\x81\x7e" * 8),
    "silence": (b"", b""),
}
"""What client and server begin with."""


def talk(client: str, server: str, service: str, spoken: str, from_port: int = 50000) -> Talk:
    """State a conversation, in which what is spoken says whether the server answers."""
    transport, _, port = service.partition("/")
    head, reply = HEADS[spoken]
    return Talk(
        client,
        server,
        transport,
        int(port),
        from_port,
        sent=OPENED if head else Seen.SYN | Seen.ACK,
        answered=(OPENED & ~Seen.SYN if reply else Seen.ACK) | Seen.SYN_ACK,
        replies=bool(reply) or transport == "tcp",
        head=head,
        reply_head=reply,
    )


@cache
def listener() -> Listener:
    """Load the shipped tables once."""
    return Listener.load(rules_directory())


def judged_talks(*talks: Talk, site: Site | None = None) -> Judged:
    """Judge conversations by the declared roles alone."""
    flows = flows_of(*talks)
    book = RuleBook(load_catalog(), site)
    return judge_flows(flows, told(flows), resolve(flows, site), book, listener())


def told(flows: Flows, names: Mapping[str, str] | None = None) -> Names:
    """Take the names in the flows' payload, and those that DNS is stated to have given."""
    answers: dict[tuple[int, int], tuple[SeenName, ...]] = {
        address_words(address): (SeenName(name, "dns", 0, None),)
        for address, name in (names or {}).items()
    }
    return replace(NameCollector().finish(flows), address_names=answers)


def inferred(
    *talks: Talk,
    names: Mapping[str, str] | None = None,
    site: Site | None = None,
    threshold: float | None = None,
) -> Inference:
    """Infer roles from conversations."""
    judged = judged_talks(*talks, site=site)
    return infer(
        judged, told(judged.flows, names), load_clues(judged.book, listener().signatures), threshold
    )


def roles(inference: Inference) -> dict[str, set[str]]:
    """Map each address to the roles that are sure enough."""
    return {found[0].address: {each.role for each in found} for found in inference.sure().values()}
