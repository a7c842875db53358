"""What the mirror port hears, as dumpcap records it and as a sample holds it."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from capture_files import read_bytes
from pcap_files import Interface, pcapng
from wire import Frame

from .namespaces import LabError, stop
from .network import MIRROR
from .servers import find

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .network import Network

_NEEDED = ("bridge", "dumpcap", "ethtool", "ip", "nft", "nsenter", "setpriv", "ss", "unshare")
_PATIENCE_S = 60


def lacking() -> list[str]:
    """Name the programs without which there is no lab."""
    return [program for program in _NEEDED if not find(program)]


@contextmanager
def recorded(network: Network, path: Path) -> Iterator[None]:
    """Record what the mirror hears meanwhile, as pcapng."""
    log = path.with_suffix(".log")
    with log.open("wb") as told:
        dumpcap = network.monitor.start(["dumpcap", "-q", "-i", MIRROR, "-w", str(path)], told)
        try:
            ends_s = time.monotonic() + _PATIENCE_S
            while not (path.exists() and path.stat().st_size):
                if dumpcap.poll() is not None or time.monotonic() > ends_s:
                    raise LabError(f"dumpcap does not record: {log.read_text()}")
                time.sleep(0.05)
            yield
        finally:
            stop(dumpcap, signal.SIGINT)


def as_sample(recording: bytes) -> bytes:
    """Write a recording anew: dumpcap's own file says on which machine it was made."""
    frames = [Frame(each.time_ns, each.data, 0) for each in read_bytes(recording)]
    return pcapng(frames, [Interface(MIRROR)], maker="sample_pcaps/record_lab.py")
