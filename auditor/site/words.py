"""The words of a site file, one by one: each reader gives a value or raises ValueError."""

from __future__ import annotations

import re
from difflib import get_close_matches
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TYPE_CHECKING

from auditor.hostnames import safe_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from auditor.catalog.model import Role

_MAC = re.compile(
    r"[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}"
    r"|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}"
    r"|[0-9a-f]{12}"
)


def read_address(text: str) -> IPv4Address | IPv6Address:
    """Read the address of a host."""
    if "/" in text:
        raise ValueError(f"expected an address, found the network {text!r}")
    if "%" in text:
        raise ValueError(f"expected an address, found {text!r}: a capture knows no zone behind '%'")
    try:
        address = ip_address(text)
    except ValueError:
        raise ValueError(f"expected an address such as 10.0.0.10, found {text!r}") from None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def read_network(text: str) -> IPv4Network | IPv6Network:
    """Read a network with its prefix length; an address inside one is a mistake."""
    if "/" not in text:
        raise ValueError(f"expected a network such as 10.20.0.0/16, found {text!r}")
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"expected a network such as 10.20.0.0/16, found {text!r}") from None
    if ip_address(text.partition("/")[0]) != network.network_address:
        raise ValueError(f"{text!r} has bits set behind its prefix; did you mean {network}?")
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped:
        raise ValueError(f"expected the IPv4 network itself, found it mapped as {text!r}")
    return network


def read_mac(text: str) -> str:
    """Read a MAC address in any usual spelling; give it lower case with colons."""
    digits = re.sub("[^0-9a-f]", "", text.lower())
    if not _MAC.fullmatch(text.lower()):
        raise ValueError(f"expected a MAC address such as 02:00:5e:10:00:01, found {text!r}")
    if int(digits[:2], 16) & 1:
        raise ValueError(f"{text!r} is a group address; a host has one of its own")
    if not int(digits, 16):
        raise ValueError(f"{text!r} is nobody's address")
    return ":".join(digits[place : place + 2] for place in range(0, 12, 2))


def read_pattern(text: str) -> str:
    """Read a host name, or `*.` and a host name; give it lower case without trailing dot."""
    name = safe_name(text.removeprefix("*."))
    if name is None:
        hint = "" if text.isascii() else " (international names in their xn-- form)"
        raise ValueError(
            f"expected a host name, with '*.' before it for all below, found {text!r}{hint}"
        )
    return f"*.{name}" if text.startswith("*.") else name


def nearest(word: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """Give the end of a message about an unknown word: the known one that looks most like it."""
    near = get_close_matches(word, list(known), 1)
    return f"; did you mean {near[0]!r}?" if near else otherwise


class RoleWords:
    """The roles of the catalog, and everything else that people call them."""

    def __init__(self, roles: Mapping[str, Role]) -> None:
        """Index ids, display names and synonyms."""
        self._roles = roles
        self._called: dict[str, list[str]] = {}
        for role in roles.values():
            for word in {_plain(each) for each in (role.id, role.display, *role.synonyms)}:
                self._called.setdefault(word, []).append(role.id)

    def read(self, text: str) -> str:
        """Read a role id; one that is not known raises ValueError with the likely one."""
        if text in self._roles:
            return text
        raise ValueError(f"role {text!r} is not known{self.hint(text)}")

    def hint(self, text: str) -> str:
        """Suggest roles for a word that is none."""
        word = _plain(text)
        near = self._called.get(word) or [
            role
            for close in get_close_matches(word, self._called, 1)
            for role in self._called[close]
        ]
        return f"; did you mean {' or '.join(map(repr, near))}?" if near else ""


def _plain(word: str) -> str:
    """Strip a name of what people write in different ways."""
    return " ".join(re.sub(r"[\W_]+", " ", word.casefold()).split())
