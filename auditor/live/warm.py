"""Everything loaded and compiled before the first frame, and before privileges are dropped."""

from __future__ import annotations

import ctypes
import struct
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import numpy as np

from auditor.capture.batch import FrameBatch
from auditor.decode.compiled import CompiledDecoder
from auditor.flows.compiled import CompiledFlowTable
from auditor.report.writers import FORMATS

_M_MMAP_THRESHOLD = -3
_LARGE = 1 << 20

_ETHERNET = 1
_SYN, _SYN_ACK, _PUSH_ACK = 0x02, 0x12, 0x18


_ONLY_WHEN_NEEDED = (
    "auditor.decode.general",
    "auditor.evidence.candidates",
    "auditor.evidence.quic_seal",
    "auditor.kernel.hello_names",
    "auditor.kernel.http_names",
    "auditor.kernel.interning",
    "auditor.kernel.packing",
    "auditor.report.digest",
    "tabulate",
    *(form.module for form in FORMATS.values()),
)
"""What other verbs load when the first such frame turns up, or at the end: in a watch that would
be hours later, as a user who may not be allowed to read it."""


def warm_up() -> None:
    """Load what may be needed, and send a conversation through every kernel.

    A ring does not wait for a compiler.
    """
    for name in _ONLY_WHEN_NEEDED:
        # What comes as an extra is refused, where it is asked for, long before.
        with suppress(ImportError):
            import_module(name)
    frames = [
        _segment(1, 2, _SYN, 100, b""),
        _segment(2, 1, _SYN_ACK, 200, b""),
        _segment(1, 2, _PUSH_ACK, 101, b"hello"),
        _segment(2, 1, _PUSH_ACK, 203, b"out of order"),
    ]
    decoder, table = CompiledDecoder(), CompiledFlowTable()
    for _ in range(2):
        table.update(decoder.decode(_batch(frames)))
        table.flush(0.0, idle_s=1.0, closed_s=1.0, most=1)


def unreadable_places() -> list[str]:
    """Name the directories of this program, and of Python's own, that it may not read any more."""
    needed = {Path(module.__file__).resolve() for module in (struct, np) if module.__file__}
    return sorted(str(path.parent) for path in {*needed, Path(__file__)} if not _may_read(path))


def _may_read(path: Path) -> bool:
    try:
        path.open("rb").close()
    except OSError:
        return False
    return True


def give_memory_back() -> None:
    """Have large blocks returned to the system as soon as they are free (Linux, glibc).

    Else the allocator learns from the first large tables to keep such blocks, in pieces that fit
    less and less, and a watch seems to grow for weeks.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none, nor the problem
        if mallopt is not None:
            mallopt(_M_MMAP_THRESHOLD, _LARGE)


def _segment(source: int, destination: int, flags: int, sequence: int, payload: bytes) -> bytes:
    ports = (4000, 443) if source < destination else (443, 4000)
    tcp = struct.pack("!HHIIBBHHH", *ports, sequence, 1, 0x50, flags, 1024, 0, 0) + payload
    addresses = bytes((192, 0, 2, source, 192, 0, 2, destination))
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0) + addresses
    return bytes(12) + b"\x08\x00" + ip + tcp


def _batch(frames: list[bytes]) -> FrameBatch:
    length = np.array([len(frame) for frame in frames], np.int64)
    count = len(frames)
    return FrameBatch(
        np.frombuffer(b"".join(frames), np.uint8),
        np.cumsum(length) - length,
        length,
        length,
        np.arange(count, dtype=np.int64),
        np.full(count, _ETHERNET, np.int32),
        np.arange(1, count + 1, dtype=np.int64),
        np.zeros(count, np.int32),
    )
