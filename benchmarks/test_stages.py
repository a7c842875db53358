"""Time the stages one by one: `pytest benchmarks/`, with the extra `bench` installed.

Nothing here asserts a time. The plugin compares runs: `pytest benchmarks/ --benchmark-autosave`,
then `--benchmark-compare`.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("pytest_benchmark")

from capture_maker import write_capture, write_site_file
from capture_plan import Order, plan_capture

import auditor
from auditor.capture import open_capture
from auditor.catalog.load import load_catalog, rules_directory
from auditor.engine import choose_engine
from auditor.hosts import resolve
from auditor.judge.judged import judge_flows
from auditor.judge.rulebook import RuleBook
from auditor.judge.verify import Listener
from auditor.report.writers import show
from auditor.site.load import load_site
from auditor.traffic import read_traffic

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_benchmark.fixture import BenchmarkFixture

    from auditor.engine import Engine
    from auditor.traffic import Traffic

_ORDER = Order(frames=50_000, flows=2_000, size_bytes=25_000_000)


@pytest.fixture(scope="session")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a capture, with its site file beside it."""
    path = tmp_path_factory.mktemp("stages") / "capture.pcap"
    plan = plan_capture(_ORDER)
    write_capture(plan, path)
    write_site_file(plan, path.with_suffix(".hosts.yaml"))
    return path


@pytest.fixture(scope="session")
def traffic(capture: Path) -> Traffic:
    """Read it."""
    return read_traffic([str(capture)])


@pytest.fixture(params=["general", "compiled"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Take either way from bytes to flows."""
    return choose_engine(request.param, None)


def test_reading(benchmark: BenchmarkFixture, capture: Path, engine: Engine) -> None:
    """The bytes of a capture become batches of frames."""

    def read() -> int:
        with open_capture([str(capture)]) as opened:
            opened.compiled = engine.compiled
            return sum(len(frames) for frames in opened)

    assert benchmark(read) == _ORDER.frames


def test_decoding(benchmark: BenchmarkFixture, capture: Path, engine: Engine) -> None:
    """Frames become packets, one batch of them."""
    with open_capture([str(capture)]) as opened:
        opened.compiled = engine.compiled
        frames = next(iter(opened))
        packets = benchmark(engine.decoder().decode, frames)
        benchmark.extra_info["frames"] = len(frames)
        assert len(packets.rows) == len(frames)


def test_flow_table(benchmark: BenchmarkFixture, capture: Path, engine: Engine) -> None:
    """Packets become flows, one batch of them."""
    with open_capture([str(capture)]) as opened:
        opened.compiled = engine.compiled
        packets = engine.decoder().decode(next(iter(opened)))

        def keep() -> int:
            table = engine.flow_table()
            table.update(packets)
            return len(table.finish().facts)

        benchmark.extra_info["frames"] = len(packets.rows)
        assert benchmark(keep) > 0


def test_recognising(benchmark: BenchmarkFixture, traffic: Traffic) -> None:
    """First payloads of flows are recognised."""
    book = RuleBook(load_catalog([]))
    ends = judge_flows(traffic.flows, traffic.names, resolve(traffic.flows), book).orientation
    listener = Listener.load(rules_directory())
    heard = benchmark(listener.listen, traffic.flows, ends, ends.server_port)
    assert any(heard.application)


def test_judging(benchmark: BenchmarkFixture, capture: Path, traffic: Traffic) -> None:
    """Flows are oriented, recognised and judged."""
    catalog = load_catalog([])
    site = load_site(capture.with_suffix(".hosts.yaml"), catalog)
    listener, hosts = Listener.load(rules_directory()), resolve(traffic.flows, site)
    book = RuleBook(catalog, site)
    judged = benchmark(judge_flows, traffic.flows, traffic.names, hosts, book, listener)
    assert len(judged.outcome) == _ORDER.flows


def test_json(benchmark: BenchmarkFixture, capture: Path) -> None:
    """A report becomes JSON."""
    report = auditor.audit(capture, hosts=capture.with_suffix(".hosts.yaml"))

    def write() -> int:
        out = io.StringIO()
        show(report, out, "json")
        return out.tell()

    assert benchmark(write) > _ORDER.flows
