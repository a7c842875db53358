"""Clients of the real servers; each asks what a component of Citrix would."""

from __future__ import annotations

import re
import socket
import ssl
import time
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING

import payloads
import payloads_network as network
import payloads_windows as windows
from dpkt import dhcp, dns

from .configurations import BOOT_FILE, DIRECTORY_BASE, time_command
from .namespaces import LabError
from .network import BROADCAST, bound
from .speakers import connected

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from truth import KnownFlow

    from .network import Network

_LARGEST_DATAGRAM = 65_535
_TFTP_BLOCK = 512
_EXPORTED = Path(__file__).resolve().parents[2] / "sample_pcaps" / "adc.pcap"
_XID = 0x3903F326


def ask(net: Network, flow: KnownFlow, scratch: Path) -> None:
    """Perform a flow whose server is real; an answer that is none is an error."""
    _ASK[flow.real](net, flow, scratch)


def _time(net: Network, flow: KnownFlow, scratch: Path) -> None:
    """Ask once, and let the clock be."""
    options = time_command(scratch, "-Q", "-t", "10")
    net.at(flow.client).run(
        *options,
        f"server {flow.server} iburst maxsamples 1", f"bindacqaddress {flow.client}",
    )  # fmt: skip


def _dnsmasq(net: Network, flow: KnownFlow, scratch: Path) -> None:
    {"udp/53": _name, "udp/67": _lease, "udp/69": _boot_file}[f"{flow.transport}/{flow.port}"](
        net, flow, scratch
    )


def _name(net: Network, flow: KnownFlow, _: Path) -> None:
    with connected(net, flow) as client:
        client.send(payloads.dns_query(str(flow.name)))
        answer = dns.DNS(client.recv(_LARGEST_DATAGRAM))
        if not answer.an:
            raise LabError(f"dnsmasq does not know {flow.name}")


def _lease(net: Network, flow: KnownFlow, _: Path) -> None:
    """Go through discovery, offer, request and acknowledgement (RFC 2131), as a PXE client."""
    host = net.at(flow.client)
    with bound(host, flow.client, socket.SOCK_DGRAM, 68) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        mac = bytes.fromhex(net.booting_mac.replace(":", ""))
        offer = _dhcp(client, mac, dhcp.DHCPDISCOVER, (dhcp.DHCP_OPT_VENDOR_ID, b"PXEClient"))
        wanted = offer.yiaddr.to_bytes(4, "big")
        (server,) = [value for code, value in offer.opts if code == dhcp.DHCP_OPT_SERVER_ID]
        _dhcp(
            client, mac, dhcp.DHCPREQUEST,
            (dhcp.DHCP_OPT_REQ_IP, wanted), (dhcp.DHCP_OPT_SERVER_ID, server),
        )  # fmt: skip
    net.give_address(net.booting, str(IPv4Address(wanted)))


def _dhcp(client: socket.socket, mac: bytes, kind: int, *options: tuple[int, bytes]) -> dhcp.DHCP:
    """Broadcast a message that asks for an answer by broadcast, and wait for that."""
    message = dhcp.DHCP(
        chaddr=mac.ljust(16, b"\0"), xid=_XID, flags=0x8000,
        opts=[(dhcp.DHCP_OPT_MSGTYPE, bytes([kind])), *options],
    )  # fmt: skip
    client.sendto(bytes(message), (BROADCAST, 67))
    return dhcp.DHCP(client.recv(_LARGEST_DATAGRAM))


def _boot_file(net: Network, flow: KnownFlow, _: Path) -> None:
    """Read a file; the server answers from a port of its own (RFC 1350)."""
    with bound(net.at(flow.client), flow.client, socket.SOCK_DGRAM) as client:
        client.sendto(network.tftp_read(BOOT_FILE), (flow.server, flow.port))
        block, size = 0, _TFTP_BLOCK
        while size == _TFTP_BLOCK:
            data, sender = client.recvfrom(_LARGEST_DATAGRAM)
            block, size = block + 1, len(data) - 4
            if data[:4] != network.tftp_data(block, b""):
                raise LabError(f"dnsmasq sent no block {block} of {BOOT_FILE}")
            client.sendto(network.tftp_acknowledge(block), sender)


