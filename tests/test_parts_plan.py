"""Which files are read together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.capture.urls import hide, reveal
from auditor.parts.plan import Part, PartFile, plan_parts


def file(index: int, first_ns: int, size: int) -> PartFile:
    """Describe a file."""
    return PartFile(f"{index}", f"{index}", index, first_ns, size)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 10**9)), min_size=1), st.integers(1, 9))
def test_every_file_is_in_one_part_in_order(given: list[tuple[int, int]], workers: int) -> None:
    """Parts follow each other in time, files of one time in the order given."""
    files = [file(index, *each) for index, each in enumerate(given)]
    parts = plan_parts(files, workers)
    planned = [each for part in parts for each in part.files]
    assert planned == sorted(files, key=lambda each: (each.first_ns, each.index))
    assert all(part.files for part in parts)
    assert sum(part.size for part in parts) == sum(each.size for each in files)


@pytest.mark.parametrize("size", [1_000_000, 0], ids=["known", "unknown"])
def test_large_parts_come_first(size: int) -> None:
    """Their borders cost little; the last ones are small, so that all workers end together."""
    parts = plan_parts([file(index, index, size) for index in range(1000)], workers=2)
    counts = [len(part.files) for part in parts]
    assert counts == sorted(counts, reverse=True) or counts[:-1] == sorted(counts[:-1])[::-1]
    assert 8 < len(parts) < 64
    assert counts[0] >= 4 * counts[-2]


def test_few_bytes_are_one_part() -> None:
    """To send a part away costs more than to read two megabytes."""
    assert len(plan_parts([file(index, index, 1000) for index in range(200)], workers=2)) == 1


def test_halves() -> None:
    """A part whose files do not overlap can be read in two; others and single files cannot."""
    one, two = (Part((file(index, index, 1),)) for index in range(2))
    assert Part((*one.files, *two.files)).halves() == (one, two)
    assert one.halves() == (one,)
    together = one.joined(two)
    assert together.halves() == (together,)
    assert together.first == (0, 0)


def test_another_process_opens_what_is_hidden() -> None:
    """A URL's secret travels with the file, and never in its name."""
    url = "ftp://me:secret-of-parts@host/x.pcap"
    name = hide(url)
    part_file = PartFile(name, url, 0, 0, 1)
    assert "secret" not in part_file.recall()
    assert reveal(part_file.recall()) == url
