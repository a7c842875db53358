"""auditor.outlets.alerts: from a window to every sink, through faults and restarts."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from monitoring import QUICK, fill, small_disk, until, window
from receivers import Hook, TcpReceiver, syslog_messages, web_hook
from reports import finding

from auditor.errors import AuditError, UsageError
from auditor.outlets.alerts import AlertOptions, Alerts
from auditor.outlets.rate import RateLimit

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS = AlertOptions(backoff=QUICK)


def findings_in(path: Path) -> list[str]:
    """List the findings told in a file, in order."""
    return [json.loads(line)["finding_id"] for line in path.read_text().splitlines()]


def numbered(*numbers: int) -> list[dict[str, object]]:
    """Describe findings that sort as they are numbered."""
    return [finding(f"f{number:03}", "unexpected", "low", port=number) for number in numbers]


def test_a_file_has_each_finding_once_across_restarts(tmp_path: Path) -> None:
    """The memory lies beside it."""
    path = tmp_path / "alerts.jsonl"
    for number in range(3):
        alerts = Alerts([str(path)], sensor="span 1/a", options=OPTIONS)
        alerts.window(window(2 * number, *numbered(*range(number + 1))))
        alerts.window(window(2 * number + 1, *numbered(*range(number + 1))))
        alerts.close(60.0)
    assert findings_in(path) == ["f000", "f001", "f002"]
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "alerts-span-1-a.json",
        "alerts.jsonl",
    ]
    assert alerts.told == {"appeared": 1}
    assert alerts.state.splitlines()[0] == "alerts: working"


def test_a_hook_that_is_away_gets_all_of_it_later_in_order(tmp_path: Path) -> None:
    """Also if the process ends in between; other sinks are not held up; it is said once."""
    hook, said, path = Hook(status=503), list[str](), tmp_path / "alerts.jsonl"
    with web_hook(hook) as address:
        specs = [f"http://{address}/secret", str(path)]
        alerts = Alerts(specs, sensor="s1", options=OPTIONS, say=said.append)
        alerts.window(window(0, *numbered(1, 2)))
        until(lambda: len(hook.requests) >= 5 and path.exists())
        alerts.window(window(1, *numbered(1, 2, 3)))
        until(lambda: path.read_text().count("\n") == 3)
        assert f"alerts to http://{address}/...: HTTP 503" in alerts.state
        alerts.close(0.2)
        assert not hook.bodies
        hook.status = 200
        alerts = Alerts(specs, sensor="s1", options=OPTIONS)
        until(lambda: len(hook.bodies) == 3)
        alerts.close(60.0)
    assert [json.loads(body)["finding_id"] for body in hook.bodies] == ["f001", "f002", "f003"]
    assert findings_in(path) == ["f001", "f002", "f003"]
    assert [line for line in said if "503" in line] == [
        f"alerts to http://{address}/...: HTTP 503 Service Unavailable"
    ]
    assert not any("secret" in line for line in said)


def test_sinks_of_every_kind_get_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Standard output, a file, syslog and a hook."""
    hook, receiver, path = Hook(), TcpReceiver(), tmp_path / "a.jsonl"
    with web_hook(hook) as address:
        specs = ["-", str(path), f"syslog+tcp://127.0.0.1:{receiver.port}", f"http://{address}/"]
        alerts = Alerts(specs, sensor="s1", directory=tmp_path / "state", options=OPTIONS)
        alerts.window(window(0, *numbered(1, 2)))
        until(lambda: len(hook.bodies) == 2)
        until(lambda: bool(receiver.streams) and receiver.streams[0].count(b"f002") > 0)
        alerts.close(60.0)
    receiver.close()
    lines = path.read_text().splitlines()
    assert capsys.readouterr().out.splitlines() == lines
    assert [body.decode() for body in hook.bodies] == lines
    sent = [m.decode().split(" - ", 1)[1] for m in syslog_messages(receiver.streams[0])]
    assert sent == lines
    assert [health.problem for health in alerts.health] == [None] * 6


def test_two_hooks_of_one_host_have_queues_and_names_of_their_own(tmp_path: Path) -> None:
    """Their paths differ, which must not be shown."""
    hook = Hook()
    with web_hook(hook) as address:
        specs = [f"http://{address}/one", f"http://{address}/two"]
        alerts = Alerts(specs, sensor="s1", directory=tmp_path, options=OPTIONS)
        alerts.window(window(0, *numbered(1)))
        until(lambda: len(hook.bodies) == 2)
        alerts.close(60.0)
    names = [health.name for health in alerts.health][2:]
    assert names == [f"alerts to http://{address}/...", f"alerts to http://{address}/... (2)"]
    assert len(list(tmp_path.glob("queue-*"))) == 2


def test_a_flood_is_bounded_by_the_rate_and_summed_up(tmp_path: Path) -> None:
    """The sum is an alert like others."""
    path = tmp_path / "a.jsonl"
    options = AlertOptions(rate=RateLimit(burst=5, per_minute=1.0))
    alerts = Alerts([str(path)], sensor="s1", options=options)
    alerts.window(window(0, *numbered(*range(1000))))
    alerts.close(60.0)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["event"] for line in lines] == ["appeared"] * 5 + ["held-back"]
    assert lines[-1]["held_back"] == {"low": 995}
    assert lines[-1]["message"] == "995 alerts held back by the rate limit: 995 low"


