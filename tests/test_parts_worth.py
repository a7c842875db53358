"""How many processes read some captures soonest."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from part_files import write_capture

from auditor.capture import CaptureFacts
from auditor.capture.merge import Track, Window
from auditor.parts.worth import useful_workers

if TYPE_CHECKING:
    from pathlib import Path

GIGABYTE = 1_000_000_000


def tracks(count: int, size: int, *, packed: bool = False) -> list[Track]:
    """Invent captures of some bytes each."""
    made = [Track(str(index), index, Window(), CaptureFacts()) for index in range(count)]
    for track in made:
        track.size, track.packed = size, packed
    return made


@pytest.fixture(autouse=True)
def eight_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for eight of them."""
    processors(monkeypatch, 8)


def processors(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Let the machine have so many."""
    monkeypatch.setattr("auditor.parts.worth.available_processors", lambda: count)


def test_little_is_for_one() -> None:
    """However many files it is in."""
    assert useful_workers(tracks(1000, 1000), 8) == 1
    assert useful_workers(tracks(1000, 1000, packed=True), 8) == 1


def test_much_is_for_all() -> None:
    """Ten gigabytes are, packed or not."""
    for packed in (True, False):
        assert useful_workers(tracks(100, GIGABYTE // 10, packed=packed), 8) == 8


def test_two_win_only_by_unpacking() -> None:
    """One process reads ahead already, and has nothing to gain from another that does no more."""
    assert useful_workers(tracks(100, GIGABYTE // 10), 2) == 1
    assert useful_workers(tracks(100, GIGABYTE // 10, packed=True), 2) == 2


def test_a_worker_needs_a_file_and_something_to_do() -> None:
    """More than that would only wait."""
    assert useful_workers(tracks(3, GIGABYTE, packed=True), 8) == 3
    assert 2 <= useful_workers(tracks(100, 2_000_000, packed=True), 100) < 10


def test_processors_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight workers on one processor would take turns."""
    processors(monkeypatch, 1)
    assert useful_workers(tracks(100, GIGABYTE, packed=True), 8) == 1


def test_of_unknown_sizes_much_is_expected() -> None:
    """A URL that does not tell its size may be worth all workers."""
    assert useful_workers(tracks(100, 0), 8) == 8


def test_who_unpacks_is_seen_at_the_first_look(tmp_path: Path) -> None:
    """By the contents, not the name."""
    name = write_capture(tmp_path / "x.pcap", [(0, bytes(60))])
    (tmp_path / "y.pcap").write_bytes(gzip.compress((tmp_path / "x.pcap").read_bytes()))
    found = []
    for path in (name, str(tmp_path / "y.pcap")):
        track = Track(path, 0, Window(), CaptureFacts())
        track.peek()
        found.append(track.packed)
    assert found == [False, True]
