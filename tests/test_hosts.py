"""Who an address is: entries, networks, MACs, and what an address is by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conversations import Talk, flows_of
from hypothesis import given
from hypothesis import strategies as st
from judging import site
from reference import hosts_one_by_one

from auditor.hosts import BROADCAST, LOOPBACK, MULTICAST, Host, resolve
from auditor.records import address_words

if TYPE_CHECKING:
    from auditor.site.model import Site

FAR = "192.0.2.250"


def host(
    address: str, place: Site | None, *, sends: bool = True, macs: dict[str, str] | None = None
) -> Host:
    """Resolve one address that talks to somebody far away."""
    ends = (address, FAR) if sends else (FAR, address)
    flows = flows_of(Talk(*ends, "udp", 9, replies=False))
    watched = {mac: {address_words(of)} for mac, of in (macs or {}).items()}
    table = resolve(flows, place, watched).table
    return next(found for found in table if found.address == address)


def test_longest_prefix_wins() -> None:
    """Of the networks that hold an address the longest gives its roles."""
    place = site("10.0.0.0/8 = user-device", "10.1.0.0/16 = vda", "10.1.1.0/24 = ddc")
    assert host("10.1.1.1", place).roles == {"ddc"}
    assert host("10.1.2.1", place).roles == {"vda"}
    assert host("10.2.0.1", place).roles == {"user-device"}
    assert host("11.0.0.1", place) == Host("11.0.0.1", 0, frozenset(), False, None, "")


def test_host_entry_replaces_the_roles_of_its_network() -> None:
    """An entry takes its address out of the network, even where it gives no role."""
    place = site("10.1.0.0/16 = vda", "ddc1: 10.1.0.1 = ddc", "10.1.0.2 =")
    assert host("10.1.0.1", place).roles == {"ddc"}
    nobody = host("10.1.0.2", place)
    assert (nobody.roles, nobody.listed) == (frozenset(), True)


def test_several_entries_of_an_address_add_up() -> None:
    """Entries for one address add their roles, and the first name counts."""
    found = host("10.1.0.1", site("10.1.0.1 = ddc", "two: 10.1.0.1 = storefront"))
    assert found.roles == {"ddc", "storefront"}
    assert found.name == "two"


def test_entries_that_share_an_address_are_one_machine() -> None:
    """Addresses are of one machine if an entry, or a chain of entries, joins them."""
    place = site("10.1.0.1 10.1.0.2 = adc", "10.1.0.3 = adc", "10.1.0.2 10.1.0.3 = gateway")
    flows = flows_of(Talk("10.1.0.1", "10.1.0.3"), Talk("10.1.0.9", "10.1.0.2"))
    hosts = resolve(flows, place)
    machines = {found.address: found.machine for found in hosts.table}
    assert machines["10.1.0.1"] == machines["10.1.0.2"] == machines["10.1.0.3"]
    assert machines["10.1.0.9"] != machines["10.1.0.1"]
    assert len(set(hosts.entry_machines)) == 1


def test_declared_mac_gives_its_roles_to_the_addresses_behind_it() -> None:
    """An address seen behind a declared MAC is that host, and an entry by address adds up."""
    place = site("desk: 02:00:00:00:00:01 = user-device", "10.1.0.1 = remote-ps-sdk")
    found = host("10.1.0.1", place, macs={"02:00:00:00:00:01": "10.1.0.1"})
    assert found.roles == {"user-device", "remote-ps-sdk"}
    assert found.name == "desk"
    assert host("10.1.0.2", place).roles == set()


def test_ipv6_addresses_have_entries_and_networks_too() -> None:
    """An IPv6 address is looked up as an IPv4 address is, and never in a network of the other."""
    place = site("::/0 = user-device", "ddc1: 10.1.0.1 2001:db8::1 = ddc")
    assert host("2001:db8::1", place).name == "ddc1"
    assert host("2001:db8::2", place).roles == {"user-device"}
    assert host("10.1.0.2", place).roles == set()


@pytest.mark.parametrize(
    ("address", "special"),
    [
        ("127.0.0.1", LOOPBACK),
        ("::1", LOOPBACK),
        ("224.0.0.252", MULTICAST),
        ("ff02::1:3", MULTICAST),
        ("255.255.255.255", BROADCAST),
        ("10.1.0.255", BROADCAST),
        ("10.1.0.127", BROADCAST),
        ("10.1.0.126", ""),
        ("10.1.0.7", ""),
    ],
)
def test_special_addresses_are_known_without_a_role(address: str, special: str) -> None:
    """Loopback, multicast and broadcast are recognised from the address, and hold no role."""
    place = site("10.1.0.0/25 = vda", "10.1.0.7/32 = vda")
    found = host(address, place, sends=False)
    assert found.special == special
    assert bool(found.roles) == (not special)


def test_host_that_speaks_is_no_broadcast_address() -> None:
    """An address that ends in .255 and sends is a host; so is one that the site file lists."""
    assert host("10.1.0.255", None).special == ""
    assert host("10.1.0.255", site("10.1.0.255 = vda"), sends=False).special == ""


def test_site_file_may_declare_a_broadcast_address() -> None:
    """An entry with the role `broadcast` makes any address one."""
    assert host("10.1.0.63", site("10.1.0.63 = broadcast"), sends=False).special == BROADCAST
    limited = host("255.255.255.255", site("255.255.255.255 = broadcast"), sends=False)
    assert (limited.special, limited.listed) == (BROADCAST, True)


def test_broadcast_address_of_a_listed_network_is_in_scope() -> None:
    """A network's own broadcast address counts as listed, without the network's roles."""
    found = host("10.1.0.127", site("10.1.0.0/25 = vda"), sends=False)
    assert (found.listed, found.roles) == (True, frozenset())


def test_hosts_are_called_by_name_else_by_address() -> None:
    """A host's label is its name where the site file gives one."""
    place = site("ddc1: 10.1.0.1 = ddc")
    assert host("10.1.0.1", place).label == "ddc1"
    assert host("10.1.0.2", place).label == "10.1.0.2"


