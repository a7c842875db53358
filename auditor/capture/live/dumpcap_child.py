"""One run of Wireshark's dumpcap: frames from its standard output, its last words, its end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import weakref
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from typing import TYPE_CHECKING, Final

from auditor.capture.reader import copy_into
from auditor.capture.stream import FrameStream
from auditor.errors import CaptureError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO

    from auditor.capture.batch import FrameBatch

_MOST_BATCHES = 64
"""Batches that wait to be read; further frames wait in the pipe and in dumpcap, or are lost."""

_GRACE_S = 5
_HOMES: Final = {
    "win32": ("Wireshark/dumpcap.exe",),
    "darwin": ("/Applications/Wireshark.app/Contents/MacOS/dumpcap",),
}
"""Where Wireshark puts it without telling PATH; under Windows below a folder for programs."""

_CHATTER = ("Capturing on", "File:", "Packets", "Please", "(This is not")
"""Beginnings of lines that tell of no trouble."""


def find_dumpcap() -> str | None:
    """Find the program; None if it is not installed."""
    found = shutil.which("dumpcap")
    if found:
        return found
    folders = [os.environ.get(name, "") for name in ("ProgramFiles", "ProgramFiles(x86)")]
    places = [Path(folder, home) for home in _HOMES.get(sys.platform, ()) for folder in folders]
    return next((str(place) for place in places if place.is_file()), None)


def list_devices(program: str) -> list[str]:
    """Name the interfaces that dumpcap can listen to; none if it does not say."""
    try:
        answer = subprocess.run(  # noqa: S603 - the program that was found
            [program, "-D", "-M"],
            check=False,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            timeout=_GRACE_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    # "1. eth0<tab>description<tab>..."
    return [
        line.partition(". ")[2].partition("\t")[0]
        for line in answer.stdout.splitlines()
        if ". " in line
    ]


class PipeReader:
    """A pipe as the source of a capture."""

    reopenable = False
    size = 0

    def __init__(self, pipe: IO[bytes]) -> None:
        """Read from `pipe`, which is unbuffered."""
        self._pipe = pipe
        self.consumed = 0

    def read(self, limit: int) -> bytes:
        """Return at least one and at most `limit` bytes, none at the end; raise OSError."""
        data = self._pipe.read(limit)
        self.consumed += len(data)
        return data

    def readinto(self, buffer: memoryview) -> int:
        """Do the same into a buffer, and return how many bytes; raise OSError."""
        return copy_into(buffer, self.read(len(buffer)))

    def rest(self) -> None:
        """Do nothing: what a pipe holds would be lost."""

    def close(self) -> None:
        """Close the pipe."""
        self._pipe.close()


class DumpcapChild:
    """A dumpcap that runs, and the thread that reads what it writes."""

    def __init__(self, command: Sequence[str], interface: str) -> None:
        """Start it; raise CaptureError naming the `interface` if that fails."""
        self.program = command[0]
        self.batches: Queue[FrameBatch | None] = Queue(_MOST_BATCHES)
        """What was read, with None at the end."""
        self.settled = threading.Event()
        """It has begun, or has ended without."""
        self.began = False
        self.passed_on = 0
        """Frames that somebody has taken over."""
        self._stream: FrameStream | None = None
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - read after the child's end
        try:
            self._child = subprocess.Popen(  # noqa: S603 - no shell; names and filters are arguments
                command,
                bufsize=0,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._words,
                # An interrupt from the terminal is ours to pass on, when all was read.
                start_new_session=True,
            )
        except OSError as error:
            self._words.close()
            reason = f"expected dumpcap to start, found {error.strerror or error}"
            raise CaptureError(interface, reason) from None
        # Without a frame to write it would not notice that nobody listens any more.
        weakref.finalize(self, self._child.terminate)
        self._thread = threading.Thread(target=self._feed, args=(interface,), daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int | None:
        """Frames that it says it lost; it says so at its end."""
        return self._stream.dropped if self._stream else None

    @property
    def complaint(self) -> str:
        """The first line of what it had to complain of, once it has ended."""
        return next(iter(self._complaints()), "it gave no reason")

    @property
    def detail(self) -> str:
        """What it adds in parentheses; empty if nothing."""
        for line in self._complaints():
            if line.endswith((")", ").")) and "(" in line:
                return line.partition("(")[2].rstrip(".").removesuffix(")")
        return ""

    def ask_to_end(self) -> None:
        """Have it end in order; what it still writes goes to `batches`."""
        if sys.platform == "win32":
            self._child.terminate()
        else:
            with suppress(ProcessLookupError):
                self._child.send_signal(signal.SIGINT)

    def stop(self) -> None:
        """End it in order, so that it says what it lost; `batches` are forgotten."""
        self.ask_to_end()
        self._drain()
        try:
            self._child.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._thread.join(_GRACE_S)
        if self._child.stdout:
            self._child.stdout.close()
        self._words.close()

    def _drain(self) -> None:
        """Forget what was not taken, so that the thread gets to the end."""
        with suppress(Empty):
            while self._thread.is_alive() or not self.batches.empty():
                self.batches.get(timeout=_GRACE_S if self._thread.is_alive() else 0)

    def _feed(self, interface: str) -> None:
        """Read batch after batch, in the thread."""
        pipe = self._child.stdout
        # Its complaints tell more than the capture that never began.
        with suppress(CaptureError, ValueError):
            if pipe:
                self._stream = FrameStream(interface, PipeReader(pipe), 0)
                self.began = True
                self.settled.set()
                while (batch := self._stream.read()) is not None:
                    self.batches.put(batch)
        self._child.wait()
        self.settled.set()
        self.batches.put(None)

    def _complaints(self) -> list[str]:
        if self._words.closed:
            return []
        self._words.seek(0)
        text = self._words.read().decode(errors="replace")
        lines = [line.strip().removeprefix("dumpcap: ") for line in text.splitlines()]
        return [line for line in lines if line and not line.startswith(_CHATTER)]
