"""One alert, and how it is written: as this program names things, or as ECS does."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from auditor import __version__
from auditor.errors import UsageError
from auditor.outlets.sinks.message import Message
from auditor.report.model import TOOL
from auditor.report.text import count
from auditor.times import time_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from auditor.outlets.found import Found

SCHEMA = 1
ECS_VERSION = "8.11.0"


class Event(StrEnum):
    """What happened to a finding."""

    APPEARED = "appeared"
    CHANGED = "changed"
    RESOLVED = "resolved"
    HELD_BACK = "held-back"
    """Not one finding: the sum of those that the rate limit keeps for later."""


@dataclass(frozen=True, slots=True)
class Before:
    """What a changed finding was."""

    severity: str
    accepted: bool


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to tell."""

    event: Event
    sensor: str
    time_ns: int
    """End of the window in which it was noticed."""
    found: Found | None = None
    """None for HELD_BACK alone."""
    before: Before | None = None
    held_back: Mapping[str, int] = field(default_factory=dict)
    """Severity -> findings that wait, for HELD_BACK."""

    @property
    def severity(self) -> str:
        """Say how loud it is: what is accepted, resolved or a sum is `info`."""
        found = self.found
        if found is None or found.accepted or self.event is Event.RESOLVED:
            return "info"
        return found.severity

    @property
    def text(self) -> str:
        """Tell it in a sentence."""
        found = self.found
        if found is None:
            parts = ", ".join(f"{n:,} {word}" for word, n in self.held_back.items() if n)
            total = count(sum(self.held_back.values()), "alert")
            return f"{total} held back by the rate limit: {parts}"
        if self.event is Event.RESOLVED:
            return f"no longer seen: {found.title}"
        if self.before is not None:
            return f"{_standing(self.before)}, now {_standing(found)}: {found.title}"
        return f"{found.title}; {found.reason}" if found.reason else found.title


def _standing(of: Before | Found) -> str:
    return f"{of.severity} (accepted)" if of.accepted else of.severity


def message(alert: Alert, form: str) -> Message:
    """Write an alert in the format of that name."""
    line = json.dumps(FORMATS[form](alert), ensure_ascii=True, allow_nan=False)
    return Message(alert.time_ns, alert.severity, alert.event.value, line)


def check_format(form: str) -> None:
    """Raise UsageError if there is no format of that name."""
    if form not in FORMATS:
        raise UsageError(f"--alert-format: expected {' or '.join(FORMATS)}, found {form!r}")


def _plain(alert: Alert) -> Mapping[str, object]:
    before = alert.before
    return {
        "schema": SCHEMA,
        "time": time_text(alert.time_ns),
        "sensor": alert.sensor,
        "event": alert.event.value,
        "message": alert.text,
        "before": before and {"severity": before.severity, "accepted": before.accepted},
        "held_back": dict(alert.held_back) or None,
        **(alert.found.plain() if alert.found else {}),
    }


_ECS_SEVERITY = {"high": 73, "medium": 47, "low": 21, "info": 0}
"""ECS leaves the scale to the source; these are the steps that Elastic's own rules use."""

_ECS_TYPE = {
    "blocked": ["connection", "denied"],
    "contradicted": ["connection", "protocol"],
    "masquerade": ["connection", "protocol"],
    "missing": ["info"],
}
_ECS_TRANSPORT = {"icmpv6": "ipv6-icmp"}


def _ecs(alert: Alert) -> Mapping[str, object]:
    found = alert.found
    document: dict[str, object] = {
        "@timestamp": f"{time_text(alert.time_ns)[:-7]}Z",
        "ecs": {"version": ECS_VERSION},
        "message": alert.text,
        "event": {
            "kind": "alert",
            "category": ["network"],
            "type": _ECS_TYPE.get(found.kind, ["connection"]) if found else ["info"],
            "module": "citrix_auditor",
            "dataset": "citrix_auditor.alert",
            "action": alert.event.value,
            "severity": _ECS_SEVERITY[alert.severity],
        },
        "log": {"level": alert.severity},
        "observer": {
            "name": alert.sensor,
            "product": TOOL,
            "type": "sensor",
            "version": __version__,
        },
    }
    if found is None:
        return document | {"citrix_auditor": {"held_back": dict(alert.held_back)}}
    return document | _ecs_finding(found, alert)


def _ecs_finding(found: Found, alert: Alert) -> dict[str, object]:
    addresses = [address for address in (found.client_ip, found.server_ip) if address]
    destination = _given(address=found.server, ip=found.server_ip, port=found.port)
    network = _given(
        transport=_ECS_TRANSPORT.get(found.transport, found.transport),
        type=_network_type(found.server_ip),
        packets=found.packets if found.flows else None,
        bytes=found.bytes if found.flows else None,
    )
    before = alert.before
    return {
        "rule": _given(id=list(found.rule_ids) or None, name=found.kind, description=found.reason),
        "source": _given(address=found.client, ip=found.client_ip),
        "destination": destination,
        "network": network,
        "related": {"ip": addresses, "hosts": list(dict.fromkeys((found.client, found.server)))},
        "citrix_auditor": _given(
            **found.plain(),
            previous=before and {"severity": before.severity, "accepted": before.accepted},
        ),
    }


def _given(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


def _network_type(address: str | None) -> str | None:
    if address is None:
        return None
    try:
        # An address may carry a zone, which says nothing about its kind.
        return f"ipv{ipaddress.ip_address(address.partition('%')[0]).version}"
    except ValueError:
        return None


FORMATS: Mapping[str, Callable[[Alert], Mapping[str, object]]] = {"auditor": _plain, "ecs": _ecs}
