"""auditor.judge.past: what a history makes of traffic that is expected and was not seen."""

from __future__ import annotations

import pytest
from judging import WATCHED, expectations, findings, site, tcp

from auditor.judge.expect import Watch
from auditor.judge.past import LATELY_NS, Known, Past, span_text
from auditor.times import minute_text

DDC, VDA, STRANGER = "10.0.0.1", "10.0.0.2", "198.51.100.9"
SMALL = site("ddc1: 10.0.0.1 = ddc", "vda1: 10.0.0.2 = vda")
TALKING = (tcp(VDA, STRANGER, 9), tcp(STRANGER, DDC, 9))
KEY = ("vda-registration", "vda", "ddc")
SECOND_NS, DAY_S = 10**9, 86_400
END_NS = 1_772_438_400 * SECOND_NS


def watch(seen_ns: int | None, vain_s: float, duration_s: float = 5.0) -> Watch:
    """State a watch that has a history of one expectation."""
    past = Past({KEY: Known(seen_ns, vain_s)})
    return Watch(duration_s, lossless=True, past=past, until_ns=END_NS)


def missing(seen: Watch) -> list[str]:
    """List why a VDA's registration is missing, if it is."""
    found = findings(SMALL, *TALKING, watch=seen)
    return [
        each.reason
        for each in found
        if each.kind == "missing" and each.client == "vda" and each.server == "ddc"
    ]


@pytest.mark.parametrize("ago_ns", [0, LATELY_NS, -DAY_S * SECOND_NS])
def test_what_was_seen_lately_is_no_finding(ago_ns: int) -> None:
    """Before the end of the capture or after it; the coverage says when."""
    seen_ns = END_NS - ago_ns
    told = watch(seen_ns, 3600)
    row = expectations(SMALL, *TALKING, watch=told)[KEY]
    assert (row.status, row.strength) == ("missing", "weak")
    assert row.why == f"not seen here, but by {minute_text(seen_ns)} (history)"
    before, after = (missing(each) for each in (watch(None, 0), told))
    assert len(after) == len(before) - 1


def test_what_was_seen_long_ago_is_missing_since_then() -> None:
    """A finding says when it was seen last, and how long was watched in vain."""
    seen_ns = END_NS - LATELY_NS - 1
    row = expectations(SMALL, *TALKING, watch=watch(seen_ns, 6 * DAY_S))[KEY]
    assert (row.status, row.strength) == ("missing", "strong")
    assert row.why == (
        f"both roles were talking; last seen by {minute_text(seen_ns)}, "
        "not in 6 d of watching since (history)"
    )
    assert len(missing(watch(seen_ns, 6 * DAY_S))) == len(missing(watch(None, 0)))


def test_what_was_never_seen_is_missing_the_more_the_longer_was_watched() -> None:
    """Five seconds show nothing; five seconds after twelve days do."""
    short = expectations(SMALL, *TALKING, watch=watch(None, 60.0))[KEY]
    assert short.strength == "weak"
    assert short.why == "60 s watched, 5 min needed; never seen in 60 s of watching (history)"
    long = expectations(SMALL, *TALKING, watch=watch(None, 12 * DAY_S))[KEY]
    assert long.strength == "strong"
    assert long.why == "both roles were talking; never seen in 12 d of watching (history)"


def test_a_history_that_knows_nothing_changes_nothing() -> None:
    """Neither an empty one, nor one that never watched for it."""
    alone = expectations(SMALL, *TALKING, watch=Watch(5.0, lossless=True))
    empty = Watch(5.0, lossless=True, past=Past({}), until_ns=END_NS)
    assert expectations(SMALL, *TALKING, watch=empty) == alone
    assert expectations(SMALL, *TALKING, watch=watch(None, 0.0)) == alone


def test_what_is_seen_needs_no_history() -> None:
    """Traffic of this capture counts, whatever was before."""
    told = Watch(WATCHED.duration_s, lossless=True, past=Past({KEY: Known(None, 9e9)}))
    row = expectations(SMALL, tcp(VDA, DDC, 80), watch=told)[KEY]
    assert (row.status, row.why) == ("seen", "1 flow")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (119.4, "119 s"), (120, "2 min"), (7200, "2 h"), (172_800, "2 d")],
)
def test_spans_are_whole(seconds: float, text: str) -> None:
    """In the largest unit of which there are two."""
    assert span_text(seconds) == text