def _web(net: Network, flow: KnownFlow, scratch: Path) -> None:
    with connected(net, flow) as plain:
        request = payloads.http_request(flow.name, headers="Connection: close\r\n")
        if flow.port != 443:
            plain.sendall(request)
            said = _until_end(plain)
        else:
            context = ssl.create_default_context(cafile=scratch / "certificate.pem")
            with context.wrap_socket(plain, server_hostname=flow.name) as sealed:
                sealed.sendall(request)
                said = _until_end(sealed)
        if b"200 OK" not in said:
            raise LabError(f"nginx said {said!r}")


def _directory(net: Network, flow: KnownFlow, _: Path) -> None:
    reader = f"cn=reader,{DIRECTORY_BASE}"
    with connected(net, flow) as client:
        client.sendall(windows.ldap_bind(reader))
        if windows.ldap_bind_done() != client.recv(_LARGEST_DATAGRAM):
            raise LabError("slapd refuses its reader")
        client.sendall(windows.ldap_search(DIRECTORY_BASE, "cn", "reader"))
        said = b""
        while reader.encode() not in said:
            said += client.recv(_LARGEST_DATAGRAM)


def _uptime(net: Network, flow: KnownFlow, _: Path) -> None:
    with connected(net, flow) as client:
        client.send(network.snmp(network.SNMP_GET))
        client.recv(_LARGEST_DATAGRAM)


def _message(net: Network, flow: KnownFlow, scratch: Path) -> None:
    text = "default EVENT STATECHANGE 42 0 : lab UP"
    with connected(net, flow) as client:
        client.send(network.syslog("gw1", text))
    _wait_for(scratch / f"rsyslogd-{flow.server}" / "messages", text)


def _shell(net: Network, flow: KnownFlow, _: Path) -> None:
    """Come as far as the refusal that follows the exchange of keys."""
    options = {
        "StrictHostKeyChecking": "no", "UserKnownHostsFile": "/dev/null", "BatchMode": "yes",
        "BindAddress": flow.client, "GlobalKnownHostsFile": "/dev/null", "IdentityFile": "none",
        "IdentitiesOnly": "yes",
    }  # fmt: skip
    words = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    try:
        net.at(flow.client).run("ssh", "-F", "none", *words, f"lab@{flow.server}")
    except LabError as error:
        if not re.search("Permission denied", str(error)):
            raise


def _export(net: Network, flow: KnownFlow, scratch: Path) -> None:
    """Export the flows of another sample as IPFIX to somebody who listens."""
    with bound(net.at(flow.server), flow.server, socket.SOCK_DGRAM, flow.port or 0) as collector:
        net.at(flow.client).run(
            "softflowd", "-d", "-r", str(_EXPORTED), "-n", f"{flow.server}:{flow.port}",
            "-v", "10", "-p", f"{scratch}/softflowd.pid", "-c", "none",
        )  # fmt: skip
        collector.recv(_LARGEST_DATAGRAM)


_ASK: Mapping[str, Callable[[Network, KnownFlow, Path], None]] = {
    "chronyd": _time,
    "dnsmasq": _dnsmasq,
    "nginx": _web,
    "rsyslogd": _message,
    "slapd": _directory,
    "snmpd": _uptime,
    "softflowd": _export,
    "sshd": _shell,
}


def _wait_for(path: Path, text: str, patience_s: float = 60) -> None:
    ends_s = time.monotonic() + patience_s
    while not (path.exists() and text in path.read_text(encoding="utf-8")):
        if time.monotonic() > ends_s:
            raise LabError(f"{path} never holds {text!r}")
        time.sleep(0.05)


def _until_end(sender: socket.socket) -> bytes:
    said = b""
    while more := sender.recv(_LARGEST_DATAGRAM):
        said += more
    return said
