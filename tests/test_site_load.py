"""Site files in YAML and JSON: what they say, and every mistake with its line."""

from __future__ import annotations

import json
import re
from datetime import date
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shared import SHARED, needs_shared
from site_files import CATALOG, load, mistakes, problems

from auditor.catalog.load import load_catalog
from auditor.catalog.model import PACKS, Service
from auditor.errors import SiteError
from auditor.site.load import load_site
from auditor.site.model import (
    Acceptance,
    Denial,
    Override,
    Site,
    SiteHost,
    SiteName,
    SiteNetwork,
)

WHOLE = """\
    site: example
    hosts:
      - name: ddc1.corp.example
        addresses: [10.0.0.10, "2001:db8::10"]
        roles: [ddc]
      - {macs: [02-1A-0A-14-07-6F], roles: vda}
    networks:
      - name: clients
        cidr: 10.20.0.0/16
        roles: [user-device]
    names:
      - pattern: "*.nssvc.net"
        roles: [gateway-service]
    features: {edt: true, adc-ha: off}
    overrides:
      - {rule: streaming, ports: [6910-6968]}
    exceptions:
      - {client: 10.0.0.7, server: DDC1.corp.example, port: tcp/3389, reason: break-glass RDP,
         owner: ops, until: 2027-01-31}
    deny:
      - {from: user-device, to: sql-server}
    infer: yes
    packs: [paper, ambient/dhcp]
    """


def test_whole_file(tmp_path: Path) -> None:
    """Every section of a site file becomes a value."""
    assert load(tmp_path, WHOLE) == Site(
        path=str(tmp_path / "site.yaml"),
        name="example",
        hosts=(
            SiteHost(
                (ip_address("10.0.0.10"), ip_address("2001:db8::10")),
                (),
                ("ddc",),
                "ddc1.corp.example",
            ),
            SiteHost((), ("02:1a:0a:14:07:6f",), ("vda",)),
        ),
        networks=(SiteNetwork(ip_network("10.20.0.0/16"), ("user-device",), "clients"),),
        names=(SiteName("*.nssvc.net", ("gateway-service",)),),
        features={"edt": True, "adc-ha": False},
        overrides=(Override("streaming", (Service("udp", 6910, 6968),)),),
        acceptances=(
            Acceptance(
                client="10.0.0.7",
                server="ddc1.corp.example",
                service=Service("tcp", 3389, 3389),
                reason="break-glass RDP",
                owner="ops",
                until=date(2027, 1, 31),
            ),
        ),
        denials=(Denial("user-device", "sql-server"),),
        infer=True,
        packs=("paper", "ambient/dhcp"),
    )


def test_places(tmp_path: Path) -> None:
    """Every entry remembers the line on which it begins."""
    site = load(tmp_path, WHOLE)
    path = tmp_path / "site.yaml"
    assert [host.source for host in site.hosts] == [f"{path}:3", f"{path}:6"]
    assert site.networks[0].source == f"{path}:8"
    assert site.denials[0].source == f"{path}:21"


def test_defaults(tmp_path: Path) -> None:
    """What is left out, or left empty, has its default: all packs, no inference."""
    assert load(tmp_path, "site: x\nhosts:\ninfer:\n") == Site(
        path=str(tmp_path / "site.yaml"), name="x"
    )
    assert Site().packs == PACKS


def test_json(tmp_path: Path) -> None:
    """A JSON file is a site file, tabs and all."""
    content = {
        "packs": ["paper"],
        "hosts": [{"addresses": ["10.1.0.10"], "roles": ["ddc"]}],
        "infer": False,
        "features": {"edt": True},
    }
    site = load(tmp_path, json.dumps(content, indent="\t"), "site.json")
    assert (site.packs, site.features, len(site.hosts)) == (("paper",), {"edt": True}, 1)


def test_byte_order_mark(tmp_path: Path) -> None:
    """A file from an editor that begins files with a byte order mark is read."""
    assert load(tmp_path, "\ufeffsite: x\n").name == "x"


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("[2001:db8::10]", "2001:db8::10"),
        ("2001:db8::10", "2001:db8::10"),
        ("10.0.0.10", "10.0.0.10"),
        ("['::1']", "::1"),
        ("1:20:30:40:50:51:52:53", "1:20:30:40:50:51:52:53"),
    ],
)
def test_unquoted_addresses(tmp_path: Path, value: str, address: str) -> None:
    """An address counts as written, also where YAML would see a number of base sixty in it."""
    (host,) = load(tmp_path, f"hosts:\n- {{addresses: {value}, roles: [vda]}}").hosts
    assert host.addresses == (ip_address(address),)


