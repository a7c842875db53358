"""Overrides, exceptions and denials of a site file."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from site_files import load, mistakes

from auditor.catalog.load import load_catalog
from auditor.catalog.model import Service
from auditor.site.load import load_site
from auditor.site.model import Acceptance, Denial

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """\
hosts:
- {name: Files1, addresses: [10.0.0.8, "2001:db8::8"], roles: []}
networks:
- {name: desks, cidr: 10.20.0.0/16, roles: [user-device]}
- {name: both, cidr: 10.30.0.0/16, roles: [user-device]}
- {name: both, cidr: 10.31.0.0/16, roles: [user-device]}
exceptions:
"""
EXCEPTION_LINE = HEAD.count("\n") + 1


@pytest.mark.parametrize(
    ("rule", "ports", "services"),
    [
        ("streaming", "[6910-6968]", [Service("udp", 6910, 6968)]),
        ("streaming", "6911", [Service("udp", 6911, 6911)]),
        ("streaming", "[tcp/8080]", [Service("tcp", 8080, 8080)]),
        ("registration", "[8080]", [Service("tcp", 8080, 8080)]),
        (
            "name-resolution",
            "[5353, TCP/54]",
            [Service("tcp", 5353, 5353), Service("udp", 5353, 5353), Service("tcp", 54, 54)],
        ),
        (
            "registration",
            "[81, 444, 81]",
            [Service("tcp", 81, 81), Service("tcp", 444, 444)],
        ),
    ],
)
def test_override(tmp_path: Path, rule: str, ports: str, services: list[Service]) -> None:
    """Moved ports keep each transport of the rule, unless they name one."""
    (override,) = load(tmp_path, f"overrides:\n- {{rule: {rule}, ports: {ports}}}").overrides
    assert (override.rule, override.services) == (rule, tuple(services))


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("{rule: streeming, ports: [1]}", "'rule': rule 'streeming' is not known; did you mean"),
        ("{rule: zork, ports: [1]}", "'rule': rule 'zork' is not known"),
        ("{rule: ping, ports: [1]}", "'rule': rule 'ping' has no ports that could be moved"),
        ("{rule: streaming}", "'ports' is missing"),
        ("{rule: streaming, ports: []}", "'ports' is empty"),
        ("{ports: [1]}", "'rule' is missing"),
        ("{rule: streaming, ports: [70000]}", "'ports': a port lies between 1 and 65535"),
        ("{rule: streaming, ports: [0]}", "'ports': a port lies between 1 and 65535"),
        ("{rule: streaming, ports: [5-3]}", "'ports': the range 5-3 runs backwards"),
        ("{rule: streaming, ports: [tcp]}", "'ports': expected ports such as 6910-6968"),
        ("{rule: streaming, ports: [icmp]}", "'ports': expected ports such as 6910-6968"),
        ("{rule: streaming, ports: [xyz/1]}", "'ports': expected a service such as tcp/443"),
        ("{rule: streaming, port: 1, ports: [1]}", "unknown key 'port'; did you mean 'ports'?"),
    ],
)
def test_bad_override(tmp_path: Path, entry: str, expected: str) -> None:
    """An override of an unknown rule or to impossible ports is named."""
    (mistake,) = mistakes(tmp_path, f"overrides:\n- {entry}")
    assert mistake.startswith(f"2: {expected}")


def test_rule_moved_twice(tmp_path: Path) -> None:
    """One rule has one override, since the ports of two would contradict each other."""
    text = "overrides:\n- {rule: streaming, ports: [1]}\n- {rule: streaming, ports: [2]}"
    (mistake,) = mistakes(tmp_path, text)
    assert mistake == f"3: rule 'streaming' is moved here and in {tmp_path / 'site.yaml'}:2"


@pytest.mark.parametrize(
    ("end", "stored"),
    [
        ("10.0.0.7", "10.0.0.7"),
        ("'2001:DB8::0:7'", "2001:db8::7"),
        ("10.0.0.0/24", "10.0.0.0/24"),
        ("FILES1", "Files1"),
        ("user-device", "user-device"),
        ("desks", "10.20.0.0/16"),
        ("", None),
    ],
)
def test_end_of_exception(tmp_path: Path, end: str, stored: str | None) -> None:
    """An end is an address, a network, a host or network of the file, a role, or anyone."""
    text = f"{HEAD}- {{client: {end}, port: icmp, reason: known}}"
    (entry,) = load(tmp_path, text).acceptances
    assert entry == Acceptance(stored, None, Service("icmp", None, None), "known")


@pytest.mark.parametrize(
    ("port", "service"),
    [
        ("tcp/3389", Service("tcp", 3389, 3389)),
        ("UDP/100-200", Service("udp", 100, 200)),
        ("tcp", Service("tcp", None, None)),
    ],
)
def test_port_of_exception(tmp_path: Path, port: str, service: Service) -> None:
    """A port, a range and a whole transport can be accepted."""
    (entry,) = load(tmp_path, f"exceptions:\n- {{port: {port}, reason: known}}").acceptances
    assert entry.service == service


def test_reason_over_lines(tmp_path: Path) -> None:
    """A reason that was folded over lines is one line."""
    text = "exceptions:\n- client: vda\n  reason: |\n    one\n      two\n  until: 2027-01-31\n"
    (entry,) = load(tmp_path, text).acceptances
    assert (entry.reason, entry.until) == ("one two", date(2027, 1, 31))


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("{client: vda}", "an exception needs a 'reason'"),
        ("{client: vda, reason: ' '}", "an exception needs a 'reason'"),
        ("{reason: all}", "an exception needs a 'client', a 'server' or a 'port'"),
        ("{server: files2, reason: x}", "'server': 'files2' is no address, no network, no role"),
        ("{client: broker, reason: x}", "'client': 'broker' is no address, no network, no role"),
        ("{client: both, reason: x}", "'client': several networks are called 'both'"),
        ("{client: 10.0.0.7/24, reason: x}", "'client': '10.0.0.7/24' has bits set"),
        ("{client: vda, port: 3389, reason: x}", "'port': expected a service such as tcp/443"),
        ("{client: vda, port: tcp/0, reason: x}", "'port': a port lies between"),
        ("{client: vda, reason: x, until: 2027-02-30}", "'until': expected a date as 2027-01-31"),
        ("{client: vda, reason: x, untill: 2027-01-30}", "unknown key 'untill'; did you mean"),
    ],
)
def test_bad_exception(tmp_path: Path, entry: str, expected: str) -> None:
    """An exception must say why, what for, and in words that can be resolved."""
    (mistake,) = mistakes(tmp_path, f"{HEAD}- {entry}")
    assert mistake.startswith(f"{EXCEPTION_LINE}: {expected}")


def test_hint_for_an_end(tmp_path: Path) -> None:
    """A misspelt host of the file is suggested before a role."""
    (mistake,) = mistakes(tmp_path, f"{HEAD}- {{client: Files2, reason: x}}")
    assert mistake.endswith("did you mean 'Files1'?")
    (mistake,) = mistakes(tmp_path, f"{HEAD}- {{client: Broker, reason: x}}")
    assert mistake.endswith("did you mean 'ddc'?")


def test_deny(tmp_path: Path) -> None:
    """A denial names two roles."""
    text = "deny:\n- {from: user-device, to: sql-server}"
    assert load(tmp_path, text).denials == (Denial("user-device", "sql-server"),)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("{from: user, to: sql-server}", "'from': role 'user' is not known"),
        ("{from: vda, to: SQL Server}", "'to': role 'SQL Server' is not known; did you mean"),
        ("{from: vda}", "'to' is missing"),
        ("{from: vda, to: 10.0.0.1}", "'to': role '10.0.0.1' is not known"),
    ],
)
def test_bad_denial(tmp_path: Path, entry: str, expected: str) -> None:
    """A denial with an unknown or missing role is named."""
    (mistake,) = mistakes(tmp_path, f"deny:\n- {entry}")
    assert mistake.startswith(f"2: {expected}")


def test_shipped_rule(tmp_path: Path) -> None:
    """A rule of the shipped catalog can be moved."""
    path = tmp_path / "site.yaml"
    path.write_text("overrides:\n- {rule: pvs-streaming, ports: [6910-6968]}\n", encoding="utf-8")
    (override,) = load_site(path, load_catalog()).overrides
    assert override.services == (Service("udp", 6910, 6968),)
