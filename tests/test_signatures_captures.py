"""Protocols recognised in real captures, held against what tshark dissects there."""

from __future__ import annotations

import csv
import shutil
import subprocess
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import pytest
from shared import SHARED, needs_shared

from auditor.capture import open_capture
from auditor.capture.tshark import find_tshark
from auditor.decode.dissect import Decoder
from auditor.errors import AuditError
from auditor.evidence.signatures import SignatureSet, Strength
from auditor.flows import Flows, FlowTable
from auditor.records import address_text, transport_name

pytestmark = needs_shared

CAPTURES = SHARED / "captures"
SIGNATURES = SignatureSet.load(Path(__file__).parents[1] / "rules" / "signatures.yaml")
ICA_SESSION = "cisco-system-traffic-generator+trex-core__scripts__cap2__citrix.pcap"
CAPTURES_PER_PROTOCOL = 8
"""How many captures of each protocol tshark is asked about again, stream by stream."""

LONGEST_LIST = 40
"""INDEX.tsv lists no more protocols of a capture."""

TSHARK_NAMES = {
    "afs-rx": {"rx"},
    "appflow": {"cflow"},
    "bittorrent": {"bittorrent", "bt-dht"},
    "dce-rpc": {"dcerpc"},
    "dns": {"dns", "mdns", "llmnr"},
    "ipfix": {"cflow"},
    "ldap": {"ldap", "cldap"},
    "netbios-datagram": {"nbdgm"},
    "netbios-name": {"nbns"},
    "netbios-session": {"nbss"},
    "netflow": {"cflow"},
    "nfs": {"rpc"},
    "onc-rpc": {"rpc"},
    "postgresql": {"pgsql"},
    "quic": {"quic", "gquic"},
    "rdp": {"rdp", "cotp"},
    "rfb": {"vnc"},
    "smb": {"smb", "smb2"},
    "tacacs": {"tacplus"},
}
"""What tshark calls our protocols, where it is not the same word."""

UNFINISHED = "the header of the only message is not all there; tshark waits for the rest"

AGREED = {
    ("ica", ICA_SESSION): "tshark has no dissector for ICA",
    ("ica", "cisco-system-traffic-generator+trex-core__scripts__avl__citrix_0.pcap"): (
        "tshark has no dissector for ICA"
    ),
    (
        "http",
        "OISF+suricata-verify__tests__detect-http-uri__UriTestSig19__test.fpc.pcap",
    ): UNFINISHED,
    (
        "http",
        "seladb+PcapPlusPlus__Tests__Packet++Test__PacketExamples__HttpMalformedResponse.pcapng",
    ): UNFINISHED,
    (
        "http",
        "seladb+PcapPlusPlus__Tests__Packet++Test__PacketExamples__PartialHttpRequest.pcap",
    ): UNFINISHED,
    ("http2", "arkime+arkime__tests__pcap__arkime_synthetic.pcap"): (
        "the preface of HTTP/2 in clear on 443, where tshark insists on TLS"
    ),
    (
        "postgresql",
        "zeek+zeek__testing__btest__Traces__postgresql__psql-aws-ssl-require-15432.pcap",
    ): ("a PostgreSQL request for TLS on 15432; tshark sees only the TLS behind it"),
    ("quic", "zeek+zeek__testing__btest__Traces__quic__quicdoq.pcap"): (
        "QUIC version 1 on 853, where tshark insists on DTLS"
    ),
    ("rtp", "cisco-system-traffic-generator+trex-core__scripts__cap2__Voice_calls_rtp_only.pcap"): (
        "RTP without the signalling that would tell tshark so"
    ),
    ("smtp", "arkime+arkime__tests__pcap__smtp-decrypted.pcap"): (
        "SMTP on 2525, which tshark does not try there"
    ),
    ("stun", "arkime+arkime__tests__pcap__turn.pcap"): (
        "TURN over TCP on 80, where tshark insists on HTTP"
    ),
    ("tls", "zeek+zeek__testing__btest__Traces__tls__https-to-http.pcap"): (
        "a ClientHello on 80, where tshark insists on HTTP"
    ),
}
"""Recognised protocol and capture in which tshark sees something else, and why we are right."""

if find_tshark() is not None:  # else that capture cannot be read
    AGREED[
        "netscaler-rpc",
        "bunnis+Wireshark-Lua-Plugin-NetScaler-TCP-Window-Reset-Codes__example_trace__nstrace1.cap",
    ] = "an appliance's packet engine speaks to itself on 5000, where tshark insists on GSM over IP"


class Claim(NamedTuple):
    """What was recognised in one conversation."""

    capture: str
    protocol: str
    strength: Strength
    ends: frozenset[str]
    """Transport, and both endpoints as `address port`."""


@cache
def claims() -> list[Claim]:
    """Recognise what is sure in all captures that can be read."""
    found = []
    for path in sorted(CAPTURES.iterdir()):
        if path.is_file() and path.suffix not in {".tsv", ".md"}:
            with suppress(AuditError):
                found += claims_of(path)
    return found


def flows_of(path: Path) -> Flows:
    """Assemble the flows of one capture."""
    decoder, table = Decoder(), FlowTable()
    with open_capture([str(path)]) as capture:
        for batch in capture:
            table.update(decoder.decode(batch))
    return table.finish()


