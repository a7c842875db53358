"""What `hosts check` says of a site file that loads."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from invoked import auditor
from site_files import CATALOG, load

from auditor.site.model import Site
from auditor.site.review import remarks, summary

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 7, 1)


def noted(directory: Path, text: str) -> list[str]:
    """List the remarks on a site file with this text, each as `line: text`."""
    site = load(directory, text)
    return [
        remark.removeprefix(f"{directory / 'site.yaml'}:")
        for remark in remarks(site, CATALOG, TODAY)
    ]


def test_summary(tmp_path: Path) -> None:
    """The summary counts what is there and lists roles, features and packs in use."""
    site = load(
        tmp_path,
        """\
        hosts:
          - {addresses: [10.0.0.1, 10.0.0.2], macs: [02:1a:0a:14:07:6f], roles: [vda, ddc]}
        networks:
          - {cidr: 10.0.0.0/8, roles: [vda]}
        features: {edt: true, adc-ha: false}
        packs: [paper]
        infer: true
        """,
    )
    assert summary(site) == [
        "1 host, 2 addresses, 1 MAC address, 1 network",
        "roles: ddc 1, vda 2",
        "features: adc-ha off, edt on",
        "packs: paper",
        "roles of other hosts are inferred",
    ]
    assert summary(Site()) == ["0 hosts, 0 addresses", "roles: none"]


def test_nothing_to_remark(tmp_path: Path) -> None:
    """A tidy file draws no remark."""
    text = """\
        hosts:
          - {name: a, addresses: [10.0.0.1, "2001:db8::1"], roles: [vda]}
          - {name: b, addresses: [10.0.0.2], roles: [ddc]}
        networks:
          - {cidr: 10.0.0.0/9, roles: [vda]}
          - {cidr: 10.128.0.0/9, roles: [vda]}
          - {cidr: 2001:db8::/32, roles: [vda]}
        exceptions:
          - {client: a, reason: known, until: 2026-07-01}
        """
    assert noted(tmp_path, text) == []


def test_remarks(tmp_path: Path) -> None:
    """Slips that are no mistakes are named with their lines, in order."""
    text = """\
        hosts:
          - {name: a, addresses: [10.0.0.1], roles: [vda]}
          - {name: A, addresses: [10.0.0.2], roles: [vda]}
          - {addresses: [10.0.0.1], macs: [02:1a:0a:14:07:6f], roles: []}
          - {name: c, macs: [02:1a:0a:14:07:6f], roles: [vda]}
        networks:
          - {cidr: 10.1.2.0/24, roles: [vda]}
          - {cidr: 10.0.0.0/8, roles: []}
          - {cidr: 10.1.0.0/16, roles: [vda]}
        exceptions:
          - {client: a, reason: known, until: 2026-06-30}
        overrides:
          - {rule: leases, ports: [1067]}
          - {rule: streaming, ports: [6999]}
        packs: [paper]
        """
    assert noted(tmp_path, text) == [
        "3: A stands in line 2 too; the addresses of one machine belong in one entry",
        "4: 10.0.0.1 stands in line 2 too; its roles add up",
        "4: 10.0.0.1 has no role",
        "5: 02:1a:0a:14:07:6f stands in line 4 too; its roles add up",
        "7: 10.1.2.0/24 lies in 10.1.0.0/16 of line 9; the longer prefix counts",
        "8: 10.0.0.0/8 has no role",
        "9: 10.1.0.0/16 lies in 10.0.0.0/8 of line 8; the longer prefix counts",
        "11: the exception expired on 2026-06-30",
        "13: leases is moved, but its pack ambient is not in use",
    ]


def test_check(tmp_path: Path) -> None:
    """The verb says what a good file declares, and ends well."""
    path = tmp_path / "site.yaml"
    path.write_text("hosts:\n- {addresses: [10.0.0.1], roles: []}\n", encoding="utf-8")
    run = auditor("hosts", "check", path)
    assert (run.status, run.stderr) == (0, "")
    assert run.stdout.splitlines() == [
        f"{path}: no mistakes",
        "  1 host, 1 address",
        "  roles: none",
        f"note: {path}:2: 10.0.0.1 has no role",
    ]


def test_check_of_a_bad_file(tmp_path: Path) -> None:
    """The verb names every mistake on standard error, and its status is that of a bad input."""
    path = tmp_path / "site.yaml"
    path.write_text("hosts:\n- {addresses: [x], roles: [zork]}\n", encoding="utf-8")
    run = auditor("hosts", "check", path)
    assert (run.status, run.stdout) == (3, "")
    assert run.stderr.splitlines() == [
        f"auditor: {path}:2: 'addresses': expected an address such as 10.0.0.10, found 'x'",
        f"auditor: {path}:2: 'roles': role 'zork' is not known",
    ]
