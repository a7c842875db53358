"""Captures read in parts, against the same captures read from end to end."""

from __future__ import annotations

import gzip
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layers import ACK, SYN, A, B, ethernet, icmp, ipv4, segment, tcp, udp
from name_messages import ACK as GRANT
from name_messages import REQUEST, dhcp, host_name, wanted
from part_files import START_NS, STEP_NS, Here, check_same, write_capture
from strategies import traffic
from test_names import answer

from auditor.capture.merge import Window
from auditor.errors import UsageError
from auditor.parts.plan import Part, PartFile
from auditor.parts.reduce import Job, read_missing, read_part
from auditor.traffic import Reading, Traffic, read_traffic

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

MAC = "02:00:00:00:00:0a"


@pytest.fixture
def crew(monkeypatch: pytest.MonkeyPatch) -> Here:
    """Let whoever asks for workers get one that needs no process."""
    return hire(monkeypatch)


def hire(monkeypatch: pytest.MonkeyPatch, deadly: Callable[..., bool] = lambda *_: False) -> Here:
    """Do so with one that dies of some work; every file is a part of its own."""
    here = Here(deadly)
    monkeypatch.setattr("auditor.parts.assembly.assemble", lambda *_: here)
    monkeypatch.setattr("auditor.parts.worth.useful_workers", lambda _, wanted: wanted)
    monkeypatch.setattr("auditor.parts.plan._LEAST_BYTES", 0)
    monkeypatch.setattr("auditor.parts.plan._MOST_BYTES", 1)
    return here


def read(
    names: Sequence[str],
    span: tuple[int | None, int | None] = (None, None),
    *,
    dedup: bool = False,
    workers: int = 2,
) -> Traffic:
    """Read captures by a crew, unless there is one worker; of a span of time."""
    return read_traffic(
        names,
        macs=frozenset({MAC}),
        since_ns=span[0],
        until_ns=span[1],
        reading=Reading(workers=workers, dedup=dedup),
    )


def check(
    names: Sequence[str],
    span: tuple[int | None, int | None] = (None, None),
    *,
    dedup: bool = False,
) -> Traffic:
    """Hold reading in parts against reading from end to end."""
    alone = read(names, span, dedup=dedup, workers=1)
    together = read(names, span, dedup=dedup)
    check_same(alone, together)
    return together


def in_pieces(directory: Path, frames: Sequence[bytes], cuts: Sequence[int]) -> list[str]:
    """Write frames to files that are cut at some places."""
    bounds = sorted({0, *(cut for cut in cuts if 0 < cut < len(frames)), len(frames)})
    steps = list(enumerate(frames))
    return [
        write_capture(directory / f"{number}.pcap", steps[start:end])
        for number, (start, end) in enumerate(pairwise(bounds))
    ]


OTHERS = [
    answer("a.example", "192.0.2.7", aliases=("b.example",)),
    answer("c.example", "192.0.2.7"),
    answer("b.example", "192.0.2.7"),
    ethernet(ipv4(udp(68, 67, dhcp(REQUEST, host_name(b"desk"), wanted("10.0.0.7"))), 17)),
    ethernet(ipv4(udp(67, 68, dhcp(GRANT, yours="10.0.0.8")), 17)),
    ethernet(ipv4(udp(7000, 8000, bytes(64))[:24], 17, pieces=0x2000)),
    ethernet(ipv4(udp(7000, 8000, bytes(64))[24:], 17, pieces=3)),
    ethernet(ipv4(ipv4(udp(7, 8, bytes(64)), 17)[:24], 4, pieces=0x2000)),
    ethernet(ipv4(ipv4(udp(7, 8, bytes(64)), 17)[24:], 4, pieces=3)),
    b"\0" * 20,
]


@settings(max_examples=200, deadline=None)
@given(
    traffic(),
    st.lists(st.sampled_from(OTHERS), max_size=6),
    st.lists(st.integers(1, 40), max_size=8),
    st.randoms(use_true_random=False),
    st.sampled_from([(None, None), (None, None), (3, 30)]),
    st.booleans(),
)
def test_reads_anything_alike(
    frames: list[bytes],
    others: list[bytes],
    cuts: list[int],
    random: Random,
    steps: tuple[int, int] | tuple[None, None],
    dedup: bool,
) -> None:
    """Cut anywhere, given in any order: flows, names, counts and remarks are the same."""
    for frame in others:
        frames.insert(random.randint(0, len(frames)), frame)
    since, until = (None if step is None else START_NS + step * STEP_NS for step in steps)
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as directory:
        hire(patch)
        names = in_pieces(Path(directory), frames, cuts)
        random.shuffle(names)
        check(names, (since, until), dedup=dedup)


