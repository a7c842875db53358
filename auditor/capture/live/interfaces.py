"""The network interfaces of this machine, and what the kernel says of one (Linux)."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from typing import NamedTuple

from auditor.capture.live.source import ANY, InterfaceState
from auditor.errors import CaptureError

LINKTYPE_ETHERNET = 1
LINKTYPE_RAW = 101
LINKTYPE_LINUX_SLL2 = 276

_SIOCGIFFLAGS = 0x8913
_SIOCGIFHWADDR = 0x8927
_IFF_UP = 0x1
_IFF_RUNNING = 0x40

_ARPHRD_ETHER = 1
_ARPHRD_LOOPBACK = 772
_ARPHRD_RAWIP = 519
_ARPHRD_NONE = 0xFFFE

_LONGEST_NAME = 15


class LinkLayer(NamedTuple):
    """How the frames of an interface are asked for, and what they then begin with."""

    linktype: int
    socket_type: socket.SocketKind
    """SOCK_RAW for frames as they are, SOCK_DGRAM for packets without their link header."""


_ETHERNET = LinkLayer(LINKTYPE_ETHERNET, socket.SOCK_RAW)
_RAW = LinkLayer(LINKTYPE_RAW, socket.SOCK_RAW)
_COOKED = LinkLayer(LINKTYPE_LINUX_SLL2, socket.SOCK_DGRAM)
_LINK_LAYERS = {
    _ARPHRD_ETHER: _ETHERNET,
    _ARPHRD_LOOPBACK: _ETHERNET,  # its addresses are zeros
    _ARPHRD_RAWIP: _RAW,
    _ARPHRD_NONE: _RAW,  # tun, WireGuard
}


def list_interfaces() -> list[str]:
    """Name the interfaces of this machine, and what stands for all of them."""
    return [*(name for _, name in socket.if_nameindex()), ANY]


def check_interface(name: str) -> None:
    """Raise CaptureError, which lists those that there are, for an interface that there is not."""
    known = list_interfaces()
    if name not in known:
        raise CaptureError(name, f"expected one of the interfaces {', '.join(known)}, found none")


def link_layer(name: str) -> LinkLayer:
    """Tell how to take frames from an interface; raise OSError if there is none.

    What has a link header that is not read here, and all interfaces together, come without it.
    """
    if name == ANY:
        return _COOKED
    return _LINK_LAYERS.get(_ask(_SIOCGIFHWADDR, name), _COOKED)


def interface_state(name: str) -> InterfaceState:
    """Tell whether an interface can carry frames."""
    if name == ANY:
        return InterfaceState.UP
    try:
        flags = _ask(_SIOCGIFFLAGS, name)
    except OSError:
        return InterfaceState.GONE
    if not flags & _IFF_UP:
        return InterfaceState.DOWN
    return InterfaceState.UP if flags & _IFF_RUNNING else InterfaceState.NO_LINK


def _ask(question: int, name: str) -> int:
    """Ask the kernel for 16 bits of struct ifreq about an interface; raise OSError."""
    request = struct.pack("16s24x", os.fsencode(name)[:_LONGEST_NAME])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        (answer,) = struct.unpack_from("16xH", fcntl.ioctl(any_socket, question, request))
    return int(answer)
