"""Write a planned capture: one file, or a directory cut as a ring buffer would."""

from __future__ import annotations

import gzip
import shutil
import struct
from typing import TYPE_CHECKING

import numpy as np
from capture_bytes import Renderer
from capture_frames import Player
from capture_layouts import PCAP_RECORD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from capture_bytes import Records
    from capture_plan import Plan

_ETHERNET, _SNAPLEN = 1, 262_144


def write_capture(plan: Plan, path: Path) -> None:
    """Write one capture; a suffix of .pcapng makes it that."""
    pcapng = path.suffix == ".pcapng"
    with path.open("wb") as file:
        file.write(_file_head(pcapng=pcapng))
        for records in _records(plan, pcapng=pcapng):
            file.write(records.data.data)


def write_ring(plan: Plan, directory: Path, files: int) -> None:
    """Write the capture as that many pcap files, each with about as many frames."""
    ends = np.linspace(0, plan.frames, files + 1).astype(np.int64)[1:]
    file, number, frames = None, 0, 0
    for records in _records(plan, pcapng=False):
        starts = np.append(records.starts, len(records.data))
        at = 0
        while at < len(records.starts):
            if file is None:
                file = (directory / f"span_{number + 1:05d}.pcap").open("wb")
                file.write(_file_head(pcapng=False))
            upto = int(min(len(records.starts), at + ends[number] - frames))
            file.write(records.data[starts[at] : starts[upto]].data)
            frames, at = frames + upto - at, upto
            if frames == ends[number]:
                file.close()
                file, number = None, number + 1


def pack(directory: Path) -> None:
    """Compress every file, as a ring buffer's are before they are kept."""
    for path in sorted(directory.iterdir()):
        with path.open("rb") as file, gzip.open(f"{path}.gz", "wb", compresslevel=1) as packed:
            shutil.copyfileobj(file, packed)
        path.unlink()


def write_beginning(capture: Path, path: Path, frames: int) -> Path:
    """Copy the first frames of a pcap file that write_capture made; give the copy's path."""
    with capture.open("rb") as source, path.open("wb") as file:
        file.write(source.read(len(_file_head(pcapng=False))))
        for _ in range(frames):
            head = source.read(PCAP_RECORD.itemsize)
            file.write(head + source.read(int.from_bytes(head[8:12], "little")))
    return path


def write_site_file(plan: Plan, path: Path) -> None:
    """Write the site file that names the capture's hosts."""
    path.write_text(plan.cast.site_file(), encoding="utf-8")


def _records(plan: Plan, *, pcapng: bool) -> Iterator[Records]:
    renderer = Renderer(plan, pcapng=pcapng)
    return map(renderer.render, Player(plan).play())


def _file_head(*, pcapng: bool) -> bytes:
    if not pcapng:
        return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, _SNAPLEN, _ETHERNET)
    section = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    return section + struct.pack("<IIHHII", 1, 20, _ETHERNET, 0, _SNAPLEN, 20)
