"""What protocol a conversation speaks, judged by the first bytes that each side sent.

Ports play no part. A signature that its file assigns to the other side counts one step less, so
that a conversation turned round is still recognised but proves less.
"""

from __future__ import annotations

from functools import cached_property
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from auditor.evidence.signature_file import read_signatures
from auditor.evidence.signature_model import CLIENT, EITHER, SERVER, Protocol, Signature, Strength
from auditor.records import IPPROTO_TCP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from auditor.evidence.candidates import Candidates

__all__ = ["Match", "Protocol", "Recognised", "Signature", "SignatureSet", "Strength"]


class Recognised(NamedTuple):
    """The protocol of a conversation, and how surely it is that."""

    protocol: str
    strength: Strength
    encrypted: bool
    first_speaker: str
    """Who speaks first according to the protocol, `client` or `server`; `` if nobody must."""


class Match(NamedTuple):
    """A signature, as what comes from one side may fit it."""

    number: int
    """The smaller one wins: the surer one, among equally sure ones the upper one in the file."""
    strength: Strength
    """What it proves, coming from the side at hand."""
    signature: Signature


class SignatureSet:
    """All signatures, laid out so that a payload meets only those that share its first byte."""

    def __init__(self, protocols: Mapping[str, Protocol], signatures: Iterable[Signature]) -> None:
        """Rank the signatures by who may speak so."""
        self.protocols = dict(protocols)
        self.signatures = tuple(signatures)
        sides = (CLIENT, SERVER, EITHER)
        self.ranked = {side: self._rank(side) for side in sides}
        """By side, the signatures that it may speak; item i has number i."""
        self.layouts: dict[tuple[str, int, str], tuple[Candidates, NDArray[np.int16]]] = {}
        """What auditor.evidence.recognition has laid out of them so far."""
        self._columns: dict[tuple[str, int, int], tuple[Match, ...]] = {}

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
        client = self.best(CLIENT, transport, client_head)
        server = self.best(SERVER, transport, server_head)
        return self.agreed(client, server)

    def agreed(self, client: Match | None, server: Match | None) -> Recognised | None:
        """Name the protocol of a conversation by the best match of each side."""
        best = self._surer(client, server)
        if best is None:
            return None
        protocol = self.protocols[best.signature.protocol]
        return Recognised(protocol.id, best.strength, protocol.encrypted, protocol.first_speaker)

    def side_of_server(
        self, transport: int, head_a: tuple[bytes, ...], head_b: tuple[bytes, ...]
    ) -> str:
        """Name the server, `a` or `b`, by payload alone; `` where it does not tell."""
        a, b = (self.sender(transport, head) for head in (head_a, head_b))
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

    def _rank(self, side: str) -> tuple[Match, ...]:
        """Order the signatures that `side` may speak, the surest first."""
        ranked = []
        for order, signature in enumerate(self.signatures):
            strength = _strength_from(signature, side)
            if strength is None:
                continue
            # A sure use of a protocol stands beside the proofs, lest its general form hide it.
            special = self.protocols[signature.protocol].kind_of and strength > Strength.WEAK
            rank = Strength.PROOF if special else strength
            ranked.append((-rank, order, strength, signature))
        ranked.sort(key=itemgetter(0, 1))
        return tuple(
            Match(number, strength, signature)
            for number, (_, _, strength, signature) in enumerate(ranked)
        )

    def _meeting(self, side: str, transport: int, payload: bytes) -> tuple[Match, ...]:
        """Give what may fit, the surest first; laid out when a first byte turns up for once."""
        key = side, transport, payload[0]
        if key not in self._columns:
            self._columns[key] = tuple(
                match
                for match in self.ranked[side]
                if transport in match.signature.transports
                and payload[0] in match.signature.first_bytes
            )
        return self._columns[key]

    def _matches(self, side: str, transport: int, payloads: tuple[bytes, ...]) -> Iterator[Match]:
        for place, payload in enumerate(payloads):
            for match in self._meeting(side, transport, payload) if payload else ():
                if match.signature.fits(payloads, place):
                    yield match

    def best(
        self, side: str, transport: int, payloads: tuple[bytes, ...], below: int | None = None
    ) -> Match | None:
        """Give the surest signature that what one side sent fits.

        below: the number from which on none matters, as `decisive` tells; None = all matter.
        """
        best: Match | None = None
        bound = len(self.signatures) if below is None else below
        for place, payload in enumerate(payloads if bound else ()):
            for match in self._meeting(side, transport, payload) if payload else ():
                if match.number >= bound:
                    break
                if match.signature.fits(payloads, place):
                    best, bound = match, match.number
                    break
        return best

    @cached_property
    def decisive(self) -> NDArray[np.int16]:
        """Say how far a client's matches can outdo its server's, whom the same bytes settle.

        Item i is for the server's match with number i, the last one for none: the client's number
        from which on `agreed` is the same as if the client had said nothing.
        """
        client, server = self.ranked[CLIENT], self.ranked[SERVER]
        protocols = {protocol: place for place, protocol in enumerate(self.protocols)}
        refines = np.zeros((len(protocols), len(protocols)), bool)
        for protocol, place in protocols.items():
            ancestor = self.protocols[protocol].kind_of
            while ancestor:
                refines[place, protocols[ancestor]] = True
                ancestor = self.protocols[ancestor].kind_of
        of_client = np.array([protocols[each.signature.protocol] for each in client], np.intp)
        of_server = np.array([protocols[each.signature.protocol] for each in server], np.intp)
        surely = np.array([each.strength for each in client])[:, None]
        known = np.array([each.strength for each in server])[None, :]
        finer = refines[of_client[:, None], of_server] & (surely > Strength.WEAK)
        coarser = refines[of_server, of_client[:, None]] & (known > Strength.WEAK)
        outdone = finer | (~coarser & (surely > known))
        numbers = np.arange(1, len(client) + 1)[:, None]
        return np.append((outdone * numbers).max(axis=0, initial=0), len(client)).astype(np.int16)

    def _surer(self, client: Match | None, server: Match | None) -> Match | None:
        if client is None or server is None:
            return client or server
        for one, other in ((client, server), (server, client)):
            special, general = one.signature.protocol, other.signature.protocol
            refines = special != general and self.is_kind_of(special, general)
            if refines and one.strength is not Strength.WEAK:
                return one
        return client if client.strength > server.strength else server

    def sender(self, transport: int, payloads: tuple[bytes, ...]) -> str:
        """Say who speaks so, CLIENT or SERVER; `` where both may or the protocol is unsure."""
        best = self.best(EITHER, transport, payloads)
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
        best = self.best(EITHER, transport, payloads)
        if best is None or best.strength is not Strength.PROOF:
            return ""
        return self.protocols[best.signature.protocol].first_speaker


def _strength_from(signature: Signature, side: str) -> Strength | None:
    """Say what a match proves when `side` sent it; None if it then proves nothing."""
    if EITHER in {side, signature.sender} or side == signature.sender:
        return signature.strength
    if signature.strength is Strength.WEAK:
        return None
    return Strength(signature.strength - 1)
