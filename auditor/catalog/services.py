"""Services as people write them: `443`, `6910-6930`, `tcp/443`, `icmp`."""

from __future__ import annotations

import re

from auditor.catalog.model import Service

WITH_PORTS = ("tcp", "udp", "sctp")
WITHOUT_PORTS = ("icmp", "icmpv6", "esp", "gre")

_PORTS = re.compile(r"([0-9]+)(?:-([0-9]+))?")
_HIGHEST = 65535


def parse_ports(text: str) -> tuple[int, int]:
    """Read a port or an inclusive range; raises ValueError with the reason in one line."""
    found = _PORTS.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"expected a port or a range such as 6910-6930, found {text!r}")
    low = _port(found[1])
    high = low if found[2] is None else _port(found[2])
    if low > high:
        raise ValueError(f"the range {text.strip()} runs backwards")
    return low, high


def parse_service(text: str) -> Service:
    """Read `tcp/443`, `udp/6910-6930` or a bare transport; raises ValueError with the reason."""
    transport, slash, ports = text.strip().lower().partition("/")
    if transport in WITHOUT_PORTS:
        if slash:
            raise ValueError(f"{transport} has no ports, found {text!r}")
        return Service(transport, None, None)
    if transport not in WITH_PORTS:
        known = ", ".join((*WITH_PORTS, *WITHOUT_PORTS))
        raise ValueError(
            f"expected a service such as tcp/443 (transports: {known}), found {text!r}"
        )
    if not slash:
        return Service(transport, None, None)
    return Service(transport, *parse_ports(ports))


def _port(digits: str) -> int:
    # int() refuses absurdly long numbers by itself, in words of its own.
    number = int(digits) if len(digits) <= len(str(_HIGHEST)) else _HIGHEST + 1
    if not 1 <= number <= _HIGHEST:
        raise ValueError(f"a port lies between 1 and {_HIGHEST}, found {digits[:12]}")
    return number
