"""A finding of a window as a value that outlives its report: for alerts and their memory."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from auditor.report.cells import plain_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

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
    table = report.findings
    names = [str(name) for name in table.columns]
    columns = [plain_values(name, table[name]) for name in names]
    ends = _ends(report)
    found = []
    for values in zip(*columns, strict=True):
        row = dict(zip(names, values, strict=True))
        client_ip, server_ip = ends.get(str(row["finding_id"]), (None, None))
        found.append(Found.of(row | {"client_ip": client_ip, "server_ip": server_ip}))
    return found


def _ends(report: Report) -> dict[str, tuple[str, str]]:
    """Give the addresses of the first flow of each finding that rests on any."""
    firsts = {name: ids[0] for name, ids in report.finding_flows.items() if len(ids)}
    flows: pd.DataFrame = report.flows
    kept = flows.loc[flows["flow_id"].isin(set(firsts.values()))]
    ends = {
        flow_id: (str(client), str(server))
        for flow_id, client, server in zip(
            kept["flow_id"].tolist(), kept["client_ip"], kept["server_ip"], strict=True
        )
    }
    return {name: ends[flow_id] for name, flow_id in firsts.items() if flow_id in ends}
