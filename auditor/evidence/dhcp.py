"""What DHCP messages say of a client's name and address (RFC 2131, RFC 2132, RFC 4702)."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from auditor.evidence.cursor import Cursor
from auditor.records import IPV4_MAPPED

_MAGIC = b"\x63\x82\x53\x63"
_OPTIONS_START = 240
_REQUEST, _REPLY = 1, 2
_HOST_NAME, _WANTED, _KIND, _FULL_NAME = 12, 50, 53, 81
_PAD, _END = 0, 255
_CANONICAL = 0x04
"""The flag of option 81 that says: the name is written in labels."""


class Step(Enum):
    """What a message does for the client's lease."""

    ASKS = "asks"
    GRANTS = "grants"
    REFUSES = "refuses"


class LeaseMessage(NamedTuple):
    """A message of DHCP or DHCPv6, as far as it concerns names."""

    step: Step
    client: bytes
    """Transaction and client, the same in a request and its replies."""
    name: bytes | None
    used: tuple[tuple[int, int], ...] = ()
    """Address words that the client has already."""
    wanted: tuple[tuple[int, int], ...] = ()
    """Address words that the client asks for, and will use unless it is refused."""
    given: tuple[tuple[int, int], ...] = ()
    """Address words that the server grants."""


_STEPS = {
    (_REQUEST, 1): Step.ASKS,  # DHCPDISCOVER
    (_REQUEST, 3): Step.ASKS,  # DHCPREQUEST
    (_REQUEST, 8): Step.ASKS,  # DHCPINFORM
    (_REPLY, 5): Step.GRANTS,  # DHCPACK
    (_REPLY, 6): Step.REFUSES,  # DHCPNAK
}
_BINDING_KIND = 3


def read_dhcp(data: bytes) -> LeaseMessage | None:
    """Read a BOOTP message with DHCP options; None for anything that settles no name."""
    if len(data) < _OPTIONS_START or data[236:_OPTIONS_START] != _MAGIC:
        return None
    options = _options(Cursor(data[_OPTIONS_START:]))
    kind = options.get(_KIND, b"")
    step = _STEPS.get((data[0], kind[0])) if len(kind) == 1 else None
    if step is None:
        return None
    used, yours = _address(data[12:16]), _address(data[16:20])
    return LeaseMessage(
        step,
        client=data[4:8] + data[28:44],
        name=_full_name(options.get(_FULL_NAME, b"")) or options.get(_HOST_NAME, b"").rstrip(b"\0"),
        used=used if step is Step.ASKS else (),
        # What a DISCOVER asks for is a wish: another address may be offered.
        wanted=_address(options.get(_WANTED, b"")) if kind[0] == _BINDING_KIND else (),
        given=(yours or used) if step is Step.GRANTS else (),
    )


def labels_text(labels: Cursor) -> bytes | None:
    """Join the labels of a name that may lack its end; None if there is none, or a bad one."""
    found = []
    while labels.left:
        label = labels.block(1)
        if not label.whole or not label.left:
            break
        found.append(label.rest())
    return None if any(b"." in label for label in found) else b".".join(found) or None


def _options(options: Cursor) -> dict[int, bytes]:
    """Collect options by their codes; the parts of a long one are joined (RFC 3396)."""
    found: dict[int, bytes] = {}
    while options.left:
        code = options.number(1)
        if code == _END:
            break
        if code != _PAD:
            value = options.block(1)
            if not value.whole:
                break
            found[code] = found.get(code, b"") + value.rest()
    return found


def _full_name(option: bytes) -> bytes | None:
    if option[:1] and option[0] & _CANONICAL:
        return labels_text(Cursor(option[3:]))
    return option[3:].rstrip(b"\0") or None


def _address(field: bytes) -> tuple[tuple[int, int], ...]:
    """Give the address words of an IPv4 address; none for 0.0.0.0 and for an absent one."""
    number = int.from_bytes(field, "big")
    return ((0, IPV4_MAPPED | number),) if len(field) == 4 and number else ()
