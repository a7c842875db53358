"""The people of the branch office: logons, sessions inside and from home, and ordinary noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import payloads
import payloads_citrix as citrix
import payloads_windows as windows
from talks import tell, turns_of
from traffic import Host, Tcp

if TYPE_CHECKING:
    from branch_cast import Office

STORE = "store.corp.example"
GATEWAY = "gateway.corp.example"

_DESKS = 10
_HOMES = ("192.0.2.31", "192.0.2.32", "192.0.2.33")


def desk(number: int) -> Host:
    """Give the user device at a desk, 1 to 10."""
    return Host(f"10.20.40.{20 + number}")


def play(office: Office) -> None:
    """Play all of it."""
    for number in range(1, _DESKS + 1):
        _log_on(office, number, 70_000 + 22_000 * number)
    for number, address in enumerate(_HOMES):
        _log_on_from_home(office, Host(address, ttl=52), number, 120_000 + 90_000 * number)
    _since_before(office)
    _over_ipv6(office)
    _store_fronts(office)
    _federate(office)
    _noise(office)


def _log_on(office: Office, number: int, at_ms: int) -> None:
    """Log on at a desk: a ticket, the store, a session on a VDA, the profile."""
    user, vda = desk(number), office.vdas[(number - 1) % 6]
    store, dc = office[("sf1", "sf2")[number % 2]], office["dc1"]
    asking = office.udp(user, dc, 53, at_ms)
    asking.send(payloads.dns_query(STORE)).answer(payloads.dns_answer(STORE, store.ip))
    office.talk(user, dc, "tcp/88", at_ms + 200)
    office.talk(user, store, "tcp/443", at_ms + 700, name=STORE)
    at_ms += 4_000
    if number % 5 == 0:
        _edt(office, user, vda, at_ms)
    elif number == 3:
        _classic_ica(office, user, vda, at_ms)
    else:
        _session(office, user, vda, at_ms)
    if number == 1:
        office.talk(user, vda, "udp/16500", at_ms + 9_000, talk="audio")
    office.talk(vda, office["files1"], "tcp/445", at_ms + 1_500)
    office.talk(vda, dc, "tcp/88", at_ms + 1_000)


def _session(office: Office, user: Host, server: Host, at_ms: int, turns: int = 6) -> Tcp:
    """Work in a session with reliability: CGP, keystrokes one way, pictures the other."""
    tcp = office.tcp(user, server, 2598, at_ms).connect()
    tell(tcp, turns_of("cgp", None, f"{user.ip} {at_ms}"))
    return _work(office, tcp, f"{user.ip} {at_ms}", turns)


def _work(office: Office, tcp: Tcp, label: str, turns: int) -> Tcp:
    for turn in range(turns):
        tcp.pause(9_000 + office.core.dice.number(9_000))
        tcp.send(citrix.cgp_data(f"{label} key {turn}", 40))
        tcp.answer(citrix.cgp_data(f"{label} picture {turn}", 400 + office.core.dice.number(500)))
    return tcp.pause(300)


def _edt(office: Office, user: Host, vda: Host, at_ms: int) -> None:
    """Work in a session over EDT, enclosed in DTLS."""
    udp = office.udp(user, vda, 2598, at_ms)
    label = f"{user.ip} {vda.ip}"
    tell(udp, turns_of("dtls", None, label))
    for turn in range(2, 9):
        udp.pause(8_000 + office.core.dice.number(8_000))
        udp.send(payloads.dtls_data(60, turn, label))
        udp.answer(payloads.dtls_data(500, turn, label))


def _classic_ica(office: Office, user: Host, vda: Host, at_ms: int) -> None:
    """Work in a session without reliability: here the server speaks first."""
    tcp = office.tcp(user, vda, 1494, at_ms).connect()
    tell(tcp, turns_of("ica", None, f"{user.ip} {vda.ip}"))
    for turn in range(4):
        tcp.pause(12_000).send(payloads.noise(f"ica key {turn}", 30))
        tcp.answer(payloads.noise(f"ica picture {turn}", 500))
    tcp.pause(300).close()


def _log_on_from_home(office: Office, user: Host, number: int, at_ms: int) -> None:
    """Log on through Gateway: authentication, store, ticket, and the session it relays."""
    vip, snip = office["gw1"], Host("10.20.0.12", ttl=64)
    vda = office.vdas[7 + number]
    office.talk(user, vip, "tcp/443", at_ms, name=GATEWAY)
    office.talk(snip, office["radius1"], "udp/1812", at_ms + 300)
    office.talk(snip, office["dc1"], "tcp/636", at_ms + 500)
    office.talk(snip, office["sf1"], "tcp/443", at_ms + 900, name="sf1.corp.example")
    office.talk(office["sf1"], vip, "tcp/443", at_ms + 1_100, name=GATEWAY)
    office.talk(snip, office["ddc1"], "tcp/443", at_ms + 1_800, name="ddc1.corp.example")
    if number == 2:
        outside = office.udp(user, vip, 443, at_ms + 2_000)
        tell(outside, turns_of("dtls", GATEWAY, f"{user.ip} dtls"))
        _edt(office, snip, vda, at_ms + 2_100)
        office.talk(snip, vda, "udp/16502", at_ms + 8_000, talk="audio")
    else:
        _session(office, snip, vda, at_ms + 2_100).close()
    accounting = office.udp(snip, office["radius1"], 1813, at_ms + 2_500)
    tell(accounting, turns_of("accounting", None, ""))


def _since_before(office: Office) -> None:
    """Go on with a session that was there before the capture: no SYN was seen."""
    tcp = office.tcp(desk(1), office["vda06"], 2598, 1_000)
    _work(office, tcp, "since before", 8)


def _over_ipv6(office: Office) -> None:
    """Work in a session over IPv6."""
    user, vda = Host("2001:db8:20:40::26"), Host("2001:db8:20:7::103")
    _session(office, user, vda, 330_000, turns=3).close()


def _store_fronts(office: Office) -> None:
    """Let both StoreFronts enumerate, look up users and share subscriptions."""
    for number, name in enumerate(("sf1", "sf2")):
        front = office[name]
        for moment in (90_000, 260_000):
            at_ms = office.soon(moment + 2_000 * number)
            office.talk(front, office["ddc1"], "tcp/443", at_ms, name="ddc1.corp.example")
        office.talk(front, office["dc1"], "tcp/389", 93_000 + 2_000 * number)
        office.talk(front, office["dc1"], "tcp/88", 92_000 + 2_000 * number)
        office.talk(front, office["dc1"], "tcp/464", 230_000 + 9_000 * number)
    office.talk(office["sf2"], office["gw1"], "tcp/443", 122_000, name=GATEWAY)
    office.talk(office["sf1"], office["sf2"], "tcp/51234", 97_000, talk="net-tcp")


def _federate(office: Office) -> None:
    """Log somebody on by certificate."""
    fas, dc = office["fas1"], office["dc1"]
    for number, name in enumerate(("sf1", "sf2")):
        office.talk(office[name], fas, "tcp/80", 210_000 + 800 * number, name="fas1.corp.example")
    office.talk(fas, dc, "tcp/389", 210_300)
    office.talk(fas, office["ca1"], "tcp/135", 210_600)
    office.talk(fas, office["ca1"], "tcp/49702", 210_700, talk="rpc")
    for name in ("vda08", "vda09", "vda10"):
        office.talk(office[name], fas, "tcp/80", office.soon(212_000), name="fas1.corp.example")


def _noise(office: Office) -> None:
    """Be a Windows network."""
    core, broadcast = office.core, Host("10.20.40.255", mac="ff:ff:ff:ff:ff:ff")
    for number in (2, 5, 8):
        user = Host(desk(number).ip, ttl=1)
        at_ms = office.soon(60_000 * number)
        office.udp(user, Host("224.0.0.252"), 5355, at_ms).send(
            payloads.dns_query("wpad", multicast=True)
        )
        office.udp(user, Host("239.255.255.250"), 1900, at_ms + 400).send(
            windows.ssdp_search(), windows.ssdp_search()
        )
        user = desk(number)
        names = office.udp(user, broadcast, 137, at_ms + 800, client_port=137)
        names.send(windows.netbios_query("WPAD")).pause(750).send(windows.netbios_query("WPAD"))
        office.udp(user, broadcast, 138, at_ms + 1_500, client_port=138).send(
            windows.netbios_datagram(f"PC{number:02}", user.ip)
        )
        core.arp(user, Host("10.20.40.1", mac="02:00:5e:00:00:01"), at_ms=at_ms + 1_900)
        office.talk(user, office["dc1"], "udp/123", at_ms + 2_500)
    office.talk(
        desk(5), Host("10.20.2.6"), "tcp/8530", 350_000, talk="http", name="wsus.corp.example"
    )
    core.ping(desk(2), office["dc1"], at_ms=255_000)
    office.talk(desk(4), office["files1"], "tcp/445", 310_000)
    renew = office.udp(desk(6), office["dhcp1"], 67, 400_000, client_port=68)
    renew.send(windows.dhcp(windows.DHCP_REQUEST, desk(6).hardware()))
    renew.answer(
        windows.dhcp(
            windows.DHCP_ACK, desk(6).hardware(), offered=desk(6).ip, server=office["dhcp1"].ip
        )
    )
    guest = Host("10.20.90.14")
    office.talk(guest, Host("198.51.100.200"), "tcp/443", 380_000, name="www.example.org")
