"""Is the payload what the port promises? Answered from bytes alone, beside the verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from auditor.evidence.coded import Coded
from auditor.evidence.promises import load_promises
from auditor.evidence.recognition import Recognition
from auditor.evidence.signatures import SignatureSet, Strength
from auditor.judge.vocabulary import Verification

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from auditor.evidence.promises import Promises
    from auditor.evidence.signatures import Recognised
    from auditor.flows import Flows
    from auditor.judge.orient import Orientation

VERIFICATIONS = tuple(Verification)
_UNVERIFIED, _CONTRADICTED = map(
    VERIFICATIONS.index, (Verification.UNVERIFIED, Verification.CONTRADICTED)
)


@dataclass(frozen=True)
class Payloads:
    """What every flow was heard to speak; item i of every column belongs to flow i.

    Each column is numbers (`code`, n small integers) beside the words that they stand for
    (`words`), so that pandas may take it whole: `Categorical.from_codes(code, words[:-1])` where
    the last word is None, for which the code is -1.
    """

    application: Coded[str | None]
    """Protocol ids, None where nothing is recognised for certain."""
    likeliest: Coded[str | None]
    """As application, with what merely fits."""
    verification: Coded[Verification]
    """Codes are indices into VERIFICATIONS."""
    masquerade: NDArray[np.bool_]
    """Shape (n flows,): a protocol of the off-port list where no service speaks it."""
    promised: Coded[tuple[str, ...]]
    """The protocol ids that its service promises; none but for contradicted flows."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """Protocol id -> the name that people use."""

    @classmethod
    def unheard(cls, count: int) -> Payloads:
        """Stand for `count` flows of which nothing is recognised."""
        nothing = np.full(count, -1, np.int16)
        return cls(
            Coded(nothing, (None,)),
            Coded(nothing, (None,)),
            Coded(np.full(count, _UNVERIFIED, np.int8), VERIFICATIONS),
            np.zeros(count, dtype=bool),
            Coded(nothing, ((),)),
        )

    @property
    def contradicted(self) -> NDArray[np.bool_]:
        """Mark the flows whose payload is positively another protocol."""
        contradicted: NDArray[np.bool_] = self.verification.code == _CONTRADICTED
        return contradicted

    def title(self, row: int) -> str:
        """Name what a flow speaks."""
        protocol = self.application[row] or ""
        return self.titles.get(protocol, protocol)


class Listener:
    """Recognises protocols and holds them against what their services promise."""

    def __init__(self, signatures: SignatureSet, promises: Promises) -> None:
        """Take both tables; they may be shared by many audits."""
        self.signatures = signatures
        self.promises = promises
        self._recognition: Recognition | None = None

    @classmethod
    def load(cls, rules: Path) -> Listener:
        """Read the tables of a rules directory; raises RulesError."""
        signatures = SignatureSet.load(rules / "signatures.yaml")
        return cls(signatures, load_promises(rules / "services.yaml", signatures.protocols))

    def forget(self) -> None:
        """Let go of the flows that were listened to last, whose payload takes its room."""
        self._recognition = None

    def servers(self, flows: Flows, rows: NDArray[np.int64]) -> NDArray[np.int8]:
        """Tell the server of some flows by their payload: 1 = b, -1 = a, 0 = it does not tell."""
        return self._recognise(flows).servers(rows)

    def listen(
        self, flows: Flows, orientation: Orientation, service_port: NDArray[np.uint32]
    ) -> Payloads:
        """Recognise the payload of every flow that has one.

        service_port: shape (n,), the port whose promise counts. Of flows that were listened to
        before, only those are read again whose client has changed.
        """
        spoken, found = self._recognise(flows).conversations(orientation.client_is_a)
        promise = self.promises.numbers(flows.facts["transport"], service_port)
        sets = self.promises.sets
        verification = np.full((len(found), len(sets)), _UNVERIFIED, np.int8)
        masquerade = np.zeros(verification.shape, bool)
        both = spoken.astype(np.int64) * len(sets) + promise
        for each in np.flatnonzero(np.bincount(both)).tolist():
            place = divmod(each, len(sets))
            recognised, promised = found[place[0]], sets[place[1]]
            if recognised is not None and recognised.strength is not Strength.WEAK:
                verification[place] = VERIFICATIONS.index(self._hold(recognised, promised))
                masquerade[place] = self._is_masquerade(recognised.protocol, promised)
        verified = verification[spoken, promise]
        protocols = tuple(self.signatures.protocols)
        fits = _codes(found, protocols, Strength.WEAK)
        sure = _codes(found, protocols, Strength.STRONG)
        return Payloads(
            Coded(sure[spoken], (*protocols, None)),
            Coded(fits[spoken], (*protocols, None)),
            Coded(verified, VERIFICATIONS),
            masquerade[spoken, promise],
            Coded(
                np.where(verified == _CONTRADICTED, promise, -1).astype(np.int16),
                (*(tuple(sorted(each)) for each in sets), ()),
            ),
            {protocol.id: protocol.title for protocol in self.signatures.protocols.values()},
        )

    def _recognise(self, flows: Flows) -> Recognition:
        """Remember the latest flows: they are judged again once roles are inferred."""
        if self._recognition is None or self._recognition.flows is not flows:
            self._recognition = Recognition(self.signatures, flows)
        return self._recognition

    def _hold(self, found: Recognised, promised: frozenset[str]) -> Verification:
        if not promised:
            return Verification.UNVERIFIED
        if not self._is_any(found.protocol, promised):
            return Verification.CONTRADICTED
        # SSH is sealed too, but its banner is all that a row for SSH promises.
        sealed = found.encrypted and found.protocol != "ssh"
        return Verification.ENCRYPTED if sealed else Verification.VERIFIED

    def _is_masquerade(self, protocol: str, promised: frozenset[str]) -> bool:
        return self._is_any(protocol, self.promises.off_port) and not (
            self._is_any(protocol, promised)
        )

    def _is_any(self, protocol: str, wanted: frozenset[str]) -> bool:
        return any(self.signatures.is_kind_of(protocol, other) for other in wanted)


def _codes(
    found: list[Recognised | None], protocols: tuple[str, ...], least: Strength
) -> NDArray[np.int16]:
    """Give the places of the protocols found at least so surely, -1 for the rest."""
    return np.array(
        [
            -1 if each is None or each.strength < least else protocols.index(each.protocol)
            for each in found
        ],
        np.int16,
    )
