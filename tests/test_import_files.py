"""auditor.site.importers: which kind of file it is, and files that are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.catalog.load import load_catalog
from auditor.errors import AuditError
from auditor.site.importers import IMPORTERS, import_file
from auditor.site.importers.textfile import read_text

if TYPE_CHECKING:
    from pathlib import Path

CATALOG = load_catalog()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give a place for a file."""
    return tmp_path / "file"


@pytest.mark.parametrize(
    ("text", "roles"),
    [
        ("#NS13.1 Build 48\nset ns config -IPAddress 10.0.0.1 -netmask 255.0.0.0\n", ("adc",)),
        ("\n\nadd server a 10.0.0.1\nset ns config -IPAddress 10.0.0.1\n", ("adc",)),
        (
            '#TYPE Citrix.Broker.Admin.SDK.Machine\n"DNSName","IPAddress"\n"a","10.0.0.1"\n',
            ("vda",),
        ),
        ('"CatalogName","DNSName","IPAddress"\n"c","a","10.0.0.1"\n', ("vda",)),
        (
            "#TYPE Selected.Citrix.Broker.Admin.SDK.Controller\nDNSName,IPAddress\na,10.0.0.1\n",
            ("ddc",),
        ),
        ("DNSName;DesktopsRegistered;IPAddress\na;3;10.0.0.1\n", ("ddc",)),
        ("address,roles,name\n10.0.0.1,sql-server,\n", ("sql-server",)),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_kind_is_found_out(
    file: Path, text: str, roles: tuple[str, ...], encoding: str
) -> None:
    """Configurations and tables are told by their first lines, in any usual encoding."""
    file.write_bytes(text.encode(encoding))
    (claim,) = import_file(file, CATALOG).claims
    assert claim.roles == roles
    assert claim.path == str(file)


def test_the_kind_can_be_said(file: Path) -> None:
    """A table without a telling column is read as what it is said to be."""
    file.write_text("DNSName,IPAddress\na,10.0.0.1\n")
    with pytest.raises(AuditError, match=r"expected an ns\.conf, .*; --kind says which it is$"):
        import_file(file, CATALOG)
    (claim,) = import_file(file, CATALOG, "broker-controllers").claims
    assert claim.roles == ("ddc",)


def test_big_endian_and_old_encodings_are_read(file: Path) -> None:
    """A byte order mark decides; without one it is UTF-8, or the encoding of old Windows."""
    file.write_bytes(b"\xfe\xff" + "Büro".encode("utf-16-be"))
    assert read_text(file) == "Büro"
    file.write_bytes("Büro".encode("cp1252"))
    assert read_text(file) == "Büro"


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"MZ\0\0\1", "expected text, found a zero byte"),
        ("no mark".encode("utf-16-le"), "expected text, found a zero byte"),
        (b"\xff\xfea", "expected UTF-16 text as its first bytes say"),
        (b"\xef\xbb\xbf\xff", "expected UTF-8 text as its first bytes say"),
    ],
)
def test_what_is_no_text_is_an_error(file: Path, raw: bytes, message: str) -> None:
    """Binary files are refused in one line that names them."""
    file.write_bytes(raw)
    with pytest.raises(AuditError) as error:
        read_text(file)
    assert str(error.value).startswith(f"{file}: {message}")


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """A directory, a missing file and a file without end are named, and nothing hangs."""
    for path in (tmp_path, tmp_path / "none", tmp_path / "a\0b"):
        with pytest.raises(AuditError, match="cannot be read"):
            read_text(path)


def test_a_file_of_absurd_size_is_an_error(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is not spent on what cannot be a configuration."""
    monkeypatch.setattr("auditor.site.importers.textfile._LARGEST", 10)
    file.write_bytes(b"x" * 10)
    assert read_text(file) == "x" * 10
    file.write_bytes(b"x" * 11)
    with pytest.raises(AuditError, match="expected a text of at most"):
        read_text(file)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    kind=st.sampled_from([None, *IMPORTERS]),
    head=st.sampled_from([b"", b"address,roles,name\n", b"DNSName;IPAddress\n", b"\xff\xfe"]),
    raw=st.binary(max_size=200),
)
def test_no_file_is_too_odd(file: Path, kind: str | None, head: bytes, raw: bytes) -> None:
    """Whatever bytes a file holds, it is claims or one of our errors."""
    file.write_bytes(head + raw)
    messages: list[str] = []
    try:
        messages += map(str, import_file(file, CATALOG, kind).notes)
    except AuditError as error:
        messages.append(str(error))
    assert all(message.startswith(f"{file}:") for message in messages)
