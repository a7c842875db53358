"""The part of a report that rests on some of its flows."""

from __future__ import annotations

import warnings
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from auditor.errors import UsageError
from auditor.report.expression import check_expression
from auditor.report.frames import FINDINGS, FLOWS, frame

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from auditor.report.frames import Column


_TEXTS = frozenset(name for name, kind in FLOWS.items() if kind in {"text", "list"})


def select_flows(flows: pd.DataFrame, expression: str) -> pd.DataFrame:
    """Keep the rows for which a pandas query holds.

    Lists read as in CSV, joined by `;`. A missing value equals nothing and differs from everything.
    Times without an offset are UTC. Raises UsageError.
    """
    return flows[_mask(_askable(flows), expression)].reset_index(drop=True)


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
    findings: pd.DataFrame, flows: pd.DataFrame, finding_flows: Mapping[str, Sequence[int]]
) -> pd.DataFrame:
    """Keep the findings that rest on `flows`, with counts, times and evidence of those alone.

    finding_flows: finding_id -> flow_ids, all of them in `flows`, none empty.
    """
    kept = findings[findings["finding_id"].isin(list(finding_flows))]
    columns: dict[str, Column] = {name: kept[name].tolist() for name in FINDINGS}
    links = [finding_flows[name] for name in kept["finding_id"].tolist()]
    if links:
        columns |= _measured(flows, links)
        columns["evidence"] = _evidence(flows, links, kept["evidence"].tolist())
    return frame(FINDINGS, columns)


def _measured(flows: pd.DataFrame, links: Sequence[Sequence[int]]) -> dict[str, Column]:
    """Count, sum and span the flows of each finding."""
    sizes = np.array(list(map(len, links)))
    starts = np.cumsum(sizes) - sizes
    wanted = np.fromiter(chain.from_iterable(links), dtype=np.int64, count=int(sizes.sum()))
    own = flows.iloc[pd.Index(flows["flow_id"]).get_indexer(pd.Index(wanted))]
    times = {
        name: own[name].to_numpy(dtype="datetime64[ns]").astype(np.int64)
        for name in ("first_seen", "last_seen")
    }
    return {
        "flows": sizes,
        "packets": np.add.reduceat((own["packets_out"] + own["packets_in"]).to_numpy(), starts),
        "bytes": np.add.reduceat((own["bytes_out"] + own["bytes_in"]).to_numpy(), starts),
        "first_seen": np.minimum.reduceat(times["first_seen"], starts),
        "last_seen": np.maximum.reduceat(times["last_seen"], starts),
    }


def _evidence(
    flows: pd.DataFrame, links: Sequence[Sequence[int]], named: Sequence[list[str]]
) -> list[object]:
    """Keep the frames that flows still begin with; of those none, name that of the first flow."""
    begins = zip(flows["capture"].tolist(), flows["first_frame"].tolist(), strict=True)
    places = [f"{capture}:{number}" for capture, number in begins]
    place_of = dict(zip(flows["flow_id"].tolist(), places, strict=True))
    found: list[object] = []
    for flow_ids, evidence in zip(links, named, strict=True):
        own = {place_of[flow_id] for flow_id in flow_ids}
        found.append([place for place in evidence if place in own] or [place_of[flow_ids[0]]])
    return found
