"""Debian's daemons in the lab's namespaces: which there are, and their life."""

from __future__ import annotations

import shutil
import signal
import time
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import configurations as conf
from .configurations import Place
from .namespaces import SYSTEM_PATH, LabError, stop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from truth import KnownFlow

    from .configurations import Target
    from .network import Network

_PATIENCE_S = 60


@dataclass(frozen=True)
class Program:
    """A daemon: how it is set up, and what must be there for it."""

    command: Callable[[Place], list[str]]
    """Writes what it needs into its place, and gives the command that starts it."""
    needs: tuple[str, ...] = ()


PROGRAMS: Mapping[str, Program] = {
    "chronyd": Program(conf.chronyd),
    "dnsmasq": Program(conf.dnsmasq),
    "nginx": Program(conf.nginx),
    "rsyslogd": Program(conf.rsyslogd),
    "slapd": Program(conf.slapd, needs=("slapadd",)),
    "snmpd": Program(conf.snmpd),
    "sshd": Program(conf.sshd, needs=("ssh", "ssh-keygen")),
}

CLIENTS = ("softflowd",)
"""Real programs that serve nobody."""


def find(program: str) -> str | None:
    """Find a program, also where only root looks."""
    return shutil.which(program, path=SYSTEM_PATH)


def absent() -> set[str]:
    """Name the programs that cannot be had here."""
    needs = {name: (name, *program.needs) for name, program in PROGRAMS.items()}
    needs |= {name: (name,) for name in CLIENTS}
    return {name for name, programs in needs.items() if not all(map(find, programs))}


class Servers:
    """All daemons of the lab."""

    def __init__(self, network: Network, scratch: Path) -> None:
        """Say where they run, and where each may make a directory."""
        self._network = network
        self._scratch = scratch
        self._held = ExitStack()

    def start(self, flows: Iterable[KnownFlow], names: Mapping[str, str], target: Target) -> None:
        """Start what these flows need, one of a kind per host, and wait until all serve."""
        services: dict[tuple[str, str], set[str]] = defaultdict(set)
        for flow in flows:
            if flow.real in PROGRAMS:
                address = self._network.serving(flow.server)
                services[flow.real, address].add(f"{flow.transport}/{flow.port}")
        for (program, address), offered in sorted(services.items()):
            directory = self._scratch / f"{program}-{address}"
            directory.mkdir()
            place = Place(directory, address, frozenset(offered), names, target)
            self._start(program, place)

    def close(self) -> None:
        """End them all."""
        self._held.close()

    def _start(self, program: str, place: Place) -> None:
        host = self._network.at(place.address)
        command = PROGRAMS[program].command(place)
        log = self._held.enter_context((place.directory / "log").open("wb"))
        child = host.start(command, log)
        self._held.callback(stop, child, signal.SIGTERM)
        ends_s = time.monotonic() + _PATIENCE_S
        while not place.serves(host.run("ss", "-Hlntu")):
            if child.poll() is not None or time.monotonic() > ends_s:
                said = (place.directory / "log").read_text(errors="replace").strip()
                raise LabError(f"{program} on {place.address} does not serve: {said}")
            time.sleep(0.05)
