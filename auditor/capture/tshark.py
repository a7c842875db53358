"""A capture of a format that only Wireshark reads: a tshark child, its output read as bytes.

tshark reads a file by its path, which lets it go back and forth in it. What it cannot open by a
path (standard input, a pipe, a compression that it does not know) is pumped into its standard
input, as far as the format can be read in one go.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO, TYPE_CHECKING

from auditor.capture.reader import os_reason
from auditor.errors import CaptureError

if TYPE_CHECKING:
    from auditor.capture.compressed import Content
    from auditor.capture.reader import ByteReader

_PIPED = "-"
_PUMP_BYTES = 1 << 16
_WORDS_BYTES = 1 << 12
"""What is read of the child's complaints."""
_LONGEST_WORDS = 300
_GRACE_S = 2
"""So long a pump is waited for that reads from a source which gives nothing."""

_WINDOWS_HOME = "Wireshark/tshark.exe"
_NO_COMPLAINT = "Running as user "


def find_tshark() -> str | None:
    """Find tshark on the path, on Windows also where Wireshark's installer puts it."""
    found = shutil.which("tshark")
    if found is None and sys.platform == "win32":
        for variable in ("ProgramFiles", "ProgramFiles(x86)"):
            path = Path(os.environ.get(variable, "C:/Program Files"), _WINDOWS_HOME)
            if path.is_file():
                return str(path)
    return found


@dataclass(frozen=True, slots=True)
class Output:
    """How tshark is to write what it reads."""

    options: tuple[str, ...]
    growth: int
    """About how many bytes it then writes for each that it reads."""


class Tshark:
    """What a tshark child writes, as a ByteReader and as a Content."""

    def __init__(self, name: str, tshark: str, output: Output, size: int, given: str | Fed) -> None:
        """Let `tshark` read a capture of `size` bytes, 0 where that is unknown.

        given: the path to it, or what to pump into the child. Raises CaptureError naming `name`.
        """
        fed = given if isinstance(given, Fed) else None
        self.size = size
        self.consumed = 0
        """Bytes of those that it has read, estimated by what it wrote."""
        self.reopenable = fed is None
        self.damage: str | None = None
        self._written = 0
        self._growth = output.growth
        # A file takes whatever it complains of; a pipe that nobody reads would fill up.
        self._complaints: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        try:
            self._child = subprocess.Popen(  # noqa: S603 - no shell; a path cannot become an option
                [tshark, "-n", "-r", _PIPED if isinstance(given, Fed) else given, *output.options],
                stdin=subprocess.DEVNULL if fed is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._complaints,
                # Ctrl-C is ours to answer: the report of what was read until then.
                start_new_session=True,
            )
        except OSError as error:
            self._complaints.close()
            reason = error.strerror or error
            raise CaptureError(name, f"expected tshark to run, found {tshark}: {reason}") from None
        self._fed = fed
        if fed is not None and self._child.stdin is not None:
            fed.start(self._child.stdin)

    def read(self, limit: int) -> bytes:
        """Return `limit` bytes, or all that are left before the end; raise OSError.

        A pipe holds little: batches of what it has at a time would be small.
        """
        data = bytearray(limit)
        return bytes(data[: self.readinto(memoryview(data))])

    def readinto(self, buffer: memoryview) -> int:
        """Do the same into a buffer, and return how many bytes; raise OSError."""
        assert self._child.stdout is not None
        count = self._child.stdout.readinto(buffer)  # type: ignore[attr-defined]  # it is buffered
        if not count and self.damage is None:
            self.damage = self._ending()
        self._written += count
        self.consumed = self._written // self._growth
        return int(count)

    def rest(self) -> None:
        """Do nothing: the child waits by itself until its output is read."""

    def close(self) -> None:
        """End the child, whether it has finished or not, and close what it was fed from."""
        with suppress(OSError):
            self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdout, self._complaints):
            if pipe is not None:
                pipe.close()
        if self._fed is not None:
            self._fed.finish()

    def _ending(self) -> str | None:
        """Say why the child ended early; None if it read all there was."""
        status = self._child.wait()
        if self._fed is not None and self._fed.damage:
            return self._fed.damage
        if status == 0:
            return None
        if status < 0:
            return f"tshark was ended by signal {-status}"
        words = _words(self._complaints)
        return f"tshark says: {words}" if words else f"tshark gave up with status {status}"


class Fed:
    """What is pumped into a child: the contents of a source, from their first byte on."""

    def __init__(self, source: ByteReader, content: Content, head: bytes) -> None:
        """Pump `head`, already read from it, and the rest of `content`; then close `source`."""
        self.damage: str | None = None
        self._source = source
        self._content = content
        self._head = head
        self._thread: Thread | None = None

    def start(self, sink: IO[bytes]) -> None:
        """Begin to pump into `sink`, and close it at the end."""
        # A daemon: a source that gives nothing, such as a terminal's pipe, must not hold us up.
        self._thread = Thread(target=self._pump, args=(sink,), name="pump", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait for the end of a child's feeding, as long as that is worth it."""
        if self._thread is not None:
            self._thread.join(_GRACE_S)

    def _pump(self, sink: IO[bytes]) -> None:
        try:
            # The child is gone, or wants no more: what it says of that is what counts.
            with suppress(OSError), sink:
                self._pour(sink)
        finally:
            self._source.close()

    def _pour(self, sink: IO[bytes]) -> None:
        """Pour everything into `sink`; the damage is known before the sink is closed."""
        data = self._head
        while data:
            sink.write(data)
            try:
                data = self._content.read(_PUMP_BYTES)
            except OSError as error:
                self.damage = f"found {os_reason(error)}"
                return
        self.damage = self._content.damage


def _words(complaints: IO[bytes]) -> str:
    """Give a child's complaint in one line."""
    complaints.seek(0)
    text = complaints.read(_WORDS_BYTES).decode("utf-8", "replace")
    lines = (line.strip().removeprefix("tshark: ") for line in text.splitlines())
    said = " ".join(line for line in lines if line and not line.startswith(_NO_COMPLAINT))
    return "".join(char if char.isprintable() else "?" for char in said)[:_LONGEST_WORDS]
