"""Transfers from another port (TFTP) in a watch, where request and transfer come apart."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest
from capture_files import Frame, frame, pcap
from layers import datagram
from watching import BEGIN_NS, SECOND_NS, watched

from auditor.flows import Flows
from auditor.flows.headlist import HeadList
from auditor.live.tick import Limits
from auditor.live.transfers import PATIENCE_S, TransferMemory
from auditor.pipeline import audit
from auditor.records import FLOW, IPPROTO_UDP, NO_TIME, address_words

if TYPE_CHECKING:
    from pathlib import Path

    from auditor.report.model import Report

TARGET, SERVER, OTHER_ADDRESS, STRANGER = "10.0.0.5", "10.0.0.1", "10.0.0.2", "10.0.0.9"
SITE = f"""
site: boots
packs: [paper]
hosts:
  - {{name: target, addresses: [{TARGET}], roles: [pvs-target]}}
  - {{name: boot, addresses: [{SERVER}, {OTHER_ADDRESS}], roles: [pxe-service]}}
  - {{name: stranger, addresses: [{STRANGER}], roles: [ddc]}}
"""
REQUEST = b"\0\1ARDBP32.BIN\0octet\0"
HEARD_S = 300.0


def boot(
    after_s: float, *, answerer: str = SERVER, asked: str = SERVER, blocks: int = 30
) -> list[Frame]:
    """Ask for a file, and transfer it at a block a second."""
    at_ns = BEGIN_NS + round(after_s * SECOND_NS)
    frames = [frame(datagram((TARGET, 2070), (asked, 69), REQUEST), at_ns=BEGIN_NS)]
    for number in range(1, blocks):
        data = struct.pack(">HH", 3, number) + bytes(512)
        receipt = struct.pack(">HH", 4, number)
        here, there = (answerer, 50123), (TARGET, 2070)
        frames.append(frame(datagram(here, there, data), at_ns=at_ns))
        frames.append(frame(datagram(there, here, receipt), at_ns=at_ns + 1_000_000))
        at_ns += SECOND_NS
    return frames


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Write a site file."""
    path = tmp_path / "hosts.yaml"
    path.write_text(SITE, encoding="utf-8")
    return path


def unexpected(report: Report) -> list[str]:
    """Give the titles of what is not missing."""
    findings = report.findings
    titles: list[str] = findings["title"][findings["kind"] != "missing"].tolist()
    return titles


@pytest.mark.parametrize("after_s", [0.1, 4.0, 15.0])
@pytest.mark.parametrize("tick_s", [10.0, 1.0])
def test_a_boot_is_one_conversation(
    tmp_path: Path, site: Path, after_s: float, tick_s: float
) -> None:
    """However ticks and windows cut it, it is documented and answered; no packet is lost of it."""
    path = tmp_path / "boot.pcap"
    path.write_bytes(pcap(boot(after_s), unit_ns=1))
    assert unexpected(audit(path, hosts=site)) == []
    report, windows = watched(
        path, site, frames=1, window_s=20.0, limits=Limits(tick_s=tick_s, calm_ticks=1)
    )
    # A request that is answered after a client's patience was reported by then.
    late = after_s > PATIENCE_S
    for each in [*(window.report for window in windows[late:]), report]:
        assert unexpected(each) == []
        assert set(each.flows["outcome"]) <= {"answered", *["unanswered"] * late}
        assert set(each.flows["verdict"]) <= {"documented"}
    assert report.flows["packets_out"].sum() + report.flows["packets_in"].sum() == 59


@pytest.mark.parametrize(
    ("asked", "answerer", "joined"),
    [
        (SERVER, OTHER_ADDRESS, True),
        ("255.255.255.255", STRANGER, True),
        (SERVER, STRANGER, False),
    ],
)
def test_whoever_may_answer_is_joined(
    tmp_path: Path, site: Path, asked: str, answerer: str, *, joined: bool
) -> None:
    """The machine that was asked, at any of its addresses; anybody, if everybody was asked."""
    path = tmp_path / "boot.pcap"
    path.write_bytes(pcap(boot(0.1, asked=asked, answerer=answerer), unit_ns=1))
    report, _ = watched(path, site, frames=1)
    ports = set(report.flows["server_port"])
    assert ports == ({69} if joined else {69, 2070})


def flows_between(*pairs: tuple[tuple[str, int], tuple[str, int]]) -> Flows:
    """Make flows of a datagram each, from the first endpoint to the second."""
    facts = np.zeros(len(pairs), FLOW)
    facts["transport"] = IPPROTO_UDP
    for fact, (source, target) in zip(facts, pairs, strict=True):
        ends = sorted((address_words(address), port) for address, port in (source, target))
        for side, ((high, low), port) in zip("ab", ends, strict=True):
            sent = (high, low) == address_words(source[0])
            fact[f"{side}_hi"], fact[f"{side}_lo"], fact[f"{side}_port"] = high, low, port
            fact[f"first_{side}_ns"] = BEGIN_NS if sent else NO_TIME
            fact[f"packets_{side}"] = sent
    heads = HeadList.of([(b"x",)] * len(pairs))
    return Flows(facts, heads, heads, [()] * len(pairs), 0)


ASKING = (TARGET, 2070), (SERVER, 69)
ANSWERING = (SERVER, 50123), (TARGET, 2070)


def joined(memory: TransferMemory, flows: Flows, now_s: float, *, last: bool = False) -> Flows:
    """Join flows, all of them new."""
    begun = np.ones(len(flows.facts), dtype=bool)
    given, kept = memory.join(flows, begun, now_s, site=None, macs={}, last=last)
    assert len(given.facts) == len(given.heads_a) == len(given.vlans) == len(kept)
    return given


def test_a_request_waits_for_its_answer_and_no_longer() -> None:
    """It is held back for some seconds, or until nothing comes any more."""
    memory = TransferMemory([69], HEARD_S)
    assert len(joined(memory, flows_between(ASKING), 0.0).facts) == 0
    assert len(joined(memory, flows_between(), PATIENCE_S - 1).facts) == 0
    assert len(joined(memory, flows_between(), PATIENCE_S).facts) == 1
    other = TransferMemory([69], HEARD_S)
    assert len(joined(other, flows_between(ASKING), 0.0, last=True).facts) == 1


def test_a_transfer_is_forgotten_when_it_is_silent() -> None:
    """As long as it goes on it is known; what comes long after it is something else."""
    memory = TransferMemory([69], HEARD_S)
    joined(memory, flows_between(ASKING), 0.0)
    assert len(joined(memory, flows_between(ANSWERING), 5.0).facts) == 2
    later = [joined(memory, flows_between(ANSWERING), now_s) for now_s in (200.0, 400.0, 701.0)]
    assert [int(flows.facts["a_port"][0]) for flows in later] == [69, 69, 69]
    joined(memory, flows_between(), 1002.0)
    assert int(joined(memory, flows_between(ANSWERING), 1003.0).facts["a_port"][0]) == 50123


def test_what_has_nothing_to_do_with_it_stays_as_it_is() -> None:
    """Other datagrams to the same host, and to the same port of other hosts."""
    strays = [
        ((SERVER, 50123), (TARGET, 2071)),
        ((SERVER, 50123), (STRANGER, 2070)),
        ((STRANGER, 5353), (TARGET, 2070)),
    ]
    memory = TransferMemory([69], HEARD_S)
    joined(memory, flows_between(ASKING), 0.0)
    flows = flows_between(*strays)
    given = joined(memory, flows, 1.0)
    assert (given.facts[-len(strays) :] == flows.facts).all()
