"""Text for people, made safe: whoever sends packets chooses what names a report shows."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MARKDOWN = re.compile(r"^>|[\\`*_\[\]<|~&#@!]|:(?=//)|(?<=www)\.", re.IGNORECASE)
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "@": "&#64;"}
_SIZES = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


def safe(text: str) -> str:
    r"""Replace whatever could move a cursor, hide or reorder text by its `\x1b`, `\u202e`."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def width(text: str) -> int:
    """Count the columns that `text` takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )


def fit(text: str, columns: int) -> str:
    """Shorten the middle of `text` to at most `columns`: both ends of a name tell hosts apart."""
    if width(text) <= columns:
        return text
    if columns <= 3:
        return "." * columns
    head = (columns - 3 + 1) // 2
    return _take(text, head) + "..." + _take(text[::-1], columns - 3 - head)[::-1]


def _take(text: str, columns: int) -> str:
    taken = 0
    for index, char in enumerate(text):
        taken += width(char)
        if taken > columns:
            return text[:index]
    return text


def wrap(text: str, columns: int) -> list[str]:
    """Break `text` into lines of at most `columns`, between words where they are short enough."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        rest = word
        if line and width(line) + 1 + width(rest) > columns:
            lines.append(line)
            line = ""
        while width(rest) > columns:
            # A wide character in a column of one still has to go somewhere.
            head = _take(rest, columns) or rest[:1]
            lines.append(head)
            rest = rest[len(head) :]
        line = f"{line} {rest}" if line and rest else line or rest
    return [*lines, line] if line else lines


def spreadsheet(text: str) -> str:
    """Keep a spreadsheet from running `text` as a formula; `-` alone names standard input."""
    cleaned = safe(text)
    if text.lstrip(" ").startswith(_FORMULA) and text != "-":
        return "'" + cleaned
    return cleaned


def markdown(text: str) -> str:
    """Escape what Markdown, or a wiki beyond it, would read as markup, a link or a mention."""
    return _MARKDOWN.sub(lambda found: _ENTITIES.get(found[0], "\\" + found[0]), safe(text))


def byte_size(size: int) -> str:
    """Write a number of bytes as `812 B` or `1.2 MB` (decimal, as link speeds are)."""
    for unit, name in _SIZES:
        # 999,600 bytes round to 1,000 kB.
        if size >= unit * 0.9995 and size >= 1000:
            scaled = size / unit
            return f"{scaled:.1f} {name}" if scaled < 99.95 else f"{scaled:,.0f} {name}"
    return f"{size} B"


def duration(seconds: float) -> str:
    """Write a duration in its two leading units, such as `0.4 s`, `12 min` or `1 d 4 h`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def span_text(span_ns: int) -> str:
    """Write a span of time, to the microsecond if it is short, such as `0.327 ms` or `12 min`."""
    if span_ns >= 10**9:
        return duration(span_ns / 1e9)
    return f"{span_ns / 1e6:.3f} ms" if span_ns < 10**8 else f"{span_ns / 1e6:.0f} ms"


def count(number: int, noun: str) -> str:
    """Write `1 flow` or `2,318 flows`; a noun in `-ss` takes `-es`, one in `-y` takes `-ies`."""
    if number == 1:
        return f"1 {noun}"
    if noun.endswith("y"):
        return f"{number:,} {noun[:-1]}ies"
    return f"{number:,} {noun}{'es' if noun.endswith('ss') else 's'}"


def listed(items: Iterable[object], limit: int) -> str:
    """Join up to `limit` items by commas and count the rest: `229, 276, 332 +4`."""
    every: Sequence[object] = tuple(items)
    shown = ", ".join(map(str, every[:limit]))
    return shown if len(every) <= limit else f"{shown} +{len(every) - limit:,}"
