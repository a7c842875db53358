"""What happens at the site: kinds of conversations, how often, between whom, how much."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from capture_site import SCANNER

TCP, UDP = 6, 17


class Fate(IntEnum):
    """How a conversation goes."""

    HELD = 0
    """From its beginning to its end."""
    LEFT_OPEN = 1
    """It goes on after the capture."""
    SINCE_BEFORE = 2
    """It was there before the capture: no handshake, no opening."""
    REFUSED = 3
    UNANSWERED = 4


@dataclass(frozen=True)
class Kind:
    """Conversations that differ in their ends and sizes only."""

    client: str
    server: str
    """Groups of the cast."""
    service: str
    """`tcp/443` or `udp/6910-6930`."""
    talk: str
    """Name of the opening in sample_pcaps/talks.py."""
    share: float
    """Part of the flows, in hundredths of what all shares sum to."""
    bulk: float = 0
    """Weight with which it takes part in the data after the openings; 0 = the opening is all."""
    lasts_s: float = 1
    """Median time that its data takes."""
    burst: int = 8
    """Frames sent back to back, at most."""
    big: int = 1460
    """Payload bytes of a full data frame."""
    fate: Fate = Fate.HELD

    @property
    def protocol(self) -> int:
        """Give the IP protocol."""
        return TCP if self.service.startswith("tcp/") else UDP

    @property
    def ports(self) -> range:
        """Give the server's ports."""
        first, _, last = self.service.partition("/")[2].partition("-")
        return range(int(first), int(last or first) + 1)


KINDS = (
    # Sessions, by classic ICA, with reliability, through Gateway, over UDP
    Kind("desk", "vda", "tcp/1494", "ica", 2, bulk=20, lasts_s=300),
    Kind("desk", "vda", "tcp/2598", "cgp", 6, bulk=40, lasts_s=300),
    Kind("gateway", "vda", "tcp/2598", "cgp", 2, bulk=40, lasts_s=300),
    Kind("home", "gateway", "tcp/443", "tls", 6, bulk=40, lasts_s=200),
    Kind("desk", "vda", "udp/2598", "dtls", 2, bulk=50, lasts_s=300, big=1300),
    Kind("gateway", "vda", "udp/1494", "dtls", 1, bulk=50, lasts_s=300, big=1300),
    Kind("home", "gateway", "udp/443", "dtls", 1, bulk=50, lasts_s=300, big=1300),
    Kind("desk", "vda", "udp/16500-16509", "audio", 1, bulk=10, lasts_s=60, burst=2, big=172),
    # Logons and brokering
    Kind("desk", "store", "tcp/443", "tls", 8, bulk=3, lasts_s=4),
    Kind("gateway", "store", "tcp/443", "tls", 2, bulk=3, lasts_s=4),
    Kind("store", "ddc", "tcp/80", "xml", 3, bulk=1),
    Kind("gateway", "ddc", "tcp/80", "sta", 1),
    Kind("vda", "ddc", "tcp/80", "registration", 6, bulk=1, lasts_s=3),
    Kind("ddc", "vda", "tcp/80", "http", 3),
    Kind("director", "ddc", "tcp/80", "http", 1, bulk=1),
    Kind("ddc", "license", "tcp/27000", "license", 1),
    Kind("ddc", "license", "tcp/7279", "license", 1),
    Kind("ddc", "sql", "tcp/1433", "sql", 3, bulk=6, lasts_s=30),
    # Streamed disks, appliances
    Kind("vda", "pvs", "udp/6910-6930", "stream", 5, bulk=25, lasts_s=120, burst=6, big=1456),
    Kind("adm", "gateway", "udp/161", "snmp", 1),
    Kind("gateway", "adm", "udp/514", "syslog", 0.5),
    Kind("adm", "gateway", "tcp/443", "tls", 0.5),
    Kind("admin", "gateway", "tcp/22", "ssh", 0.3, bulk=2, lasts_s=60),
    # What every domain does
    Kind("vda", "dc", "tcp/389", "ldap", 4, bulk=0.5),
    Kind("vda", "dc", "udp/389", "cldap", 1),
    Kind("vda", "dc", "tcp/88", "kerberos-tcp", 4),
    Kind("desk", "dc", "udp/88", "kerberos", 2),
    Kind("desk", "dc", "udp/53", "dns", 3),
    Kind("vda", "dc", "udp/53", "dns", 2),
    Kind("vda", "dc", "udp/123", "ntp", 1),
    Kind("vda", "dc", "tcp/135", "rpc", 1),
    Kind("vda", "files", "tcp/445", "smb", 5, bulk=25, lasts_s=40),
    Kind("desk", "www", "tcp/443", "tls", 8, bulk=8, lasts_s=10),
    Kind("desk", "www", "tcp/80", "http", 4, bulk=6, lasts_s=5),
    # What nobody documented, and what did not work
    Kind("desk", "vda", "tcp/8099", "noise", 0.5, bulk=1),
    Kind("vda", "vda", "tcp/9100", "noise", 0.3),
    Kind("desk", "files", "udp/9999", "noise", 0.3),
    Kind("desk", "vda", "tcp/1494", "ica", 0.7, fate=Fate.REFUSED),
    Kind("pvs", "license", "tcp/27000", "license", 0.3, fate=Fate.REFUSED),
    Kind("desk", "sql", "tcp/1433", "sql", 0.3, fate=Fate.UNANSWERED),
    Kind("vda", "ddc", "tcp/443", "tls", 0.7, fate=Fate.UNANSWERED),
    Kind("vda", "www", "udp/123", "ntp", 0.4, fate=Fate.UNANSWERED),
)

SCANS = (
    Kind(SCANNER, "vda", "tcp/1-1024", "noise", 0.6, fate=Fate.REFUSED),
    Kind(SCANNER, "vda", "tcp/1-1024", "noise", 0.3, fate=Fate.UNANSWERED),
    Kind(SCANNER, "vda", "udp/1-1024", "noise", 0.1, fate=Fate.UNANSWERED),
)
"""A sweep; the shares are those within the scans."""
