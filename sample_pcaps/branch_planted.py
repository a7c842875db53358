"""What is wrong in the branch office: each function is one entry of branch-office.truth.yaml."""

from __future__ import annotations

from typing import TYPE_CHECKING

import payloads
import payloads_citrix as citrix
from branch_desks import STORE, desk
from talks import tell, turns_of
from traffic import Host

if TYPE_CHECKING:
    from branch_cast import Office

_ROUTER = Host("10.20.0.254", ttl=255)
_ROGUE = Host("10.20.66.6")


def play(office: Office) -> None:
    """Play all of it; that vda12 never registers is branch_back_office's silence."""
    _filtered_registration(office)
    _wrong_peers(office)
    _wrong_way_round(office)
    _wrong_transport(office)
    _wrong_protocols(office)
    _insecure(office)
    _stranger(office)
    _look_alike(office)
    _refused(office)
    _edt_filtered(office)
    _accepted(office)


def _filtered_registration(office: Office) -> None:
    """Drop vda07's registrations with both controllers, again and again."""
    for round_ms in (76_000, 196_000):
        for number, name in enumerate(("ddc1", "ddc2")):
            office.tcp(office["vda07"], office[name], 80, round_ms + 20_000 * number).knock()


def _wrong_peers(office: Office) -> None:
    """Talk to somebody whom the paper, or the site itself, does not foresee."""
    for at_ms in (140_000, 290_000):
        office.talk(office["vda02"], office["sql1"], "tcp/1433", at_ms)
    office.talk(desk(8), office["ddc1"], "tcp/443", 265_000, name="ddc1.corp.example")
    office.talk(desk(9), office["sql1"], "tcp/1433", 275_000)
    office.talk(office["vda09"], office["vda04"], "tcp/9001", 285_000, talk="tls")


def _wrong_way_round(office: Office) -> None:
    """Call a client back on its server's port."""
    office.talk(office["sql1"], office["ddc1"], "tcp/1433", 305_000)
    office.talk(office["ddc2"], office["sf2"], "tcp/443", 315_000, name="sf2.corp.example")
    push = office.udp(office["pvs1"], office["vda01"], 6912, 325_000)
    push.send(citrix.pvs_message("push", 60)).answer(citrix.pvs_message("pushed", 60))
    office.talk(office["adm1"], office["10.20.0.11"], "udp/161", 46_000)


def _wrong_transport(office: Office) -> None:
    """Authenticate by RADIUS over TCP."""
    office.talk(office["10.20.0.12"], office["radius1"], "tcp/1812", 335_000, talk="radius")


def _wrong_protocols(office: Office) -> None:
    """Serve a web page where ICA belongs, and a session where a proxy might be."""
    page = office.tcp(desk(3), office["vda03"], 1494, 345_000).connect()
    page.send(payloads.http_request("vda03.corp.example", "/status"))
    page.answer(payloads.http_response(body=b"<p>it works</p>")).pause(200).close()
    session = office.tcp(desk(7), office["vda10"], 8090, 355_000).connect()
    tell(session, turns_of("cgp", None, "moved session"))
    session.pause(4_000).close()


def _insecure(office: Office) -> None:
    """Use the plain half of a pair of ports."""
    office.talk(desk(4), office["sf2"], "tcp/80", 365_000, name=STORE)
    name = "ddc2.corp.example"
    office.talk(office["sf2"], office["ddc2"], "tcp/80", 366_500, talk="xml", name=name)
    office.talk(office["10.20.0.11"], office["gw2"], "tcp/3010", 63_000)


def _stranger(office: Office) -> None:
    """Let a laptop that nobody listed look around."""
    office.talk(_ROGUE, office["licenses1"], "tcp/27000", 375_000)
    office.talk(_ROGUE, office["licenses1"], "tcp/22", 377_000)
    probe = office.udp(_ROGUE, office["pvs1"], 6910, 379_000)
    probe.send(citrix.pvs_message("probe", 120)).answer(citrix.pvs_message("denied", 60))


def _look_alike(office: Office) -> None:
    """Call a host whose name only begins like the Gateway Service's."""
    name = "gw1.c.nssvc.net.telemetry.example"
    vda, server = office["vda05"], Host("198.51.100.77")
    asking = office.udp(vda, office["dc1"], 53, 389_000)
    asking.send(payloads.dns_query(name)).answer(payloads.dns_answer(name, server.ip))
    office.talk(vda, server, "tcp/443", 389_500, name=name)


def _refused(office: Office) -> None:
    """Refuse: the vendor daemon by a reset, a shell by a router's ICMP."""
    office.tcp(office["pvs2"], office["licenses1"], 7279, 31_500).refuse()
    office.tcp(office["pvs2"], office["licenses1"], 7279, 91_500).refuse()
    office.tcp(office["adm1"], office["gw2"], 22, 395_000).knock(1).reject(_ROUTER)


def _edt_filtered(office: Office) -> None:
    """Try EDT in vain; the same user's TCP session works."""
    udp = office.udp(desk(6), office["vda06"], 2598, 205_500)
    for _ in range(3):
        udp.send(payloads.dtls_client_hello(None, "edt in vain")).pause(1_000)


def _accepted(office: Office) -> None:
    """Do what the site file accepts."""
    office.talk(office["admin1"], office["sql1"], "tcp/1433", 405_000)
    office.talk(office["files1"], Host("10.20.41.9"), "tcp/9100", 415_000)
    name = "www.example.com"
    server = Host("198.51.100.80")
    asking = office.udp(desk(9), office["dc1"], 53, 425_000)
    asking.send(payloads.dns_query(name)).answer(payloads.dns_answer(name, server.ip))
    office.talk(desk(9), server, "tcp/443", 425_300, name=name)
