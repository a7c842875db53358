"""Make a benchmark capture: `python benchmarks/make.py OUT.pcap`, and its site file beside it.

    python benchmarks/make.py big.pcap                              # 2.5 million frames, 1.27 GB
    python benchmarks/make.py huge.pcapng --frames 25e6 --flows 470e3 --bytes 12.7e9
    python benchmarks/make.py crowd.pcap --crowd --flows 1e6        # small whole flows and scans
    python benchmarks/make.py ring --files 1000                     # a directory of 1,000 captures
    python benchmarks/make.py small.pcap --frames 1800 --flows 60 --bytes 0.9e6

The same options and the same seed give the same bytes with one version of numpy.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "sample_pcaps"))

from capture_maker import write_capture, write_ring, write_site_file
from capture_plan import FLOWS, FRAMES, SIZE_BYTES, Order, crowd_order, plan_capture


def main() -> int:
    """Make what the command line asks for; give the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="capture (.pcap, .pcapng), or directory for --files")
    parser.add_argument("--frames", type=_number, help=f"default {FRAMES:,}")
    parser.add_argument("--flows", type=_number, default=FLOWS, help=f"default {FLOWS:,}")
    parser.add_argument("--bytes", type=_number, help="size of the capture, about")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--crowd", action="store_true", help="no data beyond openings, more scans")
    parser.add_argument("--files", type=int, help="cut it into that many files")
    asked = parser.parse_args()
    if asked.crowd:
        order = crowd_order(asked.flows, asked.seed)
    else:
        frames = asked.frames or FRAMES
        size = asked.bytes or round(frames * SIZE_BYTES / FRAMES)
        order = Order(frames, asked.flows, size, seed=asked.seed)
    begun = time.perf_counter()
    try:
        plan = plan_capture(order)
    except ValueError as error:
        parser.error(str(error))
    if asked.files:
        asked.out.mkdir(parents=True, exist_ok=True)
        write_ring(plan, asked.out, asked.files)
    else:
        write_capture(plan, asked.out)
    site = asked.out.with_suffix(".hosts.yaml")
    write_site_file(plan, site)
    print(
        f"{asked.out}: {plan.frames:,} frames, {len(plan.flows):,} flows, {plan.seconds:,.0f} s of"
        f" traffic; {site}: {plan.cast.hosts:,} hosts; {time.perf_counter() - begun:.1f} s"
    )
    return 0


def _number(text: str) -> int:
    """Read a whole number, also as 2.5e6."""
    return int(float(text))


if __name__ == "__main__":
    sys.exit(main())
