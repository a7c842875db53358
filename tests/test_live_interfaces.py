"""What the kernel says of interfaces."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("fcntl", reason="asked of Linux")

from live_network import FAR, NEAR, ip, private_network, wait_for_state

from auditor.capture.live import InterfaceState, interface_names
from auditor.capture.live.interfaces import check_interface, interface_state, link_layer
from auditor.errors import CaptureError

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def network() -> Iterator[None]:
    """Be in a network of the test's own."""
    with private_network():
        yield


@pytest.mark.usefixtures("network")
def test_the_state_of_an_interface_is_told() -> None:
    """Whether it is there, is up, and has a link."""
    states = [interface_state(name) for name in (FAR, "nosuch0", "any")]
    assert states == [InterfaceState.UP, InterfaceState.GONE, InterfaceState.UP]

    ip(f"link set {NEAR} down")
    wait_for_state(FAR, "NO_LINK")
    assert interface_state(NEAR) == InterfaceState.DOWN


@pytest.mark.usefixtures("network")
def test_the_link_layer_of_an_interface_is_told() -> None:
    """Ethernet for loopback too, bare IP for a tunnel, cooked for all together."""
    ip("tuntap add mode tun name tun7")

    assert [tuple(link_layer(name)) for name in (FAR, "lo", "tun7", "any")] == [
        (1, socket.SOCK_RAW),
        (1, socket.SOCK_RAW),
        (101, socket.SOCK_RAW),
        (276, socket.SOCK_DGRAM),
    ]


def test_an_interface_that_there_is_not_is_answered_with_those_that_there_are() -> None:
    """Also one whose name no interface can have."""
    known = interface_names()
    assert known[-1] == "any"
    check_interface(known[0])

    for name in ("nosuch0", "", "a" * 300, "eth0\n"):
        with pytest.raises(CaptureError, match=", ".join(known)):
            check_interface(name)
