"""A flow's story as lines of text, none wider than 100 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.catalog.wording import ends, place
from auditor.explain.hexdump import hexdump
from auditor.explain.words import CAVEATS, VERDICTS, VERIFICATIONS
from auditor.judge.vocabulary import Verification
from auditor.records import IPPROTO_TCP, TRANSPORT_NAMES
from auditor.report.text import byte_size, count, fit, listed, safe, span_text, width, wrap
from auditor.times import time_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from auditor.explain.model import Consideration, Considered, End, Frames, Story
    from auditor.report.picking import PickedFrame

_WIDTH = 100
_LABEL = 14
_PLACE = 9
_INDENT = "  "

_MOST_NAMES = 12
_MOST_SIDES = 8
_MOST_BYTES = 128
_MOST_IMPLIED = 6

_FLAGS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG")
_TCP = TRANSPORT_NAMES[IPPROTO_TCP]


def story_lines(story: Story) -> Iterator[str]:
    """Tell a flow: the facts, the judgement, the rules, the bytes."""
    yield fit(safe(_title(story)), _WIDTH)
    yield ""
    yield from _facts(story)
    yield ""
    yield from _judgement(story)
    for consideration in story.considered:
        yield ""
        yield from _consideration(consideration)
    yield from _payloads(story)
    yield ""
    yield from _frames(story)
    for consideration in story.considered:
        yield from _far(consideration)


def _title(story: Story) -> str:
    row = story.row
    service = f"{row['transport']}"
    if story.server.port is not None:
        service += f"/{story.server.port}"
    ends_text = f"{_name(story.client)} -> {_name(story.server)} {service}"
    return f"flow {story.flow_id}: {ends_text}   {story.verdict}, {row['outcome']}"


def _name(end: End) -> str:
    return end.name or end.address


def _facts(story: Story) -> Iterator[str]:
    row = story.row
    yield from _pair("Client", _end_text(story.client))
    yield from _pair("Server", _end_text(story.server))
    span = span_text(story.last_ns - story.first_ns)
    yield from _pair("Time", f"{time_text(story.first_ns)}, {span}")
    sent = "; ".join(
        f"{who} {count(end.packets, 'packet')}, {byte_size(end.bytes)}{_flags_text(end)}"
        for who, end in (("client", story.client), ("server", story.server))
    )
    yield from _pair("Sent", sent)
    yield from _pair("First frame", f"{row['first_frame']} of {row['capture']}")
    for label, value in (("VLAN", row["vlan"]), ("Tunnel", row["tunnel"])):
        if value:
            yield from _pair(label, listed(value, 8) if isinstance(value, list) else str(value))
    sides = [
        f"flow {side.flow_id}: {side.client} -> {side.server} {side.service}, {side.outcome}"
        for side in story.other_sides
    ]
    yield from _several("Other side", sides, _MOST_SIDES)
    yield from _pair("Outcome", f"{row['outcome']}: {story.outcome_why}")
    yield from _pair("Direction", story.direction_why)
    told = [f"{name.seen.name} ({name.seen.kind}), {name.how}" for name in story.names]
    yield from _several("Server names", told, _MOST_NAMES)


def _end_text(end: End) -> str:
    port = "" if end.port is None else f" port {end.port}"
    who = f"{end.name} {end.address}{port}" if end.name else f"{end.address}{port}"
    parts = [who]
    if end.special:
        parts.append(f"a {end.special} address")
    if end.roles:
        implied = f", which implies {listed(end.implied, _MOST_IMPLIED)}" if end.implied else ""
        parts.append(f"{', '.join(end.roles)}{implied}")
    elif not end.special:
        parts.append("in the site file without a role" if end.listed else "no known role")
    return "; ".join(parts)


def _flags_text(end: End) -> str:
    return f" ({', '.join(end.flags)})" if end.flags else ""


def _judgement(story: Story) -> Iterator[str]:
    row = story.row
    yield from _pair("Verdict", f"{story.verdict}: {VERDICTS[story.verdict]}")
    caveats = row["caveats"]
    assert isinstance(caveats, list)
    yield from _several("Caveats", [f"{word}: {CAVEATS.get(word, '')}" for word in caveats], 20)
    verification = Verification(str(row["verification"]))
    application = f"{row['application']}; " if row["application"] else ""
    meaning = VERIFICATIONS[verification]
    if story.client.payload is None and story.server.payload is None:
        meaning = "neither side sent any"
    yield from _pair("Payload", f"{application}{verification}: {meaning}")
    for finding in story.findings:
        others = f" ({count(finding.flows, 'flow')} in all)" if finding.flows > 1 else ""
        accepted = ", accepted by the site" if finding.accepted else ""
        text = f"{finding.severity}{accepted}: {finding.title}{others}"
        yield from _several("Finding", [text, finding.reason, finding.advice], 3)
    site = f"site file {story.hosts_file}" if story.hosts_file else "no site file"
    yield from _pair("Held against", f"paper edition {story.edition}, {site}")


def _consideration(consideration: Consideration) -> Iterator[str]:
    rules = consideration.rules
    if not rules:
        yield f"No rule is on {consideration.title}."
        return
    near = [held for held in rules if _is_near(held)]
    far = len(rules) - len(near)
    rest = f"; of {far} neither end fits" if far else ""
    yield f"{count(len(rules), 'rule')} on {consideration.title}{rest}"
    for held in near:
        yield from _rule(held)


def _far(consideration: Consideration) -> Iterator[str]:
    """List the rules that are about quite other hosts: for who looks for one that is missing."""
    far = [held for held in consideration.rules if not _is_near(held)]
    if far:
        yield ""
        yield f"On {consideration.title} for other hosts at both ends"
    for held in far:
        # The roles say why, except of a rule that no flow matches.
        apart = "" if held.rule.matches else f": {held.why}"
        yield from _hanging(_lead(held), f"{ends(held.rule)}  [{held.rule.id}]{apart}")


def _is_near(held: Considered) -> bool:
    return held.cited or held.source_fits or held.destination_fits


def _rule(held: Considered) -> Iterator[str]:
    yield from _hanging(_lead(held), f"{ends(held.rule)}  [{held.rule.id}]")
    mark = "cited" if held.cited else "fits" if held.matches else "no"
    yield from _hanging(" " * (_PLACE + 2), f"{mark}: {held.why}")


def _lead(held: Considered) -> str:
    return f"{_INDENT}{place(held.rule):<{_PLACE - 2}}  "


def _payloads(story: Story) -> Iterator[str]:
    for who, end in (("client", story.client), ("server", story.server)):
        payload = end.payload
        if payload is None or not payload.data:
            continue
        shown = payload.data[:_MOST_BYTES]
        after = span_text(payload.time_ns - story.first_ns)
        size = count(len(payload.data), "byte") + " kept"
        if len(shown) < len(payload.data):
            size += f", {len(shown)} shown"
        yield ""
        yield f"The {who} began, {after} into the flow ({size})"
        yield from (f"{_INDENT}{line}" for line in hexdump(shown))


def _frames(story: Story) -> Iterator[str]:
    frames = story.frames
    if frames.unavailable:
        yield from _hanging("Frames: not available (", f"{frames.unavailable})")
    else:
        yield _frames_title(story, frames)
        yield from _frame_lines(story, frames)
    if frames.wireshark_unavailable:
        reason = frames.wireshark_unavailable
        yield from _hanging("Wireshark: not available (", f"{reason})")


def _frames_title(story: Story, frames: Frames) -> str:
    packets = story.client.packets + story.server.packets
    own = sum(not frame.error for frame in frames.picked)
    text = f"{own} of {count(packets, 'frame')}" if own < packets else count(packets, "frame")
    if own < len(frames.picked):
        text += f" and {count(len(frames.picked) - own, 'ICMP error')}"
    return f"{text}{', as Wireshark dissects them' if frames.dissections else ''}"


def _frame_lines(story: Story, frames: Frames) -> Iterator[str]:
    digits = max(len(str(frame.place.number)) for frame in frames.picked)
    is_tcp = story.row["transport"] == _TCP
    protocols = [one.protocols.replace(":ethertype", "") for one in frames.dissections]
    rows = [_frame(frame, story, digits, is_tcp=is_tcp) for frame in frames.picked]
    column = max(map(len, rows)) + 2
    captures = [frame.place.capture for frame in frames.picked]
    for number, line in enumerate(rows):
        if len(set(captures)) > 1 and captures[number] not in captures[max(number - 1, 0) : number]:
            yield from _hanging(_INDENT, f"of {captures[number]}:")
        if not frames.dissections:
            yield line
            continue
        yield from _hanging(f"{line:<{column}}", protocols[number])
        for detail in frames.dissections[number].details:
            yield from _hanging(" " * (digits + 18), detail)


def _frame(frame: PickedFrame, story: Story, digits: int, *, is_tcp: bool) -> str:
    after_s = (frame.time_ns - story.first_ns) / 1e9
    arrow = "!!" if frame.error else "->" if frame.from_client else "<-"
    text = f"{_INDENT}{frame.place.number:>{digits}}  +{after_s:<11.6f} {arrow} "
    text += f"{frame.wire_len:>5} bytes"
    if frame.error:
        return f"{text}  ICMP error about it"
    if is_tcp:
        names = (name for bit, name in enumerate(_FLAGS) if frame.tcp_flags >> bit & 1)
        text += f"  {' '.join(names)}"
    return text + (f"  {frame.payload_len} of payload" if frame.payload_len else "")


def _several(label: str, texts: Sequence[str], most: int) -> Iterator[str]:
    """Write texts under one label, each on a line of its own."""
    shown = [text for text in texts if text][:most]
    for number, text in enumerate(shown):
        yield from _pair("" if number else label, text)
    if len(texts) > most:
        yield from _pair("", f"+{len(texts) - most:,} more")


def _pair(label: str, text: str) -> Iterator[str]:
    yield from _hanging(f"{_INDENT}{label:<{_LABEL}}", text)


def _hanging(lead: str, text: str) -> Iterator[str]:
    """Write text behind a lead, its further lines as far to the right."""
    indent = width(lead)
    lines: Iterable[str] = wrap(safe(text), _WIDTH - indent) or [""]
    for number, line in enumerate(lines):
        yield ((" " * indent if number else lead) + line).rstrip()
