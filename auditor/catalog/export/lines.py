"""The catalog flat: one line per row, transport and port range."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditor.catalog.model import Catalog, Rule, Service


@dataclass(frozen=True, slots=True)
class Line:
    """One service of one rule; a rule without services has one line all the same."""

    edition: str
    row: int | None
    origin: str
    rule_id: str
    group: str
    product: str
    source_roles: tuple[str, ...]
    destination_roles: tuple[str, ...]
    destination_names: tuple[str, ...]
    transport: str | None
    transport_basis: str | None
    port_low: int | None
    """None where the document gives no number."""
    port_high: int | None
    need: str
    condition: str | None
    caveats: tuple[str, ...]
    purpose: str


COLUMNS = tuple(field.name for field in fields(Line))


def export_lines(catalog: Catalog, packs: Sequence[str]) -> list[Line]:
    """List the services of all rules of some packs, in the catalog's order."""
    return [
        _line(catalog.edition, rule, service)
        for rule in catalog.rules
        if rule.pack in packs
        for service in rule.services or (None,)
    ]


def _line(edition: str, rule: Rule, service: Service | None) -> Line:
    # Where a port is random the rule's range is ours, not the document's: it gives no number.
    numbered = service is not None and "random-port" not in rule.caveats
    return Line(
        edition=edition,
        row=rule.row,
        origin=rule.origin,
        rule_id=rule.id,
        group=rule.group,
        product=rule.product,
        source_roles=rule.sources,
        destination_roles=rule.destinations,
        destination_names=rule.destination_names,
        transport=service.transport if service else None,
        transport_basis=rule.transport_basis if service else None,
        port_low=service.low if service and numbered else None,
        port_high=service.high if service and numbered else None,
        need=rule.need,
        condition=rule.condition or None,
        caveats=rule.caveats,
        purpose=rule.purpose,
    )
