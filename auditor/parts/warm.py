"""Loads all that reads a part, kernels included: done once, before processes are copied off."""

from __future__ import annotations

import struct
from pathlib import Path
from tempfile import TemporaryDirectory

from auditor.capture.merge import Window
from auditor.parts.plan import Part, PartFile
from auditor.parts.reduce import Job, read_part

_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 1)
_FRAME = bytes(12) + b"\x08\x00" + b"\x45" + bytes(8) + b"\x11" + bytes(30)
_RECORD = struct.pack("<IIII", 0, 0, len(_FRAME), len(_FRAME)) + _FRAME


def warm_up() -> None:
    """Read a capture of a datagram, by way of every kernel."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        path = Path(directory) / "x.pcap"
        path.write_bytes(_HEADER + _RECORD)
        file = PartFile(str(path), str(path), 0, 0, path.stat().st_size)
        read_part(Part((file,)), Job(Window(), frozenset()))


warm_up()
