"""A flow's story as JSON, schema 1: what the audit's JSON says of the flow, and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from auditor.explain.words import CAVEATS, VERDICTS
from auditor.times import time_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditor.explain.model import (
        Consideration,
        Considered,
        End,
        FoundOf,
        Frames,
        HeardName,
        Story,
    )

SCHEMA = 1

_MOST_BYTES = 1024


def story_json(story: Story) -> str:
    """Write a story as one JSON object, in ASCII."""
    caveats = story.row["caveats"]
    assert isinstance(caveats, list)
    told = {
        "schema": SCHEMA,
        "flow": story.row,
        "client": _end(story.client),
        "server": _end(story.server),
        "other_sides": [side.flow_id for side in story.other_sides],
        "outcome_why": story.outcome_why,
        "direction_why": story.direction_why,
        "verdict_means": VERDICTS[story.verdict],
        "caveats_mean": {word: CAVEATS.get(word) for word in caveats},
        "edition": story.edition,
        "hosts_file": story.hosts_file,
        "names": [_name(name) for name in story.names],
        "findings": [_finding(finding) for finding in story.findings],
        "considered": [_consideration(part) for part in story.considered],
        "frames": _frames(story.frames),
        "frames_unavailable": story.frames.unavailable or None,
        "wireshark_unavailable": story.frames.wireshark_unavailable or None,
    }
    return json.dumps(told, ensure_ascii=True, allow_nan=False, indent=1)


def _end(end: End) -> Mapping[str, object]:
    payload = end.payload
    return {
        "address": end.address,
        "port": end.port,
        "name": end.name,
        "roles": end.roles,
        "implied_roles": end.implied,
        "listed": end.listed,
        "special": end.special or None,
        "packets": end.packets,
        "bytes": end.bytes,
        "seen": end.flags,
        "payload": None
        if payload is None
        else {
            "time": time_text(payload.time_ns),
            "kept": len(payload.data),
            "hex": payload.data[:_MOST_BYTES].hex(),
        },
    }


def _name(name: HeardName) -> Mapping[str, object]:
    seen = name.seen
    # A name of the site file was never seen at a time.
    time = time_text(seen.time_ns) if seen.kind != "inventory" else None
    return {"name": seen.name, "kind": seen.kind, "time": time, "how": name.how}


def _finding(finding: FoundOf) -> Mapping[str, object]:
    return {
        "finding_id": finding.finding_id,
        "kind": finding.kind,
        "severity": finding.severity,
        "accepted": finding.accepted,
        "title": finding.title,
        "reason": finding.reason,
        "advice": finding.advice,
        "flows": finding.flows,
    }


def _consideration(part: Consideration) -> Mapping[str, object]:
    return {"service": part.title, "rules": [_rule(held) for held in part.rules]}


def _rule(held: Considered) -> Mapping[str, object]:
    rule = held.rule
    return {
        "rule_id": rule.id,
        "pack": rule.pack,
        "row": rule.row,
        "services": held.services,
        "source_roles": rule.sources,
        "destination_roles": rule.destinations,
        "destination_names": rule.destination_names,
        "weak": rule.weak,
        "source_fits": held.source_fits,
        "destination_fits": held.destination_fits,
        "matches": held.matches,
        "cited": held.cited,
        "why": held.why,
        "purpose": rule.purpose,
    }


def _frames(frames: Frames) -> list[Mapping[str, object]]:
    told: list[Mapping[str, object]] = []
    for number, frame in enumerate(frames.picked):
        wireshark = frames.dissections[number] if frames.dissections else None
        told.append(
            {
                "capture": frame.place.capture,
                "frame": frame.place.number,
                "time": time_text(frame.time_ns),
                "from_client": None if frame.error else frame.from_client,
                "icmp_error": frame.error,
                "bytes": frame.wire_len,
                "payload": frame.payload_len,
                "wireshark": wireshark
                and {"protocols": wireshark.protocols, "details": wireshark.details},
            }
        )
    return told
