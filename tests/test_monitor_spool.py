"""auditor.outlets.spool and durable: a queue that outlives the process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from monitoring import fill, small_disk

from auditor.errors import AuditError
from auditor.outlets.durable import write_whole
from auditor.outlets.spool import MOST_ASIDE, Spool

if TYPE_CHECKING:
    from pathlib import Path


def drain(spool: Spool) -> list[bytes]:
    """Take everything out, in order."""
    contents = []
    while (entry := spool.head()) is not None:
        assert entry.content is not None
        contents.append(entry.content)
        spool.done(entry)
    return contents


@pytest.mark.parametrize("on_disk", [True, False])
def test_entries_come_out_in_the_order_in_which_they_went_in(
    tmp_path: Path, *, on_disk: bool
) -> None:
    """With a directory and without one."""
    spool = Spool(tmp_path / "q" if on_disk else None)
    spool.put([b"a", b"b"])
    spool.put([b"c"])
    assert len(spool) == 3
    assert drain(spool) == [b"a", b"b", b"c"]
    assert not list(tmp_path.glob("q/*.entry"))
    spool.close()


def test_another_process_goes_on_where_one_ended(tmp_path: Path) -> None:
    """What was queued and not sent is there, before what comes later; half a file is not."""
    first = Spool(tmp_path)
    first.put([b"a", b"b", b"c"])
    entry = first.head()
    assert entry is not None
    first.done(entry)
    first.close()
    (tmp_path / "00000000000000000009.entry.unfinished").write_bytes(b"half")
    second = Spool(tmp_path)
    second.put([b"d"])
    assert drain(second) == [b"b", b"c", b"d"]
    assert not list(tmp_path.glob("*.unfinished"))
    second.close()


def test_a_queue_belongs_to_one_process(tmp_path: Path) -> None:
    """A second one is told so, by the name of the directory."""
    pytest.importorskip("fcntl", reason="locks of this kind are not for Windows")
    spool = Spool(tmp_path)
    with pytest.raises(AuditError, match="in use by another auditor"):
        Spool(tmp_path)
    spool.close()
    Spool(tmp_path).close()


def test_a_directory_that_cannot_be_is_named(tmp_path: Path) -> None:
    """A file stands where the directory should be."""
    (tmp_path / "q").write_text("")
    with pytest.raises(AuditError, match=r"q: cannot hold a queue: File exists"):
        Spool(tmp_path / "q")


@given(
    st.lists(st.binary(min_size=1, max_size=20), max_size=40),
    st.integers(1, 12),
    st.integers(20, 120),
)
def test_a_full_queue_lets_the_oldest_go_and_counts_it(
    contents: list[bytes], most_entries: int, most_bytes: int
) -> None:
    """What stays is the longest tail that fits; nothing goes uncounted."""
    spool = Spool(None, most_entries=most_entries, most_bytes=most_bytes)
    for content in contents:
        spool.put([content])
    kept = drain(spool)
    assert kept == contents[len(contents) - len(kept) :]
    assert spool.dropped == len(contents) - len(kept)
    assert len(kept) <= most_entries
    assert sum(map(len, kept)) <= most_bytes
    rest = contents[: len(contents) - len(kept)]
    if rest and len(kept) < most_entries:
        assert len(rest[-1]) + sum(map(len, kept)) > most_bytes


def test_the_bounds_hold_for_what_an_earlier_process_left(tmp_path: Path) -> None:
    """The files of what is let go are removed as well."""
    spool = Spool(tmp_path)
    spool.put([b"a", b"b", b"c"])
    spool.close()
    spool = Spool(tmp_path, most_entries=1)
    assert (drain(spool), spool.dropped) == ([b"c"], 2)
    spool.close()


def test_what_was_let_go_while_it_was_sent_takes_no_other_with_it(tmp_path: Path) -> None:
    """The sender is done with an entry that the queue no longer has."""
    spool = Spool(tmp_path, most_entries=1)
    spool.put([b"a"])
    entry = spool.head()
    assert entry is not None
    spool.put([b"b"])
    spool.done(entry)
    assert drain(spool) == [b"b"]
    spool.close()


def test_a_file_that_is_gone_is_counted_as_lost(tmp_path: Path) -> None:
    """Somebody tidied up; the rest is still sent."""
    spool = Spool(tmp_path)
    spool.put([b"a", b"b"])
    min(tmp_path.glob("*.entry")).unlink()
    assert (drain(spool), spool.dropped) == ([b"b"], 1)
    spool.close()


def test_what_is_refused_for_good_is_kept_for_a_person(tmp_path: Path) -> None:
    """Beside the queue, no more than a bounded number, and never queued again."""
    spool = Spool(tmp_path)
    spool.put([b"%d" % number for number in range(MOST_ASIDE + 5)])
    while (entry := spool.head()) is not None:
        spool.set_aside(entry)
    spool.close()
    aside = sorted(tmp_path.glob("*.refused"))
    assert len(aside) == MOST_ASIDE
    assert aside[-1].read_bytes() == b"%d" % (MOST_ASIDE + 4)
    again = Spool(tmp_path)
    assert len(again) == 0
    again.put([b"new"])
    assert min(tmp_path.glob("*.entry")).stem > aside[-1].stem
    again.close()


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    """What does not fit waits in memory, and goes to disk in its place when there is room."""
    with small_disk(tmp_path / "disk") as disk:
        spool = Spool(disk / "q")
        spool.put([b"a"])
        ballast = fill(disk)
        spool.put([b"b" * 3000, b"c" * 3000])
        assert not spool.safe
        assert spool.problem is not None
        assert "No space left on device" in spool.problem
        ballast.unlink()
        spool.settle()
        assert spool.safe
        assert spool.problem is None
        spool.close()
        again = Spool(disk / "q")
        assert drain(again) == [b"a", b"b" * 3000, b"c" * 3000]
        again.close()


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    """A full disk leaves the old content, and no half file."""
    with small_disk(tmp_path / "disk") as disk:
        path = disk / "state"
        write_whole(path, b"old")
        fill(disk)
        with pytest.raises(OSError, match="No space left"):
            write_whole(path, b"n" * 9000)
        assert path.read_bytes() == b"old"
        assert sorted(p.name for p in disk.iterdir()) == ["ballast", "state"]