@settings(max_examples=60, deadline=None)
@given(traffic(), st.integers(2, 5), st.randoms(use_true_random=False))
def test_reads_overlapping_files_alike(frames: list[bytes], count: int, random: Random) -> None:
    """Files that overlap in time are merged by time, whoever reads them."""
    files: list[list[tuple[int, bytes]]] = [[] for _ in range(count)]
    for step, frame in enumerate(frames):
        # Equal times too, so that the order of the files decides.
        near = step * count // len(frames) + random.choice([0, 0, 0, 1])
        files[min(near, count - 1)].append((step // 2, frame))
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as directory:
        hire(patch)
        paths = [Path(directory) / f"{number}.pcap" for number in range(count)]
        names = [write_capture(*each) for each in zip(paths, files, strict=True)]
        random.shuffle(names)
        check(names)


def test_a_flow_is_one_however_it_is_cut(tmp_path: Path, crew: Here) -> None:
    """One file or many: the same flows, but for the files that they name."""
    frames = [
        segment((A, 5000), (B, 443), SYN, sequence=9),
        segment((B, 443), (A, 5000), SYN | ACK, sequence=9),
        segment((A, 5000), (B, 443), payload=b"GET / HTTP/1.1\r\nHost: a", sequence=10),
        segment((A, 5000), (B, 443), payload=b".example\r\n\r\n", sequence=33),
    ]
    whole = read_traffic([write_capture(tmp_path / "whole.pcap", list(enumerate(frames)))])
    (tmp_path / "cut").mkdir()
    cut = read(in_pieces(tmp_path / "cut", frames, [1, 2, 3]))
    assert cut.flows.facts.tolist() == whole.flows.facts.tolist()
    assert [name.name for name in cut.names.own[0]] == ["a.example"]
    assert crew.sent.count("read_part") == 4
    assert crew.closed


def test_a_fragment_finds_its_datagram_in_an_earlier_part(tmp_path: Path, crew: Here) -> None:
    """A part whose fragments need what came before is read again with it."""
    body = udp(5000, 53, bytes(24))
    frames = [
        ethernet(ipv4(body[:24], 17, pieces=0x2000)),
        ethernet(ipv4(body[24:], 17, pieces=3)),
    ]
    traffic = check(in_pieces(tmp_path, frames, [1]))
    assert traffic.capture.frames_by_status["fragment"] == 0
    assert crew.sent.count("read_part") == 3


@pytest.mark.parametrize("dedup", [False, True])
def test_a_copy_is_told_across_parts(tmp_path: Path, crew: Here, *, dedup: bool) -> None:
    """Counted, or left out; then the part is read again."""
    frame = ethernet(ipv4(udp(5000, 53), 17))
    traffic = check(in_pieces(tmp_path, [frame] * 12, [1, 2, 11]), dedup=dedup)
    assert traffic.capture.duplicates == 10
    assert traffic.flows.facts["packets_a"].tolist() == [2 if dedup else 12]
    assert crew.sent.count("read_part") == (6 if dedup else 4)


def test_an_error_finds_its_flow_in_an_earlier_part(tmp_path: Path, crew: Here) -> None:
    """So do ICMP errors."""
    sent = ethernet(ipv4(udp(5000, 53), 17))
    frames = [sent, ethernet(ipv4(icmp(3, sent[14:50], 3), 1)), sent]
    traffic = check(in_pieces(tmp_path, frames, [1, 2]))
    assert traffic.flows.facts["unreachable_a"].tolist() == [1]
    assert crew.closed


def test_what_one_reading_cannot_tell_is_read_again(tmp_path: Path, crew: Here) -> None:
    """A repeated SYN that was accepted belongs to the flow of the first one."""
    syn = ethernet(ipv4(tcp(5000, 443, SYN, sequence=9), 6, A, B))
    accepted = ethernet(ipv4(tcp(443, 5000, SYN | ACK, sequence=9), 6, B, A))
    traffic = check(in_pieces(tmp_path, [syn, syn, accepted], [1]))
    assert len(traffic.flows.facts) == 1
    assert crew.sent.count("read_missing") == 1


def test_a_part_that_kills_costs_its_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest is reported, and the loss named; files are tried apart before."""
    frames = [ethernet(ipv4(udp(5000, port), 17)) for port in range(8)]
    names = in_pieces(tmp_path, frames, range(8))

    def deadly(_: object, part: Part, *__: object) -> bool:
        return any(file.name == names[5] for file in part.files)

    hire(monkeypatch, deadly)
    monkeypatch.setattr("auditor.parts.plan._MOST_BYTES", 1 << 20)
    monkeypatch.setattr("auditor.parts.plan._LARGEST", 1)
    seen: list[tuple[int, int, int]] = []
    traffic = read_traffic(
        names, reading=Reading(workers=2), progress=lambda *place: seen.append(place)
    )
    assert traffic.flows.facts["b_port"].tolist() == [0, 1, 2, 3, 4, 6, 7]
    assert traffic.capture.unreadable == (f"{names[5]}: expected frames, found that it died",)
    assert seen[-1] == (sum(Path(name).stat().st_size for name in names),) * 2 + (7,)


def test_a_second_reading_that_kills_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be completed is named with what it lacks."""
    hire(monkeypatch, lambda work, *_: work is read_missing)
    syn = ethernet(ipv4(tcp(5000, 443, SYN, sequence=9), 6, A, B))
    accepted = ethernet(ipv4(tcp(443, 5000, SYN | ACK, sequence=9), 6, B, A))
    traffic = read(in_pieces(tmp_path, [syn, syn, accepted], [1]))
    (unreadable,) = traffic.capture.unreadable
    assert "packets of 1 flow that began in earlier captures" in unreadable


def test_a_damaged_file_is_read_up_to_the_damage(tmp_path: Path, crew: Here) -> None:
    """Torn, no capture at all, gone before it is read: said as one process says it."""
    frames = [ethernet(ipv4(udp(5000, port), 17)) for port in range(6)]
    names = in_pieces(tmp_path, frames, [2, 4])
    torn = Path(names[0])
    torn.write_bytes(torn.read_bytes()[:-7])
    other = tmp_path / "no.pcap"
    other.write_bytes(gzip.compress(b"no capture"))
    traffic = check([*names, str(other), str(tmp_path / "none.pcap")])
    assert traffic.capture.truncated
    assert len(traffic.capture.unreadable) == 2
    assert crew.closed


def test_a_file_that_goes_while_others_are_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was there when it was peeked at."""
    frames = [ethernet(ipv4(udp(5000, port), 17)) for port in range(3)]
    names = in_pieces(tmp_path, frames, [1, 2])

    def remove(*_: object) -> bool:
        Path(names[2]).unlink(missing_ok=True)
        return False

    hire(monkeypatch, remove)
    traffic = read(names)
    assert len(traffic.flows.facts) == 2
    assert traffic.capture.unreadable[0].startswith(f"{names[2]}: ")


def test_an_interruption_reports_what_was_merged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came in order up to then is the report."""
    frames = [ethernet(ipv4(udp(5000, port), 17)) for port in range(9)]

    def interrupt(_: object, part: Part, *__: object) -> bool:
        if part.files[0].index == 7:
            raise KeyboardInterrupt
        return False

    here = hire(monkeypatch, interrupt)
    traffic = read(in_pieces(tmp_path, frames, range(9)))
    assert traffic.interrupted
    assert 0 < traffic.capture.frames < 7
    assert here.closed


@pytest.mark.parametrize(
    ("count", "reading"),
    [
        (1, Reading(workers=2)),
        (1, Reading(cluster="tcp://nobody:1")),
        (3, Reading("general", workers=2)),
        (3, Reading()),
    ],
    ids=["one file", "one file for many", "general", "one worker"],
)
def test_one_process_reads_what_cannot_be_shared(
    tmp_path: Path, crew: Here, count: int, reading: Reading
) -> None:
    """One capture, and what is not to be compiled, needs no workers; who asked for some is told."""
    remarks: list[str] = []
    reading = replace(reading, announce=remarks.append)
    frames = [ethernet(ipv4(udp(5000, port), 17)) for port in range(count)]
    traffic = read_traffic(in_pieces(tmp_path, frames, range(count)), reading=reading)
    assert len(traffic.flows.facts) == count
    assert not crew.sent
    if reading.workers == 1 and reading.cluster is None:
        assert not remarks
    else:
        (remark,) = remarks
        option = "--cluster" if reading.cluster else "--workers 2"
        assert remark.startswith(f"{option}: one process reads, since ")
        assert ("general engine" if count > 1 else "one capture") in remark


def test_little_is_read_by_one_process(tmp_path: Path) -> None:
    """It says so where it says how it read, and not to who did not ask."""
    frames = [ethernet(ipv4(udp(5000, port), 17)) for port in range(3)]
    names = in_pieces(tmp_path, frames, range(3))
    why = read_traffic(names, reading=Reading("compiled", workers=2)).engine.why
    assert why == "asked for; 2 workers would not be quicker than one process"
    assert read_traffic(names, reading=Reading("compiled")).engine.why == "asked for"


def test_workers_of_another_version_are_refused(tmp_path: Path, crew: Here) -> None:
    """They might count otherwise."""
    name = write_capture(tmp_path / "x.pcap", [(0, bytes(60))])
    part = Part((PartFile(name, name, 0, 0, 1),))
    with pytest.raises(UsageError, match=r"expected citrix-traffic-auditor 0\.0\.0, found"):
        read_part(part, Job(Window(), frozenset(), version="0.0.0"))
    assert not crew.sent