def claims_of(path: Path) -> list[Claim]:
    """Recognise what is sure in one capture."""
    flows = flows_of(path)
    found = []
    for fact, a, b in zip(flows.facts, flows.heads_a, flows.heads_b, strict=True):
        transport = int(fact["transport"])
        client, server = (b, a) if SIGNATURES.side_of_server(transport, a, b) == "a" else (a, b)
        recognised = SIGNATURES.recognise(transport, client, server)
        if recognised is not None and recognised.strength > Strength.WEAK:
            ends = frozenset(
                f"{ip_address(address_text(int(fact[f'{side}_hi']), int(fact[f'{side}_lo'])))} "
                f"{fact[f'{side}_port']}"
                for side in "ab"
            )
            name = frozenset({transport_name(transport)})
            found.append(Claim(path.name, recognised.protocol, recognised.strength, ends | name))
    return found


def agrees(protocol: str, layers: set[str]) -> bool:
    """Say whether tshark names the protocol, or what it is a use of, among its layers."""
    names = TSHARK_NAMES.get(protocol, {protocol})
    general = SIGNATURES.protocols[protocol].kind_of
    return bool(names & layers) or (bool(general) and agrees(general, layers))


def test_captures_have_the_protocols() -> None:
    """What is recognised in a capture is among the protocols that tshark found in it."""
    with (CAPTURES / "INDEX.tsv").open(encoding="utf-8") as lines:
        layers = {
            row["file"]: set(row["protocols"].split(","))
            for row in csv.DictReader(lines, delimiter="\t")
        }
    wrong = {
        (claim.protocol, claim.capture)
        for claim in claims()
        if len(layers[claim.capture]) < LONGEST_LIST
        and not agrees(claim.protocol, layers[claim.capture])
    }
    assert wrong <= set(AGREED)


def test_agreed_differences_exist() -> None:
    """Every difference that is explained above is one that is still claimed."""
    assert set(AGREED) <= {(claim.protocol, claim.capture) for claim in claims()}


def test_known_protocols_are_still_recognised() -> None:
    """The captures show the breadth of the signatures, so that losing one is noticed."""
    seen = Counter(claim.protocol for claim in claims())
    often = {"http": 150, "dns": 85, "tls": 60, "snmp": 30, "smtp": 28, "dhcp": 24, "smb": 14}
    assert all(seen[protocol] >= count for protocol, count in often.items())
    assert len(seen) >= 30


@pytest.mark.skipif(shutil.which("tshark") is None, reason="needs tshark")
def test_streams_have_the_protocols() -> None:
    """What is recognised in a conversation is what tshark dissects in that very conversation.

    A few captures of each protocol, since a run of tshark takes longer than all the rest.
    """
    by_protocol: dict[str, list[str]] = defaultdict(list)
    for claim in claims():
        chosen = by_protocol[claim.protocol]
        if claim.capture not in chosen and len(chosen) < CAPTURES_PER_PROTOCOL:
            chosen.append(claim.capture)
    captures = sorted({capture for chosen in by_protocol.values() for capture in chosen})
    with ThreadPoolExecutor(2) as pool:
        layers = dict(zip(captures, pool.map(layers_of, captures), strict=True))
    wrong = {
        (claim.protocol, claim.capture)
        for claim in claims()
        if claim.capture in layers and not agrees(claim.protocol, layers[claim.capture][claim.ends])
    }
    assert wrong <= set(AGREED)


def layers_of(capture: str) -> defaultdict[frozenset[str], set[str]]:
    """Ask tshark for the layers above TCP and UDP in each conversation of a capture."""
    fields = ("ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport",
              "udp.srcport", "udp.dstport", "frame.protocols")  # fmt: skip
    command = ["tshark", "-n", "-r", str(CAPTURES / capture), "-T", "fields"]
    # The last occurrence of a field belongs to the innermost packet, as our flows do.
    command += ["-E", "occurrence=l", *(word for field in fields for word in ("-e", field))]
    result = subprocess.run(command, capture_output=True, check=False, timeout=60)
    found: defaultdict[frozenset[str], set[str]] = defaultdict(set)
    for line in result.stdout.decode("utf-8", "replace").splitlines():
        *values, protocols = line.split("\t")
        layers = protocols.split(":")
        inner = max(
            (place for place, name in enumerate(layers) if name in {"tcp", "udp"}), default=0
        )
        if inner and len(values) == len(fields) - 1:
            version = [name for name in layers[:inner] if name in {"ip", "ipv6"}]
            addresses = values[0:2] if version[-1:] == ["ip"] else values[2:4]
            ports = values[4:6] if layers[inner] == "tcp" else values[6:8]
            ends = (
                f"{ip_address(address)} {port}"
                for address, port in zip(addresses, ports, strict=True)
            )
            found[frozenset({layers[inner], *ends})].update(layers[inner + 1 :])
    return found


def test_real_ica_session() -> None:
    """The public recording of a classic ICA session is ICA beyond doubt, and its server is 1494."""
    path = CAPTURES / ICA_SESSION
    (claim,) = claims_of(path)
    assert (claim.protocol, claim.strength) == ("ica", Strength.PROOF)
    flows = flows_of(path)
    (fact,) = flows.facts
    side = SIGNATURES.side_of_server(int(fact["transport"]), flows.heads_a[0], flows.heads_b[0])
    assert int(fact[f"{side}_port"]) == 1494
