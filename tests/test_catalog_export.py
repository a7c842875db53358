"""The catalog in other formats says the same as the catalog."""

from __future__ import annotations

import csv
import json
from collections import Counter
from io import StringIO

import pytest

from auditor.catalog.export import FORMATS
from auditor.catalog.export.lines import COLUMNS, export_lines
from auditor.catalog.load import load_catalog

CATALOG = load_catalog()
PAPER = ("paper",)


def csv_lines(packs: tuple[str, ...] = PAPER) -> list[dict[str, str]]:
    """Export as CSV and read that back."""
    return list(csv.DictReader(StringIO(FORMATS["csv"](CATALOG, packs))))


def test_csv_columns() -> None:
    """The columns are those of the contract, in its order."""
    header = FORMATS["csv"](CATALOG, PAPER).splitlines()[0]

    assert header == (
        "edition,row,origin,rule_id,group,product,source_roles,destination_roles,"
        "destination_names,transport,transport_basis,port_low,port_high,need,condition,caveats,"
        "purpose"
    )
    assert tuple(header.split(",")) == COLUMNS


def test_csv_counts() -> None:
    """There is one line per service of the tables, and one per record outside them."""
    lines = csv_lines()
    table = [line for line in lines if line["origin"] == "table"]

    assert Counter(line["transport"] for line in table) == {"tcp": 167, "udp": 56, "icmp": 2}
    assert len(lines) - len(table) == 23
    # Both rows without a number of the paper's own are one distinct pair: the paper has 103.
    assert len({(s["transport"], s["port_low"], s["port_high"]) for s in table}) == 103


def test_csv_round_trip() -> None:
    """CSV read back is the lines again: lists joined by semicolons, what is absent empty."""
    for line, read in zip(export_lines(CATALOG, PAPER), csv_lines(), strict=True):
        assert read["row"] == str(line.row)
        assert tuple(filter(None, read["source_roles"].split(";"))) == line.source_roles
        assert tuple(filter(None, read["caveats"].split(";"))) == line.caveats
        assert read["port_low"] == ("" if line.port_low is None else str(line.port_low))
        assert read["transport"] == (line.transport or "")
        assert (read["rule_id"], read["purpose"]) == (line.rule_id, line.purpose)


def test_json_round_trip() -> None:
    """JSON holds the same lines with numbers and lists, and every role and feature."""
    document = json.loads(FORMATS["json"](CATALOG, PAPER))

    assert document["edition"] == "citrix-adc"
    assert document["catalog_digest"] == CATALOG.digest
    assert [tuple(line) for line in document["lines"]] == [COLUMNS] * len(csv_lines())
    for line, read in zip(export_lines(CATALOG, PAPER), document["lines"], strict=True):
        for column in COLUMNS:
            value = getattr(line, column)
            assert read[column] == (list(value) if isinstance(value, tuple) else value)
    assert [role["id"] for role in document["roles"]] == list(CATALOG.roles)
    assert [feature["id"] for feature in document["features"]] == list(CATALOG.features)


def test_markdown_tables() -> None:
    """Markdown has a table per product, every row with as many cells as the header."""
    text = FORMATS["markdown"](CATALOG, PAPER)
    rows = [line for line in text.splitlines() if line.startswith("|")]

    assert text.count("\n## ") == 16
    assert len(rows) == 2 * 16 + len(csv_lines())
    assert {row.replace("\\|", "").count("|") for row in rows} == {9}
    assert "| 281 | pvs-target | pvs | udp | 6910-6930 | Stream the virtual disk |" in text


def test_packs() -> None:
    """Only the packs asked for are exported."""
    products = {line["product"] for line in csv_lines(("site",))}

    assert products == set()
    assert {line["origin"] for line in csv_lines(("paper",))} == {
        "table",
        "prose",
        "note",
        "details",
    }


@pytest.mark.parametrize(
    ("row", "transport", "low", "high"),
    [
        ("54", "icmp", "", ""),
        ("42", "", "", ""),
        ("212", "tcp", "", ""),
        ("304", "tcp", "", ""),
        ("281", "udp", "6910", "6930"),
        ("75", "tcp", "9350", "9354"),
    ],
)
def test_ports_as_documented(row: str, transport: str, low: str, high: str) -> None:
    """A line has the numbers of the document, and none where the document has none."""
    found = {
        (line["transport"], line["port_low"], line["port_high"])
        for line in csv_lines()
        if line["row"] == row
    }

    assert found == {(transport, low, high)}
