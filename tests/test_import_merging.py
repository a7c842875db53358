"""auditor.site.importers.merging: claims put into one site."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from auditor.catalog.load import load_catalog
from auditor.errors import Problem
from auditor.site.importers.claims import Claim, Imported
from auditor.site.importers.merging import Merged, merge
from auditor.site.model import Denial, Site, SiteHost, SiteName, SiteNetwork

CATALOG = load_catalog()


def claim(
    address: str | None,
    *roles: str,
    name: str | None = None,
    called: str | None = None,
    machine: str = "",
    place: str = "a:1",
) -> Claim:
    """Make a claim."""
    path, _, line = place.partition(":")
    found = None if address is None else ip_address(address)
    return Claim(found, roles, "says so", path, int(line), name, called, machine)


def merged(*claims: Claim, base: Site | None = None) -> Merged:
    """Merge the claims of one file."""
    return merge([Imported(list(claims))], CATALOG, base)


def listed(result: Merged) -> list[tuple[str | None, list[str], tuple[str, ...]]]:
    """Give name, addresses and roles of the hosts."""
    return [
        (host.name, [str(address) for address in host.addresses], host.roles)
        for host in result.site.hosts
    ]


def test_roles_add_up_and_sources_are_told() -> None:
    """What two files say of an address is one entry, with a comment that names both."""
    result = merged(claim("10.0.0.1", "ddc"), claim("10.0.0.1", "license-server", place="b:2"))
    assert listed(result) == [(None, ["10.0.0.1"], ("ddc", "license-server"))]
    assert result.comments[result.site.hosts[0]] == "a:1 says so; b:2 says so"


def test_many_sources_are_counted() -> None:
    """A comment names the first sources and counts the rest."""
    claims = (claim("10.0.0.1", "ddc", place=f"a:{line}") for line in range(1, 9))
    result = merged(*claims)
    assert result.comments[result.site.hosts[0]].endswith("a:5 says so; +3 more")


def test_the_first_name_stays_and_another_is_noted() -> None:
    """A second name for an address is a contradiction, said once."""
    result = merged(
        claim("10.0.0.1", "ddc", name="one.example"),
        claim("10.0.0.1", "ddc", name="two.example", place="b:2"),
        claim("10.0.0.1", "vda", name="two.example", place="b:3"),
        claim("10.0.0.1", "vda", name="one", place="b:4"),
    )
    assert listed(result)[0][0] == "one.example"
    assert result.notes == (
        "b:2: 10.0.0.1 is called two.example here and one.example in a:1; the latter is kept",
    )


def test_a_name_is_better_than_what_a_file_calls_a_host() -> None:
    """The label of an object serves only where no file has a name, and contradicts nothing."""
    result = merged(
        claim("10.0.0.1", "adc", called="vs-web"),
        claim("10.0.0.1", "storefront", name="sf.example"),
        claim("10.0.0.2", "adc", called="vs-xml"),
    )
    assert [name for name, _, _ in listed(result)] == ["sf.example", "vs-xml"]
    assert result.notes == ()


def test_addresses_of_one_machine_are_one_entry() -> None:
    """Claims of one machine stay together, also with what another file says of one of them."""
    result = merged(
        claim("10.0.0.1", "ddc", place="b:1"),
        claim("10.0.0.1", "vda", machine="m"),
        claim("2001:db8::1", "vda", machine="m"),
    )
    assert listed(result) == [(None, ["10.0.0.1", "2001:db8::1"], ("ddc", "vda"))]


def test_two_nodes_of_a_pair_stay_two_hosts() -> None:
    """An address that floats between nodes belongs to the one that was read first."""
    result = merged(
        claim("10.0.0.5", "adc", machine="one"),
        claim("10.0.0.7", "adc", machine="one"),
        claim("10.0.0.6", "adc"),
        claim("10.0.0.6", "adc", machine="two"),
        claim("10.0.0.7", "adc", machine="two"),
        claim("10.0.0.8", "adc", machine="two"),
    )
    assert [addresses for _, addresses, _ in listed(result)] == [
        ["10.0.0.5", "10.0.0.7"],
        ["10.0.0.6", "10.0.0.8"],
    ]


def test_a_name_finds_its_host() -> None:
    """A host known by name alone is one that has an address in another file, domain or not."""
    result = merged(
        claim(None, "ddc", name="ddc1.corp.example"),
        claim(None, "license-server", name="ddc2"),
        claim("10.0.0.1", "vda", name="ddc1.corp.example"),
        claim("10.0.0.2", "vda", called="ddc2"),
    )
    assert [roles for _, _, roles in listed(result)] == [("vda", "ddc"), ("vda", "license-server")]
    assert result.site.names == ()
    assert result.notes == ()


def test_a_name_that_finds_no_host_goes_in_names() -> None:
    """Nothing is lost: the name becomes a pattern, and the note says why."""
    result = merged(
        claim(None, "ddc", name="ddc1.example"),
        claim(None, "license-server", name="ddc1.example", place="b:2"),
    )
    (entry,) = result.site.names
    assert entry == SiteName("ddc1.example", ("ddc", "license-server"))
    assert result.comments[entry] == "a:1 says so; b:2 says so"
    assert result.notes == ("a:1: ddc1.example goes in 'names': no file gives its address",)


def test_a_name_with_two_hosts_is_not_guessed() -> None:
    """Two domains may hold the same host name; which one was meant stays open."""
    result = merged(
        claim(None, "ddc", name="ddc1"),
        claim("10.0.0.1", "vda", name="ddc1.east.example"),
        claim("10.0.0.2", "vda", name="ddc1.west.example"),
    )
    assert [roles for _, _, roles in listed(result)] == [("vda",), ("vda",)]
    assert result.notes == ("a:1: ddc1 goes in 'names': 2 hosts are called so",)


def test_one_name_at_two_addresses_is_noted() -> None:
    """An old address, or one machine: a person has to say which."""
    result = merged(
        claim("10.0.0.1", "ddc", name="ddc1"), claim("10.0.0.2", "ddc", name="ddc1", place="b:2")
    )
    assert result.notes == (
        "b:2: ddc1 is 10.0.0.2 here and 10.0.0.1 in a:1; one entry if that is one machine",
    )


def test_new_hosts_stand_in_the_order_of_roles() -> None:
    """Hosts of a kind stand together, those of one kind in the order of the files."""
    result = merged(
        claim("10.0.0.1", "vda"),
        claim("10.0.0.2", "adc"),
        claim("10.0.0.3", "vda"),
        claim("10.0.0.4"),
    )
    assert [addresses for _, addresses, _ in listed(result)] == [
        ["10.0.0.2"],
        ["10.0.0.1"],
        ["10.0.0.3"],
        ["10.0.0.4"],
    ]


def test_a_site_that_is_added_to_comes_first_and_keeps_the_rest() -> None:
    """Existing entries keep order, names and everything else that a site file says."""
    old = SiteHost((ip_address("10.0.0.9"),), ("02:00:00:00:00:09",), ("vda",), "old", "s:3")
    network = SiteNetwork(ip_network("10.1.0.0/16"), ("user-device",), "desks", "s:9")
    base = Site(
        "s",
        "home",
        (old,),
        (network,),
        (SiteName("a.example", ("ddc",), "s:12"),),
        {"adc-ha": False},
        denials=(Denial("vda", "ddc"),),
    )
    imported = Imported(
        [claim("10.0.0.9", "ddc", name="new"), claim("10.0.0.1", "adc")],
        [Problem("a", 4, "left out")],
        {"adc-ha": "a:7", "adc-cluster": "a:8"},
        [
            SiteNetwork(ip_network("10.1.0.0/16"), ("vda",), None, "a:5"),
            SiteNetwork(ip_network("10.2.0.0/16"), ("vda",), None, "a:6"),
        ],
    )
    result = merge([imported], CATALOG, base)
    assert result.site == Site(
        "s",
        "home",
        (
            SiteHost(old.addresses, old.macs, ("vda", "ddc"), "old"),
            SiteHost((ip_address("10.0.0.1"),), (), ("adc",)),
        ),
        (network, SiteNetwork(ip_network("10.2.0.0/16"), ("vda",))),
        base.names,
        {"adc-ha": False, "adc-cluster": True},
        denials=base.denials,
    )
    assert result.comments[result.site.hosts[0]] == "s:3; a:1 says so"
    assert result.comments["adc-cluster"] == "a:8"
    assert "adc-ha" not in result.comments
    assert result.notes == (
        "a:4: left out",
        "a:1: 10.0.0.9 is called new here and old in s:3; the latter is kept",
        "a:5: 10.1.0.0/16 stands in s:9 with other roles, which are kept",
    )
