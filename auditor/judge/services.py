"""Ports cut into intervals in which the same rules apply, so that a port becomes a small number."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from auditor.records import (
    IPPROTO_ICMP,
    IPPROTO_ICMPV6,
    IPPROTO_TCP,
    IPPROTO_UDP,
    TRANSPORT_NUMBERS,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from auditor.catalog.model import Rule

_HIGHEST_PORT = 0xFFFF
_TWINS = {IPPROTO_TCP: IPPROTO_UDP, IPPROTO_UDP: IPPROTO_TCP}


@dataclass(frozen=True, slots=True)
class Interval:
    """The rules that cover one stretch of ports of one transport."""

    transport: int
    low: int
    high: int
    rules: tuple[Rule, ...]
    twin: tuple[Rule, ...]
    """The rules of the same ports on the other of TCP and UDP, where both ends agree on them."""


class ServiceIndex:
    """Maps (transport, port) to the number of its interval, for whole arrays at once."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        """Cut the port space of every transport at the ends of the rules' ranges."""
        ranges: dict[int, list[tuple[int, int, Rule]]] = {}
        for rule in rules:
            for service in rule.services:
                low, high = service.low or 0, service.high or 0
                for number in _protocol_numbers(service.transport):
                    ranges.setdefault(number, []).append((low, high, rule))
        # TCP and UDP are cut at the same places, so that a wrong transport is a look-up.
        shared = _cuts(ranges.get(IPPROTO_TCP, []) + ranges.get(IPPROTO_UDP, []))
        self.intervals: list[Interval] = [Interval(-1, 0, 0, (), ())]
        self._starts: dict[int, NDArray[np.int64]] = {}
        self._base: dict[int, int] = {}
        for number in sorted({*ranges, IPPROTO_TCP, IPPROTO_UDP}):
            mine = ranges.get(number, [])
            cuts = shared if number in _TWINS else _cuts(mine)
            self._starts[number] = np.array(cuts[:-1], dtype=np.int64)
            self._base[number] = len(self.intervals)
            twin = ranges.get(_TWINS.get(number, -1), [])
            covering = zip(_covering(mine, cuts), _covering(twin, cuts), strict=True)
            self.intervals.extend(
                Interval(number, low, end - 1, *rules)
                for (low, end), rules in zip(pairwise(cuts), covering, strict=True)
            )

    def lookup(self, transport: NDArray[np.uint8], port: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Give each (transport, port) the number of its interval; 0 where nothing is known.

        Ports above 65535 (echo identifiers) count as no port.
        """
        result = np.zeros(len(transport), dtype=np.int64)
        transport, port = np.ascontiguousarray(transport), np.ascontiguousarray(port)
        ports = np.where(port > _HIGHEST_PORT, 0, port)
        for number, numbers in self._numbers.items():
            rows = np.flatnonzero(transport == number)
            result[rows] = numbers[ports[rows]]
        return result

    @cached_property
    def _numbers(self) -> dict[int, NDArray[np.int32]]:
        """By transport: the number of the interval of every port."""
        return {
            number: np.repeat(
                np.arange(self._base[number], self._base[number] + len(starts), dtype=np.int32),
                np.diff(starts, append=_HIGHEST_PORT + 1),
            )
            for number, starts in self._starts.items()
        }

    def one(self, transport: int, port: int) -> Interval:
        """Give the interval of one service."""
        row = self.lookup(np.array([transport], np.uint8), np.array([port], np.uint32))
        return self.intervals[int(row[0])]


def _protocol_numbers(name: str) -> tuple[int, ...]:
    # The paper knows one ICMP; over IPv6 the same rows mean its successor.
    return (IPPROTO_ICMP, IPPROTO_ICMPV6) if name == "icmp" else (TRANSPORT_NUMBERS[name],)


def _cuts(ranges: list[tuple[int, int, Rule]]) -> list[int]:
    ends = {0, 0x10000}
    for low, high, _ in ranges:
        ends |= {low, high + 1}
    return sorted(ends)


def _covering(ranges: list[tuple[int, int, Rule]], cuts: list[int]) -> list[tuple[Rule, ...]]:
    """List the rules of every interval between two cuts; ranges begin and end at cuts."""
    place = {cut: number for number, cut in enumerate(cuts)}
    found: list[dict[Rule, None]] = [{} for _ in cuts[1:]]
    for low, high, rule in ranges:
        for number in range(place[low], place[high + 1]):
            found[number][rule] = None
    return [tuple(rules) for rules in found]
