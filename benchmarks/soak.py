"""Watch an interface for minutes: `python benchmarks/soak.py`; needs root, ip, tcpdump, tcpreplay.

    python benchmarks/soak.py                            # 10,000 new flows a second, 10 minutes
    python benchmarks/soak.py --rate 0 --seconds 60      # mixed flows as fast as tcpreplay can
    python benchmarks/soak.py --rate 50e3 --seconds 60   # likewise, so many frames a second
    python benchmarks/soak.py --seconds 60 --markdown    # the table for a page

A network namespace is made with two joined interfaces; frames are sent into one, and `auditor
live` listens at the other, with `tcpdump -w /dev/null` beside it on the same frames. The exit
status is 0 whatever the figures are: they are for reading.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "sample_pcaps"))

from capture_maker import write_capture, write_site_file
from capture_plan import FLOWS, FRAMES, SIZE_BYTES, Order, crowd_order, plan_capture
from measure import MeasureError
from tables import machine
from tabulate import tabulate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Say = Callable[[str], None]

NEAR, FAR = "near0", "far0"
"""What is sent from one end is heard at the other."""

_CLONE_NEWNET = 0x4000_0000
_MIXED_FRAMES, _CROWD_FLOWS = 500_000, 20_000
_STARTING_S, _ENDING_S = 120.0, 300.0
_SAMPLE_S, _GLANCE_S = 2.0, 0.05
_FIRST_S = 60.0
"""When memory has come to rest, from which growth counts."""
_SETTLED_S = 32.0
"""After the last frame, until it is judged: a watch with few flows judges every thirty seconds."""
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_TCPDUMP = ("tcpdump", "-i", FAR, "-n", "-B", "65536", "-w", os.devnull)


@dataclass(frozen=True)
class Load:
    """What is sent: mixed flows over and over, or flows that are new each time."""

    seconds: float
    rate: float = 0
    """Frames a second of mixed flows; 0 = as many as can be."""
    new_flows: float = 0
    """Flows a second, in place of mixed ones."""


@dataclass(frozen=True)
class Usage:
    """What a process had taken at some moment since the first frame."""

    at_s: float
    cpu_s: float
    rss_mb: float


@dataclass(frozen=True)
class Measured:
    """What came of it."""

    sent: int
    seconds: float
    report: dict[str, Any]
    """As the watch has written it, in JSON."""
    usage: tuple[Usage, ...]
    """Of the watch, from before the first frame to when the last one was judged."""
    tcpdump: tuple[Usage, ...]
    """Empty without it."""

    @property
    def seen(self) -> int:
        """Count the frames that the watch has read."""
        return int(self._capture["frames"])

    @property
    def dropped(self) -> int:
        """Count the frames that found no room in its ring."""
        return int(self._capture["dropped"])

    @property
    def cpu_s(self) -> float:
        """Give what the watch took for the frames, its start and report apart."""
        return self.usage[-1].cpu_s - self.usage[0].cpu_s

    @property
    def tcpdump_cpu_s(self) -> float | None:
        """Give what tcpdump took for them; None without it."""
        return self.tcpdump[-1].cpu_s - self.tcpdump[0].cpu_s if self.tcpdump else None

    def rss_mb(self, at_s: float) -> float:
        """Give the memory at a moment, or at the end of what was sent if that was before."""
        moment = min(at_s, self.seconds)
        return min(self.usage, key=lambda usage: abs(usage.at_s - moment)).rss_mb

    @property
    def _capture(self) -> dict[str, int]:
        capture: dict[str, int] = self.report["capture"]
        return capture


def main() -> int:
    """Measure what the command line asks for; give the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    load = parser.add_mutually_exclusive_group()
    load.add_argument("--rate", type=float, help="frames/s of mixed flows; 0 = top speed")
    load.add_argument("--new-flows", type=float, default=10_000, help="new flows/s (10,000)")
    parser.add_argument("--seconds", type=float, default=600, help="how long to send (600)")
    parser.add_argument("--markdown", action="store_true", help="print the table for a page")
    parser.add_argument("options", nargs="*", help="for `auditor live`, behind --")
    asked = parser.parse_args()
    mixed = asked.rate is not None
    wanted = Load(asked.seconds, asked.rate or 0, 0 if mixed else asked.new_flows)
    try:
        enter_network()
        with TemporaryDirectory(prefix="auditor-soak-") as scratch:
            about = machine()
            capture = make_capture(wanted, Path(scratch))
            found = measure(wanted, capture, asked.options, say=_say)
    except MeasureError as error:
        parser.exit(2, f"soak.py: {error}\n")
    figures = table(found, "github" if asked.markdown else "simple")
    print(f"{about}.\n\n{describe(wanted)}\n\n{figures}")
    return 0


