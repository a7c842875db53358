"""The lab: real stacks and servers at a mirror port; what is planted there is what is found."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, closing, contextmanager, suppress
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from capture_files import read_bytes
from judged import found, judged_flows
from lab import recording, scenario, servers
from lab.namespaces import LabError, Namespace, stop
from lab.network import MIRROR, Network
from soundness import needs_tshark, unsound

import auditor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from truth import Truth

_PATIENCE_S = 60

_EVERYBODYS = ("0.0.0.0/32", "255.255.255.255/32", "fe80::/10", "ff02::/16")
_DOCUMENTATION = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
_ETHERNET_IPV4_TCP = re.compile(rb".{12}\x08\x00.{9}\x06", re.DOTALL)


class Performance(NamedTuple):
    """What is left of the lab when everything in it has happened."""

    truth: Truth
    recording: Path
    live: dict[str, object] | None
    """The report of `auditor live` at the same port; None where there is no such verb."""


def needs_lab() -> None:
    """Skip where the lab cannot be built."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("needs root, to make network namespaces")
    if lacking := recording.lacking():
        pytest.skip(f"needs {', '.join(lacking)}")
    try:
        Namespace().close()
    except LabError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def performance(tmp_path_factory: pytest.TempPathFactory) -> Performance:
    """Let everything happen once, recorded by dumpcap and watched by `auditor live`."""
    needs_lab()
    scratch = tmp_path_factory.mktemp("lab")
    path = scratch / "mirror.pcapng"
    live = scratch / "live.json"
    stage = scenario.load_scenario(servers.absent())
    with stage.network() as network, ExitStack() as held:
        if has_live():
            held.enter_context(_watched(network, live))
        with recording.recorded(network, path):
            scenario.perform(stage, network, scratch)
    told = json.loads(live.read_text(encoding="utf-8")) if live.exists() else None
    return Performance(stage.truth, path, told)


@pytest.fixture(scope="module")
def report(performance: Performance) -> auditor.Report:
    """Audit the recording."""
    return auditor.audit(str(performance.recording), hosts=str(scenario.SITE))


def test_findings_are_the_planted_ones(performance: Performance, report: auditor.Report) -> None:
    """All of them and no others; of what is missing, those that the lab is about."""
    findings = found(report)
    assert {
        finding for finding in findings if finding.kind != "missing"
    } == performance.truth.findings
    assert performance.truth.missing <= findings


def test_flows_are_as_known(performance: Performance, report: auditor.Report) -> None:
    """Each known flow is judged as it is known; others are noise that is nobody's business."""
    flows = judged_flows(report)
    known = performance.truth.flows
    assert [
        each
        for each in known
        if not any(flow.is_between(each) and flow.agrees(each) for flow in flows)
    ] == []
    noise = [flow for flow in flows if not any(flow.is_between(each) for each in known)]
    assert {flow.verdict for flow in noise} <= {"ambient", "documented", "out-of-scope"}, noise


def test_live_finds_the_same(performance: Performance, report: auditor.Report) -> None:
    """`auditor live` at the mirror and an audit of the recording give the same findings."""
    if performance.live is None:
        pytest.skip("needs the verb `live`")
    findings = performance.live["findings"]
    assert isinstance(findings, list)
    assert {each["finding_id"] for each in findings} == set(report.findings["finding_id"])


def test_mirror_hears_each_frame_once(performance: Performance) -> None:
    """No segment of TCP comes twice: the kernel numbers and dates even those that it repeats."""
    frames = read_bytes(performance.recording.read_bytes())
    segments = Counter(each.data for each in frames if _ETHERNET_IPV4_TCP.match(each.data))
    assert segments.total() > 100
    assert segments.most_common(1)[0][1] == 1


def test_no_frame_is_larger_than_a_cable_carries(performance: Performance) -> None:
    """No offloading hands over what would never be on a wire."""
    frames = read_bytes(performance.recording.read_bytes())
    assert max(each.wire_len for each in frames) <= 1514


@needs_tshark
def test_recording_is_sound(performance: Performance) -> None:
    """Wireshark finds every checksum right, and nothing malformed."""
    assert not unsound(performance.recording)


def test_sample_is_the_recording_without_its_maker(performance: Performance) -> None:
    """Frames and times stay; name and kind of the machine that recorded do not."""
    original = performance.recording.read_bytes()
    sample = recording.as_sample(original)
    assert [each[:3] for each in read_bytes(sample)] == [each[:3] for each in read_bytes(original)]
    assert b"Dumpcap" in original
    assert b"Dumpcap" not in sample