def test_unquoted_mac(tmp_path: Path) -> None:
    """A MAC address of decimal digits alone is no number of base sixty."""
    (host,) = load(tmp_path, "hosts:\n- {macs: [10:20:30:40:50:59], roles: [vda]}").hosts
    assert host.macs == ("10:20:30:40:50:59",)


def test_repetitions(tmp_path: Path) -> None:
    """An address or a role that a host names twice counts once."""
    text = "hosts:\n- {addresses: ['::1', '0::1'], roles: [vda, vda]}"
    (host,) = load(tmp_path, text).hosts
    assert (host.addresses, host.roles) == ((ip_address("::1"),), ("vda",))


def test_host_without_role(tmp_path: Path) -> None:
    """A host can be said to be nothing to Citrix."""
    (host,) = load(tmp_path, "hosts:\n- {addresses: [10.0.0.1], roles: []}").hosts
    assert host.roles == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hosts:\n\t- {roles: []}", "2: a tab where YAML wants spaces"),
        ("names:\n- {pattern: *.a.net}", "2: a value that begins with '*' wants quotes"),
        (
            "hosts:\n- {addresses: [2001:db8::], roles: []}",
            "2: a value that begins or ends with ':' wants quotes",
        ),
        (
            "hosts:\n- addresses:\n  - 2001:db8::\n  roles: []",
            "3: 'addresses': expected a plain value; one that ends in ':' wants quotes",
        ),
        ("hosts: [", "2: did not find expected node content"),
        ("- a\n- b", "1: expected a mapping (key: value) at the top"),
        ("", "1: expected a mapping (key: value) at the top"),
        ("a" + 500 * "[", None),
        ("hosts: " + 5000 * "[", "None: nested more than 100 levels deep"),
        ("site: a\x00b", None),
        ("site: 'a\\x1b'\nsite: b", "2: key 'site' stands here and in line 1"),
        ('site: "a\\x1bb"', "1: 'site': expected printable text, found 'a\\x1bb'"),
        ("hostz: []", "1: unknown key 'hostz'; did you mean 'hosts'?"),
        ("hosts: {name: x}", "1: 'hosts': expected a list of entries, each begun with '- '"),
        ("hosts:\n- vda1", "2: 'hosts': expected key: value pairs"),
        ("infer: maybe", "1: 'infer': expected true or false, found 'maybe'"),
        (
            "hosts:\n- {adresses: [10.0.0.1], addresses: ['::1'], roles: []}",
            "2: unknown key 'adresses'; did you mean 'addresses'?",
        ),
        (
            "hosts:\n- {name: vda1, roles: [vda]}",
            "2: a host needs 'addresses' or 'macs'; by name it goes in 'names'",
        ),
        ("hosts:\n- {addresses: [], roles: [vda]}", "2: 'addresses' is empty"),
        (
            "hosts:\n- {addresses: [1.2.3], roles: []}",
            "2: 'addresses': expected an address such as",
        ),
        (
            "hosts:\n- {addresses: ['::1']}",
            "2: 'roles' is missing; without any write roles: []",
        ),
        (
            "hosts:\n- addresses: ['::1']\n  roles:\n  - ddc\n  - Broker",
            "5: 'roles': role 'Broker' is not known; did you mean 'ddc'?",
        ),
        ("hosts:\n- {macs: [1], roles: []}", "2: 'macs': expected a MAC address"),
        ("networks:\n- {roles: []}", "2: 'cidr' is missing"),
        (
            "networks:\n- {cidr: 10.20.0.7/16, roles: []}",
            "2: 'cidr': '10.20.0.7/16' has bits set behind its prefix; did you mean 10.20.0.0/16?",
        ),
        ("names:\n- {pattern: '*a.net', roles: [ddc]}", "2: 'pattern': expected a host name"),
        ("names:\n- {pattern: a.net, roles: []}", "2: 'roles' is empty"),
        ("names:\n- {pattern: a.net}", "2: 'roles' is missing"),
        ("features: {edtt: true}", "1: feature 'edtt' is not known; did you mean 'edt'?"),
        ("features: {zork: true}", "1: feature 'zork' is not known; expected adc-ha, edt"),
        ("features: {edt: }", "1: 'edt': expected true or false"),
        ("features: {edt: 1}", "1: 'edt': expected true or false, found '1'"),
        ("features: [edt]", "1: 'features': expected key: value pairs"),
        ("packs: [papers]", "1: 'packs': pack 'papers' is not known; did you mean 'paper'?"),
        ("packs: ambient/dns", "1: 'packs': pack 'ambient/dns' is not known; did you mean"),
        ("packs: [zork]", "1: 'packs': pack 'zork' is not known; expected paper, vendor"),
        ("packs: []", "1: 'packs' is empty"),
    ],
)
def test_mistake(tmp_path: Path, text: str, expected: str | None) -> None:
    """A mistake is named with its line and what was probably meant, and is the only one."""
    (mistake,) = mistakes(tmp_path, text)
    if expected is not None:
        assert mistake.startswith(expected)


