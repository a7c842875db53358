"""Flows written as FLOW records; the twin is auditor.flows.facts.Facts.records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.kernel.jit import compiled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@compiled
def fill_records(
    entries: NDArray[np.void],
    sides: NDArray[np.void],
    flows: NDArray[np.int64],
    records: NDArray[np.void],
) -> None:
    """Write some flows.

    entries: ENTRY, shape (all flows,). sides: SIDE, shape (2 * all flows,). flows: shape (n,).
    records: FLOW, shape (n,), is set.
    """
    for i in range(flows.shape[0]):
        record, entry = records[i], entries[flows[i]]
        record["a_hi"], record["a_lo"] = entry["a_hi"], entry["a_lo"]
        record["b_hi"], record["b_lo"] = entry["b_hi"], entry["b_lo"]
        record["a_port"], record["b_port"] = entry["a_port"], entry["b_port"]
        record["first_frame"], record["capture"] = entry["first_frame"], entry["capture"]
        record["tunnel_id"], record["tunnel"] = entry["tunnel_id"], entry["tunnel"]
        record["transport"], record["ip_version"] = entry["transport"], entry["ip_version"]
        side = sides[2 * flows[i]]
        record["packets_a"], record["bytes_a"] = side["packets"], side["bytes"]
        record["first_a_ns"], record["last_a_ns"] = side["first_ns"], side["last_ns"]
        record["data_a_ns"], record["seen_a"] = side["data_ns"], side["seen"]
        record["acks_a"], record["gaps_a"] = side["acks"], side["gaps"]
        record["unreachable_a"] = side["unreachable"]
        side = sides[2 * flows[i] + 1]
        record["packets_b"], record["bytes_b"] = side["packets"], side["bytes"]
        record["first_b_ns"], record["last_b_ns"] = side["first_ns"], side["last_ns"]
        record["data_b_ns"], record["seen_b"] = side["data_ns"], side["seen"]
        record["acks_b"], record["gaps_b"] = side["acks"], side["gaps"]
        record["unreachable_b"] = side["unreachable"]
