"""What imported files say of hosts, one statement at a time, before anything is put together."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from auditor.hostnames import safe_name

if TYPE_CHECKING:
    from auditor.errors import Problem
    from auditor.site.model import SiteNetwork

Address: TypeAlias = IPv4Address | IPv6Address

_SHOWN = 60
_WITH_PORT = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement about one host: what it is, and who says so."""

    address: Address | None
    """None where the file knows the host by its name alone."""
    roles: tuple[str, ...]
    says: str
    """In words, for the comment in the site file."""
    path: str
    line: int
    name: str | None = None
    """A host name as `safe_name` lets through."""
    called: str | None = None
    """What the file calls the host for itself, in the same form; good where no name is known."""
    machine: str = ""
    """Claims that share it speak of one machine, whatever its addresses; `` = of no other."""

    @property
    def place(self) -> str:
        """Write `file:line`."""
        return f"{self.path}:{self.line}"


@dataclass
class Imported:
    """What one file gave."""

    claims: list[Claim] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    """What was left out or not understood; nothing of it keeps the rest from being used."""
    features: dict[str, str] = field(default_factory=dict)
    """Feature id -> `file:line` that shows it to be in use."""
    networks: list[SiteNetwork] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A peer as configurations name it: by address or by name, sometimes as a URL."""

    address: Address | None
    name: str | None
    port: int | None = None
    scheme: str = ""


def parse_endpoint(text: str) -> Endpoint:
    """Read an address, a host name, either with `:port`, or a URL.

    Raises ValueError with the reason in one line.
    """
    text = text.strip()
    if "://" in text:
        try:
            url = urlsplit(text)
            host, port = url.hostname or "", url.port
        except ValueError:
            raise ValueError(f"expected a URL, found {shown(text)}") from None
        return _endpoint(host, port, url.scheme.lower(), text)
    found = _WITH_PORT.fullmatch(text)
    if found is not None:
        return _endpoint(found["host"].strip("[]"), int(found["port"]), "", text)
    # IPv6 addresses of an ADC come with the length of their prefix.
    return _endpoint(text.partition("/")[0].strip("[]"), None, "", text)


def is_host(address: Address) -> bool:
    """Say whether an address can stand in a site file: it is some host's, and not every host's."""
    return not (address.is_unspecified or address.is_loopback or address.is_multicast)


def shown(text: str) -> str:
    """Quote a piece of a file for a message, without its control characters and not all of it."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")


def _endpoint(host: str, port: int | None, scheme: str, text: str) -> Endpoint:
    try:
        return Endpoint(_address(host), None, port, scheme)
    except ValueError:
        name = safe_name(host)
    if name is None:
        raise ValueError(f"expected an address or a host name, found {shown(text)}")
    return Endpoint(None, name, port, scheme)


def _address(text: str) -> Address:
    """Read an address as captures have it: without a zone, and IPv4 as such."""
    address = ip_address(text.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
