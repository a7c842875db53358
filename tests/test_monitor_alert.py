"""auditor.outlets.alert, found, book and rate: what is news, told once, and in which words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from monitoring import WINDOW_NS, Clock, window
from reports import HOSTILE, finding, hostile_report, rich_report

from auditor.errors import UsageError
from auditor.outlets.alert import FORMATS, Alert, Before, Event, check_format, message
from auditor.outlets.book import AlertBook
from auditor.outlets.found import Found, found_in
from auditor.outlets.rate import Bucket, RateLimit
from auditor.report.layouts import FINDINGS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

BLOCKED = finding("b", "blocked", "high")
LOW = finding("l", "unknown", "low", port=443)


def always() -> bool:
    """Hold nothing back."""
    return True


def told(
    book: AlertBook, number: int, *findings: Mapping[str, object]
) -> list[tuple[str, str | None]]:
    """Give a book a window; list the events and the findings told."""
    alerts = book.window(window(number, *findings), always)
    return [(a.event.value, a.found.finding_id if a.found else None) for a in alerts]


def test_a_finding_is_told_once_until_it_changes() -> None:
    """Severity and acceptance are what it is; counts and times are not."""
    book = AlertBook("s1")
    assert told(book, 0, BLOCKED, LOW) == [("appeared", "b"), ("appeared", "l")]
    assert told(book, 1, BLOCKED | {"flows": 99, "reason": "another"}, LOW) == []
    assert told(book, 2, BLOCKED | {"severity": "medium"}, LOW) == [("changed", "b")]
    assert told(book, 3, BLOCKED | {"severity": "medium"}, LOW) == []
    assert told(book, 4, BLOCKED | {"severity": "medium", "accepted": True}) == [("changed", "b")]
    assert told(book, 5, BLOCKED | {"severity": "medium"}) == [("changed", "b")]


def test_a_change_says_what_was_before() -> None:
    """In the alert and in its sentence."""
    book = AlertBook("s1")
    told(book, 0, LOW)
    [alert] = book.window(window(1, LOW | {"severity": "high", "accepted": True}), always)
    assert alert.before == Before("low", accepted=False)
    assert alert.severity == "info"
    assert alert.text == "low, now high (accepted): unknown: vda01 -> ddc1 tcp/80"


def test_the_loudest_is_told_first() -> None:
    """What is accepted comes last."""
    given = (
        LOW,
        finding("a", "unexpected", "high", accepted=True),
        finding("m", "unexpected", "medium"),
        BLOCKED,
    )
    assert [name for _, name in told(AlertBook("s1"), 0, *given)] == ["b", "m", "l", "a"]


def test_gone_is_told_if_asked_after_so_many_windows_in_a_row() -> None:
    """Once; and what comes back is told anew."""
    book = AlertBook("s1", resolved_after=2)
    told(book, 0, BLOCKED)
    assert told(book, 1) == []
    assert told(book, 2, BLOCKED) == []
    assert told(book, 3) == []
    assert told(book, 4) == [("resolved", "b")]
    assert told(book, 5) == []
    assert told(book, 6, BLOCKED) == [("appeared", "b")]


def test_gone_is_not_told_unless_asked() -> None:
    """Nor is what comes back."""
    book = AlertBook("s1")
    told(book, 0, BLOCKED)
    assert told(book, 1) == []
    assert told(book, 500, BLOCKED) == []


def test_what_is_held_back_is_summed_up_and_told_later() -> None:
    """The loudest go first; nothing is forgotten, nothing is told twice."""
    clock = Clock()
    bucket = Bucket(RateLimit(burst=2, per_minute=2.0), clock)
    book = AlertBook("s1")
    scan = [finding(f"f{n}", "unexpected", "low", port=n) for n in range(4)] + [BLOCKED]
    first = book.window(window(0, *scan), bucket.take)
    assert [a.found.finding_id for a in first if a.found] == ["b", "f0"]
    assert first[-1].event is Event.HELD_BACK
    assert first[-1].held_back == {"low": 3}
    assert first[-1].text == "3 alerts held back by the rate limit: 3 low"
    clock.now_s += 60.0
    second = book.window(window(1, *scan), bucket.take)
    assert [a.found and a.found.finding_id for a in second] == ["f1", "f2", None]
    clock.now_s += 60.0
    third = book.window(window(2, *scan), bucket.take)
    assert [a.found and a.found.finding_id for a in third] == ["f3"]


def test_the_bucket_is_never_fuller_than_its_burst() -> None:
    """However long nothing happens, and if the clock goes backwards."""
    clock = Clock()
    bucket = Bucket(RateLimit(burst=3, per_minute=60.0), clock)
    clock.now_s += 1e6
    assert [bucket.take() for _ in range(5)] == [True, True, True, False, False]
    clock.now_s -= 500.0
    assert not bucket.take()
    clock.now_s += 1.0
    assert bucket.take()


@pytest.mark.parametrize("limit", [RateLimit(burst=0), RateLimit(per_minute=0.0)])
def test_a_rate_that_lets_nothing_out_is_wrong_usage(limit: RateLimit) -> None:
    """It is said what was expected."""
    with pytest.raises(UsageError, match="expected at least one at once"):
        Bucket(limit)


def test_a_book_is_bounded_in_number_and_time() -> None:
    """The ones longest unseen are forgotten, and told again when they come back."""
    book = AlertBook("s1", most_known=2, forget_after_ns=3 * WINDOW_NS)
    told(book, 0, BLOCKED)
    told(book, 1, LOW, finding("m", "unexpected", "medium"))
    assert len(book) == 2
    assert told(book, 2, BLOCKED, LOW) == [("appeared", "b")]
    assert told(book, 9, LOW) == [("appeared", "l")] or len(book) == 1
    assert told(book, 20) == []
    assert len(book) == 0
    assert told(book, 21, BLOCKED) == [("appeared", "b")]


def test_a_clock_that_is_stepped_back_tells_nothing_twice() -> None:
    """A window from before the last one is a window like any other."""
    book = AlertBook("s1", forget_after_ns=3 * WINDOW_NS)
    told(book, 100, BLOCKED, LOW)
    assert told(book, 10, BLOCKED) == []
    assert told(book, 11, BLOCKED, LOW) == []


def test_a_book_goes_on_where_it_was_saved(tmp_path: Path) -> None:
    """Another process tells nothing twice, and knows what was before and what is gone."""
    path = tmp_path / "book.json"
    book = AlertBook("s1", resolved_after=2)
    told(book, 0, BLOCKED, LOW)
    told(book, 1, BLOCKED)
    book.save(path)
    again = AlertBook("s1", resolved_after=2)
    again.load(path)
    assert told(again, 2, BLOCKED | {"severity": "low"}) == [("changed", "b"), ("resolved", "l")]
    again.save(path)
    third = AlertBook("s1", resolved_after=2)
    third.load(path)
    assert told(third, 3, BLOCKED | {"severity": "low"}) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"schema": 2, "known": []}',
        '{"schema": 1}',
        '{"schema": 1, "known": [1]}',
        '{"schema": 1, "known": [{"found": {}, "last_ns": 1, "absent": 0, "resolved": false}]}',
        '{"schema": 1, "known": [{"found": {"x": 1}, "last_ns": 1}]}',
    ],
)
def test_something_else_is_no_book(tmp_path: Path, text: str) -> None:
    """Whatever stands there is a ValueError, and no other."""
    (tmp_path / "book.json").write_text(text)
    with pytest.raises(ValueError, match=r"."):
        AlertBook("s1").load(tmp_path / "book.json")


def test_a_book_that_was_never_saved_is_empty(tmp_path: Path) -> None:
    """No file is no mistake."""
    book = AlertBook("s1")
    book.load(tmp_path / "none.json")
    assert len(book) == 0


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sets(st.sampled_from("abcd")), min_size=1, max_size=8), st.data())
def test_with_any_restart_each_appearance_is_told_once(
    windows: list[set[str]], data: st.DataObject
) -> None:
    """Whichever windows have which findings, and wherever the process ends."""
    book, known = AlertBook("s1"), set[str]()
    for number, names in enumerate(windows):
        found = [finding(name, "unexpected", "low") for name in sorted(names)]
        events = told(book, number, *found)
        assert {name for _, name in events} == names - known
        assert len(events) == len(names - known)
        known |= names
        if data.draw(st.booleans()):
            values = [k.found.plain() for k in book._known.values()]
            assert [Found.of(value).plain() for value in values] == values


def test_findings_come_with_the_addresses_behind_their_names() -> None:
    """Of the first flow; none for what is missing. Values are as in the JSON of a report."""
    found = {one.finding_id: one for one in found_in(rich_report())}
    assert len(found) == 11
    assert (found["sql"].client_ip, found["sql"].server_ip) == ("10.1.7.11", "10.0.0.10")
    assert (found["license"].client_ip, found["license"].port) == (None, 7279)
    assert found["sql"].first_seen == "2026-01-31T10:00:00.123456789Z"
    assert list(found["sql"].plain()) == [*FINDINGS, "client_ip", "server_ip"]


def document(alert: Alert, form: str) -> dict[str, object]:
    """Write an alert and read it again."""
    line = message(alert, form).line
    assert line.isascii()
    assert "\n" not in line
    value = json.loads(line)
    assert isinstance(value, dict)
    return value


def test_our_own_format_has_the_columns_of_the_findings() -> None:
    """And before them what happened, when, to which sensor."""
    [alert] = AlertBook("s1").window(window(0, BLOCKED), always)
    value = document(alert, "auditor")
    assert list(value)[:7] == [
        *("schema", "time", "sensor", "event", "message", "before", "held_back")
    ]
    assert value["event"] == "appeared"
    assert value["time"] == "2026-01-31T10:05:00.000000000Z"
    assert value["message"] == "blocked: vda01 -> ddc1 tcp/80; a reason"
    assert list(value)[7:] == [*FINDINGS, "client_ip", "server_ip"]


def test_ecs_has_the_names_that_a_siem_looks_for() -> None:
    """Elastic Common Schema 8: an alert about a connection."""
    [alert] = AlertBook("s1").window(window(0, BLOCKED), always)
    value = document(alert, "ecs")
    assert value["@timestamp"] == "2026-01-31T10:05:00.000Z"
    assert value["message"] == "blocked: vda01 -> ddc1 tcp/80; a reason"
    assert value["event"] == {
        "kind": "alert",
        "category": ["network"],
        "type": ["connection", "denied"],
        "module": "citrix_auditor",
        "dataset": "citrix_auditor.alert",
        "action": "appeared",
        "severity": 73,
    }
    assert value["rule"] == {
        "id": ["cvad-registration"],
        "name": "blocked",
        "description": "a reason",
    }
    assert value["source"] == {"address": "vda01", "ip": "10.1.7.11"}
    assert value["destination"] == {"address": "ddc1", "ip": "10.0.0.10", "port": 80}
    assert value["network"] == {"transport": "tcp", "type": "ipv4", "packets": 13, "bytes": 4600}
    assert value["related"] == {"ip": ["10.1.7.11", "10.0.0.10"], "hosts": ["vda01", "ddc1"]}
    own = value["citrix_auditor"]
    assert isinstance(own, dict)
    assert own["finding_id"] == "b"


def test_ecs_leaves_out_what_is_not_known() -> None:
    """No address, no port and no traffic of what is missing."""
    absent = finding("m", "missing", "low", flows=0, port=None, rule_ids=[], reason=None)
    [alert] = AlertBook("s1").window(window(0, absent), always)
    value = document(alert, "ecs")
    assert value["source"] == {"address": "vda01"}
    assert value["destination"] == {"address": "ddc1"}
    assert value["network"] == {"transport": "tcp"}
    assert value["rule"] == {"name": "missing"}


@pytest.mark.parametrize("form", FORMATS)
def test_every_kind_of_alert_can_be_written(form: str) -> None:
    """Also sums, what is resolved, and what attacks its reader."""
    [found] = found_in(hostile_report())
    alerts = [
        Alert(Event.APPEARED, HOSTILE, 0, found),
        Alert(Event.RESOLVED, "s1", 0, found),
        Alert(Event.HELD_BACK, "s1", 0, held_back={"high": 2, "low": 1}),
    ]
    texts = [document(alert, form)["message"] for alert in alerts]
    assert str(texts[0]).startswith("not documented: =cmd")
    assert str(texts[1]).startswith("no longer seen: ")
    assert texts[2] == "3 alerts held back by the rate limit: 2 high, 1 low"
    assert [message(alert, form).severity for alert in alerts] == ["high", "info", "info"]


def test_an_unknown_format_is_wrong_usage() -> None:
    """The line names those that there are."""
    with pytest.raises(UsageError, match="--alert-format: expected auditor or ecs, found 'cef'"):
        check_format("cef")