def test_every_mistake(tmp_path: Path) -> None:
    """All mistakes come at once, in the order of the lines."""
    text = """\
        hosts:
          - {addresses: [10.0.0.300, 10.0.0.0/24], roles: [vdaa, vda]}
        networks:
          - {cidr: 10.0.0.0, roles: [zork]}
          - {cidr: 10.1.0.0/16, roles: []}
          - {cidr: 10.1.0.0/16, roles: []}
        deny:
          - {from: user, to: sql-server}
        zork: 1
        """
    lines = [int(mistake.partition(":")[0]) for mistake in mistakes(tmp_path, text)]
    assert lines == [2, 2, 2, 4, 4, 6, 8, 9]


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there, or not text, is a mistake like any other."""
    with pytest.raises(SiteError, match=r"none\.yaml: cannot be read: "):
        load_site(tmp_path / "none.yaml", CATALOG)
    (tmp_path / "site.yaml").write_bytes("site: x".encode("utf-16"))
    with pytest.raises(SiteError, match="expected UTF-8 text, found byte 0xff at offset 0"):
        load_site(tmp_path / "site.yaml", CATALOG)


@given(
    st.recursive(
        st.one_of(st.text(max_size=8), st.sampled_from(["10.0.0.1", "vda", "tcp/80", "*.a", ""])),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(
                st.sampled_from(
                    [
                        *("site", "hosts", "networks", "names", "features", "overrides", "packs"),
                        *("exceptions", "deny", "infer", "name", "addresses", "macs", "roles"),
                        *("cidr", "pattern", "rule", "ports", "client", "reason", "until", "from"),
                    ]
                ),
                inner,
                max_size=4,
            ),
        ),
        max_leaves=12,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_document(tmp_path: Path, content: object) -> None:
    """Whatever stands in a document, it loads or its mistakes are listed with their lines."""
    path = tmp_path / "site.json"
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8", errors="replace")
    assert all("\n" not in str(problem) for problem in problems(path))


@given(st.text(alphabet=" \n-:{}[],'\"#&*!|>%@\tahosts0", max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text(tmp_path: Path, text: str) -> None:
    """Text that may not even be YAML ends in a site or in mistakes."""
    path = tmp_path / "site.yaml"
    path.write_text(text, encoding="utf-8")
    assert all(problem.message for problem in problems(path))


@pytest.mark.parametrize(("language", "count"), [("yaml", 2), ("csv", 1)])
def test_manual(tmp_path: Path, language: str, count: int) -> None:
    """The examples of the manual load with the shipped rules."""
    manual = (Path(__file__).parents[1] / "docs" / "site-file.md").read_text(encoding="utf-8")
    examples = re.findall(rf"^```{language}\n(.*?)^```", manual, re.MULTILINE | re.DOTALL)
    assert len(examples) == count
    for example in examples:
        path = tmp_path / f"site.{language}"
        path.write_text(example, encoding="utf-8")
        assert load_site(path, load_catalog()).hosts


@needs_shared
@pytest.mark.parametrize(
    "path", sorted((SHARED / "scenarios").glob("S*.json")), ids=lambda p: p.stem
)
def test_scenarios(tmp_path: Path, path: Path) -> None:
    """The site of every worked audit loads as JSON."""
    site = json.loads(path.read_text(encoding="utf-8"))["site"]
    (tmp_path / "site.json").write_text(json.dumps(site), encoding="utf-8")
    loaded = load_site(tmp_path / "site.json", load_catalog())
    assert len(loaded.hosts) == len(site["hosts"])
