"""Payloads held against what their ports promise."""

from __future__ import annotations

import os

import pytest
from conversations import Talk, flows_of

from auditor.catalog.load import load_catalog, rules_directory
from auditor.evidence.names import NameCollector
from auditor.hosts import resolve
from auditor.judge.findings import find
from auditor.judge.judged import Judged, judge_flows
from auditor.judge.rulebook import RuleBook
from auditor.judge.verify import Listener

CATALOG = load_catalog()
LISTENER = Listener.load(rules_directory())

ICA = b"\x7f\x7fICA\0"
CGP = b"\x1aCGP/01" + bytes(30)
HTTP = b"GET / HTTP/1.1\r\nHost: files.example\r\n\r\n"
SSH = b"SSH-2.0-OpenSSH_9.2\r\n"
TLS = bytes.fromhex("16030100310100002d0303") + bytes(32) + bytes.fromhex("00000613011302ffff0100")
SMB = b"\0\0\0\x40\xfeSMB\x40\0" + bytes(58)
RDP = bytes.fromhex("030000130ee000000000000100080003000000")
NOISE = bytes(range(200, 256)) + bytes(range(100, 140))


def judged(*talks: Talk) -> Judged:
    """Judge conversations without a site file."""
    flows = flows_of(*talks)
    names = NameCollector().finish(flows)
    return judge_flows(flows, names, resolve(flows), RuleBook(CATALOG), LISTENER)


@pytest.mark.parametrize("port", [1494, 2598, 389, 1433, 27000])
@pytest.mark.parametrize(
    ("head", "protocol"), [(HTTP, "http"), (SSH, "ssh"), (TLS, "tls"), (SMB, "smb"), (RDP, "rdp")]
)
def test_positively_another_protocol_contradicts_the_port(
    port: int, head: bytes, protocol: str
) -> None:
    """What is surely something else on a port of the paper is a high finding, whatever it is."""
    result = judged(Talk("10.0.0.1", "10.0.0.2", port=port, head=head))
    assert result.payloads.application == [protocol]
    assert result.payloads.verification == ["contradicted"]
    kinds = {finding.kind: finding.severity.word for finding in find(result, [])}
    assert kinds["contradicted"] == "high"


@pytest.mark.parametrize("port", [1494, 2598, 389, 1433, 27000, 443, 80])
@pytest.mark.parametrize("head", [b"", NOISE, os.urandom(200), b"\0" * 64])
def test_what_is_not_recognised_contradicts_nothing(port: int, head: bytes) -> None:
    """No payload, noise and zeros are unverified: failing to match is no evidence."""
    result = judged(Talk("10.0.0.1", "10.0.0.2", port=port, head=head, reply_head=head))
    assert result.payloads.verification == ["unverified"]


@pytest.mark.parametrize(
    ("port", "head", "reply", "protocol", "verification"),
    [
        (1494, ICA, ICA, "ica", "verified"),
        (2598, CGP, b"\x1aCGP/01" + bytes(5), "cgp", "verified"),
        (443, TLS, b"", "tls", "encrypted"),
        (22, SSH, SSH, "ssh", "verified"),
        (80, HTTP, b"", "http", "verified"),
    ],
)
def test_protocol_of_the_port_verifies_it(
    port: int, head: bytes, reply: bytes, protocol: str, verification: str
) -> None:
    """The promised protocol verifies a port; a sealed one says only that it is sealed."""
    result = judged(Talk("10.0.0.1", "10.0.0.2", port=port, head=head, reply_head=reply))
    assert result.payloads.application == [protocol]
    assert result.payloads.verification == [verification]
    assert not result.payloads.masquerade.any()


def test_citrix_protocol_elsewhere_is_a_masquerade() -> None:
    """ICA on a port where no row expects it is found, although the port promises nothing."""
    result = judged(Talk("10.0.0.1", "10.0.0.2", port=8081, head=ICA, reply_head=ICA))
    assert result.payloads.masquerade.tolist() == [True]
    found = [finding for finding in find(result, []) if finding.kind == "masquerade"]
    assert [finding.title for finding in found] == [
        "off its ports: 10.0.0.1 -> 10.0.0.2 tcp/8081 speaks Citrix ICA"
    ]
