"""What the heads of all flows show, found once and side by side.

Few heads are read one by one; many are held against the signatures together, compiled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.evidence.many import blocks, has_many_heads
from auditor.evidence.signature_model import CLIENT, EITHER, SERVER, Strength
from auditor.records import IPPROTO_TCP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from auditor.evidence.candidates import Candidates
    from auditor.evidence.signatures import Recognised, SignatureSet
    from auditor.flows import Flows

    Rows = NDArray[np.int64]

_NOBODY, _SENDERS = 0, {CLIENT: 1, SERVER: 2}


class Recognition:
    """Recognises the protocols of flows, and remembers what each side's heads show."""

    def __init__(self, signatures: SignatureSet, flows: Flows, *, many: bool | None = None) -> None:
        """Take flows; nothing is read before it is asked for.

        many: whether to use compiled code; None = where it is worth it.
        """
        self.flows = flows
        self._signatures = signatures
        self._transport = flows.facts["transport"]
        self._heads = {"a": flows.heads_a, "b": flows.heads_b}
        self._many = has_many_heads(flows) if many is None else many
        self._best: dict[tuple[str, str], NDArray[np.int16]] = {}

    def conversations(
        self, client_is_a: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int16], list[Recognised | None]]:
        """Recognise every flow: a number each, (n,), and what the numbers stand for; 0 = nothing.

        client_is_a: (n,). For flows whose client stays the same nothing is read twice.
        """
        rows = {"a": np.flatnonzero(client_is_a), "b": np.flatnonzero(~client_is_a)}
        client, server = np.empty((2, len(client_is_a)), np.int64)
        # Mostly the server's answer leaves nothing that the client's bytes could add.
        decisive = self._signatures.decisive
        for mine, yours in ("ab", "ba"):
            answer = self._best_of(SERVER, yours, rows[mine])
            server[rows[mine]] = answer
            client[rows[mine]] = self._best_of(CLIENT, mine, rows[mine], decisive[answer])
        ranked = self._signatures.ranked
        pair = (client + 1) * (len(ranked[SERVER]) + 1) + server + 1
        number = np.zeros((len(ranked[CLIENT]) + 1) * (len(ranked[SERVER]) + 1), np.int16)
        found: list[Recognised | None] = [None]
        for each in np.flatnonzero(np.bincount(pair)).tolist():
            of_client, of_server = divmod(each, len(ranked[SERVER]) + 1)
            if of_client or of_server:
                number[each] = len(found)
                matches = (
                    ranked[side][place - 1] if place else None
                    for side, place in ((CLIENT, of_client), (SERVER, of_server))
                )
                found.append(self._signatures.agreed(*matches))
        return number[pair], found

    def servers(self, rows: Rows) -> NDArray[np.int8]:
        """Tell the server of some flows by payload alone: 1 = b, -1 = a, 0 = it does not tell."""
        a, b = (self._senders(letter, rows) for letter in "ab")
        mute = (a == _NOBODY) & (b == _NOBODY)
        for senders, mine, yours in ((a, "a", "b"), (b, "b", "a")):
            alone = mute & (self._transport[rows] == IPPROTO_TCP)
            alone &= self._heads[yours].length[rows, 0] == 0
            senders[alone] = self._first_speakers(mine, rows[alone])
        b_serves = (a == _SENDERS[CLIENT]) | (b == _SENDERS[SERVER])
        return np.where(a == b, 0, np.where(b_serves, 1, -1)).astype(np.int8)

    def _senders(self, letter: str, rows: Rows) -> NDArray[np.int8]:
        """Say who speaks as one side does, as `SignatureSet.sender`."""
        ranked = self._signatures.ranked[EITHER]
        best = self._best_of(EITHER, letter, rows)
        senders = np.full(len(rows), _NOBODY, np.int8)
        sure = np.array([each.strength > Strength.WEAK for each in ranked], bool)
        protocols = np.array([each.signature.protocol for each in ranked], object)
        for number in np.flatnonzero(np.bincount(best + 1)[1:]).tolist():
            if not sure[number]:
                continue
            protocol = protocols[number]
            those = np.flatnonzero(best == number)
            senders[those] = self._sides_of(protocol, letter, rows[those])
        return senders

    def _sides_of(self, protocol: str, letter: str, rows: Rows) -> NDArray[np.int8]:
        """Tell the sides of one protocol apart."""
        heads = self._heads[letter]
        senders = np.full(len(rows), _NOBODY, np.int8)
        for transport, those in self._by_transport(rows):
            if self._many:
                candidates, codes = self._laid_out(EITHER, transport, protocol)
                found = candidates.first_in_order(heads.select(rows[those]))
                senders[those] = np.append(codes, _NOBODY)[found]
            else:
                senders[those] = [
                    _SENDERS.get(self._signatures.sender(transport, heads[row]), _NOBODY)
                    for row in rows[those].tolist()
                ]
        return senders

    def _first_speakers(self, letter: str, rows: Rows) -> NDArray[np.int8]:
        """Say who speaks first of those that speak so beyond doubt."""
        protocols = self._signatures.protocols
        speakers = [
            _SENDERS.get(protocols[each.signature.protocol].first_speaker, _NOBODY)
            if each.strength is Strength.PROOF
            else _NOBODY
            for each in self._signatures.ranked[EITHER]
        ]
        return np.array([*speakers, _NOBODY], np.int8)[self._best_of(EITHER, letter, rows)]

    def _best_of(
        self, side: str, letter: str, rows: Rows, below: NDArray[np.int16] | None = None
    ) -> NDArray[np.int16]:
        """Give the number of the best match of one endpoint's heads, -1 for none.

        below: (n rows,), from which number on a match counts for nothing; None = all count. Of one
        side of a flow it must be the same each time, for what is found is remembered.
        """
        unasked = -2
        if (side, letter) not in self._best:
            blank = np.where(self._heads[letter].length[:, 0] > 0, unasked, -1)
            self._best[side, letter] = blank.astype(np.int16)
        best = self._best[side, letter]
        new = np.flatnonzero(best[rows] == unasked)
        if below is None:
            below = np.full(len(rows), len(self._signatures.ranked[side]), np.int16)
        best[rows[new[below[new] == 0]]] = -1
        new = new[below[new] > 0]
        for transport, those in self._by_transport(rows[new]):
            place = new[those]
            best[rows[place]] = self._read(side, transport, letter, rows[place], below[place])
        return best[rows]

    def _read(
        self, side: str, transport: int, letter: str, rows: Rows, below: NDArray[np.int16]
    ) -> NDArray[np.int16]:
        heads = self._heads[letter]
        if self._many:
            candidates, numbers = self._laid_out(side, transport, "")
            bound = np.searchsorted(numbers, below).astype(np.int16)
            best = np.empty(len(rows), np.int16)
            for part, block in blocks(heads, rows):
                best[part] = candidates.first(block, bound[part])
            return np.append(numbers, np.int16(-1))[best]
        matches = (
            self._signatures.best(side, transport, heads[row], bound)
            for row, bound in zip(rows.tolist(), below.tolist(), strict=True)
        )
        return np.fromiter((-1 if each is None else each.number for each in matches), np.int16)

    def _laid_out(
        self, side: str, transport: int, protocol: str
    ) -> tuple[Candidates, NDArray[np.int16]]:
        """Lay out what may fit, and for each its number; of one protocol, the sender's code."""
        from auditor.evidence.candidates import Candidates  # noqa: PLC0415 - numba loads slowly

        key, layouts = (side, transport, protocol), self._signatures.layouts
        if key not in layouts:
            matches = [
                match
                for match in self._signatures.ranked[side]
                if transport in match.signature.transports
                and protocol in {"", match.signature.protocol}
                and (not protocol or match.signature.sender in _SENDERS)
            ]
            codes = [_SENDERS[m.signature.sender] if protocol else m.number for m in matches]
            laid_out = Candidates([match.signature for match in matches])
            layouts[key] = laid_out, np.array(codes, np.int16)
        return layouts[key]

    def _by_transport(self, rows: Rows) -> list[tuple[int, Rows]]:
        """Part places of `rows` by their flows' transport."""
        transport = self._transport[rows]
        present = np.flatnonzero(np.bincount(transport)).tolist()
        return [(each, np.flatnonzero(transport == each)) for each in present]
