"""Frames from the kernel's ring, on interfaces of the test's own."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("fcntl", reason="rings are Linux's")

from capture_files import frames_in
from live_network import (
    FAR,
    NEAR,
    ip,
    make_pair,
    private_network,
    read_until_told,
    receive,
    send,
    udp_frame,
)

from auditor.capture import open_capture
from auditor.capture.live import InterfaceState, LiveOptions
from auditor.capture.live.ring import RingSource
from auditor.errors import CaptureError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capture_files import Frame

    from auditor.capture.live.source import LiveFrames

SAMPLES = Path(__file__).parent.parent / "sample_pcaps"
SMALL = LiveOptions(ring_mb=2)


@pytest.fixture(autouse=True)
def _network() -> Iterator[None]:
    with private_network():
        yield


@pytest.fixture
def source() -> Iterator[RingSource]:
    """Listen at the far end."""
    ring = RingSource(FAR, SMALL)
    yield ring
    ring.close()


def test_frames_arrive_as_they_were_sent(source: RingSource) -> None:
    """Every byte of the sample captures, in order, numbered, at times that do not go back."""
    paths = [str(path) for path in sorted(SAMPLES.glob("*.pcap*"))]
    with open_capture(paths) as capture:
        sent = [each.data for each in frames_in(capture) if 14 <= len(each.data) <= 1514]

    frames = []
    for at in range(0, len(sent), 200):  # the kernel queues so many between two interfaces
        send(sent[at : at + 200])
        frames += receive(source, len(sent[at : at + 200]))

    assert sent
    assert [each.data for each in frames] == sent
    assert [each.number for each in frames] == list(range(1, len(sent) + 1))
    assert [each.wire_len for each in frames] == [len(each) for each in sent]
    assert {each.linktype for each in frames} == {1}
    times = [each.time_ns for each in frames]
    assert times == sorted(times)
    assert times[0] > 10**18
    assert source.dropped == 0


def test_vlan_tags_are_where_they_were(source: RingSource) -> None:
    """The kernel takes the outer one out; it is put back."""
    sent = [udp_frame(1, tags=[10]), udp_frame(2), udp_frame(3, tags=[20, 30]), udp_frame(4)]

    send(sent)

    assert [each.data for each in receive(source, 4)] == sent


@pytest.mark.parametrize(("bpf", "passed"), [("udp port 53", [1]), ("vlan 10 and udp", [2])])
def test_a_filter_runs_in_the_kernel(bpf: str, passed: list[int]) -> None:
    """It knows of VLAN tags, too, that the kernel has taken out."""
    frames = [udp_frame(0), udp_frame(1, port=53), udp_frame(2, tags=[10]), udp_frame(3, tags=[11])]
    ring = RingSource(FAR, LiveOptions(ring_mb=2, bpf=bpf))

    send(frames)
    received = receive(ring, len(passed))

    assert [each.data for each in received] == [frames[number] for number in passed]
    assert ring.read() is None
    ring.close()


def test_what_finds_no_room_is_counted() -> None:
    """Frames received and frames dropped are together those that were sent."""
    ring = RingSource(FAR, LiveOptions(ring_mb=1))
    sent = 4000

    for first in range(0, sent, 200):
        send([udp_frame(number, size=1000) for number in range(first, first + 200)])
    frames: list[Frame] = []
    ends_s = time.monotonic() + 60
    # A block that is not full is handed over by a timer, which may be late.
    while len(frames) + ring.dropped < sent and time.monotonic() < ends_s:
        batch = ring.read()
        frames += frames_in([batch] if batch else [])
    ring.close()

    assert frames
    assert ring.dropped > 0
    assert len(frames) + ring.dropped == sent


def test_what_has_gathered_comes_as_one_batch() -> None:
    """Blocks that wait are read together, a quarter of the ring at a time."""
    ring = RingSource(FAR, LiveOptions(ring_mb=16))
    sent = 6000
    for first in range(0, sent, 200):
        send([udp_frame(number, size=1400) for number in range(first, first + 200)])
    sizes = [len(batch) for batch in ring.rest()]
    ring.close()

    in_a_block = (1 << 20) // 1400
    assert sum(sizes) == sent
    assert in_a_block < max(sizes) <= 4 * in_a_block


def test_what_waits_is_given_when_listening_ends(source: RingSource) -> None:
    """Frames that came before are there, in order; frames that come after are not."""
    send([udp_frame(number) for number in range(100)])

    frames: list[Frame] = []
    for batch in source.rest():
        frames += frames_in([batch])
        send([udp_frame(1000)])

    assert [each.data for each in frames] == [udp_frame(number) for number in range(100)]
    assert source.dropped == 0


def test_a_borrowed_batch_outlives_the_source(source: RingSource) -> None:
    """Its bytes can be read when all is closed, as by a stage that an interrupt finds at work."""
    send([udp_frame(7)])
    batches: list[LiveFrames] = []
    ends_s = time.monotonic() + 60
    while not batches:
        assert time.monotonic() < ends_s
        batches += filter(None, [source.read()])

    source.close()

    assert frames_in(batches)[0].data == udp_frame(7)
    assert source.dropped == 0


def test_an_interface_that_goes_down_and_up_is_followed(source: RingSource) -> None:
    """Told once each; frames go on, and so do their numbers."""
    send([udp_frame(1)])
    receive(source, 1)

    ip(f"link set {FAR} down")
    assert read_until_told(source, "down")[-1].startswith(f"{FAR}: down; waiting")
    assert source.state == InterfaceState.DOWN
    assert source.read() is None
    assert source.notices() == []
    ip(f"link set {FAR} up")
    read_until_told(source, "up again")
    send([udp_frame(2)])

    (frame,) = receive(source, 1)
    assert (frame.data, frame.number) == (udp_frame(2), 2)


def test_an_interface_that_is_down_at_first_is_waited_for() -> None:
    """Nothing is lost of what comes when it is up."""
    ip(f"link set {FAR} down")
    ring = RingSource(FAR, SMALL)
    assert ring.state == InterfaceState.DOWN
    assert len(ring.notices()) == 1

    ip(f"link set {FAR} up")
    read_until_told(ring, "up again")
    send([udp_frame(1)])

    assert [each.data for each in receive(ring, 1)] == [udp_frame(1)]
    ring.close()


def test_a_link_that_is_lost_is_told(source: RingSource) -> None:
    """A span port without a cable is up and silent."""
    ip(f"link set {NEAR} down")

    assert "without a link" in read_until_told(source, "link")[-1]
    assert source.state == InterfaceState.NO_LINK


@pytest.mark.parametrize("group", [None, 77])
def test_an_interface_that_is_made_anew_is_listened_to_again(group: int | None) -> None:
    """By its name, as one of a group of workers too."""
    ring = RingSource(FAR, SMALL, group)
    send([udp_frame(1)])
    receive(ring, 1)

    ip(f"link del {FAR}")
    read_until_told(ring, "gone")
    assert ring.state == InterfaceState.GONE
    make_pair()
    read_until_told(ring, "up again")
    send([udp_frame(2)])

    assert [each.data for each in receive(ring, 1)] == [udp_frame(2)]
    assert ring.dropped == 0
    ring.close()


def test_an_interface_that_is_renamed_is_followed(source: RingSource) -> None:
    """It is the interface that was asked for, whatever it is called."""
    ip(f"link set {FAR} down")
    ip(f"link set {FAR} name span0")
    ip("link set span0 up")

    told = read_until_told(source, "span0")
    send([udp_frame(1)])

    assert f"{FAR}: is called span0 now; still listening" in told
    assert source.interface == "span0"
    assert [each.data for each in receive(source, 1)] == [udp_frame(1)]


def test_an_interface_of_another_kind_in_its_place_ends_the_source(source: RingSource) -> None:
    """Its frames would be misread."""
    ip(f"link del {FAR}")
    read_until_told(source, "gone")
    ip(f"tuntap add mode tun name {FAR}")

    with pytest.raises(CaptureError, match=f"{FAR}: expected the kind of interface that it was"):
        read_until_told(source, "up")


def test_workers_share_the_frames_by_flow() -> None:
    """Each frame comes to one of them, both directions of a flow to the same one."""
    rings = [RingSource(FAR, SMALL, 4711) for _ in range(2)]
    there = [udp_frame(number) for number in range(200)]
    # Addresses and ports the other way round.
    back = [
        frame[:26] + frame[30:34] + frame[26:30] + frame[36:38] + frame[34:36] + frame[38:]
        for frame in there
    ]

    send([*there, *back])
    received: list[set[bytes]] = [set(), set()]
    for _ in range(100):
        for ring, seen in zip(rings, received, strict=True):
            batch = ring.read()
            seen |= {each.data for each in frames_in([batch] if batch else [])}
        if sum(map(len, received)) == 400:
            break

    assert received[0] | received[1] == {*there, *back}
    assert not received[0] & received[1]
    assert all(received)
    for first, second in zip(there, back, strict=True):
        assert (first in received[0]) == (second in received[0])
    for ring in rings:
        ring.close()


def test_loopback_traffic_is_seen_once() -> None:
    """It passes the device twice."""
    ring = RingSource("lo", SMALL)

    send([udp_frame(1), udp_frame(2)], "lo")

    assert [each.data for each in receive(ring, 2)] == [udp_frame(1), udp_frame(2)]
    assert ring.read() is None
    ring.close()


def test_all_interfaces_together_come_with_cooked_headers() -> None:
    """Which tell the interface and the protocol."""
    ring = RingSource("any", LiveOptions(ring_mb=2, bpf="udp"))

    send([udp_frame(1)], "lo")
    (frame,) = receive(ring, 1)

    assert frame.linktype == 276
    assert frame.data[:8] == bytes.fromhex("0800 0000 00000001")
    assert frame.data[20:] == udp_frame(1)[14:]
    ring.close()


def test_what_cannot_be_listened_to_is_named() -> None:
    """With what there is, or what would be right."""
    with pytest.raises(CaptureError, match=rf"^nosuch0: expected one of .*{NEAR}.*, found none$"):
        RingSource("nosuch0", SMALL)
    with pytest.raises(UsageError, match="--ring-mb: expected a ring of 1 to 4,095 MiB, found 0"):
        RingSource(FAR, LiveOptions(ring_mb=0))


def test_an_interface_comes_back_after_privileges_were_dropped() -> None:
    """Binding again takes none; sockets of a group were opened beforehand."""
    script = textwrap.dedent(f"""
        import sys
        from auditor.capture.live import LiveOptions, drop_privileges, open_live

        sources = open_live("{FAR}", LiveOptions(ring_mb=2, workers=int(sys.argv[1])))
        drop_privileges("nobody")
        print("ready", flush=True)
        frames = 0
        while not frames:
            for source in sources:
                batch = source.read()
                frames += len(batch) if batch else 0
                for line in source.notices():
                    print(line, flush=True)
        print(frames, "frame")
    """)
    for workers in "12":
        with subprocess.Popen(
            [sys.executable, "-c", script, workers], stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout
            assert child.stdout.readline() == "ready\n"
            ip(f"link del {FAR}")
            for _ in range(int(workers)):
                assert "gone" in child.stdout.readline()
            make_pair()
            # A pair is made down, set up, and then gets its link; who looks in between says so.
            noticed = iter(child.stdout.readline, "")
            for _ in range(int(workers)):
                assert next(line for line in noticed if "up again" in line)
            send([udp_frame(1)])
            assert child.stdout.readline() == "1 frame\n"
