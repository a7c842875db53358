"""Everything known of one flow, gathered from what an audit was made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.errors import UsageError
from auditor.explain.considered import consider
from auditor.explain.model import End, FoundOf, HeardName, OtherSide, Payload, Story
from auditor.explain.outcome import direction_why, flag_words, outcome_why, sides_seen
from auditor.records import NO_TIME, WITH_PORTS, address_text, transport_name
from auditor.report.notices import FindingRows
from auditor.report.text import listed, span_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from auditor.evidence.names import Names, SeenName
    from auditor.explain.model import Frames
    from auditor.judge.judged import Judged
    from auditor.report.model import Report


def check_flow_id(report: Report, flow_id: int) -> None:
    """Raise UsageError if the report has no such flow."""
    flows = len(report.tables["flows"])
    if not 1 <= flow_id <= flows:
        known = f"a flow from 1 to {flows:,}" if flows else "a capture with flows"
        raise UsageError(f"--flow: expected {known}, found {flow_id}")


def tell(report: Report, judged: Judged, names: Names, flow_id: int, frames: Frames) -> Story:
    """Gather what is known of a flow of an unfiltered report; `frames` were read separately."""
    check_flow_id(report, flow_id)
    row = flow_id - 1
    facts = judged.flows.facts[row]
    kind = int(judged.kinds.kind_of[row])
    verdict = judged.judgements[kind].verdict
    return Story(
        flow_id=flow_id,
        row=_cells(report, row),
        client=_end(judged, row, is_client=True),
        server=_end(judged, row, is_client=False),
        outcome_why=outcome_why(judged, row),
        direction_why=direction_why(judged, row),
        verdict=verdict,
        names=tuple(_names(judged, names, row)),
        considered=consider(judged, row),
        findings=tuple(_findings(report, flow_id)),
        first_ns=_first_ns(judged, row),
        last_ns=max(int(facts["last_a_ns"]), int(facts["last_b_ns"])),
        edition=report.audit.edition,
        hosts_file=report.audit.hosts_file,
        frames=frames,
        other_sides=tuple(_other_sides(report, flow_id)),
    )


def _cells(report: Report, row: int) -> Mapping[str, object]:
    return next(report.tables["flows"].take([row]).rows())


def _end(judged: Judged, row: int, *, is_client: bool) -> End:
    orientation, flows = judged.orientation, judged.flows
    facts = flows.facts[row]
    is_a = bool(orientation.client_is_a[row]) == is_client
    letter = "a" if is_a else "b"
    host = judged.hosts.table[int((orientation.client if is_client else orientation.server)[row])]
    kind = judged.kinds.kinds[int(judged.kinds.kind_of[row])]
    roles = host.roles if is_client else host.roles | kind.names.roles
    has_port = transport_name(int(facts["transport"])) in WITH_PORTS
    heads = (flows.heads_a if is_a else flows.heads_b)[row]
    data_ns = int(facts[f"data_{letter}_ns"])
    return End(
        address=host.address,
        port=int(facts[f"{letter}_port"]) if has_port else None,
        name=host.name,
        roles=tuple(sorted(roles)),
        implied=tuple(sorted(judged.book.closure(roles) - roles)),
        listed=host.listed,
        special=host.special,
        packets=int(facts[f"packets_{letter}"]),
        bytes=int(facts[f"bytes_{letter}"]),
        flags=flag_words(sides_seen(judged, row)[not is_client]),
        payload=Payload(heads[0], data_ns) if heads and data_ns != NO_TIME else None,
    )


def _other_sides(report: Report, flow_id: int) -> Iterator[OtherSide]:
    """Yield the flow that this one is linked with, then others that are linked with this one."""
    linked = report.tables["flows"].values("linked_flow")
    own = linked[flow_id - 1]
    # A client's connection may be linked with several to servers, one after the other.
    others = [row for row, other in enumerate(linked) if row + 1 == own or other == flow_id]
    for row in sorted(others, key=lambda row: (row + 1 != own, row)):
        cells = _cells(report, row)
        port = cells["server_port"]
        yield OtherSide(
            flow_id=row + 1,
            client=str(cells["client_name"] or cells["client_ip"]),
            server=str(cells["server_name"] or cells["server_ip"]),
            service=f"{cells['transport']}" + ("" if port is None else f"/{port}"),
            outcome=str(cells["outcome"]),
        )


def _first_ns(judged: Judged, row: int) -> int:
    facts = judged.flows.facts[row]
    return min(int(facts["first_a_ns"]), int(facts["first_b_ns"]))


def _names(judged: Judged, names: Names, row: int) -> Iterator[HeardName]:
    """Yield the names of the flow's own payload, then those told of its server's address."""
    orientation, hosts = judged.orientation, judged.hosts
    client = hosts.words[int(orientation.client[row])]
    told = names.address_names.get(hosts.words[int(orientation.server[row])], ())
    yield from (HeardName(seen, "in this flow's own payload") for seen in names.own[row])
    for seen in told:
        if seen.asker in {None, client}:
            yield HeardName(seen, _heard(seen, _first_ns(judged, row)))
    shown = judged.naming.shown.get(row)
    if shown is not None and shown.kind != "inventory":
        known = {seen.name for seen in (*names.own[row], *told)}
        if shown.name not in known:
            yield HeardName(shown, "in another flow of this client to the same service")
    strangers: dict[tuple[str, str], list[SeenName]] = {}
    for seen in told:
        if seen.asker not in {None, client}:
            strangers.setdefault((seen.name, seen.kind), []).append(seen)
    for group in strangers.values():
        yield HeardName(group[0], f"told to {_hosts(group)}, not to this client")


def _heard(seen: SeenName, first_ns: int) -> str:
    """Say whether a name of an address was known in time for the flow."""
    who = "heard by everyone" if seen.asker is None else "told to this client"
    if seen.time_ns > first_ns:
        return f"{who}, but {span_text(seen.time_ns - first_ns)} after the flow began"
    return f"{who} {span_text(first_ns - seen.time_ns)} before the flow began"


def _hosts(group: list[SeenName]) -> str:
    askers = dict.fromkeys(address_text(*seen.asker) for seen in group if seen.asker)
    return listed(askers, 1) if len(askers) == 1 else f"{len(askers)} other hosts"


def _findings(report: Report, flow_id: int) -> Iterator[FoundOf]:
    rows = FindingRows(report.tables["findings"])
    for row in rows.by_severity():
        flow_ids = report.finding_flows.get(rows.id[row], ())
        if flow_id in flow_ids:
            yield FoundOf(
                rows.id[row],
                rows.kind[row],
                rows.severity[row],
                rows.accepted[row],
                rows.title[row],
                rows.reason[row] or "",
                rows.advice[row] or "",
                len(flow_ids),
            )
