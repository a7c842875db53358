"""Flows of real captures, held against what tshark counts in them."""

from __future__ import annotations

import csv
from collections import Counter
from contextlib import suppress
from typing import NamedTuple

import pytest
from shared import SHARED, needs_shared

from auditor.capture import open_capture
from auditor.decode.dissect import Decoder
from auditor.decode.packets import Packets
from auditor.errors import AuditError
from auditor.flows import FlowTable
from auditor.records import IPPROTO_TCP, IPPROTO_UDP, Status, address_text, address_words

pytestmark = needs_shared

CAPTURES = SHARED / "captures"

KNOWN_LINKS = {"ether", "null", "rawip", "rawip4", "rawip6", "linux-sll", "-"}
UNKNOWN_STACKS = {
    "ah", "erspan", "geneve", "gre", "gtp", "ieee8021ah", "ip-in-ip", "l2tp", "macsec", "mpls",
    "nsh", "ppp", "pppoes", "teredo", "vxlan", "wlan",
}  # fmt: skip
"""Names in INDEX.tsv of what carries packets inside packets, or frames of another shape."""

AGREED = {
    "OISF+suricata-verify__tests__drop-protocol-change__input.pcap": (
        "frame 7 has a TCP header length of 8 bytes, which tshark lists; no host accepts it, "
        "so here it is MALFORMED"
    ),
    "the-tcpdump-group+tcpdump__tests__bigtcp-ipv6-vxlan-ipv6.pcap": (
        "a packet of 80 kB whose IPv6 length is 0: tshark takes it for malformed, "
        "here the rest of the frame is its payload"
    ),
}
"""Captures in which flows differ from tshark's for a good reason."""


class Sent(NamedTuple):
    """One direction of a conversation."""

    transport: str
    source: str
    source_port: int
    destination: str
    destination_port: int


Counts = Counter[tuple[Sent, str]]
"""Frames and bytes by direction."""


class Capture(NamedTuple):
    """A line of INDEX.tsv."""

    file: str
    encapsulation: str
    status: str
    features: str
    protocols: str
    oracle: str

    @property
    def stacks_are_known(self) -> bool:
        """Tell whether the capture needs only what the decoder has set out to read."""
        stacks = {*self.features.split(","), *self.protocols.split(",")}
        return set(self.encapsulation.split(",")) <= KNOWN_LINKS and not stacks & UNKNOWN_STACKS


def captures() -> list[Capture]:
    """Read the index."""
    if not CAPTURES.is_dir():
        return []
    with (CAPTURES / "INDEX.tsv").open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [Capture(*(row[name] for name in Capture._fields)) for row in rows]


def without_later_fragments(packets: Packets) -> Packets:
    """Take out what tshark does not count: fragments that got their ports from the first."""
    rows = packets.rows.copy()
    own_ports = (rows["payload_offset"] > 0) | (rows["status"] != Status.OK)
    rows["status"][~own_ports] = Status.FRAGMENT
    return Packets(packets.batch, rows, packets.quotes)


def our_counts(capture: Capture) -> Counts:
    """Count TCP and UDP by our flows; flows of the same ports are added up, as in the oracle."""
    decoder, table = Decoder(), FlowTable()
    with open_capture([str(CAPTURES / capture.file)]) as batches:
        for batch in batches:
            table.update(without_later_fragments(decoder.decode(batch)))
    counts: Counts = Counter()
    names = {IPPROTO_TCP: "tcp", IPPROTO_UDP: "udp"}
    for flow in table.finish().facts:
        name = names.get(int(flow["transport"]))
        if name:
            a = address_text(int(flow["a_hi"]), int(flow["a_lo"])), int(flow["a_port"])
            b = address_text(int(flow["b_hi"]), int(flow["b_lo"])), int(flow["b_port"])
            counts[Sent(name, *a, *b), "frames"] += int(flow["packets_a"])
            counts[Sent(name, *a, *b), "bytes"] += int(flow["bytes_a"])
            counts[Sent(name, *b, *a), "frames"] += int(flow["packets_b"])
            counts[Sent(name, *b, *a), "bytes"] += int(flow["bytes_b"])
    return +counts


def their_counts(capture: Capture) -> Counts:
    """Read what tshark counts of the innermost TCP and UDP headers."""
    counts: Counts = Counter()
    with (CAPTURES / capture.oracle).open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["view"] == "inner":
                a = address_text(*address_words(row["addr_a"])), int(row["port_a"])
                b = address_text(*address_words(row["addr_b"])), int(row["port_b"])
                there, back = Sent(row["proto"], *a, *b), Sent(row["proto"], *b, *a)
                for unit in ("frames", "bytes"):
                    counts[there, unit] += int(row[f"{unit}_ab"])
                    counts[back, unit] += int(row[f"{unit}_ba"])
    return +counts


HEALTHY = [each for each in captures() if each.status == "ok" and each.stacks_are_known]
UNHEALTHY = [each for each in captures() if each.status != "ok"]


def test_knows_the_stacks_of_most_captures() -> None:
    """The comparison is not emptied by what it leaves out."""
    assert len(HEALTHY) > 0.8 * len(captures())
    assert len(AGREED) < 0.03 * len(HEALTHY)


@pytest.mark.parametrize("capture", HEALTHY, ids=lambda each: each.file)
def test_counts_what_tshark_counts(capture: Capture) -> None:
    """Frames and bytes per direction of every conversation agree, save where it is agreed."""
    agrees = our_counts(capture) == their_counts(capture)
    assert agrees == (capture.file not in AGREED), AGREED.get(capture.file, "differs")


@pytest.mark.parametrize("capture", UNHEALTHY, ids=lambda each: each.file)
def test_survives_damaged_captures(capture: Capture) -> None:
    """Of a damaged capture every frame that can be read gets a row; nothing else is raised."""
    decoder, table = Decoder(), FlowTable()
    frames = rows = 0
    # A capture of which nothing can be read is named; what happens to it is the reader's matter.
    with suppress(AuditError), open_capture([str(CAPTURES / capture.file)]) as batches:
        for batch in batches:
            packets = decoder.decode(batch)
            table.update(packets)
            frames += len(batch)
            rows += len(packets.rows)
    assert rows == frames
    assert len(table.finish().facts) <= frames
