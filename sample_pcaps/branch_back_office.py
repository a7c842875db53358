"""Behind the desks of the branch office: boot, directory, brokering, licences, management."""

from __future__ import annotations

from typing import TYPE_CHECKING

import payloads
import payloads_citrix as citrix
import payloads_network as network
import payloads_windows as windows
from traffic import Host

if TYPE_CHECKING:
    from branch_cast import Office

_BROADCAST = Host("255.255.255.255")
_NOBODY_YET = "0.0.0.0"  # noqa: S104 - the source address of a host that asks for one
_BOOT_BLOCKS = 5
_SECOND_MS = 1000
_MINUTE_MS = 60_000


def play(office: Office) -> None:
    """Play all of it."""
    for number, name in enumerate(("vda11", "vda12")):
        _boot(office, office[name], 4_000 + 9_000 * number)
    for number, vda in enumerate(office.vdas):
        _stream(office, vda, number)
        _join_domain(office, vda, 30_000 + 7_000 * number)
        if vda.name not in {"vda07", "vda12"}:  # branch_planted tells why
            _register(office, vda, 34_000 + 7_000 * number, first=number % 2)
    _broker(office)
    _license(office)
    _provision(office)
    _gateway_pair(office)
    _monitor(office)
    _administer(office)


def _boot(office: Office, target: Host, at_ms: int) -> None:
    """Boot a target over the network: an address, the bootstrap file, the first blocks."""
    wire, dhcp, pvs = office.trunk, office["dhcp1"], office["pvs1"]
    asking = Host(_NOBODY_YET, mac=target.hardware().hex(":"))
    facts = {"offered": target.ip, "server": dhcp.ip, "boot": "ARDBP32.BIN"}
    mac = target.hardware()
    ask = office.udp(asking, _BROADCAST, 67, at_ms, client_port=68)
    ask.wire = wire
    offer = office.udp(dhcp, _BROADCAST, 68, at_ms + 2, client_port=67)
    offer.wire = wire
    ask.send(windows.dhcp(windows.DHCP_DISCOVER, mac))
    offer.send(windows.dhcp(windows.DHCP_OFFER, mac, **facts))
    ask.pause(6).send(windows.dhcp(windows.DHCP_REQUEST, mac))
    offer.pause(8).send(windows.dhcp(windows.DHCP_ACK, mac, **facts))
    wire.arp(target, pvs, at_ms=at_ms + 900, answered=False)
    transfer = office.udp(target, pvs, 69, at_ms + 1000, client_port=2070)
    transfer.send(network.tftp_read("ARDBP32.BIN"))
    for block in range(1, _BOOT_BLOCKS + 1):
        size = 512 if block < _BOOT_BLOCKS else 211
        transfer.answer(network.tftp_data(block, payloads.noise(f"ARDBP32 {block}", size)))
        transfer.send(network.tftp_acknowledge(block))
    login = office.udp(target, pvs, 6910, at_ms + 2000, client_port=6901)
    login.send(citrix.pvs_message(f"{target.ip} login", 120))
    login.answer(citrix.pvs_message(f"{target.ip} welcome", 200))


def _stream(office: Office, target: Host, number: int) -> None:
    """Read blocks of the virtual disk now and then, all morning."""
    pvs = office["pvs1"] if number % 2 == 0 else office["pvs2"]
    port = 6911 + number % 8
    disk = office.udp(target, pvs, port, office.soon(25_000 + 500 * number), client_port=6902)
    for piece in range(5):
        disk.send(citrix.pvs_message(f"{target.ip} want {piece}", 48))
        disk.answer(citrix.pvs_message(f"{target.ip} block {piece}", 700 + 40 * piece))
        disk.pause(120_000 + office.core.dice.number(4000))


def _join_domain(office: Office, vda: Host, at_ms: int) -> None:
    """Start the domain member: names, a ticket, the directory, its policies, the time."""
    dc = office["dc1"]
    _resolve(office, vda, "ddc1.corp.example", office["ddc1"].ip, at_ms)
    office.talk(vda, dc, "udp/88", at_ms + 150)
    office.talk(vda, dc, "udp/389", at_ms + 300)
    office.talk(vda, dc, "tcp/389", at_ms + 500)
    if vda.name in {"vda01", "vda06", "vda11"}:
        office.talk(vda, dc, "tcp/445", at_ms + 900)
        office.talk(vda, dc, "udp/123", at_ms + 1500)
        office.talk(vda, dc, "tcp/135", at_ms + 1600)
        office.talk(vda, dc, "tcp/49667", at_ms + 1700, talk="rpc")


def _register(office: Office, vda: Host, at_ms: int, *, first: int) -> None:
    """Register with a controller, which looks at the VDA in its turn."""
    ddc = office[("ddc1", "ddc2")[first]]
    name = f"{ddc.name}.corp.example"
    office.talk(vda, ddc, "tcp/80", office.soon(at_ms), talk="registration", name=name)
    office.talk(ddc, vda, "tcp/80", at_ms + 2500, name=f"{vda.name}.corp.example")


def _broker(office: Office) -> None:
    ddc1, ddc2, sql, dc = office["ddc1"], office["ddc2"], office["sql1"], office["dc1"]
    for number, ddc in enumerate((ddc1, ddc2)):
        for minute in (0, 4, 8):
            office.talk(ddc, sql, "tcp/1433", office.soon(minute * _MINUTE_MS + 2000 * number))
        name = "xen1.corp.example"
        office.talk(ddc, office["xen1"], "tcp/443", 41_000 + 5000 * number, name=name)
        office.talk(ddc, dc, "tcp/88", 15_000 + 900 * number)
        _resolve(office, ddc, "sql1.corp.example", sql.ip, 14_000 + 900 * number)
    office.talk(ddc1, ddc2, "tcp/80", 52_000, name="ddc2.corp.example")
    office.talk(ddc2, ddc1, "tcp/89", 53_000)
    office.talk(ddc1, ddc2, "tcp/9095", 54_000)
    for ddc, vda in ((ddc1, "vda01"), (ddc2, "vda02")):
        office.talk(ddc, office[vda], "tcp/89", office.soon(56_000))


