"""Writing judged flows so that they can be read as a table, and judged again."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from auditor.judge.finding import Findings
from auditor.partitions.layout import (
    ACCOUNT_KEY,
    EXTRA_SCHEMA,
    VERSION,
    VERSION_KEY,
    fact_columns,
    head_column,
)
from auditor.report import assemble
from auditor.report.layouts import FLOWS
from auditor.report.table import Table
from auditor.report.writers.parquet import arrow_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from auditor.judge.judged import Judged
    from auditor.partitions.layout import Account


def flow_columns(judged: Judged, files: Sequence[str], with_heads: NDArray[np.bool_]) -> pa.Table:
    """Lay out flows: the columns of a report, and what is needed to judge again.

    with_heads: shape (n flows,), those whose first payloads are wanted.
    """
    shown = arrow_table(assemble.flow_table(judged, files, Findings.none(judged.hosts)))
    flows = judged.flows
    columns = [
        *fact_columns(flows.facts),
        head_column(flows.heads_a, with_heads),
        head_column(flows.heads_b, with_heads),
    ]
    for described, column in zip(EXTRA_SCHEMA, columns, strict=True):
        shown = shown.append_column(described, column)
    return shown


def write_part(table: pa.Table, account: Account, out: IO[bytes]) -> None:
    """Write one file."""
    about = {VERSION_KEY: str(VERSION).encode(), ACCOUNT_KEY: account.pack()}
    pq.write_table(table.replace_schema_metadata(about), out, compression="zstd")


def warm_up() -> None:
    """Load what is loaded when something is written for the first time."""
    pq.write_table(arrow_table(Table.empty(FLOWS)), io.BytesIO(), compression="zstd")
