"""The part of a report that rests on some of its flows."""

from __future__ import annotations

import warnings
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from auditor.errors import UsageError
from auditor.report.expression import check_expression
from auditor.report.layouts import FINDINGS, FLOWS
from auditor.report.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from auditor.report.table import Column

_MEASURED = ("packets_out", "packets_in", "bytes_out", "bytes_in", "first_seen", "last_seen")
_TEXTS = frozenset(name for name, kind in FLOWS.items() if kind in {"text", "list"})


def select_flows(flows: Table, expression: str) -> Table:
    """Keep the rows for which a pandas query holds.

    Lists read as in CSV, joined by `;`. A missing value equals nothing and differs from everything.
    Times without an offset are UTC. Raises UsageError.
    """
    return flows.take(_mask(_askable(flows.frame), expression))


def _mask(flows: pd.DataFrame, expression: str) -> NDArray[np.bool_]:
    try:
        check_expression(expression, _TEXTS)
        try:
            answer = _ask(flows, expression)
        except TypeError:
            # pandas compares no column of UTC times with a time that has no offset.
            answer = _ask(_without_offset(flows), expression)
        if len(answer) != len(flows):
            raise TypeError("expected a yes or no for each flow")  # noqa: TRY301 - reported below
        mask = pd.Series(answer, dtype="boolean").fillna(value=False).to_numpy(dtype=np.bool_)
    except Exception as error:  # whatever pandas raises, the expression is at fault
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(f"filter {expression!r}: {reason}") from error
    return mask


def _ask(flows: pd.DataFrame, expression: str) -> list[object]:
    with warnings.catch_warnings():
        # Such as that a pattern has groups, which is no mistake.
        warnings.simplefilter("ignore")
        # Names behind @ would reach into this program's variables.
        answer = flows.eval(expression, engine="python", local_dict={}, global_dict={})
    if isinstance(answer, (pd.Series, pd.Index)):
        return answer.tolist()
    if isinstance(answer, np.ndarray):
        values: list[object] = answer.tolist()
        return values
    raise TypeError("expected a yes or no for each flow")


def _askable(flows: pd.DataFrame) -> pd.DataFrame:
    plain: dict[str, pd.Series] = {}
    for name, column in flows.items():
        kind = FLOWS[str(name)]
        if kind == "list":
            joined = [";".join(map(str, values)) for values in column]
            plain[str(name)] = pd.Series(joined, index=flows.index, dtype=object)
        elif kind in {"port", "id"}:
            # NA != 443 is NA, and a row with NA would drop out of `server_port != 443`.
            plain[str(name)] = column.astype("float64")
        else:
            plain[str(name)] = column
    return pd.DataFrame(plain, index=flows.index)


def _without_offset(flows: pd.DataFrame) -> pd.DataFrame:
    naive = {name: flows[name].dt.tz_localize(None) for name in ("first_seen", "last_seen")}
    return flows.assign(**naive)


def narrow_findings(
    findings: Table, flows: Table, finding_flows: Mapping[str, Sequence[int]]
) -> Table:
    """Keep the findings that rest on `flows`, with counts, times and evidence of those alone.

    finding_flows: finding_id -> flow_ids, all of them in `flows`, none empty.
    """
    kept = findings.take(findings.where("finding_id", finding_flows))
    links = [finding_flows[name] for name in kept.values("finding_id")]
    if not links:
        return kept
    evidence = _evidence(flows, links, kept.values("evidence"))
    return Table.of(FINDINGS, {**kept.columns, **_measured(flows, links), "evidence": evidence})


def _measured(flows: Table, links: Sequence[Sequence[int]]) -> dict[str, Column]:
    """Count, sum and span the flows of each finding."""
    sizes = np.array(list(map(len, links)))
    starts = np.cumsum(sizes) - sizes
    wanted = np.fromiter(chain.from_iterable(links), dtype=np.int64, count=int(sizes.sum()))
    rows = flows.array("flow_id").searchsorted(wanted)
    own = {name: flows.array(name)[rows] for name in _MEASURED}
    return {
        "flows": sizes,
        "packets": np.add.reduceat(own["packets_out"] + own["packets_in"], starts),
        "bytes": np.add.reduceat(own["bytes_out"] + own["bytes_in"], starts),
        "first_seen": np.minimum.reduceat(own["first_seen"], starts),
        "last_seen": np.maximum.reduceat(own["last_seen"], starts),
    }


def _evidence(
    flows: Table, links: Sequence[Sequence[int]], named: Sequence[list[str]]
) -> list[object]:
    """Keep the frames that flows still begin with; of those none, name that of the first flow."""
    begins = zip(*map(flows.values, ("flow_id", "capture", "first_frame")), strict=True)
    place_of = {flow_id: f"{capture}:{number}" for flow_id, capture, number in begins}
    found: list[object] = []
    for flow_ids, evidence in zip(links, named, strict=True):
        own = {place_of[flow_id] for flow_id in flow_ids}
        found.append([place for place in evidence if place in own] or [place_of[flow_ids[0]]])
    return found
