"""Parquet files hold the tables as they are, and say what they are made of."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import reports

from auditor.errors import UsageError
from auditor.report.layouts import FINDINGS, FLOW_FACTS, FLOWS, KINDS
from auditor.report.writers import check_format, save, show

pa = pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
pq = pytest.importorskip("pyarrow.parquet", reason="the extra `parquet` is not installed")

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from auditor.report.model import Report

REPORTS = {
    "empty": reports.empty_report,
    "rich": reports.rich_report,
    "hostile": reports.hostile_report,
}


@pytest.mark.parametrize("name", REPORTS)
def test_every_table_comes_back(name: str, tmp_path: Path) -> None:
    """What is read from the files equals the frames, absent values included."""
    report = REPORTS[name]()
    save(report, tmp_path / "out", "parquet")
    assert {path.stem for path in (tmp_path / "out").iterdir()} == set(report.tables)
    for table, written in report.tables.items():
        read = pq.read_table(tmp_path / "out" / f"{table}.parquet")
        frame = written.frame
        assert read.column_names == list(frame.columns)
        for column in frame.columns:
            assert read[column].to_pylist() == _plain(frame[column]), (table, column)


def _plain(column: pd.Series) -> list[object]:
    if KINDS[str(column.name)] == "list":
        return column.tolist()
    values = column.astype(object)
    return values.where(values.notna(), None).tolist()


def test_columns_are_typed(tmp_path: Path) -> None:
    """Times, ports and lists have types of their own, the same with rows and without."""
    for report in (reports.rich_report(), reports.empty_report()):
        save(report, tmp_path / "out", "parquet")
        schema = pq.read_schema(tmp_path / "out" / "flows.parquet")
        assert schema.field("first_seen").type == pa.timestamp("ns", tz="UTC")
        assert schema.field("client_port").type == pa.int32()
        assert schema.field("rows").type == pa.list_(pa.int32())
        assert schema.field("rule_ids").type == pa.list_(pa.string())
        assert schema.field("client_ip").type == pa.string()
        assert not schema.field("flow_id").nullable


def test_files_say_what_they_are_made_of(tmp_path: Path) -> None:
    """The metadata holds what JSON holds beside its tables."""
    report = reports.rich_report()
    save(report, tmp_path / "out", "parquet")
    save(report, tmp_path / "out.json")
    whole = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    metadata = pq.read_schema(tmp_path / "out" / "hosts.parquet").metadata
    said = json.loads(metadata[b"citrix-traffic-auditor"])
    assert said == {name: whole[name] for name in ("schema", "audit", "capture", "summary")}


def test_one_table_is_one_file(tmp_path: Path) -> None:
    """The flow table alone needs no directory."""
    path = tmp_path / "flows.parquet"
    reports.flow_report().write(path)
    assert pq.read_schema(path).names == list(FLOW_FACTS)


def test_a_path_that_is_no_text_can_be_read(tmp_path: Path) -> None:
    """Bytes of a file name that are no UTF-8 are written as escapes, in texts and in lists."""
    odd = "a\udcff.pcap"
    found = reports.finding("a", "blocked", "high", evidence=[f"{odd}:1"])
    flows = reports.table(FLOWS, reports.flow(1, capture=odd))
    report = replace(
        reports.small_report(), tables=reports.tables(flows, reports.table(FINDINGS, found))
    )
    save(report, tmp_path / "out", "parquet")
    assert (
        pq.read_table(tmp_path / "out" / "flows.parquet")["capture"][0].as_py() == r"a\udcff.pcap"
    )
    evidence = pq.read_table(tmp_path / "out" / "findings.parquet")["evidence"]
    assert evidence[0].as_py() == [r"a\udcff.pcap:1"]


def test_rows_are_written_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More rows than are held at once come back in their order."""
    monkeypatch.setattr("auditor.report.writers.parquet._ROWS_AT_ONCE", 7)
    report: Report = reports.rich_report()
    save(report, tmp_path / "out", "parquet")
    read = pq.read_table(tmp_path / "out" / "flows.parquet")
    assert read["flow_id"].to_pylist() == report.flows["flow_id"].tolist()


def test_parquet_is_no_text() -> None:
    """It is refused where it would go to a screen or a pipe."""
    with pytest.raises(UsageError, match="parquet: expected an output path"):
        show(reports.small_report(), None, "parquet")  # type: ignore[arg-type]  # never written to


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who lacks the extra reads how to get it."""
    monkeypatch.setattr("auditor.report.writers.find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"expected pyarrow to be installed.*\[parquet\]"):
        check_format("parquet", to_file=True)