def test_a_full_disk_loses_no_alert(tmp_path: Path) -> None:
    """Nothing is noted as told that is not on disk; it is told when there is room."""
    with small_disk(tmp_path / "disk", "256k") as disk:
        path, said = disk / "alerts.jsonl", list[str]()
        alerts = Alerts([str(path)], sensor="s1", options=OPTIONS, say=said.append)
        alerts.window(window(0, *numbered(1)))
        until((disk / "alerts-s1.json").exists)
        ballast = fill(disk)
        alerts.window(window(1, *numbered(*range(1, 30))))
        until(lambda: said != [])
        assert "No space left" in said[0] or "fit on the disk" in said[0]
        # A process that is killed now leaves a memory that knows of the first alone.
        known = json.loads((disk / "alerts-s1.json").read_text())["known"]
        assert [one["found"]["finding_id"] for one in known] == ["f001"]
        ballast.unlink()
        until(lambda: len(findings_in(path)) == 29)
        alerts.close(60.0)
        known = json.loads((disk / "alerts-s1.json").read_text())["known"]
        assert len(known) == 29
        assert findings_in(path) == [f"f{number:03}" for number in range(1, 30)]


def test_a_damaged_memory_is_put_aside_and_said(tmp_path: Path) -> None:
    """Everything is told anew rather than nothing."""
    (tmp_path / "alerts-s1.json").write_text("{")
    said: list[str] = []
    path = tmp_path / "a.jsonl"
    alerts = Alerts([str(path)], sensor="s1", options=OPTIONS, say=said.append)
    alerts.window(window(0, *numbered(1)))
    alerts.close(60.0)
    assert (tmp_path / "alerts-s1.damaged").read_text() == "{"
    assert "every finding is told anew" in said[0]
    assert findings_in(path) == ["f001"]


def test_what_cannot_be_opened_is_said_at_once(tmp_path: Path) -> None:
    """Before the watch begins, and without threads left behind."""
    with pytest.raises(UsageError, match="--alerts ftp://x: expected"):
        Alerts(["ftp://x/"], sensor="s1")
    with pytest.raises(UsageError, match="--alert-format"):
        Alerts(["-"], sensor="s1", options=AlertOptions(form="cef"))
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be made"):
        Alerts(["-"], sensor="s1", directory=tmp_path / "file" / "x")


def test_the_same_sensor_twice_is_refused(tmp_path: Path) -> None:
    """Two processes would send each other's alerts."""
    pytest.importorskip("fcntl", reason="locks of this kind are not for Windows")
    specs = ["http://127.0.0.1:9/one", "http://127.0.0.1:9/two"]
    alerts = Alerts(specs[1:], sensor="s1", directory=tmp_path, options=OPTIONS)
    with pytest.raises(AuditError, match="in use by another auditor"):
        Alerts(specs, sensor="s1", directory=tmp_path, options=OPTIONS)
    alerts.close(0.1)
    Alerts(specs, sensor="s1", directory=tmp_path, options=OPTIONS).close(0.1)


def test_the_memory_lies_where_the_system_keeps_such_things(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless there is a file to lie beside."""
    variable = "LOCALAPPDATA" if sys.platform == "win32" else "XDG_STATE_HOME"
    monkeypatch.setenv(variable, str(tmp_path))
    alerts = Alerts(["syslog://127.0.0.1:9"], sensor="s1", options=OPTIONS)
    alerts.close(60.0)
    assert (tmp_path / "auditor").is_dir()


CHILD = """
import sys
from pathlib import Path
from monitoring import QUICK, until, window
from reports import finding
from auditor.outlets.alerts import AlertOptions, Alerts
from auditor.outlets.rate import RateLimit

path, start = Path(sys.argv[1]), int(sys.argv[2])
options = AlertOptions(backoff=QUICK, rate=RateLimit(10**6, 10**6))
alerts = Alerts([str(path)], sensor="s1", options=options)
print("ready", flush=True)
for number in range(start, start + 10_000):
    known = [finding(f"f{n:05}", "unexpected", "low") for n in range(max(0, number - 5), number)]
    alerts.window(window(number, *known))
    until(lambda: len(alerts._inbox) < 4)
"""


def test_kill_9_loses_no_alert_and_repeats_one_window_at_most(tmp_path: Path) -> None:
    """Wherever it hits: whole lines, every finding told, hardly any twice."""
    path, chance, start = tmp_path / "alerts.jsonl", random.Random(4), 0
    lives = 3
    for _ in range(lives):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(path), str(start)],
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": ":".join(sys.path), "PATH": ""},
        )
        assert child.stdout is not None
        child.stdout.readline()
        before = len(findings_in_whole_lines(path))
        until(lambda before=before: len(findings_in_whole_lines(path)) > before)  # type: ignore[misc]  # a default binds it
        time.sleep(chance.uniform(0.1, 0.5))
        child.kill()
        child.communicate()
        # The next process sees again what was in the air.
        told = findings_in_whole_lines(path)
        start = max((int(name[1:]) for name in told), default=0)
    told = findings_in_whole_lines(path)
    numbers = sorted({int(name[1:]) for name in told})
    assert len(numbers) > lives
    assert numbers == list(range(len(numbers)))
    assert len(told) - len(numbers) <= 5 * lives


def findings_in_whole_lines(path: Path) -> list[str]:
    """List the findings of a file whose lines may have been torn by a kill."""
    found = []
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            found.append(json.loads(line)["finding_id"])
        except ValueError:
            continue
    return found
