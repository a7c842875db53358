"""A report's tables as plain values, for tests that compare them with what is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pandas as pd
from truth import KnownFinding

if TYPE_CHECKING:
    from truth import KnownFlow

    import auditor


class JudgedFlow(NamedTuple):
    """What the report says of one flow."""

    transport: str
    client: str
    client_port: int | None
    server: str
    server_port: int | None
    outcome: str
    verdict: str
    verification: str
    rows: frozenset[int]
    caveats: frozenset[str]

    def joins(self, one: tuple[str, int | None], other: tuple[str, int | None]) -> bool:
        """Say whether these are the two endpoints, whoever was taken for the client."""
        ends = {(self.client, self.client_port), (self.server, self.server_port)}
        return ends == {one, other}

    def is_between(self, known: KnownFlow) -> bool:
        """Say whether a known flow has this one's two ends and its service."""
        service = (known.client, known.server, known.transport, known.port)
        return (self.client, self.server, self.transport, self.server_port) == service

    def agrees(self, known: KnownFlow) -> bool:
        """Say whether this is judged as a flow is known to be."""
        return (
            (self.outcome, self.verdict) == (known.outcome, known.verdict)
            and known.caveats <= self.caveats
            and (
                bool(known.near & self.rows)
                if known.near
                else known.rows <= self.rows <= known.rows | known.maybe
            )
        )


class Covered(NamedTuple):
    """What the report says of one group of alternatives between two roles."""

    sources: frozenset[str]
    destinations: frozenset[str]
    transports: frozenset[str]
    ports: tuple[range, ...]
    status: str
    rows: frozenset[int]

    def concerns(self, source: str, destination: str, transport: str, port: int | None) -> bool:
        """Say whether this is the group of that service between those roles."""
        return (
            source in self.sources
            and destination in self.destinations
            and transport in self.transports
            and (port is None or any(port in ports for ports in self.ports))
        )


def judged_flows(report: auditor.Report) -> list[JudgedFlow]:
    """List the flows of a report."""
    return [
        JudgedFlow(
            transport=row["transport"],
            client=row["client_ip"],
            client_port=_number(row["client_port"]),
            server=row["server_ip"],
            server_port=_number(row["server_port"]),
            outcome=row["outcome"],
            verdict=row["verdict"],
            verification=row["verification"],
            rows=frozenset(row["rows"]),
            caveats=frozenset(row["caveats"]),
        )
        for row in report.flows.to_dict("records")
    ]


def covered(report: auditor.Report) -> list[Covered]:
    """List the coverage of a report."""
    return [
        Covered(
            sources=frozenset(row["source_roles"]),
            destinations=frozenset(row["destination_roles"]),
            transports=frozenset(str(row["transport"]).split(",")),
            ports=tuple(map(_ports, row["ports"])),
            status=row["status"],
            rows=frozenset(row["rows"]),
        )
        for row in report.coverage.to_dict("records")
    ]


def found(report: auditor.Report) -> set[KnownFinding]:
    """Give the findings of a report in the form in which they are known."""
    return {
        KnownFinding(
            kind=row["kind"],
            severity=row["severity"],
            client=row["client"],
            server=row["server"],
            transport=row["transport"],
            port=_number(row["port"]),
            accepted=bool(row["accepted"]),
        )
        for row in report.findings.to_dict("records")
    }


def _number(value: float | None) -> int | None:
    return None if value is None or pd.isna(value) else int(value)


def _ports(text: object) -> range:
    """Read `443`, `6910-6930`."""
    low, _, high = str(text).partition("-")
    return range(int(low), int(high or low) + 1)
