"""The outlet for Prometheus: how the sensor, its last window and the other outlets are doing."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from auditor import __version__
from auditor.judge.vocabulary import Severity
from auditor.outlets.extras import require
from auditor.outlets.window import Counters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

    from auditor.outlets.alerts import Alerts
    from auditor.outlets.health import Health
    from auditor.outlets.window import FailedWindow, Window

_SEVERITIES = (*(severity.word for severity in reversed(Severity)), "accepted")


class Metrics:
    """Hold what was last told, and give it to whoever asks; nothing here can fail or wait."""

    def __init__(self, sensor: str) -> None:
        """Begin with nothing counted; raise UsageError if the library is not installed."""
        require("prometheus_client", "live", "an endpoint for metrics")
        from prometheus_client import CollectorRegistry  # noqa: PLC0415 - an extra

        self._sensor = sensor
        self._counters = Counters()
        self._windows = 0
        self._failed_windows = 0
        self._acks = self._gaps = 0
        self._verdicts: dict[str, int] = {}
        self._flows = 0
        self._findings = dict.fromkeys(_SEVERITIES, 0)
        self._first_ns = 0
        self._last_ns = 0
        self._outlets: list[Callable[[], Iterable[Health]]] = []
        self._told: Callable[[], Mapping[str, int]] = dict
        self._guard = threading.Lock()
        self.registry: CollectorRegistry = CollectorRegistry(auto_describe=False)
        self.registry.register(self)

    def update(self, counters: Counters) -> None:
        """Take the sensor's totals, as often as one likes."""
        self._counters = counters

    def window(self, window: Window) -> None:
        """Take a window: its counters, and what its report amounts to."""
        summary = window.report.summary
        with self._guard:
            self._counters = window.counters
            self._windows += 1
            loss = window.report.capture.loss
            self._acks += loss.acks
            self._gaps += loss.gaps
            self._flows = summary["flows"]
            self._findings = dict(summary["findings"])
            self._first_ns, self._last_ns = window.first_ns, window.last_ns
            for verdict, number in summary["by_verdict"].items():
                self._verdicts[verdict] = self._verdicts.get(verdict, 0) + number

    def failed(self, window: FailedWindow) -> None:  # noqa: ARG002 - as `window`, what it is does not matter
        """Take it that there is no report of a window."""
        with self._guard:
            self._failed_windows += 1

    def watch(self, health: Callable[[], Iterable[Health]]) -> None:
        """Show how an outlet is doing, too; it is asked at each scrape."""
        self._outlets.append(health)

    def watch_alerts(self, alerts: Alerts) -> None:
        """Show how alerts are doing, and how many were told."""
        self._told = lambda: alerts.told
        self.watch(lambda: alerts.health)

    def collect(self) -> Iterator[Metric]:
        """Give every metric; what prometheus_client calls."""
        from prometheus_client.core import InfoMetricFamily  # noqa: PLC0415 - an extra

        info = InfoMetricFamily("auditor_sensor", "The sensor and its version")
        info.add_metric([], {"sensor": self._sensor, "version": __version__})
        yield info
        with self._guard:
            families = [*self._of_sensor(self._counters), *self._of_windows()]
        yield from families
        yield from self._of_outlets()

    def _of_sensor(self, counters: Counters) -> Iterator[Metric]:
        yield _counter("auditor_frames", "Frames seen", counters.frames)
        yield _counter("auditor_bytes", "Bytes on the wire", counters.bytes)
        yield _counter("auditor_dropped_frames", "Frames lost before decoding", counters.dropped)
        yield _counter(
            "auditor_decoded_frames",
            "Frames by what became of them",
            counters.frames_by_status,
            "status",
        )
        yield _counter(
            "auditor_duplicate_frames", "Frames that hold a packet again", counters.duplicates
        )
        yield _counter("auditor_errors", "Mistakes of the program, survived", counters.errors)
        yield _gauge("auditor_table_flows", "Flows held now", counters.table_flows)
        yield _gauge("auditor_table_room_flows", "Flows that can be held", counters.table_room)
        yield _gauge(
            "auditor_lag_seconds", "How far judging is behind the wire", counters.lag_ns / 1e9
        )

    def _of_windows(self) -> Iterator[Metric]:
        yield _counter("auditor_windows", "Windows judged", self._windows)
        yield _counter("auditor_failed_windows", "Windows without a report", self._failed_windows)
        yield _counter("auditor_acknowledgements", "Acknowledgements of data", self._acks)
        yield _counter(
            "auditor_uncaptured_acknowledgements",
            "Acknowledgements of data that no frame held",
            self._gaps,
        )
        yield _counter("auditor_judged_flows", "Flows by verdict", self._verdicts, "verdict")
        yield _gauge("auditor_window_flows", "Flows of the last window", self._flows)
        yield _gauge(
            "auditor_window_findings", "Findings of the last window", self._findings, "severity"
        )
        yield _gauge(
            "auditor_window_begin_timestamp_seconds",
            "When the last window began",
            self._first_ns / 1e9,
        )
        yield _gauge(
            "auditor_window_end_timestamp_seconds",
            "When the last window ended",
            self._last_ns / 1e9,
        )

    def _of_outlets(self) -> Iterator[Metric]:
        yield _counter("auditor_alerts", "Alerts told, by event", self._told(), "event")
        healths = [health for ask in self._outlets for health in ask()]

        def each(value: Callable[[Health], int]) -> dict[str, int]:
            return {health.name: value(health) for health in healths}

        works = each(lambda health: health.problem is None)
        waiting, failures = each(lambda health: health.waiting), each(lambda h: h.failures)
        lost = each(lambda health: health.dropped)
        yield _gauge("auditor_outlet_up", "1 if the outlet works", works, "outlet")
        yield _gauge("auditor_outlet_waiting", "Entries in its queue", waiting, "outlet")
        yield _counter("auditor_outlet_failures", "Attempts that failed", failures, "outlet")
        yield _counter("auditor_outlet_lost", "Entries lost or refused", lost, "outlet")


def _counter(
    name: str, documentation: str, value: float | Mapping[str, int], label: str | None = None
) -> Metric:
    from prometheus_client.core import CounterMetricFamily  # noqa: PLC0415 - an extra

    family = CounterMetricFamily(name, documentation, labels=[label] if label else None)
    for key, number in _samples(value):
        family.add_metric(key, number)
    return family


def _gauge(
    name: str, documentation: str, value: float | Mapping[str, int], label: str | None = None
) -> Metric:
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415 - an extra

    family = GaugeMetricFamily(name, documentation, labels=[label] if label else None)
    for key, number in _samples(value):
        family.add_metric(key, number)
    return family


def _samples(value: float | Mapping[str, int]) -> Iterator[tuple[list[str], float]]:
    if isinstance(value, (int, float)):
        yield [], value
        return
    for key, number in value.items():
        yield [key], number
