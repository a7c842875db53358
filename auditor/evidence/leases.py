"""Which address a DHCP client came by: requests, matched with their replies."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from auditor.evidence.dhcp import Step
from auditor.evidence.dns import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.evidence.dhcp import LeaseMessage


class _Request(NamedTuple):
    name: bytes
    wanted: tuple[tuple[int, int], ...]
    time_ns: int


class Leases:
    """Clients that told their name and wait for an address; the oldest give way to new ones."""

    def __init__(self, most_waiting: int = 10_000) -> None:
        """Let so many clients wait."""
        self._most_waiting = most_waiting
        self._waiting: dict[bytes, _Request] = {}

    def take(self, message: LeaseMessage, time_ns: int) -> list[Answer]:
        """Learn from the next message; give the addresses that are a named client's by now."""
        if message.step is Step.ASKS:
            return self._ask(message, time_ns)
        request = self._waiting.pop(message.client, None)
        # A server may give a name to a client that has none.
        name = request.name if request else message.name
        if message.step is Step.REFUSES or not name:
            return []
        return [Answer(address, (name,)) for address in message.given]

    def unanswered(self) -> Iterator[tuple[Answer, int]]:
        """Give the addresses that clients asked for without any reply, and when.

        A client asks for an address that it was offered or had before; the reply may have passed
        where nobody captured.
        """
        for request in self._waiting.values():
            for address in request.wanted:
                yield Answer(address, (request.name,)), request.time_ns

    def _ask(self, message: LeaseMessage, time_ns: int) -> list[Answer]:
        if not message.name:
            return []
        before = self._waiting.pop(message.client, None)
        wanted = message.wanted or (before.wanted if before else ())
        if len(self._waiting) >= self._most_waiting:
            del self._waiting[next(iter(self._waiting))]
        self._waiting[message.client] = _Request(message.name, wanted, time_ns)
        return [Answer(address, (message.name,)) for address in message.used]
