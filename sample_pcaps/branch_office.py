"""The sample branch-office.pcapng: a Citrix site at work on a Monday morning, for twelve minutes.

The cast stands in branch-office.hosts.yaml, what is wrong in branch-office.truth.yaml. The core
switch is watched untagged; the VDAs' trunk is a second interface with VLAN 70.
"""

from __future__ import annotations

import branch_back_office
import branch_desks
import branch_planted
from branch_cast import Office
from pcap_files import Interface, pcapng

CAPTURE = "branch-office.pcapng"


def make() -> bytes:
    """Play the morning and give the bytes of the capture."""
    office = Office()
    branch_back_office.play(office)
    branch_desks.play(office)
    branch_planted.play(office)
    interfaces = [
        Interface("span-core", "core switch, untagged"),
        Interface("span-vda", "trunk of the VDAs, VLAN 70"),
    ]
    return pcapng(
        office.core.captured(), interfaces,
        comment="Made by sample_pcaps/build.py: invented traffic of an invented site.",
    )  # fmt: skip
