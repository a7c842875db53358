"""Messages that are kept for later: exactly those that the general path would read."""

from __future__ import annotations

from itertools import product

import numpy as np

from auditor.evidence import compiled_tellings
from auditor.evidence.tellings import telling_rows
from auditor.records import ECHO_ID, PACKET, Status

PORTS = (0, 53, 67, 68, 137, 443, 546, 547, 5353, 5355, 65_535, ECHO_ID + 53)


def test_the_same_packets_are_chosen() -> None:
    """The kernel chooses what the general path chooses, by port, length, transport and status."""
    packets = list(product(PORTS, (0, 11, 12, 500), (6, 17, 132), Status))
    rows = np.zeros(len(packets), PACKET)
    names = "src_port", "payload_len", "transport", "status"
    for name, column in zip(names, zip(*packets, strict=True), strict=True):
        rows[name] = column
    chosen = compiled_tellings.telling_rows(rows)
    assert chosen.tolist() == telling_rows(rows).tolist()
    assert set(rows["transport"][chosen].tolist()) == {6, 17}
