"""Time as people write it, to the nanosecond: text <-> nanoseconds since 1970 UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from auditor.errors import UsageError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FRACTION = re.compile(r"(:[0-9]{2})[.,]([0-9]{1,9})(?=[Zz+-]|$)")
_SECOND = 1_000_000_000


def parse_time(text: str) -> int:
    """Read RFC 3339, or its parts as in `2026-01-31 10:00`, as nanoseconds since 1970 UTC.

    Without an offset the time is UTC. Raises UsageError.
    """
    fraction = _FRACTION.search(text)
    whole = _FRACTION.sub(r"\1", text)
    try:
        moment = datetime.fromisoformat(whole.strip())
    except ValueError:
        raise UsageError(
            f"{text}: expected a time such as 2026-01-31T10:00:00Z or '2026-01-31 10:00'"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    # A float of seconds since 1970 is only good to a fraction of a microsecond.
    seconds = (moment - _EPOCH) // timedelta(seconds=1)
    nanoseconds = int(fraction[2].ljust(9, "0")) if fraction else 0
    return seconds * _SECOND + nanoseconds


def time_text(time_ns: int) -> str:
    """Write RFC 3339 in UTC with nine decimals."""
    seconds, nanoseconds = divmod(time_ns, _SECOND)
    moment = _EPOCH + timedelta(seconds=seconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"


def minute_text(time_ns: int) -> str:
    """Write `2026-01-31 10:00:00 UTC`, for a person."""
    return f"{_EPOCH + timedelta(seconds=time_ns // _SECOND):%Y-%m-%d %H:%M:%S} UTC"
