"""Slow and obvious ways to what the program does in columns: what its results are held against."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, ip_address
from typing import TYPE_CHECKING

import pandas as pd

from auditor.hosts import BROADCAST, LOOPBACK, MULTICAST
from auditor.records import NO_TIME, address_text, address_words

if TYPE_CHECKING:
    from auditor.flows import Flows
    from auditor.site.model import Site

Known = tuple[frozenset[str], bool, str | None, str]
"""Roles, listed, name and special kind of a host."""


def hosts_one_by_one(flows: Flows, site: Site | None) -> dict[str, Known]:
    """Look every address up in the site file by itself."""
    sent: dict[tuple[int, int], bool] = {}
    for fact in flows.facts:
        for side in "ab":
            words = int(fact[f"{side}_hi"]), int(fact[f"{side}_lo"])
            sent[words] = sent.get(words, False) or int(fact[f"first_{side}_ns"]) != NO_TIME
    return {address_text(*words): _known(words, site, sends=of) for words, of in sent.items()}


def _known(words: tuple[int, int], site: Site | None, *, sends: bool) -> Known:
    address = ip_address(address_text(*words))
    hosts = site.hosts if site else ()
    entries = [each for each in hosts if words in {address_words(a) for a in each.addresses}]
    holding = [each for each in (site.networks if site else ()) if address in each.network]
    roles = frozenset(role for entry in entries for role in entry.roles)
    special = ""
    if address.is_loopback:
        special = LOOPBACK
    elif address.is_multicast:
        special = MULTICAST
    elif BROADCAST in roles or address == IPv4Address("255.255.255.255"):
        special = BROADCAST
    elif address.version == 4 and not entries and not sends:
        ends = {
            each.network.broadcast_address
            for each in (site.networks if site else ())
            if each.network.version == 4 and each.network.prefixlen < 31
        }
        special = BROADCAST if int(address) & 0xFF == 0xFF or address in ends else ""
    if entries:
        return roles, True, next((each.name for each in entries if each.name), None), special
    if holding:
        longest = max(holding, key=lambda each: each.network.prefixlen)
        return frozenset() if special else frozenset(longest.roles), True, None, special
    return frozenset(), False, None, special


def json_rows(table: pd.DataFrame) -> list[str]:
    """Write the rows of a table one by one."""
    return [
        json.dumps({str(name): _plain(value) for name, value in row.items()}, allow_nan=False)
        for row in table.to_dict("records")
    ]


def _plain(value: object) -> object:
    if isinstance(value, (list, str, bool)):
        return value
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%dT%H:%M:%S}.{value.value % 10**9:09d}Z"
    return None if pd.isna(value) else value  # type: ignore[call-overload]  # any scalar
