"""A capture of a dozen conversations, one of each sort, and the site that it was taken at."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import payloads
import pytest
from pcap_files import pcapng
from traffic import Host, Tcp, Udp, Wire

from auditor.pipeline import examine

if TYPE_CHECKING:
    from pathlib import Path

    from auditor import Report
    from auditor.pipeline import Examined

DDC = Host("10.0.0.1")
VDA = Host("10.0.0.2")
LICENSES = Host("10.0.0.3")
SQL = Host("10.0.0.4")
ROUTER = Host("10.0.0.254")
STRANGER = Host("192.0.2.9")
CLOUD = Host("203.0.113.5")

REUSED_PORT = 50_100

SITE = """\
site: small office
hosts:
  - {name: ddc1, addresses: [10.0.0.1], roles: [ddc]}
  - {name: vda1, addresses: [10.0.0.2], roles: [vda]}
  - {name: lic1, addresses: [10.0.0.3], roles: [license-server]}
  - {name: sql1, addresses: [10.0.0.4], roles: [sql-server]}
exceptions:
  - {client: vda1, server: sql1, port: tcp/3389, reason: break-glass, owner: ops, until: 2999-12-31}
"""

needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="needs tshark")


def talk() -> Wire:
    """Let the office talk."""
    wire = Wire()
    request, reply = b"POST /Citrix/CdsController HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"
    Tcp(wire, VDA, DDC, 80, at_ms=0).connect().send(request).answer(reply).close()
    Tcp(wire, DDC, LICENSES, 27000, at_ms=100).refuse()
    Tcp(wire, DDC, SQL, 1433, at_ms=200).knock(3)
    Tcp(wire, VDA, SQL, 1433, at_ms=300).connect().send(b"x" * 30_000).answer(b"y").close()
    Tcp(wire, VDA, SQL, 3389, at_ms=400).connect().send(b"\x03\x00\x00\x13").close()
    Tcp(wire, DDC, VDA, 8090, at_ms=450).send(b"from the middle").answer(b"of it").reset()
    for at_ms in (1000, 2000, 3000):
        again = Tcp(wire, VDA, DDC, 8090, at_ms=at_ms, client_port=REUSED_PORT)
        again.connect().send(b"number %d" % at_ms).answer(b"noted").close()
    Udp(wire, VDA, LICENSES, 7000, at_ms=500).send(b"anybody?").reject(ROUTER)
    Udp(wire, VDA, DDC, 7001, at_ms=550).send(b"one", b"two")
    hello = payloads.tls_client_hello("evildigicert.com")
    Tcp(wire, VDA, CLOUD, 443, at_ms=600).connect().send(hello).close()
    Tcp(wire, STRANGER, DDC, 443, at_ms=700).connect().close()
    wire.ping(VDA, DDC, at_ms=800, count=2)
    wire.ping(VDA, DDC, at_ms=850, count=3)
    return wire


def write(directory: Path) -> tuple[Path, Path]:
    """Write the capture and the site file."""
    capture, site = directory / "office.pcapng", directory / "office.yaml"
    capture.write_bytes(pcapng(talk().captured()))
    site.write_text(SITE, encoding="utf-8")
    return capture, site


def examined(directory: Path) -> Examined:
    """Audit the office."""
    capture, site = write(directory)
    return examine(capture, hosts=site)


def flow_where(report: Report, expression: str) -> int:
    """Give the id of the first flow for which a query holds; there must be one."""
    found: list[int] = report.flows.query(expression)["flow_id"].tolist()
    return found[0]