def enter_network() -> None:
    """Move this process into a network of its own, gone when it ends; raise MeasureError."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or not shutil.which("ip"):
        raise MeasureError("expected root on Linux and iproute2, to make interfaces of its own")
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET):
        raise MeasureError("expected the right to make network namespaces")
    for scope in ("all", "default"):  # no frames but those that are sent
        Path(f"/proc/sys/net/ipv6/conf/{scope}/disable_ipv6").write_text("1", encoding="ascii")
    for words in (
        "link set lo up",
        f"link add {NEAR} type veth peer name {FAR}",
        f"link set {NEAR} up",
        f"link set {FAR} up",
    ):
        subprocess.run(["ip", *words.split()], check=True)
    time.sleep(1)


def make_capture(load: Load, directory: Path) -> Path:
    """Make what is sent, with its site file beside it."""
    if load.new_flows:
        order = crowd_order(_CROWD_FLOWS)
    else:
        share = _MIXED_FRAMES / FRAMES
        order = Order(_MIXED_FRAMES, round(FLOWS * share), round(SIZE_BYTES * share))
    plan, capture = plan_capture(order), directory / "sent.pcap"
    write_capture(plan, capture)
    write_site_file(plan, capture.with_suffix(".hosts.yaml"))
    return capture


def measure(
    load: Load, capture: Path, options: Sequence[str] = (), *, say: Say | None = None
) -> Measured:
    """Send between NEAR and FAR, which are there, and watch; raise MeasureError.

    say: is called with a line for each sample, if it is given.
    """
    out = capture.with_name("report.json")
    command = (
        *(sys.executable, "-m", "auditor", "live", FAR, "--format", "json", "--output", str(out)),
        *("--hosts", str(capture.with_suffix(".hosts.yaml")), *options),
    )
    notes = capture.with_name("watch.txt")
    with notes.open("w") as said, subprocess.Popen(command, stderr=said) as watch:
        try:
            _await(lambda: "watching" in notes.read_text(encoding="utf-8"), watch)
            with _tcpdump() as dump:
                sent, seconds, samples = _watch(load, capture, (watch, dump), say)
            watch.send_signal(signal.SIGTERM)
            watch.wait(_ENDING_S)
        finally:
            watch.kill()
    if watch.returncode not in {0, 1} or not out.exists():
        told = notes.read_text(encoding="utf-8")
        raise MeasureError(f"auditor live: exit status {watch.returncode}: {told[-500:]}")
    report = json.loads(out.read_text(encoding="utf-8"))
    return Measured(sent, seconds, report, *(tuple(each) for each in samples))


def describe(load: Load) -> str:
    """Say in a few words what was sent."""
    if load.new_flows:
        return f"{load.new_flows:,.0f} new flows a second"
    return f"mixed flows, {f'{load.rate:,.0f} frames a second' if load.rate else 'top speed'}"


def table(found: Measured, style: str) -> str:
    """Lay out the figures."""
    ours, theirs = found.cpu_s, found.tcpdump_cpu_s
    first_mb, last_mb = found.rss_mb(_FIRST_S), found.rss_mb(found.seconds)
    rows = [
        ("frames sent", f"{found.sent:,}"),
        ("frames a second", f"{found.sent / found.seconds:,.0f}"),
        ("frames seen", f"{found.seen:,}"),
        ("frames dropped", f"{found.dropped:,}"),
        ("CPU s of the start", f"{found.usage[0].cpu_s:.2f}"),
        ("CPU s for the frames", f"{ours:.2f}"),
        ("ns a frame", f"{1e9 * ours / found.sent:,.0f}"),
    ]
    if theirs is not None:
        rows += [
            ("CPU s of tcpdump", f"{theirs:.2f}"),
            ("ns a frame of tcpdump", f"{1e9 * theirs / found.sent:,.0f}"),
            ("ours / tcpdump", f"{ours / max(theirs, 1 / _TICKS_PER_S):.2f}"),
        ]
    rows += [
        (f"MB after {min(_FIRST_S, found.seconds):,.0f} s", f"{first_mb:,.1f}"),
        (f"MB after {found.seconds:,.0f} s", f"{last_mb:,.1f}"),
        ("growth, %", f"{100 * (last_mb / first_mb - 1):+.1f}"),
        ("MB at most", f"{max(usage.rss_mb for usage in found.usage):,.1f}"),
    ]
    return tabulate(rows, ("figure", ""), style, disable_numparse=True)


def _watch(
    load: Load, capture: Path, processes: Sequence[subprocess.Popen[bytes] | None], say: Say | None
) -> tuple[int, float, list[list[Usage]]]:
    """Send, and sample the processes until the last frame is judged; one list for each of them.

    Give how many frames were sent, and in how many seconds.
    """
    before, begun_s = _frames_sent(), time.monotonic()
    samples: list[list[Usage]] = [[] for _ in processes]

    def sample() -> None:
        for process, taken in zip(processes, samples, strict=True):
            if process is not None:
                taken.append(_usage(process.pid, time.monotonic() - begun_s))
        if say is not None:
            say(f"{_frames_sent() - before:,} frames sent, {samples[0][-1]}")

    sample()
    with subprocess.Popen(_sender(load, capture), stdout=subprocess.DEVNULL) as sender:
        while sender.poll() is None and _frames_sent() == before:
            time.sleep(_GLANCE_S)  # until it has read its capture
        begun_s = time.monotonic()
        while sender.poll() is None:
            time.sleep(_SAMPLE_S)
            sample()
    seconds = time.monotonic() - begun_s
    if sender.returncode:
        raise MeasureError(f"the sender: exit status {sender.returncode}")
    sent = _frames_sent() - before
    time.sleep(_SETTLED_S)
    sample()
    return sent, seconds, samples


def _sender(load: Load, capture: Path) -> list[str]:
    if load.new_flows:
        script = str(Path(__file__).with_name("flow_sender.py"))
        return [
            *(sys.executable, script, str(capture), NEAR, f"{load.seconds:g}"),
            f"{load.new_flows:g}",
        ]
    speed = f"--pps={load.rate:g}" if load.rate else "--topspeed"
    return [
        *("tcpreplay", "--quiet", f"--intf1={NEAR}", speed, "--preload-pcap", "--loop=100000000"),
        *(f"--duration={load.seconds:.0f}", "--no-flow-stats", str(capture)),
    ]


@contextmanager
def _tcpdump() -> Iterator[subprocess.Popen[bytes] | None]:
    """Let tcpdump listen, where there is one."""
    if shutil.which("tcpdump") is None:
        yield None
        return
    with subprocess.Popen(_TCPDUMP, stderr=subprocess.DEVNULL) as dump:
        time.sleep(1)
        try:
            yield dump
        finally:
            dump.send_signal(signal.SIGINT)


def _await(met: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    ends_s = time.monotonic() + _STARTING_S
    while not met():
        if process.poll() is not None or time.monotonic() > ends_s:
            raise MeasureError("auditor live: expected it to watch")
        time.sleep(0.1)


def _frames_sent() -> int:
    """Ask the kernel; its counters stand behind the name and eight ones of what was received."""
    listed = Path("/proc/thread-self/net/dev").read_text(encoding="ascii")
    (own,) = (line for line in listed.splitlines() if line.strip().startswith(f"{NEAR}:"))
    return int(own.partition(":")[2].split()[9])


def _usage(process: int, at_s: float) -> Usage:
    place = Path(f"/proc/{process}")
    # The name in brackets may hold anything; what counts stands behind it (proc(5)).
    fields = place.joinpath("stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    status = place.joinpath("status").read_text(encoding="utf-8")
    (resident,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
    ticks = int(fields[11]) + int(fields[12])
    return Usage(at_s, ticks / _TICKS_PER_S, int(resident.split()[1]) * 1024 / 1e6)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
