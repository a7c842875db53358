"""Things that appliances and storage say: management, logs, authentication, shells, disks."""

from __future__ import annotations

import struct

from payloads import noise
from payloads_windows import der

SNMP_GET, SNMP_RESPONSE, SNMP_TRAP = 0xA0, 0xA2, 0xA7
RADIUS_REQUEST, RADIUS_ACCEPT, RADIUS_ACCOUNTING, RADIUS_ACCOUNTED = 1, 2, 4, 5
NETSCALER_ENTERPRISE = 5951

_SYS_UPTIME = bytes.fromhex("2b06010201010300")


def snmp(kind: int, community: str = "public") -> bytes:
    """Build an SNMP v2c message about the uptime."""
    value = b"\x05\x00" if kind == SNMP_GET else b"\x43\x03\x0f\x42\x40"
    bindings = der(0x30, der(0x30, der(0x06, _SYS_UPTIME), value))
    message = der(kind, b"\x02\x02\x12\x34", b"\x02\x01\x00", b"\x02\x01\x00", bindings)
    return der(0x30, b"\x02\x01\x01", der(0x04, community.encode()), message)


def syslog(host: str, text: str) -> bytes:
    """Build one BSD syslog line of facility local0."""
    return f"<134>Mar  2 08:00:00 {host} {text}".encode()


def radius(kind: int, user: str = "someone") -> bytes:
    """Build a RADIUS message of code `kind`."""
    name = user.encode()
    attributes = bytes([1, 2 + len(name)]) + name + b"\x04\x06\x0a\x05\x00\x01"
    attributes += b"\x02\x12" + noise("radius password", 16) if kind == RADIUS_REQUEST else b""
    head = struct.pack(">BBH", kind, 0x2A, 20 + len(attributes))
    return head + noise(f"radius {kind}", 16) + attributes


def tacacs(*, answer: bool = False) -> bytes:
    """Build the first TACACS+ packet of a side: version, authentication, sequence, session."""
    body = noise(f"tacacs {answer}", 24)
    sequence = 2 if answer else 1
    return bytes([0xC0, 1, sequence, 0]) + b"\x5e\xed\xca\xfe" + struct.pack(">I", 24) + body


def ipfix(label: str, *, sequence: int = 1) -> bytes:
    """Build an IPFIX message: a template with NetScaler's enterprise number, and noise of data."""
    fields = struct.pack(">HH", 8, 4) + struct.pack(">HH", 12, 4)
    fields += struct.pack(">HHI", 0x8000 | 128, 4, NETSCALER_ENTERPRISE)
    template = struct.pack(">HH", 256, 3) + fields
    sets = struct.pack(">HH", 2, 4 + len(template)) + template
    data = noise(f"ipfix {label} {sequence}", 48)
    sets += struct.pack(">HH", 256, 4 + len(data)) + data
    return struct.pack(">HHIII", 10, 16 + len(sets), 1_772_438_400, sequence, 0) + sets


def netflow(label: str) -> bytes:
    """Build a NetFlow v9 message: a template of four fields and one record of noise."""
    fields = struct.pack(">8H", 8, 4, 12, 4, 1, 4, 2, 4)
    template = struct.pack(">HH", 256, 4) + fields
    sets = struct.pack(">HH", 0, 4 + len(template)) + template
    sets += struct.pack(">HH", 256, 20) + noise(f"netflow {label}", 16)
    return struct.pack(">HHIIII", 9, 2, 360_000, 1_772_438_400, 1, 0) + sets


def ssh_banner(software: str) -> bytes:
    """Build the identification line of SSH 2."""
    return f"SSH-2.0-{software}\r\n".encode()


def ssh_keys(label: str) -> bytes:
    """Build a key exchange packet: its cookie and ten lists of algorithms."""
    names = (
        "curve25519-sha256", "ssh-ed25519", "aes256-ctr", "aes256-ctr",
        "hmac-sha2-256", "hmac-sha2-256", "none", "none", "", "",
    )  # fmt: skip
    lists = b"".join(struct.pack(">I", len(name)) + name.encode() for name in names)
    body = b"\x14" + noise(f"ssh {label}", 16) + lists + bytes(5)
    padding = 4 + -(len(body) + 9) % 8
    return struct.pack(">IB", len(body) + padding + 1, padding) + body + bytes(padding)


def smtp_greeting(host: str) -> bytes:
    """Build the first line of a mail server."""
    return f"220 {host} ESMTP ready\r\n".encode()


def rfb_version() -> bytes:
    """Build the version line of a VNC server, which its client repeats."""
    return b"RFB 003.008\n"


def iscsi_login(*, answer: bool = False) -> bytes:
    """Build an iSCSI login request or its answer."""
    keys = b"InitiatorName=iqn.2026-03.example.corp:xen1\0SessionType=Normal\0"
    head = bytes([0x23 if answer else 0x43, 0x87, 0, 0]) + len(keys).to_bytes(4, "big")
    return head + noise("iscsi", 6) + bytes(34) + keys + bytes(-len(keys) % 4)


def nfs_null(*, answer: bool = False) -> bytes:
    """Build the NULL call to NFS version 3 over TCP, or its reply."""
    if answer:
        body = struct.pack(">6I", 0x1F2E3D4C, 1, 0, 0, 0, 0)
    else:
        body = struct.pack(">10I", 0x1F2E3D4C, 0, 2, 100003, 3, 0, 0, 0, 0, 0)
    return struct.pack(">I", 0x8000_0000 | len(body)) + body


def tftp_read(name: str) -> bytes:
    """Build the request for a file."""
    return b"\0\x01" + name.encode() + b"\0octet\0"


def tftp_data(block: int, data: bytes) -> bytes:
    """Build one block of a file."""
    return struct.pack(">HH", 3, block) + data


def tftp_acknowledge(block: int) -> bytes:
    """Build the acknowledgement of a block."""
    return struct.pack(">HH", 4, block)


def net_tcp_preamble(uri: str) -> bytes:
    """Build the preamble of .NET message framing, duplex, binary with dictionary."""
    via = uri.encode()
    return b"\x00\x01\x00\x01\x02\x02" + bytes([len(via)]) + via + b"\x03\x08\x0c"
