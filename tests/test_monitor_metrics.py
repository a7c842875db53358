"""auditor.outlets.metrics and its server: what Prometheus is told; the dashboard asks for that."""

from __future__ import annotations

import json
import re
import socket
import sys
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from monitoring import BEGIN_NS, QUICK, WINDOW_NS, until, window
from prometheus_client.parser import text_string_to_metric_families
from reports import finding, rich_report

from auditor.errors import UsageError
from auditor.outlets.alerts import AlertOptions, Alerts
from auditor.outlets.health import Health
from auditor.outlets.history import History
from auditor.outlets.metrics import Metrics
from auditor.outlets.metrics_server import (
    AddressTakenError,
    MetricsServer,
    PatientServer,
    parse_address,
)
from auditor.outlets.window import Counters, FailedWindow, Window
from auditor.report.quality import LossInfo

DOCS = Path(__file__).parents[1] / "docs"
DASHBOARD = json.loads((DOCS / "grafana-dashboard.json").read_text(encoding="utf-8"))


def scrape(metrics: Metrics) -> dict[tuple[str, str], float]:
    """Get the metrics as Prometheus does: (name, value of its label) -> value."""
    server = MetricsServer(metrics, "0")
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics") as answer:
            text = answer.read().decode()
    finally:
        server.close()
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_sensors_totals_are_told_as_they_are() -> None:
    """However often they are updated between two windows."""
    metrics = Metrics("s1")
    assert scrape(metrics)["auditor_frames_total", ""] == 0
    metrics.update(Counters(10, 2000, 3, {"ok": 9, "malformed": 1}, 7, 100, 1_500_000_000))
    found = scrape(metrics)
    assert found["auditor_frames_total", ""] == 10
    assert found["auditor_bytes_total", ""] == 2000
    assert found["auditor_dropped_frames_total", ""] == 3
    assert found["auditor_decoded_frames_total", "malformed"] == 1
    assert found["auditor_table_flows", ""] == 7
    assert found["auditor_table_room_flows", ""] == 100
    assert found["auditor_lag_seconds", ""] == 1.5
    metrics.update(Counters(duplicates=4, errors=2))
    found = scrape(metrics)
    assert found["auditor_duplicate_frames_total", ""] == 4
    assert found["auditor_errors_total", ""] == 2


def test_windows_add_up_and_the_last_one_is_shown() -> None:
    """Verdicts are counted; findings are those of now."""
    metrics = Metrics("s1")
    metrics.window(window(0, report=rich_report()))
    metrics.window(Window(BEGIN_NS, BEGIN_NS + WINDOW_NS, rich_report(), Counters(frames=5)))
    found = scrape(metrics)
    assert found["auditor_windows_total", ""] == 2
    assert found["auditor_judged_flows_total", "wrong-roles"] == 10
    assert found["auditor_judged_flows_total", "prohibited"] == 0
    assert found["auditor_window_flows", ""] == 150
    assert found["auditor_window_findings", "high"] == 3
    assert found["auditor_window_findings", "accepted"] == 1
    assert found["auditor_window_end_timestamp_seconds", ""] == (BEGIN_NS + WINDOW_NS) / 1e9
    assert found["auditor_frames_total", ""] == 5


def test_losses_of_windows_add_up_and_failed_ones_are_counted() -> None:
    """A window without a report is none that was judged."""
    metrics = Metrics("s1")
    plain = rich_report()
    lossy = replace(plain, capture=replace(plain.capture, loss=LossInfo(acks=200, gaps=3)))
    for number in range(2):
        metrics.window(window(number, report=lossy))
    metrics.failed(FailedWindow(BEGIN_NS, BEGIN_NS + WINDOW_NS, "ValueError: odd"))
    found = scrape(metrics)
    assert found["auditor_acknowledgements_total", ""] == 400
    assert found["auditor_uncaptured_acknowledgements_total", ""] == 6
    assert found["auditor_windows_total", ""] == 2
    assert found["auditor_failed_windows_total", ""] == 1


def test_an_address_that_is_taken_is_waited_for() -> None:
    """It is said once; when it is free metrics are given out, and that is said, too."""
    said: list[str] = []
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(AddressTakenError, match="cannot listen: Address already in use"):
            MetricsServer(Metrics("s1"), str(port))
        server = PatientServer(Metrics("s1"), str(port), said.append, again_s=0.02)
        assert server.port is None
        assert said == [f"metrics on {port}: Address already in use; tried again"]
        waiting = PatientServer(Metrics("s1"), str(port), again_s=60.0)
        waiting.close()
        assert waiting.port is None
    until(lambda: len(said) == 2)
    assert server.port == port
    assert "working again" in said[1]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        assert b"auditor_frames_total" in answer.read()
    server.close()
    with pytest.raises(UsageError, match="--metrics"):
        PatientServer(Metrics("s1"), "x:y")


def test_outlets_are_asked_at_each_scrape(tmp_path: Path) -> None:
    """What waits, fails, is lost; and the alerts told."""
    metrics = Metrics("s1")
    alerts = Alerts([str(tmp_path / "a")], sensor="s1", options=AlertOptions(backoff=QUICK))
    history = History(f"sqlite:///{tmp_path}/h.db", sensor="s1", directory=tmp_path / "q")
    metrics.watch_alerts(alerts)
    metrics.watch(lambda: history.health)
    metrics.watch(lambda: [Health("hook", "refused", waiting=4, failures=9, dropped=2)])
    assert ("auditor_alerts_total", "appeared") not in scrape(metrics)
    alerts.window(window(0, finding("x", "blocked", "high")))
    alerts.close(60.0)
    history.close(60.0)
    found = scrape(metrics)
    assert found["auditor_alerts_total", "appeared"] == 1
    assert found["auditor_outlet_up", "alerts"] == 1
    assert found["auditor_outlet_up", f"history in sqlite:///{tmp_path}/h.db"] == 1
    assert found["auditor_outlet_up", "hook"] == 0
    assert found["auditor_outlet_waiting", "hook"] == 4
    assert found["auditor_outlet_failures_total", "hook"] == 9
    assert found["auditor_outlet_lost_total", "hook"] == 2


