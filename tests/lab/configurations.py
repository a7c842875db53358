"""How each daemon is set up: its files go to its place, never to the system's."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from payloads import noise

from .namespaces import SYSTEM_PATH

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DIRECTORY_BASE = "dc=corp,dc=example"
BOOT_FILE = "ARDBP32.BIN"

_BOOT_SIZE = 1_700
"""Four blocks of TFTP, the last one short."""


@dataclass(frozen=True)
class Target:
    """The host that gets its address, and its boot file, from the network."""

    mac: str
    address: str
    boot_server: str


@dataclass(frozen=True)
class Place:
    """Where a daemon runs, and for what."""

    directory: Path
    address: str
    services: frozenset[str]
    """Such as `tcp/443`."""
    names: Mapping[str, str]
    """What the site's hosts are called, and the address of each."""
    target: Target

    @property
    def ports(self) -> list[int]:
        """List the ports that it serves."""
        return sorted(int(service.partition("/")[2]) for service in self.services)

    def write(self, name: str, *lines: str) -> Path:
        """Write a file of its own."""
        path = self.directory / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def serves(self, listing: str) -> bool:
        """Tell from what `ss -Hlntu` lists whether all its services are there."""
        found = re.findall(r"^(tcp|udp)\s+\S+\s+\S+\s+\S+\s+\S+:(\d+)\s", listing, re.MULTILINE)
        return self.services <= {f"{transport}/{port}" for transport, port in found}


def chronyd(place: Place) -> list[str]:
    """Serve this machine's time; -x leaves the clock alone."""
    return [
        *time_command(place.directory, "-d"),
        "local stratum 5", "allow", f"bindaddress {place.address}",
    ]  # fmt: skip


def time_command(directory: Path, *options: str) -> list[str]:
    """Begin a command of chronyd's, as daemon or as client; its directives follow."""
    return [
        "chronyd", "-x", *options, "-u", "root",
        f"pidfile {directory}/chronyd.pid", "cmdport 0", "bindcmdaddress /",
    ]  # fmt: skip


def dnsmasq(place: Place) -> list[str]:
    """Resolve the site's names, lease an address to the target, hold its boot file."""
    lines = [
        "user=root", "no-resolv", "no-hosts", "bind-interfaces", "interface=eth0",
        "except-interface=lo", f"pid-file={place.directory}/pid", "log-facility=-",
    ]  # fmt: skip
    if "udp/53" in place.services:
        lines += ["local=/example/", "no-negcache"]
        lines += [f"host-record={name},{address}" for name, address in place.names.items()]
    else:
        lines.append("port=0")
    if "udp/67" in place.services:
        target = place.target
        lines += [
            f"dhcp-range={target.address},{target.address},255.255.255.0,1h",
            f"dhcp-host={target.mac},{target.address}",
            f"dhcp-boot={BOOT_FILE},,{target.boot_server}",
            f"dhcp-leasefile={place.directory}/leases",
            "dhcp-authoritative", "no-ping",
        ]  # fmt: skip
    if "udp/69" in place.services:
        (place.directory / BOOT_FILE).write_bytes(noise(BOOT_FILE, _BOOT_SIZE))
        lines += ["enable-tftp", f"tftp-root={place.directory}"]
    return ["dnsmasq", "--keep-in-foreground", f"--conf-file={place.write('conf', *lines)}"]


def nginx(place: Place) -> list[str]:
    """Serve one small page on each port, by TLS where that is the port's custom."""
    certificate = place.directory.parent / "certificate.pem"
    if not certificate.exists():
        certificate.write_bytes(_make_certificate(sorted(place.names)))
    listens = [
        f"listen {place.address}:{port}{' ssl' if port == 443 else ''};" for port in place.ports
    ]
    spools = [
        f"{kind}_temp_path {place.directory}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    ]
    configuration = place.write(
        "conf",
        f"daemon off; master_process off; pid {place.directory}/pid; error_log stderr;",
        "events {}",
        "http {", *spools, "access_log off;", "server {", *listens,
        f"ssl_certificate {certificate}; ssl_certificate_key {certificate};",
        'location / { default_type text/html; return 200 "<title>Lab</title>\\n"; }', "}", "}",
    )  # fmt: skip
    return ["nginx", "-e", "stderr", "-p", str(place.directory), "-c", str(configuration)]


def rsyslogd(place: Place) -> list[str]:
    """Take messages by UDP."""
    configuration = place.write(
        "conf",
        f'global(workDirectory="{place.directory}")',
        'module(load="imudp")',
        f'input(type="imudp" address="{place.address}" port="514")',
        f'action(type="omfile" file="{place.directory}/messages")',
    )
    return ["rsyslogd", "-n", "-f", str(configuration), "-i", f"{place.directory}/pid"]


def slapd(place: Place) -> list[str]:
    """Hold a directory of one domain and one user."""
    database = place.directory / "database"
    database.mkdir()
    schemas = [f"include /etc/ldap/schema/{name}.schema" for name in ("core", "cosine")]
    configuration = place.write(
        "conf",
        *schemas,
        f"pidfile {place.directory}/pid",
        "modulepath /usr/lib/ldap",
        "moduleload back_mdb",
        "database mdb",
        f'suffix "{DIRECTORY_BASE}"',
        f"directory {database}",
    )
    entries = place.write(
        "entries.ldif",
        f"dn: {DIRECTORY_BASE}", "objectClass: domain", "dc: corp", "",
        f"dn: cn=reader,{DIRECTORY_BASE}", "objectClass: person", "cn: reader", "sn: reader",
        "userPassword: secret",
    )  # fmt: skip
    add = ["slapadd", "-q", "-f", str(configuration), "-l", str(entries)]
    subprocess.run(add, check=True, capture_output=True, env={"PATH": SYSTEM_PATH})
    return ["slapd", "-d", "0", "-f", str(configuration), "-h", f"ldap://{place.address}/"]


def snmpd(place: Place) -> list[str]:
    """Answer what an appliance would, to everybody."""
    configuration = place.write("conf", "rocommunity public", "sysName gw1")
    own = [f"{name}={place.directory}" for name in ("SNMP_PERSISTENT_DIR", "SNMPCONFPATH")]
    return [
        "env", *own,
        "snmpd", "-f", "-Lo", "-C", "-c", str(configuration), "-p", f"{place.directory}/pid",
        f"udp:{place.address}:161",
    ]  # fmt: skip


def sshd(place: Place) -> list[str]:
    """Let in nobody, after a whole exchange of keys; /run/sshd is in a /run of its own."""
    key = place.directory / "key"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", key],
        check=True, capture_output=True,
    )  # fmt: skip
    configuration = place.write(
        "conf",
        f"ListenAddress {place.address}", f"HostKey {key}", f"PidFile {place.directory}/pid",
        "UsePAM no", "PasswordAuthentication no",
    )  # fmt: skip
    own_run = 'mount -t tmpfs none /run && mkdir -m 755 /run/sshd && exec /usr/sbin/sshd "$@"'
    return ["unshare", "--mount", "sh", "-c", own_run, "sshd", "-D", "-e", "-f", str(configuration)]


def _make_certificate(names: list[str]) -> bytes:
    """Make key and certificate of all the site's web servers."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lab.example")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
