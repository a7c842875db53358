"""Which source serves an interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("fcntl", reason="there is but one source elsewhere")

from live_network import FAR, private_network, receive, send, udp_frame

from auditor.capture.live import LiveOptions, open_live
from auditor.capture.live import ring as live_ring
from auditor.capture.live.dumpcap import DumpcapSource
from auditor.capture.live.dumpcap_child import find_dumpcap
from auditor.capture.live.ring import RingSource
from auditor.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def network() -> Iterator[None]:
    """Be in a network of the test's own."""
    with private_network():
        yield


@pytest.mark.usefixtures("network")
def test_with_the_privilege_it_is_a_ring_for_each_worker() -> None:
    """Which together see every frame once."""
    sources = open_live(FAR, LiveOptions(ring_mb=1, workers=3))
    sent = {udp_frame(number) for number in range(50)}

    send(sorted(sent))
    frames = receive(sources, len(sent))

    assert [type(source) for source in sources] == [RingSource] * 3
    assert len(frames) == len(sent)
    assert {each.data for each in frames} == sent
    for source in sources:
        source.close()


@pytest.mark.skipif(find_dumpcap() is None, reason="needs Wireshark's dumpcap")
@pytest.mark.usefixtures("network")
def test_without_it_it_is_one_dumpcap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the workers: its frames come by one pipe."""

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(live_ring, "open_socket", refuse)

    (source,) = open_live(FAR, LiveOptions(ring_mb=1, workers=3))

    assert isinstance(source, DumpcapSource)
    source.close()


def test_workers_are_at_least_one() -> None:
    """None would hear nothing."""
    with pytest.raises(UsageError, match="--workers: expected at least 1, found 0"):
        open_live("lo", LiveOptions(workers=0))
