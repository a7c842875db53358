"""What Wireshark has to say against a capture."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

needs_tshark = pytest.mark.skipif(not shutil.which("tshark"), reason="needs tshark")

_CHECKSUMS = ("ip.check_checksum", "tcp.check_checksum", "udp.check_checksum")
_UNSOUND = "ip.checksum.status==0||tcp.checksum.status==0||udp.checksum.status==0||_ws.malformed"


def unsound(capture: Path) -> str:
    """List the frames with wrong checksums, and what is malformed."""
    options = [word for name in _CHECKSUMS for word in ("-o", f"{name}:TRUE")]
    return subprocess.run(
        ["tshark", "-r", capture, *options, "-Y", _UNSOUND],
        capture_output=True, check=True, text=True,
    ).stdout  # fmt: skip
