"""Whole small talks by name: who says what in which order, once a conversation is open."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import payloads
import payloads_citrix as citrix
import payloads_network as network
import payloads_windows as windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from traffic import Tcp, Udp


class Turn(NamedTuple):
    """One side's messages before the other side speaks."""

    by_client: bool
    messages: tuple[bytes, ...]


class Subject(NamedTuple):
    """What a talk is about: by which name the server is called, and which conversation it is."""

    name: str | None
    label: str


def tell(conversation: Tcp | Udp, turns: Iterable[Turn], *, client_only: bool = False) -> None:
    """Let both sides of a conversation take their turns; `client_only`: nobody answers."""
    for turn in turns:
        if turn.by_client:
            conversation.send(*turn.messages)
        elif not client_only:
            conversation.answer(*turn.messages)


def turns_of(talk: str, name: str | None, label: str) -> list[Turn]:
    """Give the turns of a talk by its name in TALKS."""
    return TALKS[talk](Subject(name, label))


def default_talk(service: str) -> str:
    """Name the talk that is usual on a service such as `tcp/443`."""
    return _USUAL.get(service, "noise")


def _client(*messages: bytes) -> Turn:
    return Turn(by_client=True, messages=messages)


def _server(*messages: bytes) -> Turn:
    return Turn(by_client=False, messages=messages)


def _noise(about: Subject) -> list[Turn]:
    ask = b"\0" + payloads.noise(f"{about.label} ask", 60)
    return [_client(ask), _server(b"\0" + payloads.noise(f"{about.label} tell", 120))]


def _tls(about: Subject) -> list[Turn]:
    return [
        _client(payloads.tls_client_hello(about.name, about.label)),
        _server(payloads.tls_server_flight(about.label)),
        _client(payloads.tls_client_finish(about.label), payloads.tls_data(220, about.label)),
        _server(payloads.tls_data(260, about.label)),
    ]


def _dtls(about: Subject) -> list[Turn]:
    return [
        _client(payloads.dtls_client_hello(about.name, about.label)),
        _server(payloads.dtls_hello_verify(about.label)),
        _client(payloads.dtls_client_hello(about.name, about.label)),
        _server(payloads.dtls_server_hello(about.label)),
        _client(payloads.dtls_data(180, 1, about.label)),
        _server(payloads.dtls_data(420, 1, about.label)),
    ]


def _http(about: Subject) -> list[Turn]:
    return [_client(payloads.http_request(about.name)), _server(payloads.http_response(body=b"ok"))]


def _dns(about: Subject) -> list[Turn]:
    name = about.name or "host.corp.example"
    return [
        _client(payloads.dns_query(name)),
        _server(payloads.dns_answer(name, "10.99.0.1")),
    ]


def _dns_over_tcp(about: Subject) -> list[Turn]:
    return [
        Turn(turn.by_client, tuple(len(m).to_bytes(2, "big") + m for m in turn.messages))
        for turn in _dns(about)
    ]


def _ldap(about: Subject) -> list[Turn]:
    base = "dc=corp,dc=example"
    return [
        _client(windows.ldap_bind(f"cn=reader,{base}")),
        _server(windows.ldap_bind_done()),
        _client(windows.ldap_search(base, "sAMAccountName", about.label)),
        _server(windows.ldap_found(f"cn=someone,{base}")),
    ]


def _cldap(about: Subject) -> list[Turn]:
    base = "dc=corp,dc=example"
    return [
        _client(windows.ldap_search("", "DnsDomain", about.label)),
        _server(windows.ldap_found(base)),
    ]


def _kerberos(about: Subject) -> list[Turn]:
    return [
        _client(windows.kerberos_as_request(about.label, "CORP.EXAMPLE")),
        _server(windows.kerberos_as_reply(about.label, "CORP.EXAMPLE")),
    ]


def _password(about: Subject) -> list[Turn]:
    return [
        _client(windows.kerberos_password_change(about.label, "CORP.EXAMPLE")),
        _server(windows.kerberos_password_changed(about.label)),
    ]


