"""Host names: what counts as one. Those in captures are chosen by whoever sent them."""

from __future__ import annotations

import re

_LONGEST = 253
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
# The last label of a name is never a number, decimal or hexadecimal; an address's always is.
_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)")


def safe_name(raw: bytes | str) -> str | None:
    """Give a host name in lower case and without its trailing dot; None for anything else.

    Letters, digits, hyphens and underscores alone are let through (Windows names have the
    latter), so that a name can be shown anywhere. International names stay `xn--`. An address is
    not a name.
    """
    text = raw.decode("latin-1") if isinstance(raw, bytes) else raw
    if len(text) > _LONGEST + 1 or not text.isascii():
        return None
    text = text.lower().removesuffix(".")
    if len(text) > _LONGEST or not _NAME.fullmatch(text):
        return None
    return None if _NUMBER.fullmatch(text.rpartition(".")[2]) else text
