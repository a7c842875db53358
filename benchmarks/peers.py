"""The programs that others use for this, each with the command line that does the nearest thing."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from measure import Contender

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
OURS = "auditor audit"

_SOFTFLOWD_FLOWS = 4_000_000
"""More than any capture has: its default of 8,192 would cut flows in pieces."""


@dataclass(frozen=True)
class Stage:
    """The captures that one race is about."""

    capture: Path
    site: Path
    cut: Path
    """The capture's beginning, for the slow."""
    nothing: Path
    """A capture of a few frames, for what starting up takes."""
    scale: float
    """Frames of the capture per frame of the cut."""


def ours(stage: Stage) -> Contender:
    """Audit completely: roles, names, signatures, verdicts, findings, JSON."""
    does = "flows, names, payload protocol, roles, verdicts, findings, JSON"
    return Contender(OURS, does, audit_command(stage.capture, stage.site))


def audit_command(source: Path, site: Path, *options: str) -> tuple[str, ...]:
    """Give the command that audits a source and writes report.json where it runs."""
    return (
        sys.executable, "-m", "auditor", "audit", str(source), "--hosts", str(site), "--quiet",
        "--format", "json", "--output", "report.json", "--fail-on", "never", *options,
    )  # fmt: skip


def installed(stage: Stage) -> list[Contender]:
    """List the peers that can be run here, the quickest first."""
    return [peer for peer in _peers(stage) if _is_there(peer)]


def tshark(capture: Path) -> Contender:
    """Let tshark list the TCP conversations."""
    command = ("tshark", "-r", str(capture), "-q", "-z", "conv,tcp")
    return Contender("tshark -z conv,tcp", "dissects all, lists TCP conversations", command)


def _peers(stage: Stage) -> Iterator[Contender]:
    capture = str(stage.capture)
    yield Contender("cat", "reads every byte: the physical limit", ("cat", capture))
    yield Contender("capinfos -c", "counts frames", ("capinfos", "-c", capture))
    copy = ("tcpdump", "-r", capture, "-w", "/dev/null")
    yield Contender("tcpdump -w /dev/null", "copies frames", copy)
    # NetFlow to the discard port of this machine itself; nobody need listen there.
    export = ("-n", "127.0.0.1:9", "-v", "9", "-c", "none", "-p", "softflowd.pid", "-d")
    flows = ("softflowd", "-r", capture, "-m", str(_SOFTFLOWD_FLOWS), *export)
    yield Contender("softflowd", "flows", flows)
    yield Contender("nfpcapd", "flows", ("nfpcapd", "-r", capture, "-w", "."))
    yield Contender("argus", "flows, richer", ("argus", "-r", capture, "-w", "argus.out"))
    detect = ("ndpiReader", "-i", capture, "-q")
    yield Contender("ndpiReader", "flows, payload protocol", detect)
    yield _scaled(stage, tshark(stage.cut), tshark(stage.nothing))
    for name, does in (
        ("NFStream", "flows to pandas, payload protocol"),
        ("dpkt", "a dict of flows in plain Python"),
    ):
        script = str(HERE / f"peer_{name.lower()}.py")
        yield _scaled(
            stage,
            Contender(name, does, (sys.executable, script, str(stage.cut))),
            Contender(name, does, (sys.executable, script, str(stage.nothing))),
        )


def _scaled(stage: Stage, busy: Contender, idle: Contender) -> Contender:
    return Contender(busy.name, busy.does, busy.command, idle.command, stage.scale)


def _is_there(peer: Contender) -> bool:
    if peer.command[0] == sys.executable:
        return find_spec(peer.name.lower()) is not None
    return shutil.which(peer.command[0]) is not None
