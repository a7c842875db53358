"""What a site file changes in the catalog or in its judgement: overrides, exceptions, deny."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.catalog.model import Service
from auditor.catalog.services import parse_ports, parse_service
from auditor.site.model import Acceptance, Denial, Override
from auditor.site.words import nearest, read_address, read_network

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditor.catalog.model import Rule
    from auditor.documents import Entry
    from auditor.site.model import SiteHost, SiteNetwork
    from auditor.site.reading import Reading

_EXCEPTION_KEYS = ("client", "server", "port", "reason", "owner", "until")


def read_overrides(reading: Reading, top: Entry) -> tuple[Override, ...]:
    """Read the ports that the site moved, one entry a rule."""
    overrides: dict[str, Override] = {}
    for entry in top.entries("overrides"):
        override = _override(reading, entry)
        if override is None:
            continue
        first = overrides.setdefault(override.rule, override)
        if first is not override:
            entry.report("rule", f"rule {override.rule!r} is moved here and in {first.source}")
    return tuple(overrides.values())


def read_exceptions(
    reading: Reading,
    top: Entry,
    hosts: Sequence[SiteHost],
    networks: Sequence[SiteNetwork],
) -> tuple[Acceptance, ...]:
    """Read the findings that the site accepts; `hosts` and `networks` may be called by name."""
    ends = _Ends(reading, hosts, networks)
    return tuple(_acceptance(reading, entry, ends) for entry in top.entries("exceptions"))


def read_denials(reading: Reading, top: Entry) -> tuple[Denial, ...]:
    """Read which roles must never talk."""
    denials = []
    for entry in top.entries("deny"):
        entry.allow(("from", "to"))
        client = reading.one(entry, "from", reading.roles.read)
        server = reading.one(entry, "to", reading.roles.read)
        if client is not None and server is not None:
            denials.append(Denial(client, server, reading.place(entry.line)))
    return tuple(denials)


def _override(reading: Reading, entry: Entry) -> Override | None:
    entry.allow(("rule", "ports"))
    rules = reading.catalog.by_id

    def read_rule(text: str) -> Rule:
        rule = rules.get(text)
        if rule is None:
            raise ValueError(f"rule {text!r} is not known{nearest(text, rules)}")
        if not any(service.low for service in rule.services):
            raise ValueError(f"rule {text!r} has no ports that could be moved")
        return rule

    rule = reading.one(entry, "rule", read_rule)
    transports = dict.fromkeys(each.transport for each in rule.services if each.low) if rule else {}
    moved = reading.some(entry, "ports", lambda text: _moved(text, tuple(transports)))
    if rule is None:
        return None
    services = dict.fromkeys(service for several in moved for service in several)
    return Override(rule.id, tuple(services), reading.place(entry.line))


def _moved(text: str, transports: tuple[str, ...]) -> tuple[Service, ...]:
    """Read `6910-6968`, which keeps the rule's transports, or `tcp/8080`, which names its own."""
    if not text[:1].isalpha():
        low, high = parse_ports(text)
        return tuple(Service(transport, low, high) for transport in transports)
    service = parse_service(text)
    if service.low is None:
        raise ValueError(f"expected ports such as 6910-6968 or tcp/8080, found {text!r}")
    return (service,)


def _acceptance(reading: Reading, entry: Entry, ends: _Ends) -> Acceptance:
    entry.allow(_EXCEPTION_KEYS)
    reason = reading.line(entry, "reason")
    if reason is None:
        entry.report("reason", "an exception needs a 'reason'")
    if not any(key in entry for key in ("client", "server", "port")):
        entry.report("client", "an exception needs a 'client', a 'server' or a 'port'")
    return Acceptance(
        client=reading.optional(entry, "client", ends.read),
        server=reading.optional(entry, "server", ends.read),
        service=reading.optional(entry, "port", parse_service),
        reason=reason or "",
        owner=reading.line(entry, "owner"),
        until=entry.day("until"),
        source=reading.place(entry.line),
    )


@dataclass
class _Ends:
    """The words that may stand for an end of an exception."""

    reading: Reading
    hosts: Sequence[SiteHost]
    networks: Sequence[SiteNetwork]

    def read(self, text: str) -> str:
        """Read an address, a network, a host of the file, a role or a named network.

        A named network becomes its prefix. Raises ValueError for anything else.
        """
        word = text.casefold()
        host = next(
            (each.name for each in self.hosts if (each.name or "").casefold() == word), None
        )
        if host:
            return host
        if text in self.reading.catalog.roles:
            return text
        called = [str(each.network) for each in self.networks if each.name == text]
        if len(called) == 1:
            return called[0]
        if "/" in text:
            return str(read_network(text))
        if called:
            raise ValueError(f"several networks are called {text!r}; write one of {called}")
        try:
            return str(read_address(text))
        except ValueError:
            raise ValueError(
                f"{text!r} is no address, no network, no role and no host of this file"
                f"{self._hint(text)}"
            ) from None

    def _hint(self, text: str) -> str:
        names = [*(each.name for each in self.hosts), *(each.name for each in self.networks)]
        return nearest(text, filter(None, names)) or self.reading.roles.hint(text)
