"""What a filter may ask: pandas' own query language also reaches methods that write files.

An expression may come from a ticket or a script of somebody else, so methods are offered by name.
Powers and repeated text are refused because a few characters of them take hours or all memory.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_OF_COLUMNS = (
    "abs all any astype between duplicated eq fillna ge gt isin isna isnull le lt max mean median "
    "min ne notna notnull quantile round std sum"
)
_OF_TEXT = (
    "str casefold contains count endswith find fullmatch isalpha isdigit len lower lstrip match "
    "removeprefix removesuffix replace rstrip slice startswith strip upper"
)
_OF_TIMES = (
    "dt ceil date day day_name day_of_week dayofweek floor hour minute month normalize second time "
    "weekday year"
)
_OFFERED = frozenset(f"{_OF_COLUMNS} {_OF_TEXT} {_OF_TIMES}".split())


def check_expression(expression: str, text_columns: Collection[str]) -> None:
    """Raise ValueError for what no filter needs, SyntaxError for what is no expression.

    Strict where pandas is not (`@`, backticks, several lines), so that both read the same.
    """
    if len(expression.splitlines()) > 1:
        raise ValueError("expected one line")
    for node in ast.walk(ast.parse(expression.strip(), mode="eval")):
        if isinstance(node, ast.Attribute) and node.attr not in _OFFERED:
            raise ValueError(f".{node.attr} is not offered in a filter")
        match node:
            case ast.BinOp(op=ast.Pow() | ast.LShift()):
                raise ValueError("powers and shifts are not offered in a filter")
            case ast.BinOp(op=ast.Mult()) if _has_text(node, text_columns):
                raise ValueError("text cannot be multiplied in a filter")


def _has_text(node: ast.AST, text_columns: Collection[str]) -> bool:
    return any(
        (isinstance(part, ast.Constant) and isinstance(part.value, (str, bytes)))
        or (isinstance(part, ast.Name) and part.id in text_columns)
        or isinstance(part, (ast.List, ast.Tuple))
        for part in ast.walk(node)
    )
