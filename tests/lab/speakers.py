"""Talks over real sockets: both ends are ours, what lies between them are two kernels."""

from __future__ import annotations

import socket
import struct
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from .namespaces import LabError
from .network import bound

if TYPE_CHECKING:
    from collections.abc import Iterable

    from talks import Turn
    from truth import KnownFlow

    from .network import Network

_ATTEMPT_S = 1.5
"""Long enough for the kernel to send a SYN again."""

_DATAGRAM_RETRY_S = 0.2
_LARGEST_DATAGRAM = 65_535
_ECHO_REQUEST = 8


def speak(network: Network, flow: KnownFlow, turns: Iterable[Turn]) -> None:
    """Perform a flow both of whose ends are ours."""
    with ExitStack() as held:
        if flow.port is None:
            _ping(network, flow)
        elif flow.outcome in {"refused", "unanswered"}:
            attempt(network, flow, turns)
        elif flow.transport == "tcp":
            server = held.enter_context(_at_server(network, flow, socket.SOCK_STREAM))
            server.listen()
            client = held.enter_context(connected(network, flow))
            served = held.enter_context(server.accept()[0])
            served.settimeout(server.gettimeout())
            served.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _converse(client, served, turns)
        else:
            server = held.enter_context(_at_server(network, flow, socket.SOCK_DGRAM))
            client = held.enter_context(connected(network, flow))
            _exchange(client, server, turns, one_way=flow.outcome == "one-way")


def attempt(network: Network, flow: KnownFlow, turns: Iterable[Turn] = ()) -> None:
    """Try in vain to reach a server; one that can be reached is an error."""
    if flow.transport == "tcp":
        try:
            with connected(network, flow, _ATTEMPT_S):
                raise LabError(f"{flow.server} tcp/{flow.port} was to be out of reach")
        except OSError:
            return
    first = next(iter(turns)).messages[0]
    with connected(network, flow) as client:
        for _ in range(3):
            # An ICMP error that came back for the last one is told at the next.
            with suppress(ConnectionRefusedError):
                client.send(first)
            time.sleep(_DATAGRAM_RETRY_S)


def connected(network: Network, flow: KnownFlow, wait_s: float = 60) -> socket.socket:
    """Make a client's socket, connected to its server."""
    kind = socket.SOCK_STREAM if flow.transport == "tcp" else socket.SOCK_DGRAM
    client = bound(network.at(flow.client), flow.client, kind, flow.client_port or 0, wait_s)
    try:
        client.connect((flow.server, flow.port))
    except OSError:
        client.close()
        raise
    return client


def receive(sender: socket.socket, size: int) -> bytes:
    """Read exactly so many bytes."""
    data = b""
    while len(data) < size:
        more = sender.recv(size - len(data))
        if not more:
            raise LabError(f"{sender}: ended after {len(data)} of {size} bytes")
        data += more
    return data


def _converse(client: socket.socket, server: socket.socket, turns: Iterable[Turn]) -> None:
    for turn in turns:
        speaker, listener = (client, server) if turn.by_client else (server, client)
        for message in turn.messages:
            speaker.sendall(message)
            receive(listener, len(message))
    client.shutdown(socket.SHUT_WR)
    server.recv(1)
    server.shutdown(socket.SHUT_WR)
    client.recv(1)


def _exchange(
    client: socket.socket, server: socket.socket, turns: Iterable[Turn], *, one_way: bool
) -> None:
    heard_from = ("", 0)
    for turn in turns:
        for message in turn.messages:
            if turn.by_client:
                client.send(message)
                _, heard_from = server.recvfrom(_LARGEST_DATAGRAM)
            elif not one_way:
                server.sendto(message, heard_from)
                client.recv(_LARGEST_DATAGRAM)


def _at_server(network: Network, flow: KnownFlow, kind: socket.SocketKind) -> socket.socket:
    return bound(network.at(flow.server), flow.server, kind, flow.port or 0)


def _ping(network: Network, flow: KnownFlow, count: int = 3) -> None:
    """Send echo requests, which the other kernel answers."""
    protocol = socket.getprotobyname("icmp")
    with network.at(flow.client).socket(socket.AF_INET, socket.SOCK_RAW, protocol) as client:
        client.settimeout(60)
        client.bind((flow.client, 0))
        client.connect((flow.server, 0))
        for number in range(1, count + 1):
            client.send(_echo(number))
            client.recv(_LARGEST_DATAGRAM)


def _echo(number: int) -> bytes:
    """Build an echo request (RFC 792); its words and their checksum add up to all ones."""
    words = [_ECHO_REQUEST << 8, 0, 1, number]
    total = sum(words)
    return struct.pack(">4H", words[0], ~(total + (total >> 16)) & 0xFFFF, *words[2:])
