"""Record the lab as a sample: `python sample_pcaps/record_lab.py`, as root on Linux.

The lab is that of tests/lab: network namespaces, with Debian's servers in them. No two recordings
are the same, so that build.py leaves this one alone.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Write the sample; give the exit status."""
    sys.path.append(str(HERE.parent / "tests"))
    from lab import recording, scenario, servers  # noqa: PLC0415 - it is found from here on

    if missing := [*recording.lacking(), *sorted(servers.absent())]:
        print(f"not installed: {', '.join(missing)}", file=sys.stderr)
        return 1
    stage = scenario.load_scenario(set())
    with tempfile.TemporaryDirectory() as directory, stage.network() as network:
        path = Path(directory, "mirror.pcapng")
        with recording.recorded(network, path):
            scenario.perform(stage, network, Path(directory))
        sample = recording.as_sample(path.read_bytes())
    (HERE / stage.truth.capture).write_bytes(sample)
    print(f"{stage.truth.capture}: {len(sample):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
