"""JSON, schema 1: ASCII, one table row a line, `null` where there is nothing."""

from __future__ import annotations

import json
from itertools import repeat
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, TextIO

import numpy as np

from auditor.report.cells import time_texts
from auditor.report.facts import facts
from auditor.report.frames import KINDS
from auditor.report.texts import blocks, write_lists, write_numbers, write_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd

    from auditor.report.model import FlowReport, Report
    from auditor.report.writers import Style

_ENCODER = json.JSONEncoder(ensure_ascii=True, allow_nan=False)


def write(report: Report | FlowReport, out: TextIO, style: Style) -> None:  # noqa: ARG001 - no look
    """Write the facts of the audit and then every table; rows go out as they are made."""
    about = facts(report).items()
    out.write("{\n")
    out.write(",\n".join(f"{_dump(key)}: {_dump(value)}" for key, value in about))
    for name, table in report.tables.items():
        out.write(f",\n{_dump(name)}: [")
        separator = "\n"
        for lines in _lines(table):
            out.write(separator)
            out.write(",\n".join(lines))
            separator = ",\n"
        out.write("]" if separator == "\n" else "\n]")
    out.write("\n}\n")


def _dump(value: object) -> str:
    return _ENCODER.encode(value)


def _lines(table: pd.DataFrame) -> Iterator[Iterator[str]]:
    """Write each row as a line; a run of rows at a time."""
    for columns in blocks(table):
        parts: list[Iterable[str]] = []
        lead = "{"
        for name, column in columns.items():
            parts += repeat(f"{lead}{_dump(name)}: "), _cells(name, column)
            lead = ", "
        # The keys end only with the values.
        yield map("".join, zip(*parts, repeat("}"), strict=False))


def _cells(name: str, column: pd.Series) -> list[str]:
    match KINDS[name]:
        case "text":
            return write_texts(column, _text)
        case "list":
            return write_lists(column, _dump)
        case "time":
            return ["null" if text is None else f'"{text}"' for text in time_texts(column)]
        case "flag":
            return ["true" if flag else "false" for flag in column.tolist()]
        case "number" if np.isinf(column).any():
            raise ValueError(f"{name}: JSON has no infinity")
        case _:
            return write_numbers(column, "null")


def _text(text: str | None) -> str:
    return "null" if text is None else encode_basestring_ascii(text)
