"""The names under which addresses were known, to whom and from when on, within bounds."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Words = tuple[int, int]
    """Address words."""
    Source = tuple[str, Words | None]
    """Kind of name, and who was told; None = everyone."""

_LONGEST_CHAIN = 16
_MOST_CHANGES = 64


class SeenName(NamedTuple):
    """A host name that was seen in traffic."""

    name: str
    """As auditor.hostnames.safe_name gives it."""
    kind: str
    """sni, dtls-sni, quic-sni, http-host; dns; dhcp, netbios, llmnr, mdns."""
    time_ns: int
    asker: tuple[int, int] | None
    """Address words of who asked DNS; None for names that nobody asked for, or everyone heard."""


class _Telling(NamedTuple):
    time_ns: int
    names: tuple[str, ...]


class NameBook:
    """Remembers who was told which names of which address.

    The same names told again say nothing new, unless other names of the address were told in
    between: then they are the latest once more. Where captures are not read in order of time,
    some of that is lost, but never the earliest time of a name.
    """

    def __init__(self, most_addresses: int, most_names: int, most_answers: int) -> None:
        """Remember so many addresses, names of one address, and names told in all."""
        self.forgotten = 0
        """Names left out because as many as can be remembered were known already."""
        self._most_addresses = most_addresses
        self._most_names = most_names
        self._most_answers = most_answers
        self._tellings: dict[Words, dict[Source, list[_Telling]]] = {}
        self._names: dict[Words, set[str]] = {}
        self._aliases: dict[tuple[Words | None, str], str] = {}
        self._held = 0

    def tell(
        self, address: Words, names: Sequence[str], kind: str, asker: Words | None, time_ns: int
    ) -> None:
        """Note that `asker` heard these names of an address, the one in question first."""
        sources = self._tellings.get(address, {})
        tellings = sources.get((kind, asker), [])
        told = (*names, *self._led_from(asker, names[0]))
        place = len(tellings)
        if place and tellings[-1].time_ns > time_ns:
            place = bisect_right(tellings, time_ns, key=_time)
        if place and tellings[place - 1].names == told and len(told) <= self._room_again():
            return
        known = {name for each in tellings for name in each.names}
        telling = _Telling(time_ns, self._within_bounds(address, told, known))
        again = place > 0 and tellings[place - 1].names == telling.names
        if again or not telling.names or telling in tellings:
            return
        tellings.insert(place, telling)
        self._held += len(telling.names)
        if len(tellings) > _MOST_CHANGES:
            self._thin(tellings)
        sources[kind, asker] = tellings
        self._tellings[address] = sources

    def lead_on(self, names: Sequence[str], asker: Words | None) -> None:
        """Note a chain of aliases that `asker` was given, whether or not an address ends it."""
        for owner, target in pairwise(names):
            if len(self._aliases) < self._most_answers or (asker, target) in self._aliases:
                self._aliases[asker, target] = owner
            else:
                self.forgotten += 1

    def address_names(self) -> dict[Words, tuple[SeenName, ...]]:
        """List the names of each address by time; told together, the one in question first."""
        return {
            address: tuple(
                sorted(
                    (
                        name
                        for source, tellings in sources.items()
                        for name in _seen(source, tellings)
                    ),
                    key=lambda name: name.time_ns,
                )
            )
            for address, sources in self._tellings.items()
        }

    def _led_from(self, asker: Words | None, name: str) -> list[str]:
        """Follow back the aliases by which this asker was led to a name."""
        chain = [name]
        while len(chain) < _LONGEST_CHAIN:
            owner = self._aliases.get((asker, chain[-1]))
            if owner is None or owner in chain:
                break
            chain.append(owner)
        return chain[1:]

    def _room_again(self) -> int:
        """Count the names that may be told again; repetitions may fill half of the room."""
        return self._most_answers - self._held - self._most_answers // 2

    def _within_bounds(
        self, address: Words, told: tuple[str, ...], known: set[str]
    ) -> tuple[str, ...]:
        names = self._names.get(address, set())
        if not names and len(self._names) >= self._most_addresses:
            self.forgotten += len(told)
            return ()
        kept: list[str] = []
        room = self._most_answers - self._held
        for name in told:
            # Once that is full only names count that say something new.
            if name in known:
                fits = len(kept) < self._room_again()
            else:
                fits = len(kept) < room and (name in names or len(names) < self._most_names)
                self.forgotten += not fits
            if fits:
                kept.append(name)
                names.add(name)
        if kept:
            self._names[address] = names
        return tuple(kept)

    def _thin(self, tellings: list[_Telling]) -> None:
        """Keep the first telling of every name, and the later half of all."""
        half = len(tellings) // 2
        known: set[str] = set()
        early = []
        for telling in tellings[:half]:
            if not known.issuperset(telling.names):
                known.update(telling.names)
                early.append(telling)
        self._held -= sum(len(each.names) for each in tellings)
        tellings[:half] = early
        self._held += sum(len(each.names) for each in tellings)


def _time(telling: _Telling) -> int:
    return telling.time_ns


def _seen(source: Source, tellings: list[_Telling]) -> Iterator[SeenName]:
    kind, asker = source
    before: tuple[str, ...] = ()
    for telling in tellings:
        if telling.names != before:
            for name in telling.names:
                yield SeenName(name, kind, telling.time_ns, asker)
        before = telling.names