def test_sample_holds_addresses_of_documentation_alone() -> None:
    """And those that are everybody's."""
    flows = auditor.read_flows(str(scenario.SAMPLES / "lab.pcapng"))
    allowed = [ip_network(network) for network in (*_DOCUMENTATION, *_EVERYBODYS)]
    for address in {*flows["client_ip"], *flows["server_ip"]}:
        assert any(ip_address(address) in network for network in allowed), address


def test_what_rests_on_an_absent_program_is_left_out() -> None:
    """Its flows, their findings, and the target's way to an address."""
    everything, less = scenario.load_scenario(set()), scenario.load_scenario({"dnsmasq", "nginx"})
    assert {flow.real for flow in less.truth.flows}.isdisjoint({"dnsmasq", "nginx"})
    assert everything.truth.findings - less.truth.findings
    assert less.truth.findings < everything.truth.findings
    assert (everything.booting, less.booting) == ("target1.lab.example", "")


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    """By a lab that fails: its daemons and namespaces are gone."""
    needs_lab()
    stage = scenario.load_scenario({"dnsmasq"})
    places: set[str] = set()

    def fail() -> None:
        with stage.network() as network, closing(servers.Servers(network, tmp_path)) as daemons:
            daemons.start(stage.truth.flows, stage.names, stage.target)
            places.update(_places(network))
            assert places <= _places_in_use()
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        fail()
    assert places.isdisjoint(_places_in_use())


def test_network_that_cannot_be_built_is_taken_down() -> None:
    """An address that is given twice ends it with an error, and with it its namespaces."""
    needs_lab()
    network = Network({"a": ["192.0.2.1"], "b": ["192.0.2.2", "192.0.2.2"]})
    open_files = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(LabError, match="Command failed"):
        network.__enter__()
    assert len(list(Path("/proc/self/fd").iterdir())) == open_files


def test_lab_ends_with_its_process(tmp_path: Path) -> None:
    """Even where that is killed, daemons and namespaces go with it."""
    needs_lab()
    script = f"""
import os, time
from pathlib import Path
from lab import scenario, servers
stage = scenario.load_scenario({{"dnsmasq"}})
with stage.network() as network:
    daemons = servers.Servers(network, Path({str(tmp_path)!r}))
    daemons.start(stage.truth.flows, stage.names, stage.target)
    print(*(os.readlink(each.path) for each in network.namespaces.values()), flush=True)
    time.sleep(600)
"""
    paths = os.pathsep.join(sys.path)
    child = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": paths},
    )  # fmt: skip
    with child:
        assert child.stdout is not None
        places = set(child.stdout.readline().split())
        child.kill()
    assert places
    _wait_until(lambda: places.isdisjoint(_places_in_use()))


def has_live() -> bool:
    """Tell whether there is a verb `live`."""
    command = [sys.executable, "-m", "auditor", "live", "--help"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@contextmanager
def _watched(network: Network, path: Path) -> Iterator[None]:
    """Audit what the mirror hears meanwhile; the report is written at the end."""
    command = [sys.executable, "-m", "auditor", "live", MIRROR, "--hosts", str(scenario.SITE)]
    command += ["--duration", "10m", "--format", "json", "--output", str(path)]
    log = path.with_suffix(".log")
    with log.open("wb") as told:
        child = network.monitor.start(command, told)
        try:
            _wait_until(lambda: child.poll() is not None or _listens(network))
            yield
        finally:
            stop(child, signal.SIGINT, _PATIENCE_S)
    assert path.exists(), log.read_text()


def _listens(network: Network) -> bool:
    """Tell whether a packet socket takes frames from the mirror port (column `R` of packet(7))."""
    with network.monitor.entered():
        index = socket.if_nametoindex(MIRROR)
        lines = Path("/proc/thread-self/net/packet").read_text(encoding="ascii").splitlines()
    return any(line.split()[4:6] == [str(index), "1"] for line in lines)


def _places(network: Network) -> set[str]:
    """Name the network namespaces of the hosts."""
    return {Path(each.path).readlink().as_posix() for each in network.namespaces.values()}


def _places_in_use() -> set[str]:
    """Name the network namespaces that a process is in, or this one holds open."""
    places = set()
    for path in [*Path("/proc").glob("[0-9]*/ns/net"), *Path("/proc/self/fd").iterdir()]:
        with suppress(OSError):  # whose process or file is gone meanwhile
            places.add(path.readlink().as_posix())
    return places


def _wait_until(met: Callable[[], bool]) -> None:
    ends_s = time.monotonic() + _PATIENCE_S
    while not met():
        assert time.monotonic() < ends_s
        time.sleep(0.05)
