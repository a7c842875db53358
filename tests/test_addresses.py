"""Many addresses at once are written, found and told apart as one by one."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.addresses import AddressList, address_texts, distinct_addresses
from auditor.records import IPV4_MAPPED, address_text, address_words

GROUP = st.sampled_from([0, 0, 0, 1, 0xA, 0xAB, 0xFFFF]) | st.integers(0, 0xFFFF)
"""Of 16 bits; zeros come often, since runs of them are what is hard to write."""

Words = tuple[int, int]


def _joined(groups: list[int]) -> Words:
    number = 0
    for group in groups:
        number = number << 16 | group
    return number >> 64, number & (1 << 64) - 1


WORDS = st.lists(GROUP, min_size=8, max_size=8).map(_joined) | st.integers(0, (1 << 32) - 1).map(
    lambda number: (0, IPV4_MAPPED | number)
)


def columns(words: list[Words]) -> tuple[np.ndarray, np.ndarray]:
    """Lay out addresses as two columns."""
    high, low = np.array(words, dtype=np.uint64).reshape(-1, 2).T
    return high, low


@given(st.lists(WORDS))
def test_texts_are_those_of_the_standard_library(words: list[Words]) -> None:
    """Every address is written as it would be alone."""
    assert address_texts(*columns(words)).tolist() == [address_text(*each) for each in words]


@pytest.mark.parametrize(
    "text",
    [
        "::",
        "::1",
        "1::",
        "1:0:2:3:4:5:6:7",
        "0:0:1::1",
        "1::2:0:0:3",
        "fe80::a:b",
        "::ffff:0:1.2.3.4",
    ],
)
def test_zeros_are_shortened_as_rfc_5952_says(text: str) -> None:
    """The longest run of zero groups, of equals the first, and never a single group."""
    words = address_words(IPv6Address(text))
    assert address_texts(*columns([words])).tolist() == [str(IPv6Address(text))]


@given(st.lists(WORDS))
def test_different_addresses_stand_once_and_in_order(words: list[Words]) -> None:
    """The list is sorted without repetition, and each address finds itself in it."""
    found, row = distinct_addresses(*columns(words))
    listed = [found.words_of(number) for number in range(len(found))]
    assert listed == sorted(set(words))
    assert [listed[number] for number in row.tolist()] == words


@given(st.lists(WORDS), st.lists(WORDS, max_size=5))
def test_addresses_are_found(words: list[Words], others: list[Words]) -> None:
    """What is in the list has its row, anything else has none, alone or among many."""
    found, _ = distinct_addresses(*columns(words))
    asked = [*words, *others]
    listed = sorted(set(words))
    rows = [listed.index(each) if each in listed else None for each in asked]
    assert [found.row_of(each) for each in asked] == rows
    assert found.rows_of(asked).tolist() == [-1 if row is None else row for row in rows]


@given(st.lists(WORDS), WORDS)
def test_place_keeps_the_order(words: list[Words], asked: Words) -> None:
    """As many addresses are smaller as the place says."""
    found, _ = distinct_addresses(*columns(words))
    assert found.place(asked) == sum(each < asked for each in set(words))


def test_ipv4_is_told_from_ipv6() -> None:
    """Only what is mapped into ::ffff:0:0/96 is IPv4."""
    words = [
        address_words(ip_address(text)) for text in ("::1", "10.0.0.1", "::1:0:0:1", "fe80::1")
    ]
    assert AddressList(*columns(words)).is_ipv4.tolist() == [False, True, False, False]
