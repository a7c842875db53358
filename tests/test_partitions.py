"""auditor.partitions: flows that a watch wrote are judged again, and come to the same findings."""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from invoked import auditor as run_auditor
from test_watch import NAMES, coverage_of, findings_of
from watching import sample, watched

import auditor
from auditor.errors import CaptureError, UsageError
from auditor.evidence.names import SeenName
from auditor.flows.headlist import HeadList
from auditor.live.store import FlowStore
from auditor.live.tick import Limits
from auditor.partitions.find import find_partitions
from auditor.pipeline import read
from auditor.records import FLOW, NO_TIME
from auditor.report.writers import save

pa = pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
pq = pytest.importorskip("pyarrow.parquet", reason="the extra `parquet` is not installed")

from auditor.partitions.layout import ACCOUNT_KEY, VERSION_KEY, Account  # noqa: E402 - needs pyarrow
from auditor.partitions.merging import Parts  # noqa: E402 - as above

if TYPE_CHECKING:
    from pathlib import Path


def written(name: str, directory: Path, tick_s: float = 10.0) -> Path:
    """Watch a sample capture and write its flows."""
    store = FlowStore(directory, lambda _: None)
    watched(*sample(name), limits=Limits(tick_s=tick_s, calm_ticks=1), flow_sink=store)
    assert not store.lost
    return directory


@pytest.mark.parametrize("tick_s", [10.0, 1.0])
@pytest.mark.parametrize("name", NAMES)
def test_an_audit_of_the_flows_says_what_one_of_the_capture_says(
    name: str, tick_s: float, tmp_path: Path
) -> None:
    """Findings, coverage, and every flow: parts are one flow again, however ticks cut them."""
    capture, hosts = sample(name)
    again = auditor.audit(written(name, tmp_path / "flows", tick_s), hosts=hosts)
    expected = auditor.audit(capture, hosts=hosts)
    assert findings_of(again) == findings_of(expected)
    assert coverage_of(again) == coverage_of(expected)
    flows = [
        report.flows.drop(columns="capture").to_dict("records") for report in (again, expected)
    ]
    assert repr(flows[0]) == repr(flows[1])
    assert repr(again.hosts.to_dict("records")) == repr(expected.hosts.to_dict("records"))


def test_without_a_site_file_roles_are_inferred_as_from_the_capture(tmp_path: Path) -> None:
    """The first payloads are there to infer from."""
    capture, _ = sample("cvad")
    again = auditor.audit(written("cvad", tmp_path / "flows"))
    assert findings_of(again) == findings_of(auditor.audit(capture))


def test_the_capture_s_facts_are_those_of_the_watch(tmp_path: Path) -> None:
    """Frames, bytes, what became of them, and what was lost add up over the files."""
    store = FlowStore(tmp_path, lambda _: None)
    report, _ = watched(*sample("cvad"), flow_sink=store, lost=7)
    again = auditor.audit(tmp_path, hosts=sample("cvad")[1]).capture
    assert again.files == ("span0",)
    assert (again.dropped, again.frames, again.bytes) == (
        7,
        report.capture.frames,
        report.capture.bytes,
    )
    assert again.frames_by_status == report.capture.frames_by_status
    assert (again.unreadable, again.warnings) == ((), ())


def test_the_flow_table_alone_is_read_too(tmp_path: Path) -> None:
    """`auditor flows` gives what it gives of the capture."""
    capture, _ = sample("cvad")
    again, expected = (
        auditor.read_flows(source).drop(columns="capture").to_dict("records")
        for source in (written("cvad", tmp_path), capture)
    )
    assert repr(again) == repr(expected)


def test_a_span_of_time_takes_the_parts_that_were_seen_in_it(tmp_path: Path) -> None:
    """To the length of a tick; all spans together are the whole."""
    directory = written("branch-office", tmp_path, tick_s=1.0)
    whole = read(str(directory)).flows
    middle_ns = int(whole["first_seen"].min().value) + 60 * 10**9
    early = read(str(directory), until=middle_ns).flows
    late = read(str(directory), since=middle_ns).flows
    assert 0 < len(early) < len(whole)
    for column in ("packets_out", "bytes_in"):
        assert early[column].sum() + late[column].sum() == whole[column].sum()
    assert early["last_seen"].max().value < middle_ns <= late["last_seen"].min().value


