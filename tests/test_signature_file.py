"""Reading the file of signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from auditor.errors import RulesError
from auditor.evidence.signature_file import read_signatures
from auditor.evidence.signatures import SignatureSet, Strength
from auditor.records import IPPROTO_TCP, IPPROTO_UDP

if TYPE_CHECKING:
    from pathlib import Path

PROTOCOLS = """\
protocols:
  - {id: parent, title: Parent, first-speaker: server}
  - {id: child, title: Child, kind-of: parent, encrypted: true}
"""
SIGNATURE = """\
  - id: one
    protocol: parent
    transport: [tcp, udp]
    from: client
    offset: 2
    bytes: [0A .. f0, 0b 00 00 00]
    minimum-length: 9
    strength: strong
    source: a page
"""
FILE = PROTOCOLS + "signatures:\n" + SIGNATURE


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Name the file that a test writes."""
    return tmp_path / "signatures.yaml"


def mistakes(path: Path, text: str) -> list[str]:
    """Read a file that must be refused; give its problems without the path."""
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RulesError) as caught:
        SignatureSet.load(path)
    return [str(problem).removeprefix(f"{path}:") for problem in caught.value.problems]


def test_values(written: Path) -> None:
    """A signature is read as it is written, with alternatives and bytes that may be anything."""
    written.write_text(FILE, encoding="utf-8")
    protocols, (signature,) = read_signatures(written)
    assert protocols["parent"].first_speaker == "server"
    assert protocols["child"].encrypted
    assert protocols["child"].kind_of == "parent"
    assert signature.transports == (IPPROTO_TCP, IPPROTO_UDP)
    assert signature.sender == "client"
    assert signature.strength is Strength.STRONG
    assert signature.source == "a page"
    assert signature.fits((b"xx\x0ayyyyyy\xf0"[:3] + b"\x99\xf0zzzz",), 0)
    assert signature.fits((b"xx\x0b\0\0\0zzz",), 0)
    assert not signature.fits((b"xx\x0a\x99\xf0zzz",), 0)
    assert not signature.fits((b"xx\x0b\0\0\1zzz",), 0)


def test_mask_length_and_text(written: Path) -> None:
    """A mask picks bits, a length field must fit, a text may stand in any case."""
    more = """\
  - id: two
    protocol: parent
    transport: udp
    from: either
    bytes: 40 ff
    mask: c0 0f
    length: {offset: 2, bytes: 1, plus: 3, fit: within}
    contains: Hello
    strength: weak
    source: a page
"""
    written.write_text(PROTOCOLS + "signatures:\n" + more, encoding="utf-8")
    _, (signature,) = read_signatures(written)
    assert signature.first_bytes == frozenset(range(0x40, 0x80))
    assert signature.fits((b"\x7f\x1f\x05hELLo and more",), 0)
    assert not signature.fits((b"\x7f\x1e\x05hello",), 0)
    assert not signature.fits((b"\x7f\x1f\x06hello",), 0)
    assert not signature.fits((b"\x7f\x1f\x05hullo",), 0)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("protocol: parent", "protocol: parrot",
         "6: 'protocol': 'parrot' is not among the protocols above"),
        ("[tcp, udp]", "tpc", "7: 'transport': expected tcp, udp or sctp, found 'tpc'"),
        ("    transport: [tcp, udp]\n", "", "5: 'transport' is missing"),
        ("from: client", "from: cleint",
         "8: 'from': 'cleint' is not known; did you mean 'client'?"),
        ("    from: client\n", "", "5: 'from' is missing"),
        ("0A .. f0", "0A . f0", "10: 'bytes': expected pairs of hexadecimal digits, found '.'"),
        ("0A .. f0", "0xA", "10: 'bytes': expected pairs of hexadecimal digits, found '0xA'"),
        ("offset: 2", "mask: ff", "9: 'mask': expected 3 bytes, found 1"),
        ("offset: 2", "ofset: 2", "9: unknown key 'ofset'; did you mean 'offset'?"),
        ("offset: 2", "text: ab", "9: give either 'bytes' or 'text'"),
        ("offset: 2", "check: tls-record",
         "9: 'check': 'tls-record' is no known check; did you mean 'tls-records'?"),
        ("offset: 2", "series-check: melody",
         "9: 'series-check': 'melody' is no known check; docs/signatures.md lists them"),
        ("offset: 2", "contains: größe", "9: expected ASCII text"),
        ("offset: 2", "contains: a\n    first-line-contains: b",
         "10: give either 'contains' or 'first-line-contains'"),
        ("offset: 2", "length: {offset: 1, bytes: 2}", "9: 'fit' is missing"),
        ("    bytes: [0A .. f0, 0b 00 00 00]\n", "",
         "5: would fit any payload; expected 'bytes', 'text', 'contains' or 'check'"),
        ("0A .. f0", "'.. ..'", "10: an alternative that would fit any payload"),
        ("id: one", "id: One", "5: 'id': expected lower-case words joined by hyphens, found 'One'"),
        ("strength: strong", "strength: string",
         "12: 'strength': 'string' is not known; did you mean 'strong'?"),
        ("    source: a page\n", "", "5: 'source' is missing"),
        ("id: child", "id: parent", "3: protocol 'parent' stands here twice"),
        ("kind-of: parent", "kind-of: nobody", "3: 'kind-of': no protocol 'nobody' stands above"),
    ],
)  # fmt: skip
def test_mistakes(written: Path, old: str, new: str, problem: str) -> None:
    """Each mistake is one line that says where it is, what was found and what was expected."""
    assert old in FILE
    assert problem in mistakes(written, FILE.replace(old, new, 1))


def test_all_mistakes_at_once(written: Path) -> None:
    """A file with several mistakes has them all listed, in line order."""
    text = FILE.replace("from: client", "from: x").replace("strength: strong", "strength: x")
    assert [problem.split(":")[0] for problem in mistakes(written, text)] == ["8", "12"]


def test_same_id_twice(written: Path) -> None:
    """Two signatures of one id are a mistake."""
    assert mistakes(written, FILE + SIGNATURE) == ["14: signature 'one' stands here twice"]


def test_use_below_its_protocol(written: Path) -> None:
    """A use of a protocol that stands below it could never win, and is refused."""
    below = SIGNATURE.replace("id: one", "id: two").replace("protocol: parent", "protocol: child")
    assert mistakes(written, FILE + below) == ["14: must stand above 'one', which it refines"]


def test_unreadable_file(written: Path) -> None:
    """A missing file is named, and so is one that is no YAML."""
    with pytest.raises(RulesError, match=r"signatures\.yaml: cannot be read"):
        SignatureSet.load(written)
    assert mistakes(written, "protocols: [") != []
