"""Captures of other formats: how tshark is asked for one, and why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.capture.compressed import compression_of
from auditor.capture.nstrace import AS_LINES
from auditor.capture.reader import FileReader
from auditor.capture.recognise import EXPECTED, Way, refusal
from auditor.capture.tshark import Fed, Output, Tshark, find_tshark
from auditor.errors import CaptureError

if TYPE_CHECKING:
    from auditor.capture.compressed import Content
    from auditor.capture.reader import ByteReader
    from auditor.capture.recognise import ForeignFormat

_AS_PCAPNG = Output(("-F", "pcapng", "-w", "-"), growth=1)

_KNOWN_TO_TSHARK = frozenset({None, "gzip", "zstd", "lz4"})
"""Compressions of a file that it reads by itself; None = none."""


def open_foreign(
    name: str, foreign: ForeignFormat, source: ByteReader, content: Content, head: bytes
) -> Tshark:
    """Let tshark read the capture `name`, whose `source` was read up to the end of `head`.

    head: the first bytes of its `content`. The source is closed when it is no longer needed.
    Raises CaptureError where this cannot be read, or tshark is not there.
    """
    tshark = find_tshark()
    if foreign.way is Way.NONE or tshark is None:
        raise CaptureError(name, refusal(head))
    compression = compression_of(content)
    output = _AS_PCAPNG if foreign.way is Way.PCAPNG else AS_LINES
    if isinstance(source, FileReader) and source.reopenable and compression in _KNOWN_TO_TSHARK:
        source.close()
        return Tshark(name, tshark, output, source.size, str(source.path))
    if foreign.way is Way.LINES:
        # tshark goes back and forth in it.
        kind = foreign.name.removeprefix("a ")
        found = _way_out(source, compression)
        raise CaptureError(name, f"{EXPECTED}, or a {kind} in a file, found one {found} first")
    return Tshark(name, tshark, output, source.size, Fed(source, content, head))


def _way_out(source: ByteReader, compression: str | None) -> str:
    """Say where a capture is that has to be a plain file, and how it becomes one."""
    if isinstance(source, FileReader) and source.reopenable:
        return f"in {compression} data: unpack it"
    return "elsewhere: copy it here" if source.reopenable else "in a pipe: save it"
