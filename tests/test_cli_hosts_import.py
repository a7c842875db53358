"""auditor.cli.hosts_import: a site file out of other programs' files."""

from __future__ import annotations

from pathlib import Path

import pytest
from invoked import auditor

from auditor.catalog.load import load_catalog
from auditor.site.load import load_site

CATALOG = load_catalog()

NS_CONF = """\
#NS13.1 Build 48.47
set ns config -IPAddress 10.0.0.5 -netmask 255.255.255.0
set ns hostName ns1
add HA node 1 10.0.0.6
add vpn vserver gw SSL 10.0.0.7 443
bind vpn vserver gw -staServer "http://ddc1.corp.example"
add authentication radiusAction otp -serverIP 10.0.0.60 -radKey 0123 -encrypted
add ntp server time.example
"""

CONTROLLERS = "DNSName;DesktopsRegistered;IPAddress\nddc1.corp.example;9;10.0.1.1\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work where the files are, so that they are named briefly."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ns.conf").write_text(NS_CONF)
    (tmp_path / "controllers.csv").write_bytes(CONTROLLERS.encode("utf-16"))
    return tmp_path


def test_several_files_become_one_site_file(here: Path) -> None:
    """What an ns.conf knows by name gets its address from the export of the broker."""
    run = auditor("hosts", "import", "ns.conf", "controllers.csv")
    assert run.status == 0
    assert (
        run.stdout
        == """\
# Imported from ns.conf, controllers.csv
# Correct what is wrong, then look it over: auditor hosts check THIS-FILE

hosts:
  # adc
  # ns.conf:2 NSIP; ns.conf:5 vpn vserver gw
  - {name: ns1, addresses: [10.0.0.5, 10.0.0.7], roles: [adc, gateway]}
  - {addresses: [10.0.0.6], roles: [adc, gateway]}  # ns.conf:4 HA node

  # ddc
  # controllers.csv:2 controller; ns.conf:6 STA (a Cloud Connector can be one too)
  - {name: ddc1.corp.example, addresses: [10.0.1.1], roles: [ddc]}

  # radius-server
  - {addresses: [10.0.0.60], roles: [radius-server]}  # ns.conf:7 RADIUS action

names:
  - {pattern: time.example, roles: [ntp-server]}  # ns.conf:8 time server

features:
  adc-ha: true  # ns.conf:4
"""
    )
    assert run.stderr == (
        "auditor: note: ns.conf:8: time.example goes in 'names': no file gives its address\n"
    )
    (here / "made.yaml").write_text(run.stdout)
    assert auditor("hosts", "check", "made.yaml").status == 0


def test_a_site_file_can_be_added_to(here: Path) -> None:
    """What the site file says comes first, and what it says besides stays."""
    (here / "site.yaml").write_text(
        "site: home\nhosts:\n  - {name: controller, addresses: [10.0.1.1], roles: [sta]}\n"
        "deny:\n  - {from: vda, to: sql-server}\n"
    )
    run = auditor(*("hosts", "import", "controllers.csv", "--into", "site.yaml", "-o", "site.yaml"))
    assert (run.status, run.stdout) == (0, "")
    assert "is called ddc1.corp.example here and controller in site.yaml:3" in run.stderr
    site = load_site(Path("site.yaml"), CATALOG)
    assert [(host.name, host.roles) for host in site.hosts] == [("controller", ("sta", "ddc"))]
    assert (site.name, len(site.denials)) == ("home", 1)


def test_standard_output_is_utf_8_whatever_the_console_speaks(here: Path) -> None:
    """A site file that is piped into a file can be read."""
    (here / "m.csv").write_text("CatalogName,DNSName,IPAddress\nBüro,a,10.0.0.1\n", "utf-8")
    run = auditor("hosts", "import", "m.csv")
    assert "machine of 'Büro'" in run.stdout


def test_the_kind_can_be_given(here: Path) -> None:
    """A file that does not say what it is can be said to be of a kind."""
    (here / "x.csv").write_text("DNSName,IPAddress\na,10.0.0.1\n")
    assert "roles: [vda]" in auditor("hosts", "import", "x.csv", "--kind", "broker-machines").stdout


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["none.conf"], 3, "auditor: none.conf: cannot be read: No such file or directory\n"),
        (["binary"], 3, "auditor: binary: expected text, found a zero byte\n"),
        (["odd"], 3, "auditor: odd: expected an ns.conf, "),
        (["ns.conf", "--into", "none.yaml"], 3, "auditor: none.yaml: cannot be read"),
        (["ns.conf", "-o", "none/out.yaml"], 2, "auditor: none/out.yaml: cannot be written: "),
        ([], 2, "Usage: "),
    ],
)
def test_bad_input_ends_in_one_line(
    here: Path, arguments: list[str], status: int, message: str
) -> None:
    """Nothing is written, and the line names the place."""
    (here / "binary").write_bytes(b"\x7fELF\0")
    (here / "odd").write_text("hello\n")
    run = auditor("hosts", "import", *arguments)
    assert (run.status, run.stdout) == (status, "")
    assert run.stderr.startswith(message)


def test_control_characters_reach_neither_file_nor_terminal(here: Path) -> None:
    """Names of objects are chosen by others; nothing of them is carried out."""
    (here / "evil.conf").write_text(
        'add ns ip "\x1b[2J" 255.0.0.0\n'
        'add lb vserver "a\\nhosts: []\x1b[2J" SSL 10.0.0.9 443\n'
        'add server "\x1b]0;x\x07" 10.0.0.8\n'
    )
    run = auditor("hosts", "import", "evil.conf", "--kind", "netscaler")
    assert run.status == 0
    assert "\x1b" not in run.stdout + run.stderr
    (here / "made.yaml").write_text(run.stdout)
    assert [str(host.addresses[0]) for host in load_site(Path("made.yaml"), CATALOG).hosts] == [
        "10.0.0.9"
    ]
