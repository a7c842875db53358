"""Which commands of `ns.conf` name a host, where in the line, and what that host then is.

Everything the importer knows of products beside the shape of a configuration stands here. Roles
are those of rules/roles.yaml; a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Peer:
    """Where a command names a peer of the appliance, and the peer's role."""

    at: tuple[int | str, ...]
    """Places of plain words after the command, and options: the first that is there counts."""
    role: str
    says: str


_URLS = ("-wihome", "-storefronturl", "-citrixreceiverhome")
_SERVER = ("-serverip", "-servername")

PEERS: dict[str, tuple[Peer, ...]] = {
    "add authentication ldapaction": (Peer(_SERVER, "ldap-server", "LDAP action"),),
    "add authentication radiusaction": (Peer(_SERVER, "radius-server", "RADIUS action"),),
    "add authentication tacacsaction": (Peer(_SERVER, "tacacs-server", "TACACS action"),),
    "add authentication storefrontauthaction": (
        Peer(("-serverurl",), "storefront", "StoreFront authentication"),
    ),
    "set aaa ldapparams": (Peer(_SERVER, "ldap-server", "LDAP default"),),
    "set aaa radiusparams": (Peer(_SERVER, "radius-server", "RADIUS default"),),
    "set aaa tacacsparams": (Peer(_SERVER, "tacacs-server", "TACACS default"),),
    "add audit syslogaction": (
        Peer(
            (1, "-serverip", "-serverdomainname", "-lbvservername"),
            "syslog-server",
            "syslog action (the paper's ADC tables send syslog to adm)",
        ),
    ),
    "set audit syslogparams": (
        Peer(
            ("-serverip",),
            "syslog-server",
            "syslog default (the paper's ADC tables send syslog to adm)",
        ),
    ),
    "add appflow collector": (Peer(("-ipaddress",), "adm", "AppFlow collector"),),
    "add snmp manager": (
        Peer((0,), "snmp-manager", "SNMP manager (adm in the paper's ADC tables)"),
    ),
    "add snmp trap": (
        Peer((1,), "snmp-manager", "SNMP trap destination (adm in the paper's ADC tables)"),
    ),
    "add ntp server": (Peer((0,), "ntp-server", "time server"),),
    "add dns nameserver": (Peer((0,), "dns-server", "name server"),),
    "add ns licenseserver": (Peer((0,), "adm-license-server", "pooled licensing"),),
    "add vpn nexthopserver": (Peer((1,), "gateway", "next hop of a double hop"),),
    "add vpn sessionaction": tuple(Peer((u,), "storefront", f"session action {u}") for u in _URLS),
    "set vpn sessionaction": tuple(Peer((u,), "storefront", f"session action {u}") for u in _URLS),
    "set vpn parameter": tuple(Peer((u,), "storefront", f"Gateway default {u}") for u in _URLS),
    "bind vpn global": (
        Peer(("-staserver",), "ddc", "STA (a Cloud Connector can be one too)"),
        Peer(("-appcontroller",), "xenmobile", "App Controller"),
    ),
    "bind vpn vserver": (
        Peer(("-staserver",), "ddc", "STA (a Cloud Connector can be one too)"),
        Peer(("-appcontroller",), "xenmobile", "App Controller"),
    ),
}
"""Command in lower case -> the peers that it can name; options in lower case."""

MONITORS: dict[str, str] = {
    "STOREFRONT": "storefront",
    "CITRIX-WEB-INTERFACE": "storefront",
    "CITRIX-WI-EXTENDED": "storefront",
    "CITRIX-XML-SERVICE": "ddc",
    "CITRIX-XD-DDC": "ddc",
    "CITRIX-STA-SERVICE": "ddc",
    "CITRIX-STA-SERVICE-NHOP": "ddc",
    "CITRIX-XDM": "xenmobile",
    "CITRIX-AG": "gateway",
    "LDAP": "ldap-server",
    "RADIUS": "radius-server",
    "RADIUS_ACCOUNTING": "radius-server",
    "DNS": "dns-server",
    "DNS-TCP": "dns-server",
    "MSSQL-ECV": "sql-server",
}
"""Type of a monitor -> what it watches. Web Interface was StoreFront's predecessor."""

SERVICE_TYPES: dict[str, str] = {
    "DNS": "dns-server",
    "DNS_TCP": "dns-server",
    "RADIUS": "radius-server",
    "RADIUSLISTENER": "radius-server",
    "MSSQL": "sql-server",
    "SYSLOGUDP": "syslog-server",
    "SYSLOGTCP": "syslog-server",
    "TFTP": "tftp-server",
}
"""Type of a service -> what offers it."""

OWN_SERVICE_TYPES = frozenset({"ADNS", "ADNS_TCP"})
"""Services that the appliance offers itself, on addresses that it lists elsewhere."""

NAME_WORDS: dict[str, str] = {
    "storefront": "storefront",
    "webinterface": "storefront",
    "ddc": "ddc",
    "ddcs": "ddc",
    "deliverycontroller": "ddc",
    "deliverycontrollers": "ddc",
    "xmlbroker": "ddc",
    "sta": "ddc",
    "director": "director",
    "fas": "fas",
    "pvs": "pvs",
    "wem": "wem-infra",
    "xenmobile": "xenmobile",
    "ldap": "ldap-server",
    "ldaps": "ldap-server",
    "radius": "radius-server",
    "tacacs": "tacacs-server",
    "syslog": "syslog-server",
    "dns": "dns-server",
    "tftp": "tftp-server",
}
"""A word in the name of a service or server -> what people call so. Two letters prove nothing."""