def _license(office: Office) -> None:
    licenses = office["licenses1"]
    for number, name in enumerate(("ddc1", "ddc2", "pvs1", "pvs2")):
        office.talk(office[name], licenses, "tcp/27000", office.soon(20_000 + 3000 * number))
        if name != "pvs2":  # branch_planted: refused there
            office.talk(office[name], licenses, "tcp/7279", office.soon(21_000 + 3000 * number))
    cloud = "cis.cloud.com"
    _resolve(office, licenses, cloud, "203.0.113.80", 300_000)
    office.talk(licenses, Host("203.0.113.80"), "tcp/443", 300_400, name=cloud)


def _provision(office: Office) -> None:
    for number, name in enumerate(("pvs1", "pvs2")):
        pvs, other = office[name], office[("pvs2", "pvs1")[number]]
        office.talk(pvs, office["sql1"], "tcp/1433", 6_000 + 700 * number)
        office.talk(pvs, office["dc1"], "tcp/389", 7_000 + 700 * number)
        for minute in (1, 6, 11):
            moment = office.soon(minute * _MINUTE_MS + 300 * number)
            between = office.udp(pvs, other, 6895, moment, client_port=6890)
            between.send(citrix.pvs_message(f"{name} balance {minute}", 90))
            between.answer(citrix.pvs_message(f"{other.name} balance {minute}", 90))
    office.talk(office["vda01"], office["pvs1"], "tcp/54321", 95_000)


def _gateway_pair(office: Office) -> None:
    """Keep the pair in step; 3010 is not the secure way, and branch_planted's affair."""
    nsip, peer = office["10.20.0.11"], office["gw2"]
    for one, other in ((nsip, peer), (peer, nsip)):
        beats = office.udp(one, other, 3003, 500, client_port=3003)
        for beat in range(24):
            beats.send(citrix.ha_heartbeat(beat)).pause(30 * _SECOND_MS)
    office.talk(nsip, peer, "tcp/3009", 62_000, talk="tls")
    office.talk(nsip, peer, "tcp/22", 64_000)
    gw, dc = office["10.20.0.12"], office["dc1"]
    for one in (gw, peer):
        _resolve(office, one, "sf1.corp.example", office["sf1"].ip, office.soon(66_000, 400))
    office.talk(gw, dc, "tcp/53", 66_500, name="_ldap._tcp.corp.example")


def _monitor(office: Office) -> None:
    """Report to ADM, and let it look after the appliances."""
    adm, gw = office["adm1"], office["10.20.0.11"]
    flows = office.udp(gw, adm, 4739, 3_000)
    logs = office.udp(gw, adm, 514, 3_500, client_port=514)
    for number in range(9):
        flows.send(network.ipfix("gw1", sequence=number + 1)).pause(75 * _SECOND_MS)
        text = f"0-PPE-0 : default SSLVPN TCPCONNSTAT {number} 0 : User home{number} - Bytes 4821"
        logs.send(network.syslog("gw1", text)).pause(70 * _SECOND_MS)
    office.udp(gw, adm, 162, 130_000).send(network.snmp(network.SNMP_TRAP))
    office.talk(gw, adm, "tcp/5557", 31_000)
    office.talk(gw, adm, "tcp/5563", 33_000)
    office.talk(adm, gw, "tcp/443", 35_000, name="gw1.corp.example")
    office.talk(adm, gw, "tcp/22", 37_000)
    office.core.ping(adm, gw, at_ms=39_000, count=3)
    office.talk(adm, office["dc1"], "tcp/636", 43_000)
    office.talk(adm, office["dc1"], "udp/123", 44_000)
    office.talk(adm, office["radius1"], "udp/1812", 45_000)


def _administer(office: Office) -> None:
    admin = office["admin1"]
    for number, (server, service, name) in enumerate(
        (
            ("ddc1", "tcp/443", "ddc1.corp.example"),
            ("10.20.0.11", "tcp/443", "gw1.corp.example"),
            ("10.20.0.11", "tcp/22", None),
            ("xen1", "tcp/443", "xen1.corp.example"),
            ("xen1", "tcp/22", None),
            ("licenses1", "tcp/8082", "licenses1.corp.example"),
            ("licenses1", "tcp/8083", None),
            ("licenses1", "tcp/80", "licenses1.corp.example"),
            ("director1", "tcp/443", "director1.corp.example"),
            ("pvs1", "tcp/54321", None),
        )
    ):
        talk = "tls" if service in {"tcp/8082", "tcp/8083"} else ""
        at_ms = office.soon(150_000 + 25_000 * number)
        office.talk(admin, office[server], service, at_ms, talk=talk, name=name)
    office.talk(office["director1"], office["vda02"], "tcp/135", 420_000)
    office.talk(office["director1"], office["vda02"], "tcp/3389", 421_000)


def _resolve(office: Office, client: Host, name: str, address: str, at_ms: int) -> None:
    """Ask the directory's DNS for a name."""
    asking = office.udp(client, office["dc1"], 53, at_ms)
    asking.send(payloads.dns_query(name)).answer(payloads.dns_answer(name, address))
