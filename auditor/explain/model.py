"""Everything known of one flow, as values: what text and JSON lay out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditor.catalog.model import Rule
    from auditor.evidence.names import SeenName
    from auditor.judge.vocabulary import Verdict
    from auditor.report.picking import PickedFrame


@dataclass(frozen=True, slots=True)
class Payload:
    """What one side said first."""

    data: bytes
    """TCP and SCTP: the stream from its beginning, as far as kept; others: the first datagram."""
    time_ns: int


@dataclass(frozen=True, slots=True)
class End:
    """One end of the flow."""

    address: str
    port: int | None
    name: str | None
    """As the site file has it."""
    roles: tuple[str, ...]
    """Declared, or given by a name that was seen."""
    implied: tuple[str, ...]
    """Roles that follow from those."""
    listed: bool
    special: str
    """`broadcast`, `multicast`, `loopback` or ``."""
    packets: int
    bytes: int
    flags: tuple[str, ...]
    """What it was seen to send: SYN, SYN+ACK, ACK, data, FIN, RST."""
    payload: Payload | None


@dataclass(frozen=True, slots=True)
class Considered:
    """A rule that was held against the flow."""

    rule: Rule
    services: tuple[str, ...]
    """Those of its services that cover the flow's port."""
    source_fits: bool
    destination_fits: bool
    matches: bool
    """It covers the flow."""
    cited: bool
    """The verdict rests on it."""
    why: str


@dataclass(frozen=True, slots=True)
class Consideration:
    """The rules of one service, those that tell most first."""

    title: str
    rules: tuple[Considered, ...]


@dataclass(frozen=True, slots=True)
class HeardName:
    """A name seen for the server, and what it is worth here."""

    seen: SeenName
    how: str


@dataclass(frozen=True, slots=True)
class FoundOf:
    """A finding that rests on the flow."""

    finding_id: str
    kind: str
    severity: str
    accepted: bool
    title: str
    reason: str
    advice: str
    flows: int


@dataclass(frozen=True, slots=True)
class Dissection:
    """What Wireshark makes of a frame."""

    protocols: str
    """Layers from the outside in, such as `eth:ip:tcp:tls`."""
    details: tuple[str, ...]
    """What the layers above the transport begin with, then Wireshark's own remarks."""


@dataclass(frozen=True, slots=True)
class Frames:
    """The flow's first frames, read once more, beside Wireshark's view of them."""

    picked: tuple[PickedFrame, ...] = ()
    dissections: tuple[Dissection, ...] = ()
    """As picked, or none at all."""
    unavailable: str = ""
    """Why the capture was not read again."""
    wireshark_unavailable: str = ""
    """Why there are no dissections."""


@dataclass(frozen=True, slots=True)
class OtherSide:
    """A flow on the other side of a proxy that joins it with this one."""

    flow_id: int
    client: str
    server: str
    service: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Story:
    """One flow."""

    flow_id: int
    row: Mapping[str, object]
    """The flow's row in the flow table, as JSON has it."""
    client: End
    server: End
    outcome_why: str
    direction_why: str
    verdict: Verdict
    names: tuple[HeardName, ...]
    considered: tuple[Consideration, ...]
    findings: tuple[FoundOf, ...]
    first_ns: int
    last_ns: int
    edition: str
    hosts_file: str | None
    frames: Frames
    other_sides: tuple[OtherSide, ...] = ()
