"""auditor.site.write: a site written is the same site when it is read again."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import date
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.catalog.load import load_catalog
from auditor.catalog.model import PACKS, Service
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
from auditor.site.write import site_text

CATALOG = load_catalog()
SAMPLES = sorted((Path(__file__).parents[1] / "sample_pcaps").glob("*.hosts.yaml"))

HOSTILE = (
    "null",
    "yes",
    "0x1f",
    "1e3",
    "2026-01-31",
    "~",
    "- a",
    "a: b",
    "a #b",
    "}, {roles: [ddc]",
    "!!python/object:os.system",
    "*alias",
    "&anchor",
    "'quoted' \"twice\" \\",
    "Zürich 東京",
    "%TAG",
    "`tick`",
    "@at",
    "|",
    ">",
)


def reread(site: Site, **options: object) -> Site:
    """Write a site, read it again, and leave out where it stood."""
    text = site_text(site, **options)  # type: ignore[arg-type]  # passed on as given
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "site.yaml"
        path.write_text(text, encoding="utf-8")
        return replace(load_site(path, CATALOG), path=site.path)


def host(address: str, role: str = "ddc", name: str | None = None) -> SiteHost:
    """Make a host entry."""
    return SiteHost((ip_address(address),), (), (role,), name)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_the_site_files_of_the_samples_survive(path: Path) -> None:
    """Every shipped site file says the same after it was read and written."""
    site = load_site(path, CATALOG)
    assert reread(site) == site


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_stays_text_whatever_yaml_would_make_of_it(name: str) -> None:
    """Names that are words, numbers, dates or syntax of YAML come back as they were."""
    site = Site(name=name, hosts=(host("10.0.0.1", name=name),))
    assert reread(site) == site
    loaded = yaml.safe_load(site_text(site))
    assert loaded["hosts"][0]["name"] == name


def test_a_site_without_anything_can_be_read() -> None:
    """An empty site is a file all the same."""
    assert reread(Site()) == Site()


def test_an_entry_stands_in_one_line_with_its_comment_behind_it() -> None:
    """What fits in a line is one line, so that the file reads as a table."""
    entry = host("10.0.0.1", name="ddc1")
    text = site_text(Site(hosts=(entry,)), comments={entry: "ns.conf:4 STA"})
    assert "  - {name: ddc1, addresses: [10.0.0.1], roles: [ddc]}  # ns.conf:4 STA\n" in text


def test_an_entry_that_is_too_long_has_lines_for_each_key() -> None:
    """No line of a machine with many addresses hides its roles at the far right."""
    entry = SiteHost(tuple(ip_address(f"10.0.0.{n}") for n in range(1, 99)), (), ("adc",), "ns1")
    text = site_text(Site(hosts=(entry,)), comments={entry: "ns.conf:4 NSIP"})
    assert "  # ns.conf:4 NSIP\n  - name: ns1\n    addresses: [10.0.0.1, 10.0.0.2," in text
    assert "\n    roles: [adc]\n" in text
    assert max(map(len, text.splitlines())) <= 100
    assert reread(Site(hosts=(entry,))).hosts == (entry,)


def test_a_long_text_stays_in_one_line() -> None:
    """A reason of any length is whole, and an entry without roles says so."""
    entry = Acceptance("10.0.0.1", None, None, "word " * 60 + "end")
    roleless = SiteHost(tuple(ip_address(f"10.0.0.{n}") for n in range(1, 20)), (), ())
    site = Site(hosts=(roleless,), acceptances=(entry,))
    assert reread(site) == site


def test_hosts_of_one_role_stand_under_its_name() -> None:
    """Hosts that follow each other with the same first role are grouped; order is kept."""
    hosts = (host("10.0.0.1"), host("10.0.0.2"), host("10.0.0.3", "vda"))
    lines = site_text(Site(hosts=hosts)).splitlines()
    assert [line for line in lines if line.startswith("  #")] == ["  # ddc", "  # vda"]
    assert reread(Site(hosts=hosts)).hosts == hosts


def test_a_comment_cannot_leave_its_line() -> None:
    """Line breaks and control characters in comments and headings become harmless."""
    evil = "a\nhosts: []\r\x1b[2J\x85\u2028infer: true\ud800"
    entry = host("10.0.0.1")
    name = SiteName("a.example", ("ddc",))
    site = Site(hosts=(entry,), names=(name,), features={"adc-ha": True})
    comments = {entry: evil, name: evil, "adc-ha": evil}
    assert reread(site, comments=comments, heading=[evil, evil * 40]) == site


def test_long_comments_stand_above_in_lines_of_bounded_width() -> None:
    """No comment makes a line wider than a hundred columns, though a word may."""
    entry = host("10.0.0.1")
    text = site_text(Site(hosts=(entry,)), comments={entry: "many words " * 40})
    assert max(map(len, text.splitlines())) <= 100


def printable(text: str) -> str:
    """Give a text in the form in which a site file keeps it."""
    return " ".join(text.split())


NAMES = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(max_size=30).map(printable).filter(lambda text: text and text.isprintable()),
).filter(lambda text: text not in CATALOG.roles)
ROLES = st.lists(st.sampled_from(sorted(CATALOG.roles)), max_size=3, unique=True).map(tuple)
SOME_ROLES = ROLES.filter(bool)
ADDRESSES = st.ip_addresses(v=4) | st.integers(2**125, 2**126).map(IPv6Address)
MACS = st.integers(1, 2**40).map(
    lambda n: ":".join(f"{n:012x}"[i : i + 2] for i in range(0, 12, 2))
)
HOSTS = st.builds(
    SiteHost,
    st.lists(ADDRESSES, min_size=1, max_size=9, unique=True).map(tuple),
    st.lists(MACS.filter(lambda mac: not int(mac[:2], 16) & 1), max_size=2, unique=True).map(tuple),
    ROLES,
    st.none() | NAMES,
)
NETWORKS = st.builds(
    SiteNetwork,
    st.one_of(
        st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 32)).map(
            lambda pair: IPv4Network(pair, strict=False)
        ),
        st.tuples(st.integers(2**125, 2**126), st.integers(8, 128)).map(
            lambda pair: IPv6Network(pair, strict=False)
        ),
    ),
    ROLES,
    st.none() | NAMES,
)
PATTERNS = st.from_regex(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?\.)?[a-z]{1,5}", fullmatch=True)
PORTS = st.tuples(st.integers(1, 65535), st.integers(1, 65535)).map(sorted)
SERVICES = st.builds(
    lambda transport, ports: Service(transport, *ports), st.sampled_from(["tcp", "udp"]), PORTS
)
MOVABLE = [rule.id for rule in CATALOG.rules if any(service.low for service in rule.services)]
ENDS = st.none() | ADDRESSES.map(str) | st.sampled_from(sorted(CATALOG.roles))
ACCEPTANCES = st.builds(
    Acceptance,
    ENDS,
    ENDS,
    SERVICES,
    NAMES,
    st.none() | NAMES,
    st.none() | st.dates(date(1000, 1, 1)),
)
SITES = st.builds(
    Site,
    name=st.just("") | NAMES,
    hosts=st.lists(HOSTS, max_size=4).map(tuple),
    networks=st.lists(NETWORKS, max_size=3, unique_by=lambda n: n.network).map(tuple),
    names=st.lists(st.builds(SiteName, PATTERNS, SOME_ROLES), max_size=3).map(tuple),
    features=st.dictionaries(st.sampled_from(sorted(CATALOG.features)), st.booleans()),
    overrides=st.lists(
        st.builds(
            Override,
            st.sampled_from(MOVABLE),
            st.lists(SERVICES, min_size=1, max_size=3, unique=True).map(tuple),
        ),
        max_size=2,
        unique_by=lambda override: override.rule,
    ).map(tuple),
    acceptances=st.lists(ACCEPTANCES, max_size=2).map(tuple),
    denials=st.lists(
        st.builds(Denial, *[st.sampled_from(sorted(CATALOG.roles))] * 2), max_size=2
    ).map(tuple),
    infer=st.booleans(),
    packs=st.lists(st.sampled_from(PACKS), min_size=1, unique=True).map(tuple),
)


@settings(max_examples=60, deadline=None)
@given(SITES, st.text(max_size=200))
def test_any_site_comes_back_as_it_was(site: Site, said: str) -> None:
    """Whatever a site file can say survives being written and read, whatever the comments say."""
    comments = dict.fromkeys((*site.hosts, *site.networks, *site.names, *site.features), said)
    assert reread(site, comments=comments, heading=[said]) == site
