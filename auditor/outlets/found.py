"""A finding of a window as a value that outlives its report: for alerts and their memory."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditor.report.model import Report


@dataclass(frozen=True, slots=True)
class Found:
    """One row of the findings, with the addresses behind the names; times are RFC 3339 texts."""

    finding_id: str
    kind: str
    severity: str
    accepted: bool
    title: str
    client: str
    client_roles: tuple[str, ...]
    server: str
    server_roles: tuple[str, ...]
    transport: str
    port: int | None
    flows: int
    packets: int
    bytes: int
    first_seen: str | None
    last_seen: str | None
    rows: tuple[int, ...]
    rule_ids: tuple[str, ...]
    caveats: tuple[str, ...]
    reason: str | None
    advice: str | None
    evidence: tuple[str, ...]
    client_ip: str | None = None
    """Of its first flow; None for what is missing."""
    server_ip: str | None = None

    def plain(self) -> dict[str, object]:
        """Give the values as JSON holds them, in the order of the table."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def of(cls, values: Mapping[str, object]) -> Found:
        """Take values as `plain` gives them; raise ValueError if some are absent or unknown."""
        names = {field.name for field in fields(cls)}
        if not values.keys() <= names:
            raise ValueError(f"unknown: {sorted(values.keys() - names)}")
        try:
            return cls(**{n: _value(v) for n, v in values.items()})  # type: ignore[arg-type]  # read back as written
        except TypeError as error:
            raise ValueError(str(error)) from error


def _value(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def found_in(report: Report) -> list[Found]:
    """List the findings of a report, in its order."""
    ends = _ends(report)
    found = []
    for row in report.tables["findings"].rows():
        client_ip, server_ip = ends.get(row["finding_id"], (None, None))
        found.append(Found.of(row | {"client_ip": client_ip, "server_ip": server_ip}))
    return found


def _ends(report: Report) -> dict[str, tuple[str, str]]:
    """Give the addresses of the first flow of each finding that rests on any."""
    firsts = {name: ids[0] for name, ids in report.finding_flows.items() if len(ids)}
    flows = report.tables["flows"]
    kept = flows.take(np.isin(flows.array("flow_id"), list(firsts.values())))
    columns = map(kept.values, ("flow_id", "client_ip", "server_ip"))
    ends = {flow_id: (client, server) for flow_id, client, server in zip(*columns, strict=True)}
    return {name: ends[flow_id] for name, flow_id in firsts.items() if flow_id in ends}
