"""Is the payload what the port promises? Answered from bytes alone, beside the verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from auditor.evidence.promises import load_promises
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


@dataclass(frozen=True)
class Payloads:
    """What every flow was heard to speak."""

    application: list[str | None]
    """Protocol ids, None where nothing is recognised; item i belongs to flow i."""
    verification: list[Verification]
    masquerade: NDArray[np.bool_]
    """Shape (n flows,): a protocol of the off-port list where no service speaks it."""
    titles: Mapping[str, str]
    """Protocol id -> the name that people use."""
    promised: Mapping[int, tuple[str, ...]]
    """Flow -> the protocol ids that its service promises; only contradicted flows."""

    @classmethod
    def unheard(cls, count: int) -> Payloads:
        """Stand for `count` flows of which nothing is recognised."""
        nothing = np.zeros(count, dtype=bool)
        return cls([None] * count, [Verification.UNVERIFIED] * count, nothing, {}, {})

    @property
    def contradicted(self) -> NDArray[np.bool_]:
        """Mark the flows whose payload is positively another protocol."""
        return np.array([v is Verification.CONTRADICTED for v in self.verification], dtype=bool)

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

    @classmethod
    def load(cls, rules: Path) -> Listener:
        """Read the tables of a rules directory; raises RulesError."""
        signatures = SignatureSet.load(rules / "signatures.yaml")
        return cls(signatures, load_promises(rules / "services.yaml", signatures.protocols))

    def server_of(self, flows: Flows, row: int) -> str:
        """Name the server of a flow by its payload, `a` or `b`; `` where that does not tell."""
        heads = flows.heads_a[row], flows.heads_b[row]
        if not any(heads):
            return ""
        return self.signatures.side_of_server(int(flows.facts["transport"][row]), *heads)

    def listen(
        self, flows: Flows, orientation: Orientation, service_port: NDArray[np.uint32]
    ) -> Payloads:
        """Recognise the payload of every flow that has one.

        service_port: shape (n,), the port whose promise counts.
        """
        heard = Payloads.unheard(len(flows.facts))
        promises: dict[int, tuple[str, ...]] = {}
        transports = flows.facts["transport"].tolist()
        ports = service_port.tolist()
        for row, client_is_a in enumerate(orientation.client_is_a.tolist()):
            client, server = flows.heads_a[row], flows.heads_b[row]
            if not client and not server:
                continue
            if not client_is_a:
                client, server = server, client
            found = self.signatures.recognise(transports[row], client, server)
            if found is None or found.strength is Strength.WEAK:
                continue
            promised = self.promises.of(transports[row], ports[row])
            heard.application[row] = found.protocol
            heard.verification[row] = self._hold(found, promised)
            heard.masquerade[row] = self._is_any(found.protocol, self.promises.off_port) and not (
                self._is_any(found.protocol, promised)
            )
            if heard.verification[row] is Verification.CONTRADICTED:
                promises[row] = tuple(sorted(promised))
        titles = {protocol.id: protocol.title for protocol in self.signatures.protocols.values()}
        return replace(heard, titles=titles, promised=promises)

    def _hold(self, found: Recognised, promised: frozenset[str]) -> Verification:
        if not promised:
            return Verification.UNVERIFIED
        if not self._is_any(found.protocol, promised):
            return Verification.CONTRADICTED
        # SSH is sealed too, but its banner is all that a row for SSH promises.
        sealed = found.encrypted and found.protocol != "ssh"
        return Verification.ENCRYPTED if sealed else Verification.VERIFIED

    def _is_any(self, protocol: str, wanted: frozenset[str]) -> bool:
        return any(self.signatures.is_kind_of(protocol, other) for other in wanted)
