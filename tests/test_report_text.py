"""auditor.report.text: safe, measured, shortened text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.report.text import (
    byte_size,
    count,
    duration,
    fit,
    listed,
    markdown,
    safe,
    span_text,
    spreadsheet,
    width,
    wrap,
)


@given(st.text())
def test_safe_text_holds_nothing_that_a_terminal_obeys(text: str) -> None:
    """Whatever goes in, no control, format, surrogate or line-breaking character comes out."""
    result = safe(text)
    assert result.isprintable()
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp"} for char in result)


def test_safe_text_shows_what_it_replaced() -> None:
    """An escape sequence and a reversal of direction are visible as what they are."""
    assert safe("a\x1b[31m\u202eb\n\u2028") == r"a\x1b[31m\u202eb\x0a\u2028"


def test_safe_text_leaves_ordinary_names_alone() -> None:
    """Names in any script stay readable."""
    assert safe("büro-vda01 東京") == "büro-vda01 東京"


@given(st.text(), st.integers(min_value=0, max_value=60))
def test_fitted_text_is_never_wider_than_asked(text: str, columns: int) -> None:
    """Shortening respects columns, whatever the script."""
    assert width(fit(safe(text), columns)) <= columns


def test_fitting_keeps_both_ends_of_a_name() -> None:
    """The host and its domain both tell names apart, so the middle goes."""
    assert fit("vda01.branch.corp.example", 15) == "vda01....xample"
    assert fit("vda01", 15) == "vda01"


@given(st.text(), st.integers(min_value=2, max_value=60))
def test_wrapped_lines_fit_and_lose_nothing_but_spaces(text: str, columns: int) -> None:
    """Every line fits, and the characters of the text are all there in order."""
    cleaned = safe(text)
    lines = wrap(cleaned, columns)
    assert all(width(line) <= columns for line in lines)
    assert "".join(lines).replace(" ", "") == cleaned.replace(" ", "")


def test_wide_characters_count_twice_and_marks_not_at_all() -> None:
    """Columns are what a terminal shows, not code points."""
    assert width("東京") == 4
    assert width("e\u0301") == 1


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", " ="])
def test_no_cell_is_a_formula(start: str) -> None:
    """What a spreadsheet would run gets an apostrophe in front."""
    assert spreadsheet(f"{start}cmd|'/c calc'!A1").startswith("'")


def test_standard_input_and_names_are_no_formulas() -> None:
    """The source `-` and ordinary names stay as they are."""
    assert spreadsheet("-") == "-"
    assert spreadsheet("vda-01") == "vda-01"


def test_markdown_neither_links_nor_mentions_nor_breaks_a_table() -> None:
    """Markup, raw HTML, links, autolinks, mentions and cell borders all lose their meaning."""
    result = markdown("<b>|[x](http://e.example) www.e.example @all #1 `c` *d* _e_ ~f~ ![g]")
    assert result == (
        r"&lt;b>\|\[x\](http\://e.example) www\.e.example &#64;all \#1 \`c\` \*d\* \_e\_ "
        r"\~f\~ \!\[g\]"
    )


def test_markdown_quotes_nothing_at_the_start_but_keeps_arrows() -> None:
    """A leading angle bracket would open a quotation; one in an arrow is left readable."""
    assert markdown("> a -> b") == "&gt; a -> b"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1_203_311, "1.2 MB"),
        (338_000, "338 kB"),
        (999_600, "1.0 MB"),
        (2_500_000_000_000, "2.5 TB"),
    ],
)
def test_sizes_read_at_a_glance(size: int, text: str) -> None:
    """Two or three digits and a decimal unit."""
    assert byte_size(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (0.42, "0.4 s"),
        (31.4, "31 s"),
        (723, "12 min"),
        (7200, "2 h"),
        (12_000, "3 h 20 min"),
        (3 * 86_400 + 3600, "3 d 1 h"),
        (172_800, "2 d"),
    ],
)
def test_durations_read_at_a_glance(seconds: float, text: str) -> None:
    """One or two units, the leading ones."""
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("span_ns", "text"),
    [
        (0, "0.000 ms"),
        (327_000, "0.327 ms"),
        (99_999_000, "99.999 ms"),
        (341_302_000, "341 ms"),
        (2_500_000_000, "2.5 s"),
        (720_000_000_000, "12 min"),
    ],
)
def test_short_spans_are_told_to_the_microsecond(span_ns: int, text: str) -> None:
    """What a handshake takes is no zero seconds."""
    assert span_text(span_ns) == text


def test_counts_speak_english() -> None:
    """One flow, two flows; thousands are set apart."""
    assert [count(1, "flow"), count(2318, "frame")] == ["1 flow", "2,318 frames"]
    assert [count(2, "entry"), count(2, "address")] == ["2 entries", "2 addresses"]


def test_lists_say_how_much_they_leave_out() -> None:
    """The first few items and the number of the others."""
    assert listed([229, 276, 332, 334], 2) == "229, 276 +2"
    assert listed([229], 2) == "229"
