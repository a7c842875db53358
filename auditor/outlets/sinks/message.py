"""What a sink is given: a line, and the little that a transport has to know of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """One alert, ready to be sent; as bytes it waits in a spool."""

    time_ns: int
    severity: str
    """high, medium, low or info."""
    event: str
    """What happened to the finding, as in Alert."""
    line: str
    """JSON in ASCII, without a line end."""

    def pack(self) -> bytes:
        """Write for the spool."""
        return json.dumps(asdict(self), separators=(",", ":")).encode()

    @classmethod
    def unpack(cls, content: bytes) -> Message:
        """Read what `pack` wrote; raise ValueError if it is something else."""
        try:
            return cls(**json.loads(content))
        except (TypeError, ValueError) as error:
            raise ValueError(f"expected a message, found {content[:40]!r}") from error


class Sink(Protocol):
    """What every kind of place offers."""

    @property
    def place(self) -> str:
        """Name the place, without anything that is secret."""

    @property
    def address(self) -> str:
        """Tell two places apart; may be secret."""

    @property
    def keeps(self) -> bool:
        """Say whether what was sent is known to have arrived."""

    @property
    def local(self) -> bool:
        """Say whether sending is a matter of moments, so that no queue on disk is worth it."""

    def send(self, message: Message) -> None:
        """Send; raise UnreachableError, RejectedError or OSError, and then nothing was sent."""

    def close(self) -> None:
        """Let go of what is open."""
