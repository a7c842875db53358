"""What protocol a conversation speaks, judged by the first bytes that each side sent.

Ports play no part. A signature that its file assigns to the other side counts one step less, so
that a conversation turned round is still recognised but proves less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

from auditor.evidence.signature_file import read_signatures
from auditor.evidence.signature_model import CLIENT, EITHER, SERVER, Protocol, Signature, Strength
from auditor.records import IPPROTO_TCP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

__all__ = ["Protocol", "Recognised", "Signature", "SignatureSet", "Strength"]


class Recognised(NamedTuple):
    """The protocol of a conversation, and how surely it is that."""

    protocol: str
    strength: Strength
    encrypted: bool
    first_speaker: str
    """Who speaks first according to the protocol, `client` or `server`; `` if nobody must."""


class _Match(NamedTuple):
    rank: tuple[Strength, int]
    """The greater one wins; among equally sure ones the one that stands higher in the file."""
    strength: Strength
    """What it proves, coming from the side at hand."""
    signature: Signature


_Table = tuple[tuple[_Match, ...], ...]
"""By first byte: the signatures that may fit, the surest first."""


class SignatureSet:
    """All signatures, laid out so that a payload meets only those that share its first byte."""

    def __init__(self, protocols: Mapping[str, Protocol], signatures: Iterable[Signature]) -> None:
        """Index the signatures by sender, transport and first byte."""
        self.protocols = dict(protocols)
        self.signatures = tuple(signatures)
        self._tables = {side: self._index(side) for side in (CLIENT, SERVER, EITHER)}

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a signature file; raises RulesError with every mistake and its line."""
        return cls(*read_signatures(path))

    def recognise(
        self,
        transport: int,
        client_head: tuple[bytes, ...],
        server_head: tuple[bytes, ...],
    ) -> Recognised | None:
        """Name the protocol of a conversation; None where nothing fits.

        Heads: of a stream at most one, its contiguous beginning; else the first datagrams. Where
        the sides speak different protocols the surer one counts, among equals the server's.
        """
        client = self._best(CLIENT, transport, client_head)
        server = self._best(SERVER, transport, server_head)
        best = self._agreed(client, server)
        if best is None:
            return None
        protocol = self.protocols[best.signature.protocol]
        return Recognised(protocol.id, best.strength, protocol.encrypted, protocol.first_speaker)

    def side_of_server(
        self, transport: int, head_a: tuple[bytes, ...], head_b: tuple[bytes, ...]
    ) -> str:
        """Name the server, `a` or `b`, by payload alone; `` where it does not tell."""
        a, b = (self._sender(transport, head) for head in (head_a, head_b))
        if not (a or b):
            a = self._first_speaker(transport, head_a, head_b)
            b = self._first_speaker(transport, head_b, head_a)
        if a == b:
            return ""
        return "b" if a == CLIENT or b == SERVER else "a"

    def support(
        self,
        protocol: str,
        transport: int,
        client_head: tuple[bytes, ...],
        server_head: tuple[bytes, ...],
    ) -> Strength | None:
        """Say how well a conversation fits one protocol or a use of it; None if not at all.

        Where bytes fit several protocols weakly, `recognise` can name only one of them.
        """
        return max(
            (
                match.strength
                for side, head in ((CLIENT, client_head), (SERVER, server_head))
                for match in self._matches(side, transport, head)
                if self.is_kind_of(match.signature.protocol, protocol)
            ),
            default=None,
        )

    def is_kind_of(self, protocol: str, ancestor: str) -> bool:
        """Say whether a protocol is `ancestor` or a use of it."""
        while protocol and protocol != ancestor:
            protocol = self.protocols[protocol].kind_of
        return bool(protocol)

    def _index(self, side: str) -> dict[int, _Table]:
        """Lay out the signatures that `side` may speak, by transport."""
        matches = []
        for order, signature in enumerate(self.signatures):
            strength = _strength_from(signature, side)
            if strength is None:
                continue
            # A sure use of a protocol stands beside the proofs, lest its general form hide it.
            special = self.protocols[signature.protocol].kind_of and strength > Strength.WEAK
            rank = Strength.PROOF if special else strength, -order
            matches.append(_Match(rank, strength, signature))
        # Sorted once, so that every column below comes out sorted.
        matches.sort(reverse=True, key=_rank)
        columns: dict[int, list[list[_Match]]] = {}
        for match in matches:
            for transport in match.signature.transports:
                table = columns.setdefault(transport, [[] for _ in range(256)])
                for byte in match.signature.first_bytes:
                    table[byte].append(match)
        return {transport: tuple(map(tuple, table)) for transport, table in columns.items()}

    def _matches(self, side: str, transport: int, payloads: tuple[bytes, ...]) -> Iterator[_Match]:
        table = self._tables[side].get(transport, ())
        for place, payload in enumerate(payloads):
            for match in table[payload[0]] if table and payload else ():
                if match.signature.fits(payloads, place):
                    yield match

    def _best(self, side: str, transport: int, payloads: tuple[bytes, ...]) -> _Match | None:
        best: _Match | None = None
        table = self._tables[side].get(transport, ())
        for place, payload in enumerate(payloads):
            for match in table[payload[0]] if table and payload else ():
                if best is not None and match.rank <= best.rank:
                    break
                if match.signature.fits(payloads, place):
                    best = match
                    break
        return best

    def _agreed(self, client: _Match | None, server: _Match | None) -> _Match | None:
        if client is None or server is None:
            return client or server
        for one, other in ((client, server), (server, client)):
            special, general = one.signature.protocol, other.signature.protocol
            refines = special != general and self.is_kind_of(special, general)
            if refines and one.strength is not Strength.WEAK:
                return one
        return client if client.strength > server.strength else server

    def _sender(self, transport: int, payloads: tuple[bytes, ...]) -> str:
        """Say who speaks so, CLIENT or SERVER; `` where both may or the protocol is unsure."""
        best = self._best(EITHER, transport, payloads)
        if best is None or best.strength is Strength.WEAK:
            return ""
        protocol = best.signature.protocol
        # A weak signature may tell the sides of a protocol apart that a strong one has settled.
        for match in self._matches(EITHER, transport, payloads):
            signature = match.signature
            if signature.protocol == protocol and signature.sender != EITHER:
                return signature.sender
        return ""

    def _first_speaker(
        self, transport: int, payloads: tuple[bytes, ...], others: tuple[bytes, ...]
    ) -> str:
        """Take the only side of a stream that spoke for the one that must speak first.

        Only proof counts, since that is how protocols open; what is merely strong may come later.
        """
        if transport != IPPROTO_TCP or any(others):
            return ""
        best = self._best(EITHER, transport, payloads)
        if best is None or best.strength is not Strength.PROOF:
            return ""
        return self.protocols[best.signature.protocol].first_speaker


def _rank(match: _Match) -> tuple[Strength, int]:
    return match.rank


def _strength_from(signature: Signature, side: str) -> Strength | None:
    """Say what a match proves when `side` sent it; None if it then proves nothing."""
    if EITHER in {side, signature.sender} or side == signature.sender:
        return signature.strength
    if signature.strength is Strength.WEAK:
        return None
    return Strength(signature.strength - 1)
