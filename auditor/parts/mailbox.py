"""Results handed over in memory that two processes share, where the system has such.

Through a pipe tens of megabytes come in pieces of 64 KiB, and the one that takes them waits for
the interpreter's lock before each.
"""

from __future__ import annotations

import os
import pickle
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Reply(Generic[Result]):
    """What work came to."""

    result: Result | None
    posted: bool = False
    """Whether the result lies in the mailbox instead."""


class Mailbox:
    """Room for one result, which has no name in any file system and ends with its owner."""

    def __init__(self) -> None:
        """Make one, of no use where the system has none."""
        self._file: int | None = None
        self.address: str | None = None
        """By which other processes of the same user open it."""
        if hasattr(os, "memfd_create"):
            with suppress(OSError):
                self._file = os.memfd_create("auditor-part")
                self.address = f"/proc/{os.getpid()}/fd/{self._file}"

    def __enter__(self) -> Self:
        """Give it back at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give the memory back."""
        self.close()

    def __del__(self) -> None:
        """Give the memory back where nobody asked for the result."""
        self.close()

    def open(self, reply: Reply[Result]) -> Result:
        """Take the result out."""
        if not reply.posted:
            return cast("Result", reply.result)
        assert self._file is not None  # the worker found it
        with os.fdopen(self._file, "rb", closefd=False) as file:
            file.seek(0)
            result: Result = pickle.load(file)  # noqa: S301 - written by a process of our own
        return result

    def close(self) -> None:
        """Give the memory back."""
        if self._file is not None:
            os.close(self._file)
        self._file = None


def answer(address: str | None, work: Callable[..., Result], *arguments: object) -> Reply[Result]:
    """Do work, in another process, and put the result into a mailbox if it can be reached."""
    result = work(*arguments)
    if address is not None:
        # Another user's process, or one with privileges, keeps what is its own; then by pipe.
        with suppress(OSError), Path(address).open("wb") as file:
            pickle.dump(result, file, pickle.HIGHEST_PROTOCOL)
            return Reply(None, posted=True)
    return Reply(result)
