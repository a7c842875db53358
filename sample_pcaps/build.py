"""Make the sample captures: `python sample_pcaps/build.py [--check]`.

Every run writes the same bytes. With --check nothing is written: the files must be as they would
be made, else the exit status is 1. A recording is none of its business: record_lab.py
makes that.
"""

from __future__ import annotations

import sys
from pathlib import Path

import branch_office
from pcap_files import pcap, pcapng
from truth import load_truth, perform

HERE = Path(__file__).resolve().parent


def make() -> dict[str, bytes]:
    """Make every capture; file name to content."""
    made = {branch_office.CAPTURE: branch_office.make()}
    for path in sorted(HERE.glob("*.truth.yaml")):
        truth = load_truth(path)
        if truth.capture not in made and not truth.recorded:
            frames = perform(truth).captured()
            plain = truth.capture.endswith(".pcap")
            made[truth.capture] = pcap(frames) if plain else pcapng(frames)
    return made


def main(arguments: list[str]) -> int:
    """Write the captures, or check them; give the exit status."""
    check = arguments == ["--check"]
    if arguments and not check:
        print(__doc__)
        return 2
    stale = 0
    for name, content in make().items():
        path = HERE / name
        if path.is_file() and path.read_bytes() == content:
            continue
        stale += 1
        print(f"{name}: {'differs' if check else f'{len(content):,} bytes'}")
        if not check:
            path.write_bytes(content)
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
