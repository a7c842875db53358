"""The memory of first fragments: bounds in number and time."""

from __future__ import annotations

from layers import batch, ethernet, ipv4, udp

from auditor.decode.dissect import Decoder
from auditor.decode.fragments import FragmentTable, Head
from auditor.decode.internet import Datagram, Fragment
from auditor.records import Status

SECOND_NS = 10**9


def piece(identification: int, offset: int = 0, *, protocol: int = 17) -> Datagram:
    """Make a piece of an IPv4 datagram."""
    return Datagram(4, protocol, 0, 1, 0, 2, 34, 42, Fragment(identification, offset), 42, 0)


def test_forgets_the_least_recently_used() -> None:
    """Beyond its capacity the table drops the datagram that was longest not asked for."""
    table = FragmentTable(capacity=2)
    for identification in (1, 2):
        table.remember(piece(identification), Head(0, 17, identification, 53))
    assert table.find(piece(1, 5), 0) == Head(0, 17, 1, 53)
    table.remember(piece(3), Head(0, 17, 3, 53))
    found = [table.find(piece(identification, 5), 0) for identification in (1, 2, 3)]
    assert [head and head.src_port for head in found] == [1, None, 3]


def test_tells_datagrams_apart() -> None:
    """Another identification or, in IPv4, another protocol is another datagram."""
    table = FragmentTable()
    table.remember(piece(1), Head(0, 17, 5000, 53))
    assert table.find(piece(2, 5), 0) is None
    assert table.find(piece(1, 5, protocol=6), 0) is None


def test_forgets_after_a_minute() -> None:
    """An identification means one datagram as long as hosts keep pieces, either way in time."""
    for later in (61, -61):
        table = FragmentTable()
        table.remember(piece(1), Head(0, 17, 5000, 53))
        assert table.find(piece(1, 5), 59 * SECOND_NS) is not None
        assert table.find(piece(1, 5), later * SECOND_NS) is None


def test_replaces_a_reused_identification() -> None:
    """The newest first fragment with an identification gives the ports."""
    table = FragmentTable()
    table.remember(piece(1), Head(0, 17, 5000, 53))
    table.remember(piece(1), Head(1, 17, 6000, 53))
    assert table.find(piece(1, 5), 1) == Head(1, 17, 6000, 53)


def test_joins_pieces_across_batches() -> None:
    """The first fragment of one batch gives its ports to a piece in the next."""
    body = udp(5000, 53, bytes(24))
    decoder = Decoder()
    decoder.decode(batch([ethernet(ipv4(body[:24], 17, pieces=0x2000))]))
    row = decoder.decode(batch([ethernet(ipv4(body[24:], 17, pieces=3))])).rows[0]
    assert (row["status"], row["src_port"], row["dst_port"]) == (Status.OK, 5000, 53)


def test_goes_on_where_another_table_stopped() -> None:
    """What another table remembers is the more recent; what was missed can be told."""
    late, early = FragmentTable(capacity=2), FragmentTable(capacity=2)
    early.remember(piece(1), Head(0, 17, 1, 53))
    early.remember(piece(2), Head(0, 17, 2, 53))
    assert late.find(piece(1, 5), 0) is None
    assert early.may_know(late.missed)
    late.remember(piece(3), Head(0, 17, 3, 53))
    early.resume(late.heads)
    assert [head.src_port for head in early.heads.values()] == [2, 3]
    assert not early.may_know(late.missed)


def test_what_was_missed_is_bounded() -> None:
    """Beyond that, any memory may have been wanted."""
    late, early = FragmentTable(capacity=2), FragmentTable(capacity=2)
    for identification in (1, 2, 3):
        assert late.find(piece(identification, 5), 0) is None
    assert len(late.missed) == 2
    assert not early.may_know(late.missed)
    early.remember(piece(9), Head(0, 17, 9, 53))
    assert early.may_know(late.missed)