def test_the_registry_is_our_own() -> None:
    """Two sensors in one process do not collide, and the process's own metrics stay out."""
    first, second = Metrics("s1"), Metrics("s2")
    first.update(Counters(frames=1))
    second.update(Counters(frames=2))
    assert scrape(first)["auditor_frames_total", ""] == 1
    found = scrape(second)
    assert found["auditor_frames_total", ""] == 2
    assert all(name.startswith("auditor_") for name, _ in found)


def test_a_port_that_is_taken_is_wrong_usage() -> None:
    """As the system says it; the first server goes on."""
    server = MetricsServer(Metrics("s1"), "127.0.0.1:0")
    with pytest.raises(UsageError, match=rf"--metrics {server.port}: cannot listen: Address alr"):
        MetricsServer(Metrics("s2"), str(server.port))
    server.close()
    MetricsServer(Metrics("s2"), str(server.port)).close()


def test_an_address_of_another_machine_is_wrong_usage() -> None:
    """203.0.113.0/24 is for examples and nobody's."""
    with pytest.raises(UsageError, match="cannot listen"):
        MetricsServer(Metrics("s1"), "203.0.113.7:0")


def test_only_loopback_is_listened_on_unless_asked() -> None:
    """What a site's flows are is not for its network to read."""
    server = MetricsServer(Metrics("s1"), "0")
    assert server._server.server_address[0] == "127.0.0.1"
    server.close()


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
def test_ipv6_is_listened_on_in_brackets() -> None:
    """If the machine has it."""
    try:
        server = MetricsServer(Metrics("s1"), "[::1]:0")
    except UsageError as error:
        pytest.skip(str(error))
    with urllib.request.urlopen(f"http://[::1]:{server.port}/metrics") as answer:
        assert answer.status == 200
    server.close()


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("9477", ("127.0.0.1", 9477)),
        (":9477", ("127.0.0.1", 9477)),
        ("0.0.0.0:9477", ("0.0.0.0", 9477)),
        ("sensor.example:9477", ("sensor.example", 9477)),
        ("[2001:db8::1]:9477", ("2001:db8::1", 9477)),
    ],
)
def test_an_address_is_read(text: str, address: tuple[str, int]) -> None:
    """Loopback where no host is named."""
    assert parse_address(text) == address


@given(st.text(max_size=20))
def test_whatever_else_is_wrong_usage(text: str) -> None:
    """And no other exception."""
    try:
        host, port = parse_address(text)
    except UsageError:
        return
    assert host
    assert 0 <= port <= 65535


@pytest.mark.parametrize("text", ["", "x", "127.0.0.1", "127.0.0.1:", ":65536", "::1:80", "[::1]"])
def test_half_an_address_is_wrong_usage(text: str) -> None:
    """The line says what was expected."""
    with pytest.raises(UsageError, match="expected HOST:PORT or PORT"):
        parse_address(text)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the extra that brings it."""
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(UsageError, match=r"prometheus_client, .*citrix-traffic-auditor\[live\]"):
        Metrics("s1")


def told() -> dict[str, str]:
    """Give every metric with its type, as a scrape of a busy sensor has them."""
    metrics = Metrics("s1")
    metrics.window(window(0, report=rich_report()))
    names = {}
    for family in metrics.collect():
        suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
        names[f"{family.name}{suffix}"] = family.type
    return names


def test_the_dashboard_asks_for_what_there_is() -> None:
    """Every metric in a query exists, every one that exists is asked for; counters as rates."""
    names, asked = told(), set[str]()
    queries = [t["expr"] for panel in DASHBOARD["panels"] for t in panel.get("targets", ())]
    queries += [variable["definition"] for variable in DASHBOARD["templating"]["list"][1:]]
    for query in queries:
        found = set(re.findall(r"auditor_\w+", query))
        assert found
        assert found <= names.keys(), query
        asked |= found
        for name in found:
            if names[name] == "counter":
                assert re.search(rf"(rate|increase)\({name}\b", query), query
    assert asked == names.keys()


def test_the_dashboard_can_be_loaded() -> None:
    """What Grafana needs of it: no database number, panels that do not overlap, one data source."""
    assert DASHBOARD["id"] is None
    assert DASHBOARD["uid"]
    assert DASHBOARD["schemaVersion"] >= 36
    source, *_ = DASHBOARD["templating"]["list"]
    assert (source["type"], source["query"]) == ("datasource", "prometheus")
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        assert panel["title"]
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])
        }
        assert not cells & taken
        taken |= cells
        if panel["type"] != "row":
            assert panel["datasource"] == {"type": "prometheus", "uid": f"${{{source['name']}}}"}
            refs = [target["refId"] for target in panel["targets"]]
            assert refs
            assert len(set(refs)) == len(refs)


def test_the_manual_explains_every_metric() -> None:
    """Under its own heading."""
    manual = (DOCS / "monitoring-outlets.md").read_text(encoding="utf-8")
    assert told().keys() <= set(re.findall(r"`(auditor_\w+)", manual.split("\n## Metrics\n")[1]))
