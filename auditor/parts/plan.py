"""Which files are read together: parts of the captures, one after the other in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.capture.urls import remember, reveal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditor.capture.merge import Track

    Place = tuple[int, int]
    """A time in nanoseconds, and the index of a capture: frames are merged in this order."""

_LARGEST, _SMALLEST = 2, 32
"""Parts are shares of what is left: a worker's part of it is taken at so many times, so that large
parts come first, whose borders cost little, and all workers end together; none is smaller than a
worker's share of the whole in so many."""
_LEAST_BYTES = 2_000_000
_MOST_BYTES = 256_000_000
"""A part is worth its way to a worker and back, and is small enough to wait for."""
_MOST_FILES = 64


@dataclass(frozen=True, slots=True)
class PartFile:
    """One capture file."""

    name: str
    """As it may be shown."""
    address: str
    """As it is opened."""
    index: int
    """Its place in CaptureFacts.files."""
    first_ns: int
    size: int
    """Bytes as stored; 0 if that is unknown."""

    @classmethod
    def of(cls, track: Track) -> PartFile:
        """Describe a capture that was peeked at."""
        return cls(track.name, reveal(track.name), track.index, track.first_ns, track.size)

    def recall(self) -> str:
        """Give the name, by which this process can open the file from now on."""
        remember(self.name, self.address)
        return self.name


@dataclass(frozen=True, slots=True)
class Part:
    """Files that one worker reads, merged by time."""

    files: tuple[PartFile, ...]
    together: bool = False
    """Whether the files overlap in time, so that they cannot be read apart."""

    @property
    def first(self) -> Place:
        """Where it begins."""
        return min((file.first_ns, file.index) for file in self.files)

    @property
    def size(self) -> int:
        """Bytes as stored."""
        return sum(file.size for file in self.files)

    def joined(self, other: Part) -> Part:
        """Make one part of two whose files overlap."""
        return Part((*self.files, *other.files), together=True)

    def halves(self) -> tuple[Part, ...]:
        """Make two parts of one, or give it alone where that cannot be."""
        middle = len(self.files) // 2
        if self.together or not middle:
            return (self,)
        return Part(self.files[:middle]), Part(self.files[middle:])


def plan_parts(files: Sequence[PartFile], workers: int) -> list[Part]:
    """Group files to parts, in the order of time in which they begin."""
    ordered = sorted(files, key=lambda file: (file.first_ns, file.index))
    # Files whose sizes nobody knows count as equal.
    known = all(file.size for file in ordered)
    sizes = [file.size if known else _MOST_BYTES // _MOST_FILES for file in ordered]
    left = sum(sizes)
    least = max(left / (_SMALLEST * workers), _LEAST_BYTES if known else 0)
    parts: list[Part] = []
    group: list[PartFile] = []
    grouped = 0
    for file, size in zip(ordered, sizes, strict=True):
        group.append(file)
        grouped += size
        if grouped >= min(max(left / (_LARGEST * workers), least), _MOST_BYTES):
            parts.append(Part(tuple(group)))
            left -= grouped
            group, grouped = [], 0
    return [*parts, Part(tuple(group))] if group else parts
