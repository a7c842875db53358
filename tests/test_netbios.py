"""Host names in the NetBIOS name service."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from name_messages import netbios_answer, netbios_registration

from auditor.evidence.dns import Answer
from auditor.evidence.netbios import read_netbios
from auditor.records import address_words

ADDRESS = "10.0.0.7"
DESK = Answer(address_words(ADDRESS), (b"desk-07",))


@pytest.mark.parametrize("opcode", [5, 8, 9, 15])
@pytest.mark.parametrize("service", [0x00, 0x20])
def test_claim(opcode: int, service: int) -> None:
    """Registration and refresh name the host, by its workstation and its server name."""
    message = netbios_registration(b"DESK-07", ADDRESS, service=service, opcode=opcode)
    assert read_netbios(message) == [DESK]


def test_answer() -> None:
    """A positive answer names the host with all its addresses, groups' entries aside."""
    message = netbios_answer(b"DESK-07", (ADDRESS, False), ("10.0.0.8", True), ("10.0.0.9", False))
    assert read_netbios(message) == [DESK, Answer(address_words("10.0.0.9"), (b"desk-07",))]


@pytest.mark.parametrize("service", [0x03, 0x1B, 0x1C, 0x1D, 0x1E])
def test_other_services(service: int) -> None:
    """Names of users, domains and browsers name no host."""
    assert read_netbios(netbios_answer(b"CORP", (ADDRESS, False), service=service)) == []


@pytest.mark.parametrize(
    "message",
    [
        b"",
        bytes(50),
        netbios_registration(b"CORP", ADDRESS, group=True),
        netbios_registration(b"DESK-07", ADDRESS, opcode=6),
        netbios_registration(b"DESK-07", ADDRESS, opcode=0),
        netbios_registration(b"DESK-07", ADDRESS)[:-1],
        netbios_registration(b"", ADDRESS),
        netbios_answer(b"DESK-07", (ADDRESS, False), flags=0x8503),
        netbios_answer(b"DESK-07", (ADDRESS, False), flags=0xBC00),
        netbios_answer(b"DESK-07"),
        netbios_answer(b"DESK-07", (ADDRESS, False)).replace(b"\x20E", b"\x20Z", 1),
        netbios_answer(b"DESK-07", (ADDRESS, False)).replace(b"\0\x20\0\1", b"\0\x21\0\1"),
    ],
)
def test_nothing_to_learn(message: bytes) -> None:
    """Groups, releases, queries, refusals, cut and wrongly coded messages name nobody."""
    assert read_netbios(message) == []


@given(st.binary(max_size=200), st.data())
def test_junk(junk: bytes, data: st.DataObject) -> None:
    """Junk, bare or in place of a part of a message, is never an error."""
    for whole in (
        netbios_registration(b"DESK-07", ADDRESS),
        netbios_answer(b"DESK-07", (ADDRESS, False)),
    ):
        start = data.draw(st.integers(0, len(whole)))
        broken = whole[:start] + junk[:30] + whole[data.draw(st.integers(start, len(whole))) :]
        for message in (junk, broken):
            assert len(read_netbios(message)) <= len(message) // 6


@given(st.text("ABCXYZ0189-_", min_size=1, max_size=15))
def test_round_trip(name: str) -> None:
    """Whatever name is encoded is read back, in lower case."""
    (found,) = read_netbios(netbios_registration(name.encode(), ADDRESS))
    assert found == Answer(address_words(ADDRESS), (name.lower().encode(),))