def test_who_sent_nothing_is_not_talking() -> None:
    """An address that only received frames is in the table, and is not talking."""
    hosts = resolve(flows_of(Talk("10.0.0.1", "10.0.0.2", replies=False)))
    talking = {h.address: bool(t) for h, t in zip(hosts.table, hosts.talking, strict=True)}
    assert talking == {"10.0.0.1": True, "10.0.0.2": False}


def test_no_flows_have_no_hosts() -> None:
    """An empty flow table resolves to an empty host table."""
    assert list(resolve(flows_of(), site("10.0.0.1 = ddc")).table) == []


_ADDRESSES = (
    "10.0.0.1", "10.0.0.255", "10.1.2.3", "10.1.2.127", "192.0.2.1", "127.0.0.1", "224.0.0.251",
    "255.255.255.255", "0.0.0.0", "::", "::1", "::ffff:0:1", "ff02::1", "fe80::1", "fd00::10",
    "2001:db8::1", "::fffe:ffff:ffff:ffff", "::1:0:0:0",
)  # fmt: skip
_NETWORKS = (
    "0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/25", "10.1.2.3/32", "192.0.2.0/31",
    "127.0.0.0/8", "::/0", "::/8", "fe80::/10", "fd00::/64", "2001:db8::1/128",
)  # fmt: skip
_ROLES = ("ddc", "vda", "broadcast")


@given(st.data())
def test_hosts_are_those_that_a_look_up_one_by_one_finds(data: st.DataObject) -> None:
    """Whatever the site file says, every address is what it would be by itself."""
    address, role = st.sampled_from(_ADDRESSES), st.sampled_from(_ROLES)
    lines = data.draw(
        st.lists(
            st.builds("{} = {}".format, st.sampled_from(_NETWORKS), role)
            | st.builds("name-{}: {} {} = {}".format, st.integers(0, 3), address, address, role)
            | st.builds("{} =".format, address),
            max_size=8,
        )
    )
    ends = data.draw(st.lists(st.tuples(address, address, st.booleans()), max_size=8))
    flows = flows_of(
        *(
            Talk(one, other, "udp", 9, replies=replies)
            for one, other, replies in ends
            if one != other
        )
    )
    place = data.draw(st.sampled_from([None, site(*lines)]))
    table = resolve(flows, place).table
    found = {each.address: (each.roles, each.listed, each.name, each.special) for each in table}
    assert found == hosts_one_by_one(flows, place)
    assert [table[row] for row in range(len(table))] == list(table)
