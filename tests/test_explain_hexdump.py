"""auditor.explain.hexdump: bytes that can be read back and move no cursor."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from auditor.explain.hexdump import hexdump, printable


@given(st.binary(max_size=300))
def test_a_dump_holds_every_byte_once(data: bytes) -> None:
    """The hexadecimal columns read back as the bytes, and the text beside them is as long."""
    lines = list(hexdump(data))
    assert b"".join(bytes.fromhex(line[6:54]) for line in lines) == data
    assert "".join(line[56:] for line in lines) == printable(data)
    assert [int(line[:4], 16) for line in lines] == list(range(0, len(data), 16))


@given(st.binary(max_size=300))
def test_a_dump_is_plain_ascii(data: bytes) -> None:
    """Whatever the bytes are, each line is printable, and fits."""
    for line in hexdump(data):
        assert line.isascii()
        assert line.isprintable()
        assert len(line) <= 72


def test_a_dump_looks_as_expected() -> None:
    """Offset, two halves of eight bytes, and ASCII."""
    assert list(hexdump(b"GET / HTTP/1.1\r\nA")) == [
        "0000  47 45 54 20 2f 20 48 54  54 50 2f 31 2e 31 0d 0a  GET / HTTP/1.1..",
        "0010  41                                                A",
    ]
