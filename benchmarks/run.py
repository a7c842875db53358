"""Measure the program beside its peers: `python benchmarks/run.py`.

    python benchmarks/run.py                           # everything but ten times the size
    python benchmarks/run.py big small --rounds 7
    python benchmarks/run.py --ten-times               # 12.7 GB of disk and of page cache
    python benchmarks/run.py --markdown docs/performance.md
    python benchmarks/run.py --fraction 0.01 --rounds 1   # does it run at all?

Captures are made in a temporary directory, or in --directory, and deleted after use unless --keep
is given. The exit status is 0 whatever the figures are: they are for reading.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "sample_pcaps"))

from experiments import EXPERIMENTS, LARGE, Bench
from measure import MeasureError
from tables import machine, render, versions, write_page


def main() -> int:
    """Run what the command line asks for; give the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [name for name in EXPERIMENTS if name not in LARGE]
    parser.add_argument("what", nargs="*", help=f"of {', '.join(names)}; default all")
    parser.add_argument("--ten-times", action="store_true", help="and what has ten times the size")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each program (5)")
    parser.add_argument("--directory", type=Path, help="where captures are made")
    parser.add_argument("--keep", action="store_true", help="keep them; asks for --directory")
    parser.add_argument("--fraction", type=float, default=1, help="part of the usual sizes (1)")
    parser.add_argument("--markdown", type=Path, help="put the tables into this page too")
    asked = parser.parse_args()
    if unknown := set(asked.what) - set(names):
        parser.error(f"expected of {', '.join(names)}, found {', '.join(sorted(unknown))}")
    if asked.keep and not asked.directory:
        parser.error("--keep: expected --directory beside it")
    if asked.rounds < 1:
        parser.error(f"--rounds: expected 1 or more, found {asked.rounds}")
    wanted = [*(asked.what or names), *(LARGE if asked.ten_times else ())]
    about = f"{machine()}.\n{versions()}."
    found = []
    with TemporaryDirectory(dir=asked.directory, prefix="auditor-benchmark-") as temporary:
        directory = asked.directory if asked.keep else Path(temporary)
        bench = Bench(directory.resolve(), asked.rounds, asked.fraction, asked.keep)
        for name in wanted:
            try:
                found.append(EXPERIMENTS[name](bench))
            except MeasureError as error:
                print(f"left out: {name}: {error}", file=sys.stderr)
    if asked.fraction != 1:
        about += f"\nAt {asked.fraction:g} of the usual sizes, for which the targets are not meant."
    print(f"{about}\n\n{render(found, markdown=False)}")
    if asked.markdown:
        write_page(asked.markdown, f"{about}\n\n{render(found, markdown=True)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
