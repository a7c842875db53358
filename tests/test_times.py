"""auditor.times: text and nanoseconds."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.errors import UsageError
from auditor.times import minute_text, parse_time, time_text

TEN_NS = 1_769_853_600_000_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31T10:00:00Z", TEN_NS),
        ("2026-01-31 10:00", TEN_NS),
        ("2026-01-31T11:00:00+01:00", TEN_NS),
        ("2026-01-31T10:00:00.000000001Z", TEN_NS + 1),
        ("2026-01-31 10:00:00.5", TEN_NS + 500_000_000),
        ("2026-01-31", TEN_NS - 36_000_000_000_000),
        (" 2026-01-31 10:00 ", TEN_NS),
        ("1969-12-31T23:59:59.25Z", -750_000_000),
    ],
)
def test_times_are_read_to_the_nanosecond_and_are_utc_without_an_offset(
    text: str, expected: int
) -> None:
    """RFC 3339 and its parts are read exactly; a time without an offset is UTC."""
    assert parse_time(text) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "10:00", "2026-01-31 25:00"])
def test_what_is_no_time_is_a_usage_error_that_shows_a_time(text: str) -> None:
    """The message quotes the text and gives an example of what was expected."""
    with pytest.raises(UsageError, match="expected a time such as 2026-01-31T10:00:00Z"):
        parse_time(text)


@given(st.integers(min_value=0, max_value=2**62))
def test_what_is_written_reads_back(time_ns: int) -> None:
    """Writing and reading a time loses nothing."""
    assert parse_time(time_text(time_ns)) == time_ns


@given(st.text())
def test_any_text_is_a_time_or_a_usage_error(text: str) -> None:
    """No text makes the reader fail in another way."""
    with contextlib.suppress(UsageError):
        assert isinstance(parse_time(text), int)


def test_times_for_people_have_no_fraction() -> None:
    """A person reads seconds."""
    assert minute_text(TEN_NS + 999_999_999) == "2026-01-31 10:00:00 UTC"
