"""How far a host-name pattern covers a name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.evidence.patterns import Coverage, Patterns, coverage

LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
NAME = st.lists(LABEL, min_size=1, max_size=4).map(".".join)


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("*.digicert.com", "crl3.digicert.com", Coverage.COVERS),
        ("*.digicert.com", "dl.cacerts.digicert.com", Coverage.SUPPORTS),
        ("*.digicert.com", "digicert.com", Coverage.NONE),
        ("*.digicert.com", "evildigicert.com", Coverage.NONE),
        ("*.digicert.com", "digicert.com.example.net", Coverage.NONE),
        ("*.digicert.com", "crl3.digicert.com.example.net", Coverage.NONE),
        ("*.digicert.com", ".digicert.com", Coverage.NONE),
        ("dl.cacerts.digicert.com", "dl.cacerts.digicert.com", Coverage.COVERS),
        ("dl.cacerts.digicert.com", "x.dl.cacerts.digicert.com", Coverage.NONE),
        ("*.DigiCert.com", "CRL3.digicert.COM", Coverage.COVERS),
        ("*", "example.com", Coverage.NONE),
        ("", "example.com", Coverage.NONE),
    ],
)
def test_one_label(pattern: str, name: str, expected: Coverage) -> None:
    """A star stands for one label for certain; deeper names are support, look-alikes nothing."""
    assert coverage(pattern, name) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gw1.nssvc.net", Coverage.COVERS),
        ("gw1.c.nssvc.net", Coverage.COVERS),
        ("a.b.c.d.nssvc.net", Coverage.COVERS),
        ("nssvc.net", Coverage.NONE),
        ("xnssvc.net", Coverage.NONE),
        ("nssvc.net.example.com", Coverage.NONE),
    ],
)
def test_any_depth(name: str, expected: Coverage) -> None:
    """Where the pattern says all subdomains, every depth is covered, and the apex still is not."""
    assert coverage("*.nssvc.net", name, any_depth=True) is expected


@given(NAME, NAME)
def test_depth_only_strengthens(below: str, apex: str) -> None:
    """Any depth covers whatever lies below the apex; one label covers no less than support."""
    name = f"{below}.{apex}"
    assert coverage(f"*.{apex}", name, any_depth=True) is Coverage.COVERS
    assert coverage(f"*.{apex}", name) >= Coverage.SUPPORTS
    assert coverage(f"*.{apex}", apex, any_depth=True) is Coverage.NONE
    assert coverage(name, name) is Coverage.COVERS


FEW = st.lists(st.sampled_from(("", "a", "B", "com")), max_size=4).map(".".join)
KEY = st.tuples(FEW | FEW.map("*.".__add__), st.booleans())


@given(st.sets(KEY), FEW)
def test_many_patterns(keys: set[tuple[str, bool]], name: str) -> None:
    """Of many patterns those are found of which each by itself covers or supports the name."""
    expected = {key: coverage(key[0], name, any_depth=key[1]) for key in keys}
    found = list(Patterns(keys).holding(name))
    assert dict(found) == {key: far for key, far in expected.items() if far is not Coverage.NONE}
    assert len(found) == len(dict(found))