def _over_tcp(talk: Callable[[Subject], list[Turn]]) -> Callable[[Subject], list[Turn]]:
    """Make a Kerberos talk one over TCP, where lengths precede the messages."""
    return lambda about: [
        Turn(turn.by_client, tuple(map(windows.over_tcp, turn.messages))) for turn in talk(about)
    ]


def _address(about: Subject) -> list[Turn]:
    mac = payloads.noise(about.label, 6)
    return [
        _client(windows.dhcp(windows.DHCP_REQUEST, mac)),
        _server(windows.dhcp(windows.DHCP_ACK, mac, offered="10.99.0.1")),
    ]


def _smb(about: Subject) -> list[Turn]:
    return [
        _client(windows.smb2_negotiate()),
        _server(windows.smb2_negotiated()),
        _client(windows.smb2_session(about.label)),
        _server(windows.smb2_session(about.label, answer=True)),
    ]


def _ssh(about: Subject) -> list[Turn]:
    return [
        _server(network.ssh_banner("OpenSSH_9.6")),
        _client(network.ssh_banner("PuTTY_Release_0.80"), network.ssh_keys(about.label)),
        _server(network.ssh_keys(f"{about.label} server")),
    ]


def _sql(_: Subject) -> list[Turn]:
    return [
        _client(citrix.tds_prelogin()),
        _server(citrix.tds_prelogin(answer=True)),
        _client(citrix.tds_batch("select 1")),
        _server(citrix.tds_answer()),
    ]


def _ica(about: Subject) -> list[Turn]:
    return [
        _server(citrix.ICA_BANNER),
        _client(citrix.ICA_BANNER),
        _server(citrix.ica_setup(about.label, answer=True)),
        _client(citrix.ica_setup(about.label)),
    ]


def _cgp(about: Subject) -> list[Turn]:
    return [
        _client(citrix.cgp_bind(about.label)),
        _server(citrix.cgp_bound(about.label)),
        _client(citrix.cgp_data(about.label, 90)),
        _server(citrix.cgp_data(about.label, 700)),
    ]


def _license(about: Subject) -> list[Turn]:
    return [_client(citrix.flexnet(about.label)), _server(citrix.LICENSE_ACKNOWLEDGEMENT)]


def _registration(about: Subject) -> list[Turn]:
    name = about.name or "ddc1.corp.example"
    return [_client(citrix.registration(name)), _server(citrix.registration_answer())]


def _xml(about: Subject) -> list[Turn]:
    name = about.name or "ddc1.corp.example"
    return [_client(citrix.xml_service_request(name)), _server(citrix.xml_service_answer())]


def _sta(about: Subject) -> list[Turn]:
    name = about.name or "ddc1.corp.example"
    return [_client(citrix.sta_request(name)), _server(citrix.sta_answer())]


def _audio(about: Subject) -> list[Turn]:
    stream = int.from_bytes(payloads.noise(about.label, 4), "big")
    return [
        _client(*(citrix.rtp(number, stream) for number in range(3))),
        _server(*(citrix.rtp(number, stream ^ 1) for number in range(3))),
    ]


def _tftp(_: Subject) -> list[Turn]:
    return [
        _client(network.tftp_read("ARDBP32.BIN")),
        _server(network.tftp_data(1, payloads.noise("ARDBP32.BIN", 512))),
        _client(network.tftp_acknowledge(1)),
    ]


def _stream(about: Subject) -> list[Turn]:
    return [
        _client(citrix.pvs_message(f"{about.label} ask", 60)),
        _server(*(citrix.pvs_message(f"{about.label} {n}", 900) for n in range(3))),
    ]


def _two(ask: bytes, tell: bytes) -> Callable[[Subject], list[Turn]]:
    """Make a talk of one question and one answer that depend on nothing."""
    return lambda _: [_client(ask), _server(tell)]


