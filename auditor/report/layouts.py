"""The tables of a report before there is a row: columns, their order, and what each holds."""

from __future__ import annotations

from typing import Literal

Kind = Literal["text", "count", "id", "number", "port", "flag", "time", "list"]
"""What a column holds.

text: str or None. count: 64 bits. id: 64 bits, or none. number: a float, or none. port: 32 bits, or
none. flag: yes or no. time: UTC to the nanosecond, or none. list: a list in every row.
"""

Layout = dict[str, Kind]
"""Kind by column name, in the order of the columns."""

FLOWS: Layout = {
    "flow_id": "count",
    "capture": "text",
    "first_seen": "time",
    "last_seen": "time",
    "duration_s": "number",
    "transport": "text",
    "client_ip": "text",
    "client_port": "port",
    "server_ip": "text",
    "server_port": "port",
    "client_name": "text",
    "server_name": "text",
    "client_roles": "list",
    "server_roles": "list",
    "packets_out": "count",
    "packets_in": "count",
    "bytes_out": "count",
    "bytes_in": "count",
    "outcome": "text",
    "application": "text",
    "verification": "text",
    "verdict": "text",
    "caveats": "list",
    "rows": "list",
    "rule_ids": "list",
    "severity": "text",
    "first_frame": "count",
    "vlan": "list",
    "tunnel": "text",
    "linked_flow": "id",
}

FLOW_FACTS: Layout = {
    "flow_id": "count",
    "capture": "text",
    "first_seen": "time",
    "last_seen": "time",
    "duration_s": "number",
    "transport": "text",
    "client_ip": "text",
    "client_port": "port",
    "server_ip": "text",
    "server_port": "port",
    "packets_out": "count",
    "packets_in": "count",
    "bytes_out": "count",
    "bytes_in": "count",
    "outcome": "text",
    "first_frame": "count",
    "vlan": "list",
    "tunnel": "text",
    "linked_flow": "id",
}
"""What is known of a flow without a site and without judgement."""

FINDINGS: Layout = {
    "finding_id": "text",
    "kind": "text",
    "severity": "text",
    "accepted": "flag",
    "title": "text",
    "client": "text",
    "client_roles": "list",
    "server": "text",
    "server_roles": "list",
    "transport": "text",
    "port": "port",
    "flows": "count",
    "packets": "count",
    "bytes": "count",
    "first_seen": "time",
    "last_seen": "time",
    "rows": "list",
    "rule_ids": "list",
    "caveats": "list",
    "reason": "text",
    "advice": "text",
    "evidence": "list",
}

COVERAGE: Layout = {
    "group": "text",
    "rows": "list",
    "rule_ids": "list",
    "product": "text",
    "source_roles": "list",
    "destination_roles": "list",
    "transport": "text",
    "ports": "list",
    "status": "text",
    "strength": "text",
    "why": "text",
    "silent": "list",
    "flows": "count",
    "clients": "count",
    "servers": "count",
}

HOSTS: Layout = {
    "address": "text",
    "name": "text",
    "name_source": "text",
    "roles": "list",
    "roles_source": "text",
    "confidence": "number",
    "evidence": "list",
    "flows": "count",
    "bytes": "count",
    "first_seen": "time",
    "last_seen": "time",
}

SESSIONS: Layout = {
    "client": "text",
    "server": "text",
    "path": "text",
    "remark": "text",
    "udp": "text",
    "tcp": "text",
    "notes": "list",
    "flows": "count",
    "bytes": "count",
    "first_seen": "time",
    "last_seen": "time",
    "rows": "list",
    "rule_ids": "list",
    "flow_ids": "list",
}

HISTORY_EDGES: Layout = {
    "client_ip": "text",
    "client_name": "text",
    "server_ip": "text",
    "server_name": "text",
    "transport": "text",
    "server_port": "port",
    "verdict": "text",
    "first_seen": "time",
    "last_seen": "time",
    "known_since": "time",
    "flows": "count",
    "answered": "count",
    "bytes": "count",
    "sensors": "count",
}

HISTORY_UNSEEN: Layout = {
    "group": "text",
    "rows": "list",
    "rule_ids": "list",
    "product": "text",
    "source_roles": "list",
    "destination_roles": "list",
    "transport": "text",
    "ports": "list",
    "status": "text",
    "strength": "text",
    "why": "text",
    "observable_s": "number",
    "last_seen": "time",
}

HISTORY_WINDOWS: Layout = {
    "sensor": "text",
    "first_seen": "time",
    "last_seen": "time",
    "duration_s": "number",
    "gap_s": "number",
    "frames": "count",
    "bytes": "count",
    "dropped": "number",
    "flows": "count",
    "left_out": "count",
    "edition": "text",
}

HISTORY_SIZE: Layout = {
    "part": "text",
    "entries": "count",
    "first_seen": "time",
    "last_seen": "time",
    "stored_bytes": "id",
}

KINDS: Layout = (
    FLOWS
    | FLOW_FACTS
    | FINDINGS
    | COVERAGE
    | HOSTS
    | SESSIONS
    | HISTORY_EDGES
    | HISTORY_UNSEEN
    | HISTORY_WINDOWS
    | HISTORY_SIZE
)
"""Kind by column name: a name means the same in every table that has it."""
