"""Which outlets a watch has, opened together and closed together."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from auditor.live.mishaps import reason_of
from auditor.outlets.alerts import AlertOptions, Alerts

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.judge.past import Past
    from auditor.outlets.history import History
    from auditor.outlets.metrics import Metrics
    from auditor.outlets.window import Counters, FailedWindow, Window


@dataclass(frozen=True)
class OutletOptions:
    """What leaves the watch, and where to."""

    sensor: str
    """Name of this watch among others."""
    alerts: tuple[str, ...] = ()
    alert_options: AlertOptions | None = None
    metrics: str | None = None
    """HOST:PORT."""
    history: str | None = None
    """URL of a database."""
    history_keep_days: int | None = None
    """How long the history keeps counts by hour and windows; None = a little more than a year."""
    directory: Path | None = None
    """For what has to outlive the process; None: where the system keeps such things."""


class _Outlet(Protocol):
    def window(self, window: Window) -> None: ...

    def close(self) -> None: ...


class Outlets:
    """Hands windows to every outlet; nothing here can hold up the watch."""

    def __init__(self, options: OutletOptions, say: Callable[[str], None]) -> None:
        """Open all that is asked for; raise AuditError if something cannot be."""
        self._outlets: list[_Outlet] = []
        self._say = say
        self._metrics: Metrics | None = None
        self._history: History | None = None
        try:
            self._open(options, say)
        except BaseException:
            self.close()
            raise

    def window(self, window: Window) -> None:
        """Hand over a window."""
        for outlet in self._outlets:
            try:
                outlet.window(window)
            except Exception as error:  # noqa: BLE001 - the others and the watch go on
                self._say(f"an outlet did not take a window: {reason_of(error)}")

    def failed(self, window: FailedWindow) -> None:
        """Hand over that there is no report of a window."""
        if self._metrics is not None:
            self._metrics.failed(window)

    def past(self) -> Past | None:
        """Give what the history tells, without asking it now; None where there is nothing."""
        return None if self._history is None else self._history.past

    def update(self, counters: Counters) -> None:
        """Show the totals of this moment."""
        if self._metrics is not None:
            self._metrics.update(counters)

    def close(self) -> None:
        """Deliver what waits, as far as that goes in a few seconds."""
        while self._outlets:
            try:
                self._outlets.pop().close()
            except Exception as error:  # noqa: BLE001 - the others have to deliver, too
                self._say(f"an outlet did not end in order: {reason_of(error)}")

    def _open(self, options: OutletOptions, say: Callable[[str], None]) -> None:
        alerts = history = None
        if options.alerts:
            alerts = Alerts(
                options.alerts,
                sensor=options.sensor,
                directory=options.directory,
                options=options.alert_options,
                say=say,
            )
            self._outlets.append(alerts)
        if options.history is not None:
            from auditor.outlets.history import History  # noqa: PLC0415 - SQLAlchemy is an extra

            directory = options.directory or state_directory()
            queue = directory / f"history-{_file_name(options.sensor)}"
            history = History(
                options.history,
                sensor=options.sensor,
                directory=queue,
                keep_days=options.history_keep_days,
                say=say,
            )
            self._outlets.append(history)
            self._history = history
        if options.metrics is not None:
            from auditor.outlets.metrics import Metrics  # noqa: PLC0415 - an extra

            self._metrics = Metrics(options.sensor)
            self._outlets.append(_Scraped(self._metrics, options.metrics, say))
            if alerts is not None:
                self._metrics.watch_alerts(alerts)
            if history is not None:
                self._metrics.watch(lambda: history.health)


class _Scraped:
    """Metrics and the server that gives them out, as one outlet."""

    def __init__(self, metrics: Metrics, address: str, say: Callable[[str], None]) -> None:
        from auditor.outlets.metrics_server import PatientServer  # noqa: PLC0415 - an extra

        self.window = metrics.window
        self._server = PatientServer(metrics, address, say)

    def close(self) -> None:
        self._server.close()


def state_directory() -> Path:
    """Say where this system keeps what has to outlive a process."""
    given = os.environ.get("STATE_DIRECTORY")  # systemd
    if given:
        return Path(given.split(":")[0])
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home()) / "auditor"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "auditor"


def _file_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "-", text).strip("-.")[:64] or "sensor"