TALKS: dict[str, Callable[[Subject], list[Turn]]] = {
    "noise": _noise,
    "tls": _tls,
    "dtls": _dtls,
    "http": _http,
    "dns": _dns,
    "dns-tcp": _dns_over_tcp,
    "ldap": _ldap,
    "cldap": _cldap,
    "kerberos": _kerberos,
    "kerberos-tcp": _over_tcp(_kerberos),
    "kpasswd": _password,
    "kpasswd-tcp": _over_tcp(_password),
    "dhcp": _address,
    "smb": _smb,
    "ssh": _ssh,
    "sql": _sql,
    "ica": _ica,
    "cgp": _cgp,
    "license": _license,
    "registration": _registration,
    "xml": _xml,
    "sta": _sta,
    "audio": _audio,
    "tftp": _tftp,
    "stream": _stream,
    "rpc": _two(windows.rpc_bind(), windows.rpc_bound()),
    "rdp": _two(windows.rdp_request(), windows.rdp_confirm()),
    "ntp": _two(windows.ntp_request(), windows.ntp_reply()),
    "snmp": _two(network.snmp(network.SNMP_GET), network.snmp(network.SNMP_RESPONSE)),
    "trap": _two(network.snmp(network.SNMP_TRAP), b""),
    "radius": _two(network.radius(network.RADIUS_REQUEST), network.radius(network.RADIUS_ACCEPT)),
    "accounting": _two(
        network.radius(network.RADIUS_ACCOUNTING), network.radius(network.RADIUS_ACCOUNTED)
    ),
    "tacacs": _two(network.tacacs(), network.tacacs(answer=True)),
    "syslog": lambda about: [
        _client(network.syslog("adc1", f"default EVENT STATECHANGE 42 0 : {about.label} UP"))
    ],
    "ipfix": lambda about: [_client(network.ipfix(about.label), network.ipfix(about.label))],
    "netflow": lambda about: [_client(network.netflow(about.label))],
    "heartbeat": lambda _: [_client(*map(citrix.ha_heartbeat, range(3)))],
    "netscaler-rpc": _two(citrix.netscaler_rpc(), citrix.netscaler_rpc(answer=True)),
    "nitro": lambda about: [
        _client(citrix.nitro_request(about.name or "adc1")),
        _server(payloads.http_response(kind="application/json", body=b"{}")),
    ],
    "smtp": lambda _: [
        _server(network.smtp_greeting("mail1.corp.example")),
        _client(b"EHLO adm1.corp.example\r\n"),
        _server(b"250 mail1.corp.example\r\n"),
    ],
    "vnc": lambda _: [_server(network.rfb_version()), _client(network.rfb_version())],
    "iscsi": _two(network.iscsi_login(), network.iscsi_login(answer=True)),
    "nfs": _two(network.nfs_null(), network.nfs_null(answer=True)),
    "net-tcp": lambda _: [
        _client(network.net_tcp_preamble("net.tcp://sf2.corp.example/Replication")),
        _server(citrix.NET_TCP_ACKNOWLEDGEMENT),
    ],
}

_USUAL = {
    "tcp/22": "ssh", "tcp/25": "smtp", "tcp/49": "tacacs", "tcp/53": "dns-tcp", "udp/53": "dns",
    "tcp/80": "http", "tcp/88": "kerberos-tcp", "udp/88": "kerberos", "tcp/135": "rpc",
    "udp/123": "ntp", "tcp/139": "smb", "udp/161": "snmp", "udp/162": "trap", "tcp/389": "ldap",
    "udp/389": "cldap", "tcp/443": "tls", "udp/443": "dtls", "tcp/445": "smb", "udp/514": "syslog",
    "tcp/636": "tls", "udp/1494": "dtls", "tcp/1433": "sql", "tcp/1494": "ica",
    "udp/1645": "radius", "udp/1812": "radius", "udp/1813": "accounting", "tcp/2049": "nfs",
    "udp/2055": "netflow", "tcp/2598": "cgp", "udp/2598": "dtls", "udp/3003": "heartbeat",
    "tcp/3010": "netscaler-rpc", "tcp/3011": "netscaler-rpc", "tcp/3260": "iscsi",
    "tcp/3268": "ldap", "tcp/3269": "tls", "tcp/3389": "rdp", "udp/4739": "ipfix",
    "tcp/5900": "vnc", "tcp/7279": "license", "tcp/8443": "tls", "tcp/27000": "license",
    "udp/67": "dhcp", "udp/4011": "dhcp", "udp/69": "tftp", "tcp/464": "kpasswd-tcp",
    "udp/464": "kpasswd", "tcp/808": "net-tcp",
}  # fmt: skip