def test_an_hour_can_be_judged_by_itself(tmp_path: Path) -> None:
    """What a flow said first and the names that count stand in each hour again."""
    first, second = tmp_path / "date=2026-03-02/hour=07", tmp_path / "date=2026-03-02/hour=08"
    written("branch-office", tmp_path)
    assert first.is_dir()
    assert second.is_dir()
    whole = auditor.audit(tmp_path, hosts=sample("branch-office")[1]).flows
    alone = auditor.audit(second, hosts=sample("branch-office")[1]).flows
    keys = ["client_ip", "client_port", "server_ip", "server_port", "first_seen"]
    both = alone.merge(whole, on=keys, suffixes=("", "_of_all"))
    assert len(both) == len(alone) > 0
    for column in ("application", "verification", "verdict", "server_name"):
        assert both[column].tolist() == both[f"{column}_of_all"].tolist()


# What is not what it should be.


def test_a_table_of_a_report_cannot_be_judged_again(tmp_path: Path) -> None:
    """Nor can another program's table; each is named for what it is."""
    report = auditor.audit(sample("cvad")[0])
    save(report, tmp_path / "tables", "parquet")
    with pytest.raises(CaptureError, match=r"flows.parquet: expected flows .* the table of a repo"):
        auditor.audit(tmp_path / "tables" / "flows.parquet")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    with pytest.raises(CaptureError, match="found another table"):
        auditor.audit(tmp_path / "other.parquet")


def test_another_version_of_the_layout_is_refused(tmp_path: Path) -> None:
    """With both versions; a table that lacks a column is refused too."""
    path = next(written("cvad", tmp_path).rglob("part-*.parquet"))
    table = pq.read_table(path, partitioning=None)
    meta = table.schema.metadata
    pq.write_table(table.replace_schema_metadata(meta | {VERSION_KEY: b"99"}), path)
    with pytest.raises(CaptureError, match="in version 1 of the layout, found version 99"):
        auditor.audit(path)
    pq.write_table(table.drop_columns(["fact_a_hi"]), path)
    with pytest.raises(CaptureError, match="found a table without fact_a_hi"):
        auditor.audit(path)
    pq.write_table(table.replace_schema_metadata(meta | {ACCOUNT_KEY: b"no"}), path)
    with pytest.raises(CaptureError, match="found a damaged file: the account of the watch"):
        auditor.audit(path)


def test_a_torn_file_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    """As with captures: the exit status says that something is missing."""
    directory = written("branch-office", tmp_path)
    torn, *others = sorted(directory.rglob("part-*.parquet"))
    torn.write_bytes(torn.read_bytes()[:1000])
    report = auditor.audit(directory)
    assert len(others) > 3
    assert len(report.flows)
    [named] = report.capture.unreadable
    assert named.startswith(
        f"{torn}: expected flows that `auditor live --write-flows` wrote, found"
    )
    assert report.exit_status() == 3
    with pytest.raises(CaptureError, match="found a damaged file"):
        auditor.audit(torn)


def test_a_file_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    """It has another name until it is whole."""
    directory = written("cvad", tmp_path)
    before = find_partitions([str(directory)])
    before[0].with_suffix(".begun").write_bytes(b"PAR1")
    assert find_partitions([str(directory)]) == before


def test_captures_and_flows_are_audited_apart(tmp_path: Path) -> None:
    """Beside each other or in one directory: the message names what does not fit."""
    capture, _ = sample("cvad")
    directory = written("cvad", tmp_path / "flows")
    with pytest.raises(UsageError, match=r"cvad\.pcap.*: expected flows of a watch, as the other"):
        auditor.audit([directory, capture])
    (directory / capture.name).write_bytes(capture.read_bytes())
    with pytest.raises(UsageError, match="expected captures or flows of a watch, found both"):
        auditor.audit(directory)
    assert auditor.audit(directory / capture.name).capture.files == (str(directory / capture.name),)


