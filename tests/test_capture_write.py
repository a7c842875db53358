"""auditor.capture.write: what is written is read back, by us and by Wireshark."""

from __future__ import annotations

import io
import subprocess
from typing import TYPE_CHECKING

from capture_files import NOON_NS, Frame, frames_in, numbered, open_bytes, read_bytes
from hypothesis import given
from hypothesis import strategies as st
from small_office import needs_tshark

from auditor.capture.walk import MAX_TIME_NS
from auditor.capture.write import PcapngWriter

if TYPE_CHECKING:
    from pathlib import Path

LONG = 0xFFFF

frames = st.builds(
    lambda data, more, time_ns, linktype: Frame(time_ns, data, len(data) + more, linktype),
    st.binary(max_size=200),
    st.integers(0, 2000),
    st.integers(0, MAX_TIME_NS),
    st.sampled_from([0, 1, 101, 113, 276, 0xFFFF]),
)


def written(given: list[Frame], comment: str = "", *, section: str = "") -> bytes:
    """Write frames, each with the same comment."""
    out = io.BytesIO()
    writer = PcapngWriter(out, application="test", comment=section)
    for each in given:
        writer.write(
            each.data,
            time_ns=each.time_ns,
            wire_len=each.wire_len,
            linktype=each.linktype,
            comment=comment,
        )
    return out.getvalue()


@given(st.lists(frames, max_size=8), st.text(max_size=40), st.text(max_size=40))
def test_frames_are_read_back_as_they_were(given: list[Frame], comment: str, section: str) -> None:
    """Bytes, lengths, nanoseconds and link types survive, whatever the comments are."""
    assert read_bytes(written(given, comment, section=section)) == numbered(given)


def test_a_link_type_is_declared_once() -> None:
    """Frames of two link types share two interfaces, however they alternate."""
    given = [Frame(NOON_NS + at, b"x", 1, at % 2) for at in range(6)]
    stream = open_bytes(written(given))
    batch = stream.read()
    assert batch is not None
    assert written(given).count((1).to_bytes(4, "little") + (32).to_bytes(4, "little")) == 2
    assert frames_in([batch])[0].linktype == 0


def test_a_comment_is_cut_between_characters() -> None:
    """A comment longer than an option ends in dots, and never in half a character."""
    data = written([Frame(NOON_NS, b"x", 1)], "\u00e9" * LONG)
    option = data.index(b"\x01\x00\xff\xff")
    text = data[option + 4 : option + 4 + LONG].decode()
    assert text == "\u00e9" * ((LONG - 3) // 2) + "..."


def test_what_utf8_cannot_express_is_replaced() -> None:
    """A file name with bytes that are no text does not end the writing."""
    assert b"caf?.pcap" in written([], section="caf\udce9.pcap")


@needs_tshark
def test_wireshark_shows_the_comments(tmp_path: Path) -> None:
    """Wireshark reads the file without complaint, with comments and nanoseconds."""
    path = tmp_path / "x.pcapng"
    path.write_bytes(written([Frame(NOON_NS + 7, bytes(60), 60)], "h\u00f6her\nzweite"))
    command = (
        "tshark",
        "-r",
        path,
        "-T",
        "fields",
        "-e",
        "frame.time_epoch",
        "-e",
        "frame.comment",
    )
    ran = subprocess.run(command, capture_output=True, check=True)
    assert ran.stdout.decode().strip() == "1700000000.000000007\th\u00f6her\\nzweite"
