"""Messages by which hosts of a local network tell their names: DHCP, DHCPv6, NetBIOS, mDNS."""

from __future__ import annotations

from ipaddress import ip_address
from struct import pack

from handshakes import dns_name, dns_record

DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM = range(1, 9)
SOLICIT, ADVERTISE, REQUEST6, CONFIRM, RENEW, REBIND, REPLY = range(1, 8)
A, AAAA = 1, 28
CACHE_FLUSH = 0x8000
POINTER = 12


def option(code: int, value: bytes) -> bytes:
    """Make an option of DHCP."""
    return bytes([code, len(value)]) + value


def dhcp(
    kind: int,
    *options: bytes,
    transaction: int = 7,
    mac: bytes = b"\2\0\0\0\0\1",
    used: str = "0.0.0.0",
    yours: str = "0.0.0.0",
) -> bytes:
    """Make a DHCP message of a kind; replies are marked as such."""
    operation = 2 if kind in {OFFER, ACK, NAK} else 1
    head = pack("!BBBBIHH", operation, 1, 6, 0, transaction, 0, 0)
    addresses = ip_address(used).packed + ip_address(yours).packed + bytes(8)
    fields = head + addresses + mac.ljust(16, b"\0") + bytes(64 + 128)
    return fields + b"\x63\x82\x53\x63" + option(53, bytes([kind])) + b"".join(options) + b"\xff"


def host_name(name: bytes) -> bytes:
    """Make the option in which a client tells its name."""
    return option(12, name)


def full_name(name: bytes, *, canonical: bool = True) -> bytes:
    """Make the option with a client's full name; canonical: in labels, as DNS writes it."""
    flags = 0x05 if canonical else 0x01
    return option(81, bytes([flags, 0, 0]) + (dns_name(name.decode()) if canonical else name))


def wanted(address: str) -> bytes:
    """Make the option in which a client asks for an address."""
    return option(50, ip_address(address).packed)


def option6(code: int, value: bytes) -> bytes:
    """Make an option of DHCPv6."""
    return pack("!HH", code, len(value)) + value


def dhcpv6(
    kind: int,
    *options: bytes,
    transaction: bytes = b"abc",
    client: bytes = b"\0\3\0\1\2\0\0\0\0\1",
) -> bytes:
    """Make a DHCPv6 message of a kind, of one client."""
    return bytes([kind]) + transaction + option6(1, client) + b"".join(options)


def full_name6(name: str) -> bytes:
    """Make the option with a client's full name."""
    return option6(39, b"\1" + dns_name(name))


def lease6(address: str, valid_s: int = 300) -> bytes:
    """Make an association of addresses with one address."""
    held = option6(5, ip_address(address).packed + pack("!II", valid_s, valid_s))
    return option6(3, pack("!III", 1, 0, 0) + held)


def relayed6(message: bytes, kind: int = 12) -> bytes:
    """Pass a message on as a relay does."""
    return bytes([kind, 0]) + bytes(32) + option6(18, b"eth0") + option6(9, message)


def netbios_name(name: bytes, service: int = 0x00) -> bytes:
    """Encode a name at the first level, as a label, closed."""
    padded = name.ljust(15) + bytes([service])
    letters = b"".join(bytes([0x41 + (byte >> 4), 0x41 + (byte & 15)]) for byte in padded)
    return b"\x20" + letters + b"\0"


def netbios_entries(*entries: tuple[str, bool]) -> bytes:
    """Make the data of a NetBIOS record: addresses, each with whether it is a group's."""
    return b"".join(
        pack("!H", 0x8000 if group else 0x6000) + ip_address(address).packed
        for address, group in entries
    )


def netbios_registration(
    name: bytes, address: str, *, service: int = 0, group: bool = False, opcode: int = 5
) -> bytes:
    """Make the request by which a host claims a name."""
    data = netbios_entries((address, group))
    head = pack("!6H", 9, opcode << 11 | 0x0110, 1, 0, 0, 1)
    question = netbios_name(name, service) + pack("!HH", 0x20, 1)
    return head + question + dns_record(pack("!H", 0xC000 | POINTER), 0x20, data)


def netbios_answer(
    name: bytes, *entries: tuple[str, bool], service: int = 0, flags: int = 0x8500
) -> bytes:
    """Make a positive answer to a query."""
    record = dns_record(netbios_name(name, service), 0x20, netbios_entries(*entries))
    return pack("!6H", 9, flags, 0, 1, 0, 0) + record


def announcement(*records: tuple[str, str], family: int = 1 | CACHE_FLUSH) -> bytes:
    """Make an mDNS response that gives names addresses, the later ones as additional records."""
    made = [
        dns_record(
            dns_name(name),
            A if ip_address(address).version == 4 else AAAA,
            ip_address(address).packed,
            family,
        )
        for name, address in records
    ]
    return pack("!6H", 0, 0x8400, 0, min(len(made), 1), 0, max(len(made) - 1, 0)) + b"".join(made)
