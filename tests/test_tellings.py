"""What messages tell, read packet by packet."""

from __future__ import annotations

import pickle

from layers import decoded, ethernet, ipv4, udp
from name_messages import REQUEST, dhcp, host_name, wanted
from test_names import answer

from auditor.evidence.dhcp import Step
from auditor.evidence.names import NameCollector
from auditor.evidence.tellings import Telling, read_tellings
from auditor.records import address_words


def test_a_message_is_told_as_it_can_be_shown() -> None:
    """With the names in question first, to whom, and when."""
    packets = decoded(answer("A.example", "192.0.2.7", aliases=("b.example",)))
    (told,) = read_tellings(packets)
    assert told == Telling(
        "dns",
        told.asker,
        1000,
        ((("a.example", "b.example"), address_words("192.0.2.7")),),
    )


def test_a_lease_is_for_others_to_match() -> None:
    """Request and reply may stand in different captures."""
    message = dhcp(REQUEST, host_name(b"desk"), wanted("10.0.0.7"))
    (told,) = read_tellings(decoded(ethernet(ipv4(udp(68, 67, message), 17))))
    assert told.lease is not None
    assert told.lease.step is Step.ASKS


def test_tellings_travel() -> None:
    """Who takes tellings from elsewhere knows what one that read them knows."""
    packets = decoded(answer("a.example", "192.0.2.7"), answer("b.example", "192.0.2.7"))
    near, far = NameCollector(), NameCollector()
    near.observe(packets)
    far.take(pickle.loads(pickle.dumps(list(read_tellings(packets)))))
    assert near._book.address_names() == far._book.address_names()
    assert near._book.address_names()


def test_packets_without_messages_tell_nothing() -> None:
    """Neither other ports nor too short a payload."""
    frames = (ethernet(ipv4(udp(5000, 53, bytes(40)), 17)), ethernet(ipv4(udp(53, 9, b"x"), 17)))
    assert not list(read_tellings(decoded(*frames)))
