"""auditor.outlets.store.record: what one window leaves in the history."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from monitoring import BEGIN_NS, HOUR_NS, WINDOW_NS, expectation, traffic_window, window
from reports import empty_report, hostile_report, rich_report

from auditor.outlets.store import record as module
from auditor.outlets.store.record import Record, digest_of, pack, record_of, unpack
from auditor.outlets.store.schema import NO_PORT


def test_flows_of_an_edge_are_counted_together() -> None:
    """Edges are told apart by both addresses, transport, port and verdict."""
    made = record_of(
        traffic_window(
            0,
            {},
            {"outcome": "refused"},
            {"verdict": "wrong-roles"},
            {"server_port": None, "transport": "icmp"},
        ),
        "s1",
    )
    edges = {(e.transport, e.port, e.verdict): e for e in made.edges}
    assert len(edges) == 3
    both = edges["tcp", 80, "documented"]
    assert (both.client, both.server, both.client_name) == ("10.1.7.11", "10.0.0.10", "vda01")
    assert (both.flows, both.answered, both.bytes) == (2, 1, 2 * 4600)
    assert (both.first_ns, both.last_ns, both.hour_ns) == (BEGIN_NS, BEGIN_NS + 6, BEGIN_NS)
    assert edges["icmp", NO_PORT, "documented"].flows == 1


def test_a_window_over_the_hour_is_counted_in_both_hours() -> None:
    """By when a flow began; one that began before the window counts from the window's begin."""
    made = record_of(
        traffic_window(
            0,
            {"first_seen": BEGIN_NS - 10 * HOUR_NS},
            {"first_seen": BEGIN_NS + HOUR_NS + 1},
            first_ns=BEGIN_NS + HOUR_NS - 1,
        ),
        "s1",
    )
    assert [(e.hour_ns, e.flows) for e in made.edges] == [(BEGIN_NS, 1), (BEGIN_NS + HOUR_NS, 1)]


def test_the_figures_of_the_window_are_those_of_its_report() -> None:
    """Lost frames that nobody counted stay unknown."""
    made = record_of(window(0, report=rich_report()), "s1")
    assert (made.first_ns, made.last_ns) == (BEGIN_NS, BEGIN_NS + WINDOW_NS)
    assert (made.frames, made.bytes, made.dropped, made.flows) == (2318, 1_942_133, None, 150)
    assert sum(edge.flows for edge in made.edges) == 150


def test_a_window_without_traffic_is_watched_all_the_same() -> None:
    """It has a span, and nothing in it."""
    made = record_of(window(0, report=empty_report()), "s1")
    assert (made.flows, made.edges, made.expected) == (0, (), ())
    assert made.last_ns - made.first_ns == WINDOW_NS


def test_a_scan_does_not_fill_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answered edges are kept first; how many were left out is kept, too."""
    monkeypatch.setattr(module, "MOST_EDGES", 3)
    scan = [{"server_port": 1000 + port, "outcome": "refused"} for port in range(9)]
    made = record_of(traffic_window(0, *scan, {"server_port": 7}), "s1")
    assert (len(made.edges), made.left_out, made.flows) == (3, 7, 10)
    assert made.edges[0].port == 7


def test_the_coverage_is_kept_as_it_is() -> None:
    """Lists as JSON."""
    [one] = record_of(traffic_window(0, coverage=(expectation("missing"),)), "s1").expected
    assert (one.rule_group, one.source, one.destination) == ("registration", "vda", "ddc")
    assert (json.loads(one.paper_rows), json.loads(one.ports)) == ([244], [80, 443])
    assert (one.status, one.why) == ("missing", "it is missing")


@pytest.mark.parametrize("report", [rich_report(), hostile_report(), empty_report()])
def test_a_record_comes_back_from_the_queue_as_it_went_in(report: object) -> None:
    """And so does its name."""
    made = record_of(window(0, report=report), "s1")  # type: ignore[arg-type]  # any of the three
    back = unpack(pack(made))
    assert back == made
    assert digest_of(back) == digest_of(made)
    assert digest_of(replace(made, frames=1)) != digest_of(made)


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(exclude_categories=())))
def test_a_name_from_the_wire_is_fit_for_any_database(name: str) -> None:
    """No NUL, nothing that UTF-8 cannot write; a usual name stays."""
    [edge] = record_of(traffic_window(0, {"client_name": name}), name).edges
    assert edge.client_name is not None
    assert "\0" not in edge.client_name
    edge.client_name.encode()
    if name.isascii() and name.isprintable():
        assert edge.client_name == name


@pytest.mark.parametrize("content", [b"", b"x", b"x\x9c\x03\x00\x00\x00\x00\x01"])
def test_something_else_in_the_queue_is_no_record(content: bytes) -> None:
    """It is said what was found."""
    with pytest.raises(ValueError, match="expected a window"):
        unpack(content)


def test_a_record_names_its_sensor() -> None:
    """The history of a fleet tells them apart."""
    made: Record = record_of(traffic_window(0), "branch 7")
    assert made.sensor == "branch 7"
