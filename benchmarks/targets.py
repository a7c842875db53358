"""What the program is held to: ratios against peers, and a few absolute bounds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A bound on a figure."""

    what: str
    bound: float
    unit: str
    """`x softflowd` for a ratio, else `s`, `MB`, `Mpkt/s`."""
    at_least: bool = False
    """Whether more is better."""


@dataclass(frozen=True)
class Check:
    """A target, and the figure held against it."""

    target: Target
    figure: float | None
    """None where nothing could be measured; `note` says why."""
    note: str = ""

    @property
    def verdict(self) -> str:
        """Say pass, fail, or that there is no figure."""
        if self.figure is None:
            return "not measured"
        target = self.target
        good = self.figure >= target.bound if target.at_least else self.figure <= target.bound
        return "pass" if good else "FAIL"


BIG_SOFTFLOWD = Target("1.27 GB", 0.75, "x softflowd")
BIG_NDPI = Target("1.27 GB", 0.25, "x ndpiReader")
BIG_NFSTREAM = Target("1.27 GB", 0.08, "x NFStream")
BIG_PEAK = Target("1.27 GB, peak memory", 300, "MB")
TEN_SOFTFLOWD = Target("12.7 GB", 0.4, "x softflowd")
TEN_CAT = Target("12.7 GB", 3, "x cat")
LONG_PEAK = Target("12.7 GB of 47,000 flows, peak memory", 300, "MB")
KERNEL_RATE = Target("frames to flow table, in process", 5, "Mpkt/s", at_least=True)
KERNEL_DPKT = Target("frames to flow table, in process", 100, "x dpkt's rate", at_least=True)
SMALL_SECONDS = Target("small capture", 1.0, "s")
SMALL_TSHARK = Target("small capture", 3, "x tshark -z conv,tcp")
CROWD_JUDGED = Target("1 million flows, judged", 5, "s")
CROWD_PEAK = Target("1 million flows, peak memory", 1200, "MB")
CROWD_JSON = Target("1 million flows, JSON", 10, "s")
CROWD_PARQUET = Target("1 million flows, Parquet", 2, "s")
RING_WORKERS = Target("1,000 captures, 2 workers", 1.7, "x one worker's rate", at_least=True)