def test_sources_are_files_hours_days_and_globs(tmp_path: Path) -> None:
    """Each file once, however often it is meant."""
    directory = written("branch-office", tmp_path)
    every = find_partitions([str(directory)])
    day = directory / "date=2026-03-02"
    assert find_partitions([str(day)]) == every
    assert find_partitions([str(day / "hour=*"), str(every[0])]) == every
    assert find_partitions([str(every[0])]) == every[:1]
    assert find_partitions(["-", "s3://bucket/x", "none.pcap", ""]) == []


def test_without_the_library_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As wherever a library is missing."""
    directory = written("cvad", tmp_path)
    for name in [name for name in sys.modules if name.startswith("auditor.partitions.")]:
        if not name.endswith(".find"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"pip install 'citrix-traffic-auditor\[parquet\]'"):
        auditor.audit(directory)


def test_the_command_line_reads_them(tmp_path: Path) -> None:
    """An audit of them ends as one of the capture does; they hold no frames to write."""
    capture, hosts = sample("cvad")
    directory = written("cvad", tmp_path / "flows")
    again, expected = (
        run_auditor("audit", source, "--hosts", hosts, "--format", "json").status
        for source in (directory, capture)
    )
    assert again == expected
    run = run_auditor("audit", directory, "--evidence", tmp_path / "out.pcapng")
    assert run.status == 2
    assert "expected captures, found flows of a watch" in run.stderr
    assert run_auditor("flows", directory).status == 0


@given(
    name=st.text(min_size=1, max_size=20),
    address=st.tuples(*2 * [st.integers(0, 2**64 - 1)]),
    asker=st.none() | st.tuples(*2 * [st.integers(0, 2**64 - 1)]),
    time_ns=st.integers(-(2**63), 2**63 - 1),
)
def test_an_account_comes_back(
    name: str, address: tuple[int, int], asker: tuple[int, int] | None, time_ns: int
) -> None:
    """Whatever a name is made of."""
    told = {address: (SeenName(name, "dns", time_ns, asker),)}
    account = Account(1, (2, 3), 4, 5, None, 6, {"ok": 7}, {"00:11": [address]}, told)
    assert Account.unpack(account.pack()) == account


def test_a_flow_is_one_again_in_whatever_order_its_parts_come() -> None:
    """Sums, extremes and bits; the heads of the part that has most; another watch's is another."""
    facts = np.zeros(3, FLOW)
    facts["first_frame"], facts["transport"] = 9, 6
    facts["packets_a"], facts["first_a_ns"], facts["last_a_ns"] = (1, 2, 4), 100, (300, 200, 100)
    facts["first_b_ns"], facts["last_b_ns"] = (150, NO_TIME, NO_TIME), (250, -NO_TIME, -NO_TIME)
    facts["seen_a"] = (1, 16, 32)
    heads = HeadList.of([(), (b"hello",), (b"hel",)]), HeadList.of([(), (), ()])
    vlans = [(7,), (), (7, 8)]
    for order in itertools.permutations(range(3)):
        parts = Parts()
        for row in order:
            pair = heads[0].select(np.array([row])), heads[1].select(np.array([row]))
            parts.add(facts[[row]], pair, [vlans[row]], ["eth1"], 1)
        parts.add(facts[:1], (heads[0][:1], heads[1][:1]), [()], ["eth1"], 2)
        flows = parts.flows()
        assert sorted(flows.facts["packets_a"].tolist()) == [1, 7]
        row = int(np.argmax(flows.facts["packets_a"]))
        assert flows.facts[["last_a_ns", "first_b_ns", "seen_a"]][row].item() == (300, 150, 49)
        assert flows.heads_a[row] == (b"hello",)
        assert set(flows.vlans[row]) == {7, 8}
